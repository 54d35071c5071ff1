// Package space owns which pages of the volume belong to whom: the volume header (page 0), the map of
// extents, and the inodes of trees.
//
// An extent is 64 consecutive pages. A tree's first 12 pages come one by one from extents that small trees
// share; after that it takes whole extents. So an empty tree costs one page, and dropping a tree frees
// extents without reading its pages. docs/format/space.md has the byte diagrams.
//
// Invariants:
//   - A page is handed out at most once until it is freed; free and used are decided by the extent map alone.
//   - A freed page gets a FreeRange record in the same MTR, so that storage drops it, and is never read before an
//     Init revives it: a stale frame or a stale version of it is never taken for the new page.
//   - Everything the space changes, it changes in the caller's MTR: what a crash takes back was never handed out.
//   - One lock orders all changes. It is the last in the latch order and held until the MTR ends.
//   - A dropped tree is on a list in the volume until its last extent is free: DropStep goes on after a crash.
package space
