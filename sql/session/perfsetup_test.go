package session

import (
	"slices"
	"strconv"
	"testing"

	"github.com/zoryadb/zorya/sql/general"
	"github.com/zoryadb/zorya/sql/perfschema"
)

// performance_schema keeps what its setup_ tables ask for, from the next statement on.
func TestPerformanceSchemaSetup(t *testing.T) {
	p := perfschema.New()
	_, addr := startWith(t, general.Options{Performance: p}, Options{Performance: p})
	m, c := connect(t, addr, ""), connect(t, addr, "")
	for _, q := range []string{"CREATE DATABASE p", "USE p", "CREATE TABLE t (id INT PRIMARY KEY, a INT)", "INSERT INTO t VALUES (1, 1), (2, 2)"} {
		exec(t, c, q)
	}
	id := strconv.FormatInt(connectionID(t, c), 10)
	exec(t, m, "USE performance_schema")
	history := "SELECT sql_text, rows_sent, nesting_event_type FROM events_statements_history WHERE thread_id = " + id + " ORDER BY event_id"
	counted := "SELECT count_star FROM events_statements_summary_by_thread_by_event_name WHERE event_name = 'statement/sql/select' AND thread_id = " + id
	one, two := "SELECT a FROM t WHERE id = 1", "SELECT REVERSE(a) FROM t WHERE id = 2" // of either lane
	run := func(before, query string, want ...string) {
		t.Helper()
		if before != "" {
			exec(t, m, before)
		}
		exec(t, m, "TRUNCATE events_statements_history")
		exec(t, m, "TRUNCATE events_statements_summary_by_thread_by_event_name")
		table1(t, c, one)
		table1(t, c, two)
		same(t, m, query, nil, want...)
	}
	run("", history, one+"|1|NULL", two+"|1|NULL")
	run("", counted, "2")
	run("UPDATE setup_consumers SET enabled = 'NO' WHERE name LIKE '%statements_history'", history, two+"|1|NULL")
	run("UPDATE setup_consumers SET enabled = 'NO' WHERE name LIKE '%statements_current'", history)
	run("UPDATE setup_consumers SET enabled = 'YES' WHERE name LIKE 'events_statements%'", history, one+"|1|NULL", two+"|1|NULL")
	run("", "SELECT sql_text FROM events_statements_history_long WHERE thread_id = "+id+" ORDER BY event_id", one, two, one, two)
	exec(t, m, "TRUNCATE events_statements_history_long")
	same(t, m, "SELECT COUNT(*) FROM events_statements_history_long WHERE thread_id = "+id, nil, "0")
	run("UPDATE setup_instruments SET enabled = 'NO', timed = 'NO' WHERE name = 'statement/sql/select'", counted, "0")
	run("UPDATE setup_instruments SET enabled = 'YES' WHERE name = 'statement/sql/select'", "SELECT DISTINCT timer_wait FROM events_statements_history WHERE thread_id = "+id, "NULL")
	run("UPDATE setup_instruments SET timed = 'YES' WHERE name = 'statement/sql/select'", "SELECT timer_wait > 0 AND timer_end - timer_start = timer_wait FROM events_statements_history WHERE thread_id = "+id, "1", "1")
	run("UPDATE threads SET history = 'NO' WHERE processlist_id = "+id, history, two+"|1|NULL")
	run("UPDATE threads SET instrumented = 'NO' WHERE processlist_id = "+id, counted, "0")
	run("UPDATE threads SET instrumented = 'YES', history = 'YES' WHERE processlist_id = "+id, counted, "2")
	run("UPDATE setup_consumers SET enabled = 'NO' WHERE name = 'global_instrumentation'", counted, "0")
	run("UPDATE setup_consumers SET enabled = 'YES' WHERE name = 'global_instrumentation'", counted, "2")
	same(t, c, "SHOW STATUS LIKE 'Com_select'", nil, "Com_select|29") // whatever is measured

	for _, q := range []string{"UPDATE setup_actors SET enabled = 'NO', history = 'NO'", "INSERT INTO setup_actors VALUES ('%', 'nobody', '%', 'YES', 'NO')", "INSERT INTO setup_actors (user) VALUES ('other')"} {
		exec(t, m, q)
	}
	same(t, m, "SELECT * FROM setup_actors", nil, "%|%|%|NO|NO", "%|nobody|%|YES|NO", "%|other|%|YES|YES")
	late := connect(t, addr, "")
	same(t, m, "SELECT instrumented, history FROM threads WHERE processlist_id = "+strconv.FormatInt(connectionID(t, late), 10), nil, "NO|NO")
	exec(t, m, "DELETE FROM setup_actors WHERE user <> '%'")
	exec(t, m, "TRUNCATE setup_actors")
	same(t, m, "SELECT COUNT(*) FROM setup_actors", nil, "0")
	exec(t, m, "INSERT INTO setup_actors VALUES ('%', '%', '%', 'YES', 'YES')")

	uses := "SELECT count_fetch FROM table_io_waits_summary_by_table WHERE object_schema = 'p'"
	exec(t, m, "TRUNCATE table_io_waits_summary_by_table")
	table1(t, c, one)
	same(t, m, uses, nil, "1")
	exec(t, m, "INSERT INTO setup_objects (object_schema, enabled) VALUES ('p', 'NO')")
	same(t, m, uses, nil)
	exec(t, m, "DELETE FROM setup_objects WHERE object_schema = 'p'")
	exec(t, m, "UPDATE setup_instruments SET enabled = 'NO' WHERE name = 'wait/io/table/sql/handler'")
	table1(t, c, one)
	same(t, m, uses, nil, "1")
	exec(t, m, "UPDATE setup_instruments SET enabled = 'YES' WHERE name = 'wait/io/table/sql/handler'")
	table1(t, c, one)
	same(t, m, uses, nil, "2")

	for q, want := range map[string]int{"UPDATE setup_consumers SET name = 'x'": 1031, "UPDATE setup_consumers SET enabled = 'MAYBE'": 1265, "UPDATE accounts SET user = 'x'": 1142, "INSERT INTO setup_consumers VALUES ('x', 'YES')": 1142,
		"DELETE FROM setup_instruments": 1142, "TRUNCATE setup_instruments": 1142, "TRUNCATE data_locks": 1142, "DELETE FROM events_statements_history": 1142, "INSERT INTO setup_actors VALUES ('%', '%', '%', 'YES', 'YES')": 1062} {
		if got := code(m, q); got != want {
			t.Errorf("%s: error %d, want %d", q, got, want)
		}
	}
}

