package buffer

import (
	"context"
	"fmt"
	"sync"

	"github.com/zoryadb/zorya/base/wait"
	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/volume"
)

const (
	prefetchers   = 8  // reads under way for Prefetch
	prefetchQueue = 8  // reads that wait
	prefetchMax   = 32 // pages in one read
	prefetchPart  = 4  // a quarter of the pool at most is on its way for Prefetch
)

// load is a read under way, of one page or of several; done is closed when they are in the table or it has failed.
type load struct{ done chan struct{} }

func newLoad() *load { return &load{done: make(chan struct{})} }

// claim announces that the caller brings page no, as part of l. Either the page is there (found, pinned), or somebody else
// brings it (other), or the caller must: it ends with settle and closes l.
func (p *Pool) claim(no page.No, l **load) (i uint32, found bool, other *load) {
	sh := p.shard(no)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if i, ok := p.find(no); ok {
		p.frames[i].pins.Add(1)
		return i, true, nil
	}
	if l := sh.inflight[no]; l != nil {
		return 0, false, l
	}
	if *l == nil {
		*l = newLoad()
	}
	sh.inflight[no] = *l
	return 0, false, nil
}

// settle ends a claim: with a frame that becomes the page, or without (ok false).
func (p *Pool) settle(no page.No, i uint32, lsn page.LSN, pins int32, ok bool) {
	sh := p.shard(no)
	sh.mu.Lock()
	if ok {
		p.insert(i, no, lsn, pins)
	}
	delete(sh.inflight, no)
	sh.mu.Unlock()
	if ok {
		p.replace.enter(no, i)
	}
}

// bring returns page no pinned, from a read or, for a page about to be made, blank.
func (p *Pool) bring(ctx context.Context, no page.No, read bool) (uint32, error) {
	for {
		if err := p.lost.Load(); err != nil {
			return 0, fmt.Errorf("fetch page %d: %w", no, *err)
		}
		var l *load
		i, found, other := p.claim(no, &l)
		if found {
			return i, nil
		}
		if other == nil {
			i, err := p.bringClaimed(ctx, no, read)
			close(l.done)
			return i, err
		}
		w := wait.Begin(ctx)
		select {
		case <-other.done:
			w.End()
		case <-ctx.Done():
			w.End()
			return 0, fmt.Errorf("fetch page %d: %w", no, ctx.Err())
		}
	}
}

func (p *Pool) bringClaimed(ctx context.Context, no page.No, read bool) (uint32, error) {
	i, err := p.frame(ctx)
	if err != nil {
		p.settle(no, 0, 0, 0, false)
		return 0, fmt.Errorf("fetch page %d: %w", no, err)
	}
	b := Page{p: p, i: i}.Bytes()
	if read {
		err = p.read(ctx, []page.No{no}, [][]byte{b})
	} else {
		clear(b)
		p.n.created.Add(1)
	}
	if err != nil {
		p.replace.giveBack(i)
		p.settle(no, 0, 0, 0, false)
		return 0, fmt.Errorf("fetch page %d: %w", no, err)
	}
	p.settle(no, i, page.GetLSN(b), 1, true)
	return i, nil
}

// read reads claimed pages.
//
// The read point is VDL as it is now, after the claim. Any frame that held the page before was evicted
// before the claim, at a moment when its LSN was at or below VDL; VDL never falls, so the read sees all that was ever
// done to the page. And nothing is done to it meanwhile: that takes a frame, and the claim keeps others from making one.
func (p *Pool) read(ctx context.Context, pages []page.No, dst [][]byte) error {
	lsn := p.reads.begin(p.vol)
	defer p.reads.end(lsn)
	p.n.reads.Add(1)
	p.n.readPages.Add(uint64(len(pages)))
	if err := p.vol.ReadPages(ctx, lsn, pages, dst); err != nil {
		return err
	}
	for i, no := range pages {
		if got := page.GetNo(dst[i]); got != no && page.GetLSN(dst[i]) != 0 {
			return fmt.Errorf("storage sent page %d for page %d: %w", got, no, ErrCorrupt)
		}
	}
	return nil
}

// prefetchBatch is pages that Prefetch has claimed, with their frames. It is a value, so that the queue allocates nothing.
type prefetchBatch struct {
	l     *load
	n     int
	pages [prefetchMax]page.No
	idx   [prefetchMax]uint32
}

// Prefetch starts reading those of the pages that are not in the pool, many in one read, and does not wait. A fetch that comes
// before they are there waits for that read. It is advice: when too many reads wait already, or no frame is free
// to take, the rest is dropped.
func (p *Pool) Prefetch(pages []page.No) {
	for len(pages) > 0 {
		var b prefetchBatch
		pages = p.claimMissing(&b, pages)
		if !p.enqueue(&b) {
			return
		}
	}
}

