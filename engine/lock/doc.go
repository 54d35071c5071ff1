// Package lock owns the lock table of an instance: who holds and who waits for rows, gaps and table metadata.
//
// Rows are named by (index id, key bytes), metadata by (Metadata, name), so page moves never touch a lock. A gap
// is an interval of keys of one index, between two neighbours in the tree: an insert into it by another transaction waits. An interval
// does not hang on the record that bounds it, so nothing is inherited when records come, and a scan's many gaps are one interval.
// When the insert of a record is rolled back, those who have locked it or wait for it get the gap that is left (Inherit).
//
// Writes lock their rows implicitly: a version whose transaction is active is locked by it. Whoever meets one turns the
// owner's lock into an explicit one (Grant) and waits for that.
//
// Invariants:
//   - Two granted row locks of different owners on one name are compatible.
//   - A queue is first come, first served: a request waits for every conflicting one ahead of it, granted or not.
//     Only an owner that already holds the name (an upgrade) passes those that wait.
//   - Locks go when the commit record is appended, not when it is durable (early lock release). Each lock bucket keeps
//     the highest commit LSN released through it, and whoever locks there depends on that LSN.
//   - Every wait ends: by grant, deadlock, timeout, kill or its context.
//
// Lock order: Table.waits, Owner.mu, shard.mu. Nothing here blocks or allocates pages, so Try, TryInsert and Grant
// may be called under a page latch. Queue rules: queue.go; waiting and deadlocks: wait.go; gaps: gap.go; what users see: view.go.
package lock
