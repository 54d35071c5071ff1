package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/zoryadb/zorya/engine/dict"
	"github.com/zoryadb/zorya/engine/lock"
	"github.com/zoryadb/zorya/engine/overflow"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/engine/undo"
	"github.com/zoryadb/zorya/storage/page"
)

const pageSize = page.Size

// how says which version of a row is wanted.
type how uint8

const (
	consistent how = iota // the snapshot's
	current               // the newest; the row is locked
	dirty                 // the newest, whoever made it: READ UNCOMMITTED
	committed             // the newest whose transaction ended: the first look of READ COMMITTED at a row that it may lock
)

// reader reads rows: their versions, values and locks. It owns the buffers, which are used again from statement to
// statement. Datums that it hands out alias them.
type reader struct {
	s     *Stmt
	val   []byte // the row's stored form: first the newest version, then the one wanted
	spare []byte
	ub    []byte // undo record
	rec   undo.Record
	row   []row.Datum
	over  []overRef
	long  []byte // values from overflow pages
	need  []bool
	key   []byte
	kbuf  []byte // bytes decoded from keys

	// A secondary entry whose presence in the version wanted is asked for.
	watch   uint64 // index id, 0: none
	watched []byte
	present int8 // what the walk through the undo records said: 0 nothing, +1 there, -1 not there

	// The lock that lockFn tries to take under the leaf's latch.
	lockIndex uint64
	lockKey   []byte
	lockMode  lock.Mode
	locked    bool
	holder    uint64 // transaction whose implicit lock is in the way, 0: an explicit one is
	ours      bool   // since it was last set to false it has met what this transaction itself has changed

	// latest is the table of which val is the newest version of the row under key, which this transaction has locked for itself; nil: of none.
	latest *dict.Table

	showOwn bool // the statement's own changes are not hidden

	copyFn, lockFn func([]byte)
	overFn         func(int, []byte)
}

type overRef struct {
	pos int
	ref []byte
}

var readers = sync.Pool{New: func() any {
	r := &reader{}
	r.bind()
	return r
}}

// bind makes the functions that are handed down, once.
func (r *reader) bind() {
	r.copyFn = func(v []byte) { r.val = append(r.val[:0], v...) }
	r.lockFn = r.tryLock
	r.overFn = func(pos int, ref []byte) { r.over = append(r.over, overRef{pos, ref}) }
}

func newReader(s *Stmt, showOwn bool) *reader {
	r := readers.Get().(*reader)
	r.s, r.showOwn = s, showOwn
	return r
}

func (r *reader) free() {
	r.rest()
	readers.Put(r)
}

// rest forgets the statement, and what is too long to be kept.
func (r *reader) rest() {
	r.s, r.watch, r.latest = nil, 0, nil
	if cap(r.long) > 1<<20 {
		r.long = nil
	}
}

// version turns r.val, a row's newest version, into the one wanted. It reports whether there is one that is not deleted.
func (r *reader) version(ctx context.Context, h how) (bool, error) {
	tx := r.s.tx
	r.present = 0
	for {
		hd, err := row.ParseHeader(r.val)
		if err != nil {
			return false, err
		}
		seen := false
		read := false
		switch {
		case tx.mine(hd.Trx):
			seen = true
			if r.s.wrote && !r.showOwn && h != dirty && hd.Roll != 0 {
				if r.ub, err = tx.db.logs.Read(ctx, hd.Roll, &r.rec, r.ub); err != nil {
					return false, err
				}
				read = true
				seen = r.rec.Seq < r.s.since
			}
		case h == current || h == dirty:
			seen = true
		case h == committed:
			seen = tx.db.txns.End(hd.Trx) != 0
		default:
			seen = tx.snap.Sees(hd.Trx)
		}
		if seen {
			return !hd.Deleted, nil
		}
		if hd.Roll == 0 {
			return false, nil // copied by a DDL: it has no past
		}
		if !read {
			if r.ub, err = tx.db.logs.Read(ctx, hd.Roll, &r.rec, r.ub); err != nil {
				return false, err
			}
		}
		if r.watch != 0 {
			if err := tx.db.eachSec(ctx, hd.Roll, &r.rec, r.see); err != nil {
				return false, err
			}
		}
		if r.rec.Type != undo.Update {
			return false, nil
		}
		older, err := r.rec.Older(r.spare[:0], r.val)
		if err != nil {
			return false, err
		}
		r.val, r.spare = older, r.val
	}
}

