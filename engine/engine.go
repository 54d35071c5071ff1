// Package engine is one database instance above a volume: it joins buffer pool, B+trees, undo, locks, transaction table and
// dictionary into the table layer (engine/table has the contract).
//
// Where to read on: engine.go (open, close), trx.go (transactions), stmt.go (statements, tables), read.go (versions,
// points), cursor.go (scans), insert.go, update.go, secondary.go (writes), rollback.go, purge.go, catalog.go, ddl.go,
// build.go (index builds), autoinc.go, check*.go (structural checker).
//
// Invariants:
//   - A snapshot is taken at VDL; a version is visible by its transaction's end LSN alone (engine/txn).
//   - A row change and its undo record are one MTR. Secondary entries follow, each an MTR of its own; what a crash leaves
//     undone of them the undo record tells.
//   - A secondary entry is live exactly when the newest version of its row has that key, up to changes whose transaction is
//     still at work; it is removed only when no version that anybody can still see has that key. The same holds of the many entries that a row
//     has in an index of a kind (entries.go).
//   - Locks go when the commit record is in the log; whoever acts on them depends on its LSN (Tx.depends).
//   - No page latch is held while anything waits for a lock.
package engine

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zoryadb/zorya/engine/btree"
	"github.com/zoryadb/zorya/engine/buffer"
	"github.com/zoryadb/zorya/engine/dict"
	"github.com/zoryadb/zorya/engine/extsort"
	"github.com/zoryadb/zorya/engine/lock"
	"github.com/zoryadb/zorya/engine/mtr"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/space"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/engine/txn"
	"github.com/zoryadb/zorya/engine/undo"
	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/volume"
)

// Options configure an instance.
type Options struct {
	PoolBytes int64 // buffer pool, at least 1 MiB; 0: 128 MiB
	// Collations gives the collator of a MySQL collation id, nil for binary ones.
	Collations func(id uint16) row.Collator
	// Extract gives what makes the entries of an index that has a kind.
	Extract func(d *table.Def, ix *table.Index) (table.Extractor, error)
	Logger  *slog.Logger
	Tables  int // opened tables kept in memory; 0: 4000
	// RollbackTell is how often a long rollback tells the log how far it is; 0: every 10 seconds.
	RollbackTell time.Duration
	// ReadersFloor, if not nil, is the lowest LSN that some reader of the volume still reads at: purge stops there.
	ReadersFloor func() page.LSN
	// ShareFrom is from how many entries on a tree is read by several goroutines; 0: 50,000, some milliseconds' work.
	ShareFrom uint64
	// Temp is where index builds sort what they have no memory for.
	Temp extsort.Temp
}

// Numbers of the volume header.
const (
	slotVersion = iota // of the engine's format, 0: not bootstrapped
	slotTrxBound
	slotIDBound
	slotRowIDBound
	slotDict
	slotCounter
	slotUndoDir
	slotUndoInode

	formatVersion = 1
	idBatch       = 1024
	rowIDBatch    = 1 << 16
)

