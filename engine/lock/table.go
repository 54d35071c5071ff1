package lock

import (
	"encoding/binary"
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zoryadb/zorya/base/linked"
	"github.com/zoryadb/zorya/storage/page"
)

const (
	shards  = 256
	buckets = 1 << 16 // of released commit LSNs; more buckets, fewer waits for commits of strangers
)

// Metadata is the space of metadata locks; index ids are above it.
const Metadata uint64 = 0

// Table is the lock table.
type Table struct {
	seed   maphash.Seed
	shard  [shards]shard
	commit [buckets]atomic.Uint64

	waits   sync.Mutex          // orders enqueuing and deadlock searches
	waiters map[*Owner]struct{} // those that wait; guarded by waits
	latest  atomic.Pointer[Deadlock]

	// queued counts the queues of a space, by its number: no row of an index is locked explicitly while there are none.
	queued [1 << 12]atomic.Int32

	gapsMu sync.RWMutex
	gaps   map[uint64]*gapSet

	Waits, Deadlocks, Timeouts atomic.Uint64
	RowWaits                   WaitTimes // without those for metadata locks
}

// WaitTimes sums up waits for row locks, those for gaps included.
type WaitTimes struct {
	Count, Nanos, Longest atomic.Uint64
	Now                   atomic.Int64 // waits that are on
}

func (w *WaitTimes) ended(d time.Duration) {
	w.Now.Add(-1)
	w.Nanos.Add(uint64(d))
	raise(&w.Longest, uint64(d))
}

type shard struct {
	table  *Table
	mu     sync.Mutex
	queues map[string]*queue
	free   linked.List[request] // requests for later
	_      [32]byte
}

// New returns an empty lock table.
func New() *Table {
	t := &Table{seed: maphash.MakeSeed(), gaps: make(map[uint64]*gapSet), waiters: make(map[*Owner]struct{})}
	for i := range t.shard {
		t.shard[i].table, t.shard[i].queues = t, make(map[string]*queue)
	}
	return t
}

// Owner is a transaction in the lock table. The zero value is an ended one; Begin makes it live.
type Owner struct {
	mu    sync.Mutex
	epoch uint64 // grows with each Begin; stays while o is in a queue
	trx   uint64 // its transaction id, 0 while it has none
	live  bool
	rows  []*request
	meta  []*request
	gaps  []*interval

	// Weight is the cost of choosing this owner as a deadlock's victim: rows it changed. Locks count one each.
	Weight atomic.Int64
	// Session names the owner in lock views.
	Session uint64
	// Gapless owners lock gaps in uniqueness checks only: they read what is committed. Set before the first lock.
	Gapless bool

	dep  page.LSN // highest commit LSN released through a bucket in which it locked; owner's goroutine only
	name []byte

	// Guarded by Table.waits: what it waits for, since when, and in which statement.
	waiting waitable
	since   time.Time
	text    string
	wake    chan error

	// Room for the usual number without an allocation.
	rowRoom  [8]*request
	metaRoom [2]*request
	nameRoom [48]byte
}

// Begin makes o the owner of a new transaction.
func (o *Owner) Begin(session uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.epoch++
	o.live, o.trx, o.dep, o.Session = true, 0, 0, session
	if o.rows == nil {
		o.rows = o.rowRoom[:0]
	}
	if o.meta == nil {
		o.meta = o.metaRoom[:0]
	}
	if o.name == nil {
		o.name = o.nameRoom[:0]
	}
	o.Weight.Store(0)
}

// SetTrx tells the lock table the owner's transaction id, before the first version that carries it exists.
func (o *Owner) SetTrx(id uint64) {
	o.mu.Lock()
	o.trx = id
	o.mu.Unlock()
}

// Depends returns the highest commit LSN released through the buckets in which o locked.
func (o *Owner) Depends() page.LSN { return o.dep }

// Rows is the number of explicit row locks that o holds.
func (o *Owner) Rows() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.rows)
}

// at makes the name of (space, key) in o's buffer and finds its shard and bucket.
func (t *Table) at(buf []byte, space uint64, key []byte) (name []byte, s *shard, b *atomic.Uint64) {
	name = binary.BigEndian.AppendUint64(buf[:0], space)
	name = append(name, key...)
	h := maphash.Bytes(t.seed, name)
	return name, &t.shard[h%shards], &t.commit[h>>32%buckets]
}

