package general

import (
	"fmt"
	"strings"
	"testing"
)

// TestSpatialJoin: a join by a relation or a distance reads its right side by the SPATIAL index, and gives what it gives without one.
func TestSpatialJoin(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d")
	c.must("CREATE TABLE area (id INT PRIMARY KEY, g POLYGON NOT NULL SRID 0)")
	c.must("CREATE TABLE p (id INT PRIMARY KEY, g POINT NOT NULL SRID 0, SPATIAL INDEX sp (g)); CREATE TABLE q (id INT PRIMARY KEY, g POINT NOT NULL SRID 0)")
	var areas, points []string
	for i := range 12 {
		x := 40 * i
		areas = append(areas, fmt.Sprintf("(%d, ST_GeomFromText('POLYGON((%d 0,%d 0,%d 7,%d 7,%d 0))'))", i, x, x+9, x+9, x, x))
	}
	for i := range 600 {
		points = append(points, fmt.Sprintf("(%d, POINT(%d, %d))", i, 7*i%500, i%11))
	}
	c.must("INSERT INTO area VALUES " + strings.Join(areas, ","))
	c.must("INSERT INTO p VALUES " + strings.Join(points, ","))
	c.must("INSERT INTO q SELECT * FROM p")
	for _, q := range []string{
		"SELECT STRAIGHT_JOIN a.id, COUNT(*), SUM(x.id) FROM area a JOIN %s x ON ST_Contains(a.g, x.g) GROUP BY a.id ORDER BY a.id",
		"SELECT STRAIGHT_JOIN a.id, x.id FROM area a JOIN %s x ON MBRIntersects(x.g, a.g) AND x.id > 50 ORDER BY 1, 2",
		"SELECT a.id, COUNT(x.id) FROM area a LEFT JOIN %s x ON ST_Within(x.g, a.g) AND x.id < 30 GROUP BY a.id ORDER BY a.id",
		"SELECT STRAIGHT_JOIN a.id, x.id FROM area a JOIN %s x WHERE ST_Distance(x.g, a.g) < 2.5 AND a.id < 5 ORDER BY 1, 2",
		"SELECT STRAIGHT_JOIN y.id, x.id FROM q y JOIN %s x ON ST_Distance(x.g, y.g) <= y.id / 10 WHERE y.id < 20 ORDER BY 1, 2",
		"SELECT a.id FROM area a WHERE EXISTS (SELECT 1 FROM %s x WHERE ST_Contains(a.g, x.g) AND x.id > 300) ORDER BY 1",
		"SELECT a.id FROM area a WHERE NOT EXISTS (SELECT 1 FROM %s x WHERE ST_Contains(a.g, x.g) AND x.id > 300) ORDER BY 1",
	} {
		if want := c.must(fmt.Sprintf(q, "q")); len(want.rows) < 2 && !strings.Contains(q, "NOT EXISTS") {
			t.Errorf("%s: %v", q, want)
		} else {
			c.query(fmt.Sprintf(q, "p"), strings.TrimRight(want.String(), "\n"))
		}
	}
	if got := c.must("EXPLAIN SELECT STRAIGHT_JOIN a.id FROM area a JOIN p x ON ST_Contains(a.g, x.g)"); got.rows[1][5] == "NULL" || got.rows[1][6] != "sp" {
		t.Error(got)
	}
	c.query("SELECT id FROM p WHERE ST_Distance(g, POINT(70, 10)) < 0.5", "10")
	if got := c.must("EXPLAIN SELECT id FROM p WHERE ST_Distance(g, POINT(70, 10)) < 0.5"); got.rows[0][6] != "sp" {
		t.Error(got)
	}
}

// TestDistance: ST_Distance is to the nearest place of a geometry, not to its nearest corner; in metres on a globe.
func TestDistance(t *testing.T) {
	c := newServer(t).client()
	g := func(wkt string, srid int) string { return fmt.Sprintf("ST_GeomFromText('%s', %d)", wkt, srid) }
	c.query("SELECT ST_Distance(POINT(1, 1), POINT(2, 2)), ST_Distance(POINT(5, 3), "+g("LINESTRING(0 0,10 0)", 0)+"), ST_Distance(POINT(5, 5), "+g("POLYGON((0 0,0 10,10 10,10 0,0 0))", 0)+")",
		"1.4142135623730951\t3\t0")
	c.query("SELECT ROUND(ST_Distance("+g("POINT(1 1)", 4326)+","+g("POINT(2 2)", 4326)+"), 3), ROUND(ST_Distance("+g("POINT(1 1)", 4326)+","+g("POINT(2 2)", 4326)+", 'foot'), 2)", "156876.149\t514685.53")
	c.fails("SELECT ST_Distance(POINT(1, 1), POINT(2, 2), 'metre')", 3882, "The geometry passed to function st_distance is in SRID 0, which doesn't specify a length unit. Can't convert to 'metre'.")
	c.fails("SELECT ST_Distance("+g("POINT(1 1)", 4326)+","+g("POINT(2 2)", 4326)+", 'ell')", 3902, "There's no unit of measure named 'ell'.")
	c.fails("SELECT ST_Distance("+g("POINT(1 1)", 4326)+","+g("LINESTRING(2 2,3 3)", 4326)+")", 3618, "")
}
