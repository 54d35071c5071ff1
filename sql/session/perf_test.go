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

// A session counts what its statements do, in both lanes; its account and the server have the sums.
func TestSessionStatus(t *testing.T) {
	p := perfschema.New()
	_, addr := startWith(t, general.Options{Performance: p}, Options{Performance: p})
	c, other := connect(t, addr, ""), connect(t, addr, "")
	for _, q := range []string{"CREATE DATABASE p", "USE p", "CREATE TABLE t (id INT PRIMARY KEY, a INT, KEY (a))", "INSERT INTO t VALUES (1, 1), (2, 2), (3, 2)", "CREATE TABLE u LIKE t"} {
		exec(t, c, q)
	}
	for _, tt := range []struct{ query, pattern, want string }{
		{"SELECT a FROM t WHERE id = 2", "Handler_read%", "Handler_read_key 1"},
		{"SELECT REVERSE(a) FROM t WHERE id = 2", "Handler_read%", "Handler_read_key 1"},
		{"SELECT id FROM t WHERE a = 2", "Handler_read%", "Handler_read_key 1, Handler_read_next 2"},
		{"SELECT * FROM t WHERE a + 1 > 0", "Handler_read%", "Handler_read_first 1, Handler_read_key 1, Handler_read_rnd_next 3"},
		{"SELECT * FROM t WHERE a + 1 > 0", "Select%", "Select_scan 1"},
		{"SELECT * FROM t WHERE a > 1", "Select%", "Select_range 1"},
		{"SELECT * FROM t ORDER BY a + 1", "Sort%", "Sort_rows 3, Sort_scan 1"},
		{"SELECT a % 2, COUNT(*) FROM t GROUP BY a % 2 ORDER BY COUNT(*)", "Sort%", "Sort_rows 2, Sort_scan 1"},
		{"SELECT DISTINCT REVERSE(a) FROM t", "Created_tmp_tables", "Created_tmp_tables 1"},
		{"INSERT INTO u SELECT * FROM t", "Handler_write", "Handler_write 3"},
		{"INSERT INTO u (SELECT id + 10, a FROM t)", "Com_insert%", "Com_insert_select 1"},
		{"UPDATE t JOIN u USING (id) SET t.a = 7 WHERE id = 1", "Com_update%", "Com_update_multi 1"},
		{"UPDATE t SET a = (SELECT 1) WHERE id IN (1, 1)", "Com_update%", "Com_update 1"},
		{"DELETE FROM t USING t JOIN u USING (id) WHERE id = 77", "Com_delete%", "Com_delete_multi 1"},
		{"DELETE FROM u WHERE id = 1", "Handler_delete", "Handler_delete 1"},
	} {
		exec(t, c, "FLUSH STATUS")
		exec(t, c, tt.query)
		q := "SHOW SESSION STATUS WHERE Variable_name LIKE '" + tt.pattern + "' AND Value > 0"
		if got := strings.ReplaceAll(strings.Join(table1(t, c, q), ", "), "|", " "); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.query, got, tt.want)
		}
	}
	same(t, other, "SHOW SESSION STATUS LIKE 'Handler_delete'", nil, "Handler_delete|0")
	same(t, other, "SHOW GLOBAL STATUS LIKE 'Handler_delete'", nil, "Handler_delete|1")
	same(t, other, "SHOW GLOBAL STATUS LIKE 'Com_insert_select'", nil, "Com_insert_select|2")
	same(t, other, "SELECT SUM(variable_value) FROM performance_schema.status_by_thread WHERE variable_name = 'Handler_delete'", nil, "1")
	same(t, other, "SELECT variable_value FROM performance_schema.status_by_user WHERE variable_name = 'Handler_delete'", nil, "1")
	exec(t, other, "TRUNCATE performance_schema.status_by_user")
	same(t, other, "SELECT variable_value FROM performance_schema.status_by_user WHERE variable_name = 'Handler_delete'", nil, "0")
	same(t, other, "SHOW GLOBAL STATUS LIKE 'Handler_delete'", nil, "Handler_delete|1")
}

