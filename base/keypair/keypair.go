// Package keypair owns how a certificate and its private key are kept as two PEM files: each is replaced at once, mode 0600, and a
// crash never leaves a certificate beside another's key.
package keypair

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Write stores a certificate in DER form and its key. A crash leaves the old pair, the new one, or no certificate: then the caller makes
// the pair anew. So the old certificate goes first and the new one comes last.
func Write(certPath, keyPath string, der []byte, key crypto.PrivateKey) error {
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := os.Remove(certPath); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := replace(keyPath, "PRIVATE KEY", pkcs8); err != nil {
		return err
	}
	return replace(certPath, "CERTIFICATE", der)
}

func replace(path, kind string, der []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if err := errors.Join(pem.Encode(tmp, &pem.Block{Type: kind, Bytes: der}), tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
