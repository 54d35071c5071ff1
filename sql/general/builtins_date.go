package general

import (
	"fmt"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/expression/function"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"

	"github.com/zoryadb/zorya/sql/datum"
)

// Functions of dates and times that the library lacks.

func init() {
	plainFunction("makedate", 2, types.Date, makeDate)
	plainFunction("maketime", 3, types.Time, makeTime)
	plainFunction("to_seconds", 1, types.Int64, toSeconds)
	plainFunction("period_add", 2, types.Int64, func(c *sql.Context, v []any) (any, error) {
		p, n, err := twoIntegers(c, v)
		if err != nil {
			return nil, err
		}
		return monthsPeriod(periodMonths(p) + n), nil
	})
	plainFunction("period_diff", 2, types.Int64, func(c *sql.Context, v []any) (any, error) {
		a, b, err := twoIntegers(c, v)
		if err != nil {
			return nil, err
		}
		return periodMonths(a) - periodMonths(b), nil
	})
	plainFunction("dayname", 1, types.Text, func(c *sql.Context, v []any) (any, error) { // the library's warns of NULL
		return function.NewDayName(c, expression.NewLiteral(v[0], types.DatetimeMaxPrecision)).Eval(c, nil)
	})
	for name, sign := range map[string]int64{"addtime": 1, "subtime": -1} {
		ownFunctions[name] = func(*Engine) sql.Function {
			return sql.Function2{Name: name, Fn: func(_ *sql.Context, a, b sql.Expression) sql.Expression {
				return &addTime{expression.BinaryExpressionStub{LeftChild: a, RightChild: b}, name, sign}
			}}
		}
	}
	replaced["timestamp"] = sql.FunctionN{Name: "timestamp", Fn: func(c *sql.Context, args ...sql.Expression) (sql.Expression, error) {
		if len(args) != 2 {
			return function.NewDatetime(c, args...)
		}
		moment, err := function.NewDatetime(c, args[0])
		return &addTime{expression.BinaryExpressionStub{LeftChild: moment, RightChild: args[1]}, "timestamp", 1}, err
	}}
	ownFunctions["benchmark"] = func(*Engine) sql.Function {
		return sql.Function2{Name: "benchmark", Fn: func(_ *sql.Context, n, e sql.Expression) sql.Expression {
			return &benchmark{expression.BinaryExpressionStub{LeftChild: n, RightChild: e}}
		}}
	}
}

// plainFunction adds a function of a fixed number of values that are not NULL; of NULL it is NULL.
func plainFunction(name string, args int, t sql.Type, f func(c *sql.Context, v []any) (any, error)) {
	ownFunctions[name] = func(*Engine) sql.Function {
		return sql.FunctionN{Name: name, Fn: func(_ *sql.Context, list ...sql.Expression) (sql.Expression, error) {
			if len(list) != args {
				return nil, sql.ErrInvalidArgumentNumber.New(name, args, len(list))
			}
			return &plainCall{expression.NaryExpression{ChildExpressions: list}, name, t, f}, nil
		}}
	}
}

// plainCall is a call of such a function.
type plainCall struct {
	expression.NaryExpression
	name string
	t    sql.Type
	f    func(c *sql.Context, v []any) (any, error)
}

func (p *plainCall) FunctionName() string         { return p.name }
func (p *plainCall) Description() string          { return "a function of values" }
func (p *plainCall) Type(*sql.Context) sql.Type   { return p.t }
func (p *plainCall) IsNullable(*sql.Context) bool { return true }
func (p *plainCall) String() string               { return callText(p.name, p.ChildExpressions) }
func (p *plainCall) IsNonDeterministic() bool     { return strings.HasPrefix(p.name, "ps_") } // the session's, or the moment's

func (p *plainCall) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	n := *p
	n.ChildExpressions = ch
	return &n, nil
}

