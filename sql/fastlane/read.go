package fastlane

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/sqltypes"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/temporal"
	"github.com/zoryadb/zorya/sql/wire"
)

func (p *plan) run(tables []table.Table, q *Query, env *Env) (Result, error) {
	x := newExec(p, env, q)
	defer x.free()
	x.tables = tables
	if err := x.prepare(); err != nil {
		return Result{}, err
	}
	if p.shape.verb == verbSelect {
		return x.query()
	}
	res, err := x.write()
	if err != nil {
		var dup *table.DuplicateKey
		if errors.As(err, &dup) {
			err = x.duplicate(dup)
		}
	}
	return res, err
}

// keptRow is a row that waits to be sorted: key orders it, vals are its output.
type keptRow struct {
	key  []byte
	vals []row.Datum
}

// turn is a kept row's place in the order. Without pointers, and with the beginning of the key in it, it is cheap to move and to compare.
type turn struct {
	head uint64 // of the key
	at   int    // in exec.kept; rows with equal keys stay as they came
}

// headOf is the number of a key's first eight bytes: of two keys whose heads differ the one with the smaller head is first.
func headOf(key []byte) uint64 {
	if len(key) >= 8 {
		return binary.BigEndian.Uint64(key)
	}
	var b [8]byte
	copy(b[:], key)
	return binary.BigEndian.Uint64(b[:])
}

// keeps reports whether rows wait until all are there.
func (x *exec) keeps() bool { return len(x.p.sort) > 0 || x.p.shape.distinct || x.p.once }

func (x *exec) query() (Result, error) {
	if !x.limits() {
		return Result{}, ErrDecline
	}
	if x.p.aggs && len(x.p.group) == 0 {
		x.only.acc = slices.Grow(x.only.acc, len(x.p.out))[:len(x.p.out)]
		clear(x.only.acc)
		x.all = &x.only
	}
	if len(x.p.steps) == 0 {
		if _, err := x.row(); err != nil {
			return Result{}, &sendError{err}
		}
	} else if (x.left > 0 || x.p.shape.calc) && !x.never {
		if _, err := x.visit(0); err != nil {
			if x.begun {
				return Result{}, &sendError{err}
			}
			return Result{}, err
		}
	}
	if err := x.finish(); err != nil {
		if err == ErrDecline && !x.begun {
			return Result{}, err
		}
		return Result{}, &sendError{err}
	}
	res := Result{Rows: true, Count: x.count, Found: x.count}
	if x.p.shape.calc && !x.p.aggs {
		res.Found = x.total
	}
	return res, nil
}

func (x *exec) limits() bool {
	s := x.p.shape
	if s.limit >= 0 {
		a := &x.q.Args[s.limit]
		if a.Kind != ArgInt || a.Neg {
			return false
		}
		x.left = a.N
	}
	if s.offset >= 0 {
		a := &x.q.Args[s.offset]
		if a.Kind != ArgInt || a.Neg {
			return false
		}
		x.skip = a.N
	}
	return !x.p.aggs || len(x.p.group) > 0 || x.left > 0 && x.skip == 0 // the row of an aggregate is there, or the general lane says what is
}

// row takes a complete row: it counts, keeps or sends it.
func (x *exec) row() (more bool, err error) {
	switch {
	case x.p.aggs:
		return x.accumulate(), x.within()
	case x.keeps():
		x.collect()
		return true, x.within()
	}
	x.total++
	if x.skip > 0 {
		x.skip--
		return true, nil
	}
	if x.left == 0 {
		return true, nil
	}
	x.left--
	if err := x.begin(); err != nil {
		return false, err
	}
	if err := x.send(); err != nil {
		return false, err
	}
	return x.left > 0 || x.p.shape.calc, nil
}

// send sends the current rows as one of the result.
func (x *exec) send() error {
	x.env.Reply.StartRow()
	for i := range x.p.out {
		o := &x.p.out[i]
		if o.t < 0 {
			x.number(o)
			continue
		}
		if err := x.value(i, o.ref, &x.rows[o.t][o.c]); err != nil {
			return err
		}
	}
	x.count++
	return x.env.Reply.EndRow()
}

// What a value takes in the output besides its bytes (digits of a number, or the length of a string), and the definition of a column at most.
const (
	valueRoom  = 80
	columnRoom = 6 * 4 * 64
)

