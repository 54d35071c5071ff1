package pki

import (
	"bytes"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func issue(t *testing.T, dir, name string, hosts ...string) (Files, *Identity) {
	t.Helper()
	f, err := Issue(dir, name, hosts...)
	if err != nil {
		t.Fatal(err)
	}
	id, err := f.Load()
	if err != nil {
		t.Fatal(err)
	}
	return f, id
}

// shake connects two identities and returns what each side says of it. name is the host the client believes to reach.
func shake(t *testing.T, server, client *tls.Config, name string) (serverErr, clientErr error) {
	t.Helper()
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	for _, c := range []net.Conn{a, b} {
		if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan error, 1)
	go func() {
		s := tls.Server(a, server)
		err := s.Handshake()
		if err == nil {
			_, err = s.Write([]byte("x"))
		}
		done <- err
		a.Close()
	}()
	client = client.Clone()
	client.ServerName = name
	c := tls.Client(b, client)
	if clientErr = c.Handshake(); clientErr == nil { // in TLS 1.3 the server judges after the client is content
		_, clientErr = c.Read(make([]byte, 1))
	}
	b.Close()
	return <-done, clientErr
}

func TestOnlyMembersConnect(t *testing.T) {
	dir := t.TempDir()
	_, a := issue(t, dir, "a", "10.0.0.1", "a.example")
	_, b := issue(t, dir, "b", "10.0.0.2")
	_, stranger := issue(t, t.TempDir(), "b", "10.0.0.2")

	for _, host := range []string{"10.0.0.1", "a.example"} {
		if s, c := shake(t, a.Server(), b.Client(), host); s != nil || c != nil {
			t.Errorf("two members: %v, %v", s, c)
		}
	}
	if _, c := shake(t, a.Server(), b.Client(), "10.0.0.9"); c == nil {
		t.Error("a certificate for another host was taken")
	}
	if _, c := shake(t, a.Server(), stranger.Client(), "10.0.0.1"); c == nil {
		t.Error("a server of another authority was taken")
	}
	blind := stranger.Client()
	blind.InsecureSkipVerify = true
	if s, _ := shake(t, a.Server(), blind, "10.0.0.1"); s == nil {
		t.Error("a client of another authority got in")
	}
	if s, _ := shake(t, a.Server(), &tls.Config{InsecureSkipVerify: true}, "10.0.0.1"); s == nil {
		t.Error("a client without a certificate got in")
	}
}

func TestIssueKeepsWhatIsGood(t *testing.T) {
	dir := t.TempDir()
	f, id := issue(t, dir, "n", "127.0.0.1")
	before := read(t, f.Cert)
	issue(t, dir, "n", "127.0.0.1")
	if !bytes.Equal(before, read(t, f.Cert)) {
		t.Error("a good certificate was replaced")
	}
	issue(t, dir, "n", "127.0.0.1", "10.0.0.1")
	if bytes.Equal(before, read(t, f.Cert)) {
		t.Error("a certificate that lacks a host was kept")
	}
	// The identity that was loaded before the renewal shows the new certificate from now on.
	if err := id.current().Leaf.VerifyHostname("10.0.0.1"); err != nil {
		t.Error(err)
	}
	// A certificate that cannot be read does not end the service.
	if err := os.WriteFile(f.Cert, []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := id.current().Leaf.VerifyHostname("10.0.0.1"); err != nil {
		t.Error(err)
	}
	entries, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if st, err := os.Stat(e); err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", e, st.Mode(), err)
		}
	}
}

func TestFilesAreAllOrNone(t *testing.T) {
	if id, err := (Files{}).Load(); id != nil || err != nil || id.Server() != nil || id.Client() != nil {
		t.Errorf("no files: %v, %v", id, err)
	}
	if _, err := (Files{CA: "x", Key: "y"}).Load(); !errors.Is(err, ErrIncomplete) {
		t.Errorf("two of three files: %v", err)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
