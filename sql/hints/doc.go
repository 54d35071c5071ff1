// Package hints reads the optimizer hints of a statement, SELECT /*+ ... */ and the index hints that the library's grammar lacks, into what the planner is told by them (Set) and what
// is wrong with them. It knows texts and trees; that tables and indexes exist, and what a hint changes, is sql/general's (hintrules.go, indexhints.go).
package hints
