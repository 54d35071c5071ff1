//go:build linux && !race

package socket

import (
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// TestYield: those whose sockets are ready go before who yields. With runtime.Gosched alone nobody asks for them.
func TestYield(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	near, far := os.NewFile(uintptr(fds[0]), "near"), os.NewFile(uintptr(fds[1]), "far")
	defer near.Close()
	defer far.Close()
	var got atomic.Int32
	go func() {
		for b := make([]byte, 1); ; got.Add(1) {
			if _, err := far.Read(b); err != nil {
				return
			}
		}
	}()
	const rounds = 100
	prompt := 0 // the kernel may have taken the processor from a thread that has seen the event
	for i := int32(1); i <= rounds; i++ {
		if _, err := near.Write([]byte{1}); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			Yield()
		}
		if got.Load() == i {
			prompt++
		}
		for got.Load() != i {
			time.Sleep(time.Millisecond)
		}
	}
	if prompt < rounds/2 {
		t.Errorf("only %d of %d went before", prompt, rounds)
	}
}
