package session

import (
	"context"
	"strconv"
	"testing"
)

// TestOptimizeTable: the rows are written anew, so that a table that has lost most of them becomes smaller; keys, counters and the rows stay. Others work on
// meanwhile, and under LOCK=SHARED they read.
func TestOptimizeTable(t *testing.T) {
	_, addr := startFull(t)
	m, r := connect(t, addr, ""), connect(t, addr, "")
	exec(t, m, "CREATE DATABASE d")
	exec(t, m, "USE d")
	exec(t, r, "USE d")
	exec(t, m, "CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, v INT, c CHAR(200), KEY (v))")
	exec(t, m, "INSERT INTO t (v, c) VALUES (1, REPEAT('c', 200))")
	for range 13 {
		exec(t, m, "INSERT INTO t (v, c) SELECT v + id, c FROM t")
	}
	exec(t, m, "DELETE FROM t WHERE id % 20 <> 0")
	size := func() int {
		t.Helper()
		n, err := strconv.Atoi(table1(t, m, "SELECT data_length + index_length FROM information_schema.tables WHERE table_schema = 'd' AND table_name = 't'")[0])
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before, rows := size(), table1(t, m, "SELECT COUNT(*), SUM(id), SUM(v) FROM t")[0]
	next := table1(t, m, "SHOW CREATE TABLE t")[0]
	exec(t, r, "BEGIN")
	exec(t, r, "INSERT INTO t (id, v) VALUES (1, 0)")
	same(t, r, "OPTIMIZE TABLE t, nowhere", nil, "d.t|optimize|note|Table does not support optimize, doing recreate + analyze instead", "d.t|optimize|status|OK",
		"d.nowhere|optimize|Error|Table 'd.nowhere' doesn't exist", "d.nowhere|optimize|status|Operation failed")
	exec(t, r, "ROLLBACK") // OPTIMIZE had committed
	exec(t, r, "DELETE FROM t WHERE id = 1")
	if after := size(); after > before/2 {
		t.Errorf("%d bytes before, %d after", before, after)
	}
	same(t, m, "SELECT COUNT(*), SUM(id), SUM(v) FROM t", nil, rows)
	same(t, m, "SELECT COUNT(*), SUM(id), SUM(v) FROM t FORCE INDEX (v) WHERE v > -1", nil, rows)
	same(t, m, "SHOW CREATE TABLE t", nil, next)
	same(t, m, "CHECK TABLE t", nil, "d.t|check|status|OK")

	// A reader that has a snapshot of its own and no table keeps an ALTER with LOCK=SHARED from nothing.
	exec(t, m, "ALTER TABLE t FORCE, LOCK=SHARED")
	exec(t, m, "CREATE TEMPORARY TABLE temp (id INT PRIMARY KEY) SELECT id FROM t")
	if got := outcome(m, "ALTER TABLE t ADD COLUMN w INT, ALGORITHM=COPY, LOCK=SHARED"); got[:2] != "ok" {
		t.Error(got)
	}
	same(t, m, "OPTIMIZE TABLE temp", nil, "d.temp|optimize|note|Table does not support optimize, doing recreate + analyze instead", "d.temp|optimize|status|OK")
	if err := m.PingContext(context.Background()); err != nil {
		t.Error(err)
	}
}
