package wire

import (
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"net"
	"time"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

const (
	protocolVersion = 10
	scrambleLength  = 20
	// preAuthLimit bounds the packets of a client that has not authenticated.
	preAuthLimit = 64 << 10
	// Bounds on what a handshake response may hold, as MySQL has them (in bytes).
	maxUserName = 32 * 4
	maxDBName   = 64 * 4
	maxAttrList = 128
)

// handshake takes the connection from the greeting to an open Session.
func (c *Conn) handshake() error {
	c.connectDeadline()
	copy(c.scramble[:], randomPrintable(scrambleLength))
	offered := c.offeredCaps()
	c.f.begin()
	c.f.out = c.appendGreeting(c.f.out, offered)
	if err := c.flushPacket(); err != nil {
		return err
	}
	resp, err := c.readResponse(offered)
	if err != nil {
		return err
	}
	login, err := c.loginFrom(resp)
	if err != nil {
		return err
	}
	c.sock.setReadDeadline(time.Time{})
	c.sock.setWriteDeadline(time.Time{})
	c.sock.readTimeout, c.sock.writeTimeout, c.sock.idleTimeout = defaultReadTimeout, defaultWriteTimeout, defaultIdleTimeout
	if err := c.open(login); err != nil {
		return err
	}
	return c.compress(resp.zstdLevel)
}

// connectDeadline gives the client ConnectTimeout for its next packet, as MySQL's connect_timeout does: time that passed in a queue of ours
// is not its fault. There are at most five packets.
func (c *Conn) connectDeadline() {
	deadline := time.Now().Add(c.srv.cfg.ConnectTimeout)
	c.sock.setReadDeadline(deadline)
	c.sock.setWriteDeadline(deadline)
}

// offeredCaps is what the greeting offers.
func (c *Conn) offeredCaps() uint32 {
	caps := serverCaps
	if c.srv.cfg.TLSMode != TLSOff {
		caps |= CapSSL
	}
	if c.srv.localInfile.Load() {
		caps |= CapLocalFiles
	}
	if !c.srv.cfg.NoCompression {
		caps |= CapCompress | CapZstd
	}
	return caps
}

// appendGreeting appends the payload of handshake v10.
func (c *Conn) appendGreeting(b []byte, caps uint32) []byte {
	b = append(b, protocolVersion)
	b = append(append(b, c.srv.cfg.ServerVersion...), 0)
	b = binary.LittleEndian.AppendUint32(b, c.id)
	b = append(append(b, c.scramble[:8]...), 0)
	b = binary.LittleEndian.AppendUint16(b, uint16(caps))
	b = append(b, byte(c.srv.cfg.Collation))
	b = binary.LittleEndian.AppendUint16(b, StatusAutocommit)
	b = binary.LittleEndian.AppendUint16(b, uint16(caps>>16))
	b = append(b, scrambleLength+1)
	b = append(b, make([]byte, 10)...)
	b = append(append(b, c.scramble[8:]...), 0)
	return append(append(b, c.srv.cfg.DefaultPlugin...), 0)
}

// flushPacket ends the open packet and sends it.
func (c *Conn) flushPacket() error {
	if err := c.f.end(); err != nil {
		return err
	}
	err := c.f.flush()
	c.f.syncSeq()
	return err
}

// readResponse reads the handshake response, switching to TLS when the client asks for it.
func (c *Conn) readResponse(offered uint32) (*handshakeResponse, error) {
	p, err := c.f.next(preAuthLimit)
	if err != nil {
		return nil, err
	}
	if wantsTLS(p) && offered&CapSSL != 0 {
		if err := c.startTLS(); err != nil {
			return nil, err
		}
		c.connectDeadline()
		if p, err = c.f.next(preAuthLimit); err != nil {
			return nil, err
		}
	}
	c.connectDeadline()
	resp, err := parseHandshakeResponse(p)
	if err != nil {
		return nil, err
	}
	c.caps = resp.caps & offered
	c.clientMax = resp.maxPacket
	c.collation = uint16(resp.collation)
	c.multi = c.caps&CapMultiStatements != 0
	if c.srv.cfg.TLSMode == TLSRequired && !c.secure() {
		return nil, mysqlerr.New(mysqlerr.ER_SECURE_TRANSPORT_REQUIRED)
	}
	return resp, nil
}

// local tells connections that need no TLS to be private.
func (c *Conn) local() bool {
	a := c.sock.RemoteAddr()
	return a != nil && a.Network() == "unix"
}

// secure tells connections over which a password may travel in the clear.
func (c *Conn) secure() bool { return c.tls != nil || c.local() }

// sslRequestLength is that of a handshake response which stops before the user name to ask for TLS.
const sslRequestLength = 32

func wantsTLS(p []byte) bool {
	return len(p) == sslRequestLength && binary.LittleEndian.Uint32(p)&CapSSL != 0
}

// startTLS puts TLS between the socket and the packets. Bytes read beyond the request belong to the TLS handshake, so nothing
// that came in the clear can pass for protected.
func (c *Conn) startTLS() error {
	c.sock.prefix = append([]byte(nil), c.f.in.rest()...)
	c.f.release()
	c.tls = tls.Server(c.sock, c.srv.cfg.TLS)
	if err := c.tls.Handshake(); err != nil {
		return fmt.Errorf("wire: TLS handshake with %s: %w", c.host, err)
	}
	c.sock.prefix = nil
	c.f.in = inbuf{src: c.tls}
	c.f.wr = c.tls
	return nil
}

// rest takes what is buffered.
func (in *inbuf) rest() []byte {
	if in.buf == nil {
		return nil
	}
	p := in.buf.b[in.r:in.w]
	in.r = in.w
	return p
}

// handshakeResponse is what a client answers to the greeting. Its byte slices point into the packet.
type handshakeResponse struct {
	caps      uint32
	maxPacket uint32
	collation uint8
	user      string
	auth      []byte
	db        string
	plugin    string
	attrs     []ConnectAttr
	zstdLevel uint8
}

// parseHandshakeResponse takes a HandshakeResponse41 apart. Older forms are refused.
func parseHandshakeResponse(p []byte) (*handshakeResponse, error) {
	c := cursor{b: p}
	r := &handshakeResponse{caps: c.u32()}
	if c.bad || r.caps&CapProtocol41 == 0 {
		if len(p) >= 2 && uint32(binary.LittleEndian.Uint16(p))&CapProtocol41 == 0 {
			return nil, mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_AUTH_MODE)
		}
		return nil, mysqlerr.New(mysqlerr.ER_HANDSHAKE_ERROR)
	}
	r.maxPacket = c.u32()
	r.collation = c.u8()
	c.take(23)
	user := c.nul()
	switch {
	case r.caps&CapPluginAuthLenenc != 0:
		r.auth = c.lenencBytes()
	case r.caps&CapSecureConnection != 0:
		r.auth = c.take(int(c.u8()))
	default:
		r.auth = c.nul()
	}
	var db, plugin []byte
	if r.caps&CapConnectWithDB != 0 {
		db = c.nulOrRest()
	}
	if r.caps&CapPluginAuth != 0 {
		plugin = c.nulOrRest()
	}
	if r.caps&CapConnectAttrs != 0 && len(c.b) > 0 {
		r.attrs = parseAttrs(&c)
	}
	if r.caps&CapZstd != 0 && len(c.b) > 0 {
		r.zstdLevel = c.u8()
	}
	if c.bad || len(user) > maxUserName || len(db) > maxDBName {
		return nil, mysqlerr.New(mysqlerr.ER_HANDSHAKE_ERROR)
	}
	r.user, r.db, r.plugin = string(user), string(db), string(plugin)
	return r, nil
}

