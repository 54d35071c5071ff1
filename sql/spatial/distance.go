package spatial

import (
	"fmt"
	"math"

	"github.com/peterstace/simplefeatures/geom"
)

// EarthRadius is what ST_Distance_Sphere takes for the radius of the earth, in metres.
const EarthRadius = 6370986.0

// OutOfRangeError says that a coordinate is no longitude or latitude.
type OutOfRangeError struct {
	Longitude bool
	Value     float64 // degrees
}

func (e *OutOfRangeError) Error() string { return fmt.Sprintf("a coordinate of %v degrees", e.Value) }

// ErrNoPoints says that a distance on a sphere is asked of something else than points.
var ErrNoPoints = fmt.Errorf("distances on a sphere are between points")

// DistanceSphere is the shortest distance of two points, or sets of points, on a sphere: x is the longitude, y the latitude. null: one of them is empty.
func DistanceSphere(a, b []byte, radius float64) (d float64, null bool, err error) {
	p, err := spherePoints(a)
	if err != nil {
		return 0, false, err
	}
	q, err := spherePoints(b)
	if err != nil || len(p) == 0 || len(q) == 0 {
		return 0, err == nil, err
	}
	least := math.Inf(1)
	for _, x := range p {
		for _, y := range q {
			least = min(least, haversine(x, y))
		}
	}
	return least * radius, false, nil
}

func spherePoints(b []byte) (out []geom.XY, err error) {
	if len(b) < 4 {
		return nil, &InvalidError{fmt.Errorf("%d bytes", len(b))}
	}
	g, err := geom.UnmarshalWKB(b[4:], geom.NoValidate{})
	if err != nil {
		return nil, &InvalidError{err}
	}
	if !g.IsPoint() && !g.IsMultiPoint() {
		return nil, ErrNoPoints
	}
	seq := g.DumpCoordinates()
	for i := range seq.Length() {
		xy := seq.GetXY(i)
		switch {
		case !(xy.X > -180 && xy.X <= 180):
			return nil, &OutOfRangeError{true, xy.X}
		case !(xy.Y >= -90 && xy.Y <= 90):
			return nil, &OutOfRangeError{false, xy.Y}
		}
		out = append(out, xy)
	}
	return out, nil
}

func haversine(a, b geom.XY) float64 {
	const rad = math.Pi / 180
	s, t := math.Sin((b.Y-a.Y)*rad/2), math.Sin((b.X-a.X)*rad/2)
	h := s*s + math.Cos(a.Y*rad)*math.Cos(b.Y*rad)*t*t
	return 2 * math.Asin(math.Sqrt(min(h, 1)))
}

// Around is a box that holds every point which lies on a sphere at most so many metres from a point of b.
func Around(b Box, distance, radius float64) Box {
	const slack = 1e-9 // of rounding
	angle := distance/radius*180/math.Pi*(1+slack) + slack
	south, north := b.MinY-angle, b.MaxY+angle
	if south <= -90 || north >= 90 || !(angle < 90) {
		return Box{-180, max(south, -90), 180, min(north, 90)}
	}
	// The farthest longitude lies a little poleward of the point: asin(sin(distance) / cos(latitude)).
	lat := max(math.Abs(b.MinY), math.Abs(b.MaxY)) * math.Pi / 180
	wide := math.Sin(angle*math.Pi/180) / math.Cos(lat)
	if !(wide < 1) {
		return Box{-180, south, 180, north}
	}
	dx := math.Asin(wide)*180/math.Pi*(1+slack) + slack
	return Box{b.MinX - dx, south, b.MaxX + dx, north}
}

// ErrGeographic says that a distance on the ellipsoid is asked of something else than points.
var ErrGeographic = fmt.Errorf("distances on a globe are between points")

