package mtr

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/zoryadb/zorya/engine/buffer"
	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/volume"
	"github.com/zoryadb/zorya/storage/volume/memvol"
)

var bg = context.Background()

func newPool(t testing.TB, o memvol.Options) (*memvol.Volume, *buffer.Pool) {
	t.Helper()
	o.PagesPerPG = 1 << 16
	vol := memvol.New(o)
	p, err := buffer.New(vol, buffer.Options{Bytes: buffer.MinPages * page.Size})
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

func start(t testing.TB, p *buffer.Pool) *MTR {
	t.Helper()
	m, err := Start(bg, p, 10, 100_000)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// check compares the pool's page with what the log made of it.
func check(t *testing.T, vol *memvol.Volume, p *buffer.Pool, no page.No) {
	t.Helper()
	g, err := p.Fetch(bg, no, buffer.Shared)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Unlatch()
	if err := vol.CheckPage(no, g.Bytes()); err != nil {
		t.Error(err)
	}
}

// TestOps: random ops, few and many, leave the same bytes in the pool and in storage, and one record a page.
func TestOps(t *testing.T) {
	vol, p := newPool(t, memvol.Options{})
	r := rand.New(rand.NewPCG(1, 1))
	for round := range 40 {
		before := vol.Counters()
		m := start(t, p)
		for no := page.No(1); no <= 3; no++ {
			var g *Page
			if round == 0 || r.IntN(10) == 0 {
				g = m.Init(no, 7, 42)
			} else {
				var err error
				if g, err = m.Latch(no); err != nil {
					t.Fatal(err)
				}
			}
			if again, err := m.Latch(no); again != g || err != nil {
				t.Fatal("another page object for the same page")
			}
			for range []int{1, 30, 400}[r.IntN(3)] {
				n := 1 + r.IntN(600)
				off := page.HeaderSize + r.IntN(page.PayloadSize-n)
				src := page.HeaderSize + r.IntN(page.PayloadSize-n)
				switch r.IntN(3) {
				case 0:
					g.Set(off, bytes.Repeat([]byte{byte(r.Int())}, n))
				case 1:
					g.Move(off, src, n)
				default:
					g.Fill(off, n, byte(r.IntN(2)))
				}
			}
		}
		if cpl := m.Commit(nil); cpl != vol.LastLSN() {
			t.Fatalf("CPL %d, last LSN %d", cpl, vol.LastLSN())
		}
		if n := vol.Counters().Records - before.Records; n != 3 {
			t.Errorf("%d records for 3 pages", n)
		}
		for no := page.No(1); no <= 3; no++ {
			check(t, vol, p, no)
		}
	}
}

// TestFree: a freed page is absent in the pool and in storage, and an Init revives it.
func TestFree(t *testing.T) {
	vol, p := newPool(t, memvol.Options{})
	m := start(t, p)
	m.Init(5, 7, 1).SetU64(100, 1)
	m.Commit(nil)
	m = start(t, p)
	if _, err := m.Latch(5); err != nil {
		t.Fatal(err)
	}
	m.FreeRange(4, 3)
	m.Commit(nil)
	check(t, vol, p, 5)
	g, err := p.Fetch(bg, 5, buffer.Shared)
	if err != nil {
		t.Fatal(err)
	}
	if page.GetType(g.Bytes()) != page.Absent || g.LSN() != 0 {
		t.Error("the freed page is still there")
	}
	g.Unlatch()
	m = start(t, p)
	m.Init(5, 8, 2).SetU64(200, 1)
	m.Commit(nil)
	check(t, vol, p, 5)
}

// TestEnds: an MTR without changes logs nothing, Abandon after a change panics unless the volume is
// lost, and then nothing can be read any more.
func TestEnds(t *testing.T) {
	vol, p := newPool(t, memvol.Options{})
	m := start(t, p)
	if _, err := m.Latch(1); err != nil {
		t.Fatal(err)
	}
	called := false
	if m.Commit(func(page.LSN) { called = true }) != 0 || called || vol.LastLSN() != 0 {
		t.Error("an MTR without changes reached the log")
	}
	m = start(t, p)
	m.Init(1, 7, 1)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("abandon after a change went through")
			}
		}()
		m.Abandon()
	}()
	vol.Crash()
	m.Abandon()
	if _, err := p.Fetch(bg, 1, buffer.Shared); !errors.Is(err, volume.ErrFenced) {
		t.Errorf("a page that is in no log can be read: %v", err)
	}
	if _, err := Start(bg, p, 1, 1); !errors.Is(err, volume.ErrFenced) {
		t.Errorf("an MTR starts on a lost volume: %v", err)
	}
}

// TestWaitsAfterChange: a fetch inside an MTR that has changed something outlives its context and storage's failures.
func TestWaitsAfterChange(t *testing.T) {
	fails := 5
	vol, p := newPool(t, memvol.Options{BeforeRead: func(_ context.Context, _ page.LSN, pages []page.No) error {
		if pages[0] == 9 && fails > 0 {
			fails--
			return errors.New("storage does not answer")
		}
		return nil
	}})
	ctx, cancel := context.WithCancel(bg)
	m, err := Start(ctx, p, 2, 100)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Latch(9); err == nil || fails != 4 {
		t.Fatal("before the first change an error must come back at once")
	}
	m.Init(1, 7, 1)
	cancel()
	if _, err := m.Latch(9); err != nil {
		t.Fatal(err)
	}
	m.Commit(nil)
	check(t, vol, p, 1)
}

// TestAtomic: MTRs over the same pages in the same order never show a half-done one to readers of all.
func TestAtomic(t *testing.T) {
	_, p := newPool(t, memvol.Options{Lag: 100 * time.Microsecond})
	m := start(t, p)
	for no := page.No(1); no <= 3; no++ {
		m.Init(no, 7, 1)
	}
	m.Commit(nil)
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 300 {
				m, err := Start(bg, p, 3, 100)
				if err != nil {
					t.Error(err)
					return
				}
				var v [3]byte
				var g [3]*Page
				for i := range g {
					if g[i], err = m.Latch(page.No(i + 1)); err != nil {
						t.Error(err)
						m.Abandon()
						return
					}
					v[i] = g[i].Bytes()[100]
				}
				if v[0] != v[1] || v[1] != v[2] {
					t.Errorf("half an MTR: %v", v)
				}
				m.Hold(&mu)
				m.Hold(&mu)
				for i := range g {
					g[i].Set(100, []byte{v[0] + 1})
				}
				m.Commit(nil)
			}
		}()
	}
	wg.Wait()
	if !mu.TryLock() {
		t.Error("a held lock was not given back")
	}
}

func BenchmarkCommit(b *testing.B) {
	_, p := newPool(b, memvol.Options{})
	m := start(b, p)
	m.Init(1, 7, 1)
	m.Commit(nil)
	b.ReportAllocs()
	x := []byte("0123456789")
	for b.Loop() {
		m := start(b, p)
		g, _ := m.Latch(1)
		g.Set(100, x)
		m.Commit(nil)
	}
}
