//go:build e2e

package e2e

import (
	"testing"
	"time"

	"github.com/zoryadb/zorya/bench/load"
)

// Point 7: sysbench runs without errors, at 64 threads and at 1,000 connections. The comparison with MariaDB is `make bench`.
func TestAccept7Sysbench(t *testing.T) {
	need(t, "sysbench")
	c := start(t, "--max-connections", "2000")
	for _, w := range load.Workloads {
		l := load.Sysbench{Workload: w, Threads: 64, Tables: 4, Rows: pick(5_000, 100_000), Seconds: pick(3, 30)}
		took := c.prepare(l)
		before := c.instance()
		r := c.sysbench(l)
		figure(t, "7: %-22s 64 threads: prepared in %.1f s, %8.0f/s, p99 %.1f ms, %d retried; %s", w, took.Seconds(), r.TPS, r.P99, r.Retried, perTransaction(before, c.instance(), r))
	}
	mustExec(t, c.db(""), "SET GLOBAL max_prepared_stmt_count = 1048576") // 1,000 connections prepare 20 statements each
	for _, w := range pick([]string{"oltp_point_select", "oltp_write_only"}, load.Workloads) {
		l := load.Sysbench{Workload: w, Threads: 1000, Tables: 4, Rows: pick(5_000, 100_000), Seconds: pick(3, 30)}
		c.prepare(l)
		r := c.sysbench(l)
		figure(t, "7: %-22s 1,000 connections: %8.0f/s, p99 %.1f ms, %d retried", w, r.TPS, r.P99, r.Retried)
	}
}

func (c *cluster) target() load.Target {
	return load.Target{Name: "Zorya", Port: c.port, User: "admin", Password: password, Database: "sbtest"}
}

// prepare creates sysbench's tables anew.
func (c *cluster) prepare(l load.Sysbench) time.Duration {
	c.t.Helper()
	mustExec(c.t, c.db(""), "DROP DATABASE IF EXISTS sbtest", "CREATE DATABASE sbtest")
	begun := time.Now()
	if err := l.Prepare(c.t.Context(), c.target()); err != nil {
		c.t.Fatal(err)
	}
	return time.Since(begun)
}

// sysbench runs the script, which must do something and not complain.
func (c *cluster) sysbench(l load.Sysbench) load.Result {
	c.t.Helper()
	r, err := l.Run(c.t.Context(), c.target())
	if err != nil {
		c.t.Error(err)
	}
	if r.Problems != "" || r.TPS == 0 {
		c.t.Errorf("%s, %d threads: %.0f/s; %s", l.Workload, l.Threads, r.TPS, r.Problems)
	}
	return r
}
