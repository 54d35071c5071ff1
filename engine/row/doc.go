package row

// The files of this package: datum.go (values), stored.go (a row as a clustered leaf holds it), key.go
// (memcomparable keys), secondary.go (what a secondary leaf holds beside its key). Byte diagrams:
// docs/format/row.md and docs/format/key.md.
