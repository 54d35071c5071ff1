// Package grammar gives MySQL's grammar to the library's parser. It owns everything that stands between a statement's text and the library's planner and needs no
// catalog and no session: what the library's grammar lacks is written in what it has (Rewrite, on the tokens, for texts that it has refused), a tree that means something else to
// the library than to MySQL is given the form that means the same (Respell, GroupsFirst), and what MySQL refuses by the text or the tree alone is refused (Misuse, SyntaxError).
//
// What the library has no place for travels through it under names that no statement can write: locking clauses as AS OF literals (locking.go), the partitions that a statement
// names behind a table's name (Selection), functions of our own for syntax that nobody else evaluates (the constants of syntax.go). Who reads those on the other side finds them here.
package grammar
