package ceiling

import (
	"database/sql"
	"net"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// Clients of sysbench's kind must find rows of the shape that they ask for, prepared or not.
func TestAnswers(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- Serve(l, "admin", "pw", 10) }()
	cfg := mysql.NewConfig()
	cfg.User, cfg.Passwd, cfg.Net, cfg.Addr = "admin", "pw", "tcp", l.Addr().String()
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	defer func() { db.Close(); l.Close(); <-served }()
	for _, c := range []struct {
		query string
		args  []any
		rows  int
	}{
		{"SELECT c FROM sbtest1 WHERE id=1", nil, 1},
		{"SELECT c FROM sbtest1 WHERE id=?", []any{1}, 1},
		{"SELECT c FROM sbtest1 WHERE id BETWEEN ? AND ?", []any{1, 100}, rangeSize},
		{"SELECT SUM(k) FROM sbtest1 WHERE id BETWEEN ? AND ?", []any{1, 100}, 1},
	} {
		rows, err := db.Query(c.query, c.args...)
		if err != nil {
			t.Fatalf("%s: %v", c.query, err)
		}
		n := 0
		for ; rows.Next(); n++ {
			var v string
			if err := rows.Scan(&v); err != nil || v == "" {
				t.Errorf("%s: %q, %v", c.query, v, err)
			}
		}
		if err := rows.Err(); err != nil || n != c.rows {
			t.Errorf("%s: %d rows and %v, want %d", c.query, n, err, c.rows)
		}
	}
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec("UPDATE sbtest1 SET k=k+1 WHERE id=?", 1); err != nil {
		t.Error(err)
	}
	if err := tx.Commit(); err != nil {
		t.Error(err)
	}
}
