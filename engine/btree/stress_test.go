package btree

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zoryadb/zorya/engine/buffer"
	"github.com/zoryadb/zorya/engine/mtr"
	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/volume"
	"github.com/zoryadb/zorya/storage/volume/memvol"
)

// Keys of the stress tests: number n in group g. Numbers divisible by 7 are permanent: they are
// inserted first and never touched, so every scan must see each of them exactly once.
func stressKey(n uint64) []byte { return binary.BigEndian.AppendUint64([]byte("key"), n) }

const stressKeys = 4200

// scanOnce walks the whole tree and checks order and permanent keys.
func scanOnce(tree *Tree, r *rand.Rand) error {
	o := ScanOptions{Reverse: r.IntN(2) == 0, Batch: []int{0, 1, 500}[r.IntN(3)], ReadAhead: r.IntN(2) == 0}
	c := tree.Scan(o)
	var last []byte
	permanent := 0
	for c.Next(bg) {
		if cmp := bytes.Compare(last, c.Key()); last != nil && (cmp >= 0) != o.Reverse {
			return fmt.Errorf("scan %+v: %x after %x", o, c.Key(), last)
		}
		last = append(last[:0], c.Key()...)
		n := binary.BigEndian.Uint64(c.Key()[3:])
		if n%7 == 0 {
			permanent++
		}
		if !bytes.Equal(c.Value(), bytes.Repeat([]byte{byte(n)}, len(c.Value()))) {
			return fmt.Errorf("scan %+v: key %d has value %x", o, n, c.Value())
		}
	}
	if want := stressKeys / 7; c.Err() == nil && permanent != want {
		return fmt.Errorf("scan %+v: %d permanent keys of %d", o, permanent, want)
	}
	return c.Err()
}

