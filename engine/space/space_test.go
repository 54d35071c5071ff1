package space

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/zoryadb/zorya/engine/buffer"
	"github.com/zoryadb/zorya/engine/mtr"
	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/volume/memvol"
)

var bg = context.Background()

func open(t testing.TB, vol *memvol.Volume, format bool) *Space {
	t.Helper()
	pool, err := buffer.New(vol, buffer.Options{Bytes: 1024 * page.Size})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	})
	if format {
		if err := Format(bg, pool); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Open(bg, pool)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// do runs fn in an MTR.
func do(t testing.TB, s *Space, fn func(m *mtr.MTR) error) {
	t.Helper()
	m, err := mtr.Start(bg, s.pool, 100, 100_000)
	if err != nil {
		t.Fatal(err)
	}
	if err := fn(m); err != nil {
		t.Fatal(err)
	}
	m.Commit(nil)
}

func create(t testing.TB, s *Space, owner uint64) (ino Inode) {
	t.Helper()
	do(t, s, func(m *mtr.MTR) (err error) { ino, err = s.CreateInode(m, owner); return })
	return ino
}

// check verifies the whole map: lists against descriptors, and returns the pages of each owner's extents.
func check(t testing.TB, s *Space) (inUse map[page.No]bool, free int) {
	t.Helper()
	inUse = map[page.No]bool{}
	ext := map[uint32]Extent{}
	err := s.Extents(bg, func(x Extent) error {
		ext[extentOf(x.First)] = x
		if x.Owner == 0 {
			free++
			if x.Used != 0 {
				return fmt.Errorf("free extent %d uses %x", extentOf(x.First), x.Used)
			}
		}
		for b := x.Used; b != 0; b &= b - 1 {
			inUse[x.First+page.No(bits.TrailingZeros64(b))] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var h, b [page.Size]byte
	read := func(no page.No, typ page.Type, dst *[page.Size]byte) {
		if err := s.read(bg, no, typ, dst); err != nil {
			t.Fatal(err)
		}
	}
	read(0, TypeHeader, &h)
	seen := map[uint32]bool{}
	walk := func(head uint32, linked bool, ok func(Extent) bool) (n int) {
		prev := uint32(0)
		for e := head; e != 0; n++ {
			if seen[e] || !ok(ext[e-1]) {
				t.Fatalf("extent %d: %+v on the wrong list, or on two", e-1, ext[e-1])
			}
			seen[e] = true
			read(mapPage(e-1), TypeMap, &b)
			d := b[descOff(e-1):]
			if linked && binary.LittleEndian.Uint32(d[descPrev:]) != prev {
				t.Fatalf("extent %d: back link is wrong", e-1)
			}
			prev, e = e, binary.LittleEndian.Uint32(d[descNext:])
		}
		return n
	}
	u32 := func(b []byte, at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
	if n := walk(u32(h[:], hdrFree), false, func(x Extent) bool { return x.Owner == 0 }); n != free || u32(h[:], hdrFreeCount) != uint32(free) {
		t.Fatalf("%d extents are free, %d on the list, header says %d", free, n, u32(h[:], hdrFreeCount))
	}
	walk(u32(h[:], hdrShared), true, func(x Extent) bool { return x.Owner == OwnerShared && x.Used != allUsed })
	for no := range inUse {
		g, err := s.pool.Fetch(bg, no, buffer.Shared)
		if err != nil {
			t.Fatal(err)
		}
		var p [page.Size]byte
		copy(p[:], g.Bytes())
		g.Unlatch()
		if page.GetType(p[:]) != TypeInodes {
			continue
		}
		for k := range inoMax {
			i := p[makeInode(no, k).off():]
			owner := binary.LittleEndian.Uint64(i)
			if owner == 0 {
				continue
			}
			n := walk(u32(i, inoPartial), true, func(x Extent) bool { return x.Owner == owner && x.Used != allUsed && x.Used != 0 })
			n += walk(u32(i, inoFull), true, func(x Extent) bool { return x.Owner == owner && x.Used == allUsed })
			if n != int(u32(i, inoExtents)) {
				t.Fatalf("owner %d has %d extents, inode says %d", owner, n, u32(i, inoExtents))
			}
		}
	}
	for e, x := range ext {
		if x.Owner >= MinOwner && !seen[e+1] {
			t.Fatalf("extent %d of owner %d is on no list", e, x.Owner)
		}
	}
	return inUse, free
}

// TestModel hands pages to several owners and takes them back at random, and compares with a model; in between
// owners are dropped, the volume crashes, and maps of further regions come into being.
func TestModel(t *testing.T) {
	vol := memvol.New(memvol.Options{PagesPerPG: 96}) // extents and protection groups do not line up
	s := open(t, vol, true)
	r := rand.New(rand.NewPCG(1, 1))
	type acct struct {
		ino   Inode
		pages []page.No
	}
	owners := map[uint64]*acct{}
	next := MinOwner
	for round := range 6 {
		for range 400 {
			if len(owners) < 5 {
				owners[next] = &acct{ino: create(t, s, next)}
				next++
			}
			for id, a := range owners { // any
				stepModel(t, s, r, id, a.ino, &a.pages)
				break
			}
		}
		if round%2 == 1 {
			for id, a := range owners {
				do(t, s, func(m *mtr.MTR) error { return s.Drop(m, a.ino) })
				delete(owners, id)
				break
			}
			vol = vol.Crash()
			s = open(t, vol, false)
		}
		if err := s.DropAll(bg); err != nil {
			t.Fatal(err)
		}
		inUse, _ := check(t, s)
		for no := range page.No(vol.Pages()) { // what is free is absent in storage: it costs nothing there
			if err := vol.CheckPage(no, make([]byte, page.Size)); err != nil && !inUse[no] {
				t.Fatal(err)
			}
		}
		total := 0
		for id, a := range owners {
			for _, no := range a.pages {
				if !inUse[no] {
					t.Fatalf("page %d of owner %d is free", no, id)
				}
			}
			total += len(a.pages)
			if n, err := s.PagesOf(bg, a.ino); err != nil || n < uint64(len(a.pages)) || n > uint64(len(a.pages)+ExtentPages) {
				t.Fatalf("owner %d has %d pages, PagesOf says %d, %v", id, len(a.pages), n, err)
			}
		}
		if other := len(inUse) - total; other < 3 || other > 3+len(owners) {
			t.Fatalf("%d pages are in use that belong to nobody", other)
		}
	}
}

func stepModel(t *testing.T, s *Space, r *rand.Rand, id uint64, ino Inode, pages *[]page.No) {
	if r.IntN(10) < 6 || len(*pages) == 0 {
		hint := page.No(0)
		if len(*pages) > 0 && r.IntN(2) == 0 {
			hint = (*pages)[r.IntN(len(*pages))]
		}
		do(t, s, func(m *mtr.MTR) error {
			first, n, err := s.AllocRun(m, ino, hint, []int{1, 20, 64}[r.IntN(3)])
			for i := range n {
				m.Init(first+page.No(i), 9, id)
				*pages = append(*pages, first+page.No(i))
			}
			return err
		})
		return
	}
	for range min(len(*pages), 30) {
		k := r.IntN(len(*pages))
		no := (*pages)[k]
		(*pages)[k] = (*pages)[len(*pages)-1]
		*pages = (*pages)[:len(*pages)-1]
		do(t, s, func(m *mtr.MTR) error { return s.FreePage(m, ino, no) })
	}
}

// TestRegions grows past the first map page, and drops all of it.
func TestRegions(t *testing.T) {
	vol := memvol.New(memvol.Options{PagesPerPG: 1 << 12})
	s := open(t, vol, true)
	ino := create(t, s, 100)
	seen := map[page.No]bool{}
	for len(seen) < 70_000 {
		do(t, s, func(m *mtr.MTR) error {
			first, n, err := s.AllocRun(m, ino, 0, ExtentPages)
			for i := range n {
				if no := first + page.No(i); seen[no] || no < 2 || no%regionPages == 0 {
					return fmt.Errorf("page %d is handed out", no)
				}
				seen[first+page.No(i)] = true
			}
			return err
		})
	}
	check(t, s)
	do(t, s, func(m *mtr.MTR) error { return s.Drop(m, ino) })
	for range 10 {
		if more, err := s.DropStep(bg); !more || err != nil {
			t.Fatal(more, err)
		}
	}
	s = open(t, vol.Crash(), false) // goes on after a crash
	if err := s.DropAll(bg); err != nil {
		t.Fatal(err)
	}
	if inUse, _ := check(t, s); len(inUse) != 5 { // header, three maps, inode page
		t.Errorf("%d pages in use", len(inUse))
	}
}

// TestCrash: with VDL behind, a crash takes back whole MTRs, and the map fits what is left.
func TestCrash(t *testing.T) {
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 1))
		vol := memvol.New(memvol.Options{Manual: true})
		s := open(t, vol, true)
		ino := create(t, s, 50)
		for range 50 + r.IntN(100) {
			do(t, s, func(m *mtr.MTR) error { _, _, err := s.AllocRun(m, ino, 0, 7); return err })
		}
		do(t, s, func(m *mtr.MTR) error { return s.Drop(m, ino) })
		for range 3 {
			if _, err := s.DropStep(bg); err != nil {
				t.Fatal(err)
			}
		}
		vol.AdvanceVDL(page.LSN(10 + r.IntN(int(vol.LastLSN()))))
		s = open(t, vol.Crash(), false)
		check(t, s)
		if err := s.DropAll(bg); err != nil {
			t.Fatal(err)
		}
		check(t, s)
	}
}

// TestConcurrent: owners grow and shrink at the same time.
func TestConcurrent(t *testing.T) {
	vol := memvol.New(memvol.Options{Lag: 100 * time.Microsecond})
	s := open(t, vol, true)
	var wg sync.WaitGroup
	for w := range 4 {
		ino := create(t, s, uint64(100+w))
		wg.Add(1)
		go func() {
			defer wg.Done()
			var pages []page.No
			r := rand.New(rand.NewPCG(1, uint64(w)))
			for range 60 {
				stepModel(t, s, r, uint64(100+w), ino, &pages)
			}
			do(t, s, func(m *mtr.MTR) error { return s.Drop(m, ino) })
			if err := s.DropAll(bg); err != nil {
				t.Error(err)
			}
		}()
	}
	wg.Wait()
	if inUse, _ := check(t, s); len(inUse) != 3 {
		t.Errorf("%d pages in use", len(inUse))
	}
}

// TestOpenErrors: a volume that is not ours is refused.
func TestOpenErrors(t *testing.T) {
	vol := memvol.New(memvol.Options{})
	pool, err := buffer.New(vol, buffer.Options{Bytes: buffer.MinPages * page.Size})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, err := Open(bg, pool); !errors.Is(err, ErrNotFormatted) {
		t.Error(err)
	}
	if err := Format(bg, pool); err != nil {
		t.Fatal(err)
	}
	if err := Format(bg, pool); err == nil {
		t.Error("formatted twice")
	}
	m, err := mtr.Start(bg, pool, 1, 100)
	if err != nil {
		t.Fatal(err)
	}
	h, err := m.Latch(0)
	if err != nil {
		t.Fatal(err)
	}
	h.SetU32(hdrVersion, version+1)
	m.Commit(nil)
	if _, err := Open(bg, pool); !errors.Is(err, ErrVersion) {
		t.Error(err)
	}
}

// TestSlots: the header's numbers.
func TestSlots(t *testing.T) {
	vol := memvol.New(memvol.Options{})
	s := open(t, vol, true)
	do(t, s, func(m *mtr.MTR) error { return s.SetSlot(m, Slots-1, 77) })
	s = open(t, vol.Crash(), false)
	if v, err := s.Slot(bg, Slots-1); v != 77 || err != nil {
		t.Error(v, err)
	}
	m, err := mtr.Start(bg, s.pool, 1, 100)
	if err != nil {
		t.Fatal(err)
	}
	if s.SetSlot(m, Slots, 1) == nil {
		t.Error("slot out of range was set")
	}
	m.Abandon()
}

// BenchmarkTinyOwner makes an owner with one page: what an empty tree costs.
func BenchmarkTinyOwner(b *testing.B) {
	vol := memvol.New(memvol.Options{PagesPerPG: 1 << 20})
	s := open(b, vol, true)
	b.ReportAllocs()
	owner := MinOwner
	before := vol.Counters()
	for b.Loop() {
		do(b, s, func(m *mtr.MTR) error {
			ino, err := s.CreateInode(m, owner)
			if err != nil {
				return err
			}
			no, err := s.AllocPage(m, ino, 0)
			if err == nil {
				m.Init(no, 9, owner)
			}
			return err
		})
		owner++
	}
	c := vol.Counters()
	b.ReportMetric(float64(c.Bytes-before.Bytes)/float64(b.N), "redo-B/op")
	used := 0
	_ = s.Extents(bg, func(x Extent) error { used += bits.OnesCount64(x.Used); return nil })
	b.ReportMetric(float64(used)/float64(b.N), "pages/op")
}
