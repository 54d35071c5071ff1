package undo

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/zoryadb/zorya/engine/buffer"
	"github.com/zoryadb/zorya/engine/mtr"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/space"
	"github.com/zoryadb/zorya/storage/page"
)

// Page types.
const (
	TypeLog       page.Type = 16
	TypeDirectory page.Type = 17
)

// Layout of a log page. A record is u16 length, u16 offset of the record before in this page (0: none), bytes.
const (
	offState = 32 // u64: state in the highest byte, transaction id below
	offFree  = 40 // u16: where the next record goes
	offLast  = 42 // u16: the last record, 0 if none
	offLog   = 44 // u32: number of the log
	offPrev  = 48 // u64: page before, 0 if none
	offNext  = 56 // u64: page after, 0 if none
	offFirst = 64 // u64: roll pointer of the last transaction's Begin
	offCont  = 72 // u64: the transaction whose records go on here from the page before, 0 if none
	offCount = 80 // u64: row records of that transaction in the pages before
	offBegun = 88 // u64: transactions that had begun in this log before this page
	offBody  = 96

	frame = 4
	// MaxRecord bounds one record.
	MaxRecord = page.Size - offBody - frame
)

// State of a log's last transaction.
type State uint8

// States. Active also while it rolls back.
const (
	Idle State = iota
	Active
	Committed
	RolledBack
	Prepared
)

// Log is one undo log. Its owner (the transaction that acquired it, or purge while it is idle) uses it alone.
type Log struct {
	n     uint32
	set   *Set
	tail  page.No
	at    atomic.Uint64 // the tail, for Check
	free  int
	last  int     // 0: the tail has no record yet
	prior row.Ptr // the last record before the tail
	trx   uint64
	state State
	first row.Ptr
	rows  uint64 // row changes that the last transaction's records tell
	begun uint64 // transactions that ever began here
	kept  uint64 // of those, how many had ended when the set was opened and have records that purge had not left

	// Purge's place: the record it looks at next. Only purge moves it.
	head row.Ptr
	// PurgeTrx is the transaction whose records purge is at, PurgeSkip says that it was rolled back.
	PurgeTrx  uint64
	PurgeSkip bool
	busy      bool        // acquired; guarded by Set.mu
	dirty     atomic.Bool // has records that purge has not passed

	buf []byte
}

// Set is the undo logs of an instance.
type Set struct {
	sp   *space.Space
	pool *buffer.Pool
	ino  space.Inode

	mu   sync.Mutex
	idle []*Log
	all  []*Log
	dirs []page.No
	grow sync.Mutex

	pages  atomic.Int64  // of all logs and the directory
	grown  atomic.Uint64 // pages added since Open
	urgent func()        // called whenever another UrgentPages have been added
}

// UrgentPages is how many pages the logs may grow by before purge is told: 16 MiB of undo.
const UrgentPages = 1024

// OnGrowth sets what is called, from any goroutine and under locks, whenever the logs have grown by UrgentPages. Before the first Acquire.
func (s *Set) OnGrowth(fn func()) { s.urgent = fn }

// Pages is how many pages the logs and their directory have.
func (s *Set) Pages() int64 { return s.pages.Load() }

// added counts a new page.
func (s *Set) added() {
	s.pages.Add(1)
	if n := s.grown.Add(1); n%UrgentPages == 0 && s.urgent != nil {
		s.urgent()
	}
}

// Owner is the owner of undo pages in the space.
const Owner uint64 = space.MinOwner

// Directory page: u64 next directory page at 32, u32 count at 40, then for each log u64 head page, u64 tail page.
const (
	dirNext  = 32
	dirCount = 40
	dirBody  = 48
	dirEntry = 16
	dirMax   = (page.Size - dirBody) / dirEntry
)

