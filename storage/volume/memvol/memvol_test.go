package memvol

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/redo"
	"github.com/zoryadb/zorya/storage/volume"
)

// pool plays the engine: cached pages, changed only by the ops that are logged.
type pool struct {
	v     *Volume
	pages map[page.No][]byte
	mtr   redo.MTR
}

func (e *pool) change(no page.No, b byte, off int) page.LSN {
	e.mtr.Reset()
	p := e.pages[no]
	if p == nil {
		p = make([]byte, page.Size)
		e.pages[no] = p
	}
	i := e.mtr.Touch(no, page.GetLSN(p))
	c := e.mtr.Change(i)
	if page.GetLSN(p) == 0 {
		c.Ops = page.AppendInit(c.Ops, 7, 42)
	}
	c.Ops = page.AppendSet(c.Ops, off, []byte{b, b + 1})
	page.ApplyOps(p, c.Ops)
	cpl := e.v.Append(&e.mtr, nil)
	page.Stamp(p, no, e.mtr.Change(0).LSN)
	return cpl
}

func (e *pool) free(first page.No, n uint32) page.LSN {
	e.mtr.Reset()
	e.mtr.FreeRange(first, n)
	for i := uint32(0); i < n; i++ {
		delete(e.pages, first+page.No(i))
	}
	return e.v.Append(&e.mtr, nil)
}

func sameBody(a, b []byte) bool { return bytes.Equal(a[4:], b[4:]) }

// TestVersions reads every version of every page back, also after a crash.
func TestVersions(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	e := &pool{v: New(Options{Manual: true}), pages: map[page.No][]byte{}}
	type snap struct {
		lsn   page.LSN
		pages map[page.No][]byte
	}
	var snaps []snap
	for i := 0; i < 600; i++ {
		var lsn page.LSN
		if rng.IntN(40) == 0 {
			lsn = e.free(page.No(rng.IntN(8)), 3)
		} else {
			lsn = e.change(page.No(rng.IntN(10)), byte(i), page.HeaderSize+rng.IntN(1000))
		}
		if i%20 == 0 {
			s := snap{lsn, map[page.No][]byte{}}
			for no, p := range e.pages {
				s.pages[no] = bytes.Clone(p)
				if err := e.v.CheckPage(no, p); err != nil {
					t.Fatal(err)
				}
			}
			snaps = append(snaps, s)
		}
	}
	half := snaps[len(snaps)/2].lsn
	if got := e.v.AdvanceVDL(half); got != half {
		t.Fatalf("VDL %d, want %d", got, half)
	}
	check := func(v *Volume, upTo page.LSN) {
		t.Helper()
		for _, s := range snaps {
			dst := [][]byte{make([]byte, page.Size)}
			for no := page.No(0); no < 12; no++ {
				err := v.ReadPages(context.Background(), s.lsn, []page.No{no}, dst)
				if s.lsn > upTo {
					if err == nil {
						t.Fatalf("read at %d above VDL %d", s.lsn, upTo)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				want := s.pages[no]
				if want == nil {
					want = make([]byte, page.Size)
				}
				if !sameBody(dst[0], want) || !page.Verify(dst[0]) {
					t.Fatalf("page %d at LSN %d differs", no, s.lsn)
				}
			}
		}
	}
	check(e.v, half)
	w := e.v.Crash()
	check(w, half)
	if err := e.v.Err(); !errors.Is(err, volume.ErrFenced) {
		t.Fatalf("old volume: %v", err)
	}
	if w.Epoch() != 2 || w.LastLSN() != half+volume.LAL {
		t.Fatalf("epoch %d, last LSN %d", w.Epoch(), w.LastLSN())
	}
}

func TestViolations(t *testing.T) {
	initOps := page.AppendInit(nil, 1, 1)
	set := page.AppendSet(nil, 100, []byte{1})
	for _, c := range []struct {
		name, want string
		build      func(m *redo.MTR)
	}{
		{"wrong chain", "does not follow", func(m *redo.MTR) { i := m.Touch(0, 2); m.Change(i).Ops = set }},
		{"absent page", "does not follow", func(m *redo.MTR) { i := m.Touch(5, 0); m.Change(i).Ops = set }},
		{"twice", "twice", func(m *redo.MTR) {
			m.Change(m.Touch(3, 0)).Ops = initOps
			m.Change(m.Touch(3, 3)).Ops = set
		}},
		{"beyond", "beyond", func(m *redo.MTR) { m.Change(m.Touch(64, 0)).Ops = initOps }},
		{"cross", "crosses", func(m *redo.MTR) { m.FreeRange(60, 5) }},
		{"no ops", "corrupt", func(m *redo.MTR) { m.Touch(4, 0) }},
		{"empty", "0 records", func(m *redo.MTR) {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got error
			v := New(Options{OnViolation: func(err error) { got = err }})
			e := &pool{v: v, pages: map[page.No][]byte{}}
			e.change(0, 1, 200)
			e.change(9, 1, 200)
			before := v.Counters()
			var m redo.MTR
			c.build(&m)
			v.Append(&m, nil)
			if got == nil || !strings.Contains(got.Error(), c.want) {
				t.Fatalf("got %v, want %q", got, c.want)
			}
			if v.Counters() != before || v.CheckPage(0, e.pages[0]) != nil || v.CheckPage(3, make([]byte, page.Size)) != nil {
				t.Fatal("a refused MTR left traces")
			}
		})
	}
}

// TestConcurrent appends on several pages at once under the race detector and waits for each.
func TestConcurrent(t *testing.T) {
	v := New(Options{Lag: 1})
	var wg sync.WaitGroup
	for g := 0; g < 4; g++ {
		wg.Go(func() {
			e := &pool{v: v, pages: map[page.No][]byte{}}
			dst := [][]byte{make([]byte, page.Size)}
			for i := 0; i < 100; i++ {
				lsn := e.change(page.No(g), byte(i), 64)
				if err := v.WaitDurable(context.Background(), lsn); err != nil {
					t.Error(err)
					return
				}
				v.SetReadFloor(0)
				if err := v.ReadPages(context.Background(), lsn, []page.No{page.No(g)}, dst); err != nil {
					t.Error(err)
				}
				if dst[0][64] != byte(i) {
					t.Errorf("read %d after writing %d", dst[0][64], byte(i))
				}
			}
		})
	}
	wg.Wait()
	if c := v.Counters(); c.MTRs != 400 || c.Records != 400 {
		t.Fatalf("%+v", c)
	}
}
