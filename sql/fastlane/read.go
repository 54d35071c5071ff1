package fastlane

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
	"sort"
	"strconv"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/encodings"
	"github.com/dolthub/vitess/go/sqltypes"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/collate"
	"github.com/zoryadb/zorya/sql/wire"
)

// bindSelect binds select list, order and access path.
func (p *plan) bindSelect(env *Env) (bool, error) {
	s := p.shape
	for _, it := range s.items {
		switch {
		case it.agg == aggNone && it.column == "":
			if len(s.items) != 1 {
				return false, nil
			}
			for i := range p.def.Columns {
				if !p.desc.Columns[i].Hidden {
					p.out = append(p.out, i)
				}
			}
		case it.column == "": // COUNT(*)
			p.out = append(p.out, -1)
			p.aggs = append(p.aggs, it.agg)
		default:
			c := p.column(it.column)
			if c < 0 {
				return false, nil
			}
			p.out = append(p.out, c)
			if it.agg != aggNone {
				p.aggs = append(p.aggs, it.agg)
				if f := p.kinds[c].form; it.agg == aggSum && f != formInt && f != formUint {
					return false, nil
				}
			}
		}
	}
	for _, c := range p.out {
		if c >= 0 && p.kinds[c].form == formNone {
			return false, nil
		}
	}
	if len(p.aggs) > 0 && (len(p.aggs) != len(p.out) || len(s.order) > 0 || s.distinct || s.limit >= 0) {
		return false, nil
	}
	if !p.bindWhere() || p.access.full && len(p.aggs) == 0 && s.limit < 0 {
		return false, nil
	}
	if !p.bindOrder() {
		return false, nil
	}
	p.bindNeeds()
	cols, err := env.Host.Columns(env.Ctx, string(env.Text))
	if err != nil || len(cols) != len(p.out) {
		return false, err
	}
	p.set = wire.NewColumnSet(cols...)
	for i := range cols {
		p.types = append(p.types, cols[i].Type)
		switch cs := sql.CollationID(cols[i].Charset).CharacterSet(); cs {
		case sql.CharacterSet_utf8mb4, sql.CharacterSet_utf8mb3, sql.CharacterSet_binary, sql.CharacterSet_ascii, sql.CharacterSet_Unspecified:
		default:
			if cs.Encoder() == nil {
				return false, nil
			}
			if p.recode == nil {
				p.recode = make([]encodings.Encoder, len(cols))
			}
			p.recode[i] = cs.Encoder()
		}
	}
	return true, nil
}

// bindOrder finds out whether the access path yields the order, else what to sort by.
func (p *plan) bindOrder() bool {
	s := p.shape
	for _, o := range s.order {
		c := p.column(o.column)
		if c < 0 || !p.sortable(c) {
			return false
		}
		p.sort = append(p.sort, sortKey{c, o.desc})
	}
	if s.distinct {
		for _, c := range p.out {
			if !p.sortable(c) {
				return false
			}
		}
		for _, k := range p.sort { // ORDER BY of something else than what is selected
			if !contains(p.out, k.column) {
				return false
			}
		}
	}
	if len(p.sort) == 0 || s.distinct {
		return true
	}
	if p.access.point {
		p.sort = nil
		return true
	}
	if p.access.full || p.access.in {
		return true
	}
	// The index's parts behind the equalities, in one direction.
	parts := p.def.Indexes[p.access.index].Parts[len(p.access.eq):]
	if len(p.sort) > len(parts) {
		return true
	}
	for i, k := range p.sort {
		if parts[i].Column != k.column || (parts[i].Desc != k.desc) != (parts[0].Desc != p.sort[0].desc) {
			return true
		}
	}
	p.reverse = parts[0].Desc != p.sort[0].desc
	p.ordered, p.sort = true, nil
	return true
}

func contains(cols []int, c int) bool {
	for _, x := range cols {
		if x == c {
			return true
		}
	}
	return false
}

func (p *plan) sortable(c int) bool {
	switch p.kinds[c].form {
	case formInt, formUint, formString:
		return true
	}
	return false
}

// bindNeeds lists the columns to read.
func (p *plan) bindNeeds() {
	p.need = []int{}
	add := func(c int) {
		if c >= 0 && !contains(p.need, c) {
			p.need = append(p.need, c)
		}
	}
	for _, c := range p.out {
		add(c)
	}
	for _, k := range p.sort {
		add(k.column)
	}
}

func (p *plan) run(t table.Table, q *Query, env *Env) (Result, error) {
	switch p.shape.verb {
	case verbInsert:
		return p.insert(t, q, env)
	case verbUpdate:
		return p.update(t, q, env)
	case verbDelete:
		return p.delete(t, q, env)
	}
	return p.query(t, q, env)
}

