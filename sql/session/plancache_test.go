package session

import (
	stdsql "database/sql"
	"fmt"
	"strings"
	"testing"
)

// used is how many plans were used again so far.
func used(t *testing.T, c *stdsql.Conn) (n int) {
	t.Helper()
	var name string
	if err := c.QueryRowContext(t.Context(), "SHOW GLOBAL STATUS LIKE 'Zorya_plans_used_again'").Scan(&name, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func mustRun(t *testing.T, c *stdsql.Conn, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if out := outcome(c, text); !strings.HasPrefix(out, "ok") {
			t.Fatalf("%s: %s", text, out)
		}
	}
}

func shopTables(t *testing.T) (addr string, a, b *stdsql.Conn) {
	_, addr = startFull(t)
	a, b = connect(t, addr, ""), connect(t, addr, "")
	mustRun(t, a, "CREATE DATABASE shop", "USE shop",
		"CREATE TABLE author (id INT PRIMARY KEY, name VARCHAR(40), born DATE, KEY name (name))",
		"CREATE TABLE book (id INT PRIMARY KEY, author_id INT, title VARCHAR(80), price DECIMAL(8,2), stock INT, KEY author (author_id))")
	for i := range 20 {
		mustRun(t, a, fmt.Sprintf("INSERT INTO author VALUES (%d, 'author %d', '1970-01-%02d')", i, i, i+1), fmt.Sprintf("INSERT INTO book VALUES (%d, %d, 'Title %d', %d.50, %d)", i, i/3, i, i, i%7))
	}
	mustRun(t, b, "USE shop", "SET zorya_fast_lane = 0")
	mustRun(t, a, "SET zorya_fast_lane = 0")
	return addr, a, b
}

// Whatever a statement gives the first time, it gives again, in whichever session, with the plan of the first or without.
func TestPlansAgain(t *testing.T) {
	_, a, b := shopTables(t)
	again := 0
	for _, c := range []struct {
		text string
		kept bool
	}{
		{"SELECT a.name, COUNT(*), SUM(b.price) FROM author a JOIN book b ON b.author_id = a.id WHERE b.stock > 1 GROUP BY a.name HAVING COUNT(*) > 1 ORDER BY 2 DESC, 1", true},
		{"SELECT SQL_CALC_FOUND_ROWS id, CONCAT(name, '!') FROM author WHERE name LIKE 'author 1%' ORDER BY born DESC LIMIT 2, 3", true},
		{"SELECT FOUND_ROWS()", true},
		{"SELECT id FROM author WHERE EXISTS (SELECT 1 FROM book WHERE author_id = author.id AND stock > 5) ORDER BY id", true},
		{"SELECT s.n FROM (SELECT author_id AS n, COUNT(*) AS c FROM book GROUP BY author_id) s WHERE s.c = 3 ORDER BY s.n", true},
		{"SELECT DISTINCT stock, CASE WHEN price > 5 THEN 'dear' ELSE 'cheap' END k FROM book ORDER BY stock, k", true},
		{"SELECT a.id, b.id FROM author a LEFT JOIN book b ON b.author_id = a.id AND b.price BETWEEN 2 AND 9 WHERE a.id IN (1, 2, 15) ORDER BY a.id, b.id", true},
		{"SELECT b1.id FROM book b1 JOIN book b2 ON b1.title = b2.title WHERE b2.price = 4.50", true},
		{"SELECT COUNT(DISTINCT stock), GROUP_CONCAT(id ORDER BY id SEPARATOR '-') FROM book WHERE id < 9", true},
		{"SELECT (SELECT MAX(price) FROM book b WHERE b.author_id = a.id) m FROM author a WHERE a.id < 3 ORDER BY a.id", false},
		{"SELECT id FROM author WHERE id = 3 UNION SELECT id FROM book WHERE id = 4", false},
		{"SELECT id FROM book WHERE id = 3 FOR UPDATE", false},
		{"SELECT * FROM author WHERE born < NOW() ORDER BY id LIMIT 1", false},
		{"SELECT id + 'x' FROM author WHERE id = 'y'", true}, // warns each time
		{"SELECT @@session.sql_mode, @@autocommit, DATABASE(), VERSION()", true},
		{"SELECT id, ROW_NUMBER() OVER (ORDER BY id DESC) FROM author ORDER BY id LIMIT 2", false},
		{"SELECT name REGEXP '1$' FROM author WHERE id = 1", false},
		{"SELECT 1, 'x', 2.50", true},
	} {
		want := outcome(a, c.text)
		warned := outcome(a, "SELECT @@warning_count")
		before := used(t, a)
		for i, conn := range []*stdsql.Conn{b, a, b, a, b} {
			if i == 2 {
				mustRun(t, conn, "DO 1") // warnings and FOUND_ROWS() of another statement
			}
			if c.text == "SELECT FOUND_ROWS()" {
				outcome(conn, "SELECT id FROM author")
				want = strings.Split(want, "\n")[0] + "\n" + lastLine(outcome(conn, "SELECT COUNT(*) FROM author"))
				outcome(conn, "SELECT id FROM author")
			}
			if got := outcome(conn, c.text); got != want {
				t.Errorf("%s, run %d:\n%s\nthe first time:\n%s", c.text, i, got, want)
			}
			if got := outcome(conn, "SELECT @@warning_count"); got != warned {
				t.Errorf("%s, run %d: warnings %s, the first time %s", c.text, i, got, warned)
			}
		}
		if n := used(t, a) - before; (n > 0) != c.kept {
			t.Errorf("%s: its plan was used again %d times", c.text, n)
		} else if n > 0 {
			again++
		}
	}
	if again == 0 {
		t.Error("no plan was used again")
	}
}

// What others do to their own tables, accounts and views leaves a plan.
func TestPlansOfOthers(t *testing.T) {
	_, a, other := shopTables(t)
	mustRun(t, other, "CREATE DATABASE other", "USE other", "CREATE TABLE t (id INT PRIMARY KEY, a INT, KEY (a))", "CREATE USER app")
	const text = "SELECT b.title FROM author a JOIN book b ON b.author_id = a.id WHERE a.name = 'author 1' ORDER BY b.id"
	for _, others := range []string{"GRANT SELECT ON other.* TO app", "REVOKE SELECT ON other.* FROM app", "ANALYZE TABLE t", "CREATE OR REPLACE VIEW v AS SELECT * FROM t",
		"ALTER TABLE t COMMENT 'x'", "CREATE DATABASE third", "DROP DATABASE third"} {
		eventually(t, "a plan to outlive "+others, func() bool { // one that is older than planAge does not
			outcome(a, text)
			outcome(a, text)
			before := used(t, a)
			mustRun(t, other, others)
			outcome(a, text)
			if used(t, a) > before {
				return true
			}
			if others == "CREATE DATABASE third" {
				mustRun(t, other, "DROP DATABASE third")
			} else if others == "DROP DATABASE third" {
				mustRun(t, other, "CREATE DATABASE third")
			}
			return false
		})
	}
}

func lastLine(s string) string { return s[strings.LastIndex(s, "\n")+1:] }

// What a plan or a parsed text depends on changes between two executions.
func TestStalePlans(t *testing.T) {
	addr, a, b := shopTables(t)
	mustRun(t, a, "CREATE USER reader IDENTIFIED BY '"+testPassword+"'", "GRANT SELECT ON shop.* TO reader", "CREATE DATABASE other",
		"CREATE TABLE other.book (id INT, title INT)", "INSERT INTO other.book VALUES (1, 77)")
	reader := connectAs(t, addr, "reader")
	mustRun(t, reader, "USE shop", "SET zorya_fast_lane = 0")
	warm := func(text string) string {
		t.Helper()
		var out string
		for range 3 {
			out = outcome(a, text)
			if got := outcome(b, text); got != out {
				t.Fatalf("%s: %s and %s", text, out, got)
			}
		}
		return out
	}
	expect := func(c *stdsql.Conn, text, want string) {
		t.Helper()
		for range 2 {
			if got := lastLine(outcome(c, text)); !strings.Contains(got, want) {
				t.Errorf("%s: %q, not %q", text, got, want)
			}
		}
	}
	const one = "SELECT title FROM book WHERE id = 1"
	warm(one)
	expect(a, one, "Title 1")
	mustRun(t, b, "UPDATE book SET title = 'New' WHERE id = 1")
	expect(a, one, "New")
	mustRun(t, a, "BEGIN", "UPDATE book SET title = 'Mine' WHERE id = 1")
	expect(a, one, "Mine")
	expect(b, one, "New")
	mustRun(t, a, "ROLLBACK")
	expect(a, one, "New")

	const all = "SELECT * FROM book WHERE id = 1"
	warm(all)
	mustRun(t, b, "ALTER TABLE book ADD COLUMN isbn INT DEFAULT 5")
	expect(a, all, "5")
	mustRun(t, b, "ALTER TABLE book DROP COLUMN isbn")
	if got := outcome(a, all); strings.Contains(got, "isbn") {
		t.Error(got)
	}
	mustRun(t, b, "CREATE INDEX title ON book (title)", "DROP INDEX author ON book", "ANALYZE TABLE book")
	expect(a, one, "New")

	mustRun(t, b, "RENAME TABLE book TO gone")
	expect(a, one, "1146")
	mustRun(t, b, "CREATE VIEW book AS SELECT id, 'of a view' AS title FROM gone")
	expect(a, one, "of a view")
	mustRun(t, b, "CREATE OR REPLACE VIEW book AS SELECT id, 'of another' AS title FROM gone")
	expect(a, one, "of another")
	mustRun(t, b, "DROP VIEW book", "RENAME TABLE gone TO book")
	expect(a, one, "New")

	mustRun(t, a, "USE other")
	expect(a, one, "77")
	expect(b, one, "New")
	mustRun(t, a, "USE shop")
	expect(a, one, "New")

	mustRun(t, a, "CREATE TEMPORARY TABLE book (id INT, title VARCHAR(9))", "INSERT INTO book VALUES (1, 'temp')")
	expect(a, one, "temp")
	expect(b, one, "New")
	mustRun(t, a, "DROP TEMPORARY TABLE book")
	expect(a, one, "New")

	expect(reader, one, "New")
	mustRun(t, a, "REVOKE SELECT ON shop.* FROM reader")
	expect(reader, one, "denied")
	expect(a, one, "New")
	mustRun(t, a, "GRANT SELECT ON shop.* TO reader")
	expect(reader, one, "New")

	const quoted = `SELECT "title", 'a' || 'b' FROM book WHERE id = 1`
	warm(quoted)
	expect(a, quoted, "title")
	mustRun(t, a, "SET sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT'")
	expect(a, quoted, "New")
	expect(b, quoted, "title")
	mustRun(t, a, "SET sql_mode = DEFAULT")
	expect(a, quoted, "title")

	const compared = "SELECT 'a' = 'A' AS same FROM book WHERE id = 1"
	warm(compared)
	mustRun(t, a, "SET NAMES utf8mb4 COLLATE utf8mb4_bin")
	expect(a, compared, "0")
	expect(b, compared, "1")
	mustRun(t, a, "SET NAMES utf8mb4")
	expect(a, compared, "1")

	const joined = "SELECT GROUP_CONCAT(title) FROM book"
	warm(joined)
	mustRun(t, a, "SET GLOBAL group_concat_max_len = 7")
	fresh := connect(t, addr, "shop")
	if got := outcome(fresh, joined); got == outcome(a, joined) {
		t.Error("a new session knows nothing of a global variable: ", got)
	}
	mustRun(t, a, "SET GLOBAL group_concat_max_len = 1024")

	warm("SELECT @@sql_mode, @@time_zone")
	mustRun(t, a, "SET time_zone = '+03:00'")
	expect(a, "SELECT @@sql_mode, @@time_zone", "+03:00")
	expect(b, "SELECT @@sql_mode, @@time_zone", "SYSTEM")
	mustRun(t, a, "SET @x = 1")
	expect(a, "SELECT @x", "1")
	mustRun(t, a, "SET @x = 2")
	expect(a, "SELECT @x", "2")
}

// A SET that is done again leaves the variables as it did the first time, whatever the session has set before, and warns as it did.
func TestSetsAgain(t *testing.T) {
	_, addr := startFull(t)
	const all = "SELECT @@character_set_client, @@character_set_connection, @@character_set_results, @@collation_connection, @@sql_mode, @@transaction_isolation, @@time_zone, @@autocommit, @@wait_timeout, @@sql_auto_is_null, 'a' = 'A'"
	texts := []string{"SET NAMES utf8mb4", "SET NAMES 'latin1'", "SET NAMES utf8mb4 COLLATE utf8mb4_bin", "SET SESSION sql_mode='NO_ENGINE_SUBSTITUTION'", "SET sql_mode='ANSI_QUOTES'",
		"SET SESSION transaction_isolation='READ-COMMITTED'", "SET time_zone = '+02:00', wait_timeout = 77", "SET @@SESSION.sql_mode = 'TRADITIONAL', @@SESSION.sql_auto_is_null = 0", "SET @@session.wait_timeout = 99",
		"SET sql_mode = 'NO_ZERO_DATE'", "SET CHARACTER SET utf8mb4", "SET wait_timeout = 0", "SET @x = 1, wait_timeout = 55", "SET NAMES nosuch", "SET sql_mode = 'nosuch'"}
	for i, text := range texts {
		for _, before := range []string{"SET autocommit = 1", texts[(i+3)%len(texts)], texts[(i+7)%len(texts)]} {
			want := ""
			for run := range 5 {
				c := connect(t, addr, "")
				outcome(c, before)
				got := outcome(c, text) + "\n" + warnings(t, c) + outcome(c, all) + outcome(c, "SELECT ROW_COUNT()")
				if run == 0 {
					want = got
				} else if got != want {
					t.Errorf("%s after %s, run %d:\n%s\nthe first time:\n%s", text, before, run, got, want)
				}
				c.Close()
			}
		}
	}
	// What is global when a session begins is part of what a SET meets.
	a := connect(t, addr, "")
	mustRun(t, a, "SET GLOBAL sql_mode = 'ANSI_QUOTES'")
	b := connect(t, addr, "")
	mustRun(t, b, "SET NAMES utf8mb4")
	if got := outcome(b, "SELECT @@sql_mode"); !strings.Contains(got, "ANSI_QUOTES") {
		t.Error(got)
	}
	mustRun(t, a, "SET GLOBAL sql_mode = DEFAULT")
}

// A prepared statement's parameters are part of its plan.
func TestPlansOfPrepared(t *testing.T) {
	_, a, b := shopTables(t)
	const text = "SELECT a.name, LOWER(b.title) FROM author a JOIN book b ON b.author_id = a.id WHERE b.id = ? AND a.id < ? ORDER BY b.id LIMIT ?"
	st, err := a.PrepareContext(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	run := func(args ...any) string {
		rows, err := st.QueryContext(t.Context(), args...)
		if err != nil {
			return err.Error()
		}
		defer rows.Close()
		var out []string
		for rows.Next() {
			var x, y string
			if err := rows.Scan(&x, &y); err != nil {
				t.Fatal(err)
			}
			out = append(out, x+" "+y)
		}
		return strings.Join(out, ",")
	}
	before := used(t, b)
	for i := range 12 {
		id := i / 3
		for _, arg := range []any{id, fmt.Sprint(id), float64(id)} {
			if got, want := run(arg, 100, 5), fmt.Sprintf("author %d title %d", id/3, id); got != want {
				t.Fatalf("%T %v: %q, not %q", arg, arg, got, want)
			}
		}
	}
	for range 3 {
		if got := run(nil, 100, 5); got != "" {
			t.Error(got)
		}
	}
	again, err := a.PrepareContext(t.Context(), "SELECT COUNT(*) FROM book WHERE CONCAT(title, 'x') <> ?")
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	for i := range 3 {
		mustRun(t, b, fmt.Sprintf("INSERT INTO book VALUES (%d, 1, 't', 1, 1)", 100+i))
		var n int
		if err := again.QueryRowContext(t.Context(), "y").Scan(&n); err != nil || n != 21+i {
			t.Fatal(n, err)
		}
	}
	if used(t, b) == before {
		t.Error("no plan was used again")
	}
	mustRun(t, b, "ALTER TABLE book DROP COLUMN price, ADD COLUMN first INT FIRST")
	if got := run(4, 100, 5); got != "author 1 title 4" {
		t.Error(got)
	}
	mustRun(t, b, "DROP TABLE book")
	if got := run(4, 100, 5); !strings.Contains(got, "1146") {
		t.Error(got)
	}
}
