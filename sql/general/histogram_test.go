package general

import (
	"fmt"
	"strings"
	"testing"

	"github.com/zoryadb/zorya/engine/table"
)

// TestHistogramStatements: what ANALYZE TABLE answers, and what column_statistics shows.
func TestHistogramStatements(t *testing.T) {
	sv := newServer(t)
	c := sv.client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE t (id INT PRIMARY KEY, a INT, s VARCHAR(10), j JSON, dt DATE, m DECIMAL(5,2)); CREATE VIEW v AS SELECT 1 AS x")
	c.must("INSERT INTO t VALUES (1, 1, 'a', NULL, '2020-01-01', 1.5), (2, 1, 'A', NULL, '2020-01-02', 2.5), (3, 7, 'b', NULL, NULL, 2.5), (4, NULL, 'c', NULL, '2020-01-02', 9)")
	c.query("ANALYZE TABLE t UPDATE HISTOGRAM ON a, s, nobody, j, id, dt, m WITH 8 BUCKETS", `d.t	histogram	status	Histogram statistics created for column 'a'.
d.t	histogram	status	Histogram statistics created for column 's'.
d.t	histogram	Error	The column 'nobody' does not exist.
d.t	histogram	Error	The column 'j' has an unsupported data type.
d.t	histogram	Error	The column 'id' is covered by a single-part unique index.
d.t	histogram	status	Histogram statistics created for column 'dt'.
d.t	histogram	status	Histogram statistics created for column 'm'.`)
	c.query("SELECT column_name, JSON_EXTRACT(histogram, '$.buckets'), JSON_EXTRACT(histogram, '$.\"histogram-type\"'), JSON_EXTRACT(histogram, '$.\"data-type\"'), JSON_EXTRACT(histogram, '$.\"null-values\"') FROM information_schema.column_statistics WHERE schema_name = 'd'",
		`a	[[1, 0.5], [7, 0.75]]	"singleton"	"int"	0.25
dt	[["2020-01-01", 0.25], ["2020-01-02", 0.75]]	"singleton"	"date"	0.25
m	[[1.5, 0.25], [2.5, 0.75], [9.0, 1]]	"singleton"	"decimal"	0
s	[["base64:type254:YQ==", 0.5], ["base64:type254:Yg==", 0.75], ["base64:type254:Yw==", 1]]	"singleton"	"string"	0`)
	c.query("ANALYZE TABLE t UPDATE HISTOGRAM ON a WITH 1 BUCKETS", "d.t\thistogram\tstatus\tHistogram statistics created for column 'a'.")
	c.query("SELECT JSON_EXTRACT(histogram, '$.buckets'), JSON_EXTRACT(histogram, '$.\"histogram-type\"') FROM information_schema.column_statistics WHERE column_name = 'a'",
		`[[1, 7, 0.75, 2]]	"equi-height"`)
	c.fails("ANALYZE TABLE t UPDATE HISTOGRAM ON a WITH 2000 BUCKETS", 1690, "")
	c.query("ANALYZE TABLE v UPDATE HISTOGRAM ON x", "d.v\thistogram\tError\tCannot create histogram statistics for a view.")
	c.fails("ANALYZE TABLE t DROP HISTOGRAM ON dt, dt", 1060, "Duplicate column name 'dt'")
	c.query("ANALYZE TABLE t DROP HISTOGRAM ON dt", "d.t\thistogram\tstatus\tHistogram statistics removed for column 'dt'.")
	c.query("ANALYZE TABLE t DROP HISTOGRAM ON dt", "d.t\thistogram\tError\tNo histogram statistics found for column 'dt'.")
	c.must("ALTER TABLE t MODIFY a BIGINT") // of another type
	c.query("SELECT column_name FROM information_schema.column_statistics", "m\ns")
	c.must("DROP TABLE t; CREATE TABLE t (id INT PRIMARY KEY, s VARCHAR(10))")
	c.query("SELECT column_name FROM information_schema.column_statistics", "")
}

