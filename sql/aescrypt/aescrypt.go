// Package aescrypt owns the ciphers of AES_ENCRYPT and AES_DECRYPT: the modes of @@block_encryption_mode, how a passphrase becomes a key, and the key
// derivations of MySQL 8.0.30. It knows no SQL; whoever calls it tells the client what was wrong.
package aescrypt

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/pbkdf2"
	"crypto/sha512"
	"strings"
)

// VectorSize is how many bytes of an initialization vector count, and how many there must be at least.
const VectorSize = aes.BlockSize

// Bounds of the derivations. Beyond them MySQL refuses.
const (
	MinIterations = 1000
	MaxIterations = 65535
	MaxOption     = 256 // bytes of an option
)

// Mode is a member of @@block_encryption_mode.
type Mode struct {
	KeyBytes int
	chain    string
}

// ParseMode reads a mode such as aes-256-cbc; anything else is aes-128-ecb, the default.
func ParseMode(s string) Mode {
	m := Mode{KeyBytes: 16, chain: "ecb"}
	part := strings.Split(strings.ToLower(s), "-")
	if len(part) != 3 {
		return m
	}
	switch part[1] {
	case "192":
		m.KeyBytes = 24
	case "256":
		m.KeyBytes = 32
	}
	m.chain = part[2]
	return m
}

// NeedsVector reports whether the mode has an initialization vector.
func (m Mode) NeedsVector() bool { return m.chain != "ecb" }

// Fold makes a key of a passphrase as MySQL does without a derivation: its bytes are XORed into the key in turn.
func (m Mode) Fold(passphrase []byte) []byte {
	key := make([]byte, m.KeyBytes)
	for i, b := range passphrase {
		key[i%m.KeyBytes] ^= b
	}
	return key
}

// HKDF derives a key by RFC 5869 with SHA-512.
func (m Mode) HKDF(passphrase, salt, info []byte) ([]byte, error) {
	return hkdf.Key(sha512.New, passphrase, salt, string(info), m.KeyBytes)
}

// PBKDF2 derives a key by RFC 8018 with HMAC-SHA-512.
func (m Mode) PBKDF2(passphrase, salt []byte, iterations int) ([]byte, error) {
	return pbkdf2.Key(sha512.New, string(passphrase), salt, iterations, m.KeyBytes)
}

// Encrypt encrypts text. The key is one of this mode's, the vector has VectorSize bytes or more where the mode needs one.
func (m Mode) Encrypt(text, key, vector []byte) ([]byte, error) {
	b, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	switch m.chain {
	case "ecb", "cbc":
		text = padded(text)
		out := make([]byte, len(text))
		if m.chain == "cbc" {
			cipher.NewCBCEncrypter(b, vector[:VectorSize]).CryptBlocks(out, text)
			return out, nil
		}
		for i := 0; i < len(text); i += VectorSize {
			b.Encrypt(out[i:], text[i:])
		}
		return out, nil
	}
	return m.stream(b, text, vector, false), nil
}

// Decrypt is the reverse; ok is false when the bytes are no ciphertext under the key.
func (m Mode) Decrypt(text, key, vector []byte) (out []byte, ok bool) {
	b, err := aes.NewCipher(key)
	if err != nil {
		return nil, false
	}
	switch m.chain {
	case "ecb", "cbc":
		if len(text) == 0 || len(text)%VectorSize != 0 {
			return nil, false
		}
		out = make([]byte, len(text))
		if m.chain == "cbc" {
			cipher.NewCBCDecrypter(b, vector[:VectorSize]).CryptBlocks(out, text)
			return unpadded(out)
		}
		for i := 0; i < len(text); i += VectorSize {
			b.Decrypt(out[i:], text[i:])
		}
		return unpadded(out)
	}
	return m.stream(b, text, vector, true), true
}

// padded adds PKCS #7's padding.
func padded(text []byte) []byte {
	n := VectorSize - len(text)%VectorSize
	out := make([]byte, len(text), len(text)+n)
	copy(out, text)
	for range n {
		out = append(out, byte(n))
	}
	return out
}

func unpadded(text []byte) ([]byte, bool) {
	n := int(text[len(text)-1])
	if n == 0 || n > VectorSize {
		return nil, false
	}
	for _, b := range text[len(text)-n:] {
		if int(b) != n {
			return nil, false
		}
	}
	return text[:len(text)-n], true
}

// stream is CFB with a feedback of 1, 8 and 128 bits, and OFB (NIST SP 800-38A). The register is encrypted, what comes first of it is XORed into the
// text, and the ciphertext (CFB) or the encrypted register (OFB) is shifted in.
func (m Mode) stream(b cipher.Block, text, vector []byte, decrypt bool) []byte {
	if m.chain == "ofb" {
		out := make([]byte, len(text))
		reg := append([]byte(nil), vector[:VectorSize]...)
		for i := range text {
			if i%VectorSize == 0 {
				b.Encrypt(reg, reg)
			}
			out[i] = text[i] ^ reg[i%VectorSize]
		}
		return out
	}
	reg := append([]byte(nil), vector[:VectorSize]...)
	pad := make([]byte, VectorSize)
	out := make([]byte, len(text))
	switch m.chain {
	case "cfb1":
		for bit := range 8 * len(text) {
			i, shift := bit/8, 7-bit%8
			b.Encrypt(pad, reg)
			in := text[i] >> shift & 1
			got := in ^ pad[0]>>7
			out[i] |= got << shift
			if !decrypt {
				in = got
			}
			for k := range VectorSize - 1 {
				reg[k] = reg[k]<<1 | reg[k+1]>>7
			}
			reg[VectorSize-1] = reg[VectorSize-1]<<1 | in
		}
	case "cfb8":
		for i := range text {
			b.Encrypt(pad, reg)
			out[i] = text[i] ^ pad[0]
			copy(reg, reg[1:])
			reg[VectorSize-1] = out[i]
			if decrypt {
				reg[VectorSize-1] = text[i]
			}
		}
	default: // cfb128
		for i := range text {
			if i%VectorSize == 0 {
				b.Encrypt(pad, reg)
			}
			out[i] = text[i] ^ pad[i%VectorSize]
			reg[i%VectorSize] = out[i]
			if decrypt {
				reg[i%VectorSize] = text[i]
			}
		}
	}
	return out
}
