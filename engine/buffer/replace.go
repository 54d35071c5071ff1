package buffer

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/zoryadb/zorya/base/wait"
	"github.com/zoryadb/zorya/storage/page"
)

// replacer decides which page leaves, by S3-FIFO (Yang et al., SOSP 2023): a small queue on probation, where
// a page must be used twice to be kept, a main queue, and a memory of who just left the small one. A
// large scan passes through the small queue and leaves the main one alone.
//
// Lock order: mu, then a shard's mutex.
type replacer struct {
	mu    sync.Mutex
	free  []uint32
	small fifo
	main  fifo
	ghost []page.No // page + 1 by hash: who left the small queue lately
	limit int       // share of the small queue
}

// fifo is a ring of frame indexes with room for all.
type fifo struct {
	ring    []uint32
	head, n int
}

func (q *fifo) push(i uint32) {
	q.ring[(q.head+q.n)%len(q.ring)] = i
	q.n++
}

func (q *fifo) pop() uint32 {
	i := q.ring[q.head]
	q.head = (q.head + 1) % len(q.ring)
	q.n--
	return i
}

func (r *replacer) init(frames int) {
	r.free = make([]uint32, frames)
	for i := range r.free {
		r.free[i] = uint32(frames - 1 - i)
	}
	r.small.ring = make([]uint32, frames)
	r.main.ring = make([]uint32, frames)
	r.ghost = make([]page.No, frames)
	r.limit = max(frames/10, 8)
}

func (r *replacer) freeFrames() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.free)
}

func (r *replacer) ghostOf(no page.No) *page.No {
	return &r.ghost[(uint64(no)*0x9E3779B97F4A7C15>>20)%uint64(len(r.ghost))]
}

// enter puts frames that were just published under the replacer's eye.
func (r *replacer) enter(no page.No, i uint32) {
	r.mu.Lock()
	if g := r.ghostOf(no); *g == no+1 {
		*g = 0
		r.main.push(i)
	} else {
		r.small.push(i)
	}
	r.mu.Unlock()
}

func (r *replacer) giveBack(i uint32) {
	r.mu.Lock()
	r.free = append(r.free, i)
	r.mu.Unlock()
}

// take returns a frozen frame that holds no page, or false if none can leave now.
func (r *replacer) take(p *Pool) (uint32, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.free); n > 0 {
		i := r.free[n-1]
		r.free = r.free[:n-1]
		return i, true
	}
	vdl := p.vol.VDL()
	// Each step lowers a count, moves a frame to the main queue or passes one that cannot leave.
	for steps := (maxFreq + 2) * (r.small.n + r.main.n); steps > 0; steps-- {
		if r.small.n > 0 && (r.small.n > r.limit || r.main.n == 0 || steps%8 == 0) {
			i := r.small.pop()
			f := &p.frames[i]
			no := page.No(f.key.Load() - 1)
			switch {
			case f.freq.Load() > 1:
				f.freq.Store(0)
				r.main.push(i)
			case p.evict(i, vdl):
				*r.ghostOf(no) = no + 1
				return i, true
			default:
				r.small.push(i)
			}
			continue
		}
		if r.main.n == 0 {
			continue
		}
		i := r.main.pop()
		f := &p.frames[i]
		if n := f.freq.Load(); n > 0 {
			f.freq.Store(n - 1)
			r.main.push(i)
		} else if p.evict(i, vdl) {
			return i, true
		} else {
			r.main.push(i)
		}
	}
	return 0, false
}

// evict freezes frame i and takes it out of the table, if nobody uses it and its page's LSN <= vdl (no
// younger than the volume's VDL). The look at the LSN after the freeze is what counts: nobody can change the page then.
func (p *Pool) evict(i uint32, vdl page.LSN) bool {
	f := &p.frames[i]
	if f.pins.Load() != 0 || page.LSN(f.lsn.Load()) > vdl {
		return false
	}
	no := page.No(f.key.Load() - 1) // only the replacer takes a page out of a frame: it stays
	sh := p.shard(no)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if !f.pins.CompareAndSwap(0, frozen) {
		return false
	}
	if page.LSN(f.lsn.Load()) > vdl {
		f.pins.Add(-frozen)
		return false
	}
	p.unlink(i, no)
	p.n.evicted.Add(1)
	return true
}

// frame returns a frozen frame without a page. It waits while every page is in use or above VDL: VDL moves
// on without us, and what is latched is unlatched, unless callers latch more pages than the pool has.
func (p *Pool) frame(ctx context.Context) (uint32, error) {
	if i, ok := p.replace.take(p); ok {
		return i, nil
	}
	w := wait.Begin(ctx)
	defer w.End()
	pause := 50 * time.Microsecond
	for {
		if i, ok := p.replace.take(p); ok {
			return i, nil
		}
		if err := p.vol.Err(); err != nil {
			return 0, fmt.Errorf("find room in the buffer pool: %w", err)
		}
		p.n.waits.Add(1)
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("find room in the buffer pool: %w", ctx.Err())
		case <-time.After(pause):
			pause = min(2*pause, 5*time.Millisecond)
		}
	}
}