// parseAttrs reads connection attributes: a length, then length-encoded names and values. More than a session needs are dropped.
func parseAttrs(c *cursor) []ConnectAttr {
	list := cursor{b: c.lenencBytes()}
	var attrs []ConnectAttr
	for len(list.b) > 0 && len(attrs) < maxAttrList {
		name, value := list.lenencBytes(), list.lenencBytes()
		if list.bad {
			c.bad = true
			return nil
		}
		attrs = append(attrs, ConnectAttr{Name: string(name), Value: string(value)})
	}
	return attrs
}

// loginFrom authenticates a handshake response.
func (c *Conn) loginFrom(resp *handshakeResponse) (*Login, error) {
	plugin := resp.plugin
	if c.caps&CapPluginAuth == 0 {
		plugin = PluginNative
	}
	account, err := c.authenticate(resp.user, plugin, resp.auth)
	if err != nil {
		return nil, err
	}
	return &Login{
		User: resp.user, Host: c.host, Account: account, Database: resp.db, Collation: c.collation,
		Capabilities: c.caps, Attrs: resp.attrs,
	}, nil
}

// open makes the Session and tells the client.
func (c *Conn) open(login *Login) error {
	err := c.protect("connecting", func() (err error) {
		c.session, err = c.srv.cfg.Backend.Connect(c, login)
		return err
	})
	if err != nil {
		c.session = nil
		return mysqlerr.From(err)
	}
	c.reply.reset(false)
	if err := c.reply.OK(OK{Status: c.session.Status()}); err != nil {
		return err
	}
	return c.f.flush()
}

