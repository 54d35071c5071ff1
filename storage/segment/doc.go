// Package segment owns one replica of one protection group (PG): which of its records count, and how
// they and the pages they make lie on disk.
//
// It has two halves. Core is the protocol: a deterministic state machine without goroutine, clock,
// random or I/O, which the simulator drives through every kind of failure. Segment is the disk: append-only log
// files and image files around a bounded index in memory, with Core deciding.
//
// Invariants of Core:
//   - SCL only counts records that are linked without a gap by their PG back links, live under the
//     history, and durable here. An acknowledgement carries nothing else.
//   - An answer to Fence, InstallHistory or InstallMembership leaves only after the state it promises is
//     durable: such a call returns a state version, and the reply waits for StateDurable of it.
//   - Records in a dead interval are ignored; a history is only ever replaced by a newer one.
//   - A hydrating segment stores and serves log but counts in no quorum, until it is repaired to the
//     PG's point and its membership lists its incarnation.
//
// Invariants of Segment:
//   - An image's LSN is at most min(SCL, VDL). A version is deleted only when Core.Needed says that no read
//     at or above the horizon and no retain point can ask for it.
//   - Every byte that is read is checked by CRC; a damaged block is repaired from a peer, never served.
//   - Whole files are the unit of deletion. A start reads footers, and records only of files that have none.
//
// The formats are in docs/format: segment-log.md, image-file.md, superblock.md. The node around it, with
// the update queue that makes records durable first, is storage/node.
package segment
