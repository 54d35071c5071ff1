package spill

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"sync"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/base/vfs"
)

// store is rows one after the other in a temporary file: uvarint of its length, then the row.
type store struct {
	a     *Account
	codec codec
	f     vfs.File
	w     *bufio.Writer
	size  int64
	buf   []byte
}

const spoolBuffer = 64 << 10

func (s *store) add(r sql.Row) error {
	if s.f == nil {
		f, err := s.a.pool.Temp.Create()
		if err != nil {
			return fault(err)
		}
		s.f, s.w = f, bufio.NewWriterSize(io.NewOffsetWriter(f, 0), spoolBuffer)
	}
	s.buf = s.codec.append(s.buf[:0], r)
	var n [binary.MaxVarintLen64]byte
	head := binary.AppendUvarint(n[:0], uint64(len(s.buf)))
	if _, err := s.w.Write(head); err != nil {
		return fault(s.a.pool.Temp.Wrote(s.f, err))
	}
	if _, err := s.w.Write(s.buf); err != nil {
		return fault(s.a.pool.Temp.Wrote(s.f, err))
	}
	s.size += int64(len(head) + len(s.buf))
	return nil
}

func (s *store) flush() error {
	if s.w == nil {
		return nil
	}
	err := s.w.Flush()
	s.w = nil
	if err != nil {
		return fault(s.a.pool.Temp.Wrote(s.f, err))
	}
	return nil
}

func (s *store) close() error {
	if s == nil || s.f == nil {
		return nil
	}
	s.a.pool.files.Add(1)
	s.a.kept.spilled.Add(1)
	s.a.pool.bytes.Add(uint64(s.size))
	err := s.f.Close()
	s.f = nil
	return err
}

// Spool keeps rows that are read several times, in the order in which they came.
type Spool struct {
	held charge
	rows []sql.Row
	file *store // the rows behind those in memory
	n    int
}

// NewSpool returns an empty one.
func (a *Account) NewSpool() *Spool {
	a.kept.tables.Add(1)
	return &Spool{held: charge{a: a}}
}

// Add takes a row.
func (s *Spool) Add(r sql.Row) error {
	s.n++
	if s.file == nil && s.held.n < s.held.a.Bounds.Table {
		s.rows = append(s.rows, r)
		return s.held.add(sizeOf(r))
	}
	if s.file == nil {
		s.file = &store{a: s.held.a}
	}
	kept := s.file.codec.held
	if err := s.file.add(r); err != nil {
		return err
	}
	return s.held.add(s.file.codec.held - kept)
}

// Len is the number of rows.
func (s *Spool) Len() int { return s.n }

// Rows reads them from the start. Nothing may be added from here on.
func (s *Spool) Rows() (sql.RowIter, error) {
	if s.file == nil {
		return sql.RowsToRowIter(s.rows...), nil
	}
	if err := s.file.flush(); err != nil {
		return nil, err
	}
	return &spoolIter{s: s}, nil
}

// Close gives memory and file back.
func (s *Spool) Close() error {
	s.rows = nil
	s.held.close()
	return s.file.close()
}

type spoolIter struct {
	s   *Spool
	at  int
	r   *bufio.Reader
	buf []byte
}

var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, spoolBuffer) }}

func (it *spoolIter) Next(c *sql.Context) (sql.Row, error) {
	if it.at == it.s.n {
		return nil, io.EOF
	}
	it.at++
	if it.at <= len(it.s.rows) {
		return it.s.rows[it.at-1], nil
	}
	if it.r == nil {
		it.r = readers.Get().(*bufio.Reader)
		it.r.Reset(io.NewSectionReader(it.s.file.f, 0, it.s.file.size))
	}
	if it.at%1024 == 0 && c.Err() != nil {
		return nil, c.Err()
	}
	n, err := binary.ReadUvarint(it.r)
	if err != nil || n > uint64(it.s.file.size) {
		return nil, errors.Join(errForm(it.buf), err)
	}
	it.buf = slices.Grow(it.buf[:0], int(n))[:n]
	if _, err := io.ReadFull(it.r, it.buf); err != nil {
		return nil, err
	}
	return it.s.file.codec.row(it.buf)
}

func (it *spoolIter) Close(*sql.Context) error {
	if it.r != nil {
		it.r.Reset(nil)
		readers.Put(it.r)
		it.r = nil
	}
	return nil
}

// Scope owns what is kept per node of a plan while the plan, or a subquery of it, runs.
type Scope struct {
	Account *Account
	spools  map[sql.Node]*Spool
	tables  map[sql.Node]*Table
	ranges  map[sql.Node]*Ranges
}

// Spool returns what is kept of a node; nil: nothing yet.
func (s *Scope) Spool(n sql.Node) *Spool { return s.spools[n] }

// KeepSpool gives the scope a spool that is full.
func (s *Scope) KeepSpool(n sql.Node, p *Spool) error {
	if s.spools == nil {
		s.spools = map[sql.Node]*Spool{}
	}
	old := s.spools[n]
	s.spools[n] = p
	if old != nil {
		return old.Close()
	}
	return nil
}

// Table returns a node's hash table; nil: there is none yet.
func (s *Scope) Table(n sql.Node) *Table { return s.tables[n] }

// KeepTable gives the scope a table that is full.
func (s *Scope) KeepTable(n sql.Node, t *Table) {
	if s.tables == nil {
		s.tables = map[sql.Node]*Table{}
	}
	s.tables[n] = t
}

// Ranges returns a node's ranges; nil: there are none yet.
func (s *Scope) Ranges(n sql.Node) *Ranges { return s.ranges[n] }

// KeepRanges gives the scope ranges that are complete.
func (s *Scope) KeepRanges(n sql.Node, t *Ranges) {
	if s.ranges == nil {
		s.ranges = map[sql.Node]*Ranges{}
	}
	s.ranges[n] = t
}

// Close closes all.
func (s *Scope) Close() error {
	var err error
	for _, p := range s.spools {
		err = errors.Join(err, p.Close())
	}
	for _, t := range s.tables {
		err = errors.Join(err, t.Close())
	}
	for _, t := range s.ranges {
		err = errors.Join(err, t.Close())
	}
	s.spools, s.tables, s.ranges = nil, nil, nil
	return err
}
