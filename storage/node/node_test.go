package node

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zoryadb/zorya/base/vfs"
	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
)

func TestAppendReadRestart(t *testing.T) {
	c := newCluster(t, nil, proto.Full)
	n := c.start("a")
	w := newWriter(c, 1)
	w.create()
	for i := 0; i < 200; i++ {
		if got := w.send(1+i%5, nil); len(got) != 1 {
			t.Fatalf("frame %d not acknowledged: %+v", i, w.info("a"))
		}
		if i%20 == 0 {
			w.check("a", w.vdl)
		}
	}
	w.check("a", w.vdl)
	w.check("a", w.vdl/2)
	if err := n.Shutdown(); err != nil {
		t.Fatal(err)
	}
	c.start("a")
	w.check("a", w.vdl)
	w.check("a", w.vdl/2)
	c.crash("a", 3)
	c.start("a")
	w.check("a", w.vdl)
	w.send(3, nil)
	w.check("a", w.vdl)
}

// TestModel runs random work on three full and three tail members with crashes, lost frames and restarts,
// and compares every read with the model.
func TestModel(t *testing.T) {
	seeds := 3
	if v, err := strconv.Atoi(os.Getenv("ZORYA_TEST_SEEDS")); err == nil {
		seeds = v
	}
	if testing.Short() {
		seeds = 2
	}
	for seed := 0; seed < seeds; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { runModel(t, uint64(seed)) })
	}
}

func runModel(t *testing.T, seed uint64) {
	c := newCluster(t, nil, proto.Full, proto.Tail, proto.Full, proto.Tail, proto.Full, proto.Tail)
	c.startAll()
	w := newWriter(c, seed)
	w.create()
	rng := rand.New(rand.NewPCG(seed, 99))
	fulls := []proto.NodeID{"a", "c", "e"}
	for round := 0; round < 100; round++ {
		lose := proto.NodeID(rune('a' + rng.IntN(8)))
		w.send(1+rng.IntN(30), func(id proto.NodeID) bool { return id != lose })
		switch rng.IntN(12) {
		case 0:
			id := proto.NodeID(rune('a' + rng.IntN(6)))
			c.crash(id, rng.Uint64())
			c.start(id)
		case 1:
			id := proto.NodeID(rune('a' + rng.IntN(6)))
			c.stop(id)
			w.send(1+rng.IntN(10), nil)
			c.start(id)
		case 2:
			w.mrpl = w.vdl - page.LSN(rng.IntN(int(w.vdl-w.mrpl)+1))
		case 3:
			id := fulls[rng.IntN(3)]
			w.whole(id)
			at := w.mrpl + page.LSN(rng.IntN(int(w.vdl-w.mrpl)+1))
			w.check(id, at)
			w.check(id, w.vdl)
		}
	}
	for _, m := range c.m.Members {
		w.whole(m.Node)
	}
	for _, id := range fulls {
		w.check(id, w.vdl)
		w.check(id, w.mrpl)
		c.crash(id, seed)
	}
	for _, id := range fulls {
		c.start(id)
		w.check(id, w.vdl)
		w.check(id, w.mrpl)
	}
}