// Format makes an empty set in m and returns its first directory page and its inode, for the volume header.
func Format(m *mtr.MTR, sp *space.Space) (dir page.No, ino space.Inode, err error) {
	if ino, err = sp.CreateInode(m, Owner); err != nil {
		return 0, 0, fmt.Errorf("format undo: %w", err)
	}
	if dir, err = sp.AllocPage(m, ino, 0); err != nil {
		return 0, 0, fmt.Errorf("format undo: %w", err)
	}
	m.Init(dir, TypeDirectory, Owner)
	return dir, ino, nil
}

// Open reads the directory and every log's tail. InFlight then tells which transactions were cut short.
func Open(ctx context.Context, sp *space.Space, dir page.No, ino space.Inode) (*Set, error) {
	s := &Set{sp: sp, pool: sp.Pool(), ino: ino}
	pages, err := sp.PagesOf(ctx, ino)
	if err != nil {
		return nil, fmt.Errorf("pages of undo: %w", err)
	}
	s.pages.Store(int64(pages))
	type ends struct{ head, tail page.No }
	var logs []ends
	for dir != 0 {
		g, err := s.fetch(ctx, dir, TypeDirectory)
		if err != nil {
			return nil, fmt.Errorf("undo directory: %w", err)
		}
		b := g.Bytes()
		n := int(binary.LittleEndian.Uint32(b[dirCount:]))
		if n > dirMax {
			g.Unlatch()
			return nil, fmt.Errorf("undo directory %d: %d entries: %w", dir, n, ErrCorrupt)
		}
		for i := range n {
			e := b[dirBody+i*dirEntry:]
			logs = append(logs, ends{page.No(binary.LittleEndian.Uint64(e)), page.No(binary.LittleEndian.Uint64(e[8:]))})
		}
		s.dirs = append(s.dirs, dir)
		dir = page.No(binary.LittleEndian.Uint64(b[dirNext:]))
		g.Unlatch()
	}
	tails := make([]page.No, len(logs))
	for i, e := range logs {
		tails[i] = e.tail
		if e.head != e.tail {
			tails = append(tails, e.head)
		}
	}
	s.pool.Prefetch(tails)
	for i, e := range logs {
		h, err := s.fetch(ctx, e.head, TypeLog)
		if err != nil {
			return nil, fmt.Errorf("head of undo log %d: %w", i, err)
		}
		cont, left := binary.LittleEndian.Uint64(h.Bytes()[offCont:]), binary.LittleEndian.Uint64(h.Bytes()[offBegun:])
		h.Unlatch()
		l := &Log{n: uint32(i), set: s, tail: e.tail, head: row.MakePtr(uint64(e.head), offBody), PurgeTrx: cont}
		g, err := s.fetch(ctx, e.tail, TypeLog)
		if err != nil {
			return nil, fmt.Errorf("tail of undo log %d: %w", i, err)
		}
		b := g.Bytes()
		l.free, l.last = int(binary.LittleEndian.Uint16(b[offFree:])), int(binary.LittleEndian.Uint16(b[offLast:]))
		st := binary.LittleEndian.Uint64(b[offState:])
		l.state, l.trx = State(st>>56), st&(1<<56-1)
		l.first = row.Ptr(binary.LittleEndian.Uint64(b[offFirst:]))
		if l.free < offBody || l.free > page.Size {
			g.Unlatch()
			return nil, fmt.Errorf("tail %d of undo log %d: %w", e.tail, i, ErrCorrupt)
		}
		if l.rows, l.begun, err = count(b, l.first); err == nil {
			l.kept = l.begun - left
			if l.state == Active || l.state == Prepared {
				l.kept--
			} else {
				l.rows = 0
			}
		}
		prev := page.No(binary.LittleEndian.Uint64(b[offPrev:]))
		g.Unlatch()
		if err == nil && l.last == 0 {
			l.prior, err = s.lastOf(ctx, prev)
		}
		if err != nil {
			return nil, fmt.Errorf("tail of undo log %d: %w", i, err)
		}
		l.dirty.Store(l.free > offBody || e.head != e.tail)
		l.at.Store(uint64(l.tail))
		s.all = append(s.all, l)
		if l.state == Active || l.state == Prepared {
			l.busy = true
		} else {
			s.idle = append(s.idle, l)
		}
	}
	return s, nil
}

