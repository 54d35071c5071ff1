package datum

import (
	"context"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"

	"github.com/zoryadb/zorya/sql/temporal"
)

// dates is a DATE, DATETIME or TIMESTAMP whose values may be dates that the calendar lacks, of which the library's types know nothing.
type dates struct{ sql.DatetimeType }

// Ordered is the type by which values of a column's type are to be converted, compared and printed: the library's, but for dates.
func Ordered(t sql.Type) sql.Type {
	if d, ok := t.(sql.DatetimeType); ok {
		if _, is := t.(dates); !is {
			return dates{d}
		}
	}
	return t
}

func (t dates) day() bool { return t.Type() == sqltypes.Date }

// cut is a time as the type compares it.
func (t dates) cut(v any) (time.Time, bool) {
	at, ok := v.(time.Time)
	if ok && t.day() {
		at = at.Truncate(24 * time.Hour)
	}
	return at, ok
}

func (t dates) Compare(ctx context.Context, a, b any) (int, error) {
	x, ok1 := t.cut(a)
	y, ok2 := t.cut(b)
	if ok1 && ok2 {
		return temporal.Compare(x, y), nil
	}
	return t.DatetimeType.Compare(ctx, a, b)
}

// Convert brings a date to the type's precision. Texts may be any date that some sql_mode allows.
func (t dates) Convert(ctx context.Context, v any) (any, sql.ConvertInRange, error) {
	if s, ok := Text(v); ok {
		if d, st := temporal.ParseDatetime(s, temporal.Fuzzy|temporal.Invalid); st == temporal.OK {
			v = d.Held()
		}
	}
	at, ok := v.(time.Time)
	if !ok || !temporal.Odd(at) && at.Year() >= 0 {
		return t.DatetimeType.Convert(ctx, v)
	}
	if t.day() {
		at, _ = t.cut(at)
		return at, sql.InRange, nil
	}
	at, ok = temporal.Round(at, t.Precision())
	if !ok || t.Type() == sqltypes.Timestamp && !at.Equal(types.ZeroTime) {
		return nil, sql.Overflow, types.ErrConvertingToTimeOutOfRange.New(temporal.OfHeld(v.(time.Time)).Text(Fraction), t.String())
	}
	return at, sql.InRange, nil
}

// SQL prints a date.
func (t dates) SQL(c *sql.Context, dest []byte, v any) (sqltypes.Value, error) {
	at, ok := v.(time.Time)
	if !ok {
		return t.DatetimeType.SQL(c, dest, v)
	}
	d := temporal.OfHeld(at)
	if t.day() {
		d.Kind = temporal.Date
	}
	return sqltypes.MakeTrusted(t.Type(), append(dest, d.Text(t.Precision())...)), nil
}
