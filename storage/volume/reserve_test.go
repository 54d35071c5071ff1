package volume

import (
	"context"
	"io"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
	"github.com/zoryadb/zorya/storage/redo"
	"github.com/zoryadb/zorya/storage/volume/fakenode"
)

// deafNode swallows appends while it is told to: a node that stands still.
type deafNode struct {
	proto.Node
	deaf atomic.Bool
}

func (n *deafNode) Append(f *proto.AppendFrame, done func(*proto.AppendAck, error)) {
	if !n.deaf.Load() {
		n.Node.Append(f, done)
	}
}

type deafDialer struct {
	f     *fakenode.Fleet
	nodes map[proto.NodeID]*deafNode
}

func (d *deafDialer) Dial(id proto.NodeID) (proto.Node, error) { return d.nodes[id], nil }

// reserveFixture is a volume on six nodes, all joined, whose acks have queued.
type reserveFixture struct {
	t     *testing.T
	fleet *fakenode.Fleet
	nodes map[proto.NodeID]*deafNode
	c     *Client
	ctx   context.Context
}

func newReserveFixture(t *testing.T) *reserveFixture {
	v := proto.VolumeID{1, 2, 3}
	x := &reserveFixture{t: t, fleet: fakenode.New(6, v, 16), nodes: map[proto.NodeID]*deafNode{}}
	t.Cleanup(x.fleet.Close)
	for _, n := range x.fleet.Nodes() {
		x.nodes[n.ID] = &deafNode{Node: n}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	t.Cleanup(cancel)
	x.ctx = ctx
	c, err := Open(ctx, Config{Volume: v, Writer: "test", Meta: x.fleet.Meta, Dialer: &deafDialer{x.fleet, x.nodes}, Options: Options{
		RingBytes: 1 << 20, Heartbeat: time.Hour, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	x.c = c
	for len(x.joined()) < 6 {
		x.commit()
	}
	return x
}

func (x *reserveFixture) joined() (out []*link) {
	for _, l := range *x.c.links.Load() {
		if h := l.health(); h.well {
			out = append(out, l)
		}
	}
	return out
}

// commit appends an MTR and waits for it.
func (x *reserveFixture) commit() {
	x.t.Helper()
	if err := x.c.Admit(x.ctx, 1, 100); err != nil {
		x.t.Fatal(err)
	}
	m := &redo.MTR{}
	m.FreeRange(1, 1)
	lsn := x.c.Append(m, nil)
	if err := x.c.WaitDurable(x.ctx, lsn); err != nil {
		x.t.Fatalf("%v; %+v", err, x.c.Stats().Nodes)
	}
}

// choose makes the client choose as if acks queued, or not, and returns the reserves.
func (x *reserveFixture) choose(queued bool) (out []*link) {
	x.t.Helper()
	for _, l := range *x.c.links.Load() {
		l.mu.Lock()
		l.ackTime, l.ackBest = time.Second, time.Second
		if queued {
			l.ackBest = time.Millisecond
		}
		l.mu.Unlock()
	}
	x.c.reserves.beat = reserveBeats
	x.c.chooseReserves()
	for _, l := range *x.c.links.Load() {
		if l.reserve.Load() {
			out = append(out, l)
		}
	}
	return out
}

// patient sets the usual time to durability: reserves are called after twice that.
func (x *reserveFixture) patient(took time.Duration) {
	x.c.pace.mu.Lock()
	defer x.c.pace.mu.Unlock()
	x.c.pace.took = took
}

func (x *reserveFixture) full(l *link) bool {
	x.c.mu.Lock()
	defer x.c.mu.Unlock()
	return x.c.pgs[0].m.Members[l.segs[0].slot].Kind == proto.Full
}

// TestReserves: while acks queue two tails are waited for by nobody, get no frame of a commit, and are sent to again as soon as the others are not enough.
func TestReserves(t *testing.T) {
	x := newReserveFixture(t)
	if r := x.choose(false); len(r) != 0 {
		t.Fatalf("%d reserves although acks are quick", len(r))
	}
	r := x.choose(true)
	if len(r) != 2 || x.full(r[0]) || x.full(r[1]) {
		t.Fatalf("reserves %+v; want two tails", r)
	}
	x.patient(time.Hour)
	before := [2]uint64{r[0].stats().Frames, r[1].stats().Frames}
	for range 20 {
		x.commit()
	}
	if r[0].stats().Frames != before[0] || r[1].stats().Frames != before[1] {
		t.Error("commits went to the reserves, too")
	}
	r[0].due()
	r[1].due()
	for r[0].stats().Frames == before[0] || r[1].stats().Frames == before[1] {
		if x.ctx.Err() != nil {
			t.Fatal("a heartbeat does not bring the reserves what they lack")
		}
		time.Sleep(time.Millisecond)
	}
	if again := x.choose(true); len(again) != 2 || again[0] != r[0] || again[1] != r[1] {
		t.Errorf("reserves change without need: %+v", again)
	}
}

// TestReservesOfManyGroups: the tails of one PG are full members of others. Those of the PG that is written are spared, and every PG keeps a write
// quorum. When all are written each keeps two full members, too.
func TestReservesOfManyGroups(t *testing.T) {
	x := newReserveFixture(t)
	if err := x.c.EnsurePages(x.ctx, 6*16); err != nil {
		t.Fatal(err)
	}
	for len(x.joined()) < 6 {
		x.commit()
	}
	x.choose(true)
	x.commit() // into the first PG alone
	r := x.choose(true)
	if len(r) != 2 || x.full(r[0]) || x.full(r[1]) {
		t.Fatalf("reserves %+v; want two tails of the PG that is written", r)
	}
	x.eager(1)
	for pg := range page.No(6) {
		m := &redo.MTR{}
		m.FreeRange(pg*16+1, 1)
		if err := x.c.Admit(x.ctx, 1, 100); err != nil {
			t.Fatal(err)
		}
		x.c.Append(m, nil)
	}
	if r := x.choose(true); len(r) != 2 {
		t.Errorf("%d reserves when all PGs are written", len(r))
	}
	x.eager(6)
}

// eager fails unless every PG has a write quorum of members that are no reserves, and the first of them, which were written, readers.
func (x *reserveFixture) eager(written int) {
	x.t.Helper()
	x.c.mu.Lock()
	defer x.c.mu.Unlock()
	for pg, p := range x.c.pgs {
		all, full := 0, 0
		for i := range p.members {
			if !p.members[i].link.reserve.Load() {
				all++
				if p.m.Members[i].Kind == proto.Full {
					full++
				}
			}
		}
		if all < p.m.Quorum.WriteAny || pg < written && full < readers {
			x.t.Errorf("PG %d is left with %d members, %d of them full", pg, all, full)
		}
	}
}

// TestReservesCalled: a node of the quorum stands still, and nothing says so but that acks are late.
func TestReservesCalled(t *testing.T) {
	x := newReserveFixture(t)
	r := x.choose(true)
	x.c.pace.toll()
	x.patient(time.Millisecond)
	for _, l := range *x.c.links.Load() {
		if l != r[0] && l != r[1] {
			x.nodes[l.id].deaf.Store(true)
			break
		}
	}
	for range 5 {
		x.commit()
	}
	x.c.pace.mu.Lock()
	calls := x.c.pace.calls
	x.c.pace.mu.Unlock()
	if calls < 2 {
		t.Fatalf("%d calls", calls)
	}
	if r := x.choose(true); len(r) != 0 || x.c.reserves.rest == 0 {
		t.Errorf("calls have become usual, and %d are reserves still", len(r))
	}
}

// TestReservesDisband: a node of the quorum goes away: the reserves take part at once, without anybody's patience, and nobody can be spared
// beyond what its quorum asks for.
func TestReservesDisband(t *testing.T) {
	x := newReserveFixture(t)
	r := x.choose(true)
	x.patient(time.Hour)
	var down *link
	for i, l := range *x.c.links.Load() {
		if l != r[0] && l != r[1] {
			x.fleet.Node(i).SetDown(true)
			down = l
			break
		}
	}
	x.commit()
	x.commit()
	for down.health().well {
		if x.ctx.Err() != nil {
			t.Fatal("the link to a node that is down stays well")
		}
		time.Sleep(time.Millisecond)
	}
	if r := x.choose(true); len(r) != 1 {
		t.Errorf("with five nodes %d are reserves", len(r))
	}
}
