package wire

import "sync"

// Connections borrow buffers while they read or answer a command and return them before they wait for the next one.
const (
	readBufferSize  = 8 << 10
	writeBufferSize = 32 << 10
	// flushBound is the buffered size from which a reply is written out at the next packet boundary. Below the
	// capacity by room for common rows, so that the buffer seldom grows.
	flushBound = 28 << 10
	// maxPooled bounds what a grown buffer may keep in the pools.
	maxPooled = 4 << 20
)

var (
	readPool  = sync.Pool{New: func() any { return &buffer{b: make([]byte, readBufferSize)} }}
	writePool = sync.Pool{New: func() any { return &buffer{b: make([]byte, 0, writeBufferSize)} }}
	bigPool   = sync.Pool{New: func() any { return &buffer{} }}
)

// buffer is the pooled form of a byte slice: a pointer fits an interface without allocating.
type buffer struct{ b []byte }

// putWrite returns a write buffer; one that grew much is left to the garbage collector.
func putWrite(w *buffer) {
	if cap(w.b) <= 2*writeBufferSize {
		w.b = w.b[:0]
		writePool.Put(w)
	}
}

// putBig returns a buffer that held a payload too large for a read buffer.
func putBig(b *buffer) {
	if cap(b.b) <= maxPooled {
		b.b = b.b[:0]
		bigPool.Put(b)
	}
}
