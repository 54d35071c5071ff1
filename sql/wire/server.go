package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// TLSMode says how a server uses TLS.
type TLSMode uint8

const (
	TLSOptional TLSMode = iota // offered; clients may come in the clear
	TLSRequired                // clients in the clear get error 3159 (require_secure_transport)
	TLSOff
)

// Config is what a Server needs to know. The zero values of optional fields are MySQL's defaults.
type Config struct {
	Backend Backend
	// ServerVersion is what the greeting says, e.g. "8.0.40-zorya". Required.
	ServerVersion string
	// Collation is the server's default, told in the greeting; 0 is utf8mb4_0900_ai_ci.
	Collation uint16

	// TLS holds the certificate (LoadOrMakeTLS makes one). nil means TLSOff.
	TLS     *tls.Config
	TLSMode TLSMode

	// Direct is up to how many connections have a goroutine each. When there are more, all of them run in a pool of workers (pool.go), which costs
	// a wakeup more per statement and spares the cold stacks of hundreds.
	Direct int

	// DefaultPlugin is announced in the greeting and used by accounts that name none; "" is caching_sha2_password.
	DefaultPlugin string
	// LocalInfile allows LOAD DATA LOCAL: the server offers CapLocalFiles. Changing it later: Server.SetLocalInfile.
	LocalInfile bool
	// NoCompression withholds the offer of zlib and zstd.
	NoCompression bool

	// MaxConnections bounds the connections, authenticated or not; one more is let in for administrators (see Conn.Extra).
	// It is asked for every connection, so it may follow a system variable. nil is 151.
	MaxConnections func() int
	// MaxPreparedStmts bounds the open prepared statements of the server; nil is 16382.
	MaxPreparedStmts func() int
	// MaxAllowedPacket is the limit that new connections start with, in bytes; nil is 64 MiB.
	MaxAllowedPacket func() int
	// ConnectTimeout bounds the handshake; 0 is 10 s.
	ConnectTimeout time.Duration
	// NextID issues connection ids; nil counts from 8, as a fresh mysqld's first client sees it.
	NextID func() uint32
	// HostName maps a client's address to the host that accounts are matched with; nil: loopback and unix sockets are
	// "localhost", others their IP address (skip_name_resolve).
	HostName func(net.Addr) string
	// Log receives what no client can be told; nil is slog.Default().
	Log *slog.Logger
}

const (
	// DefaultDirect is a good Config.Direct: at 64 connections the pool costs some CPU, at 128 as much as it gains, at 250 it gains (docs/bench/connections.md).
	DefaultDirect = 128

	defaultMaxConnections = 151
	defaultMaxPrepared    = 16382
	defaultMaxPacket      = 64 << 20
	defaultConnectTimeout = 10 * time.Second
	defaultIdleTimeout    = 8 * time.Hour
	defaultReadTimeout    = 30 * time.Second
	defaultWriteTimeout   = 60 * time.Second
	firstConnectionID     = 8
)

// Server serves MySQL clients on any number of listeners.
type Server struct {
	cfg         Config
	log         *slog.Logger
	auth        *authenticator
	localInfile atomic.Bool
	lastID      atomic.Uint32

	mu        sync.Mutex
	conns     map[uint32]*Conn
	listeners map[net.Listener]struct{}
	closed    bool
	idle      *sync.Cond   // conns shrank
	pool      *pool        // nil without connections
	ready     atomic.Int32 // connections in its queues
	crowded   atomic.Bool  // more than cfg.Direct connections came, and have not gone yet: all run in the pool
	turns     turns

	accepted, commands, prepared                  atomic.Int64
	abortedClients, abortedConnects, refusedByMax atomic.Int64
	pastIn, pastOut                               atomic.Uint64 // bytes of connections that ended
}

