package item

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cockroachdb/apd/v3"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/temporal"
)

// cast is CAST and CONVERT to a type.
type cast struct {
	function
	as     string // signed, unsigned, decimal, char, binary, double, float, date, datetime, time
	length int    // characters of CHAR(n), bytes of BINARY(n); -1 for none
}

// newCast reads the type from the library's text of a conversion, which has it nowhere else; nil for types that are left to it.
func newCast(c *sql.Context, env *Env, shown string, e sql.Expression) (*cast, error) {
	to, ok := strings.CutPrefix(shown, "convert("+e.String()+", ")
	if !ok {
		return nil, nil
	}
	to = strings.TrimSuffix(to, ")")
	as, size, _ := strings.Cut(to, "(")
	size = strings.TrimSuffix(size, ")")
	first, second, _ := strings.Cut(size, ",")
	n, err := strconv.Atoi(first)
	if err != nil {
		n = -1
	}
	m, _ := strconv.Atoi(second)
	if as == "decimal" {
		switch {
		case max(n, 0) < m:
			return nil, mysqlerr.New(mysqlerr.ER_M_BIGGER_THAN_D, "")
		case n > maxPrec:
			return nil, mysqlerr.New(mysqlerr.ER_TOO_BIG_PRECISION, n, Text(e), maxPrec)
		case m > maxScale:
			return nil, mysqlerr.New(mysqlerr.ER_TOO_BIG_SCALE, m, Text(e), maxScale)
		}
	}
	return makeCast(c, env, shown, e, as, n, m), nil
}

func makeCast(c *sql.Context, env *Env, shown string, e sql.Expression, as string, n, m int) *cast {
	x := &cast{as: as, length: -1}
	x.function = newFunction(c, env, shown, []sql.Expression{e}, func(c *sql.Context, ch []sql.Expression) sql.Expression {
		out := makeCast(c, env, shown, ch[0], as, n, m)
		if out == nil {
			return x
		}
		return out
	})
	a := &x.args[0]
	if a.Kind == Other || a.Kind == JSON && (as == "char" || as == "nchar") {
		return nil
	}
	switch as {
	case "signed":
		x.become(Attr{Kind: Int, Prec: 19})
	case "unsigned":
		x.become(Attr{Kind: Int, Prec: 20, Unsigned: true})
	case "decimal":
		if n <= 0 {
			n = 10
		}
		if n > maxPrec || m > maxScale || m > n {
			return nil
		}
		x.become(Attr{Kind: Decimal, Prec: n, Dec: m})
	case "double", "real":
		x.become(Attr{Kind: Real, Dec: notFixed})
	case "char", "nchar":
		coll := castCharset(c, e)
		x.nulls = a.Kind == String && a.Coll == sql.Collation_binary
		if as == "nchar" {
			coll = sql.Collation_utf8mb3_general_ci
		}
		x.length = n
		x.become(Attr{Kind: String, Coll: coll, Coerc: 2})
	case "date":
		x.nulls = true
		x.become(Attr{Kind: Date})
	case "datetime":
		x.nulls = true
		x.become(Attr{Kind: Datetime, Dec: max(n, 0)})
	case "time":
		x.nulls = true
		x.become(Attr{Kind: Time, Dec: max(n, 0)})
	default:
		return nil
	}
	return x
}

// text is the cast as MySQL's messages write it.
func (x *cast) text() string {
	to := x.as
	if x.is.Kind == Decimal {
		to = fmt.Sprintf("decimal(%d,%d)", x.is.Prec, x.is.Dec)
	}
	return "cast(" + Text(x.args[0].Expression) + " as " + to + ")"
}

