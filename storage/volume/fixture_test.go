package volume_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

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