// NewServer checks the configuration and makes a server.
func NewServer(cfg Config) (*Server, error) {
	if cfg.Backend == nil || cfg.ServerVersion == "" {
		return nil, errors.New("wire: Config needs a Backend and a ServerVersion")
	}
	if cfg.TLS == nil {
		if cfg.TLSMode == TLSRequired {
			return nil, errors.New("wire: TLS is required but there is no TLS configuration")
		}
		cfg.TLSMode = TLSOff
	}
	switch cfg.DefaultPlugin {
	case "":
		cfg.DefaultPlugin = PluginCachingSHA2
	case PluginCachingSHA2, PluginNative:
	default:
		return nil, fmt.Errorf("wire: unknown authentication plugin %q", cfg.DefaultPlugin)
	}
	if cfg.Collation == 0 {
		cfg.Collation = CollationUTF8MB4_0900_AICI
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = defaultConnectTimeout
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	s := &Server{cfg: cfg, log: cfg.Log, conns: make(map[uint32]*Conn), listeners: make(map[net.Listener]struct{})}
	s.idle = sync.NewCond(&s.mu)
	s.auth = newAuthenticator()
	s.localInfile.Store(cfg.LocalInfile)
	s.lastID.Store(firstConnectionID - 1)
	return s, nil
}

// ErrServerClosed is what Serve returns after Shutdown.
var ErrServerClosed = errors.New("wire: server is closed")

// Serve accepts clients until Shutdown, or until the listener fails. It closes the listener.
func (s *Server) Serve(l net.Listener) error {
	defer l.Close()
	if !s.addListener(l) {
		return ErrServerClosed
	}
	defer s.removeListener(l)
	for {
		nc, err := l.Accept()
		if err != nil {
			if s.isClosed() {
				return ErrServerClosed
			}
			if retryAccept(err) {
				s.log.Error("accepting a client failed", "error", err)
				time.Sleep(20 * time.Millisecond) // out of files: others must first close theirs
				continue
			}
			return fmt.Errorf("wire: accepting on %v: %w", l.Addr(), err)
		}
		go s.ServeConn(nc)
	}
}

// retryAccept tells errors that concern one client or pass by.
func retryAccept(err error) bool { return !errors.Is(err, net.ErrClosed) }

// ServeConn serves one client. It returns when the connection is over, or when a pool of workers goes on with it.
func (s *Server) ServeConn(nc net.Conn) {
	c := s.newConn(nc)
	extra, ok := s.register(c)
	if !ok {
		c.sock.Conn.Close()
		return
	}
	c.extra = extra
	c.serve()
}

func (s *Server) newConn(nc net.Conn) *Conn {
	c := &Conn{srv: s, connected: time.Now(), direct: s.cfg.Direct > 0 && !s.crowded.Load()}
	var p *polled
	if !c.direct {
		if p = s.adopt(nc, c); p != nil {
			nc.Close() // the duplicate lives on
		}
	}
	c.sock = newSock(nc, p)
	c.sock.turns = &s.turns
	c.host = s.hostName(nc.RemoteAddr())
	c.f.in = inbuf{src: c.sock, raw: c.sock}
	c.f.wr = c.sock
	c.reply.c = c
	c.maxPacket = defaultMaxPacket
	if s.cfg.MaxAllowedPacket != nil {
		c.SetMaxAllowedPacket(s.cfg.MaxAllowedPacket())
	}
	if s.cfg.NextID != nil {
		c.id = s.cfg.NextID()
	} else {
		c.id = s.lastID.Add(1)
	}
	s.accepted.Add(1)
	return c
}

// register admits a connection; extra says that it is the one beyond the limit.
func (s *Server) register(c *Conn) (extra, ok bool) {
	limit := defaultMaxConnections
	if s.cfg.MaxConnections != nil {
		limit = s.cfg.MaxConnections()
	}
	s.mu.Lock()
	n := len(s.conns)
	ok = !s.closed && n <= limit && s.conns[c.id] == nil
	if ok {
		s.conns[c.id] = c
		s.turns.share(len(s.conns))
		if len(s.conns) > s.cfg.Direct {
			s.crowded.Store(true)
		}
	}
	s.mu.Unlock()
	if !ok && n > limit {
		s.refusedByMax.Add(1)
		c.lastWords(mysqlerr.New(mysqlerr.ER_CON_COUNT_ERROR))
	}
	return n == limit, ok
}

func (s *Server) unregister(c *Conn) {
	in, out := c.Traffic()
	s.pastIn.Add(in)
	s.pastOut.Add(out)
	s.mu.Lock()
	delete(s.conns, c.id)
	s.turns.share(len(s.conns))
	if len(s.conns) <= s.cfg.Direct*3/4 { // well below, so that one that comes and goes moves nobody
		s.crowded.Store(false)
	}
	s.idle.Broadcast()
	s.mu.Unlock()
}

// Conn finds a connection by its id, nil when there is none.
func (s *Server) Conn(id uint32) *Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns[id]
}

