// Package buffer owns the buffer pool: the pages of a volume that an instance holds in memory, their
// latches, and which of them stay.
//
// Invariants:
//   - A page changes only under its exclusive latch, and only by an MTR (engine/mtr).
//   - A page leaves the pool only when its LSN <= VDL; the pool never writes. So a page that is not in the
//     pool can be read at the VDL of now: whoever evicted it saw its LSN at or below an older VDL.
//   - One read of a page is in flight at a time, and no frame of it exists meanwhile.
//   - Pages above VDL cannot be evicted; mtr.Start waits while they fill half of the pool.
//
// Pages live in one arena outside the Go heap; frame descriptors hold no pointers, so that the garbage
// collector has nothing to do here. Frames and the page table: frame.go; who leaves: replace.go; reading and
// prefetch: load.go; what is above VDL: dirty.go.
package buffer
