package wire

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// authenticator holds what the authentication exchanges of all connections share.
type authenticator struct {
	cache credentialCache
	slow  chan struct{} // places for the slow hash: it costs milliseconds, and anybody can ask for it

	rsaOnce sync.Once
	rsaKey  *rsa.PrivateKey
	rsaPEM  []byte
	rsaErr  error

	decoy string // the stored hash of accounts that do not exist: well-formed, of nothing
}

func newAuthenticator() *authenticator {
	return &authenticator{
		slow:  make(chan struct{}, max(1, runtime.GOMAXPROCS(0))),
		decoy: fmt.Sprintf("$A$%03X$%s%s", sha2Rounds, randomPrintable(sha2SaltLength), cryptEncode(randomPrintable(sha256.Size))),
	}
}

// publicKey returns the key for passwords without TLS, made at the first need (about 100 ms).
func (a *authenticator) publicKey() (*rsa.PrivateKey, []byte, error) {
	a.rsaOnce.Do(func() {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			a.rsaErr = fmt.Errorf("wire: making the RSA key: %w", err)
			return
		}
		der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
		if err != nil {
			a.rsaErr = fmt.Errorf("wire: encoding the RSA key: %w", err)
			return
		}
		a.rsaKey = key
		a.rsaPEM = pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	})
	return a.rsaKey, a.rsaPEM, a.rsaErr
}

// proof is the outcome of an exchange.
type proof struct {
	ok            bool
	usingPassword bool // the client sent one: what error 1045 says
}

// authenticate proves that the client is user. plugin and resp are what the client sent unasked; plugin "" asks it anew.
func (c *Conn) authenticate(user, plugin string, resp []byte) (a Account, err error) {
	if w, ok := c.srv.cfg.Backend.(LoginWatcher); ok {
		defer func() {
			if err != nil {
				w.LoginFailed(c, user, err)
			}
		}()
	}
	account, known, err := c.srv.cfg.Backend.Lookup(user, c.host)
	if err != nil {
		return Account{}, mysqlerr.From(err)
	}
	if !known {
		account = Account{AuthString: c.srv.auth.decoy, Plugin: PluginCachingSHA2}
		if c.srv.cfg.DefaultPlugin == PluginNative {
			account = Account{AuthString: HashNative(c.srv.auth.decoy), Plugin: PluginNative}
		}
	}
	if account.Plugin == "" {
		account.Plugin = c.srv.cfg.DefaultPlugin
	}
	if account.Plugin != PluginCachingSHA2 && account.Plugin != PluginNative {
		return Account{}, mysqlerr.New(mysqlerr.ER_PLUGIN_IS_NOT_LOADED, account.Plugin)
	}
	if account.Plugin != plugin {
		if c.caps&CapPluginAuth == 0 {
			return Account{}, mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_AUTH_MODE)
		}
		if resp, err = c.switchPlugin(account.Plugin); err != nil {
			return Account{}, err
		}
	}
	p, err := c.prove(&account, resp)
	if err != nil {
		return Account{}, err
	}
	if !p.ok || !known {
		return Account{}, c.denied(user, p)
	}
	return account, c.admit(&account, user, p)
}

// admit checks what an account demands beyond its password.
func (c *Conn) admit(a *Account, user string, p proof) error {
	switch {
	case a.RequireTLS && c.tls == nil, a.Demands != nil && (c.tls == nil || !a.Demands(c.TLS())):
		return c.denied(user, p)
	case a.Locked:
		return mysqlerr.New(mysqlerr.ER_ACCOUNT_HAS_BEEN_LOCKED, user, c.host)
	case a.PasswordExpired && c.caps&CapCanHandleExpiredPassword == 0:
		return mysqlerr.New(mysqlerr.ER_MUST_CHANGE_PASSWORD_LOGIN)
	}
	return nil
}

func (c *Conn) denied(user string, p proof) error {
	using := "NO"
	if p.usingPassword {
		using = "YES"
	}
	return mysqlerr.New(mysqlerr.ER_ACCESS_DENIED_ERROR, user, c.host, using)
}