// count tells of a log's tail page b how many row changes the transaction whose Begin is at first has made, and how many transactions have begun in the log.
func count(b []byte, first row.Ptr) (rows, begun uint64, err error) {
	var r Record
	rows, begun = binary.LittleEndian.Uint64(b[offCount:]), binary.LittleEndian.Uint64(b[offBegun:])
	for off := offBody; off < int(binary.LittleEndian.Uint16(b[offFree:])); {
		rec, err := frameAt(b, off)
		if err != nil {
			return 0, 0, err
		}
		if err := r.Parse(rec); err != nil {
			return 0, 0, err
		}
		if r.Type == Begin {
			begun++
		}
		if first.Page() == uint64(page.GetNo(b)) && first.Off() == off {
			rows = 0
		}
		rows += r.Changes()
		off += frame + len(rec)
	}
	return rows, begun, nil
}

func (s *Set) fetch(ctx context.Context, no page.No, t page.Type) (buffer.Page, error) {
	g, err := s.pool.Fetch(ctx, no, buffer.Shared)
	if err != nil {
		return g, err
	}
	if got := page.GetType(g.Bytes()); got != t {
		g.Unlatch()
		return g, fmt.Errorf("page %d has type %d, not %d: %w", no, got, t, ErrCorrupt)
	}
	return g, nil
}

// InFlight returns the logs whose last transaction neither committed nor was rolled back.
func (s *Set) InFlight() []*Log {
	s.mu.Lock()
	defer s.mu.Unlock()
	var in []*Log
	for _, l := range s.all {
		if l.busy {
			in = append(in, l)
		}
	}
	return in
}

// A log that has rested can be rewound, which is one record; a tail that fills up costs a page and its way through the space.
const (
	roomy   = page.Size * 7 / 8 // a tail filled below this takes a usual transaction
	manyLog = 128               // as many logs are made rather than that a tail is filled up
)

// Acquire gives out a log for a new write transaction: the one that has rested longest among those whose tail has room.
func (s *Set) Acquire(ctx context.Context) (*Log, error) {
	s.mu.Lock()
	at := -1
	for i, l := range s.idle {
		if l.free < roomy {
			at = i
			break
		}
	}
	if at < 0 && len(s.all) >= manyLog && len(s.idle) > 0 {
		at = 0
	}
	if at >= 0 {
		l := s.idle[at]
		s.idle = append(s.idle[:at], s.idle[at+1:]...)
		l.busy = true
		s.mu.Unlock()
		return l, nil
	}
	s.mu.Unlock()
	return s.create(ctx)
}

// create adds a log to the directory.
func (s *Set) create(ctx context.Context) (*Log, error) {
	s.grow.Lock()
	defer s.grow.Unlock()
	m, err := mtr.Start(ctx, s.pool, 4+2*space.Records, 4<<10+2*space.Bytes)
	if err != nil {
		return nil, fmt.Errorf("new undo log: %w", err)
	}
	n := len(s.all)
	dir, err := m.Latch(s.dirs[len(s.dirs)-1])
	if err != nil {
		m.Abandon()
		return nil, fmt.Errorf("new undo log: %w", err)
	}
	no, err := s.sp.AllocPage(m, s.ino, 0)
	if err != nil {
		m.Abandon()
		return nil, fmt.Errorf("page of undo log %d: %w", n, err)
	}
	if n > 0 && n%dirMax == 0 {
		next, err := s.sp.AllocPage(m, s.ino, 0)
		if err != nil {
			m.Abandon()
			return nil, fmt.Errorf("directory page for undo log %d: %w", n, err)
		}
		dir.SetU64(dirNext, uint64(next))
		dir = m.Init(next, TypeDirectory, Owner)
		s.dirs = append(s.dirs, next)
		s.pages.Add(1)
	}
	p := m.Init(no, TypeLog, Owner)
	l := &Log{n: uint32(n), set: s, tail: no, free: offBody, head: row.MakePtr(uint64(no), offBody), busy: true}
	p.SetU16(offFree, offBody)
	p.SetU32(offLog, l.n)
	at := dirBody + n%dirMax*dirEntry
	dir.SetU64(at, uint64(no))
	dir.SetU64(at+8, uint64(no))
	dir.SetU32(dirCount, uint32(n%dirMax+1))
	m.Commit(nil)
	s.added()
	l.at.Store(uint64(no))
	s.mu.Lock()
	s.all = append(s.all, l)
	s.mu.Unlock()
	return l, nil
}

