// Package pki is the cluster's mutual TLS: it loads the certificate, key and certificate authority that a process was
// given, and makes an authority and certificates for those who bring none.
//
// Whoever holds a certificate that the authority has signed is a member of the cluster: it may read and write segments and
// metadata. So the authority must be the cluster's own, never a public one. Names are checked as everywhere: the one
// who connects checks the host it connects to against the certificate it is shown.
//
// Certificates are read again at every handshake, so a renewed one is used without a restart; while the files on disk
// cannot be read, the last good pair goes on. Connections that stand are not cut.
package pki

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
)

// Files name a process's certificate, its key and the cluster's authority, in PEM.
type Files struct {
	CA, Cert, Key string
}

// ErrIncomplete means that some of the three files are given, but not all.
var ErrIncomplete = errors.New("mutual TLS needs a certificate, its key and the authority")

// IsZero reports that no file is given: connections are then neither encrypted nor authenticated.
func (f Files) IsZero() bool { return f == Files{} }

// Identity is what a process shows to others and by what it judges them.
type Identity struct {
	files Files
	pool  *x509.CertPool
	last  atomic.Pointer[tls.Certificate]
}

// Load reads the files. Without any it returns nil, whose methods return nil configurations: no TLS.
func (f Files) Load() (*Identity, error) {
	if f.IsZero() {
		return nil, nil
	}
	if f.CA == "" || f.Cert == "" || f.Key == "" {
		return nil, ErrIncomplete
	}
	pem, err := os.ReadFile(f.CA)
	if err != nil {
		return nil, fmt.Errorf("read certificate authority: %w", err)
	}
	id := &Identity{files: f, pool: x509.NewCertPool()}
	if !id.pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read certificate authority %s: no certificate in it", f.CA)
	}
	if _, err := id.load(); err != nil {
		return nil, err
	}
	return id, nil
}

func (id *Identity) load() (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(id.files.Cert, id.files.Key)
	if err != nil {
		return nil, fmt.Errorf("load certificate %s: %w", id.files.Cert, err)
	}
	id.last.Store(&pair)
	return &pair, nil
}

func (id *Identity) current() *tls.Certificate {
	pair, err := id.load()
	if err != nil {
		slog.Warn("the certificate on disk cannot be used, the last good one is", "err", err)
		return id.last.Load()
	}
	return pair
}

// Server is for accepting: only peers with a certificate of the authority get in.
func (id *Identity) Server() *tls.Config {
	if id == nil {
		return nil
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: id.pool,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return id.current(), nil },
		// Frames are batched before they are encrypted: small first records would only cost system calls.
		DynamicRecordSizingDisabled: true,
	}
}

// Client is for connecting: the peer's certificate must be the authority's and name the host.
func (id *Identity) Client() *tls.Config {
	if id == nil {
		return nil
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13, RootCAs: id.pool,
		GetClientCertificate:        func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return id.current(), nil },
		DynamicRecordSizingDisabled: true,
	}
}
