package engine

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/zoryadb/zorya/engine/btree"
	"github.com/zoryadb/zorya/engine/dict"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/txn"
	"github.com/zoryadb/zorya/engine/undo"
	"github.com/zoryadb/zorya/storage/page"
)

// viewer says which transactions are visible.
type viewer interface{ Sees(id uint64) bool }

type seesAll struct{}

func (seesAll) Sees(uint64) bool { return true }

// purgeView is the view behind which nobody looks: the oldest snapshot's, bounded by the readers' floors.
func (db *DB) purgeView() *txn.Snapshot {
	v := new(txn.Snapshot)
	db.txns.PurgeView(v, db.o.ReadersFloor)
	return v
}

// Purge's pace. It waits until there is something to gather, because entries of one leaf go in one record. It does not wait when purgeAt
// transactions have ended or the undo logs have grown by undo.UrgentPages since. When it is that far behind, several work at once.
const (
	purgeEvery   = 250 * time.Millisecond
	purgeAt      = 4096
	purgeWorkers = 4   // as InnoDB's innodb_purge_threads
	purgeShare   = 256 // marks that are worth a worker
)

// purgeLoop removes what nobody can see any more: delete-marked rows and entries, long values, dropped trees, undo.
func (db *DB) purgeLoop() {
	defer db.wg.Done()
	tick := time.NewTicker(purgeEvery)
	defer tick.Stop()
	for {
		select {
		case <-db.ctx.Done():
			return
		case <-tick.C: // VDL and snapshots move on without telling
			if db.history.Load() <= 0 && !db.anyDirty() {
				continue
			}
		case <-db.purgeCh:
		}
		if _, err := db.purgeRound(db.ctx); err != nil && db.ctx.Err() == nil && db.vol.Err() == nil {
			if db.purgeErr.Add(1) < 20 {
				db.log.Error("purge", "err", err)
			}
		}
	}
}

func (db *DB) anyDirty() bool {
	for _, l := range db.logs.Logs() {
		if l.Dirty() {
			return true
		}
	}
	return false
}

// purgeRound goes through all logs, as far as the view sees, and returns the number of records it passed. It gathers what
// the logs tell and does it in the order of the trees' keys; then only it leaves the logs' pages.
func (db *DB) purgeRound(ctx context.Context) (n int, err error) {
	db.purging.Lock()
	defer db.purging.Unlock()
	view := db.purgeView()
	seen := purgePoint{view.LSN, view.Next()}
	if seen == db.purged && !db.broken(mutantPurgeAll) {
		return 0, nil // the oldest snapshot is still there: do not look at the logs' oldest pages again and again
	}
	p := purger{db: db, view: view, blocked: map[*undo.Log]bool{}}
	if db.broken(mutantPurgeAll) {
		p.view = seesAll{}
	}
	logs := db.logs.Logs()
	for len(logs) > 0 {
		p.begin(logs)
		more := logs[:0]
		for _, l := range logs {
			if l.Dirty() && p.gather(ctx, l) {
				more = append(more, l)
			}
		}
		p.flush(ctx)
		logs, more = more, more[:0]
		for _, l := range logs {
			if p.failed[l] != nil {
				continue
			}
			again, lerr := l.Leave(ctx)
			if lerr != nil {
				err = errors.Join(err, lerr)
			} else if again {
				more = append(more, l)
			}
		}
		logs = more
		for _, ferr := range p.failed { // one log's trouble does not keep the others
			err = errors.Join(err, ferr)
		}
	}
	db.purgeRounds.Add(1)
	db.purgedRecords.Add(uint64(p.passed))
	if err == nil && p.atRest() {
		db.purged = seen
	}
	return p.passed, err
}

// atRest reports whether the view alone keeps purge from what is left.
func (p *purger) atRest() bool {
	for _, l := range p.db.logs.Logs() {
		if l.Dirty() && !p.blocked[l] {
			return false
		}
	}
	return true
}

// purgePoint tells one view of purge from another.
type purgePoint struct {
	lsn  page.LSN
	next uint64
}

// purger is one round of purge.
type purger struct {
	db      *DB
	view    viewer
	passed  int
	workers int
	blocked map[*undo.Log]bool       // by the view
	places  map[*undo.Log]undo.Place // where the logs were when they were last left or flushed
	failed  map[*undo.Log]error
	ended   map[*undo.Log]int64 // transactions begun since
	marks   []mark
	arena   []byte // of the marks' keys
	buf     []byte
	heads   []page.No
	sweeps  [purgeWorkers]sweeper
}

// sweeper takes marked things out of trees. Several work at once, each on marks of its own.
type sweeper struct {
	db   *DB
	view viewer
	keys [][]byte
	seen []byte
	val  []byte
	bad  []failedMark
}

