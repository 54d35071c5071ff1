package general

import (
	"errors"
	"unicode/utf8"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/field"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/temporal"
)

// run reads the file to its end.
func (l *loader) run(n *sqlparser.Load) error {
	if n.IgnoreNum != nil {
		var lines int64
		for _, b := range n.IgnoreNum.Val {
			if b < '0' || b > '9' || lines > 1<<50 {
				return mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, "IGNORE "+string(n.IgnoreNum.Val)+" LINES")
			}
			lines = 10*lines + int64(b-'0')
		}
		for ; lines > 0; lines-- {
			if err := l.in.SkipLine(); err != nil {
				return endOK(err)
			}
		}
	}
	for {
		if l.stats.records%256 == 0 && l.c.Err() != nil {
			return l.c.Err()
		}
		if err := l.in.Next(); err != nil {
			if ferr := l.flush(); ferr != nil {
				return ferr
			}
			return endOK(err)
		}
		l.stats.records++
		l.st.Row++
		vals := l.room()
		l.st.Held = l.st.Held[:0]
		if err := l.row(vals); err != nil {
			if ferr := l.flush(); ferr != nil {
				return ferr
			}
			l.st.Tell(l.c)
			return err
		}
		if len(l.st.Held) > 0 { // warnings come in the order of rows: what those before meet comes first
			if err := l.flush(); err != nil {
				return err
			}
			l.st.Tell(l.c)
			copy(l.room(), vals)
			vals = l.room()
		}
		if err := l.add(vals); err != nil {
			return err
		}
	}
}

// Rows go into the table together.
const (
	loadCells = 1 << 14
	loadBytes = 512 << 10
)

// room is where the next row is made.
func (l *loader) room() []row.Datum {
	n, at := len(l.base), len(l.rows)*len(l.base)
	if l.cells == nil {
		l.cells = make([]row.Datum, max(loadCells, 16*n))
	}
	return l.cells[at : at+n : at+n]
}

// add copies what a row's datums point to, and inserts rows when there are enough.
func (l *loader) add(vals []row.Datum) error {
	for i := range vals {
		if d := &vals[i]; len(d.B) > 0 {
			at := len(l.bytes)
			l.bytes = append(l.bytes, d.B...) // what it outgrows belongs to the rows before
			d.B = l.bytes[at:len(l.bytes):len(l.bytes)]
		}
	}
	l.rows = append(l.rows, vals)
	if (len(l.rows)+1)*len(l.base) > len(l.cells) || len(l.bytes) >= loadBytes {
		return l.flush()
	}
	return nil
}

// flush inserts the rows that were added.
func (l *loader) flush() error {
	for rest := l.rows; len(rest) > 0; {
		n, err := l.t.InsertRows(l.c, rest)
		if rest = rest[n:]; err != nil {
			if err := l.collided(rest[0], err); err != nil {
				return err
			}
			rest = rest[1:]
		}
	}
	l.rows, l.bytes = l.rows[:0], l.bytes[:0]
	if cap(l.bytes) > 2*loadBytes {
		l.bytes = nil
	}
	return nil
}

// row makes a row of the record at hand.
func (l *loader) row(vals []row.Datum) error {
	copy(vals, l.base)
	n := min(l.in.Fields(), len(l.dest))
	for i := range n {
		d := &l.dest[i]
		null := l.in.Null(i)
		if d.column < 0 {
			var v any
			if !null {
				v = string(l.in.Field(i))
			}
			if err := l.c.Session.SetUserVariable(l.c, d.name, v, types.LongText); err != nil {
				return err
			}
			continue
		}
		if null {
			if err := l.null(d.column, vals); err != nil {
				return err
			}
			continue
		}
		var err error
		if vals[d.column], err = l.value(d.column, l.in.Field(i)); err != nil {
			return err
		}
	}
	switch {
	case l.in.Fields() < len(l.dest):
		if e := mysqlerr.New(mysqlerr.ER_WARN_TOO_FEW_RECORDS, l.st.Row); l.st.Strict {
			return e
		} else {
			l.st.Warn(l.c, e)
		}
		for i := n; i < len(l.dest); i++ {
			if d := &l.dest[i]; d.column < 0 {
				if err := l.c.Session.SetUserVariable(l.c, d.name, nil, types.LongText); err != nil {
					return err
				}
			}
		}
	case l.in.Fields() > len(l.dest):
		if e := mysqlerr.New(mysqlerr.ER_WARN_TOO_MANY_RECORDS, l.st.Row); l.st.Strict {
			return e
		} else {
			l.st.Warn(l.c, e)
		}
	}
	if len(l.sets) > 0 {
		if err := l.set(vals); err != nil {
			return err
		}
	}
	return l.number(vals)
}

// null stores NULL in a column, or what a NOT NULL one has instead.
func (l *loader) null(i int, vals []row.Datum) error {
	vals[i] = row.NullDatum
	if l.m.Def.Columns[i].Nullable || i == l.auto.column {
		return nil
	}
	e := mysqlerr.New(mysqlerr.ER_WARN_NULL_TO_NOTNULL, l.m.Schema[i].Name, l.st.Row)
	if l.st.Strict {
		return e
	}
	l.st.Warn(l.c, e)
	var err error
	vals[i], err = l.m.Codecs[i].Encode(l.c, field.Zero(l.m.Schema[i].Type), nil)
	return err
}

