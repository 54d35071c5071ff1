//go:build e2e

package e2e

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// fillLong makes bank.t with n rows, whose ids are 1 to n.
func fillLong(t *testing.T, db *sql.DB, n int) {
	t.Helper()
	mustExec(t, db, "CREATE DATABASE bank", "CREATE TABLE bank.t (id INT PRIMARY KEY, v BIGINT NOT NULL, c CHAR(20) NOT NULL)",
		"INSERT INTO bank.t VALUES (1, 0, 'c')")
	for have := 1; have < n; have *= 2 {
		mustExec(t, db, fmt.Sprintf("INSERT INTO bank.t SELECT id + %d, v, c FROM bank.t WHERE id <= %d", have, n-have))
	}
}

func scalar(t *testing.T, q interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
}, query string) (n int64) {
	t.Helper()
	if err := q.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

const historyLength = "SELECT count FROM information_schema.innodb_metrics WHERE name = 'trx_rseg_history_len'"

// TestLongSnapshot keeps a snapshot open while 200,000 row versions (10 million in a soak) pile up behind it: it goes on seeing what it saw, the writer's memory
// stays bounded, the history's length is there to see, and when the snapshot closes purge takes all of it away.
func TestLongSnapshot(t *testing.T) {
	c := start(t, "--pool", "128M")
	rows, versions := pick(20_000, 200_000), pick(200_000, 10_000_000)
	admin := c.db("")
	fillLong(t, admin, rows)
	db := c.db("bank")
	old, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{"SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", "START TRANSACTION WITH CONSISTENT SNAPSHOT"} {
		if _, err := old.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	before, begun := resident(c.writerPID()), time.Now()
	const step = 1000 // rows of a transaction
	made, most := 0, int64(0)
	for told := begun; made < versions; {
		low := made % rows
		mustExec(t, db, fmt.Sprintf("UPDATE t SET v = v + 1 WHERE id > %d AND id <= %d", low, low+step))
		made += step
		if time.Since(told) > 10*time.Second {
			told = time.Now()
			most = max(most, scalar(t, admin, historyLength))
			t.Logf("%v: %d versions, history length %d, resident %d MiB", time.Since(begun).Round(time.Second), made, most, resident(c.writerPID())>>20)
		}
	}
	took, after := time.Since(begun), resident(c.writerPID())
	if most = max(most, scalar(t, admin, historyLength)); most < int64(versions/step) {
		t.Errorf("history length %d after %d transactions behind a snapshot", most, versions/step)
	}
	const bound = 400 << 20 // the pool may fill up meanwhile
	if after-before > bound {
		t.Errorf("the writer grew from %d to %d MiB behind a snapshot", before>>20, after>>20)
	}
	read := time.Now()
	if got := scalar(t, old, "SELECT SUM(v) FROM t WHERE id <= 1000"); got != 0 {
		t.Errorf("the snapshot sees changes: %d", got)
	}
	reading := time.Since(read)
	if _, err := old.ExecContext(t.Context(), "COMMIT"); err != nil {
		t.Fatal(err)
	}
	purge := eventually(t, pick(2*time.Minute, 30*time.Minute), "purge to take the history away", func() bool { return scalar(t, admin, historyLength) == 0 })
	figure(t, "long snapshot: %d row versions in %v, history length %d, resident %d MiB before and %d after; 1,000 rows read through them in %v; purged in %v",
		made, took.Round(time.Millisecond), most, before>>20, after>>20, reading.Round(time.Millisecond), purge.Round(time.Millisecond))
	c.check()
}

// TestLongRollback rolls back a transaction of 100,000 rows (2 million in a soak), by ROLLBACK, by KILL, and in the background after kill -9 of the writer: the views
// and the log show how far it is, and others work on meanwhile.
func TestLongRollback(t *testing.T) {
	c := start(t, "--pool", "128M")
	rows := pick(100_000, 2_000_000)
	patient := c.config("")
	patient.ReadTimeout = 30 * time.Minute
	admin := openDB(t, patient)
	fillLong(t, admin, rows)
	patient.DBName = "bank"
	mustExec(t, admin, "CREATE TABLE bank.other (id INT PRIMARY KEY, v INT)", "INSERT INTO bank.other VALUES (1, 0)")
	db := openDB(t, patient)
	for _, how := range []string{"ROLLBACK", "KILL", "crash"} {
		victim, err := openPrivate(t, patient).Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		id := scalar(t, victim, "SELECT CONNECTION_ID()")
		for _, q := range []string{"BEGIN", "UPDATE t SET v = v + 1"} {
			if _, err := victim.ExecContext(t.Context(), q); err != nil {
				t.Fatal(err)
			}
		}
		begun := time.Now()
		session := fmt.Sprint(id)
		switch how {
		case "ROLLBACK":
			go func() { _, _ = victim.ExecContext(context.Background(), "ROLLBACK") }()
		case "KILL":
			mustExec(t, admin, fmt.Sprintf("KILL %d", id))
		case "crash":
			mustExec(t, db, "UPDATE other SET v = v + 1") // what came before it is durable with it
			killWriterFor(c, "SELECT 1")
			session = "0"
		}
		seen := watchRollback(t, c, admin, session, how)
		slowest := time.Duration(0)
		for i := 0; i < 50; i++ {
			one := time.Now()
			mustExec(t, db, "UPDATE other SET v = v + 1 WHERE id = 1")
			slowest = max(slowest, time.Since(one))
		}
		eventually(t, pick(3*time.Minute, 30*time.Minute), "the rollback to end", func() bool {
			return scalar(t, admin, "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'ROLLING BACK'") == 0
		})
		took := time.Since(begun)
		if got := scalar(t, db, "SELECT SUM(v) FROM t"); got != 0 {
			t.Errorf("%s: sum %d", how, got)
		}
		mustExec(t, db, "UPDATE t SET v = v + 0 WHERE id < 10") // nothing is locked any more
		figure(t, "long rollback by %s: %d rows in %v, changes left as seen %v; slowest of 50 updates of others meanwhile %v", how, rows, took.Round(time.Millisecond),
			seen, slowest.Round(time.Millisecond))
	}
	c.check()
}

// watchRollback looks at a session's rollback until it has seen its rows become fewer twice, or it is over.
func watchRollback(t *testing.T, c *cluster, admin *sql.DB, session, how string) (seen []int64) {
	t.Helper()
	state := regexp.MustCompile(`^rollback \d+\.\d% \(\d+ row changes left\)$`)
	listed := session == "0" // the process list has no entry for what nobody runs
	eventually(t, 60*time.Second, "the rollback's progress", func() bool {
		var n int64
		err := admin.QueryRow("SELECT trx_rows_modified FROM information_schema.innodb_trx WHERE trx_state = 'ROLLING BACK' AND trx_mysql_thread_id = " + session).Scan(&n)
		if err == sql.ErrNoRows {
			return len(seen) > 0
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(seen) == 0 || n < seen[len(seen)-1] {
			seen = append(seen, n)
		}
		if !listed {
			var text string
			err := admin.QueryRow("SELECT state FROM information_schema.processlist WHERE id = " + session).Scan(&text)
			listed = err == nil && state.MatchString(text)
		}
		return len(seen) >= 3 && listed
	})
	if len(seen) < 2 || !slices.IsSortedFunc(seen, func(a, b int64) int { return int(b - a) }) {
		t.Errorf("%s: changes left %v", how, seen)
	}
	if !listed {
		t.Errorf("%s: the process list never told of it", how)
	}
	if how == "crash" {
		eventually(t, 10*time.Second, "the log to tell of it", func() bool { return strings.Contains(writerLog(c), "rolling back transactions that were cut short") })
	}
	return seen
}

// writerLog is what the instance has written to its log.
func writerLog(c *cluster) string {
	var b strings.Builder
	_ = filepath.WalkDir(c.dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".log") {
			text, _ := os.ReadFile(path)
			b.Write(text)
		}
		return nil
	})
	return b.String()
}

// TestXACrash: kill -9 of the writer between XA PREPARE and XA COMMIT. Prepared transactions are there afterwards, with their rows locked, and end as they are
// told; those that were not prepared are gone; one that has changed nothing is there, too.
func TestXACrash(t *testing.T) {
	c := start(t)
	admin := c.db("")
	mustExec(t, admin, "CREATE DATABASE bank", "CREATE TABLE bank.t (id INT PRIMARY KEY, v INT, u INT, UNIQUE (u))", "INSERT INTO bank.t VALUES (1, 10, 1), (2, 20, 2), (3, 30, 3)")
	begin := func(xid string, end bool, work ...string) {
		t.Helper()
		db := openPrivate(t, c.config("bank"))
		db.SetMaxOpenConns(1)
		mustExec(t, db, append([]string{"XA START " + xid}, work...)...)
		if end {
			mustExec(t, db, "XA END "+xid, "XA PREPARE "+xid)
		}
	}
	begin("'commit','a',7", true, "UPDATE t SET v = 11 WHERE id = 1", "INSERT INTO t VALUES (4, 40, 4)")
	begin("'back'", true, "UPDATE t SET v = 21, u = 22 WHERE id = 2")
	begin("X'00ff','q',1", true)
	begin("'lost'", false, "UPDATE t SET v = 31 WHERE id = 3")
	recover := func() string {
		t.Helper()
		rows, err := admin.Query("XA RECOVER CONVERT XID")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		var all []string
		for rows.Next() {
			var format, g, b int
			var data string
			if err := rows.Scan(&format, &g, &b, &data); err != nil {
				t.Fatal(err)
			}
			all = append(all, fmt.Sprintf("%d %d %d %s", format, g, b, data))
		}
		slices.Sort(all)
		return strings.Join(all, "; ")
	}
	const want = "1 2 1 0x00ff71; 1 4 0 0x6261636b; 7 6 1 0x636f6d6d697461"
	for round := range 2 {
		if got := recover(); got != want {
			t.Fatalf("round %d: XA RECOVER: %s, want %s", round, got, want)
		}
		killWriterFor(c, "SELECT 1")
	}
	if got := recover(); got != want {
		t.Fatalf("XA RECOVER: %s, want %s", got, want)
	}
	db := openPrivate(t, c.config("bank"))
	db.SetMaxOpenConns(1)
	mustExec(t, db, "SET innodb_lock_wait_timeout = 1")
	for _, q := range []string{"UPDATE t SET v = 0 WHERE id = 1", "DELETE FROM t WHERE id = 2", "INSERT INTO t VALUES (4, 1, 44)", "INSERT INTO t VALUES (5, 1, 22)"} {
		if _, err := db.Exec(q); err == nil || !strings.Contains(err.Error(), "1205") {
			t.Errorf("%s: %v, want a lock wait timeout", q, err)
		}
	}
	if got := scalar(t, db, "SELECT v FROM t WHERE id = 3 FOR UPDATE"); got != 30 {
		t.Errorf("a transaction that was not prepared left %d", got)
	}
	mustExec(t, db, "XA COMMIT 'commit','a',7", "XA ROLLBACK 'back'", "XA COMMIT X'00ff','q',1")
	killWriterFor(c, "SELECT 1")
	if got := recover(); got != "" {
		t.Errorf("XA RECOVER: %s", got)
	}
	if got := scalar(t, admin, "SELECT SUM(v * 1000 + u) FROM bank.t"); got != (11+20+30+40)*1000+1+2+3+4 {
		t.Errorf("sum %d", got)
	}
	c.check()
}
