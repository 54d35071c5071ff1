package wire

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"runtime"
	"testing"
)

// benchClient is a peer that costs as little as a client can: it sends a prepared request and skims the answer.
type benchClient struct {
	nc      net.Conn
	request []byte
	buf     []byte
	reply   int // length of the answer
}

func newBenchClient(b *testing.B, addr string, command byte, payload []byte, secure bool) *benchClient {
	b.Helper()
	cl := dial(b, addr, func(c *ClientConfig) {
		c.Without = CapQueryAttributes
		if secure {
			c.TLS = &tls.Config{InsecureSkipVerify: true}
		}
	})
	var nc net.Conn = cl.sock.Conn
	if secure {
		nc = cl.tls
	}
	if command == comStmtExecute {
		st, err := cl.Prepare("SELECT ?")
		if err != nil {
			b.Fatal(err)
		}
		payload = append([]byte{byte(st.id), 0, 0, 0}, payload...)
	}
	bc := &benchClient{nc: nc, buf: make([]byte, 64<<10)}
	n := len(payload) + 1
	bc.request = append([]byte{byte(n), byte(n >> 8), 0, 0, command}, payload...)
	// Learn how long the answer is: it ends with the last packet, an OK or a terminating EOF.
	if _, err := bc.nc.Write(bc.request); err != nil {
		b.Fatal(err)
	}
	got, err := bc.nc.Read(bc.buf)
	if err != nil {
		b.Fatal(err)
	}
	bc.reply = got
	return bc
}

func (bc *benchClient) roundTrip() error {
	if _, err := bc.nc.Write(bc.request); err != nil {
		return err
	}
	_, err := io.ReadFull(bc.nc, bc.buf[:bc.reply])
	return err
}

// BenchmarkConstantAnswer is the ceiling for any statement: constant answers over loopback, client and server in one process.
// The allocations are those of both sides; the wire's own must be 0.
func BenchmarkConstantAnswer(b *testing.B) {
	for _, bm := range []struct {
		name    string
		command byte
		payload []byte
		secure  bool
	}{
		{"query", comQuery, []byte("bench"), false},
		{"query-tls", comQuery, []byte("bench"), true},
		{"execute", comStmtExecute, []byte{0, 1, 0, 0, 0, 0, 1, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8}, false},
		{"ping", comPing, nil, false},
	} {
		for _, conns := range []int{1, 64} {
			b.Run(fmt.Sprintf("%s/conns=%d", bm.name, conns), func(b *testing.B) {
				_, _, addr := testServer(b, withTLS(b), func(c *Config) { c.Backend = benchBackend{c.Backend} })
				b.ReportAllocs()
				b.SetParallelism((conns + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0))
				clients := make(chan *benchClient, 2*conns)
				for range 2 * conns {
					clients <- newBenchClient(b, addr, bm.command, bm.payload, bm.secure)
				}
				b.ResetTimer()
				if conns == 1 {
					cl := <-clients
					for b.Loop() {
						if err := cl.roundTrip(); err != nil {
							b.Fatal(err)
						}
					}
				} else {
					b.RunParallel(func(pb *testing.PB) {
						cl := <-clients
						for pb.Next() {
							if err := cl.roundTrip(); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				b.StopTimer()
			})
		}
	}
}

// benchBackend answers every statement with one row, allocating nothing.
type benchBackend struct{ Backend }

func (b benchBackend) Connect(c *Conn, l *Login) (Session, error) {
	s, err := b.Backend.Connect(c, l)
	if err != nil {
		return nil, err
	}
	return benchSession{s}, nil
}

type benchSession struct{ Session }

var benchColumns = NewColumnSet(
	Column{Schema: "sbtest", Table: "sbtest1", Name: "id", OrgName: "id", Type: TypeLong, Charset: CollationBinary, Length: 11},
	Column{Schema: "sbtest", Table: "sbtest1", Name: "c", OrgName: "c", Type: TypeString, Charset: CollationUTF8MB4_0900_AICI, Length: 480},
)

var benchText = []byte("68487932199-96439406143-93774651418-41631865787-96406072701-20604855487-25459966574-28203206787-41238978918-19503783441")

func (benchSession) answer(r *Reply) error {
	if err := r.Columns(benchColumns); err != nil {
		return err
	}
	r.StartRow()
	r.Int64(4711)
	r.Bytes(benchText)
	if err := r.EndRow(); err != nil {
		return err
	}
	return r.EndRows(OK{Status: StatusAutocommit})
}

func (s benchSession) Query(r *Reply, _ []byte, _ []Attr) error { return s.answer(r) }

func (s benchSession) Execute(r *Reply, _ *Stmt, params []Param, _ []Attr, _ bool) error {
	if len(params) != 1 || params[0].Kind != ParamInt {
		return io.ErrUnexpectedEOF
	}
	return s.answer(r)
}

// BenchmarkRows measures the encoding of rows without a socket.
func BenchmarkRows(b *testing.B) {
	for _, binary := range []bool{false, true} {
		b.Run(fmt.Sprintf("binary=%v", binary), func(b *testing.B) {
			c := &Conn{caps: CapDeprecateEOF}
			c.f.wr = io.Discard
			c.reply.c = c
			r := &c.reply
			b.ReportAllocs()
			r.reset(binary)
			if err := r.Columns(benchColumns); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				r.StartRow()
				r.Int64(4711)
				r.Bytes(benchText)
				if err := r.EndRow(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkIdleConnection reports what an idle, authenticated connection costs in memory (both ends' sockets included).
func BenchmarkIdleConnection(b *testing.B) {
	for _, secure := range []bool{false, true} {
		b.Run(fmt.Sprintf("tls=%v", secure), func(b *testing.B) {
			const n = 1000
			for b.Loop() {
				s, _, addr := testServer(b, withTLS(b), func(c *Config) { c.MaxConnections = func() int { return 2 * n } })
				before := memory()
				raw := make([]net.Conn, 0, n)
				for range n {
					cfg := ClientConfig{Addr: addr, User: "root"}
					if secure {
						cfg.TLS = &tls.Config{InsecureSkipVerify: true}
					}
					cl, err := Dial(context.Background(), cfg)
					if err != nil {
						b.Fatal(err)
					}
					if err := cl.Ping(); err != nil {
						b.Fatal(err)
					}
					cl.f.release()
					if secure {
						defer cl.Close()
					}
					raw = append(raw, cl.sock.Conn)
				}
				if s.Stats().ThreadsConnected != n {
					b.Fatal(s.Stats())
				}
				b.ReportMetric(float64(memory()-before)/n, "B/conn")
				for _, nc := range raw {
					nc.Close()
				}
			}
		})
	}
}

// memory is what heap and stacks hold after two collections (the first only marks the pools' buffers as victims).
func memory() uint64 {
	var m runtime.MemStats
	for range 4 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}
