package item

import (
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"
)

// ofZeroDate is a function of a column that may hold 0000-00-00, which the library takes for the last day before the year 0, or warns of: MySQL warns of texts.
type ofZeroDate struct {
	sql.FunctionExpression
	column arg
	env    *Env
}

// newOfZeroDate returns nil for other functions.
func newOfZeroDate(c *sql.Context, env *Env, e sql.FunctionExpression) sql.Expression {
	switch strings.ToLower(e.FunctionName()) {
	case "date_format", "last_day", "weekday", "dayofweek", "dayofyear", "dayname", "monthname", "week", "weekofyear", "yearweek", "to_days", "to_seconds":
	default:
		return nil
	}
	ch := e.Children()
	if f, ok := ch[0].(*expression.GetField); ok {
		if column := newArg(c, env, f); column.dated() {
			return &ofZeroDate{e, column, env}
		}
	}
	return nil
}

// WithChildren implements sql.Expression.
func (x *ofZeroDate) WithChildren(c *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	e, err := x.FunctionExpression.WithChildren(c, ch...)
	if err != nil {
		return nil, err
	}
	call, ok := e.(sql.FunctionExpression)
	if !ok {
		return e, nil
	}
	if out := newOfZeroDate(c, x.env, call); out != nil {
		return out, nil
	}
	return e, nil
}

// Eval implements sql.Expression.
func (x *ofZeroDate) Eval(c *sql.Context, r sql.Row) (any, error) {
	v, err := x.column.value(c, r)
	if err != nil {
		return nil, err
	}
	if t, ok := v.(time.Time); !ok || !t.Equal(types.ZeroTime) {
		return x.FunctionExpression.Eval(c, r)
	}
	ch := x.Children()
	if !strings.EqualFold(x.FunctionName(), "date_format") {
		return nil, nil
	}
	format := newArg(c, x.env, ch[1])
	s, null, err := format.str(c, r)
	if err != nil || null {
		return nil, err
	}
	return formatZeroDate(s), nil
}

// zeroParts is what DATE_FORMAT writes for the parts of 0000-00-00 00:00:00.
var zeroParts = map[byte]string{'Y': "0000", 'y': "00", 'm': "00", 'c': "0", 'd': "00", 'e': "0", 'D': "0th", 'H': "00", 'k': "0", 'h': "12", 'I': "12", 'l': "12",
	'i': "00", 's': "00", 'S': "00", 'f': "000000", 'p': "AM", 'r': "12:00:00 AM", 'T': "00:00:00", 'j': "000", '%': "%"}

// formatZeroDate returns nil where the format has a part that the zero date lacks: names of days and months, weeks.
func formatZeroDate(format string) any {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		part, ok := zeroParts[format[i]]
		switch {
		case ok:
			b.WriteString(part)
		case strings.IndexByte("MbWaw", format[i]) >= 0:
			return nil
		default:
			b.WriteByte(format[i])
		}
	}
	return b.String()
}