// fits reports whether the current rows can be sent without anything being written to the client.
func (x *exec) fits() bool {
	size := valueRoom * (1 + len(x.p.out))
	if !x.begun {
		size += columnRoom * len(x.p.out)
	}
	for _, o := range x.p.out {
		if o.t >= 0 {
			size += len(x.rows[o.t][o.c].B)
		}
	}
	return x.env.Reply.Room(size)
}

// maxHeld bounds what a statement keeps before its first row is sent. The general lane, which runs it then, goes to files.
const maxHeld = 16 << 20

// within declines a statement that has come to keep too much.
func (x *exec) within() error {
	if x.held > maxHeld {
		return ErrDecline
	}
	return nil
}

func (x *exec) number(o *outItem) { x.env.Reply.Text(o.number) }

func (x *exec) begin() error {
	if x.begun {
		return nil
	}
	x.begun = true
	if x.env.Sending != nil {
		x.env.Sending()
	}
	return x.env.Reply.Columns(x.p.set)
}

// value sends a column's value as column i of the result. Types with a text form of their own go through the library's.
func (x *exec) value(i int, r ref, d *row.Datum) error {
	out := x.env.Reply
	if d.Null {
		out.Null()
		return nil
	}
	k := x.p.kind(r)
	switch k.form {
	case formInt:
		out.Int64(d.Int())
		return nil
	case formUint:
		out.Uint64(d.N)
		return nil
	case formString, formBinary:
		out.Bytes(x.recoded(i, d.B))
		return nil
	case formFloat:
		out.Float64(d.Float())
		return nil
	case formDecimal:
		var err error
		if x.key, err = k.codec.AppendDecimal(x.key[:0], d.B); err != nil {
			return err
		}
		out.Bytes(x.key)
		return nil
	case formDate, formDatetime, formTimestamp:
		out.DateTime(k.time(d, x.env.Zone))
		return nil
	case formEnum:
		if s, ok := k.enum.At(int(d.N)); ok && x.p.recode == nil && d.N > 0 {
			out.Text(s)
			return nil
		}
	}
	switch k.codec.Type.Type() {
	case sqltypes.Time: // the library writes six digits of a second, whatever the column has
		out.Time(timeOf(d.Int()))
		return nil
	case sqltypes.Year:
		out.Text(datum.YearText(d.Int()))
		return nil
	}
	v, err := k.codec.Decode(x.env.Ctx, d, x.env.Zone)
	if err != nil {
		return err
	}
	if v, ok := v.(float32); ok {
		out.Float32(v)
		return nil
	}
	if x.gms == nil {
		x.gms = sql.NewEmptyContext()
	}
	text, err := k.codec.Type.SQL(x.gms, nil, v)
	if err != nil {
		return err
	}
	out.Bytes(x.recoded(i, text.Raw()))
	return nil
}

// timeOf is a TIME as stored: microseconds.
func timeOf(us int64) wire.Time {
	t := wire.Time{Neg: us < 0}
	if t.Neg {
		us = -us
	}
	t.Micro = uint32(us % 1e6)
	us /= 1e6
	t.Hour, t.Minute, t.Second = uint16(us/3600), uint8(us/60%60), uint8(us%60)
	return t
}

// time takes a date apart.
func (k *colKind) time(d *row.Datum, zone *time.Location) wire.DateTime {
	var v temporal.Value
	switch {
	case k.form == formDate:
		v = temporal.OfPackedDay(d.Int())
	case k.form == formDatetime:
		v = temporal.OfPacked(d.Int())
	case d.Int() != 0:
		t := time.UnixMicro(d.Int()).UTC()
		if zone != nil {
			t = t.In(zone)
		}
		v = temporal.OfHeld(t)
	}
	return wire.DateTime{Year: uint16(v.Year), Month: uint8(v.Month), Day: uint8(v.Day), Hour: uint8(v.Hour), Minute: uint8(v.Minute), Second: uint8(v.Second),
		Micro: uint32(v.Micro)}
}

// recoded converts a value to the character set of results.
func (x *exec) recoded(i int, b []byte) []byte {
	if x.p.recode == nil || x.p.recode[i] == nil {
		return b
	}
	for _, c := range b {
		if c >= 0x80 {
			if out, ok := x.p.recode[i].Encode(b); ok {
				return out
			}
			break
		}
	}
	return b
}

