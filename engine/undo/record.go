package undo

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/zoryadb/zorya/engine/row"
)

// Type says what a record undoes.
type Type uint8

// Types.
const (
	Begin   Type = 1  // a transaction's first record
	Insert  Type = 2  // a row was inserted where none was
	Update  Type = 3  // a row's version was replaced, delete-marked or revived
	Secs    Type = 4  // more secondary entries of the row change that the next record tells
	OverNew Type = 5  // a long value was begun: taken back by freeing it
	OverOld Type = 6  // a long value is no longer in the row: purge frees it
	TreeNew Type = 7  // a tree was made: taken back by dropping it
	TreeOld Type = 8  // a tree is no longer in the dictionary: purge drops it
	XID     Type = 9  // the transaction is prepared; its last record
	Inserts Type = 10 // rows of one statement were inserted where none were, neighbours when they were: see EachRow
)

// Changes is the number of row changes that r tells whole.
func (r *Record) Changes() uint64 {
	switch r.Type {
	case Insert, Update:
		return 1
	case Inserts:
		return uint64(r.rows.n)
	}
	return 0
}

// SecOp is what a row change did to a secondary index, in terms of the entry's whole key.
type SecOp struct {
	Index uint64
	Mark  bool // the entry was delete-marked; else it was made or revived
	Key   []byte
}

// Record is a decoded record. Its slices alias the bytes it was parsed from.
type Record struct {
	Type   Type
	Undone bool // taken back by a rollback to a savepoint, or by a rollback that a crash cut short
	Done   bool // purge has done what may not be done twice
	More   bool // Secs records stand before this one
	Delete bool // Update: the version after is delete-marked
	Trx    uint64
	Seq    uint64 // the statement within its transaction
	Table  uint64
	Key    []byte // clustered key
	// Update: the header of the version before, and its body as the difference from the body of the version
	// after: prefix and suffix bytes are shared, Mid is between them.
	Prev           row.Header
	Prefix, Suffix int
	Mid            []byte
	Secs           []SecOp
	Ref            []byte // OverNew, OverOld: overflow reference; XID
	Tree, Root     uint64 // TreeNew, TreeOld
	rows           rows   // Inserts
}

// ErrCorrupt means that bytes are not an undo record.
var ErrCorrupt = errors.New("undo record is corrupt")

// Diff returns how many bytes old and new share at their ends.
func Diff(old, new []byte) (prefix, suffix int) {
	n := min(len(old), len(new))
	for prefix < n && old[prefix] == new[prefix] {
		prefix++
	}
	for suffix < n-prefix && old[len(old)-1-suffix] == new[len(new)-1-suffix] {
		suffix++
	}
	return prefix, suffix
}

// Older appends to dst the version before newer, as the Update record r tells.
func (r *Record) Older(dst, newer []byte) ([]byte, error) {
	body := newer[min(row.HeaderSize, len(newer)):]
	if r.Type != Update || r.Prefix+r.Suffix > len(body) {
		return dst, fmt.Errorf("version before a row of %d bytes: %w", len(newer), ErrCorrupt)
	}
	dst = append(dst, r.header()...)
	dst = append(dst, body[:r.Prefix]...)
	dst = append(dst, r.Mid...)
	return append(dst, body[len(body)-r.Suffix:]...), nil
}

func (r *Record) header() []byte {
	var b [row.HeaderSize]byte
	return row.AppendHeader(b[:0], r.Prev)
}

func appendBytes(dst, b []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(b)))
	return append(dst, b...)
}

// Size bounds the stored form of r.
func (r *Record) Size() int {
	n := 2 + 5*10 + len(r.Key) + row.HeaderSize + len(r.Mid) + len(r.Ref)
	for i := range r.Secs {
		n += 13 + len(r.Secs[i].Key)
	}
	return n + 10*len(r.rows.indexes) + len(r.rows.body)
}

