package session

import (
	"context"
	stdsql "database/sql"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// TestLockConflicts checks, through each lane, what a client sees of row locks, and what becomes of its transaction.
func TestLockConflicts(t *testing.T) {
	srv, addr := startFull(t)
	setup := connect(t, addr, "")
	exec(t, setup, "CREATE DATABASE d")
	for _, fast := range []string{"ON", "OFF"} {
		t.Run("fast="+fast, func(t *testing.T) {
			exec(t, setup, "DROP TABLE IF EXISTS d.t")
			exec(t, setup, "CREATE TABLE d.t (id INT PRIMARY KEY, v INT NOT NULL)")
			exec(t, setup, "INSERT INTO d.t VALUES (1, 10), (2, 20), (3, 30)")
			open := func() *stdsql.Conn {
				c := connect(t, addr, "d")
				exec(t, c, "SET zorya_fast_lane = "+fast)
				return c
			}
			a, b := open(), open()
			waits := func(text string) {
				eventually(t, text+" waits", func() bool {
					for _, s := range srv.all() {
						s.mu.Lock()
						is := s.busy && strings.HasPrefix(string(s.text), text)
						s.mu.Unlock()
						if is {
							return true
						}
					}
					return false
				})
			}
			value := func(c *stdsql.Conn, id int) (v int) {
				t.Helper()
				if err := c.QueryRowContext(context.Background(), fmt.Sprintf("SELECT v FROM t WHERE id = %d", id)).Scan(&v); err != nil {
					t.Fatal(err)
				}
				return v
			}

			// A wait that ends well.
			exec(t, a, "BEGIN")
			exec(t, a, "UPDATE t SET v = v + 1 WHERE id = 1")
			done := make(chan int, 1)
			go func() { done <- code(b, "UPDATE t SET v = v + 5 WHERE id = 1") }()
			waits("UPDATE t SET v = v + 5")
			exec(t, a, "COMMIT")
			if got := <-done; got != 0 || value(b, 1) != 16 {
				t.Errorf("after a wait: error %d, value %d", got, value(b, 1))
			}

			// Timeout: the statement only.
			exec(t, b, "SET innodb_lock_wait_timeout = 1")
			exec(t, a, "BEGIN")
			exec(t, a, "UPDATE t SET v = 100 WHERE id = 1")
			exec(t, b, "BEGIN")
			exec(t, b, "UPDATE t SET v = 200 WHERE id = 2")
			if got := code(b, "DELETE FROM t WHERE id = 1"); got != 1205 {
				t.Errorf("timeout: error %d", got)
			}
			exec(t, a, "ROLLBACK")
			exec(t, b, "COMMIT")
			if value(a, 2) != 200 || value(a, 1) != 16 {
				t.Errorf("after a timeout: %d, %d", value(a, 1), value(a, 2))
			}
			exec(t, b, "SET innodb_lock_wait_timeout = 50")

			// Deadlock: one of them loses its whole transaction, the other goes on.
			exec(t, a, "BEGIN")
			exec(t, b, "BEGIN")
			exec(t, a, "UPDATE t SET v = 1 WHERE id = 1")
			exec(t, b, "UPDATE t SET v = 2 WHERE id = 2")
			go func() { done <- code(a, "UPDATE t SET v = 1 WHERE id = 2") }()
			waits("UPDATE t SET v = 1 WHERE id = 2")
			inB := code(b, "UPDATE t SET v = 2 WHERE id = 1")
			inA := <-done
			if !(inA == 1213 && inB == 0 || inA == 0 && inB == 1213) {
				t.Errorf("deadlock: errors %d and %d", inA, inB)
			}
			exec(t, a, "COMMIT")
			exec(t, b, "COMMIT")
			want := 1
			if inA == 1213 {
				want = 2
			}
			if value(a, 1) != want || value(a, 2) != want {
				t.Errorf("after a deadlock: %d, %d, want %d", value(a, 1), value(a, 2), want)
			}

			// KILL QUERY ends the wait; the transaction lives.
			exec(t, a, "BEGIN")
			exec(t, a, "UPDATE t SET v = 7 WHERE id = 3")
			exec(t, b, "BEGIN")
			exec(t, b, "UPDATE t SET v = 8 WHERE id = 2")
			go func() { done <- code(b, "UPDATE t SET v = 9 WHERE id = 3") }()
			waits("UPDATE t SET v = 9")
			var id uint32
			for _, p := range srv.Processes() {
				if strings.HasPrefix(p.Info, "UPDATE t SET v = 9") {
					id = p.ID
				}
			}
			exec(t, setup, fmt.Sprintf("KILL QUERY %d", id))
			if got := <-done; got != 1317 {
				t.Errorf("killed: error %d", got)
			}
			exec(t, b, "COMMIT")
			exec(t, a, "ROLLBACK")
			if value(a, 2) != 8 || value(a, 3) != 30 {
				t.Errorf("after a kill: %d, %d", value(a, 2), value(a, 3))
			}

			// DDL waits for a transaction that uses the table, and is told no by NOWAIT's kin.
			exec(t, a, "BEGIN")
			value(a, 1)
			go func() { done <- code(b, "ALTER TABLE t ADD COLUMN w INT") }()
			waits("ALTER TABLE")
			exec(t, a, "COMMIT")
			if got := <-done; got != 0 {
				t.Errorf("DDL after a wait: error %d", got)
			}
			exec(t, a, "INSERT INTO t VALUES (4, 40, NULL)")
		})
	}
}

// TestVanishedHolder: locks of a client that went away, waiting or idle, are free at once.
func TestVanishedHolder(t *testing.T) {
	_, addr := startFull(t)
	setup := connect(t, addr, "")
	exec(t, setup, "CREATE DATABASE d")
	exec(t, setup, "CREATE TABLE d.t (id INT PRIMARY KEY, v INT NOT NULL)")
	exec(t, setup, "INSERT INTO d.t VALUES (1, 10), (2, 20)")
	gone, cancel := context.WithCancel(context.Background())
	victim := connect(t, addr, "d")
	exec(t, victim, "BEGIN")
	exec(t, victim, "UPDATE t SET v = 0 WHERE id = 2")
	holder := connect(t, addr, "d")
	exec(t, holder, "BEGIN")
	exec(t, holder, "UPDATE t SET v = 0 WHERE id = 1")
	done := make(chan error, 1)
	go func() { // the driver closes the socket when the context ends
		_, err := victim.ExecContext(gone, "UPDATE t SET v = 1 WHERE id = 1")
		done <- err
	}()
	eventually(t, "the victim waits", func() bool {
		var n int
		err := setup.QueryRowContext(context.Background(), "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'UPDATE t SET v = 1%'").Scan(&n)
		return err == nil && n == 1
	})
	cancel()
	if err := <-done; err == nil {
		t.Error("the victim's statement succeeded")
	}
	exec(t, setup, "UPDATE d.t SET v = 5 WHERE id = 2") // was locked by the victim
	exec(t, holder, "ROLLBACK")
	var v int
	if err := setup.QueryRowContext(context.Background(), "SELECT v FROM d.t WHERE id = 2").Scan(&v); err != nil || v != 5 {
		t.Error(v, err)
	}
}

// TestLoadData loads a client's file.
func TestLoadData(t *testing.T) {
	_, addr := startFull(t)
	c := connect(t, addr, "")
	exec(t, c, "CREATE DATABASE d")
	exec(t, c, "CREATE TABLE d.t (id INT PRIMARY KEY, v VARCHAR(20))")
	mysql.RegisterReaderHandler("data", readerOf("1,one\n2,two\n3,three\n"))
	if got := outcome(c, "LOAD DATA LOCAL INFILE 'Reader::data' INTO TABLE d.t FIELDS TERMINATED BY ','"); !strings.HasPrefix(got, "ok 3") {
		t.Fatal(got)
	}
	var n int
	if err := c.QueryRowContext(context.Background(), "SELECT COUNT(*) FROM d.t WHERE v LIKE 't%'").Scan(&n); err != nil || n != 2 {
		t.Error(n, err)
	}
}

func readerOf(text string) func() io.Reader {
	return func() io.Reader { return strings.NewReader(text) }
}
