package transport

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/zoryadb/zorya/base/frame"
	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
)

// stub is a node whose answers a test chooses; the defaults echo.
type stub struct {
	proto.Node
	mu       sync.Mutex
	frames   []page.LSN // VDL of each append, as received
	records  int
	append   func(f *proto.AppendFrame, done func(*proto.AppendAck, error))
	getPages func(ctx context.Context, r *proto.PageRead, dst [][]byte) (proto.Status, error)
	quiet    bool // keep no account
}

func (s *stub) Append(f *proto.AppendFrame, done func(*proto.AppendAck, error)) {
	if s.append != nil {
		s.append(f, done)
		return
	}
	if !s.quiet {
		s.mu.Lock()
		s.frames = append(s.frames, f.VDL)
		for _, r := range f.Records {
			s.records += len(r)
		}
		s.mu.Unlock()
	}
	ack := proto.AppendAck{Epoch: f.Epoch}
	var room [4]proto.SegmentStatus
	ack.Segments = room[:0]
	for _, r := range f.Runs {
		ack.Segments = append(ack.Segments, proto.SegmentStatus{PG: r.PG, Incarnation: r.Incarnation, SCL: f.VDL})
	}
	done(&ack, nil)
}

// fillPage makes page no as of lsn; every seventh is absent.
func fillPage(dst []byte, no page.No, lsn page.LSN) {
	clear(dst)
	if no%7 == 0 {
		return
	}
	page.ApplyOps(dst, page.AppendSet(page.AppendInit(nil, 1, 1), 100, []byte{byte(no), byte(lsn)}))
	page.Stamp(dst, no, lsn)
	page.Seal(dst)
}

func (s *stub) GetPages(ctx context.Context, r *proto.PageRead, dst [][]byte) (proto.Status, error) {
	if s.getPages != nil {
		return s.getPages(ctx, r, dst)
	}
	if r.PGLSN == 666 {
		panic("the beast")
	}
	if r.PGLSN > r.ReadLSN {
		return proto.StatusBehind, nil
	}
	for i, no := range r.Pages {
		fillPage(dst[i], no, r.ReadLSN)
	}
	return proto.OK, nil
}

func (s *stub) Fence(ctx context.Context, r *proto.FenceRequest) (*proto.FenceReply, error) {
	if r.Writer == "" {
		return nil, errors.New("nameless writer")
	}
	return &proto.FenceReply{Epoch: r.Epoch, History: r.History, Segments: []proto.Sample{{PG: 3, SCL: 9}}}, nil
}

func (s *stub) CreateSegment(ctx context.Context, r *proto.SegmentSpec) (proto.Status, error) {
	return proto.StatusFull, nil
}

func (s *stub) FetchLog(ctx context.Context, r *proto.LogRequest) (*proto.LogReply, error) {
	return &proto.LogReply{SCL: r.To, Records: bytes.Repeat([]byte{1}, int(r.MaxBytes))}, nil
}

func (s *stub) Info(ctx context.Context) (*proto.NodeInfo, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func serve(t testing.TB, n proto.Node, o Options) (addr string, stop func()) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, l, n, o) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("serve: %v", err)
			}
		})
	}
	t.Cleanup(stop)
	return l.Addr().String(), stop
}

func dial(t testing.TB, addr string, o Options) *Client {
	c := Dial(addr, o)
	t.Cleanup(func() { c.Close() })
	return c
}