// reader sends or collects the rows of one execution.
type reader struct {
	p   *plan
	env *Env

	begun   bool
	count   int64
	skip    uint64
	left    uint64 // rows that LIMIT still allows
	keep    bool   // collect instead of sending
	rows    []keptRow
	whole   []byte // scratch of DISTINCT
	scratch []byte
	seen    map[string]bool
	sums    []sum
	gms     *sql.Context // for types that encode themselves
}

// keptRow is a row that waits to be sorted: key orders it, vals are its output.
type keptRow struct {
	key  []byte
	vals []row.Datum
}

// sum is a 128-bit accumulator.
type sum struct {
	hi    int64
	lo    uint64
	count int64
}

func (p *plan) query(t table.Table, q *Query, env *Env) (Result, error) {
	r := reader{p: p, env: env, left: 1<<64 - 1, keep: len(p.sort) > 0 || p.shape.distinct}
	if !r.limits(q) {
		return Result{}, ErrDecline
	}
	if len(p.aggs) > 0 {
		r.sums = make([]sum, len(p.aggs))
	}
	if r.left > 0 || len(p.aggs) > 0 {
		if err := p.visit(t, q, env, r.hint(), r.row); err != nil {
			if r.begun {
				return Result{}, &sendError{err}
			}
			return Result{}, err
		}
	}
	if err := r.finish(); err != nil {
		return Result{}, &sendError{err}
	}
	return Result{Rows: true, Count: r.count}, nil
}

func (r *reader) limits(q *Query) bool {
	s := r.p.shape
	if s.limit >= 0 {
		a := q.Args[r.p.argAt(s.limit, q)]
		if a.Kind != ArgInt || a.Neg {
			return false
		}
		r.left = a.N
	}
	if s.offset >= 0 {
		a := q.Args[r.p.argAt(s.offset, q)]
		if a.Kind != ArgInt || a.Neg {
			return false
		}
		r.skip = a.N
	}
	return true
}

// hint is how many rows will be read at most, 0 when that is not known.
func (r *reader) hint() int {
	if r.keep || r.sums != nil || r.left > 1<<20 || r.skip > 1<<20 {
		return 0
	}
	return int(r.left + r.skip)
}

// argAt maps an argument's position in the digest to its position in q.Args: an IN list, one argument in the digest, may be several.
func (p *plan) argAt(n int, q *Query) int {
	if p.access.in && n > p.access.inArg {
		return n + q.InCount - 1
	}
	return n
}

// visit calls fn for each row that the access path yields, until fn returns false.
func (p *plan) visit(t table.Table, q *Query, env *Env, hint int, fn func([]row.Datum) (bool, error)) error {
	a := &p.access
	var space [4]row.Datum
	key := space[:0]
	ix := &p.def.Indexes[a.index]
	for i, arg := range a.eq {
		d, ok := p.keyDatum(ix.Parts[i].Column, &q.Args[p.argAt(arg, q)])
		if !ok {
			return ErrDecline
		}
		key = append(key, d)
	}
	if a.point {
		vals, _, err := t.Get(env.Ctx, a.index, key, p.lock, table.Wait)
		if err != nil || vals == nil {
			return err
		}
		_, err = fn(vals)
		return err
	}
	if a.in {
		return p.visitList(t, q, env, key, fn)
	}
	o := table.ScanOptions{Index: a.index, Reverse: p.reverse, Lock: p.lock, Columns: p.need, Limit: hint}
	if len(key) > 0 {
		o.Range = table.Range{Low: key, High: key}
	}
	if a.rng != nil {
		if err := p.bounds(q, key, &o.Range); err != nil {
			return err
		}
	}
	return scan(t, env, o, fn)
}

// bounds puts the range behind the equalities.
func (p *plan) bounds(q *Query, key []row.Datum, rg *table.Range) error {
	a := &p.access
	if a.rng.low < 0 && a.nullable {
		return ErrDecline // NULLs lie below
	}
	bound := func(arg int) ([]row.Datum, bool) {
		d, ok := p.keyDatum(a.column, &q.Args[p.argAt(arg, q)])
		return append(append(make([]row.Datum, 0, len(key)+1), key...), d), ok
	}
	var ok bool
	if a.rng.low >= 0 {
		if rg.Low, ok = bound(a.rng.low); !ok {
			return ErrDecline
		}
		rg.LowOpen = a.rng.lowOpen
	}
	if a.rng.high >= 0 {
		if rg.High, ok = bound(a.rng.high); !ok {
			return ErrDecline
		}
		rg.HighOpen = a.rng.highOpen
	}
	return nil
}

