package general

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestSpatialIndexRules: which columns a SPATIAL index may be over, and what is shown of it.
func TestSpatialIndexRules(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d")
	c.fails("CREATE TABLE t (g POINT SRID 0, SPATIAL INDEX (g))", 1252, "All parts of a SPATIAL index must be NOT NULL")
	c.fails("CREATE TABLE t (g INT NOT NULL, SPATIAL INDEX (g))", 1687, "A SPATIAL index may only contain a geometrical type column")
	c.fails("CREATE TABLE t (g POINT NOT NULL, h POINT NOT NULL, SPATIAL INDEX (g, h))", 1070, "Too many key parts specified; max 1 parts allowed")
	c.must("CREATE TABLE t (id INT PRIMARY KEY, g POINT NOT NULL SRID 0, SPATIAL INDEX sp (g))")
	c.must("CREATE TABLE u (id INT PRIMARY KEY, g POINT NOT NULL, SPATIAL INDEX sp (g))")
	c.query("SHOW WARNINGS", "Warning\t3674\tThe spatial index on column 'g' will not be used by the query optimizer since the column does not have an SRID attribute. Consider adding an SRID attribute to the column.")
	c.query("SELECT INDEX_NAME, INDEX_TYPE, SUB_PART, COLLATION FROM information_schema.STATISTICS WHERE TABLE_NAME = 't' AND INDEX_NAME = 'sp'", "sp\tSPATIAL\t32\tA")
	c.must("INSERT INTO t VALUES (1, ST_GeomFromText('POINT(1 1)')), (2, ST_GeomFromText('POINT(5 5)')), (3, ST_GeomFromText('POINT(900 5)'))")
	c.must("INSERT INTO u SELECT * FROM t")
	const q = "WHERE MBRContains(ST_GeomFromText('POLYGON((0 0,0 9,9 9,9 0,0 0))'), g)"
	plan := func(q, want string) {
		t.Helper()
		if got := strings.Join(c.must("EXPLAIN " + q).rows[0], "|"); got != want {
			t.Errorf("%s: %s, want %s", q, got, want)
		}
	}
	plan("SELECT * FROM t "+q, "1|SIMPLE|t|NULL|range|sp|sp|34|NULL|2|100.00|Using where")
	plan("SELECT * FROM t x FORCE INDEX (sp) WHERE ST_Within(x.g, ST_GeomFromText('POLYGON((0 0,0 9,9 9,9 0,0 0))')) = 1", "1|SIMPLE|x|NULL|range|sp|sp|34|NULL|2|100.00|Using where")
	plan("DELETE FROM t "+q, "1|DELETE|t|NULL|range|sp|sp|34|NULL|2|100.00|Using where")
	for _, scan := range []string{"SELECT * FROM u " + q, "SELECT * FROM t IGNORE INDEX (sp) " + q, "SELECT * FROM t WHERE NOT MBRContains(g, ST_GeomFromText('POINT(1 1)'))"} {
		if got := c.must("EXPLAIN " + scan).rows[0]; got[4] != "ALL" {
			t.Errorf("%s: %v", scan, got)
		}
	}
	if got := c.must("EXPLAIN SELECT * FROM t " + q + " AND id = 2").rows[0]; got[6] != "PRIMARY" {
		t.Errorf("a unique key is passed over: %v", got)
	}
	c.query("SELECT id FROM t "+q+" ORDER BY id", "1\n2")
	c.must("UPDATE t SET g = ST_GeomFromText('POINT(100 100)') " + q + " AND id < 2")
	c.query("SELECT id FROM t "+q, "2")
	c.must("DELETE FROM t " + q)
	c.query("SELECT id FROM t ORDER BY id", "1\n3")
	c.must("CREATE TABLE e (g GEOMETRY NOT NULL SRID 4326); INSERT INTO e VALUES (ST_GeomFromText('POINT(5 179.5)', 4326)), (ST_GeomFromText('POINT(5 -179.5)', 4326)), (ST_GeomFromText('POINT(5 0)', 4326))")
	c.must("CREATE SPATIAL INDEX sp ON e (g)")
	c.query("SELECT COUNT(*) FROM e WHERE ST_Contains(ST_GeomFromText('POLYGON((0 179,0 -179,10 -179,10 179,0 179))', 4326), g)", "2")
	c.query("SELECT COUNT(*) FROM e WHERE ST_Distance_Sphere(g, ST_GeomFromText('POINT(5 179.9)', 4326)) < 100000", "2")
	c.query("CHECK TABLE t, e", "d.t\tcheck\tstatus\tOK\nd.e\tcheck\tstatus\tOK")
}

