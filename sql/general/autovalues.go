package general

import (
	"math"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/field"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// autoValues gives the rows of one INSERT their AUTO_INCREMENT values, as MySQL's handler::update_auto_increment does with InnoDB's
// interleaved lock mode: the first time as many as the statement has rows if that is known, then 1, 2, 4 ... A value that a
// failed row was to have goes to the next row; what is left at the end is a gap. A nil *autoValues is a table without such a column.
type autoValues struct {
	t          table.Table
	column     int
	typ        sql.Type
	most       uint64 // that the column holds
	zeroIsZero bool   // NO_AUTO_VALUE_ON_ZERO
	step, from uint64 // auto_increment_increment and _offset

	estimate uint64 // rows of the statement, 0: unknown
	pending  uint64 // rows for which values were asked for and that were not written yet
	taken    int    // intervals taken from the table's counter
	low      uint64 // the interval at hand: [low, high)
	high     uint64
	next     uint64 // value of the next row that lacks one, 0: none was given yet
	current  uint64 // value generated for the row at hand, 0: none
	value    uint64 // the row's value, generated or given
	negative uint64 // the row's value if it was given and is below zero, as an unsigned number
	first    uint64 // the first one generated and written: LAST_INSERT_ID()
	assigned bool   // ON DUPLICATE KEY UPDATE names the column
	gives    bool   // the table is partitioned: what is left goes back to its counter
	forced   bool   // the values begin at @@insert_id
}

func newAutoValues(c *sql.Context, b *base, in *incoming) (*autoValues, error) {
	i := b.m.Def.AutoInc
	if i < 0 {
		return nil, nil
	}
	t, err := b.ensure(c)
	if err != nil {
		return nil, err
	}
	typ := b.m.Schema[i].Type
	a := &autoValues{t: t, column: i, typ: typ, most: mostOf(typ), zeroIsZero: field.Modes(c)["NO_AUTO_VALUE_ON_ZERO"], step: 1, from: 1, estimate: in.rows, gives: len(b.m.Attrs.Parts) > 0}
	if s := sessionOf(c); s != nil {
		a.step = max(uint64(integer(s.variable("auto_increment_increment"))), 1)
		if a.from = max(uint64(integer(s.variable("auto_increment_offset"))), 1); a.from > a.step {
			a.from = 1
		}
		if forced := uint64(integer(s.variable("insert_id"))); forced > 0 && s.cur != nil && s.cur.busy == nil {
			a.next, a.low, a.high, a.forced = forced, forced, math.MaxUint64, true
			if err := s.gms.SetSessionVariable(c, "insert_id", int64(0)); err != nil {
				return nil, err
			}
		}
	}
	return a, nil
}

// mostOf is the greatest value of a column's type.
func mostOf(t sql.Type) uint64 {
	switch v := field.Limit(t, int64(1), sql.Overflow).(type) {
	case uint64:
		return v
	case float32:
		return 1 << 24
	case float64:
		return 1 << 53
	default:
		if n, ok := datum.Integer(v); ok && n > 0 {
			return uint64(n)
		}
	}
	return math.MaxInt64
}

// aligned is the least value at or above v of the series from, from+step ...
func (a *autoValues) aligned(v uint64) uint64 {
	if a.step == 1 || v <= a.from {
		return max(v, a.from)
	}
	n := (v - a.from + a.step - 1) / a.step
	return a.from + n*a.step
}

// after is the value that follows v.
func (a *autoValues) after(v uint64) uint64 {
	if v >= math.MaxUint64-a.step {
		return math.MaxUint64
	}
	return a.aligned(v + 1)
}

// mark is the state to go back to if a row is not written.
func (a *autoValues) mark() uint64 {
	if a == nil {
		return 0
	}
	return a.next
}

func (a *autoValues) restore(before uint64) {
	if a == nil {
		return
	}
	if before > 0 {
		a.next = before
	} else {
		a.next = a.current
	}
}

// attempted tells that the row at hand is done with, written or not.
func (a *autoValues) attempted() {
	if a != nil && a.pending > 0 {
		a.pending--
	}
}

// given is the value that the row at hand has, false if it lacks one.
func (a *autoValues) given(r sql.Row) (v uint64, positive, ok bool) {
	switch x := r[a.column].(type) {
	case nil:
		return 0, false, false
	case uint64:
		v, positive = x, x > 0
	case float32:
		v, positive = uint64(max(x, 0)), x > 0
		ok = x != 0
	case float64:
		v, positive = uint64(max(x, 0)), x > 0
		ok = x != 0
	default:
		n, _ := datum.Integer(x)
		v, positive = uint64(n), n > 0
	}
	return v, positive, ok || v != 0 || a.zeroIsZero
}

// assign sees to the row's value.
func (a *autoValues) assign(c *sql.Context, r sql.Row) error {
	if a == nil {
		return nil
	}
	a.current = 0
	if v, positive, ok := a.given(r); ok {
		a.value, a.negative = 0, 0
		if !positive {
			a.negative = v
		} else {
			a.value = v
			if a.next > 0 && v >= a.next {
				a.next = a.after(v)
			}
		}
		return nil
	}
	if a.next > a.most {
		return mysqlerr.New(mysqlerr.ER_AUTOINC_READ_FAILED)
	}
	v := a.next
	if v >= a.high {
		var err error
		if v, err = a.reserve(c); err != nil {
			return err
		}
	}
	a.current, a.value, a.negative, a.next = v, v, 0, a.after(v)
	out, _, err := a.typ.Convert(c, v)
	r[a.column] = out
	return err
}

// refused tells that a row of VALUES failed before it was to be written: its value is the one that it was given, none if it lacks one.
func (a *autoValues) refused(r sql.Row) {
	if a == nil {
		return
	}
	a.value, a.negative = 0, 0
	if v, positive, _ := a.given(r); positive {
		a.value = v
	} else {
		a.negative = v
	}
}

// reserve takes an interval of values from the table's counter and returns the first.
func (a *autoValues) reserve(c *sql.Context) (uint64, error) {
	n := uint64(1) << min(a.taken, 16)
	if a.taken == 0 && a.estimate > 0 {
		n = a.estimate
	}
	if a.pending > 0 {
		n = a.pending
	}
	if s := sessionOf(c); s != nil && s.e.oneByOne {
		n = 1
	}
	if a.next > 1 { // an explicit value was greater than what was left
		if err := a.t.SetAutoInc(c, a.next-1, false); err != nil {
			return 0, err
		}
	}
	var first uint64
	for {
		v, err := a.t.NextAutoInc(c, 1)
		if err != nil {
			return 0, err
		}
		if first = a.aligned(v); first > a.most {
			// InnoDB's counter stays at the end of the type: the row meets the one that is there.
			if a.most == math.MaxUint64 {
				return 0, mysqlerr.New(mysqlerr.ER_AUTOINC_READ_FAILED)
			}
			first = a.most
			break
		}
		if rest := first - v + n*a.step - 1; rest > 0 {
			w, err := a.t.NextAutoInc(c, rest)
			if err != nil {
				return 0, err
			}
			if w != v+1 { // another session came in between: what was taken is a gap
				continue
			}
		}
		break
	}
	a.taken++
	a.pending = n
	a.low, a.high = first, first+n*a.step
	return first, nil
}

// release ends the statement: the counter of a partitioned table takes back what no row got (Partition_helper::ph_release_auto_increment),
// InnoDB's own does not.
func (a *autoValues) release(c *sql.Context) error {
	if a == nil || !a.gives || a.forced || a.next == 0 {
		return nil
	}
	return a.t.ReleaseAutoInc(c, a.next, a.high)
}

// inserted tells that the row at hand was written.
func (a *autoValues) inserted(c *sql.Context) error {
	if a == nil {
		return nil
	}
	if a.first == 0 {
		a.first = a.current
	}
	return a.raise(c)
}

// raise lifts the table's counter above a value that was given.
func (a *autoValues) raise(c *sql.Context) error {
	if a == nil || a.current > 0 && !a.forced || a.value == 0 || a.value > a.most {
		return nil
	}
	return a.t.SetAutoInc(c, a.value, false)
}

// generatedAt reports whether the row's value was generated and the index begins with the column.
func (a *autoValues) generatedAt(ix *table.Index) bool {
	return a != nil && a.current > 0 && ix != nil && len(ix.Parts) > 0 && ix.Parts[0].Column == a.column
}

// conflict looks at the value that ON DUPLICATE KEY UPDATE gives the row that was there.
func (a *autoValues) conflict(now sql.Row, before uint64) error {
	if a == nil {
		return nil
	}
	v, positive, _ := a.given(now)
	if a.assigned && a.current > 0 && positive {
		switch {
		case v == a.current: // the UPDATE uses the value that was generated
			a.value = v
			return nil
		case v >= a.low && v < a.high:
			return mysqlerr.New(mysqlerr.ER_AUTO_INCREMENT_CONFLICT)
		}
	}
	a.restore(before)
	a.current, a.value = 0, v
	return nil
}

// updated tells that ON DUPLICATE KEY UPDATE changed a row.
func (a *autoValues) updated(c *sql.Context, now sql.Row) error {
	if a == nil {
		return nil
	}
	a.current = 0
	if v, positive, _ := a.given(now); positive && v <= a.most {
		return a.t.SetAutoInc(c, v, false)
	}
	return nil
}

func (a *autoValues) firstGiven() uint64 {
	if a == nil {
		return 0
	}
	return a.first
}

// latest is the value of the last row.
func (a *autoValues) latest() uint64 {
	if a == nil {
		return 0
	}
	if a.value == 0 {
		return a.negative
	}
	return a.value
}
