package spatial

import (
	"cmp"
	"math"
	"slices"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
)

// Coordinates are mapped to 32 bits by a function that keeps their order, linear near zero and logarithmic far from it, so that one grid serves degrees as well
// as metres: 2^25 steps for each doubling of |x| + 2^-10, up to 2^53. It is made of an addition and shifts, which give the same bits on every machine: the result is stored.

const (
	nearZero  = 1.0 / (1 << 10)
	farOut    = 1 << 53
	stepShift = 52 - 25
	// cellStep is how many bits cells of one size are smaller than those of the next one, Sizes how many sizes there are; the last is one cell for all.
	cellStep = 2
	Sizes    = 32/cellStep + 1
)

// place maps a coordinate. NaN, which no geometry has, lies with the largest.
func place(x float64) uint32 {
	a := math.Abs(x) + nearZero
	if !(a < farOut) {
		a = farOut
	}
	d := uint32((math.Float64bits(a) - math.Float64bits(nearZero)) >> stepShift)
	if x < 0 {
		return 1<<31 - 1 - d
	}
	return 1<<31 + d
}

// cellsOf is the smallest size of which at most two by two cells hold the box, and those cells.
func cellsOf(b Box) (size int, x0, y0, x1, y1 uint64) {
	lx, ly, hx, hy := uint64(place(b.MinX)), uint64(place(b.MinY)), uint64(place(b.MaxX)), uint64(place(b.MaxY))
	for size = 0; ; size++ {
		s := size * cellStep
		x0, y0, x1, y1 = lx>>s, ly>>s, hx>>s, hy>>s
		if x1-x0 <= 1 && y1-y0 <= 1 {
			return size, x0, y0, x1, y1
		}
	}
}

// interleave is the place of a cell on the Z-order curve: x's bits in the even places.
func interleave(x, y uint32) uint64 { return spread(x) | spread(y)<<1 }

func spread(v uint32) uint64 {
	x := uint64(v)
	x = (x | x<<16) & 0x0000ffff0000ffff
	x = (x | x<<8) & 0x00ff00ff00ff00ff
	x = (x | x<<4) & 0x0f0f0f0f0f0f0f0f
	x = (x | x<<2) & 0x3333333333333333
	return (x | x<<1) & 0x5555555555555555
}

// maxRanges bounds the ranges of one size that a box is cut into.
const maxRanges = 12

// rect is a rectangle of cells, both ends included.
type rect struct{ x0, y0, x1, y1 uint64 }

// span is a run of cells on the curve.
type span struct{ low, high uint64 }

// cover cuts a rectangle into at most maxRanges runs of the curve, in order, which hold it all. It halves squares that the rectangle does not fill, largest first; of a
// square that is left, the run from the rectangle's lowest to its highest corner is taken, for the curve rises with either coordinate.
func cover(r rect) []span {
	type square struct {
		x, y uint64 // in units of its side
		bits int    // of its side
	}
	cut := func(q square) (rect, bool) {
		in := rect{max(r.x0, q.x<<q.bits), max(r.y0, q.y<<q.bits), min(r.x1, q.x<<q.bits|(1<<q.bits-1)), min(r.y1, q.y<<q.bits|(1<<q.bits-1))}
		return in, in.x0 <= in.x1 && in.y0 <= in.y1
	}
	var done []rect
	open := []square{{0, 0, 32}}
	for len(open) > 0 {
		var next []square
		for _, q := range open {
			in, some := cut(q)
			if !some {
				continue
			}
			if q.bits == 0 || in.x1-in.x0 == 1<<q.bits-1 && in.y1-in.y0 == 1<<q.bits-1 {
				done = append(done, in)
				continue
			}
			for i := range uint64(4) {
				sub := square{q.x<<1 | i&1, q.y<<1 | i>>1, q.bits - 1}
				if _, some := cut(sub); some {
					next = append(next, sub)
				}
			}
		}
		if len(done)+len(next) > maxRanges {
			for _, q := range open {
				if in, some := cut(q); some && !slices.Contains(done, in) {
					done = append(done, in)
				}
			}
			break
		}
		open = next
	}
	out := make([]span, len(done))
	for i, d := range done {
		out[i] = span{interleave(uint32(d.x0), uint32(d.y0)), interleave(uint32(d.x1), uint32(d.y1))}
	}
	slices.SortFunc(out, func(a, b span) int {
		return cmp.Compare(a.low, b.low)
	})
	joined := out[:0]
	for _, s := range out {
		if n := len(joined); n > 0 && s.low <= joined[n-1].high+1 {
			joined[n-1].high = max(joined[n-1].high, s.high)
			continue
		}
		joined = append(joined, s)
	}
	return joined
}

// Ranges are the ranges of a size's entries among which are all whose boxes meet b: at most twelve.
func Ranges(b Box, size int) []table.Range {
	s := size * cellStep
	r := rect{uint64(place(b.MinX)) >> s, uint64(place(b.MinY)) >> s, uint64(place(b.MaxX)) >> s, uint64(place(b.MaxY)) >> s}
	spans := cover(r)
	out := make([]table.Range, len(spans))
	n := row.FromUint(uint64(size))
	for i, p := range spans {
		out[i] = table.Range{Low: []row.Datum{n, row.FromUint(p.low)}, High: []row.Datum{n, row.FromUint(p.high)}}
	}
	return out
}

// From is the range of all entries of cells of that size and larger ones: the first tells the next size that is in use.
func From(size int) table.Range { return table.Range{Low: []row.Datum{row.FromUint(uint64(size))}} }