// Append appends r's stored form, without the frame that the log puts around it.
func (r *Record) Append(dst []byte) []byte {
	var f byte
	if r.More {
		f |= flagMore
	}
	if r.Delete {
		f |= flagDelete
	}
	dst = append(dst, byte(r.Type), f)
	switch r.Type {
	case Begin:
		return binary.AppendUvarint(dst, r.Trx)
	case TreeNew, TreeOld:
		dst = binary.AppendUvarint(dst, r.Tree)
		return binary.AppendUvarint(dst, r.Root)
	case XID:
		return appendBytes(dst, r.Ref)
	case OverNew, OverOld:
		dst = binary.AppendUvarint(dst, r.Table)
		return appendBytes(dst, r.Ref)
	}
	dst = binary.AppendUvarint(dst, r.Table)
	dst = binary.AppendUvarint(dst, r.Seq)
	if r.Type == Inserts {
		return r.rows.append(dst)
	}
	dst = appendBytes(dst, r.Key)
	if r.Type == Update {
		dst = row.AppendHeader(dst, r.Prev)
		dst = binary.AppendUvarint(dst, uint64(r.Prefix))
		dst = binary.AppendUvarint(dst, uint64(r.Suffix))
		dst = appendBytes(dst, r.Mid)
	}
	for _, s := range r.Secs {
		kind := s.Index << 1
		if s.Mark {
			kind |= 1
		}
		dst = binary.AppendUvarint(dst, kind)
		dst = appendBytes(dst, s.Key)
	}
	return dst
}

// flagsOff is the offset of the flags in a record's stored form.
const (
	flagsOff   = 1
	flagUndone = 1
	flagDone   = 2
	flagMore   = 4
	flagDelete = 8
)

type parser struct {
	b   []byte
	bad bool
}

func (p *parser) uvarint() uint64 {
	v, n := binary.Uvarint(p.b)
	if n <= 0 {
		p.bad, p.b = true, nil
		return 0
	}
	p.b = p.b[n:]
	return v
}

func (p *parser) bytes() []byte {
	n := p.uvarint()
	if n > uint64(len(p.b)) {
		p.bad, p.b = true, nil
		return nil
	}
	b := p.b[:n:n]
	p.b = p.b[n:]
	return b
}

// Parse reads a record's stored form. It keeps r's Secs buffer. The rows of an Inserts are read by EachRow only.
func (r *Record) Parse(b []byte) error {
	*r = Record{Secs: r.Secs[:0], rows: rows{indexes: r.rows.indexes[:0]}}
	if len(b) < 3 {
		return fmt.Errorf("%d bytes: %w", len(b), ErrCorrupt)
	}
	r.Type, r.Undone, r.Done = Type(b[0]), b[1]&flagUndone != 0, b[1]&flagDone != 0
	r.More, r.Delete = b[1]&flagMore != 0, b[1]&flagDelete != 0
	p := parser{b: b[2:]}
	switch r.Type {
	case Begin:
		r.Trx = p.uvarint()
	case TreeNew, TreeOld:
		r.Tree, r.Root = p.uvarint(), p.uvarint()
	case XID:
		r.Ref = p.bytes()
	case OverNew, OverOld:
		r.Table, r.Ref = p.uvarint(), p.bytes()
	case Inserts:
		r.Table, r.Seq = p.uvarint(), p.uvarint()
		r.rows.parse(&p)
	case Insert, Update, Secs:
		r.Table, r.Seq, r.Key = p.uvarint(), p.uvarint(), p.bytes()
		if r.Type == Update {
			h, err := row.ParseHeader(p.b)
			if err != nil {
				return fmt.Errorf("header of the version before: %w", err)
			}
			r.Prev, p.b = h, p.b[row.HeaderSize:]
			r.Prefix, r.Suffix = int(p.uvarint()), int(p.uvarint())
			r.Mid = p.bytes()
		}
		for len(p.b) > 0 {
			kind := p.uvarint()
			r.Secs = append(r.Secs, SecOp{Index: kind >> 1, Mark: kind&1 != 0, Key: p.bytes()})
		}
	default:
		return fmt.Errorf("type %d: %w", r.Type, ErrCorrupt)
	}
	if p.bad || r.Prefix < 0 || r.Suffix < 0 {
		return fmt.Errorf("fields of type %d: %w", r.Type, ErrCorrupt)
	}
	return nil
}
