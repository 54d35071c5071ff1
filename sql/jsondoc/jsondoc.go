// Package jsondoc owns JSON documents as values: how a text becomes one, which of MySQL's kinds a value is of, and how documents compare (MySQL 8.0 Reference
// Manual, "The JSON Data Type"). Values are those of encoding/json, as the library has them, but for numbers that a float64 does not tell: an integer below
// -2^53 is an int64, one past 2^32 a uint64, as it is to MySQL, and a number written with a point or an exponent that is a whole one is a Double.
package jsondoc

import (
	"bytes"
	"context"
	"database/sql/driver"
	"encoding/json"
	"io"
	"math"
	"strconv"
	"strings"
	"sync"

	"github.com/cockroachdb/apd/v3"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
)

// exact is up to where every integer is a float64.
const exact = 1 << 53

// Decode reads a document's text. Errors are encoding/json's.
func Decode(text []byte) (doc any, err error) {
	if !remarkable(text) {
		err = json.Unmarshal(text, &doc)
		return doc, err
	}
	if !json.Valid(text) { // the error, with its place in the whole text
		return nil, json.Unmarshal(text, &doc)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&doc); err != nil && err != io.EOF {
		return nil, err
	}
	return numbered(doc)
}

// remarkable reports whether a text may hold a number that a float64 does not tell: one past 32 bits, or with a point or an exponent. Strings are not told apart.
func remarkable(text []byte) bool {
	digits := 0
	for i, b := range text {
		if b < '0' || b > '9' {
			if digits > 0 && (b == 'e' || b == 'E' || b == '.') && i+1 < len(text) {
				return true
			}
			digits = 0
			continue
		}
		if digits++; digits > 10 || digits == 10 && text[i-9] > '3' {
			return true
		}
	}
	return false
}

// numbered puts numbers in the place of their texts.
func numbered(v any) (any, error) {
	var err error
	switch v := v.(type) {
	case json.Number:
		return number(string(v))
	case []any:
		for i := range v {
			if v[i], err = numbered(v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for name, x := range v {
			if v[name], err = numbered(x); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

func number(text string) (any, error) {
	if !strings.ContainsAny(text, ".eE") {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && n <= math.MaxUint32 {
			return Integer(n), nil
		}
		if n, err := strconv.ParseUint(text, 10, 64); err == nil {
			return n, nil
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, &json.UnmarshalTypeError{Value: "number " + text}
	}
	return Real(f), nil
}

// Integer is an integer as a value of documents.
func Integer(n int64) any {
	if n >= -exact && n <= exact {
		return float64(n)
	}
	return n
}

// Real is a floating-point number as a value of documents.
func Real(f float64) any {
	if a := math.Abs(f); f == math.Trunc(f) || a < 1e-15 {
		return Double(f)
	}
	return f
}

// A Double is a floating-point number whose text tells that it is one: 1.0, 1e100.
type Double float64

var _ types.ComparableJSON = Double(0)

// MarshalJSON implements json.Marshaler, by which the library prints what it does not know.
func (d Double) MarshalJSON() ([]byte, error) {
	f := float64(d)
	if a := math.Abs(f); a != 0 && (a < 1e-15 || a >= 1e15) {
		b := strconv.AppendFloat(nil, f, 'e', -1, 64)
		return []byte(strings.NewReplacer("e+0", "e", "e-0", "e-", "e+", "e").Replace(string(b))), nil
	}
	b := strconv.AppendFloat(nil, f, 'f', -1, 64)
	if bytes.IndexByte(b, '.') < 0 {
		b = append(b, ".0"...)
	}
	return b, nil
}

// ToInterface implements sql.JSONWrapper.
func (d Double) ToInterface(context.Context) (any, error) { return float64(d), nil }

// Clone implements sql.JSONWrapper.
func (d Double) Clone(context.Context) sql.JSONWrapper { return d }

// Compare implements types.ComparableJSON.
func (d Double) Compare(_ context.Context, other any) (int, error) { return Compare(d, other) }

// JsonType implements types.ComparableJSON.
func (d Double) JsonType(context.Context) (string, error) { return "DOUBLE", nil }

// A Temporal is a date or time: its text, and the moment by which it is ordered, in microseconds.
type Temporal struct {
	Kind string // DATE, TIME or DATETIME
	Text string
	At   int64
}

var _ types.ComparableJSON = Temporal{}

// MarshalJSON implements json.Marshaler.
func (t Temporal) MarshalJSON() ([]byte, error) { return strconv.AppendQuote(nil, t.Text), nil }

// ToInterface implements sql.JSONWrapper.
func (t Temporal) ToInterface(context.Context) (any, error) { return t.Text, nil }

// Clone implements sql.JSONWrapper.
func (t Temporal) Clone(context.Context) sql.JSONWrapper { return t }

// Compare implements types.ComparableJSON.
func (t Temporal) Compare(_ context.Context, other any) (int, error) { return Compare(t, other) }

// JsonType implements types.ComparableJSON.
func (t Temporal) JsonType(context.Context) (string, error) { return t.Kind, nil }

// A Lazy is a document that is read when it is first looked into.
type Lazy struct {
	Text   []byte
	stored []byte // the text, with kinds if there are any
	kinds  []byte
	doc    func() (any, error)
}

var _ types.JSONBytes = (*Lazy)(nil)

func onceDoc(l *Lazy) func() (any, error) {
	return sync.OnceValues(func() (any, error) {
		if l.kinds != nil {
			return decodeKinds(l.Text, l.kinds)
		}
		return Decode(l.Text)
	})
}

// ToInterface implements sql.JSONWrapper. What it gives must not be changed.
func (l *Lazy) ToInterface(context.Context) (any, error) { return l.doc() }

// Clone implements sql.JSONWrapper.
func (l *Lazy) Clone(context.Context) sql.JSONWrapper { return NewLazy(l.stored) }

// GetBytes implements types.JSONBytes.
func (l *Lazy) GetBytes(context.Context) ([]byte, error) { return l.Text, nil }

// String implements fmt.Stringer.
func (l *Lazy) String() string { return string(l.Text) }

// Value implements driver.Valuer.
func (l *Lazy) Value() (driver.Value, error) { return string(l.Text), nil }

// Text is a document as MySQL writes it.
func Text(doc any) (string, error) { return types.JSONDocument{Val: doc}.JSONString() }

// Type is JSON_TYPE's name of a value's kind.
func Type(v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case bool:
		return "BOOLEAN"
	case string:
		return "STRING"
	case []any:
		return "ARRAY"
	case map[string]any:
		return "OBJECT"
	case *apd.Decimal:
		return "DECIMAL"
	case int, int8, int16, int32, int64:
		return "INTEGER"
	case uint, uint8, uint16, uint32, uint64:
		return "UNSIGNED INTEGER"
	case float64:
		if v == math.Trunc(v) && math.Abs(v) <= exact {
			return "INTEGER"
		}
		return "DOUBLE"
	case float32, Double:
		return "DOUBLE"
	case Temporal:
		return v.Kind
	case Opaque:
		return v.kind()
	}
	return "OPAQUE"
}