func (p *plainCall) Eval(c *sql.Context, r sql.Row) (any, error) {
	v := make([]any, len(p.ChildExpressions))
	for i, e := range p.ChildExpressions {
		x, err := e.Eval(c, r)
		if err != nil || x == nil {
			return nil, err
		}
		v[i] = x
	}
	return p.f(c, v)
}

func integerOf(c *sql.Context, v any) (int64, error) {
	n, _, err := convertRounding(c, types.Int64, v)
	if err != nil && !sql.ErrTruncatedIncorrect.Is(err) {
		return 0, err
	}
	i, _ := n.(int64)
	return i, nil
}

func twoIntegers(c *sql.Context, v []any) (a, b int64, err error) {
	if a, err = integerOf(c, v[0]); err == nil {
		b, err = integerOf(c, v[1])
	}
	return a, b, err
}

// twoDigitYear is MySQL's: 00 to 69 are 2000 to 2069, 70 to 99 are 1970 to 1999.
func twoDigitYear(y int64) int64 {
	switch {
	case y < 70:
		return y + 2000
	case y < 100:
		return y + 1900
	}
	return y
}

func makeDate(c *sql.Context, v []any) (any, error) {
	y, d, err := twoIntegers(c, v)
	if err != nil || d <= 0 || y < 0 || y > 9999 {
		return nil, err
	}
	t := time.Date(int(twoDigitYear(y)), 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, int(min(d, 4e6))-1)
	if t.Year() > 9999 {
		return nil, nil
	}
	return t, nil
}

// daysTo1970 is TO_DAYS('1970-01-01').
const daysTo1970 = 719528

func toSeconds(c *sql.Context, v []any) (any, error) {
	out, in, err := types.DatetimeMaxPrecision.Convert(c, v[0])
	t, ok := out.(time.Time)
	if err != nil || !ok || in != sql.InRange || t.Equal(types.ZeroTime) {
		return nil, nil
	}
	return t.Unix() + daysTo1970*86400, nil
}

func makeTime(c *sql.Context, v []any) (any, error) {
	h, m, err := twoIntegers(c, v)
	if err != nil {
		return nil, err
	}
	f, _, err := types.Float64.Convert(c, v[2])
	if err != nil && !sql.ErrTruncatedIncorrect.Is(err) {
		return nil, err
	}
	s, _ := f.(float64)
	if m < 0 || m > 59 || s < 0 || s >= 60 {
		return nil, nil
	}
	sign := int64(1)
	if h < 0 {
		sign, h = -1, -h
	}
	micros := (min(h, 839)*3600+m*60)*1e6 + int64(s*1e6+0.5)
	return types.Timespan(sign * min(micros, datum.MaxSpan)), nil
}

func periodMonths(p int64) int64 {
	if p == 0 {
		return 0
	}
	return twoDigitYear(p/100)*12 + p%100 - 1
}

func monthsPeriod(m int64) int64 { return m/12*100 + m%12 + 1 }

// addTime is ADDTIME and SUBTIME.
type addTime struct {
	expression.BinaryExpressionStub
	name string
	sign int64
}

func (a *addTime) FunctionName() string { return a.name }
func (a *addTime) Description() string  { return "adds a time to a time, or takes it away" }
func (a *addTime) Type(c *sql.Context) sql.Type {
	switch t := a.LeftChild.Type(c); {
	case types.IsTimespan(t):
		return types.Time
	case types.IsTime(t):
		digits := max(secondDigits(t), spanDigits(c, a.RightChild))
		return types.MustCreateDatetimeType(sqltypes.Datetime, digits)
	}
	return types.LongText
}
func (a *addTime) IsNullable(*sql.Context) bool { return true }
func (a *addTime) String() string {
	return fmt.Sprintf("%s(%s,%s)", a.name, a.LeftChild, a.RightChild)
}

func (a *addTime) CollationCoercibility(*sql.Context) (sql.CollationID, byte) {
	return defaultCollation, 4
}

func (a *addTime) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 2 {
		return nil, sql.ErrInvalidChildrenNumber.New(a, len(ch), 2)
	}
	return &addTime{expression.BinaryExpressionStub{LeftChild: ch[0], RightChild: ch[1]}, a.name, a.sign}, nil
}

