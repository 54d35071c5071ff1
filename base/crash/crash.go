// Package crash decides what becomes of a panic that was recovered at the edge of a connection.
//
// Most panics concern one statement: it fails, its transaction is rolled back, the server lives on. But a panic that passed through the
// engine's pages, locks or log may have left a latch held or a page changed that is in no log; whoever comes after would
// hang or, worse, read it. Then the process must end: its successor recovers from the log within a second or two.
//
// Invariant: whoever recovers from panics of code that may call the engine calls Contain before anything else.
package crash

import (
	"bytes"
	"fmt"
	"os"
	"runtime/debug"
)

// exit ends the process; tests replace it.
var exit = func(v any, stack []byte) {
	fmt.Fprintf(os.Stderr, "panic: %v\n\n%s\nThe panic passed through the storage engine: the process ends, recovery follows.\n", v, stack)
	os.Exit(2)
}

// engine and storage mark frames of packages that hold latches, locks or unlogged changes; pure are packages among them that do not.
var (
	engine  = []byte("github.com/zoryadb/zorya/engine/")
	storage = []byte("github.com/zoryadb/zorya/storage/")
	pure    = [][]byte{[]byte("row."), []byte("table.")}
)

// Contain is called by a deferred function with what recover returned. It returns the stack of the panic if the
// process may go on, and else does not return.
func Contain(v any) []byte {
	stack := debug.Stack()
	if touches(stack) {
		exit(v, stack)
	}
	return stack
}

// touches reports whether a frame of the stack belongs to a package that cannot be left in the middle.
func touches(stack []byte) bool {
	for _, line := range bytes.Split(stack, []byte("\n")) {
		if bytes.HasPrefix(line, storage) {
			return true
		}
		rest, ok := bytes.CutPrefix(line, engine)
		if !ok {
			continue
		}
		harmless := false
		for _, p := range pure {
			harmless = harmless || bytes.HasPrefix(rest, p)
		}
		if !harmless {
			return true
		}
	}
	return false
}
