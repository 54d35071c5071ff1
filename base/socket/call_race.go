//go:build !linux || race

package socket

// The race detector sees what clients and servers order by their messages only through package syscall.

// Read is read(2), repeated when a signal interrupts it.
func Read(fd uintptr, p []byte) (int, error) { return callRead(fd, p) }

// Write is write(2), repeated when a signal interrupts it.
func Write(fd uintptr, p []byte) (int, error) { return callWrite(fd, p) }

// Writev writes the first of the buffers, which is not empty.
func Writev(fd uintptr, bufs [][]byte) (int, error) { return callWrite(fd, bufs[0]) }
