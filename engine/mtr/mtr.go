package mtr

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/zoryadb/zorya/engine/buffer"
	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/redo"
)

// imageAt is the length of a page's ops from which on Commit tries whether an image of the page is
// shorter; packAt replaces them at once, so that a record stays below redo.MaxRecord.
const (
	imageAt = 4 << 10
	packAt  = 40 << 10
)

// ErrTooManyPages means that an MTR latched more pages than one can log.
var ErrTooManyPages = errors.New("mini-transaction has too many pages")

// MTR is a mini-transaction under way. It is used by one goroutine. MTRs are pooled: none may be used after
// Commit or Abandon.
type MTR struct {
	ctx     context.Context
	pool    *buffer.Pool
	rec     redo.MTR
	pages   []*Page // [:n] are latched; what lies behind is kept for later MTRs
	n       int
	held    []sync.Locker
	freed   []freedPage
	image   []byte
	changed bool
}

// freedPage is a latched page that becomes absent: change is the index of its FreeRange.
type freedPage struct {
	p      *Page
	change int
}

// Page is a page that its MTR holds X-latched, until the MTR ends.
type Page struct {
	m      *MTR
	g      buffer.Page
	b      []byte
	no     page.No
	change int // index of its change in the MTR's record list; -1: unchanged
	keep   bool
}

var idle = sync.Pool{New: func() any { return new(MTR) }}

// Start begins an MTR of at most that many records and bytes of ops. It waits for room in the log and
// for the share of pages above VDL to fall below half of the pool. The caller holds no latch.
// ctx also bounds the reads of Latch until the first change.
func Start(ctx context.Context, pool *buffer.Pool, records, bytes int) (*MTR, error) {
	if err := pool.Admit(ctx); err != nil {
		return nil, fmt.Errorf("start a mini-transaction: %w", err)
	}
	if err := pool.Volume().Admit(ctx, records, bytes); err != nil {
		return nil, fmt.Errorf("start a mini-transaction: %w", err)
	}
	m := idle.Get().(*MTR)
	m.ctx, m.pool = ctx, pool
	return m, nil
}

// Latch returns the page with its exclusive latch, held until the MTR ends; asked again, the same Page.
// Once the MTR has changed something it waits for the page for as long as the volume lives.
func (m *MTR) Latch(no page.No) (*Page, error) {
	if p := m.latched(no); p != nil {
		return p, nil
	}
	if m.n >= redo.MaxMTRPages {
		return nil, fmt.Errorf("latch page %d: %w", no, ErrTooManyPages)
	}
	g, err := m.pool.Fetch(m.ctx, no, buffer.Exclusive)
	for wait := time.Millisecond; err != nil && m.changed && m.pool.Volume().Err() == nil; wait = min(2*wait, 100*time.Millisecond) {
		time.Sleep(wait)
		g, err = m.pool.Fetch(context.WithoutCancel(m.ctx), no, buffer.Exclusive)
	}
	if err != nil {
		return nil, err
	}
	return m.add(no, g), nil
}

// LatchCached is Latch for a page that is in the pool; it never reads, and reports false if it would have to.
func (m *MTR) LatchCached(no page.No) (*Page, bool) {
	if p := m.latched(no); p != nil {
		return p, true
	}
	g, ok := m.pool.FetchCached(no, buffer.Exclusive)
	if !ok || m.n >= redo.MaxMTRPages {
		return nil, false
	}
	return m.add(no, g), true
}

func (m *MTR) latched(no page.No) *Page {
	for _, p := range m.pages[:m.n] {
		if p.no == no {
			return p
		}
	}
	return nil
}

func (m *MTR) add(no page.No, g buffer.Page) *Page {
	if m.n == len(m.pages) {
		m.pages = append(m.pages, new(Page))
	}
	p := m.pages[m.n]
	m.n++
	*p = Page{m: m, g: g, b: g.Bytes(), no: no, change: -1}
	return p
}

