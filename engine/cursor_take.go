package engine

import (
	"context"

	"github.com/zoryadb/zorya/engine/btree"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
)

// taker deals with entries of a scan where they lie in the page, under its latch, as long as the entry alone tells the version wanted: nothing
// is copied for rows that are only counted, added up or passed over. An entry that needs undo or another tree goes the cursor's way, and so do those
// behind it in its leaf, so that rows come in order.
type taker struct {
	c     *cursor
	seen  uint64 // a transaction that the view sees, 0: none known
	count uint64

	clusteredFn, secondaryFn, countFn func(key, v []byte) btree.Taken
}

func (k *taker) bind(c *cursor) {
	k.c = c
	k.clusteredFn, k.secondaryFn, k.countFn = k.clustered, k.secondary, k.counted
}

// take returns what the scan of the tree shows its entries to, nil: nothing can be told from entries alone.
func (c *cursor) take(count bool) func(key, v []byte) btree.Taken {
	k := &c.taker
	k.seen, k.count = 0, 0
	switch {
	case c.o.Lock != table.LockNone || c.how != consistent || c.o.Filter != nil || c.ix.Def.Kind != "":
		return nil
	case c.o.Index != 0 && !c.covers:
		return nil
	case count:
		return k.countFn
	case c.o.Each == nil:
		return nil
	case c.o.Index == 0:
		return k.clusteredFn
	}
	return k.secondaryFn
}

// sees reports whether the version that transaction trx made is the one wanted.
func (k *taker) sees(trx uint64) bool {
	if trx == k.seen && trx != 0 {
		return true
	}
	s := k.c.h.s
	if s.tx.mine(trx) {
		return !s.wrote || k.c.rd.showOwn
	}
	if !s.tx.snap.Sees(trx) {
		return false
	}
	k.seen = trx
	return true
}

// counted counts an entry of either kind of index.
func (k *taker) counted(_, v []byte) btree.Taken {
	at := row.EntrySize - 1
	if k.c.o.Index == 0 {
		at = row.HeaderSize - 1
	}
	if len(v) <= at || !k.sees(trxOf(v)) {
		return btree.CopyRest
	}
	k.c.h.s.work.Examined++
	if !row.IsDeleted(v[at]) {
		k.count++
	}
	return btree.Took
}

func (k *taker) clustered(_, v []byte) btree.Taken {
	c := k.c
	hd, err := row.ParseHeader(v)
	if err != nil || !k.sees(hd.Trx) {
		return btree.CopyRest
	}
	if hd.Deleted {
		c.h.s.work.Examined++
		return btree.Took
	}
	r, t := c.rd, c.h.t
	if r.decodeInline(t, v, c.need) != nil || len(r.over) > 0 {
		return btree.CopyRest // the cursor's way says what is wrong, and fetches long values
	}
	return k.show()
}

func (k *taker) secondary(key, v []byte) btree.Taken {
	c := k.c
	e, err := row.ParseEntry(v)
	if err != nil || !k.sees(e.Trx) {
		return btree.CopyRest
	}
	if e.Deleted {
		c.h.s.work.Examined++
		return btree.Took
	}
	if c.rd.decodeKey(c.h.t, c.ix, key) != nil {
		return btree.CopyRest
	}
	return k.show()
}

func (k *taker) show() btree.Taken {
	c := k.c
	if !c.o.Each(c.rd.row) {
		return btree.Copy
	}
	c.h.s.work.Examined++
	c.gave(1)
	return btree.Took
}

// choiceFrom is from how many pages on it is worth a few descents to find the shortest index.
const choiceFrom = 16

// shortest lets a count of all rows walk the index that has the fewest pages, as InnoDB does.
func (h *Handle) shortest(ctx context.Context, o *table.ScanOptions) error {
	if o.Index != 0 || o.Range.Low != nil || o.Range.High != nil || len(h.t.Indexes) < 2 || h.s.how(h.s.level(o.Lock)) != consistent || h.s.level(o.Lock) != table.LockNone {
		return nil
	}
	st, err := h.t.Indexes[0].Tree.Stats(ctx)
	if err != nil || st.Pages < choiceFrom {
		return err
	}
	least := st.Pages
	for i, ix := range h.t.Indexes[1:] {
		if ix.Def.Hidden || ix.Def.Kind != "" || h.s.view(ctx, h.t, ix) != nil { // it may be younger than the snapshot
			continue
		}
		if st, err = ix.Tree.Stats(ctx); err != nil {
			return err
		}
		if st.Pages < least {
			o.Index, least = i+1, st.Pages
		}
	}
	return nil
}

// CountRows implements table.CountTable.
func (h *Handle) CountRows(ctx context.Context, o table.ScanOptions, match func() func(r []row.Datum) bool) (uint64, error) {
	if err := h.usable(false); err != nil {
		return 0, err
	}
	o.Each = nil
	if match == nil {
		o.Columns = []int{}
		if err := h.shortest(ctx, &o); err != nil {
			return 0, err
		}
	}
	list := []part{{}}
	if o.Range.Low == nil && o.Range.High == nil && o.Index >= 0 && o.Index < len(h.t.Indexes) && h.s.level(o.Lock) == table.LockNone {
		if err := h.s.view(ctx, h.t, h.t.Indexes[o.Index]); err != nil { // before others use it
			return 0, err
		}
		var err error
		if list, err = h.s.tx.db.parts(ctx, h.t.Indexes[o.Index].Tree); err != nil {
			return 0, err
		}
	}
	if len(list) == 1 {
		c := counting{h: h, match: match}
		err := c.count(ctx, o, nil)
		return c.n, err
	}
	// Each worker has a statement of its own for what a scan keeps account of.
	each := make([]counting, workers())
	stmts := make([]Stmt, workers())
	for i := range each {
		stmts[i] = Stmt{tx: h.s.tx, active: true, wrote: h.s.wrote, since: h.s.since}
		each[i] = counting{h: &Handle{s: &stmts[i], t: h.t}, match: match}
	}
	err := share(ctx, len(list), func(ctx context.Context, worker, i int) error { return each[worker].count(ctx, o, &list[i]) })
	n := uint64(0)
	for i := range each {
		n += each[i].n
		h.s.work.Examined += stmts[i].work.Examined
		h.s.work.Scanned += stmts[i].work.Scanned
		h.s.work.Next += stmts[i].work.Next
		h.fetched(o.Index, stmts[i].ops.read)
	}
	h.s.work.Full = true
	h.s.work.Firsts++
	return n, err
}

// counting counts rows, by one goroutine.
type counting struct {
	h     *Handle
	match func() func(r []row.Datum) bool
	holds func(r []row.Datum) bool
	n     uint64
}

func (k *counting) count(ctx context.Context, o table.ScanOptions, only *part) error {
	if k.match != nil {
		if k.holds == nil {
			k.holds = k.match()
		}
		o.Each = func(r []row.Datum) bool {
			if k.holds(r) {
				k.n++
			}
			return true
		}
	}
	c, err := k.h.scanWith(ctx, o, k.match == nil, only)
	if err != nil {
		return err
	}
	defer c.Close()
	for {
		ok, err := c.Next(ctx)
		if err != nil {
			return err
		}
		if !ok {
			c.gave(c.taker.count)
			k.n += c.taker.count
			return nil
		}
		if k.holds == nil || k.holds(c.Row()) {
			k.n++
		}
	}
}
