package session

import (
	"strings"
	"testing"

	"github.com/zoryadb/zorya/sql/general"
	"github.com/zoryadb/zorya/sql/perfschema"
)

// What monitoring tools ask is answered: the queries of PMM's exporter, Datadog's agent and MySQL Workbench, after their documentation.
func TestMonitoringTools(t *testing.T) {
	p := perfschema.New()
	_, addr := startWith(t, general.Options{Performance: p}, Options{Performance: p})
	c := connect(t, addr, "")
	for _, q := range []string{"CREATE DATABASE datadog", "USE datadog", "CREATE TABLE t (id INT PRIMARY KEY, a INT)", "INSERT INTO t VALUES (1, 1)", "SELECT a FROM t WHERE id = 1",
		"UPDATE performance_schema.setup_consumers SET enabled = 'YES' WHERE name LIKE 'events_statements_%' OR name = 'events_waits_current'",
		`CREATE PROCEDURE enable_events_statements_consumers() SQL SECURITY DEFINER
		BEGIN
			UPDATE performance_schema.setup_consumers SET enabled='YES' WHERE name LIKE 'events_statements_%';
			UPDATE performance_schema.setup_consumers SET enabled='YES' WHERE name = 'events_waits_current';
		END`,
		`CREATE PROCEDURE explain_statement(IN query TEXT) SQL SECURITY DEFINER
		BEGIN
			SET @explain := CONCAT('EXPLAIN FORMAT=json ', query);
			PREPARE stmt FROM @explain;
			EXECUTE stmt;
			DEALLOCATE PREPARE stmt;
		END`,
		"CALL enable_events_statements_consumers()"} {
		exec(t, c, q)
	}
	for _, tt := range []struct {
		query string
		rows  bool // there are some
	}{
		{"CALL datadog.explain_statement('SELECT a FROM t WHERE id = 1')", true},
		{"SELECT name, enabled FROM performance_schema.setup_consumers WHERE name LIKE 'events_statements_%' AND enabled = 'YES'", true},
		{`SELECT schema_name, digest, digest_text, count_star, sum_timer_wait, sum_lock_time, sum_errors, sum_rows_affected, sum_rows_sent, sum_rows_examined, sum_select_scan, sum_select_full_join,
			sum_no_index_used, sum_no_good_index_used FROM performance_schema.events_statements_summary_by_digest WHERE digest_text NOT LIKE 'EXPLAIN %' OR digest_text IS NULL ORDER BY count_star DESC LIMIT 10000`, true},
		{`SELECT avg_us, ro AS percentile FROM (SELECT avg_us, @rownum := @rownum + 1 AS ro FROM (SELECT ROUND(avg_timer_wait / 1000000) AS avg_us FROM performance_schema.events_statements_summary_by_digest ORDER BY avg_us ASC) p,
			(SELECT @rownum := 0) r) q WHERE q.ro > ROUND(.95 * @rownum) ORDER BY percentile ASC LIMIT 1`, true},
		{`SELECT schema_name, ROUND((SUM(sum_timer_wait) / SUM(count_star)) / 1000000) AS avg_us FROM performance_schema.events_statements_summary_by_digest WHERE schema_name IS NOT NULL GROUP BY schema_name`, true},
		{`SELECT current_schema, sql_text, digest, digest_text, timer_start, timer_end, timer_wait, lock_time, rows_affected, rows_sent, rows_examined, select_full_join, select_full_range_join, select_range, select_range_check,
			select_scan, sort_merge_passes, sort_range, sort_rows, sort_scan, no_index_used, no_good_index_used, processlist_user, processlist_host, processlist_db
			FROM performance_schema.events_statements_history_long AS E LEFT JOIN performance_schema.threads AS T ON E.thread_id = T.thread_id
			WHERE sql_text IS NOT NULL AND event_name LIKE 'statement/%' AND digest_text IS NOT NULL AND digest_text NOT LIKE 'EXPLAIN %' ORDER BY timer_wait DESC LIMIT 100`, true},
		{`SELECT thread_a.thread_id, thread_a.processlist_id, thread_a.processlist_user, thread_a.processlist_host, thread_a.processlist_db, thread_a.processlist_command, thread_a.processlist_state,
			COALESCE(statement.sql_text, thread_a.processlist_info) AS sql_text, statement.timer_start AS event_timer_start, statement.timer_end AS event_timer_end, statement.lock_time, statement.current_schema,
			waits_a.event_id AS event_id, waits_a.end_event_id, IF(waits_a.thread_id IS NULL, 'other', COALESCE(IF(thread_a.processlist_state = 'User sleep', 'User sleep',
			IF(waits_a.event_id = waits_a.end_event_id, 'CPU', waits_a.event_name)), 'CPU')) AS wait_event, waits_a.operation, waits_a.object_schema, waits_a.object_name, waits_a.index_name, waits_a.object_type, waits_a.source,
			socket.ip, socket.port, socket.event_name AS socket_event_name
			FROM performance_schema.threads AS thread_a LEFT JOIN performance_schema.events_waits_current AS waits_a ON waits_a.thread_id = thread_a.thread_id
			LEFT JOIN performance_schema.events_statements_current AS statement ON statement.thread_id = thread_a.thread_id
			LEFT JOIN performance_schema.socket_instances AS socket ON socket.thread_id = thread_a.thread_id AND socket.event_name NOT LIKE '%server_tcpip_socket%'
			WHERE thread_a.processlist_state IS NOT NULL AND thread_a.processlist_command != 'Sleep' AND thread_a.processlist_id = CONNECTION_ID() AND thread_a.processlist_command != 'Daemon'
			AND (waits_a.event_name != 'idle' OR waits_a.event_name IS NULL) AND (waits_a.operation != 'idle' OR waits_a.operation IS NULL)
			AND (waits_a.event_id = (SELECT MAX(waits_b.event_id) FROM performance_schema.events_waits_current AS waits_b WHERE waits_b.thread_id = thread_a.thread_id) OR waits_a.event_id IS NULL)
			AND COALESCE(statement.sql_text, thread_a.processlist_info) != ''`, true},
		{`SELECT IFNULL(SCHEMA_NAME, 'NONE') AS SCHEMA_NAME, DIGEST, LEFT(DIGEST_TEXT, 120) AS DIGEST_TEXT, COUNT_STAR, SUM_TIMER_WAIT, SUM_LOCK_TIME, SUM_CPU_TIME, SUM_ERRORS, SUM_WARNINGS, SUM_ROWS_AFFECTED, SUM_ROWS_SENT,
			SUM_ROWS_EXAMINED, SUM_CREATED_TMP_DISK_TABLES, SUM_CREATED_TMP_TABLES, SUM_SORT_MERGE_PASSES, SUM_SORT_ROWS, SUM_NO_INDEX_USED, QUANTILE_95, QUANTILE_99, QUANTILE_999
			FROM (SELECT * FROM performance_schema.events_statements_summary_by_digest WHERE SCHEMA_NAME NOT IN ('mysql', 'performance_schema', 'information_schema') AND LAST_SEEN > DATE_SUB(NOW(), INTERVAL 86400 SECOND)
			ORDER BY LAST_SEEN DESC) Q GROUP BY Q.SCHEMA_NAME, Q.DIGEST, Q.DIGEST_TEXT, Q.COUNT_STAR, Q.SUM_TIMER_WAIT, Q.SUM_LOCK_TIME, Q.SUM_CPU_TIME, Q.SUM_ERRORS, Q.SUM_WARNINGS, Q.SUM_ROWS_AFFECTED, Q.SUM_ROWS_SENT,
			Q.SUM_ROWS_EXAMINED, Q.SUM_CREATED_TMP_DISK_TABLES, Q.SUM_CREATED_TMP_TABLES, Q.SUM_SORT_MERGE_PASSES, Q.SUM_SORT_ROWS, Q.SUM_NO_INDEX_USED, Q.QUANTILE_95, Q.QUANTILE_99, Q.QUANTILE_999
			ORDER BY SUM_TIMER_WAIT DESC LIMIT 250`, true},
		{"SELECT DIGEST, CURRENT_SCHEMA, SQL_TEXT FROM performance_schema.events_statements_history WHERE DIGEST IS NOT NULL AND SQL_TEXT IS NOT NULL", true},
		{"SELECT EVENT_NAME, COUNT_STAR, SUM_TIMER_WAIT FROM performance_schema.events_waits_summary_global_by_event_name", false},
		{"SELECT EVENT_NAME, COUNT_READ, SUM_TIMER_READ, SUM_NUMBER_OF_BYTES_READ, COUNT_WRITE, SUM_TIMER_WRITE, SUM_NUMBER_OF_BYTES_WRITE, COUNT_MISC, SUM_TIMER_MISC FROM performance_schema.file_summary_by_event_name", false},
		{`SELECT OBJECT_SCHEMA, OBJECT_NAME, IFNULL(INDEX_NAME, 'NONE') AS INDEX_NAME, COUNT_FETCH, COUNT_INSERT, COUNT_UPDATE, COUNT_DELETE, SUM_TIMER_FETCH, SUM_TIMER_INSERT, SUM_TIMER_UPDATE, SUM_TIMER_DELETE
			FROM performance_schema.table_io_waits_summary_by_index_usage WHERE OBJECT_SCHEMA NOT IN ('mysql', 'performance_schema')`, true},
		{`SELECT OBJECT_SCHEMA, OBJECT_NAME, COUNT_READ_NORMAL, COUNT_READ_WITH_SHARED_LOCKS, COUNT_READ_HIGH_PRIORITY, COUNT_READ_NO_INSERT, COUNT_READ_EXTERNAL, COUNT_WRITE_ALLOW_WRITE, COUNT_WRITE_CONCURRENT_INSERT,
			COUNT_WRITE_LOW_PRIORITY, COUNT_WRITE_NORMAL, COUNT_WRITE_EXTERNAL, SUM_TIMER_READ_NORMAL, SUM_TIMER_WRITE_EXTERNAL FROM performance_schema.table_lock_waits_summary_by_table`, false},
		{"SELECT * FROM performance_schema.replication_group_members", false},
		{"SELECT * FROM performance_schema.replication_group_member_stats WHERE MEMBER_ID = @@server_uuid", false},
		{`SELECT CHANNEL_NAME, WORKER_ID, LAST_APPLIED_TRANSACTION_ORIGINAL_COMMIT_TIMESTAMP, LAST_APPLIED_TRANSACTION_END_APPLY_TIMESTAMP, APPLYING_TRANSACTION_START_APPLY_TIMESTAMP
			FROM performance_schema.replication_applier_status_by_worker`, false},
		{"SELECT EVENT_NAME, SUM_NUMBER_OF_BYTES_ALLOC, SUM_NUMBER_OF_BYTES_FREE, CURRENT_NUMBER_OF_BYTES_USED FROM performance_schema.memory_summary_global_by_event_name WHERE COUNT_ALLOC > 0", true},
		{`SELECT user, statements, statement_latency, table_scans, file_ios, file_io_latency, current_connections, total_connections, unique_hosts, current_memory, total_memory_allocated FROM sys.x$user_summary`, true},
		{`SELECT user, SUBSTRING_INDEX(host, ':', 1) AS host, COALESCE(command, ''), COALESCE(state, ''), COUNT(*), SUM(time) FROM information_schema.processlist WHERE time >= 0 GROUP BY user, 2, command, state`, true},
		{`SELECT t.PROCESSLIST_ID, IF(NAME = 'thread/sql/event_scheduler', 'event_scheduler', t.PROCESSLIST_USER) PROCESSLIST_USER, t.PROCESSLIST_HOST, t.PROCESSLIST_DB, t.PROCESSLIST_COMMAND, t.PROCESSLIST_TIME,
			t.PROCESSLIST_STATE, t.THREAD_ID, t.TYPE, t.NAME, t.PARENT_THREAD_ID, t.INSTRUMENTED, t.PROCESSLIST_INFO, a.ATTR_VALUE FROM performance_schema.threads t
			LEFT OUTER JOIN performance_schema.session_connect_attrs a ON t.processlist_id = a.processlist_id AND (a.attr_name IS NULL OR a.attr_name = 'program_name') WHERE t.TYPE <> 'BACKGROUND'`, true},
		{"SELECT st.* FROM performance_schema.events_statements_current st JOIN performance_schema.threads thr ON thr.thread_id = st.thread_id WHERE thr.processlist_id = CONNECTION_ID()", true},
		{"SELECT st.* FROM performance_schema.events_stages_history_long st WHERE st.nesting_event_id = 1", false},
		{"SELECT st.* FROM performance_schema.events_waits_history_long st WHERE st.nesting_event_id = 1", false},
		{"SELECT * FROM sys.session", true},
		{"SELECT * FROM sys.x$processlist WHERE trx_state IS NOT NULL", true},
		{"SELECT * FROM sys.statement_analysis LIMIT 100", true},
		{"SELECT sys.ps_is_consumer_enabled('events_statements_history'), sys.ps_thread_id(NULL) = sys.ps_thread_id(CONNECTION_ID()), sys.ps_is_thread_instrumented(CONNECTION_ID())", true},
	} {
		if got := table1(t, c, tt.query); len(got) > 0 != tt.rows {
			t.Errorf("%s\n%d rows", tt.query, len(got))
		}
	}
}

