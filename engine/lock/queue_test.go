package lock

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
)

// plain is the rule of a queue as the package's comment says it, without counts: what o may have in mode m, given all requests in their order up to stop.
func plain(all []*request, o *Owner, m Mode, upgrade bool, stop *request) bool {
	ahead := true
	for _, r := range all {
		if r == stop {
			ahead = false
		} else if conflict(o, m, r) && (r.granted || ahead && !upgrade) {
			return false
		}
	}
	return true
}

func plainHeld(all []*request, o *Owner) (m Mode, any bool) {
	for _, r := range all {
		if r.owner == o && r.granted {
			m, any = max(m, r.mode), true
		}
	}
	return m, any
}

// What is counted and linked both ways decides as a walk over all requests does, and nobody who may go on is left waiting.
func TestQueueCounts(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 200 {
		q, owners := &queue{name: metadataName}, make([]*Owner, 6)
		for i := range owners {
			owners[i] = &Owner{}
		}
		var all []*request
		for step := range 60 {
			o := owners[rng.IntN(len(owners))]
			m := Mode(rng.IntN(len(clashes)))
			if len(all) > 0 && rng.IntN(3) == 0 {
				i := rng.IntN(len(all))
				r := all[i]
				q.remove(r)
				q.remove(r) // it is not there any more
				all = slices.Delete(all, i, i+1)
				r.owner.meta = slices.DeleteFunc(r.owner.meta, func(x *request) bool { return x == r })
				q.grant(func(r *request) { r.owner.meta = append(r.owner.meta, r) })
			} else if !slices.ContainsFunc(all, func(r *request) bool { return r.owner == o && !r.granted }) { // who waits asks for nothing else
				have, upgrade := plainHeld(all, o)
				if m2, any := o.holds(Metadata, q); m2 != have || any != upgrade {
					t.Fatalf("round %d, step %d: holds %d, %v, want %d, %v", round, step, m2, any, have, upgrade)
				}
				want := plain(all, o, m, upgrade, nil)
				if got := q.free(o, m, upgrade, nil); got != want {
					t.Fatalf("round %d, step %d: free for mode %d: %v", round, step, m, got)
				}
				r := &request{owner: o, mode: m, granted: want}
				if want && upgrade && rng.IntN(2) == 0 {
					q.pushFront(r)
					all = append([]*request{r}, all...)
				} else {
					q.push(r)
					all = append(all, r)
				}
				if want {
					o.meta = append(o.meta, r)
				}
			}
			n, waiting := 0, 0
			for r := q.requests.First(); r != nil; r = r.link.Next() {
				if r != all[n] {
					t.Fatalf("round %d, step %d: another order", round, step)
				}
				n++
				if r.granted {
					continue
				}
				waiting++
				if _, upgrade := plainHeld(all, r.owner); plain(all, r.owner, r.mode, upgrade, r) {
					t.Fatalf("round %d, step %d: one waits that may go on", round, step)
				}
			}
			if n != len(all) || n != q.requests.Len() || waiting != q.waiting || n > 0 && q.requests.Last() != all[n-1] || n == 0 && q.requests.Last() != nil {
				t.Fatalf("round %d, step %d: %d of %d requests, %d waiting, counted %d and %d", round, step, n, len(all), waiting, q.requests.Len(), q.waiting)
			}
		}
	}
}

// What a transaction's metadata lock costs beside those of others.
func BenchmarkMetadata(b *testing.B) {
	for _, n := range []int{0, 16, 1000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			t := New()
			for range n {
				o := owner(0)
				t.Try(o, Metadata, []byte("db\x00table"), Write)
			}
			o := owner(0)
			for b.Loop() {
				t.Try(o, Metadata, []byte("db\x00table"), Write)
				t.ReleaseMetadata(o)
			}
		})
	}
}
