package spatial

import (
	"encoding/hex"
	"testing"
)

// Sizes are checked before the library makes room for what they claim.
func TestWellFormed(t *testing.T) {
	for text, want := range map[string]bool{
		"":         false,
		"00000000": false,
		"000000000101000000000000000000f03f0000000000000040":   true,
		"00000000000000000100000000000000000000000000000000":   true,  // big-endian
		"000000000101000000000000000000f03f000000000000":       false, // cut
		"000000000101000000000000000000f03f000000000000004000": false, // more than one point
		"00000000010200000000ffffff":                           false,
		"000000000103000000ffffffff":                           false,
		"000000000107000000ffffffff":                           false,
		"00000000010700000000000000":                           true, // an empty collection
		"0000000001080000000000000000":                         false,
		"000000000201000000000000000000f03f0000000000000040":   false, // no byte order
	} {
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := WellFormed(b); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	deep := []byte{0, 0, 0, 0}
	for range maxNesting + 2 {
		deep = append(deep, 1, wkbLast, 0, 0, 0, 1, 0, 0, 0)
	}
	if WellFormed(append(deep, 1, wkbLast, 0, 0, 0, 0, 0, 0, 0)) {
		t.Error("a collection nests without end")
	}
}
