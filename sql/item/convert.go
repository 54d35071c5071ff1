package item

import (
	"encoding/binary"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/apd/v3"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/jsondoc"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/temporal"
	"github.com/zoryadb/zorya/sql/wire"
)

// arg is an argument of an expression with its static type.
type arg struct {
	sql.Expression
	Attr
	env  *Env
	fill int // the width that its text has zeros up to: a ZEROFILL column
}

// Env is what the expressions of one statement share.
type Env struct {
	// Strict makes errors of the warnings that a strict sql_mode makes errors of in statements that change data.
	Strict bool
	// DivisionWarns is ERROR_FOR_DIVISION_BY_ZERO.
	DivisionWarns bool
	// NoUnsignedSubtraction is the sql_mode of that name.
	NoUnsignedSubtraction bool
	// Outer are the columns of outer queries that the subquery at hand refers to: no index of its own tables serves them.
	Outer sql.ColSet
	// Names: the expressions at hand are those of a node whose columns have the expressions' texts for names.
	Names bool
	// Dates makes MySQL's of the library's calls of DATE_ADD, DATE_SUB, TIMESTAMPDIFF and EXTRACT, which the planner makes without asking for the function;
	// it returns nil for others.
	Dates func(*sql.Context, sql.Expression) sql.Expression
	// Filled are the columns that are ZEROFILL, by the width that their texts have.
	Filled map[sql.ColumnId]int
}

// filled is the width that e's text has zeros up to, 0 for none.
func (n *Env) filled(e sql.Expression) int {
	if len(n.Filled) == 0 {
		return 0
	}
	for {
		switch x := e.(type) {
		case *expression.Alias:
			e = x.Child
		case *expression.GetField:
			return n.Filled[x.Id()]
		default:
			return 0
		}
	}
}

// FilledText is e as a text, nil if it is no ZEROFILL column.
func (n *Env) FilledText(c *sql.Context, e sql.Expression) sql.Expression {
	if n.filled(e) == 0 {
		return nil
	}
	return newGiven(c, n, e, String)
}

// warn raises a warning, in Strict statements an error.
func (n *Env) warn(c *sql.Context, code mysqlerr.Code, args ...any) error {
	e := mysqlerr.New(code, args...)
	if n.Strict {
		return e
	}
	c.Warn(int(e.Code), "%s", e.Message)
	return nil
}

// truncated is warning 1292, `Truncated incorrect DOUBLE value: 'x'`.
func (n *Env) truncated(c *sql.Context, what, s string) error {
	return n.warn(c, mysqlerr.ER_TRUNCATED_WRONG_VALUE, what, s)
}

func newArg(c *sql.Context, env *Env, e sql.Expression) arg {
	return arg{Expression: e, Attr: Of(c, e), env: env, fill: env.filled(e)}
}

func newArgs(c *sql.Context, env *Env, list []sql.Expression) []arg {
	out := make([]arg, len(list))
	for i, e := range list {
		out[i] = newArg(c, env, e)
	}
	return out
}

// unfolded is ch with what was args as it was where the planner has made a literal of it that compares otherwise: a literal is the weakest of texts.
func unfolded(c *sql.Context, args []arg, ch []sql.Expression) []sql.Expression {
	var out []sql.Expression
	for i, e := range ch {
		lit, ok := e.(*expression.Literal)
		if !ok || args[i].Const || args[i].Kind != String {
			continue
		}
		if is := ofLiteral(c, lit); is.Kind != String || is.Coll == args[i].Coll && is.Coerc == args[i].Coerc {
			continue
		}
		if out == nil {
			out = slices.Clone(ch)
		}
		out[i] = args[i].Expression
	}
	if out == nil {
		return ch
	}
	return out
}

func attrs(list []arg) []*Attr {
	out := make([]*Attr, len(list))
	for i := range list {
		out[i] = &list[i].Attr
	}
	return out
}

