// Package extsort sorts pairs of byte strings by key, in memory up to a bound and through a temporary file past it.
//
// Pairs gather in one buffer; a full one is sorted and written out as a run, and the runs are merged in the end. The file has no name, so
// that nothing of it outlives the process (Temp). Pairs that come in order cost no sort. Equal keys keep the order in which they came.
package extsort

import (
	"bufio"
	"bytes"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/zoryadb/zorya/base/vfs"
)

const (
	// MinMemory is the least memory that a Sorter takes.
	MinMemory = 64 << 10

	itemSize  = 2 * 24   // of an item in memory and its room while it is sorted, for the account
	readSize  = 64 << 10 // buffer of a run that is merged, if there is memory for it
	readLeast = 4 << 10
	maxRuns   = 128 // runs that are merged at once
)

// Sorter sorts one set of pairs: Add, then Sort, then Next until it ends, Close at any time. It is used by one goroutine.
type Sorter struct {
	memory int
	temp   Temp

	arena  []byte
	items  []item
	spare  []item // as long as items, for sorting
	sorted bool   // the items are in order as they are
	rest   func() // called now and then while items are sorted; nil: nobody else is in the way

	file  vfs.File
	size  int64
	runs  []run
	open  []*source
	at    int // of the next item, when all is in memory
	bytes uint64
}

// item is a pair in the arena: its key at off, its value behind.
type item struct {
	head       uint64 // first bytes of the key
	off        uint32
	klen, vlen uint32
}

type run struct{ off, end int64 }

// New returns a sorter that uses about memory bytes, and a temporary file for what is more.
func New(memory int, temp Temp) *Sorter {
	return &Sorter{memory: min(max(memory, MinMemory), 1<<31), temp: temp, sorted: true}
}

// Pace makes the sorter call rest between units of sorting that take less than a millisecond.
func (s *Sorter) Pace(rest func()) { s.rest = rest }

// Held is the number of bytes of memory that the sorter has taken.
func (s *Sorter) Held() int {
	n := cap(s.arena) + (cap(s.items)+cap(s.spare))*itemSize/2
	for _, x := range s.open {
		n += x.r.Size() + cap(x.buf) + cap(x.spare)
	}
	return n
}

// Spilled is the number of bytes that were written to the temporary file.
func (s *Sorter) Spilled() uint64 { return s.bytes }

// Add takes a pair; both are copied.
func (s *Sorter) Add(key, val []byte) error {
	n := len(key) + len(val)
	if len(s.items) > 0 && len(s.arena)+n+(len(s.items)+1)*itemSize > s.memory {
		if err := s.spill(); err != nil {
			return err
		}
	}
	if n > 1<<30 {
		return fmt.Errorf("sort a pair of %d bytes: above %d", n, 1<<30)
	}
	x := item{head: head(key), off: uint32(len(s.arena)), klen: uint32(len(key)), vlen: uint32(len(val))}
	s.arena = append(append(s.arena, key...), val...)
	if k := len(s.items); k > 0 && s.sorted {
		s.sorted = s.compare(s.items[k-1], x) <= 0
	}
	s.items = append(s.items, x)
	return nil
}

func head(key []byte) uint64 {
	var b [8]byte
	copy(b[:], key)
	return binary.BigEndian.Uint64(b[:])
}

func (s *Sorter) key(x item) []byte { return s.arena[x.off : x.off+x.klen] }

func (s *Sorter) compare(a, b item) int {
	if a.head != b.head {
		if a.head < b.head {
			return -1
		}
		return 1
	}
	return bytes.Compare(s.key(a), s.key(b))
}

func (s *Sorter) order() {
	if !s.sorted {
		s.items, s.spare = sortItems(s.items, s.spare, s.compare, s.rest)
	}
	s.sorted = true
}

// spill writes what is in memory as a run.
func (s *Sorter) spill() error {
	s.order()
	if len(s.runs) == maxRuns {
		if err := s.fold(); err != nil {
			return err
		}
	}
	n := 0
	err := s.write(func() ([]byte, []byte, bool, error) {
		if n == len(s.items) {
			return nil, nil, false, nil
		}
		x := s.items[n]
		n++
		return s.key(x), s.arena[x.off+x.klen : x.off+x.klen+x.vlen], true, nil
	})
	s.arena, s.items = s.arena[:0], s.items[:0]
	return err
}

