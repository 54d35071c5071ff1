// Package memvol is the in-memory twin of volume.Client for the engine's tests: one volume, no
// storage nodes, every version of every page at or above the read floor.
//
// It is stricter than storage: each record is encoded, parsed and applied through page.Apply when it is
// appended, so an engine that logged something else than it did (a page LSN that does not follow, a
// page touched twice, ops out of range, a page beyond the volume, a range that crosses a protection
// group) is caught in the act. CheckPage compares a cached page with the log's result.
package memvol

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/redo"
	"github.com/zoryadb/zorya/storage/volume"
)

// Options tune a Volume; the zero value is durable at once, with 64 pages a protection group.
type Options struct {
	// PagesPerPG is the geometry (0: 64, so that every test grows the volume).
	PagesPerPG uint32
	// Manual keeps VDL where it is until AdvanceVDL moves it.
	Manual bool
	// Lag, if > 0, lets VDL follow the log that much later, as a real volume does.
	Lag time.Duration
	// OnViolation is told what the engine did wrong (nil: panic). The offending MTR is not applied.
	OnViolation func(error)
	// BeforeRead, if not nil, runs ahead of every ReadPages; its error is the read's.
	BeforeRead func(ctx context.Context, lsn page.LSN, pages []page.No) error
}

// Counters count what was appended and read since New or Crash.
type Counters struct {
	MTRs, Records, Bytes uint64 // Bytes: encoded
	Reads, PagesRead     uint64
}

// Volume implements volume.Volume in memory.
type Volume struct {
	o     Options
	epoch uint64
	queue volume.CommitQueue

	mu      sync.RWMutex
	pages   map[page.No]*history
	npg     uint64
	lastLSN page.LSN
	lastPG  map[uint64]page.LSN
	cpls    []page.LSN // CPLs above VDL, ascending
	floor   page.LSN
	n       Counters
	err     error
	lagging bool // a timer is set
	buf     []byte
	others  []page.No
	seen    map[page.No]bool // pages of the MTR being applied
	applied []*history       // and what it changed so far

	advance sync.Mutex // orders VDL advances, so that waiters wake in LSN order
}

var _ volume.Volume = (*Volume)(nil)

// history is one page's versions: base, then changes, of which the last gives cur.
type history struct {
	no      page.No
	base    []byte // image at or below the floor; nil: absent
	changes []change
	cur     []byte // nil: absent
}

type change struct {
	lsn  page.LSN
	prev page.LSN
	free bool
	ops  []byte
}

// New returns an empty volume of one protection group at epoch 1.
func New(o Options) *Volume {
	if o.PagesPerPG == 0 {
		o.PagesPerPG = 64
	}
	return &Volume{o: o, epoch: 1, npg: 1, pages: map[page.No]*history{}, seen: map[page.No]bool{}, lastPG: map[uint64]page.LSN{}}
}

// Admit implements volume.Volume; there is no back-pressure here beyond the bounds of an MTR.
func (v *Volume) Admit(ctx context.Context, records, size int) error {
	if records > redo.MaxMTRPages || size > redo.MaxMTRBytes {
		return fmt.Errorf("admit an MTR of %d records, %d bytes: above the bound of %d, %d", records, size, redo.MaxMTRPages, redo.MaxMTRBytes)
	}
	if err := v.Err(); err != nil {
		return err
	}
	return ctx.Err()
}

// Append implements volume.Volume.
func (v *Volume) Append(m *redo.MTR, inOrder func(cpl page.LSN)) page.LSN {
	v.mu.Lock()
	first := v.lastLSN + 1
	for i := 0; i < m.Len(); i++ {
		m.Change(i).LSN = first + page.LSN(i)
	}
	v.lastLSN += page.LSN(m.Len())
	cpl := v.lastLSN
	if v.err == nil {
		if err := v.apply(m); err != nil {
			v.mu.Unlock()
			v.violation(err)
			return cpl
		}
		v.n.MTRs++
		v.n.Records += uint64(m.Len())
		v.cpls = append(v.cpls, cpl)
	}
	if inOrder != nil {
		inOrder(cpl)
	}
	arm := v.o.Lag > 0 && !v.lagging && v.err == nil
	v.lagging = v.lagging || arm
	v.mu.Unlock()
	switch {
	case arm:
		time.AfterFunc(v.o.Lag, v.lagged)
	case v.o.Lag == 0 && !v.o.Manual:
		v.AdvanceVDL(cpl)
	}
	return cpl
}