func TestTruncation(t *testing.T) {
	c := newCluster(t, nil, proto.Full, proto.Full, proto.Full)
	c.startAll()
	w := newWriter(c, 5)
	w.create()
	for i := 0; i < 20; i++ {
		w.send(5, nil)
	}
	cut := w.prev
	w.send(4, func(id proto.NodeID) bool { return id == "b" }) // only one member: lost by the recovery
	c.stop("c")
	ctx := context.Background()
	h := proto.History{Version: 2 << 16, Intervals: []proto.Interval{{To: cut}, {From: cut + 10000, To: proto.MaxLSN}}}
	for _, id := range []proto.NodeID{"a", "b"} {
		rep, err := c.live[id].Fence(ctx, &proto.FenceRequest{Volume: testVolume, Epoch: 2, Writer: "w2", History: w.hist})
		if err != nil || rep.Status != proto.OK || len(rep.Segments) != 1 {
			t.Fatalf("fence: %+v, %v", rep, err)
		}
		if s := rep.Segments[0]; s.SCL < cut || (id == "b" && s.SCL == cut) { // gossip may have told a
			t.Fatalf("sample of %s: %+v, cut %d", id, s, cut)
		}
		if st, err := c.live[id].InstallHistory(ctx, &proto.HistoryRequest{Volume: testVolume, Epoch: 2, History: h}); st != proto.OK || err != nil {
			t.Fatalf("install: %d, %v", st, err)
		}
	}
	if got := w.send(1, nil); len(got) != 0 {
		t.Fatalf("the fenced writer was acknowledged by %v", got)
	}
	for p := range w.pages { // the model forgets what died
		for len(w.pages[p]) > 0 && w.current(p).lsn > cut {
			w.pages[p] = w.pages[p][:len(w.pages[p])-1]
		}
	}
	w.epoch, w.hist, w.prev, w.next, w.vdl = 2, h, cut, cut+10001, cut
	c.crash("b", 11)
	c.start("b")
	for i := 0; i < 20; i++ {
		if got := w.send(5, nil); len(got) != 2 {
			t.Fatalf("acknowledged by %v", got)
		}
	}
	c.start("c") // slept through it all, learns history and log by gossip
	w.whole("c")
	for _, id := range []proto.NodeID{"a", "b", "c"} {
		eventually(t, "node answers under the new epoch", func() bool {
			_, st, _ := w.read(id, w.vdl, w.vdl)
			return st == proto.OK
		})
		w.check(id, w.vdl)
		w.check(id, cut)
	}
}

func TestWipedNodeHydrates(t *testing.T) {
	for _, victim := range []proto.NodeID{"a", "b"} { // a full member, a tail
		c := newCluster(t, nil, proto.Full, proto.Tail, proto.Full, proto.Tail, proto.Full, proto.Tail)
		c.startAll()
		w := newWriter(c, 9)
		w.create()
		for i := 0; i < 150; i++ {
			w.send(10, nil)
			w.mrpl = w.vdl
		}
		w.send(0, nil)
		eventually(t, "log is collected", func() bool { return c.live["c"].stats.LogFilesDropped.Load() > 0 })
		c.stop(victim)
		c.fs[victim] = vfs.NewMem()
		n := c.start(victim)
		i := int(victim[0] - 'a')
		life := c.m.Members[i]
		life.Incarnation = 2
		ctx := context.Background()
		if st, err := n.CreateSegment(ctx, w.spec(life, true)); st != proto.OK || err != nil {
			t.Fatalf("create: %d, %v", st, err)
		}
		if rep, _ := n.Fence(ctx, &proto.FenceRequest{Volume: testVolume, Epoch: w.epoch, History: w.hist}); len(rep.Segments) != 1 || rep.Segments[0].Status != proto.StatusHydrating {
			t.Fatalf("a blank member sampled as %+v", rep)
		}
		for i := 0; i < 30; i++ { // the volume goes on changing under the copy
			w.send(10, func(id proto.NodeID) bool { return i%2 == 0 || id != victim })
			w.mrpl = w.vdl
		}
		eventually(t, "hydrated", func() bool { return w.info(victim).Hydrated == 1 && w.info(victim).SCL == w.prev })
		if st := w.info(victim).Status; st != proto.StatusHydrating {
			t.Fatalf("status %d before the membership admits it", st)
		}
		c.m.Epoch = 2
		c.m.Members = append([]proto.Member(nil), c.m.Members...)
		c.m.Members[i] = life
		for _, m := range c.m.Members {
			if st, err := c.live[m.Node].InstallMembership(ctx, w.spec(m, false)); st != proto.OK || err != nil {
				t.Fatalf("membership on %s: %d, %v", m.Node, st, err)
			}
		}
		eventually(t, "active", func() bool { return w.info(victim).Status == proto.OK })
		// Gossip may bring a frame's records before the frame itself: the frame's ack then tells of what was durable before.
		for range 5 {
			eventually(t, "all six acknowledge a frame", func() bool { return len(w.send(10, nil)) == 6 })
		}
		if victim == "a" {
			w.check("a", w.vdl)
			c.crash("a", 4)
			c.start("a")
			w.check("a", w.vdl)
		}
	}
}

