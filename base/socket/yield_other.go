//go:build !linux || race

package socket

import "runtime"

// Yield lets other goroutines go first.
func Yield() { runtime.Gosched() }
