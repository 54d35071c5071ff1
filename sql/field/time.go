package field

import (
	"math"
	"regexp"
	"time"

	"github.com/cockroachdb/apd/v3"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/temporal"
)

// moment is a value as a DATE, DATETIME or TIMESTAMP stores it. What is a date, but none that the sql_mode or the type allows, is out of range, what is none is cut.
func (st *Store) moment(c *sql.Context, t sql.Type, name string, v any) (any, error) {
	kind := "datetime"
	if t.Type() == sqltypes.Date {
		kind = "date"
	}
	allowed := st.Dates
	if t.Type() == sqltypes.Timestamp {
		allowed &= temporal.NoZero
	}
	given := v
	wrong := func(code func(string) *mysqlerr.Error) (any, error) {
		e := code(name)
		if st.Strict {
			if at, ok := given.(time.Time); ok && kind == "date" {
				given = temporal.OfHeld(at).Text(0)[:len("0000-00-00")]
			}
			e = st.Incorrect(mysqlerr.ER_TRUNCATED_WRONG_VALUE, kind, given, name)
		}
		return st.bad(c, types.ZeroTime, e)
	}
	d, st2, read := dateOf(v)
	switch {
	case st2 == temporal.Bad:
		return wrong(st.Truncated)
	case read && !d.Check(allowed):
		return wrong(st.outOfRange)
	case st2 == temporal.Cut && st.Strict:
		return wrong(st.Truncated)
	case st2 == temporal.Cut:
		st.Warn(c, st.Truncated(name))
	}
	if read {
		v = d.Held()
	}
	out, in, err := datum.Ordered(t).Convert(c, v)
	switch {
	case err != nil || in != sql.InRange:
		return wrong(st.outOfRange)
	case kind == "date" && st2 == temporal.OK && d.Clock() != 0:
		st.Note(c, st.Truncated(name))
	}
	return out, nil
}

// dateOf reads the date that a value is, whatever the sql_mode. read is false for a value that is left to the library: a TIME, and a text with a time zone's offset.
func dateOf(v any) (d temporal.Value, st temporal.Status, read bool) {
	const any = temporal.Fuzzy | temporal.Invalid
	if s, ok := datum.Text(v); ok {
		if d, st = temporal.ParseDatetime(s, any); st == temporal.Cut && offset.MatchString(s) {
			return d, temporal.OK, false
		}
		return d, st, true
	}
	switch x := v.(type) {
	case time.Time:
		return temporal.OfHeld(x), temporal.OK, true
	case *apd.Decimal:
		whole, micro := item.Split(x)
		d, st = temporal.OfNumber(whole, micro, any)
		return d, st, true
	case float64:
		if whole, part := math.Modf(x); math.Abs(whole) < 1e15 {
			d, st = temporal.OfNumber(int64(whole), int64(math.Round(part*1e6)), any)
			return d, st, true
		}
		return d, temporal.Bad, true
	}
	if n, ok := datum.Integer(v); ok {
		d, st = temporal.OfNumber(n, 0, any)
		return d, st, true
	}
	return d, temporal.OK, false
}

// offset is the end of a date and time that is given in a time zone of its own.
var offset = regexp.MustCompile(`:\d\d(\.\d*)?[+-]\d\d:\d\d$`)

// span is a value as a TIME stores it.
func (st *Store) span(c *sql.Context, name string, fraction int, v any) (any, error) {
	incorrect := func() *mysqlerr.Error { return st.Incorrect(mysqlerr.ER_TRUNCATED_WRONG_VALUE, "time", v, name) }
	var at types.Timespan
	if s, ok := datum.Text(v); ok {
		span, res := datum.ReadSpan(s)
		switch res {
		case temporal.Bad:
			e := incorrect()
			if !st.Strict {
				e = st.Truncated(name)
			}
			return st.bad(c, types.Timespan(0), e)
		case temporal.Range:
			if st.Strict {
				return nil, incorrect()
			}
			st.Warn(c, st.outOfRange(name))
		case temporal.Cut:
			if st.Strict {
				return nil, st.Truncated(name)
			}
			st.Warn(c, st.Truncated(name))
		}
		at = span
	} else {
		out, in, err := types.Time.Convert(c, v)
		if err != nil || in != sql.InRange {
			return st.bad(c, types.Timespan(0), incorrect())
		}
		if at, ok = out.(types.Timespan); !ok {
			return out, nil
		}
		if day, dated := v.(time.Time); dated && !temporal.OfHeld(day).Zero() {
			st.Note(c, st.Truncated(name))
		}
	}
	return datum.RoundSpan(at, fraction), nil
}
