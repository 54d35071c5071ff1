//go:build e2e

package e2e

import (
	"testing"
)

// Point 7: sysbench runs without errors, at 64 threads and at 1,000 connections. The comparison with MariaDB is TestBench.
func TestAccept7Sysbench(t *testing.T) {
	need(t, "sysbench")
	c := start(t, "--max-connections", "2000")
	s := c.server("zorya")
	l := load{threads: 64, tables: 4, rows: pick(5_000, 100_000), seconds: pick(3, 30)}
	for _, w := range workloads {
		l.workload = w
		took := s.prepare(t, l)
		before := c.instance()
		r, err := s.run(l)
		if err != nil {
			t.Error(err)
			continue
		}
		after := c.instance()
		if r.problems != "" || r.tps == 0 {
			t.Errorf("%s: %.0f/s; %s", w, r.tps, r.problems)
		}
		figure(t, "7: %-22s 64 threads: prepared in %.1f s, %8.0f/s, p95 %.1f ms, %d retried; %s", w, took.Seconds(), r.tps, r.p95, r.errors, perTransaction(before, after, r))
	}
	mustExec(t, c.db(""), "SET GLOBAL max_prepared_stmt_count = 1048576") // 1,000 connections prepare 20 statements each
	for _, w := range []string{"oltp_point_select", "oltp_write_only"} {
		l.workload, l.threads = w, 64
		s.prepare(t, l)
		l.threads = 1000
		r, err := s.run(l)
		if err != nil {
			t.Error(err)
			continue
		}
		if r.problems != "" || r.tps == 0 {
			t.Errorf("%s at 1,000 connections: %.0f/s; %s", w, r.tps, r.problems)
		}
		figure(t, "7: %-22s 1,000 connections: %8.0f/s, p95 %.1f ms, %d retried", w, r.tps, r.p95, r.errors)
	}
}
