// Package node is the storage node: one process, one directory, one update queue, many segments of many
// volumes.
//
// Invariants:
//   - An append is acknowledged only after one fdatasync covered its batch in the update queue; the ack
//     carries each segment's SCL.
//   - Only receiving and persisting are in the foreground: one goroutine at a time takes a batch from memory to disk and acknowledges it, as a rule
//     that which brought it (Node.Sync), else the sync loop. What is organised, imaged, collected, scrubbed and
//     gossiped yields to it; when the background falls behind, frames are refused with StatusBusy.
//   - A failed fdatasync retires: what it covered is in doubt, and no retry removes the doubt.
//   - A full disk makes the node step back (StatusFull) and come back when there is space again.
//   - One process a directory (a lock), and never a directory of a newer format.
//
// Reading order: node.go (open, close), append.go (the foreground), queue.go and queue_format.go (what
// is durable), restart.go, serve.go (the other requests), gossip.go, background.go. The replica itself is
// storage/segment; the formats are in docs/format/update-queue.md and its neighbours.
package node
