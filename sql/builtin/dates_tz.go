package builtin

import (
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/temporal"
)

// CONVERT_TZ has as many digits of a second as its argument, leaves alone what TIMESTAMP cannot hold, and takes a time that a clock's change
// to summer skips for the moment of the change (TIME_to_gmt_sec, sql/tztime.cc).

func init() {
	Lacking["convert_tz"] = sql.Function3{Name: "convert_tz", Fn: func(_ *sql.Context, at, from, to sql.Expression) sql.Expression {
		return &convertTZ{expression.NaryExpression{ChildExpressions: []sql.Expression{at, from, to}}}
	}}
}

type convertTZ struct{ expression.NaryExpression }

var _ sql.FunctionExpression = (*convertTZ)(nil)

func (f *convertTZ) FunctionName() string         { return "convert_tz" }
func (f *convertTZ) Description() string          { return "converts a time from one time zone to another" }
func (f *convertTZ) IsNullable(*sql.Context) bool { return true }
func (f *convertTZ) String() string {
	parts := make([]string, len(f.ChildExpressions))
	for i, e := range f.ChildExpressions {
		parts[i] = e.String()
	}
	return "convert_tz(" + strings.Join(parts, ",") + ")"
}

// Type is a DATETIME with the digits of the argument; those of a text are known if it is a literal.
func (f *convertTZ) Type(c *sql.Context) sql.Type {
	return datetimeType(item.NewArgument(c, f.ChildExpressions[0]).Digits(c))
}

func (f *convertTZ) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 3 {
		return nil, sql.ErrInvalidChildrenNumber.New(f, len(ch), 3)
	}
	return &convertTZ{expression.NaryExpression{ChildExpressions: ch}}, nil
}

func (f *convertTZ) Eval(c *sql.Context, r sql.Row) (any, error) {
	day, _, ok, err := item.NewArgument(c, f.ChildExpressions[0]).Date(c, r, temporal.NoZero)
	if err != nil || !ok {
		return nil, err
	}
	at := day.Held()
	var v [2]any
	for i, e := range f.ChildExpressions[1:] {
		if v[i], err = e.Eval(c, r); err != nil || v[i] == nil {
			return nil, err
		}
	}
	from, ok1 := namedZone(v[0])
	to, ok2 := namedZone(v[1])
	if !ok1 || !ok2 {
		return nil, nil
	}
	moment := wallTime(at, from)
	if s := moment.Unix(); s < 1 || s > lastTimestamp {
		return at, nil
	}
	local := moment.In(to)
	return time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), local.Second(), local.Nanosecond(), time.UTC), nil
}

// lastTimestamp is '3001-01-18 23:59:59' UTC, the end of what time functions take since MySQL 8.0.28.
const lastTimestamp = 32536771199

// namedZone finds a time zone by its name or offset.
func namedZone(v any) (*time.Location, bool) {
	name, ok := datum.Text(v)
	if !ok {
		return nil, false
	}
	if d, err := sql.MySQLOffsetToDuration(name); err == nil && (d > 14*time.Hour || d <= -14*time.Hour) {
		return nil, false
	}
	if l := item.LocationOf(name); l != nil {
		return l, true
	}
	return time.UTC, name == "+00:00" || strings.EqualFold(name, "UTC") || strings.EqualFold(name, "SYSTEM")
}

// wallTime is the moment at which clocks of a zone show at; for what they skip, the moment at which they do.
func wallTime(at time.Time, zone *time.Location) time.Time {
	m := time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), zone)
	shown := time.Date(m.Year(), m.Month(), m.Day(), m.Hour(), m.Minute(), m.Second(), m.Nanosecond(), time.UTC)
	switch start, end := m.ZoneBounds(); {
	case shown.After(at) && !start.IsZero():
		return start
	case shown.Before(at) && !end.IsZero():
		return end
	}
	return m
}
