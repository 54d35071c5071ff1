package buffer

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/redo"
	"github.com/zoryadb/zorya/storage/volume"
	"github.com/zoryadb/zorya/storage/volume/memvol"
)

var bg = context.Background()

func newPool(t testing.TB, o memvol.Options, pages int) (*memvol.Volume, *Pool) {
	t.Helper()
	if o.PagesPerPG == 0 {
		o.PagesPerPG = 1 << 16
	}
	vol := memvol.New(o)
	p, err := New(vol, Options{Bytes: int64(pages) * page.Size})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return vol, p
}

// change does what package mtr does: ops on a latched page, the append, the stamp.
func change(vol volume.Volume, g Page, no page.No, v uint64) page.LSN {
	var m redo.MTR
	b := g.Bytes()
	c := m.Change(m.Touch(no, page.GetLSN(b)))
	if page.GetLSN(b) == 0 {
		c.Ops = page.AppendInit(c.Ops, 9, 1)
	}
	c.Ops = page.AppendSet(c.Ops, page.HeaderSize, binary.LittleEndian.AppendUint64(nil, v))
	g.BeginChange()
	page.ApplyOps(b, c.Ops)
	lsn := vol.Append(&m, nil)
	page.Stamp(b, no, lsn)
	g.EndChange(lsn)
	return lsn
}

func write(t testing.TB, vol volume.Volume, p *Pool, no page.No, v uint64) page.LSN {
	t.Helper()
	g, err := p.Fetch(bg, no, Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Unlatch()
	return change(vol, g, no, v)
}

func value(g Page) uint64 { return binary.LittleEndian.Uint64(g.Bytes()[page.HeaderSize:]) }

// TestNewest: many goroutines count up in pages of a volume that is larger than the pool and whose
// VDL lags. A page that came back older than it left would lose a count.
func TestNewest(t *testing.T) {
	vol, p := newPool(t, memvol.Options{Lag: 100 * time.Microsecond}, MinPages)
	const pages, workers, rounds = 300, 4, 1500
	var counts [pages]atomic.Uint64
	var wg sync.WaitGroup
	for w := range workers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			r := rand.New(rand.NewPCG(1, uint64(w)))
			for range rounds {
				no := page.No(r.IntN(pages))
				if r.IntN(3) == 0 {
					p.Prefetch([]page.No{no + 1, no + 2, no + 3})
				}
				if err := p.Admit(bg); err != nil {
					t.Error(err)
					return
				}
				g, err := p.Fetch(bg, no, Exclusive)
				if err != nil {
					t.Error(err)
					return
				}
				if got, want := value(g), counts[no].Load(); got != want {
					t.Errorf("page %d has %d, not %d", no, got, want)
				}
				counts[no].Add(1)
				change(vol, g, no, counts[no].Load())
				g.Unlatch()
			}
		}()
	}
	wg.Wait()
	for no := range page.No(pages) {
		g, err := p.Fetch(bg, no, Shared)
		if err != nil {
			t.Fatal(err)
		}
		if err := vol.CheckPage(no, g.Bytes()); err != nil {
			t.Error(err)
		}
		g.Unlatch()
	}
	if s := p.Stats(); s.Evicted == 0 || s.Hits == 0 {
		t.Errorf("%+v", s)
	}
}

// TestAboveVDL: pages above VDL stay, an MTR waits at half of the pool, and goes on when VDL moves.
func TestAboveVDL(t *testing.T) {
	vol, p := newPool(t, memvol.Options{Manual: true}, MinPages)
	for no := range page.No(MinPages / 2) {
		if err := p.Admit(bg); err != nil {
			t.Fatal(err)
		}
		write(t, vol, p, no, 1)
	}
	ctx, cancel := context.WithCancel(bg)
	cancel()
	if err := p.Admit(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("MTR admitted with %d pages above VDL of %d: %v", p.Stats().Dirty, MinPages, err)
	}
	for no := range page.No(1000) { // a scan must not throw them out
		if err := p.Load(bg, 1000+no); err != nil {
			t.Fatal(err)
		}
	}
	for no := range page.No(MinPages / 2) {
		if !p.cached(no) {
			t.Fatalf("page %d left although its LSN is above VDL", no)
		}
	}
	done := make(chan error)
	go func() { done <- p.Admit(bg) }()
	vol.AdvanceVDL(vol.LastLSN())
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for no := range page.No(1000) {
		if err := p.Load(bg, 2000+no); err != nil {
			t.Fatal(err)
		}
	}
	if p.cached(0) && p.cached(1) && p.cached(2) {
		t.Error("pages at or below VDL that nobody uses stay for ever")
	}
}

