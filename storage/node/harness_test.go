package node

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/zoryadb/zorya/base/vfs"
	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
	"github.com/zoryadb/zorya/storage/redo"
	"github.com/zoryadb/zorya/storage/segment"
)

const testPages = 64 // pages of a PG in tests

var testVolume = proto.VolumeID{0xaa, 0xbb}

// cluster is a PG's nodes in one process, over file systems in memory.
type cluster struct {
	t    testing.TB
	mu   sync.Mutex
	fs   map[proto.NodeID]*vfs.Mem
	live map[proto.NodeID]*Node
	m    proto.Membership
	opt  func(*Options)
}

func newCluster(t testing.TB, opt func(*Options), kinds ...proto.Kind) *cluster {
	c := &cluster{t: t, fs: map[proto.NodeID]*vfs.Mem{}, live: map[proto.NodeID]*Node{}, opt: opt}
	c.m = proto.Membership{Epoch: 1, Quorum: proto.SixWay}
	if len(kinds) < 6 {
		c.m.Quorum = proto.Quorum{WriteAny: len(kinds)/2 + 1, ReadAny: (len(kinds) + 1) / 2, ReadFull: 1}
	}
	for i, k := range kinds {
		id := proto.NodeID(rune('a' + i))
		c.fs[id] = vfs.NewMem()
		c.m.Members = append(c.m.Members, proto.Member{Node: id, AZ: "z", Kind: k, Incarnation: 1})
	}
	t.Cleanup(func() {
		for id := range c.live {
			c.stop(id)
		}
	})
	return c
}

// Dial implements proto.Dialer.
func (c *cluster) Dial(id proto.NodeID) (proto.Node, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := c.live[id]; n != nil {
		return n, nil
	}
	return nil, fmt.Errorf("node %s is down", id)
}

