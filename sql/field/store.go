// Package field owns what a value becomes when it is stored in a column: MySQL's Field::store, with the warnings and errors of the sql_mode. It knows
// types and definitions, no table and no statement.
package field

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/apd/v3"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/tabledef"
	"github.com/zoryadb/zorya/sql/temporal"
)

// Store converts values to what columns of a table hold, by MySQL's rules of strict and non-strict mode: in strict mode a value that
// does not fit is an error; otherwise, and with IGNORE, the nearest that does is stored with a warning.
type Store struct {
	Table    *tabledef.Table // nil: a join, whose columns are known by type only
	Strict   bool
	division bool           // ERROR_FOR_DIVISION_BY_ZERO
	Dates    temporal.Flags // that the sql_mode allows
	Row      int64
	Upsert   bool // assignments are those of ON DUPLICATE KEY UPDATE
	Refuses  bool // NULL for a column that is NOT NULL is an error in any sql_mode
	Holds    bool // warnings wait in Held until Tell
	Held     []*sql.Warning
}

// New is a Store for one statement. With ignore nothing is strict.
func New(c *sql.Context, m *tabledef.Table, ignore bool) *Store {
	mode := Modes(c)
	return &Store{Table: m, Strict: !ignore && (mode["STRICT_TRANS_TABLES"] || mode["STRICT_ALL_TABLES"]),
		division: mode["ERROR_FOR_DIVISION_BY_ZERO"], Dates: item.DateFlags(c)}
}

// Modes are the session's sql_modes.
func Modes(c *sql.Context) map[string]bool {
	out := map[string]bool{}
	v, err := c.GetSessionVariable(c, "sql_mode")
	if err != nil {
		return out
	}
	for _, m := range strings.Split(fmt.Sprint(v), ",") {
		out[strings.ToUpper(strings.TrimSpace(m))] = true
	}
	return out
}

// LeftNull is what an UPDATE stores where the column is NOT NULL and no trigger has mended the NULL.
func (st *Store) LeftNull(c *sql.Context, col *sql.Column) (any, error) {
	e := mysqlerr.New(mysqlerr.ER_BAD_NULL_ERROR, col.Name)
	if st.Strict || st.Refuses {
		return nil, e
	}
	st.Warn(c, e)
	return Zero(col.Type), nil
}

// Warn gives a warning, now or when Tell is called.
func (st *Store) Warn(c *sql.Context, e *mysqlerr.Error) {
	st.say(c, "Warning", e)
}

// Note gives a note, as Warn does a warning.
func (st *Store) Note(c *sql.Context, e *mysqlerr.Error) { st.say(c, "Note", e) }

func (st *Store) say(c *sql.Context, level string, e *mysqlerr.Error) {
	w := &sql.Warning{Level: level, Code: int(e.Code), Message: e.Message}
	if st.Holds {
		st.Held = append(st.Held, w)
		return
	}
	c.Session.Warn(w)
}

// Tell gives the session the warnings that were held.
func (st *Store) Tell(c *sql.Context) {
	for _, w := range st.Held {
		c.Session.Warn(w)
	}
	st.Held = st.Held[:0]
}

// bad is an error in strict mode, else a warning and the value near.
func (st *Store) bad(c *sql.Context, near any, e *mysqlerr.Error) (any, error) {
	if st.Strict {
		return nil, e
	}
	st.Warn(c, e)
	return near, nil
}

// Column converts v, not nil, for column i.
func (st *Store) Column(c *sql.Context, i int, v any) (any, error) {
	if exact, ok := v.(*apd.Decimal); ok && exact.Sign() < 0 && st.Table.Columns[i].Unsigned() {
		return st.bad(c, Zero(st.Table.Schema[i].Type), st.outOfRange(st.Table.Schema[i].Name))
	}
	out, err := st.Value(c, st.Table.Schema[i].Type, st.Table.Schema[i].Name, st.Table.Columns[i].Fraction, v)
	if err == nil && st.Table.Columns[i].Unsigned() && Negative(out) {
		return st.bad(c, Zero(st.Table.Schema[i].Type), st.outOfRange(st.Table.Schema[i].Name))
	}
	return out, err
}