func (v *Volume) violation(err error) {
	if v.o.OnViolation == nil {
		panic(fmt.Sprintf("memvol: %v", err))
	}
	v.o.OnViolation(err)
}

// apply encodes, parses and applies all of m or, on an error, nothing.
func (v *Volume) apply(m *redo.MTR) error {
	if m.Len() == 0 || m.Len() > redo.MaxMTRPages {
		return fmt.Errorf("append an MTR of %d records", m.Len())
	}
	v.applied = v.applied[:0]
	clear(v.seen)
	prevVolume := m.Change(0).LSN - 1
	var size uint64
	for i := 0; i < m.Len(); i++ {
		c := m.Change(i)
		r, n, err := v.roundTrip(m, i, prevVolume)
		if err == nil && c.Free == 0 && v.seen[c.Page] {
			err = errors.New("touched twice")
		}
		if err == nil {
			v.seen[c.Page] = true
			size += uint64(n)
			err = v.applyRecord(r)
		}
		if err != nil {
			v.rollback()
			return fmt.Errorf("append record %d of %d, page %d: %w", i, m.Len(), c.Page, err)
		}
		v.lastPG[uint64(c.Page)/uint64(v.o.PagesPerPG)] = c.LSN
		prevVolume = c.LSN
	}
	v.n.Bytes += size
	return nil
}

func (v *Volume) rollback() {
	for i := len(v.applied) - 1; i >= 0; i-- {
		h := v.applied[i]
		h.changes = h.changes[:len(h.changes)-1]
		h.cur = replay(h.no, h.base, h.changes)
	}
}

// roundTrip encodes the i-th change as volume.Client does and parses it as a storage node does.
func (v *Volume) roundTrip(m *redo.MTR, i int, prevVolume page.LSN) (*redo.Record, int, error) {
	c := m.Change(i)
	pg := uint64(c.Page) / uint64(v.o.PagesPerPG)
	last := uint64(c.Page) + max(uint64(c.Free), 1) - 1
	if last/uint64(v.o.PagesPerPG) != pg {
		return nil, 0, fmt.Errorf("FreeRange of %d pages crosses a protection group of %d", c.Free, v.o.PagesPerPG)
	}
	if pg >= v.npg {
		return nil, 0, fmt.Errorf("beyond the volume of %d pages", v.npg*uint64(v.o.PagesPerPG))
	}
	l := redo.Links{LSN: c.LSN, PrevVolume: prevVolume, PrevPG: v.lastPG[pg], PrevPage: c.Prev, Epoch: v.epoch, Page: c.Page, Flags: m.FlagsOf(i)}
	var list []byte
	if l.Flags&redo.Head != 0 {
		v.others = m.Others(v.others[:0])
		list = redo.AppendPageList(nil, c.Page, v.others)
	}
	n := redo.EncodedLen(&l, list, c.Ops)
	if n > redo.MaxRecord {
		return nil, 0, fmt.Errorf("record of %d bytes is above the bound of %d", n, redo.MaxRecord)
	}
	v.buf = append(v.buf[:0], make([]byte, n)...)
	redo.Encode(v.buf, &l, list, c.Ops)
	r := new(redo.Record)
	_, err := redo.Parse(v.buf, r)
	return r, n, err
}

