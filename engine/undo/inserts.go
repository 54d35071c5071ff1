package undo

import (
	"encoding/binary"
	"fmt"
)

// rows are those that an Inserts record tells of: each key as what differs from the one before, then of the row's entry in each secondary
// index the part before the clustered key, with which every entry ends.
type rows struct {
	indexes []uint64
	n       int
	body    []byte
	last    []byte // the key of the row added last
}

// BeginRows makes r an Inserts record without rows; indexes are the secondary indexes in which each row has an entry. r's buffers are used again.
func (r *Record) BeginRows(table, seq uint64, indexes []uint64) {
	*r = Record{Type: Inserts, Table: table, Seq: seq, Secs: r.Secs, rows: rows{indexes: indexes, body: r.rows.body[:0], last: r.rows.last[:0]}}
}

// AddRow adds a row whose key is above those before unless r then took more than room bytes. entries are the keys of its secondary
// entries, one for each index.
func (r *Record) AddRow(key []byte, entries [][]byte, room int) bool {
	w := &r.rows
	shared := 0
	for shared < len(key) && shared < len(w.last) && key[shared] == w.last[shared] {
		shared++
	}
	size := 2*binary.MaxVarintLen32 + len(key) - shared
	for _, e := range entries {
		size += binary.MaxVarintLen32 + len(e) - len(key)
	}
	if r.Size()+size > room {
		return false
	}
	w.body = binary.AppendUvarint(w.body, uint64(shared))
	w.body = appendBytes(w.body, key[shared:])
	for _, e := range entries {
		w.body = appendBytes(w.body, e[:len(e)-len(key)])
	}
	w.last = append(w.last[:0], key...)
	w.n++
	return true
}

// Rows is the number of rows of an Inserts record.
func (r *Record) Rows() int { return r.rows.n }

func (w *rows) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(w.indexes)))
	for _, id := range w.indexes {
		dst = binary.AppendUvarint(dst, id)
	}
	dst = binary.AppendUvarint(dst, uint64(w.n))
	return append(dst, w.body...)
}

func (w *rows) parse(p *parser) {
	n := p.uvarint()
	if n > uint64(len(p.b)) {
		p.bad = true
		return
	}
	for range n {
		w.indexes = append(w.indexes, p.uvarint())
	}
	n = p.uvarint()
	if n == 0 || n > uint64(len(p.b)) {
		p.bad = true
		return
	}
	w.n, w.body = int(n), p.b
}

// EachRow calls fn for each row of an Inserts record, in key order, until it returns false. What it is given is valid until it returns.
func (r *Record) EachRow(fn func(key []byte, secs []SecOp) bool) error {
	p := parser{b: r.rows.body}
	var key, buf []byte
	secs := r.Secs[:0]
	for i := range r.rows.n {
		shared := p.uvarint()
		rest := p.bytes()
		if p.bad || shared > uint64(len(key)) || i > 0 && string(rest) <= string(key[shared:]) {
			return fmt.Errorf("row %d of an undo record of %d: %w", i, r.rows.n, ErrCorrupt)
		}
		key = append(key[:shared], rest...)
		buf, secs = buf[:0], secs[:0]
		for _, id := range r.rows.indexes {
			at := len(buf)
			buf = append(append(buf, p.bytes()...), key...) // what moves leaves its old place to those who have it
			secs = append(secs, SecOp{Index: id, Key: buf[at:len(buf):len(buf)]})
		}
		if p.bad {
			return fmt.Errorf("entries of row %d of an undo record of %d: %w", i, r.rows.n, ErrCorrupt)
		}
		if !fn(key, secs) {
			return nil
		}
	}
	if len(p.b) > 0 {
		return fmt.Errorf("%d bytes behind the rows of an undo record: %w", len(p.b), ErrCorrupt)
	}
	r.Secs = secs[:0]
	return nil
}

// Names reports whether a record tells of the row under key.
func (r *Record) Names(key []byte) (found bool, err error) {
	if r.Type != Inserts {
		return string(r.Key) == string(key), nil
	}
	err = r.EachRow(func(k []byte, _ []SecOp) bool {
		found = string(k) == string(key)
		return !found
	})
	return found, err
}