// write appends a run to the file: uvarint lengths of key and value, key, value.
func (s *Sorter) write(next func() (key, val []byte, ok bool, err error)) error {
	if s.file == nil {
		f, err := s.temp.Create()
		if err != nil {
			return fmt.Errorf("sort: %w", err)
		}
		s.file = f
	}
	w := bufio.NewWriterSize(io.NewOffsetWriter(s.file, s.size), 256<<10)
	r := run{off: s.size}
	var lens [2 * binary.MaxVarintLen32]byte
	for {
		key, val, ok, err := next()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		b := binary.AppendUvarint(binary.AppendUvarint(lens[:0], uint64(len(key))), uint64(len(val)))
		s.size += int64(len(b) + len(key) + len(val))
		s.bytes += uint64(len(b) + len(key) + len(val))
		for _, p := range [3][]byte{b, key, val} {
			if _, err := w.Write(p); err != nil {
				return fmt.Errorf("sort: write a run: %w", written(s.file, err))
			}
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("sort: write a run: %w", written(s.file, err))
	}
	r.end = s.size
	s.runs = append(s.runs, r)
	return nil
}

// fold merges all runs into one, in a new file.
func (s *Sorter) fold() error {
	old := &Sorter{file: s.file, runs: s.runs, temp: s.temp, memory: s.memory}
	s.file, s.size, s.runs = nil, 0, nil
	defer old.Close()
	if err := old.merge(); err != nil {
		return err
	}
	return s.write(old.Next)
}

// Sort ends the adding; Next then gives the pairs in order.
func (s *Sorter) Sort() error {
	if s.runs == nil {
		s.order()
		s.spare = nil
		return nil
	}
	if len(s.items) > 0 {
		if err := s.spill(); err != nil {
			return err
		}
	}
	s.arena, s.items, s.spare = nil, nil, nil
	return s.merge()
}

// source is a run being merged, at its first pair that is not taken yet.
type source struct {
	n        int // runs are in the order in which their pairs came
	r        *bufio.Reader
	head     uint64
	buf      []byte
	key, val []byte
	spare    []byte
}

func (x *source) step() (ok bool, err error) {
	k, err := binary.ReadUvarint(x.r)
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	v, verr := binary.ReadUvarint(x.r)
	if err = errors.Join(err, verr); err != nil || k+v > 1<<30 {
		return false, fmt.Errorf("sort: read a run: lengths %d, %d: %w", k, v, errors.Join(err, errRun))
	}
	x.buf, x.spare = x.spare, x.buf // the pair handed out last stays
	x.buf = slices.Grow(x.buf[:0], int(k+v))[:k+v]
	if _, err := io.ReadFull(x.r, x.buf); err != nil {
		return false, fmt.Errorf("sort: read a run: %w", err)
	}
	x.key, x.val = x.buf[:k], x.buf[k:]
	x.head = head(x.key)
	return true, nil
}

var errRun = errors.New("temporary file is damaged")

// merge opens the runs.
func (s *Sorter) merge() error {
	size := max(min(s.memory/len(s.runs), readSize), readLeast)
	for i, r := range s.runs {
		x := &source{n: i, r: bufio.NewReaderSize(io.NewSectionReader(s.file, r.off, r.end-r.off), size)}
		ok, err := x.step()
		if err != nil {
			return err
		}
		if ok {
			s.open = append(s.open, x)
		}
	}
	heap.Init((*merging)(&s.open))
	s.at = -1
	return nil
}

type merging []*source

func (m merging) Len() int      { return len(m) }
func (m merging) Swap(i, j int) { m[i], m[j] = m[j], m[i] }
func (m *merging) Push(x any)   { *m = append(*m, x.(*source)) }
func (m *merging) Pop() any {
	x := (*m)[len(*m)-1]
	*m = (*m)[:len(*m)-1]
	return x
}
func (m merging) Less(i, j int) bool {
	a, b := m[i], m[j]
	if a.head != b.head {
		return a.head < b.head
	}
	if c := bytes.Compare(a.key, b.key); c != 0 {
		return c < 0
	}
	return a.n < b.n
}

// Next returns the next pair in order, valid until the next call; ok is false after the last.
func (s *Sorter) Next() (key, val []byte, ok bool, err error) {
	if s.runs == nil {
		if s.at == len(s.items) {
			return nil, nil, false, nil
		}
		x := s.items[s.at]
		s.at++
		return s.key(x), s.arena[x.off+x.klen : x.off+x.klen+x.vlen], true, nil
	}
	if len(s.open) == 0 {
		return nil, nil, false, nil
	}
	x := s.open[0]
	key, val = x.key, x.val
	if ok, err = x.step(); err != nil {
		return nil, nil, false, err
	}
	m := (*merging)(&s.open)
	if ok {
		heap.Fix(m, 0)
	} else {
		heap.Pop(m)
	}
	return key, val, true, nil
}

// Close gives memory and file back.
func (s *Sorter) Close() error {
	s.arena, s.items, s.spare, s.open = nil, nil, nil, nil
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	s.file = nil
	return err
}
