package fastlane

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/sqltypes"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// fromClock is a column's plan.source when its value is the statement's time.
const fromClock = -2

// bindInsert maps each column to its value or default.
func (b *binder) bindInsert() bool {
	p, s := b.p, b.p.shape
	bt := &p.tables[0]
	p.source = make([]int, len(bt.def.Columns))
	p.defaults = make([]row.Datum, len(bt.def.Columns))
	for i := range p.source {
		p.source[i] = -1
	}
	if s.columns == nil {
		for i := range p.source {
			if bt.desc.Columns[i].Hidden {
				return false
			}
			p.source[i] = i
		}
		p.width = len(p.source)
	}
	for n, name := range s.columns {
		r, ok := b.column(colName{name: name})
		if !ok || p.source[r.c] >= 0 {
			return false
		}
		p.source[r.c] = n
		p.width++
	}
	for i := range p.source {
		if p.source[i] < 0 && i != bt.def.AutoInc && !b.bindDefault(i) {
			return false
		}
	}
	return len(s.sets) == 0 || b.bindSets(true)
}

// bindDefault finds the constant that an unnamed column gets.
func (b *binder) bindDefault(c int) bool {
	bt := &b.p.tables[0]
	col := &bt.desc.Columns[c]
	switch col.Default {
	case DefaultNull:
		b.p.defaults[c] = row.NullDatum
		return true
	case DefaultExpr:
		b.p.source[c] = fromClock
		return bt.kinds[c].keepsClock(col.Text)
	case DefaultLiteral:
		var q Query
		if bt.kinds[c].form == formTimestamp || !q.Normalize([]byte(col.Text), nil) || len(q.Args) != 1 || string(q.Digest) != " ?" {
			return false
		}
		d, ok := bt.kinds[c].store(&q.Args[0], nil)
		d.B = bytes.Clone(d.B)
		b.p.defaults[c] = d
		return ok
	}
	return false
}

func (x *exec) write() (Result, error) {
	switch x.p.shape.verb {
	case verbUpdate:
		return x.update()
	case verbDelete:
		return x.res, x.changeRows()
	}
	return x.insert()
}

// duplicate is the error that a client sees of a violated unique index. Declining would reserve another auto-increment value, and
// look for the duplicate again.
func (x *exec) duplicate(dup *table.DuplicateKey) error {
	ix := &dup.Table.Indexes[dup.Index]
	text := ""
	for i, part := range ix.Parts {
		if i > 0 {
			text += "-"
		}
		if i >= len(dup.Key) {
			return ErrDecline
		}
		d := &dup.Key[i]
		if part.Prefix == 0 { // as the statement wrote it; the collation may call another the same
			d = &x.offered[part.Column]
		}
		if d.Null {
			text += "NULL"
			continue
		}
		codec := x.p.tables[0].kinds[part.Column].codec
		if t := codec.Type.Type(); t == sqltypes.Time || t == sqltypes.Binary { // printed otherwise than they are kept
			return ErrDecline
		}
		v, err := codec.Decode(x.env.Ctx, d, x.env.Zone)
		if err != nil {
			return ErrDecline
		}
		out, err := datum.Ordered(codec.Type).SQL(sql.NewEmptyContext(), nil, v)
		if err != nil {
			return ErrDecline
		}
		text += out.ToString()
	}
	return mysqlerr.NewMessage(mysqlerr.ER_DUP_ENTRY, "Duplicate entry '%s' for key '%s.%s'", text, dup.Table.Name, ix.Name)
}

// Bounds of what is converted before it is inserted together. The more rows, the more entries of an index that does not follow the clustered key meet in a leaf.
const (
	insertChunk = 1 << 16 // values
	insertRows  = 1 << 14
	keptCells   = 1 << 14 // values for which an idle exec keeps room
)

