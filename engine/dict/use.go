package dict

import "sync/atomic"

// Use counts rows that came or went through an index since the table was opened; changes count for the clustered one.
type Use struct{ Fetched, Inserted, Updated, Deleted atomic.Uint64 }

// Use returns the counters of the index at a position.
func (t *Table) Use(index int) *Use {
	u := t.uses.Load()
	if u == nil {
		made := make([]Use, len(t.Indexes))
		if t.uses.CompareAndSwap(nil, &made) {
			return &made[index]
		}
		u = t.uses.Load()
	}
	return &(*u)[index]
}

// Uses returns the counters by index, nil when nothing was counted.
func (t *Table) Uses() []Use {
	if u := t.uses.Load(); u != nil {
		return *u
	}
	return nil
}
