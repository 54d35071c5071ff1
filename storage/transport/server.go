package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"sync"
	"time"

	"github.com/zoryadb/zorya/base/frame"
	"github.com/zoryadb/zorya/storage/proto"
)

// Serve answers on l, of TCP or ListenLocal, for n until ctx ends; then it closes l and all connections and returns nil, once no
// request but appends is being worked on (n answers those when it likes, to nobody). It does not close n.
func Serve(ctx context.Context, l net.Listener, n proto.Node, o Options) error {
	o = o.withDefaults()
	ctx, cancel := context.WithCancel(ctx)
	var conns sync.WaitGroup
	defer conns.Wait()
	defer cancel()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	for {
		nc, err := l.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			var ne net.Error
			if errors.As(err, &ne) && ne.Timeout() || isTransient(err) {
				o.Log.Warn("accept on the data port", "err", err)
				select {
				case <-time.After(50 * time.Millisecond):
				case <-ctx.Done():
				}
				continue
			}
			return fmt.Errorf("accept on %v: %w", l.Addr(), err)
		}
		conns.Go(func() { serveConn(ctx, nc, n, o) })
	}
}

// isTransient tells running out of descriptors from a dead listener.
func isTransient(err error) bool { return !errors.Is(err, net.ErrClosed) }

// session is one connection served.
type session struct {
	ctx    context.Context
	n      proto.Node
	o      Options
	nc     net.Conn
	w      *frame.Writer
	slots  chan struct{} // bounds the requests being worked on
	sync   syncer        // n, if it can
	here   pageReader    // the reader's
	active sync.WaitGroup
}

func serveConn(ctx context.Context, nc net.Conn, n proto.Node, o Options) {
	if isLocal(nc) {
		local, err := quiet(nc)
		if err != nil {
			o.Log.Warn("refused a connection to the data socket", "err", err)
			return
		}
		nc = local
	} else if o.TLS != nil {
		nc = tls.Server(nc, o.TLS)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { nc.Close() })
	defer stop()
	if err := exchangeHello(nc); err != nil {
		nc.Close()
		if ctx.Err() == nil && !errors.Is(err, io.EOF) {
			o.Log.Warn("refused a connection to the data port", "peer", nc.RemoteAddr(), "err", err)
		}
		return
	}
	s := &session{ctx: ctx, n: n, o: o, nc: nc, w: frame.NewWriter(nc, o.WriteTimeout), slots: make(chan struct{}, o.MaxReads)}
	s.sync, _ = n.(syncer)
	err := s.read()
	if ctx.Err() == nil && err != io.EOF && !errors.Is(err, net.ErrClosed) {
		o.Log.Warn("closing a data connection", "peer", nc.RemoteAddr(), "err", err)
	}
	cancel()
	s.w.Close(net.ErrClosed)
	s.active.Wait()
}

// syncer is a node whose appends are made durable by the goroutine that brings them: on the way from socket to disk and back no other has
// to be woken.
type syncer interface {
	// AppendLater is Append by a caller that calls Sync before it waits for anything.
	AppendLater(f *proto.AppendFrame, done func(*proto.AppendAck, error))
	// Sync makes durable what was appended, or leaves it to another goroutine that is at it. It calls acked once, after the
	// acknowledgements and before work for which nobody waits, unless it has nothing to do.
	Sync(acked func())
}

// read takes frames off the connection until it ends.
func (s *session) read() error {
	r := frame.NewReader(s.nc, 64<<10)
	for {
		var h frame.Header
		if err := r.Next(&h); err != nil {
			return err
		}
		if h.Flags != 0 || h.Type == 0 || h.Type >= typeEnd {
			return fmt.Errorf("frame of type %d, flags %d: %w", h.Type, h.Flags, errMalformed)
		}
		var err error
		if h.Type == typeAppend {
			if err = s.append(r, h.ID); err == nil && s.sync != nil {
				s.persist(r)
			}
		} else {
			err = s.request(r, h)
		}
		if err != nil {
			return err
		}
	}
}

// persist makes durable what was appended, unless another frame has come: then both share the disk's time.
func (s *session) persist(r *frame.Reader) {
	if next, ok := r.Whole(); ok && next.Type == typeAppend {
		return
	}
	s.w.Cork()
	s.sync.Sync(s.w.Uncork)
	s.w.Uncork()
}

// appending is one append under way; it is recycled with its buffers.
type appending struct {
	s       *session
	id      uint64
	payload []byte
	f       proto.AppendFrame
	out     body
	done    func(*proto.AppendAck, error)
}

var appends sync.Pool

func newAppending() *appending {
	if a, ok := appends.Get().(*appending); ok {
		return a
	}
	a := new(appending)
	a.done = a.finish
	return a
}

// append hands the node a frame, in the order of arrival.
func (s *session) append(r *frame.Reader, id uint64) error {
	a := newAppending()
	a.s, a.id = s, id
	var err error
	if a.payload, err = r.Rest(a.payload[:0]); err != nil {
		return err
	}
	if err := decodeAppend(a.payload, &a.f); err != nil {
		return fmt.Errorf("append: %w", err)
	}
	defer s.caught(typeAppend, func(err error) { a.finish(nil, err) })
	if s.sync != nil {
		s.sync.AppendLater(&a.f, a.done)
	} else {
		s.n.Append(&a.f, a.done)
	}
	return nil
}