func (s *shard) request() *request {
	r := s.free.First()
	if r == nil {
		return &request{}
	}
	s.free.Remove(&r.link)
	return r
}

// keepQueues bounds the empty queues of metadata names that a shard keeps: tables are locked again and again.
const keepQueues = 256

func (s *shard) drop(q *queue) {
	if q.requests.First() == nil && (len(s.queues) > keepQueues || q.name[:8] != metadataName) {
		delete(s.queues, q.name)
		s.table.queuesOf(binary.BigEndian.Uint64([]byte(q.name[:8]))).Add(-1)
	}
}

func (t *Table) queuesOf(space uint64) *atomic.Int32 { return &t.queued[space%uint64(len(t.queued))] }

const metadataName = "\x00\x00\x00\x00\x00\x00\x00\x00" // how names of metadata begin

func (s *shard) queue(name []byte) *queue {
	q := s.queues[string(name)]
	if q == nil {
		q = &queue{name: string(name)}
		s.queues[q.name] = q
		s.table.queuesOf(binary.BigEndian.Uint64(name)).Add(1)
	}
	return q
}

// Try locks (space, key) for o if nobody is in the way, and reports whether o has the lock now. It never waits.
func (t *Table) Try(o *Owner, space uint64, key []byte, m Mode) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	var s *shard
	var b *atomic.Uint64
	o.name, s, b = t.at(o.name, space, key)
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[string(o.name)]
	upgrade := false
	if q != nil {
		var have Mode
		if have, upgrade = o.holds(space, q); upgrade && have >= m {
			return true
		}
		if !q.free(o, m, upgrade, nil) {
			return false
		}
	} else {
		q = s.queue(o.name)
	}
	r := s.request()
	r.owner, r.mode, r.granted = o, m, true
	q.push(r)
	q.check()
	o.add(space, r)
	o.depend(b)
	return true
}

// Check reports whether o could have the lock now, without taking it: the write that follows under the same page latch
// locks the row implicitly. Only if o has a weaker lock there it takes the stronger one: others may wait for those that wait for
// the weaker, and would get the row when they go.
func (t *Table) Check(o *Owner, space uint64, key []byte, m Mode) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	var s *shard
	var b *atomic.Uint64
	o.name, s, b = t.at(o.name, space, key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if q := s.queues[string(o.name)]; q != nil {
		have, any := o.holds(space, q)
		if any && have >= m {
			return true
		}
		if !q.free(o, m, any, nil) {
			return false
		}
		if any {
			r := s.request()
			r.owner, r.mode, r.granted, r.written = o, m, true, true
			q.push(r)
			q.check()
			o.add(space, r)
		}
	}
	o.depend(b)
	return true
}

// holds is queue.held for o's own goroutine, by whichever is shorter: what o holds or the queue. o.mu is held.
func (o *Owner) holds(space uint64, q *queue) (m Mode, any bool) {
	own := o.rows
	if space == Metadata {
		own = o.meta
	}
	if len(own) > q.requests.Len() {
		return q.held(o)
	}
	for _, r := range own {
		if r.q == q && r.granted {
			m, any = max(m, r.mode), true
		}
	}
	return m, any
}

func (o *Owner) add(space uint64, r *request) {
	if space == Metadata {
		o.meta = append(o.meta, r)
	} else {
		o.rows = append(o.rows, r)
	}
}

func (o *Owner) depend(b *atomic.Uint64) {
	if lsn := page.LSN(b.Load()); lsn > o.dep {
		o.dep = lsn
	}
}

// Grant makes the implicit lock of transaction trx on (space, key) explicit: it gives o an exclusive lock, unless o is not
// that transaction any more. It reports whether it is. It is called under the latch of the page where the row says that it is trx's:
// a statement that is rolled back gives its rows to others while its transaction lives on.
func (t *Table) Grant(o *Owner, trx, space uint64, key []byte) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.live || o.trx != trx {
		return false
	}
	name, s, _ := t.at(nil, space, key)
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queue(name)
	if have, any := q.held(o); any && have == Exclusive {
		return true
	}
	r := s.request()
	r.owner, r.mode, r.granted, r.written = o, Exclusive, true, true
	q.pushFront(r)
	q.check()
	o.add(space, r)
	return true
}

