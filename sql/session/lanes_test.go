package session

import (
	"context"
	stdsql "database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/zoryadb/zorya/engine"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/collate"
	"github.com/zoryadb/zorya/sql/extract"
	"github.com/zoryadb/zorya/sql/general"
	"github.com/zoryadb/zorya/sql/wire"
	"github.com/zoryadb/zorya/storage/volume/memvol"
)

const testPassword = "correct horse"

// startFull is a whole server: engine in memory, general lane, fast lane, account admin.
func startFull(t testing.TB) (*Server, string) {
	t.Helper()
	return startWith(t, general.Options{}, Options{})
}

func startWith(t testing.TB, g general.Options, o Options) (*Server, string) {
	t.Helper()
	ctx := context.Background()
	db, err := engine.Open(ctx, memvol.New(memvol.Options{}), engine.Options{Collations: collate.For, Extract: extract.For})
	if err != nil {
		t.Fatal(err)
	}
	var srv *Server
	g.Processes = func() []general.Process { return srv.Processes() }
	g.Status = func() map[string]uint64 { return srv.Status() }
	g.TableLocks = func() []table.MetadataLockInfo { return srv.TableLocks() }
	gen, err := general.New(db, g)
	if err != nil {
		t.Fatal(err)
	}
	if err := gen.EnsureAdmin(ctx, "admin", wire.PluginCachingSHA2, wire.HashCachingSHA2(testPassword)); err != nil {
		t.Fatal(err)
	}
	o.Log = slog.New(slog.DiscardHandler)
	srv, err = New(db, General(gen), o)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go srv.Serve(l)
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := srv.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := gen.Close(); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return srv, l.Addr().String()
}

// connect opens one connection of admin.
func connect(t testing.TB, addr, params string) *stdsql.Conn {
	t.Helper()
	return open(t, "admin:"+testPassword+"@tcp("+addr+")/"+params)
}

// connectAs opens one connection of another user with the same password.
func connectAs(t testing.TB, addr, user string) *stdsql.Conn {
	t.Helper()
	return open(t, user+":"+testPassword+"@tcp("+addr+")/")
}

