package frame

import (
	"fmt"
	"math"
	"net"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Releaser takes back external bytes that a Writer was lent.
type Releaser interface{ Release() }

// Writer gathers frames for a connection and writes them in batches. Methods are safe for concurrent use.
type Writer struct {
	conn    net.Conn
	timeout time.Duration // of one write

	vectored bool          // conn takes many buffers in one system call
	buffers  buffersWriter // how, if it is not by net.Buffers
	gather   []byte        // else they are copied together here; the flusher's
	raw      syscall.RawConn

	mu       sync.Mutex
	idle     sync.Cond // flushing ended, or the queue shrank
	pend     batch
	spare    batch
	flushing bool
	corked   bool // Post leaves the writing to Uncork or Flush
	soon     bool // a SendSoon gives way to others and will write
	err      error
}

// buffersWriter is a connection of ours that takes many buffers in one system call; it consumes them.
type buffersWriter interface {
	WriteBuffers(bufs [][]byte) (int64, error)
}

// batch is what the next write takes: small bytes are copied, external ones referenced.
type batch struct {
	small    []byte
	pieces   []piece
	bytes    int
	releases []Releaser
	iov      net.Buffers
}

type piece struct {
	off, n int    // of small, or
	ext    []byte // external
}

// maxQueued bounds the bytes that wait for a connection; further senders wait.
const maxQueued = 32 << 20

// NewWriter returns a Writer; a write that takes longer than timeout breaks it.
func NewWriter(conn net.Conn, timeout time.Duration) *Writer {
	w := &Writer{conn: conn, timeout: timeout}
	switch c := conn.(type) {
	case *net.TCPConn, *net.UnixConn:
		w.vectored = true
	case buffersWriter:
		w.vectored, w.buffers = true, c
	default:
		w.gather = make([]byte, 0, gatherSize)
	}
	w.idle.L = &w.mu
	under := conn
	if t, ok := conn.(interface{ NetConn() net.Conn }); ok { // TLS
		under = t.NetConn()
	}
	if s, ok := under.(syscall.Conn); ok {
		w.raw, _ = s.SyscallConn()
	}
	return w
}

// Frame is one frame to send. Body is copied, Ext is not: it must stay until Release is called, or,
// without one, until the Writer is done with it (Close). The slice of slices itself is not kept.
type Frame struct {
	Type    uint8
	Flags   uint8
	ID      uint64
	Body    []byte
	Ext     [][]byte
	Release Releaser // may be nil
}

// Send queues f and writes, unless another goroutine is writing: that one takes it along. It
// returns the error that broke the connection; success means no more than that f was queued.
func (w *Writer) Send(f *Frame) error {
	w.mu.Lock()
	for w.pend.bytes > maxQueued && w.err == nil {
		w.idle.Wait()
	}
	if err := w.queue(f); err != nil || w.flushing {
		w.mu.Unlock()
		return err
	}
	w.flushing = true
	w.flush()
	err := w.err
	w.mu.Unlock()
	return err
}

// SendSoon is Send for the one of many small frames that others may be about to send, too: it lets the goroutines run that are ready to
// before it writes, so that a busy process writes for many at once. When nobody else is ready, or soonBytes are queued, it writes at once.
func (w *Writer) SendSoon(f *Frame) error {
	w.mu.Lock()
	for w.pend.bytes > maxQueued && w.err == nil {
		w.idle.Wait()
	}
	err := w.queue(f)
	if err == nil && !w.flushing && !w.soon && w.pend.bytes < soonBytes {
		w.soon = true
		w.mu.Unlock()
		runtime.Gosched()
		w.mu.Lock()
		w.soon = false
	} else if w.soon && w.pend.bytes < soonBytes {
		w.mu.Unlock() // who gives way writes it
		return err
	}
	if err == nil && !w.flushing && len(w.pend.pieces) > 0 {
		w.flushing = true
		w.flush()
		err = w.err
	}
	w.mu.Unlock()
	return err
}

// soonBytes is how much SendSoon gathers at most: eight requests for a page.
const soonBytes = 1 << 10

// Post queues f and never waits: another goroutine writes it, or Uncork. For callbacks that must not block.
func (w *Writer) Post(f *Frame) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.queue(f); err != nil || w.flushing || w.corked {
		return err
	}
	w.flushing = true
	go w.flushAlone()
	return nil
}

func (w *Writer) flushAlone() {
	w.mu.Lock()
	w.flush()
	w.mu.Unlock()
}

// Cork keeps what Post queues for Uncork, which the caller promises to call soon.
func (w *Writer) Cork() {
	w.mu.Lock()
	w.corked = true
	w.mu.Unlock()
}

// Uncork ends Cork and writes what was posted meanwhile, here if the socket takes it at once, else in another goroutine: like
// Post it never waits.
func (w *Writer) Uncork() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.corked = false
	if len(w.pend.pieces) == 0 || w.flushing {
		return
	}
	w.flushing = true
	if w.pend.bytes <= roomy && w.unsent() <= roomy {
		w.flush()
	} else {
		go w.flushAlone()
	}
}

