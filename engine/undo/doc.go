// Package undo owns undo logs: for every change of a row how to take it back, in ordinary pages of the volume.
//
// A log is a chain of pages that write transactions use one after another; the instance has as many logs as write
// transactions ever ran at once. A transaction's records stand behind each other in its log, a Begin first. The
// last page of a log, its tail, is also the transaction slot: its header tells the last transaction and its state, so that beginning and
// committing a transaction cost no page of their own. A directory, pages listing each log's head and tail, leads to them.
//
// Three read undo: snapshots, through roll pointers (Read); rollback, backwards (Walk); purge, forwards from the head (Log.Head).
//
// Invariants:
//   - A record and the change it undoes are one MTR.
//   - A record's bytes stay until purge has passed its transaction, also when the transaction or a part of it was rolled back: readers may
//     hold pointers to it. A record that was taken back is marked Undone; its marks are set in the MTR that takes it back.
//   - Only the transaction that has a log acquired appends to it, and only purge frees what is before its Begin.
//
// Byte diagrams: docs/format/undo.md, docs/format/transaction-slots.md.
package undo