// TestSpatialIndexIsExact: for every relation, what a table gives by its index is what its twin without one gives: after changes, rollbacks and deletes, to old
// snapshots, and in joins.
func TestSpatialIndexIsExact(t *testing.T) {
	sv := newServer(t)
	c := sv.client()
	r := rand.New(rand.NewPCG(7, 11))
	c.must("CREATE DATABASE d; USE d")
	c.must("CREATE TABLE t (id INT PRIMARY KEY, g GEOMETRY NOT NULL SRID 0, SPATIAL INDEX sp (g)); CREATE TABLE s (id INT PRIMARY KEY, g GEOMETRY NOT NULL SRID 0)")
	both := func(q string) {
		c.must(strings.ReplaceAll(q, "%s", "t"))
		c.must(strings.ReplaceAll(q, "%s", "s"))
	}
	geometry := func() string {
		x, y, w, h := r.IntN(40)-20, r.IntN(40)-20, 1+r.IntN(6), 1+r.IntN(6)
		if r.IntN(10) == 0 {
			w, h = w*8, h*8
		}
		switch r.IntN(5) {
		case 0, 1:
			return fmt.Sprintf("POINT(%d %d)", x, y)
		case 2:
			return fmt.Sprintf("LINESTRING(%d %d,%d %d)", x, y, x+w, y+h)
		case 3:
			return fmt.Sprintf("MULTIPOINT(%d %d,%d %d)", x, y, x-w, y+h)
		}
		return fmt.Sprintf("POLYGON((%d %d,%d %d,%d %d,%d %d,%d %d))", x, y, x, y+h, x+w, y+h, x+w, y, x, y)
	}
	g := func() string { return "ST_GeomFromText('" + geometry() + "')" }
	rows := func(from, to int) string {
		var list []string
		for i := from; i < to; i++ {
			list = append(list, fmt.Sprintf("(%d, %s)", i, g()))
		}
		return strings.Join(list, ",")
	}
	both("INSERT INTO %s VALUES " + rows(0, 200))
	names := strings.Fields("MBRContains MBRWithin MBRCovers MBRCoveredBy MBREquals MBRIntersects MBROverlaps MBRTouches ST_Contains ST_Within ST_Equals ST_Intersects ST_Overlaps ST_Touches ST_Crosses")
	hits := map[string]int{}
	compare := func(rounds int) {
		t.Helper()
		for range rounds {
			for _, name := range names {
				at := g()
				if r.IntN(3) == 0 {
					at = "(SELECT 1)"
					at = c.must(fmt.Sprintf("SELECT CONCAT('ST_GeomFromText(''', ST_AsText(g), ''')') FROM s ORDER BY id LIMIT %d, 1", r.IntN(50))).rows[0][0]
				}
				cond := name + "(g, " + at + ")"
				if r.IntN(2) == 0 {
					cond = name + "(" + at + ", g)"
				}
				want := c.must("SELECT id FROM s WHERE " + cond + " ORDER BY id").rows
				if got := c.must("SELECT id FROM t FORCE INDEX (sp) WHERE " + cond + " ORDER BY id").rows; fmt.Sprint(got) != fmt.Sprint(want) {
					t.Fatalf("%s: by index %v, by scan %v", cond, got, want)
				}
				hits[name] += len(want)
			}
		}
	}
	compare(6)
	for _, name := range names {
		if hits[name] == 0 {
			t.Errorf("nothing was found by %s", name)
		}
	}
	old := sv.client()
	old.must("USE d; BEGIN")
	seen := old.must("SELECT COUNT(*) FROM t WHERE MBRIntersects(g, ST_GeomFromText('LINESTRING(-9 -9,9 9)'))").rows
	for range 3 {
		c.must("BEGIN")
		both("DELETE FROM %s WHERE id % 7 = 3")
		both("INSERT INTO %s VALUES " + rows(1000, 1010))
		c.must("ROLLBACK")
		for range 10 {
			id, to := r.IntN(200), g()
			both(fmt.Sprintf("UPDATE %%s SET g = %s WHERE id = %d", to, id))
		}
		both(fmt.Sprintf("DELETE FROM %%s WHERE MBRWithin(g, %s)", g()))
		both("REPLACE INTO %s VALUES " + rows(150, 155))
		compare(1)
	}
	if got := old.must("SELECT COUNT(*) FROM t WHERE MBRIntersects(g, ST_GeomFromText('LINESTRING(-9 -9,9 9)'))").rows; fmt.Sprint(got) != fmt.Sprint(seen) {
		t.Errorf("a snapshot sees %v, saw %v", got, seen)
	}
	old.must("COMMIT")
	c.query("CHECK TABLE t", "d.t\tcheck\tstatus\tOK")
	c.must("ALTER TABLE t DROP INDEX sp, ADD SPATIAL INDEX sp (g)")
	compare(1)
	c.query("CHECK TABLE t", "d.t\tcheck\tstatus\tOK")
}

// BenchmarkSpatial looks for some 25 of 100,000 points in a box, by the index and by a scan.
func BenchmarkSpatial(b *testing.B) {
	c := newServer(b).client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE t (id INT PRIMARY KEY, g POINT NOT NULL SRID 0, SPATIAL INDEX sp (g))")
	r := rand.New(rand.NewPCG(1, 2))
	for at := 0; at < 100000; at += 1000 {
		var list []string
		for i := range 1000 {
			list = append(list, fmt.Sprintf("(%d, ST_GeomFromText('POINT(%f %f)'))", at+i, r.Float64()*1000, r.Float64()*1000))
		}
		c.must("INSERT INTO t VALUES " + strings.Join(list, ","))
	}
	for name, hint := range map[string]string{"index": "", "scan": "IGNORE INDEX (sp)"} {
		b.Run(name, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				x, y := i*37%980, i*61%980
				c.must(fmt.Sprintf("SELECT id FROM t %s WHERE MBRContains(ST_GeomFromText('POLYGON((%[2]d %[3]d,%[4]d %[3]d,%[4]d %[5]d,%[2]d %[5]d,%[2]d %[3]d))'), g)", hint, x, y, x+16, y+16))
			}
		})
	}
}
