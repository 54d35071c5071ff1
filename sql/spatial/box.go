package spatial

import (
	"encoding/binary"
	"math"
	"slices"
)

// Box is the smallest rectangle around a geometry (MBR). In a geographic reference system x is the longitude, from -180 to 180 where the box
// begins; one that crosses the antimeridian ends beyond 180.
type Box struct{ MinX, MinY, MaxX, MaxY float64 }

// Meets reports whether two boxes have a point in common.
func (b Box) Meets(o Box) bool {
	return b.MinX <= o.MaxX && o.MinX <= b.MaxX && b.MinY <= o.MaxY && o.MinY <= b.MaxY
}

// holds reports whether o lies in b, its border included.
func (b Box) holds(o Box) bool {
	return b.MinX <= o.MinX && o.MaxX <= b.MaxX && b.MinY <= o.MinY && o.MaxY <= b.MaxY
}

func (b Box) moved(dx float64) Box { return Box{b.MinX + dx, b.MinY, b.MaxX + dx, b.MaxY} }

// Parts are the boxes of b between the longitudes -180 and 180: the antimeridian belongs to both ends.
func (b Box) Parts(geographic bool) []Box {
	switch {
	case !geographic || b.MinX > -180 && b.MaxX < 180:
		return []Box{b}
	case b.MaxX-b.MinX >= 360:
		return []Box{{-180, b.MinY, 180, b.MaxY}}
	case b.MinX <= -180:
		return []Box{{-180, b.MinY, min(b.MaxX, 180), b.MaxY}, {b.MinX + 360, b.MinY, 180, b.MaxY}}
	}
	return []Box{{b.MinX, b.MinY, 180, b.MaxY}, {-180, b.MinY, b.MaxX - 360, b.MaxY}}
}

// SRID is the spatial reference system of a stored value, 0 for no value.
func SRID(b []byte) uint32 {
	if len(b) < 4 {
		return 0
	}
	return binary.LittleEndian.Uint32(b)
}

// Geographic reports whether coordinates of a reference system are degrees on a globe. WGS 84 is the one that columns can have.
func Geographic(srid uint32) bool { return srid == 4326 }

// BoxOf is the box of a stored value: SRID and well-known binary (OGC 06-103r4, section 8). ok is false for an empty geometry, and for what is none.
func BoxOf(b []byte) (box Box, ok bool) {
	if len(b) < 4 {
		return box, false
	}
	w := walker{b: b[4:], box: Box{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}, wraps: Geographic(SRID(b))}
	if !w.geometry(0) || w.box.MinX > w.box.MaxX {
		return Box{}, false
	}
	box = w.box
	if w.wraps {
		for box.MaxX > 180 && box.MinX >= 180 {
			box = box.moved(-360)
		}
		for box.MinX < -180 {
			box = box.moved(360)
		}
	}
	return box, true
}

// maxNesting bounds collections within collections.
const maxNesting = 64

// unwrapped is a geographic value whose longitudes go on from each other past the antimeridian.
func unwrapped(b []byte) []byte {
	b = slices.Clone(b)
	w := walker{b: b[4:], box: Box{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}, wraps: true, write: true}
	w.geometry(0)
	return b
}

// walker reads well-known binary. On a globe the points of a line follow each other by the shorter way, and the parts of a collection lie where they are nearest to the first.
type walker struct {
	b     []byte
	order binary.ByteOrder
	box   Box
	wraps bool
	write bool // the longitudes as they follow each other are written back
}

func (w *walker) count() (int, bool) {
	if len(w.b) < 4 {
		return 0, false
	}
	n := int(w.order.Uint32(w.b))
	w.b = w.b[4:]
	return n, true
}

func (w *walker) geometry(depth int) bool {
	if len(w.b) < 5 || w.b[0] > 1 || depth > maxNesting {
		return false
	}
	w.order = binary.BigEndian
	if w.b[0] == 1 {
		w.order = binary.LittleEndian
	}
	kind := w.order.Uint32(w.b[1:])
	w.b = w.b[5:]
	switch kind {
	case 1:
		return w.points(1)
	case 2:
		n, ok := w.count()
		return ok && w.points(n)
	case 3:
		n, ok := w.count()
		for ; ok && n > 0; n-- {
			var m int
			if m, ok = w.count(); ok {
				ok = w.points(m)
			}
		}
		return ok
	case 4, 5, 6, 7:
		n, ok := w.count()
		for ; ok && n > 0; n-- {
			ok = w.geometry(depth + 1)
		}
		return ok
	}
	return false
}

// points reads a run of points; on a globe it moves the longitudes in place, by whole turns, so that they go on from each other.
func (w *walker) points(n int) bool {
	if n < 0 || n > len(w.b)/16 {
		return false
	}
	var own Box
	last := 0.0
	for i := range n {
		x, y := math.Float64frombits(w.order.Uint64(w.b[16*i:])), math.Float64frombits(w.order.Uint64(w.b[16*i+8:]))
		if math.IsNaN(x-x) || math.IsNaN(y-y) { // no number, or without bound
			return false
		}
		if w.wraps {
			switch {
			case i > 0:
				x = near(x, last)
			case w.box.MinX <= w.box.MaxX:
				x = near(x, (w.box.MinX+w.box.MaxX)/2)
			}
			last = x
			if w.write {
				w.order.PutUint64(w.b[16*i:], math.Float64bits(x))
			}
		}
		if i == 0 {
			own = Box{x, y, x, y}
			continue
		}
		own = Box{min(own.MinX, x), min(own.MinY, y), max(own.MaxX, x), max(own.MaxY, y)}
	}
	w.b = w.b[16*n:]
	if n > 0 {
		w.box = Box{min(w.box.MinX, own.MinX), min(w.box.MinY, own.MinY), max(w.box.MaxX, own.MaxX), max(w.box.MaxY, own.MaxY)}
	}
	return true
}

// near is the longitude x by as many turns that it is at most half a turn from at.
func near(x, at float64) float64 {
	for x-at > 180 {
		x -= 360
	}
	for at-x > 180 {
		x += 360
	}
	return x
}