// A session that profiles has the stages of its last statements, of both lanes, with the time that each took.
func TestProfiles(t *testing.T) {
	_, addr := startWith(t, general.Options{}, Options{})
	c := connect(t, addr, "")
	for _, q := range []string{"CREATE DATABASE p", "USE p", "CREATE TABLE t (id INT PRIMARY KEY)", "SET profiling = 1, profiling_history_size = 3"} {
		exec(t, c, q)
	}
	for _, q := range []string{"SELECT 'gone'", "SELECT * FROM t WHERE id = 1", "SELECT SLEEP(0.05)", "INSERT INTO t VALUES (1)"} {
		exec(t, c, q)
	}
	var ids []string
	for _, r := range table1(t, c, "SHOW PROFILES") {
		f := strings.Split(r, "|")
		ids = append(ids, f[0]+" "+f[2])
	}
	if want := []string{"2 SELECT * FROM t WHERE id = 1", "3 SELECT SLEEP(0.05)", "4 INSERT INTO t VALUES (1)"}; !slices.Equal(ids, want) {
		t.Errorf("profiles %q", ids)
	}
	var stages []string
	slept := false
	for _, r := range table1(t, c, "SHOW PROFILE FOR QUERY 3") {
		f := strings.Split(r, "|")
		stages = append(stages, f[0])
		slept = slept || f[1] >= "0.050000"
	}
	if !slices.Contains(stages, "starting") || !slices.Contains(stages, "executing") || !slept {
		t.Errorf("stages %q, one of 50 ms: %v", stages, slept)
	}
	if got := table1(t, c, "SHOW PROFILE CPU FOR QUERY 2 LIMIT 1 OFFSET 1"); len(got) != 1 || !strings.HasPrefix(got[0], "executing|") || !strings.HasSuffix(got[0], "|NULL|NULL") {
		t.Errorf("a stage of the fast lane: %q", got)
	}
	exec(t, c, "SET profiling = 0")
	same(t, c, "SELECT state FROM information_schema.profiling WHERE query_id = 4 AND seq = 2 AND duration > 0", nil, "starting")
}

// Others see a session's variables, and where global ones have their values from.
func TestThreadVariables(t *testing.T) {
	_, addr := startWith(t, general.Options{}, Options{})
	c, other := connect(t, addr, ""), connect(t, addr, "")
	for _, q := range []string{"SET sort_buffer_size = 65536, @a = 7, @b = 'x'", "SET GLOBAL long_query_time = 9"} {
		exec(t, c, q)
	}
	id := table1(t, c, "SELECT CONNECTION_ID()")[0]
	same(t, other, "SELECT variable_value FROM performance_schema.variables_by_thread WHERE variable_name = 'sort_buffer_size' AND thread_id = "+id, nil, "65536")
	same(t, other, "SELECT variable_name, variable_value FROM performance_schema.user_variables_by_thread WHERE thread_id = "+id, nil, "a|7", "b|x")
	same(t, other, "SELECT variable_source, set_user, set_time > NOW() - INTERVAL 1 MINUTE FROM performance_schema.variables_info WHERE variable_name = 'long_query_time'", nil, "DYNAMIC|admin|1")
	same(t, other, "SELECT variable_source, min_value, max_value, set_time FROM performance_schema.variables_info WHERE variable_name = 'innodb_lock_wait_timeout'", nil,
		"COMPILED|1|1073741824|NULL")
	exec(t, c, "SET GLOBAL long_query_time = 10")
}

// Every table and view that is listed can be read, its columns as information_schema lists them.
func TestPerformanceSchemaTables(t *testing.T) {
	_, addr := startWith(t, general.Options{}, Options{})
	c := connect(t, addr, "")
	n := 0
	for _, line := range table1(t, c, "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema IN ('performance_schema', 'sys')") {
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
