package volume_test

import (
	"context"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/zoryadb/zorya/base/vfs"
	"github.com/zoryadb/zorya/storage/node"
	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
	"github.com/zoryadb/zorya/storage/segment"
	"github.com/zoryadb/zorya/storage/transport"
	"github.com/zoryadb/zorya/storage/volume"
	"github.com/zoryadb/zorya/storage/volume/fakenode"
)

// realFleet is six real storage nodes, each on a file system and behind a listener of its own, which call
// each other over TCP as the client calls them.
type realFleet struct {
	t    testing.TB
	meta *fakenode.Meta
	book *transport.Book
	opt  func(i int, o *node.Options)

	mu    sync.Mutex
	addr  map[proto.NodeID]string
	nodes [6]*node.Node
	stop  [6]func()
	fs    [6]*vfs.Mem
}

func newRealFleet(t testing.TB, ppg uint32, opt func(i int, o *node.Options)) *realFleet {
	fake := fakenode.New(6, testVolume, ppg) // for its metadata store
	t.Cleanup(fake.Close)
	f := &realFleet{t: t, meta: fake.Meta, addr: map[proto.NodeID]string{}, opt: opt}
	f.book = transport.NewBook(func(id proto.NodeID) (transport.Place, bool) {
		f.mu.Lock()
		defer f.mu.Unlock()
		a, ok := f.addr[id]
		return transport.Place{Address: a}, ok
	}, transport.Options{Log: quiet(), MaxBackoff: 50 * time.Millisecond, AppendTimeout: time.Minute, WriteTimeout: time.Minute}) // on a crowded machine a node may stand still for seconds
	for i := range f.nodes {
		f.fs[i] = vfs.NewMem()
		f.start(i)
	}
	t.Cleanup(func() {
		for i := range f.nodes {
			f.halt(i)
		}
		f.book.Close()
	})
	return f
}

func (f *realFleet) start(i int) {
	f.t.Helper()
	id := proto.NodeID("n" + string(rune('0'+i)))
	o := node.Options{
		Dir: "/node", FS: f.fs[i], ID: id, AZ: "z", Dialer: f.book, Logger: quiet(),
		QueueFileBytes: 4 << 20, QueueFiles: 3, ReserveBytes: 1, ScrubBytesPerSecond: -1,
		GossipTick: 5 * time.Millisecond, CollectEvery: 20 * time.Millisecond, MonitorEvery: 20 * time.Millisecond,
		Segment: segment.Options{LogFileBytes: 256 << 10, ImageFileBytes: 512 << 10, ImageRecords: 32, ImageBytes: 8 << 10,
			Core: segment.Config{GossipIdle: 50e6, GossipHole: 5e6}},
	}
	if f.opt != nil {
		f.opt(i, &o)
	}
	n, err := node.Open(o)
	if err != nil {
		f.t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan struct{})
	go func() {
		defer close(served)
		if err := transport.Serve(ctx, l, n, transport.Options{Log: quiet()}); err != nil {
			f.t.Error(err)
		}
	}()
	f.mu.Lock()
	f.addr[id] = l.Addr().String()
	f.mu.Unlock()
	f.nodes[i] = n
	f.stop[i] = func() {
		cancel()
		_ = n.Shutdown() // answers what is under way, for which Serve waits
		<-served
	}
}

// halt stops a node; crash is a power failure of it.
func (f *realFleet) halt(i int) {
	if f.stop[i] != nil {
		f.stop[i]()
		f.stop[i] = nil
	}
}

func (f *realFleet) crash(i int, seed uint64) {
	f.fs[i].Crash(seed)
	f.halt(i)
}

