// Package nodeload owns the load of which row 14 of the benchmark's table speaks: one segment that gets records as fast as it takes them, and
// page reads beside. Package node's benchmarks give it to a node in process, `zorya bench --suite storage` to one in a process of its own.
//
// A record is an overwrite of 88 bytes at a random place of a random page, some 120 bytes with its header: more pages than a chain's bound has
// records for, so nothing is cheap because it was just there.
package nodeload

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
	"github.com/zoryadb/zorya/storage/redo"
)

// Pages of the segment.
const Pages = 100_000

const (
	history     = 1 << 16
	outstanding = 2 // frames under way
	patience    = time.Minute
)

// Load is one segment's writer and reader. Frames and Send are for one goroutine, Read for another.
type Load struct {
	Node   proto.Node
	Volume proto.VolumeID

	rng     *rand.Rand
	lsn     page.LSN
	last    []page.LSN // by page
	ops     []byte
	data    [88]byte
	acked   atomic.Uint64 // SCL
	reading atomic.Uint64 // LSN of the read under way; 0: none
}

// New returns a load for n that is the same each time.
func New(n proto.Node, v proto.VolumeID) *Load {
	l := &Load{Node: n, Volume: v, rng: rand.New(rand.NewPCG(1, 1)), last: make([]page.LSN, Pages)}
	for i := range l.data {
		l.data[i] = byte(l.rng.Uint32())
	}
	return l
}

// Create makes the segment, alone in its protection group, on the node of that name.
func (l *Load) Create(ctx context.Context, id proto.NodeID, kind proto.Kind) error {
	m := proto.Member{Node: id, Kind: kind, Incarnation: 1}
	st, err := l.Node.CreateSegment(ctx, &proto.SegmentSpec{
		Volume: l.Volume, Epoch: 1, PagesPerPG: Pages, Member: m,
		History:    proto.History{Version: history, Intervals: []proto.Interval{{To: proto.MaxLSN}}},
		Membership: proto.Membership{Epoch: 1, Quorum: proto.Quorum{WriteAny: 1, ReadAny: 1}, Members: []proto.Member{m}},
	})
	if err == nil && st != proto.OK {
		err = fmt.Errorf("status %d", st)
	}
	if err != nil {
		return fmt.Errorf("create a segment on node %s: %w", id, err)
	}
	return nil
}

// Record appends the next record.
func (l *Load) Record(dst []byte) []byte {
	p := l.rng.IntN(Pages)
	l.lsn++
	for i := 0; i < len(l.data); i += 16 { // half random: rows compress a little
		binary.LittleEndian.PutUint64(l.data[i:], l.rng.Uint64())
	}
	links := redo.Links{LSN: l.lsn, PrevVolume: l.lsn - 1, PrevPG: l.lsn - 1, PrevPage: l.last[p], Epoch: 1, Page: page.No(p), Flags: redo.CPL}
	l.ops = l.ops[:0]
	if l.last[p] == 0 {
		l.ops = page.AppendInit(l.ops, 1, 1)
		links.Flags |= redo.WillInit
	}
	l.ops = page.AppendSet(l.ops, page.HeaderSize+l.rng.IntN(page.PayloadSize-len(l.data)), l.data[:])
	l.last[p] = l.lsn
	at := len(dst)
	dst = append(dst, make([]byte, redo.EncodedLen(&links, nil, l.ops))...)
	redo.Encode(dst[at:], &links, nil, l.ops)
	return dst
}

// Frames encodes records records in frames of at least frameBytes.
func (l *Load) Frames(records, frameBytes int) [][]byte {
	var out [][]byte
	for records > 0 {
		f := make([]byte, 0, frameBytes+256)
		for ; len(f) < frameBytes && records > 0; records-- {
			f = l.Record(f)
		}
		out = append(out, f)
		runtime.Gosched() // a reader beside must not wait for this to end
	}
	return out
}

// Send sends frames, two under way, and returns when all are acknowledged. A node that pushes back is asked again. Frames that are left out make those
// that follow worthless: a node acknowledges what lies above a hole and soon keeps none of it. Then Send fails.
func (l *Load) Send(frames [][]byte) error {
	before := l.acked.Load()
	var slots [outstanding]chan answer
	for i := range len(frames) + outstanding {
		k := i % outstanding
		for slots[k] != nil {
			a := <-slots[k]
			slots[k] = nil
			if a.err != nil {
				return a.err
			}
			if a.busy {
				time.Sleep(time.Millisecond)
				slots[k] = l.send(frames[i-outstanding])
			}
		}
		if i < len(frames) {
			slots[k] = l.send(frames[i])
		}
	}
	if l.acked.Load() == before && len(frames) > 0 {
		return fmt.Errorf("%d frames moved nothing: the segment is complete up to LSN %d only", len(frames), before)
	}
	return nil
}

type answer struct {
	busy bool
	err  error
}

func (l *Load) send(raw []byte) chan answer {
	res := make(chan answer, 1)
	vdl := l.acked.Load()
	floor := vdl
	if at := l.reading.Load(); at != 0 {
		floor = min(floor, at)
	}
	l.Node.Append(&proto.AppendFrame{Volume: l.Volume, Epoch: 1, History: history, VDL: page.LSN(vdl), MRPL: page.LSN(floor),
		Runs: []proto.Run{{Incarnation: 1, MembershipEpoch: 1, Bytes: uint32(len(raw))}}, Records: [][]byte{raw}}, func(a *proto.AppendAck, err error) {
		switch {
		case err != nil:
			res <- answer{err: fmt.Errorf("append %d bytes: %w", len(raw), err)}
		case a.Status != proto.OK || a.Segments[0].Status != proto.OK && a.Segments[0].Status != proto.StatusBusy:
			res <- answer{err: fmt.Errorf("append %d bytes: %+v", len(raw), *a)}
		default:
			for scl := uint64(a.Segments[0].SCL); ; {
				old := l.acked.Load()
				if scl <= old || l.acked.CompareAndSwap(old, scl) {
					break
				}
			}
			res <- answer{busy: a.Segments[0].Status == proto.StatusBusy}
		}
	})
	return res
}

// Read reads page no into dst as of what is acknowledged now.
func (l *Load) Read(ctx context.Context, no page.No, dst []byte) error {
	// The floor may have been sent as of an older point, never of a newer one than this: acked only grows.
	l.reading.Store(max(1, l.acked.Load()))
	defer l.reading.Store(0)
	at := page.LSN(l.reading.Load())
	st, err := l.Node.GetPages(ctx, &proto.PageRead{Volume: l.Volume, Epoch: 1, History: history, Incarnation: 1, MembershipEpoch: 1,
		ReadLSN: at, PGLSN: at, Pages: []page.No{no}}, [][]byte{dst})
	if err == nil && st != proto.OK && st != proto.StatusGone { // Gone: a frame under way took the floor past it, and it was answered all the same
		err = fmt.Errorf("status %d", st)
	}
	if err != nil {
		return fmt.Errorf("read page %d as of LSN %d: %w", no, at, err)
	}
	return nil
}

// Settled waits until all that was acknowledged is in the segment's files.
func (l *Load) Settled(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errors.New("a minute is over"))
	defer cancel()
	for ctx.Err() == nil {
		in, err := l.Node.Info(ctx)
		if err != nil {
			return fmt.Errorf("ask the node how it is: %w", err)
		}
		if in.QueueBytes == 0 {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
	return fmt.Errorf("wait for the node's queue: %w", context.Cause(ctx))
}