func (c *cluster) options(id proto.NodeID) Options {
	o := Options{
		Dir: "/node", FS: c.fs[id], ID: id, Dialer: c,
		QueueFileBytes: 256 << 10, QueueFiles: 3, ReserveBytes: 1, ScrubBytesPerSecond: -1,
		GossipTick: 5 * time.Millisecond, CollectEvery: 10 * time.Millisecond, MonitorEvery: 5 * time.Millisecond,
		Segment: segment.Options{LogFileBytes: 64 << 10, ImageFileBytes: 128 << 10, ImageRecords: 16, ImageBytes: 2 << 10,
			Core: segment.Config{GossipIdle: 30e6, GossipHole: 5e6, GossipBytes: 16 << 10, BaselinePages: 10}},
	}
	if os.Getenv("ZORYA_TEST_LOG") != "" {
		o.Logger = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	if c.opt != nil {
		c.opt(&o)
	}
	return o
}

func (c *cluster) start(id proto.NodeID) *Node {
	c.t.Helper()
	n, err := Open(c.options(id))
	if err != nil {
		c.t.Fatal(err)
	}
	c.mu.Lock()
	c.live[id] = n
	c.mu.Unlock()
	return n
}

func (c *cluster) startAll() {
	for _, m := range c.m.Members {
		c.start(m.Node)
	}
}

func (c *cluster) stop(id proto.NodeID) {
	c.mu.Lock()
	n := c.live[id]
	delete(c.live, id)
	c.mu.Unlock()
	if n != nil {
		_ = n.Shutdown()
	}
}

// crash is a power failure of one node: what was not synced is lost, or torn.
func (c *cluster) crash(id proto.NodeID, seed uint64) {
	c.mu.Lock()
	n := c.live[id]
	delete(c.live, id)
	c.mu.Unlock()
	c.fs[id].Crash(seed)
	if n != nil {
		_ = n.Shutdown() // its handles are dead: nothing reaches the disk any more
	}
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for !cond() {
		if time.Now().After(deadline) {
			t.Fatalf("timed out: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// version is a page as of an LSN.
type version struct {
	lsn  page.LSN
	data []byte // nil: absent
}

// writer makes mini-transactions on the pages of PG 0 and knows what every page was at every LSN.
type writer struct {
	c     *cluster
	rng   *rand.Rand
	epoch uint64
	hist  proto.History
	next  page.LSN
	prev  page.LSN // in the volume and in the PG: there is one PG
	vdl   page.LSN
	mrpl  page.LSN
	pages [testPages][]version
	fat   bool // fill pages with bytes that do not compress
}

func newWriter(c *cluster, seed uint64) *writer {
	w := &writer{c: c, rng: rand.New(rand.NewPCG(seed, 7)), epoch: 1, next: 1}
	w.hist = proto.History{Version: 1 << 16, Intervals: []proto.Interval{{To: proto.MaxLSN}}}
	return w
}

func (w *writer) spec(m proto.Member, hydrate bool) *proto.SegmentSpec {
	return &proto.SegmentSpec{Volume: testVolume, Epoch: w.epoch, History: w.hist, PagesPerPG: testPages,
		Membership: w.c.m, Member: m, Hydrate: hydrate}
}

func (w *writer) create() {
	w.c.t.Helper()
	for _, m := range w.c.m.Members {
		st, err := w.c.live[m.Node].CreateSegment(context.Background(), w.spec(m, false))
		if err != nil || st != proto.OK {
			w.c.t.Fatalf("create on %s: status %d, %v", m.Node, st, err)
		}
	}
}

func (w *writer) current(p int) version {
	if v := w.pages[p]; len(v) > 0 {
		return v[len(v)-1]
	}
	return version{}
}

// mtr appends one random mini-transaction of up to four records to dst.
func (w *writer) mtr(dst []byte) []byte {
	n := 1 + w.rng.IntN(4)
	seen := map[int]bool{}
	for i := 0; i < n; i++ {
		p := w.rng.IntN(testPages)
		for seen[p] {
			p = w.rng.IntN(testPages)
		}
		seen[p] = true
		l := redo.Links{LSN: w.next, PrevVolume: w.prev, PrevPG: w.prev, Epoch: w.epoch, Page: page.No(p)}
		if i == n-1 {
			l.Flags |= redo.CPL
		}
		var payload []byte
		switch {
		case w.rng.IntN(40) == 0:
			count := 1 + w.rng.IntN(min(4, testPages-p))
			for k := 0; k < count; k++ {
				seen[p+k] = true
			}
			l.Flags |= redo.FreeRange
			payload = []byte{byte(count)}
			for k := 0; k < count; k++ {
				if w.current(p+k).data != nil {
					w.pages[p+k] = append(w.pages[p+k], version{lsn: w.next})
				}
			}
		default:
			payload = w.change(&l, p)
		}
		size := redo.EncodedLen(&l, nil, payload)
		at := len(dst)
		dst = append(dst, make([]byte, size)...)
		redo.Encode(dst[at:], &l, nil, payload)
		w.prev = w.next
		w.next++
	}
	return dst
}

// change makes a record for page p and applies it to the model.
func (w *writer) change(l *redo.Links, p int) (ops []byte) {
	cur := w.current(p)
	data := append([]byte(nil), cur.data...)
	if cur.data == nil || w.rng.IntN(50) == 0 {
		ops = page.AppendInit(ops, 3, uint64(p+1))
		l.Flags |= redo.WillInit
		if data == nil {
			data = make([]byte, page.Size)
		}
	}
	if cur.data != nil {
		l.PrevPage = cur.lsn
	}
	size := 1 + w.rng.IntN(200)
	if w.fat {
		size *= 20
	}
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(w.rng.Uint32())
	}
	ops = page.AppendSet(ops, page.HeaderSize+w.rng.IntN(page.PayloadSize-size), b)
	if err := page.Apply(data, page.No(p), l.PrevPage, l.LSN, ops); err != nil {
		w.c.t.Fatalf("model: %v", err)
	}
	w.pages[p] = append(w.pages[p], version{l.LSN, data})
	return ops
}

// send makes n mini-transactions into one frame, gives it to every live node that keep chooses, and waits for the acks. It
// returns the nodes that acknowledged everything.
func (w *writer) send(n int, keep func(proto.NodeID) bool) (acked []proto.NodeID) {
	var raw []byte
	for i := 0; i < n; i++ {
		raw = w.mtr(raw)
	}
	return w.frame(raw, keep)
}

func (w *writer) frame(raw []byte, keep func(proto.NodeID) bool) (acked []proto.NodeID) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, m := range w.c.m.Members {
		nd := w.c.live[m.Node]
		if nd == nil || (keep != nil && !keep(m.Node)) {
			continue
		}
		wg.Add(1)
		f := &proto.AppendFrame{Volume: testVolume, Epoch: w.epoch, History: w.hist.Version, VDL: w.vdl, MRPL: w.mrpl,
			Runs:    []proto.Run{{Incarnation: m.Incarnation, MembershipEpoch: w.c.m.Epoch, Bytes: uint32(len(raw))}},
			Records: [][]byte{raw[:len(raw)/3], raw[len(raw)/3:]}}
		done := func(a *proto.AppendAck, err error) {
			defer wg.Done()
			if err == nil && a.Status == proto.OK && a.Segments[0].Status == proto.OK && a.Segments[0].SCL == w.prev {
				mu.Lock()
				acked = append(acked, m.Node)
				mu.Unlock()
			}
		}
		if w.prev%2 == 0 { // either way into the foreground
			nd.Append(f, done)
		} else {
			nd.AppendLater(f, done)
			nd.Sync(func() {})
		}
	}
	wg.Wait()
	if len(acked) >= w.c.m.Quorum.WriteAny {
		w.vdl = w.prev
	}
	return acked
}

// at is the model's page p as of lsn.
func (w *writer) at(p int, lsn page.LSN) []byte {
	v := w.pages[p]
	for i := len(v) - 1; i >= 0; i-- {
		if v[i].lsn <= lsn {
			if v[i].data == nil {
				break
			}
			return v[i].data
		}
	}
	return make([]byte, page.Size)
}

// read asks a node for all pages as of lsn, whose newest record is pglsn.
func (w *writer) read(id proto.NodeID, lsn, pglsn page.LSN) (dst [][]byte, st proto.Status, err error) {
	r := &proto.PageRead{Volume: testVolume, Epoch: w.epoch, History: w.hist.Version, ReadLSN: lsn, PGLSN: pglsn,
		MembershipEpoch: w.c.m.Epoch}
	for _, m := range w.c.m.Members {
		if m.Node == id {
			r.Incarnation = m.Incarnation
		}
	}
	for p := 0; p < testPages; p++ {
		r.Pages = append(r.Pages, page.No(p))
		dst = append(dst, make([]byte, page.Size))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	st, err = w.c.live[id].GetPages(ctx, r, dst)
	return dst, st, err
}

// check compares all pages of a node as of lsn with the model.
func (w *writer) check(id proto.NodeID, lsn page.LSN) {
	w.c.t.Helper()
	dst, st, err := w.read(id, lsn, lsn)
	if err != nil || st != proto.OK {
		w.c.t.Fatalf("read node %s at %d: status %d, %v", id, lsn, st, err)
	}
	for p := range dst {
		want := w.at(p, lsn)
		if !page.Verify(dst[p]) {
			w.c.t.Fatalf("node %s at %d: page %d has a bad checksum", id, lsn, p)
		}
		if string(dst[p][4:]) != string(want[4:]) {
			w.c.t.Fatalf("node %s at %d: page %d is at LSN %d, want %d; bytes differ", id, lsn, p, page.GetLSN(dst[p]), page.GetLSN(want))
		}
	}
}

// whole waits until a node's SCL reaches the writer's last record.
func (w *writer) whole(id proto.NodeID) {
	w.c.t.Helper()
	eventually(w.c.t, fmt.Sprintf("node %s complete up to %d: %+v", id, w.prev, w.info(id)), func() bool {
		return w.info(id).SCL == w.prev
	})
}

func (w *writer) info(id proto.NodeID) proto.SegmentInfo {
	in, err := w.c.live[id].Info(context.Background())
	if err != nil || len(in.Segments) == 0 {
		return proto.SegmentInfo{}
	}
	return in.Segments[0]
}