func exprs(list []arg) []sql.Expression {
	out := make([]sql.Expression, len(list))
	for i := range list {
		out[i] = list[i].Expression
	}
	return out
}

// uncut is an expression whose exact value may have more decimals than its type: raw has them all, for what goes on computing, and Eval as many as are shown.
type uncut interface {
	raw(c *sql.Context, r sql.Row) (any, error)
}

// wholeDecimal is a Decimal of which a value may have more digits than its type says.
type wholeDecimal struct{ function }

// Shown is e as it is shown, with the digits of its type, and for what goes on computing with all that its values have.
func (n *Env) Shown(c *sql.Context, e sql.Expression) sql.Expression {
	is := Of(c, e)
	if is.Kind != Decimal {
		return e
	}
	x := &wholeDecimal{newFunction(c, n, e.String(), []sql.Expression{e}, func(c *sql.Context, ch []sql.Expression) sql.Expression { return n.Shown(c, ch[0]) })}
	x.is = is
	return x
}

func (x *wholeDecimal) Eval(c *sql.Context, r sql.Row) (any, error) {
	v, err := x.raw(c, r)
	return asShown(v, x.is.Dec), err
}

func (x *wholeDecimal) raw(c *sql.Context, r sql.Row) (any, error) { return x.args[0].value(c, r) }

// uncutDecimal is an exact number with all digits that it is computed with.
type uncutDecimal struct{ function }

// Uncut is e with all digits that it is computed with, as user variables and MAX keep it; nil if it never has more than its type says.
func (n *Env) Uncut(c *sql.Context, e sql.Expression) sql.Expression {
	is := Of(c, e)
	if _, ok := e.(uncut); !ok || is.Kind != Decimal {
		return nil
	}
	x := &uncutDecimal{newFunction(c, n, e.String(), []sql.Expression{e}, func(c *sql.Context, ch []sql.Expression) sql.Expression {
		if out := n.Uncut(c, ch[0]); out != nil {
			return out
		}
		return ch[0]
	})}
	x.is = is
	return x
}

func (x *uncutDecimal) Eval(c *sql.Context, r sql.Row) (any, error) { return x.args[0].value(c, r) }

// asShown rounds what raw gives to dec decimals.
func asShown(v any, dec int) any {
	if d, ok := v.(*apd.Decimal); ok && int(-d.Exponent) > dec {
		return scaled(d, dec)
	}
	return v
}

// value evaluates the argument; nil is NULL.
func (a *arg) value(c *sql.Context, r sql.Row) (any, error) {
	if x, ok := a.Expression.(uncut); ok {
		return x.raw(c, r)
	}
	v, err := a.Eval(c, r)
	if err != nil || v == nil {
		return nil, err
	}
	switch v := v.(type) {
	case int64, string, bool, *apd.Decimal, float64:
		return v, nil
	}
	return sql.UnwrapAny(c, v)
}

// integer is a value of 64 bits that may be unsigned.
type integer struct {
	bits     int64
	unsigned bool // bits is a uint64 above the range of int64
}

func (i integer) decimal() *apd.Decimal {
	if !i.unsigned {
		return apd.New(i.bits, 0)
	}
	var b apd.BigInt
	b.SetUint64(uint64(i.bits))
	return apd.NewWithBigInt(&b, 0)
}

func (i integer) float() float64 {
	if i.unsigned {
		return float64(uint64(i.bits))
	}
	return float64(i.bits)
}

func (i integer) cmp(j integer) int {
	switch {
	case i.unsigned != j.unsigned:
		if i.unsigned {
			return 1
		}
		return -1
	case i.unsigned:
		return compare(uint64(i.bits), uint64(j.bits))
	}
	return compare(i.bits, j.bits)
}

