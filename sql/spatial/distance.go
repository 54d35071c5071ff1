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
