package spill

import (
	"encoding/binary"
	"errors"
	"io"

	"github.com/dolthub/go-mysql-server/sql"
)

// KeyFunc gives the 64-bit hash by which rows are told apart.
type KeyFunc func(*sql.Context, sql.Row) (uint64, error)

// entrySize is what an entry of a set or a map of hashes takes.
const entrySize = 40

// distinctSet lets through the first of equal rows. While their hashes fit in memory rows pass as they come; the others are sorted by hash, so that
// equal ones meet, and what remains of them by the order in which they came.
type distinctSet struct {
	a    *Account
	held charge
	seen map[uint64]struct{}
	rest *file // by hash, then number
	out  *file // by number
	n    uint64
}

func (a *Account) newSet() *distinctSet {
	return &distinctSet{a: a, held: charge{a: a}, seen: map[uint64]struct{}{}}
}

// offer reports whether the row passes; one that does not is either equal to an earlier one or comes out of next.
func (d *distinctSet) offer(c *sql.Context, k uint64, r sql.Row) (bool, error) {
	if _, have := d.seen[k]; have {
		return false, nil
	}
	if d.rest == nil && d.held.n < d.a.Bounds.Table {
		d.seen[k] = struct{}{}
		return true, d.held.add(entrySize)
	}
	if d.rest == nil {
		d.rest = d.a.newFile(d.a.Bounds.Table)
	}
	d.n++
	d.rest.key = appendSeq(appendSeq(d.rest.key[:0], k), d.n)
	return false, d.rest.add(c, d.rest.key, r)
}

// end ends the offering.
func (d *distinctSet) end(c *sql.Context) error {
	d.seen = nil
	d.held.close()
	if d.rest == nil {
		return nil
	}
	if err := d.rest.sort(); err != nil {
		return err
	}
	d.out = d.a.newFile(d.a.Bounds.Table)
	d.out.codec = d.rest.codec // values that stayed in memory are named by their places there
	var last uint64
	for n := 0; ; n++ {
		key, val, err := d.rest.raw(c)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		hash := binary.BigEndian.Uint64(key)
		if n > 0 && hash == last {
			continue
		}
		last = hash
		if err := d.out.put(c, key[8:], val); err != nil {
			return err
		}
	}
	if err := d.rest.close(); err != nil {
		return err
	}
	return d.out.sort()
}

// next gives the rows that did not pass when they came.
func (d *distinctSet) next(c *sql.Context) (sql.Row, error) {
	if d.out == nil {
		return nil, io.EOF
	}
	_, r, err := d.out.next(c)
	return r, err
}

func (d *distinctSet) close() error {
	if d == nil {
		return nil
	}
	d.seen = nil
	d.held.close()
	return errors.Join(d.rest.close(), d.out.close())
}

// distinctIter is DISTINCT.
type distinctIter struct {
	child sql.RowIter
	key   KeyFunc
	set   *distinctSet
	ended bool
}

// Distinct drops rows whose hash an earlier one had.
func (a *Account) Distinct(child sql.RowIter, key KeyFunc) sql.RowIter {
	a.kept.tables.Add(1)
	return &distinctIter{child: child, key: key, set: a.newSet()}
}

func (d *distinctIter) Next(c *sql.Context) (sql.Row, error) {
	for !d.ended {
		r, err := d.child.Next(c)
		if errors.Is(err, io.EOF) {
			d.ended = true
			if err := d.set.end(c); err != nil {
				return nil, err
			}
			break
		}
		if err != nil {
			return nil, err
		}
		k, err := d.key(c, r)
		if err != nil {
			return nil, err
		}
		pass, err := d.set.offer(c, k, r)
		if err != nil {
			return nil, err
		}
		if pass {
			return r, nil
		}
	}
	return d.set.next(c)
}

func (d *distinctIter) Close(c *sql.Context) error {
	return errors.Join(d.set.close(), d.child.Close(c))
}