// TestRealNodes runs groups of pages through power failures of nodes and crashes of the writer, over TCP.
func TestRealNodes(t *testing.T) {
	f := newRealFleet(t, testPPG, nil)
	rng := rand.New(rand.NewPCG(2, 3))
	groups := []*group{newGroup(0, 3), newGroup(1, 5), newGroup(33, 2)}
	rounds := 4
	if testing.Short() {
		rounds = 2
	}
	ctx := context.Background()
	for round := range rounds {
		c := openOn(t, f.meta, f.book, volume.Options{})
		if err := c.EnsurePages(ctx, 3*testPPG); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for i, g := range groups {
			if err := g.load(c); err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
			all.Go(func() {
				var last page.LSN
				for k := range 200 {
					lsn, err := g.bump(c, 300*(i%2))
					if err != nil {
						return
					}
					if last = lsn; k%10 == 0 && round%2 == 0 {
						if c.WaitDurable(ctx, lsn) != nil {
							return
						}
						g.acked = g.n
					}
				}
				if round%2 == 0 && c.WaitDurable(ctx, last) == nil {
					g.acked = g.n
				}
			})
		}
		hit := rng.Perm(6)[:1+rng.IntN(2)]
		for _, i := range hit {
			f.crash(i, rng.Uint64())
			f.start(i)
		}
		if round%2 == 0 {
			all.Wait()
		}
		c.Close()
		all.Wait()
		if round == rounds/2 { // the lights go out
			for i := range f.nodes {
				f.crash(i, rng.Uint64())
			}
			for i := range f.nodes {
				f.start(i)
			}
		}
	}
	c := openOn(t, f.meta, f.book, volume.Options{})
	for _, g := range groups {
		if err := g.load(c); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "all members take part", func() bool {
		for _, n := range c.Stats().Nodes {
			if !n.Joined || n.Repairing > 0 || n.SCLLag > 0 {
				return false
			}
		}
		return true
	})
}

// TestRealWipe: a node that lost its disk refills itself over TCP and votes again.
func TestRealWipe(t *testing.T) {
	f := newRealFleet(t, testPPG, nil)
	ctx := context.Background()
	c := openOn(t, f.meta, f.book, volume.Options{})
	g := newGroup(0, 2)
	var lsn page.LSN
	for range 600 {
		var err error
		if lsn, err = g.bump(c, 100); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.WaitDurable(ctx, lsn); err != nil {
		t.Fatal(err)
	}
	g.acked = g.n
	c.SetReadFloor(lsn)
	f.halt(0)
	f.fs[0] = vfs.NewMem()
	f.start(0)
	eventually(t, "the wiped node votes again", func() bool {
		s := c.Stats()
		return s.Admitted >= 1 && s.Nodes[0].Repairing == 0 && s.Nodes[0].SCLLag == 0
	})
	f.halt(1) // of the full members, the wiped one and one more are left
	f.halt(3)
	if err := g.load(c); err != nil {
		t.Fatal(err)
	}
	if lsn, err := g.bump(c, 0); err != nil || c.WaitDurable(ctx, lsn) != nil {
		t.Fatal(err)
	}
}

// TestWipeUnderLoad: while a node that lost its disk comes back into a volume that is written all the time, no frame to any other
// node is refused, its other segments go on, and each of its segments begins one new life, not several.
func TestWipeUnderLoad(t *testing.T) {
	f := newRealFleet(t, testPPG, nil)
	c := openOn(t, f.meta, f.book, volume.Options{CallTimeout: 30 * time.Second}) // frames must land before a membership changes, however slow the machine
	ctx, stop := context.WithCancel(context.Background())
	if err := c.EnsurePages(ctx, 2*testPPG); err != nil {
		t.Fatal(err)
	}
	var load sync.WaitGroup
	defer load.Wait()
	defer stop()
	for pg := range 2 {
		g := newGroup(page.No(pg*testPPG), 2)
		load.Go(func() {
			for ctx.Err() == nil {
				lsn, err := g.bump(c, 200)
				if err == nil {
					err = c.WaitDurable(context.Background(), lsn)
				}
				if err != nil {
					t.Error(err)
					return
				}
				c.SetReadFloor(lsn)
			}
		})
	}
	eventually(t, "the next group is made ahead of need", func() bool { return c.Stats().PGs == 3 })
	for round, i := range []int{0, 3, 0} {
		written := c.VDL()
		eventually(t, "the load runs", func() bool { return c.VDL() > written+300 })
		before := c.Stats()
		f.halt(i)
		f.fs[i] = vfs.NewMem()
		f.start(i)
		eventually(t, "the wiped node votes again", func() bool {
			s := c.Stats()
			n := &s.Nodes[i]
			return s.Admitted-before.Admitted >= uint64(s.PGs) && n.Joined && n.Repairing == 0 && n.SCLLag < 100
		})
		after := c.Stats()
		if n := after.Revived - before.Revived; n != uint64(after.PGs) {
			t.Errorf("round %d: %d segments began %d new lives", round, after.PGs, n)
		}
		for k := range after.Nodes {
			if n := after.Nodes[k].Rejoins - before.Nodes[k].Rejoins; k != i && n > 0 {
				t.Errorf("round %d: node %d had to be joined %d times: %s", round, k, n, after.Nodes[k].Error)
			}
		}
	}
}
