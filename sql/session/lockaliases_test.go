package session

import (
	"testing"
)

// Under LOCK TABLES a statement refers to tables by the names that were locked.
func TestLockAliases(t *testing.T) {
	_, addr := startFull(t)
	c := connect(t, addr, "")
	for _, q := range []string{"CREATE DATABASE d", "USE d", "CREATE TABLE t (id INT PRIMARY KEY)", "CREATE TABLE u (id INT PRIMARY KEY)", "CREATE VIEW v AS SELECT z.id FROM t AS z"} {
		exec(t, c, q)
	}
	for _, tt := range []struct {
		lock string
		want map[string]int
	}{
		{"LOCK TABLES t AS a WRITE", map[string]int{"SELECT * FROM t AS a": 0, "SELECT * FROM t A WHERE A.id = 1": 0, "SELECT * FROM t": 1100, "SELECT * FROM t WHERE id = 1": 1100,
			"SELECT * FROM t AS b": 1100, "INSERT INTO t VALUES (1)": 1100, "UPDATE t AS a SET id = 2": 0, "DELETE FROM t": 1100}},
		{"LOCK TABLES t WRITE", map[string]int{"SELECT * FROM t": 0, "INSERT INTO t VALUES (7)": 0, "SELECT * FROM t x WHERE id = 1": 1100, "SELECT * FROM t JOIN t AS x": 1100,
			"INSERT INTO t SELECT id + 9 FROM t": 0, "ALTER TABLE t COMMENT 'x'": 0}},
		{"LOCK TABLES t READ, t AS x READ", map[string]int{"SELECT * FROM t JOIN t AS x USING (id)": 0, "SELECT REVERSE(x.id) FROM t JOIN t AS x USING (id)": 0, "DELETE FROM t": 1099}},
		{"LOCK TABLES v READ", map[string]int{"SELECT * FROM v": 0, "SELECT * FROM t": 1100, "SELECT * FROM t AS z": 0, "SELECT * FROM u": 1100}},
		{"FLUSH TABLES t WITH READ LOCK", map[string]int{"SELECT * FROM t": 0, "SELECT * FROM u": 1100, "INSERT INTO t VALUES (99)": 1099, "FLUSH TABLES WITH READ LOCK": 1192,
			"FLUSH TABLES t FOR EXPORT": 1192}},
		{"FLUSH TABLES t, u FOR EXPORT", map[string]int{"SELECT * FROM t, u": 0, "INSERT INTO u VALUES (99)": 1099}},
	} {
		exec(t, c, tt.lock)
		for q, want := range tt.want {
			if got := code(c, q); got != want {
				t.Errorf("%s; %s: error %d, want %d", tt.lock, q, got, want)
			}
		}
		exec(t, c, "UNLOCK TABLES")
	}
	for q, want := range map[string]int{"FLUSH TABLES v WITH READ LOCK": 1347, "FLUSH TABLES nosuch WITH READ LOCK": 1146, "FLUSH TABLES t WITH READ": 0} {
		if got := code(c, q); got != want && want != 0 {
			t.Errorf("%s: error %d, want %d", q, got, want)
		}
	}
	other := connect(t, addr, "d")
	exec(t, c, "FLUSH TABLES t WITH READ LOCK")
	exec(t, other, "INSERT INTO u VALUES (5)") // not locked
	exec(t, other, "SET lock_wait_timeout = 1")
	if got := code(other, "INSERT INTO t VALUES (5)"); got != 1205 {
		t.Errorf("a change of a flushed table: error %d", got)
	}
}

// LOCK INSTANCE FOR BACKUP keeps others from DDL, not from changes.
func TestLockInstance(t *testing.T) {
	_, addr := startFull(t)
	a, b, m := connect(t, addr, ""), connect(t, addr, ""), connect(t, addr, "")
	for _, q := range []string{"CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)", "LOCK INSTANCE FOR BACKUP"} {
		exec(t, a, q)
	}
	exec(t, b, "SET lock_wait_timeout = 1")
	exec(t, b, "INSERT INTO d.t VALUES (1)")
	exec(t, b, "FLUSH STATUS")
	for _, q := range []string{"CREATE TABLE d.u (id INT)", "ALTER TABLE d.t ADD COLUMN c INT", "DROP DATABASE d", "TRUNCATE d.t", "CREATE USER u"} {
		if got := code(b, q); got != 1205 {
			t.Errorf("%s: error %d", q, got)
		}
	}
	exec(t, a, "CREATE TABLE d.own (id INT)")
	exec(t, b, "SET lock_wait_timeout = 100")
	done := make(chan int, 1)
	go func() { done <- code(b, "CREATE TABLE d.u (id INT)") }()
	eventually(t, "the other waits", func() bool {
		return len(table1(t, m, "SELECT id FROM information_schema.processlist WHERE state = 'Waiting for backup lock'")) == 1
	})
	same(t, m, "SELECT object_type, lock_type FROM performance_schema.metadata_locks WHERE object_type = 'BACKUP LOCK'", nil, "BACKUP LOCK|SHARED")
	exec(t, a, "UNLOCK INSTANCE")
	if got := <-done; got != 0 {
		t.Errorf("after UNLOCK INSTANCE: error %d", got)
	}
}
