// Package overflow owns long values: byte strings of up to 4 GiB - 1 that do not fit a leaf. They lie
// in pages of the tree that they belong to, so that dropping the tree frees them.
//
// A value is written once, in bounded MTRs, and never changed. docs/format/overflow.md has the byte diagrams.
package overflow
