package engine

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/zoryadb/zorya/engine/btree"
	"github.com/zoryadb/zorya/engine/lock"
	"github.com/zoryadb/zorya/engine/mtr"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
)

// counter is a table's auto-increment counter. Values below bound are reserved in the volume: a value is given out only
// after the reservation that covers it is in the log, so that no crash makes it appear again. A busy counter reserves ahead; that many
// values a crash may skip. Close writes the exact value.
type counter struct {
	mu          sync.Mutex
	loaded      bool
	next, bound uint64
	ahead       uint64
}

const maxAhead = 256

// Modes of auto-increment locking (innodb_autoinc_lock_mode): whether statements hold a lock on the counter until they end.
const (
	autoTraditional = iota // every insert
	autoConsecutive        // inserts of an unknown number of rows, and those that meet one
	autoInterleaved        // none
)

// SetAutoIncMode implements table.AutoIncModer.
func (db *DB) SetAutoIncMode(mode int) { db.auto.mode.Store(int32(autoInterleaved - mode)) }

// lockCounter takes the counter's mutex, and before it the lock that the mode asks for, which is held until the statement ends. Whether a statement with
// the lock is under way is asked under the mutex: one that takes the lock later gets its first value after ours.
func (h *Handle) lockCounter(ctx context.Context) (*counter, error) {
	db, s, id := h.s.tx.db, h.s, h.t.ID
	mode := autoInterleaved - db.auto.mode.Load()
	for {
		need := mode == autoTraditional || mode == autoConsecutive && s.bulk
		if need {
			if err := s.lockAutoInc(ctx, id); err != nil {
				return nil, err
			}
		}
		c, err := db.counter(ctx, id)
		if err != nil || need || mode == autoInterleaved || s.holdsAutoInc(id) || !db.locks.Queued(id) {
			return c, err
		}
		c.mu.Unlock()
		if err := s.lockAutoInc(ctx, id); err != nil {
			return nil, err
		}
	}
}

func (s *Stmt) holdsAutoInc(id uint64) bool { return slices.Contains(s.counters, id) }

// lockAutoInc takes InnoDB's AUTO-INC lock: an exclusive one whose space is the table's id, which no index has.
func (s *Stmt) lockAutoInc(ctx context.Context, id uint64) error {
	if s.holdsAutoInc(id) {
		return nil
	}
	tx := s.tx
	if !tx.db.locks.Try(&tx.own, id, nil, lock.Exclusive) {
		if err := tx.failed(ctx, tx.db.locks.Lock(ctx, &tx.own, id, nil, lock.Exclusive, tx.o.LockWait)); err != nil {
			return err
		}
	}
	s.counters = append(s.counters, id)
	return nil
}

// unlockAutoInc gives the locks back: the statement has ended.
func (s *Stmt) unlockAutoInc() {
	for _, id := range s.counters {
		s.tx.db.locks.Unlock(&s.tx.own, id, nil)
	}
	s.counters = s.counters[:0]
}

func counterKey(id uint64) []byte { return binary.BigEndian.AppendUint64(nil, id) }

func (db *DB) counter(ctx context.Context, id uint64) (*counter, error) {
	db.auto.mu.Lock()
	c := db.auto.m[id]
	if c == nil {
		c = &counter{}
		db.auto.m[id] = c
	}
	db.auto.mu.Unlock()
	c.mu.Lock()
	if c.loaded {
		return c, nil
	}
	c.next = 1
	_, err := db.counters.Get(ctx, counterKey(id), func(v []byte) {
		if len(v) == 8 {
			c.next = binary.LittleEndian.Uint64(v)
		}
	})
	if err != nil {
		c.mu.Unlock()
		return nil, fmt.Errorf("auto-increment counter of table %d: %w", id, err)
	}
	c.bound, c.loaded = c.next, true
	return c, nil
}

// reserve makes values below bound the counter's own.
func (db *DB) reserve(ctx context.Context, id uint64, c *counter, bound uint64) error {
	val := binary.LittleEndian.AppendUint64(nil, bound)
	_, err := db.counters.Edit(ctx, counterKey(id), 8, func(*mtr.MTR, []byte, bool) (btree.Action, []byte, error) {
		return btree.Put, val, nil
	}, nil)
	if err != nil {
		return fmt.Errorf("auto-increment counter of table %d: %w", id, err)
	}
	c.bound = bound
	return nil
}

func (db *DB) raiseTo(ctx context.Context, id uint64, c *counter, next uint64) error {
	if next > c.bound {
		bound := next
		if bound < math.MaxUint64-maxAhead {
			bound += c.ahead
		}
		c.ahead = min(2*c.ahead+1, maxAhead)
		if err := db.reserve(ctx, id, c, bound); err != nil {
			return err
		}
	}
	c.next = next
	return nil
}

