package item

import (
	"strings"

	"github.com/cockroachdb/apd/v3"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	builtin "github.com/dolthub/go-mysql-server/sql/expression/function"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/temporal"
)

// Kind is what a value is before anything converts it.
type Kind uint8

const (
	Other Kind = iota // spatial values, tuples: left to the library
	Null
	Int
	Decimal
	Real
	String
	Date
	Datetime
	Time
	Enum
	Set
	Bit
	Year
	JSON
)

const (
	notFixed = 31 // decimals of a floating number that has as many as it needs
	maxScale = 30
	maxPrec  = 65
	divMore  = 4 // div_precision_increment
)

// Attr is the static type of an expression.
type Attr struct {
	Kind     Kind
	Unsigned bool
	Bool     bool // an Int of 0 and 1
	Hex      bool // a hexadecimal literal: a number in numeric context
	Const    bool // a literal
	Prec     int  // digits of an Int or Decimal
	Dec      int  // decimals of a Decimal or Real, fractional digits of a Datetime or Time
	Coll     sql.CollationID
	Coerc    byte
	typ      sql.Type
}

// typed is an expression of this package.
type typed interface{ attr() Attr }

func (a *Attr) integer() bool { return a.Kind == Int || a.Kind == Bit || a.Kind == Year }

func (a *Attr) temporal() bool { return a.Kind == Date || a.Kind == Datetime || a.Kind == Time }

func (a *Attr) dated() bool { return a.Kind == Date || a.Kind == Datetime }

// text reports whether the value is a string by itself.
func (a *Attr) text() bool {
	return a.Kind == String || a.Kind == Enum || a.Kind == Set
}

// number is the type of the value in arithmetic.
func (a *Attr) number() Attr {
	switch a.Kind {
	case Int, Decimal, Real:
		return *a
	case Bit:
		return Attr{Kind: Int, Unsigned: true, Prec: 20}
	case Year:
		return Attr{Kind: Int, Unsigned: true, Prec: 4}
	case Null:
		return Attr{Kind: Int, Prec: 1}
	case Date, Datetime, Time:
		n := map[Kind]int{Date: 8, Datetime: 14, Time: 7}[a.Kind]
		if a.Dec > 0 {
			return Attr{Kind: Decimal, Prec: n + a.Dec, Dec: a.Dec}
		}
		return Attr{Kind: Int, Prec: n}
	case String:
		if a.Hex {
			return Attr{Kind: Int, Unsigned: true, Prec: 20}
		}
	}
	return Attr{Kind: Real, Dec: notFixed}
}

// Of is the static type of e.
func Of(c *sql.Context, e sql.Expression) Attr {
	switch x := e.(type) {
	case typed:
		return x.attr()
	case *expression.Alias:
		return Of(c, x.Child)
	case *expression.Literal:
		return ofLiteral(c, x)
	}
	a := OfType(c, e.Type(c))
	if e, ok := e.(secondDigits); ok && (a.Kind == Datetime || a.Kind == Time) {
		a.Dec = e.SecondDigits(c)
		return a
	}
	switch e := e.(type) {
	case *builtin.Now:
		a.Dec = 0
		if ch := e.Children(); len(ch) == 1 {
			if l, ok := ch[0].(*expression.Literal); ok {
				n, _ := datum.Whole(l.Value())
				a.Dec = int(n)
			}
		}
	case sql.FunctionExpression:
		if n := integers[strings.ToLower(e.FunctionName())]; n > 0 {
			return Attr{Kind: Int, Prec: n, Coerc: 5, typ: types.Int64}
		}
		if texts := madeOf[strings.ToLower(e.FunctionName())]; a.Kind == String && texts != "" {
			var of []*Attr
			for i, x := range e.Children() {
				if x != nil && texts[min(i, len(texts)-1)] == 's' {
					b := Of(c, x)
					of = append(of, &b)
				}
			}
			if coll, coerc, ok := mixed(c, of...); ok {
				a.Coll, a.Coerc = coll, coerc
			}
			return a
		}
		if x, ok := e.(sql.CollationCoercible); ok && a.Kind == String && a.Coll != sql.Collation_binary {
			if coll, coerc := x.CollationCoercibility(c); coll != sql.Collation_binary {
				a.Coll, a.Coerc = coll, coerc
			}
			return a
		}
	case *expression.GetField:
		a.Bool = false // a column of BOOLEAN may hold 2
		if s, ok := c.Session.(declarations); ok && a.Kind == Time {
			a.Dec = s.SpanDigits(c, e)
		}
		if a.text() {
			a.Coll, a.Coerc = sql.GetCoercibility(c, e)
		}
	case *expression.UserVar:
		if a.Kind == Decimal { // as many as one may have
			a.Prec, a.Dec = maxPrec, maxScale
		}
		if a.text() {
			a.Coll, a.Coerc = sql.GetCoercibility(c, e)
		}
	case *plan.Subquery:
	default:
		if a.text() {
			a.Coll, a.Coerc = sql.GetCoercibility(c, e)
		}
	}
	return a
}