// History is how many transactions had ended by Open and have records that purge had not left: those of the pages between the logs' ends, of
// which purge looks at each once more.
func (s *Set) History() (n int64) {
	for _, l := range s.Logs() {
		n += int64(l.kept)
	}
	return n
}

// Release gives the log back after its transaction ended.
func (s *Set) Release(l *Log) {
	s.mu.Lock()
	l.busy = false
	s.idle = append(s.idle, l)
	s.mu.Unlock()
}

// Logs returns all logs.
func (s *Set) Logs() []*Log {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*Log(nil), s.all...)
}

// Trx and State describe the log's last transaction; the owner asks.
func (l *Log) Trx() uint64  { return l.trx }
func (l *Log) State() State { return l.state }

// Rows is how many row changes the last transaction's records tell, those included that a partial rollback has taken back; the owner asks.
func (l *Log) Rows() uint64 { return l.rows }

// Last is the log's last record: a savepoint. It may stand before a tail that was added and has not been written to.
func (l *Log) Last() row.Ptr {
	if l.last == 0 {
		return l.prior
	}
	return row.MakePtr(uint64(l.tail), l.last)
}

// Room reports whether records of n bytes in all, count records, fit the tail. A transaction's Begin is counted in.
func (l *Log) Room(n, count int) bool {
	return l.free+n+count*frame+frame+12 <= page.Size
}

// Left is the size up to which one more record fits the tail.
func (l *Log) Left() int { return page.Size - l.free - 2*frame - 12 }

// Extend adds a page to the log, after which Room holds for one record of MaxRecord/2 bytes at least.
func (l *Log) Extend(ctx context.Context) error {
	s := l.set
	s.grow.Lock() // orders changes of the directory
	defer s.grow.Unlock()
	m, err := mtr.Start(ctx, s.pool, 4+2*space.Records, 4<<10+2*space.Bytes)
	if err != nil {
		return fmt.Errorf("extend undo log %d: %w", l.n, err)
	}
	dir, err := m.Latch(s.dirs[int(l.n)/dirMax])
	if err != nil {
		m.Abandon()
		return fmt.Errorf("extend undo log %d: %w", l.n, err)
	}
	old, err := m.Latch(l.tail)
	if err != nil {
		m.Abandon()
		return fmt.Errorf("extend undo log %d: %w", l.n, err)
	}
	no, err := s.sp.AllocPage(m, s.ino, l.tail)
	if err != nil {
		m.Abandon()
		return fmt.Errorf("extend undo log %d: %w", l.n, err)
	}
	p := m.Init(no, TypeLog, Owner)
	p.SetU64(offState, uint64(l.state)<<56|l.trx)
	p.SetU16(offFree, offBody)
	p.SetU32(offLog, l.n)
	p.SetU64(offPrev, uint64(l.tail))
	p.SetU64(offFirst, uint64(l.first))
	p.SetU64(offBegun, l.begun)
	if l.state == Active {
		p.SetU64(offCont, l.trx)
		p.SetU64(offCount, l.rows)
	}
	old.SetU64(offNext, uint64(no))
	dir.SetU64(dirBody+int(l.n)%dirMax*dirEntry+8, uint64(no))
	m.Commit(nil)
	s.added()
	l.prior = l.Last()
	l.tail, l.free, l.last = no, offBody, 0
	l.at.Store(uint64(no))
	return nil
}

