package engine

import (
	"bytes"
	"context"
	"math"

	"github.com/zoryadb/zorya/engine/btree"
	"github.com/zoryadb/zorya/engine/dict"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
)

// How much Analyze reads of an index: all of a small one, else runs of entries at places spread evenly.
const (
	analyzeAll  = 8000
	analyzeRuns = 40
	analyzeRun  = 150
)

// Analyze estimates the cardinality of each prefix of each index: the part of a sample's neighbours that differ, times the entries. What
// is committed or not makes no difference to an estimate. With pages the sample of an index has so many places.
func (h *Handle) Analyze(ctx context.Context, pages int) (st table.Statistics, err error) {
	if err := h.usable(false); err != nil {
		return st, err
	}
	for i, ix := range h.t.Indexes {
		rows, size, distinct, err := cardinality(ctx, ix, pages)
		if err != nil {
			return st, err
		}
		if i == 0 {
			st.Rows = rows
		}
		if ix.Extract != nil { // what its entries have in common says nothing of columns
			distinct = make([]uint64, len(ix.Def.Parts))
			for p := range distinct {
				distinct[p] = st.Rows
			}
		}
		for p := range distinct { // an estimate of one index may not exceed the rows
			distinct[p] = min(distinct[p], max(st.Rows, 1))
		}
		if rows == 0 {
			clear(distinct)
		}
		st.Distinct, st.Pages = append(st.Distinct, distinct), append(st.Pages, size.Pages)
		st.Leaves = append(st.Leaves, min(size.Leaves, size.Pages))
	}
	return st, nil
}

// prefixCounter counts in how many places neighbouring keys of an index differ, by the number of leading parts.
type prefixCounter struct {
	ix      *dict.Index
	last    []byte
	ends    []int // of the parts of last
	now     []int
	pairs   uint64
	changes []uint64
}

// add takes the next key. first says that it does not follow the one before.
func (c *prefixCounter) add(key []byte, first bool) error {
	c.now = c.now[:0]
	for p, at := 0, 0; p < c.ix.Own; p++ {
		n, err := row.SkipKey(&c.ix.Parts[p], key[at:])
		if err != nil {
			return err
		}
		at += n
		c.now = append(c.now, at)
	}
	if !first {
		c.pairs++
		for p := range c.now {
			if c.now[p] != c.ends[p] || !bytes.Equal(key[:c.now[p]], c.last[:c.ends[p]]) {
				for q := p; q < len(c.changes); q++ {
					c.changes[q]++
				}
				break
			}
		}
	}
	c.last, c.ends, c.now = append(c.last[:0], key...), c.now, c.ends
	return nil
}

func cardinality(ctx context.Context, ix *dict.Index, places int) (rows uint64, st btree.Stats, distinct []uint64, err error) {
	if st, err = ix.Tree.Stats(ctx); err != nil {
		return 0, st, nil, err
	}
	if places <= 0 {
		places = analyzeRuns
	}
	c := &prefixCounter{ix: ix, changes: make([]uint64, ix.Own)}
	live, seen := uint64(0), uint64(0)
	read := func(low []byte, limit int) error {
		cur := ix.Tree.Scan(btree.ScanOptions{Low: low, Batch: 4096})
		defer cur.Close()
		first := true
		for n := 0; (limit == 0 || n < limit) && cur.Next(ctx); n++ {
			seen++
			if deleted(ix, cur.Value()) {
				continue
			}
			live++
			if err := c.add(cur.Key(), first); err != nil {
				return err
			}
			first = false
		}
		return cur.Err()
	}
	distinct = make([]uint64, ix.Own)
	if st.Entries <= analyzeAll {
		if err := read(nil, 0); err != nil {
			return 0, st, nil, err
		}
		for p := range distinct {
			distinct[p] = c.changes[p] + 1
		}
		return live, st, distinct, nil
	}
	starts := make([]map[string]bool, ix.Own) // values at the runs' beginnings: of few values, few differ within a run
	for k := range places {
		low, err := ix.Tree.KeyAt(ctx, (float64(k)+0.5)/float64(places))
		if err != nil || low == nil {
			return 0, st, nil, err
		}
		if err := read(low, analyzeRun); err != nil {
			return 0, st, nil, err
		}
		for p := range starts {
			if starts[p] == nil {
				starts[p] = map[string]bool{}
			}
			if len(c.ends) > p {
				starts[p][string(c.last[:c.ends[p]])] = true
			}
		}
	}
	rows = uint64(float64(st.Entries) * float64(live) / float64(max(seen, 1)))
	for p := range distinct {
		part := float64(c.changes[p]) / float64(max(c.pairs, 1))
		distinct[p] = max(uint64(math.Round(part*float64(rows))), uint64(len(starts[p])), 1)
	}
	return rows, st, distinct, nil
}

// deleted reports whether an entry's value says that it is delete-marked. One that cannot be read counts as live: the checker's business.
func deleted(ix *dict.Index, val []byte) bool {
	if ix.Own == len(ix.Parts) { // clustered
		h, err := row.ParseHeader(val)
		return err == nil && h.Deleted
	}
	e, err := row.ParseEntry(val)
	return err == nil && e.Deleted
}