// TestHistogramOfTable: a histogram goes with its table, under whatever name and in whatever trees, and ends with it.
func TestHistogramOfTable(t *testing.T) {
	sv := newServer(t)
	c := sv.client()
	const all = "SELECT schema_name, table_name, column_name FROM information_schema.column_statistics"
	c.must("CREATE DATABASE d; CREATE DATABASE e; USE d; CREATE TABLE t (id INT PRIMARY KEY, a INT, b INT); INSERT INTO t VALUES (1, 1, 1), (2, 2, 2)")
	c.query("ANALYZE TABLE t UPDATE HISTOGRAM ON a, b", "d.t\thistogram\tstatus\tHistogram statistics created for column 'a'.\nd.t\thistogram\tstatus\tHistogram statistics created for column 'b'.")
	c.must("RENAME TABLE t TO e.u")
	c.query(all, "e\tu\ta\ne\tu\tb")
	c.must("CREATE TABLE t (id INT PRIMARY KEY, a INT)") // takes the name, not the histogram
	c.query(all, "e\tu\ta\ne\tu\tb")
	c.must("ALTER TABLE e.u RENAME TO d.v; ALTER TABLE v MODIFY b BIGINT, ALGORITHM=COPY; TRUNCATE v")
	c.query(all, "d\tv\ta")
	c.must("DROP TABLE v")
	c.query(all, "")
	c.query("ANALYZE TABLE t UPDATE HISTOGRAM ON a", "d.t\thistogram\tstatus\tHistogram statistics created for column 'a'.")
	c.must("DROP DATABASE d; CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY, a INT)")
	c.query(all, "")
	if left, err := sv.db.Catalog().Holders(t.Context(), table.KindHistogram); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestHistogramOrdersJoins: of two tables with a filter each, the one whose filter leaves fewer rows comes first. Without histograms both leave a tenth.
func TestHistogramOrdersJoins(t *testing.T) {
	c := newServer(t).client()
	c.must(`CREATE DATABASE d; USE d; CREATE TABLE a (id INT PRIMARY KEY, k INT, kind INT, KEY (k)); CREATE TABLE b (id INT PRIMARY KEY, k INT, kind INT, KEY (k))`)
	const n = 2000
	skewed := func(rare int) func(i int) string {
		return func(i int) string {
			kind := 1
			if i%(n/rare) == 0 {
				kind = 2
			}
			return fmt.Sprintf("%d,%d,%d", i, i, kind)
		}
	}
	load(c, "a", n, skewed(10))
	load(c, "b", n, skewed(10))
	c.must("ANALYZE TABLE a UPDATE HISTOGRAM ON kind; ANALYZE TABLE b UPDATE HISTOGRAM ON kind")
	for _, x := range []struct{ q, looked string }{
		{"SELECT COUNT(*) FROM a JOIN b ON a.k = b.k WHERE a.kind = 2 AND b.kind = 1", "-> Index lookup on b"},
		{"SELECT COUNT(*) FROM a JOIN b ON a.k = b.k WHERE a.kind = 1 AND b.kind = 2", "-> Index lookup on a"},
		{"SELECT COUNT(*) FROM a JOIN b ON a.k = b.k WHERE a.kind < 2 AND b.kind >= 2", "-> Index lookup on a"},
		{"SELECT COUNT(*) FROM a JOIN b ON a.k = b.k WHERE a.kind BETWEEN 2 AND 9 AND b.kind IN (1, 3)", "-> Index lookup on b"},
	} {
		if p := planOf(c, x.q); !strings.Contains(p, x.looked) {
			t.Errorf("%s does not look up by %s:\n%s", x.q, x.looked, p)
		}
	}
}

// TestHistogramShares holds the shares that buckets tell against the rows themselves.
func TestHistogramShares(t *testing.T) {
	sv := newServer(t)
	c := sv.client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	const n = 4000
	value := func(i int) int { return i * i / 4000 } // thin at the top
	load(c, "t", n, func(i int) string { return fmt.Sprintf("%d,%d", i, value(i)) })
	c.must("ANALYZE TABLE t UPDATE HISTOGRAM ON v WITH 50 BUCKETS")
	ctx := c.s.context(t.Context(), "")
	d, err := sv.e.catalog.Definition(ctx, "d", "t")
	if err != nil {
		t.Fatal(err)
	}
	m, err := sv.e.metas.Get(ctx, d)
	if err != nil {
		t.Fatal(err)
	}
	h := sv.e.histogramOf(ctx, m, 1)
	if h == nil || h.Singleton || len(h.Buckets) > 50 || len(h.Buckets) < 40 || h.Buckets[len(h.Buckets)-1].Share != 1 {
		t.Fatalf("%+v", h)
	}
	for v := -10; v < 4200; v += 37 {
		less := 0
		for i := range n {
			if value(i) < v {
				less++
			}
		}
		got, _, ok := h.below(ctx, m.Schema[1].Type, int32(v))
		if want := float64(less) / n; !ok || got < want-0.02 || got > want+0.02 {
			t.Errorf("below %d are %.3f, the histogram says %.3f (%v)", v, want, got, ok)
		}
	}
}