// Transactions and the stages of statements are events too.
func TestTransactionEvents(t *testing.T) {
	p := perfschema.New()
	_, addr := startWith(t, general.Options{Performance: p}, Options{Performance: p})
	m, c := connect(t, addr, ""), connect(t, addr, "")
	for _, q := range []string{"CREATE DATABASE p", "USE p", "CREATE TABLE t (id INT PRIMARY KEY, a INT)"} {
		exec(t, c, q)
	}
	exec(t, m, "USE performance_schema")
	exec(t, m, "TRUNCATE events_transactions_history")
	exec(t, m, "TRUNCATE events_transactions_summary_by_thread_by_event_name")
	exec(t, m, "TRUNCATE events_statements_history")
	id := strconv.FormatInt(connectionID(t, c), 10)
	for _, q := range []string{"START TRANSACTION READ ONLY", "COMMIT", "BEGIN", "INSERT INTO t VALUES (1, 1)", "SAVEPOINT x", "ROLLBACK", "INSERT INTO t VALUES (2, 2)", "BEGIN"} {
		exec(t, c, q)
	}
	same(t, m, "SELECT state, access_mode, autocommit, number_of_savepoints, isolation_level, timer_wait > 0 FROM events_transactions_history WHERE thread_id = "+id+" ORDER BY event_id", nil,
		"COMMITTED|READ ONLY|NO|0|REPEATABLE READ|1", "ROLLED BACK|READ WRITE|NO|1|REPEATABLE READ|1", "COMMITTED|READ WRITE|YES|0|REPEATABLE READ|1")
	same(t, m, "SELECT state, end_event_id FROM events_transactions_current WHERE thread_id = "+id, nil, "ACTIVE|NULL")
	same(t, m, "SELECT count_star, count_read_write, count_read_only FROM events_transactions_summary_by_thread_by_event_name WHERE thread_id = "+id, nil, "3|2|1")
	same(t, m, "SELECT s.sql_text, t.state FROM events_statements_history s JOIN events_transactions_history t ON t.event_id = s.nesting_event_id AND t.thread_id = s.thread_id WHERE s.thread_id = "+id+" AND s.nesting_event_type = 'TRANSACTION' AND sql_text LIKE 'INSERT%'", nil,
		"INSERT INTO t VALUES (1, 1)|ROLLED BACK")
	exec(t, m, "UPDATE setup_instruments SET enabled = 'YES', timed = 'YES' WHERE name LIKE 'stage/%'")
	exec(t, m, "UPDATE setup_consumers SET enabled = 'YES' WHERE name LIKE 'events_stages%'")
	table1(t, c, "SELECT a FROM t WHERE id = 2")
	stages := table1(t, m, "SELECT s.event_name FROM events_stages_history_long s JOIN events_statements_history q ON s.nesting_event_id = q.event_id AND s.thread_id = q.thread_id WHERE q.sql_text LIKE 'SELECT a%' AND s.thread_id = "+id)
	if !slices.Contains(stages, "stage/sql/executing") {
		t.Errorf("stages %q", stages)
	}
	same(t, m, "SELECT count_star FROM events_stages_summary_by_thread_by_event_name WHERE event_name = 'stage/sql/executing' AND thread_id = "+id, nil, "1")
}

// What a summary by a lower level gives up stays in those above it.
func TestSummariesByLevel(t *testing.T) {
	p := perfschema.New()
	_, addr := startWith(t, general.Options{Performance: p}, Options{Performance: p})
	m, c := connect(t, addr, ""), connect(t, addr, "")
	exec(t, m, "USE performance_schema")
	exec(t, m, "TRUNCATE events_statements_summary_global_by_event_name")
	exec(t, c, "DO 1")
	counts := func(want ...string) {
		t.Helper()
		for i, level := range []string{"by_thread", "by_account", "by_user", "by_host", "global"} {
			same(t, m, "SELECT SUM(count_star) FROM events_statements_summary_"+level+"_by_event_name WHERE event_name = 'statement/sql/do'", nil, want[i])
		}
	}
	counts("1", "1", "1", "1", "1")
	exec(t, m, "TRUNCATE events_statements_summary_by_thread_by_event_name")
	counts("0", "1", "1", "1", "1")
	exec(t, m, "TRUNCATE events_statements_summary_by_account_by_event_name")
	counts("0", "0", "1", "1", "1")
	exec(t, m, "TRUNCATE events_statements_summary_by_host_by_event_name")
	counts("0", "0", "1", "0", "1")
	exec(t, c, "DO 1")
	counts("1", "1", "2", "1", "2")
	exec(t, m, "TRUNCATE events_statements_summary_global_by_event_name")
	counts("0", "0", "0", "0", "0")
}
