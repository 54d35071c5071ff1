package transport

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/zoryadb/zorya/base/frame"
	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
)

// Dial returns a client of the node at addr. It connects when it is first asked something.
func Dial(addr string, o Options) *Client {
	return dialBy(func() (Place, error) { return Place{Address: addr}, nil }, o)
}

// dialBy asks for the place anew at every attempt to connect.
func dialBy(find func() (Place, error), o Options) *Client {
	c := &Client{}
	o = o.withDefaults()
	c.log = link{o: o, find: find}
	c.requests = link{o: o, find: find}
	return c
}

// Client is a proto.Node over TCP. It has two connections: one for the log, one for everything else,
// so that a page read never waits behind a megabyte of records.
type Client struct {
	log, requests link
}

var _ proto.Node = (*Client)(nil)

// link is one connection that is made when needed.
type link struct {
	o    Options
	find func() (Place, error)

	mu      sync.Mutex
	c       *conn
	closed  bool
	backoff time.Duration
	next    time.Time // no attempt before
	lastErr error
}

// get returns the connection, making it if there is none. Only one goroutine dials; the others wait for it.
func (l *link) get(ctx context.Context) (*conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, ErrClosed
	}
	if l.c != nil {
		if !l.c.isDead() {
			return l.c, nil
		}
		l.c = nil
	}
	if wait := time.Until(l.next); wait > 0 {
		return nil, fmt.Errorf("%w: %w", ErrDown, l.lastErr)
	}
	c, err := l.dial(ctx)
	if err != nil {
		l.backoff = min(max(2*l.backoff, 20*time.Millisecond), l.o.MaxBackoff)
		l.next, l.lastErr = time.Now().Add(l.backoff), err
		return nil, err
	}
	l.backoff = 0
	l.c = c
	return c, nil
}

func (l *link) dial(ctx context.Context) (*conn, error) {
	at, err := l.find()
	if err != nil {
		return nil, fmt.Errorf("find storage node: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, l.o.DialTimeout)
	defer cancel()
	if at.Socket != "" {
		if nc, err := dialLocal(ctx, at.Socket); err == nil {
			return l.greet(nc, at.Socket)
		}
	}
	nc, err := l.dialTCP(ctx, at.Address)
	if err != nil {
		return nil, err
	}
	return l.greet(nc, at.Address)
}

func (l *link) dialTCP(ctx context.Context, addr string) (net.Conn, error) {
	var d net.Dialer
	nc, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("connect to storage node: %w", err)
	}
	if l.o.TLS != nil {
		cfg := l.o.TLS
		if cfg.ServerName == "" && !cfg.InsecureSkipVerify {
			cfg = cfg.Clone()
			cfg.ServerName, _, _ = net.SplitHostPort(addr)
		}
		t := tls.Client(nc, cfg)
		if err := t.HandshakeContext(ctx); err != nil {
			nc.Close()
			return nil, fmt.Errorf("TLS with storage node %s: %w", addr, err)
		}
		nc = t
	}
	return nc, nil
}

// greet makes a conn of a connection.
func (l *link) greet(nc net.Conn, addr string) (*conn, error) {
	if err := exchangeHello(nc); err != nil {
		nc.Close()
		return nil, fmt.Errorf("greet storage node %s: %w", addr, err)
	}
	return newConn(nc, l.o), nil
}

func (l *link) close() {
	l.mu.Lock()
	l.closed = true
	c := l.c
	l.mu.Unlock()
	if c != nil {
		c.die(ErrClosed)
		<-c.gone
	}
}

// Close ends both connections. Requests under way fail.
func (c *Client) Close() error {
	c.log.close()
	c.requests.close()
	return nil
}

// conn is one live connection with requests under way.
type conn struct {
	nc   net.Conn
	w    *frame.Writer
	o    Options
	gone chan struct{} // closed when the reader has ended and all calls are answered

	mu      sync.Mutex
	pending map[uint64]*call
	lastID  uint64
	err     error
}

// call is one request under way.
type call struct {
	sent   time.Time
	append func(*proto.AppendAck, error) // an Append, else done is used
	done   chan error                    // has room for one
	dst    [][]byte                      // GetPages
	status proto.Status
	reply  func(payload []byte) error // decodes the reply of the others
	ack    proto.AppendAck
}

var calls = sync.Pool{New: func() any { return &call{done: make(chan error, 1)} }}

func putCall(k *call) {
	k.append, k.dst, k.reply = nil, nil, nil
	calls.Put(k)
}

func newConn(nc net.Conn, o Options) *conn {
	c := &conn{nc: nc, w: frame.NewWriter(nc, o.WriteTimeout), o: o, gone: make(chan struct{}), pending: map[uint64]*call{}}
	go c.read()
	go c.watch()
	return c
}

func (c *conn) isDead() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err != nil
}

