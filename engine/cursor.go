package engine

import (
	"bytes"
	"context"
	"fmt"
	"sync"

	"github.com/zoryadb/zorya/engine/btree"
	"github.com/zoryadb/zorya/engine/dict"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
)

// bounds are a range of an index in key bytes: [low, high), nil is open.
type bounds struct {
	low, high []byte
	full      bool   // low is a whole key, and in the range
	stop      []byte // the last key that the range can hold, when it is a whole key of the clustered index
	empty     bool   // the range holds nothing
}

// set translates a range. It reports whether the range can hold anything.
func (b *bounds) set(ix *dict.Index, r *table.Range) bool {
	lo, hi, loOpen, hiOpen := r.Low, r.High, r.LowOpen, r.HighOpen
	// The part where the bounds part decides which is first in the tree.
	if i := diverge(ix, lo, hi); i < len(ix.Parts) && ix.Parts[i].Desc {
		lo, hi, loOpen, hiOpen = hi, lo, hiOpen, loOpen
	}
	*b = bounds{}
	if len(lo) > 0 {
		k := appendParts(nil, ix, lo)
		b.low, b.full = k, !loOpen && len(lo) == len(ix.Parts)
		if loOpen && !prefixed(ix, lo) {
			s, ok := row.Successor(nil, k)
			if !ok {
				return false
			}
			b.low = s
		}
	}
	if len(hi) > 0 {
		k := appendParts(nil, ix, hi)
		b.high = k
		if !hiOpen || prefixed(ix, hi) {
			if b.high = nil; !hiOpen && len(hi) == len(ix.Parts) {
				b.stop = k
			}
			if s, ok := row.Successor(nil, k); ok {
				b.high = s
			}
		}
	}
	return b.low == nil || b.high == nil || bytes.Compare(b.low, b.high) < 0
}

// prefixed reports whether the last of the datums is known to the index by a prefix only: an open bound cannot be told there.
func prefixed(ix *dict.Index, d []row.Datum) bool {
	p := &ix.Parts[min(len(d), len(ix.Parts))-1]
	return p.Prefix > 0 || p.Class == row.Float32
}

func diverge(ix *dict.Index, a, b []row.Datum) int {
	n := min(len(a), len(b), len(ix.Parts))
	for i := range n {
		if !bytes.Equal(row.AppendKey(nil, &ix.Parts[i], &a[i]), row.AppendKey(nil, &ix.Parts[i], &b[i])) {
			return i
		}
	}
	return n
}

func appendParts(dst []byte, ix *dict.Index, d []row.Datum) []byte {
	for i := range min(len(d), len(ix.Parts)) {
		dst = row.AppendKey(dst, &ix.Parts[i], &d[i])
	}
	return dst
}

// cursor walks the rows of a range.
type cursor struct {
	h      *Handle
	ix     *dict.Index
	o      table.ScanOptions
	rd     *reader
	bc     btree.Cursor
	b      bounds
	need   []bool
	covers bool // the index alone has all columns asked for
	how    how
	ref    []byte
	key    []byte // of the current entry
	live   bool   // of a locking scan: the current entry is not deleted
	open   bool
	taker  taker
	walk   *uint64 // of the statement's work, what rows of this cursor count for

	gap gapScan

	entry    []row.Datum // of an index that has a kind, decoded
	entryBuf []byte
}

var cursors = sync.Pool{New: func() any {
	c := new(cursor)
	c.taker.bind(c)
	return c
}}

