//go:build race

package sim

// underRace: the cores are single-threaded, so a few seeds are enough for the race detector.
const underRace = true