// DB is an open instance. It implements table.DB and table.Catalog.
type DB struct {
	o    Options
	vol  volume.Volume
	pool *buffer.Pool
	sp   *space.Space
	log  *slog.Logger

	txns  *txn.Table
	locks *lock.Table
	logs  *undo.Set
	cache *dict.Cache
	open  registry // transactions
	xa    prepared

	dict     *btree.Tree
	counters *btree.Tree
	ids      sequence // of tables and trees
	rowIDs   sequence // of hidden clustered keys

	inserts [4096]atomic.Uint64 // inserts begun in an index, by its id: see cursor_lock.go
	unique  [1024]sync.Mutex    // one check-and-insert of a unique key at a time, by hash

	auto struct {
		mu   sync.Mutex
		m    map[uint64]*counter
		mode atomic.Int32 // innodb_autoinc_lock_mode, as autoInterleaved less it: see SetAutoIncMode
	}
	putOff putOff
	builds sync.Map // table id -> *dict.Touched of the online DDL that reads it
	born   struct { // commit LSNs of the DDL that made tables and indexes, by id, since the instance opened
		mu    sync.Mutex
		m     map[uint64]page.LSN
		limit int // entries before it is looked through
	}
	gens generations

	history   atomic.Int64 // ended transactions that purge has not passed
	recovered sync.WaitGroup
	// recoveredCh is closed when no transaction from before a crash is left to be rolled back, namedCh when those that there are have
	// the metadata locks of their tables.
	recoveredCh                chan struct{}
	namedCh                    chan struct{}
	purging                    sync.Mutex // one purge round at a time
	purged                     purgePoint // the view of the last round that came through, under purging
	purgeCh                    chan struct{}
	dropCh                     chan struct{}
	stop                       context.CancelFunc
	ctx                        context.Context
	wg                         sync.WaitGroup
	closed                     atomic.Bool
	purgeErr                   atomic.Uint64
	purgeRounds, purgedRecords atomic.Uint64
	rowOps                     [16]rowOps
	mutant                     atomic.Uint32 // tests break one rule on purpose
	probe                      atomic.Pointer[func(moment)]
}

// mutant is a rule that a test has broken, to prove that another test would notice.
type mutant uint32

const (
	mutantPurgeAll     mutant = 1 + iota // purge does not ask snapshots
	mutantNoDependency                   // a snapshot does not wait for what its transaction depends on
	mutantNoGaps                         // locking reads lock no gaps
	mutantLatePublish                    // a commit's LSN enters the transaction table after the append
	mutantEarlyUnlock                    // row locks go before the commit record is appended
	mutantNewView                        // each statement of REPEATABLE READ takes a snapshot of its own
	mutantStmtLocks                      // row locks go when their statement ends
	mutantOneAhead                       // ReadAhead opens one table and leaves the others to the listing
	mutantColdRoots                      // ReadAhead does not read the roots of trees
)

func (db *DB) broken(m mutant) bool { return db.mutant.Load() == uint32(m) }

// moment is a place in the code at which a test looks at the rest of the engine.
type moment int

const (
	atCommit  moment = iota // the commit record is about to be appended
	atRelease               // it has been, locks are about to go
)

func (db *DB) reach(m moment) {
	if fn := db.probe.Load(); fn != nil {
		(*fn)(m)
	}
}

var (
	_ table.DB      = (*DB)(nil)
	_ table.Catalog = (*DB)(nil)
)

// Open opens the instance on vol; a blank volume gets an empty dictionary. Transactions that were cut short by a
// crash are rolled back in the background; their rows stay locked meanwhile. Closing the instance does not close vol.
func Open(ctx context.Context, vol volume.Volume, o Options) (table.DB, error) {
	return open(ctx, vol, o)
}

