package dict

import (
	"sync"

	"github.com/zoryadb/zorya/engine/table"
)

// Touched gathers the clustered keys of rows that transactions change while a DDL reads their table: what an online build must look at
// again. It hangs on every opened Table from the DDL's start on. A nil Touched gathers nothing.
//
// A key is noted after its row was changed and before its transaction ends. So whatever a snapshot sees was noted before the
// snapshot was taken.
type Touched struct {
	Also *Touched // told too, if not nil: the proof of a foreign key within a build

	mu    sync.Mutex
	max   int // bytes
	refs  map[string]struct{}
	bytes int
	full  bool
	ended bool
}

// touchedCost is what a key costs beside its bytes.
const touchedCost = 64

// NewTouched returns a set of at most max bytes.
func NewTouched(max int) *Touched { return &Touched{max: max, refs: map[string]struct{}{}} }

// Note enters a key.
func (t *Touched) Note(ref []byte) {
	if t == nil {
		return
	}
	t.Also.Note(ref)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended || t.full {
		return
	}
	if _, ok := t.refs[string(ref)]; ok {
		return
	}
	if t.bytes += len(ref) + touchedCost; t.bytes > t.max {
		t.full, t.refs = true, nil
		return
	}
	t.refs[string(ref)] = struct{}{}
}

// Take empties the set. table.ErrBuildLog: it overflowed, the DDL cannot be completed.
func (t *Touched) Take() (map[string]struct{}, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.full {
		return nil, table.ErrBuildLog
	}
	refs := t.refs
	t.refs, t.bytes = map[string]struct{}{}, 0
	return refs, nil
}

// Err is table.ErrBuildLog once the set overflowed.
func (t *Touched) Err() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.full {
		return table.ErrBuildLog
	}
	return nil
}

// End stops the gathering: the DDL is over.
func (t *Touched) End() {
	t.mu.Lock()
	t.ended, t.refs = true, nil
	t.mu.Unlock()
}