// Distance is the shortest distance of two stored values of one reference system: in its unit on a plane, in metres on the ellipsoid of a geographic one, where both must be points or
// sets of points. null: one of them is empty.
func Distance(a, b []byte) (d float64, null bool, err error) {
	if Geographic(SRID(a)) {
		p, err := spherePoints(a)
		if err == ErrNoPoints {
			err = ErrGeographic
		}
		if err != nil {
			return 0, false, err
		}
		q, err := spherePoints(b)
		if err == ErrNoPoints {
			err = ErrGeographic
		}
		if err != nil || len(p) == 0 || len(q) == 0 {
			return 0, err == nil, err
		}
		least := math.Inf(1)
		for _, x := range p {
			for _, y := range q {
				least = min(least, geodesic(x, y))
			}
		}
		return least, false, nil
	}
	x, err := parse(a, false, Box{})
	if err != nil {
		return 0, false, err
	}
	y, err := parse(b, false, Box{})
	if err != nil {
		return 0, false, err
	}
	defer func() { // a geometry that is not valid can bring the library down
		if p := recover(); p != nil {
			err = &InvalidError{fmt.Errorf("distance of %s and %s: %v", x.Type(), y.Type(), p)}
		}
	}()
	d, some := geom.Distance(x, y)
	return d, !some, nil
}

// The ellipsoid of WGS 84: its larger radius in metres, and its flattening. LeastRadius is the least radius of curvature: that of a meridian at the equator.
const (
	wgsRadius     = 6378137.0
	wgsFlattening = 1 / 298.257223563
	LeastRadius   = wgsRadius * (1 - wgsFlattening) * (1 - wgsFlattening)
)

// geodesic is the length in metres of the shortest line between two points on the ellipsoid (T. Vincenty, "Direct and inverse solutions of geodesics on the ellipsoid", Survey Review 176,
// 1975), to a tenth of a millimetre; between points nearly opposite each other, where that does not converge, it is the sphere's.
func geodesic(p, q geom.XY) float64 {
	const (
		rad   = math.Pi / 180
		f     = wgsFlattening
		minor = wgsRadius * (1 - f)
	)
	u1, u2 := math.Atan((1-f)*math.Tan(p.Y*rad)), math.Atan((1-f)*math.Tan(q.Y*rad))
	s1, c1 := math.Sincos(u1)
	s2, c2 := math.Sincos(u2)
	length := math.Remainder((q.X-p.X)*rad, 2*math.Pi)
	lambda := length
	for range 200 {
		sl, cl := math.Sincos(lambda)
		sin := math.Hypot(c2*sl, c1*s2-s1*c2*cl)
		if sin == 0 {
			return 0
		}
		cos := s1*s2 + c1*c2*cl
		sigma := math.Atan2(sin, cos)
		alpha := c1 * c2 * sl / sin
		square := 1 - alpha*alpha
		mid := 0.0
		if square > 1e-15 { // otherwise the line is the equator
			mid = cos - 2*s1*s2/square
		}
		c := f / 16 * square * (4 + f*(4-3*square))
		last := lambda
		lambda = length + (1-c)*f*alpha*(sigma+c*sin*(mid+c*cos*(2*mid*mid-1)))
		if math.Abs(lambda-last) > 1e-12 {
			continue
		}
		k := square * (wgsRadius*wgsRadius - minor*minor) / (minor * minor)
		a := 1 + k/16384*(4096+k*(-768+k*(320-175*k)))
		b := k / 1024 * (256 + k*(-128+k*(74-47*k)))
		ds := b * sin * (mid + b/4*(cos*(2*mid*mid-1)-b/6*mid*(4*sin*sin-3)*(4*mid*mid-3)))
		return minor * a * (sigma - ds)
	}
	return haversine(p, q) * EarthRadius
}

// Within is a box that holds every point of a plane that lies at most so far from a point of b.
func Within(b Box, distance float64) Box {
	const slack = 1e-9 // of rounding
	far := distance * (1 + slack)
	return Box{b.MinX - far, b.MinY - far, b.MaxX + far, b.MaxY + far}
}
