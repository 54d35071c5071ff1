// Package isolation decides whether what clients saw of concurrent transactions is what MySQL promises for their isolation level.
// It is pure: histories go in, anomalies come out. It knows no server and imports nothing of this project.
//
// A history is a list of transactions: what each read and wrote, whether it was acknowledged, and when it began and ended. Two
// forms are understood, both from "Elle: Inferring Isolation Anomalies from Experimental Observations" (K. Kingsbury, P. Alvaro, VLDB 2020):
//
//   - list-append: every write appends a value, never used twice, to a key's list; a read returns the list. So each read tells which
//     writes it saw and in which order they happened.
//   - register: every write replaces a value that the same transaction had read with a lock; so each version names the one before it.
//
// From them follow the versions of each key and the dependencies between transactions: ww (overwrote), wr (read what the other wrote), rw
// (read what the other then overwrote), and real time. Anomalies are named after A. Adya, "Weak Consistency" (MIT, 1999): a cycle of
// ww is G0, of ww and wr G1c, with one rw G-single, with several that are never adjacent a long fork, with any G2-item.
//
//	history.go  the form of a history; versions.go: the order of each key's versions
//	graph.go    dependencies and cycles
//	check.go    what is checked at which level; Level's comments are the promises
//	load.go     random transactions that make histories worth checking
package isolation