// collect keeps a row for sorting, or for DISTINCT.
func (x *exec) collect() {
	p := x.p
	key := x.key[:0]
	for _, s := range p.sort {
		at := len(key)
		key = p.kind(s.ref).appendKey(key, &x.rows[s.t][s.c])
		if s.desc {
			for i := at; i < len(key); i++ {
				key[i] = ^key[i]
			}
		}
	}
	x.key = key
	if p.shape.distinct && !p.apart && !p.late || p.once {
		all := x.whole[:0]
		for _, r := range p.group {
			all = p.kind(r).appendKey(all, &x.rows[r.t][r.c])
		}
		for i := range p.out {
			if o := &p.out[i]; !p.once {
				all = p.kind(o.ref).appendKey(all, &x.rows[o.t][o.c])
			}
		}
		x.whole = all
		if x.seen == nil {
			x.seen = make(map[string]bool)
		}
		if x.seen[string(all)] {
			return
		}
		x.seen[string(all)] = true
		x.held += len(all) + 64
	}
	size := len(key)
	for _, o := range p.out {
		if o.t >= 0 {
			size += len(x.rows[o.t][o.c].B)
		}
	}
	if cap(x.room)-len(x.room) < size {
		x.room = make([]byte, 0, max(size, 2*cap(x.room), 4096))
	}
	if cap(x.cells)-len(x.cells) < len(p.out) {
		x.cells = make([]row.Datum, 0, max(len(p.out), 2*cap(x.cells), 64))
	}
	room, cell := x.room, len(x.cells)
	x.cells = x.cells[:cell+len(p.out)]
	at := len(room)
	room = append(room, key...)
	kept := keptRow{key: room[at:len(room):len(room)], vals: x.cells[cell:]}
	for i, o := range p.out {
		if o.t < 0 {
			continue
		}
		d := x.rows[o.t][o.c]
		if d.B != nil {
			at := len(room)
			room = append(room, d.B...)
			d.B = room[at:len(room):len(room)]
		}
		kept.vals[i] = d
	}
	x.room = room
	x.kept = append(x.kept, kept)
	x.held += size + 64 + 48*len(p.out)
}

// first reports whether a row is the first of those that DISTINCT takes for one.
func (x *exec) first(vals []row.Datum) bool {
	all := x.whole[:0]
	for i := range x.p.out {
		all = x.p.kind(x.p.out[i].ref).appendKey(all, &vals[i])
	}
	x.whole = all
	if x.seen[string(all)] {
		return false
	}
	if x.seen == nil {
		x.seen = make(map[string]bool)
	}
	x.seen[string(all)] = true
	return true
}

// sortKept puts the kept rows into the order asked for.
func (x *exec) sortKept() {
	x.turns = slices.Grow(x.turns[:0], len(x.kept))
	for i := range x.kept {
		x.turns = append(x.turns, turn{headOf(x.kept[i].key), i})
	}
	if len(x.p.sort) == 0 {
		return
	}
	x.res.Sorted += len(x.turns)
	slices.SortFunc(x.turns, func(a, b turn) int {
		switch {
		case a.head < b.head:
			return -1
		case a.head > b.head:
			return 1
		}
		if n := bytes.Compare(x.kept[a.at].key, x.kept[b.at].key); n != 0 {
			return n
		}
		return a.at - b.at
	})
}

// finish sends what was kept, or the aggregates, and the columns if no row has.
func (x *exec) finish() error {
	if x.p.aggs {
		return x.sendGroups()
	}
	if err := x.begin(); err != nil {
		return err
	}
	x.sortKept()
	var last *keptRow
	for n := range x.turns {
		k := &x.kept[x.turns[n].at]
		if x.p.apart && last != nil && bytes.Equal(k.key, last.key) || x.p.late && !x.first(k.vals) {
			continue
		}
		last = k
		x.total++
		if x.skip > 0 {
			x.skip--
			continue
		}
		if x.left == 0 {
			if x.p.shape.calc {
				continue
			}
			break
		}
		x.left--
		x.env.Reply.StartRow()
		for i := range x.p.out {
			o := &x.p.out[i]
			if o.t < 0 {
				x.number(o)
				continue
			}
			if err := x.value(i, o.ref, &k.vals[i]); err != nil {
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