// Unlatch gives one page back before the MTR ends, for descents that went past it. The page must be unchanged.
func (m *MTR) Unlatch(p *Page) {
	if p.change >= 0 {
		panic(fmt.Sprintf("mtr: unlatch of page %d, which was changed", p.no))
	}
	p.g.Unlatch()
	for i, q := range m.pages[:m.n] {
		if q == p {
			m.n--
			m.pages[i], m.pages[m.n] = m.pages[m.n], m.pages[i]
			return
		}
	}
}

// Init latches a page that the space has just handed out, and begins its new life without reading it.
func (m *MTR) Init(no page.No, t page.Type, owner uint64) *Page {
	p := m.latched(no)
	if p == nil {
		g, err := m.pool.Create(context.WithoutCancel(m.ctx), no)
		if err != nil {
			// The pool has no frame to give although the volume lives, or the instance is lost. The space has handed
			// the page out in this MTR, so there is no way back.
			panic(fmt.Sprintf("mtr: create page %d: %v", no, err))
		}
		p = m.add(no, g)
	}
	if p.change >= 0 {
		panic(fmt.Sprintf("mtr: init of page %d, which this mini-transaction changed", no))
	}
	// What the frame held belongs to the page's former life, which ended with a FreeRange: nothing precedes.
	p.begin(0)
	c := m.rec.Change(p.change)
	c.Ops = page.AppendInit(c.Ops, t, owner)
	page.ApplyOps(p.b, c.Ops)
	return p
}

// FreeRange records that pages [first, first+n) are free; they lie in one protection group. Pages of
// the range that this MTR holds latched must be unchanged. Package space calls it.
func (m *MTR) FreeRange(first page.No, n uint32) {
	m.changed = true
	m.rec.FreeRange(first, n)
	for _, p := range m.pages[:m.n] {
		if p.no >= first && p.no < first+page.No(n) {
			if p.change >= 0 {
				panic(fmt.Sprintf("mtr: page %d is freed after it was changed", p.no))
			}
			p.g.BeginChange()
			m.freed = append(m.freed, freedPage{p, m.rec.Len() - 1})
		}
	}
}

// Hold takes l and gives it back when the MTR ends; a second Hold of the same l does nothing.
func (m *MTR) Hold(l sync.Locker) {
	for _, h := range m.held {
		if h == l {
			return
		}
	}
	l.Lock()
	m.held = append(m.held, l)
}

// Changed reports whether the MTR has changed anything: from then on it must be committed.
func (m *MTR) Changed() bool { return m.changed }

// Pool is the pool that the MTR works in; Context is what Start was given.
func (m *MTR) Pool() *buffer.Pool       { return m.pool }
func (m *MTR) Context() context.Context { return m.ctx }

// Commit appends the MTR to the log, stamps its pages, unlatches them and returns its last LSN (0 if it
// changed nothing: then inOrder is not called). inOrder (may be nil) runs in the append's critical section: see
// volume.Append. m may not be used afterwards.
func (m *MTR) Commit(inOrder func(cpl page.LSN)) page.LSN {
	if !m.changed {
		m.end()
		return 0
	}
	for _, p := range m.pages[:m.n] {
		if p.change >= 0 && !p.keep {
			// Ops that begin the page are an image as good as any, unless they wrote bytes twice.
			if c := m.rec.Change(p.change); len(c.Ops) > imageAt && (len(c.Ops) > page.Size || !page.StartsWithInit(c.Ops)) {
				p.toImage(c)
			}
		}
	}
	cpl := m.pool.Volume().Append(&m.rec, inOrder)
	for _, f := range m.freed {
		clear(f.p.b)
		f.p.g.EndChange(m.rec.Change(f.change).LSN)
	}
	for _, p := range m.pages[:m.n] {
		if p.change >= 0 {
			lsn := m.rec.Change(p.change).LSN
			page.Stamp(p.b, p.no, lsn)
			p.g.EndChange(lsn)
		}
	}
	m.end()
	return cpl
}

