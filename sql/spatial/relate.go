package spatial

import (
	"fmt"
	"math"
	"strings"

	"github.com/peterstace/simplefeatures/geom"
)

// Relation is a spatial relation as MySQL names its function.
type Relation struct {
	Name  string // MBRContains, ST_Touches
	boxes bool   // of the boxes alone
	is    string // contains, touches
}

// Relations are MySQL's, by the function's name in lower case.
var Relations = func() map[string]Relation {
	out := map[string]Relation{}
	for _, name := range strings.Fields("MBRContains MBRWithin MBRCovers MBRCoveredBy MBREquals MBRIntersects MBROverlaps MBRTouches MBRDisjoint " +
		"ST_Contains ST_Within ST_Equals ST_Intersects ST_Overlaps ST_Touches ST_Crosses ST_Disjoint") {
		prefix, is := name[:3], strings.ToLower(name[3:])
		out[strings.ToLower(name)] = Relation{Name: name, boxes: prefix == "MBR", is: is}
	}
	return out
}()

// Near reports whether the relation holds between geometries only whose boxes have a point in common.
func (r Relation) Near() bool { return r.is != "disjoint" }

// InvalidError says that a value is no geometry.
type InvalidError struct{ err error }

func (e *InvalidError) Error() string { return fmt.Sprintf("a value is no geometry: %v", e.err) }
func (e *InvalidError) Unwrap() error { return e.err }

// Holds reports whether the relation holds between two stored values of one reference system; null, that MySQL's answer is NULL: one of them is empty, or of a dimension for
// which the relation is not defined. On a globe, lines are straight between longitudes and latitudes, and go the shorter way round.
func (r Relation) Holds(a, b []byte) (holds, null bool, err error) {
	x, some := BoxOf(a)
	y, others := BoxOf(b)
	if !some || !others {
		return false, true, nil
	}
	globe := Geographic(SRID(a))
	if globe && !x.Meets(y) {
		for _, turned := range []Box{y.moved(360), y.moved(-360)} {
			if x.Meets(turned) {
				y = turned
				break
			}
		}
	}
	if r.boxes {
		return r.ofBoxes(x, y), false, nil
	}
	p, err := parse(a, globe, x)
	if err != nil {
		return false, false, err
	}
	q, err := parse(b, globe, y)
	if err != nil {
		return false, false, err
	}
	if r.undefined(p.Dimension(), q.Dimension()) {
		return false, true, nil
	}
	if !x.Meets(y) {
		return !r.Near(), false, nil
	}
	holds, err = r.ofGeometries(p, q)
	return holds, false, err
}

// parse reads a value whose box is known; on a globe it lies in just that box.
func parse(b []byte, globe bool, box Box) (geom.Geometry, error) {
	if globe {
		b = unwrapped(b)
	}
	g, err := geom.UnmarshalWKB(b[4:], geom.NoValidate{})
	if err != nil {
		return g, &InvalidError{err}
	}
	if low, ok := g.Envelope().Min().XY(); ok && globe {
		turn := math.Round((box.MinX-low.X)/360) * 360
		g = g.TransformXY(func(p geom.XY) geom.XY { return geom.XY{X: p.X + turn, Y: p.Y} })
	}
	return g, nil
}

// undefined reports whether a relation of geometries of these dimensions is NULL.
func (r Relation) undefined(a, b int) bool {
	switch r.is {
	case "crosses":
		return a == 2 || b == 0
	case "overlaps":
		return a != b
	case "touches":
		return a == 0 && b == 0
	}
	return false
}

// ofGeometries answers by the intersection matrix (DE-9IM, OGC 06-103r4, section 6.1.15). A geometry that is not valid can bring the library down.
func (r Relation) ofGeometries(a, b geom.Geometry) (ok bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			ok, err = false, &InvalidError{fmt.Errorf("%s of %s and %s: %v", r.Name, a.Type(), b.Type(), p)}
		}
	}()
	switch r.is {
	case "contains":
		if a.Dimension() == 2 && b.IsPoint() && !a.IsGeometryCollection() {
			return hasWithin(a, b), nil
		}
		return geom.Contains(a, b)
	case "within":
		if b.Dimension() == 2 && a.IsPoint() && !b.IsGeometryCollection() {
			return hasWithin(b, a), nil
		}
		return geom.Within(a, b)
	case "equals":
		return geom.Equals(a, b)
	case "intersects":
		return geom.Intersects(a, b), nil
	case "disjoint":
		return !geom.Intersects(a, b), nil
	case "overlaps":
		return geom.Overlaps(a, b)
	case "touches":
		return geom.Touches(a, b)
	case "crosses":
		return geom.Crosses(a, b)
	}
	return false, fmt.Errorf("no relation %q", r.Name)
}

// hasWithin reports whether a point lies in the interior of an area. The matrix, of which this is one cell, needs all edges against all.
func hasWithin(area, point geom.Geometry) bool {
	return geom.Intersects(area, point) && !geom.Intersects(area.Boundary(), point)
}

// ofBoxes answers for two boxes, which may be lines or points. The interior of a box is the product of the interiors of its sides; that of a side
// without length is the side itself.
func (r Relation) ofBoxes(a, b Box) bool {
	meet := a.Meets(b)
	inside := meet && inner(a.MinX, a.MaxX, b.MinX, b.MaxX) && inner(a.MinY, a.MaxY, b.MinY, b.MaxY)
	switch r.is {
	case "contains":
		return inside && a.holds(b)
	case "within":
		return inside && b.holds(a)
	case "covers":
		return a.holds(b)
	case "coveredby":
		return b.holds(a)
	case "equals":
		return a == b
	case "intersects":
		return meet
	case "disjoint":
		return !meet
	case "touches":
		return meet && !inside
	case "overlaps":
		alike := (a.MinX == a.MaxX) == (b.MinX == b.MaxX) && (a.MinY == a.MaxY) == (b.MinY == b.MaxY)
		return inside && alike && !a.holds(b) && !b.holds(a)
	}
	return false
}

// inner reports whether the interiors of two intervals that meet do.
func inner(a, b, c, d float64) bool {
	if a == b || c == d { // a point and something: the point is not at an end
		return a == b && c == d || a == b && c < a && a < d || c == d && a < c && c < b
	}
	return a < d && c < b
}
