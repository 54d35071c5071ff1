package engine

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zoryadb/zorya/engine/dict"
	"github.com/zoryadb/zorya/engine/lock"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/engine/undo"
)

var _ table.Monitor = (*DB)(nil)

// registry knows the open transactions of sessions, for the views. It is in shards: transactions come and go often.
type registry struct {
	looking atomic.Int32 // views under way
	shard   [64]struct {
		mu    sync.Mutex
		first *Tx
		_     [48]byte
	}
}

// registered is a transaction's place in the registry.
type registered struct {
	next, prev *Tx
	in         bool
	log        atomic.Pointer[undo.Log] // the transaction's
	state      atomic.Uint32            // table.TrxState, but for TrxLockWait
}

func (r *registry) add(tx *Tx) {
	s := &r.shard[tx.o.SessionID%uint64(len(r.shard))]
	s.mu.Lock()
	defer s.mu.Unlock()
	tx.reg.in, tx.reg.prev, tx.reg.next = true, nil, s.first
	if s.first != nil {
		s.first.reg.prev = tx
	}
	s.first = tx
}

func (r *registry) remove(tx *Tx) {
	s := &r.shard[tx.o.SessionID%uint64(len(r.shard))]
	s.mu.Lock()
	defer s.mu.Unlock()
	if !tx.reg.in {
		return
	}
	tx.reg.in = false
	if tx.reg.prev != nil {
		tx.reg.prev.reg.next = tx.reg.next
	} else {
		s.first = tx.reg.next
	}
	if tx.reg.next != nil {
		tx.reg.next.reg.prev = tx.reg.prev
	}
	tx.reg.next, tx.reg.prev = nil, nil
}

// look says that a view is being made, until its result is called: transactions that it finds are not used again meanwhile.
func (r *registry) look() (done func()) {
	r.looking.Add(1)
	return func() { r.looking.Add(-1) }
}

// all lists the transactions, within look. They may end while they are looked at: only what is atomic or guarded may be read of them.
func (r *registry) all() (out []*Tx) {
	for i := range r.shard {
		s := &r.shard[i]
		s.mu.Lock()
		for tx := s.first; tx != nil; tx = tx.reg.next {
			out = append(out, tx)
		}
		s.mu.Unlock()
	}
	return out
}

// Transactions implements table.Monitor.
func (db *DB) Transactions() []table.TrxInfo {
	defer db.open.look()()
	all := db.open.all()
	out := make([]table.TrxInfo, 0, len(all))
	for _, tx := range all {
		rows := tx.own.Rows()
		n := table.TrxInfo{ID: shownID(tx.id.Load(), tx.o.SessionID), SessionID: tx.o.SessionID, State: table.TrxState(tx.reg.state.Load()), Started: tx.started,
			Locks: rows + tx.own.Gaps(), RowsLocked: rows, Tables: tx.own.Tables(), RowsModified: max(tx.own.Weight.Load(), 0), Isolation: tx.o.Isolation, ReadOnly: tx.o.ReadOnly,
			OldestVisible: tx.sees.Load()}
		switch n.State {
		case table.TrxPrepared:
			n.SessionID = 0
		case table.TrxRollingBack:
			n.RollbackTotal = tx.back.total.Load()
			n.RollbackLeft = max(n.RollbackTotal-tx.back.done.Load(), 0)
		}
		if v, since, ok := db.locks.WaitsSince(&tx.own); ok {
			n.WaitStarted = since
			if n.State == table.TrxRunning && v.Space != lock.Metadata {
				n.State, n.Waits = table.TrxLockWait, lockID(&v)
			}
		}
		out = append(out, n)
	}
	return out
}

// Rollbacks implements table.Monitor.
func (db *DB) Rollbacks() (out []table.RollbackInfo) {
	defer db.open.look()()
	for _, tx := range db.open.all() {
		if table.TrxState(tx.reg.state.Load()) == table.TrxRollingBack && tx.o.SessionID != 0 {
			total := tx.back.total.Load()
			out = append(out, table.RollbackInfo{SessionID: tx.o.SessionID, Total: total, Left: max(total-tx.back.done.Load(), 0)})
		}
	}
	return out
}