// secondDigits is a function that knows how many digits of a second its TIME or DATETIME has.
type secondDigits interface {
	SecondDigits(c *sql.Context) int
}

// digitsOf is how many digits of a second a time that is made of e has.
func digitsOf(c *sql.Context, e sql.Expression) int {
	a := Of(c, e)
	if l, ok := e.(*expression.Literal); ok && a.Kind == String {
		text, _ := l.Value().(string)
		return temporal.Fraction(text)
	}
	switch a.Kind {
	case Int, Null, Year, Date:
		return 0
	case Decimal, Time, Datetime:
		if a.Dec >= 0 {
			return min(a.Dec, datum.Fraction)
		}
	}
	return datum.Fraction
}

// declarations is a session that knows how many digits of a second a TIME column of the statement's, or a variable of the program that it is in, has, -1 if it
// does not.
type declarations interface {
	SpanDigits(c *sql.Context, e sql.Expression) int
	// IsVariable tells the value of such a variable from a literal.
	IsVariable(c *sql.Context, l *expression.Literal) bool
}

// ofConnection are the functions whose text has the connection's collation.
var ofConnection = map[string]bool{"hex": true, "bin": true, "oct": true, "conv": true, "date_format": true, "time_format": true, "dayname": true, "monthname": true,
	"md5": true, "sha": true, "sha1": true, "sha2": true, "uuid": true, "inet_ntoa": true, "inet6_ntoa": true, "format": true, "space": true, "to_base64": true}

// madeOf are the functions whose text has the collation of their arguments marked s; the last mark is for all that follow.
var madeOf = map[string]string{"concat": "s", "concat_ws": "s", "upper": "s", "lower": "s", "ucase": "s", "lcase": "s", "reverse": "s", "trim": "s", "ltrim": "s",
	"rtrim": "s", "substring": "s-", "substr": "s-", "mid": "s-", "left": "s-", "right": "s-", "insert": "s--s", "elt": "-s",
	"make_set": "-s", "export_set": "-sss-"}

// integers are the functions whose result is a BIGINT, with how many digits it has.
var integers = map[string]int{"year": 4, "month": 2, "day": 2, "dayofmonth": 2, "dayofweek": 1, "dayofyear": 3, "weekday": 1, "quarter": 1, "hour": 3, "minute": 2,
	"second": 2, "microsecond": 6, "week": 2, "weekofyear": 2, "yearweek": 6, "to_days": 7, "datediff": 7, "to_seconds": 12, "time_to_sec": 7,
	"length": 10, "octet_length": 10, "char_length": 10, "character_length": 10, "bit_length": 11, "ascii": 3, "ord": 10,
	"timestampdiff": 19, "uncompressedlength": 10}

func ofLiteral(c *sql.Context, l *expression.Literal) Attr {
	a := OfType(c, l.Type(c))
	a.Const = true
	switch a.Kind {
	case String:
		a.Coerc = 4
		if s, ok := c.Session.(declarations); ok && s.IsVariable(c, l) {
			a.Coerc = 2
		}
		a.Hex = a.typ == types.LongBlob
	case Int:
		if n, ok := datum.Whole(l.Value()); ok {
			a.Prec = digits(n)
		}
	case Time: // the digits that it needs, unless it is declared
		if s, ok := c.Session.(declarations); ok {
			if a.Dec = s.SpanDigits(c, l); a.Dec >= 0 {
				break
			}
		}
		if t, ok := l.Value().(types.Timespan); ok {
			micros := t.AsMicroseconds() % 1e6
			for a.Dec = datum.Fraction; a.Dec > 0 && micros%10 == 0; a.Dec-- {
				micros /= 10
			}
		}
	case Decimal:
		if d, ok := l.Value().(*apd.Decimal); ok {
			a.Dec = int(max(-d.Exponent, 0))
			a.Prec = max(int(d.NumDigits()), a.Dec+1)
		}
	}
	if l.Value() == nil {
		a.Kind = Null
	}
	return a
}

func digits(n int64) int {
	d := 1
	for n /= 10; n != 0; n /= 10 {
		d++
	}
	return d
}