// visitList visits the members of an IN list in ascending order, each once.
func (p *plan) visitList(t table.Table, q *Query, env *Env, key []row.Datum, fn func([]row.Datum) (bool, error)) error {
	a := &p.access
	if p.kinds[a.column].form == formString {
		return ErrDecline // members that the collation calls equal
	}
	list := make([]row.Datum, q.InCount)
	for i := range list {
		var ok bool
		if list[i], ok = p.keyDatum(a.column, &q.Args[a.inArg+i]); !ok {
			return ErrDecline
		}
	}
	signed := p.kinds[a.column].form == formInt
	sort.Slice(list, func(i, j int) bool {
		if signed {
			return list[i].Int() < list[j].Int()
		}
		return list[i].N < list[j].N
	})
	for i, d := range list {
		if i > 0 && d.N == list[i-1].N {
			continue
		}
		full := append(append(make([]row.Datum, 0, len(key)+1), key...), d)
		if a.uniqueLeftover {
			vals, _, err := t.Get(env.Ctx, a.index, full, p.lock, table.Wait)
			if err != nil {
				return err
			}
			if vals == nil {
				continue
			}
			if more, err := fn(vals); err != nil || !more {
				return err
			}
			continue
		}
		stop := false
		o := table.ScanOptions{Index: a.index, Lock: p.lock, Columns: p.need, Range: table.Range{Low: full, High: full}}
		err := scan(t, env, o, func(vals []row.Datum) (bool, error) {
			more, err := fn(vals)
			stop = !more
			return more, err
		})
		if err != nil || stop {
			return err
		}
	}
	return nil
}

func scan(t table.Table, env *Env, o table.ScanOptions, fn func([]row.Datum) (bool, error)) error {
	c, err := t.Scan(env.Ctx, o)
	if err != nil {
		return err
	}
	defer c.Close()
	for {
		ok, err := c.Next(env.Ctx)
		if err != nil || !ok {
			return err
		}
		if more, err := fn(c.Row()); err != nil || !more {
			return err
		}
	}
}

// row takes one row: it counts, keeps or sends it.
func (r *reader) row(vals []row.Datum) (bool, error) {
	switch {
	case r.sums != nil:
		r.accumulate(vals)
		return true, nil
	case r.keep:
		r.collect(vals)
		return true, nil
	}
	if r.skip > 0 {
		r.skip--
		return true, nil
	}
	r.left--
	if err := r.begin(); err != nil {
		return false, err
	}
	r.env.Reply.StartRow()
	for i, c := range r.p.out {
		if err := r.value(i, c, &vals[c]); err != nil {
			return false, err
		}
	}
	r.count++
	return r.left > 0, r.env.Reply.EndRow()
}

func (r *reader) begin() error {
	if r.begun {
		return nil
	}
	r.begun = true
	if r.env.Sending != nil {
		r.env.Sending()
	}
	return r.env.Reply.Columns(r.p.set)
}