// shownID is a transaction's id in the views.
func shownID(id, session uint64) uint64 {
	if id != 0 {
		return id
	}
	return table.ReaderID | session
}

func lockID(v *lock.View) string {
	trx, session := v.Owner.Identity()
	kind := [...]string{"R", "G", "I"}[v.Kind]
	end := "supremum"
	if v.Key != nil {
		end = hex.EncodeToString(v.Key)
	}
	return fmt.Sprintf("%d:%d:%s:%s", shownID(trx, session), v.Space, kind, end)
}

// names finds tables by the ids of their indexes.
type names map[uint64]indexName

type indexName struct {
	t  *dict.Table
	ix *dict.Index
}

func (db *DB) indexNames() names {
	n := names{}
	for _, t := range db.cache.Tables() {
		n[t.ID] = indexName{t: t} // of its AUTO-INC lock
		for _, ix := range t.Indexes {
			n[ix.Def.ID] = indexName{t, ix}
		}
	}
	return n
}

// info describes a lock. covered says that a record's lock comes with one on the gap before it.
func (n names) info(v *lock.View, covered bool) table.LockInfo {
	trx, session := v.Owner.Identity()
	i := table.LockInfo{ID: lockID(v), TrxID: shownID(trx, session), SessionID: session, Granted: v.Granted, Data: "supremum pseudo-record"}
	x := n[v.Space]
	if x.t != nil && x.ix == nil {
		i.Schema, i.Table, i.OnTable, i.Mode, i.Data = x.t.Schema, x.t.Name, true, "AUTO_INC", ""
		return i
	}
	if x.t != nil {
		i.Schema, i.Table, i.Index = x.t.Schema, x.t.Name, x.ix.Def.Name
	}
	if v.Key != nil {
		i.Data = keyText(x.ix, v.Key)
	}
	i.Mode = "S"
	if v.Mode == lock.Exclusive {
		i.Mode = "X"
	}
	switch {
	case v.Kind == lock.Intention:
		i.Mode = "X,GAP,INSERT_INTENTION"
		if v.Key == nil {
			i.Mode = "X,INSERT_INTENTION"
		}
	case v.Kind == lock.Gap && v.Key != nil:
		i.Mode += ",GAP"
	case v.Kind == lock.Record && !covered:
		i.Mode += ",REC_NOT_GAP"
	}
	return i
}

// keyText shows a key as performance_schema.data_locks does; what stands as weights in the key is shown in hex.
func keyText(ix *dict.Index, key []byte) string {
	if ix == nil {
		return "0x" + hex.EncodeToString(key)
	}
	var parts []string
	for i := range ix.Parts {
		p := &ix.Parts[i]
		n, err := row.SkipKey(p, key)
		if err != nil {
			parts = append(parts, "0x"+hex.EncodeToString(key))
			break
		}
		var d row.Datum
		if !p.Reversible() {
			parts = append(parts, "0x"+hex.EncodeToString(key[:n]))
		} else if _, _, err := row.DecodeKey(p, key, nil, &d); err == nil {
			parts = append(parts, datumText(p.Class, &d))
		}
		key = key[n:]
	}
	return strings.Join(parts, ", ")
}

func datumText(c row.Class, d *row.Datum) string {
	switch {
	case d.Null:
		return "NULL"
	case c == row.Int:
		return strconv.FormatInt(d.Int(), 10)
	case c == row.Uint:
		return strconv.FormatUint(d.Uint(), 10)
	case c == row.Bytes:
		return "0x" + hex.EncodeToString(d.B)
	}
	return strconv.FormatFloat(d.Float(), 'g', -1, 64)
}