func open(ctx context.Context, vol volume.Volume, o Options) (*DB, error) {
	if o.PoolBytes == 0 {
		o.PoolBytes = 128 << 20
	}
	if o.Tables == 0 {
		o.Tables = 4000
	}
	if o.ShareFrom == 0 {
		o.ShareFrom = shareFrom
	}
	if o.RollbackTell == 0 {
		o.RollbackTell = rollbackTell
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	pool, err := buffer.New(vol, buffer.Options{Bytes: o.PoolBytes})
	if err != nil {
		return nil, fmt.Errorf("open engine: %w", err)
	}
	db := &DB{o: o, vol: vol, pool: pool, log: o.Logger, locks: lock.New(), cache: dict.NewCache(o.Tables)}
	db.init()
	if err := db.start(ctx); err != nil {
		db.stop()
		db.wg.Wait()
		pool.Close()
		return nil, fmt.Errorf("open engine: %w", err)
	}
	return db, nil
}

func (db *DB) types() dict.Types {
	return dict.Types{Collations: db.o.Collations, Extract: db.o.Extract}
}

func (db *DB) init() {
	db.purgeCh, db.dropCh, db.recoveredCh = make(chan struct{}, 1), make(chan struct{}, 1), make(chan struct{})
	db.namedCh = make(chan struct{})
	db.xa.m = map[string]*Tx{}
	db.auto.m = map[uint64]*counter{}
	db.gens.seed = maphash.MakeSeed()
	db.born.m, db.born.limit = map[uint64]page.LSN{}, bornLimit
	db.ctx, db.stop = context.WithCancel(context.Background())
}

func (db *DB) start(ctx context.Context) error {
	sp, err := space.Open(ctx, db.pool)
	if errors.Is(err, space.ErrNotFormatted) {
		if err = space.Format(ctx, db.pool); err == nil {
			sp, err = space.Open(ctx, db.pool)
		}
	}
	if err != nil {
		return err
	}
	db.sp = sp
	v, err := sp.Slot(ctx, slotVersion)
	if err != nil {
		return err
	}
	switch {
	case v == 0:
		if err := db.bootstrap(ctx); err != nil {
			return fmt.Errorf("bootstrap: %w", err)
		}
	case v != formatVersion:
		return fmt.Errorf("the volume has engine format %d, this program knows %d", v, formatVersion)
	}
	if err := db.load(ctx); err != nil {
		return err
	}
	if err := db.recover(ctx); err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	db.wg.Add(2)
	go db.purgeLoop()
	go db.dropLoop()
	db.kickPurge()
	db.kickDrop()
	return nil
}

// load opens the space and the engine's own structures. It changes nothing.
func (db *DB) load(ctx context.Context) (err error) {
	if db.sp, err = space.Open(ctx, db.pool); err != nil {
		return err
	}
	sp := db.sp
	var slots [slotUndoInode + 1]uint64
	for i := range slots {
		if slots[i], err = sp.Slot(ctx, i); err != nil {
			return err
		}
	}
	db.dict = btree.Open(sp, dict.Tree, page.No(slots[slotDict]))
	db.counters = btree.Open(sp, dict.Counter, page.No(slots[slotCounter]))
	db.ids.init(slots[slotIDBound], idBatch, db.raise(slotIDBound))
	db.rowIDs.init(slots[slotRowIDBound], rowIDBatch, db.raise(slotRowIDBound))
	db.txns = txn.New(slots[slotTrxBound], slots[slotTrxBound], vol(db), db.raise(slotTrxBound))
	if db.logs, err = undo.Open(ctx, sp, page.No(slots[slotUndoDir]), space.Inode(slots[slotUndoInode])); err != nil {
		return err
	}
	db.logs.OnGrowth(db.kickPurge)
	db.history.Store(db.logs.History())
	return nil
}

func vol(db *DB) func() page.LSN { return db.vol.VDL }

// bootstrap makes the engine's own trees and the undo directory. The version comes last, in the MTR that
// names the others, so a crash in between leaves a volume that is bootstrapped again.
func (db *DB) bootstrap(ctx context.Context) error {
	m, err := mtr.Start(ctx, db.pool, 2*btree.CreateRecords+4*space.Records+8, 2*btree.CreateBytes+4*space.Bytes+4<<10)
	if err != nil {
		return err
	}
	root, err := btree.Create(m, db.sp, dict.Tree)
	if err != nil {
		m.Abandon()
		return err
	}
	counters, err := btree.Create(m, db.sp, dict.Counter)
	if err != nil {
		m.Abandon()
		return err
	}
	dir, ino, err := undo.Format(m, db.sp)
	if err != nil {
		m.Abandon()
		return err
	}
	for _, s := range [][2]uint64{{slotTrxBound, 1}, {slotIDBound, dict.FirstID}, {slotRowIDBound, 1}, {slotDict, uint64(root)},
		{slotCounter, uint64(counters)}, {slotUndoDir, uint64(dir)}, {slotUndoInode, uint64(ino)}, {slotVersion, formatVersion}} {
		if err := db.sp.SetSlot(m, int(s[0]), s[1]); err != nil {
			m.Abandon()
			return err
		}
	}
	return db.vol.WaitDurable(ctx, m.Commit(nil))
}

// raise returns a function that sets one of the header's numbers: it is in the log when the function returns, ahead of
// whatever uses the numbers below.
func (db *DB) raise(slot int) func(context.Context, uint64) error {
	return func(ctx context.Context, v uint64) error {
		m, err := mtr.Start(ctx, db.pool, 1, 64)
		if err != nil {
			return err
		}
		if err := db.sp.SetSlot(m, slot, v); err != nil {
			m.Abandon()
			return err
		}
		m.Commit(nil)
		return nil
	}
}

// sequence gives out numbers that are never given out again, reserving them durably in batches.
type sequence struct {
	mu          sync.Mutex
	next, bound uint64
	batch       uint64
	raise       func(context.Context, uint64) error
}

func (s *sequence) init(bound, batch uint64, raise func(context.Context, uint64) error) {
	s.next, s.bound, s.batch, s.raise = bound, bound, batch, raise
}

func (s *sequence) take(ctx context.Context) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == s.bound {
		if err := s.raise(ctx, s.bound+s.batch); err != nil {
			return 0, fmt.Errorf("reserve ids: %w", err)
		}
		s.bound += s.batch
	}
	s.next++
	return s.next - 1, nil
}