// die breaks the connection; the reader then ends it.
func (c *conn) die(err error) {
	c.mu.Lock()
	if c.err == nil {
		c.err = err
	}
	c.mu.Unlock()
	c.nc.Close()
}

// register gives a call its id, and a place unless the connection is dead.
func (c *conn) register(k *call) (id uint64, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0, c.err
	}
	c.lastID++
	c.pending[c.lastID] = k
	return c.lastID, nil
}

// withdraw takes a call back; false means that its answer is being received or was.
func (c *conn) withdraw(id uint64) *call {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.pending[id]
	delete(c.pending, id)
	return k
}

// watch breaks the connection when an append is not acknowledged in time.
func (c *conn) watch() {
	t := time.NewTicker(max(c.o.AppendTimeout/8, time.Millisecond))
	defer t.Stop()
	for {
		select {
		case <-c.gone:
			return
		case <-t.C:
		}
		late := false
		c.mu.Lock()
		for _, k := range c.pending {
			late = late || (k.append != nil && time.Since(k.sent) > c.o.AppendTimeout)
		}
		c.mu.Unlock()
		if late {
			c.die(fmt.Errorf("append not acknowledged within %v", c.o.AppendTimeout))
		}
	}
}

// read receives replies until the connection ends, then fails whatever is under way. By then the
// writer has let go of all bytes that callers lent it.
func (c *conn) read() {
	r := frame.NewReader(c.nc, 64<<10) // a few pages and their headers in one read
	var payload []byte
	var err error
	for err == nil {
		var h frame.Header
		if err = r.Next(&h); err != nil {
			break
		}
		k := c.withdraw(h.ID)
		if k == nil {
			continue // its caller has given up
		}
		payload, err = c.answer(r, &h, k, payload[:0])
		if cap(payload) > 1<<20 {
			payload = nil
		}
	}
	c.die(fmt.Errorf("connection to storage node lost: %w", err))
	c.mu.Lock()
	err = c.err
	left := c.pending
	c.pending = nil
	c.mu.Unlock()
	if errors.Is(err, errMalformed) || errors.Is(err, frame.ErrTooLong) {
		c.o.Log.Warn("storage node sent a malformed frame; closing the connection", "peer", c.nc.RemoteAddr(), "err", err)
	}
	c.w.Close(err)
	for _, k := range left {
		k.finish(err)
	}
	close(c.gone)
}

// finish hands a call its outcome. An append's call is recycled here, others' by their callers.
func (k *call) finish(err error) {
	if k.append == nil {
		k.done <- err
		return
	}
	done := k.append
	if err != nil {
		done(nil, err)
	} else {
		done(&k.ack, nil)
	}
	putCall(k)
}

