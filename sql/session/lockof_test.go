package session

import "testing"

// TestLockOf: FOR UPDATE OF and FOR SHARE OF lock the named tables' rows alone, each by its own strength. (MariaDB, from which the lock scripts are recorded,
// does not know OF.)
func TestLockOf(t *testing.T) {
	_, addr := startFull(t)
	m, a := connect(t, addr, ""), connect(t, addr, "")
	exec(t, m, "CREATE DATABASE d")
	exec(t, m, "USE d")
	exec(t, a, "USE d")
	exec(t, m, "CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	exec(t, m, "CREATE TABLE s (id INT PRIMARY KEY, t INT)")
	exec(t, m, "INSERT INTO t VALUES (10, 1), (20, 2)")
	exec(t, m, "INSERT INTO s VALUES (1, 10), (2, 20)")
	exec(t, m, "SET innodb_lock_wait_timeout = 1")
	for _, x := range []struct {
		query          string
		t, s           int // what a write of the row answers
		shareT, shareS int // what a shared read without waiting answers
	}{
		{"SELECT * FROM s JOIN t ON t.id = s.t WHERE s.id = 1 FOR UPDATE OF t", 1205, 0, 3572, 0},
		{"SELECT * FROM s JOIN t ON t.id = s.t WHERE s.id = 1 FOR UPDATE OF s", 0, 1205, 0, 3572},
		{"SELECT * FROM s JOIN t ON t.id = s.t WHERE s.id = 1 FOR SHARE OF s, t", 1205, 1205, 0, 0},
		{"SELECT * FROM s JOIN t ON t.id = s.t WHERE s.id = 1 FOR UPDATE OF t FOR SHARE OF s NOWAIT", 1205, 1205, 3572, 0},
		{"SELECT * FROM s x JOIN t AS `y` ON y.id = x.t WHERE x.id = 1 FOR SHARE OF `y` SKIP LOCKED FOR UPDATE OF x", 1205, 1205, 0, 3572},
	} {
		exec(t, a, "BEGIN")
		exec(t, a, x.query)
		for text, want := range map[string]int{"UPDATE t SET v = v + 1 WHERE id = 10": x.t, "UPDATE s SET t = t + 0 WHERE id = 1": x.s,
			"SELECT * FROM t WHERE id = 10 FOR SHARE NOWAIT": x.shareT, "SELECT * FROM s WHERE id = 1 FOR SHARE NOWAIT": x.shareS} {
			if got := code(m, text); got != want {
				t.Errorf("%s; %s: error %d, want %d", x.query, text, got, want)
			}
		}
		exec(t, a, "ROLLBACK")
	}
	// Each clause waits by its own policy.
	exec(t, a, "BEGIN")
	exec(t, a, "SELECT * FROM t WHERE id = 10 FOR UPDATE")
	for text, want := range map[string]int{
		"SELECT * FROM s JOIN t ON t.id = s.t FOR UPDATE OF s FOR SHARE OF t NOWAIT":      3572,
		"SELECT * FROM s JOIN t ON t.id = s.t FOR UPDATE OF t SKIP LOCKED FOR SHARE OF s": 0,
		"SELECT * FROM s JOIN t ON t.id = s.t FOR UPDATE OF t FOR SHARE OF t":             3569,
		"SELECT * FROM s JOIN t ON t.id = s.t FOR UPDATE OF t FOR SHARE":                  3569,
		"SELECT * FROM s JOIN t ON t.id = s.t FOR UPDATE OF s FOR SHARE OF nobody":        3568,
	} {
		if got := code(m, text); got != want {
			t.Errorf("%s: error %d, want %d", text, got, want)
		}
	}
	exec(t, a, "ROLLBACK")
}
