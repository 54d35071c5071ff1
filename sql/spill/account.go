// Package spill owns the memory that a general-lane statement works in and the temporary files that take over past its bounds.
//
// Sorting, grouping, DISTINCT, set operations, hash joins, cached results and windows keep rows. Here are their iterators, which keep them in
// memory up to sort_buffer_size, join_buffer_size or tmp_table_size, and in temporary files (engine/extsort) past it. What they hold is told to
// the statement's Account, which ends the statement with 4082 when it is above connection_memory_limit and with 4081 when the instance's
// Pool is above global_connection_memory_limit: it is the statement that ends, not the process.
//
// Invariants: results, and their order, do not depend on whether something spilled; rows come back from a file with the Go types that they had
// (row.go); a statement that ended, however it did, holds neither memory nor files (Scope).
package spill

import (
	"errors"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/zoryadb/zorya/engine/extsort"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// Pool is the account of an instance: the sum of its statements'.
type Pool struct {
	Temp  extsort.Temp
	Limit func() uint64 // bytes; nil: none
	Least int           // bytes that an operator takes whatever its bound; 0: 1 MiB, which reading runs back needs anyway, and 4 MiB for a join

	used  atomic.Int64
	peak  atomic.Int64
	files atomic.Uint64 // operators that spilled, ever
	bytes atomic.Uint64 // written by them
}

// Used is the number of bytes that statements hold now.
func (p *Pool) Used() uint64 { return uint64(max(p.used.Load(), 0)) }

// Peak is the most that they have held since it was asked for last.
func (p *Pool) Peak() uint64 { return uint64(max(p.peak.Swap(0), 0)) }

// Spilled counts the operators that went to a file and the bytes that they wrote.
func (p *Pool) Spilled() (operators, bytes uint64) { return p.files.Load(), p.bytes.Load() }

// Bounds are the session's variables: bytes from which on an operator spills.
type Bounds struct {
	Sort, Join, Table int
	Limit             uint64 // connection_memory_limit; 0: none
	Exempt            bool   // of both limits, as users with CONNECTION_ADMIN are
}

const (
	leastBound = 1 << 20
	// leastJoin is it for the packed rows of a hash join: some hundred thousand narrow ones. A probe of a file costs a system call, ten of memory's.
	leastJoin = 4 << 20
)

// Account is the memory of one statement. An operator may be closed after the account: what it gives back then has been given back already.
type Account struct {
	pool   *Pool
	Bounds Bounds

	kept struct{ sorts, sorted, tables, spilled atomic.Uint64 }

	mu     sync.Mutex // closing against what operators take and give back; the pool's sum is exact when nobody holds anything
	used   int64
	closed bool
}

// Kept is what a statement's operators have kept for a while.
type Kept struct {
	Sorts, Sorted uint64 // how often rows were sorted, and how many
	Tables        uint64 // operators that kept rows or groups
	Spilled       uint64 // those that went to a file
}

// Add adds another statement's.
func (k *Kept) Add(o Kept) {
	k.Sorts += o.Sorts
	k.Sorted += o.Sorted
	k.Tables += o.Tables
	k.Spilled += o.Spilled
}

// Kept returns what has been kept so far.
func (a *Account) Kept() Kept {
	k := &a.kept
	return Kept{Sorts: k.sorts.Load(), Sorted: k.sorted.Load(), Tables: k.tables.Load(), Spilled: k.spilled.Load()}
}

// sorts counts an ordering of rows.
func (a *Account) sorts(rows uint64) {
	a.kept.sorts.Add(1)
	a.kept.sorted.Add(rows)
}

// book adds to what the statement and the instance hold, and returns both.
func (a *Account) book(n int64) (used, all int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return 0, a.pool.used.Load()
	}
	a.used += n
	return a.used, a.pool.used.Add(n)
}

// Account opens the account of a statement.
func (p *Pool) Account(b Bounds) *Account {
	least, join := p.Least, p.Least
	if least == 0 {
		least, join = leastBound, leastJoin
	}
	b.Sort, b.Join, b.Table = max(b.Sort, least), max(b.Join, join), max(b.Table, least)
	return &Account{pool: p, Bounds: b}
}

// Grow takes n bytes: 4082 or 4081 if that is too much, and then it took none.
func (a *Account) Grow(n int) error {
	used, all := a.book(int64(n))
	if peak := a.pool.peak.Load(); all > peak {
		a.pool.peak.CompareAndSwap(peak, all) // another's, higher one may be lost: it is for display
	}
	if a.Bounds.Exempt {
		return nil
	}
	var err error
	if l := a.Bounds.Limit; l > 0 && uint64(used) > l {
		err = mysqlerr.New(mysqlerr.ER_CONN_LIMIT, l, used)
	} else if a.pool.Limit != nil {
		if l := a.pool.Limit(); l > 0 && uint64(all) > l {
			err = mysqlerr.New(mysqlerr.ER_GLOBAL_CONN_LIMIT, l, all)
		}
	}
	if err != nil {
		a.Shrink(n)
	}
	return err
}

// Shrink gives n bytes back.
func (a *Account) Shrink(n int) { a.book(-int64(n)) }

// Used is what the statement holds.
func (a *Account) Used() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return int(a.used)
}

// Close gives everything back.
func (a *Account) Close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pool.used.Add(-a.used)
	a.used, a.closed = 0, true
}

// charge is the part of an account that one operator holds.
type charge struct {
	a *Account
	n int
}

// set makes the part n bytes. Small changes are not booked.
func (c *charge) set(n int) error {
	if d := n - c.n; d > 4096 || d < -4096 || n == 0 {
		return c.add(d)
	}
	return nil
}

func (c *charge) add(d int) error {
	if d <= 0 {
		c.a.Shrink(-d)
		c.n += d
		return nil
	}
	if err := c.a.Grow(d); err != nil {
		return err
	}
	c.n += d
	return nil
}

func (c *charge) close() {
	if c.a != nil {
		c.a.Shrink(c.n)
		c.n = 0
	}
}

// fault makes an error of a temporary file one for the client.
func fault(err error) error {
	var w *extsort.WriteError
	if !errors.As(err, &w) {
		return err
	}
	var no syscall.Errno
	if !errors.As(err, &no) {
		no = syscall.EIO
	}
	text := no.Error()
	if no == syscall.ENOSPC {
		text = "No space left on device"
	}
	return mysqlerr.New(mysqlerr.EE_WRITE, w.Name, int(no), text).Because(err)
}