func TestTailGCKeepsWhatAFullMemberLacks(t *testing.T) {
	c := newCluster(t, nil, proto.Full, proto.Tail, proto.Full)
	c.startAll()
	w := newWriter(c, 2)
	w.create()
	c.stop("c")
	for i := 0; i < 150; i++ {
		w.send(10, nil)
		w.mrpl = w.vdl
	}
	eventually(t, "the full member collects", func() bool { return c.live["a"].stats.LogFilesDropped.Load() > 0 })
	if n := c.live["b"].stats.LogFilesDropped.Load(); n > 0 {
		t.Fatalf("the tail dropped %d files that member c needs", n)
	}
	c.start("c")
	w.whole("c")
	w.check("c", w.vdl)
	eventually(t, "the tail collects", func() bool {
		w.send(2, nil)
		return c.live["b"].stats.LogFilesDropped.Load() > 0
	})
}

func TestDamageIsRepairedFromAPeer(t *testing.T) {
	c := newCluster(t, func(o *Options) { o.ScrubBytesPerSecond, o.ScrubEvery = 64<<20, time.Millisecond }, proto.Full, proto.Full, proto.Full)
	c.startAll()
	w := newWriter(c, 3)
	w.create()
	for i := 0; i < 100; i++ {
		w.send(10, nil)
		w.mrpl = w.vdl / 2
	}
	fsys := c.fs["a"]
	rng := rand.New(rand.NewPCG(1, 2))
	flipped := 0
	segDir := c.live["a"].segmentDir(proto.SegmentKey{Volume: testVolume}, 1)
	names, err := fsys.List(segDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if !strings.HasPrefix(name, "img") && !strings.HasPrefix(name, "log") {
			continue
		}
		f, err := fsys.Open(segDir + "/" + name)
		if err != nil {
			continue // collected meanwhile
		}
		size, _ := f.Size()
		for i := 0; i < 3 && size > 1000; i++ {
			if fsys.Flip(segDir+"/"+name, 200+rng.Int64N(size-300), 1<<rng.IntN(8)) == nil {
				flipped++
			}
		}
	}
	if flipped == 0 {
		t.Fatal("nothing to damage")
	}
	// Reads are refused or right, never wrong, until everything is repaired.
	eventually(t, "all pages readable again", func() bool {
		dst, st, _ := w.read("a", w.vdl, w.vdl)
		if st != proto.OK {
			return false
		}
		for p := range dst {
			if string(dst[p][4:]) != string(w.at(p, w.vdl)[4:]) {
				t.Fatalf("page %d was served wrong", p)
			}
		}
		return c.live["a"].stats.Damaged.Load() > 0
	})
	eventually(t, "repairs counted", func() bool { return c.live["a"].stats.Repaired.Load() > 0 })
	if w.info("a").Repairs == 0 {
		t.Fatal("info shows no repairs")
	}
}

