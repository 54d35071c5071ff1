package wire

import (
	"runtime"
	"sync/atomic"
	"time"
)

// turns is how connections that have a goroutine each share the processors. A client that is near and fast has always sent its next command by the time that
// the answer to the last one is written, so that its goroutine never waits for anything, and as many such goroutines as there are processors would keep
// everybody else from theirs for milliseconds. A connection that has not waited for the length of a turn lets the others go first.
type turns struct{ each atomic.Int64 }

const (
	// turnRound is how long it should take until everybody has had a turn. With 16 connections, a round of 1 ms takes a third off p99 and a fifth of
	// what gets done (docs/bench/profile.md).
	turnRound = 4 * time.Millisecond
	// turnLeast is the shortest turn: as many commands as make the price of a wait small, for the processor's caches are warm to those that follow each other.
	turnLeast = 250 * time.Microsecond
)

// share says how many connections there are.
func (t *turns) share(connections int) {
	t.each.Store(int64(max(turnRound*time.Duration(runtime.GOMAXPROCS(0))/time.Duration(max(connections, 1)), turnLeast)))
}

// length is that of a turn.
func (t *turns) length() time.Duration { return time.Duration(t.each.Load()) }