// switchPlugin asks the client to answer the challenge with another plugin.
func (c *Conn) switchPlugin(plugin string) ([]byte, error) {
	c.f.begin()
	c.f.out = append(c.f.out, headerAuthSwitch)
	c.f.out = append(append(c.f.out, plugin...), 0)
	c.f.out = append(append(c.f.out, c.scramble[:]...), 0)
	return c.ask()
}

// ask sends the open packet and reads the client's answer to it.
func (c *Conn) ask() ([]byte, error) {
	if err := c.flushPacket(); err != nil {
		return nil, err
	}
	return c.f.next(preAuthLimit)
}

// prove runs the account's plugin.
func (c *Conn) prove(a *Account, resp []byte) (proof, error) {
	if a.Plugin == PluginNative {
		return c.proveNative(a, resp), nil
	}
	return c.proveSHA2(a, resp)
}

// proveNative: the answer is SHA1(password) xor SHA1(scramble + SHA1(SHA1(password))).
func (c *Conn) proveNative(a *Account, resp []byte) proof {
	if len(resp) == 0 {
		return proof{ok: a.AuthString == ""}
	}
	p := proof{usingPassword: true}
	if len(resp) != sha1.Size {
		return p
	}
	for _, stored := range [...]string{a.AuthString, a.Secondary} {
		want, err := parseNative(stored)
		if err != nil {
			continue
		}
		h := sha1.New()
		h.Write(c.scramble[:])
		h.Write(want[:])
		var stage1 [sha1.Size]byte
		subtle.XORBytes(stage1[:], resp, h.Sum(nil))
		got := sha1.Sum(stage1[:])
		if subtle.ConstantTimeCompare(got[:], want[:]) == 1 {
			p.ok = true
		}
	}
	return p
}

// Second bytes of caching_sha2_password's packets.
const (
	sha2RequestKey = 2
	sha2FastOK     = 3
	sha2FullAuth   = 4
)

// proveSHA2: the answer is SHA256(password) xor SHA256(SHA256(SHA256(password)) + scramble), which can be checked only by
// who remembers SHA256(SHA256(password)). Else the password itself is asked for, over TLS or under our RSA key.
func (c *Conn) proveSHA2(a *Account, resp []byte) (proof, error) {
	if len(resp) == 0 || len(resp) == 1 && resp[0] == 0 {
		return proof{ok: a.AuthString == ""}, nil
	}
	p := proof{usingPassword: true}
	if len(resp) != sha256.Size || a.AuthString == "" {
		return p, nil
	}
	for _, stored := range [...]string{a.AuthString, a.Secondary} {
		if stored != "" && c.fastSHA2(stored, resp) {
			p.ok = true
			c.f.begin()
			c.f.out = append(c.f.out, headerMoreAuth, sha2FastOK)
			return p, c.f.end()
		}
	}
	c.f.begin()
	c.f.out = append(c.f.out, headerMoreAuth, sha2FullAuth)
	answer, err := c.ask()
	if err != nil {
		return p, err
	}
	password, err := c.receivePassword(answer)
	if err != nil || password == nil || len(password) > maxPasswordLength {
		return p, err
	}
	if err := c.srv.auth.enterSlow(c.srv.cfg.ConnectTimeout); err != nil {
		return p, err
	}
	defer c.srv.auth.leaveSlow()
	for _, stored := range [...]string{a.AuthString, a.Secondary} {
		// When thousands connect at once, all but the first find the answer there when their turn has come.
		if stored != "" && c.srv.auth.cache.is(stored, password) {
			p.ok = true
			break
		}
		if stored != "" && VerifyPassword(PluginCachingSHA2, stored, string(password)) {
			p.ok = true
			c.srv.auth.cache.put(stored, password)
			break
		}
	}
	return p, nil
}