// see notes what an undo record that was walked through says of the watched entry: the last one walked is the oldest.
func (r *reader) see(op *undo.SecOp) {
	if op.Index == r.watch && string(op.Key) == string(r.watched) {
		r.present = -1
		if op.Mark {
			r.present = 1
		}
	}
}

// eachSec calls fn for every secondary operation of the row change at p, whose record is r, newest record first.
// An Inserts record tells the operations of all its rows.
func (db *DB) eachSec(ctx context.Context, p row.Ptr, r *undo.Record, fn func(*undo.SecOp)) error {
	if r.Type == undo.Inserts {
		return r.EachRow(func(_ []byte, secs []undo.SecOp) bool {
			for i := range secs {
				fn(&secs[i])
			}
			return true
		})
	}
	for i := len(r.Secs) - 1; i >= 0; i-- {
		fn(&r.Secs[i])
	}
	if !r.More {
		return nil
	}
	var more undo.Record
	var buf []byte
	for {
		var err error
		if p, err = db.logs.Before(ctx, p); err != nil {
			return err
		}
		if p == 0 {
			return nil
		}
		if buf, err = db.logs.Read(ctx, p, &more, buf); err != nil {
			return err
		}
		if more.Type == undo.OverOld || more.Type == undo.OverNew {
			continue
		}
		if more.Type != undo.Secs {
			return nil
		}
		for i := len(more.Secs) - 1; i >= 0; i-- {
			fn(&more.Secs[i])
		}
	}
}

// decode reads the stored row v into r.row, fetching long values. need is nil for all columns.
func (r *reader) decode(ctx context.Context, t *dict.Table, v []byte, need []bool) error {
	if err := r.decodeInline(t, v, need); err != nil || len(r.over) == 0 {
		return err
	}
	return r.fetchLong(ctx, t)
}

// decodeInline is decode, but for long values: these are left in r.over.
func (r *reader) decodeInline(t *dict.Table, v []byte, need []bool) error {
	n := t.Layout.Len()
	if cap(r.row) < n {
		r.row = make([]row.Datum, n)
	}
	r.row = r.row[:n]
	r.over = r.over[:0]
	if err := t.Layout.Decode(v, r.row, need, r.overFn); err != nil {
		return fmt.Errorf("%s.%s: %w", t.Schema, t.Name, err)
	}
	return nil
}

func (r *reader) fetchLong(ctx context.Context, t *dict.Table) error {
	r.long = r.long[:0]
	for _, o := range r.over {
		ref, ok := overflow.ParseRef(o.ref)
		if !ok {
			return fmt.Errorf("%s.%s: column %d: %w", t.Schema, t.Name, o.pos, row.ErrCorrupt)
		}
		at := len(r.long)
		if need := at + int(ref.Length); cap(r.long) < need {
			// Values handed out keep the old buffer.
			r.long, at = make([]byte, 0, int(ref.Length)), 0
		}
		r.long = r.long[:at+int(ref.Length)]
		dst := r.long[at:]
		n, err := overflow.Read(ctx, r.s.tx.db.sp, t.Indexes[0].Def.ID, ref, 0, dst)
		if err != nil {
			return fmt.Errorf("%s.%s: long value: %w", t.Schema, t.Name, err)
		}
		if n != len(dst) {
			return fmt.Errorf("%s.%s: long value has %d of %d bytes: %w", t.Schema, t.Name, n, len(dst), row.ErrCorrupt)
		}
		r.row[o.pos] = row.Datum{B: dst[:len(dst):len(dst)]}
	}
	return nil
}

// trxOf reads the transaction id that begins a stored row or a secondary entry.
func trxOf(v []byte) uint64 {
	_ = v[5]
	return uint64(v[0]) | uint64(v[1])<<8 | uint64(v[2])<<16 | uint64(v[3])<<24 | uint64(v[4])<<32 | uint64(v[5])<<40
}

