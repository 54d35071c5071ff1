package wire

import (
	"errors"
	"io"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// inbuf reads from src through a pooled buffer that it holds only while there is something in it.
type inbuf struct {
	src   io.Reader
	raw   *sock // src when that is the bare socket: waiting then needs no memory at all
	buf   *buffer
	r, w  int
	small [4]byte // first bytes of a command when src needs memory to read into
}

func (in *inbuf) buffered() int { return in.w - in.r }

// release gives the buffer back if all of it was consumed.
func (in *inbuf) release() {
	if in.buf != nil && in.r == in.w {
		readPool.Put(in.buf)
		in.buf, in.r, in.w = nil, 0, 0
	}
}

// fill makes at least n <= readBufferSize bytes available. An end of the stream before the first byte is
// io.EOF, later io.ErrUnexpectedEOF.
func (in *inbuf) fill(n int) error {
	if in.buf == nil {
		if err := in.first(); err != nil {
			return err
		}
	}
	if in.w-in.r >= n {
		return nil
	}
	if in.r > 0 && in.r+n > len(in.buf.b) {
		in.w = copy(in.buf.b, in.buf.b[in.r:in.w])
		in.r = 0
	}
	for in.w-in.r < n {
		m, err := in.src.Read(in.buf.b[in.w:])
		in.w += m
		if err != nil && in.w-in.r < n {
			if err == io.EOF && in.w > in.r {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

// first waits for the first bytes and only then borrows a buffer.
func (in *inbuf) first() error {
	if in.raw != nil && in.raw.raw != nil && len(in.raw.prefix) == 0 {
		b, n, err := in.raw.readIdle()
		if err != nil {
			return err
		}
		in.buf, in.r, in.w = b, 0, n
		return nil
	}
	n, err := in.src.Read(in.small[:])
	if n == 0 {
		if err == nil {
			err = io.ErrNoProgress
		}
		return err
	}
	in.buf = readPool.Get().(*buffer)
	in.r, in.w = 0, copy(in.buf.b, in.small[:n])
	return nil
}

// framer turns a byte stream into packets and back. It serves both ends of a connection.
//
// Reading: next returns a payload that stays valid until the following call. Writing: begin appends a header, the
// caller appends the payload to out, end closes the packet. Nothing is written before flush or the bound is reached.
type framer struct {
	in      inbuf
	wr      io.Writer
	seq     uint8       // of the next packet, in either direction
	noSeq   bool        // compressed: inner sequence numbers are not checked
	z       *compressor // nil without compression
	bigRead *buffer

	outBuf   *buffer
	out      []byte
	start    int   // of the open packet's header
	sentSeq  uint8 // seq at the start of out: what to go back to when out is dropped
	writeErr error // sticky: what the stream looks like after a failed write is unknown

	beforeFlush func() error
}

// errTooLarge and errOutOfOrder end a connection after they were reported.
var (
	errTooLarge   = mysqlerr.New(mysqlerr.ER_NET_PACKET_TOO_LARGE)
	errOutOfOrder = mysqlerr.New(mysqlerr.ER_NET_PACKETS_OUT_OF_ORDER)
	errMalformed  = mysqlerr.New(mysqlerr.ER_MALFORMED_PACKET)
)

// next reads one payload of at most limit bytes, joining the packets of one that was split.
func (f *framer) next(limit int) ([]byte, error) {
	p, err := f.nextPayload(limit)
	f.syncSeq()
	return p, err
}

// syncSeq lets packets of a compressed connection be numbered on from the frames whenever the direction changes, as MySQL does.
func (f *framer) syncSeq() {
	if f.z != nil {
		f.seq = f.z.seq
	}
}

func (f *framer) nextPayload(limit int) ([]byte, error) {
	f.dropBig()
	f.in.release()
	length, err := f.header(limit, 0)
	if err != nil {
		return nil, err
	}
	if length <= readBufferSize && length < maxPacket {
		if err := f.in.fill(length); err != nil {
			return nil, midPacket(err)
		}
		p := f.in.buf.b[f.in.r : f.in.r+length : f.in.r+length]
		f.in.r += length
		return p, nil
	}
	return f.nextBig(length, limit)
}

// nextBig reads a payload that does not fit a read buffer. Memory grows with the bytes that arrive, not with what the header says.
func (f *framer) nextBig(length, limit int) ([]byte, error) {
	f.bigRead = bigPool.Get().(*buffer)
	b := f.bigRead.b[:0]
	for {
		last := length < maxPacket
		for length > 0 {
			if len(b) == cap(b) {
				grown := make([]byte, len(b), max(64<<10, min(2*cap(b), len(b)+length)))
				copy(grown, b)
				b = grown
				f.bigRead.b = b
			}
			p := b[len(b):min(cap(b), len(b)+length)]
			n, err := f.in.take(p)
			b = b[:len(b)+n]
			length -= n
			if err != nil && length > 0 {
				return nil, midPacket(err)
			}
		}
		if last {
			f.bigRead.b = b
			return b, nil
		}
		var err error
		if length, err = f.header(limit, len(b)); err != nil {
			return nil, midPacket(err)
		}
	}
}

// take moves buffered bytes into p or, when there are none, reads straight into it.
func (in *inbuf) take(p []byte) (int, error) {
	if in.r < in.w {
		n := copy(p, in.buf.b[in.r:in.w])
		in.r += n
		return n, nil
	}
	return in.src.Read(p)
}

// header reads a packet header and checks it against what was read of the same payload before.
func (f *framer) header(limit, sofar int) (int, error) {
	if err := f.in.fill(4); err != nil {
		return 0, err
	}
	h := f.in.buf.b[f.in.r:]
	length := int(h[0]) | int(h[1])<<8 | int(h[2])<<16
	seq := h[3]
	f.in.r += 4
	if seq != f.seq && !f.noSeq {
		return 0, errOutOfOrder
	}
	f.seq = seq + 1
	if length > limit-sofar {
		return 0, errTooLarge
	}
	return length, nil
}

func (f *framer) dropBig() {
	if f.bigRead != nil {
		putBig(f.bigRead)
		f.bigRead = nil
	}
}

// midPacket names an end of the stream within a packet as what it is.
func midPacket(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// begin opens a packet; the payload is what the caller appends to f.out until end.
func (f *framer) begin() {
	if f.outBuf == nil {
		f.outBuf = writePool.Get().(*buffer)
		f.out = f.outBuf.b[:0]
	}
	if len(f.out) == 0 {
		f.sentSeq = f.seq
	}
	f.start = len(f.out)
	f.out = append(f.out, 0, 0, 0, 0)
}

// end closes the packet and writes the buffer out once it is full enough.
func (f *framer) end() error {
	if f.writeErr != nil {
		f.out = f.out[:0]
		return f.writeErr
	}
	n := len(f.out) - f.start - 4
	if n >= maxPacket {
		return f.endBig(n)
	}
	putHeader(f.out[f.start:], n, f.seq)
	f.seq++
	if len(f.out) >= flushBound {
		return f.flush()
	}
	return nil
}

// endBig writes a payload that needs several packets. Each further header overwrites the four bytes before its part,
// which have left already; so nothing is moved.
func (f *framer) endBig(n int) error {
	if f.beforeFlush != nil {
		if err := f.beforeFlush(); err != nil {
			f.drop()
			return err
		}
	}
	at, from := f.start, 0
	for {
		part := min(n, maxPacket)
		putHeader(f.out[at:], part, f.seq)
		f.seq++
		if err := f.write(f.out[from : at+4+part]); err != nil {
			return err
		}
		at += part
		from = at
		n -= part
		if part < maxPacket {
			break
		}
	}
	f.out = f.out[:0]
	f.sentSeq = f.seq
	return nil
}

// abort takes back the open packet.
func (f *framer) abort() {
	if f.outBuf != nil && f.start <= len(f.out) {
		f.out = f.out[:f.start]
	}
}

// drop takes back all that has not been written.
func (f *framer) drop() {
	if len(f.out) > 0 {
		f.seq = f.sentSeq
	}
	f.out = f.out[:0]
	f.start = 0
}

// flush writes what is buffered.
func (f *framer) flush() error {
	if f.writeErr != nil {
		return f.writeErr
	}
	if len(f.out) == 0 {
		return nil
	}
	if f.beforeFlush != nil {
		if err := f.beforeFlush(); err != nil {
			f.drop()
			return err
		}
	}
	err := f.write(f.out)
	f.out = f.out[:0]
	f.start = 0
	f.sentSeq = f.seq
	return err
}

func (f *framer) write(p []byte) error {
	if _, err := f.wr.Write(p); err != nil {
		f.writeErr = err
		return err
	}
	return nil
}

// restart begins a command: both sequences count from 0 again.
func (f *framer) restart() {
	f.seq = 0
	if f.z != nil {
		f.z.seq = 0
	}
}

// release gives all buffers back that hold nothing.
func (f *framer) release() {
	if f.z != nil {
		f.z.in.release()
	}
	f.dropBig()
	f.in.release()
	if f.outBuf != nil && len(f.out) == 0 {
		f.outBuf.b = f.out
		putWrite(f.outBuf)
		f.outBuf, f.out = nil, nil
	}
}

func putHeader(b []byte, n int, seq uint8) {
	b[0], b[1], b[2], b[3] = byte(n), byte(n>>8), byte(n>>16), seq
}

// isProtocolError tells errors that the client should still hear before the connection ends.
func isProtocolError(err error) bool {
	var e *mysqlerr.Error
	return errors.As(err, &e)
}
