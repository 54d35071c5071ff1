package wire

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"github.com/zoryadb/zorya/base/keypair"
)

// Files that LoadOrMakeTLS keeps, each with mode 0600, in a directory with mode 0700.
const (
	certFile = "server-cert.pem"
	keyFile  = "server-key.pem"
	// clientCertFile and clientKeyFile are a pair for clients, vouched for by the certificate that we made: for accounts with REQUIRE X509.
	clientCertFile = "client-cert.pem"
	clientKeyFile  = "client-key.pem"
	// caFile is the operator's: the certificates of those who vouch for clients.
	caFile = "ca.pem"
)

// certLifetime is that of a generated certificate; it is replaced at a start within renewBefore of its end.
const (
	certLifetime = 10 * 365 * 24 * time.Hour
	renewBefore  = 30 * 24 * time.Hour
)

// LoadOrMakeTLS returns a server configuration with the certificate and key in dir. When there is none, or it is about to
// expire, it makes a self-signed ECDSA P-256 certificate for hosts (names or IP addresses are not checked by MySQL clients by
// default). A certificate that the operator put there under the same names is used as it is.
func LoadOrMakeTLS(dir string, hosts ...string) (*tls.Config, error) {
	certPath, keyPath := filepath.Join(dir, certFile), filepath.Join(dir, keyFile)
	cert, err := tls.LoadX509KeyPair(certPath, keyPath)
	switch {
	case err == nil && !(selfMade(cert.Leaf) && time.Until(cert.Leaf.NotAfter) < renewBefore):
		return tlsConfig(dir, cert)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("wire: loading the TLS certificate of %s: %w", dir, err)
	}
	if err := makeCert(dir, certPath, keyPath, hosts); err != nil {
		return nil, fmt.Errorf("wire: making a TLS certificate in %s: %w", dir, err)
	}
	if cert, err = tls.LoadX509KeyPair(certPath, keyPath); err != nil {
		return nil, fmt.Errorf("wire: loading the TLS certificate of %s: %w", dir, err)
	}
	return tlsConfig(dir, cert)
}

const selfMadeName = "Zorya auto-generated server certificate"

func selfMade(leaf *x509.Certificate) bool {
	return leaf != nil && leaf.Subject.CommonName == selfMadeName
}

// tlsConfig offers a certificate, and takes clients' where ca.pem, or else the certificate that we made, vouches for them.
func tlsConfig(dir string, cert tls.Certificate) (*tls.Config, error) {
	c := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	ca, err := os.ReadFile(filepath.Join(dir, caFile))
	if errors.Is(err, fs.ErrNotExist) {
		ca, err = nil, nil
		if selfMade(cert.Leaf) {
			ca = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Leaf.Raw})
		}
	}
	if err != nil {
		return nil, fmt.Errorf("wire: loading the certificate authority of clients: %w", err)
	}
	if ca == nil {
		return c, nil
	}
	c.ClientAuth, c.ClientCAs = tls.VerifyClientCertIfGiven, x509.NewCertPool()
	if !c.ClientCAs.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("wire: %s holds no certificate", filepath.Join(dir, caFile))
	}
	return c, nil
}

func makeCert(dir, certPath, keyPath string, hosts []string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return err
	}
	tmpl := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: selfMadeName},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(certLifetime),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, // the second for those that it vouches for
		BasicConstraintsValid: true, IsCA: true, DNSNames: hosts,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		return err
	}
	if err := makeClientCert(dir, tmpl, key); err != nil {
		return err
	}
	return keypair.Write(certPath, keyPath, der, key)
}

// makeClientCert makes the pair for clients. It comes before the server's, so that a crash in between makes both anew.
func makeClientCert(dir string, parent *x509.Certificate, signer *ecdsa.PrivateKey) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return err
	}
	tmpl := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "Zorya auto-generated client certificate"}, NotBefore: parent.NotBefore, NotAfter: parent.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, &key.PublicKey, signer)
	if err != nil {
		return err
	}
	return keypair.Write(filepath.Join(dir, clientCertFile), filepath.Join(dir, clientKeyFile), der, key)
}