func (a *addTime) Eval(c *sql.Context, r sql.Row) (any, error) {
	l, err := a.LeftChild.Eval(c, r)
	if err != nil || l == nil {
		return nil, err
	}
	v, err := a.RightChild.Eval(c, r)
	if err != nil || v == nil {
		return nil, err
	}
	if _, moment := v.(time.Time); moment {
		return nil, nil
	}
	by, ok := spanOf(c, v)
	if !ok {
		return nil, nil
	}
	by *= a.sign
	if t, ok := l.(time.Time); ok {
		return t.Add(time.Duration(by) * time.Microsecond), nil
	}
	text := strings.TrimSpace(displayAny(c, l))
	_, span := l.(types.Timespan)
	if !span && strings.Count(text, "-") >= 2 && !strings.HasPrefix(text, "-") {
		m, _, err := types.DatetimeMaxPrecision.Convert(c, text)
		t, ok := m.(time.Time)
		if err != nil || !ok {
			return nil, nil
		}
		t = t.Add(time.Duration(by) * time.Microsecond)
		if t.Nanosecond() != 0 {
			return t.Format("2006-01-02 15:04:05.000000"), nil
		}
		return t.Format("2006-01-02 15:04:05"), nil
	}
	at, ok := spanOf(c, l)
	if !ok {
		return nil, nil
	}
	out := types.Timespan(max(min(at+by, datum.MaxSpan), -datum.MaxSpan))
	if span {
		return out, nil
	}
	return out.String(), nil
}

// spanDigits is how many digits of a second a span can have: those that a constant has.
func spanDigits(c *sql.Context, e sql.Expression) int {
	if l, ok := e.(*expression.Literal); ok {
		text, _ := l.Value().(string)
		_, fraction, _ := strings.Cut(text, ".")
		return min(len(fraction), 6)
	}
	return secondDigits(e.Type(c))
}

// secondDigits is how many digits of a second the values of a type can have.
func secondDigits(t sql.Type) int {
	if d, ok := t.(sql.DatetimeType); ok {
		return d.Precision()
	}
	if types.IsNumber(t) && !types.IsFloat(t) && !types.IsDecimal(t) {
		return 0
	}
	return 6
}

// spanOf is a TIME or a text as microseconds.
func spanOf(c *sql.Context, v any) (int64, bool) {
	if t, ok := v.(types.Timespan); ok {
		return int64(t), true
	}
	at, res := datum.ReadSpan(displayAny(c, v))
	return int64(at), res != datum.SpanBad
}

// benchmark is BENCHMARK(n, expression): it evaluates the expression and answers 0.
type benchmark struct {
	expression.BinaryExpressionStub
}

func (b *benchmark) Type(*sql.Context) sql.Type   { return types.Int64 }
func (b *benchmark) IsNullable(*sql.Context) bool { return true }
func (b *benchmark) IsNonDeterministic() bool     { return true }
func (b *benchmark) String() string {
	return fmt.Sprintf("benchmark(%s,%s)", b.LeftChild, b.RightChild)
}
func (b *benchmark) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 2 {
		return nil, sql.ErrInvalidChildrenNumber.New(b, len(ch), 2)
	}
	return &benchmark{expression.BinaryExpressionStub{LeftChild: ch[0], RightChild: ch[1]}}, nil
}

func (b *benchmark) Eval(c *sql.Context, r sql.Row) (any, error) {
	v, err := b.LeftChild.Eval(c, r)
	if err != nil || v == nil {
		return nil, err
	}
	n, err := integerOf(c, v)
	if err != nil || n < 0 {
		return nil, err
	}
	for i := range n {
		if i&0xff == 0 && c.Err() != nil {
			return nil, c.Err()
		}
		if _, err := b.RightChild.Eval(c, r); err != nil {
			return nil, err
		}
	}
	return int64(0), nil
}
