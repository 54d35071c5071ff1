// Package frame owns the framing of the data plane: how messages share one TCP connection.
//
// A frame is a 14-byte header (u32 length of what follows the length, u8 type, u8 flags, u64 id,
// little-endian) and a payload. Ids pair replies with requests; many are under way at once. What the
// payload means is its user's business (storage/transport); the byte diagram is in docs/format/frames.md.
//
// Invariants:
//   - One flusher at a time writes to a connection. Whoever queues while it writes only queues: what
//     gathers meanwhile is the next write (a double buffer, one syscall for many frames).
//   - External bytes queued by reference are not touched by the writer once their release was called.
//   - A length is checked against the bound before anything is allocated, and a payload is allocated as its bytes
//     arrive, so that a header that lies costs nothing.
package frame

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// HeaderSize is the size of a frame's header in bytes.
const HeaderSize = 14

// MaxPayload bounds a frame's payload in bytes.
const MaxPayload = 64 << 20

// ErrTooLong means that a header names more than the bound: the stream cannot be trusted any more.
var ErrTooLong = errors.New("frame is longer than the bound")

// Header begins a frame.
type Header struct {
	Len   int // of the payload
	Type  uint8
	Flags uint8
	ID    uint64
}

// Append appends the encoded header to dst.
func (h *Header) Append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(h.Len+HeaderSize-4))
	dst = append(dst, h.Type, h.Flags)
	return binary.LittleEndian.AppendUint64(dst, h.ID)
}

// Parse decodes a header from b, at least HeaderSize long.
func (h *Header) Parse(b []byte) error {
	n := binary.LittleEndian.Uint32(b)
	*h = Header{Len: int(n) - (HeaderSize - 4), Type: b[4], Flags: b[5], ID: binary.LittleEndian.Uint64(b[6:])}
	if h.Len < 0 || h.Len > MaxPayload {
		return fmt.Errorf("length %d: %w", n, ErrTooLong)
	}
	return nil
}

// Reader reads frames through one small buffer. It is used from one goroutine.
type Reader struct {
	src      io.Reader
	buf      []byte
	pos, end int
	left     int // of the current payload
}

// NewReader returns a Reader with a buffer of size bytes.
func NewReader(src io.Reader, size int) *Reader {
	return &Reader{src: src, buf: make([]byte, max(size, HeaderSize))}
}

// Buffered is the number of bytes that were received and not consumed: 0 means that the next read may wait.
func (r *Reader) Buffered() int { return r.end - r.pos }

// Whole returns the header of the next frame if it was received whole, so that Next and Rest will not wait. What is left of the current
// frame must have been read.
func (r *Reader) Whole() (h Header, ok bool) {
	ok = r.left == 0 && r.Buffered() >= HeaderSize && h.Parse(r.buf[r.pos:r.end]) == nil && r.Buffered() >= HeaderSize+h.Len
	return h, ok
}

// Next skips what is left of the current frame and returns the header of the next. io.EOF means that
// the stream ended between frames.
func (r *Reader) Next(h *Header) error {
	if err := r.Skip(r.left); err != nil {
		return err
	}
	if err := r.fill(HeaderSize); err != nil {
		return err
	}
	if err := h.Parse(r.buf[r.pos:r.end]); err != nil {
		return err
	}
	r.pos += HeaderSize
	r.left = h.Len
	return nil
}

// fill sees to it that n <= len(buf) bytes are buffered.
func (r *Reader) fill(n int) error {
	if r.end-r.pos >= n {
		return nil
	}
	copy(r.buf, r.buf[r.pos:r.end])
	r.end -= r.pos
	r.pos = 0
	got, err := io.ReadAtLeast(r.src, r.buf[r.end:], n-r.end)
	if err == io.ErrUnexpectedEOF || (err == io.EOF && r.end > 0) {
		err = io.ErrUnexpectedEOF
	}
	r.end += got
	return err
}

// Read fills p with the next bytes of the current payload, straight from the source once the buffer is empty.
func (r *Reader) Read(p []byte) error {
	if len(p) > r.left {
		return fmt.Errorf("frame has %d bytes left of %d wanted: %w", r.left, len(p), io.ErrUnexpectedEOF)
	}
	r.left -= len(p)
	n := copy(p, r.buf[r.pos:r.end])
	r.pos += n
	if n == len(p) {
		return nil
	}
	_, err := io.ReadFull(r.src, p[n:])
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// Skip drops n bytes of the current payload.
func (r *Reader) Skip(n int) error {
	r.left -= n
	for n > 0 {
		if r.pos == r.end {
			if err := r.fill(1); err != nil {
				if err == io.EOF {
					err = io.ErrUnexpectedEOF
				}
				return err
			}
		}
		k := min(n, r.end-r.pos)
		r.pos += k
		n -= k
	}
	return nil
}

// Left is the number of bytes of the current payload that were not read.
func (r *Reader) Left() int { return r.left }

// growStep bounds what is allocated ahead of the bytes that arrived.
const growStep = 1 << 20

// Rest appends what is left of the current payload to dst.
func (r *Reader) Rest(dst []byte) ([]byte, error) {
	for r.left > 0 {
		k := min(r.left, growStep)
		at := len(dst)
		if cap(dst)-at < k {
			bigger := make([]byte, at, at+max(k, min(r.left, at)))
			copy(bigger, dst)
			dst = bigger
		}
		dst = dst[:at+k]
		if err := r.Read(dst[at:]); err != nil {
			return dst[:at], err
		}
	}
	return dst, nil
}
