//go:build e2e

package e2e

import (
	"database/sql"
	"fmt"
	"testing"
	"time"
)

// kill -9 of the writer in the middle of an online ALTER TABLE: the table is the old one or the new one, never one in between, no row is
// lost, and the structural checker finds nothing.
func TestOnlineAlterKill(t *testing.T) {
	c := start(t)
	db := c.db("")
	const rows = 1 << 17
	mustExec(t, db, "CREATE DATABASE bank", "CREATE TABLE bank.t (id INT AUTO_INCREMENT PRIMARY KEY, k INT NOT NULL, c VARCHAR(100))",
		"INSERT INTO bank.t (k, c) VALUES (1, REPEAT('c', 60))")
	for n := 1; n < rows; n *= 2 {
		mustExec(t, db, "INSERT INTO bank.t (k, c) SELECT k + id * 7, c FROM bank.t")
	}
	whole := 0
	for round := range pick(3, 20) {
		ended := make(chan error, 1)
		go func() {
			_, err := c.db("bank").Exec(fmt.Sprintf("ALTER TABLE t ADD INDEX a%d (k), ADD UNIQUE b%d (k, id)", round, round))
			ended <- err
		}()
		seen := ""
		eventually(t, 30*time.Second, "the ALTER to be at work, or over", func() bool {
			err := db.QueryRow("SELECT state FROM information_schema.processlist WHERE state LIKE 'stage/innodb/alter table%'").Scan(&seen)
			if err == sql.ErrNoRows {
				select {
				case err := <-ended:
					ended <- err
					return true
				default:
				}
			}
			return err == nil
		})
		time.Sleep(time.Duration(round*60) * time.Millisecond)
		mustExec(t, db, "UPDATE bank.t SET k = k + 1 WHERE id <= 100")
		killWriter(c)
		err := <-ended
		var n, indexes int
		if err := db.QueryRow("SELECT COUNT(*) FROM bank.t").Scan(&n); err != nil || n != rows {
			t.Fatalf("%d rows, %v", n, err)
		}
		if err := db.QueryRow("SELECT COUNT(DISTINCT index_name) FROM information_schema.statistics WHERE table_schema = 'bank' AND index_name <> 'PRIMARY'").Scan(&indexes); err != nil {
			t.Fatal(err)
		}
		switch indexes {
		case whole:
			if err == nil {
				t.Errorf("round %d: ALTER TABLE succeeded and left nothing", round)
			}
		case whole + 2: // also when the answer was lost with the writer
			whole = indexes
		default:
			t.Errorf("round %d: %d indexes of %d or %d: a torn ALTER TABLE", round, indexes, whole, whole+2)
		}
		t.Logf("round %d: killed at %q, the client heard %v", round, seen, err)
		c.check()
	}
}

// kill -9 of the writer in the middle of each other kind of ALTER TABLE: afterwards the definition is the old one or the new one, all rows are there, the
// statement can be given again, and the structural checker finds nothing.
func TestAlterKindsKill(t *testing.T) {
	c := start(t)
	db := c.db("")
	const rows = 1 << 17
	mustExec(t, db, "CREATE DATABASE bank", "CREATE TABLE bank.p (id INT PRIMARY KEY)", "INSERT INTO bank.p VALUES (1)",
		"CREATE TABLE bank.t (id INT AUTO_INCREMENT PRIMARY KEY, k INT NOT NULL, r INT NOT NULL, c VARCHAR(100))", "INSERT INTO bank.t (k, r, c) VALUES (1, 1, REPEAT('c', 60))")
	for n := 1; n < rows; n *= 2 {
		mustExec(t, db, "INSERT INTO bank.t (k, r, c) SELECT k + id * 7, 1, c FROM bank.t")
	}
	name := "t"
	define := func() (text string) {
		t.Helper()
		var in string
		eventually(t, 60*time.Second, "the definition", func() bool { return db.QueryRow("SHOW CREATE TABLE bank."+name).Scan(&in, &text) == nil })
		return text
	}
	for _, x := range []struct{ alter, renamed string }{
		{"ALTER TABLE t MODIFY k BIGINT NOT NULL", ""},
		{"ALTER TABLE t ADD CONSTRAINT fk FOREIGN KEY (r) REFERENCES p (id)", ""},
		{"ALTER TABLE t ADD CONSTRAINT ck CHECK (k > 0)", ""},
		{"ALTER TABLE t CONVERT TO CHARACTER SET latin1", ""},
		{"ALTER TABLE t DROP COLUMN c, ADD COLUMN d DATETIME NOT NULL DEFAULT '2020-01-01' FIRST, ALGORITHM=COPY", ""},
		{"ALTER TABLE t FORCE", ""},
		{"ALTER TABLE t RENAME TO u", "u"},
	} {
		old := define()
		ended := make(chan error, 1)
		go func() {
			_, err := c.db("bank").Exec(x.alter)
			ended <- err
		}()
		// Somewhere within: the checks below hold wherever it is.
		select {
		case err := <-ended:
			ended <- err
		case <-time.After(40 * time.Millisecond):
		}
		killWriter(c)
		err := <-ended
		if x.renamed != "" {
			var n int
			eventually(t, 60*time.Second, "the tables", func() bool {
				return db.QueryRow("SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'bank' AND table_name = ?", x.renamed).Scan(&n) == nil
			})
			if n == 1 {
				name = x.renamed
			}
		}
		now := define()
		if err == nil && now == old && x.alter != "ALTER TABLE t FORCE" {
			t.Errorf("%s succeeded and left nothing", x.alter)
		}
		var n int
		if err := db.QueryRow("SELECT COUNT(*) FROM bank." + name).Scan(&n); err != nil || n != rows {
			t.Fatalf("%s: %d rows, %v", x.alter, n, err)
		}
		t.Logf("%s: the client heard %v; changed: %v", x.alter, err, now != old)
		if now == old {
			if _, err := c.db("bank").Exec(x.alter); err != nil {
				t.Fatalf("%s, given again: %v", x.alter, err)
			}
			if x.renamed != "" {
				name = x.renamed
			}
		}
		c.check()
	}
}
