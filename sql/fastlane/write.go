package fastlane

import (
	"fmt"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
)

// bindInsert maps each column to its value or default.
func (p *plan) bindInsert() bool {
	s := p.shape
	p.source = make([]int, len(p.def.Columns))
	p.defaults = make([]row.Datum, len(p.def.Columns))
	for i := range p.source {
		p.source[i] = -1
	}
	if s.columns == nil {
		for i := range p.source {
			if p.desc.Columns[i].Hidden {
				return false
			}
			p.source[i] = i
		}
		p.width = len(p.source)
	}
	for n, name := range s.columns {
		c := p.column(name)
		if c < 0 || p.source[c] >= 0 {
			return false
		}
		p.source[c] = n
		p.width++
	}
	for i := range p.source {
		if p.source[i] < 0 && i != p.def.AutoInc && !p.bindDefault(i) {
			return false
		}
		if p.source[i] >= 0 {
			if f := p.kinds[i].form; f != formInt && f != formUint && f != formString {
				return false
			}
		}
	}
	return true
}

// bindDefault finds the constant that an unnamed column gets.
func (p *plan) bindDefault(c int) bool {
	col := &p.desc.Columns[c]
	switch col.Default {
	case DefaultNull:
		p.defaults[c] = row.NullDatum
		return true
	case DefaultLiteral:
		var q Query
		if !q.Normalize([]byte(col.Literal), nil) || len(q.Args) != 1 || string(q.Digest) != " ?" {
			return false
		}
		d, ok := p.storeDatum(c, &q.Args[0])
		d.B = append([]byte{}, d.B...)
		p.defaults[c] = d
		return ok
	}
	return false
}

func (p *plan) insert(t table.Table, q *Query, env *Env) (Result, error) {
	if len(q.Args) != q.Groups*p.width {
		return Result{}, ErrDecline
	}
	vals := make([]row.Datum, len(p.source))
	auto, err := p.reserve(t, q, env)
	if err != nil {
		return Result{}, err
	}
	res := Result{Affected: uint64(q.Groups)}
	for g := range q.Groups {
		args := q.Args[g*p.width : (g+1)*p.width]
		generated := false
		for i, from := range p.source {
			switch {
			case i == p.def.AutoInc && (from < 0 || args[from].isAuto()):
				if vals[i], generated = p.autoDatum(i, auto); !generated {
					return Result{}, ErrDecline
				}
				if res.LastID == 0 {
					res.InsertID, res.LastID = auto, auto
				}
				auto++
			case from < 0:
				vals[i] = p.defaults[i]
			default:
				var ok bool
				if vals[i], ok = p.storeDatum(i, &args[from]); !ok {
					return Result{}, ErrDecline
				}
			}
		}
		if p.def.AutoInc >= 0 && !generated {
			if g == 0 {
				res.InsertID = vals[p.def.AutoInc].N
			}
			if err := p.raise(t, env, &vals[p.def.AutoInc]); err != nil {
				return Result{}, err
			}
		}
		if err := t.Insert(env.Ctx, vals); err != nil {
			return Result{}, err
		}
	}
	if q.Groups > 1 {
		res.Info = fmt.Sprintf("Records: %d  Duplicates: 0  Warnings: 0", q.Groups)
	}
	return res, nil
}

// isAuto reports whether an argument asks for the next auto-increment value.
func (a *Arg) isAuto() bool { return a.Kind == ArgNull || a.Kind == ArgInt && a.N == 0 }

// reserve takes as many auto-increment values as rows lack one.
func (p *plan) reserve(t table.Table, q *Query, env *Env) (first uint64, err error) {
	if p.def.AutoInc < 0 {
		return 0, nil
	}
	n := uint64(0)
	for g := range q.Groups {
		if from := p.source[p.def.AutoInc]; from < 0 || q.Args[g*p.width+from].isAuto() {
			n++
		}
	}
	if n == 0 {
		return 0, nil
	}
	if n != uint64(q.Groups) {
		return 0, ErrDecline // given and generated values mixed
	}
	return t.NextAutoInc(env.Ctx, n)
}

func (p *plan) autoDatum(c int, v uint64) (row.Datum, bool) {
	k := &p.kinds[c]
	switch {
	case k.form == formInt && v <= uint64(k.max):
		return row.FromInt(int64(v)), true
	case k.form == formUint && v <= k.umax:
		return row.FromUint(v), true
	}
	return row.Datum{}, false
}

// raise lifts the counter above a value that was given.
func (p *plan) raise(t table.Table, env *Env, d *row.Datum) error {
	if p.kinds[p.def.AutoInc].form == formInt && d.Int() < 0 {
		return nil
	}
	return t.SetAutoInc(env.Ctx, d.N, false)
}

