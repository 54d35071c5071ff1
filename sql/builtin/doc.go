// Package builtin owns the functions of MySQL that the library of the general lane lacks or answers otherwise than MySQL: of dates and times, of JSON
// documents, of texts, regular expressions, encryption, and those of the schema sys. Each is an expression of the library.
//
//	builtin.go      the lists that the general lane takes them from, and what a function asks of its session
//	dates*.go       dates and times, on package temporal
//	json_*.go       documents and paths, on packages jsondoc and jsonpath
//	regexp.go       REGEXP and its functions, on package regex
//	xml.go          EXTRACTVALUE and UPDATEXML, on package xpath
//	sys.go, perf.go, format.go
//	                the schema sys, digests of statements, sizes and times as people read them
//
// What depends on the plan of a statement or on tables (MATCH, window functions, GROUPING, VALUES, user locks) is in package general; operators,
// casts and the conversion of arguments are package item's.
//
// Sources: the MySQL 8.0 reference manual, chapter 12. Invariant: Eval never panics on a value of the wrong Go type; a warning's number and text are MySQL's.
package builtin