// Writer appends records to a log in one MTR.
type Writer struct {
	l    *Log
	p    *mtr.Page
	from int
	buf  []byte
	last int
}

// Open latches the tail in m: before m changes anything. trx is the transaction that has the log; its first
// writer begins it there.
func (l *Log) Open(m *mtr.MTR, trx uint64) (w Writer, err error) {
	p, err := m.Latch(l.tail)
	if err != nil {
		return w, fmt.Errorf("tail of undo log %d: %w", l.n, err)
	}
	w = Writer{l: l, p: p, from: l.free, buf: l.buf[:0], last: l.last}
	if l.trx != trx || l.state != Active {
		l.trx, l.state, l.rows = trx, Active, 0
		l.begun++
		l.first = w.Add(&Record{Type: Begin, Trx: trx})
		p.SetU64(offState, uint64(Active)<<56|trx)
		p.SetU64(offFirst, uint64(l.first))
	}
	return w, nil
}

// Add appends a record and returns its roll pointer. The caller has seen to it that there is Room.
func (w *Writer) Add(r *Record) row.Ptr {
	at := len(w.buf)
	off := w.from + at
	w.buf = append(w.buf, 0, 0, 0, 0)
	w.buf = r.Append(w.buf)
	binary.LittleEndian.PutUint16(w.buf[at:], uint16(len(w.buf)-at))
	binary.LittleEndian.PutUint16(w.buf[at+2:], uint16(w.last))
	w.last = off
	w.l.rows += r.Changes()
	return row.MakePtr(uint64(w.l.tail), off)
}

// Close writes what was added.
func (w *Writer) Close() {
	l := w.l
	if len(w.buf) > 0 {
		w.p.Set(w.from, w.buf)
		l.free, l.last = w.from+len(w.buf), w.last
		w.p.SetU32(offFree, uint32(l.free)|uint32(l.last)<<16)
		l.dirty.Store(true)
	}
	l.buf = w.buf
}

// End sets the state of the log's transaction in m, whose commit then ends the transaction.
func (l *Log) End(m *mtr.MTR, st State) error {
	p, err := m.Latch(l.tail)
	if err != nil {
		return fmt.Errorf("end transaction %d in undo log %d: %w", l.trx, l.n, err)
	}
	l.state = st
	p.SetU64(offState, uint64(st)<<56|l.trx)
	return nil
}

// Latch latches the tail in m, so that a record can be added after pages of a higher order were latched.
func (l *Log) Latch(m *mtr.MTR) error {
	_, err := m.Latch(l.tail)
	return err
}

// Wrote reports whether the log holds records of transaction trx.
func (l *Log) Wrote(trx uint64) bool {
	return l.trx == trx && (l.state == Active || l.state == Prepared)
}

// EndRolledBack is End for a transaction all of whose changes were taken back: its Begin says so to purge.
func (l *Log) EndRolledBack(m *mtr.MTR) error {
	if err := l.set.Mark(m, l.first, true, false); err != nil {
		return err
	}
	return l.End(m, RolledBack)
}

// Mark sets a flag of the record at p in m.
func (s *Set) Mark(m *mtr.MTR, p row.Ptr, undone, done bool) error {
	g, err := m.Latch(page.No(p.Page()))
	if err != nil {
		return fmt.Errorf("mark undo record at %d:%d: %w", p.Page(), p.Off(), err)
	}
	at := p.Off() + frame + flagsOff
	f := g.Bytes()[at]
	if undone {
		f |= flagUndone
	}
	if done {
		f |= flagDone
	}
	g.Set(at, []byte{f})
	return nil
}

// AddTo appends one record in m, on which the caller has Room.
func (l *Log) AddTo(m *mtr.MTR, trx uint64, r *Record) error {
	w, err := l.Open(m, trx)
	if err != nil {
		return err
	}
	w.Add(r)
	w.Close()
	return nil
}