// DataLocks implements table.Monitor.
func (db *DB) DataLocks(max int) []table.LockInfo {
	defer db.open.look()()
	views := db.locks.Rows(max)
	type place struct {
		o     *lock.Owner
		index uint64
	}
	gaps := map[place][]*lock.View{}
	for i := range views {
		if v := &views[i]; v.Kind == lock.Gap {
			k := place{v.Owner, v.Space}
			gaps[k] = append(gaps[k], v)
		}
	}
	n := db.indexNames()
	out := make([]table.LockInfo, 0, len(views))
	records := map[string]bool{}
	for i := range views {
		v := &views[i]
		if v.Kind != lock.Record {
			continue
		}
		covered := false
		for _, g := range gaps[place{v.Owner, v.Space}] {
			covered = covered || g.Covers(v.Key)
		}
		out = append(out, n.info(v, covered))
		if covered {
			records[lockID(v)] = true
		}
	}
	for i := range views {
		v := &views[i]
		if v.Kind == lock.Record {
			continue
		}
		if v.Kind == lock.Gap && v.KeyClosed {
			same := *v
			if same.Kind = lock.Record; records[lockID(&same)] {
				continue // shown as the next-key lock of its last record
			}
		}
		out = append(out, n.info(v, false))
	}
	return db.implicitLocks(n, out, max)
}

// implicitWithin bounds the time that a look at the undo logs may take.
const implicitWithin = 2 * time.Second

// implicitLocks adds the locks that stand in no lock table: rows that an open transaction has changed, which its undo log names, and the tables
// that it has changed. InnoDB locks a row that is updated or deleted explicitly, and shows that; a row that was inserted only when somebody waits
// for it.
func (db *DB) implicitLocks(n names, out []table.LockInfo, max int) []table.LockInfo {
	have := make(map[string]bool, len(out))
	for i := range out {
		have[out[i].ID] = true
	}
	tables := map[uint64]*dict.Table{}
	for _, x := range n {
		tables[x.t.ID] = x.t
	}
	ctx, cancel := context.WithTimeout(db.ctx, implicitWithin)
	defer cancel()
	for _, tx := range db.open.all() {
		l, id := tx.reg.log.Load(), tx.id.Load()
		if l == nil {
			continue
		}
		seen := map[uint64]bool{}
		// What cannot be read, because the transaction has ended and its undo is gone, is not held any more either.
		_ = db.logs.Changes(ctx, l, id, func(r *undo.Record) bool {
			t := tables[r.Table]
			if t == nil {
				return len(out) < max
			}
			if !seen[r.Table] {
				seen[r.Table] = true
				out = append(out, table.LockInfo{ID: fmt.Sprintf("%d:%d", id, r.Table), Schema: t.Schema, Table: t.Name, TrxID: id, SessionID: tx.o.SessionID,
					Mode: "IX", OnTable: true, Granted: true})
			}
			if r.Type == undo.Update && !r.Undone {
				v := lock.View{Owner: &tx.own, Space: t.Indexes[0].Def.ID, Key: r.Key, Mode: lock.Exclusive, Granted: true}
				if i := n.info(&v, false); !have[i.ID] {
					have[i.ID] = true
					out = append(out, i)
				}
			}
			return len(out) < max
		})
	}
	return out
}

// DataLockWaits implements table.Monitor.
func (db *DB) DataLockWaits() []table.LockWaitInfo {
	defer db.open.look()()
	n := db.indexNames()
	var out []table.LockWaitInfo
	for _, w := range db.locks.WaitsFor() {
		x := table.LockWaitInfo{Since: w.Since, WaitsOnMetadataLock: w.Waiting.Space == lock.Metadata,
			Waiting: n.info(&w.Waiting, false), Blocking: n.info(&w.Blocking, false)}
		if x.WaitsOnMetadataLock {
			for _, side := range []struct {
				i *table.LockInfo
				v *lock.View
			}{{&x.Waiting, &w.Waiting}, {&x.Blocking, &w.Blocking}} {
				m := metadataInfo(side.v)
				side.i.Schema, side.i.Table, side.i.Mode, side.i.Data = m.Schema, m.Name, m.Mode, ""
			}
		}
		x.WaitingTrx, x.WaitingSession = x.Waiting.TrxID, x.Waiting.SessionID
		x.BlockingTrx, x.BlockingSession = x.Blocking.TrxID, x.Blocking.SessionID
		out = append(out, x)
	}
	return out
}

