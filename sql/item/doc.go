// Package item computes expressions as MySQL does. MySQL's server calls an expression an Item; each has a static type with a number of
// decimals and a collation, and asks its arguments for an integer, an exact or a floating number, a string or a time, whichever its own
// rule says. The library of the general lane computes with what values happen to be, which differs in hundreds of small ways. This package owns
// those rules: it replaces the library's expressions in a plan by its own and leaves alone what it does not know.
//
//	attr.go      the static type of an expression
//	convert.go   values as MySQL's val_int, val_real, val_decimal and val_str give them, with their warnings
//	temporal.go  values as times
//	compare.go   comparisons, BETWEEN, IN and the type that they compare in
//	arith.go, round.go, bits.go, logic.go, choice.go, cast.go, aggregate.go
//	             the expressions
//	args.go      the library's own functions, whose arguments are given as MySQL would
//	rewrite.go   Expr, which replaces one expression
//
// An expression is replaced once its children are. What decides about indexes and joins (comparisons, IN) stays the library's until plans are
// made, wherever both mean the same; Options.Early says so.
//
// Sources: the MySQL 8.0 reference manual, sections 12.3 (type conversion), 12.4 to 12.8 and 12.25 (precision math); answers of MariaDB 10.11
// and MySQL 8.0. Invariants: Eval never panics on a value of the wrong Go type; a warning's number and text are MySQL's.
package item