func TestFullDiskStepsBackAndRecovers(t *testing.T) {
	c := newCluster(t, nil, proto.Full)
	c.start("a")
	w := newWriter(c, 4)
	w.create()
	w.send(10, nil)
	n := c.live["a"]
	c.fs["a"].SetCapacity(c.fs["a"].Used() + 40<<10)
	for round := 0; round < 2; round++ { // a frame that was taken before the disk was full may wait; a later one is refused
		var raw []byte
		answer := make(chan int, 1)
		for i := 0; ; i++ {
			if i == 2000 {
				t.Fatal("a full disk was never noticed")
			}
			raw = w.mtr(nil)
			go func() { answer <- len(w.frame(raw, nil)) }()
			got := -1
			eventually(t, "an answer, or a full disk", func() bool {
				select {
				case got = <-answer:
				default:
				}
				return got >= 0 || n.full.Load()
			})
			if got == 1 {
				continue
			}
			if got < 0 {
				c.fs["a"].SetCapacity(0)
				got = <-answer
			}
			if got == 0 {
				break
			}
			c.fs["a"].SetCapacity(c.fs["a"].Used() + 40<<10)
		}
		c.fs["a"].SetCapacity(0)
		eventually(t, "the node takes frames again", func() bool { return len(w.frame(raw, nil)) == 1 })
		c.fs["a"].SetCapacity(c.fs["a"].Used() + 40<<10)
	}
	c.fs["a"].SetCapacity(0)
	eventually(t, "space is noticed", func() bool { return !n.full.Load() })
	w.send(5, nil)
	w.check("a", w.vdl)
	c.crash("a", 1)
	c.start("a")
	w.check("a", w.vdl)
}

func TestFailedSyncRetires(t *testing.T) {
	c := newCluster(t, nil, proto.Full)
	c.start("a")
	w := newWriter(c, 6)
	w.create()
	w.send(10, nil)
	c.fs["a"].SetFault(func(op vfs.Op, name string, off int64, n int) error {
		if op == vfs.OpSync && strings.Contains(name, "/queue/") {
			return syscall.EIO
		}
		return nil
	})
	if got := w.send(1, nil); len(got) != 0 {
		t.Fatal("acknowledged though the sync failed")
	}
	c.fs["a"].SetFault(nil)
	if got := w.send(1, nil); len(got) != 0 {
		t.Fatal("acknowledged after a failed sync")
	}
	eventually(t, "retired", func() bool { return w.info("a").Status == proto.StatusRetired })
	c.stop("a")
	c.start("a")
	if st := w.info("a").Status; st != proto.StatusRetired {
		t.Fatalf("status %d after a restart: the doubt must last", st)
	}
}

