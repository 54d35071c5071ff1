//go:build e2e

package e2e

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

// latencies are how long one tenant's statements took in a round.
type latencies struct{ selects, transactions []time.Duration }

// pace is what the steady tenant does: a point select or a transaction each 4 ms, whatever others do.
const pace = 4 * time.Millisecond

// TestTenantsLatency tells what one tenant waits for while others do DDL: a steady load of point selects and transactions alone, beside a tenant
// that does DDL of every kind and builds indexes and whole tables, small and large, and beside one that computes as much, in alternation. Of each it gives the medians of
// the rounds' percentiles. The tenant that computes shows what of it is the processor's, which all share here, and what DDL's.
// The long form asserts that DDL leaves the 99th percentile within 20 %: of what it is alone or, where another process takes the processors, beside the tenant that computes.
func TestTenantsLatency(t *testing.T) {
	rounds, length := pick(3, 15), pick(500*time.Millisecond, 4*time.Second)
	c := start(t, "--pool", "256M")
	admin := c.db("")
	for _, schema := range []string{"steady", "ddl", "builds", "large"} {
		mustExec(t, admin, "CREATE DATABASE "+schema, "CREATE TABLE "+schema+".t0 (id INT AUTO_INCREMENT PRIMARY KEY, a INT, b VARCHAR(40) NOT NULL, c DATETIME, KEY (a), KEY (b, c))",
			"INSERT INTO "+schema+".t0 (a, b) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT i, CONCAT('row ', i) FROM n")
	}
	mustExec(t, admin, "CREATE TABLE builds.big AS SELECT x.a * 1000 + y.a AS a, x.b FROM builds.t0 x JOIN builds.t0 y ON y.a <= 40")
	mustExec(t, admin, fmt.Sprintf("CREATE TABLE builds.huge AS SELECT x.a * 1000 + y.a AS a, x.b FROM builds.t0 x JOIN builds.t0 y ON y.a <= %d", pick(40, 400)))
	conn, err := c.db("steady").Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	phases := []struct {
		name   string
		others map[string][]string // by schema, round and round; a round leaves the tables that it found
	}{
		{"alone", nil},
		{"beside DDL", map[string][]string{"ddl": tenantDDL, "builds": {"CREATE INDEX ia ON big (a)", "ALTER TABLE big ADD KEY ib (b), ADD COLUMN d INT", "ALTER TABLE big DROP KEY ia, DROP KEY ib, DROP COLUMN d", "ALTER TABLE big FORCE"},
			"large": {"CREATE INDEX ia ON builds.huge (a)", "ALTER TABLE builds.huge FORCE", "DROP INDEX ia ON builds.huge"}}},
		{"beside computing", map[string][]string{"ddl": {"SELECT COUNT(*) FROM t0 x JOIN t0 y ON x.a + y.a = 7"}, "builds": {"SELECT COUNT(*), MAX(MD5(b)) FROM big"}}},
	}
	all := make([][]latencies, len(phases))
	for range rounds {
		for p, phase := range phases {
			stop := make(chan struct{})
			var others sync.WaitGroup
			for schema, statements := range phase.others {
				db := c.db(schema)
				others.Go(func() { untilStopped(t, db, statements, stop) })
			}
			all[p] = append(all[p], steady(t, conn, length))
			close(stop)
			others.Wait()
		}
	}
	p99 := map[string]float64{}
	for p, phase := range phases {
		ms := func(of func(latencies) []time.Duration, percent int) float64 {
			var each []time.Duration
			for _, l := range all[p] {
				took := slices.Sorted(slices.Values(of(l)))
				each = append(each, took[len(took)*percent/100])
			}
			slices.Sort(each)
			return float64(each[len(each)/2].Microseconds()) / 1000
		}
		selects, transactions := func(l latencies) []time.Duration { return l.selects }, func(l latencies) []time.Duration { return l.transactions }
		figure(t, "tenants: %-16s point select p50 %.2f p90 %.2f p99 %.2f ms, transaction p50 %.2f p90 %.2f p99 %.2f ms (medians of %d rounds of %v)", phase.name, ms(selects, 50), ms(selects, 90),
			ms(selects, 99), ms(transactions, 50), ms(transactions, 90), ms(transactions, 99), rounds, length)
		p99[phase.name] = ms(transactions, 99)
	}
	if least := max(p99["alone"], p99["beside computing"]); soak && p99["beside DDL"] > 1.2*least {
		t.Errorf("DDL makes another tenant's 99th percentile %.2f ms, which is %.2f without", p99["beside DDL"], least)
	}
}

// untilStopped runs statements round and round.
func untilStopped(t *testing.T, db *sql.DB, statements []string, stop chan struct{}) {
	for {
		select {
		case <-stop:
			return
		default:
		}
		for _, q := range statements {
			if _, err := db.Exec(q); err != nil {
				t.Errorf("%s: %v", q, err)
				return
			}
		}
	}
}

// steady runs the load of the tenant that is measured.
func steady(t *testing.T, conn *sql.Conn, length time.Duration) (l latencies) {
	t.Helper()
	transaction := func(ctx context.Context, i int) error {
		return execAll(ctx, conn, "BEGIN", fmt.Sprintf("UPDATE t0 SET c = NOW() WHERE id = %d", 1+i%900), fmt.Sprintf("INSERT INTO t0 (a, b) VALUES (%d, 'new')", i), "COMMIT")
	}
	begun := time.Now()
	for i := 0; time.Since(begun) < length || i < 100; i++ {
		time.Sleep(time.Until(begun.Add(time.Duration(i) * pace))) // a load, not a condition: behind time it goes on at once
		at := time.Now()
		if i%2 == 0 {
			var b string
			if err := conn.QueryRowContext(t.Context(), fmt.Sprintf("SELECT b FROM t0 WHERE id = %d", 1+i%900)).Scan(&b); err != nil {
				t.Fatal(err)
			}
			l.selects = append(l.selects, time.Since(at))
			continue
		}
		if err := transaction(t.Context(), i); err != nil {
			t.Fatal(err)
		}
		l.transactions = append(l.transactions, time.Since(at))
	}
	return l
}
