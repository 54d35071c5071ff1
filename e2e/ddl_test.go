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