// Scan opens a cursor.
func (h *Handle) Scan(ctx context.Context, o table.ScanOptions) (table.Cursor, error) {
	if err := h.usable(false); err != nil {
		return nil, err
	}
	c, err := h.scan(ctx, o)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (h *Handle) scan(ctx context.Context, o table.ScanOptions) (*cursor, error) {
	return h.scanWith(ctx, o, false, nil)
}

// scanWith is scan; with count, rows that can be told under the latch are counted in the cursor's taker rather than given. only, if not nil, is what
// is wanted of a scan that has no range and takes no locks.
func (h *Handle) scanWith(ctx context.Context, o table.ScanOptions, count bool, only *part) (*cursor, error) {
	if o.Index < 0 || o.Index >= len(h.t.Indexes) {
		return nil, table.ErrNoIndex
	}
	s := h.s
	o.Lock = s.level(o.Lock)
	if err := h.claim(ctx, o.Lock); err != nil {
		return nil, err
	}
	ix := h.t.Indexes[o.Index]
	if o.Lock == table.LockNone {
		if err := s.view(ctx, h.t, ix); err != nil {
			return nil, err
		}
	}
	c := cursors.Get().(*cursor)
	c.h, c.ix, c.o, c.open = h, ix, o, true
	c.walk = s.walks(&o)
	c.rd = newReader(s, o.OwnWrites)
	c.how = s.how(o.Lock)
	var err error
	if c.need, err = c.rd.wants(h.t, o.Columns); err != nil {
		c.Close()
		return nil, err
	}
	c.covers = o.Index != 0
	for i, cov := range ix.Covers {
		if !cov && (c.need == nil || c.need[i]) {
			c.covers = false
			break
		}
	}
	so := btree.ScanOptions{Reverse: o.Reverse}
	if !c.b.set(ix, &o.Range) {
		c.b.low, c.b.high, c.b.empty = []byte{}, []byte{}, true
	}
	if only != nil {
		c.b.low, c.b.high = only.low, only.high
	}
	so.Low, so.High = c.b.low, c.b.high
	so.Take = c.take(count)
	if o.Limit > 0 && o.Limit <= 100 {
		so.Batch = 256 * o.Limit
	} else {
		so.ReadAhead = true
	}
	c.bc.Reset(ix.Tree, so)
	c.gap.start(c)
	return c, nil
}

// walks counts the beginning of a walk, and returns what its rows count for.
func (s *Stmt) walks(o *table.ScanOptions) *uint64 {
	w := &s.work
	w.Keys++
	switch {
	case o.Range.Low != nil || o.Range.High != nil:
		w.Ranged = true
	case o.Reverse:
		w.Full = true
		w.Lasts++
	default:
		w.Full = true
		w.Firsts++
		if o.Index == 0 {
			return &w.Scanned
		}
	}
	if o.Reverse {
		return &w.Prev
	}
	return &w.Next
}

// gave counts rows that the cursor has given.
func (c *cursor) gave(rows uint64) {
	*c.walk += rows
	c.h.fetched(c.o.Index, rows)
}

// Close gives the cursor's buffers back.
func (c *cursor) Close() {
	if !c.open {
		return
	}
	c.open = false
	c.bc.Close()
	c.rd.free()
	c.rd, c.h, c.o, c.walk = nil, nil, table.ScanOptions{}, nil
	cursors.Put(c)
}

// Row returns the current row; Ref its clustered key, copied.
func (c *cursor) Row() []row.Datum { return c.rd.row }
func (c *cursor) Ref() table.Ref   { return bytes.Clone(c.ref) }

// Key implements table.KeyCursor.
func (c *cursor) Key() []byte {
	if c.o.Lock != table.LockNone {
		return c.key
	}
	return c.bc.Key()
}

// Next moves to the next row.
func (c *cursor) Next(ctx context.Context) (bool, error) {
	if !c.open || !c.h.s.active {
		return false, fmt.Errorf("cursor or its statement is closed")
	}
	if c.o.Lock != table.LockNone {
		ok, err := c.nextLocked(ctx)
		if ok {
			c.gave(1)
		}
		return ok, err
	}
	for c.bc.Next(ctx) {
		c.h.s.work.Examined++
		var ok bool
		var err error
		if c.o.Index == 0 {
			ok, err = c.clustered(ctx)
		} else {
			ok, err = c.secondary(ctx)
		}
		if err == nil && ok && c.o.Filter != nil {
			ok, err = c.o.Filter(c.rd.row)
		}
		if ok {
			c.gave(1)
		}
		if err != nil || ok {
			return ok, err
		}
	}
	return false, c.bc.Err()
}

// clustered reads the wanted version of the entry under the cursor.
func (c *cursor) clustered(ctx context.Context) (bool, error) {
	r, v := c.rd, c.bc.Value()
	c.ref = append(c.ref[:0], c.bc.Key()...)
	tx := c.h.s.tx
	hd, err := row.ParseHeader(v)
	if err != nil {
		return false, err
	}
	if c.how == consistent && !tx.mine(hd.Trx) && tx.snap.Sees(hd.Trx) {
		if hd.Deleted {
			return false, nil
		}
		return true, r.decode(ctx, c.h.t, v, c.need)
	}
	r.val = append(r.val[:0], v...)
	ok, err := r.version(ctx, c.how)
	if err != nil || !ok {
		return false, err
	}
	return true, r.decode(ctx, c.h.t, r.val, c.need)
}

// secondary reads the row of the secondary entry under the cursor, if the version wanted has it.
func (c *cursor) secondary(ctx context.Context) (bool, error) {
	e, err := row.ParseEntry(c.bc.Value())
	if err != nil {
		return false, fmt.Errorf("index %s: %w", c.ix.Def.Name, err)
	}
	key := c.bc.Key()
	ref, err := c.ix.Ref(key)
	if err != nil {
		return false, err
	}
	c.ref = append(c.ref[:0], ref...)
	tx, s := c.h.s.tx, c.h.s
	var certain bool
	switch {
	case tx.mine(e.Trx):
		certain = !s.wrote || c.rd.showOwn
	case c.how == dirty:
		certain = true
	default:
		certain = tx.snap.Sees(e.Trx)
	}
	if !certain {
		return c.uncertain(ctx, key, e)
	}
	if e.Deleted {
		return false, nil
	}
	if c.covers && c.how != dirty {
		return true, c.rd.decodeKey(c.h.t, c.ix, key)
	}
	return c.lookup(ctx)
}

// lookup reads the wanted version of the row that c.ref names.
func (c *cursor) lookup(ctx context.Context) (bool, error) {
	r := c.rd
	found, err := c.h.t.Indexes[0].Tree.Get(ctx, c.ref, r.copyFn)
	if err != nil || !found {
		return false, err
	}
	ok, err := r.version(ctx, c.how)
	if err != nil || !ok {
		return false, err
	}
	return true, r.decode(ctx, c.h.t, r.val, c.need)
}

// uncertain is lookup for an entry that was last touched by a transaction that the view does not see. Whether the version wanted
// has the entry, the undo records tell that lead to it: the oldest one that names the entry. If none does, the entry was touched
// and restored; then it stands for the version as long as it has not changed again while we looked.
func (c *cursor) uncertain(ctx context.Context, key []byte, e row.Entry) (bool, error) {
	r := c.rd
	c.key = append(c.key[:0], key...)
	r.watch, r.watched = c.ix.Def.ID, c.key
	defer func() { r.watch = 0 }()
	for {
		ok, err := c.lookup(ctx)
		if err != nil || !ok || r.present != 0 {
			return ok && r.present > 0, err
		}
		var now row.Entry
		var perr error
		found, err := c.ix.Tree.Get(ctx, c.key, func(v []byte) { now, perr = row.ParseEntry(v) })
		if err != nil || perr != nil || !found {
			return false, firstErr(err, perr)
		}
		if now == e {
			return !e.Deleted, nil
		}
		e = now
	}
}

func firstErr(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// decodeKey reads the row from a secondary key; columns that it does not hold are NULL.
func (r *reader) decodeKey(t *dict.Table, ix *dict.Index, key []byte) error {
	n := t.Layout.Len()
	if cap(r.row) < n {
		r.row = make([]row.Datum, n)
	}
	r.row = r.row[:n]
	for i := range r.row {
		r.row[i] = row.NullDatum
	}
	r.kbuf = r.kbuf[:0]
	for i := range ix.Parts {
		p := &ix.Parts[i]
		if ix.Cols[i] < 0 || !p.Reversible() {
			k, err := row.SkipKey(p, key)
			if err != nil {
				return fmt.Errorf("index %s: %w", ix.Def.Name, err)
			}
			key = key[k:]
			continue
		}
		var d row.Datum
		k, buf, err := row.DecodeKey(p, key, r.kbuf, &d)
		if err != nil {
			return fmt.Errorf("index %s: %w", ix.Def.Name, err)
		}
		r.kbuf, key = buf, key[k:]
		r.row[ix.Cols[i]] = d
	}
	return nil
}
