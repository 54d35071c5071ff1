// Package volume is what an instance opens: one writer's append-only view of a replicated,
// segmented volume of pages.
package volume

import (
	"context"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/redo"
)

// Volume is the storage of one instance. Client is the real one; memvol.Volume is the twin in
// memory that the engine's tests use. Methods are safe for concurrent use.
//
// Order of use in a mini-transaction (MTR): Admit, before the first latch; then latch and change pages; then
// Append, still holding every X latch; stamp the pages with the LSNs it set; unlatch.
type Volume interface {
	// Admit waits until an MTR of at most that many records and payload bytes can be appended without
	// waiting: ring space, LAL (LSNs may not run more than 10,000,000 ahead of VDL). It is the only place where
	// back-pressure is felt. It fails when ctx ends or the volume is fenced or closed.
	Admit(ctx context.Context, records, bytes int) error

	// Append gives the MTR's changes consecutive LSNs (set in each Change), encodes them into the log ring
	// and starts their way to the storage nodes. inOrder, if not nil, runs inside the critical section
	// in which LSNs are given out, with the MTR's last LSN (its CPL): what it publishes is ordered as the
	// log is. It must be short, and may not call the volume. Append never blocks after an Admit
	// that covered it, and never fails: an instance that lost its volume learns so from Admit, WaitDurable or Err.
	Append(m *redo.MTR, inOrder func(cpl page.LSN)) (cpl page.LSN)

	// VDL is the volume durable LSN: everything at or below is on a write quorum and ends a whole MTR.
	VDL() page.LSN

	// WaitDurable returns once VDL >= lsn. Waiters are woken in LSN order, all by one advance.
	WaitDurable(ctx context.Context, lsn page.LSN) error

	// OnDurable calls fn once VDL >= lsn, or with an error if that can no longer happen; fn must not
	// block. It is how a commit is acknowledged without a waiting goroutine.
	OnDurable(lsn page.LSN, fn func(error))

	// ReadPages reads pages as of lsn (<= VDL), each into dst[i] of page.Size bytes. A page that never was
	// or that was freed is all zeros.
	ReadPages(ctx context.Context, lsn page.LSN, pages []page.No, dst [][]byte) error

	// SetReadFloor tells storage that this instance reads nothing below lsn any more (PGMRPL).
	SetReadFloor(lsn page.LSN)

	// Pages is the number of pages the volume's protection groups hold now. EnsurePages grows the volume
	// by whole protection groups until page n-1 exists; the next one is created ahead of need.
	Pages() uint64
	EnsurePages(ctx context.Context, n uint64) error
	// PagesPerPG is the volume's geometry: no FreeRange crosses a multiple of it.
	PagesPerPG() uint32

	// Epoch is the volume epoch under which this instance writes.
	Epoch() uint64

	// Err is not nil once the volume is unusable: fenced by a newer writer, or closed.
	Err() error

	Close() error
}