// Abandon ends an MTR that changed nothing. m may not be used afterwards. After a change it panics, unless the
// volume is lost: then it closes the pool for good, because what it changed is in no log.
func (m *MTR) Abandon() {
	if m.changed {
		err := m.pool.Volume().Err()
		if err == nil {
			panic("mtr: abandon after a change")
		}
		m.pool.Lose(fmt.Errorf("volume was lost inside a mini-transaction: %w", err))
	}
	m.end()
}

func (m *MTR) end() {
	for _, p := range m.pages[:m.n] {
		p.g.Unlatch()
		p.m, p.b = nil, nil
	}
	for i, l := range m.held {
		l.Unlock()
		m.held[i] = nil
	}
	m.n, m.held, m.freed, m.changed = 0, m.held[:0], m.freed[:0], false
	m.rec.Reset()
	m.ctx, m.pool = nil, nil
	idle.Put(m)
}

// Bytes is the page with all changes made so far. It is read only.
func (p *Page) Bytes() []byte { return p.b }

// No is the page's number.
func (p *Page) No() page.No { return p.no }

// Hint and SetHint: see buffer.Page.
func (p *Page) Hint() uint32     { return p.g.Hint() }
func (p *Page) SetHint(h uint32) { p.g.SetHint(h) }

// KeepOps says that the ops so far write no byte twice, and no more will come: an image would hardly be shorter.
func (p *Page) KeepOps() { p.keep = true }

func (p *Page) begin(prev page.LSN) {
	p.change = p.m.rec.Touch(p.no, prev)
	p.m.changed = true
	p.g.BeginChange()
}

// ops returns the page's change, ready for one more op.
func (p *Page) ops() *redo.Change {
	if p.change < 0 {
		p.begin(page.GetLSN(p.b))
	}
	c := p.m.rec.Change(p.change)
	if len(c.Ops) > packAt {
		p.toImage(c)
	}
	return c
}

// toImage replaces the page's ops by its image if that is shorter: both make the same page.
func (p *Page) toImage(c *redo.Change) {
	p.m.image = page.AppendImage(p.m.image[:0], p.b)
	if len(p.m.image) < len(c.Ops) {
		c.Ops = append(c.Ops[:0], p.m.image...)
	}
}

// Set copies b to offset off (>= page.OpsStart). b may be part of the page.
func (p *Page) Set(off int, b []byte) {
	if len(b) == 0 {
		return
	}
	c := p.ops()
	at := len(c.Ops)
	c.Ops = page.AppendSet(c.Ops, off, b)
	page.ApplyOps(p.b, c.Ops[at:])
}

// SetU16, SetU32 and SetU64 set a little-endian number.
func (p *Page) SetU16(off int, v uint16) {
	var b [2]byte
	binary.LittleEndian.PutUint16(b[:], v)
	p.Set(off, b[:])
}

func (p *Page) SetU32(off int, v uint32) {
	var b [4]byte
	binary.LittleEndian.PutUint32(b[:], v)
	p.Set(off, b[:])
}

func (p *Page) SetU64(off int, v uint64) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], v)
	p.Set(off, b[:])
}

// Move copies n bytes from src to dst within the page, as copy does: the ranges may overlap.
func (p *Page) Move(dst, src, n int) {
	if n == 0 {
		return
	}
	c := p.ops()
	at := len(c.Ops)
	c.Ops = page.AppendMove(c.Ops, dst, src, n)
	page.ApplyOps(p.b, c.Ops[at:])
}

// Fill sets n bytes at off to b.
func (p *Page) Fill(off, n int, b byte) {
	if n == 0 {
		return
	}
	c := p.ops()
	at := len(c.Ops)
	c.Ops = page.AppendFill(c.Ops, off, n, b)
	page.ApplyOps(p.b, c.Ops[at:])
}
