package wire

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

func TestAuthentication(t *testing.T) {
	secure := func(c *ClientConfig) { c.TLS = &tls.Config{InsecureSkipVerify: true} }
	clear := func(c *ClientConfig) {}
	noPlugin := func(c *ClientConfig) { c.Without = CapPluginAuth }
	tests := []struct {
		name, user, password string
		how                  func(*ClientConfig)
		code                 mysqlerr.Code
		message              string
	}{
		{"no password", "root", "", clear, 0, ""},
		{"needless password", "root", "x", clear, 1045, "Access denied for user 'root'@'localhost' (using password: YES)"},
		{"sha2 in the clear", "sha2", "s3cret", clear, 0, ""},
		{"sha2 again, from the cache", "sha2", "s3cret", clear, 0, ""},
		{"sha2 over TLS", "sha2", "s3cret", secure, 0, ""},
		{"sha2 retained password", "sha2", "former", secure, 0, ""},
		{"sha2 wrong", "sha2", "wrong", clear, 1045, "Access denied for user 'sha2'@'localhost' (using password: YES)"},
		{"sha2 wrong over TLS", "sha2", "wrong", secure, 1045, "(using password: YES)"},
		{"sha2 none", "sha2", "", secure, 1045, "Access denied for user 'sha2'@'localhost' (using password: NO)"},
		{"native", "native", "n4tive", clear, 0, ""},
		{"native without plugins", "native", "n4tive", noPlugin, 0, ""},
		{"native retained", "native", "former", secure, 0, ""},
		{"native wrong", "native", "n4tivE", secure, 1045, "(using password: YES)"},
		{"native none", "native", "", clear, 1045, "(using password: NO)"},
		{"sha2 without plugins", "sha2", "s3cret", noPlugin, 1251, ""},
		{"unknown user", "nobody", "x", clear, 1045, "Access denied for user 'nobody'@'localhost' (using password: YES)"},
		{"unknown user over TLS", "nobody", "x", secure, 1045, "(using password: YES)"},
		{"unknown user, no password", "nobody", "", secure, 1045, "(using password: NO)"},
		{"locked", "locked", "x", clear, 3118, "Access denied for user 'locked'@'localhost'. Account is locked."},
		{"locked, wrong password", "locked", "y", clear, 1045, ""},
		{"TLS account in the clear", "tlsonly", "x", clear, 1045, ""},
		{"TLS account over TLS", "tlsonly", "x", secure, 0, ""},
		{"unknown plugin", "odd", "x", clear, 1524, "Plugin 'auth_socket' is not loaded"},
	}
	_, _, addr := testServer(t, withTLS(t))
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			cl, err := tryDial(addr, as(tc.user, tc.password), tc.how)
			if tc.code != 0 {
				wantCode(t, err, tc.code)
				if !strings.Contains(err.Error(), tc.message) {
					t.Fatal(err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer cl.Close()
			if err := cl.Ping(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// An unknown user must see the same packets as a known one with a wrong password.
func TestUnknownUsersLookKnown(t *testing.T) {
	for _, plugin := range []string{PluginCachingSHA2, PluginNative} {
		_, b, addr := testServer(t, func(c *Config) { c.DefaultPlugin = plugin })
		hash, err := MakeHash(plugin, "right")
		if err != nil {
			t.Fatal(err)
		}
		b.accounts["known"] = Account{User: "known", Host: "%", AuthString: hash}
		var in [2]uint64
		for i, user := range []string{"known", "nobdy"} {
			cl, err := tryDial(addr, as(user, "wrong"))
			wantCode(t, err, mysqlerr.ER_ACCESS_DENIED_ERROR)
			_ = cl
			in[i] = uint64(len(err.Error()))
		}
		if in[0] != in[1] {
			t.Fatalf("%s: exchanges differ", plugin)
		}
	}
}

func TestFastPathUsesTheCache(t *testing.T) {
	s, b, addr := testServer(t)
	dial(t, addr, as("sha2", "s3cret"))
	// With no place left to compute in, only a remembered password gets in.
	for range cap(s.auth.slow) {
		s.auth.slow <- struct{}{}
	}
	dial(t, addr, as("sha2", "s3cret"))
	for range cap(s.auth.slow) {
		<-s.auth.slow
	}
	// A changed password must not be provable by the old one, remembered or not.
	b.mu.Lock()
	b.accounts["sha2"] = Account{User: "sha2", Host: "%", Plugin: PluginCachingSHA2, AuthString: HashCachingSHA2("new")}
	b.mu.Unlock()
	_, err := tryDial(addr, as("sha2", "s3cret"))
	wantCode(t, err, mysqlerr.ER_ACCESS_DENIED_ERROR)
	dial(t, addr, as("sha2", "new"))
	s.ForgetPasswords()
	if len(s.auth.cache.m) != 0 {
		t.Fatal("not forgotten")
	}
}

func TestTLSRequired(t *testing.T) {
	_, _, addr := testServer(t, withTLS(t), func(c *Config) { c.TLSMode = TLSRequired })
	_, err := tryDial(addr)
	wantCode(t, err, mysqlerr.ER_SECURE_TRANSPORT_REQUIRED)
	if cl := dial(t, addr, func(c *ClientConfig) { c.TLS = &tls.Config{InsecureSkipVerify: true} }); !cl.Secure() {
		t.Fatal("in the clear")
	}
	_, _, addr = testServer(t)
	if _, err := tryDial(addr, func(c *ClientConfig) { c.TLS, c.RequireTLS = &tls.Config{InsecureSkipVerify: true}, true }); err == nil {
		t.Fatal("TLS without a certificate")
	}
}

func TestUnixSocketIsPrivate(t *testing.T) {
	srv, _, _ := testServer(t, withTLS(t), func(c *Config) { c.TLSMode = TLSRequired })
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	t.Cleanup(func() { l.Close(); <-done })
	for range 2 { // the second time from the cache
		if err := dial(t, path, as("sha2", "s3cret"), func(c *ClientConfig) { c.Network = "unix" }).Ping(); err != nil {
			t.Fatal(err)
		}
	}
	if srv.auth.rsaPEM != nil {
		t.Fatal("the password went by RSA")
	}
}

func TestConnectDatabaseAndLimits(t *testing.T) {
	s, b, addr := testServer(t, func(c *Config) { c.MaxConnections = func() int { return 1 } })
	_, err := tryDial(addr, func(c *ClientConfig) { c.Database = "nodb" })
	wantCode(t, err, mysqlerr.ER_BAD_DB_ERROR)
	eventually(t, "the refused connection is gone", func() bool { return s.Stats().ThreadsConnected == 0 })
	dial(t, addr, func(c *ClientConfig) {
		c.Database = "db"
		c.Attrs = []ConnectAttr{{"program_name", "test"}, {"_pid", "1"}}
	})
	b.mu.Lock()
	l := b.logins[len(b.logins)-1]
	b.mu.Unlock()
	if l.Database != "db" || l.User != "root" || l.Host != "localhost" || len(l.Attrs) != 2 || l.Attrs[0].Value != "test" {
		t.Fatalf("%+v", l)
	}
	dial(t, addr) // the extra one, for administrators
	_, err = tryDial(addr)
	wantCode(t, err, mysqlerr.ER_CON_COUNT_ERROR)
}

func TestChangeUser(t *testing.T) {
	overTransports(t, func(t *testing.T, cl *Client) {
		st, err := cl.Prepare("SELECT 1")
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range [][2]string{{"native", "n4tive"}, {"sha2", "s3cret"}, {"root", ""}, {"sha2", "s3cret"}} {
			if err := cl.ChangeUser(u[0], u[1], "db"); err != nil {
				t.Fatal(u, err)
			}
			if one(t, cl, "SELECT 1") != "1" {
				t.Fatal("out of step")
			}
		}
		_, err = st.Execute(false)
		wantCode(t, err, mysqlerr.ER_UNKNOWN_STMT_HANDLER)
		wantCode(t, cl.ChangeUser("native", "wrong", ""), mysqlerr.ER_ACCESS_DENIED_ERROR)
		if err := cl.Ping(); err == nil {
			t.Fatal("the connection outlived a failed change of user")
		}
	})
}

func TestResetConnection(t *testing.T) {
	_, b, addr := testServer(t)
	cl := dial(t, addr)
	st, err := cl.Prepare("SELECT 1")
	if err != nil {
		t.Fatal(err)
	}
	if err := cl.Reset(); err != nil {
		t.Fatal(err)
	}
	_, err = st.Execute(false)
	wantCode(t, err, mysqlerr.ER_UNKNOWN_STMT_HANDLER)
	b.mu.Lock()
	defer b.mu.Unlock()
	for s := range b.sessions {
		if s.resets != 1 || s.closed != 1 {
			t.Fatalf("%d resets, %d statements closed", s.resets, s.closed)
		}
	}
}

func TestStoredHashes(t *testing.T) {
	// SHA1(SHA1("password")), as every MySQL prints it.
	if h := HashNative("password"); h != "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19" {
		t.Fatal(h)
	}
	// SHA-crypt's published vectors ("$5$rounds=N$salt$..."); the salt of MySQL's form is longer, the algorithm the same.
	for _, v := range []struct {
		password, salt string
		rounds         int
		want           string
	}{
		{"Hello world!", "saltstring", 5000, "5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"},
		{"a short string", "asaltof16chars..", 123456, "gP3VQ/6X7UUEW3HkBn2w1/Ptq2jxPyzV/cZKmF/wJvD"},
	} {
		if got := shaCrypt256([]byte(v.password), []byte(v.salt), v.rounds); v.want != "" && got != v.want {
			t.Errorf("%q %q %d: got %s, want %s", v.password, v.salt, v.rounds, got, v.want)
		}
	}
	for _, plugin := range []string{PluginNative, PluginCachingSHA2} {
		for _, pw := range []string{"", "x", "pässword", strings.Repeat("long", 64)} {
			h, err := MakeHash(plugin, pw)
			if err != nil {
				t.Fatal(err)
			}
			if !ValidHash(plugin, h) || !VerifyPassword(plugin, h, pw) || VerifyPassword(plugin, h, pw+"x") || pw != "" && VerifyPassword(plugin, h, "") {
				t.Errorf("%s %q: %q", plugin, pw, h)
			}
		}
	}
	h := HashCachingSHA2("x")
	if len(h) != 70 || !strings.HasPrefix(h, "$A$005$") {
		t.Fatal(h)
	}
	for _, bad := range []string{"*12", "$A$005$short", strings.Replace(h, "005", "000", 1), strings.Replace(h, "005", "FFF", 1) + "x", "$B" + h[2:]} {
		if ValidHash(PluginCachingSHA2, bad) || ValidHash(PluginNative, bad) {
			t.Errorf("%q passes as a hash", bad)
		}
	}
}

func TestCertificate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tls")
	c1, err := LoadOrMakeTLS(dir, "localhost")
	if err != nil {
		t.Fatal(err)
	}
	c2, err := LoadOrMakeTLS(dir)
	if err != nil {
		t.Fatal(err)
	}
	if string(c1.Certificates[0].Certificate[0]) != string(c2.Certificates[0].Certificate[0]) {
		t.Fatal("the certificate changed with a restart")
	}
	for _, f := range []string{certFile, keyFile} {
		st, err := os.Stat(filepath.Join(dir, f))
		if err != nil || st.Mode().Perm() != 0o600 {
			t.Fatal(f, st.Mode(), err)
		}
	}
	if st, _ := os.Stat(dir); st.Mode().Perm() != 0o700 {
		t.Fatal(st.Mode())
	}
	// A damaged file is an error, not a reason to replace what the operator put there.
	if err := os.WriteFile(filepath.Join(dir, certFile), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("junk")}), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadOrMakeTLS(dir); err == nil {
		t.Fatal("a damaged certificate was accepted")
	}
}

func TestHalfOpenConnectionTimesOut(t *testing.T) {
	s, _, addr := testServer(t, func(c *Config) { c.ConnectTimeout = 400 * time.Millisecond })
	nc := rawConn(t, addr)
	defer nc.Close()
	eventually(t, "the server gave up", func() bool { return s.Stats().AbortedConnects == 1 && s.Stats().ThreadsConnected == 0 })
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	cl, err := Dial(ctx, ClientConfig{Addr: addr, User: "root"})
	if err != nil {
		t.Fatal(err)
	}
	// The handshake's deadline must not outlive the handshake.
	time.Sleep(500 * time.Millisecond)
	if err := cl.Ping(); err != nil {
		t.Fatal(err)
	}
	cl.Close()
}