// The routines of sys change the setup_ tables and tell of them.
func TestSysRoutines(t *testing.T) {
	p := perfschema.New()
	_, addr := startWith(t, general.Options{Performance: p}, Options{Performance: p})
	c := connect(t, addr, "")
	for _, tt := range []struct {
		query string
		want  string
	}{
		{"CALL sys.ps_setup_enable_consumer('events_waits')", "Enabled 3 consumers"},
		{"CALL sys.ps_setup_disable_consumer('history_long')", "Disabled 1 consumer"},
		{"SELECT sys.ps_is_consumer_enabled('events_waits_history'), sys.ps_is_consumer_enabled('events_waits_history_long')", "YES|NO"},
		{"CALL sys.ps_setup_disable_consumer('thread_instrumentation')", "Disabled 1 consumer"},
		{"SELECT sys.ps_is_consumer_enabled('events_waits_history'), sys.ps_is_consumer_enabled('statements_digest')", "NO|YES"},
		{"CALL sys.ps_setup_disable_instrument('statement/sql/sel')", "Disabled 1 instrument"},
		{"CALL sys.ps_setup_disable_thread(CONNECTION_ID())", "Disabled 1 thread"},
		{"SELECT sys.ps_is_thread_instrumented(CONNECTION_ID()), sys.ps_is_thread_instrumented(77777)", "NO|UNKNOWN"},
		{"CALL sys.ps_setup_enable_thread(CONNECTION_ID())", "Enabled 1 thread"},
		{"SELECT COUNT(*) FROM performance_schema.setup_consumers WHERE enabled = 'YES'", "8"},
		{"SELECT sys.ps_is_account_enabled('localhost', 'x')", "YES"},
		{"CALL sys.table_exists('performance_schema', 'threads', @is)", ""},
		{"SELECT @is", "BASE TABLE"},
		{"CALL sys.execute_prepared_stmt('SELECT 7')", "7"},
	} {
		if got := strings.Join(table1(t, c, tt.query), "\n"); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.query, got, tt.want)
		}
	}
	exec(t, c, "CALL sys.ps_setup_reset_to_default(FALSE)")
	same(t, c, "CALL sys.ps_setup_show_enabled_consumers()", nil, "events_statements_current", "events_statements_history", "events_transactions_current", "events_transactions_history",
		"global_instrumentation", "statements_digest", "thread_instrumentation")
	same(t, c, "SELECT COUNT(*) FROM performance_schema.setup_objects", nil, "20")
	if got := table1(t, c, "CALL sys.ps_truncate_all_tables(FALSE)"); len(got) != 1 || !strings.HasPrefix(got[0], "Truncated ") {
		t.Errorf("%q", got)
	}
	same(t, c, "SELECT COUNT(*) FROM performance_schema.events_statements_summary_by_digest WHERE digest_text LIKE 'SELECT `sys`%'", nil, "0")
	if got := code(c, "SELECT sys.ps_is_consumer_enabled('nosuch')"); got != 3047 {
		t.Errorf("error %d", got)
	}
}