// MetadataLocks implements table.Monitor.
func (db *DB) MetadataLocks() []table.MetadataLockInfo {
	defer db.open.look()()
	views := db.locks.Names()
	out := make([]table.MetadataLockInfo, 0, len(views))
	for i := range views {
		out = append(out, metadataInfo(&views[i]))
	}
	return out
}

func metadataInfo(v *lock.View) table.MetadataLockInfo {
	_, session := v.Owner.Identity()
	m := table.MetadataLockInfo{Type: "TABLE", Mode: [...]string{"SHARED_READ", "SHARED_WRITE", "SHARED_READ_ONLY", "EXCLUSIVE"}[v.Mode], Granted: v.Granted, SessionID: session}
	key, ddl := strings.CutPrefix(string(v.Key), "\x02") // lockDDL
	if ddl {
		m.Mode = "SHARED_UPGRADABLE"
	}
	parts := strings.Split(key, "\x00")
	if len(parts) > 0 && strings.HasPrefix(parts[0], "\x01") { // an object: kind, schema, name
		m.Type = strings.ToUpper(parts[0][1:])
		parts = parts[1:]
	}
	if len(parts) > 0 {
		m.Schema = parts[0]
	}
	if len(parts) > 1 {
		m.Name = parts[1]
	}
	if m.Name == "" && m.Type == "TABLE" {
		m.Type = "SCHEMA"
	}
	return m
}

// LatestDeadlock implements table.Monitor.
func (db *DB) LatestDeadlock() *table.DeadlockInfo {
	defer db.open.look()()
	d := db.locks.Latest()
	if d == nil {
		return nil
	}
	n := db.indexNames()
	out := &table.DeadlockInfo{At: d.At, Victim: d.Victim}
	for i := range d.Cycle {
		v := &d.Cycle[i]
		x := table.DeadlockTrx{ID: shownID(v.Trx, v.Session), SessionID: v.Session, Rows: v.Rows, Modified: v.Weight, Query: v.Text, WaitStarted: v.Since,
			Waits: n.info(&v.Waits, false)}
		if v.Holds.Owner != nil {
			x.Holds = n.info(&v.Holds, false)
			x.Holds.TrxID, x.Holds.SessionID = x.ID, v.Session
		}
		x.Waits.TrxID, x.Waits.SessionID = x.ID, v.Session
		out.Cycle = append(out.Cycle, x)
	}
	return out
}

// Activity implements table.Monitor.
func (db *DB) Activity() table.Activity {
	w := &db.locks.RowWaits
	a := table.Activity{
		NextTrx: db.txns.Next(), Views: db.txns.Views(), OldestView: db.txns.Oldest(), UndoPages: uint64(db.logs.Pages()), UndoLogs: len(db.logs.Logs()),
		PurgeRounds: db.purgeRounds.Load(), PurgedRecords: db.purgedRecords.Load(),
		RowLockWaits: w.Count.Load(), RowLockNow: uint64(max(w.Now.Load(), 0)), RowLockTime: time.Duration(w.Nanos.Load()), RowLockMax: time.Duration(w.Longest.Load()),
		Timeouts: db.locks.Timeouts.Load(), OpenTables: db.cache.Len(),
	}
	for i := range db.rowOps {
		r := &db.rowOps[i]
		a.Inserted, a.Updated = a.Inserted+r.inserted.Load(), a.Updated+r.updated.Load()
		a.Deleted, a.Read = a.Deleted+r.deleted.Load(), a.Read+r.read.Load()
	}
	return a
}

// rowOps counts row operations of ended statements; in shards, by session.
type rowOps struct {
	inserted, updated, deleted, read atomic.Uint64
	_                                [32]byte
}

// statementOps are those of the running statement.
type statementOps struct{ inserted, updated, deleted, read uint64 }

// countOps adds what the statement did to the instance's counters.
func (db *DB) countOps(session uint64, o *statementOps) {
	r := &db.rowOps[session%uint64(len(db.rowOps))]
	for _, x := range [...]struct {
		to *atomic.Uint64
		n  uint64
	}{{&r.inserted, o.inserted}, {&r.updated, o.updated}, {&r.deleted, o.deleted}, {&r.read, o.read}} {
		if x.n != 0 {
			x.to.Add(x.n)
		}
	}
}
