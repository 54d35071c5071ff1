//go:build !race

package btree

const seeds = 4
