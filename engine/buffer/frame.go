package buffer

import (
	"sync"
	"sync/atomic"

	"github.com/zoryadb/zorya/storage/page"
)

// frame describes one page-sized piece of the arena. It holds no pointer and fills one cache line.
//
// A frame is found through its bucket's chain. Chains change under the shard's mutex; readers walk them
// without it: they pin what they find and look again whether it is still the page they want. A frame may
// be replaced only while its pin count is 0, which frozen makes permanent. Who holds a latch holds a pin.
type frame struct {
	key   atomic.Uint64 // page number + 1; 0: none. The upper bits are for the view, once there are several
	lsn   atomic.Uint64 // LSN of the page's last change, also of the FreeRange that made it absent
	pins  atomic.Int32  // < 0: frozen
	next  atomic.Uint32 // chain: frame index + 1
	latch sync.RWMutex  // prefers writers; holds no pointer
	freq  atomic.Uint32 // hits since the replacer looked, at most maxFreq
	dirty atomic.Uint32 // 1: on the dirty ring
	hint  uint32        // for the page's owner, under the exclusive latch; 0 when the page comes in
	// seq is odd while an MTR holds the page changed and not yet stamped: such a frame does not outlive
	// its process in a survivable cache.
	seq uint32
}

const (
	frozen  = -1 << 30
	maxFreq = 3
)

func keyOf(no page.No) uint64 { return uint64(no) + 1 }

// tryPin pins f unless it is frozen.
func (f *frame) tryPin() bool {
	if f.pins.Add(1) > 0 {
		return true
	}
	f.pins.Add(-1)
	return false
}

func (f *frame) unpin() {
	if f.pins.Add(-1) < 0 {
		panic("buffer: unpin of a frame that is not pinned")
	}
}

func (f *frame) touch() {
	if n := f.freq.Load(); n < maxFreq {
		f.freq.Store(n + 1)
	}
}

// shard is a stripe of the page table: buckets whose number ends in the shard's.
type shard struct {
	mu       sync.Mutex
	inflight map[page.No]*load
	hits     atomic.Uint64
	_        [40]byte
}

const shards = 256

func (p *Pool) bucket(no page.No) uint64 {
	return (uint64(no) * 0x9E3779B97F4A7C15) >> p.shift
}

func (p *Pool) shard(no page.No) *shard { return &p.shards[p.bucket(no)%shards] }

// lookup finds a page and pins it, without a lock. It may miss a page whose chain changes meanwhile.
func (p *Pool) lookup(no page.No) (uint32, bool) {
	b := p.bucket(no)
	i := p.buckets[b].Load()
	for steps := 0; i != 0 && steps < 32; steps++ {
		f := &p.frames[i-1]
		if f.key.Load() == keyOf(no) {
			if !f.tryPin() {
				return 0, false
			}
			if f.key.Load() == keyOf(no) {
				p.shards[b%shards].hits.Add(1)
				return i - 1, true
			}
			f.unpin()
			return 0, false
		}
		i = f.next.Load()
	}
	return 0, false
}

// find is lookup under the shard's mutex: it never misses, and no frame in a chain is frozen then.
func (p *Pool) find(no page.No) (uint32, bool) {
	for i := p.buckets[p.bucket(no)].Load(); i != 0; i = p.frames[i-1].next.Load() {
		if p.frames[i-1].key.Load() == keyOf(no) {
			return i - 1, true
		}
	}
	return 0, false
}

// insert publishes a frozen frame as page no with pins pins. The shard's mutex is held.
func (p *Pool) insert(i uint32, no page.No, lsn page.LSN, pins int32) {
	f, b := &p.frames[i], p.bucket(no)
	f.lsn.Store(uint64(lsn))
	f.freq.Store(0)
	f.hint = 0
	f.key.Store(keyOf(no))
	f.next.Store(p.buckets[b].Load())
	f.pins.Add(pins - frozen)
	p.buckets[b].Store(i + 1)
}

// unlink takes a frozen frame out of its chain. The shard's mutex is held.
func (p *Pool) unlink(i uint32, no page.No) {
	at := &p.buckets[p.bucket(no)]
	for at.Load() != i+1 {
		at = &p.frames[at.Load()-1].next
	}
	at.Store(p.frames[i].next.Load())
	p.frames[i].key.Store(0)
}
