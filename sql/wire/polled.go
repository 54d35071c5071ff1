package wire

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/zoryadb/zorya/base/linked"
	"github.com/zoryadb/zorya/base/socket"
)

// polled is a client's socket as the pool watches it. It is the net.Conn and the syscall.RawConn beneath a sock; unlike
// those of package net it can be at rest: then nobody waits for it, and what arrives makes the pool run its connection.
//
// Close and all that waits belong to the connection's goroutine, or to the worker that runs it.
type polled struct {
	pool          *pool
	conn          *Conn
	fd            int
	local, remote net.Addr

	mu      sync.Mutex
	closed  bool
	resting bool // the next thing to read makes the connection ready
	waiting bool // its goroutine waits on wake
	event        // what was told and not yet acted upon; ended stays
	expired bool // it rested for too long
	expires uint32
	wake    chan struct{}
	rd, wd  time.Time           // deadlines
	queued  linked.Link[polled] // in a queue of the pool
}

// event is what a poller tells of a socket.
type event struct{ readable, writable, ended bool }

// tell takes an event. It reports whether the connection must now be run. Only the pool calls it.
func (p *polled) tell(e event) (ready bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.readable = p.readable || e.readable
	p.writable = p.writable || e.writable
	p.ended = p.ended || e.ended
	if p.resting && p.readable {
		p.resting, p.readable = false, false
		return true
	}
	p.rouse()
	return false
}

// rouse wakes who waits.
func (p *polled) rouse() {
	if p.waiting {
		p.waiting = false
		p.wake <- struct{}{}
	}
}

// rest puts the connection to rest for at most the given ticks of the pool, 0: for ever. It reports false when there may be something to
// read already. Otherwise the connection may be run by another worker from now on.
func (p *polled) rest(ticks uint32) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.readable || p.ended || p.closed {
		p.readable = false
		return false
	}
	if p.conn.sock.killed.Load() {
		return false
	}
	p.expires = 0
	if ticks > 0 {
		p.expires = max(p.pool.ticks.Load()+ticks, 1)
	}
	p.resting = true
	return true
}

// expire wakes a connection that has rested for too long.
func (p *polled) expire(now uint32) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.resting || p.expires == 0 || now <= p.expires {
		return false
	}
	p.resting, p.expired = false, true
	return true
}

// await waits until the socket is ready or the deadline has passed.
func (p *polled) await(ready *bool, deadline *time.Time) error {
	var timer *time.Timer
	defer func() {
		if timer != nil {
			timer.Stop()
		}
	}()
	p.mu.Lock()
	for {
		switch {
		case p.closed:
			p.mu.Unlock()
			return net.ErrClosed
		case !deadline.IsZero() && !time.Now().Before(*deadline):
			p.mu.Unlock()
			return os.ErrDeadlineExceeded
		case *ready || p.ended:
			*ready = false
			p.mu.Unlock()
			return nil
		}
		if p.wake == nil {
			p.wake = make(chan struct{}, 1)
		}
		p.waiting = true
		if !deadline.IsZero() && timer == nil {
			timer = time.AfterFunc(time.Until(*deadline), func() {
				p.mu.Lock()
				p.rouse()
				p.mu.Unlock()
			})
		}
		p.mu.Unlock()
		p.conn.Block()
		<-p.wake
		p.conn.Unblock()
		p.mu.Lock()
		if timer != nil { // the deadline may have moved
			timer.Stop()
			timer = nil
		}
	}
}

// RawConn: f is tried first and whenever the socket may have become ready.

func (p *polled) Control(f func(fd uintptr)) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return net.ErrClosed
	}
	f(uintptr(p.fd))
	return nil
}

func (p *polled) over(deadline *time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return net.ErrClosed
	case !deadline.IsZero() && !time.Now().Before(*deadline):
		return os.ErrDeadlineExceeded
	}
	return nil
}

func (p *polled) retry(f func(fd uintptr) bool, ready *bool, deadline *time.Time) error {
	if err := p.over(deadline); err != nil {
		return err
	}
	for !f(uintptr(p.fd)) {
		if err := p.await(ready, deadline); err != nil {
			return err
		}
	}
	return nil
}

func (p *polled) read(f func(fd uintptr) bool) error  { return p.retry(f, &p.readable, &p.rd) }
func (p *polled) write(f func(fd uintptr) bool) error { return p.retry(f, &p.writable, &p.wd) }

// rawPolled gives polled the methods of syscall.RawConn, whose Read and Write are not net.Conn's.
type rawPolled struct{ *polled }

func (r rawPolled) Read(f func(fd uintptr) bool) error  { return r.read(f) }
func (r rawPolled) Write(f func(fd uintptr) bool) error { return r.write(f) }

// Read implements net.Conn.
func (p *polled) Read(b []byte) (n int, err error) {
	if len(b) == 0 {
		return 0, nil
	}
	werr := p.read(func(fd uintptr) bool {
		n, err = socket.Read(fd, b)
		return err != syscall.EAGAIN
	})
	switch {
	case werr != nil:
		return 0, werr
	case n == 0 && err == nil:
		return 0, io.EOF
	}
	return n, err
}

// Write implements net.Conn.
func (p *polled) Write(b []byte) (n int, err error) {
	werr := p.write(func(fd uintptr) bool {
		for n < len(b) {
			var m int
			if m, err = socket.Write(fd, b[n:]); m > 0 {
				n += m
			}
			if err != nil {
				return err != syscall.EAGAIN
			}
		}
		return true
	})
	if werr != nil {
		err = werr
	}
	return n, err
}

// Close implements net.Conn.
func (p *polled) Close() error {
	p.pool.forget(p)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return net.ErrClosed
	}
	p.closed = true
	return os.NewSyscallError("close", syscall.Close(p.fd))
}

// CloseWrite ends what the client reads.
func (p *polled) CloseWrite() error {
	var err error
	cerr := p.Control(func(fd uintptr) { err = syscall.Shutdown(int(fd), syscall.SHUT_WR) })
	return errors.Join(cerr, err)
}

func (p *polled) LocalAddr() net.Addr  { return p.local }
func (p *polled) RemoteAddr() net.Addr { return p.remote }

// SetDeadline implements net.Conn. Like the others it is safe from any goroutine; a deadline that has passed ends waits and rest.
func (p *polled) SetDeadline(t time.Time) error { return p.setDeadlines(t, &p.rd, &p.wd) }

func (p *polled) SetReadDeadline(t time.Time) error  { return p.setDeadlines(t, &p.rd) }
func (p *polled) SetWriteDeadline(t time.Time) error { return p.setDeadlines(t, &p.wd) }

func (p *polled) setDeadlines(t time.Time, which ...*time.Time) error {
	p.mu.Lock()
	for _, d := range which {
		*d = t
	}
	past := !t.IsZero() && !time.Now().Before(t)
	ready := past && p.resting
	if ready {
		p.resting = false
	}
	p.rouse() // it looks at its deadline anew
	p.mu.Unlock()
	if ready {
		p.pool.push(p)
	}
	return nil
}