type failedMark struct {
	l   *undo.Log
	err error
}

// mark is a delete mark that is to be made final: of an entry, or, index 0, of a row.
type mark struct {
	l            *undo.Log
	table, index uint64
	key, row     []byte
	trx          uint64 // of the row's version
	at           row.Ptr
}

// What a round gathers before it does it.
const (
	purgeMarks = 8192
	purgeBytes = 2 << 20
)

func (p *purger) begin(logs []*undo.Log) {
	db := p.db
	p.workers = 1
	if db.history.Load() >= purgeAt || db.logs.Pages() >= undo.UrgentPages {
		p.workers = purgeWorkers
	}
	p.heads = p.heads[:0]
	for _, l := range logs {
		if l.Dirty() {
			p.heads = append(p.heads, l.HeadPage())
		}
	}
	db.pool.Prefetch(p.heads)
	p.places, p.failed, p.ended = map[*undo.Log]undo.Place{}, map[*undo.Log]error{}, map[*undo.Log]int64{}
	p.marks, p.arena = p.marks[:0], p.arena[:0]
}

func (p *purger) keep(b []byte) []byte {
	at := len(p.arena)
	p.arena = append(p.arena, b...) // what moves leaves its old place to those who have it
	return p.arena[at:len(p.arena):len(p.arena)]
}

// gather goes through one page of a log. It reports whether it came to the page's end.
func (p *purger) gather(ctx context.Context, l *undo.Log) (end bool) {
	p.places[l] = l.Place()
	var rec undo.Record
	for first := true; ; first = false {
		err := ctx.Err()
		var at row.Ptr
		if err == nil {
			at, p.buf, err = l.Head(ctx, &rec, p.buf)
		}
		if err == nil && at == 0 {
			return true
		}
		if first && err == nil {
			p.ahead(ctx, l)
		}
		if err == nil && rec.Type == undo.Begin {
			if !p.view.Sees(rec.Trx) {
				p.blocked[l] = true
				return false
			}
			l.PurgeTrx, l.PurgeSkip = rec.Trx, rec.Undone
			p.ended[l]++
		} else if err == nil && !l.PurgeSkip && !rec.Undone && !rec.Done && l.PurgeTrx != 0 {
			err = p.one(ctx, l, at, &rec)
		}
		if err != nil {
			p.fail(l, err)
			return false
		}
		l.Pass(len(p.buf))
		p.passed++
	}
}

// ahead has the log's next page read while this one is gone through.
func (p *purger) ahead(ctx context.Context, l *undo.Log) {
	if next, err := l.HeadNext(ctx); err == nil && next != 0 {
		p.heads = append(p.heads[:0], next)
		p.db.pool.Prefetch(p.heads)
	}
}

// fail puts the log back to where it was flushed last, so that what was gathered since is looked at again.
func (p *purger) fail(l *undo.Log, err error) {
	if p.failed[l] == nil {
		p.failed[l] = err
		l.Return(p.places[l])
		p.ended[l] = 0
	}
}

// one makes the change that a record tells final, or gathers it.
func (p *purger) one(ctx context.Context, l *undo.Log, at row.Ptr, rec *undo.Record) error {
	switch rec.Type {
	case undo.OverOld, undo.TreeOld:
		// What was gathered may be in the tree, or read the value.
		if p.flush(ctx); p.failed[l] != nil {
			return p.failed[l]
		}
		if rec.Type == undo.OverOld {
			return p.db.freeLong(ctx, at, rec, false)
		}
		return p.db.dropTree(ctx, at, rec, false)
	case undo.Update, undo.Secs:
	default:
		return nil
	}
	var key []byte
	for i := range rec.Secs {
		if op := &rec.Secs[i]; op.Mark {
			if key == nil {
				key = p.keep(rec.Key)
			}
			p.marks = append(p.marks, mark{l: l, table: rec.Table, index: op.Index, key: p.keep(op.Key), row: key})
		}
	}
	if rec.Type == undo.Update && rec.Delete {
		p.marks = append(p.marks, mark{l: l, table: rec.Table, key: p.keep(rec.Key), trx: l.PurgeTrx, at: at})
	}
	if len(p.marks) >= purgeMarks || len(p.arena) >= purgeBytes {
		p.flush(ctx)
	}
	return p.failed[l]
}