func (v *Volume) applyRecord(r *redo.Record) error {
	if r.Flags&redo.FreeRange != 0 {
		v.each(r.Page, uint64(r.Free), func(h *history) {
			h.changes = append(h.changes, change{lsn: r.LSN, free: true})
			h.cur = nil
			v.applied = append(v.applied, h)
		})
		return nil
	}
	h := v.pages[r.Page]
	if h == nil {
		h = &history{no: r.Page}
		v.pages[r.Page] = h
	}
	if h.cur == nil {
		h.cur = make([]byte, page.Size)
	}
	if err := r.Apply(h.cur); err != nil { // h.cur is as it was
		return err
	}
	h.changes = append(h.changes, change{lsn: r.LSN, prev: r.PrevPage, ops: bytes.Clone(r.Ops)})
	v.applied = append(v.applied, h)
	if len(h.changes) > 64 {
		h.trim(min(v.floor, v.queue.VDL()))
	}
	return nil
}

// each visits the pages of [first, first+n) that were ever written.
func (v *Volume) each(first page.No, n uint64, fn func(*history)) {
	if n > uint64(len(v.pages)) {
		for no, h := range v.pages {
			if no >= first && uint64(no-first) < n {
				fn(h)
			}
		}
		return
	}
	for i := uint64(0); i < n; i++ {
		if h := v.pages[first+page.No(i)]; h != nil {
			fn(h)
		}
	}
}

// trim folds the changes at or below floor (<= VDL, so apply will not take them back) into the base.
func (h *history) trim(floor page.LSN) {
	n := 0
	for n < len(h.changes) && h.changes[n].lsn <= floor {
		n++
	}
	if n == 0 {
		return
	}
	h.base = replay(h.no, h.base, h.changes[:n])
	h.changes = append([]change(nil), h.changes[n:]...)
}

// replay returns base after changes, nil for an absent page. It does not change base.
func replay(no page.No, base []byte, changes []change) []byte {
	p := make([]byte, page.Size)
	copy(p, base)
	for i := range changes {
		c := &changes[i]
		if c.free {
			clear(p)
			continue
		}
		if err := page.Apply(p, no, c.prev, c.lsn, c.ops); err != nil {
			panic(err) // it was applied once
		}
	}
	if page.GetLSN(p) == 0 {
		return nil
	}
	return p
}

// VDL implements volume.Volume.
func (v *Volume) VDL() page.LSN { return v.queue.VDL() }

// AdvanceVDL moves VDL up to the highest CPL at or below to and returns it: the hook of tests with
// Manual set, or that do not want to wait for Lag.
func (v *Volume) AdvanceVDL(to page.LSN) page.LSN {
	v.advance.Lock()
	defer v.advance.Unlock()
	v.mu.Lock()
	n := 0
	for n < len(v.cpls) && v.cpls[n] <= to {
		n++
	}
	vdl := v.queue.VDL()
	if n > 0 {
		vdl = v.cpls[n-1]
		v.cpls = v.cpls[:copy(v.cpls, v.cpls[n:])]
	}
	v.mu.Unlock()
	v.queue.Advance(vdl)
	return vdl
}

func (v *Volume) lagged() {
	v.mu.Lock()
	v.lagging = false
	last := v.lastLSN
	v.mu.Unlock()
	v.AdvanceVDL(last)
}

// LastLSN is the newest LSN given out.
func (v *Volume) LastLSN() page.LSN {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.lastLSN
}

// WaitDurable implements volume.Volume.
func (v *Volume) WaitDurable(ctx context.Context, lsn page.LSN) error {
	return v.queue.WaitDurable(ctx, lsn)
}

// OnDurable implements volume.Volume.
func (v *Volume) OnDurable(lsn page.LSN, fn func(error)) { v.queue.OnDurable(lsn, fn) }

