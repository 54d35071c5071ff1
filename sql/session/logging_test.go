package session

import (
	"context"
	stdsql "database/sql"
	"os"
	osexec "os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/zoryadb/zorya/sql/general"
	"github.com/zoryadb/zorya/sql/logs"
)

// startLogged is startFull with logs in a directory of their own.
func startLogged(t *testing.T) (l *logs.Logs, dir, addr string) {
	t.Helper()
	dir = t.TempDir()
	l, err := logs.Open(logs.Options{Dir: dir, Host: "inst-1", Version: "8.0.39"})
	if err != nil {
		t.Fatal(err)
	}
	_, addr = startWith(t, general.Options{ServerID: "inst-1", Logs: l}, Options{Logs: l})
	t.Cleanup(l.Close)
	return l, dir, addr
}

func readLog(t *testing.T, l *logs.Logs, dir, name string) string {
	t.Helper()
	l.Flush()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(b)
}

// has demands that lines matching the patterns follow one another in text, others between them.
func has(t *testing.T, text string, patterns ...string) {
	t.Helper()
	rest := text
	for _, p := range patterns {
		at := regexp.MustCompile("(?m)" + p).FindStringIndex(rest)
		if at == nil {
			t.Errorf("%s is missing in\n%s", p, text)
			return
		}
		rest = rest[at[1]:]
	}
}

func TestSlowLog(t *testing.T) {
	l, dir, addr := startLogged(t)
	c := connect(t, addr, "?interpolateParams=false")
	for _, s := range []string{"CREATE DATABASE d", "USE d", "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v INT)", "INSERT INTO t (v) VALUES (1),(2),(3)",
		"SELECT v FROM t WHERE id = 1"} {
		exec(t, c, s)
	}
	if got := readLog(t, l, dir, "inst-1-slow.log"); got != "" {
		t.Errorf("the log is off but has:\n%s", got)
	}
	exec(t, c, "SET GLOBAL slow_query_log = 1")
	exec(t, c, "SET long_query_time = 0")
	exec(t, c, "SELECT v FROM t WHERE id = 1")                    // fast lane: a point
	exec(t, c, "SELECT v FROM t WHERE id = 1")                    // with a plan
	exec(t, c, "SELECT COUNT(*), MAX(v + 0) FROM t WHERE v <> 7") // a scan
	exec(t, c, "INSERT INTO t (v) VALUES (9)")
	exec(t, c, "CREATE USER u IDENTIFIED BY 'topsecret'")
	exec(t, c, "ALTER TABLE t ADD COLUMN w INT") // administrative
	st, err := c.PrepareContext(context.Background(), "SELECT v FROM t WHERE id = ? AND 'x' = ?")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := st.Query(2, "it's")
	if err != nil {
		t.Fatal(err)
	}
	rows.Close()
	exec(t, c, "SET GLOBAL slow_query_log = 0")
	got := readLog(t, l, dir, "inst-1-slow.log")
	has(t, got, `^# User@Host: admin\[admin\] @ localhost \[127.0.0.1\]  Id: +\d+$`, `^use d;`, `Rows_sent: 1  Rows_examined: 1$`, `^SET timestamp=\d+;$`, `^SELECT v FROM t WHERE id = 1;$`,
		`Rows_sent: 1  Rows_examined: 1$`, `^SELECT v FROM t WHERE id = 1;$`,
		`Rows_sent: 1  Rows_examined: 3$`, `MAX\(v \+ 0\)`, `INSERT INTO t \(v\) VALUES \(9\);`, `IDENTIFIED BY <secret>;`, `WHERE id = 2 AND 'x' = 'it\\'s';`)
	if strings.Contains(got, "topsecret") || strings.Contains(got, "ALTER TABLE") {
		t.Errorf("a password or an administrative statement in the log:\n%s", got)
	}

	// Without an index, however fast; and not below min_examined_row_limit.
	exec(t, c, "SET GLOBAL log_output = 'TABLE'")
	exec(t, c, "SET long_query_time = 10")
	exec(t, c, "SET GLOBAL log_queries_not_using_indexes = 1")
	exec(t, c, "SET GLOBAL slow_query_log = 1")
	exec(t, c, "SELECT id FROM t WHERE id = 3")
	exec(t, c, "SELECT id FROM t WHERE w IS NULL")
	exec(t, c, "SET min_examined_row_limit = 1000")
	exec(t, c, "SELECT id, 2 FROM t WHERE w IS NULL")
	exec(t, c, "SET GLOBAL slow_query_log = 0")
	if got := outcome(c, "SELECT rows_examined, CONVERT(sql_text USING utf8mb4) FROM mysql.slow_log"); !strings.Contains(got, `4|"SELECT id FROM t WHERE w IS NULL"|`) || strings.Count(got, "SELECT") != 1 {
		t.Errorf("mysql.slow_log: %s", got)
	}
	if path, err := osexec.LookPath("pt-query-digest"); err == nil {
		out, err := osexec.Command(path, "--no-version-check", "--limit", "100%", filepath.Join(dir, "inst-1-slow.log")).CombinedOutput()
		if err != nil {
			t.Errorf("pt-query-digest: %v\n%s", err, out)
		}
		has(t, string(out), `Overall: \d+ total, \d+ unique`, `SELECT t`)
	}
}

