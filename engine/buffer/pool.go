package buffer

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/volume"
)

// Options configure a Pool.
type Options struct {
	Bytes int64 // size of the arena; at least MinPages pages
}

// MinPages is the smallest pool: an MTR latches a few dozen pages, and half of the pool may be above VDL.
const MinPages = 128

// Mode says how a page is latched.
type Mode uint8

const (
	Shared    Mode = iota // many may read
	Exclusive             // one may change, through an MTR
	// Scan is Shared without counting as a use: a page that only large scans read leaves first.
	Scan
)

// Errors of a Pool.
var (
	ErrClosed  = errors.New("buffer pool is closed")
	ErrCorrupt = errors.New("page is not what it should be")
)

// Pool is a buffer pool. Its methods are safe for concurrent use.
type Pool struct {
	vol     volume.Volume
	arena   []byte
	frames  []frame
	buckets []atomic.Uint32 // heads of the chains: frame index + 1
	shift   uint
	shards  [shards]shard

	replace replacer
	dirty   dirtyRing
	reads   readPoints

	prefetch chan prefetchBatch
	ahead    atomic.Int64    // pages claimed for Prefetch
	closing  sync.RWMutex    // held shared to enqueue, so that Close finds all of it
	ctx      context.Context // ends with Close
	cancel   context.CancelFunc
	wg       sync.WaitGroup
	lost     atomic.Pointer[error] // set once: why no page may be fetched any more
	n        counters
}

type counters struct {
	reads, readPages, created, evicted, prefetched, waits atomic.Uint64
}

// Stats are counters since New, and gauges (Pages, Free, Dirty).
type Stats struct {
	Pages      int    // frames
	Free       int    // never used or given back
	Dirty      int    // about how many pages are above VDL and cannot leave
	Hits       uint64 // fetches that found their page
	Reads      uint64 // calls of volume.ReadPages
	ReadPages  uint64 // pages they brought
	Prefetched uint64 // of these, read ahead
	Created    uint64 // pages made without a read
	Evicted    uint64
	Waits      uint64 // times that an MTR waited for VDL, or a fetch for a frame
}

// headerPages is the head of the arena: kept for the survivable cache's own account (volume, timeline,
// history version, owner's epoch, applied LSN, frame table), unused while the arena dies with its process.
const headerPages = 1

// New returns an empty pool over vol.
func New(vol volume.Volume, o Options) (*Pool, error) {
	n := o.Bytes / page.Size
	if n < MinPages || n > 1<<31 {
		return nil, fmt.Errorf("buffer pool of %d bytes: at least %d pages of %d bytes are needed", o.Bytes, MinPages, page.Size)
	}
	arena, err := newArena((int(n) + headerPages) * page.Size)
	if err != nil {
		return nil, err
	}
	logBuckets := max(bits.Len64(uint64(2*n-1)), 8)
	p := &Pool{
		vol:      vol,
		arena:    arena[headerPages*page.Size:],
		frames:   make([]frame, n),
		buckets:  make([]atomic.Uint32, 1<<logBuckets),
		shift:    uint(64 - logBuckets),
		prefetch: make(chan prefetchBatch, prefetchQueue),
	}
	for i := range p.frames {
		p.frames[i].pins.Store(frozen)
	}
	for i := range p.shards {
		p.shards[i].inflight = map[page.No]*load{}
	}
	p.replace.init(int(n))
	p.dirty.init(int(n))
	p.reads.init()
	p.ctx, p.cancel = context.WithCancel(context.Background())
	for range prefetchers {
		p.wg.Add(1)
		go p.prefetcher()
	}
	p.wg.Add(1)
	go p.reportFloor()
	return p, nil
}

// Close frees the pool. No page may be latched and no call be under way; pages above VDL are the log's affair.
func (p *Pool) Close() error {
	p.Lose(ErrClosed)
	p.closing.Lock()
	p.cancel()
	p.closing.Unlock()
	p.wg.Wait()
	for len(p.prefetch) > 0 {
		b := <-p.prefetch
		p.drop(&b)
	}
	for i := range p.frames {
		if p.frames[i].pins.Load() > 0 {
			return fmt.Errorf("close of the buffer pool: page %d is latched", p.frames[i].key.Load()-1)
		}
	}
	freeArena(p.arena[:len(p.arena):len(p.arena)])
	return nil
}

// Lose closes the pool for good: every later Fetch fails with err. It is what remains after the volume was lost
// in the middle of an MTR, whose pages are in no log and must not be read.
func (p *Pool) Lose(err error) { p.lost.CompareAndSwap(nil, &err) }

// Volume is the volume whose pages these are.
func (p *Pool) Volume() volume.Volume { return p.vol }

// Stats returns the pool's account of itself.
func (p *Pool) Stats() Stats {
	s := Stats{
		Pages: len(p.frames), Free: p.replace.freeFrames(), Dirty: p.dirty.len(),
		Reads: p.n.reads.Load(), ReadPages: p.n.readPages.Load(), Prefetched: p.n.prefetched.Load(),
		Created: p.n.created.Load(), Evicted: p.n.evicted.Load(), Waits: p.n.waits.Load(),
	}
	for i := range p.shards {
		s.Hits += p.shards[i].hits.Load()
	}
	return s
}

