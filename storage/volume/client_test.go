package volume_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
	"github.com/zoryadb/zorya/storage/redo"
	"github.com/zoryadb/zorya/storage/volume"
	"github.com/zoryadb/zorya/storage/volume/fakenode"
)

var testVolume = proto.VolumeID{1, 2, 3}

const testPPG = 16

func fleet(t testing.TB) *fakenode.Fleet {
	f := fakenode.New(6, testVolume, testPPG)
	t.Cleanup(f.Close)
	return f
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func open(t testing.TB, f *fakenode.Fleet, o volume.Options) *volume.Client {
	t.Helper()
	return openOn(t, f.Meta, f, o)
}

func openOn(t testing.TB, meta proto.Meta, dialer proto.Dialer, o volume.Options) *volume.Client {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	o.Log = quiet()
	if o.Heartbeat == 0 {
		o.Heartbeat = 10 * time.Millisecond
	}
	if o.RingBytes == 0 {
		o.RingBytes = 1 << 20
	}
	c, err := volume.Open(ctx, volume.Config{Volume: testVolume, Writer: "test", Meta: meta, Dialer: dialer, Options: o})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !cond(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// A group is a set of pages that every MTR of it changes together, to the same counter: whoever reads them as
// of one LSN must find one value.
type group struct {
	pages []page.No
	bufs  [][]byte
	n     uint64 // last appended
	acked uint64 // last known durable
	mtr   redo.MTR
}

const counterAt = page.HeaderSize + 8

func newGroup(first page.No, n int) *group {
	g := &group{}
	for i := range n {
		g.pages = append(g.pages, first+page.No(i*7))
		g.bufs = append(g.bufs, make([]byte, page.Size))
	}
	return g
}

// bump appends the next MTR, with some ballast.
func (g *group) bump(v volume.Volume, ballast int) (page.LSN, error) {
	if err := v.Admit(context.Background(), len(g.pages), len(g.pages)*(ballast+64)); err != nil {
		return 0, err
	}
	g.n++
	g.mtr.Reset()
	for i, no := range g.pages {
		p := g.bufs[i]
		c := g.mtr.Change(g.mtr.Touch(no, page.GetLSN(p)))
		if page.GetLSN(p) == 0 {
			c.Ops = page.AppendInit(c.Ops, 1, 1)
		}
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], g.n)
		c.Ops = page.AppendSet(c.Ops, counterAt, b[:])
		if ballast > 0 {
			c.Ops = page.AppendSet(c.Ops, 1000, make([]byte, ballast))
		}
		page.ApplyOps(p, c.Ops)
	}
	lsn := v.Append(&g.mtr, nil)
	for i, no := range g.pages {
		page.Stamp(g.bufs[i], no, g.mtr.Change(i).LSN)
	}
	return lsn, nil
}

// load reads the group back as of VDL and checks it.
func (g *group) load(v volume.Volume) error {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	if err := v.ReadPages(ctx, v.VDL(), g.pages, g.bufs); err != nil {
		return err
	}
	g.n = binary.LittleEndian.Uint64(g.bufs[0][counterAt:])
	for i, b := range g.bufs {
		if n := binary.LittleEndian.Uint64(b[counterAt:]); n != g.n {
			return fmt.Errorf("half an MTR: page %d has counter %d, page %d has %d", g.pages[0], g.n, g.pages[i], n)
		}
		if page.GetLSN(b) != 0 && page.GetNo(b) != g.pages[i] {
			return fmt.Errorf("page %d instead of %d", page.GetNo(b), g.pages[i])
		}
	}
	if g.n < g.acked {
		return fmt.Errorf("pages %v: counter %d, but %d was acknowledged", g.pages, g.n, g.acked)
	}
	g.acked = g.n
	return nil
}

func TestWriteReadGrow(t *testing.T) {
	f := fleet(t)
	c := open(t, f, volume.Options{})
	ctx := context.Background()
	if c.Epoch() != 1 || c.Pages() != testPPG {
		t.Fatal(c.Epoch(), c.Pages())
	}
	if err := c.EnsurePages(ctx, 4*testPPG); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the next PG is created ahead of need", func() bool { return c.Pages() >= 5*testPPG })
	g := newGroup(3, 7) // pages 3, 10, 17, ... 45: three PGs
	for range 200 {
		if _, err := g.bump(c, 0); err != nil {
			t.Fatal(err)
		}
	}
	order := make(chan page.LSN, 300)
	var last page.LSN
	for range 100 {
		lsn, err := g.bump(c, 100)
		if err != nil {
			t.Fatal(err)
		}
		last = lsn
		c.OnDurable(lsn, func(err error) {
			if err != nil {
				t.Error(err)
			}
			order <- lsn
		})
	}
	if err := c.WaitDurable(ctx, last); err != nil {
		t.Fatal(err)
	}
	g.acked = g.n
	for prev := page.LSN(0); prev < last; {
		lsn := <-order
		if lsn <= prev {
			t.Fatalf("%d was woken after %d", lsn, prev)
		}
		prev = lsn
	}
	if err := g.load(c); err != nil {
		t.Fatal(err)
	}
	// A freed page reads as absent, and one that never was.
	var m redo.MTR
	m.FreeRange(3, 1)
	if err := c.Admit(ctx, 1, 8); err != nil {
		t.Fatal(err)
	}
	lsn := c.Append(&m, nil)
	if err := c.WaitDurable(ctx, lsn); err != nil {
		t.Fatal(err)
	}
	dst := [][]byte{make([]byte, page.Size), make([]byte, page.Size), make([]byte, page.Size)}
	if err := c.ReadPages(ctx, lsn, []page.No{3, 10, 4}, dst); err != nil {
		t.Fatal(err)
	}
	if page.GetType(dst[0]) != page.Absent || page.GetType(dst[1]) == page.Absent || page.GetType(dst[2]) != page.Absent {
		t.Fatal("wrong pages")
	}
	if err := c.ReadPages(ctx, lsn+1000, []page.No{3}, dst[:1]); err == nil {
		t.Fatal("read above VDL")
	}
	if err := prometheus.NewPedanticRegistry().Register(c.Collector()); err != nil {
		t.Fatal(err)
	}
	s := c.Stats()
	if s.VDL != lsn || s.VCL != lsn || s.MTRs != 301 || s.Records != 2101 || s.PGs < 5 || len(s.Nodes) != 6 {
		t.Fatalf("%+v", s)
	}
}

// TestCrashes kills the writer again and again while nodes come and go: nothing acknowledged is lost, no
// half MTR ever shows, and the pages go on where they were.
func TestCrashes(t *testing.T) {
	f := fleet(t)
	rng := rand.New(rand.NewPCG(1, 1))
	groups := []*group{newGroup(0, 3), newGroup(1, 5), newGroup(2, 1), newGroup(33, 2)}
	rounds := 12
	if testing.Short() {
		rounds = 4
	}
	first := open(t, f, volume.Options{}) // all PGs on all members, so that any two may be away later
	if err := first.EnsurePages(context.Background(), 3*testPPG); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the PG ahead", func() bool { return first.Pages() == 4*testPPG })
	first.Close()
	for round := range rounds {
		for i := range 6 {
			f.Node(i).SetDown(false)
		}
		down := rng.Perm(6)[:rng.IntN(3)]
		for _, i := range down {
			f.Node(i).SetDown(true)
		}
		c := open(t, f, volume.Options{RingBytes: 256 << 10})
		if c.Epoch() != uint64(round+2) {
			t.Fatal(c.Epoch())
		}
		if err := c.EnsurePages(context.Background(), 3*testPPG); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for i, g := range groups {
			if err := g.load(c); err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
			all.Go(func() {
				for k := range 150 {
					lsn, err := g.bump(c, 200*(i%2))
					if err != nil {
						return // closed under our hands
					}
					if k%5 == 0 {
						if c.WaitDurable(context.Background(), lsn) != nil {
							return
						}
						g.acked = g.n
					}
				}
			})
		}
		for range 3 {
			f.Node(rng.IntN(6)).LoseAcks.Store(int32(1 + rng.IntN(3)))
			time.Sleep(time.Duration(rng.IntN(3)) * time.Millisecond) // a crash at any time
		}
		if round%3 != 0 {
			all.Wait()
		}
		c.Close()
		all.Wait()
	}
}

func TestFenced(t *testing.T) {
	f := fleet(t)
	a := open(t, f, volume.Options{})
	g := newGroup(0, 2)
	lsn, err := g.bump(a, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.WaitDurable(context.Background(), lsn); err != nil {
		t.Fatal(err)
	}
	g.acked = g.n
	b := open(t, f, volume.Options{})
	for err == nil { // the old writer goes on until it is told
		if lsn, err = g.bump(a, 0); err == nil {
			err = a.WaitDurable(context.Background(), lsn)
		}
	}
	if !errors.Is(err, volume.ErrFenced) || !errors.Is(a.Err(), volume.ErrFenced) {
		t.Fatal(err)
	}
	got := make(chan error, 1)
	a.OnDurable(a.VDL()+1, func(err error) { got <- err })
	if err := <-got; !errors.Is(err, volume.ErrFenced) {
		t.Fatal(err)
	}
	if err := g.load(b); err != nil || g.n != 1 {
		t.Fatal(g.n, err)
	}
}

// TestAZPlusOne: with three of six down writes wait without an error, reads go on, and everything resumes.
func TestAZPlusOne(t *testing.T) {
	f := fleet(t)
	c := open(t, f, volume.Options{})
	ctx := context.Background()
	g := newGroup(0, 2)
	lsn, err := g.bump(c, 0)
	if err == nil {
		err = c.WaitDurable(ctx, lsn)
	}
	if err != nil {
		t.Fatal(err)
	}
	durable := lsn
	for _, i := range []int{0, 3, 1} { // an AZ and one more; full member 2 is left
		f.Node(i).SetDown(true)
	}
	if lsn, err = g.bump(c, 0); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if err := c.WaitDurable(short, lsn); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("three of six made a write durable: %v", err)
	}
	if c.VDL() != durable {
		t.Fatal(c.VDL())
	}
	dst := [][]byte{make([]byte, page.Size)}
	if err := c.ReadPages(ctx, durable, []page.No{7}, dst); err != nil || dst[0][counterAt] != 1 {
		t.Fatal(err, dst[0][counterAt])
	}
	f.Node(3).SetDown(false)
	if err := c.WaitDurable(ctx, lsn); err != nil {
		t.Fatal(err)
	}
	// And with no full member a read waits until one is back.
	f.Node(2).SetDown(true)
	read := make(chan error, 1)
	go func() { read <- c.ReadPages(ctx, lsn, []page.No{0}, dst) }()
	select {
	case err := <-read:
		t.Fatalf("read without a full member: %v", err)
	case <-time.After(30 * time.Millisecond):
	}
	f.Node(0).SetDown(false)
	if err := <-read; err != nil || dst[0][counterAt] != 2 {
		t.Fatal(err)
	}
}

// TestRepair: a wiped node's segments begin a new life and vote again once they are whole.
func TestRepair(t *testing.T) {
	f := fleet(t)
	c := open(t, f, volume.Options{})
	ctx := context.Background()
	if err := c.EnsurePages(ctx, 2*testPPG); err != nil {
		t.Fatal(err)
	}
	g := newGroup(0, 4)
	var lsn page.LSN
	write := func(n int) {
		t.Helper()
		for range n {
			var err error
			if lsn, err = g.bump(c, 0); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.WaitDurable(ctx, lsn); err != nil {
			t.Fatal(err)
		}
		g.acked = g.n
	}
	write(50)
	for _, i := range []int{1, 4} {
		f.Node(i).SetDown(true)
		f.Node(i).Wipe()
		write(10)
		f.Node(i).SetDown(false)
		pgs := uint64(c.Stats().PGs)
		eventually(t, "segments are whole again", func() bool {
			s := c.Stats()
			ok := s.Admitted >= pgs
			for _, n := range s.Nodes {
				ok = ok && n.Joined && n.Repairing == 0
			}
			return ok
		})
		write(10)
	}
	// The new lives carry the volume: every other node but two goes.
	eventually(t, "SCLs level", func() bool {
		for _, n := range c.Stats().Nodes {
			if n.SCLLag != 0 {
				return false
			}
		}
		return true
	})
	f.Node(0).SetDown(true)
	f.Node(2).SetDown(true)
	write(5)
	c.Close()
	d := open(t, f, volume.Options{})
	if err := g.load(d); err != nil {
		t.Fatal(err)
	}
	m, _ := f.Meta.Load(ctx, testVolume)
	if m.PGs[0].Epoch != 3 || m.PGs[0].Members[1].Incarnation < 2 {
		t.Fatalf("%+v", m.PGs[0])
	}
}

// TestPassedOver: a node that is away longer than the ring lasts does not hold it up, and fills itself later.
func TestPassedOver(t *testing.T) {
	f := fleet(t)
	c := open(t, f, volume.Options{RingBytes: 64 << 10})
	f.Node(5).SetDown(true)
	g := newGroup(0, 2)
	var lsn page.LSN
	for range 300 { // about 300 KB
		var err error
		if lsn, err = g.bump(c, 400); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.WaitDurable(context.Background(), lsn); err != nil {
		t.Fatal(err)
	}
	f.Node(5).SetDown(false)
	eventually(t, "the node caught up by gossip", func() bool { return f.Node(5).SCL(testVolume, 0) == lsn })
	eventually(t, "and says so", func() bool {
		s := c.Stats()
		return s.Nodes[5].SCLLag == 0 && s.Nodes[5].PassedOver > 0
	})
}

// TestBackPressure: without storage the ring fills, Admit waits, and nothing is lost.
func TestBackPressure(t *testing.T) {
	f := fleet(t)
	c := open(t, f, volume.Options{RingBytes: 64 << 10})
	for i := range 6 {
		f.Node(i).SetDown(true)
	}
	g := newGroup(0, 1)
	full := false
	for range 1000 {
		short, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		err := c.Admit(short, 1, 600)
		cancel()
		if err != nil {
			full = errors.Is(err, context.DeadlineExceeded)
			break
		}
		if _, err := g.bump(c, 500); err != nil {
			t.Fatal(err)
		}
	}
	if !full {
		t.Fatal("a ring without storage never filled")
	}
	for i := range 6 {
		f.Node(i).SetDown(false)
	}
	lsn, err := g.bump(c, 500)
	if err == nil {
		err = c.WaitDurable(context.Background(), lsn)
	}
	if err != nil {
		t.Fatal(err)
	}
	g.acked = g.n
	if err := g.load(c); err != nil {
		t.Fatal(err)
	}
	if err := c.Admit(context.Background(), 1, 1<<20); err == nil {
		t.Fatal("an MTR larger than the ring was admitted")
	}
}

// TestHedge: a read that is late at one segment is answered by another.
func TestHedge(t *testing.T) {
	f := fleet(t)
	c := open(t, f, volume.Options{})
	g := newGroup(0, 1)
	lsn, err := g.bump(c, 0)
	if err == nil {
		err = c.WaitDurable(context.Background(), lsn)
	}
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "reads work", func() bool { return g.load(c) == nil && c.Stats().Reads > 20 })
	slow := int64(time.Hour)
	for i := range 2 {
		f.Node(i).Slow.Store(slow)
	}
	for range 5 {
		if err := g.load(c); err != nil || g.n != 1 {
			t.Fatal(err)
		}
	}
	f.Node(2).Slow.Store(slow)
	f.Node(0).Slow.Store(0)
	for range 5 {
		if err := g.load(c); err != nil || g.n != 1 {
			t.Fatal(err)
		}
	}
	if c.Stats().Hedges == 0 {
		t.Fatal("nothing was hedged")
	}
}

// TestGrowthWithNodesDown: a PG is created on a write quorum, and the absent members are made later.
func TestGrowthWithNodesDown(t *testing.T) {
	f := fleet(t)
	c := open(t, f, volume.Options{CallTimeout: 100 * time.Millisecond})
	f.Node(0).SetDown(true)
	f.Node(4).SetDown(true)
	if err := c.EnsurePages(context.Background(), 3*testPPG); err != nil {
		t.Fatal(err)
	}
	g := newGroup(0, 6)
	lsn, err := g.bump(c, 0)
	if err == nil {
		err = c.WaitDurable(context.Background(), lsn)
	}
	if err != nil {
		t.Fatal(err)
	}
	f.Node(0).SetDown(false)
	f.Node(4).SetDown(false)
	eventually(t, "all members are whole", func() bool {
		for _, n := range c.Stats().Nodes {
			if !n.Joined || n.Repairing > 0 || n.SCLLag > 0 {
				return false
			}
		}
		return true
	})
	f.Meta.Down.Store(true) // the data plane does without
	if lsn, err = g.bump(c, 0); err == nil {
		err = c.WaitDurable(context.Background(), lsn)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestTap: a second consumer sees the whole log in order, and hears of VDL; one that sleeps loses its place and harms nobody.
func TestTap(t *testing.T) {
	f := fleet(t)
	c := open(t, f, volume.Options{RingBytes: 64 << 10})
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	tap, sleeper := c.Tap(), c.Tap()
	defer tap.Close()
	const mtrs = 400
	last := make(chan page.LSN, 1)
	var seen atomic.Uint64
	var writer sync.WaitGroup
	defer writer.Wait()
	writer.Go(func() {
		g := newGroup(0, 2)
		var lsn page.LSN
		for i := range mtrs {
			var err error
			if lsn, err = g.bump(c, 300); err != nil {
				t.Error(err)
				return
			}
			for i%20 == 0 && page.LSN(seen.Load()) < lsn && ctx.Err() == nil { // the ring is tiny: do not outrun the tap
				time.Sleep(20 * time.Microsecond)
			}
		}
		last <- lsn
	})
	var prev, vdl, end page.LSN
	n := 0
	for end == 0 || vdl < end {
		pieces, now, err := tap.Next(ctx, vdl)
		if err != nil || now < vdl {
			cancel()
			t.Fatal(err, now, vdl)
		}
		vdl = now
		for _, b := range pieces {
			for len(b) > 0 {
				var r redo.Record
				k, err := redo.Parse(b, &r)
				if err != nil || (prev != 0 && r.PrevVolume != prev) {
					t.Fatalf("%v: LSN %d follows %d, after %d", err, r.LSN, r.PrevVolume, prev)
				}
				prev, b = r.LSN, b[k:]
				n++
			}
		}
		seen.Store(uint64(prev))
		select {
		case end = <-last:
		default:
		}
	}
	if n != 2*mtrs || prev != end {
		t.Fatalf("%d records up to %d, want %d up to %d", n, prev, 2*mtrs, end)
	}
	for {
		_, at, err := sleeper.Next(ctx, vdl)
		if errors.Is(err, volume.ErrLagged) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if at == vdl && c.Stats().RingUsed == 0 {
			t.Fatal("it slept through ten rings and is still there")
		}
	}
	sleeper.Close()
}

// TestOpenWaits: without a read quorum Open waits, says so when its context ends, and goes on once it can.
func TestOpenWaits(t *testing.T) {
	f := fleet(t)
	c := open(t, f, volume.Options{})
	g := newGroup(0, 2)
	lsn, err := g.bump(c, 0)
	if err == nil {
		err = c.WaitDurable(context.Background(), lsn)
	}
	if err != nil {
		t.Fatal(err)
	}
	g.acked = g.n
	c.Close()
	for _, i := range []int{0, 1, 2, 3} {
		f.Node(i).SetDown(true)
	}
	cfg := volume.Config{Volume: testVolume, Writer: "patient", Meta: f.Meta, Dialer: f, Options: volume.Options{Log: quiet()}}
	short, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	if _, err := volume.Open(short, cfg); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "n2 no answer") {
		t.Fatal(err)
	}
	opened := make(chan *volume.Client)
	go func() {
		c, err := volume.Open(context.Background(), cfg)
		if err != nil {
			t.Error(err)
		}
		opened <- c
	}()
	for _, i := range []int{3, 0} { // one tail is not enough: the full members are 0, 1 and 2
		select {
		case <-opened:
			t.Fatal("opened without a quorum")
		case <-time.After(20 * time.Millisecond):
		}
		f.Node(i).SetDown(false)
	}
	d := <-opened
	defer d.Close()
	if err := g.load(d); err != nil || g.n != 1 {
		t.Fatal(g.n, err)
	}
}

// TestRivals: of writers that open at once one is left, and what any of them acknowledged stays.
func TestRivals(t *testing.T) {
	f := fleet(t)
	g := newGroup(0, 3)
	for round := range 5 {
		cfg := volume.Config{Volume: testVolume, Writer: "rival", Meta: f.Meta, Dialer: f, Options: volume.Options{Log: quiet(), RingBytes: 1 << 20}}
		var all sync.WaitGroup
		var mu sync.Mutex
		for range 3 {
			all.Go(func() {
				c, err := volume.Open(context.Background(), cfg)
				if errors.Is(err, volume.ErrFenced) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				defer c.Close()
				mine := newGroup(0, 3)
				if err := mine.load(c); err != nil && !errors.Is(err, volume.ErrFenced) {
					t.Error(err)
					return
				}
				for range 20 {
					lsn, err := mine.bump(c, 0)
					if err == nil {
						err = c.WaitDurable(context.Background(), lsn)
					}
					if errors.Is(err, volume.ErrFenced) {
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					g.acked = max(g.acked, mine.n)
					mu.Unlock()
				}
			})
		}
		all.Wait()
		c := open(t, f, volume.Options{})
		if err := g.load(c); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		c.Close()
	}
	if g.acked == 0 {
		t.Fatal("nobody wrote anything")
	}
}
