package frame

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"
)

type released struct{ n atomic.Int32 }

func (r *released) Release() { r.n.Add(1) }

// TestRoundTrip sends frames of all sizes from many goroutines and checks that each arrives whole.
func TestRoundTrip(t *testing.T) {
	a, b := tcpPair(t)
	w := NewWriter(a, time.Second)
	var rel released
	const senders, each = 4, 100
	var wg sync.WaitGroup
	for s := 0; s < senders; s++ {
		wg.Go(func() {
			for i := 0; i < each; i++ {
				f := Frame{Type: uint8(s), ID: uint64(i), Body: bytes.Repeat([]byte{byte(s)}, i*7%300)}
				if i%3 == 0 {
					f.Ext = [][]byte{bytes.Repeat([]byte{byte(i)}, i*101), {}, {byte(s)}}
					f.Release = &rel
				}
				send := w.Send
				if i%5 == 0 {
					send = w.Post
				}
				if err := send(&f); err != nil {
					t.Error(err)
				}
			}
		})
	}
	r := NewReader(b, 512)
	next := [senders]int{}
	for n := 0; n < senders*each; n++ {
		var h Header
		if err := r.Next(&h); err != nil {
			t.Fatal(err)
		}
		i := int(h.ID)
		if next[h.Type] != i {
			t.Fatalf("sender %d: frame %d where %d was due", h.Type, i, next[h.Type])
		}
		next[h.Type]++
		if n%7 == 0 {
			continue // skipped by the next Next
		}
		got, err := r.Rest(nil)
		if err != nil {
			t.Fatal(err)
		}
		want := bytes.Repeat([]byte{h.Type}, i*7%300)
		if i%3 == 0 {
			want = append(append(want, bytes.Repeat([]byte{byte(i)}, i*101)...), h.Type)
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("sender %d frame %d: %d bytes, want %d", h.Type, i, len(got), len(want))
		}
	}
	wg.Wait()
	w.Close(io.ErrClosedPipe)
	if rel.n.Load() != senders*34 {
		t.Fatalf("%d released", rel.n.Load())
	}
}

// TestCork: what is posted under Cork is written by Uncork, all of it at once, also when the socket has no room for it.
func TestCork(t *testing.T) {
	a, b := tcpPair(t)
	w := NewWriter(a, time.Minute)
	defer w.Close(io.ErrClosedPipe)
	r := NewReader(b, 64<<10)
	for _, size := range []int{10, 8 << 20} {
		w.Cork()
		for i := range 3 {
			if err := w.Post(&Frame{ID: uint64(i), Body: make([]byte, size)}); err != nil {
				t.Fatal(err)
			}
		}
		w.mu.Lock()
		if w.flushing || len(w.pend.pieces) == 0 {
			t.Error("posted frames were written under Cork")
		}
		w.mu.Unlock()
		w.Uncork()
		w.Uncork()
		for i := range 3 {
			var h Header
			if err := r.Next(&h); err != nil || h.ID != uint64(i) || h.Len != size {
				t.Fatal(i, h, err)
			}
			if next, ok := r.Whole(); ok {
				t.Fatalf("%+v is whole, but its predecessor was not read", next)
			}
			if _, err := r.Rest(nil); err != nil {
				t.Fatal(err)
			}
			if next, ok := r.Whole(); size == 10 && i < 2 && (!ok || next.ID != uint64(i+1)) {
				t.Fatalf("frame %d, which came with frame %d, is not whole", i+1, i)
			}
		}
	}
}

// TestSendSoon: frames are left to the sender that gives way, up to a bound; what it or Flush finds is written.
func TestSendSoon(t *testing.T) {
	a, b := tcpPair(t)
	w := NewWriter(a, time.Minute)
	defer w.Close(io.ErrClosedPipe)
	r := NewReader(b, 64<<10)
	sent, got := uint64(0), uint64(0)
	send := func(n int) {
		sent++
		if err := w.SendSoon(&Frame{ID: sent, Body: make([]byte, n)}); err != nil {
			t.Fatal(err)
		}
	}
	receive := func() {
		for ; got < sent; got++ {
			var h Header
			if err := r.Next(&h); err != nil || h.ID != got+1 {
				t.Fatal(h, err)
			}
		}
	}
	soon := func(v bool) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.soon = v
	}
	queued := func() int {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.pend.bytes
	}
	send(10)
	receive() // nobody else: at once
	soon(true)
	send(10)
	send(10)
	if queued() != 2*(HeaderSize+10) {
		t.Fatalf("%d bytes queued behind a sender that will write", queued())
	}
	send(soonBytes)
	receive()
	send(10)
	soon(false)
	send(10)
	receive()
	w.Cork()
	if err := w.Post(&Frame{ID: sent + 1}); err != nil || queued() == 0 {
		t.Fatal("posted under Cork and not queued", err)
	}
	sent++
	w.Flush()
	receive()
}

