package wire

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// ClientConfig says where to connect, as whom, and how.
type ClientConfig struct {
	Network string // "tcp" (default) or "unix"
	Addr    string
	User    string
	// Password is never logged; it is sent only hashed, over TLS, or under the server's RSA key.
	Password string
	Database string
	// TLS is used when the server offers it; with RequireTLS the connection fails when it does not.
	TLS        *tls.Config
	RequireTLS bool
	// Compression is "", "zlib" or "zstd".
	Compression string
	// Capabilities are asked for in addition to the client's own: CapFoundRows, CapMultiStatements, CapInteractive ...
	Capabilities uint32
	// Without are capabilities that the client shall not ask for, for tests: CapDeprecateEOF, CapPluginAuth ...
	Without   uint32
	Collation uint8 // 0 is utf8mb4_general_ci
	Attrs     []ConnectAttr
	// LocalFile opens the file of a LOAD DATA LOCAL INFILE; nil forbids it.
	LocalFile func(name string) (io.ReadCloser, error)
	// MaxPacket bounds incoming packets; 0 is 1 GiB.
	MaxPacket int
}

// Client is a connection to a MySQL server, for `zorya sql` and tests. It is not safe for concurrent use. A server's error
// is an *mysqlerr.Error; after any other error the connection is of no more use.
type Client struct {
	cfg      ClientConfig
	sock     *sock
	tls      *tls.Conn
	f        framer
	caps     uint32
	scramble []byte
	version  string
	id       uint32
	status   uint16
	rows     *Rows // the result being read, nil for none
}

const (
	clientMaxPacket = 1 << 30
	clientCaps      = CapLongPassword | CapLongFlag | CapProtocol41 | CapTransactions | CapSecureConnection | CapMultiResults |
		CapPSMultiResults | CapPluginAuth | CapPluginAuthLenenc | CapDeprecateEOF | CapSessionTrack | CapConnectAttrs |
		CapCanHandleExpiredPassword | CapQueryAttributes
)

// errBusy says that the previous result has not been read to its end.
var errBusy = errors.New("wire: the previous result is still being read")