// Conns calls fn for every connection, authenticated or not, without holding a lock.
func (s *Server) Conns(fn func(*Conn)) {
	s.mu.Lock()
	all := make([]*Conn, 0, len(s.conns))
	for _, c := range s.conns {
		all = append(all, c)
	}
	s.mu.Unlock()
	for _, c := range all {
		fn(c)
	}
}

// Shutdown closes the listeners, kills every connection (idle ones hear error 1053) and waits until all Sessions are closed or ctx is
// done. Statements that run must be interrupted by the Sessions' owner.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	for l := range s.listeners {
		l.Close()
	}
	s.mu.Unlock()
	s.Conns(func(c *Conn) { c.Kill(mysqlerr.New(mysqlerr.ER_SERVER_SHUTDOWN)) })

	stop := context.AfterFunc(ctx, func() {
		s.mu.Lock()
		s.idle.Broadcast()
		s.mu.Unlock()
	})
	defer stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.conns) > 0 {
		if ctx.Err() != nil {
			return fmt.Errorf("wire: %d connections did not end: %w", len(s.conns), ctx.Err())
		}
		s.idle.Wait()
	}
	return nil
}

func (s *Server) addListener(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.listeners[l] = struct{}{}
	return true
}

func (s *Server) removeListener(l net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, l)
}

func (s *Server) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// SetLocalInfile allows or forbids LOAD DATA LOCAL (the local_infile variable).
func (s *Server) SetLocalInfile(on bool) { s.localInfile.Store(on) }

// ForgetPasswords empties the cache of caching_sha2_password's fast path (FLUSH PRIVILEGES). A changed hash needs no such call.
func (s *Server) ForgetPasswords() { s.auth.cache.clear() }

func (s *Server) maxPrepared() int64 {
	if s.cfg.MaxPreparedStmts != nil {
		return int64(s.cfg.MaxPreparedStmts())
	}
	return defaultMaxPrepared
}

// Stats are the server's counters for SHOW STATUS.
type Stats struct {
	Connections          int64 // Connections: attempts, successful or not
	ThreadsConnected     int64 // Threads_connected
	AbortedClients       int64 // Aborted_clients: ended without COM_QUIT
	AbortedConnects      int64 // Aborted_connects: ended before they were authenticated
	MaxConnectionsErrors int64 // Connection_errors_max_connections
	Commands             int64 // Questions, counting every command
	PreparedStmts        int64 // Prepared_stmt_count
	BytesReceived        uint64
	BytesSent            uint64
}

// Stats returns the counters.
func (s *Server) Stats() Stats {
	st := Stats{
		Connections: s.accepted.Load(), AbortedClients: s.abortedClients.Load(), AbortedConnects: s.abortedConnects.Load(),
		MaxConnectionsErrors: s.refusedByMax.Load(), Commands: s.commands.Load(), PreparedStmts: s.prepared.Load(),
		BytesReceived: s.pastIn.Load(), BytesSent: s.pastOut.Load(),
	}
	s.Conns(func(c *Conn) {
		in, out := c.Traffic()
		st.BytesReceived += in
		st.BytesSent += out
		st.ThreadsConnected++
	})
	return st
}

func (s *Server) abortedConnect(c *Conn, err error) {
	s.abortedConnects.Add(1)
	s.log.Debug("client was not let in", "connection", c.id, "host", c.host, "error", err)
}

// hostName is the host that accounts are matched with.
func (s *Server) hostName(a net.Addr) string {
	if s.cfg.HostName != nil {
		return s.cfg.HostName(a)
	}
	t, ok := a.(*net.TCPAddr)
	if !ok || t.IP.IsLoopback() {
		return "localhost"
	}
	return t.IP.String()
}

func utoa(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