func tcpPair(t testing.TB) (net.Conn, net.Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

// TestCloseReleases: after Close no lent bytes are in use, although the peer never reads.
func TestCloseReleases(t *testing.T) {
	a, _ := tcpPair(t)
	w := NewWriter(a, time.Minute)
	var rel released
	big := make([]byte, 8<<20)
	started := make(chan struct{})
	go func() {
		close(started)
		w.Send(&Frame{Ext: [][]byte{big}, Release: &rel})
	}()
	<-started
	w.Post(&Frame{Ext: [][]byte{big}, Release: &rel})
	w.Close(io.ErrClosedPipe)
	if err := w.Send(&Frame{Ext: [][]byte{big}, Release: &rel}); !errors.Is(err, io.ErrClosedPipe) {
		t.Fatal(err)
	}
	w.Close(nil)
	for rel.n.Load() < 3 { // the first sender may not have been there yet when Close came
		time.Sleep(time.Millisecond)
	}
}

func TestReaderLimits(t *testing.T) {
	var h Header
	lie := (&Header{Len: MaxPayload}).Append(nil)
	r := NewReader(bytes.NewReader(append(lie, 1, 2, 3)), 64)
	if err := r.Next(&h); err != nil {
		t.Fatal(err)
	}
	got, err := r.Rest(nil)
	if !errors.Is(err, io.ErrUnexpectedEOF) || cap(got) > growStep {
		t.Fatalf("%v, %d allocated", err, cap(got))
	}
	for _, b := range [][]byte{{255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, make([]byte, HeaderSize)} {
		if err := NewReader(bytes.NewReader(b), 64).Next(&h); !errors.Is(err, ErrTooLong) {
			t.Fatalf("%v: %v", b, err)
		}
	}
	if err := NewReader(bytes.NewReader(nil), 64).Next(&h); err != io.EOF {
		t.Fatal(err)
	}
	if err := NewReader(bytes.NewReader([]byte{1}), 64).Next(&h); err != io.ErrUnexpectedEOF {
		t.Fatal(err)
	}
}

func TestReaderByteWise(t *testing.T) {
	var b []byte
	for i := 0; i < 20; i++ {
		h := Header{Len: i * 9, Type: 3, ID: uint64(i)}
		b = append(h.Append(b), bytes.Repeat([]byte{byte(i)}, i*9)...)
	}
	r := NewReader(iotest.OneByteReader(bytes.NewReader(b)), 32)
	for i := 0; i < 20; i++ {
		var h Header
		if err := r.Next(&h); err != nil || h.Len != i*9 {
			t.Fatal(i, h, err)
		}
		p := make([]byte, h.Len/2)
		if err := r.Read(p); err != nil || !bytes.Equal(p, bytes.Repeat([]byte{byte(i)}, len(p))) {
			t.Fatal(i, err)
		}
	}
	var h Header
	if err := r.Next(&h); err != io.EOF {
		t.Fatal(err)
	}
}

// FuzzReader: any stream gives frames or an error, and never more bytes than came.
func FuzzReader(f *testing.F) {
	f.Add((&Header{Len: 3, Type: 1, ID: 9}).Append(nil), 40)
	f.Add(append((&Header{Len: 3}).Append(nil), 1, 2, 3), 14)
	f.Fuzz(func(t *testing.T, b []byte, size int) {
		r := NewReader(bytes.NewReader(b), size&1023)
		total := 0
		for {
			var h Header
			if r.Next(&h) != nil {
				return
			}
			total += HeaderSize
			p, err := r.Rest(nil)
			if total += len(p); total > len(b) {
				t.Fatalf("%d bytes out of %d", total, len(b))
			}
			if err != nil {
				return
			}
			if len(p) != h.Len {
				t.Fatalf("payload of %d, header says %d", len(p), h.Len)
			}
		}
	})
}