func TestRequests(t *testing.T) {
	addr, _ := serve(t, &stub{}, Options{})
	c := dial(t, addr, Options{})
	ctx := context.Background()
	h := proto.History{Version: 7, Intervals: []proto.Interval{{From: 1, To: 2}}}
	p, err := c.Fence(ctx, &proto.FenceRequest{Epoch: 5, Writer: "w", History: h})
	if err != nil || p.Epoch != 5 || !reflect.DeepEqual(p.History, h) || len(p.Segments) != 1 || p.Segments[0].SCL != 9 {
		t.Fatal(p, err)
	}
	if _, err := c.Fence(ctx, &proto.FenceRequest{}); err == nil || !strings.Contains(err.Error(), "nameless") {
		t.Fatal(err)
	}
	if st, err := c.CreateSegment(ctx, &proto.SegmentSpec{}); err != nil || st != proto.StatusFull {
		t.Fatal(st, err)
	}
	l, err := c.FetchLog(ctx, &proto.LogRequest{To: 4, MaxBytes: 3 << 20})
	if err != nil || l.SCL != 4 || len(l.Records) != 3<<20 {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	if _, err := c.Info(short); err == nil {
		t.Fatal("a request outlived its context")
	}
}

func TestGetPages(t *testing.T) {
	addr, _ := serve(t, &stub{}, Options{MaxReads: 4})
	c := dial(t, addr, Options{})
	var wg sync.WaitGroup
	for g := 0; g < 8; g++ {
		wg.Go(func() {
			for i := 0; i < 20; i++ {
				q := &proto.PageRead{ReadLSN: page.LSN(g + 1)}
				var dst [][]byte
				for k := 0; k <= i; k++ {
					q.Pages = append(q.Pages, page.No(g*100+i+k))
					dst = append(dst, bytes.Repeat([]byte{0xee}, page.Size))
				}
				st, err := c.GetPages(context.Background(), q, dst)
				if err != nil || st != proto.OK {
					t.Error(st, err)
					return
				}
				want := make([]byte, page.Size)
				for k, no := range q.Pages {
					fillPage(want, no, q.ReadLSN)
					if !bytes.Equal(dst[k], want) {
						t.Errorf("page %d differs", no)
					}
				}
			}
		})
	}
	wg.Wait()
	dst := [][]byte{make([]byte, page.Size)}
	if st, err := c.GetPages(context.Background(), &proto.PageRead{PGLSN: 1, Pages: []page.No{1}}, dst); err != nil || st != proto.StatusBehind {
		t.Fatal(st, err)
	}
	if _, err := c.GetPages(context.Background(), &proto.PageRead{PGLSN: 666, ReadLSN: 667, Pages: []page.No{1}}, dst); err == nil || !strings.Contains(err.Error(), "beast") {
		t.Fatal(err)
	}
}

// TestReadsTogether: requests that come in one piece are all answered, also behind one that is refused, and with requests of other types between them.
func TestReadsTogether(t *testing.T) {
	addr, _ := serve(t, &stub{}, Options{Log: slog.New(slog.DiscardHandler)})
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if err := exchangeHello(nc); err != nil {
		t.Fatal(err)
	}
	w := frame.NewWriter(nc, time.Minute)
	w.Cork()
	const reads = 3*readsHere + 1
	for i := range uint64(reads) {
		q := proto.PageRead{ReadLSN: page.LSN(i + 1), Pages: []page.No{page.No(8*i + 1), 7}}
		if i == 2 {
			q.PGLSN, q.ReadLSN = 666, 667 // a panic
		}
		body, _ := encode([]byte{0, 0, 0, 0}, &q, (*coder).pageRead)
		w.Post(&frame.Frame{Type: typeGetPages, ID: i, Body: body})
		if i == 5 {
			body, _ := encode([]byte{0, 0, 0, 0}, &proto.SegmentSpec{}, (*coder).segmentSpec)
			w.Post(&frame.Frame{Type: typeCreateSegment, ID: 100, Body: body})
		}
	}
	w.Flush()
	r, seen, want := frame.NewReader(nc, 1024), map[uint64]bool{}, make([]byte, page.Size)
	for len(seen) <= reads {
		var h frame.Header
		if err := r.Next(&h); err != nil {
			t.Fatal(err)
		}
		b, err := r.Rest(nil)
		if err != nil || seen[h.ID] {
			t.Fatal(h, err)
		}
		seen[h.ID] = true
		if h.ID == 100 {
			continue
		}
		if failed := h.Flags&flagError != 0; failed || h.ID == 2 {
			if !failed || h.ID != 2 {
				t.Fatalf("%+v: %s", h, b)
			}
			continue
		}
		fillPage(want, page.No(8*h.ID+1), page.LSN(h.ID+1))
		if present := byte(min((8*h.ID+1)%7, 1)); b[0] != byte(proto.OK) || b[1] != present || !bytes.Equal(b[2:], want[:len(b)-2]) || len(b) != 2+int(present)*page.Size {
			t.Fatalf("answer %d: %v", h.ID, b[:2])
		}
	}
}

// TestSlowReads: reads that are slow get goroutines of their own for a while; one that the processor kept waiting is no reason.
func TestSlowReads(t *testing.T) {
	var p pageReader
	p.took(time.Second, 1)
	if !p.fast() {
		t.Fatal("one late read made reads slow")
	}
	for range 100 {
		p.took(8*slowRead/2, 8)
		if !p.fast() {
			t.Fatal("reads from memory are slow")
		}
	}
	for n := 0; p.slow == 0; n++ {
		if n == 100 {
			t.Fatal("slow reads keep each other waiting")
		}
		p.took(2*slowRead, 1)
	}
	for n := 1; !p.fast(); n++ {
		if n == slowReads {
			t.Fatal("nobody tries again")
		}
	}
}

// TestDamagedPage: a wrong byte on the way is noticed.
func TestDamagedPage(t *testing.T) {
	n := &stub{getPages: func(ctx context.Context, r *proto.PageRead, dst [][]byte) (proto.Status, error) {
		fillPage(dst[0], 1, 1)
		dst[0][5000] ^= 1
		return proto.OK, nil
	}}
	addr, _ := serve(t, n, Options{})
	_, err := dial(t, addr, Options{}).GetPages(context.Background(), &proto.PageRead{Pages: []page.No{1}}, [][]byte{make([]byte, page.Size)})
	if err == nil {
		t.Fatal("a damaged page was accepted")
	}
}

// TestCancelledRead: once GetPages has returned, its buffer is the caller's.
func TestCancelledRead(t *testing.T) {
	release := make(chan struct{})
	n := &stub{getPages: func(ctx context.Context, r *proto.PageRead, dst [][]byte) (proto.Status, error) {
		if r.ReadLSN == 1 {
			<-release
		}
		for i, no := range r.Pages {
			fillPage(dst[i], no, r.ReadLSN)
		}
		return proto.OK, nil
	}}
	addr, _ := serve(t, n, Options{})
	c := dial(t, addr, Options{})
	dst := [][]byte{make([]byte, page.Size)}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if _, err := c.GetPages(ctx, &proto.PageRead{ReadLSN: 1, Pages: []page.No{1}}, dst); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	dst[0][0] = 1 // the race detector knows
	close(release)
	if st, err := c.GetPages(context.Background(), &proto.PageRead{ReadLSN: 2, Pages: []page.No{3}}, dst); err != nil || st != proto.OK || dst[0][101] != 2 {
		t.Fatal(st, err)
	}
}

func TestAppendOrder(t *testing.T) {
	n := &stub{}
	addr, _ := serve(t, n, Options{})
	c := dial(t, addr, Options{})
	var wg sync.WaitGroup
	const frames = 500
	for i := 1; i <= frames; i++ {
		rec := bytes.Repeat([]byte{byte(i)}, i%100)
		f := &proto.AppendFrame{Epoch: 2, VDL: page.LSN(i), Runs: []proto.Run{{PG: 1, Bytes: uint32(len(rec))}}, Records: [][]byte{rec}}
		wg.Add(1)
		c.Append(f, func(a *proto.AppendAck, err error) {
			defer wg.Done()
			if err != nil || len(a.Segments) != 1 || a.Segments[0].SCL != page.LSN(i) {
				t.Error(i, a, err)
			}
		})
	}
	wg.Wait()
	for i, v := range n.frames {
		if v != page.LSN(i+1) {
			t.Fatalf("frame %d arrived as number %d", v, i+1)
		}
	}
	if len(n.frames) != frames || n.records != 24750 {
		t.Fatal(len(n.frames), n.records)
	}
}

// TestReconnect: appends under way fail when the server goes, and later ones reach its successor.
func TestReconnect(t *testing.T) {
	var held atomic.Pointer[func(*proto.AppendAck, error)]
	got := make(chan struct{})
	n := &stub{append: func(f *proto.AppendFrame, done func(*proto.AppendAck, error)) {
		held.Store(&done)
		close(got)
	}}
	addr, stop := serve(t, n, Options{})
	book := NewBook(func(id proto.NodeID) (Place, bool) { return Place{Address: addr}, id == "n1" }, Options{MaxBackoff: 5 * time.Millisecond})
	defer book.Close()
	c, err := book.Dial("n1")
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	c.Append(&proto.AppendFrame{}, func(a *proto.AppendAck, err error) { failed <- err })
	<-got
	go func() { (*held.Load())(nil, errors.New("going down")) }() // a node answers all before its server has ended
	stop()
	if err := <-failed; err == nil {
		t.Fatal("an append without an ack succeeded")
	}
	addr, _ = serve(t, &stub{}, Options{})
	deadline := time.Now().Add(60 * time.Second)
	for err = errors.New("not tried"); err != nil && time.Now().Before(deadline); {
		c.Append(&proto.AppendFrame{}, func(a *proto.AppendAck, err error) { failed <- err })
		if err = <-failed; err != nil {
			time.Sleep(time.Millisecond)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	other, _ := book.Dial("n2")
	if _, err := other.Info(context.Background()); err == nil || !strings.Contains(err.Error(), "n2") {
		t.Fatal(err)
	}
}

func TestAppendTimeout(t *testing.T) {
	held := make(chan func(*proto.AppendAck, error), 2)
	n := &stub{append: func(f *proto.AppendFrame, done func(*proto.AppendAck, error)) { held <- done }}
	addr, _ := serve(t, n, Options{})
	c := dial(t, addr, Options{AppendTimeout: 200 * time.Millisecond})
	failed := make(chan error, 2)
	rec := make([]byte, 100)
	for range 2 {
		c.Append(&proto.AppendFrame{Runs: []proto.Run{{Bytes: 100}}, Records: [][]byte{rec}}, func(a *proto.AppendAck, err error) { failed <- err })
	}
	for range 2 {
		if err := <-failed; err == nil {
			t.Fatal("no error")
		}
	}
	rec[0] = 1 // ours again
	for range 2 {
		(<-held)(nil, errors.New("late"))
	}
}

// TestMalformed: garbage closes its own connection and nothing else.
func TestMalformed(t *testing.T) {
	addr, _ := serve(t, &stub{}, Options{})
	good := dial(t, addr, Options{})
	check := func() {
		t.Helper()
		if _, err := good.Fence(context.Background(), &proto.FenceRequest{Writer: "w"}); err != nil {
			t.Fatal(err)
		}
	}
	check()
	head := func(h frame.Header, body ...byte) []byte { return append(h.Append(nil), body...) }
	for name, b := range map[string][]byte{
		"stranger":   []byte("GET / HTTP/1.1\r\n\r\n"),
		"too long":   append(hello[:len(hello):len(hello)], 255, 255, 255, 255, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0),
		"bad type":   append(hello[:len(hello):len(hello)], head(frame.Header{Type: 99})...),
		"a reply":    append(hello[:len(hello):len(hello)], head(frame.Header{Type: 1, Flags: 1})...),
		"bad append": append(hello[:len(hello):len(hello)], head(frame.Header{Type: typeAppend, Len: 3}, 1, 2, 3)...),
		"bad fence":  append(hello[:len(hello):len(hello)], head(frame.Header{Type: typeFence, Len: 5}, 1, 2, 3, 4, 5)...),
	} {
		nc, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		nc.SetDeadline(time.Now().Add(60 * time.Second))
		nc.Write(b)
		var buf [64]byte
		n := 0
		for err == nil {
			var k int
			k, err = nc.Read(buf[:])
			n += k
		}
		if errors.Is(err, syscall.ETIMEDOUT) || n > len(hello) {
			t.Errorf("%s: %v after %d bytes", name, err, n)
		}
		nc.Close()
		check()
	}
}

func TestMutualTLS(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"node"},
		IsCA: true, BasicConstraintsValid: true, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	pair := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	addr, _ := serve(t, &stub{}, Options{TLS: &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}})
	ctx := context.Background()
	c := dial(t, addr, Options{TLS: &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: pool, ServerName: "node"}})
	if _, err := c.Fence(ctx, &proto.FenceRequest{Writer: "w"}); err != nil {
		t.Fatal(err)
	}
	got := make(chan error, 1)
	rec := bytes.Repeat([]byte{3}, 100_000)
	c.Append(&proto.AppendFrame{Runs: []proto.Run{{Bytes: 200_000}}, Records: [][]byte{rec, rec}}, func(a *proto.AppendAck, err error) { got <- err })
	if err := <-got; err != nil {
		t.Fatal(err)
	}
	stranger := dial(t, addr, Options{TLS: &tls.Config{RootCAs: pool, ServerName: "node"}})
	if _, err := stranger.Fence(ctx, &proto.FenceRequest{Writer: "w"}); err == nil {
		t.Fatal("a client without a certificate was served")
	}
}