func open(t testing.TB, dsn string) *stdsql.Conn {
	t.Helper()
	db, err := stdsql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	c, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// outcome is all that a client sees of a statement.
func outcome(c *stdsql.Conn, text string, args ...any) string {
	ctx := context.Background()
	word := strings.ToUpper(strings.TrimSpace(text) + "      ")[:6]
	if word != "SELECT" {
		r, err := c.ExecContext(ctx, text, args...)
		if err != nil {
			return errorText(err)
		}
		n, _ := r.RowsAffected()
		id, _ := r.LastInsertId()
		return fmt.Sprintf("ok %d id %d", n, id)
	}
	rows, err := c.QueryContext(ctx, text, args...)
	if err != nil {
		return errorText(err)
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		return err.Error()
	}
	var out strings.Builder
	for _, ct := range types {
		length, _ := ct.Length()
		null, _ := ct.Nullable()
		p, s, _ := ct.DecimalSize()
		fmt.Fprintf(&out, "[%s %s %d %v %d.%d]", ct.Name(), ct.DatabaseTypeName(), length, null, p, s)
	}
	for rows.Next() {
		vals := make([]any, len(types))
		for i := range vals {
			vals[i] = new(any)
		}
		if err := rows.Scan(vals...); err != nil {
			return err.Error()
		}
		out.WriteString("\n")
		for _, v := range vals {
			if b, ok := (*v.(*any)).([]byte); ok {
				fmt.Fprintf(&out, "%q|", b)
			} else {
				fmt.Fprintf(&out, "%#v|", *v.(*any))
			}
		}
	}
	if err := rows.Err(); err != nil {
		out.WriteString(errorText(err))
	}
	return out.String()
}

func errorText(err error) string {
	var e *mysql.MySQLError
	if errors.As(err, &e) {
		return fmt.Sprintf("error %d %s %s", e.Number, e.SQLState, e.Message)
	}
	return err.Error()
}

func TestGeneralLane(t *testing.T) {
	_, addr := startFull(t)
	c := connect(t, addr, "")
	for _, step := range []struct{ text, want string }{
		{"CREATE DATABASE d", "ok 1 id 0"},
		{"USE d", "ok 0 id 0"},
		{"CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(10) NOT NULL, n INT)", "ok 0 id 0"},
		{"INSERT INTO t (v, n) VALUES ('a', 1), ('b', 2)", "ok 2 id 1"},
		{"BEGIN", "ok 0 id 0"},
		{"UPDATE t SET n = n * 10 WHERE v = 'a'", "ok 1 id 0"},
		{"ROLLBACK", "ok 0 id 0"},
		{"INSERT INTO t (id, v) VALUES (9, 'c'), (1, 'dup')", "error 1062 23000 Duplicate entry '1' for key 't.PRIMARY'"},
		{"INSERT INTO t (v) VALUES (NULL)", "error 1048 23000 Column 'v' cannot be null"},
		{"SELEC 1", ""},
		{"SELECT * FROM nowhere", "error 1146 42S02 Table 'd.nowhere' doesn't exist"},
		{"USE nowhere", "error 1049 42000 Unknown database 'nowhere'"},
	} {
		got := outcome(c, step.text)
		if step.want == "" {
			if !strings.HasPrefix(got, "error 1064 ") {
				t.Errorf("%s: %s", step.text, got)
			}
			continue
		}
		if got != step.want {
			t.Errorf("%s:\n got %s\nwant %s", step.text, got, step.want)
		}
	}
	var n, sum int
	if err := c.QueryRowContext(context.Background(), "SELECT COUNT(*), SUM(n) FROM t WHERE v < 'z' OR v = 'q'").Scan(&n, &sum); err != nil || n != 2 || sum != 3 {
		t.Errorf("count %d sum %d: %v", n, sum, err)
	}
}

// TestLanesAgree runs every shape of the fast lane through both lanes, each on tables of its own, and compares all that a
// client sees: rows, column definitions, counts, insert ids, errors; and at the end what is stored.
func TestLanesAgree(t *testing.T) {
	srv, addr := startFull(t)
	setup := connect(t, addr, "")
	schema := []string{
		"CREATE TABLE %s.sb (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, k INT NOT NULL DEFAULT '0', c CHAR(120) NOT NULL DEFAULT '', pad CHAR(60) NOT NULL DEFAULT '', KEY k_1 (k))",
		"CREATE TABLE %s.ty (a BIGINT UNSIGNED NOT NULL, b TINYINT, s VARCHAR(8), t TEXT, d DECIMAL(10,2), dt DATETIME, f DOUBLE, e ENUM('x','y'), PRIMARY KEY (a), UNIQUE KEY u (s), KEY b (b, a))",
		"CREATE TABLE %s.two (a INT, b INT, v INT, PRIMARY KEY (a, b))",
		"CREATE TABLE %s.nopk (a INT, b VARCHAR(5))",
		"CREATE TABLE %s.ck (a INT PRIMARY KEY, b INT CHECK (b > 0))",
	}
	for _, db := range []string{"fastdb", "slowdb"} {
		exec(t, setup, "CREATE DATABASE "+db)
		for _, s := range schema {
			exec(t, setup, fmt.Sprintf(s, db))
		}
	}
	// The same database name for both, so that column definitions compare: one lane after the other.
	fast, slow := connect(t, addr, "fastdb"), connect(t, addr, "slowdb")
	exec(t, slow, "SET zorya_fast_lane = OFF")
	type step struct {
		text string
		args []any
	}
	s := func(text string, args ...any) step { return step{text, args} }
	steps := []step{
		s("INSERT INTO sb (id, k, c, pad) VALUES (1, 5, 'one', 'p'), (2, 4, 'Two', 'q'), (3, 3, 'two', 'r')"),
		s("INSERT INTO sb (k, c, pad) VALUES (7, 'auto', '')"),
		s("INSERT INTO sb (id, k, c, pad) VALUES (0, 8, 'zero', ''), (NULL, 9, 'null', '')"),
		s("INSERT INTO sb (id, k, c, pad) VALUES (?, ?, ?, ?)", 20, 1, "it's \\ here", "é"),
		s("INSERT INTO sb (k) VALUES (-3)"),
		s("INSERT INTO sb VALUES (50, 1, 'all', 'columns')"),
		s("INSERT INTO sb VALUES (51, 1, 'too few')"),
		s("INSERT INTO sb (id, k, c) VALUES (1, 1, 'dup')"),
		s("INSERT INTO sb (id, k, c) VALUES (60, 1, 'x'), (1, 1, 'dup')"),
		s("INSERT INTO sb (id, k) VALUES (61, 2147483648)"),
		s("INSERT INTO sb (id, k) VALUES (61, '12')"),
		s("INSERT INTO sb (id, k) VALUES (62, '12abc')"),
		s("INSERT INTO sb (id, k) VALUES (63, NULL)"),
		s("INSERT INTO sb (id, k) VALUES (64, 1.5)"),
		s("INSERT INTO sb (id, nosuch) VALUES (65, 1)"),
		s("INSERT INTO sb (id, c) VALUES (66, '" + strings.Repeat("x", 121) + "')"),
		s("INSERT INTO sb (id, c) VALUES (67, '" + strings.Repeat("é", 120) + "')"),
		s("INSERT INTO sb (id, c) VALUES (68, 'trailing  ')"),
		s("SELECT c FROM sb WHERE id=1"),
		s("SELECT c FROM sb WHERE id=?", 2),
		s("SELECT c FROM sb WHERE id='3'"),
		s("SELECT c FROM sb WHERE id='3x'"),
		s("SELECT c FROM sb WHERE id=99999"),
		s("SELECT c FROM sb WHERE id=99999999999999"),
		s("SELECT c FROM sb WHERE id=-1"),
		s("SELECT * FROM sb WHERE id BETWEEN 1 AND 3"),
		s("SELECT * FROM sb WHERE id BETWEEN ? AND ?", 1, 60),
		s("SELECT C, Id FROM sb WHERE ID BETWEEN 3 AND 1"),
		s("SELECT c FROM sb WHERE id BETWEEN 1 AND 60 ORDER BY c"),
		s("SELECT c FROM sb WHERE id BETWEEN 1 AND 60 ORDER BY c DESC"),
		s("SELECT id, c FROM sb WHERE id BETWEEN 1 AND 60 ORDER BY k, id"),
		// 'Two' and 'two' left out: the general lane's DISTINCT ignores the collation that makes them one.
		s("SELECT DISTINCT c FROM sb WHERE id BETWEEN 3 AND 60 ORDER BY c"),
		s("SELECT SUM(k) FROM sb WHERE id BETWEEN 1 AND 60"),
		s("SELECT SUM(k) FROM sb WHERE id BETWEEN 1000 AND 6000"),
		s("SELECT SUM(k), COUNT(*), COUNT(c) FROM sb WHERE id >= 2"),
		s("SELECT COUNT(*) FROM sb"),
		s("SELECT id FROM sb WHERE id IN (3, 1, 1, 77)"),
		s("SELECT id FROM sb WHERE id IN (?, ?)", 2, 1),
		s("SELECT id, k FROM sb WHERE k = 1 ORDER BY id"),
		s("SELECT id FROM sb WHERE id > 1 ORDER BY id LIMIT 2"),
		s("SELECT id FROM sb WHERE id > 1 ORDER BY id DESC LIMIT 1, 2"),
		s("SELECT id FROM sb WHERE id > 1 ORDER BY id LIMIT 2 OFFSET 1"),
		s("SELECT id FROM sb WHERE id > 1 LIMIT 0"),
		s("SELECT id FROM sb WHERE id = 1 FOR UPDATE"),
		s("SELECT nosuch FROM sb WHERE id = 1"),
		s("SELECT id FROM nosuch WHERE id = 1"),
		s("UPDATE sb SET k=k+1 WHERE id=1"),
		s("UPDATE sb SET k = k - 10 WHERE id = 2"),
		s("UPDATE sb SET k=k+2147483647 WHERE id=1"),
		s("UPDATE sb SET c='changed' WHERE id=1"),
		s("UPDATE sb SET c='changed' WHERE id=1"),
		s("UPDATE sb SET c=?, k=? WHERE id=?", "both", 77, 3),
		s("UPDATE sb SET c=? WHERE id=?", nil, 3),
		s("UPDATE sb SET c='x' WHERE id=12345"),
		s("UPDATE sb SET id=2 WHERE id=1"),
		s("UPDATE sb SET k='7' WHERE id=1"),
		s("DELETE FROM sb WHERE id=3"),
		s("DELETE FROM sb WHERE id=3"),
		s("DELETE FROM sb WHERE id=?", 50),
		s("BEGIN"), s("DELETE FROM sb WHERE id=1"), s("INSERT INTO sb (id, k) VALUES (1, 1)"), s("SELECT * FROM sb WHERE id=1"), s("ROLLBACK"),
		s("START TRANSACTION"), s("UPDATE sb SET c='kept' WHERE id=2"), s("INSERT INTO sb (id, k) VALUES (2, 1)"), s("COMMIT"),
		s("INSERT INTO ty VALUES (18446744073709551615, -128, 'abc', 'long', 1.25, '2024-02-29 12:00:00', 0.5, 'y')"),
		s("INSERT INTO ty (a, b, s) VALUES (1, 127, 'Z'), (2, NULL, NULL)"),
		s("INSERT INTO ty (a, b) VALUES (3, 128)"),
		s("INSERT INTO ty (a, b) VALUES (-1, 1)"),
		s("INSERT INTO ty (b) VALUES (1)"),
		s("INSERT INTO ty (a, s) VALUES (4, 'z')"),
		s("SELECT * FROM ty WHERE a = 18446744073709551615"),
		s("SELECT * FROM ty WHERE a = ?", uint64(18446744073709551615)),
		s("SELECT * FROM ty WHERE a >= 1"),
		s("SELECT a FROM ty WHERE s = 'ABC'"),
		s("SELECT a FROM ty WHERE s = ?", "z"),
		s("SELECT a FROM ty WHERE b = -128"),
		s("SELECT a FROM ty WHERE b < 100"),
		s("SELECT a, b FROM ty WHERE b = 127 AND a > 0"),
		s("SELECT SUM(a) FROM ty WHERE a BETWEEN 1 AND 100"), // beyond 2^53 the general lane's sums are rounded
		s("SELECT b, COUNT(*) FROM ty WHERE a > 0"),
		s("UPDATE ty SET s = 'abc ' WHERE a = 1"),
		s("UPDATE ty SET t = 'text', b = NULL WHERE a = 1"),
		s("UPDATE ty SET d = 5 WHERE a = 1"),
		s("UPDATE ty SET b = b + 1 WHERE a = 2"),
		s("INSERT INTO two VALUES (1, 1, 10), (1, 2, 20), (2, 1, 30)"),
		s("SELECT v FROM two WHERE a = 1 AND b = 2"),
		s("SELECT v FROM two WHERE b = 2 AND a = 1"),
		s("SELECT v FROM two WHERE a = 1"),
		s("SELECT v FROM two WHERE a = 1 AND b >= 2"),
		s("SELECT v FROM two WHERE a = 1 AND b IN (2, 1)"),
		s("SELECT v FROM two WHERE b = 1"),
		s("UPDATE two SET v = v + 1 WHERE a = 1 AND b = 2"),
		s("UPDATE two SET v = 0 WHERE a = 1"),
		s("DELETE FROM two WHERE b = 1 AND a = 2"),
		s("INSERT INTO nopk VALUES (1, 'a'), (NULL, NULL)"),
		s("SELECT COUNT(*), COUNT(a), SUM(a) FROM nopk"),
		s("SELECT * FROM nopk LIMIT 1"),
		s("INSERT INTO ck VALUES (1, 1)"),
		s("INSERT INTO ck VALUES (2, 0)"),
		s("SELECT * FROM ck WHERE a = 1"),
	}
	for _, st := range steps {
		f := strings.ReplaceAll(outcome(fast, st.text, st.args...), "fastdb.", "slowdb.")
		g := outcome(slow, st.text, st.args...)
		if f != g {
			t.Errorf("%s %v\n   fast: %s\ngeneral: %s", st.text, st.args, f, g)
		}
		fi := outcome(fast, "SELECT LAST_INSERT_ID(), ROW_COUNT(), FOUND_ROWS(), @@warning_count")
		gi := outcome(slow, "SELECT LAST_INSERT_ID(), ROW_COUNT(), FOUND_ROWS(), @@warning_count")
		if fi != gi {
			t.Errorf("after %s %v\n   fast: %s\ngeneral: %s", st.text, st.args, fi, gi)
		}
	}
	for _, name := range []string{"sb", "ty", "two", "nopk", "ck"} {
		text := "SELECT * FROM " + name + " WHERE 1 = 1 OR 2 = 1"
		if f, g := outcome(slow, strings.ReplaceAll(text, "FROM ", "FROM fastdb.")), outcome(slow, text); f != g {
			t.Errorf("stored in %s\n   fast: %s\ngeneral: %s", name, f, g)
		}
	}
	hits, misses, declined := srv.fast.Counts()
	t.Logf("fast lane: %d hits, %d misses, %d declined", hits, misses, declined)
	if hits+misses < declined+40 {
		t.Error("the fast lane hardly ran")
	}
}
