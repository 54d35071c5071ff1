package wire

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
)

// connect runs the handshake from the greeting to the OK.
func (cl *Client) connect() error {
	p, err := cl.read()
	if err != nil {
		return err
	}
	offered, plugin, err := cl.parseGreeting(p)
	if err != nil {
		return err
	}
	cl.caps = cl.wantedCaps(offered)
	if err := cl.maybeTLS(offered); err != nil {
		return err
	}
	switch {
	case cl.caps&CapPluginAuth == 0:
		plugin = PluginNative
	case plugin != PluginNative:
		plugin = PluginCachingSHA2
	}
	cl.f.begin()
	cl.f.out = cl.appendResponse(cl.f.out, plugin)
	if err := errors.Join(cl.f.end(), cl.f.flush()); err != nil {
		return err
	}
	if err := cl.finishAuth(cl.cfg.Password); err != nil {
		return err
	}
	switch {
	case cl.caps&CapZstd != 0:
		(&compressor{codec: newZstdCodec(zstdDefaultLevel)}).insert(&cl.f)
	case cl.caps&CapCompress != 0:
		(&compressor{codec: zlibCodec{}}).insert(&cl.f)
	}
	return nil
}

// parseGreeting takes handshake v10 apart.
func (cl *Client) parseGreeting(p []byte) (caps uint32, plugin string, err error) {
	c := cursor{b: p}
	if v := c.u8(); v != protocolVersion {
		return 0, "", fmt.Errorf("wire: server speaks protocol version %d", v)
	}
	cl.version = string(c.nul())
	cl.id = c.u32()
	scramble := append([]byte(nil), c.take(8)...)
	c.take(1)
	caps = uint32(c.u16())
	c.take(3) // collation and status
	caps |= uint32(c.u16()) << 16
	length := int(c.u8())
	c.take(10)
	second := c.take(max(13, length-8))
	plugin = string(c.nulOrRest())
	if c.bad || caps&CapProtocol41 == 0 {
		return 0, "", errMalformed
	}
	cl.scramble = append(scramble, second[:scrambleLength-8]...)
	return caps, plugin, nil
}

// wantedCaps is what the client asks for of what is offered.
func (cl *Client) wantedCaps(offered uint32) uint32 {
	caps := clientCaps | cl.cfg.Capabilities
	if cl.cfg.Database != "" {
		caps |= CapConnectWithDB
	}
	if cl.cfg.LocalFile != nil {
		caps |= CapLocalFiles
	}
	switch cl.cfg.Compression {
	case "zlib":
		caps |= CapCompress
	case "zstd":
		caps |= CapZstd
	}
	return caps & offered &^ cl.cfg.Without
}

// maybeTLS switches to TLS when both sides want it.
func (cl *Client) maybeTLS(offered uint32) error {
	if cl.cfg.TLS == nil || offered&CapSSL == 0 {
		if cl.cfg.RequireTLS {
			return errors.New("wire: the server offers no TLS")
		}
		return nil
	}
	cl.caps |= CapSSL
	cl.f.begin()
	cl.f.out = cl.appendResponseHead(cl.f.out)
	if err := errors.Join(cl.f.end(), cl.f.flush()); err != nil {
		return err
	}
	cl.f.release()
	cl.tls = tls.Client(cl.sock, cl.cfg.TLS)
	if err := cl.tls.Handshake(); err != nil {
		return fmt.Errorf("wire: TLS handshake: %w", err)
	}
	cl.f.in = inbuf{src: cl.tls}
	cl.f.wr = cl.tls
	return nil
}

// appendResponseHead appends what the SSL request and the handshake response share.
func (cl *Client) appendResponseHead(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, cl.caps)
	b = binary.LittleEndian.AppendUint32(b, uint32(cl.cfg.MaxPacket))
	b = append(b, cl.cfg.Collation)
	return append(b, make([]byte, 23)...)
}

func (cl *Client) appendResponse(b []byte, plugin string) []byte {
	b = cl.appendResponseHead(b)
	b = append(append(b, cl.cfg.User...), 0)
	b = appendLenencString(b, answerFor(plugin, cl.cfg.Password, cl.scramble)) // below 251 bytes, so one length byte in every form
	if cl.caps&CapConnectWithDB != 0 {
		b = append(append(b, cl.cfg.Database...), 0)
	}
	if cl.caps&CapPluginAuth != 0 {
		b = append(append(b, plugin...), 0)
	}
	if cl.caps&CapConnectAttrs != 0 {
		b = appendAttrs(b, cl.cfg.Attrs)
	}
	if cl.caps&CapZstd != 0 {
		b = append(b, zstdDefaultLevel)
	}
	return b
}