// Catalog returns the dictionary.
func (db *DB) Catalog() table.Catalog { return db }

// Close ends background work and gives the pool's memory back. Transactions that are open are lost as in a crash.
func (db *DB) Close() error {
	if db.closed.Swap(true) {
		return nil
	}
	err := db.saveCounters(context.Background())
	db.stop()
	db.wg.Wait()
	db.recovered.Wait()
	return errors.Join(err, db.pool.Close())
}

// Info returns the engine's counters.
func (db *DB) Info() table.Info {
	n := table.Info{
		VDL: db.vol.VDL(), HistoryLength: uint64(max(db.history.Load(), 0)), ActiveTxns: db.txns.Active(),
		LockWaits: db.locks.Waits.Load(), Deadlocks: db.locks.Deadlocks.Load(),
		Extra: map[string]uint64{
			"lock_timeouts": db.locks.Timeouts.Load(),
			"next_trx_id":   db.txns.Next(),
			"open_tables":   uint64(db.cache.Len()),
			"purge_errors":  db.purgeErr.Load(),
			"undo_logs":     uint64(len(db.logs.Logs())),
			"undo_pages":    uint64(db.logs.Pages()),
		},
	}
	p := db.pool.Stats()
	n.PoolPages, n.PoolFree, n.PoolDirty, n.PoolHits, n.PoolReads = p.Pages, p.Free, p.Dirty, p.Hits, p.Reads
	n.PoolReadPages, n.PoolAhead, n.PoolCreated, n.PoolWaits = p.ReadPages, p.Prefetched, p.Created, p.Waits
	n.TablesOpened = db.cache.Added()
	return n
}

func kick(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

func (db *DB) kickPurge() { kick(db.purgeCh) }
func (db *DB) kickDrop()  { kick(db.dropCh) }

// dropLoop gives the pages of dropped trees back to the space.
func (db *DB) dropLoop() {
	defer db.wg.Done()
	for {
		select {
		case <-db.ctx.Done():
			return
		case <-db.dropCh:
		}
		for {
			more, err := db.sp.DropStep(db.ctx)
			if err != nil {
				if db.ctx.Err() == nil && db.vol.Err() == nil {
					db.log.Error("freeing dropped tables", "err", err)
				}
				break
			}
			if !more {
				break
			}
		}
	}
}
