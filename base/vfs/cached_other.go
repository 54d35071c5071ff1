//go:build !linux || !(amd64 || arm64) || race

package vfs

// readCached reads what the system has in memory, if it says so without a wait. The race detector sees reads of files only through package syscall.
func readCached(uintptr, []byte, int64) int { return 0 }
