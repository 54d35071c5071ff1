package session

import (
	"context"
	stdsql "database/sql"
	"fmt"
	"regexp"
	"strings"
	"testing"

	_ "github.com/go-sql-driver/mysql"
)

// table1 reads a result as lines of fields, with | between them.
func table1(t *testing.T, c *stdsql.Conn, query string) []string {
	t.Helper()
	rows, err := c.QueryContext(context.Background(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	cols, _ := rows.Columns()
	vals, ptrs := make([]stdsql.NullString, len(cols)), make([]any, len(cols))
	for i := range vals {
		ptrs[i] = &vals[i]
	}
	var out []string
	for rows.Next() {
		if err := rows.Scan(ptrs...); err != nil {
			t.Fatal(err)
		}
		f := make([]string, len(vals))
		for i, v := range vals {
			if f[i] = v.String; !v.Valid {
				f[i] = "NULL"
			}
		}
		out = append(out, strings.Join(f, "|"))
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return out
}

// same compares a result with the lines wanted, in which {a} stands for a value of known.
func same(t *testing.T, c *stdsql.Conn, query string, known map[string]any, want ...string) {
	t.Helper()
	for i := range want {
		for k, v := range known {
			want[i] = strings.ReplaceAll(want[i], "{"+k+"}", fmt.Sprint(v))
		}
	}
	if got := strings.Join(table1(t, c, query), "\n"); got != strings.Join(want, "\n") {
		t.Errorf("%s:\n%s\nwant:\n%s", query, got, strings.Join(want, "\n"))
	}
}

func connectionID(t *testing.T, c *stdsql.Conn) (id int64) {
	t.Helper()
	if err := c.QueryRowContext(context.Background(), "SELECT CONNECTION_ID()").Scan(&id); err != nil {
		t.Fatal(err)
	}
	return id
}

// innodbStatus is the text of SHOW ENGINE INNODB STATUS.
func innodbStatus(t *testing.T, c *stdsql.Conn) string {
	t.Helper()
	var kind, name, text string
	if err := c.QueryRowContext(context.Background(), "SHOW ENGINE INNODB STATUS").Scan(&kind, &name, &text); err != nil {
		t.Fatal(err)
	}
	if kind != "InnoDB" || name != "" {
		t.Errorf("type %q, name %q", kind, name)
	}
	return text
}

// section cuts one section out of the monitor's text.
func section(t *testing.T, text, name string) string {
	t.Helper()
	line := strings.Repeat("-", len(name))
	_, rest, ok := strings.Cut(text, line+"\n"+name+"\n"+line+"\n")
	if !ok {
		t.Errorf("no section %s in\n%s", name, text)
	}
	if at := regexp.MustCompile(`(?m)^-+\n[A-Z /]+\n-+$`).FindStringIndex(rest); at != nil {
		rest = rest[:at[0]]
	}
	return rest
}

func hasLine(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, w := range wants {
		if !regexp.MustCompile("(?m)" + w).MatchString(text) {
			t.Errorf("nothing like %q in\n%s", w, text)
		}
	}
}

// trxOf waits until a session's transaction is in a state and returns its id.
func trxOf(t *testing.T, c *stdsql.Conn, session int64, state string) (id uint64) {
	t.Helper()
	eventually(t, fmt.Sprintf("session %d to be in state %s", session, state), func() bool {
		err := c.QueryRowContext(context.Background(), fmt.Sprintf("SELECT trx_id FROM information_schema.innodb_trx WHERE trx_mysql_thread_id = %d AND trx_state = '%s'", session, state)).Scan(&id)
		return err == nil
	})
	return id
}

func TestViewsOfLockWaits(t *testing.T) {
	_, addr := startFull(t)
	m, a, b := connect(t, addr, ""), connect(t, addr, ""), connect(t, addr, "")
	exec(t, m, "CREATE DATABASE d")
	for _, c := range []*stdsql.Conn{m, a, b} {
		exec(t, c, "USE d")
	}
	exec(t, m, "CREATE TABLE t (id INT PRIMARY KEY, v INT, KEY (v))")
	exec(t, m, "CREATE TABLE u (id INT PRIMARY KEY)")
	exec(t, m, "INSERT INTO t VALUES (1, 10), (2, 20), (3, 30)")
	aid, bid := connectionID(t, a), connectionID(t, b)
	exec(t, a, "BEGIN")
	exec(t, a, "INSERT INTO u VALUES (1)")
	exec(t, a, "UPDATE t SET v = 11 WHERE id = 1")
	known := map[string]any{"a": aid, "b": bid, "ta": trxOf(t, m, aid, "RUNNING")}
	locks := "SELECT engine, engine_transaction_id, thread_id, object_schema, object_name, index_name, lock_type, lock_mode, lock_status, lock_data " +
		"FROM performance_schema.data_locks WHERE thread_id = %d ORDER BY object_name, lock_type DESC, index_name, lock_data"
	same(t, m, fmt.Sprintf(locks, aid), known,
		"INNODB|{ta}|{a}|d|t|NULL|TABLE|IX|GRANTED|NULL", "INNODB|{ta}|{a}|d|t|PRIMARY|RECORD|X,REC_NOT_GAP|GRANTED|1", "INNODB|{ta}|{a}|d|u|NULL|TABLE|IX|GRANTED|NULL")

	exec(t, b, "BEGIN")
	exec(t, b, "SELECT * FROM t WHERE v > 25 FOR UPDATE")
	const waiting = "UPDATE t SET v = 12 WHERE id = 1"
	done := make(chan int, 1)
	go func() { done <- code(b, waiting) }()
	known["tb"] = trxOf(t, m, bid, "LOCK WAIT")
	same(t, m, fmt.Sprintf(locks, bid), known,
		"INNODB|{tb}|{b}|d|t|NULL|TABLE|IX|GRANTED|NULL",
		"INNODB|{tb}|{b}|d|t|PRIMARY|RECORD|X,REC_NOT_GAP|WAITING|1",
		"INNODB|{tb}|{b}|d|t|PRIMARY|RECORD|X,REC_NOT_GAP|GRANTED|3",
		"INNODB|{tb}|{b}|d|t|v|RECORD|X|GRANTED|30, 3",
		"INNODB|{tb}|{b}|d|t|v|RECORD|X|GRANTED|supremum pseudo-record")
	same(t, m, `SELECT r.trx_id, r.trx_mysql_thread_id, r.trx_query, b.trx_id, b.trx_mysql_thread_id FROM performance_schema.data_lock_waits w
		JOIN information_schema.innodb_trx r ON r.trx_id = w.requesting_engine_transaction_id
		JOIN information_schema.innodb_trx b ON b.trx_id = w.blocking_engine_transaction_id`, known, "{tb}|{b}|"+waiting+"|{ta}|{a}")
	same(t, m, `SELECT COUNT(*) FROM performance_schema.data_lock_waits w JOIN performance_schema.data_locks l ON l.engine_lock_id = w.requesting_engine_lock_id
		JOIN performance_schema.data_locks h ON h.engine_lock_id = w.blocking_engine_lock_id WHERE l.lock_status = 'WAITING' AND h.lock_status = 'GRANTED'`, nil, "1")
	same(t, m, `SELECT locked_table, locked_table_schema, locked_table_name, locked_index, locked_type, waiting_trx_id, waiting_pid, waiting_query, waiting_lock_mode,
		blocking_trx_id, blocking_pid, blocking_query, blocking_lock_mode, blocking_trx_rows_modified, sql_kill_blocking_query, sql_kill_blocking_connection
		FROM sys.innodb_lock_waits`, known,
		"`d`.`t`|d|t|PRIMARY|RECORD|{tb}|{b}|"+waiting+"|X,REC_NOT_GAP|{ta}|{a}|NULL|X,REC_NOT_GAP|2|KILL QUERY {a}|KILL {a}")
	same(t, m, `SELECT trx_state, trx_requested_lock_id IS NOT NULL, trx_wait_started IS NOT NULL, trx_operation_state, trx_tables_locked, trx_rows_modified, trx_isolation_level,
		trx_is_read_only FROM information_schema.innodb_trx ORDER BY trx_mysql_thread_id`, nil,
		"RUNNING|0|0|NULL|0|2|REPEATABLE READ|0", "LOCK WAIT|1|1|starting index read|1|0|REPEATABLE READ|0")
	same(t, m, "SELECT object_type, object_schema, object_name, lock_type, lock_duration, lock_status, owner_thread_id FROM performance_schema.metadata_locks "+
		"WHERE object_schema = 'd' ORDER BY owner_thread_id, object_name, lock_type", known,
		"TABLE|d|t|SHARED_WRITE|TRANSACTION|GRANTED|{a}", "TABLE|d|u|SHARED_WRITE|TRANSACTION|GRANTED|{a}", "TABLE|d|t|SHARED_READ|TRANSACTION|GRANTED|{b}",
		"TABLE|d|t|SHARED_WRITE|TRANSACTION|GRANTED|{b}")
	hasLine(t, section(t, innodbStatus(t, m), "TRANSACTIONS"), `^Trx id counter \d+$`, `^History list length \d+$`, `^LIST OF TRANSACTIONS FOR EACH SESSION:$`,
		fmt.Sprintf(`^---TRANSACTION %v, ACTIVE \d+ sec$`, known["ta"]), `, undo log entries 2$`,
		fmt.Sprintf(`^---TRANSACTION %v, ACTIVE \d+ sec starting index read$`, known["tb"]), `^LOCK WAIT \d+ lock struct`, "^"+waiting+"$",
		`^------- TRX HAS BEEN WAITING \d+ SEC FOR THIS LOCK TO BE GRANTED:$`, "^RECORD LOCKS index PRIMARY of table `d`.`t` trx id .* lock_mode X locks rec but not gap waiting$")
	same(t, m, "SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'", nil, "Innodb_row_lock_current_waits|1")
	exec(t, a, "ROLLBACK")
	if got := <-done; got != 0 {
		t.Errorf("error %d", got)
	}
	exec(t, b, "ROLLBACK")
	for _, tt := range [][2]string{{"FOR UPDATE", "SHARED_WRITE"}, {"FOR SHARE", "SHARED_READ"}, {"", "SHARED_READ"}} {
		for _, q := range []string{"SELECT * FROM t WHERE id = 1 ", "SELECT REVERSE(id) FROM t WHERE id > 1 "} {
			exec(t, a, "BEGIN")
			table1(t, a, q+tt[0])
			same(t, m, "SELECT MAX(lock_type) FROM performance_schema.metadata_locks WHERE object_name = 't'", nil, tt[1])
			exec(t, a, "ROLLBACK")
		}
	}
	same(t, m, "SELECT COUNT(*) FROM performance_schema.data_locks", nil, "0")
	same(t, m, "SELECT name, count FROM information_schema.innodb_metrics WHERE name IN ('lock_row_lock_waits', 'lock_row_lock_current_waits') ORDER BY name", nil,
		"lock_row_lock_current_waits|0", "lock_row_lock_waits|1")
}

func TestViewsOfMetadataWaits(t *testing.T) {
	_, addr := startFull(t)
	m, a, b := connect(t, addr, ""), connect(t, addr, ""), connect(t, addr, "")
	exec(t, m, "CREATE DATABASE d")
	for _, c := range []*stdsql.Conn{m, a, b} {
		exec(t, c, "USE d")
	}
	exec(t, m, "CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	known := map[string]any{"a": connectionID(t, a), "b": connectionID(t, b)}
	exec(t, a, "BEGIN")
	exec(t, a, "SELECT * FROM t")
	const ddl = "ALTER TABLE t ADD COLUMN w INT"
	done := make(chan int, 1)
	go func() { done <- code(b, ddl) }()
	eventually(t, "the ALTER to wait", func() bool {
		return len(table1(t, m, "SELECT 1 FROM information_schema.processlist WHERE state = 'Waiting for table metadata lock'")) == 1
	})
	same(t, m, "SELECT object_schema, object_name, waiting_pid, waiting_account, waiting_lock_type, waiting_query, blocking_pid, blocking_lock_type, sql_kill_blocking_query "+
		"FROM sys.schema_table_lock_waits", known, "d|t|{b}|admin@127.0.0.1|EXCLUSIVE|"+ddl+"|{a}|SHARED_READ|KILL QUERY {a}")
	same(t, m, "SELECT object_type, object_name, lock_type, lock_status, owner_thread_id FROM performance_schema.metadata_locks WHERE object_name = 't' ORDER BY lock_status, owner_thread_id", known,
		"TABLE|t|SHARED_READ|GRANTED|{a}", "TABLE|t|SHARED_UPGRADABLE|GRANTED|{b}", "TABLE|t|EXCLUSIVE|PENDING|{b}")
	exec(t, a, "COMMIT")
	if got := <-done; got != 0 {
		t.Errorf("error %d", got)
	}
	exec(t, a, "SELECT GET_LOCK('mine', 0)")
	exec(t, b, "LOCK TABLES t WRITE")
	same(t, m, "SELECT object_type, object_schema, object_name, lock_type, lock_duration, lock_status, owner_thread_id FROM performance_schema.metadata_locks "+
		"WHERE lock_duration = 'EXPLICIT' ORDER BY object_type", known,
		"TABLE|d|t|SHARED_NO_READ_WRITE|EXPLICIT|GRANTED|{b}", "USER LEVEL LOCK|NULL|mine|EXCLUSIVE|EXPLICIT|GRANTED|{a}")
	exec(t, b, "UNLOCK TABLES")
}

// TestLatestDeadlock: who waited for what in which statement, and who lost.
func TestLatestDeadlock(t *testing.T) {
	_, addr := startFull(t)
	m, a, b := connect(t, addr, ""), connect(t, addr, ""), connect(t, addr, "")
	exec(t, m, "CREATE DATABASE d")
	for _, c := range []*stdsql.Conn{m, a, b} {
		exec(t, c, "USE d")
	}
	exec(t, m, "CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	exec(t, m, "INSERT INTO t VALUES (1, 10), (2, 20), (3, 30)")
	if strings.Contains(innodbStatus(t, m), "DEADLOCK") {
		t.Error("a deadlock before there was one")
	}
	aid, bid := connectionID(t, a), connectionID(t, b)
	exec(t, a, "BEGIN")
	exec(t, b, "BEGIN")
	exec(t, a, "UPDATE t SET v = 11 WHERE id IN (1, 3)")
	exec(t, b, "UPDATE t SET v = 21 WHERE id = 2")
	ta, tb := trxOf(t, m, aid, "RUNNING"), trxOf(t, m, bid, "RUNNING")
	done := make(chan int, 1)
	go func() { done <- code(a, "UPDATE t SET v = 12 WHERE id = 2") }()
	trxOf(t, m, aid, "LOCK WAIT")
	if got := code(b, "DELETE FROM t WHERE id = 1"); got != 1213 {
		t.Errorf("error %d, want a deadlock", got)
	}
	if got := <-done; got != 0 {
		t.Errorf("error %d", got)
	}
	text := section(t, innodbStatus(t, m), "LATEST DETECTED DEADLOCK")
	one := fmt.Sprintf(`\*\*\* \(\d\) TRANSACTION:\nTRANSACTION %d, ACTIVE\nLOCK WAIT \d+ row lock\(s\), undo log entries 2\nMySQL thread id %d .*\nUPDATE t SET v = 12 WHERE id = 2\n\n`, ta, aid) +
		"\\*\\*\\* \\(\\d\\) HOLDS THE LOCK\\(S\\):\nRECORD LOCKS index PRIMARY of table `d`.`t` trx id .* lock_mode X locks rec but not gap\nRecord lock: 1\n\n" +
		"\\*\\*\\* \\(\\d\\) WAITING FOR THIS LOCK TO BE GRANTED:\nRECORD LOCKS index PRIMARY of table `d`.`t` trx id .* lock_mode X locks rec but not gap waiting\nRecord lock: 2\n"
	two := fmt.Sprintf(`\*\*\* \((\d)\) TRANSACTION:\nTRANSACTION %d, ACTIVE\nLOCK WAIT \d+ row lock\(s\), undo log entries 1\nMySQL thread id %d .*\nDELETE FROM t WHERE id = 1\n`, tb, bid)
	hasLine(t, text, one, two)
	if n := regexp.MustCompile(two).FindStringSubmatch(text); n != nil {
		hasLine(t, text, `\*\*\* WE ROLL BACK TRANSACTION \(`+n[1]+`\)`)
	}
	same(t, m, "SELECT count FROM information_schema.innodb_metrics WHERE name = 'lock_deadlocks'", nil, "1")
}

// TestMonitorSections: what SHOW ENGINE INNODB STATUS and the counters say of history, foreign keys, rows and the log.
func TestMonitorSections(t *testing.T) {
	_, addr := startFull(t)
	m, a := connect(t, addr, ""), connect(t, addr, "")
	exec(t, m, "CREATE DATABASE d")
	exec(t, m, "USE d")
	exec(t, a, "USE d")
	exec(t, m, "CREATE TABLE p (id INT PRIMARY KEY)")
	exec(t, m, "CREATE TABLE c (id INT PRIMARY KEY, p INT, CONSTRAINT mine FOREIGN KEY (p) REFERENCES p (id))")
	if strings.Contains(innodbStatus(t, m), "FOREIGN KEY") {
		t.Error("a foreign key error before there was one")
	}
	exec(t, a, "START TRANSACTION WITH CONSISTENT SNAPSHOT")
	exec(t, m, "INSERT INTO p VALUES (1), (2), (3)")
	for i := range 5 {
		exec(t, m, fmt.Sprintf("INSERT INTO c VALUES (%d, 1)", i))
	}
	exec(t, m, "UPDATE c SET p = 2 WHERE id < 3")
	exec(t, m, "DELETE FROM c WHERE id = 4")
	if got := code(m, "INSERT INTO c VALUES (9, 77)"); got != 1452 {
		t.Errorf("error %d", got)
	}
	text := innodbStatus(t, m)
	hasLine(t, text, `INNODB MONITOR OUTPUT$`, `^Per second averages calculated from the last \d+ seconds$`, `^END OF INNODB MONITOR OUTPUT$`)
	hasLine(t, section(t, text, "LATEST FOREIGN KEY ERROR"), `INSERT INTO c VALUES \(9, 77\)`, "CONSTRAINT `mine` FOREIGN KEY \\(`p`\\) REFERENCES `p` \\(`id`\\)")
	hasLine(t, section(t, text, "TRANSACTIONS"), `^History list length [1-9]\d*$`, `^Trx read view will not see trx with id >= \d+$`)
	hasLine(t, section(t, text, "LOG"), `^Log sequence number +[1-9]\d*$`, `^Volume durable LSN \(VDL\) +[1-9]\d*$`)
	hasLine(t, section(t, text, "BUFFER POOL AND MEMORY"), `^Buffer pool size   [1-9]\d*$`, `^Buffer pool hit rate \d+ / 1000$`)
	hasLine(t, section(t, text, "ROW OPERATIONS"), `^Number of rows inserted \d+, updated 3, deleted 1, read \d+$`, `^\d+ read views open inside InnoDB$`)
	section(t, text, "BACKGROUND THREAD")
	section(t, text, "SEMAPHORES")
	section(t, text, "FILE I/O")
	history := "SELECT count FROM information_schema.innodb_metrics WHERE name = 'trx_rseg_history_len'"
	n := table1(t, m, history)[0]
	same(t, m, "SHOW GLOBAL STATUS LIKE 'Innodb_history_list_length'", nil, "Innodb_history_list_length|"+n)
	if n == "0" {
		t.Error("no history behind an open snapshot")
	}
	same(t, m, "SHOW GLOBAL STATUS LIKE 'Innodb_rows_updated'", nil, "Innodb_rows_updated|3")
	exec(t, a, "COMMIT")
	eventually(t, "purge to come to its end", func() bool { return table1(t, m, history)[0] == "0" })
	exec(t, m, "CREATE USER poor IDENTIFIED BY 'x'")
	exec(t, m, "GRANT SELECT ON d.* TO poor")
	db, err := stdsql.Open("mysql", "poor:x@tcp("+addr+")/d")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	poor, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer poor.Close()
	for query, want := range map[string]int{"SHOW ENGINE INNODB STATUS": 1227, "SELECT * FROM information_schema.innodb_trx": 1227,
		"SELECT * FROM information_schema.innodb_metrics": 1227, "SELECT * FROM performance_schema.data_locks": 1142, "SELECT * FROM performance_schema.session_variables": 0,
		"SELECT * FROM information_schema.innodb_tables": 1227, "SHOW TABLES FROM performance_schema": 1044, "SELECT * FROM performance_schema.session_status s JOIN mysql.user": 1142} {
		if got := code(poor, query); got != want {
			t.Errorf("%s without privileges: error %d, want %d", query, got, want)
		}
	}
}