func compare[T int64 | uint64 | float64 | string](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// goInteger makes an integer of a Go one.
func goInteger(v any) (integer, bool) {
	if n, ok := datum.Whole(v); ok {
		return integer{bits: n}, true
	}
	switch v := v.(type) {
	case uint64:
		return integer{int64(v), true}, true
	case uint:
		return integer{int64(v), true}, true
	}
	return integer{}, false
}

// plain is a value whose Go type says all: integers, decimals, floats and texts; times and spans become numbers.
func (a *arg) plain(c *sql.Context, v any) any {
	switch v := v.(type) {
	case []byte:
		if a.Hex || a.Kind == Bit {
			return hexNumber(v)
		}
		return string(v)
	case time.Time:
		return timeNumber(v, a.Attr)
	case types.Timespan:
		return spanNumber(v, a.Dec)
	case float32:
		return float64(v)
	case types.JSONDocument:
		return jsonNumber(c, v)
	case sql.JSONWrapper:
		return jsonNumber(c, v)
	}
	return v
}

// Number is a value of type from as the number that MySQL makes of a date or time, 20260131 for example; v itself if it is none.
func Number(c *sql.Context, from sql.Type, v any) any {
	switch v.(type) {
	case time.Time, types.Timespan:
		a := arg{Attr: OfType(c, from)}
		return a.plain(c, v)
	}
	return v
}

// hexNumber is a hexadecimal literal as an integer, its last eight bytes.
func hexNumber(b []byte) any {
	var eight [8]byte
	if len(b) > 8 {
		b = b[len(b)-8:]
	}
	copy(eight[8-len(b):], b)
	return binary.BigEndian.Uint64(eight[:])
}

// scalarDocument reports whether a document is something that may be a number: no array, no object, no null.
func scalarDocument(c *sql.Context, v sql.JSONWrapper) bool {
	x, err := v.ToInterface(c)
	if err != nil || x == nil {
		return false
	}
	switch x.(type) {
	case []any, map[string]any:
		return false
	}
	return true
}

func jsonNumber(c *sql.Context, v sql.JSONWrapper) any {
	x, err := v.ToInterface(c)
	if err != nil {
		return float64(0)
	}
	switch x := x.(type) {
	case float64, bool, string, int64, uint64, *apd.Decimal:
		return x
	case jsondoc.Double:
		return float64(x)
	case jsondoc.Temporal:
		return x.Text
	case jsondoc.Opaque:
		return x.Text()
	}
	return float64(0)
}

// timeNumber is a date as the number 20260131 or 20260131235959.
func timeNumber(t time.Time, a Attr) any {
	v := temporal.OfHeld(t)
	n := int64(v.Year*10000 + v.Month*100 + v.Day)
	if a.Kind == Date {
		return n
	}
	n = n*1000000 + int64(v.Hour*10000+v.Minute*100+v.Second)
	if a.Dec <= 0 {
		return n
	}
	return fractioned(n, int64(v.Micro), a.Dec)
}

func spanNumber(s types.Timespan, dec int) any {
	n := s.AsMicroseconds()
	neg := n < 0
	if neg {
		n = -n
	}
	sec, micro := n/1e6, n%1e6
	v := sec/3600*10000 + sec/60%60*100 + sec%60
	if dec > 0 || dec < 0 && micro != 0 {
		d := fractioned(v, micro, 6)
		d.Negative = neg && !d.IsZero()
		return d
	}
	if neg {
		v = -v
	}
	return v
}

func fractioned(n, micro int64, dec int) *apd.Decimal {
	for i := dec; i < 6; i++ {
		micro /= 10
	}
	scale := int64(1)
	for range dec {
		scale *= 10
	}
	var b, s, m apd.BigInt
	b.SetInt64(n)
	s.SetInt64(scale)
	m.SetInt64(micro)
	b.Mul(&b, &s)
	b.Add(&b, &m)
	return apd.NewWithBigInt(&b, int32(-dec))
}

// whole gives the argument as MySQL's val_int does: decimals and floats are rounded, a text is cut at what is no digit.
func (a *arg) whole(c *sql.Context, r sql.Row) (n integer, null bool, err error) {
	v, err := a.value(c, r)
	if err != nil || v == nil {
		return n, true, err
	}
	n, err = a.toInteger(c, v)
	return n, false, err
}

func (a *arg) toInteger(c *sql.Context, v any) (integer, error) {
	doc, _ := v.(sql.JSONWrapper)
	if doc != nil && !scalarDocument(c, doc) {
		return integer{}, a.invalidDocument(c, "INTEGER")
	}
	switch v := a.plain(c, v).(type) {
	case string:
		n, all := leadingInteger(v)
		switch {
		case all:
			return n, nil
		case doc != nil:
			return n, a.invalidDocument(c, "INTEGER")
		}
		return n, a.env.truncated(c, "INTEGER", v)
	case *apd.Decimal:
		n, ok := decimalInteger(v)
		if !ok {
			return n, a.env.truncated(c, "DECIMAL", v.Text('f'))
		}
		return n, nil
	case float64:
		return floatInteger(v), nil
	default:
		n, _ := goInteger(v)
		return n, nil
	}
}

// floatInteger rounds to the nearest, and stops at the ends of BIGINT.
func floatInteger(f float64) integer {
	f = math.RoundToEven(f)
	switch {
	case math.IsNaN(f):
		return integer{}
	case f >= math.MaxUint64:
		return integer{-1, true}
	case f >= math.MaxInt64:
		return integer{int64(uint64(f)), true}
	case f <= math.MinInt64:
		return integer{bits: math.MinInt64}
	}
	return integer{bits: int64(f)}
}

// decimalInteger rounds half away from zero; ok is false if it had to stop at the ends of BIGINT [UNSIGNED].
func decimalInteger(d *apd.Decimal) (n integer, ok bool) {
	x := scaled(d, 0)
	if i, err := x.Int64(); err == nil {
		return integer{bits: i}, true
	}
	if x.Negative {
		return integer{bits: math.MinInt64}, false
	}
	if u, err := strconv.ParseUint(x.Text('f'), 10, 64); err == nil {
		return integer{int64(u), true}, true
	}
	return integer{-1, true}, false
}

// leadingInteger is the integer that a text begins with, and whether it is all of the text and no greater than a BIGINT [UNSIGNED].
func leadingInteger(s string) (out integer, all bool) {
	t := strings.TrimLeft(s, " \t\n\v\f\r")
	neg := strings.HasPrefix(t, "-")
	if neg || strings.HasPrefix(t, "+") {
		t = t[1:]
	}
	end := 0
	for end < len(t) && t[end] >= '0' && t[end] <= '9' {
		end++
	}
	u, err := strconv.ParseUint(t[:end], 10, 64)
	bad := end == 0 || strings.TrimRight(t[end:], " ") != "" || err != nil
	switch {
	case err != nil && end == 0:
	case neg && (err != nil || u > 1<<63):
		out, bad = integer{bits: math.MinInt64}, true
	case neg:
		out.bits = -int64(u)
	case err != nil:
		out = integer{-1, true}
	default:
		out = integer{int64(u), u > math.MaxInt64}
	}
	return out, !bad
}

// float gives the argument as val_real does.
func (a *arg) float(c *sql.Context, r sql.Row) (f float64, null bool, err error) {
	v, err := a.value(c, r)
	if err != nil || v == nil {
		return 0, true, err
	}
	f, err = a.toFloat(c, v)
	return f, false, err
}

func (a *arg) toFloat(c *sql.Context, v any) (float64, error) {
	doc, _ := v.(sql.JSONWrapper)
	if doc != nil && !scalarDocument(c, doc) {
		return 0, a.invalidDocument(c, "DOUBLE")
	}
	switch v := a.plain(c, v).(type) {
	case float64:
		return v, nil
	case string:
		if doc == nil {
			return a.env.textFloat(c, v)
		}
		f, all := leadingFloat(v)
		if !all {
			return f, a.invalidDocument(c, "DOUBLE")
		}
		return f, nil
	case *apd.Decimal:
		f, _ := v.Float64()
		return f, nil
	default:
		n, _ := goInteger(v)
		return n.float(), nil
	}
}

// numberEnd is the length of the number that s begins with; exp allows an exponent.
func numberEnd(s string) int {
	i := 0
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		i++
	}
	digit := func() (n int) {
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
			n++
		}
		return n
	}
	n := digit()
	if i < len(s) && s[i] == '.' {
		i++
		n += digit()
	}
	if n == 0 {
		return 0
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		at := i
		i++
		if i < len(s) && (s[i] == '-' || s[i] == '+') {
			i++
		}
		if digit() == 0 {
			return at
		}
	}
	return i
}

