//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestBench writes docs/bench/sysbench.md: Zorya beside MariaDB alone and MariaDB with two semi-synchronous replicas,
// on the same machine, in turn, medians of several rounds.
//
//	ZORYA_BENCH_SECONDS=30  of each run       ZORYA_BENCH_ROUNDS=3
//	ZORYA_BENCH_THREADS=64,1000               ZORYA_BENCH_ONLY=oltp_write_only,...
func TestBench(t *testing.T) {
	if os.Getenv("ZORYA_BENCH") == "" {
		t.Skip("a benchmark: make bench")
	}
	need(t, "sysbench")
	seconds, rounds := setting("ZORYA_BENCH_SECONDS", 20), setting("ZORYA_BENCH_ROUNDS", 3)
	c := start(t, "--max-connections", "6000", "--pool", "512M")
	single := startMariaDB(t, "--innodb-buffer-pool-size=512M")
	semi := startSemiSync(t)
	servers := []server{c.server("Zorya"), single.server("MariaDB"), semi.server("MariaDB semi-sync")}

	var table bytes.Buffer
	fmt.Fprintf(&table, "| workload | threads |")
	for _, s := range servers {
		fmt.Fprintf(&table, " %s /s | p95 ms |", s.name)
	}
	fmt.Fprintf(&table, " Zorya : MariaDB | Zorya : semi-sync | Zorya's log |\n|%s\n", strings.Repeat("---|", 2+2*len(servers)+3))
	for _, w := range workloads {
		if only := os.Getenv("ZORYA_BENCH_ONLY"); only != "" && !slices.Contains(strings.Split(only, ","), w) {
			continue
		}
		for _, threads := range threadCounts() {
			l := load{workload: w, threads: threads, tables: 4, rows: 100_000, seconds: seconds}
			row := benchRow(t, c, servers, l, rounds)
			table.WriteString(row)
			t.Log(row)
		}
	}
	writeReport(t, table.String(), seconds, rounds)
}

func setting(name string, def int) int {
	if v, err := strconv.Atoi(os.Getenv(name)); err == nil && v > 0 {
		return v
	}
	return def
}

func threadCounts() []int {
	var out []int
	for f := range strings.SplitSeq(os.Getenv("ZORYA_BENCH_THREADS"), ",") {
		if n, err := strconv.Atoi(f); err == nil {
			out = append(out, n)
		}
	}
	if len(out) == 0 {
		out = []int{64}
	}
	return out
}

// benchRow prepares each server once and runs them in turn, so that what else the machine does hits all alike.
func benchRow(t *testing.T, c *cluster, servers []server, l load, rounds int) string {
	tps, p95 := make([][]float64, len(servers)), make([][]float64, len(servers))
	for _, s := range servers {
		mustExec(t, s.db(""), "SET GLOBAL max_prepared_stmt_count = 1048576")
		s.prepare(t, l)
	}
	cost := ""
	for range rounds {
		for i, s := range servers {
			if l.workload == "bulk_insert" { // it begins at row 1 again
				s.prepare(t, l)
			}
			before := c.instance()
			r, err := s.run(l)
			if err != nil {
				t.Error(err)
				continue
			}
			if i == 0 {
				cost = perTransaction(before, c.instance(), r)
			}
			tps[i], p95[i] = append(tps[i], r.tps), append(p95[i], r.p95)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "| %s | %d |", l.workload, l.threads)
	for i := range servers {
		fmt.Fprintf(&b, " %.0f | %.1f |", median(tps[i]), median(p95[i]))
	}
	fmt.Fprintf(&b, " %.2f | %.2f | %s |\n", ratio(tps[0], tps[1]), ratio(tps[0], tps[2]), cost)
	return b.String()
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

func ratio(a, b []float64) float64 {
	if median(b) == 0 {
		return 0
	}
	return median(a) / median(b)
}

// startSemiSync is a MariaDB whose commits wait until one of two replicas has them in its relay log.
func startSemiSync(t testing.TB) *mariadb {
	primary := startMariaDB(t, "--innodb-buffer-pool-size=512M", "--rpl-semi-sync-master-wait-point=AFTER_SYNC", "--rpl-semi-sync-master-timeout=3600000")
	for range 2 {
		replica := startMariaDB(t, "--rpl-semi-sync-slave-enabled=ON", "--read-only=ON")
		mustExec(t, replica.db(""),
			"SET GLOBAL gtid_slave_pos = ''", "RESET MASTER",
			fmt.Sprintf("CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=%d, MASTER_USER='admin', MASTER_PASSWORD='%s', MASTER_CONNECT_RETRY=1", primary.port, password),
			"SET GLOBAL slave_exec_mode = IDEMPOTENT", "START SLAVE")
	}
	db := primary.db("")
	mustExec(t, db, "SET GLOBAL rpl_semi_sync_master_enabled = ON") // only now: a commit waits for a replica from here on
	eventually(t, 30*time.Second, "two semi-synchronous replicas", func() bool {
		var name, clients string
		return db.QueryRow("SHOW STATUS LIKE 'Rpl_semi_sync_master_clients'").Scan(&name, &clients) == nil && clients == "2"
	})
	return primary
}

func writeReport(t *testing.T, table string, seconds, rounds int) {
	commit, _ := pipe(nil, "git", "rev-parse", "--short", "HEAD")
	cpu, _ := exec.Command("sh", "-c", "nproc; grep -m1 'model name' /proc/cpuinfo | cut -d: -f2").Output()
	version, _ := pipe(nil, mariadbd, "--version")
	text := fmt.Sprintf(`# sysbench: Zorya beside MariaDB

Written by %s, commit %s, %s. Machine: %s.
Peer: %s with innodb_flush_log_at_trx_commit=1, row binlog, sync_binlog=1; semi-sync: two replicas on the same machine, AFTER_SYNC, their relay logs not synced (the default).
Zorya: six storage nodes, four of six copies on disk before a commit is acknowledged. Everything, sysbench too, shares the machine,
so read the ratios. 4 tables of 100,000 rows, %d rounds of %d s a server, in turn; medians. bulk_insert counts statements.

%s`, "`make bench`", strings.TrimSpace(commit), time.Now().UTC().Format("2006-01-02"), strings.Join(strings.Fields(string(cpu)), " "), strings.TrimSpace(version), rounds, seconds, table)
	if err := os.MkdirAll("../docs/bench", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("../docs/bench/sysbench.md", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
