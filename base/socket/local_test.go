package socket

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// pair returns a Local and its peer.
func pair(t *testing.T) (*Local, net.Conn) {
	t.Helper()
	ln, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	peer, err := net.Dial("unix", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { peer.Close() })
	c, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	l, err := NewLocal(c.(*net.UnixConn))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, peer
}

// TestLocalSleeps: a reader that waits is woken by what arrives, not by the peer's reading what was sent.
func TestLocalSleeps(t *testing.T) {
	l, peer := pair(t)
	var tries atomic.Int64
	try := l.readFn
	l.readFn = func(fd uintptr) bool {
		tries.Add(1)
		return try(fd)
	}
	got := make(chan error, 1)
	go func() {
		_, err := l.Read(make([]byte, 10))
		got <- err
	}()
	for tries.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	one := make([]byte, 1)
	for range 1000 {
		if _, err := l.Write(one); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(peer, one); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := peer.Write(one); err != nil {
		t.Fatal(err)
	}
	if err := <-got; err != nil {
		t.Fatal(err)
	}
	if n := tries.Load(); n > 3 {
		t.Fatalf("the reader was woken %d times for one byte", n-1)
	}
}

// TestLocalMoves sends more than the socket holds, in pieces, both ways at once.
func TestLocalMoves(t *testing.T) {
	l, peer := pair(t)
	want := make([]byte, 3<<20)
	for i := range want {
		want[i] = byte(i * 7 >> 3)
	}
	var bufs [][]byte
	for at, n := 0, 0; at < len(want); at += n {
		n = min(at*2+1, 300<<10, len(want)-at)
		bufs = append(bufs, want[at:at+n], nil)
	}
	sent := make(chan error, 2)
	go func() {
		n, err := l.WriteBuffers(bufs)
		if err == nil && n != int64(len(want)) {
			err = io.ErrShortWrite
		}
		sent <- err
	}()
	go func() {
		_, err := peer.Write(want)
		sent <- err
	}()
	back := make(chan []byte, 1)
	go func() {
		b := make([]byte, len(want))
		if _, err := io.ReadFull(l, b); err != nil {
			t.Error(err)
		}
		back <- b
	}()
	b := make([]byte, len(want))
	if _, err := io.ReadFull(peer, b); err != nil || !bytes.Equal(b, want) {
		t.Fatalf("the peer got other bytes: %v", err)
	}
	if !bytes.Equal(<-back, want) {
		t.Fatal("we got other bytes")
	}
	for range 2 {
		if err := <-sent; err != nil {
			t.Fatal(err)
		}
	}
}

// TestLocalEnds: reads and writes end at their deadlines, at Close, and when the peer has gone.
func TestLocalEnds(t *testing.T) {
	much := make([]byte, 8<<20)
	read := func(l *Local) error { _, err := l.Read(make([]byte, 1)); return err }
	write := func(l *Local) error { _, err := l.Write(much); return err }
	for _, c := range []struct {
		name   string
		do     func(*Local) error
		before func(*Local, net.Conn)
		during func(*Local, net.Conn)
		want   error
	}{
		{"read deadline", read, func(l *Local, _ net.Conn) { l.SetDeadline(time.Now().Add(10 * time.Millisecond)) }, nil, os.ErrDeadlineExceeded},
		{"write deadline", write, func(l *Local, _ net.Conn) { l.SetDeadline(time.Now().Add(10 * time.Millisecond)) }, nil, os.ErrDeadlineExceeded},
		{"read, closed", read, nil, func(l *Local, _ net.Conn) { l.Close() }, net.ErrClosed},
		{"write, closed", write, nil, func(l *Local, _ net.Conn) { l.Close() }, net.ErrClosed},
		{"read, peer gone", read, nil, func(_ *Local, peer net.Conn) { peer.Close() }, io.EOF},
		{"write, peer gone", write, nil, func(_ *Local, peer net.Conn) { peer.Close() }, nil},
		{"read after Close", read, func(l *Local, _ net.Conn) { l.Close() }, nil, net.ErrClosed},
		{"write after Close", write, func(l *Local, _ net.Conn) { l.Close() }, nil, net.ErrClosed},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, peer := pair(t)
			if c.before != nil {
				c.before(l, peer)
			}
			ended := make(chan error, 1)
			go func() { ended <- c.do(l) }()
			if c.during != nil {
				c.during(l, peer)
			}
			err := <-ended
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Fatalf("%v, want %v", err, c.want)
			}
		})
	}
}