func (x *cast) Eval(c *sql.Context, r sql.Row) (any, error) {
	a := &x.args[0]
	v, err := a.value(c, r)
	if err != nil || v == nil {
		return nil, err
	}
	switch x.is.Kind {
	case Int:
		n, err := x.integer(c, v)
		return n.result(x.is.Unsigned), err
	case Decimal:
		d, err := a.toDecimal(c, v)
		if err != nil {
			return nil, err
		}
		return x.limit(c, scaled(d, x.is.Dec))
	case Real:
		return a.toFloat(c, v)
	case Date, Datetime:
		flags := temporal.Fuzzy
		if _, held := v.(time.Time); !held { // CAST reads the dates that the sql_mode allows, where DATE() and TIMESTAMP() read all
			flags &= DateFlags(c)
		}
		day, ok, err := a.date(c, v, flags)
		if err != nil || !ok {
			return nil, err
		}
		if t, ok := x.cut(day); ok {
			return t, nil
		}
		return nil, nil
	case Time:
		at, ok, err := a.clock(c, v)
		if err != nil || !ok {
			return nil, err
		}
		return datum.RoundSpan(types.Timespan(at.Span()), x.is.Dec), nil
	}
	s, err := a.toText(c, v)
	if err != nil {
		return nil, err
	}
	if x.nulls {
		text, err := readBytes(c, s, x.is.Coll.CharacterSet())
		if err != nil || text == nil {
			return nil, err
		}
		s = text.(string)
	}
	if x.length >= 0 && utf8.RuneCountInString(s) > x.length {
		cut := string([]rune(s)[:x.length])
		what := "CHAR(" + strconv.Itoa(x.length) + ")"
		return cut, x.env.truncated(c, what, s)
	}
	return s, nil
}

// integer is val_int, which a floating number out of range stops at the end of.
func (x *cast) integer(c *sql.Context, v any) (integer, error) {
	a := &x.args[0]
	n, err := a.toInteger(c, v)
	if err != nil {
		return n, err
	}
	switch v := a.plain(c, v).(type) {
	case float64:
		if !x.is.Unsigned && n.unsigned {
			n = integer{bits: math.MaxInt64}
		}
	case *apd.Decimal:
		switch {
		case !x.is.Unsigned && n.unsigned:
			return integer{bits: math.MaxInt64}, x.env.truncated(c, "DECIMAL", v.Text('f'))
		case x.is.Unsigned && n.bits < 0 && !n.unsigned:
			return integer{}, x.env.truncated(c, "DECIMAL", v.Text('f'))
		}
	case string:
		switch {
		case beyond(v): // which has been warned of
		case x.is.Unsigned && n.bits < 0 && !n.unsigned:
			c.Warn(int(mysqlerr.ER_UNKNOWN_ERROR), "Cast to unsigned converted negative integer to its positive complement")
		case !x.is.Unsigned && n.unsigned:
			c.Warn(int(mysqlerr.ER_UNKNOWN_ERROR), "Cast to signed converted positive out-of-range integer to its negative complement")
		}
	}
	return n, nil
}

// beyond reports whether the integer that a text begins with is one of neither BIGINT nor BIGINT UNSIGNED (my_strtoll10's error).
func beyond(s string) bool {
	s = strings.TrimLeft(s, " \t\n\r\v\f")
	digits := strings.TrimLeft(s, "+-")
	digits = digits[:len(digits)-len(strings.TrimLeft(digits, "0123456789"))]
	var err error
	if strings.HasPrefix(s, "-") {
		_, err = strconv.ParseInt("-"+digits, 10, 64)
	} else {
		_, err = strconv.ParseUint(digits, 10, 64)
	}
	return errors.Is(err, strconv.ErrRange)
}

// limit stops a decimal at the largest number of the type, with warning 1264.
func (x *cast) limit(c *sql.Context, d *apd.Decimal) (any, error) {
	most := new(apd.Decimal)
	_, _ = wide.Sub(most, apd.New(1, int32(x.is.Prec)), apd.New(1, 0))
	if x.is.Dec > 0 {
		_, _ = wide.Sub(most, apd.New(1, int32(x.is.Prec-x.is.Dec)), apd.New(1, int32(-x.is.Dec)))
	}
	if new(apd.Decimal).Abs(d).Cmp(most) <= 0 {
		return d, nil
	}
	most = scaled(most, x.is.Dec)
	most.Negative = d.Negative
	return most, x.env.warn(c, mysqlerr.ER_WARN_DATA_OUT_OF_RANGE, x.text(), 1)
}

// cut brings a time to the digits of the type: a DATETIME is rounded, a DATE has no time. ok is false where a date cannot be rounded to the next second.
func (x *cast) cut(v temporal.Value) (t time.Time, ok bool) {
	if x.is.Kind == Date {
		v.Hour, v.Minute, v.Second, v.Micro = 0, 0, 0, 0
		return v.Held(), true
	}
	return temporal.Round(v.Held(), x.is.Dec)
}
