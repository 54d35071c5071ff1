package overflow

import (
	"bytes"
	"context"
	"errors"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/zoryadb/zorya/engine/buffer"
	"github.com/zoryadb/zorya/engine/mtr"
	"github.com/zoryadb/zorya/engine/space"
	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/volume/memvol"
)

var bg = context.Background()

const owner = 77

func open(t *testing.T, vol *memvol.Volume, format bool) *space.Space {
	t.Helper()
	pool, err := buffer.New(vol, buffer.Options{Bytes: buffer.MinPages * page.Size})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	})
	if format {
		if err := space.Format(bg, pool); err != nil {
			t.Fatal(err)
		}
	}
	sp, err := space.Open(bg, pool)
	if err != nil {
		t.Fatal(err)
	}
	return sp
}

func inode(t *testing.T, sp *space.Space) space.Inode {
	t.Helper()
	m, err := mtr.Start(bg, sp.Pool(), space.Records, space.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	ino, err := sp.CreateInode(m, owner)
	if err != nil {
		t.Fatal(err)
	}
	m.Commit(nil)
	return ino
}

func used(t *testing.T, sp *space.Space) (n int) {
	t.Helper()
	if err := sp.Extents(bg, func(x space.Extent) error { n += bits.OnesCount64(x.Used); return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

func random(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{1})
	_, _ = r.Read(b)
	return b
}

// TestWriteReadFree: values around every boundary come back whole and in pieces, and leave nothing when freed.
func TestWriteReadFree(t *testing.T) {
	sp := open(t, memvol.New(memvol.Options{}), true)
	ino := inode(t, sp)
	before := used(t, sp)
	r := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{0, 1, PageBytes - 1, PageBytes, PageBytes + 1, 15 * PageBytes, 40*PageBytes + 5, 8 << 20} {
		val := random(n)
		ref, err := Write(bg, sp, ino, owner, val, nil)
		if err != nil {
			t.Fatal(err)
		}
		if back, ok := ParseRef(ref.Append(nil)); !ok || back != ref {
			t.Fatalf("stored reference %+v reads as %+v", ref, back)
		}
		got := make([]byte, n+10)
		if k, err := Read(bg, sp, owner, ref, 0, got); err != nil || !bytes.Equal(got[:k], val) {
			t.Fatalf("%d of %d bytes, %v", k, n, err)
		}
		for range 20 {
			off := r.IntN(n + 1)
			piece := make([]byte, r.IntN(100_000))
			k, err := Read(bg, sp, owner, ref, uint32(off), piece)
			if err != nil || !bytes.Equal(piece[:k], val[off:min(off+len(piece), n)]) {
				t.Fatalf("%d bytes at %d of %d: got %d, %v", len(piece), off, n, k, err)
			}
		}
		if err := Free(bg, sp, ino, owner, ref); err != nil {
			t.Fatal(err)
		}
		if now := used(t, sp); now != before {
			t.Fatalf("a value of %d bytes left %d pages", n, now-before)
		}
		if _, err := Read(bg, sp, owner, ref, 0, got); n > 0 && !errors.Is(err, ErrCorrupt) {
			t.Fatalf("read of a freed value: %v", err)
		}
	}
}

// TestManyIndexPages frees a value whose index has several pages, in short runs.
func TestManyIndexPages(t *testing.T) {
	sp := open(t, memvol.New(memvol.Options{PagesPerPG: 1 << 16}), true)
	ino := inode(t, sp)
	before := used(t, sp)
	w := writer{ctx: bg, sp: sp, ino: ino, owner: owner}
	val := random(3 * PageBytes)
	r := Ref{Length: uint32(2*idxMax+7) * PageBytes}
	var err error
	if r.First, err = w.first(r, nil, nil, nil); err != nil {
		t.Fatal(err)
	}
	w.index = r.First
	for range 2*idxMax + 7 { // runs of one page
		if _, err := w.run(val[:PageBytes]); err != nil {
			t.Fatal(err)
		}
	}
	got := make([]byte, PageBytes)
	if n, err := Read(bg, sp, owner, r, uint32(2*idxMax+6)*PageBytes, got); err != nil || !bytes.Equal(got[:n], val[:PageBytes]) {
		t.Fatal(n, err)
	}
	if err := Free(bg, sp, ino, owner, r); err != nil {
		t.Fatal(err)
	}
	if now := used(t, sp); now != before {
		t.Fatalf("%d pages left", now-before)
	}
}

// TestCrash: whatever of a Write or a Free a crash leaves, Free takes back, and end runs once.
func TestCrash(t *testing.T) {
	val := random(50 * PageBytes)
	for cut := uint64(0); cut < 14; cut++ {
		vol := memvol.New(memvol.Options{Manual: true})
		sp := open(t, vol, true)
		ino := inode(t, sp)
		before := used(t, sp)
		var ref Ref
		note := func(m *mtr.MTR, r Ref) error { ref = r; return nil }
		vol.AdvanceVDL(vol.LastLSN())
		_, err := Write(bg, sp, ino, owner, val, note)
		if err != nil {
			t.Fatal(err)
		}
		// Walk VDL forward one MTR at a time from the beginning of the write.
		for range cut {
			limit := vol.VDL() + 1
			for vol.AdvanceVDL(limit) < limit && limit < vol.LastLSN() {
				limit++
			}
		}
		sp = open(t, vol.Crash(), false)
		if cut > 0 {
			ends := 0
			if err := Free(bg, sp, ino, owner, ref, func(*mtr.MTR) error { ends++; return nil }); err != nil || ends != 1 {
				t.Fatalf("cut %d: free after %d ends: %v", cut, ends, err)
			}
		}
		if now := used(t, sp); now != before {
			t.Fatalf("cut %d: %d pages left", cut, now-before)
		}
	}
}