// value sends a column's value. Types with a text form of their own go through the library's.
func (r *reader) value(i, c int, d *row.Datum) error {
	out := r.env.Reply
	if d.Null {
		out.Null()
		return nil
	}
	switch r.p.kinds[c].form {
	case formInt:
		out.Int64(d.Int())
		return nil
	case formUint:
		out.Uint64(d.N)
		return nil
	case formString, formBinary:
		out.Bytes(r.recoded(i, d.B))
		return nil
	}
	codec := &r.p.desc.Columns[c].Codec
	if codec.Type.Type() == sqltypes.Time { // the library writes six digits of a second, whatever the column has
		out.Time(timeOf(d.Int()))
		return nil
	}
	v, err := codec.Decode(r.env.Ctx, d, nil)
	if err != nil {
		return err
	}
	switch v := v.(type) {
	case float64:
		out.Float64(v)
		return nil
	case float32:
		out.Float32(v)
		return nil
	}
	if r.gms == nil {
		r.gms = sql.NewEmptyContext()
	}
	text, err := codec.Type.SQL(r.gms, nil, v)
	if err != nil {
		return err
	}
	out.Bytes(r.recoded(i, text.Raw()))
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

// recoded converts a value to the character set of results.
func (r *reader) recoded(i int, b []byte) []byte {
	if r.p.recode == nil || r.p.recode[i] == nil {
		return b
	}
	for _, c := range b {
		if c >= 0x80 {
			if out, ok := r.p.recode[i].Encode(b); ok {
				return out
			}
			break
		}
	}
	return b
}

func (r *reader) accumulate(vals []row.Datum) {
	for i, c := range r.p.out {
		s := &r.sums[i]
		if c < 0 {
			s.count++
			continue
		}
		d := &vals[c]
		if d.Null {
			continue
		}
		s.count++
		hi := int64(0)
		if r.p.kinds[c].form == formInt {
			hi = int64(d.N) >> 63
		}
		var carry uint64
		s.lo, carry = bits.Add64(s.lo, d.N, 0)
		s.hi += hi + int64(carry)
	}
}

// collect keeps a row for sorting, or for DISTINCT.
func (r *reader) collect(vals []row.Datum) {
	p := r.p
	key := r.scratch[:0]
	for _, k := range p.sort {
		at := len(key)
		key = p.appendKey(key, k.column, &vals[k.column])
		if k.desc {
			for i := at; i < len(key); i++ {
				key[i] = ^key[i]
			}
		}
	}
	if p.shape.distinct {
		all := r.whole[:0]
		for _, c := range p.out {
			all = p.appendKey(all, c, &vals[c])
		}
		r.whole = all
		if r.seen == nil {
			r.seen = make(map[string]bool)
		}
		if r.seen[string(all)] {
			return
		}
		r.seen[string(all)] = true
	}
	r.scratch = key
	kept := keptRow{key: append([]byte(nil), key...), vals: make([]row.Datum, len(p.out))}
	for i, c := range p.out {
		kept.vals[i] = vals[c]
		kept.vals[i].B = append([]byte(nil), vals[c].B...)
	}
	r.rows = append(r.rows, kept)
}

// appendKey appends a value's sort key: keys compare bytewise, none is a prefix of another.
func (p *plan) appendKey(dst []byte, c int, d *row.Datum) []byte {
	if d.Null {
		return append(dst, 0)
	}
	dst = append(dst, 1)
	switch k := &p.kinds[c]; k.form {
	case formInt:
		return binary.BigEndian.AppendUint64(dst, d.N^1<<63)
	case formUint:
		return binary.BigEndian.AppendUint64(dst, d.N)
	default:
		// Escape zeros and end with two, so that a shorter string sorts first whatever follows.
		at := len(dst)
		dst = collate.For(k.collation).AppendWeights(dst, d.B)
		if bytes.IndexByte(dst[at:], 0) >= 0 {
			w := bytes.ReplaceAll(dst[at:], []byte{0}, []byte{0, 1})
			dst = append(dst[:at], w...)
		}
		return append(dst, 0, 0)
	}
}

// finish sends what was kept, or the aggregates, and the columns if no row has.
func (r *reader) finish() error {
	if err := r.begin(); err != nil {
		return err
	}
	if r.sums != nil {
		return r.sendSums()
	}
	slices.SortStableFunc(r.rows, func(a, b keptRow) int { return bytes.Compare(a.key, b.key) })
	for _, k := range r.rows {
		if r.skip > 0 {
			r.skip--
			continue
		}
		if r.left == 0 {
			break
		}
		r.left--
		r.env.Reply.StartRow()
		for i, c := range r.p.out {
			if err := r.value(i, c, &k.vals[i]); err != nil {
				return err
			}
		}
		if err := r.env.Reply.EndRow(); err != nil {
			return err
		}
		r.count++
	}
	return nil
}

func (r *reader) sendSums() error {
	out := r.env.Reply
	out.StartRow()
	for i, agg := range r.p.aggs {
		s := &r.sums[i]
		switch {
		case agg == aggCount:
			out.Int64(s.count)
		case s.count == 0:
			out.Null()
		case r.p.types[i] == wire.TypeDouble:
			out.Float64(s.float())
		default:
			var buf [48]byte
			out.Bytes(s.append(buf[:0]))
		}
	}
	r.count = 1
	return out.EndRow()
}

// float rounds the sum to a DOUBLE.
func (s *sum) float() float64 {
	if s.hi == int64(s.lo)>>63 {
		return float64(int64(s.lo))
	}
	return float64(s.hi)*(1<<64) + float64(s.lo)
}

// append appends the sum in decimal digits.
func (s *sum) append(dst []byte) []byte {
	hi, lo := uint64(s.hi), s.lo
	if s.hi < 0 {
		dst = append(dst, '-')
		var borrow uint64
		lo, borrow = bits.Sub64(0, lo, 0)
		hi, _ = bits.Sub64(0, hi, borrow)
	}
	if hi == 0 {
		return strconv.AppendUint(dst, lo, 10)
	}
	// hi < 2^63: divide by 10^19 in two steps.
	const unit = 1e19
	q1, r1 := hi/unit, hi%unit
	q0, rem := bits.Div64(r1, lo, unit)
	if q1 > 0 {
		dst = strconv.AppendUint(dst, q1, 10)
		dst = appendPadded(dst, q0)
	} else {
		dst = strconv.AppendUint(dst, q0, 10)
	}
	return appendPadded(dst, rem)
}

// appendPadded appends v with 19 digits.
func appendPadded(dst []byte, v uint64) []byte {
	var buf [20]byte
	d := strconv.AppendUint(buf[:0], v, 10)
	for n := len(d); n < 19; n++ {
		dst = append(dst, '0')
	}
	return append(dst, d...)
}