// fastSHA2 checks an answer against the remembered digest of the stored hash's password.
func (c *Conn) fastSHA2(stored string, resp []byte) bool {
	digest, ok := c.srv.auth.cache.get(stored)
	if !ok {
		return false
	}
	h := sha256.New()
	h.Write(digest[:])
	h.Write(c.scramble[:])
	var stage1 [sha256.Size]byte
	subtle.XORBytes(stage1[:], resp, h.Sum(nil))
	got := sha256.Sum256(stage1[:])
	return subtle.ConstantTimeCompare(got[:], digest[:]) == 1
}

// receivePassword gets the password itself: NUL-terminated in the clear where nobody can listen, else encrypted with our
// public key, which the client may ask for first. nil means that what came is no password.
func (c *Conn) receivePassword(answer []byte) ([]byte, error) {
	if c.secure() {
		return trimNUL(answer), nil
	}
	key, pem, err := c.srv.auth.publicKey()
	if err != nil {
		return nil, mysqlerr.From(err)
	}
	if len(answer) == 1 && answer[0] == sha2RequestKey {
		c.f.begin()
		c.f.out = append(append(c.f.out, headerMoreAuth), pem...)
		if answer, err = c.ask(); err != nil {
			return nil, err
		}
	}
	if len(answer) != key.Size() {
		return nil, nil
	}
	if err := c.srv.auth.enterSlow(c.srv.cfg.ConnectTimeout); err != nil {
		return nil, err
	}
	plain, err := rsa.DecryptOAEP(sha1.New(), nil, key, answer, nil)
	c.srv.auth.leaveSlow()
	if err != nil {
		return nil, nil
	}
	for i := range plain {
		plain[i] ^= c.scramble[i%scrambleLength]
	}
	return trimNUL(plain), nil
}

// trimNUL takes the terminator off; without one it is no password.
func trimNUL(p []byte) []byte {
	if len(p) == 0 || p[len(p)-1] != 0 {
		return nil
	}
	return p[:len(p)-1]
}

// enterSlow waits for a place to compute in.
func (a *authenticator) enterSlow(timeout time.Duration) error {
	select {
	case a.slow <- struct{}{}:
		return nil
	default:
	}
	t := time.NewTimer(timeout)
	defer t.Stop()
	select {
	case a.slow <- struct{}{}:
		return nil
	case <-t.C:
		return mysqlerr.New(mysqlerr.ER_OUT_OF_RESOURCES)
	}
}

func (a *authenticator) leaveSlow() { <-a.slow }

// credentialCache remembers SHA256(SHA256(password)) of stored hashes whose password was proven. The stored hash is the key (it has
// a salt of its own), so a changed password finds nothing.
type credentialCache struct {
	mu sync.RWMutex
	m  map[string][sha256.Size]byte
}

// maxCredentials bounds the cache; beyond it some entry makes room.
const maxCredentials = 16384

func (cc *credentialCache) get(stored string) ([sha256.Size]byte, bool) {
	cc.mu.RLock()
	defer cc.mu.RUnlock()
	d, ok := cc.m[stored]
	return d, ok
}

// is reports whether the password is the one remembered for a stored hash.
func (cc *credentialCache) is(stored string, password []byte) bool {
	want, ok := cc.get(stored)
	d := sha256.Sum256(password)
	d = sha256.Sum256(d[:])
	return ok && subtle.ConstantTimeCompare(d[:], want[:]) == 1
}

func (cc *credentialCache) put(stored string, password []byte) {
	d := sha256.Sum256(password)
	d = sha256.Sum256(d[:])
	cc.mu.Lock()
	defer cc.mu.Unlock()
	if cc.m == nil {
		cc.m = make(map[string][sha256.Size]byte)
	}
	if len(cc.m) >= maxCredentials {
		for k := range cc.m {
			delete(cc.m, k)
			break
		}
	}
	cc.m[stored] = d
}

func (cc *credentialCache) clear() {
	cc.mu.Lock()
	defer cc.mu.Unlock()
	cc.m = nil
}
