package mtr

import (
	"context"
	"sync"

	"github.com/zoryadb/zorya/engine/buffer"
	"github.com/zoryadb/zorya/storage/page"
)

type MTR struct{}
type Page struct{}

// Start begins an MTR of at most that many records and bytes of ops. It waits for room in the log and
// for the share of pages above VDL to fall below half of the pool. The caller holds no latch.
func Start(ctx context.Context, pool *buffer.Pool, records, bytes int) (*MTR, error) {
	panic("being built")
}

// Latch returns the page with its exclusive latch, held until the MTR ends; asked again, the same Page.
func (m *MTR) Latch(no page.No) (*Page, error) { panic("being built") }

// Init latches a page that the space has just handed out, and begins its new life without reading it.
func (m *MTR) Init(no page.No, t page.Type, owner uint64) *Page { panic("being built") }

// FreeRange records that pages [first, first+n) are free. Package space calls it.
func (m *MTR) FreeRange(first page.No, n uint32) { panic("being built") }

// Hold takes l and gives it back when the MTR ends; a second Hold of the same l does nothing.
func (m *MTR) Hold(l sync.Locker) { panic("being built") }

// Changed reports whether the MTR has changed anything: from then on it must be committed.
func (m *MTR) Changed() bool { panic("being built") }

// Commit appends the MTR to the log, stamps its pages, unlatches them and returns its last LSN (0 if it changed nothing).
// inOrder (may be nil) runs in the append's critical section: see volume.Append. m may not be used afterwards.
func (m *MTR) Commit(inOrder func(cpl page.LSN)) page.LSN { panic("being built") }

// Abandon ends an MTR that changed nothing. m may not be used afterwards.
func (m *MTR) Abandon() { panic("being built") }

func (p *Page) Bytes() []byte            { panic("being built") } // read only; sees changes made so far
func (p *Page) No() page.No              { panic("being built") }
func (p *Page) Set(off int, b []byte)    { panic("being built") }
func (p *Page) SetU16(off int, v uint16) { panic("being built") } // little-endian, as all of these
func (p *Page) SetU32(off int, v uint32) { panic("being built") }
func (p *Page) SetU64(off int, v uint64) { panic("being built") }
func (p *Page) Move(dst, src, n int)     { panic("being built") }
func (p *Page) Fill(off, n int, b byte)  { panic("being built") }