// answer receives the payload of k's reply. Its error breaks the connection.
func (c *conn) answer(r *frame.Reader, h *frame.Header, k *call, payload []byte) ([]byte, error) {
	if h.Flags&flagReply == 0 || h.Type == 0 || h.Type >= typeEnd {
		err := fmt.Errorf("frame of type %d, flags %d: %w", h.Type, h.Flags, errMalformed)
		k.finish(err)
		return payload, err
	}
	var err error
	if h.Flags&flagError == 0 && k.dst != nil {
		err = k.receivePages(r)
		k.finish(err)
		return payload, err
	}
	if k.append == nil {
		payload = nil // what is decoded aliases it
	}
	if payload, err = r.Rest(payload); err != nil {
		k.finish(err)
		return payload, err
	}
	if h.Flags&flagError != 0 {
		k.finish(fmt.Errorf("storage node: %s", payload))
		return payload, nil
	}
	if k.append != nil {
		err = decode(payload, &k.ack, (*coder).appendAck)
	} else {
		err, payload = k.reply(payload), nil
	}
	k.finish(err)
	return payload, err
}

// receivePages reads a status, a bitmap of the pages that exist, and those pages.
func (k *call) receivePages(r *frame.Reader) error {
	var head [1 + (proto.MaxPageRead+7)/8]byte
	if err := r.Read(head[:1]); err != nil {
		return err
	}
	k.status = proto.Status(head[0])
	if k.status != proto.OK {
		return nil
	}
	n := (len(k.dst) + 7) / 8
	if err := r.Read(head[1 : 1+n]); err != nil {
		return err
	}
	for i, dst := range k.dst {
		if head[1+i/8]>>(i%8)&1 == 0 {
			clear(dst)
		} else if err := r.Read(dst); err != nil {
			return err
		}
	}
	if r.Left() > 0 {
		return fmt.Errorf("%d bytes after the pages: %w", r.Left(), errMalformed)
	}
	return nil
}

// Append implements proto.Node. It blocks while the socket is full, at most WriteTimeout; done may run before it returns. The
// ack is valid until done returns.
func (c *Client) Append(f *proto.AppendFrame, done func(*proto.AppendAck, error)) {
	cn, err := c.log.get(context.Background())
	if err != nil {
		done(nil, err)
		return
	}
	s := bodies.Get().(*body)
	defer bodies.Put(s)
	if s.b, err = encode(s.b[:0], f, (*coder).appendHead); err != nil {
		done(nil, err)
		return
	}
	k := calls.Get().(*call)
	k.append, k.sent = done, time.Now()
	id, err := cn.register(k)
	if err != nil {
		k.finish(err)
		return
	}
	s.f = frame.Frame{Type: typeAppend, ID: id, Body: s.b, Ext: f.Records}
	if err := cn.w.Send(&s.f); err != nil {
		cn.die(err) // the reader answers all calls, this one too
	}
	s.f.Ext = nil
}

// body is a scratch for encoding a request.
type body struct {
	b []byte
	f frame.Frame
}

var bodies = sync.Pool{New: func() any { return new(body) }}

// GetPages implements proto.Node.
func (c *Client) GetPages(ctx context.Context, r *proto.PageRead, dst [][]byte) (proto.Status, error) {
	if len(r.Pages) != len(dst) || len(dst) == 0 || len(dst) > proto.MaxPageRead {
		return 0, fmt.Errorf("get %d pages into %d buffers", len(r.Pages), len(dst))
	}
	for _, d := range dst {
		if len(d) != page.Size {
			return 0, fmt.Errorf("get a page into %d bytes", len(d))
		}
	}
	k := calls.Get().(*call)
	k.dst = dst
	err := do(ctx, &c.requests, typeGetPages, r, (*coder).pageRead, k)
	status := k.status
	putCall(k)
	if err != nil || status != proto.OK {
		return status, err
	}
	for i, d := range dst {
		if !page.Verify(d) || (page.GetLSN(d) != 0 && page.GetNo(d) != r.Pages[i]) {
			return 0, fmt.Errorf("page %d as of LSN %d arrived damaged", r.Pages[i], r.ReadLSN)
		}
	}
	return status, nil
}

