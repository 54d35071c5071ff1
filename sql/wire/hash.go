package wire

import (
	"bytes"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// Stored password hashes, in the forms that MySQL keeps in mysql.user.authentication_string:
//
//	mysql_native_password   *HEX40                      SHA1(SHA1(password))
//	caching_sha2_password   $A$005$<20 salt><43 hash>   SHA-crypt (SHA-256), 5 * 1000 rounds

// HashNative returns a password's stored form for mysql_native_password, "" for an empty password.
func HashNative(password string) string {
	if password == "" {
		return ""
	}
	h := sha1.Sum([]byte(password))
	h = sha1.Sum(h[:])
	return "*" + strings.ToUpper(hex.EncodeToString(h[:]))
}

// parseNative returns SHA1(SHA1(password)) from the stored form.
func parseNative(stored string) (h [sha1.Size]byte, err error) {
	if len(stored) != 41 || stored[0] != '*' {
		return h, fmt.Errorf("wire: stored hash is no %s hash", PluginNative)
	}
	if _, err := hex.Decode(h[:], []byte(stored[1:])); err != nil {
		return h, fmt.Errorf("wire: stored hash is no %s hash: %w", PluginNative, err)
	}
	return h, nil
}

const (
	sha2SaltLength = 20
	sha2HashLength = 43
	sha2Rounds     = 5 // in thousands: what MySQL 8.0 writes by default
	sha2MaxRounds  = 4095
	// maxPasswordLength bounds what the slow hash is computed of, as MySQL does.
	maxPasswordLength = 256
)

// HashCachingSHA2 returns a password's stored form for caching_sha2_password under a random salt, "" for an empty password.
func HashCachingSHA2(password string) string {
	if password == "" {
		return ""
	}
	return formatSHA2(password, randomPrintable(sha2SaltLength), sha2Rounds)
}

func formatSHA2(password string, salt []byte, thousands int) string {
	return fmt.Sprintf("$A$%03X$%s%s", thousands, salt, shaCrypt256([]byte(password), salt, thousands*1000))
}

// parseSHA2 takes a stored form apart.
func parseSHA2(stored string) (salt []byte, hash string, thousands int, err error) {
	bad := fmt.Errorf("wire: stored hash is no %s hash", PluginCachingSHA2)
	if len(stored) != 7+sha2SaltLength+sha2HashLength || stored[:3] != "$A$" || stored[6] != '$' {
		return nil, "", 0, bad
	}
	n, e := strconv.ParseUint(stored[3:6], 16, 16)
	if e != nil || n == 0 || n > sha2MaxRounds {
		return nil, "", 0, bad
	}
	return []byte(stored[7 : 7+sha2SaltLength]), stored[7+sha2SaltLength:], int(n), nil
}

// ValidHash tells whether stored is a well-formed hash of the plugin, as CREATE USER ... IDENTIFIED WITH ... AS must check (1827).
func ValidHash(plugin, stored string) bool {
	if stored == "" {
		return true
	}
	var err error
	switch plugin {
	case PluginNative:
		_, err = parseNative(stored)
	case PluginCachingSHA2:
		_, _, _, err = parseSHA2(stored)
	default:
		return false
	}
	return err == nil
}

// MakeHash returns the stored form of a password for a plugin.
func MakeHash(plugin, password string) (string, error) {
	switch plugin {
	case PluginNative:
		return HashNative(password), nil
	case PluginCachingSHA2:
		if len(password) > maxPasswordLength {
			return "", fmt.Errorf("wire: password is longer than %d bytes", maxPasswordLength)
		}
		return HashCachingSHA2(password), nil
	}
	return "", fmt.Errorf("wire: unknown authentication plugin %q", plugin)
}

// VerifyPassword checks a password in the clear against a stored hash.
func VerifyPassword(plugin, stored, password string) bool {
	if stored == "" || password == "" {
		return stored == password
	}
	switch plugin {
	case PluginNative:
		return subtle.ConstantTimeCompare([]byte(HashNative(password)), []byte(stored)) == 1
	case PluginCachingSHA2:
		salt, hash, thousands, err := parseSHA2(stored)
		if err != nil || len(password) > maxPasswordLength {
			return false
		}
		got := shaCrypt256([]byte(password), salt, thousands*1000)
		return subtle.ConstantTimeCompare([]byte(got), []byte(hash)) == 1
	}
	return false
}

// randomPrintable returns n random bytes of 7 bits, neither NUL nor '$': what MySQL uses as salt and as scramble.
func randomPrintable(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	for i := range b {
		for b[i] &= 0x7f; b[i] == 0 || b[i] == '$'; b[i] &= 0x7f {
			rand.Read(b[i : i+1])
		}
	}
	return b
}

// shaCrypt256 is Ulrich Drepper's SHA-crypt with SHA-256 (the "$5$" scheme), without its limit of 16 bytes of salt.
// It returns the 43 characters of the encoded digest.
func shaCrypt256(password, salt []byte, rounds int) string {
	h := sha256.New()
	sum := func(parts ...[]byte) []byte {
		h.Reset()
		for _, p := range parts {
			h.Write(p)
		}
		return h.Sum(nil)
	}
	// b is mixed into a: its bytes for the password's length, then b or password by the bits of that length.
	b := sum(password, salt, password)
	a := [][]byte{password, salt, stretch(b, len(password))}
	for n := len(password); n > 0; n >>= 1 {
		if n&1 != 0 {
			a = append(a, b)
		} else {
			a = append(a, password)
		}
	}
	digest := sum(a...)
	p := stretch(sum(bytes.Repeat(password, len(password))), len(password))
	s := stretch(sum(bytes.Repeat(salt, 16+int(digest[0]))), len(salt))

	for i := range rounds {
		h.Reset()
		odd := i%2 != 0
		if odd {
			h.Write(p)
		} else {
			h.Write(digest)
		}
		if i%3 != 0 {
			h.Write(s)
		}
		if i%7 != 0 {
			h.Write(p)
		}
		if odd {
			h.Write(digest)
		} else {
			h.Write(p)
		}
		digest = h.Sum(digest[:0])
	}
	return cryptEncode(digest)
}

// stretch repeats digest up to n bytes.
func stretch(digest []byte, n int) []byte {
	return bytes.Repeat(digest, n/len(digest)+1)[:n]
}

// cryptEncode writes a SHA-256 digest in crypt's base 64 with SHA-crypt's permutation of bytes.
func cryptEncode(d []byte) string {
	const alphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	out := make([]byte, 0, sha2HashLength)
	put := func(v uint, n int) {
		for ; n > 0; n-- {
			out = append(out, alphabet[v&63])
			v >>= 6
		}
	}
	x, y, z := 0, 10, 20
	for range 10 {
		put(uint(d[x])<<16|uint(d[y])<<8|uint(d[z]), 4)
		x, y, z = z+1, x+1, y+1
	}
	put(uint(d[31])<<8|uint(d[30]), 3)
	return string(out)
}