// bindUpdate binds the assignments: of columns outside every primary key, to constants or to an integer column plus or
// minus a constant.
func (p *plan) bindUpdate() bool {
	if !p.bindWhere() || !p.access.point {
		return false
	}
	for _, c := range p.desc.Columns {
		if c.OnUpdate {
			return false
		}
	}
	for _, a := range p.shape.sets {
		b := boundSet{column: p.column(a.column), op: a.op, arg: a.arg, source: -1}
		if b.column < 0 || b.column == p.def.AutoInc || p.inClusteredKey(b.column) {
			return false
		}
		f := p.kinds[b.column].form
		if f != formInt && f != formUint && f != formString {
			return false
		}
		if a.op != 0 {
			b.source = p.column(a.source)
			if b.source < 0 || p.kinds[b.source].form != formInt || f != formInt {
				return false
			}
		}
		for _, before := range p.sets { // MySQL assigns from left to right
			if before.column == b.column || before.column == b.source {
				return false
			}
		}
		p.sets = append(p.sets, b)
	}
	return true
}

func (p *plan) inClusteredKey(c int) bool {
	for _, part := range p.def.Indexes[0].Parts {
		if part.Column == c && !p.def.Indexes[0].Hidden {
			return true
		}
	}
	return false
}

func (p *plan) update(t table.Table, q *Query, env *Env) (Result, error) {
	old, ref, err := p.lockOne(t, q, env)
	if err != nil {
		return Result{}, err
	}
	if old == nil {
		return Result{Info: updateInfo(0, 0)}, nil
	}
	now := append([]row.Datum(nil), old...)
	changed := false
	for i := range p.sets {
		b := &p.sets[i]
		d, ok := p.newValue(b, old, &q.Args[b.arg])
		if !ok {
			return Result{}, ErrDecline
		}
		if !same(&d, &old[b.column]) {
			changed = true
		}
		now[b.column] = d
	}
	if !changed {
		res := Result{Info: updateInfo(1, 0)}
		if env.FoundRows {
			res.Affected = 1
		}
		return res, nil
	}
	if err := t.Update(env.Ctx, ref, old, now); err != nil {
		return Result{}, err
	}
	return Result{Affected: 1, Info: updateInfo(1, 1)}, nil
}

// The three infos that an update of at most one row can have.
var updateInfos = [3]string{"Rows matched: 0  Changed: 0  Warnings: 0", "Rows matched: 1  Changed: 0  Warnings: 0", "Rows matched: 1  Changed: 1  Warnings: 0"}

func updateInfo(matched, changed int) string { return updateInfos[matched+changed] }

func (p *plan) newValue(b *boundSet, old []row.Datum, a *Arg) (row.Datum, bool) {
	if b.op == 0 {
		return p.storeDatum(b.column, a)
	}
	src := &old[b.source]
	n, ok := a.int64()
	if !ok || src.Null {
		return row.Datum{}, false
	}
	x, y := src.Int(), n.Int()
	v := x + y
	if b.op == '-' {
		v = x - y
		if (x >= 0) != (y >= 0) && (v >= 0) != (x >= 0) {
			return row.Datum{}, false
		}
	} else if (x >= 0) == (y >= 0) && (v >= 0) != (x >= 0) {
		return row.Datum{}, false
	}
	k := &p.kinds[b.column]
	return row.FromInt(v), v >= k.min && v <= k.max
}

// same compares values bytewise: strings that differ only in what their collation ignores are changes.
func same(a, b *row.Datum) bool {
	return a.Null == b.Null && (a.Null || a.N == b.N && string(a.B) == string(b.B))
}

func (p *plan) delete(t table.Table, q *Query, env *Env) (Result, error) {
	old, ref, err := p.lockOne(t, q, env)
	if err != nil || old == nil {
		return Result{}, err
	}
	return Result{Affected: 1}, t.Delete(env.Ctx, ref, old)
}

// lockOne finds the row of a unique key and locks it.
func (p *plan) lockOne(t table.Table, q *Query, env *Env) ([]row.Datum, table.Ref, error) {
	a := &p.access
	var space [4]row.Datum
	key := space[:0]
	for i, arg := range a.eq {
		d, ok := p.keyDatum(p.def.Indexes[a.index].Parts[i].Column, &q.Args[arg])
		if !ok {
			return nil, nil, ErrDecline
		}
		key = append(key, d)
	}
	return t.Get(env.Ctx, a.index, key, p.lock, table.Wait)
}
