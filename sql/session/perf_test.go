package session

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/zoryadb/zorya/sql/general"
	"github.com/zoryadb/zorya/sql/perfschema"
)

// Statements of both lanes count for their digest, their account and the indexes that they went through.
func TestPerformanceSchema(t *testing.T) {
	p := perfschema.New()
	_, addr := startWith(t, general.Options{Performance: p}, Options{Performance: p})
	c := connect(t, addr, "")
	must := func(q string) {
		t.Helper()
		if _, err := c.ExecContext(context.Background(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	for _, q := range []string{"CREATE DATABASE p", "USE p", "CREATE TABLE t (id INT PRIMARY KEY, a INT, b INT, KEY (a), KEY b (b))", "INSERT INTO t VALUES (1, 1, 1), (2, 2, 2)", "INSERT INTO t VALUES (3, 3, 3)"} {
		must(q)
	}
	for range 3 {
		table1(t, c, "SELECT b FROM t WHERE id = 2")             // the fast lane's
		table1(t, c, "SELECT REVERSE(b) FROM t WHERE id IN (3)") // the general lane's
	}
	table1(t, c, "SELECT b FROM t WHERE a = 2")
	must("UPDATE t SET b = 7 WHERE id = 1")
	must("DELETE FROM t WHERE id = 3")
	if _, err := c.ExecContext(context.Background(), "SELECT nosuch FROM t"); err == nil {
		t.Fatal("an unknown column was found")
	}
	check := func(query string, want ...string) {
		t.Helper()
		if got := table1(t, c, query); !slices.Equal(got, want) {
			t.Errorf("%s\n got %q\nwant %q", query, got, want)
		}
	}
	const digests = "SELECT digest_text, count_star, sum_rows_sent, sum_rows_affected, sum_errors FROM performance_schema.events_statements_summary_by_digest WHERE schema_name = 'p' AND digest_text "
	check(digests+"LIKE 'SELECT `b` FROM `t` WHERE `id`%'", "SELECT `b` FROM `t` WHERE `id` = ?|3|3|0|0")
	check(digests+"LIKE 'SELECT `REVERSE`%'", "SELECT `REVERSE` ( `b` ) FROM `t` WHERE `id` IN (?)|3|3|0|0")
	check(digests+"LIKE 'INSERT%' ORDER BY 1", "INSERT INTO `t` VALUES (...)|1|0|1|0", "INSERT INTO `t` VALUES (...) /* , ... */|1|0|2|0")
	check(digests+"LIKE '%nosuch%' AND digest_text NOT LIKE '%digest_text%'", "SELECT `nosuch` FROM `t`|1|0|0|1")
	check("SELECT index_name, count_insert, count_update, count_delete FROM performance_schema.table_io_waits_summary_by_index_usage WHERE object_name = 't' AND index_name = 'PRIMARY'", "PRIMARY|3|1|1")
	check("SELECT index_name FROM sys.schema_unused_indexes WHERE object_schema = 'p'", "b")
	check("SELECT sum_error_raised FROM performance_schema.events_errors_summary_global_by_error WHERE error_number = 1054", "1")
	check("SELECT current_connections FROM performance_schema.users", "1")
	check("SELECT exec_count FROM sys.x$statement_analysis WHERE query = 'DELETE FROM `t` WHERE `id` = ?'", "1")
	check("SELECT total FROM sys.user_summary_by_statement_type WHERE statement = 'insert'", "2")
	check("SELECT STATEMENT_DIGEST(digest_text) = digest FROM performance_schema.events_statements_summary_by_digest WHERE digest_text LIKE 'UPDATE%'", "1")
	must("TRUNCATE TABLE performance_schema.events_statements_summary_by_digest")
	table1(t, c, "SELECT b FROM t WHERE id = 2") // its digest was known before
	check(digests+"LIKE 'SELECT `b` FROM `t` WHERE `id`%'", "SELECT `b` FROM `t` WHERE `id` = ?|1|1|0|0")
}

// Every table and view that is listed can be read, its columns as information_schema lists them.
func TestPerformanceSchemaTables(t *testing.T) {
	_, addr := startWith(t, general.Options{}, Options{})
	c := connect(t, addr, "")
	n := 0
	for _, line := range table1(t, c, "SELECT t.table_schema, t.table_name, COUNT(*) FROM information_schema.tables t JOIN information_schema.columns c ON c.table_schema = t.table_schema AND c.table_name = t.table_name WHERE t.table_schema IN ('performance_schema', 'sys') GROUP BY t.table_schema, t.table_name") {
		f := strings.Split(line, "|")
		rows, err := c.QueryContext(context.Background(), "SELECT * FROM `"+f[0]+"`.`"+f[1]+"`")
		if err != nil {
			t.Errorf("%s.%s: %v", f[0], f[1], err)
			continue
		}
		for rows.Next() {
		}
		if err := rows.Err(); err != nil {
			t.Errorf("%s.%s: %v", f[0], f[1], err)
		}
		rows.Close()
		if f[0] == "sys" { // dumps ask for it
			table1(t, c, "SHOW CREATE TABLE `sys`.`"+f[1]+"`")
			table1(t, c, "SHOW FIELDS FROM `sys`.`"+f[1]+"`")
		}
		n++
	}
	t.Logf("%d tables and views", n)
	if n < 140 {
		t.Errorf("only %d tables and views", n)
	}
}
