//go:build !linux || race

package wire

// The race detector sees what clients and servers order by their messages only through package syscall.

func sysRead(fd uintptr, p []byte) (int, error)  { return callRead(fd, p) }
func sysWrite(fd uintptr, p []byte) (int, error) { return callWrite(fd, p) }