// insert runs INSERT, with or without ON DUPLICATE KEY UPDATE, and REPLACE.
func (x *exec) insert() (Result, error) {
	p, q := x.p, x.q
	width := len(p.source)
	if q.Groups*p.width != len(q.List) { // 1136, or lists behind VALUES
		return Result{}, ErrDecline
	}
	chunk := min(q.Groups, max(insertChunk/width, 16), insertRows)
	if p.tables[0].def.AutoInc >= 0 && (len(p.sets) > 0 && q.Groups > 1 || p.shape.ignore && q.Groups > chunk) { // what a row does not need, the next one gets
		return Result{}, ErrDecline
	}
	x.cells = slices.Grow(x.cells[:0], chunk*width)[:chunk*width]
	if len(p.references) > 0 && !x.env.NoForeign {
		if err := x.checkReferences(); err != nil {
			return Result{}, err
		}
	}
	auto, err := x.reserve(x.cells[:width])
	if err != nil {
		return Result{}, err
	}
	updated := 0
	for g := 0; g < q.Groups; {
		x.batch = x.batch[:0]
		for ; g < q.Groups && len(x.batch) < chunk; g++ {
			at := len(x.batch) * width
			vals := x.cells[at : at+width : at+width]
			if auto, err = x.fill(vals, g, auto); err != nil {
				return Result{}, err
			}
			x.batch = append(x.batch, vals)
		}
		n, err := x.insertRows(x.batch)
		if err != nil {
			return Result{}, err
		}
		updated += n
	}
	if p.shape.ignore && x.res.Affected == 0 {
		x.res.InsertID, x.res.LastID = 0, 0
	}
	if q.Groups > 1 {
		x.res.Info = fmt.Sprintf("Records: %d  Duplicates: %d  Warnings: %d", q.Groups, updated, len(x.res.Warnings))
	}
	return x.res, nil
}

// fill makes the row of a VALUES group, whose auto-increment value, if it lacks one, is next; it returns the one after.
func (x *exec) fill(vals []row.Datum, g int, next uint64) (uint64, error) {
	bt := &x.p.tables[0]
	generated, ok := x.convert(vals, g)
	if !ok {
		return 0, ErrDecline
	}
	i := bt.def.AutoInc
	switch {
	case generated:
		if vals[i], ok = bt.kinds[i].auto(next); !ok {
			return 0, ErrDecline
		}
		if x.res.LastID == 0 {
			x.res.InsertID, x.res.LastID = next, next
		}
		x.numbered = true
		return next + 1, nil
	case i >= 0: // the last one, when none is generated
		x.res.InsertID = vals[i].N
	}
	return next, nil
}

// insertRows inserts rows, and does with those that collide what the statement says; it returns how many these were.
func (x *exec) insertRows(rows [][]row.Datum) (updated int, err error) {
	p, t := x.p, x.tables[0]
	for len(rows) > 0 {
		n := 0
		if len(rows) == 1 { // no batch
			if err = t.Insert(x.env.Ctx, rows[0]); err == nil {
				n = 1
			}
		} else {
			n, err = t.InsertRows(x.env.Ctx, rows)
		}
		x.res.Affected += uint64(n)
		var dup *table.DuplicateKey
		taken := n // rows whose values count as taken; one that collides only for REPLACE
		if errors.As(err, &dup) && p.shape.verb == verbReplace {
			taken++
		}
		if rerr := x.raise(rows[:taken]); rerr != nil {
			return 0, rerr
		}
		rows = rows[n:]
		if err == nil {
			continue
		}
		x.offered = rows[0]
		switch {
		case dup == nil:
		case p.shape.ignore:
			err = x.ignore(dup, rows[1:])
			updated++
		case len(p.sets) > 0:
			err = x.updateDuplicate(dup, rows[0])
			updated++
		case p.shape.verb == verbReplace:
			err = x.replace(dup, rows[0])
			updated++
		}
		if err != nil {
			return 0, err
		}
		rows = rows[1:]
	}
	return updated, nil
}

// ignore warns of a row that INSERT IGNORE leaves out. The value that was generated for it goes to the row behind it.
func (x *exec) ignore(dup *table.DuplicateKey, behind [][]row.Datum) error {
	var e *mysqlerr.Error
	if err := x.duplicate(dup); !errors.As(err, &e) {
		return err
	}
	x.res.Warnings = append(x.res.Warnings, e)
	if x.numbered {
		for _, vals := range behind {
			vals[x.p.tables[0].def.AutoInc].N--
		}
	}
	return nil
}

