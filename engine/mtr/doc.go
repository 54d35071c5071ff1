// Package mtr owns the mini-transaction (MTR): the atomic change of a few pages, and the only way in
// which the engine changes a page.
//
// Life of an MTR: Start (back-pressure is felt here, before the first latch), Latch and Init the pages,
// change them through Page.Set, Move, Fill (each op is appended to the page's one record and applied as storage will
// apply it), Commit (the volume gives LSNs, pages are stamped and unlatched). Nothing of an MTR is seen
// before Commit, and recovery keeps all of it or nothing.
//
// Latch order, which keeps the engine free of latch deadlocks:
//
//  1. pages of one B+tree, top-down, siblings from left to right under their X-latched parent;
//  2. overflow, undo and transaction slot pages (package undo orders these among themselves);
//  3. the space lock (Hold), then space pages in any order, then pages that the space has just handed out.
//
// Nobody holds a latch of one tree while asking for a page of another, and nobody asks for 1 while it holds 2 or 3.
//
// After its first change an MTR cannot be undone: latch every page and allocate every page before
// it. A panic after the first change would leave changed pages that are in no log, so it must end the
// process: nothing above may recover from it. The one exception is a volume that is lost (fenced or closed):
// then Abandon closes the pool for good and the instance with it.
package mtr
