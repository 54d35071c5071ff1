package engine

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/zoryadb/zorya/engine/dict"
	"github.com/zoryadb/zorya/engine/lock"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
)

var _ table.Monitor = (*DB)(nil)

// registry knows the open transactions of sessions, for the views. It is in shards: transactions come and go often.
type registry struct {
	shard [64]struct {
		mu    sync.Mutex
		first *Tx
		_     [48]byte
	}
}

// registered is a transaction's place in the registry.
type registered struct {
	next, prev *Tx
	in         bool
	state      atomic.Uint32 // table.TrxState, but for TrxLockWait
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

// all lists the transactions. They may end while they are looked at: only what is atomic or guarded may be read of them.
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
	all := db.open.all()
	out := make([]table.TrxInfo, 0, len(all))
	for _, tx := range all {
		rows := tx.own.Rows()
		n := table.TrxInfo{ID: shownID(tx.id.Load(), tx.o.SessionID), SessionID: tx.o.SessionID, State: table.TrxState(tx.reg.state.Load()), Started: tx.started,
			Locks: rows + tx.own.Gaps(), RowsLocked: rows, RowsModified: max(tx.own.Weight.Load(), 0), Isolation: tx.o.Isolation, ReadOnly: tx.o.ReadOnly,
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
	return out
}

// DataLockWaits implements table.Monitor.
func (db *DB) DataLockWaits() []table.LockWaitInfo {
	n := db.indexNames()
	var out []table.LockWaitInfo
	for _, w := range db.locks.WaitsFor() {
		x := table.LockWaitInfo{Since: w.Since, WaitsOnMetadataLock: w.Waiting.Space == lock.Metadata,
			Waiting: n.info(&w.Waiting, false), Blocking: n.info(&w.Blocking, false)}
		x.WaitingTrx, x.WaitingSession = x.Waiting.TrxID, x.Waiting.SessionID
		x.BlockingTrx, x.BlockingSession = x.Blocking.TrxID, x.Blocking.SessionID
		out = append(out, x)
	}
	return out
}

// MetadataLocks implements table.Monitor.
func (db *DB) MetadataLocks() []table.MetadataLockInfo {
	views := db.locks.Names()
	out := make([]table.MetadataLockInfo, 0, len(views))
	for i := range views {
		v := &views[i]
		_, session := v.Owner.Identity()
		m := table.MetadataLockInfo{Type: "TABLE", Mode: [...]string{"SHARED_READ", "SHARED_WRITE", "SHARED_READ_ONLY", "EXCLUSIVE"}[v.Mode], Granted: v.Granted, SessionID: session}
		parts := strings.Split(string(v.Key), "\x00")
		if len(parts) > 0 && strings.HasPrefix(parts[0], "\x01") { // an object: kind, schema, name
			m.Type = strings.ToUpper(parts[0][1:])
			parts = parts[1:]
		}
		m.Schema = parts[0]
		if len(parts) > 1 {
			m.Name = parts[1]
		}
		if m.Name == "" && m.Type == "TABLE" {
			m.Type = "SCHEMA"
		}
		out = append(out, m)
	}
	return out
}

// LatestDeadlock implements table.Monitor.
func (db *DB) LatestDeadlock() *table.DeadlockInfo {
	d := db.locks.Latest()
	if d == nil {
		return nil
	}
	n := db.indexNames()
	out := &table.DeadlockInfo{At: d.At, Victim: d.Victim}
	for i := range d.Waits {
		w := n.info(&d.Waits[i], false)
		w.TrxID, w.SessionID = shownID(d.Trx[i], d.Session[i]), d.Session[i]
		out.Cycle = append(out.Cycle, table.DeadlockTrx{ID: w.TrxID, SessionID: w.SessionID, Rows: d.Rows[i], Modified: d.Weight[i], Waits: w})
	}
	return out
}
