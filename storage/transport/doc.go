// Package transport carries proto.Node over TCP, and within a host over Unix-domain sockets (local.go): Serve answers for a node, Dial and Book give a
// proto.Node that asks one. The frames are base/frame's; docs/format/frames.md has the byte diagrams.
//
// Invariants:
//   - Append frames of one client reach the node in the order of the calls: they have a connection to
//     themselves, on which nothing else waits, and after any failure on it all that are under way fail.
//   - Record bytes go from the caller's buffers to the socket without a copy and are not touched once
//     done has been called; a page goes from the socket into the caller's buffer, and nothing is
//     written there once GetPages has returned.
//   - A malformed frame closes the connection it came on, with a log line, and nothing else. A panic in the node
//     becomes an error reply.
//   - Every request ends: by reply, by its context, or (Append) by Options.AppendTimeout. A lost connection is dialled
//     anew when it is next needed, with a bounded backoff in which requests fail at once.
package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"
)

// Options tune both sides; the zero value is usable.
type Options struct {
	// TLS, if not nil, wraps every TCP connection: with ClientAuth and certificates on both sides, mutual TLS.
	TLS *tls.Config
	// AppendTimeout bounds the wait for an append's acknowledgement (default 2 s: a node that stands still must not hold the log ring); WriteTimeout one write to a
	// socket (default 2 s); DialTimeout making a connection (default 1 s).
	AppendTimeout, WriteTimeout, DialTimeout time.Duration
	// MaxBackoff bounds the pause between attempts to connect (default 250 ms; the first is 20 ms).
	MaxBackoff time.Duration
	// MaxReads bounds the requests other than appends that a server works on at once for one connection (default 64).
	MaxReads int
	Log      *slog.Logger
}

func (o Options) withDefaults() Options {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&o.AppendTimeout, 2*time.Second)
	def(&o.WriteTimeout, 2*time.Second)
	def(&o.DialTimeout, time.Second)
	def(&o.MaxBackoff, 250*time.Millisecond)
	if o.MaxReads == 0 {
		o.MaxReads = 64
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

// Errors of the client.
var (
	// ErrClosed means that Close was called.
	ErrClosed = errors.New("connection to storage node is closed")
	// ErrDown means that the last attempt to connect failed and the next is not yet due.
	ErrDown = errors.New("storage node is not reachable")
)

// A hello opens a connection on either side: magic and protocol version. It tells a stranger's bytes
// from a peer's before a length is believed.
var hello = [8]byte{'Z', 'O', 'R', 'Y', 'A', 'D', 1, 0}

const helloTimeout = 5 * time.Second

// exchangeHello sends ours and checks the peer's.
func exchangeHello(c net.Conn) error {
	if err := c.SetDeadline(time.Now().Add(helloTimeout)); err != nil {
		return err
	}
	if _, err := c.Write(hello[:]); err != nil {
		return err
	}
	var got [8]byte
	if _, err := io.ReadFull(c, got[:]); err != nil {
		return fmt.Errorf("read hello: %w", err)
	}
	if got != hello {
		return fmt.Errorf("peer says %q, not %q: another protocol or version", got[:], hello[:])
	}
	return c.SetDeadline(time.Time{})
}

// timeoutOf is what a request's context leaves, in milliseconds, to tell the server; 0: no deadline.
func timeoutOf(ctx context.Context) uint32 {
	d, ok := ctx.Deadline()
	if !ok {
		return 0
	}
	return uint32(max(1, min(time.Until(d).Milliseconds(), 1<<31)))
}
