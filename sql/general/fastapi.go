package general

import (
	"github.com/zoryadb/zorya/sql/datum"
)

// TableInfo is what the fast lane needs to know of a table beyond its table.Def.
type TableInfo struct {
	Columns []ColumnInfo
	// Plain says that rows may be written without evaluating anything: no check, no generated column, no functional index.
	Plain bool
	// Keys are the table's foreign keys, in the order in which they are checked.
	Keys []ForeignKey
	// Partitioned says that the rows are elsewhere.
	Partitioned bool
	// Filled says that a column shows as the general lane alone writes it: a ZEROFILL that is no whole number.
	Filled bool
}

// ColumnInfo describes one column of Def.Columns.
type ColumnInfo struct {
	Codec datum.Codec
	// Default is the SQL text of the DEFAULT clause, "" for none; Literal says that it is a literal.
	Default  string
	Literal  bool
	OnUpdate string // the SQL text of ON UPDATE, "" for none
	Hidden   bool   // invisible: not part of *
	Unsigned bool   // of a DECIMAL, FLOAT or DOUBLE: no negative numbers
}

// ForeignKey is a foreign key of a table.
type ForeignKey struct {
	Columns       []int  // of the table
	Schema, Table string // the parent's
	Parts         []string
}
