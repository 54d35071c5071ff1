// Package diff is the differential tester: it makes random schemas, data and statements from a seed, runs them in lockstep on
// two servers (Zorya and MariaDB), compares all that a client sees of each statement, and shrinks a difference to the
// few statements that show it.
//
//	gen.go     a Case from a seed: the statements of several sessions, in one order
//	schema.go, types.go, expr.go, query.go, change.go, ddl.go
//	           what a Case is made of; the generator keeps a model of the schema, not of the data
//	wide.go    families that came later, each behind a weight; shapes.go: more shapes of queries; functions.go: more functions
//	node.go    a statement as a tree, so that it can be shrunk and sent as text or prepared with parameters
//	run.go     a Case on two servers; outcome.go: what a client sees, and what of it must agree
//	known.go   the differences that are meant, each with its reason
//	shrink.go  a smaller Case with the same difference
//
// Invariants of the generator: what it asks has one right answer. Rows are ordered only where ORDER BY is total, LIMIT
// stands only behind such an order, a group's string is compared under its collation, sums of DOUBLE are exact, nothing
// depends on the clock, and no session waits for another's lock (so lockstep never stands still). A Case
// is a function of its seed alone.
//
// The idea of comparing engines on random statements, and of shrinking what differs, is old: SQLsmith (A. Seltenreich), RAGS
// (D. Slutz, VLDB 1998), SQLancer (M. Rigger, Z. Su, OSDI 2020); delta debugging: A. Zeller, R. Hildebrandt, TSE 2002.
package diff