// Page is a latched page.
type Page struct {
	p    *Pool
	i    uint32
	mode Mode
}

// Fetch latches a page, reading it if need be, and returns it; Unlatch gives it back. An error names the
// page; ctx bounds the wait for the read, not the one for the latch.
func (p *Pool) Fetch(ctx context.Context, no page.No, mode Mode) (Page, error) {
	i, ok := p.lookup(no)
	if !ok {
		var err error
		if i, err = p.bring(ctx, no, true); err != nil {
			return Page{}, err
		}
	}
	return p.latch(i, mode)
}

// FetchCached is Fetch for a page that is in the pool already; it does not read. It is how a redo stream is
// applied to cached pages only, and how a descent avoids to read under a latch.
func (p *Pool) FetchCached(no page.No, mode Mode) (Page, bool) {
	i, ok := p.lookup(no)
	if !ok {
		return Page{}, false
	}
	g, err := p.latch(i, mode)
	return g, err == nil
}

// Load brings a page into the pool and latches nothing.
func (p *Pool) Load(ctx context.Context, no page.No) error {
	i, ok := p.lookup(no)
	if !ok {
		var err error
		if i, err = p.bring(ctx, no, true); err != nil {
			return err
		}
	}
	p.frames[i].unpin()
	return nil
}

// Create latches a page exclusively without reading it: whatever it holds, the caller begins it anew
// with an Init. ctx bounds the wait for a frame.
func (p *Pool) Create(ctx context.Context, no page.No) (Page, error) {
	i, ok := p.lookup(no)
	if !ok {
		var err error
		if i, err = p.bring(ctx, no, false); err != nil {
			return Page{}, err
		}
	}
	return p.latch(i, Exclusive)
}

func (p *Pool) latch(i uint32, mode Mode) (Page, error) {
	f := &p.frames[i]
	if mode == Exclusive {
		f.latch.Lock()
	} else {
		f.latch.RLock()
	}
	if mode != Scan {
		f.touch()
	}
	g := Page{p, i, mode}
	if err := p.lost.Load(); err != nil {
		no := g.No()
		g.Unlatch()
		return Page{}, fmt.Errorf("fetch page %d: %w", no, *err)
	}
	return g, nil
}

// Bytes is the page. It may be read until Unlatch, and is changed only by package mtr.
func (g Page) Bytes() []byte {
	off := int(g.i) * page.Size
	return g.p.arena[off : off+page.Size : off+page.Size]
}

// No is the page's number.
func (g Page) No() page.No { return page.No(g.p.frames[g.i].key.Load() - 1) }

// LSN is the LSN of the page's last change, 0 if it is absent.
func (g Page) LSN() page.LSN { return page.GetLSN(g.Bytes()) }

// Valid reports whether g is a latched page; the zero Page is not.
func (g Page) Valid() bool { return g.p != nil }

// Hint is a number that the page's owner may keep with a cached page, and that costs no redo; 0 when the page
// comes in. Read and set it under the exclusive latch.
func (g Page) Hint() uint32     { return g.p.frames[g.i].hint }
func (g Page) SetHint(h uint32) { g.p.frames[g.i].hint = h }

// Unlatch gives the page back.
func (g Page) Unlatch() {
	f := &g.p.frames[g.i]
	if g.mode == Exclusive {
		f.latch.Unlock()
	} else {
		f.latch.RUnlock()
	}
	f.unpin()
}

// BeginChange and EndChange bracket an MTR's changes to an X-latched page, for package mtr.
// EndChange says with which LSN the change is in the log.
func (g Page) BeginChange() { g.p.frames[g.i].seq |= 1 }

func (g Page) EndChange(lsn page.LSN) {
	f := &g.p.frames[g.i]
	f.lsn.Store(uint64(lsn))
	f.seq++
	if f.dirty.CompareAndSwap(0, 1) {
		g.p.dirty.push(g.p, g.i)
	}
}

// Admit waits until fewer than half of the frames hold pages above VDL. mtr.Start calls it before the first latch.
func (p *Pool) Admit(ctx context.Context) error {
	for {
		if err := p.lost.Load(); err != nil {
			return *err
		}
		lsn, full := p.dirty.oldest(p)
		if !full {
			return nil
		}
		p.n.waits.Add(1)
		if err := p.vol.WaitDurable(ctx, lsn); err != nil {
			return fmt.Errorf("wait for %d pages above VDL: %w", p.dirty.len(), err)
		}
	}
}

// reportFloor tells storage every now and then below which LSN nothing is read any more.
func (p *Pool) reportFloor() {
	defer p.wg.Done()
	t := time.NewTicker(100 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-p.ctx.Done():
			return
		case <-t.C:
			p.reads.report(p.vol)
		}
	}
}
