// Package volume owns the writer's side of storage: one append-only view of a replicated, segmented volume of
// pages. Volume is the contract with the engine, Client the real thing, memvol.Volume its twin in memory for tests.
//
// How a commit travels through Client:
//
//	Append      LSNs, back links and room in the log ring, under one short lock; encoding outside it   ring.go
//	links       a cursor a storage node sends what is there once it is waited for or much, two frames   ship.go
//	            at most unacknowledged
//	acks        each carries SCLs; the tracker makes PGCL, VCL and VDL of them                         client.go, quorum
//	commits     one VDL advance wakes all it covers, in LSN order                                      commitqueue.go
//
// Beside it: Open (open.go, driving the state machine of package recovery), page reads (read.go), growth (grow.go), the repair
// of lost segments (repair.go), the seam for readers (tap.go) and figures (stats.go).
//
// Invariants:
//   - VDL only rises, ends a whole MTR, and everything at or below it is on a write quorum. Commits, reads and
//     recovery go by VDL, never by VCL.
//   - A member's ack counts only under this epoch, this history, and the incarnation in the stored membership.
//   - No storage failure is an error to the engine while it can heal: writes wait for a quorum, reads for
//     a full segment, bounded by the caller's context. Being fenced, closed, or asking below the horizon is an error.
//   - Every queue is bounded: the ring (Admit waits), a node's frames under way, a request's size. A node that lags does not
//     hold up the ring; it is passed over and fills itself by gossip.
//   - Nothing is allocated for each record.
//
// Lock order in Client: grow, rel, tmu, mu, link.mu, ring.mu.
package volume

import (
	"context"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/redo"
)

// Volume is the storage of one instance. Methods are safe for concurrent use.
//
// Order of use in a mini-transaction (MTR): Admit, before the first latch; then latch and change pages; then
// Append, still holding every X latch; stamp the pages with the LSNs it set; unlatch.
type Volume interface {
	// Admit waits until an MTR of at most that many records and payload bytes can be appended without
	// waiting: ring space, LAL (LSNs may not run more than 10,000,000 ahead of VDL). It is the only place where
	// back-pressure is felt. It fails when ctx ends or the volume is fenced or closed.
	Admit(ctx context.Context, records, bytes int) error

	// Append gives the MTR's changes consecutive LSNs (set in each Change), encodes them into the log ring
	// and lets the storage nodes have them when somebody waits for them, much has gathered or a heartbeat is due. inOrder, if not nil, runs inside the critical section
	// in which LSNs are given out, with the MTR's last LSN (its CPL): what it publishes is ordered as the
	// log is. It must be short, and may not call the volume. Append never blocks after an Admit
	// that covered it, and never fails: an instance that lost its volume learns so from Admit, WaitDurable or Err.
	Append(m *redo.MTR, inOrder func(cpl page.LSN)) (cpl page.LSN)

	// VDL is the volume durable LSN: everything at or below is on a write quorum and ends a whole MTR.
	VDL() page.LSN

	// WaitDurable returns once VDL >= lsn. Waiters are woken in LSN order, all by one advance. It is for those who keep others waiting
	// meanwhile (they hold locks): the log up to lsn is sent at once.
	WaitDurable(ctx context.Context, lsn page.LSN) error

	// OnDurable calls fn once VDL >= lsn, or with an error if that can no longer happen; fn must not
	// block. It is how a commit is acknowledged without a waiting goroutine. Its locks are gone, so its log may be held for some
	// milliseconds, to go with that of other commits.
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
