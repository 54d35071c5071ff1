package spill

import (
	"bytes"
	"cmp"
	"container/heap"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"sort"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/sorters"

	"github.com/zoryadb/zorya/engine/extsort"
)

// file is an external sort of rows under byte keys.
type file struct {
	a      *Account
	held   charge
	codec  codec
	sorter *extsort.Sorter
	key    []byte
	val    []byte
	done   uint64
}

func (a *Account) newFile(bound int) *file {
	return &file{a: a, held: charge{a: a}, sorter: extsort.New(bound, a.pool.Temp)}
}

func (f *file) add(c *sql.Context, key []byte, r sql.Row) error {
	f.val = f.codec.append(f.val[:0], r)
	return f.put(c, key, f.val)
}

func (f *file) put(c *sql.Context, key, val []byte) error {
	if err := f.sorter.Add(key, val); err != nil {
		return fault(err)
	}
	if err := f.held.set(f.sorter.Held() + f.codec.held + cap(f.val)); err != nil {
		return err
	}
	return f.beat(c)
}

// beat looks now and then whether the statement was killed.
func (f *file) beat(c *sql.Context) error {
	if f.done++; f.done%1024 == 0 {
		return c.Err()
	}
	return nil
}

func (f *file) sort() error {
	if err := f.sorter.Sort(); err != nil {
		return fault(err)
	}
	return f.held.set(f.sorter.Held() + f.codec.held)
}

// next returns io.EOF after the last row.
func (f *file) next(c *sql.Context) (key []byte, r sql.Row, err error) {
	key, val, err := f.raw(c)
	if err != nil {
		return nil, nil, err
	}
	r, err = f.codec.row(val)
	return key, r, err
}

func (f *file) raw(c *sql.Context) (key, val []byte, err error) {
	key, val, ok, err := f.sorter.Next()
	if err != nil {
		return nil, nil, fault(err)
	}
	if !ok {
		return nil, nil, io.EOF
	}
	return key, val, f.beat(c)
}

func (f *file) close() error {
	if f == nil || f.sorter == nil {
		return nil
	}
	if n := f.sorter.Spilled(); n > 0 {
		f.a.pool.files.Add(1)
		f.a.kept.spilled.Add(1)
		f.a.pool.bytes.Add(n)
	}
	err := f.sorter.Close()
	f.sorter, f.codec = nil, codec{}
	f.held.close()
	return err
}

// Rows is a set of rows that comes back in an order, equal ones as they came.
type Rows struct {
	by    sql.SortConditions
	order order
	f     *file // nil: the order cannot be expressed in bytes, so that the rows stay in memory

	held   charge
	memory []sql.Row
	at     int
	n      uint64
}

// NewRows returns an empty set.
func (a *Account) NewRows(c *sql.Context, by sql.SortConditions) *Rows {
	o, ok := orderOf(c, by)
	s := &Rows{by: by, order: o, held: charge{a: a}}
	if ok {
		s.f = a.newFile(a.Bounds.Sort)
	}
	return s
}

// Add takes a row.
func (s *Rows) Add(c *sql.Context, r sql.Row) error {
	s.n++
	if s.f == nil {
		s.memory = append(s.memory, r)
		return s.held.add(sizeOf(r))
	}
	key, err := s.order.append(c, s.f.key[:0], r)
	if err != nil {
		return err
	}
	s.f.key = key
	return s.f.add(c, key, r)
}

// Sort ends the adding.
func (s *Rows) Sort(c *sql.Context) error {
	s.held.a.sorts(s.n)
	if s.f != nil {
		return s.f.sort()
	}
	by := sorters.NewRowSorterWithRows(c, s.by, s.memory)
	sort.Stable(by)
	return by.GetError()
}

// Next returns io.EOF after the last row.
func (s *Rows) Next(c *sql.Context) (sql.Row, error) {
	if s.f != nil {
		_, r, err := s.f.next(c)
		return r, err
	}
	if s.at == len(s.memory) {
		return nil, io.EOF
	}
	s.at++
	return s.memory[s.at-1], nil
}

// Close gives memory and file back.
func (s *Rows) Close() error {
	s.memory = nil
	s.held.close()
	return s.f.close()
}

// fill adds all rows of an iterator and sorts.
func (s *Rows) fill(c *sql.Context, it sql.RowIter) error {
	err := each(c, it, func(r sql.Row) error { return s.Add(c, r) })
	if err != nil {
		return err
	}
	return s.Sort(c)
}

func each(c *sql.Context, it sql.RowIter, fn func(sql.Row) error) error {
	for {
		r, err := it.Next(c)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := fn(r); err != nil {
			return err
		}
	}
}

// sortIter is ORDER BY.
type sortIter struct {
	child  sql.RowIter
	rows   *Rows
	sorted bool
}