// do sends a request and waits for its answer. k is the caller's again when it returns.
func do[Q any](ctx context.Context, l *link, typ uint8, q *Q, describe func(*coder, *Q), k *call) error {
	cn, err := l.get(ctx)
	if err != nil {
		return err
	}
	s := bodies.Get().(*body)
	defer bodies.Put(s)
	s.b = binary.LittleEndian.AppendUint32(s.b[:0], timeoutOf(ctx))
	if s.b, err = encode(s.b, q, describe); err != nil {
		return err
	}
	id, err := cn.register(k)
	if err != nil {
		return err
	}
	s.f = frame.Frame{Type: typ, ID: id, Body: s.b}
	if err := cn.w.SendSoon(&s.f); err != nil {
		cn.die(err)
	}
	select {
	case err := <-k.done:
		return err
	case <-ctx.Done():
	}
	if cn.withdraw(id) != nil {
		return ctx.Err()
	}
	// The answer is being received, into the caller's buffers: see it through, unless the peer stalls.
	stalled := time.NewTimer(time.Second)
	defer stalled.Stop()
	select {
	case err := <-k.done:
		return err
	case <-stalled.C:
		cn.die(errors.New("storage node stalled within a reply"))
		return <-k.done
	}
}

// ask is do for requests whose reply is one message.
func ask[Q, A any](ctx context.Context, l *link, typ uint8, q *Q, in func(*coder, *Q), out func(*coder, *A)) (*A, error) {
	a := new(A)
	k := calls.Get().(*call)
	k.reply = func(payload []byte) error { return decode(payload, a, out) }
	err := do(ctx, l, typ, q, in, k)
	putCall(k)
	if err != nil {
		return nil, err
	}
	return a, nil
}

func askStatus[Q any](ctx context.Context, l *link, typ uint8, q *Q, in func(*coder, *Q)) (proto.Status, error) {
	s, err := ask(ctx, l, typ, q, in, u8[proto.Status])
	if err != nil {
		return 0, err
	}
	return *s, nil
}

// Fence implements proto.Node.
func (c *Client) Fence(ctx context.Context, r *proto.FenceRequest) (*proto.FenceReply, error) {
	return ask(ctx, &c.requests, typeFence, r, (*coder).fenceRequest, (*coder).fenceReply)
}

// InstallHistory implements proto.Node.
func (c *Client) InstallHistory(ctx context.Context, r *proto.HistoryRequest) (proto.Status, error) {
	return askStatus(ctx, &c.requests, typeInstallHistory, r, (*coder).historyRequest)
}

// Retain implements proto.Node.
func (c *Client) Retain(ctx context.Context, r *proto.RetainRequest) (*proto.RetainReply, error) {
	return ask(ctx, &c.requests, typeRetain, r, (*coder).retainRequest, (*coder).retainReply)
}

// CreateSegment implements proto.Node.
func (c *Client) CreateSegment(ctx context.Context, r *proto.SegmentSpec) (proto.Status, error) {
	return askStatus(ctx, &c.requests, typeCreateSegment, r, (*coder).segmentSpec)
}

// InstallMembership implements proto.Node.
func (c *Client) InstallMembership(ctx context.Context, r *proto.SegmentSpec) (proto.Status, error) {
	return askStatus(ctx, &c.requests, typeInstallMembership, r, (*coder).segmentSpec)
}

// FetchLog implements proto.Node.
func (c *Client) FetchLog(ctx context.Context, r *proto.LogRequest) (*proto.LogReply, error) {
	return ask(ctx, &c.requests, typeFetchLog, r, (*coder).logRequest, (*coder).logReply)
}

// FetchBaseline implements proto.Node.
func (c *Client) FetchBaseline(ctx context.Context, r *proto.BaselineRequest) (*proto.BaselineReply, error) {
	return ask(ctx, &c.requests, typeFetchBaseline, r, (*coder).baselineRequest, (*coder).baselineReply)
}

// Info implements proto.Node.
func (c *Client) Info(ctx context.Context) (*proto.NodeInfo, error) {
	return ask(ctx, &c.requests, typeInfo, new(struct{}), func(*coder, *struct{}) {}, (*coder).nodeInfo)
}