func TestGeneralLog(t *testing.T) {
	l, dir, addr := startLogged(t)
	c := connect(t, addr, "")
	exec(t, c, "SET GLOBAL general_log = 1")
	other := connect(t, addr, "")
	exec(t, other, "SELECT 1")
	exec(t, other, "SET PASSWORD = 'topsecret'")
	if _, err := other.ExecContext(context.Background(), "SELECT nonsense FROM"); err == nil {
		t.Error("no syntax error")
	}
	if _, err := other.ExecContext(context.Background(), "SELECT * FROM nowhere.t"); err == nil {
		t.Error("no such table was found")
	}
	other.Close()
	if _, err := stdOpen(addr, "admin", "wrong"); err == nil {
		t.Error("logged in with a wrong password")
	}
	exec(t, c, "SET GLOBAL general_log = 0")
	got := readLog(t, l, dir, "inst-1.log")
	has(t, got, `Z\t +\d+ Connect\tadmin@localhost on  using TCP/IP$`, `Query\tSELECT 1$`, `Query\tSET PASSWORD = <secret>$`, `Query\tSELECT \* FROM nowhere.t$`,
		`Connect\tAccess denied for user 'admin'@'localhost' \(using password: YES\)$`, `Query\tSET GLOBAL general_log = 0$`)
	if strings.Contains(got, "topsecret") || strings.Contains(got, "nonsense") || strings.Count(got, "SELECT 1") != 1 {
		t.Error(got)
	}
}

func TestAuditLog(t *testing.T) {
	l, dir, addr := startLogged(t)
	c := connect(t, addr, "")
	for _, s := range []string{"CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, v INT)", "CREATE TABLE d.u (id INT PRIMARY KEY)", "INSERT INTO d.t VALUES (1, 1)",
		"SET GLOBAL server_audit_events = 'CONNECT,QUERY_DDL,QUERY_DCL,TABLE'", "SET GLOBAL server_audit_logging = 1"} {
		exec(t, c, s)
	}
	other := connect(t, addr, "d")
	for _, s := range []string{"SELECT v FROM t WHERE id = 1", "UPDATE t SET v = 2 WHERE id = 1", "INSERT INTO u SELECT id FROM t", "ALTER TABLE u ADD COLUMN w INT",
		"CREATE USER x IDENTIFIED BY 'topsecret'", "DROP TABLE u"} {
		exec(t, other, s)
	}
	if _, err := other.ExecContext(context.Background(), "DROP TABLE nowhere"); err == nil {
		t.Error("a table that is not there was dropped")
	}
	if _, err := stdOpen(addr, "admin", "wrong"); err == nil {
		t.Error("logged in with a wrong password")
	}
	exec(t, c, "SET GLOBAL server_audit_excl_users = 'admin'")
	exec(t, other, "CREATE TABLE hidden (id INT)")
	got := readLog(t, l, dir, "server_audit.log")
	has(t, got, `^\d{16},inst-1,admin,localhost,\d+,0,CONNECT,d,,0$`, `,READ,d,t,$`, `,WRITE,d,t,$`, `,WRITE,d,u,$`, `,READ,d,t,$`, `,ALTER,d,u,$`, `,QUERY,d,'ALTER TABLE u ADD COLUMN w INT',0$`,
		`,QUERY,d,'CREATE USER x IDENTIFIED BY <secret>',0$`, `,DROP,d,u,$`, `,QUERY,d,'DROP TABLE u',0$`, `,QUERY,d,'DROP TABLE nowhere',1051$`,
		`,admin,localhost,\d+,0,FAILED_CONNECT,,,1045$`)
	if strings.Contains(got, "topsecret") || strings.Contains(got, "hidden") || strings.Contains(got, "'SELECT") {
		t.Error(got)
	}
}

// A statement with all logs off takes no meter along.
func TestLogsOffCostNothing(t *testing.T) {
	l, _, addr := startLogged(t)
	if l.On() != 0 {
		t.Fatal("logs are on")
	}
	c := connect(t, addr, "")
	exec(t, c, "DO 1")
	s := &Session{srv: &Server{opts: Options{Logs: l}}}
	if n := testing.AllocsPerRun(100, s.measure); n != 0 || s.meter != nil {
		t.Errorf("%v allocations, meter %v", n, s.meter)
	}
}

func stdOpen(addr, user, password string) (*stdsql.Conn, error) {
	db, err := stdsql.Open("mysql", user+":"+password+"@tcp("+addr+")/")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	return db.Conn(context.Background())
}
