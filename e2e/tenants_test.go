//go:build e2e

package e2e

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	tenantDatabases = flag.Int("tenants.databases", 0, "how many databases (default 60, in a soak 3,000)")
	tenantTables    = flag.Int("tenants.tables", 0, "tables of each, with three indexes (default 20, in a soak 42: 504,000 tables and indexes)")
	tenantSessions  = flag.Int("tenants.sessions", 0, "sessions that do DDL at once (default 60, in a soak 600)")
)

// tenantDDL is what each tenant does to one of its tables.
var tenantDDL = []string{"ALTER TABLE t0 ADD COLUMN x INT", "CREATE INDEX ix ON t0 (x)", "ALTER TABLE t0 MODIFY a BIGINT", "RENAME TABLE t0 TO u0", "TRUNCATE u0", "ANALYZE TABLE u0",
	"CREATE VIEW v AS SELECT * FROM u0", "DROP VIEW v", "RENAME TABLE u0 TO t0", "CREATE TABLE extra LIKE t0", "DROP TABLE extra", "ALTER TABLE t0 DROP COLUMN x"}

// TestTenants makes many tenants' tables through many sessions at once, while one tenant's DDL waits for a transaction of its own: nobody else waits for it.
// Then it tells what one tenant's listings cost among the others' tables and what DDL does to another tenant's point selects, kills the writer, and checks everything.
func TestTenants(t *testing.T) {
	orPick := func(given, short, long int) int {
		if given != 0 {
			return given
		}
		return pick(short, long)
	}
	tenants, tables, sessions := orPick(*tenantDatabases, 60, 3000), orPick(*tenantTables, 20, 42), orPick(*tenantSessions, 60, 600)
	c := start(t, "--pool", "256M", "--max-connections", "1000")
	admin := c.db("")
	mustExec(t, admin, "CREATE DATABASE waits", "CREATE TABLE waits.t (id INT PRIMARY KEY, a INT)", "INSERT INTO waits.t VALUES (1, 1)")
	user, err := admin.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{"BEGIN", "SELECT * FROM waits.t"} {
		if _, err := user.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	ended := make(chan error, 1)
	patient := c.config("waits")
	patient.ReadTimeout = 0 // it waits until the end
	waits := openDB(t, patient)
	go func() {
		_, err := waits.Exec("ALTER TABLE t MODIFY a BIGINT")
		ended <- err
	}()
	eventually(t, 60*time.Second, "ALTER TABLE to wait for the transaction", func() bool {
		var n int
		return admin.QueryRow("SELECT COUNT(*) FROM information_schema.processlist WHERE state = 'Waiting for table metadata lock'").Scan(&n) == nil && n == 1
	})

	made := eachTenant(t, c, sessions, tenants, func(ctx context.Context, conn *sql.Conn, i int) error {
		if err := execAll(ctx, conn, fmt.Sprintf("CREATE DATABASE d%d", i), fmt.Sprintf("USE d%d", i)); err != nil {
			return err
		}
		for k := range tables {
			q := fmt.Sprintf("CREATE TABLE t%d (id BIGINT AUTO_INCREMENT PRIMARY KEY, a INT, b VARCHAR(40) NOT NULL, c DATETIME, KEY (a), KEY (b, c))", k)
			if err := execAll(ctx, conn, q); err != nil {
				return err
			}
		}
		return execAll(ctx, conn, "INSERT INTO t1 (a, b) VALUES (1, 'x'), (2, 'y'), (3, 'z')")
	})
	figure(t, "tenants: %d databases, %d tables (%d with indexes) by %d sessions: %.0f tables a second; writer %d MiB resident", tenants, tenants*tables, 4*tenants*tables,
		sessions, float64(tenants*tables)/made.Seconds(), resident(c.writerPID())>>20)
	altered := eachTenant(t, c, sessions, min(tenants, sessions), func(ctx context.Context, conn *sql.Conn, i int) error {
		return execAll(ctx, conn, append([]string{fmt.Sprintf("USE d%d", i)}, tenantDDL...)...)
	})
	figure(t, "tenants: DDL of all kinds by %d tenants at once: %.0f statements a second", min(tenants, sessions), float64(min(tenants, sessions)*len(tenantDDL))/altered.Seconds())
	select {
	case err := <-ended:
		t.Fatalf("ALTER TABLE did not wait: %v", err)
	default:
	}

	middle := fmt.Sprintf("d%d", tenants/2)
	listings(t, c, middle, tenants*tables)
	first(t, c, fmt.Sprintf("d%d", tenants/3), "before it was used")
	quiet := selects(t, c, middle)
	stop := make(chan bool)
	var others sync.WaitGroup
	for w := range 2 {
		others.Go(func() {
			db := c.db(fmt.Sprintf("d%d", w))
			for i := 0; ; i++ {
				if i%len(tenantDDL) == 0 { // a round leaves the tables that it found
					select {
					case <-stop:
						return
					default:
					}
				}
				if _, err := db.Exec(tenantDDL[i%len(tenantDDL)]); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	beside := selects(t, c, middle)
	close(stop)
	others.Wait()
	figure(t, "tenants: p99 of a point select %v alone, %v beside two tenants that do DDL", quiet, beside)

	if _, err := user.ExecContext(t.Context(), "COMMIT"); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	back := killWriterFor(c, fmt.Sprintf("SELECT COUNT(*) FROM %s.t1", middle))
	figure(t, "tenants: first query %v after kill -9 of the writer; %d MiB resident", back.Round(time.Millisecond), resident(c.writerPID())>>20)
	if worst := first(t, c, fmt.Sprintf("d%d", tenants/4), "after a restart"); worst > 10*time.Second { // it tells, and fails only where something is wrong
		t.Errorf("a listing of one database took %v after a restart", worst)
	}
	mustExec(t, c.db(""), "DROP DATABASE d0")
	if n := scalar(t, c.db(""), "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema LIKE 'd%'"); n != int64((tenants-1)*tables) {
		t.Errorf("%d tables of %d", n, (tenants-1)*tables)
	}
	begun := time.Now()
	c.check()
	figure(t, "tenants: zorya check of everything in %v", time.Since(begun).Round(time.Millisecond))
}

// eachTenant runs fn for the tenants 0 to n-1 over so many connections and returns how long it took.
func eachTenant(t *testing.T, c *cluster, sessions, n int, fn func(ctx context.Context, conn *sql.Conn, i int) error) time.Duration {
	t.Helper()
	db := c.db("")
	db.SetMaxIdleConns(sessions)
	var next atomic.Int64
	var all sync.WaitGroup
	begun := time.Now()
	for range sessions {
		all.Go(func() {
			conn, err := db.Conn(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := fn(t.Context(), conn, i); err != nil {
					t.Errorf("tenant %d: %v", i, err)
					return
				}
			}
		})
	}
	all.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return time.Since(begun)
}

func execAll(ctx context.Context, conn *sql.Conn, statements ...string) error {
	for _, q := range statements {
		if _, err := conn.ExecContext(ctx, q); err != nil {
			return fmt.Errorf("%s: %w", q, err)
		}
	}
	return nil
}

// listings tells what one database's listings cost, the best of five, and checks that they are whole.
func listings(t *testing.T, c *cluster, schema string, all int) {
	t.Helper()
	db := c.db(schema)
	timed := func(name, query string) (rows int) {
		best := time.Hour
		for range 5 {
			begun := time.Now()
			got, err := db.Query(query)
			if err != nil {
				t.Fatalf("%s: %v", query, err)
			}
			for rows = 0; got.Next(); rows++ {
			}
			if err := got.Err(); err != nil {
				t.Fatalf("%s: %v", query, err)
			}
			got.Close()
			best = min(best, time.Since(begun))
		}
		figure(t, "tenants: %s of one database: %.1f ms, %d rows", name, float64(best.Microseconds())/1000, rows)
		return rows
	}
	tables := timed("TABLES", "SELECT * FROM information_schema.tables WHERE table_schema = DATABASE()")
	for name, query := range map[string]string{"COLUMNS": "SELECT * FROM information_schema.columns WHERE table_schema = DATABASE()",
		"STATISTICS":       "SELECT * FROM information_schema.statistics WHERE table_schema = DATABASE()",
		"KEY_COLUMN_USAGE": "SELECT * FROM information_schema.key_column_usage WHERE table_schema = DATABASE()", "SHOW TABLE STATUS": "SHOW TABLE STATUS"} {
		if rows := timed(name, query); rows < tables {
			t.Errorf("%s: %d rows of %d tables", query, rows, tables)
		}
	}
	begun := time.Now()
	if n := scalar(t, db, "SELECT COUNT(*) FROM information_schema.tables"); int(n) < all {
		t.Errorf("%d tables of %d", n, all)
	}
	figure(t, "tenants: COUNT(*) of all TABLES: %v", time.Since(begun).Round(time.Millisecond))
}

// first tells what listings of a database cost that nobody has looked at, each the first to read its part, and returns the slowest.
func first(t *testing.T, c *cluster, schema, when string) (worst time.Duration) {
	t.Helper()
	db := c.db(schema)
	for _, name := range []string{"STATISTICS", "TABLES", "COLUMNS", "TABLE_CONSTRAINTS"} {
		begun := time.Now()
		rows := 0
		got, err := db.Query("SELECT * FROM information_schema." + name + " WHERE table_schema = DATABASE()")
		if err != nil {
			t.Fatal(err)
		}
		for ; got.Next(); rows++ {
		}
		if err := errors.Join(got.Err(), got.Close()); err != nil {
			t.Fatal(err)
		}
		took := time.Since(begun)
		worst = max(worst, took)
		figure(t, "tenants: %s of one database %s: %.1f ms, %d rows", name, when, float64(took.Microseconds())/1000, rows)
	}
	return worst
}

// selects is the p99 of point selects.
func selects(t *testing.T, c *cluster, schema string) time.Duration {
	t.Helper()
	db := c.db(schema)
	took := make([]time.Duration, pick(2000, 20000))
	for i := range took {
		begun := time.Now()
		var b string
		if err := db.QueryRow("SELECT b FROM t1 WHERE id = 2").Scan(&b); err != nil || b != "y" {
			t.Fatalf("%q, %v", b, err)
		}
		took[i] = time.Since(begun)
	}
	slices.Sort(took)
	return took[len(took)*99/100]
}
