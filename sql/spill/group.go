package spill

import (
	"encoding/binary"
	"errors"
	"io"

	"github.com/dolthub/go-mysql-server/sql"
)

// Grouping is a GROUP BY.
type Grouping struct {
	Key     KeyFunc                                               // nil: there is one group
	Buffers func(c *sql.Context) ([]sql.AggregationBuffer, error) // of a new group
	// Growing says that the buffers grow with the rows of their group. Such groups are made one after the other, of sorted rows.
	Growing bool
	// Ordered says that the rows of a group come one after the other: a group is given as soon as the next one begins.
	Ordered bool
}

// orderedIter makes groups of rows that come group by group.
type orderedIter struct {
	g       Grouping
	child   sql.RowIter
	key     uint64
	buffers []sql.AggregationBuffer // of the group that is being read; nil: none yet
	end     bool
}

func (it *orderedIter) Next(c *sql.Context) (sql.Row, error) {
	for !it.end {
		r, err := it.child.Next(c)
		if errors.Is(err, io.EOF) {
			it.end = true
			break
		}
		if err != nil {
			return nil, err
		}
		k, err := it.g.Key(c, r)
		if err != nil {
			return nil, err
		}
		if it.buffers != nil && k == it.key {
			if err := update(c, it.buffers, r); err != nil {
				return nil, err
			}
			continue
		}
		done := it.buffers
		if it.buffers, err = it.g.Buffers(c); err == nil {
			it.key = k
			err = update(c, it.buffers, r)
		}
		if err != nil {
			Release(done...)
			return nil, err
		}
		if done != nil {
			return closed(c, done)
		}
	}
	if it.buffers == nil {
		return nil, io.EOF
	}
	done := it.buffers
	it.buffers = nil
	return closed(c, done)
}

func (it *orderedIter) Close(c *sql.Context) error {
	Release(it.buffers...)
	it.buffers = nil
	Dispose(c, it.g.Buffers)
	return it.child.Close(c)
}

// groupIter makes groups in a hash table. Rows of groups that no longer fit in memory are sorted by the hash of their group, and make one group after the
// other at the end. Groups come in the order of their first rows.
type groupIter struct {
	a     *Account
	g     Grouping
	child sql.RowIter
	held  charge

	groups map[uint64]int
	open   [][]sql.AggregationBuffer // those in memory
	at     int
	read   bool
	rest   *file // rows by hash of the group, then number
	out    *file // groups by number of the first row
	n      uint64
}

// Group groups the rows of child.
func (a *Account) Group(g Grouping, child sql.RowIter) sql.RowIter {
	if g.Ordered {
		return &orderedIter{g: g, child: child}
	}
	a.kept.tables.Add(1)
	return &groupIter{a: a, g: g, child: child, held: charge{a: a}, groups: map[uint64]int{}}
}

func (it *groupIter) Next(c *sql.Context) (sql.Row, error) {
	if !it.read {
		it.read = true
		if err := it.compute(c); err != nil {
			return nil, err
		}
	}
	if it.at < len(it.open) {
		buffers := it.open[it.at]
		it.open[it.at] = nil
		it.at++
		return closed(c, buffers)
	}
	if it.rest != nil {
		if err := it.merge(c); err != nil {
			return nil, err
		}
	}
	if it.out == nil {
		return nil, io.EOF
	}
	_, r, err := it.out.next(c)
	return r, err
}