func appendAttrs(b []byte, attrs []ConnectAttr) []byte {
	var list []byte
	for _, a := range attrs {
		list = appendLenencString(appendLenencString(list, a.Name), a.Value)
	}
	return appendLenencString(b, list)
}

// answerFor computes a plugin's answer to a challenge.
func answerFor(plugin, password string, scramble []byte) []byte {
	switch {
	case password == "":
		return nil
	case plugin == PluginNative:
		h1 := sha1.Sum([]byte(password))
		h2 := sha1.Sum(h1[:])
		h := sha1.Sum(append(append([]byte(nil), scramble...), h2[:]...))
		subtle.XORBytes(h[:], h[:], h1[:])
		return h[:]
	}
	h1 := sha256.Sum256([]byte(password))
	h2 := sha256.Sum256(h1[:])
	h := sha256.Sum256(append(h2[:], scramble...))
	subtle.XORBytes(h[:], h[:], h1[:])
	return h[:]
}

// finishAuth follows the server through the exchange until OK or an error.
func (cl *Client) finishAuth(password string) error {
	for {
		p, err := cl.read()
		if err != nil {
			return err
		}
		switch p[0] {
		case headerOK:
			_, err := cl.parseOK(p)
			return err
		case headerAuthSwitch:
			c := cursor{b: p[1:]}
			plugin := string(c.nul())
			challenge := bytes.TrimSuffix(c.rest(), []byte{0})
			if c.bad || plugin != PluginNative && plugin != PluginCachingSHA2 {
				return fmt.Errorf("wire: the server wants authentication plugin %q", plugin)
			}
			cl.scramble = append(cl.scramble[:0], challenge...)
			if err := cl.reply(answerFor(plugin, password, cl.scramble)); err != nil {
				return err
			}
		case headerMoreAuth:
			if err := cl.moreAuth(p[1:], password); err != nil {
				return err
			}
		default:
			return errMalformed
		}
	}
}

// moreAuth answers caching_sha2_password's second step.
func (cl *Client) moreAuth(p []byte, password string) error {
	switch {
	case len(p) == 1 && p[0] == sha2FastOK:
		return nil
	case len(p) != 1 || p[0] != sha2FullAuth:
		return errMalformed
	case cl.tls != nil || cl.cfg.Network == "unix":
		return cl.reply(append([]byte(password), 0))
	}
	if err := cl.reply([]byte{sha2RequestKey}); err != nil {
		return err
	}
	p, err := cl.read()
	if err != nil {
		return err
	}
	block, _ := pem.Decode(p[1:])
	if block == nil {
		return errors.New("wire: the server's public key is not PEM")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return fmt.Errorf("wire: the server's public key: %w", err)
	}
	pub, ok := key.(*rsa.PublicKey)
	if !ok {
		return errors.New("wire: the server's public key is not RSA")
	}
	plain := append([]byte(password), 0)
	for i := range plain {
		plain[i] ^= cl.scramble[i%len(cl.scramble)]
	}
	enc, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, pub, plain, nil)
	if err != nil {
		return fmt.Errorf("wire: encrypting the password: %w", err)
	}
	return cl.reply(enc)
}

// reply sends one packet within an exchange.
func (cl *Client) reply(payload []byte) error {
	cl.f.begin()
	cl.f.out = append(cl.f.out, payload...)
	return errors.Join(cl.f.end(), cl.f.flush())
}

// ChangeUser makes the session a fresh one of another user.
func (cl *Client) ChangeUser(user, password, db string) error {
	b := append([]byte(user), 0)
	b = appendLenencString(b, answerFor(PluginCachingSHA2, password, cl.scramble))
	b = append(append(b, db...), 0)
	b = append(b, cl.cfg.Collation, 0)
	if cl.caps&CapPluginAuth != 0 {
		b = append(append(b, PluginCachingSHA2...), 0)
	}
	if cl.caps&CapConnectAttrs != 0 {
		b = appendAttrs(b, cl.cfg.Attrs)
	}
	if err := cl.send(comChangeUser, b); err != nil {
		return err
	}
	return cl.finishAuth(password)
}
