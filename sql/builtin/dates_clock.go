package builtin

import (
	"fmt"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"
	"github.com/dolthub/vitess/go/vt/proto/query"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// The functions of the clock that the library lacks, or whose type or digits of a second it forgets: CURDATE, CURTIME(n), UTC_DATE, UTC_TIME(n), UTC_TIMESTAMP(n). All
// give the time at which the statement began.

// clock is one of them.
type clock struct {
	name   string
	kind   query.Type // DATE, TIME or DATETIME
	utc    bool
	digits int
}

var _ sql.FunctionExpression = (*clock)(nil)
var _ sql.NonDeterministicExpression = (*clock)(nil)

func clockFunctions() []sql.Function {
	var out []sql.Function
	for _, f := range []clock{{name: "curdate", kind: sqltypes.Date}, {name: "current_date", kind: sqltypes.Date},
		{name: "curtime", kind: sqltypes.Time}, {name: "current_time", kind: sqltypes.Time}, {name: "utc_date", kind: sqltypes.Date, utc: true},
		{name: "utc_time", kind: sqltypes.Time, utc: true}, {name: "utc_timestamp", kind: sqltypes.Datetime, utc: true}} {
		out = append(out, sql.FunctionN{Name: f.name, Fn: f.of})
	}
	return out
}

// of is the call with arguments.
func (f clock) of(c *sql.Context, args ...sql.Expression) (sql.Expression, error) {
	if len(args) > 1 || len(args) == 1 && f.kind == sqltypes.Date {
		return nil, sql.ErrInvalidArgumentNumber.New(f.name, "0 or 1", len(args))
	}
	if len(args) == 1 {
		v, err := args[0].Eval(c, nil) // the grammar has numbers only
		if err != nil {
			return nil, err
		}
		n, _ := datum.Integer(v)
		if n < 0 || n > datum.Fraction {
			return nil, mysqlerr.NewMessage(mysqlerr.ER_TOO_BIG_PRECISION, "Too-big precision %d specified for '%s'. Maximum is %d.", n, f.name, datum.Fraction)
		}
		f.digits = int(n)
	}
	return &f, nil
}

func (f *clock) Type(*sql.Context) sql.Type {
	switch f.kind {
	case sqltypes.Date:
		return types.Date
	case sqltypes.Time:
		return types.Time
	}
	return types.MustCreateDatetimeType(sqltypes.Datetime, f.digits)
}

func (f *clock) FunctionName() string          { return f.name }
func (f *clock) Description() string           { return "returns the time at which the statement began" }
func (f *clock) SecondDigits(*sql.Context) int { return f.digits }
func (f *clock) IsNullable(*sql.Context) bool  { return false }
func (f *clock) IsNonDeterministic() bool      { return true }
func (f *clock) Resolved() bool                { return true }
func (f *clock) Children() []sql.Expression    { return nil }
func (f *clock) CollationCoercibility(*sql.Context) (sql.CollationID, byte) {
	return sql.Collation_binary, 5
}

func (f *clock) String() string {
	if f.digits == 0 {
		return f.name + "()"
	}
	return fmt.Sprintf("%s(%d)", f.name, f.digits)
}

func (f *clock) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 0 {
		return nil, sql.ErrInvalidChildrenNumber.New(f, len(ch), 0)
	}
	return f, nil
}

func (f *clock) Eval(c *sql.Context, _ sql.Row) (any, error) {
	now := c.QueryTime().UTC()
	if zone := item.Location(c); zone != nil && !f.utc {
		now = now.In(zone)
	}
	unit := time.Second
	for range f.digits {
		unit /= 10
	}
	y, m, d := now.Date()
	at := time.Duration(now.Hour())*time.Hour + time.Duration(now.Minute())*time.Minute + time.Duration(now.Second())*time.Second +
		time.Duration(now.Nanosecond()).Truncate(unit)
	day := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	switch f.kind {
	case sqltypes.Date:
		return day, nil
	case sqltypes.Time:
		return types.Timespan(at.Microseconds()), nil
	}
	return day.Add(at), nil
}

// LiteralDigits is the argument of NOW(n), 0 without.
func LiteralDigits(args []sql.Expression) int {
	if len(args) == 0 {
		return 0
	}
	l, ok := args[0].(*expression.Literal)
	if !ok {
		return datum.Fraction
	}
	n, _ := datum.Integer(l.Value())
	return int(n)
}
