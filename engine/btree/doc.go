// Package btree owns B+trees of byte-string keys and values in pages of the volume. Keys are unique and
// ordered by bytes.Compare; what keys and values mean is for the layers above.
//
// Invariants:
//   - The root page of a tree never moves. Level 0 are leaves; only leaves hold values.
//   - In an inner page the first key is empty, every other is the smallest prefix that separates its two neighbours.
//   - Every structure change (split, merge, growth of the root) is an MTR of its own that latches one
//     parent and its children; between two MTRs the tree is valid.
//   - Leaves have no sibling links. A scan holds no latch between batches and remembers a key; the parent
//     says where a leaf's range ends. So splits and merges cannot lead a scan astray, in either direction.
//
// Descents crab with shared latches and take the leaf as they need it. Page form: node.go, docs/format/btree-page.md;
// descent: tree.go; changes: edit.go; structure: split.go, merge.go; reading in order: scan.go.
package btree
