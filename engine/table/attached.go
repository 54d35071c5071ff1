package table

import "fmt"

// KindHistogram are objects that are attached to a table, one for a column. They are dropped with it, renaming it leaves them where they are, and a table that
// is written anew or truncated keeps them.
const KindHistogram = "histogram"

// KindStatistics are a table's cardinalities, one object attached to it. They are dropped with it, renaming it leaves them where they are; a table that is written
// anew or truncated has none.
const KindStatistics = "statistics"

// Attached is what stands for the schema of an object that is attached to the table of that id. No schema of users has such a name.
func Attached(id uint64) string { return fmt.Sprintf("#table %016x", id) }

// AttachedTo finds the id in a text that starts with what Attached gives.
func AttachedTo(scope string) (id uint64, ok bool) {
	n, err := fmt.Sscanf(scope, "#table %16x", &id)
	return id, err == nil && n == 1
}
