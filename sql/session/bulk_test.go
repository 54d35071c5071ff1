package session

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// TestInsertSelectInBatches: a long INSERT ... SELECT leaves what single rows would, and nothing when a row of it fails.
func TestInsertSelectInBatches(t *testing.T) {
	_, addr := startFull(t)
	c := connect(t, addr, "")
	exec(t, c, "CREATE DATABASE d")
	exec(t, c, "USE d")
	exec(t, c, "CREATE TABLE a (id INT PRIMARY KEY, u INT, s VARCHAR(20))")
	exec(t, c, "CREATE TABLE b (n INT AUTO_INCREMENT PRIMARY KEY, id INT UNIQUE, u INT, s VARCHAR(20), KEY (u))")
	var rows []string
	for i := range 2000 {
		rows = append(rows, fmt.Sprintf("(%d, %d, 'row %d')", i, i*7919%1009, i))
	}
	exec(t, c, "INSERT INTO a VALUES "+strings.Join(rows, ","))
	res, err := c.ExecContext(context.Background(), "INSERT INTO b (id, u, s) SELECT id, u, s FROM a")
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := res.RowsAffected(); n != 2000 {
		t.Error(n)
	}
	if id, _ := res.LastInsertId(); id != 1 {
		t.Error(id)
	}
	const sums = "SELECT COUNT(*), SUM(id), SUM(u), SUM(n), MAX(s) FROM b"
	want := rowsOf(t, c, sums)
	if want[0] != "2000 1999000 1008062 2001000 row 999" {
		t.Error(want)
	}
	for _, q := range []string{"CHECK TABLE b", "SELECT COUNT(*) FROM b FORCE INDEX (u) WHERE u >= 0"} {
		if got := rowsOf(t, c, q); !strings.Contains(got[0], "OK") && got[0] != "2000" {
			t.Error(q, got)
		}
	}
	_, err = c.ExecContext(context.Background(), "INSERT INTO b (id, u, s) SELECT id + 3000 - 2900 * (id = 1500), u, s FROM a ORDER BY id")
	if err == nil || !strings.Contains(err.Error(), "Error 1062 (23000): Duplicate entry '1600' for key 'b.id'") {
		t.Error(err)
	}
	if got := rowsOf(t, c, sums); got[0] != want[0] {
		t.Error(got, want)
	}
	exec(t, c, "INSERT IGNORE INTO b (id, u, s) SELECT id + 1000, u, s FROM a")
	exec(t, c, "REPLACE INTO b (id, u, s) SELECT id + 1500, u, s FROM a")
	exec(t, c, "INSERT INTO b (id, u, s) SELECT id, u, s FROM a ON DUPLICATE KEY UPDATE u = b.u + 1")
	if got := rowsOf(t, c, "SELECT COUNT(*), MIN(id), MAX(id) FROM b"); got[0] != "3500 0 3499" {
		t.Error(got)
	}
	exec(t, c, "INSERT INTO a SELECT id + 10000, u, s FROM a") // it does not see its own rows
	if got := rowsOf(t, c, "SELECT COUNT(*) FROM a"); got[0] != "4000" {
		t.Error(got)
	}
}

// TestRestore: a dump's statements (its sql_mode, LOCK TABLES, zeros in an AUTO_INCREMENT column) run in the fast lane; what does not fit goes
// by the rules of the mode.
func TestRestore(t *testing.T) {
	srv, addr := startFull(t)
	c := connect(t, addr, "")
	exec(t, c, "CREATE DATABASE d")
	exec(t, c, "USE d")
	exec(t, c, "CREATE TABLE a (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, b TINYINT NOT NULL, s VARCHAR(5))")
	exec(t, c, "CREATE TABLE other (id INT)")
	exec(t, c, "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO'")
	exec(t, c, "LOCK TABLES a WRITE")
	exec(t, c, "/*!40000 ALTER TABLE a DISABLE KEYS */")
	_, _, declined := srv.fast.Counts()
	hits, misses, _ := srv.fast.Counts()
	exec(t, c, "INSERT INTO a VALUES (1,1,'x'),(0,2,'y'),(5,3,NULL)")
	h, m, d := srv.fast.Counts()
	if h+m == hits+misses || d != declined {
		t.Error("the fast lane did not take the restore")
	}
	exec(t, c, "INSERT INTO a VALUES (7,300,'too long'),(8,NULL,'z')")
	if _, err := c.ExecContext(context.Background(), "INSERT INTO other VALUES (1)"); err == nil || !strings.Contains(err.Error(), "1100") {
		t.Error(err)
	}
	exec(t, c, "UNLOCK TABLES")
	exec(t, c, "LOCK TABLES a READ")
	for _, q := range []string{"INSERT INTO a VALUES (20,1,'x')", "INSERT INTO a VALUES (21,1,'x'),(22,1,'x')"} {
		if _, err := c.ExecContext(context.Background(), q); err == nil || !strings.Contains(err.Error(), "1099") {
			t.Error(q, err)
		}
	}
	exec(t, c, "UNLOCK TABLES")
	exec(t, c, "FLUSH TABLES WITH READ LOCK")
	if _, err := c.ExecContext(context.Background(), "INSERT INTO a VALUES (20,1,'x')"); err == nil || !strings.Contains(err.Error(), "1223") {
		t.Error(err)
	}
	exec(t, c, "UNLOCK TABLES")
	exec(t, c, "INSERT INTO a VALUES (NULL,9,'n')")
	if got := fmt.Sprint(rowsOf(t, c, "SELECT * FROM a ORDER BY id")); got != "[0 2 y 1 1 x 5 3 NULL 7 127 too l 8 0 z 9 9 n]" {
		t.Error(got)
	}
}