// Dial connects and authenticates. ctx bounds both, but not the connection's later life.
func Dial(ctx context.Context, cfg ClientConfig) (*Client, error) {
	if cfg.Network == "" {
		cfg.Network = "tcp"
	}
	if cfg.MaxPacket == 0 {
		cfg.MaxPacket = clientMaxPacket
	}
	if cfg.Collation == 0 {
		cfg.Collation = uint8(CollationUTF8MB4General)
	}
	var d net.Dialer
	nc, err := d.DialContext(ctx, cfg.Network, cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("wire: connecting: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = nc.SetDeadline(time.Unix(1, 0)) })
	cl := &Client{cfg: cfg, sock: newSock(nc, nil)}
	cl.f.in = inbuf{src: cl.sock, raw: cl.sock}
	cl.f.wr = cl.sock
	err = cl.connect()
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("wire: connecting to %s as %q: %w", cfg.Addr, cfg.User, err)
	}
	return cl, nil
}

// ServerVersion returns what the server's greeting said.
func (cl *Client) ServerVersion() string { return cl.version }

// ConnectionID returns the connection's id on the server.
func (cl *Client) ConnectionID() uint32 { return cl.id }

// Status returns the status flags that came last.
func (cl *Client) Status() uint16 { return cl.status }

// Secure reports whether the connection uses TLS.
func (cl *Client) Secure() bool { return cl.tls != nil }

// Close says good-bye and closes the connection.
func (cl *Client) Close() error {
	if cl.rows == nil {
		cl.sock.writeTimeout = time.Second
		_ = cl.send(comQuit, nil)
	}
	cl.f.discard()
	return cl.sock.Conn.Close()
}

// Abort closes the connection at once. Safe for any goroutine.
func (cl *Client) Abort() error { return cl.sock.Conn.Close() }

// send begins a command.
func (cl *Client) send(command byte, payload []byte) error {
	if cl.rows != nil {
		return errBusy
	}
	cl.f.release()
	cl.f.restart()
	cl.f.begin()
	cl.f.out = append(append(cl.f.out, command), payload...)
	if err := cl.f.end(); err != nil {
		return err
	}
	return cl.f.flush()
}

// read returns the next packet; an ERR packet becomes an error.
func (cl *Client) read() ([]byte, error) {
	p, err := cl.f.next(cl.cfg.MaxPacket)
	if err != nil {
		return nil, err
	}
	if len(p) == 0 {
		return nil, errMalformed
	}
	if p[0] == headerERR {
		return nil, parseError(p)
	}
	return p, nil
}

// parseError makes an ERR packet an error.
func parseError(p []byte) error {
	c := cursor{b: p[1:]}
	e := &mysqlerr.Error{Code: mysqlerr.Code(c.u16()), State: mysqlerr.UnknownState}
	if len(c.b) >= 6 && c.b[0] == '#' {
		e.State = string(c.b[1:6])
		c.b = c.b[6:]
	}
	e.Message = string(c.b)
	return e
}

// Result is what an OK (or the end of rows) told, with the session state changes that came along.
type Result struct {
	OK
	Schema    string            // the new default database, if HasSchema
	HasSchema bool              //
	Variables map[string]string // system variables that changed
	State     bool              // something else of the session changed
	Trx       string            // transaction state
}

// parseOK takes an OK packet apart.
func (cl *Client) parseOK(p []byte) (Result, error) {
	c := cursor{b: p[1:]}
	var res Result
	res.AffectedRows, res.LastInsertID = c.lenenc(), c.lenenc()
	res.Status, res.Warnings = c.u16(), c.u16()
	cl.status = res.Status
	if len(c.b) > 0 {
		res.Info = string(c.lenencBytes())
	}
	if res.Status&StatusSessionStateChanged != 0 {
		res.parseTrack(&c)
	}
	if c.bad {
		return res, errMalformed
	}
	return res, nil
}

func (res *Result) parseTrack(c *cursor) {
	list := cursor{b: c.lenencBytes()}
	for len(list.b) > 0 && !list.bad {
		kind := list.u8()
		e := cursor{b: list.lenencBytes()}
		switch kind {
		case trackSystemVariable:
			if res.Variables == nil {
				res.Variables = make(map[string]string)
			}
			name := string(e.lenencBytes())
			res.Variables[name] = string(e.lenencBytes())
		case trackSchema:
			res.Schema, res.HasSchema = string(e.lenencBytes()), true
		case trackStateChange:
			res.State = true
		case trackTransaction:
			res.Trx = string(e.lenencBytes())
		}
		c.bad = c.bad || e.bad
	}
	c.bad = c.bad || list.bad
}

// simple sends a command that is answered by OK or EOF.
func (cl *Client) simple(command byte, payload []byte) (Result, error) {
	if err := cl.send(command, payload); err != nil {
		return Result{}, err
	}
	p, err := cl.read()
	if err != nil {
		return Result{}, err
	}
	if p[0] == headerEOF && len(p) < 9 {
		return Result{}, nil
	}
	return cl.parseOK(p)
}

// Ping asks whether the server is alive.
func (cl *Client) Ping() error { _, err := cl.simple(comPing, nil); return err }

// InitDB changes the default database.
func (cl *Client) InitDB(db string) (Result, error) { return cl.simple(comInitDB, []byte(db)) }

// Reset makes the session a fresh one of the same user.
func (cl *Client) Reset() error { _, err := cl.simple(comResetConnection, nil); return err }

// SetMultiStatements allows several statements in one query, or forbids it.
func (cl *Client) SetMultiStatements(on bool) error {
	option := []byte{1, 0}
	if on {
		option[0] = 0
	}
	_, err := cl.simple(comSetOption, option)
	return err
}

// Kill ends another connection of the server (COM_PROCESS_KILL).
func (cl *Client) Kill(id uint32) error {
	_, err := cl.simple(comProcessKill, binary.LittleEndian.AppendUint32(nil, id))
	return err
}

// Statistics returns the server's one-line statistics.
func (cl *Client) Statistics() (string, error) {
	if err := cl.send(comStatistics, nil); err != nil {
		return "", err
	}
	p, err := cl.read()
	return string(p), err
}

// Query sends SQL text and returns its first result.
func (cl *Client) Query(sql string, attrs ...Attr) (*Rows, error) {
	var b []byte
	if cl.caps&CapQueryAttributes != 0 {
		b = appendLenenc(b, uint64(len(attrs)))
		b = append(b, 1)
		if len(attrs) > 0 {
			b = appendParams(b, nil, attrs, true)
		}
	}
	if err := cl.send(comQuery, append(b, sql...)); err != nil {
		return nil, err
	}
	rs := &Rows{cl: cl}
	return rs, rs.head()
}

// Exec sends SQL text, drops any rows and returns the outcome of its last result.
func (cl *Client) Exec(sql string) (Result, error) {
	rs, err := cl.Query(sql)
	if err != nil {
		return Result{}, err
	}
	return rs.Discard()
}
