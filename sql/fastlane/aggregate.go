package fastlane

import (
	"bytes"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/sql/wire"
)

// group is a group of rows: the columns that it was grouped by, and an accumulator for each column of the result.
type group struct {
	by   []row.Datum
	acc  []accumulator
	rank []byte // what it is sorted by
}

type accumulator struct {
	sum
	best row.Datum // of MIN and MAX
	key  []byte
	seen map[string]bool // of DISTINCT
}

func (x *exec) newGroup() *group { return &group{acc: make([]accumulator, len(x.p.out))} }

// groupOf finds the group of the current rows.
func (x *exec) groupOf() *group {
	if x.all != nil {
		return x.all
	}
	key := x.whole[:0]
	for _, r := range x.p.group {
		key = x.p.kind(r).appendKey(key, &x.rows[r.t][r.c])
	}
	x.whole = key
	if g := x.some[string(key)]; g != nil {
		return g
	}
	if x.some == nil {
		x.some = make(map[string]*group)
	}
	g := x.newGroup()
	for _, r := range x.p.group {
		d := x.rows[r.t][r.c]
		d.B = bytes.Clone(d.B)
		g.by = append(g.by, d)
	}
	x.some[string(key)] = g
	x.order = append(x.order, g)
	x.held += 2*len(key) + 128 + 96*len(x.p.out)
	return g
}

// accumulate counts the current rows into their group. It reports whether more are wanted.
func (x *exec) accumulate() bool {
	g := x.groupOf()
	for i := range x.p.out {
		o, a := &x.p.out[i], &g.acc[i]
		if o.agg == aggNone {
			continue
		}
		if o.t < 0 {
			a.count++
			continue
		}
		d := &x.rows[o.t][o.c]
		if d.Null {
			continue
		}
		k := x.p.kind(o.ref)
		switch o.agg {
		case aggCount:
			if o.distinct && !x.isNew(a, k, d) {
				continue
			}
		case aggSum, aggAvg:
			if !a.addDatum(k, d) {
				continue
			}
		case aggMin, aggMax:
			x.extreme(a, k, d, o.agg == aggMin)
			if x.p.single {
				a.count++
				return false
			}
		}
		a.count++
	}
	return true
}

func (x *exec) isNew(a *accumulator, k *colKind, d *row.Datum) bool {
	x.key = k.appendKey(x.key[:0], d)
	if a.seen[string(x.key)] {
		return false
	}
	if a.seen == nil {
		a.seen = make(map[string]bool)
	}
	a.seen[string(x.key)] = true
	x.held += len(x.key) + 64
	return true
}

func (a *accumulator) addDatum(k *colKind, d *row.Datum) bool {
	switch k.form {
	case formInt:
		a.add(d.Int())
	case formUint:
		a.addUint(d.N)
	default:
		v, err := k.codec.Fixed(d.B)
		if err != nil {
			return false
		}
		a.add(v)
	}
	return true
}

func (x *exec) extreme(a *accumulator, k *colKind, d *row.Datum, least bool) {
	x.key = k.appendKey(x.key[:0], d)
	if a.count > 0 {
		if n := bytes.Compare(x.key, a.key); n == 0 || (n < 0) != least {
			return
		}
	}
	a.key = append(a.key[:0], x.key...)
	a.best = *d
	a.best.B = bytes.Clone(d.B)
}

// sendGroups sends a row for each group, in the order asked for, or in which they were met.
func (x *exec) sendGroups() error {
	if x.all != nil {
		x.order = append(x.order, x.all)
	}
	for _, g := range x.order {
		for i := range x.p.out {
			if o := &x.p.out[i]; o.agg == aggAvg && g.acc[i].count > 0 {
				if _, ok := g.acc[i].average(o.scale - x.p.kind(o.ref).scale); !ok {
					return ErrDecline
				}
			}
		}
	}
	if !x.rankGroups() {
		return ErrDecline
	}
	if err := x.begin(); err != nil {
		return err
	}
	for _, g := range x.order {
		if x.skip > 0 {
			x.skip--
			continue
		}
		if x.left == 0 {
			break
		}
		x.left--
		x.env.Reply.StartRow()
		for i := range x.p.out {
			if err := x.sendItem(g, i); err != nil {
				return err
			}
		}
		if err := x.env.Reply.EndRow(); err != nil {
			return err
		}
		x.count++
	}
	return nil
}

func (x *exec) sendItem(g *group, i int) error {
	out := x.env.Reply
	o, a := &x.p.out[i], &g.acc[i]
	switch {
	case o.number != "":
		x.number(o)
	case o.agg == aggNone:
		for j, r := range x.p.group {
			if r == o.ref {
				return x.value(i, r, &g.by[j])
			}
		}
	case o.agg == aggCount:
		out.Int64(a.count)
	case a.count == 0:
		out.Null()
	case o.agg == aggMin || o.agg == aggMax:
		return x.value(i, o.ref, &a.best)
	case o.agg == aggAvg:
		v, _ := a.average(o.scale - x.p.kind(o.ref).scale)
		var s sum
		s.add(v)
		x.key = s.append(x.key[:0], o.scale)
		out.Bytes(x.key)
	case x.p.types[i] == wire.TypeDouble:
		out.Float64(a.float())
	default:
		x.key = a.append(x.key[:0], o.scale)
		out.Bytes(x.key)
	}
	return nil
}