// NextAutoInc reserves n consecutive values.
func (h *Handle) NextAutoInc(ctx context.Context, n uint64) (uint64, error) {
	db := h.s.tx.db
	c, err := h.lockCounter(ctx)
	if err != nil {
		return 0, err
	}
	defer c.mu.Unlock()
	first := c.next
	if n == 0 || first > math.MaxUint64-n {
		return 0, table.ErrAutoIncFull
	}
	if err := db.raiseTo(ctx, h.t.ID, c, first+n); err != nil {
		return 0, err
	}
	return first, nil
}

// SetAutoInc raises the counter above v; force also lowers it, but not below the greatest value in the table.
func (h *Handle) SetAutoInc(ctx context.Context, v uint64, force bool) error {
	db := h.s.tx.db
	if force {
		top, err := h.greatest(ctx)
		if err != nil {
			return err
		}
		v = max(v, top)
	}
	c, err := h.lockCounter(ctx)
	if err != nil {
		return err
	}
	defer c.mu.Unlock()
	next := v
	if v < math.MaxUint64 {
		next++
	}
	if force && next < c.next {
		if err := db.reserve(ctx, h.t.ID, c, next); err != nil {
			return err
		}
		c.next = next
		return nil
	}
	if next <= c.next {
		return nil
	}
	return db.raiseTo(ctx, h.t.ID, c, next)
}

// ReleaseAutoInc gives back the values from first on, below end, if none at or above end was reserved since. What is in the log stays reserved
// there: a crash may skip the values.
func (h *Handle) ReleaseAutoInc(ctx context.Context, first, end uint64) error {
	c, err := h.s.tx.db.counter(ctx, h.t.ID)
	if err != nil {
		return err
	}
	defer c.mu.Unlock()
	if first > 0 && first < c.next && c.next <= end {
		c.next = first
	}
	return nil
}

// AutoInc is the value that would be given out next.
func (h *Handle) AutoInc() (uint64, error) {
	c, err := h.s.tx.db.counter(context.Background(), h.t.ID)
	if err != nil {
		return 0, err
	}
	defer c.mu.Unlock()
	return c.next, nil
}

// greatest reads the greatest value of the auto-increment column from the index that begins with it.
func (h *Handle) greatest(ctx context.Context) (uint64, error) {
	col := h.t.Def.AutoInc
	for i, ix := range h.t.Indexes {
		if col < 0 || ix.Cols[0] != col {
			continue
		}
		c := ix.Tree.Scan(btree.ScanOptions{Reverse: !ix.Parts[0].Desc, Batch: 256})
		defer c.Close()
		for {
			if !c.Next(ctx) {
				return 0, c.Err()
			}
			if !deleted(ix, c.Value()) {
				break
			}
		}
		var d row.Datum
		if _, _, err := row.DecodeKey(&ix.Parts[0], c.Key(), nil, &d); err != nil {
			return 0, fmt.Errorf("index %d of %s.%s: %w", i, h.t.Schema, h.t.Name, err)
		}
		if d.Null || h.t.Columns[col].Class == row.Int && d.Int() < 0 {
			return 0, nil
		}
		if cl := h.t.Columns[col].Class; cl == row.Float32 || cl == row.Float64 {
			return uint64(max(d.Float(), 0)), nil
		}
		return d.Uint(), nil
	}
	return 0, nil
}

func (db *DB) copyCounter(ctx context.Context, from, to uint64) error {
	c, err := db.counter(ctx, from)
	if err != nil {
		return err
	}
	next := c.next
	c.mu.Unlock()
	n, err := db.counter(ctx, to)
	if err != nil {
		return err
	}
	defer n.mu.Unlock()
	return db.raiseTo(ctx, to, n, next)
}

// dropCounter forgets the counter of a table that is no more. Its entry in the volume may stay: ids are not used again.
func (db *DB) dropCounter(id uint64) {
	db.auto.mu.Lock()
	delete(db.auto.m, id)
	db.auto.mu.Unlock()
}

// saveCounters writes the exact values, so that an orderly restart skips nothing.
func (db *DB) saveCounters(ctx context.Context) error {
	db.auto.mu.Lock()
	defer db.auto.mu.Unlock()
	for id, c := range db.auto.m {
		c.mu.Lock()
		var err error
		if c.loaded && c.bound != c.next && db.vol.Err() == nil {
			err = db.reserve(ctx, id, c, c.next)
		}
		c.mu.Unlock()
		if err != nil {
			return err
		}
	}
	return nil
}