func cpu() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func benchmark(b *testing.B, callers int, op func(c *Client)) {
	addr, _ := serve(b, &stub{quiet: true}, Options{})
	c := dial(b, addr, Options{})
	op(c)
	b.ReportAllocs()
	b.ResetTimer()
	start := cpu()
	var wg sync.WaitGroup
	var n atomic.Int64
	for range callers {
		wg.Go(func() {
			for n.Add(1) <= int64(b.N) {
				op(c)
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64((cpu()-start).Microseconds())/float64(b.N), "cpu-us/op")
}

func BenchmarkGetPage(b *testing.B) {
	for _, callers := range []int{1, 32} {
		b.Run(map[int]string{1: "1", 32: "32"}[callers], func(b *testing.B) {
			bufs := sync.Pool{New: func() any { return &[][]byte{make([]byte, page.Size)} }}
			benchmark(b, callers, func(c *Client) {
				dst := bufs.Get().(*[][]byte)
				st, err := c.GetPages(context.Background(), &proto.PageRead{ReadLSN: 5, Pages: []page.No{5}}, *dst)
				if err != nil || st != proto.OK {
					b.Error(st, err)
				}
				bufs.Put(dst)
			})
		})
	}
}

func BenchmarkAppend2K(b *testing.B) {
	for _, callers := range []int{1, 32} {
		b.Run(map[int]string{1: "1", 32: "32"}[callers], func(b *testing.B) {
			type one struct {
				f    proto.AppendFrame
				got  chan error
				done func(*proto.AppendAck, error)
			}
			ones := sync.Pool{New: func() any {
				o := &one{got: make(chan error, 1)}
				o.f = proto.AppendFrame{Runs: []proto.Run{{PG: 1, Bytes: 2048}}, Records: [][]byte{make([]byte, 2048)}}
				o.done = func(_ *proto.AppendAck, err error) { o.got <- err }
				return o
			}}
			benchmark(b, callers, func(c *Client) {
				o := ones.Get().(*one)
				c.Append(&o.f, o.done)
				if err := <-o.got; err != nil {
					b.Error(err)
				}
				ones.Put(o)
			})
		})
	}
}
