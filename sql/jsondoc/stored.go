package jsondoc

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/apd/v3"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/temporal"
)

// A document is stored as its text, so that it is sent as it is stored. Where a scalar is of a kind that its text does not tell, the kinds follow: a zero byte, which no
// text holds, an entry for each such scalar, and a zero byte. An entry is how many scalars lie between it and the one of the entry before (uvarint, in the text's order,
// names of members not counted), and a kind.
const (
	kindDate     = 'd'
	kindTime     = 't'
	kindDatetime = 'D'
	kindDecimal  = 'n'
	kindInteger  = 'i'
	kindUnsigned = 'u'
	kindOpaque   = 'o' // its type is part of the text
)

// Stored is the form in which tables hold a document.
func Stored(ctx context.Context, j sql.JSONWrapper) ([]byte, error) {
	if l, ok := j.(*Lazy); ok {
		return l.stored, nil
	}
	text, err := types.JsonToMySqlBytes(ctx, j)
	if err != nil {
		return nil, err
	}
	doc, err := j.ToInterface(ctx)
	if err != nil {
		return nil, err
	}
	switch j.(type) { // scalars that are wrappers themselves
	case Temporal, Opaque, Double:
		doc = j
	}
	if !untold(ctx, doc) {
		return text, nil
	}
	m := marker{ctx: ctx, d: json.NewDecoder(bytes.NewReader(text)), out: append(slices.Clip(text), 0)}
	m.d.UseNumber()
	if err := m.value(doc); err != nil {
		return nil, fmt.Errorf("store a document: %w", err)
	}
	return append(m.out, 0), nil
}

// untold reports whether a document holds a scalar whose kind its text does not tell.
func untold(ctx context.Context, v any) bool {
	switch v := v.(type) {
	case []any:
		return slices.ContainsFunc(v, func(x any) bool { return untold(ctx, x) })
	case map[string]any:
		for _, x := range v {
			if untold(ctx, x) {
				return true
			}
		}
		return false
	}
	return kindOf(v) != 0
}

// kindOf is the kind of a scalar that its text does not tell, 0 for all others.
func kindOf(v any) byte {
	switch v := v.(type) {
	case Temporal:
		switch v.Kind {
		case "DATE":
			return kindDate
		case "TIME":
			return kindTime
		}
		return kindDatetime
	case Opaque:
		return kindOpaque
	case *apd.Decimal:
		return kindDecimal
	case uint64:
		if v <= math.MaxUint32 {
			return kindUnsigned
		}
	case uint32, uint16, uint8, uint:
		return kindUnsigned
	case int64:
		if v > math.MaxUint32 {
			return kindInteger
		}
	case float64:
		if v > math.MaxUint32 && v <= exact && v == math.Trunc(v) {
			return kindInteger
		}
	}
	return 0
}

// marker writes the kinds of a document beside reading its text, whose order of members counts.
type marker struct {
	ctx context.Context
	d   *json.Decoder
	out []byte
	gap uint64
}

func (m *marker) value(v any) error {
	t, err := m.d.Token()
	if err != nil {
		return err
	}
	switch t {
	case json.Delim('['):
		list, ok := v.([]any)
		for i := 0; m.d.More(); i++ {
			if !ok || i >= len(list) {
				return fmt.Errorf("a %T where its text has an array", v)
			}
			if err := m.value(list[i]); err != nil {
				return err
			}
		}
		_, err = m.d.Token()
		return err
	case json.Delim('{'):
		o, ok := v.(map[string]any)
		if !ok {
			return fmt.Errorf("a %T where its text has an object", v)
		}
		for m.d.More() {
			name, err := m.d.Token()
			if err != nil {
				return err
			}
			if err := m.value(o[name.(string)]); err != nil {
				return err
			}
		}
		_, err = m.d.Token()
		return err
	}
	if k := kindOf(v); k != 0 {
		m.out = append(binary.AppendUvarint(m.out, m.gap), k)
		m.gap = 0
	} else {
		m.gap++
	}
	return nil
}

// NewLazy is the document that a stored form is, which must not change.
func NewLazy(stored []byte) *Lazy {
	l := &Lazy{Text: stored, stored: stored}
	if n := len(stored); n > 0 && stored[n-1] == 0 {
		if at := bytes.IndexByte(stored, 0); at < n-1 {
			l.Text = stored[:at:at]
			l.kinds = stored[at+1 : n-1]
		}
	}
	l.doc = onceDoc(l)
	return l
}

// Wrap is a value as a document. A date, a time or bytes are their own: to what knows no JSON they are their text.
func Wrap(v any) sql.JSONWrapper {
	switch v := v.(type) {
	case Temporal:
		return v
	case Opaque:
		return v
	}
	return types.JSONDocument{Val: v}
}

// Load is the document of a stored form, which must not change.
func Load(stored []byte) (sql.JSONWrapper, error) {
	l := NewLazy(stored)
	if l.kinds == nil || l.Text[0] == '{' || l.Text[0] == '[' {
		return l, nil
	}
	v, err := l.doc()
	return Wrap(v), err
}

// Stored is the document's stored form, not to be changed.
func (l *Lazy) Stored() []byte { return l.stored }

// reader reads a document whose kinds are known.
type reader struct {
	d     *json.Decoder
	kinds []byte
	gap   uint64 // scalars before the one of the next kind
	next  byte   // 0: there is none
}