// value reads a column's text. The datum may alias it.
func (l *loader) value(i int, f []byte) (row.Datum, error) {
	k := &l.cols[i]
	switch k.form {
	case loadInt:
		if n, ok := parseInt(f); ok && n >= k.low.Int() && n <= k.high.Int() {
			return row.FromInt(n), nil
		}
	case loadUint:
		if n, ok := parseInt(f); ok && n >= 0 && uint64(n) <= k.high.Uint() {
			return row.FromUint(uint64(n)), nil
		}
	case loadText, loadChar:
		if k.form == loadChar {
			for len(f) > 0 && f[len(f)-1] == ' ' {
				f = f[:len(f)-1]
			}
		}
		if (len(f) <= k.max || utf8.RuneCount(f) <= k.max) && utf8.Valid(f) {
			return row.FromBytes(f), nil
		}
	case loadBlob:
		if len(f) <= k.max {
			return row.FromBytes(f), nil
		}
	case loadMoment:
		if d, ok := parseMoment(f, l.m.Schema[i].Type.Type() == sqltypes.Date); ok {
			return d, nil
		}
	}
	return l.stored(i, string(f))
}

// stored converts a value by the rules of all other statements.
func (l *loader) stored(i int, v any) (row.Datum, error) {
	v, err := l.st.Column(l.c, i, v)
	if err != nil {
		return row.Datum{}, err
	}
	return l.m.Codecs[i].Encode(l.c, v, l.loc)
}

// parseInt reads a plain decimal number of at most 18 digits.
func parseInt(f []byte) (n int64, ok bool) {
	neg := len(f) > 0 && f[0] == '-'
	if neg {
		f = f[1:]
	}
	if len(f) == 0 || len(f) > 18 {
		return 0, false
	}
	for _, b := range f {
		if b < '0' || b > '9' {
			return 0, false
		}
		n = 10*n + int64(b-'0')
	}
	if neg {
		n = -n
	}
	return n, true
}

// parseMoment reads 'YYYY-MM-DD' of a DATE, or 'YYYY-MM-DD hh:mm:ss' of a DATETIME.
func parseMoment(f []byte, date bool) (d row.Datum, ok bool) {
	want := "0000-00-00 00:00:00"
	if date {
		want = want[:10]
	}
	if len(f) != len(want) {
		return d, false
	}
	var n [6]int
	k := 0
	for i, b := range f {
		if want[i] != '0' {
			if b != want[i] {
				return d, false
			}
			k++
			continue
		}
		if b < '0' || b > '9' {
			return d, false
		}
		n[k] = 10*n[k] + int(b-'0')
	}
	if n[0] == 0 || n[1] == 0 || n[1] > 12 || n[2] == 0 || n[2] > 28 || n[3] > 23 || n[4] > 59 || n[5] > 59 {
		return d, false // also what may be right: the other way decides
	}
	v := temporal.Value{Year: n[0], Month: n[1], Day: n[2], Hour: n[3], Minute: n[4], Second: n[5]}
	if date {
		return row.FromInt(v.PackedDay()), true
	}
	return row.FromInt(v.Packed()), true
}

// set evaluates the SET clause, left to right: each sees what those before it set.
func (l *loader) set(vals []row.Datum) error {
	for i := range vals {
		v, err := l.m.Codecs[i].Decode(l.c, &vals[i], l.loc)
		if err != nil {
			return err
		}
		l.vals[i] = v
	}
	for _, s := range l.sets {
		v, err := s.expr.Eval(l.c, l.vals)
		if err != nil {
			return err
		}
		if v == nil {
			if err := l.null(s.column, vals); err != nil {
				return err
			}
		} else if vals[s.column], err = l.stored(s.column, v); err != nil {
			return err
		}
		if l.vals[s.column], err = l.m.Codecs[s.column].Decode(l.c, &vals[s.column], l.loc); err != nil {
			return err
		}
	}
	return nil
}

// number gives the row its AUTO_INCREMENT value, or the table's counter the row's.
func (l *loader) number(vals []row.Datum) error {
	a := &l.auto
	if a.column < 0 {
		return nil
	}
	d := &vals[a.column]
	float := l.m.Codecs[a.column].Class == row.Float32 || l.m.Codecs[a.column].Class == row.Float64
	if !d.Null && (d.N != 0 || a.zeroIsZero) {
		if l.m.Codecs[a.column].Class == row.Int && d.Int() < 0 || float && d.Float() < 0 {
			return nil
		}
		n := d.Uint()
		if float {
			n = uint64(d.Float())
		}
		return l.t.SetAutoInc(l.c, n, false)
	}
	if a.left == 0 {
		next, err := l.t.NextAutoInc(l.c, a.step)
		if err != nil {
			return err
		}
		a.next, a.left = next, a.step
		a.step = min(2*a.step, 1<<16-1)
	}
	if a.first == 0 {
		a.first = a.next
	}
	v, err := l.stored(a.column, a.next)
	a.next, a.left = a.next+1, a.left-1
	*d = v
	return err
}

// collided does what the statement says about a row whose insert met err.
func (l *loader) collided(vals []row.Datum, err error) error {
	var dup *table.DuplicateKey
	for range len(l.m.Def.Indexes) + 1 {
		switch {
		case err == nil:
			return nil
		case !errors.As(err, &dup):
			return err
		case l.dup == loadReplace:
			if err := l.t.Delete(l.c, dup.Ref, dup.Row); err != nil {
				return err
			}
			l.stats.deleted++
			err = l.t.Insert(l.c, vals)
		case l.dup == loadIgnore:
			l.stats.skipped++
			l.warnDuplicate(err)
			return nil
		default:
			return l.s.duplicateInIndex(l.c, l.m, err)
		}
	}
	return err
}

func (l *loader) warnDuplicate(err error) {
	e := mysqlerr.From(l.s.duplicateInIndex(l.c, l.m, err))
	l.c.Session.Warn(&sql.Warning{Level: "Warning", Code: int(e.Code), Message: e.Message})
}