// closed gives the row of a group, and its memory back.
func closed(c *sql.Context, buffers []sql.AggregationBuffer) (sql.Row, error) {
	defer Release(buffers...)
	r := make(sql.Row, len(buffers))
	for i, b := range buffers {
		var err error
		if r[i], err = b.Eval(c); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// holder is a buffer that holds memory or files of its own.
type holder interface{ release() }

// Release gives back what the buffers of a group hold. The expressions that they compute stay as they are, with the results of their subqueries: other
// groups' buffers compute the same ones.
func Release(buffers ...sql.AggregationBuffer) {
	for _, b := range buffers {
		if h, ok := b.(holder); ok {
			h.release()
		}
	}
}

// Dispose gives back what the expressions of all groups' buffers hold, when there is no group left.
func Dispose(c *sql.Context, of func(*sql.Context) ([]sql.AggregationBuffer, error)) {
	buffers, err := of(c)
	if err != nil {
		return // there have been none
	}
	for _, b := range buffers {
		b.Dispose(c)
	}
}

func update(c *sql.Context, buffers []sql.AggregationBuffer, r sql.Row) error {
	for _, b := range buffers {
		if err := b.Update(c, r); err != nil {
			return err
		}
	}
	return nil
}

func (it *groupIter) compute(c *sql.Context) error {
	if it.g.Key == nil {
		buffers, err := it.g.Buffers(c)
		if err != nil {
			return err
		}
		it.open = append(it.open, buffers)
		return each(c, it.child, func(r sql.Row) error { return update(c, buffers, r) })
	}
	return each(c, it.child, func(r sql.Row) error {
		k, err := it.g.Key(c, r)
		if err != nil {
			return err
		}
		if i, have := it.groups[k]; have {
			return update(c, it.open[i], r)
		}
		it.n++
		if it.rest == nil && !it.g.Growing && it.held.n < it.a.Bounds.Table {
			return it.begin(c, k, r)
		}
		if it.rest == nil {
			it.rest = it.a.newFile(it.a.Bounds.Table)
		}
		it.rest.key = appendSeq(appendSeq(it.rest.key[:0], k), it.n)
		return it.rest.add(c, it.rest.key, r)
	})
}

// begin makes a group in memory.
func (it *groupIter) begin(c *sql.Context, k uint64, r sql.Row) error {
	buffers, err := it.g.Buffers(c)
	if err != nil {
		return err
	}
	it.groups[k] = len(it.open)
	it.open = append(it.open, buffers)
	if err := it.held.add(entrySize + 128*len(buffers) + sizeOf(r)); err != nil {
		return err
	}
	return update(c, buffers, r)
}

// merge makes the groups that did not fit in memory.
func (it *groupIter) merge(c *sql.Context) error {
	it.open, it.groups = nil, nil
	it.held.close()
	if err := it.rest.sort(); err != nil {
		return err
	}
	it.out = it.a.newFile(it.a.Bounds.Table)
	var (
		hash    uint64
		first   []byte
		buffers []sql.AggregationBuffer
	)
	end := func() error {
		if buffers == nil {
			return nil
		}
		r, err := closed(c, buffers)
		buffers = nil
		if err != nil {
			return err
		}
		return it.out.add(c, first, r)
	}
	defer func() { Release(buffers...) }()
	for {
		key, r, err := it.rest.next(c)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if h := binary.BigEndian.Uint64(key); buffers == nil || h != hash {
			if err := end(); err != nil {
				return err
			}
			hash, first = h, append(first[:0], key[8:]...)
			if buffers, err = it.g.Buffers(c); err != nil {
				return err
			}
		}
		if err := update(c, buffers, r); err != nil {
			return err
		}
	}
	if err := end(); err != nil {
		return err
	}
	if err := it.rest.close(); err != nil {
		return err
	}
	it.rest = nil
	return it.out.sort()
}

func (it *groupIter) Close(c *sql.Context) error {
	for _, b := range it.open {
		Release(b...)
	}
	it.open, it.groups = nil, nil
	it.held.close()
	Dispose(c, it.g.Buffers)
	return errors.Join(it.rest.close(), it.out.close(), it.child.Close(c))
}

// counted is COUNT(DISTINCT ...): a set of hashes.
type counted struct {
	key  KeyFunc // ok is false for a row with a NULL
	null func(*sql.Context, sql.Row) (bool, error)
	set  *distinctSet
	n    int64
}

// CountDistinct counts rows by their hashes, but those of which skip is true.
func (a *Account) CountDistinct(key KeyFunc, skip func(*sql.Context, sql.Row) (bool, error)) sql.AggregationBuffer {
	return &counted{key: key, null: skip, set: a.newSet()}
}

func (b *counted) Update(c *sql.Context, r sql.Row) error {
	if skip, err := b.null(c, r); skip || err != nil {
		return err
	}
	k, err := b.key(c, r)
	if err != nil {
		return err
	}
	pass, err := b.set.offer(c, k, nil)
	if pass {
		b.n++
	}
	return err
}

func (b *counted) Eval(c *sql.Context) (any, error) {
	if err := b.set.end(c); err != nil {
		return nil, err
	}
	for {
		_, err := b.set.next(c)
		if errors.Is(err, io.EOF) {
			return b.n, nil
		}
		if err != nil {
			return nil, err
		}
		b.n++
	}
}

func (b *counted) Dispose(*sql.Context) { b.release() }
func (b *counted) release()             { _ = b.set.close() } // a temporary file that is not read any more

// gathered gives another buffer only as many rows as its result can hold, and those in order.
type gathered struct {
	sql.AggregationBuffer
	key  KeyFunc // nil: equal rows count, too
	null func(*sql.Context, sql.Row) (bool, error)
	set  *distinctSet
	rows *Rows // nil: in the order in which they come
	left int64
	held charge
}

// Gather feeds a buffer at most limit rows, of those of which skip is false: the first ones by an order, and of equal ones by key one.
func (a *Account) Gather(c *sql.Context, to sql.AggregationBuffer, by sql.SortConditions, key KeyFunc, skip func(*sql.Context, sql.Row) (bool, error), limit int64) sql.AggregationBuffer {
	g := &gathered{AggregationBuffer: to, key: key, null: skip, left: limit, held: charge{a: a}}
	if key != nil {
		g.set = a.newSet()
	}
	if len(by) > 0 {
		g.rows = a.NewRows(c, by)
	}
	return g
}

func (b *gathered) Update(c *sql.Context, r sql.Row) error {
	if skip, err := b.null(c, r); skip || err != nil || b.left == 0 {
		return err
	}
	if b.set != nil {
		k, err := b.key(c, r)
		if err != nil {
			return err
		}
		if pass, err := b.set.offer(c, k, r); !pass || err != nil {
			return err
		}
	}
	if b.rows != nil {
		return b.rows.Add(c, r)
	}
	return b.give(c, r)
}

func (b *gathered) give(c *sql.Context, r sql.Row) error {
	if b.left == 0 {
		return nil
	}
	b.left--
	if err := b.held.add(sizeOf(r)); err != nil {
		return err
	}
	return b.AggregationBuffer.Update(c, r)
}

func (b *gathered) Eval(c *sql.Context) (any, error) {
	if b.set != nil {
		if err := b.rest(c); err != nil {
			return nil, err
		}
	}
	if b.rows != nil {
		if err := b.rows.Sort(c); err != nil {
			return nil, err
		}
		for b.left > 0 {
			r, err := b.rows.Next(c)
			if errors.Is(err, io.EOF) {
				break
			}
			if err == nil {
				err = b.give(c, r)
			}
			if err != nil {
				return nil, err
			}
		}
	}
	return b.AggregationBuffer.Eval(c)
}

// rest takes the rows that the set had to sort.
func (b *gathered) rest(c *sql.Context) error {
	if err := b.set.end(c); err != nil {
		return err
	}
	for {
		r, err := b.set.next(c)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && b.rows != nil {
			err = b.rows.Add(c, r)
		} else if err == nil {
			err = b.give(c, r)
		}
		if err != nil {
			return err
		}
	}
}

func (b *gathered) Dispose(c *sql.Context) {
	b.release()
	b.AggregationBuffer.Dispose(c)
}

func (b *gathered) release() {
	_ = b.set.close() // temporary files that are not read any more
	if b.rows != nil {
		_ = b.rows.Close()
	}
	b.held.close()
	Release(b.AggregationBuffer)
}

// charged tells the account of the rows that a buffer keeps.
type charged struct {
	sql.AggregationBuffer
	held charge
}

// Charge wraps a buffer that keeps something of every row.
func (a *Account) Charge(b sql.AggregationBuffer) sql.AggregationBuffer {
	return &charged{b, charge{a: a}}
}

func (b *charged) Update(c *sql.Context, r sql.Row) error {
	if err := b.held.add(sizeOf(r)); err != nil {
		return err
	}
	return b.AggregationBuffer.Update(c, r)
}

func (b *charged) Dispose(c *sql.Context) {
	b.release()
	b.AggregationBuffer.Dispose(c)
}

func (b *charged) release() {
	b.held.close()
	Release(b.AggregationBuffer)
}
