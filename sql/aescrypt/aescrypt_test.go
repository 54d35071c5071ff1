package aescrypt

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// TestVectors holds the first blocks of NIST SP 800-38A, F.1 to F.4.
func TestVectors(t *testing.T) {
	key, _ := hex.DecodeString("2b7e151628aed2a6abf7158809cf4f3c")
	iv, _ := hex.DecodeString("000102030405060708090a0b0c0d0e0f")
	text, _ := hex.DecodeString("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51")
	for mode, want := range map[string]string{
		"aes-128-ecb":    "3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf",
		"aes-128-cbc":    "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2",
		"aes-128-cfb1":   "68b3",
		"aes-128-cfb8":   "3b79424c9c0dd436bace9e0ed4586a4f",
		"aes-128-cfb128": "3b3fd92eb72dad20333449f8e83cfb4ac8a64537a0b3a93fcde3cdad9f1ce58b",
		"aes-128-ofb":    "3b3fd92eb72dad20333449f8e83cfb4a7789508d16918f03f53c52dac54ed825",
	} {
		m := ParseMode(mode)
		got, err := m.Encrypt(text, key, iv)
		if err != nil {
			t.Fatal(err)
		}
		if w, _ := hex.DecodeString(want); !bytes.HasPrefix(got, w) {
			t.Errorf("%s: %x, want %s...", mode, got, want)
		}
		if back, ok := m.Decrypt(got, key, iv); !ok || !bytes.Equal(back, text) {
			t.Errorf("%s: decrypted %x, %v", mode, back, ok)
		}
	}
	if _, ok := ParseMode("aes-128-ecb").Decrypt([]byte("0123456789abcdef"), key, nil); ok {
		t.Error("what is no ciphertext decrypts")
	}
}
