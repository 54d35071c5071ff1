package session

import (
	"context"
	stdsql "database/sql"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// long are statements that wait, or work for very long: what KILL QUERY and a client that vanishes must end at once.
var long = []struct {
	name, text string
	code       int    // of the killed statement
	state      string // of the process list, where it must have got there
}{
	{"row lock", "UPDATE t SET v = v + 1 WHERE id = 1", 1317, ""},
	{"row lock in a locking read", "SELECT * FROM t WHERE v + 0 < 100 FOR UPDATE", 1317, ""},
	{"gap", "INSERT INTO t VALUES (15, 15)", 1317, ""},
	{"metadata lock of DDL", "ALTER TABLE t ADD COLUMN w INT", 1317, "Waiting for table metadata lock"},
	{"metadata lock of DROP", "DROP TABLE t", 1317, "Waiting for table metadata lock"},
	{"LOCK TABLES", "LOCK TABLES t WRITE", 1317, "Waiting for table metadata lock"},
	{"GET_LOCK", "SELECT GET_LOCK('mine', 1000)", 1317, "User lock"},
	{"SLEEP alone", "SELECT SLEEP(1000)", 1317, "User sleep"},
	{"SLEEP beside rows", "SELECT id FROM small WHERE SLEEP(1000) = 0", 1317, "User sleep"},
	{"scan", "SELECT COUNT(*) FROM mid a, mid b, mid c WHERE a.v + b.v + c.v = -1", 1317, ""},
	{"sort", "SELECT a.v FROM mid a, mid b, mid c ORDER BY a.v + b.v * c.v LIMIT 3", 1317, ""},
	{"group", "SELECT a.v + b.v * c.v AS x, COUNT(*) FROM mid a, mid b, mid c GROUP BY x HAVING x < 0", 1317, ""},
	{"rows on their way", "INSERT INTO sink SELECT a.id FROM mid a, mid b, mid c", 1317, ""},
	{"procedure", "CALL forever()", 1317, ""},
	{"index build", "ALTER TABLE big ADD INDEX k (v)", 1317, ""},
	{"table copy", "ALTER TABLE big FORCE, ALGORITHM=COPY", 1317, ""},
}

// fillKill makes the tables of the statements. holder keeps all of the locks that they wait for.
func fillKill(t *testing.T, m, holder *stdsql.Conn) {
	t.Helper()
	exec(t, m, "CREATE DATABASE d")
	exec(t, m, "USE d")
	exec(t, holder, "USE d")
	for _, q := range []string{"CREATE TABLE t (id INT PRIMARY KEY, v INT)", "INSERT INTO t VALUES (1, 1), (10, 10), (20, 20)",
		"CREATE TABLE small (id INT PRIMARY KEY)", "INSERT INTO small VALUES (1), (2), (3)",
		"CREATE TABLE mid (id INT PRIMARY KEY AUTO_INCREMENT, v INT)", "INSERT INTO mid (v) VALUES (1), (2), (3), (4)",
		"CREATE TABLE sink (id INT)", "CREATE TABLE own (id INT PRIMARY KEY, v INT)", "INSERT INTO own VALUES (1, 0)",
		"CREATE TABLE big (id INT PRIMARY KEY AUTO_INCREMENT, v INT, c CHAR(50))",
		"CREATE PROCEDURE forever() BEGIN DECLARE i INT DEFAULT 0; WHILE i >= 0 DO SET i = i + 1; END WHILE; END"} {
		exec(t, m, q)
	}
	for range 8 {
		exec(t, m, "INSERT INTO mid (v) SELECT v * 7 % 1000 FROM mid")
	}
	exec(t, m, "INSERT INTO big (v, c) SELECT a.v * b.v % 1009, 'c' FROM mid a, mid b WHERE b.id <= 40")
	for range 3 { // 240,000 rows: a copy of 30,000 took 7 ms, and at() did not always see it
		exec(t, m, "INSERT INTO big (v, c) SELECT v, c FROM big")
	}
	for _, q := range []string{"BEGIN", "UPDATE t SET v = 2 WHERE id = 1", "SELECT * FROM t WHERE id BETWEEN 12 AND 18 FOR UPDATE", "SELECT GET_LOCK('mine', 0)"} {
		exec(t, holder, q)
	}
}

// at waits until a session's statement runs, or waits where it should.
func at(t *testing.T, srv *Server, id int64, text, state string) {
	t.Helper()
	eventually(t, text+" to be under way", func() bool {
		for _, p := range srv.Processes() {
			if int64(p.ID) == id {
				return p.Info == text && (state == "" || p.State == state)
			}
		}
		return false
	})
}

// killAll lets a failed test come to its end.
func killAll(srv *Server) {
	for _, s := range srv.all() {
		s.kill()
	}
}

// TestKillQuery: KILL QUERY ends a statement wherever it waits or works, with error 1317; its transaction and its connection go on.
func TestKillQuery(t *testing.T) {
	srv, addr := startFull(t)
	m, holder := connect(t, addr, ""), connect(t, addr, "")
	fillKill(t, m, holder)
	for _, fast := range []string{"ON", "OFF"} {
		c := connect(t, addr, "d")
		exec(t, c, "SET zorya_fast_lane = "+fast)
		id := connectionID(t, c)
		t.Cleanup(func() { killAll(srv) })
		for _, x := range long {
			ddl := strings.HasPrefix(x.text, "ALTER") || strings.HasPrefix(x.text, "DROP") || strings.HasPrefix(x.text, "LOCK")
			exec(t, c, "BEGIN")
			exec(t, c, "UPDATE own SET v = v + 1 WHERE id = 1")
			done := make(chan int, 1)
			go func() { done <- code(c, x.text) }()
			at(t, srv, id, x.text, x.state)
			begun := time.Now()
			exec(t, m, fmt.Sprintf("KILL QUERY %d", id))
			select {
			case got := <-done:
				if got != x.code {
					t.Errorf("%s, fast lane %s: error %d, want %d", x.name, fast, got, x.code)
				}
			case <-time.After(60 * time.Second):
				t.Fatalf("%s, fast lane %s: goes on after KILL QUERY", x.name, fast)
			}
			if took := time.Since(begun); took > 30*time.Second {
				t.Errorf("%s, fast lane %s: ended %v after KILL QUERY", x.name, fast, took)
			}
			exec(t, c, "ROLLBACK")
			want := "0"
			if ddl { // it had committed
				want = "1"
			}
			if got := table1(t, m, "SELECT v FROM own")[0]; got != want {
				t.Errorf("%s, fast lane %s: own change is %s after ROLLBACK, want %s", x.name, fast, got, want)
			}
			exec(t, m, "UPDATE own SET v = 0")
		}
	}
	same(t, m, "SELECT COUNT(*) FROM sink", nil, "0")
	same(t, m, "SELECT COUNT(DISTINCT index_name) FROM information_schema.statistics WHERE table_schema = 'd' AND table_name = 'big'", nil, "1")
}

// TestClientVanishes: the socket of a client goes away while its statement waits or works. Its transaction is rolled back at once: nobody waits for its locks.
func TestClientVanishes(t *testing.T) {
	srv, addr := startFull(t)
	m, holder := connect(t, addr, ""), connect(t, addr, "")
	fillKill(t, m, holder)
	exec(t, m, "SET innodb_lock_wait_timeout = 30")
	var socket net.Conn
	mysql.RegisterDialContext("vanishing", func(ctx context.Context, _ string) (c net.Conn, err error) {
		socket, err = (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		return socket, err
	})
	for _, x := range append(long, long[0]) {
		cfg, err := mysql.ParseDSN("admin:" + testPassword + "@vanishing(" + addr + ")/d")
		if err != nil {
			t.Fatal(err)
		}
		cfg.Logger = &mysql.NopLogger{}
		connector, err := mysql.NewConnector(cfg)
		if err != nil {
			t.Fatal(err)
		}
		db := stdsql.OpenDB(connector)
		c, err := db.Conn(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		id := connectionID(t, c)
		t.Cleanup(func() { killAll(srv) })
		exec(t, c, "BEGIN")
		exec(t, c, "UPDATE own SET v = v + 1 WHERE id = 1")
		done := make(chan int, 1)
		go func() { done <- code(c, x.text) }()
		at(t, srv, id, x.text, x.state)
		socket.Close()
		<-done
		if got := code(m, "UPDATE own SET v = v + 10 WHERE id = 1"); got != 0 {
			t.Errorf("%s: its row is still locked: error %d", x.name, got)
		}
		eventually(t, "the session of "+x.name+" to be gone", func() bool {
			return table1(t, m, fmt.Sprintf("SELECT COUNT(*) FROM information_schema.processlist WHERE id = %d", id))[0] == "0"
		})
		db.Close()
	}
	same(t, m, "SELECT COUNT(*) FROM information_schema.innodb_trx", nil, "1")
}