// decodeKinds reads the text of a document with kinds.
func decodeKinds(text, kinds []byte) (any, error) {
	r := reader{d: json.NewDecoder(bytes.NewReader(text)), kinds: kinds}
	r.d.UseNumber()
	r.advance()
	return r.value()
}

func (r *reader) advance() {
	n, w := binary.Uvarint(r.kinds)
	if w <= 0 || w >= len(r.kinds) {
		r.next = 0
		return
	}
	r.gap, r.next, r.kinds = n, r.kinds[w], r.kinds[w+1:]
}

func (r *reader) value() (any, error) {
	t, err := r.d.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('['):
		list := []any{}
		for r.d.More() {
			x, err := r.value()
			if err != nil {
				return nil, err
			}
			list = append(list, x)
		}
		_, err = r.d.Token()
		return list, err
	case json.Delim('{'):
		o := map[string]any{}
		for r.d.More() {
			name, err := r.d.Token()
			if err != nil {
				return nil, err
			}
			if o[name.(string)], err = r.value(); err != nil {
				return nil, err
			}
		}
		_, err = r.d.Token()
		return o, err
	}
	kind := byte(0)
	if r.next != 0 {
		if r.gap == 0 {
			kind = r.next
			r.advance()
		} else {
			r.gap--
		}
	}
	return scalar(t, kind)
}

// scalar is a token as the value that its kind says.
func scalar(t json.Token, kind byte) (any, error) {
	switch t := t.(type) {
	case json.Number:
		switch kind {
		case kindDecimal:
			d, _, err := apd.NewFromString(string(t))
			return d, err
		case kindUnsigned:
			return strconv.ParseUint(string(t), 10, 64)
		case kindInteger:
			n, err := strconv.ParseInt(string(t), 10, 64)
			return Integer(n), err
		}
		return number(string(t))
	case string:
		switch kind {
		case kindDate:
			return readTemporal("DATE", t), nil
		case kindTime:
			return readTemporal("TIME", t), nil
		case kindDatetime:
			return readTemporal("DATETIME", t), nil
		case kindOpaque:
			return parseOpaque(t)
		}
	}
	return t, nil
}

// temporal is a date or time of its text, which is one that this package's printed.
func readTemporal(kind, text string) Temporal {
	v := Temporal{Kind: kind, Text: text}
	if kind == "TIME" {
		var h, m, s, us int64
		clock, negative := strings.CutPrefix(text, "-")
		if _, err := fmt.Sscanf(clock, "%d:%d:%d.%d", &h, &m, &s, &us); err != nil {
			return v
		}
		if v.At = ((h*60+m)*60+s)*1e6 + us; negative {
			v.At = -v.At
		}
		return v
	}
	var y, mon, d, h, m, s, us int
	if n, _ := fmt.Sscanf(text, "%d-%d-%d %d:%d:%d.%d", &y, &mon, &d, &h, &m, &s, &us); n >= 3 {
		v.At = temporal.Value{Year: y, Month: mon, Day: d, Hour: h, Minute: m, Second: s, Micro: us}.Packed()
	}
	return v
}

// An Opaque is bytes of one of MySQL's types that JSON has nothing of.
type Opaque struct {
	Field uint8 // the protocol's number of the type
	Bytes string
}

var _ types.ComparableJSON = Opaque{}

// The types of MySQL's that opaque values are of here.
const (
	FieldVarchar    = 15
	FieldBit        = 16
	FieldTinyBlob   = 249
	FieldMediumBlob = 250
	FieldLongBlob   = 251
	FieldBlob       = 252
	FieldString     = 254
	FieldGeometry   = 255
)

// Text is what MySQL prints of it.
func (o Opaque) Text() string {
	return "base64:type" + strconv.Itoa(int(o.Field)) + ":" + base64.StdEncoding.EncodeToString([]byte(o.Bytes))
}

func parseOpaque(text string) (any, error) {
	field, body, ok := strings.Cut(strings.TrimPrefix(text, "base64:type"), ":")
	n, err := strconv.ParseUint(field, 10, 8)
	if err != nil || !ok {
		return text, nil
	}
	b, err := base64.StdEncoding.DecodeString(body)
	return Opaque{uint8(n), string(b)}, err
}

// MarshalJSON implements json.Marshaler.
func (o Opaque) MarshalJSON() ([]byte, error) { return strconv.AppendQuote(nil, o.Text()), nil }

// ToInterface implements sql.JSONWrapper.
func (o Opaque) ToInterface(context.Context) (any, error) { return o.Text(), nil }

// Clone implements sql.JSONWrapper.
func (o Opaque) Clone(context.Context) sql.JSONWrapper { return o }

// Compare implements types.ComparableJSON.
func (o Opaque) Compare(_ context.Context, other any) (int, error) { return Compare(o, other) }

// JsonType implements types.ComparableJSON.
func (o Opaque) JsonType(context.Context) (string, error) { return Type(o), nil }

// kind is JSON_TYPE's name of it.
func (o Opaque) kind() string {
	switch o.Field {
	case FieldBit:
		return "BIT"
	case FieldVarchar, FieldTinyBlob, FieldMediumBlob, FieldLongBlob, FieldBlob, FieldString:
		return "BLOB"
	}
	return "OPAQUE"
}