// flush does what was gathered. The logs of what it could not do have failed; the others' places are behind it.
func (p *purger) flush(ctx context.Context) {
	slices.SortFunc(p.marks, func(a, b mark) int {
		// Rows come after their entries.
		return cmp.Or(cmp.Compare(btoi(a.index == 0), btoi(b.index == 0)), cmp.Compare(a.table, b.table), cmp.Compare(a.index, b.index), bytes.Compare(a.key, b.key))
	})
	rows, _ := slices.BinarySearchFunc(p.marks, true, func(m mark, _ bool) int { return btoi(m.index == 0) - 1 })
	p.sweep(ctx, p.marks[:rows])
	p.sweep(ctx, p.marks[rows:])
	p.marks, p.arena = p.marks[:0], p.arena[:0]
	for l := range p.places {
		if p.failed[l] == nil {
			p.places[l] = l.Place()
			// The count may lag: it began anew when the instance opened.
			p.db.history.Add(-min(p.ended[l], max(p.db.history.Load(), 0)))
			p.ended[l] = 0
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// sweep shares marks, which are in order, out among as many workers as there is work for.
func (p *purger) sweep(ctx context.Context, marks []mark) {
	n := max(min(p.workers, len(marks)/purgeShare), 1)
	var wg sync.WaitGroup
	for i := range n {
		w := &p.sweeps[i]
		w.db, w.view, w.bad = p.db, p.view, w.bad[:0]
		part := marks[i*len(marks)/n : (i+1)*len(marks)/n]
		if n == 1 {
			w.run(ctx, part)
		} else {
			wg.Go(func() { w.run(ctx, part) })
		}
	}
	wg.Wait()
	for i := range n {
		for _, f := range p.sweeps[i].bad {
			p.fail(f.l, f.err)
		}
	}
}

// run goes through the marks tree by tree.
func (w *sweeper) run(ctx context.Context, marks []mark) {
	for rest := marks; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].table == rest[0].table && rest[n].index == rest[0].index {
			n++
		}
		run := rest[:n]
		rest = rest[n:]
		for len(run) > 0 {
			k, err := w.remove(ctx, run)
			if err != nil {
				for i := range run {
					w.bad = append(w.bad, failedMark{run[i].l, err})
				}
				break
			}
			run = run[k:]
		}
	}
}

// remove takes out the marks at the beginning of run, which is of one tree, that lie in one leaf, and returns how many it went through.
func (w *sweeper) remove(ctx context.Context, run []mark) (int, error) {
	tree, t, err := w.db.treeOf(ctx, run[0].table)
	if err != nil || tree == nil {
		return len(run), err
	}
	if run[0].index == 0 {
		return w.removeRows(ctx, tree, run)
	}
	ix := indexOf(t, run[0].index)
	if ix == nil {
		return len(run), nil
	}
	return w.removeEntries(ctx, tree, ix, run)
}

// removeRows takes out rows whose newest version is still the deleted one.
func (w *sweeper) removeRows(ctx context.Context, tree *btree.Tree, run []mark) (int, error) {
	w.keys = w.keys[:0]
	for i := range run {
		w.keys = append(w.keys, run[i].key)
	}
	var bad error
	n, err := tree.DeleteRun(ctx, w.keys, func(i int, val []byte) bool {
		hd, err := row.ParseHeader(val)
		if err != nil {
			bad = err
			return false
		}
		return hd.Trx == run[i].trx && hd.Roll == run[i].at && hd.Deleted
	})
	return n, firstErr(err, bad)
}

// removeEntries takes out delete-marked entries, unless a version that somebody may still look for has the key. What it
// finds before the leaf is latched holds as long as the entry stays as it was then.
func (w *sweeper) removeEntries(ctx context.Context, tree *btree.Tree, ix *dict.Index, run []mark) (int, error) {
	w.keys, w.seen = w.keys[:0], w.seen[:0]
	from := 0
	for ; from < len(run) && len(w.keys) < 64; from++ {
		m := &run[from]
		if from > 0 && bytes.Equal(m.key, run[from-1].key) {
			continue
		}
		at := len(w.seen)
		found, err := ix.Tree.Get(ctx, m.key, func(v []byte) { w.seen = append(w.seen, v...) })
		if err != nil {
			return 0, err
		}
		if !found {
			continue
		}
		e, err := row.ParseEntry(w.seen[at:])
		if err != nil {
			return 0, err
		}
		needed := !e.Deleted
		if !needed {
			w.val = w.val[:0]
			if found, err = tree.Get(ctx, m.row, func(v []byte) { w.val = append(w.val, v...) }); err != nil {
				return 0, err
			}
			if found {
				if needed, err = w.db.neededBy(ctx, w.val, ix.Def.ID, m.key, w.view); err != nil {
					return 0, err
				}
			}
		}
		if needed {
			w.seen = w.seen[:at]
			continue
		}
		w.keys = append(w.keys, m.key)
	}
	for done := 0; done < len(w.keys); {
		n, err := ix.Tree.DeleteRun(ctx, w.keys[done:], func(i int, val []byte) bool {
			at := (done + i) * row.EntrySize
			return bytes.Equal(val, w.seen[at:at+row.EntrySize])
		})
		if err != nil {
			return 0, err
		}
		done += n
	}
	return from, nil
}
