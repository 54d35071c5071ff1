package txn

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/zoryadb/zorya/storage/page"
)

// TestVisibility runs random histories against a model that remembers every end: snapshots see exactly what ended at or below
// their LSN, however long they stay open, and purge's view never sees what an open snapshot does not.
func TestVisibility(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var vdl, lsn page.LSN = 1, 1
		tb := New(5, 5, func() page.LSN { return vdl }, func(context.Context, uint64) error { return nil })
		ends := map[uint64]page.LSN{}
		var active []uint64
		type held struct {
			s   *Snapshot
			lsn page.LSN
			max uint64
		}
		var open []held
		steps := 3000
		if seed == 0 {
			steps = 4 * straggler // stragglers and frozen snapshots
		}
		for step := range steps {
			switch n := rng.IntN(100); {
			case n < 45:
				id, err := tb.Begin(context.Background(), nil)
				if err != nil {
					t.Fatal(err)
				}
				ends[id] = 0
				active = append(active, id)
			case n < 88 && len(active) > 2:
				i := 1 + rng.IntN(len(active)-1) // the first stays active
				lsn++
				tb.Ended(active[i], lsn)
				ends[active[i]] = lsn
				active = append(active[:i], active[i+1:]...)
			case n < 94:
				vdl = min(lsn, vdl+page.LSN(rng.IntN(40)))
			case n < 97 && len(open) < 6:
				s := new(Snapshot)
				tb.Open(s)
				if s.LSN != vdl {
					t.Fatalf("snapshot at %d, VDL %d", s.LSN, vdl)
				}
				open = append(open, held{s, vdl, tb.Next()})
			case len(open) > 1 && step%50 == 0:
				i := 1 + rng.IntN(len(open)-1)
				open[i].s.Close()
				open = append(open[:i], open[i+1:]...)
			}
			if step%97 != 0 {
				continue
			}
			var v Snapshot
			tb.PurgeView(&v, nil)
			for range 40 {
				id := 5 + rng.Uint64N(tb.Next()-5+1)
				end, known := ends[id]
				for _, h := range open {
					want := known && end != 0 && end <= h.lsn
					if got := h.s.Sees(id); got != want {
						t.Fatalf("seed %d step %d: snapshot at %d sees %d (ended %d): %v", seed, step, h.lsn, id, end, got)
					}
					if v.Sees(id) && !want {
						t.Fatalf("seed %d: purge passes %d, which a snapshot does not see", seed, id)
					}
				}
				if v.Sees(id) && (end == 0 || end > vdl) {
					t.Fatalf("seed %d: purge sees %d, which is above VDL", seed, id)
				}
			}
		}
		if d := tb.dir.Load(); seed == 0 && len(d.chunks) > 200 {
			t.Errorf("%d chunks are kept", len(d.chunks))
		}
	}
}
