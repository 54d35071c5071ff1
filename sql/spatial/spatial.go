// Package spatial owns what a SPATIAL index holds and what the relations of geometries mean: the box of a value (box.go), the cells that its entries
// lie in and the key ranges that a box covers (cells.go), and the relations of boxes and of geometries (relate.go).
//
// A SPATIAL index is a secondary index whose entries this package makes: (cell size, cell's place on the Z-order curve, box). A box lies in the one to four
// cells of the smallest size of which so few hold it, so that large objects have few entries and small ones no coarse cell, wherever they lie. Because sizes come first in
// the key, a search walks a bounded number of ranges for each size that is in use, and leaps over the others. It is the linear quadtree of
// Gargantini (1982) with the redundancy of Orenstein (1989).
//
// Invariant: a row whose box meets a box B has an entry whose box meets B in a range of Ranges(B). What an entry depends on is in the value alone.
package spatial

import (
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
)

// Kind is the kind of every SPATIAL index (table.Index.Kind).
const Kind = "spatial"

// Index makes the entries of a SPATIAL index.
type Index struct{ column int }

var _ table.Extractor = (*Index)(nil)

// NewIndex returns what makes the entries of ix.
func NewIndex(ix *table.Index) *Index { return &Index{column: ix.Parts[0].Column} }

// Keys implements table.Extractor: the cell's size, its number, and the box.
func (*Index) Keys() []row.KeyPart {
	f := row.KeyPart{Class: row.Float64}
	return []row.KeyPart{{Class: row.Uint}, {Class: row.Uint}, f, f, f, f}
}

// Entries implements table.Extractor. An empty geometry has none: no relation finds it.
func (x *Index) Entries(r []row.Datum, emit func([]row.Datum)) {
	d := &r[x.column]
	if d.Null {
		return
	}
	box, ok := BoxOf(d.B)
	if !ok {
		return
	}
	var e [6]row.Datum
	for _, b := range box.Parts(Geographic(SRID(d.B))) {
		e[2], e[3], e[4], e[5] = row.FromFloat(b.MinX), row.FromFloat(b.MinY), row.FromFloat(b.MaxX), row.FromFloat(b.MaxY)
		size, x0, y0, x1, y1 := cellsOf(b)
		for x := x0; x <= x1; x++ {
			for y := y0; y <= y1; y++ {
				e[0], e[1] = row.FromUint(uint64(size)), row.FromUint(interleave(uint32(x), uint32(y)))
				emit(e[:])
			}
		}
	}
}

// BoxOfEntry is the box that an entry says.
func BoxOfEntry(e []row.Datum) Box {
	return Box{e[2].Float(), e[3].Float(), e[4].Float(), e[5].Float()}
}