// textFloat reads the number that a text begins with.
func (n *Env) textFloat(c *sql.Context, s string) (float64, error) {
	f, all := leadingFloat(s)
	if !all {
		return f, n.truncated(c, "DOUBLE", s)
	}
	return f, nil
}

// leadingFloat is the number that a text begins with, 0 if there is none, and whether it is all of the text and no greater than a DOUBLE.
func leadingFloat(s string) (f float64, all bool) {
	t := strings.TrimLeft(s, " \t\n\v\f\r")
	end := numberEnd(t)
	f, err := strconv.ParseFloat(t[:end], 64)
	if math.IsInf(f, 0) {
		f = math.Copysign(math.MaxFloat64, f)
	} else if err != nil {
		f = 0
	}
	return f, end > 0 && err == nil && strings.TrimRight(t[end:], " ") == ""
}

// decimal gives the argument as val_decimal does.
func (a *arg) decimal(c *sql.Context, r sql.Row) (d *apd.Decimal, err error) {
	v, err := a.value(c, r)
	if err != nil || v == nil {
		return nil, err
	}
	return a.toDecimal(c, v)
}

func (a *arg) toDecimal(c *sql.Context, v any) (*apd.Decimal, error) {
	doc, _ := v.(sql.JSONWrapper)
	if doc != nil && !scalarDocument(c, doc) {
		return apd.New(0, 0), a.invalidDocument(c, "DECIMAL")
	}
	switch v := a.plain(c, v).(type) {
	case *apd.Decimal:
		return v, nil
	case string:
		d, all := leadingDecimal(v)
		switch {
		case all:
			return d, nil
		case doc != nil:
			return d, a.invalidDocument(c, "DECIMAL")
		}
		return d, a.env.truncated(c, "DECIMAL", v)
	case float64:
		d, err := new(apd.Decimal).SetFloat64(v)
		if err != nil {
			return apd.New(0, 0), nil
		}
		return cutDecimal(d), nil
	default:
		n, _ := goInteger(v)
		return n.decimal(), nil
	}
}

