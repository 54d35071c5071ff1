package session

import (
	"context"
	stdsql "database/sql"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// waits begins DDL that has to wait for a transaction, and returns when it does.
func waits(t *testing.T, srv *Server, c *stdsql.Conn, ddl string) (ended chan error) {
	t.Helper()
	ended = make(chan error, 1)
	go func() {
		_, err := c.ExecContext(context.Background(), ddl)
		ended <- err
	}()
	eventually(t, ddl+" to wait for the transaction", func() bool {
		for _, p := range srv.Processes() {
			if p.State == "Waiting for table metadata lock" {
				return true
			}
		}
		return false
	})
	return ended
}

// TestDDLOfTenants: DDL waits for the transactions that use its own table, and for nothing else: while it waits, all others' DDL goes on.
func TestDDLOfTenants(t *testing.T) {
	srv, addr := startFull(t)
	const tenants = 24
	admin := connect(t, addr, "")
	for i := range tenants {
		exec(t, admin, fmt.Sprintf("CREATE DATABASE d%d", i))
	}
	exec(t, admin, "CREATE TABLE d0.t (id INT PRIMARY KEY, a INT)")
	exec(t, admin, "INSERT INTO d0.t VALUES (1, 1)")
	user, ddl := connect(t, addr, "d0"), connect(t, addr, "d0")
	exec(t, user, "BEGIN")
	exec(t, user, "SELECT * FROM t")
	ended := waits(t, srv, ddl, "ALTER TABLE t MODIFY a BIGINT")
	var all sync.WaitGroup
	for i := range tenants - 1 {
		c := connect(t, addr, fmt.Sprintf("d%d", i+1))
		all.Go(func() {
			for _, q := range []string{
				"CREATE TABLE t (id INT PRIMARY KEY, a INT, b VARCHAR(20))", "INSERT INTO t VALUES (1, 1, 'x')", "ALTER TABLE t ADD COLUMN c INT", "CREATE INDEX ia ON t (a)",
				"ALTER TABLE t MODIFY a BIGINT", "RENAME TABLE t TO u", "TRUNCATE u", "ANALYZE TABLE u", "OPTIMIZE TABLE u", "CREATE VIEW v AS SELECT * FROM u", "DROP VIEW v", "DROP TABLE u",
				fmt.Sprintf("DROP DATABASE d%d", i+1), fmt.Sprintf("CREATE DATABASE d%d", i+1),
			} {
				exec(t, c, q)
			}
		})
	}
	all.Wait()
	select {
	case err := <-ended:
		t.Fatalf("ALTER TABLE did not wait: %v", err)
	default:
	}
	exec(t, user, "COMMIT")
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestListingsKeepNobodyWaiting: a listing waits for no table that DDL has, and leaves no table locked, even in a transaction that goes on.
func TestListingsKeepNobodyWaiting(t *testing.T) {
	srv, addr := startFull(t)
	user, lister, ddl := connect(t, addr, ""), connect(t, addr, ""), connect(t, addr, "")
	exec(t, user, "CREATE DATABASE d")
	exec(t, user, "CREATE TABLE d.t (id INT PRIMARY KEY, a INT, KEY (a))")
	exec(t, user, "CREATE TABLE d.u (id INT PRIMARY KEY, a INT, KEY (a)) PARTITION BY HASH (id) PARTITIONS 3")
	exec(t, lister, "BEGIN")
	list := func() {
		for _, q := range []string{"SELECT * FROM information_schema.tables", "SELECT COUNT(*) FROM information_schema.tables", "SHOW TABLE STATUS FROM d",
			"SELECT * FROM information_schema.statistics", "SHOW INDEX FROM d.t", "SELECT * FROM information_schema.partitions", "SELECT * FROM information_schema.columns"} {
			exec(t, lister, q)
		}
	}
	list()
	exec(t, ddl, "ALTER TABLE d.t ADD COLUMN b INT") // would wait for the lister's transaction
	exec(t, ddl, "ALTER TABLE d.u MODIFY a BIGINT")
	exec(t, user, "BEGIN")
	exec(t, user, "SELECT * FROM d.t")
	ended := waits(t, srv, ddl, "ALTER TABLE d.t MODIFY a BIGINT")
	list() // would wait behind the ALTER TABLE
	exec(t, user, "COMMIT")
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// BenchmarkTenants makes ZORYA_TENANTS databases (default 30) of ZORYA_TABLES tables (default 10) with three indexes each and tells what a CREATE TABLE costs,
// how long one database's listings take in the midst of the others, and what DDL does to another tenant's point selects.
func BenchmarkTenants(b *testing.B) {
	number := func(name string, n int) int {
		if v, err := strconv.Atoi(os.Getenv(name)); err == nil {
			return v
		}
		return n
	}
	tenants, tables := number("ZORYA_TENANTS", 30), number("ZORYA_TABLES", 10)
	_, addr := startFull(b)
	run := func(c *stdsql.Conn, q string) {
		if _, err := c.ExecContext(context.Background(), q); err != nil {
			b.Fatal(q, err)
		}
	}
	found := map[string]float64{} // a benchmark's loop forgets what was reported before
	report := func(v float64, unit string) { found[unit] = v }
	begun := time.Now()
	var all sync.WaitGroup
	const writers = 8
	for w := range writers {
		c := connect(b, addr, "")
		all.Go(func() {
			for i := w; i < tenants; i += writers {
				run(c, fmt.Sprintf("CREATE DATABASE d%d", i))
				for k := range tables {
					run(c, fmt.Sprintf("CREATE TABLE d%d.t%d (id BIGINT AUTO_INCREMENT PRIMARY KEY, a INT, b VARCHAR(40) NOT NULL, c DATETIME, KEY (a), KEY (b, c))", i, k))
				}
			}
		})
	}
	all.Wait()
	report(float64(time.Since(begun).Microseconds())/float64(tenants*tables), "us/create")
	c := connect(b, addr, fmt.Sprintf("d%d", tenants/2))
	for _, q := range []struct{ name, text string }{
		{"tables", "SELECT * FROM information_schema.tables WHERE table_schema = DATABASE()"},
		{"columns", "SELECT * FROM information_schema.columns WHERE table_schema = DATABASE()"},
		{"statistics", "SELECT * FROM information_schema.statistics WHERE table_schema = DATABASE()"},
		{"keys", "SELECT * FROM information_schema.key_column_usage WHERE table_schema = DATABASE()"},
		{"showtables", "SHOW TABLES"}, {"showcreate", "SHOW CREATE TABLE t1"}, {"showstatus", "SHOW TABLE STATUS"}, {"databases", "SHOW DATABASES"},
	} {
		best := time.Hour
		for range 3 {
			at := time.Now()
			rows, err := c.QueryContext(context.Background(), q.text)
			if err != nil {
				b.Fatal(q.text, err)
			}
			for rows.Next() {
			}
			rows.Close()
			best = min(best, time.Since(at))
		}
		report(float64(best.Microseconds())/1000, "ms/"+q.name)
	}
	run(c, "INSERT INTO t0 (a, b) VALUES (1, 'x')")
	selects := func() float64 {
		var took []time.Duration
		for range 3000 {
			at := time.Now()
			run(c, "SELECT b FROM t0 WHERE id = 1")
			took = append(took, time.Since(at))
		}
		slices.Sort(took)
		return float64(took[len(took)*99/100].Microseconds())
	}
	report(selects(), "us/p99-alone")
	// Others' work costs processor time whatever it is: what DDL does beyond that shows beside statements that touch no table.
	others := func(unit string, work func(c *stdsql.Conn, i int)) {
		stop := make(chan struct{})
		for w := range 2 {
			other := connect(b, addr, fmt.Sprintf("d%d", w))
			all.Go(func() {
				for i := 0; ; i++ {
					select {
					case <-stop:
						return
					default:
						work(other, i)
					}
				}
			})
		}
		report(selects(), unit)
		close(stop)
		all.Wait()
	}
	others("us/p99-busy", func(c *stdsql.Conn, _ int) {
		run(c, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) SELECT COUNT(*) FROM n")
	})
	others("us/p99-ddl", func(c *stdsql.Conn, i int) {
		run(c, fmt.Sprintf("CREATE TABLE n%d (id INT PRIMARY KEY, a INT, KEY (a))", i))
		run(c, fmt.Sprintf("ALTER TABLE n%d ADD COLUMN c INT, ADD KEY (c)", i))
		run(c, fmt.Sprintf("DROP TABLE n%d", i))
	})
	for b.Loop() {
		run(c, "SELECT b FROM t0 WHERE id = 1")
	}
	for unit, v := range found {
		b.ReportMetric(v, unit)
	}
}