// LoadTogether reads those of the pages that are not in the pool in one read, at most prefetchMax, and returns when they are there. It is advice like Prefetch: an
// error is left to the fetch that needs the page.
func (p *Pool) LoadTogether(ctx context.Context, pages []page.No) {
	var b prefetchBatch
	if p.claimMissing(&b, pages); b.n > 0 {
		p.ahead.Add(int64(b.n))
		p.readBatch(ctx, &b)
	}
}

// claimMissing claims pages that are not in the pool, with a frame each, until the batch is full or no more can be taken, and returns those that it
// did not look at.
func (p *Pool) claimMissing(b *prefetchBatch, pages []page.No) []page.No {
	for k, no := range pages {
		if p.cached(no) {
			continue
		}
		if p.ahead.Load()+int64(b.n) >= int64(len(p.frames)/prefetchPart) {
			return nil
		}
		i, ok := p.replace.take(p)
		if !ok {
			return nil
		}
		j, found, other := p.claim(no, &b.l)
		if found {
			p.frames[j].unpin()
		}
		if found || other != nil {
			p.replace.giveBack(i)
			continue
		}
		b.pages[b.n], b.idx[b.n] = no, i
		if b.n++; b.n == prefetchMax {
			return pages[k+1:]
		}
	}
	return nil
}

func (p *Pool) enqueue(b *prefetchBatch) bool {
	if b.n == 0 {
		return true
	}
	p.ahead.Add(int64(b.n))
	p.closing.RLock()
	defer p.closing.RUnlock()
	if p.ctx.Err() == nil {
		select {
		case p.prefetch <- *b:
			return true
		default:
		}
	}
	p.drop(b)
	return false
}

// drop gives up what a batch has claimed.
func (p *Pool) drop(b *prefetchBatch) {
	p.ahead.Add(-int64(b.n))
	for k, no := range b.pages[:b.n] {
		p.replace.giveBack(b.idx[k])
		p.settle(no, 0, 0, 0, false)
	}
	close(b.l.done)
}

// cached reports whether the page seems to be in the pool, without pinning it.
func (p *Pool) cached(no page.No) bool {
	i := p.buckets[p.bucket(no)].Load()
	for steps := 0; i != 0 && steps < 32; steps++ {
		if p.frames[i-1].key.Load() == keyOf(no) {
			return true
		}
		i = p.frames[i-1].next.Load()
	}
	return false
}

func (p *Pool) prefetcher() {
	defer p.wg.Done()
	for {
		select {
		case <-p.ctx.Done():
			return
		case b := <-p.prefetch:
			p.readBatch(p.ctx, &b)
		}
	}
}

// readBatch reads what was claimed. Errors are left to the fetch that needs the page.
func (p *Pool) readBatch(ctx context.Context, b *prefetchBatch) {
	var dst [prefetchMax][]byte
	for k := range b.n {
		dst[k] = Page{p: p, i: b.idx[k]}.Bytes()
	}
	if err := p.read(ctx, b.pages[:b.n], dst[:b.n]); err != nil {
		p.drop(b)
		return
	}
	p.ahead.Add(-int64(b.n))
	p.n.prefetched.Add(uint64(b.n))
	for k, no := range b.pages[:b.n] {
		p.settle(no, b.idx[k], page.GetLSN(dst[k]), 0, true)
	}
	close(b.l.done)
}

// readPoints knows the LSNs at which reads are under way: the smallest is the instance's read floor.
type readPoints struct {
	mu       sync.Mutex
	at       map[page.LSN]int
	reported page.LSN
}

func (r *readPoints) init() { r.at = map[page.LSN]int{} }

// begin returns VDL, registered: the floor that report sends cannot pass it before end.
func (r *readPoints) begin(vol volume.Volume) page.LSN {
	r.mu.Lock()
	defer r.mu.Unlock()
	lsn := vol.VDL()
	r.at[lsn]++
	return lsn
}

func (r *readPoints) end(lsn page.LSN) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.at[lsn]--; r.at[lsn] == 0 {
		delete(r.at, lsn)
	}
}

// PinReadPoint returns VDL and keeps every page readable as of it until release is called: pages older than it stay in storage
// meanwhile, so it is not for ever. release may be called once.
func (p *Pool) PinReadPoint() (lsn page.LSN, release func()) {
	lsn = p.reads.begin(p.vol)
	return lsn, func() { p.reads.end(lsn) }
}

func (r *readPoints) report(vol volume.Volume) {
	r.mu.Lock()
	floor := vol.VDL()
	for lsn := range r.at {
		floor = min(floor, lsn)
	}
	moved := floor > r.reported
	r.reported = max(r.reported, floor)
	r.mu.Unlock()
	if moved {
		vol.SetReadFloor(floor)
	}
}