// leadingDecimal is the number that a text begins with, exactly, and whether it is all of the text.
func leadingDecimal(s string) (d *apd.Decimal, all bool) {
	t := strings.TrimLeft(s, " \t\n\v\f\r")
	end := numberEnd(t)
	d = apd.New(0, 0)
	if end > 0 {
		x, _, err := apd.NewFromString(strings.TrimPrefix(t[:end], "+"))
		if err == nil {
			d = cutDecimal(x)
		} else {
			end = 0
		}
	}
	return d, end > 0 && strings.TrimRight(t[end:], " ") == ""
}

// cutDecimal brings a decimal into the range of DECIMAL: no exponent above zero, at most 65 digits and 30 decimals.
func cutDecimal(d *apd.Decimal) *apd.Decimal {
	if d.Form != apd.Finite || d.NumDigits()+int64(d.Exponent) > maxPrec {
		nines := apd.New(1, maxPrec)
		x := new(apd.Decimal)
		_, _ = wide.Sub(x, nines, apd.New(1, 0))
		x.Negative = d.Negative
		return x
	}
	if d.Exponent > 0 {
		return scaled(d, 0)
	}
	if d.Exponent < -maxScale {
		return scaled(d, maxScale)
	}
	return d
}

// wide computes with more digits than any DECIMAL has; halves are rounded away from zero, as MySQL's exact numbers are.
var wide = func() apd.Context {
	c := apd.BaseContext
	c.Precision = 200
	c.Rounding = apd.RoundHalfUp
	c.MaxExponent, c.MinExponent = 1000, -1000
	c.Traps = 0
	return c
}()

