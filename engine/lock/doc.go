// Package lock owns the lock table of an instance: who holds and who waits for rows, gaps and table metadata.
//
// Rows are named by (index id, key bytes), metadata by (Metadata, name), so page moves never touch a lock. A gap
// is an interval of keys of one index, between two neighbours in the tree: an insert into it by another transaction waits. An interval
// does not hang on the record that bounds it, so nothing is inherited when records come, and a scan's many gaps are one interval.
// When the insert of a record is rolled back, those who have locked it or wait for it get the gap that is left (Inherit).
//
// Writes lock their rows implicitly: a version whose transaction is active is locked by it. Whoever meets one turns the
// owner's lock into an explicit one (Grant), under the latch under which it met it, and waits for that.
//
// Invariants:
//   - Two granted row locks of different owners on one name are compatible.
//   - A queue is first come, first served: a request waits for every conflicting one ahead of it, granted or not, and for every
//     conflicting one that is granted, wherever it stands. Only an owner that already holds the name (an upgrade) passes those that wait.
//   - While an owner has a row locked implicitly, others are in the row's queue only if an exclusive request of the owner is, too: else they could
//     get the row before it ends. So a write over a weaker lock takes a request (Check), a wait begins only while something
//     is in the way (Wait), and what stands for a write is not given back early (UnlockTo).
//   - The waits-for graph has no cycle while nobody holds Table.waits (below).
//   - Locks go when the commit record is appended, not when it is durable (early lock release). Each lock bucket keeps
//     the highest commit LSN released through it, and whoever locks there depends on that LSN.
//   - Every wait ends: by grant, deadlock, timeout, kill or its context.
//
// # Who searches for deadlocks
//
// Only an owner that waits has edges in the waits-for graph. So an edge to an owner that is at work closes no cycle: the cycle is closed when that one waits,
// and it searches then. An edge to an owner that may wait closes one now, and is only ever added by someone who holds Table.waits and searches. What adds edges:
//
//   - Lock, Wait, WaitInsert and WaitOutside: from the one that waits to all in its way. It searches (block).
//   - Inherit: from inserts that wait to heirs, who may wait. It searches from each such insert.
//   - LockGap, and Try or Check that upgrade: from those who wait to the caller, who is at work.
//   - A queue's grant: an upgrade that is granted passes those that wait: an edge to an owner that goes on. Others were waited for before.
//   - Grant: to an owner that may wait. But by the third invariant nobody is in the queue yet, or the owner has its request there.
//
// What else ends or withdraws a request only takes edges away. The build tag invariants has waits search the whole graph again and again, and panic at a
// cycle or at two owners of one row.
//
// Lock order: Table.waits, gapSet.mu, Owner.mu, shard.mu. Nothing here blocks or allocates pages, so Try, TryInsert, Check and Grant
// may be called under a page latch. Queue rules: queue.go; waiting and deadlocks: wait.go; gaps: gap.go; what users see: view.go.
package lock