// convert makes the row of a VALUES group. It reports whether the row lacks its auto-increment value, and false if it is none for
// this lane.
func (x *exec) convert(vals []row.Datum, g int) (generated, ok bool) {
	p, bt := x.p, &x.p.tables[0]
	args := x.q.List[g*p.width : (g+1)*p.width]
	for i := range vals {
		switch from := p.source[i]; {
		case i == bt.def.AutoInc && (from < 0 || x.isAuto(&args[from])):
			generated = true
		case from == fromClock:
			if vals[i], ok = bt.kinds[i].now(x.env.Now, x.env.Zone); !ok {
				return generated, false
			}
		case from < 0:
			vals[i] = p.defaults[i]
		default:
			if vals[i], ok = bt.kinds[i].store(&args[from], x.env.Zone); !ok {
				return generated, false
			}
		}
	}
	return generated, true
}

// replace takes the rows away that are in vals' way, and inserts it.
func (x *exec) replace(dup *table.DuplicateKey, vals []row.Datum) error {
	t := x.tables[0]
	for range len(x.p.tables[0].def.Indexes) + 1 {
		if same(dup.Row, vals) { // MySQL counts a row that stays as it is once
			return ErrDecline
		}
		if err := t.Delete(x.env.Ctx, dup.Ref, dup.Row); err != nil {
			return err
		}
		x.res.Affected++
		err := t.Insert(x.env.Ctx, vals)
		if err == nil {
			x.res.Affected++
			return nil
		}
		if !errors.As(err, &dup) {
			return err
		}
	}
	return ErrDecline
}

// updateDuplicate is ON DUPLICATE KEY UPDATE for one row.
func (x *exec) updateDuplicate(dup *table.DuplicateKey, vals []row.Datum) error {
	x.rows[0] = dup.Row
	if err := x.assign(dup.Row, vals); err != nil {
		return err
	}
	x.res.InsertID, x.res.LastID = 0, 0
	if same(dup.Row, x.now) {
		if x.env.FoundRows {
			x.res.Affected++
		}
		return nil
	}
	if !x.touch() {
		return ErrDecline
	}
	if i := x.p.tables[0].def.AutoInc; i >= 0 { // of the row that was there
		x.res.InsertID = x.now[i].N
	}
	x.res.Affected += 2
	x.offered = x.now
	return x.tables[0].Update(x.env.Ctx, dup.Ref, dup.Row, x.now)
}

// isAuto reports whether an argument asks for the next auto-increment value.
func (x *exec) isAuto(a *Arg) bool {
	return a.Kind == ArgNull || a.Kind == ArgInt && a.N == 0 && !x.env.Zeros
}

// reserve takes as many auto-increment values as rows lack one. Rows that would make the lane decline are found before: the general
// lane would take values of its own.
func (x *exec) reserve(scratch []row.Datum) (first uint64, err error) {
	p, auto := x.p, x.p.tables[0].def.AutoInc
	if auto < 0 {
		return 0, nil
	}
	n := uint64(0)
	for g := range x.q.Groups {
		if from := p.source[auto]; from < 0 || x.isAuto(&x.q.List[g*p.width+from]) {
			n++
		}
	}
	if n == 0 {
		return 0, nil
	}
	if n != uint64(x.q.Groups) {
		return 0, ErrDecline // given and generated values mixed
	}
	for g := range x.q.Groups {
		if _, ok := x.convert(scratch, g); !ok {
			return 0, ErrDecline
		}
	}
	for i := range p.sets {
		if s := &p.sets[i]; s.x.op == 0 && s.x.arg >= 0 {
			if _, ok := x.assigned(s, nil, nil); !ok {
				return 0, ErrDecline
			}
		}
	}
	return x.tables[0].NextAutoInc(x.env.Ctx, n)
}

func (k *colKind) auto(v uint64) (row.Datum, bool) {
	switch {
	case k.form == formInt && v <= uint64(k.max):
		return row.FromInt(int64(v)), true
	case k.form == formUint && v <= k.umax:
		return row.FromUint(v), true
	}
	return row.Datum{}, false
}