// Value converts v for a column of type t; fraction is the number of digits that a TIME keeps.
func (st *Store) Value(c *sql.Context, t sql.Type, name string, fraction int, v any) (any, error) {
	if w, ok := v.(sql.AnyWrapper); ok {
		u, err := w.UnwrapAny(c)
		if err != nil {
			return nil, err
		}
		v = u
	}
	switch base := t.Type(); {
	case types.IsEnum(t), types.IsSet(t):
		return st.listed(c, t, name, v)
	case types.IsBit(t):
		return st.bits(c, t, name, v)
	case types.IsYear(t):
		return st.year(c, t, name, v)
	case types.IsTimespan(t):
		return st.span(c, name, fraction, v)
	case types.IsTime(t):
		return st.moment(c, t, name, v)
	case types.IsNumber(t), types.IsDecimal(t):
		return st.number(c, t, name, v)
	case types.IsText(t): // binary ones too
		v, err := st.floatText(c, t, name, v)
		switch {
		case err != nil:
			return nil, err
		case base == sqltypes.Char || base == sqltypes.VarChar || base == sqltypes.Text:
			return st.text(c, t, name, v)
		}
		return st.bytes(c, t, name, v)
	case datum.Spatial(t):
		return geometry(c, t, name, v)
	case types.IsJSON(t):
		return st.document(name, v)
	}
	return v, nil
}

// Fitted is a value of type from as a column of type to takes it where the value alone does not tell: the names of members of ENUM and SET for what
// stores no number, the digits of a YEAR for a text, the number of a date or time for a number.
func Fitted(c *sql.Context, from, to sql.Type, v any) any {
	if from == nil || to == nil || from.Equals(to) {
		return v
	}
	numeric := types.IsNumber(to) || types.IsDecimal(to)
	switch {
	case types.IsTime(from) || types.IsTimespan(from):
		switch {
		case numeric:
			return item.Number(c, from, v)
		case types.IsText(to): // binary ones too
			return item.TimeText(c, from, v)
		}
	case types.IsEnum(from) || types.IsSet(from):
		if numeric || types.IsBit(to) || types.IsYear(to) {
			return v
		}
		if x, err := datum.Ordered(from).SQL(c, nil, v); err == nil {
			return x.ToString()
		}
	case types.IsYear(from) && types.IsText(to):
		if n, ok := datum.Integer(v); ok {
			return datum.YearText(n)
		}
	}
	return v
}

// Truncated is 1265 for a column.
func (st *Store) Truncated(name string) *mysqlerr.Error {
	return mysqlerr.New(mysqlerr.WARN_DATA_TRUNCATED, name, st.Row)
}

func (st *Store) outOfRange(name string) *mysqlerr.Error {
	return mysqlerr.New(mysqlerr.ER_WARN_DATA_OUT_OF_RANGE, name, st.Row)
}

// Incorrect is 1366 for numbers and 1292 for times.
func (st *Store) Incorrect(code mysqlerr.Code, kind string, v any, name string) *mysqlerr.Error {
	return mysqlerr.NewMessage(code, "Incorrect %s value: '%s' for column '%s' at row %d", kind, Shown(v), name, st.Row)
}

// Shown is a value as messages print it.
func Shown(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []byte:
		return string(v)
	case *apd.Decimal:
		return v.Text('f')
	case time.Time:
		d := temporal.OfHeld(v)
		if d.Micro == 0 {
			return d.Text(0)
		}
		return d.Text(datum.Fraction)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case bool:
		if v {
			return "1"
		}
		return "0"
	}
	return fmt.Sprint(v)
}

// Zero is what a NOT NULL column without a default holds in rows that are older than it.
func Zero(t sql.Type) any {
	switch {
	case types.IsEnum(t):
		return uint16(1)
	case types.IsTime(t):
		return types.ZeroTime
	case types.IsJSON(t):
		return types.JSONDocument{Val: nil}
	case types.IsDecimal(t):
		return apd.New(0, 0)
	}
	return t.Zero()
}