// OfType is the static type of a column of type t.
func OfType(c *sql.Context, t sql.Type) Attr {
	a := Attr{typ: t, Coerc: 5}
	if t == types.Boolean {
		a.Kind, a.Prec, a.Bool = Int, 1, true
		return a
	}
	switch t.Type() {
	case sqltypes.Null:
		a.Kind, a.Coerc = Null, 6
	case sqltypes.Int8, sqltypes.Uint8:
		a.Kind, a.Prec = Int, 3
	case sqltypes.Int16, sqltypes.Uint16:
		a.Kind, a.Prec = Int, 5
	case sqltypes.Int24, sqltypes.Uint24:
		a.Kind, a.Prec = Int, 8
	case sqltypes.Int32, sqltypes.Uint32:
		a.Kind, a.Prec = Int, 10
	case sqltypes.Int64:
		a.Kind, a.Prec = Int, 19
	case sqltypes.Uint64:
		a.Kind, a.Prec = Int, 20
	case sqltypes.Float32, sqltypes.Float64:
		a.Kind, a.Dec = Real, notFixed
		if f, ok := t.(realType); ok {
			a.Dec = f.decimals
		}
	case sqltypes.Decimal:
		a.Kind = Decimal
		if d, ok := t.(sql.DecimalType); ok {
			a.Prec, a.Dec = int(d.Precision()), int(d.Scale())
		}
	case sqltypes.Year:
		a.Kind, a.Prec, a.Unsigned = Year, 4, true
	case sqltypes.Bit:
		a.Kind, a.Prec, a.Unsigned = Bit, 20, true
	case sqltypes.Date:
		a.Kind = Date
	case sqltypes.Datetime, sqltypes.Timestamp:
		a.Kind = Datetime
		if d, ok := t.(sql.DatetimeType); ok {
			a.Dec = d.Precision()
		}
	case sqltypes.Time:
		a.Kind = Time
		a.Dec = -1 // the library keeps no digits of TIME
	case sqltypes.Enum:
		a.Kind = Enum
	case sqltypes.Set:
		a.Kind = Set
	case sqltypes.TypeJSON:
		a.Kind = JSON
	case sqltypes.Text, sqltypes.Blob, sqltypes.VarChar, sqltypes.VarBinary, sqltypes.Char, sqltypes.Binary:
		a.Kind = String
	default:
		a.Kind = Other
	}
	switch {
	case a.Kind == Int:
		a.Unsigned = types.IsUnsigned(t)
	case a.text():
		a.Coll, _ = t.CollationCoercibility(c)
		a.Coerc = 2
	}
	return a
}

// typeOf is the library's type for an expression of static type a.
func typeOf(a *Attr) sql.Type {
	switch a.Kind {
	case Null:
		return types.Null
	case Int, Bit, Year:
		switch {
		case a.Bool:
			return types.Boolean
		case a.Unsigned:
			return types.Uint64
		}
		return types.Int64
	case Decimal:
		dec := min(max(a.Dec, 0), maxScale)
		return types.MustCreateDecimalType(uint8(min(max(a.Prec, dec, 1), maxPrec)), uint8(dec))
	case Real:
		if a.Dec < notFixed {
			return FixedReal(a.Dec)
		}
		return types.Float64
	case Date:
		return types.Date
	case Datetime:
		return types.MustCreateDatetimeType(sqltypes.Datetime, min(max(a.Dec, 0), 6))
	case Time:
		return types.Time
	case JSON:
		return types.JSON
	case Enum, Set:
		return types.CreateLongText(a.Coll)
	}
	if a.Coll == sql.Collation_binary {
		return types.LongBlob
	}
	return types.CreateLongText(a.Coll)
}

// realType is DOUBLE in a result that shows a fixed number of decimals, as ROUND(x, 2) has them.
type realType struct {
	types.NumberTypeImpl_
	decimals int
}

// FixedReal is DOUBLE that shows so many decimals, as ROUND(x, 2) does.
func FixedReal(decimals int) sql.Type {
	return realType{types.Float64.(types.NumberTypeImpl_), decimals}
}

// FixedDecimals is how many decimals the values show.
func (t realType) FixedDecimals() int { return t.decimals }

// Equals implements sql.Type.
func (t realType) Equals(other sql.Type) bool {
	o, ok := other.(realType)
	return ok && o.decimals == t.decimals
}

func (t realType) SQL(c *sql.Context, dest []byte, v any) (sqltypes.Value, error) {
	if f, ok := v.(float64); ok {
		return sqltypes.MakeTrusted(sqltypes.Float64, append(dest, fixedText(f, t.decimals)...)), nil
	}
	return t.NumberTypeImpl_.SQL(c, dest, v)
}