// tryLock runs under the leaf's latch: it copies the entry and takes the lock, or says who is in the way.
func (r *reader) tryLock(v []byte) {
	r.val = append(r.val[:0], v...)
	tx := r.s.tx
	trx := trxOf(v)
	r.holder, r.locked = 0, false
	if tx.mine(trx) {
		r.ours = true
	} else {
		end := tx.db.txns.End(trx)
		if end == 0 {
			r.holder = trx
			return
		}
		tx.dep = max(tx.dep, end)
	}
	r.locked = tx.db.locks.Try(&tx.own, r.lockIndex, r.lockKey, r.lockMode)
}

// errSkip says that SKIP LOCKED passes a row over.
var errSkip = errors.New("row is locked, skip it")

// lock locks the entry of key in ix and copies it to r.val; found is false when there is none.
func (r *reader) lock(ctx context.Context, ix *dict.Index, key []byte, m lock.Mode, p table.WaitPolicy) (found bool, err error) {
	r.lockIndex, r.lockKey, r.lockMode = ix.Def.ID, key, m
	for {
		found, err = ix.Tree.Get(ctx, key, r.lockFn)
		if err != nil || !found || r.locked {
			return found, err
		}
		if err := r.s.tx.waitFor(ctx, obstacle{ix: ix, key: key, holder: r.holder, mode: m}, p); err != nil {
			return false, err
		}
	}
}

// obstacle is what a write or a locking read met under a latch and has to wait for without one.
type obstacle struct {
	ix     *dict.Index
	key    []byte
	holder uint64 // transaction that locks it implicitly
	mode   lock.Mode
	gap    bool // an insert into a locked gap
}

// waitFor waits until the obstacle is away; a row lock is then held. The caller tries again in any case.
func (tx *Tx) waitFor(ctx context.Context, o obstacle, p table.WaitPolicy) error {
	db := tx.db
	if p == table.NoWait {
		return table.ErrLocked
	}
	if p == table.SkipLocked {
		return errSkip
	}
	if o.gap {
		return tx.failed(ctx, db.locks.WaitInsert(ctx, &tx.own, o.ix.Def.ID, o.key, tx.o.LockWait))
	}
	if o.holder != 0 {
		if on, err := tx.explicit(ctx, &o); err != nil || !on {
			return err
		}
	}
	return tx.failed(ctx, db.locks.Wait(ctx, &tx.own, o.ix.Def.ID, o.key, o.mode, tx.o.LockWait))
}

// explicit turns the holder's implicit lock into an explicit one. on is false when it has none any more: the holder has ended, or has rolled
// back to before its change.
func (tx *Tx) explicit(ctx context.Context, o *obstacle) (on bool, err error) {
	db := tx.db
	nobody := false
	_, err = o.ix.Tree.Get(ctx, o.key, func(v []byte) {
		if trxOf(v) != o.holder {
			return
		}
		who, _ := db.txns.Who(o.holder).(*Tx)
		on = who != nil && db.locks.Grant(&who.own, o.holder, o.ix.Def.ID, o.key)
		nobody = !on && db.txns.End(o.holder) == 0
	})
	if err == nil && nobody {
		err = fmt.Errorf("transaction %d is active and nobody's", o.holder)
	}
	return on, err
}

// fill sets r.need to the columns asked for and returns it; nil means all.
func (r *reader) wants(t *dict.Table, cols []int) ([]bool, error) {
	if cols == nil {
		return nil, nil
	}
	n := len(t.Columns)
	if cap(r.need) < n {
		r.need = make([]bool, n)
	}
	r.need = r.need[:n]
	clear(r.need)
	for _, c := range cols {
		if c < 0 || c >= n {
			return nil, fmt.Errorf("column %d of %d", c, n)
		}
		r.need[c] = true
	}
	return r.need, nil
}

func (s *Stmt) how(l table.Lock) how {
	switch {
	case l != table.LockNone:
		return current
	case s.tx.o.Isolation == table.ReadUncommitted:
		return dirty
	}
	return consistent
}

// level is the lock that a read takes: SERIALIZABLE locks what it reads.
func (s *Stmt) level(l table.Lock) table.Lock {
	if l == table.LockNone && s.tx.o.Isolation == table.Serializable {
		return table.LockShared
	}
	return l
}

func mode(l table.Lock) lock.Mode {
	if l == table.LockExclusive {
		return lock.Exclusive
	}
	return lock.Shared
}