// Flush ends Cork and writes what was posted meanwhile, like Send: it may wait for the socket, and does so while too much is queued.
func (w *Writer) Flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.corked = false
	if !w.flushing && w.err == nil && len(w.pend.pieces) > 0 {
		w.flushing = true
		w.flush()
	}
	for w.pend.bytes > maxQueued && w.err == nil {
		w.idle.Wait()
	}
}

// roomy is a number of bytes that any socket's send buffer takes several times.
const roomy = 16 << 10

// unsent is how many bytes the peer has not received of what was written.
func (w *Writer) unsent() int {
	n := math.MaxInt
	if w.raw != nil {
		_ = w.raw.Control(func(fd uintptr) {
			if k, err := unix.IoctlGetInt(int(fd), unix.SIOCOUTQ); err == nil {
				n = k
			}
		})
	}
	return n
}

func (w *Writer) queue(f *Frame) error {
	n := len(f.Body)
	for _, e := range f.Ext {
		n += len(e)
	}
	if w.err == nil && n > MaxPayload {
		return fmt.Errorf("send a frame of %d bytes: %w", n, ErrTooLong)
	}
	if w.err != nil {
		if f.Release != nil {
			f.Release.Release()
		}
		return w.err
	}
	b := &w.pend
	at := len(b.small)
	h := Header{Len: n, Type: f.Type, Flags: f.Flags, ID: f.ID}
	b.small = append(h.Append(b.small), f.Body...)
	b.addSmall(at, len(b.small)-at)
	for _, e := range f.Ext {
		if len(e) > 0 {
			b.pieces = append(b.pieces, piece{ext: e})
		}
	}
	if f.Release != nil {
		b.releases = append(b.releases, f.Release)
	}
	b.bytes += HeaderSize + n
	return nil
}

func (b *batch) addSmall(off, n int) {
	if k := len(b.pieces); k > 0 && b.pieces[k-1].ext == nil {
		b.pieces[k-1].n += n
		return
	}
	b.pieces = append(b.pieces, piece{off: off, n: n})
}

// flush writes until nothing is queued. Called and left with mu held and flushing set by the caller.
func (w *Writer) flush() {
	for len(w.pend.pieces) > 0 && w.err == nil {
		b := w.pend
		w.pend = w.spare
		w.spare = batch{}
		w.mu.Unlock()
		err := w.write(&b)
		b.reset()
		w.mu.Lock()
		w.spare = b
		if err != nil && w.err == nil {
			w.err = err
		}
		w.idle.Broadcast()
	}
	if w.err != nil {
		w.pend.reset()
	}
	w.flushing = false
	w.idle.Broadcast()
}

func (w *Writer) write(b *batch) error {
	if w.timeout > 0 {
		if err := w.conn.SetWriteDeadline(time.Now().Add(w.timeout)); err != nil {
			return err
		}
	}
	if len(b.pieces) == 1 {
		_, err := w.conn.Write(b.small)
		return err
	}
	b.iov = b.iov[:0]
	for _, p := range b.pieces {
		if p.ext != nil {
			b.iov = append(b.iov, p.ext)
		} else {
			b.iov = append(b.iov, b.small[p.off:p.off+p.n])
		}
	}
	if w.buffers != nil {
		_, err := w.buffers.WriteBuffers(b.iov)
		return err
	}
	if !w.vectored {
		return w.writeGathered(b.iov)
	}
	all := b.iov // WriteTo consumes its receiver
	_, err := all.WriteTo(w.conn)
	return err
}

// gatherSize is what a TLS record holds.
const gatherSize = 16 << 10

// writeGathered is for connections that turn each Write into a record and a system call of its own (TLS): pieces are
// copied together, long ones written as they are.
func (w *Writer) writeGathered(iov net.Buffers) error {
	buf := w.gather[:0]
	flush := func() error {
		if len(buf) == 0 {
			return nil
		}
		_, err := w.conn.Write(buf)
		buf = buf[:0]
		return err
	}
	for _, p := range iov {
		if len(buf)+len(p) > cap(buf) {
			if err := flush(); err != nil {
				return err
			}
		}
		if len(p) < cap(buf) {
			buf = append(buf, p...)
		} else if _, err := w.conn.Write(p); err != nil {
			return err
		}
	}
	return flush()
}

const keepSmall = 256 << 10

func (b *batch) reset() {
	for i, r := range b.releases {
		r.Release()
		b.releases[i] = nil
	}
	clear(b.pieces)
	clear(b.iov)
	if cap(b.small) > keepSmall {
		b.small = nil
	}
	b.small, b.pieces, b.releases, b.iov, b.bytes = b.small[:0], b.pieces[:0], b.releases[:0], b.iov[:0], 0
}

// Close breaks the writer with err, closes the connection and returns once no external bytes are in use any more.
func (w *Writer) Close(err error) {
	w.mu.Lock()
	if w.err == nil {
		w.err = err
	}
	w.mu.Unlock()
	w.conn.Close() // ends a write under way
	w.mu.Lock()
	for w.flushing {
		w.idle.Wait()
	}
	w.pend.reset()
	w.mu.Unlock()
}
