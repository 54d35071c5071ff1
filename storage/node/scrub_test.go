package node

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/zoryadb/zorya/storage/proto"
)

// TestScrubCoversEveryKindOfFile: a flipped bit in a superblock slot, in the header, the records and the footer of a log file, in the
// header and the footer of an image file, in the header and in a live batch of the update queue is found and mended while the node
// runs, and no restart is needed for it.
func TestScrubCoversEveryKindOfFile(t *testing.T) {
	c := newCluster(t, func(o *Options) {
		o.ScrubBytesPerSecond, o.ScrubEvery = 64<<20, time.Millisecond
		o.QueueFileBytes = 4 << 20 // it stays in use: nothing checkpoints it
	}, proto.Full, proto.Full, proto.Full)
	c.startAll()
	w := newWriter(c, 3)
	w.create()
	n, fsys := c.live["a"], c.fs["a"]
	segDir := n.segmentDir(proto.SegmentKey{Volume: testVolume}, 1)
	count := func(kind string) (k int) {
		names, err := fsys.List(segDir)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasPrefix(name, kind) {
				k++
			}
		}
		return k
	}
	eventually(t, "several files of each kind", func() bool {
		w.send(10, nil)
		return count("log") > 2 && count("img") > 1
	})
	rounds := func(k uint64) {
		t.Helper()
		want := n.scrubs.Load() + k
		eventually(t, "rounds of verification", func() bool { return n.scrubs.Load() >= want })
	}
	rounds(2) // images are made, files sealed
	if d := n.stats.Damaged.Load(); d != 0 {
		t.Fatalf("%d blocks are damaged before anything was flipped", d)
	}
	type mark struct {
		path string
		off  int64
		was  byte
	}
	var flips []mark
	at := func(path string, off int64) byte {
		f, err := fsys.Open(path)
		if err != nil {
			return 0
		}
		defer f.Close()
		var b [1]byte
		if _, err := f.ReadAt(b[:], off); err != nil && err != io.EOF {
			t.Fatal(err)
		}
		return b[0]
	}
	flip := func(path string, off int64) {
		t.Helper()
		flips = append(flips, mark{path, off, at(path, off)})
		if err := fsys.Flip(path, off, 0x20); err != nil {
			t.Fatal(err)
		}
	}
	names, err := fsys.List(segDir)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, name := range names {
		path := segDir + "/" + name
		kind, _, _ := strings.Cut(name, "-")
		if kinds[kind]++; kinds[kind] > 2 {
			continue
		}
		f, err := fsys.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		size, _ := f.Size()
		f.Close()
		switch kind {
		case "super":
			flip(path, 60)
			flip(path, 256<<10+70)
		case "log":
			flip(path, 20)
			flip(path, size/2)
			flip(path, size-10)
		case "img":
			flip(path, 33)
			flip(path, size-70)
		}
	}
	n.q.mu.Lock()
	active, batch := n.q.active.f.Name(), n.q.active.batches[20]
	n.q.mu.Unlock()
	flip(active, 24)
	flip(active, batch.off+100)
	eventually(t, "damage is found", func() bool { return n.stats.Damaged.Load() >= int64(len(flips))-2 }) // neighbours may be one block
	if !n.q.settled(batch.seq) {
		eventually(t, "the batch is not needed any more", func() bool { return n.q.settled(batch.seq) })
	}
	eventually(t, "every byte is as it was", func() bool {
		for _, m := range flips {
			if m.off != batch.off+100 && at(m.path, m.off) != m.was && !strings.Contains(m.path, "img-") {
				return false
			}
		}
		return true
	})
	rounds(2)
	found := n.stats.Damaged.Load()
	rounds(2)
	if again := n.stats.Damaged.Load(); again != found {
		t.Errorf("a round after all repairs finds %d more damaged blocks", again-found)
	}
	w.check("a", w.vdl)
	c.crash("a", 1)
	c.start("a")
	w.whole("a")
	w.check("a", w.vdl)
	if st := w.info("a").Status; st != proto.OK {
		t.Errorf("status %d after a restart", st)
	}
}

// TestScrubPeriod: a round of a small volume begins every ScrubEvery, one of a large volume takes a quarter of the time or leaves an hour.
func TestScrubPeriod(t *testing.T) {
	o := Options{ScrubEvery: 30 * time.Second}
	for took, want := range map[time.Duration]time.Duration{
		0:                30 * time.Second,
		5 * time.Second:  30 * time.Second,
		time.Minute:      4 * time.Minute,
		20 * time.Minute: 80 * time.Minute,
		24 * time.Hour:   25 * time.Hour,
	} {
		if got := o.scrubPeriod(took); got != want {
			t.Errorf("a round that took %v: the next after %v, want %v", took, got, want)
		}
	}
}