// Release gives back all row and gap locks of o, and its implicit ones: it is not live any more. lsn is that of the
// commit record, 0 when the transaction changed nothing that lasts.
func (t *Table) Release(o *Owner, lsn page.LSN) {
	o.mu.Lock()
	o.live = false
	rows := o.rows
	o.rows = nil
	o.mu.Unlock()
	for i := len(rows) - 1; i >= 0; i-- {
		t.release(rows[i], lsn)
	}
	clear(rows)
	if cap(rows) <= 1024 {
		o.mu.Lock()
		if o.rows == nil {
			o.rows = rows[:0]
		}
		o.mu.Unlock()
	}
	t.releaseGaps(o, 0)
}

// ReleaseMetadata gives back o's metadata locks: after the commit is durable.
func (t *Table) ReleaseMetadata(o *Owner) {
	o.mu.Lock()
	meta := o.meta
	o.meta = nil
	o.mu.Unlock()
	for i := len(meta) - 1; i >= 0; i-- {
		t.release(meta[i], 0)
	}
	clear(meta)
	o.mu.Lock()
	if o.meta == nil {
		o.meta = meta[:0]
	}
	o.mu.Unlock()
}

// TakeMetadata moves o's metadata locks to a holder that outlives the transaction: they are released at VDL.
func (t *Table) TakeMetadata(o *Owner) Held {
	o.mu.Lock()
	defer o.mu.Unlock()
	h := Held(o.meta)
	o.meta = nil
	return h
}

// Held is a set of locks apart from its owner.
type Held []*request

// ReleaseHeld gives them back.
func (t *Table) ReleaseHeld(h Held) {
	for _, r := range h {
		t.release(r, 0)
	}
}

// Unlock gives back o's row lock on (space, key) alone, before its transaction ends; nothing if there is none.
func (t *Table) Unlock(o *Owner, space uint64, key []byte) {
	name := append(binary.BigEndian.AppendUint64(nil, space), key...)
	o.mu.Lock()
	i := slices.IndexFunc(o.rows, func(r *request) bool { return r.q.name == string(name) })
	var r *request
	if i >= 0 {
		r = o.rows[i]
		o.rows = slices.Delete(o.rows, i, i+1)
	}
	o.mu.Unlock()
	if r != nil {
		t.release(r, 0)
	}
}

// Queued reports whether anybody holds or waits for a row lock in the space, or in one of the few that share its count.
func (t *Table) Queued(space uint64) bool { return t.queuesOf(space).Load() > 0 }

// Mark is the number of row locks held, for UnlockTo.
func (o *Owner) Mark() int { return o.Rows() }

// UnlockTo gives back row locks beyond the first mark ones: those of a row that did not match. Locks that others have made explicit
// meanwhile (Grant) stay.
func (t *Table) UnlockTo(o *Owner, mark int) {
	for {
		o.mu.Lock()
		i := len(o.rows) - 1
		for i >= mark && o.rows[i].written {
			i--
		}
		if i < mark {
			o.mu.Unlock()
			return
		}
		r := o.rows[i]
		o.rows = slices.Delete(o.rows, i, i+1)
		o.mu.Unlock()
		t.release(r, 0)
	}
}

func (t *Table) release(r *request, lsn page.LSN) {
	h := maphash.String(t.seed, r.q.name)
	s := &t.shard[h%shards]
	if lsn > 0 {
		raise(&t.commit[h>>32%buckets], uint64(lsn))
	}
	s.mu.Lock()
	q := r.q
	q.remove(r)
	if q.requests.First() == nil {
		s.drop(q)
	} else {
		q.grant(t.granted)
	}
	*r = request{}
	s.free.PushFront(&r.link, r)
	s.mu.Unlock()
}

func (t *Table) shardOf(r *request) *shard {
	return &t.shard[maphash.String(t.seed, r.q.name)%shards]
}

func raise(a *atomic.Uint64, v uint64) {
	for {
		old := a.Load()
		if old >= v || a.CompareAndSwap(old, v) {
			return
		}
	}
}
