package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/zoryadb/zorya/base/keypair"
)

// Lifetimes of what this package makes. A certificate is made anew by Issue within renewBefore of its end.
const (
	authorityLifetime   = 10 * 365 * 24 * time.Hour
	certificateLifetime = 2 * 365 * 24 * time.Hour
	renewBefore         = 60 * 24 * time.Hour
)

// Names of the authority's files in its directory.
const (
	authorityCert = "ca.pem"
	authorityKey  = "ca-key.pem"
)

// Issue returns the files of a certificate called name, signed by the authority in dir, for hosts (names or IP
// addresses). It makes the authority if dir has none, and keeps a certificate that is still good and names the hosts.
// Directories are made 0700 and files 0600. The authority's key need not go to the hosts of a cluster.
func Issue(dir, name string, hosts ...string) (Files, error) {
	f := Files{CA: filepath.Join(dir, authorityCert), Cert: filepath.Join(dir, name+".pem"), Key: filepath.Join(dir, name+"-key.pem")}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return f, fmt.Errorf("create directory of certificates: %w", err)
	}
	ca, caKey, err := authority(dir)
	if err != nil {
		return f, err
	}
	if f.good(ca, hosts) {
		return f, nil
	}
	tmpl := template(name, certificateLifetime)
	tmpl.KeyUsage = x509.KeyUsageDigitalSignature
	tmpl.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			tmpl.IPAddresses = append(tmpl.IPAddresses, ip)
		} else {
			tmpl.DNSNames = append(tmpl.DNSNames, h)
		}
	}
	if err := write(f.Cert, f.Key, tmpl, ca, caKey); err != nil {
		return f, fmt.Errorf("make certificate %s: %w", name, err)
	}
	return f, nil
}

// good reports whether the certificate on disk will do.
func (f Files) good(ca *x509.Certificate, hosts []string) bool {
	id, err := f.Load()
	if err != nil {
		return false
	}
	leaf := id.last.Load().Leaf
	return leaf.CheckSignatureFrom(ca) == nil && time.Until(leaf.NotAfter) > renewBefore &&
		!slices.ContainsFunc(hosts, func(h string) bool { return leaf.VerifyHostname(h) != nil })
}

// authority reads the one in dir or makes it.
func authority(dir string) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	certPath, keyPath := filepath.Join(dir, authorityCert), filepath.Join(dir, authorityKey)
	if _, err := os.Stat(certPath); errors.Is(err, fs.ErrNotExist) {
		tmpl := template("Zorya cluster authority", authorityLifetime)
		tmpl.IsCA, tmpl.BasicConstraintsValid, tmpl.MaxPathLenZero = true, true, true
		tmpl.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
		if err := write(certPath, keyPath, tmpl, nil, nil); err != nil {
			return nil, nil, fmt.Errorf("make certificate authority in %s: %w", dir, err)
		}
	}
	cert, err := readPEM(certPath)
	if err != nil {
		return nil, nil, err
	}
	key, err := readPEM(keyPath)
	if err != nil {
		return nil, nil, err
	}
	ca, err := x509.ParseCertificate(cert)
	if err != nil {
		return nil, nil, fmt.Errorf("parse certificate authority %s: %w", certPath, err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, fmt.Errorf("parse key of certificate authority %s: %w", keyPath, err)
	}
	signer, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, nil, fmt.Errorf("key of certificate authority %s: want an ECDSA key, found %T", keyPath, parsed)
	}
	return ca, signer, nil
}

func template(name string, lifetime time.Duration) *x509.Certificate {
	return &x509.Certificate{
		Subject:   pkix.Name{Organization: []string{"Zorya"}, CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(lifetime),
	}
}

// write makes a key and a certificate for it, signed by ca, or by itself without one.
func write(certPath, keyPath string, tmpl, ca *x509.Certificate, caKey *ecdsa.PrivateKey) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	if tmpl.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)); err != nil {
		return err
	}
	if ca == nil {
		ca, caKey = tmpl, key
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, ca, &key.PublicKey, caKey)
	if err != nil {
		return err
	}
	return keypair.Write(certPath, keyPath, der, key)
}

func readPEM(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, fmt.Errorf("read %s: no PEM block in it", path)
	}
	return block.Bytes, nil
}