// changeUser is COM_CHANGE_USER: a new login on the same connection. A failed one ends the connection.
func (c *Conn) changeUser(p []byte) bool {
	var failed error
	ok := c.run(false, "change user", func(*Reply) error {
		failed = c.relogin(p)
		return failed
	})
	return ok && failed == nil
}

func (c *Conn) relogin(p []byte) error {
	req, err := parseChangeUser(p, c.caps)
	if err != nil {
		return err
	}
	c.closeStmts()
	plugin := PluginNative
	if c.caps&CapPluginAuth != 0 {
		// Ask for an answer to a new challenge: the old one was used.
		copy(c.scramble[:], randomPrintable(scrambleLength))
		plugin = ""
	}
	c.sock.hooks, c.f.beforeFlush = nil, nil // the exchange is no statement of the session
	account, err := c.authenticate(req.user, plugin, append([]byte(nil), req.auth...))
	c.sock.hooks, c.f.beforeFlush = &c.hooks, c.hooks.BeforeSend
	if err != nil {
		return err
	}
	if req.hasCollation {
		c.collation = req.collation
	}
	c.multi = c.caps&CapMultiStatements != 0
	return c.session.ChangeUser(&Login{
		User: req.user, Host: c.host, Account: account, Database: req.db, Collation: c.collation,
		Capabilities: c.caps, Attrs: req.attrs,
	})
}

// changeUserRequest is a COM_CHANGE_USER taken apart.
type changeUserRequest struct {
	user, db     string
	auth         []byte
	collation    uint16
	hasCollation bool
	attrs        []ConnectAttr
}

func parseChangeUser(p []byte, caps uint32) (*changeUserRequest, error) {
	c := cursor{b: p}
	r := &changeUserRequest{user: string(c.nul())}
	if caps&CapSecureConnection != 0 {
		r.auth = c.take(int(c.u8()))
	} else {
		r.auth = c.nul()
	}
	r.db = string(c.nulOrRest())
	if len(c.b) >= 2 {
		r.collation, r.hasCollation = c.u16(), true
	}
	if caps&CapPluginAuth != 0 && len(c.b) > 0 {
		_ = c.nulOrRest() // the plugin: a new challenge is sent anyway
	}
	if caps&CapConnectAttrs != 0 && len(c.b) > 0 {
		r.attrs = parseAttrs(&c)
	}
	if c.bad || len(r.user) > maxUserName || len(r.db) > maxDBName {
		return nil, errMalformed
	}
	return r, nil
}

// Extra reports whether this is the connection beyond MaxConnections that is kept for administrators: the Backend refuses others
// with 1040. Safe for any goroutine.
func (c *Conn) Extra() bool { return c.extra }

var _ net.Conn = (*sock)(nil)