// TestOneRead: many who want a page make one read.
func TestOneRead(t *testing.T) {
	gate := make(chan struct{})
	vol, p := newPool(t, memvol.Options{BeforeRead: func(context.Context, page.LSN, []page.No) error { <-gate; return nil }}, MinPages)
	var wg sync.WaitGroup
	for range 20 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			g, err := p.Fetch(bg, 5, Shared)
			if err != nil {
				t.Error(err)
				return
			}
			g.Unlatch()
		}()
	}
	close(gate)
	wg.Wait()
	if n := vol.Counters().Reads; n != 1 {
		t.Errorf("%d reads", n)
	}
}

// TestReadFails: an error reaches the caller, and the next one reads again.
func TestReadFails(t *testing.T) {
	boom := errors.New("boom")
	var fail atomic.Bool
	fail.Store(true)
	_, p := newPool(t, memvol.Options{BeforeRead: func(context.Context, page.LSN, []page.No) error {
		if fail.Load() {
			return boom
		}
		return nil
	}}, MinPages)
	for range 3 * MinPages { // a failed read must give its frame back
		if _, err := p.Fetch(bg, 5, Shared); !errors.Is(err, boom) {
			t.Fatal(err)
		}
	}
	fail.Store(false)
	g, err := p.Fetch(bg, 5, Shared)
	if err != nil {
		t.Fatal(err)
	}
	g.Unlatch()
}

// TestScanResistance: pages in steady use survive a scan many times as large as the pool.
func TestScanResistance(t *testing.T) {
	_, p := newPool(t, memvol.Options{}, 1000)
	const hot = 300
	use := func() (missing int) {
		for no := range page.No(hot) {
			if !p.cached(no) {
				missing++
			}
			g, err := p.Fetch(bg, no, Shared)
			if err != nil {
				t.Fatal(err)
			}
			g.Unlatch()
		}
		return missing
	}
	for range 4 {
		use()
	}
	missed := 0
	for i := range page.No(20_000) {
		no := 1000 + i
		p.Prefetch([]page.No{no})
		g, err := p.Fetch(bg, no, Scan)
		if err != nil {
			t.Fatal(err)
		}
		g.Unlatch()
		if i%2000 == 1999 {
			missed += use()
		}
	}
	if missed > hot/10 {
		t.Errorf("the scan cost %d reads of %d hot pages used ten times", missed, hot)
	}
}

// TestPrefetch brings pages that later fetches find.
func TestPrefetch(t *testing.T) {
	vol, p := newPool(t, memvol.Options{}, MinPages)
	p.Prefetch([]page.No{7, 8, 9})
	for no := page.No(7); no < 10; no++ {
		g, err := p.Fetch(bg, no, Shared)
		if err != nil {
			t.Fatal(err)
		}
		if g.No() != no {
			t.Errorf("page %d for %d", g.No(), no)
		}
		g.Unlatch()
	}
	if c := vol.Counters(); c.Reads != 1 || c.PagesRead != 3 {
		t.Errorf("%+v", c)
	}
}

// TestAllLatched: when every frame is in use, a fetch waits until one is free or its context ends.
func TestAllLatched(t *testing.T) {
	_, p := newPool(t, memvol.Options{}, MinPages)
	var held []Page
	for no := range page.No(MinPages) {
		g, err := p.Fetch(bg, no, Shared)
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, g)
	}
	ctx, cancel := context.WithCancel(bg)
	done := make(chan error)
	go func() {
		_, err := p.Fetch(ctx, 5000, Shared)
		done <- err
	}()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	for _, g := range held {
		g.Unlatch()
	}
	g, err := p.Fetch(bg, 5000, Shared)
	if err != nil {
		t.Fatal(err)
	}
	g.Unlatch()
}

func BenchmarkFetchHit(b *testing.B) {
	_, p := newPool(b, memvol.Options{}, 1000)
	for no := range page.No(512) {
		if err := p.Load(bg, no); err != nil {
			b.Fatal(err)
		}
	}
	for name, mode := range map[string]Mode{"shared": Shared, "exclusive": Exclusive} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				g, _ := p.Fetch(bg, page.No(i&511), mode)
				g.Unlatch()
				i++
			}
		})
	}
	b.Run("shared-root-parallel", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				g, _ := p.Fetch(bg, 3, Shared)
				g.Unlatch()
			}
		})
	})
}
