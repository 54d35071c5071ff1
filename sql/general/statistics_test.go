package general

import (
	"strings"
	"testing"
)

// What ANALYZE TABLE finds is stored, shown, obeys the table's options, goes with the table, and is what an engine that has just begun goes by.
func TestStoredStatistics(t *testing.T) {
	sv := newServer(t)
	c := sv.client()
	c.must("CREATE DATABASE d; USE d")
	c.must("CREATE TABLE t (id INT PRIMARY KEY, a INT, b INT, KEY ab (a, b)); INSERT INTO t VALUES (1, 1, 1), (2, 1, 2), (3, 1, 3), (4, 2, 1)")
	c.must("CREATE TABLE n (id INT PRIMARY KEY) STATS_PERSISTENT=0; CREATE TABLE f (id INT PRIMARY KEY, a INT, KEY a (a)) STATS_AUTO_RECALC=0; INSERT INTO f VALUES (1, 1), (2, 2)")
	const tables = "SELECT table_name, n_rows, clustered_index_size, sum_of_other_index_sizes FROM mysql.innodb_table_stats WHERE database_name = 'd' ORDER BY 1"
	c.query(tables, "")
	c.query("ANALYZE TABLE t, n, f", "d.t\tanalyze\tstatus\tOK\nd.n\tanalyze\tstatus\tOK\nd.f\tanalyze\tstatus\tOK")
	c.query(tables, "f\t2\t1\t1\nt\t4\t1\t1")
	c.query("SELECT index_name, stat_name, stat_value, stat_description FROM mysql.innodb_index_stats WHERE table_name = 't' ORDER BY 1, 2",
		"ab\tn_diff_pfx01\t2\ta\nab\tn_diff_pfx02\t4\ta,b\nab\tn_leaf_pages\t1\tNumber of leaf pages in the index\nab\tsize\t1\tNumber of pages in the index\nPRIMARY\tn_diff_pfx01\t4\tid\nPRIMARY\tn_leaf_pages\t1\tNumber of leaf pages in the index\nPRIMARY\tsize\t1\tNumber of pages in the index")
	c.query("SELECT i.name, type, n_fields, COUNT(f.name) FROM information_schema.innodb_tables t JOIN information_schema.innodb_indexes i USING (table_id) LEFT JOIN information_schema.innodb_fields f USING (index_id) WHERE t.name = 'd/t' GROUP BY i.name, type, n_fields ORDER BY 1 LIMIT 1",
		"PRIMARY\t3\t1\t1")
	c.query("SELECT name, page_size, file_size > 0, state FROM information_schema.innodb_tablespaces WHERE name = 'd/t'", "d/t\t16384\t1\tnormal")
	c.must("CREATE TABLE versions (id INT PRIMARY KEY); INSERT INTO versions VALUES (1); ALTER TABLE versions ADD COLUMN v INT, ALGORITHM=INSTANT")
	c.query("SELECT n_cols, total_row_versions FROM information_schema.innodb_tables WHERE name = 'd/versions'", "5\t1")
	c.query("SELECT name, stats_initialized, num_rows, clust_index_size, other_index_size FROM information_schema.innodb_tablestats WHERE name = 'd/t'", "d/t\tInitialized\t4\t1\t1")
	c.must("CREATE TABLE s (id INT PRIMARY KEY) STATS_SAMPLE_PAGES=7")
	if got := c.must("SHOW CREATE TABLE s").String(); !strings.Contains(got, "STATS_SAMPLE_PAGES=7") {
		t.Error(got)
	}
	c.must("INSERT INTO f VALUES (3, 3), (4, 4), (5, 5)")
	f, err := sv.e.catalog.Definition(t.Context(), "d", "f")
	if err != nil {
		t.Fatal(err)
	}
	sv.e.stats.forget(f.ID) // as after a restart
	c.query("SELECT cardinality FROM information_schema.statistics WHERE table_schema = 'd' AND table_name = 'f' AND index_name = 'a'", "2")
	c.must("ANALYZE TABLE f")
	c.query("SELECT cardinality FROM information_schema.statistics WHERE table_schema = 'd' AND table_name = 'f' AND index_name = 'a'", "5")
	c.must("ALTER TABLE t ADD KEY b (b); RENAME TABLE t TO u")
	c.query("SELECT index_name, cardinality FROM information_schema.statistics WHERE table_schema = 'd' AND table_name = 'u' AND seq_in_index = 1 ORDER BY 1", "ab\t2\nb\t3\nPRIMARY\t4")
	c.query("SELECT table_name FROM mysql.innodb_table_stats WHERE database_name = 'd' ORDER BY 1", "f\nu")
	c.must("DROP TABLE u; TRUNCATE f")
	c.query(tables, "")
}
