//go:build !race

package buffer

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// newArena maps n bytes outside the Go heap: the garbage collector neither scans nor counts them, and
// pages never touched cost no memory. The survivable cache will map shared memory here instead.
func newArena(n int) ([]byte, error) {
	b, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("map a buffer pool of %d bytes: %w", n, err)
	}
	_ = unix.Madvise(b, unix.MADV_HUGEPAGE) // fewer TLB misses; advice, so an error does not matter
	return b, nil
}

func freeArena(b []byte) { _ = unix.Munmap(b) }
