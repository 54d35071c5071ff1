package engine

import (
	"fmt"
	"testing"

	"github.com/zoryadb/zorya/engine/buffer"
	"github.com/zoryadb/zorya/storage/volume/memvol"
)

// TestMutantReadAhead: after a restart a listing's tables are opened ahead of it, and the roots of their trees are read without being asked for one by one; what is
// not there is left out.
func TestMutantReadAhead(t *testing.T) {
	scenario := func(m mutant) error {
		e := newEnv(t, memvol.Options{})
		names := []string{"nowhere"}
		for i := range 40 {
			names = append(names, fmt.Sprintf("t%d", i))
			e.sbtest(names[i+1])
		}
		e.crash()
		e.db.mutant.Store(uint32(m))
		if e.db.cache.Get("s", "t7") != nil {
			return fmt.Errorf("a table is open after a restart")
		}
		before := e.db.pool.Stats().Prefetched
		e.db.ReadAhead(bg, "s", names)
		roots := uint64(0)
		for _, n := range names[1:] {
			d := e.db.cache.Get("s", n)
			if d == nil {
				return fmt.Errorf("%s was not opened", n)
			}
			for k := range d.Def.Indexes { // a fetch waits for the read that is under way for its page, or makes one
				g, err := e.db.pool.Fetch(bg, d.Def.Indexes[k].Root, buffer.Shared)
				e.must(err)
				g.Unlatch()
				roots++
			}
		}
		if got := e.db.pool.Stats().Prefetched - before; got < roots/2 { // something else may have wanted some already
			return fmt.Errorf("%d of %d roots were read ahead", got, roots)
		}
		return nil
	}
	judge(t, scenario, mutantOneAhead)
	judge(t, scenario, mutantColdRoots)
}