func TestSecondProcessAndNewerFormat(t *testing.T) {
	c := newCluster(t, nil, proto.Full)
	n := c.start("a")
	if _, err := Open(c.options("a")); !errors.Is(err, vfs.ErrLocked) {
		t.Fatalf("second open: %v", err)
	}
	c.stop("a")
	if err := n.Shutdown(); err != nil {
		t.Fatal(err)
	}
	if err := vfs.WriteFile(c.fs["a"], "/node", "FORMAT", []byte(`{"format":99,"node":"a"}`)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(c.options("a")); !errors.Is(err, ErrNewerFormat) {
		t.Fatalf("newer format: %v", err)
	}
}

// TestRotWhileDown flips bits in every kind of file of two members while they are down. They must come back,
// repaired, without ever serving a wrong byte or counting with a hole in what they once acknowledged.
func TestRotWhileDown(t *testing.T) {
	for seed := uint64(0); seed < 2; seed++ {
		c := newCluster(t, func(o *Options) { o.ScrubBytesPerSecond, o.ScrubEvery = 64<<20, time.Millisecond },
			proto.Full, proto.Tail, proto.Full, proto.Tail, proto.Full, proto.Tail)
		c.startAll()
		w := newWriter(c, seed)
		w.create()
		for i := 0; i < 80; i++ {
			w.send(10, nil)
			w.mrpl = w.vdl / 2
		}
		rng := rand.New(rand.NewPCG(seed, 2))
		for _, id := range []proto.NodeID{"a", "b"} {
			c.crash(id, seed)
			fsys := c.fs[id]
			dir := "/node/seg-" + fmt.Sprintf("%x-0-1", testVolume[:])
			for _, d := range []string{dir, "/node/queue"} {
				names, err := fsys.List(d)
				if err != nil {
					t.Fatal(err)
				}
				for _, name := range names {
					f, err := fsys.Open(d + "/" + name)
					if err != nil {
						t.Fatal(err)
					}
					size, _ := f.Size()
					if name == "super" {
						size = 64 // one slot only: both at once is a lost segment
					}
					if size > 0 && rng.IntN(2) == 0 {
						_ = fsys.Flip(d+"/"+name, rng.Int64N(size), 1<<rng.IntN(8))
					}
				}
			}
			c.start(id)
		}
		w.send(5, nil)
		for _, id := range []proto.NodeID{"a", "b"} {
			eventually(t, fmt.Sprintf("seed %d: node %s is whole again", seed, id), func() bool {
				in := w.info(id)
				return in.Status == proto.OK && in.SCL == w.prev
			})
		}
		eventually(t, fmt.Sprintf("seed %d: all pages readable", seed), func() bool {
			dst, st, _ := w.read("a", w.vdl, w.vdl)
			for p := range dst {
				if st == proto.OK && string(dst[p][4:]) != string(w.at(p, w.vdl)[4:]) {
					t.Fatalf("seed %d: page %d was served wrong", seed, p)
				}
			}
			return st == proto.OK
		})
	}
}

// TestPinnedHorizonDoesNotStopIngest: an old read point keeps every version, the index is small, and yet records
// go on being taken and old versions are found, through footers.
func TestPinnedHorizonDoesNotStopIngest(t *testing.T) {
	c := newCluster(t, func(o *Options) { o.IndexBytes = 100 << 10 }, proto.Full)
	n := c.start("a")
	w := newWriter(c, 8)
	w.create()
	w.send(20, nil)
	w.mrpl = w.vdl
	var points []page.LSN
	for i := 0; i < 150; i++ {
		raw := w.mtr(nil)
		for k := 0; k < 20; k++ {
			raw = w.mtr(raw)
		}
		eventually(t, "the node takes the frame", func() bool { return len(w.frame(raw, nil)) == 1 })
		points = append(points, w.vdl)
	}
	if n.stats.Images.Load() == 0 {
		t.Fatal("no images under pressure")
	}
	w.check("a", w.mrpl)
	for i := 0; i < len(points); i += 10 {
		w.check("a", points[i])
	}
	if n.stats.FootersRead.Load() == 0 {
		t.Fatal("no read went through footers: the index was never under pressure")
	}
	w.mrpl = w.vdl
	w.send(1, nil)
	eventually(t, "files are let go with the pin", func() bool {
		w.send(1, nil)
		return n.stats.LogFilesDropped.Load() > 0
	})
	w.check("a", w.vdl)
}

// TestAckOvertakenByGossip: a frame whose records gossip has brought a moment before is acknowledged with them, once they are durable, not at once
// with the SCL from before.
func TestAckOvertakenByGossip(t *testing.T) {
	c := newCluster(t, nil, proto.Full, proto.Full)
	c.start("a")
	c.start("b")
	w := newWriter(c, 11)
	w.create()
	w.send(3, nil)
	b := c.live["b"]
	b.lead.Lock() // the disk is busy
	var raw []byte
	for range 4 {
		raw = w.mtr(raw)
	}
	if acked := w.frame(raw, func(id proto.NodeID) bool { return id == "a" }); len(acked) != 1 {
		t.Fatal("a takes no frames")
	}
	eventually(t, "gossip brings them to b", b.gathered)
	answer := make(chan int, 1)
	go func() { answer <- len(w.frame(raw, func(id proto.NodeID) bool { return id == "b" })) }()
	got := -1
	eventually(t, "the frame waits, or is answered", func() bool {
		select {
		case got = <-answer:
		default:
		}
		b.qmu.Lock()
		defer b.qmu.Unlock()
		return got >= 0 || len(b.cur.waiters) >= 2
	})
	b.lead.Unlock()
	if got < 0 {
		got = <-answer
	}
	if got != 1 {
		t.Fatal("acknowledged with the SCL from before")
	}
}
