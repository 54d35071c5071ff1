package spatial

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/peterstace/simplefeatures/geom"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
)

func value(t testing.TB, srid uint32, wkt string) []byte {
	t.Helper()
	g, err := geom.UnmarshalWKT(wkt, geom.NoValidate{})
	if err != nil {
		t.Fatal(err)
	}
	return g.AppendWKB(binary.LittleEndian.AppendUint32(nil, srid))
}

func randomBox(r *rand.Rand, globe bool) Box {
	scale := math.Pow(10, float64(r.IntN(8)-2))
	x, y := (r.Float64()-0.5)*2*scale, (r.Float64()-0.5)*2*scale
	w, h := 0.0, 0.0
	if r.IntN(3) > 0 {
		size := math.Pow(10, float64(r.IntN(9)-6))
		w, h = r.Float64()*size, r.Float64()*size
	}
	if globe {
		x, y = (r.Float64()-0.5)*360, (r.Float64()-0.5)*170
		w, h = min(w, 350), min(h, 5)
	}
	if r.IntN(4) == 0 {
		x, y = math.Round(x), math.Round(y)
	}
	return Box{x, y, x + w, y + h}
}

// entriesOf are the entries of a box, as the index has them.
func entriesOf(b Box, globe bool) (out [][]row.Datum) {
	for _, p := range b.Parts(globe) {
		size, x0, y0, x1, y1 := cellsOf(p)
		for x := x0; x <= x1; x++ {
			for y := y0; y <= y1; y++ {
				out = append(out, []row.Datum{row.FromUint(uint64(size)), row.FromUint(interleave(uint32(x), uint32(y))),
					row.FromFloat(p.MinX), row.FromFloat(p.MinY), row.FromFloat(p.MaxX), row.FromFloat(p.MaxY)})
			}
		}
	}
	return out
}

func found(entries [][]row.Datum, q Box, globe bool) bool {
	for _, p := range q.Parts(globe) {
		for _, e := range entries {
			if !BoxOfEntry(e).Meets(p) {
				continue
			}
			for _, r := range Ranges(p, int(e[0].N)) {
				if r.Low[1].N <= e[1].N && e[1].N <= r.High[1].N {
					return true
				}
			}
		}
	}
	return false
}

// TestNoBoxIsLost: what meets a box is in one of its ranges; on a globe, across the antimeridian too.
func TestNoBoxIsLost(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	met := 0
	for i := range 60000 {
		globe := i%2 == 0
		a, q := randomBox(r, globe), randomBox(r, globe)
		if i%3 == 0 { // near each other
			q = q.moved(a.MinX - q.MinX)
			q.MinY, q.MaxY = a.MinY, max(a.MinY, a.MinY+q.MaxY-q.MinY)
			if globe && q.MinX > 180 {
				q = q.moved(-360)
			}
		}
		meets := a.Meets(q) || globe && (a.Meets(q.moved(360)) || a.Meets(q.moved(-360)))
		entries := entriesOf(a, globe)
		if len(entries) > 4 && !globe || len(entries) > 8 {
			t.Fatalf("%v has %d entries", a, len(entries))
		}
		if meets {
			met++
		}
		if got := found(entries, q, globe); got != meets {
			t.Fatalf("%v and %v (globe %v): found %v, meets %v", a, q, globe, got, meets)
		}
		for size := range Sizes {
			if i%100 > 0 {
				break
			}
			if n := len(Ranges(q.Parts(globe)[0], size)); n > maxRanges {
				t.Fatalf("%v: %d ranges", q, n)
			}
		}
	}
	if met < 10000 {
		t.Fatalf("only %d pairs met", met)
	}
}