// scaled rounds d to dec decimals.
func scaled(d *apd.Decimal, dec int) *apd.Decimal {
	if int(d.Exponent) == -dec {
		return d
	}
	x := new(apd.Decimal)
	_, _ = wide.Quantize(x, d, int32(-dec))
	if x.IsZero() {
		x.Negative = false
	}
	return x
}

// text gives the argument as val_str does.
func (a *arg) str(c *sql.Context, r sql.Row) (s string, null bool, err error) {
	v, err := a.value(c, r)
	if err != nil || v == nil {
		return "", true, err
	}
	s, err = a.toText(c, v)
	return s, false, err
}

func (a *arg) toText(c *sql.Context, v any) (string, error) {
	s, err := a.plainText(c, v)
	if len(s) < a.fill {
		s = strings.Repeat("0", a.fill-len(s)) + s
	}
	return s, err
}

func (a *arg) plainText(c *sql.Context, v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case []byte:
		return string(v), nil
	case bool:
		if v {
			return "1", nil
		}
		return "0", nil
	case int64:
		if a.Kind == Int {
			return strconv.FormatInt(v, 10), nil
		}
	case *apd.Decimal:
		if _, variable := a.Expression.(*expression.UserVar); a.Kind == Decimal && !variable { // whose value has the digits that it was given
			v = scaled(v, max(a.Dec, 0))
		}
		return v.Text('f'), nil
	case float64:
		if a.Kind == Real && a.Dec < notFixed {
			return fixedText(v, a.Dec), nil
		}
		if a.Kind == Real {
			return string(wire.AppendFloat(nil, v, 64, wire.NotFixedDecimals)), nil
		}
	case time.Time:
		if a.dated() {
			return dateText(v, a.Attr), nil
		}
	case types.Timespan:
		return spanText(v, a.Dec), nil
	}
	switch a.Kind {
	case Bit:
		n, _ := goInteger(v)
		return bitText(uint64(n.bits)), nil
	case Year:
		n, _ := goInteger(v)
		return datum.YearText(n.bits), nil
	}
	t := a.typ
	if t == nil {
		t = a.Type(c)
	}
	x, err := datum.Ordered(t).SQL(c, nil, v)
	if err != nil {
		return "", err
	}
	return x.ToString(), nil
}

// StoredText is a value of a column of a type as the text that MySQL makes of it.
func StoredText(c *sql.Context, from sql.Type, v any) (string, error) {
	a := arg{Attr: OfType(c, from), env: &Env{}}
	return a.toText(c, v)
}

// bitText is a BIT value's bytes.
func bitText(n uint64) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], n)
	i := 0
	for i < 7 && b[i] == 0 {
		i++
	}
	return string(b[i:])
}

// fixedText is a floating number with so many decimals.
func fixedText(f float64, dec int) string {
	s := strconv.FormatFloat(f, 'f', dec, 64)
	if strings.HasPrefix(s, "-") && strings.Trim(s, "-0.") == "" {
		return s[1:]
	}
	return s
}

// truth is the argument as a condition: whether its number is not zero.
func (a *arg) truth(c *sql.Context, r sql.Row) (is, null bool, err error) {
	v, err := a.value(c, r)
	if err != nil || v == nil {
		return false, true, err
	}
	switch v := a.plain(c, v).(type) {
	case bool:
		return v, false, nil
	case *apd.Decimal:
		return !v.IsZero(), false, nil
	case float64:
		return v != 0, false, nil
	case string:
		f, err := a.env.textFloat(c, v)
		return f != 0, false, err
	default:
		n, _ := goInteger(v)
		return n.bits != 0, false, nil
	}
}
