package loadfile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// Format says how LOAD DATA cuts a file: MySQL's FIELDS and LINES clauses.
type Format struct {
	FieldEnd  []byte // not empty
	LineStart []byte // may be empty
	LineEnd   []byte // not empty
	Enclosed  byte   // 0: none
	Escaped   byte   // 0: none
}

// maxLine bounds a line that has no end: max_allowed_packet's greatest value.
const maxLine = 1 << 30

// Reader reads records. Its fields are valid until the next one.
type Reader struct {
	r   *bufio.Reader
	f   Format
	buf []byte // decoded bytes of the record's fields
	at  []field
	// special tells the bytes that may mean something within a field; all others are copied in runs.
	special [256]bool
}

// field is a field in the reader's buffer.
type field struct {
	off, end int
	null     bool
}

// NewReader reads records of r as f says.
func NewReader(r io.Reader, f Format) *Reader {
	l := &Reader{r: bufio.NewReaderSize(r, 256<<10), f: f}
	for _, b := range []byte{f.FieldEnd[0], f.LineEnd[0], f.Enclosed, f.Escaped} {
		l.special[b] = true
	}
	l.special[0] = f.FieldEnd[0] == 0 || f.LineEnd[0] == 0
	return l
}

// Reset has the reader begin with another file.
func (l *Reader) Reset(r io.Reader) { l.r.Reset(r) }

// Fields is how many the record has.
func (l *Reader) Fields() int { return len(l.at) }

// Null reports whether a field is NULL; Field is its bytes.
func (l *Reader) Null(i int) bool    { return l.at[i].null }
func (l *Reader) Field(i int) []byte { return l.buf[l.at[i].off:l.at[i].end] }

// SkipLine passes over a line as IGNORE n LINES does: to the next line end, whatever is in between.
func (l *Reader) SkipLine() error {
	last := l.f.LineEnd[len(l.f.LineEnd)-1]
	var tail []byte
	for {
		b, err := l.r.ReadSlice(last)
		tail = append(tail, b...)
		if bytes.HasSuffix(tail, l.f.LineEnd) {
			return nil
		}
		if n := len(l.f.LineEnd); len(tail) > n {
			tail = append(tail[:0], tail[len(tail)-n:]...)
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

// start passes over what precedes LINES STARTING BY. io.EOF: there is no further record.
func (l *Reader) start() error {
	if len(l.f.LineStart) == 0 {
		_, err := l.r.Peek(1)
		return err
	}
	matched := 0
	for matched < len(l.f.LineStart) {
		b, err := l.r.ReadByte()
		if err != nil {
			return err
		}
		if b == l.f.LineStart[matched] {
			matched++
		} else if matched = 0; b == l.f.LineStart[0] {
			matched = 1
		}
	}
	return nil
}

// follows takes seq if it comes next, its first byte having been read.
func (l *Reader) follows(seq []byte) bool {
	if len(seq) == 1 {
		return true
	}
	if p, err := l.r.Peek(len(seq) - 1); err != nil || !bytes.Equal(p, seq[1:]) {
		return false
	}
	_, _ = l.r.Discard(len(seq) - 1) // they were just seen
	return true
}

// Next reads a record. io.EOF: there is none.
func (l *Reader) Next() error {
	if err := l.start(); err != nil {
		return err
	}
	l.buf, l.at = l.buf[:0], l.at[:0]
	for {
		more, err := l.one()
		if err != nil || !more {
			return err
		}
		if len(l.buf) > maxLine {
			return mysqlerr.NewMessage(mysqlerr.ER_UNKNOWN_ERROR, "LOAD DATA: a line of more than %d bytes", maxLine)
		}
	}
}

// one reads a field. more is false after the line's last one.
func (l *Reader) one() (more bool, err error) {
	f := field{off: len(l.buf)}
	quoted, closed, escapedNull, plain := false, false, false, true
	if l.f.Enclosed != 0 {
		if p, err := l.r.Peek(1); err == nil && p[0] == l.f.Enclosed {
			_, _ = l.r.Discard(1)
			quoted = true
		}
	}
	done := func(more bool) (bool, error) {
		f.end = len(l.buf)
		word := l.buf[f.off:]
		f.null = escapedNull && len(word) == 1 && !quoted || // \N, and with ENCLOSED BY the bare word NULL
			plain && !quoted && l.f.Enclosed != 0 && string(word) == "NULL"
		if quoted && !closed { // a quote that is never closed was no quote
			l.buf = append(l.buf, 0)
			copy(l.buf[f.off+1:], l.buf[f.off:])
			l.buf[f.off] = l.f.Enclosed
			f.end++
		}
		l.at = append(l.at, f)
		return more, nil
	}
	for {
		if run, _ := l.r.Peek(max(l.r.Buffered(), 1)); len(run) > 0 {
			n := 0
			for n < len(run) && !l.special[run[n]] {
				n++
			}
			if n > 0 {
				l.buf = append(l.buf, run[:n]...)
				_, _ = l.r.Discard(n)
				if len(l.buf)-f.off > maxLine {
					return false, fmt.Errorf("LOAD DATA: a field of more than %d bytes", maxLine)
				}
				continue
			}
		}
		b, err := l.r.ReadByte()
		if errors.Is(err, io.EOF) {
			return done(false)
		}
		if err != nil {
			return false, err
		}
		switch {
		case l.f.Escaped != 0 && b == l.f.Escaped && !(b == l.f.Enclosed && quoted):
			e, err := l.r.ReadByte()
			if err != nil {
				l.buf = append(l.buf, b)
				continue
			}
			escapedNull = e == 'N' && len(l.buf) == f.off
			plain = false
			l.buf = append(l.buf, unescape(e))
		case quoted && b == l.f.Enclosed:
			p, _ := l.r.Peek(1)
			switch {
			case len(p) > 0 && p[0] == l.f.Enclosed: // doubled
				_, _ = l.r.Discard(1)
				l.buf = append(l.buf, b)
			case len(p) == 0:
				closed = true
				return done(false)
			case l.peeks(l.f.FieldEnd):
				closed = true
				return done(true)
			case l.peeks(l.f.LineEnd):
				closed = true
				return done(false)
			default:
				l.buf = append(l.buf, b)
			}
		case !quoted && b == l.f.FieldEnd[0] && l.follows(l.f.FieldEnd):
			return done(true)
		case !quoted && b == l.f.LineEnd[0] && l.follows(l.f.LineEnd):
			return done(false)
		default:
			l.buf = append(l.buf, b)
		}
	}
}

// peeks takes seq if it comes next.
func (l *Reader) peeks(seq []byte) bool {
	p, err := l.r.Peek(len(seq))
	if err != nil || !bytes.Equal(p, seq) {
		return false
	}
	_, _ = l.r.Discard(len(seq))
	return true
}

func unescape(b byte) byte {
	switch b {
	case '0':
		return 0
	case 'b':
		return '\b'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'Z':
		return 0x1a
	}
	return b
}
