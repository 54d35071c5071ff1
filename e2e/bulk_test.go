//go:build e2e

package e2e

import (
	"strings"
	"testing"
	"time"
)

// kill -9 of the writer in the middle of a statement that inserts many rows: nothing of it is left, of what was committed before nothing is
// missing, and the structural checker finds nothing.
func TestBulkKill(t *testing.T) {
	c := start(t)
	db := c.db("")
	mustExec(t, db, "CREATE DATABASE bank", "CREATE TABLE bank.src (id INT AUTO_INCREMENT PRIMARY KEY, k INT NOT NULL, c VARCHAR(100), KEY (k))",
		"INSERT INTO bank.src (k, c) VALUES "+strings.TrimSuffix(strings.Repeat("(7919, REPEAT('c', 60)),", 1<<10), ","))
	for range 7 {
		mustExec(t, db, "INSERT INTO bank.src (k, c) SELECT k * 31 % 1000003 + id, c FROM bank.src")
	}
	const rows = 1 << 17
	mustExec(t, db, "CREATE TABLE bank.t LIKE bank.src")
	for round := range pick(3, 20) {
		ended := make(chan error, 1)
		go func() {
			// The last rows wait for the kill, however fast the machine is.
			_, err := c.db("bank").Exec("INSERT INTO t (k, c) SELECT k, c FROM src WHERE id < 131072 OR SLEEP(120) = 0")
			ended <- err
		}()
		eventually(t, 30*time.Second, "rows of the statement", func() bool {
			var modified int
			err := db.QueryRow("SELECT COALESCE(MAX(trx_rows_modified), 0) FROM information_schema.innodb_trx").Scan(&modified)
			return err == nil && modified > round*4000
		})
		killWriter(c)
		if err := <-ended; err == nil {
			t.Fatal("the statement ended before the kill")
		}
		var n, all int
		if err := db.QueryRow("SELECT (SELECT COUNT(*) FROM bank.t), (SELECT COUNT(*) FROM bank.src)").Scan(&n, &all); err != nil || n != 0 || all != rows {
			t.Fatalf("round %d: %d rows of a statement that was cut short, %d of %d committed ones, %v", round, n, all, rows, err)
		}
		c.check()
	}
}
