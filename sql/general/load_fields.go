package general

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// loadFormat says how LOAD DATA cuts a file: MySQL's FIELDS and LINES clauses.
type loadFormat struct {
	fieldEnd  []byte // not empty
	lineStart []byte // may be empty
	lineEnd   []byte // not empty
	enclosed  byte   // 0: none
	escaped   byte   // 0: none
}

// maxLoadLine bounds a line that has no end: max_allowed_packet's greatest value.
const maxLoadLine = 1 << 30

// loadReader reads records. Its fields are valid until the next one.
type loadReader struct {
	r   *bufio.Reader
	f   loadFormat
	buf []byte // decoded bytes of the record's fields
	at  []loadField
	// special tells the bytes that may mean something within a field; all others are copied in runs.
	special [256]bool
}

// loadField is a field in the reader's buffer.
type loadField struct {
	off, end int
	null     bool
}

func newLoadReader(r io.Reader, f loadFormat) *loadReader {
	l := &loadReader{r: bufio.NewReaderSize(r, 256<<10), f: f}
	for _, b := range []byte{f.fieldEnd[0], f.lineEnd[0], f.enclosed, f.escaped} {
		l.special[b] = true
	}
	l.special[0] = f.fieldEnd[0] == 0 || f.lineEnd[0] == 0
	return l
}

func (l *loadReader) field(i int) []byte { return l.buf[l.at[i].off:l.at[i].end] }

// skipLine passes over a line as IGNORE n LINES does: to the next line end, whatever is in between.
func (l *loadReader) skipLine() error {
	last := l.f.lineEnd[len(l.f.lineEnd)-1]
	var tail []byte
	for {
		b, err := l.r.ReadSlice(last)
		tail = append(tail, b...)
		if bytes.HasSuffix(tail, l.f.lineEnd) {
			return nil
		}
		if n := len(l.f.lineEnd); len(tail) > n {
			tail = append(tail[:0], tail[len(tail)-n:]...)
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

// start passes over what precedes LINES STARTING BY. io.EOF: there is no further record.
func (l *loadReader) start() error {
	if len(l.f.lineStart) == 0 {
		_, err := l.r.Peek(1)
		return err
	}
	matched := 0
	for matched < len(l.f.lineStart) {
		b, err := l.r.ReadByte()
		if err != nil {
			return err
		}
		if b == l.f.lineStart[matched] {
			matched++
		} else if matched = 0; b == l.f.lineStart[0] {
			matched = 1
		}
	}
	return nil
}

// follows takes seq if it comes next, its first byte having been read.
func (l *loadReader) follows(seq []byte) bool {
	if len(seq) == 1 {
		return true
	}
	if p, err := l.r.Peek(len(seq) - 1); err != nil || !bytes.Equal(p, seq[1:]) {
		return false
	}
	_, _ = l.r.Discard(len(seq) - 1) // they were just seen
	return true
}

// next reads a record. io.EOF: there is none.
func (l *loadReader) next() error {
	if err := l.start(); err != nil {
		return err
	}
	l.buf, l.at = l.buf[:0], l.at[:0]
	for {
		more, err := l.one()
		if err != nil || !more {
			return err
		}
		if len(l.buf) > maxLoadLine {
			return mysqlerr.NewMessage(mysqlerr.ER_UNKNOWN_ERROR, "LOAD DATA: a line of more than %d bytes", maxLoadLine)
		}
	}
}

// one reads a field. more is false after the line's last one.
func (l *loadReader) one() (more bool, err error) {
	f := loadField{off: len(l.buf)}
	quoted, closed, escapedNull, plain := false, false, false, true
	if l.f.enclosed != 0 {
		if p, err := l.r.Peek(1); err == nil && p[0] == l.f.enclosed {
			_, _ = l.r.Discard(1)
			quoted = true
		}
	}
	done := func(more bool) (bool, error) {
		f.end = len(l.buf)
		word := l.buf[f.off:]
		f.null = escapedNull && len(word) == 1 && !quoted || // \N, and with ENCLOSED BY the bare word NULL
			plain && !quoted && l.f.enclosed != 0 && string(word) == "NULL"
		if quoted && !closed { // a quote that is never closed was no quote
			l.buf = append(l.buf, 0)
			copy(l.buf[f.off+1:], l.buf[f.off:])
			l.buf[f.off] = l.f.enclosed
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
				if len(l.buf)-f.off > maxLoadLine {
					return false, fmt.Errorf("LOAD DATA: a field of more than %d bytes", maxLoadLine)
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
		case l.f.escaped != 0 && b == l.f.escaped && !(b == l.f.enclosed && quoted):
			e, err := l.r.ReadByte()
			if err != nil {
				l.buf = append(l.buf, b)
				continue
			}
			escapedNull = e == 'N' && len(l.buf) == f.off
			plain = false
			l.buf = append(l.buf, loadEscape(e))
		case quoted && b == l.f.enclosed:
			p, _ := l.r.Peek(1)
			switch {
			case len(p) > 0 && p[0] == l.f.enclosed: // doubled
				_, _ = l.r.Discard(1)
				l.buf = append(l.buf, b)
			case len(p) == 0:
				closed = true
				return done(false)
			case l.peeks(l.f.fieldEnd):
				closed = true
				return done(true)
			case l.peeks(l.f.lineEnd):
				closed = true
				return done(false)
			default:
				l.buf = append(l.buf, b)
			}
		case !quoted && b == l.f.fieldEnd[0] && l.follows(l.f.fieldEnd):
			return done(true)
		case !quoted && b == l.f.lineEnd[0] && l.follows(l.f.lineEnd):
			return done(false)
		default:
			l.buf = append(l.buf, b)
		}
	}
}

// peeks takes seq if it comes next.
func (l *loadReader) peeks(seq []byte) bool {
	p, err := l.r.Peek(len(seq))
	if err != nil || !bytes.Equal(p, seq) {
		return false
	}
	_, _ = l.r.Discard(len(seq))
	return true
}

func loadEscape(b byte) byte {
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