func TestPlaceKeepsOrder(t *testing.T) {
	list := []float64{math.Inf(-1), -1e300, -1e9, -180, -1, -1e-12, 0, 1e-12, 1, 90, 180, 1e9, 1e300, math.Inf(1)}
	for i := 1; i < len(list); i++ {
		if place(list[i-1]) > place(list[i]) {
			t.Errorf("place(%v) > place(%v)", list[i-1], list[i])
		}
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 100000 {
		a := (r.Float64() - 0.5) * math.Pow(10, float64(r.IntN(20)-8))
		b := math.Nextafter(a, math.Inf(1))
		if place(a) > place(b) {
			t.Fatalf("place(%v) > place(%v)", a, b)
		}
	}
}

func TestBoxOf(t *testing.T) {
	for _, c := range []struct {
		srid uint32
		wkt  string
		box  Box
		ok   bool
	}{
		{0, "POINT(1 2)", Box{1, 2, 1, 2}, true},
		{0, "LINESTRING(3 1,0 7)", Box{0, 1, 3, 7}, true},
		{0, "GEOMETRYCOLLECTION(POINT(5 5),POLYGON((0 0,0 1,1 1,0 0)))", Box{0, 0, 5, 5}, true},
		{0, "GEOMETRYCOLLECTION EMPTY", Box{}, false},
		{0, "LINESTRING(170 1,-170 2)", Box{-170, 1, 170, 2}, true},
		{4326, "LINESTRING(170 1,-170 2)", Box{170, 1, 190, 2}, true},
		{4326, "LINESTRING(-170 1,170 2)", Box{170, 1, 190, 2}, true},
		{4326, "MULTIPOINT(179 0,-179 1)", Box{179, 0, 181, 1}, true},
	} {
		box, ok := BoxOf(value(t, c.srid, c.wkt))
		if ok != c.ok || box != c.box {
			t.Errorf("%s: %v %v", c.wkt, box, ok)
		}
	}
	if _, ok := BoxOf([]byte{0, 0, 0, 0, 1, 2, 0, 0, 0, 255, 255, 255, 255}); ok {
		t.Error("a line without its points has a box")
	}
}

func TestHolds(t *testing.T) {
	const square = "POLYGON((0 0,0 4,4 4,4 0,0 0))"
	for _, c := range []struct {
		srid       uint32
		name, a, b string
		want       string
	}{
		{0, "ST_Contains", square, "POINT(1 1)", "1"},
		{0, "ST_Contains", square, "POINT(0 1)", "0"},
		{0, "ST_Within", "POINT(1 1)", square, "1"},
		{0, "ST_Touches", square, "POINT(0 1)", "1"},
		{0, "ST_Touches", "POINT(0 1)", "POINT(0 1)", "NULL"},
		{0, "ST_Overlaps", square, "POLYGON((2 2,2 6,6 6,6 2,2 2))", "1"},
		{0, "ST_Overlaps", square, "POINT(1 1)", "NULL"},
		{0, "ST_Crosses", "LINESTRING(-1 1,5 1)", square, "1"},
		{0, "ST_Crosses", square, "LINESTRING(-1 1,5 1)", "NULL"},
		{0, "ST_Equals", "LINESTRING(0 0,2 2)", "LINESTRING(2 2,1 1,0 0)", "1"},
		{0, "ST_Disjoint", square, "POINT(9 9)", "1"},
		{0, "ST_Intersects", square, "GEOMETRYCOLLECTION EMPTY", "NULL"},
		{0, "MBRContains", square, "POINT(0 1)", "0"},
		{0, "MBRCovers", square, "POINT(0 1)", "1"},
		{0, "MBRTouches", square, "POINT(0 1)", "1"},
		{0, "MBROverlaps", square, "POLYGON((2 2,2 6,6 6,6 2,2 2))", "1"},
		{0, "MBROverlaps", square, square, "0"},
		{0, "MBREquals", square, "LINESTRING(0 0,4 4)", "1"},
		{0, "MBRWithin", "LINESTRING(0 0,0 4)", square, "0"},
		{0, "MBRCoveredBy", "LINESTRING(0 0,0 4)", square, "1"},
		{4326, "ST_Contains", "POLYGON((170 0,-170 0,-170 10,170 10,170 0))", "POINT(-175 5)", "1"},
		{4326, "ST_Contains", "POLYGON((170 0,-170 0,-170 10,170 10,170 0))", "POINT(0 5)", "0"},
		{4326, "ST_Within", "POINT(175 5)", "POLYGON((-170 0,170 0,170 10,-170 10,-170 0))", "1"},
	} {
		holds, null, err := Relations[strings.ToLower(c.name)].Holds(value(t, c.srid, c.a), value(t, c.srid, c.b))
		got := "0"
		if null {
			got = "NULL"
		} else if holds {
			got = "1"
		}
		if err != nil || got != c.want {
			t.Errorf("%s(%s, %s): %s, %v; want %s", c.name, c.a, c.b, got, err, c.want)
		}
	}
}

func BenchmarkEntries(b *testing.B) {
	x := NewIndex(&table.Index{Parts: []table.Part{{Column: 0}}})
	r := []row.Datum{row.FromBytes(value(b, 0, "POLYGON((10 10,10 11,11 11,11 10,10 10))"))}
	b.ReportAllocs()
	for b.Loop() {
		x.Entries(r, func([]row.Datum) {})
	}
}

func BenchmarkRanges(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Ranges(Box{100, 200, 101, 201}, 0)
	}
}
