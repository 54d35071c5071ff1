package general

import (
	"strconv"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/temporal"
)

// moment is a value as a DATE, DATETIME or TIMESTAMP stores it.
func (st *store) moment(c *sql.Context, t sql.Type, name string, v any) (any, error) {
	kind := "datetime"
	if t.Type() == sqltypes.Date {
		kind = "date"
	}
	given := v
	if n, ok := datum.Integer(v); ok && n > 0 {
		v = strconv.FormatInt(n, 10) // YYMMDD, YYYYMMDD, YYMMDDhhmmss, YYYYMMDDhhmmss
		if len(v.(string)) == 5 || len(v.(string)) == 11 {
			v = "0" + v.(string)
		}
	} else if ok {
		v = "0000-00-00"
	}
	out, in, err := t.Convert(c, v)
	if s, ok := datum.Text(v); ok && err != nil {
		if at, ok := item.ParseMoment(s); ok {
			out, in, err = t.Convert(c, at)
		}
	}
	v = given
	if err == nil && in == sql.InRange && out != nil {
		if at, ok := out.(time.Time); ok && at.Equal(types.ZeroTime) && st.noZero {
			if s, ok := datum.Text(v); !ok || strings.Trim(s, "0-: .") == "" {
				if _, moment := v.(time.Time); moment {
					v = map[string]string{"date": "0000-00-00", "datetime": "0000-00-00 00:00:00"}[kind]
				}
				return st.bad(c, out, st.incorrect(mysqlerr.ER_TRUNCATED_WRONG_VALUE, kind, v, name))
			}
		}
		if kind == "date" && st.hasClock(c, v) {
			st.note(c, st.truncated(name))
		}
		return out, nil
	}
	e := st.incorrect(mysqlerr.ER_TRUNCATED_WRONG_VALUE, kind, v, name)
	if !st.strict {
		e = st.truncated(name)
	}
	return st.bad(c, types.ZeroTime, e)
}

// hasClock reports whether a value that is stored as a date has a time of day too, which is cut off with a note.
func (st *store) hasClock(c *sql.Context, v any) bool {
	at, ok := v.(time.Time)
	if s, text := datum.Text(v); text && len(s) > len("2006-01-02") {
		if at, ok = item.ParseMoment(s); !ok {
			out, in, err := types.DatetimeMaxPrecision.Convert(c, s)
			at, ok = out.(time.Time)
			ok = ok && err == nil && in == sql.InRange
		}
	}
	return ok && (at.Hour() != 0 || at.Minute() != 0 || at.Second() != 0 || at.Nanosecond() != 0)
}

// span is a value as a TIME stores it.
func (st *store) span(c *sql.Context, name string, fraction int, v any) (any, error) {
	incorrect := func() *mysqlerr.Error { return st.incorrect(mysqlerr.ER_TRUNCATED_WRONG_VALUE, "time", v, name) }
	var at types.Timespan
	if s, ok := datum.Text(v); ok {
		span, res := datum.ReadSpan(s)
		switch res {
		case temporal.Bad:
			e := incorrect()
			if !st.strict {
				e = st.truncated(name)
			}
			return st.bad(c, types.Timespan(0), e)
		case temporal.Range:
			if st.strict {
				return nil, incorrect()
			}
			st.warn(c, st.outOfRange(name))
		case temporal.Cut:
			if st.strict {
				return nil, st.truncated(name)
			}
			st.warn(c, st.truncated(name))
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
		if day, dated := v.(time.Time); dated && !day.Equal(types.ZeroTime) {
			st.note(c, st.truncated(name))
		}
	}
	return datum.RoundSpan(at, fraction), nil
}
