package buffer

import (
	"context"
	"fmt"
	"sync"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/volume"
)

const (
	prefetchers  = 4
	prefetchMax  = 32 // pages in one read
	prefetchable = 8  // the part (1/8) of the pool that one Prefetch may ask for
)

// prefetchBatch is a value, so that the queue allocates nothing.
type prefetchBatch struct {
	n     int
	pages [prefetchMax]page.No
}

// claim announces that the caller brings page no. Either the page is there (found, pinned), or somebody else brings it
// (other), or the caller must and ends with settle.
func (p *Pool) claim(no page.No) (i uint32, found bool, other *load) {
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
	sh.inflight[no] = &load{done: make(chan struct{})}
	return 0, false, nil
}

// settle ends a claim: with a frame that becomes the page, or without (ok false).
func (p *Pool) settle(no page.No, i uint32, lsn page.LSN, pins int32, ok bool) {
	sh := p.shard(no)
	sh.mu.Lock()
	if ok {
		p.insert(i, no, lsn, pins)
	}
	l := sh.inflight[no]
	delete(sh.inflight, no)
	sh.mu.Unlock()
	if ok {
		p.replace.enter(no, i)
	}
	close(l.done)
}

// bring returns page no pinned, from a read or, for a page about to be made, blank.
func (p *Pool) bring(ctx context.Context, no page.No, read bool) (uint32, error) {
	for {
		if err := p.lost.Load(); err != nil {
			return 0, fmt.Errorf("fetch page %d: %w", no, *err)
		}
		i, found, other := p.claim(no)
		if found {
			return i, nil
		}
		if other == nil {
			return p.bringClaimed(ctx, no, read)
		}
		select {
		case <-other.done:
		case <-ctx.Done():
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

// Prefetch starts reading those of the pages that are not in the pool, and does not wait. It is advice:
// when too many reads wait already, the rest is dropped.
func (p *Pool) Prefetch(pages []page.No) {
	if limit := max(len(p.frames)/prefetchable, 1); len(pages) > limit {
		pages = pages[:limit]
	}
	var b prefetchBatch
	send := func() bool {
		select {
		case p.prefetch <- b:
			b.n = 0
			return true
		default:
			return false
		}
	}
	for _, no := range pages {
		if p.cached(no) {
			continue
		}
		b.pages[b.n] = no
		if b.n++; b.n == prefetchMax && !send() {
			return
		}
	}
	if b.n > 0 {
		send()
	}
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
			p.prefetchNow(b.pages[:b.n])
		}
	}
}

// prefetchNow claims what is not there and reads it at once. Errors are left to the fetch that needs the page.
func (p *Pool) prefetchNow(want []page.No) {
	pages := make([]page.No, 0, prefetchMax)
	dst := make([][]byte, 0, prefetchMax)
	idx := make([]uint32, 0, prefetchMax)
	for _, no := range want {
		i, found, other := p.claim(no)
		if found {
			p.frames[i].unpin()
		}
		if found || other != nil {
			continue
		}
		i, ok := p.replace.take(p)
		if !ok { // a prefetch does not wait for room
			p.settle(no, 0, 0, 0, false)
			break
		}
		pages, dst, idx = append(pages, no), append(dst, Page{p: p, i: i}.Bytes()), append(idx, i)
	}
	if len(pages) == 0 {
		return
	}
	err := p.read(p.ctx, pages, dst)
	for k, no := range pages {
		if err != nil {
			p.replace.giveBack(idx[k])
			p.settle(no, 0, 0, 0, false)
			continue
		}
		p.n.prefetched.Add(1)
		p.settle(no, idx[k], page.GetLSN(dst[k]), 0, true)
	}
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