// TestRestoreKeysOff: what a dump does between DISABLE KEYS and ENABLE KEYS leaves the table as it would be without; so does one that is cut off.
func TestRestoreKeysOff(t *testing.T) {
	_, addr := startFull(t)
	c := connect(t, addr, "")
	exec(t, c, "CREATE DATABASE d")
	exec(t, c, "USE d")
	var rows []string
	for i := range 3000 {
		rows = append(rows, fmt.Sprintf("(%d, %d, 'row %d')", i, i*7919%1009, i))
	}
	fill := "INSERT INTO %s VALUES " + strings.Join(rows, ",")
	for _, name := range []string{"whole", "again", "cut", "unlocked"} {
		exec(t, c, "CREATE TABLE "+name+" (id INT PRIMARY KEY, u INT, s VARCHAR(20), UNIQUE (s), KEY u (u), KEY su (s, u))")
	}
	show := rowsOf(t, c, "SHOW INDEX FROM whole")
	exec(t, c, "LOCK TABLES whole WRITE")
	exec(t, c, "/*!40000 ALTER TABLE whole DISABLE KEYS */")
	if got := rowsOf(t, c, "SHOW INDEX FROM whole"); len(got) != 2 {
		t.Error("indexes are not put off: ", got)
	}
	exec(t, c, fmt.Sprintf(fill, "whole"))
	exec(t, c, "UPDATE whole SET u = u + 1 WHERE u = 17")
	exec(t, c, "/*!40000 ALTER TABLE whole ENABLE KEYS */")
	exec(t, c, "UNLOCK TABLES")
	exec(t, c, "LOCK TABLES again WRITE")
	exec(t, c, "ALTER TABLE again DISABLE KEYS")
	exec(t, c, fmt.Sprintf(fill, "again"))
	exec(t, c, "UNLOCK TABLES") // no ENABLE KEYS
	exec(t, c, "ALTER TABLE unlocked DISABLE KEYS")
	exec(t, c, fmt.Sprintf(fill, "unlocked"))
	cut := connect(t, addr, "d")
	exec(t, cut, "LOCK TABLES cut WRITE")
	exec(t, cut, "ALTER TABLE cut DISABLE KEYS")
	exec(t, cut, fmt.Sprintf(fill, "cut"))
	exec(t, c, "KILL "+rowsOf(t, cut, "SELECT CONNECTION_ID()")[0])
	for _, name := range []string{"whole", "again", "cut", "unlocked"} {
		eventually(t, "indexes of "+name, func() bool { return len(rowsOf(t, c, "SHOW INDEX FROM "+name)) == len(show) })
		if got := rowsOf(t, c, "SELECT COUNT(*), SUM(id) FROM "+name+" FORCE INDEX (u) WHERE u >= 0"); got[0] != "3000 4498500" {
			t.Error(name, got)
		}
		if got := rowsOf(t, c, "CHECK TABLE "+name); !strings.Contains(got[0], "OK") {
			t.Error(got)
		}
	}
	if got := rowsOf(t, c, "SHOW CREATE TABLE whole"); !strings.Contains(got[0], "KEY `u` (`u`),\n  KEY `su`") {
		t.Error(got)
	}
}
