package session

import (
	"context"
	stdsql "database/sql"
	"strings"
	"testing"
)

// TestGrants: the fast lane asks for privileges, and a REVOKE, a DDL or a session's settings reach plans that are cached.
func TestGrants(t *testing.T) {
	_, addr := startFull(t)
	admin := connect(t, addr, "")
	exec(t, admin, "CREATE DATABASE d")
	exec(t, admin, "CREATE TABLE d.t (id INT PRIMARY KEY, v INT NOT NULL)")
	exec(t, admin, "INSERT INTO d.t VALUES (1, 10)")
	exec(t, admin, "CREATE USER app@'%' IDENTIFIED WITH mysql_native_password BY 'pw'")
	exec(t, admin, "GRANT SELECT ON d.* TO app@'%'")
	db, err := stdsql.Open("mysql", "app:pw@tcp("+addr+")/d")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	app, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer app.Close()
	check := func(c *stdsql.Conn, text, want string) {
		t.Helper()
		if got := outcome(c, text); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	check(admin, "SELECT v FROM d.t WHERE id = 1", "10")
	check(admin, "UPDATE d.t SET v = v + 1 WHERE id = 1", "ok 1")
	check(app, "SELECT v FROM d.t WHERE id = 1", "11")
	check(app, "UPDATE d.t SET v = v + 1 WHERE id = 1", "error 1142")
	for _, q := range []string{"SHOW TABLES FROM mysql", "USE mysql", "SHOW TABLE STATUS FROM mysql"} {
		check(app, q, "error 1044")
		check(admin, q, "")
	}
	same(t, app, "SHOW DATABASES", nil, "d", "information_schema", "performance_schema")
	check(app, "LOCK INSTANCE FOR BACKUP", "error 1227")
	exec(t, admin, "GRANT SELECT ON mysql.* TO app@'%'")
	same(t, app, "SHOW DATABASES LIKE 'm%'", nil, "mysql")
	exec(t, admin, "REVOKE SELECT ON mysql.* FROM app@'%'")
	exec(t, admin, "GRANT UPDATE ON d.t TO app@'%'")
	check(app, "UPDATE d.t SET v = v + 1 WHERE id = 1", "ok 1")
	exec(t, admin, "REVOKE SELECT ON d.* FROM app@'%'")
	check(app, "SELECT v FROM d.t WHERE id = 1", "denied")

	exec(t, admin, "ALTER TABLE d.t ADD COLUMN w VARCHAR(5) DEFAULT 'x'")
	check(admin, "SELECT * FROM d.t WHERE id = 1", "12")
	check(admin, "SELECT w FROM d.t WHERE id = 1", "x")
	exec(t, admin, "DROP TABLE d.t")
	check(admin, "SELECT w FROM d.t WHERE id = 1", "error 1146")
	exec(t, admin, "USE d")
	exec(t, admin, "CREATE VIEW d.t AS SELECT 1 AS id, 'view' AS w")
	check(admin, "SELECT w FROM d.t WHERE id = 1", "view")
	exec(t, admin, "CREATE TEMPORARY TABLE d.u (id INT PRIMARY KEY, w INT)")
	exec(t, admin, "INSERT INTO d.u VALUES (1, 77)")
	check(admin, "SELECT w FROM d.u WHERE id = 1", "77")
	check(app, "SELECT w FROM d.u WHERE id = 1", "error 1")

	// What is cached of one session's roles is not another's.
	exec(t, admin, "CREATE TABLE d.s (id INT PRIMARY KEY, v INT NOT NULL)")
	exec(t, admin, "INSERT INTO d.s VALUES (1, 10)")
	exec(t, admin, "CREATE ROLE r")
	exec(t, admin, "GRANT SELECT ON d.s TO r")
	exec(t, admin, "GRANT INSERT ON d.* TO app")
	exec(t, admin, "GRANT r TO app")
	const read = "SELECT v FROM d.s WHERE id = 1"
	other, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	exec(t, other, "SET ROLE r")
	for range 3 {
		check(other, read, "10")
		check(app, read, "error 1")
	}
	exec(t, other, "SET ROLE NONE")
	check(other, read, "error 1")
	exec(t, other, "SET ROLE r")
	check(other, read, "10")
	exec(t, admin, "SET GLOBAL mandatory_roles = 'r'")
	exec(t, admin, "REVOKE SELECT ON d.s FROM r")
	check(other, read, "error 1")
	exec(t, admin, "SET GLOBAL mandatory_roles = ''")
}

// TestWriteThroughView: a view with SQL SECURITY DEFINER needs privileges on itself only, one with INVOKER on its table too.
func TestWriteThroughView(t *testing.T) {
	_, addr := startFull(t)
	admin := connect(t, addr, "")
	for _, s := range []string{"CREATE DATABASE d", "CREATE TABLE d.w (id INT PRIMARY KEY, s INT)", "CREATE TABLE d.secret (n INT)", "INSERT INTO d.secret VALUES (42)",
		"INSERT INTO d.w VALUES (1, 1)", "CREATE VIEW d.vd AS SELECT id, s FROM d.w", "CREATE SQL SECURITY INVOKER VIEW d.vi AS SELECT id, s FROM d.w",
		"CREATE USER app@'%' IDENTIFIED WITH mysql_native_password BY 'pw'", "GRANT SELECT, INSERT, UPDATE ON d.vd TO app@'%'", "GRANT SELECT, INSERT, UPDATE ON d.vi TO app@'%'"} {
		exec(t, admin, s)
	}
	db, err := stdsql.Open("mysql", "app:pw@tcp("+addr+")/d")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	app, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer app.Close()
	for _, step := range []struct{ text, want string }{
		{"INSERT INTO vd VALUES (2, 2)", "ok 1"},
		{"UPDATE vd SET s = 5 WHERE id = 1", "ok 1"},
		{"UPDATE vd SET s = (SELECT n FROM secret)", "error 1142"},
		{"INSERT INTO vd SELECT 3, n FROM secret", "error 1142"},
		{"UPDATE w SET s = 6", "error 1142"},
		{"DELETE FROM vd", "error 1142"},
		{"INSERT INTO vi VALUES (3, 3)", "error 1142"},
		{"UPDATE vi SET s = 7", "error 1142"},
	} {
		if got := outcome(app, step.text); !strings.Contains(got, step.want) {
			t.Errorf("%s: %s, want %s", step.text, got, step.want)
		}
	}
	exec(t, admin, "GRANT SELECT, UPDATE ON d.w TO app@'%'")
	if got := outcome(app, "UPDATE vi SET s = 7 WHERE id = 1"); !strings.Contains(got, "ok 1") {
		t.Error(got)
	}
}