// ReadPages implements volume.Volume. A read point above VDL or below the read floor is an error.
func (v *Volume) ReadPages(ctx context.Context, lsn page.LSN, pages []page.No, dst [][]byte) error {
	if v.o.BeforeRead != nil {
		if err := v.o.BeforeRead(ctx, lsn, pages); err != nil {
			return err
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case v.err != nil:
		return v.err
	case len(pages) != len(dst):
		return fmt.Errorf("read %d pages into %d buffers", len(pages), len(dst))
	case lsn > v.queue.VDL() || lsn < v.floor:
		return fmt.Errorf("read at LSN %d outside [%d, %d]", lsn, v.floor, v.queue.VDL())
	}
	v.n.Reads++
	v.n.PagesRead += uint64(len(pages))
	for i, no := range pages {
		if uint64(no) >= v.npg*uint64(v.o.PagesPerPG) {
			return fmt.Errorf("read page %d beyond the volume of %d pages", no, v.npg*uint64(v.o.PagesPerPG))
		}
		if h := v.pages[no]; h == nil {
			clear(dst[i])
		} else {
			h.at(lsn, dst[i])
		}
	}
	return nil
}

func (h *history) at(lsn page.LSN, dst []byte) {
	n := len(h.changes)
	for n > 0 && h.changes[n-1].lsn > lsn {
		n--
	}
	src := h.cur
	if n < len(h.changes) {
		src = replay(h.no, h.base, h.changes[:n])
	}
	if src == nil {
		clear(dst)
		return
	}
	copy(dst, src)
	page.Seal(dst)
}

// CheckPage compares a page as the engine holds it with what the log made of it, checksum aside.
func (v *Volume) CheckPage(no page.No, p []byte) error {
	v.mu.RLock()
	defer v.mu.RUnlock()
	var want []byte
	if h := v.pages[no]; h != nil {
		want = h.cur
	}
	if want == nil {
		want = make([]byte, page.Size)
	}
	for i := 4; i < page.Size; i++ {
		if p[i] != want[i] {
			return fmt.Errorf("page %d differs from its log at byte %d: %#x, log (LSN %d) has %#x", no, i, p[i], page.GetLSN(want), want[i])
		}
	}
	return nil
}

// SetReadFloor implements volume.Volume.
func (v *Volume) SetReadFloor(lsn page.LSN) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.floor = max(v.floor, lsn)
}

// Pages implements volume.Volume.
func (v *Volume) Pages() uint64 {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.npg * uint64(v.o.PagesPerPG)
}

// EnsurePages implements volume.Volume.
func (v *Volume) EnsurePages(ctx context.Context, n uint64) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.err != nil {
		return v.err
	}
	v.npg = max(v.npg, (n+uint64(v.o.PagesPerPG)-1)/uint64(v.o.PagesPerPG))
	return nil
}

// PagesPerPG implements volume.Volume.
func (v *Volume) PagesPerPG() uint32 { return v.o.PagesPerPG }

// Epoch implements volume.Volume.
func (v *Volume) Epoch() uint64 { return v.epoch }

// Counters returns what was done so far.
func (v *Volume) Counters() Counters {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.n
}

// Err implements volume.Volume.
func (v *Volume) Err() error {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.err
}

// Close implements volume.Volume.
func (v *Volume) Close() error {
	v.fail(volume.ErrClosed)
	return nil
}

func (v *Volume) fail(err error) {
	v.mu.Lock()
	if v.err == nil {
		v.err = err
	}
	v.mu.Unlock()
	v.queue.Fail(err)
}

// Crash ends this volume as a dead writer's (its users get ErrFenced) and opens it anew, as recovery
// does: all above VDL is gone, the epoch is higher and LSNs go on above what the dead writer could have given out.
func (v *Volume) Crash() *Volume {
	v.fail(volume.ErrFenced)
	v.advance.Lock()
	defer v.advance.Unlock()
	v.mu.Lock()
	defer v.mu.Unlock()
	vdl := v.queue.VDL()
	w := New(v.o)
	w.epoch, w.npg, w.floor = v.epoch+1, v.npg, min(v.floor, vdl)
	w.lastLSN = vdl + volume.LAL
	w.queue.Advance(vdl)
	for no, h := range v.pages {
		n := len(h.changes)
		for n > 0 && h.changes[n-1].lsn > vdl {
			n--
		}
		changes := h.changes[:n:n]
		w.pages[no] = &history{no: no, base: h.base, changes: changes, cur: replay(no, h.base, changes)}
	}
	for pg, lsn := range v.lastPG {
		w.lastPG[pg] = min(lsn, vdl) // only a back link of this twin: nobody follows it
	}
	return w
}
