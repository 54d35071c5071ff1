package wire

import (
	"testing"
	"unsafe"
)

// The package promises that an idle connection's own state is small.
func TestConnIsSmall(t *testing.T) {
	if n := unsafe.Sizeof(Conn{}) + unsafe.Sizeof(sock{}); n > 2048 {
		t.Errorf("a connection's state takes %d bytes", n)
	} else {
		t.Logf("%d bytes", n)
	}
}