// finish replies. It runs in the node's goroutines, so it does not wait for the socket.
func (a *appending) finish(ack *proto.AppendAck, err error) {
	s := a.s
	f := &a.out.f
	*f = frame.Frame{Type: typeAppend, Flags: flagReply, ID: a.id}
	if err == nil {
		a.out.b, err = encode(a.out.b[:0], ack, (*coder).appendAck)
	}
	if err != nil {
		f.Flags |= flagError
		a.out.b = append(a.out.b[:0], err.Error()...)
	}
	f.Body = a.out.b
	s.w.Post(f) // an error has broken the connection: the reader notices
	a.s = nil
	if cap(a.payload) <= 1<<20 {
		appends.Put(a)
	}
}

// caught turns a panic of the node into an error reply.
func (s *session) caught(typ uint8, reply func(error)) {
	if p := recover(); p != nil {
		s.o.Log.Error("panic in a storage request", "type", typ, "panic", p, "stack", string(debug.Stack()))
		reply(fmt.Errorf("internal error in request of type %d: %v", typ, p))
	}
}

// request starts work on anything but an append, in a goroutine of its own: it may wait for a disk. Page reads that come from memory are
// answered by this one (pages.go).
func (s *session) request(r *frame.Reader, h frame.Header) error {
	if h.Type == typeGetPages && s.here.fast() {
		return s.readHere(r, h)
	}
	payload, err := r.Rest(nil)
	if err != nil {
		return err
	}
	c := &coder{b: payload, dec: true}
	var timeout uint32
	u32(c, &timeout)
	work, err := s.prepare(c, h)
	if err != nil {
		return fmt.Errorf("request of type %d: %w", h.Type, err)
	}
	select {
	case s.slots <- struct{}{}:
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
	s.active.Go(func() {
		defer func() { <-s.slots }()
		s.work(h, work, timeout)
	})
	return nil
}

// work answers a request within its time in milliseconds; 0: without a bound.
func (s *session) work(h frame.Header, work func(context.Context), timeout uint32) {
	defer s.caught(h.Type, func(err error) { s.replyError(h, err) })
	ctx := s.ctx
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(timeout)*time.Millisecond)
		defer cancel()
	}
	work(ctx)
}

// prepare decodes a request and returns the work that it asks for.
func (s *session) prepare(c *coder, h frame.Header) (func(context.Context), error) {
	switch h.Type {
	case typeGetPages:
		q := new(proto.PageRead)
		c.pageRead(q)
		return func(ctx context.Context) { s.getPages(ctx, h, q, s.w.Send) }, c.end()
	case typeFence:
		return handle(s, c, h, (*coder).fenceRequest, s.n.Fence, (*coder).fenceReply)
	case typeInstallHistory:
		return handle(s, c, h, (*coder).historyRequest, status(s.n.InstallHistory), u8[proto.Status])
	case typeCreateSegment:
		return handle(s, c, h, (*coder).segmentSpec, status(s.n.CreateSegment), u8[proto.Status])
	case typeInstallMembership:
		return handle(s, c, h, (*coder).segmentSpec, status(s.n.InstallMembership), u8[proto.Status])
	case typeFetchLog:
		return handle(s, c, h, (*coder).logRequest, s.n.FetchLog, (*coder).logReply)
	case typeFetchBaseline:
		return handle(s, c, h, (*coder).baselineRequest, s.n.FetchBaseline, (*coder).baselineReply)
	case typeRetain:
		return handle(s, c, h, (*coder).retainRequest, s.n.Retain, (*coder).retainReply)
	default: // typeInfo: read checked the range
		info := func(ctx context.Context, _ *struct{}) (*proto.NodeInfo, error) { return s.n.Info(ctx) }
		return handle(s, c, h, func(*coder, *struct{}) {}, info, (*coder).nodeInfo)
	}
}

func status[Q any](f func(context.Context, *Q) (proto.Status, error)) func(context.Context, *Q) (*proto.Status, error) {
	return func(ctx context.Context, q *Q) (*proto.Status, error) {
		st, err := f(ctx, q)
		return &st, err
	}
}

func handle[Q, A any](s *session, c *coder, h frame.Header, in func(*coder, *Q),
	f func(context.Context, *Q) (*A, error), out func(*coder, *A)) (func(context.Context), error) {
	q := new(Q)
	in(c, q)
	return func(ctx context.Context) {
		a, err := f(ctx, q)
		var b []byte
		if err == nil {
			b, err = encode(nil, a, out)
		}
		if err == nil {
			err = s.w.Send(&frame.Frame{Type: h.Type, Flags: flagReply, ID: h.ID, Body: b})
			if !errors.Is(err, frame.ErrTooLong) {
				return
			}
		}
		s.replyError(h, err)
	}, c.end()
}

func (s *session) replyError(h frame.Header, err error) {
	s.w.Send(&frame.Frame{Type: h.Type, Flags: flagReply | flagError, ID: h.ID, Body: []byte(err.Error())})
}
