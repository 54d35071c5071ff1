package general

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/engine/table"
)

// TestAutoIncrement pins the values, the gaps and LAST_INSERT_ID() of MySQL 8.0 with interleaved locks, the default.
func TestAutoIncrement(t *testing.T) {
	c := newServer(t).client()
	next := func(want string) {
		t.Helper()
		c.query("SELECT auto_increment FROM information_schema.tables WHERE table_schema = 'd' AND table_name = 't'", want)
	}
	c.must("CREATE DATABASE d; USE d; SET information_schema_stats_expiry = 0; CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, k INT UNIQUE)")
	// A statement whose rows have and lack values reserves one for each row.
	c.must("INSERT INTO t VALUES (1, 1), (NULL, 2), (5, 3), (NULL, 4)")
	c.query("SELECT id FROM t ORDER BY k", "1\n2\n5\n6")
	c.query("SELECT LAST_INSERT_ID()", "2")
	// A value that ON DUPLICATE KEY UPDATE did not need is a gap.
	c.must("TRUNCATE t; INSERT INTO t (k) VALUES (1); INSERT INTO t (k) VALUES (1) ON DUPLICATE KEY UPDATE k = 1; INSERT INTO t (k) VALUES (2)")
	c.query("SELECT id FROM t ORDER BY id", "1\n3")
	c.must("INSERT INTO t (k) VALUES (2) ON DUPLICATE KEY UPDATE id = LAST_INSERT_ID(id), k = 7")
	c.query("SELECT LAST_INSERT_ID()", "3")
	// What a failed or rolled back statement took is not given out again.
	c.must("TRUNCATE t; INSERT INTO t (k) VALUES (1)")
	c.fails("INSERT INTO t (k) VALUES (1)", 1062, "")
	c.must("BEGIN; INSERT INTO t (k) VALUES (2); ROLLBACK; INSERT INTO t (k) VALUES (3)")
	c.query("SELECT id FROM t ORDER BY id", "1\n4")
	// INSERT ... SELECT takes 1, 2, 4 ... values: what is left is a gap.
	c.must("TRUNCATE t; INSERT INTO t (k) SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4")
	next("8")
	// Increment and offset.
	c.must("TRUNCATE t; SET auto_increment_increment = 10, auto_increment_offset = 3; INSERT INTO t (k) VALUES (1), (2), (3)")
	c.query("SELECT id FROM t ORDER BY id", "3\n13\n23")
	c.must("SET auto_increment_increment = 1, auto_increment_offset = 1; INSERT INTO t (k) VALUES (4)")
	// ALTER sets the next value, never below what is there.
	c.must("ALTER TABLE t AUTO_INCREMENT = 100; INSERT INTO t (k) VALUES (5)")
	c.query("SELECT MAX(id) FROM t", "100")
	c.must("ALTER TABLE t AUTO_INCREMENT = 7")
	next("101")
	c.must("DELETE FROM t WHERE id > 20; ALTER TABLE t AUTO_INCREMENT = 7")
	next("14")
	// A value that an UPDATE gives raises the counter since 8.0.
	c.must("UPDATE t SET id = 50 WHERE id = 13")
	next("51")
	// An explicit value raises it, a negative one does not, 0 asks for one.
	c.must("INSERT INTO t VALUES (60, 60), (-4, 61), (0, 62)")
	c.query("SELECT id FROM t WHERE k >= 60 ORDER BY k", "60\n-4\n61")
	c.must("SET sql_mode = CONCAT(@@sql_mode, ',NO_AUTO_VALUE_ON_ZERO'); INSERT INTO t VALUES (0, 63)")
	c.query("SELECT id FROM t WHERE k = 63", "0")
}

// TestAutoIncrementModes sets innodb_autoinc_lock_mode as MySQL does: for the next start.
func TestAutoIncrementModes(t *testing.T) {
	sv := newServer(t)
	c := sv.client()
	c.query("SELECT @@innodb_autoinc_lock_mode", "2")
	c.fails("SET GLOBAL innodb_autoinc_lock_mode = 1", 1238, "")
	c.must("CREATE DATABASE d; CREATE TABLE d.t (id INT AUTO_INCREMENT PRIMARY KEY, k INT); SET PERSIST_ONLY innodb_autoinc_lock_mode = 0")
	c.query("SELECT @@innodb_autoinc_lock_mode", "2")
	defer func() { // the library's variables are the process's
		_ = sql.SystemVariables.AssignValues(map[string]any{"innodb_autoinc_lock_mode": int64(2)})
		sv.db.(table.AutoIncModer).SetAutoIncMode(2)
	}()
	e, err := New(sv.db, Options{ServerID: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	again := &server{t: t, db: sv.db, e: e, n: 100}
	c = again.client()
	c.query("SELECT @@innodb_autoinc_lock_mode", "0")
	c.must("INSERT INTO d.t (k) SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4") // one value a row: no gap
	c.must("INSERT INTO d.t (k) VALUES (9)")
	c.query("SELECT id FROM d.t WHERE k = 9", "5")
}

// What a statement took of a partitioned table's counter and did not use goes back (Partition_helper::ph_release_auto_increment).
func TestPartitionedCounter(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE s (v INT); INSERT INTO s VALUES (1), (2), (3), (4), (5)")
	for name, x := range map[string]struct {
		tail string
		want [4]string
	}{
		"p": {" PARTITION BY HASH(id) PARTITIONS 3", [4]string{"6", "16", "17", "40"}},
		"q": {"", [4]string{"8", "16", "19", "40"}},
	} {
		c.must("CREATE TABLE " + name + " (id INT AUTO_INCREMENT PRIMARY KEY, v INT CHECK (v < 50))" + x.tail)
		for i, text := range []string{
			"INSERT INTO # (v) SELECT v FROM s",
			"INSERT INTO # (id, v) VALUES (NULL, 1), (14, 1), (NULL, 1)",
			"INSERT INTO # (v) VALUES (1), (50), (1)",
			"SET insert_id = 38; INSERT INTO # (v) VALUES (1), (2)",
		} {
			for _, one := range strings.Split(strings.ReplaceAll(text, "#", name), "; ") {
				if _, err := c.exec(one); (err != nil) != (i == 2) {
					t.Fatalf("%s: %v", one, err)
				}
			}
			if a := fmt.Sprint(c.must("SHOW CREATE TABLE " + name)); !strings.Contains(a, "AUTO_INCREMENT="+x.want[i]+" ") {
				t.Errorf("after %s: %s, want %s", text, a, x.want[i])
			}
		}
		c.query("SELECT COUNT(*), MAX(id) FROM "+name, "10\t39")
	}
}