// Sort orders the rows of an iterator.
func (a *Account) Sort(c *sql.Context, by sql.SortConditions, child sql.RowIter) sql.RowIter {
	return &sortIter{child: child, rows: a.NewRows(c, by)}
}

func (s *sortIter) Next(c *sql.Context) (sql.Row, error) {
	if !s.sorted {
		s.sorted = true
		if err := s.rows.fill(c, s.child); err != nil {
			return nil, err
		}
	}
	return s.rows.Next(c)
}

func (s *sortIter) Close(c *sql.Context) error {
	return errors.Join(s.rows.Close(), s.child.Close(c))
}

// topIter is ORDER BY with a LIMIT: a heap of the first rows so far, an external sort of all when those are too many for memory.
type topIter struct {
	child  sql.RowIter
	by     sql.SortConditions
	order  order
	limit  int64
	found  func(rows int64) // nil: nobody wants to know
	held   charge
	heap   topHeap
	f      *file
	rows   int64
	given  int64
	sorted bool
}

type topRow struct {
	key  []byte
	seq  int64
	row  sql.Row
	size int
}

// topHeap has its last row first.
type topHeap []topRow

func compareTop(a, b topRow) int {
	if n := bytes.Compare(a.key, b.key); n != 0 {
		return n
	}
	return cmp.Compare(a.seq, b.seq)
}

func (h topHeap) Len() int           { return len(h) }
func (h topHeap) Less(i, j int) bool { return compareTop(h[i], h[j]) > 0 }
func (h topHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *topHeap) Push(x any)        { *h = append(*h, x.(topRow)) }
func (h *topHeap) Pop() any {
	x := (*h)[len(*h)-1]
	(*h)[len(*h)-1] = topRow{}
	*h = (*h)[:len(*h)-1]
	return x
}

// Top gives the first limit rows of an order; found is told at the end how many there were in all. It is nil for an order that bytes cannot express.
func (a *Account) Top(c *sql.Context, by sql.SortConditions, limit int64, found func(int64), child sql.RowIter) sql.RowIter {
	o, ok := orderOf(c, by)
	if !ok {
		return nil
	}
	return &topIter{child: child, by: by, order: o, limit: limit, found: found, held: charge{a: a}}
}

func (t *topIter) Next(c *sql.Context) (sql.Row, error) {
	if !t.sorted {
		t.sorted = true
		if err := t.read(c); err != nil {
			return nil, err
		}
	}
	if t.f != nil {
		if t.given == t.limit {
			return nil, io.EOF
		}
		t.given++
		_, r, err := t.f.next(c)
		return r, err
	}
	if t.given == int64(len(t.heap)) {
		return nil, io.EOF
	}
	t.given++
	return t.heap[t.given-1].row, nil
}

func (t *topIter) read(c *sql.Context) error {
	var key []byte
	err := each(c, t.child, func(r sql.Row) (err error) {
		t.rows++
		if key, err = t.order.append(c, key[:0], r); err != nil {
			return err
		}
		if t.f != nil {
			return t.f.add(c, key, r)
		}
		return t.offer(c, key, r)
	})
	if err != nil {
		return err
	}
	t.held.a.sorts(uint64(min(t.rows, max(t.limit, 0))))
	if t.f != nil {
		return t.f.sort()
	}
	slices.SortFunc(t.heap, compareTop)
	return nil
}

func (t *topIter) offer(c *sql.Context, key []byte, r sql.Row) error {
	if t.limit <= 0 {
		return nil
	}
	if int64(len(t.heap)) == t.limit {
		if bytes.Compare(key, t.heap[0].key) >= 0 {
			return nil
		}
		out := heap.Pop(&t.heap).(topRow)
		t.held.a.Shrink(out.size)
		t.held.n -= out.size
	}
	x := topRow{key: slices.Clone(key), seq: t.rows, row: r, size: sizeOf(r) + len(key) + 64}
	heap.Push(&t.heap, x)
	if err := t.held.add(x.size); err != nil {
		return err
	}
	if t.held.n > t.held.a.Bounds.Sort {
		return t.spill(c)
	}
	return nil
}

// spill goes over to sorting: what is not in the heap is behind it.
func (t *topIter) spill(c *sql.Context) error {
	t.f = t.held.a.newFile(t.held.a.Bounds.Sort)
	slices.SortFunc(t.heap, func(a, b topRow) int { return cmp.Compare(a.seq, b.seq) })
	for i := range t.heap {
		if err := t.f.add(c, t.heap[i].key, t.heap[i].row); err != nil {
			return err
		}
	}
	t.heap = nil
	t.held.close()
	return nil
}

func (t *topIter) Close(c *sql.Context) error {
	if t.found != nil {
		t.found(t.rows)
	}
	t.heap = nil
	t.held.close()
	return errors.Join(t.f.close(), t.child.Close(c))
}

// appendSeq appends a number that orders as it counts.
func appendSeq(dst []byte, n uint64) []byte { return binary.BigEndian.AppendUint64(dst, n) }
