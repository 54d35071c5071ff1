//go:build race

package btree

// seeds is small here: TestModel runs one goroutine, the race detector has nothing to find in it.
const seeds = 1