// matchIter is INTERSECT and EXCEPT: rows of the left that have, or have not, a match in the right. With all, each row of the right matches once.
type matchIter struct {
	a           *Account
	left        sql.RowIter
	right       func(*sql.Context) (sql.RowIter, error)
	key         KeyFunc
	except, all bool

	held  charge
	count map[uint64]uint64
	rest  *file // when count is too large: by hash, side, number
	out   *file
}

// Match gives the rows of left that have a match in the right (with except: those that have none).
func (a *Account) Match(left sql.RowIter, right func(*sql.Context) (sql.RowIter, error), key KeyFunc, except, all bool) sql.RowIter {
	a.kept.tables.Add(1)
	return &matchIter{a: a, left: left, right: right, key: key, except: except, all: all, held: charge{a: a}}
}

func (m *matchIter) Next(c *sql.Context) (sql.Row, error) {
	if m.count == nil && m.out == nil {
		if err := m.read(c); err != nil {
			return nil, err
		}
	}
	if m.out != nil {
		_, r, err := m.out.next(c)
		return r, err
	}
	for {
		r, err := m.left.Next(c)
		if err != nil {
			return nil, err
		}
		k, err := m.key(c, r)
		if err != nil {
			return nil, err
		}
		hit := m.count[k] > 0
		if hit && m.all {
			m.count[k]--
		}
		if hit != m.except {
			return r, nil
		}
	}
}

// read counts the rows of the right side.
func (m *matchIter) read(c *sql.Context) (err error) {
	m.count = map[uint64]uint64{}
	it, err := m.right(c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close(c)) }()
	if err := each(c, it, func(r sql.Row) error {
		k, err := m.key(c, r)
		if err != nil {
			return err
		}
		if m.rest != nil {
			return m.note(c, k, 1)
		}
		if m.count[k]++; m.count[k] > 1 {
			return nil
		}
		if err := m.held.add(entrySize); err != nil {
			return err
		}
		if m.held.n < m.a.Bounds.Table {
			return nil
		}
		return m.spill(c)
	}); err != nil || m.rest == nil {
		return err
	}
	return m.merge(c)
}

func (m *matchIter) note(c *sql.Context, hash, n uint64) error {
	m.rest.key = append(appendSeq(m.rest.key[:0], hash), 0)
	m.rest.val = binary.AppendUvarint(m.rest.val[:0], n)
	return m.rest.put(c, m.rest.key, m.rest.val)
}

func (m *matchIter) spill(c *sql.Context) error {
	m.rest = m.a.newFile(m.a.Bounds.Table)
	for k, n := range m.count {
		if err := m.note(c, k, n); err != nil {
			return err
		}
	}
	m.count = nil
	m.held.close()
	return nil
}

// merge lets the rows of both sides meet.
func (m *matchIter) merge(c *sql.Context) error {
	seq := uint64(0)
	err := each(c, m.left, func(r sql.Row) error {
		k, err := m.key(c, r)
		if err != nil {
			return err
		}
		seq++
		m.rest.key = appendSeq(append(appendSeq(m.rest.key[:0], k), 1), seq)
		return m.rest.add(c, m.rest.key, r)
	})
	if err == nil {
		err = m.rest.sort()
	}
	if err != nil {
		return err
	}
	m.out = m.a.newFile(m.a.Bounds.Table)
	m.out.codec = m.rest.codec
	var hash, have uint64
	for n := 0; ; n++ {
		key, val, err := m.rest.raw(c)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if h := binary.BigEndian.Uint64(key); n == 0 || h != hash {
			hash, have = h, 0
		}
		if key[8] == 0 {
			n, _ := binary.Uvarint(val)
			have += n
			continue
		}
		hit := have > 0
		if hit && m.all {
			have--
		}
		if hit != m.except {
			if err := m.out.put(c, key[9:], val); err != nil {
				return err
			}
		}
	}
	if err := m.rest.close(); err != nil {
		return err
	}
	return m.out.sort()
}

func (m *matchIter) Close(c *sql.Context) error {
	m.count = nil
	m.held.close()
	return errors.Join(m.rest.close(), m.out.close(), m.left.Close(c))
}