// TestStress runs writers that make the tree split and merge all the time beside scans in both directions and
// lookups, in a pool that holds a part of the tree only and a volume whose VDL lags.
func TestStress(t *testing.T) {
	e := newEnv(t, memvol.Options{Lag: 200 * time.Microsecond}, 128)
	tree := e.tree(100)
	for n := uint64(0); n < stressKeys; n += 7 {
		if err := put(tree, stressKey(n), bytes.Repeat([]byte{byte(n)}, 700)); err != nil {
			t.Fatal(err)
		}
	}
	const writers, rounds = 4, 3000
	want := make([]model, writers)
	var wg sync.WaitGroup
	var stop atomic.Bool
	for w := range writers {
		want[w] = model{}
		wg.Add(1)
		go func() {
			defer wg.Done()
			r := rand.New(rand.NewPCG(uint64(w), 2))
			for i := range rounds {
				n := uint64(r.IntN(stressKeys/writers)*writers + w)
				if n%7 == 0 {
					continue
				}
				k, err := stressKey(n), error(nil)
				// Phases of growth and of decline.
				if r.IntN(10) < []int{9, 2}[i/750%2] {
					v := bytes.Repeat([]byte{byte(n)}, r.IntN(2000))
					err = put(tree, k, v)
					want[w][string(k)] = v
				} else {
					err = del(tree, k)
					delete(want[w], string(k))
				}
				if err != nil {
					t.Error(err)
				}
			}
		}()
	}
	var readers sync.WaitGroup
	for s := range 3 {
		readers.Add(1)
		go func() {
			defer readers.Done()
			r := rand.New(rand.NewPCG(uint64(s), 3))
			for !stop.Load() {
				if err := scanOnce(tree, r); err != nil {
					t.Error(err)
					return
				}
				n := uint64(r.IntN(stressKeys/7)) * 7
				if ok, err := tree.Get(bg, stressKey(n), func([]byte) {}); err != nil || !ok {
					t.Errorf("get of permanent key %d: %v, %v", n, ok, err)
					return
				}
				if _, err := tree.EstimateRange(bg, stressKey(n), nil); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	wg.Wait()
	stop.Store(true)
	readers.Wait()
	all := model{}
	for n := uint64(0); n < stressKeys; n += 7 {
		all[string(stressKey(n))] = bytes.Repeat([]byte{byte(n)}, 700)
	}
	for _, m := range want {
		for k, v := range m {
			all[k] = v
		}
	}
	all.same(t, tree, rand.New(rand.NewPCG(1, 4)))
	e.checkAll(tree)
	if s := e.pool.Stats(); s.Evicted == 0 {
		t.Errorf("the pool never had to evict: %+v", s)
	}
}

// logged is one Edit as the log orders it.
type logged struct {
	lsn page.LSN
	key string
	val []byte // nil: deleted
}

// TestCrash crashes the volume under concurrent writers. What is left must be a valid tree that holds
// exactly the MTRs at or below VDL.
func TestCrash(t *testing.T) {
	for seed := range uint64(5) {
		e := newEnv(t, memvol.Options{Manual: true}, 256)
		tree := e.tree(100)
		e.vol.AdvanceVDL(e.vol.LastLSN())
		var log []logged // appended to inside the volume's critical section
		var wg sync.WaitGroup
		for w := range 4 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				crashWriter(t, tree, rand.New(rand.NewPCG(seed, uint64(w))), w, &log)
			}()
		}
		r := rand.New(rand.NewPCG(seed, 99))
		for e.vol.Counters().MTRs < 1500 {
			e.vol.AdvanceVDL(e.vol.LastLSN() - min(e.vol.LastLSN(), page.LSN(r.IntN(20))))
		}
		vdl := e.vol.VDL()
		c := e.crash(256)
		wg.Wait()
		if now := c.vol.VDL(); now < vdl {
			t.Fatalf("VDL fell from %d to %d", vdl, now)
		}
		m := model{}
		for _, l := range log {
			switch {
			case l.lsn > c.vol.VDL():
			case l.val == nil:
				delete(m, l.key)
			default:
				m[l.key] = l.val
			}
		}
		tree = Open(c.sp, 100, tree.Root())
		m.same(t, tree, r)
		c.checkAll(tree)
		// And it goes on.
		if err := put(tree, []byte("after"), nil); err != nil {
			t.Fatal(err)
		}
	}
}

func crashWriter(t *testing.T, tree *Tree, r *rand.Rand, w int, log *[]logged) {
	for {
		k := stressKey(uint64(r.IntN(400)*4 + w))
		l := logged{key: string(k)}
		if r.IntN(10) < 6 {
			l.val = bytes.Repeat([]byte{byte(r.Int())}, r.IntN(1500))
		}
		_, err := tree.Edit(bg, k, len(l.val), func(_ *mtr.MTR, cur []byte, exists bool) (Action, []byte, error) {
			if l.val == nil {
				return Delete, nil, nil
			}
			return Put, l.val, nil
		}, func(cpl page.LSN) {
			l.lsn = cpl
			*log = append(*log, l)
		})
		if errors.Is(err, volume.ErrFenced) {
			return
		}
		if err != nil {
			t.Error(err)
			return
		}
	}
}

// TestLostVolume fences the writer while it works: every call ends with an error, none hangs.
func TestLostVolume(t *testing.T) {
	e := newEnv(t, memvol.Options{}, 128)
	tree := e.tree(100)
	for n := range uint64(300) {
		if err := put(tree, stressKey(n), make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
	}
	e.vol.Crash()
	for n := range uint64(300) {
		if err := put(tree, stressKey(1000+n), make([]byte, 1000)); !errors.Is(err, volume.ErrFenced) {
			t.Fatalf("edit on a fenced volume: %v", err)
		}
	}
	if _, err := mtr.Start(bg, e.pool, 1, 1); !errors.Is(err, volume.ErrFenced) {
		t.Errorf("an MTR on a fenced volume: %v", err)
	}
}

// TestSlowReads: a lookup whose context ends gives up while its page is on the way, and holds up nobody.
func TestSlowReads(t *testing.T) {
	gate := make(chan struct{})
	var closed atomic.Bool
	vol := memvol.Options{BeforeRead: func(ctx context.Context, _ page.LSN, _ []page.No) error {
		if !closed.Load() {
			return nil
		}
		select {
		case <-gate:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}}
	e := newEnv(t, vol, 128)
	tree := e.tree(100)
	for n := range uint64(3000) {
		if err := put(tree, stressKey(n), make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.pool.Load(bg, tree.Root()); err != nil {
		t.Fatal(err)
	}
	closed.Store(true)
	ctx, cancel := context.WithCancel(bg)
	errs := make(chan error)
	for range 2 {
		go func() {
			_, err := tree.Get(ctx, stressKey(1), func([]byte) {})
			errs <- err
		}()
	}
	// The root must stay free meanwhile: the readers wait without a latch.
	g, err := e.pool.Fetch(bg, tree.Root(), buffer.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	g.Unlatch()
	cancel()
	for range 2 {
		if err := <-errs; !errors.Is(err, context.Canceled) {
			t.Errorf("lookup with a cancelled context: %v", err)
		}
	}
	close(gate)
	if ok, err := tree.Get(bg, stressKey(1), func([]byte) {}); !ok || err != nil {
		t.Errorf("lookup after storage answers again: %v, %v", ok, err)
	}
}
