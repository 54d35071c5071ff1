package buffer

import (
	"sync"
	"sync/atomic"

	"github.com/zoryadb/zorya/storage/page"
)

// dirtyRing counts the frames above VDL. A frame enters when a change makes it dirty and is looked at again
// when it comes to the front: it leaves if its LSN is at or below VDL, else goes round. So a frame is in the ring at most once,
// and a change of a page that is dirty already costs nothing here.
type dirtyRing struct {
	mu    sync.Mutex
	ring  []uint32
	head  int
	count atomic.Int64
	limit int64
}

func (d *dirtyRing) init(frames int) {
	d.ring = make([]uint32, frames)
	d.limit = int64(frames / 2)
}

func (d *dirtyRing) len() int { return int(d.count.Load()) }

func (d *dirtyRing) put(i uint32) {
	n := int(d.count.Load())
	d.ring[(d.head+n)%len(d.ring)] = i
	d.count.Store(int64(n + 1))
}

// push adds a frame whose dirty flag was just set, and lets two others out that may.
func (d *dirtyRing) push(p *Pool, i uint32) {
	vdl := p.vol.VDL()
	d.mu.Lock()
	d.put(i)
	d.reap(p, vdl, 2)
	d.mu.Unlock()
}

// reap takes up to max frames from the front. It stops at the first that is still above VDL.
func (d *dirtyRing) reap(p *Pool, vdl page.LSN, max int) {
	for ; max > 0 && d.count.Load() > 0; max-- {
		i := d.ring[d.head]
		f := &p.frames[i]
		if page.LSN(f.lsn.Load()) > vdl {
			// It may be young and block older ones behind it: let it go round, once for each call.
			d.head = (d.head + 1) % len(d.ring)
			d.count.Add(-1)
			d.put(i)
			continue
		}
		d.head = (d.head + 1) % len(d.ring)
		d.count.Add(-1)
		// A change between the two looks at the LSN either finds the flag clear and pushes the frame
		// itself, or is seen by the second.
		f.dirty.Store(0)
		if page.LSN(f.lsn.Load()) > vdl && f.dirty.CompareAndSwap(0, 1) {
			d.put(i)
		}
	}
}

// oldest reports whether the ring is over its limit and, if so, an LSN that lets some of it go.
func (d *dirtyRing) oldest(p *Pool) (page.LSN, bool) {
	if d.count.Load() < d.limit {
		return 0, false
	}
	vdl := p.vol.VDL()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reap(p, vdl, int(d.count.Load()))
	if d.count.Load() < d.limit {
		return 0, false
	}
	// The lowest of a few: they are nearly in order, and many may wait here at once.
	lsn := page.LSN(p.frames[d.ring[d.head]].lsn.Load())
	for i := 1; i < min(int(d.count.Load()), 64); i++ {
		lsn = min(lsn, page.LSN(p.frames[d.ring[(d.head+i)%len(d.ring)]].lsn.Load()))
	}
	return lsn, true
}