// Get reads one row by a full unique key. It sees the statement's own changes.
func (h *Handle) Get(ctx context.Context, index int, key []row.Datum, l table.Lock, p table.WaitPolicy) ([]row.Datum, table.Ref, error) {
	if err := h.usable(false); err != nil {
		return nil, nil, err
	}
	if index < 0 || index >= len(h.t.Indexes) {
		return nil, nil, table.ErrNoIndex
	}
	h.s.work.Examined++
	h.s.work.Keys++
	ix, r := h.t.Indexes[index], h.s.rd
	l = h.s.level(l)
	if err := h.claim(ctx, l); err != nil {
		return nil, nil, err
	}
	if len(key) != ix.Own {
		return nil, nil, fmt.Errorf("get by %d datums of index %s, which has %d parts", len(key), ix.Def.Name, ix.Own)
	}
	r.latest = nil
	if index != 0 {
		return h.getSecondary(ctx, index, key, l, p)
	}
	r.key = r.key[:0]
	for i := range key {
		r.key = row.AppendKey(r.key, &ix.Parts[i], &key[i])
	}
	ok, err := h.point(ctx, r, r.key, l, p)
	if err != nil || !ok {
		return nil, nil, err
	}
	if err := r.decode(ctx, h.t, r.val, nil); err != nil {
		return nil, nil, err
	}
	if l == table.LockExclusive {
		r.latest = h.t
	}
	h.fetched(index, 1)
	return r.row, bytes.Clone(r.key), nil
}

// point brings the wanted version of the row under a clustered key to r.val. It reports whether there is one. It shows the
// statement's own changes.
func (h *Handle) point(ctx context.Context, r *reader, key []byte, l table.Lock, p table.WaitPolicy) (bool, error) {
	ix, s := h.t.Indexes[0], h.s
	if l == table.LockNone {
		if err := s.view(ctx, h.t, ix); err != nil {
			return false, err
		}
		found, err := ix.Tree.Get(ctx, key, r.copyFn)
		if err != nil || !found {
			return false, err
		}
		return r.version(ctx, s.how(l))
	}
	for {
		found, err := r.lock(ctx, ix, key, mode(l), p)
		if err == errSkip {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if found {
			if hd, err := row.ParseHeader(r.val); err != nil || !hd.Deleted {
				return err == nil, err
			}
		}
		if !s.gaps() {
			return false, nil
		}
		// Nothing there: keep it so. An insert that began before the gap was locked is met by looking again.
		if err := s.tx.lockAround(ctx, ix, key); err != nil || found {
			return false, err
		}
		found, err = ix.Tree.Get(ctx, key, r.copyFn)
		if err != nil || !found {
			return false, err
		}
	}
}

// gaps reports whether locking reads lock gaps.
func (s *Stmt) gaps() bool {
	return s.tx.o.Isolation >= table.RepeatableRead && !s.tx.db.broken(mutantNoGaps)
}

// getSecondary finds the row of a unique secondary key by a scan of its one value.
func (h *Handle) getSecondary(ctx context.Context, index int, key []row.Datum, l table.Lock, p table.WaitPolicy) ([]row.Datum, table.Ref, error) {
	c, err := h.scan(ctx, table.ScanOptions{Index: index, Range: table.Range{Low: key, High: key}, Lock: l, Policy: p, Limit: 1, OwnWrites: true})
	if err != nil {
		return nil, nil, err
	}
	defer c.Close()
	ok, err := c.Next(ctx)
	if err != nil || !ok {
		return nil, nil, err
	}
	r := h.s.rd
	r.row = copyRow(&r.long, r.row, c.Row())
	r.key = append(r.key[:0], c.ref...)
	return r.row, bytes.Clone(r.key), nil
}

// copyRow copies a row's datums, their bytes into one buffer.
func copyRow(buf *[]byte, dst, src []row.Datum) []row.Datum {
	n := 0
	for i := range src {
		n += len(src[i].B)
	}
	b := (*buf)[:0]
	if cap(b) < n {
		b = make([]byte, 0, n)
	}
	dst = append(dst[:0], src...)
	for i := range dst {
		if dst[i].B != nil {
			at := len(b)
			b = append(b, dst[i].B...)
			dst[i].B = b[at:len(b):len(b)]
		}
	}
	*buf = b
	return dst
}