// raise lifts the counter above the values that were given in rows.
func (x *exec) raise(rows [][]row.Datum) error {
	bt := &x.p.tables[0]
	if bt.def.AutoInc < 0 || x.numbered {
		return nil
	}
	form := bt.kinds[bt.def.AutoInc].form
	if form != formInt && form != formUint {
		return ErrDecline
	}
	top := uint64(0)
	for _, r := range rows {
		if d := &r[bt.def.AutoInc]; form == formUint || d.Int() > 0 {
			top = max(top, d.N)
		}
	}
	if top == 0 {
		return nil
	}
	return x.tables[0].SetAutoInc(x.env.Ctx, top, false)
}

// bindUpdate binds UPDATE by an index.
func (b *binder) bindUpdate() bool {
	return b.bindSets(false) && b.bindWriteSort() && b.bindWhere() && b.orderWrites()
}

// bindWriteSort binds the ORDER BY of UPDATE and DELETE.
func (b *binder) bindWriteSort() bool {
	for _, o := range b.p.shape.order {
		r, ok := b.column(o.column)
		if !ok || o.agg != aggNone || !b.p.kind(r).sortable() {
			return false
		}
		b.p.sort = append(b.p.sort, sortKey{r, o.desc})
	}
	return true
}

// orderWrites sees that rows are changed in the order asked for where that can be told from the outcome: which rows LIMIT takes, and what
// collides with what in a unique index.
func (b *binder) orderWrites() bool {
	p := b.p
	first := &p.steps[0].access
	sort := p.sort
	p.sort = nil
	switch {
	case first.full():
		return false
	case first.point || len(sort) == 0 && p.shape.limit < 0:
		return true
	case len(sort) > 0:
		reverse, ok := b.yields(0, first, sort)
		first.reverse = ok && reverse
		return ok || p.shape.limit < 0 && !b.changesUnique()
	}
	return false
}

// changesUnique reports whether an UPDATE changes a column of a unique index.
func (b *binder) changesUnique() bool {
	for _, ix := range b.p.tables[0].def.Indexes {
		for _, part := range ix.Parts {
			for _, s := range b.p.sets {
				if ix.Unique && s.column == part.Column {
					return true
				}
			}
			if ix.Unique && slices.Contains(b.p.touch, part.Column) {
				return true
			}
		}
	}
	return false
}

// changeRows visits the rows of UPDATE and DELETE.
func (x *exec) changeRows() error {
	if !x.limits() {
		return ErrDecline
	}
	if x.left == 0 || x.never {
		return nil
	}
	_, err := x.visit(0)
	return err
}

func (x *exec) update() (Result, error) {
	if err := x.changeRows(); err != nil {
		return Result{}, err
	}
	matched, changed := x.count, x.res.Affected
	if x.env.FoundRows {
		x.res.Affected = uint64(matched)
	}
	if matched <= 1 {
		x.res.Info = updateInfos[matched+int64(changed)]
	} else {
		x.res.Info = fmt.Sprintf("Rows matched: %d  Changed: %d  Warnings: 0", matched, changed)
	}
	return x.res, nil
}

// The three infos that an update of at most one row can have.
var updateInfos = [3]string{"Rows matched: 0  Changed: 0  Warnings: 0", "Rows matched: 1  Changed: 0  Warnings: 0", "Rows matched: 1  Changed: 1  Warnings: 0"}

// updateRow changes one row. Its own changes are hidden from the statement's cursors, so that it meets no row twice.
func (x *exec) updateRow(v *visitor) error {
	old := x.rows[0]
	x.count++
	if err := x.assign(old, nil); err != nil {
		return err
	}
	if same(old, x.now) {
		return nil
	}
	if !x.touch() {
		return ErrDecline
	}
	x.res.Affected++
	x.offered = x.now
	return x.tables[0].Update(x.env.Ctx, v.Ref(), old, x.now)
}

// same compares rows bytewise: strings that differ only in what their collation ignores are changes.
func same(a, b []row.Datum) bool {
	for i := range a {
		x, y := &a[i], &b[i]
		if x.Null != y.Null || !x.Null && (x.N != y.N || !bytes.Equal(x.B, y.B)) {
			return false
		}
	}
	return true
}
