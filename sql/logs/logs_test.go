package logs

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func open(t *testing.T, s Settings) (*Logs, string) {
	t.Helper()
	dir := t.TempDir()
	l, err := Open(Options{Dir: dir, Version: "8.0.39", Host: "inst-1", Server: 1, Port: 3306, Socket: "/tmp/s", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	if s.SlowFile == "" {
		s.SlowFile, s.GeneralFile = "i-slow.log", "i.log"
	}
	if err := l.Configure(s); err != nil {
		t.Fatal(err)
	}
	return l, dir
}

func content(t *testing.T, l *Logs, path ...string) string {
	t.Helper()
	l.Flush()
	p := filepath.Join(path...)
	b, err := os.ReadFile(p)
	if err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(p); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%s: %v %v", p, st.Mode(), err)
	}
	return string(b)
}

var (
	at   = time.Date(2026, 3, 4, 5, 6, 7, 89000, time.UTC)
	anna = Client{ID: 7, Account: "anna", User: "anna", Host: "localhost", Address: "127.0.0.1"}
)

func TestSlowFile(t *testing.T) {
	l, dir := open(t, Settings{Slow: true, ToFile: true})
	l.Slow(Slow{Client: anna, Started: at, Took: 1500 * time.Millisecond, LockTime: 2 * time.Microsecond, Sent: 3, Examined: 40, Database: "shop", Text: "SELECT 1;"})
	l.Slow(Slow{Client: anna, Started: at, Took: time.Second, Database: "shop", InsertID: 9, Text: "INSERT INTO t VALUES (NULL)"})
	want := `zorya, Version: 8.0.39 (Source distribution). started with:
Tcp port: 3306  Unix socket: /tmp/s
Time                 Id Command    Argument
# Time: 2026-03-04T05:06:08.500089Z
# User@Host: anna[anna] @ localhost [127.0.0.1]  Id:     7
# Query_time: 1.500000  Lock_time: 0.000002 Rows_sent: 3  Rows_examined: 40
use shop;
SET timestamp=1772600767;
SELECT 1;
# Time: 2026-03-04T05:06:08.000089Z
# User@Host: anna[anna] @ localhost [127.0.0.1]  Id:     7
# Query_time: 1.000000  Lock_time: 0.000000 Rows_sent: 0  Rows_examined: 0
SET insert_id=9,timestamp=1772600767;
INSERT INTO t VALUES (NULL);
`
	if got := content(t, l, dir, "i-slow.log"); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	l.Slow(Slow{Client: anna, Started: at, Took: time.Second, Database: "shop", Text: "SELECT 2"})
	if got := content(t, l, dir, "i-slow.log"); strings.Count(got, "use shop;") != 2 || strings.Count(got, "started with") != 2 {
		t.Errorf("a file opened anew does not begin anew:\n%s", got)
	}
}

func TestGeneralFile(t *testing.T) {
	l, dir := open(t, Settings{General: true, ToFile: true})
	l.General(General{Client: anna, At: at, Command: "Connect", Argument: "anna@localhost on shop using TCP/IP"})
	l.General(General{Client: anna, At: at, Command: "Quit"})
	want := "2026-03-04T05:06:07.000089Z\t    7 Connect\tanna@localhost on shop using TCP/IP\n2026-03-04T05:06:07.000089Z\t    7 Quit\t\n"
	if got := content(t, l, dir, "i.log"); !strings.HasSuffix(got, want) {
		t.Errorf("got:\n%s\nwant at its end:\n%s", got, want)
	}
}

func TestAuditFile(t *testing.T) {
	l, dir := open(t, Settings{Audit: true, Events: EventConnect | EventQuery})
	l.Audit(Audit{At: at, User: "anna", Host: "10.1.2.3", ID: 7, Operation: "CONNECT", Database: "shop"})
	l.Audit(Audit{At: at, User: "anna", Host: "10.1.2.3", ID: 7, Query: 12, Operation: "QUERY", Database: "shop", Object: "select 'a\\b'\nfrom t", Code: 1146})
	l.Audit(Audit{At: at, User: "anna", Host: "10.1.2.3", ID: 7, Query: 12, Operation: "READ", Database: "shop", Object: "t"})
	want := `1772600767000089,inst-1,anna,10.1.2.3,7,0,CONNECT,shop,,0
1772600767000089,inst-1,anna,10.1.2.3,7,12,QUERY,shop,'select \'a\\b\'\nfrom t',1146
1772600767000089,inst-1,anna,10.1.2.3,7,12,READ,shop,t,
`
	if got := content(t, l, dir, "server_audit.log"); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestTables(t *testing.T) {
	l, _ := open(t, Settings{Slow: true, General: true, ToTable: true})
	l.Slow(Slow{Client: anna, Started: at, Took: 3661*time.Second + time.Microsecond, Sent: 1, Database: "shop", Text: "a\tb\nc\\d"})
	l.General(General{Client: anna, At: at, Command: "Query", Argument: "x"})
	read := func(table string) (out []string) {
		err := l.Table(table, func(f []string) error { out = append(out, strings.Join(f, "|")); return nil })
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	want := "2026-03-04 05:06:07.000089|anna[anna] @ localhost [127.0.0.1]|01:01:01.000001|00:00:00.000000|1|0|shop|0|0|1|a\tb\nc\\d|7"
	if got := read(SlowTable); len(got) != 1 || got[0] != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if got := read(GeneralTable); len(got) != 1 || got[0] != "2026-03-04 05:06:07.000089|anna[anna] @ localhost [127.0.0.1]|7|1|Query|x" {
		t.Errorf("got %q", got)
	}
	if err := l.Truncate(SlowTable); err != nil {
		t.Fatal(err)
	}
	if got := read(SlowTable); len(got) != 0 {
		t.Errorf("after TRUNCATE: %q", got)
	}
	l.Slow(Slow{Client: anna, Started: at, Text: "new"})
	if got := read(SlowTable); len(got) != 1 {
		t.Errorf("after TRUNCATE and a new entry: %q", got)
	}
}

// A full file gives way to a new one; what there was before stays once.
func TestRotation(t *testing.T) {
	was := limitTable
	limitTable.size = 200
	defer func() { limitTable = was }()
	l, dir := open(t, Settings{Slow: true, ToTable: true})
	for range 10 {
		l.Slow(Slow{Client: anna, Started: at, Text: "SELECT 1"})
	}
	l.Flush()
	files, err := filepath.Glob(filepath.Join(dir, "mysql.slow_log*"))
	if err != nil || len(files) != 2 {
		t.Errorf("%v %v", files, err)
	}
	n := 0
	if err := l.Table(SlowTable+"_backup", func([]string) error { n++; return nil }); err != nil || n == 0 {
		t.Errorf("backup: %d records, %v", n, err)
	}
}

func TestMask(t *testing.T) {
	for _, c := range [][2]string{
		{"SELECT 'password'", "SELECT 'password'"},
		{"SELECT a FROM t WHERE password = 'x' AND b = 'y'", "SELECT a FROM t WHERE password = 'x' AND b = 'y'"},
		{"INSERT INTO t (password) VALUES ('x'); SET PASSWORD = 'pw'; SELECT 'y'", "INSERT INTO t (password) VALUES ('x'); SET PASSWORD = <secret>; SELECT 'y'"},
		{"CREATE USER a@'%' IDENTIFIED BY 'pw1', b IDENTIFIED BY 'pw2'", "CREATE USER a@'%' IDENTIFIED BY <secret>, b IDENTIFIED BY <secret>"},
		{"create user a identified with 'caching_sha2_password' by 'pw' require ssl", "create user a identified with 'caching_sha2_password' by <secret> require ssl"},
		{"ALTER USER 'u'@'h' IDENTIFIED WITH mysql_native_password AS '*AB'", "ALTER USER 'u'@'h' IDENTIFIED WITH mysql_native_password AS <secret>"},
		{"ALTER USER u IDENTIFIED BY 'new' REPLACE 'old' RETAIN CURRENT PASSWORD", "ALTER USER u IDENTIFIED BY <secret> REPLACE <secret> RETAIN CURRENT PASSWORD"},
		{"SET PASSWORD = 'pw'", "SET PASSWORD = <secret>"},
		{"SET PASSWORD FOR 'u'@'h' = 'pw'", "SET PASSWORD FOR 'u'@'h' = <secret>"},
		{"SET PASSWORD = PASSWORD('pw')", "SET PASSWORD = PASSWORD(<secret>)"},
		{"CHANGE MASTER TO MASTER_PASSWORD='pw', MASTER_HOST='h'", "CHANGE MASTER TO MASTER_PASSWORD=<secret>, MASTER_HOST='h'"},
		{"CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (USER 'u', PASSWORD 'pw')", "CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (USER 'u', PASSWORD <secret>)"},
		{"PREPARE s FROM 'ALTER USER u IDENTIFIED BY \"pw\"'", "PREPARE s FROM <secret>"},
		{"PREPARE s FROM 'SELECT 1'", "PREPARE s FROM 'SELECT 1'"},
		{"CREATE USER a IDENTIFIED BY 'unterminated", "CREATE USER a IDENTIFIED BY <secret>"},
	} {
		if got := Mask(c[0]); got != c[1] {
			t.Errorf("%s\ngot  %s\nwant %s", c[0], got, c[1])
		}
	}
}

func TestPaths(t *testing.T) {
	l, dir := open(t, Settings{})
	for _, bad := range []string{"/etc/x.log", "../x.log", "sub/x.log", "mysql.slow_log", "passwd"} {
		if err := l.Configure(Settings{SlowFile: bad}); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
	if err := l.Configure(Settings{SlowFile: filepath.Join(dir, "a.log"), GeneralFile: "b.log"}); err != nil {
		t.Error(err)
	}
}

// A writer that is stuck costs statements no more than their patience.
func TestFullQueue(t *testing.T) {
	l, _ := open(t, Settings{General: true, ToFile: true})
	stuck, free := make(chan struct{}), make(chan struct{})
	go l.wait(func() { close(stuck); <-free })
	<-stuck
	for range maxQueue + 3 {
		l.General(General{Client: anna, At: at, Command: "Query", Argument: "x"})
	}
	if n := l.Dropped(); n != 3 {
		t.Errorf("%d entries dropped, want 3", n)
	}
	close(free)
	l.Flush()
}

func TestErrorLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mysql-error.log")
	h := OpenErrorLog(path, slog.NewTextHandler(io.Discard, nil))
	log := slog.New(h).With("role", "instance", "connection", 12)
	log.Warn("Aborted connection", "user", "a b")
	log.Debug("nothing")
	slog.New(h).Error("no\nway")
	lines := h.Lines()
	if len(lines) != 2 || lines[0].Thread != 12 || lines[0].Priority != "Warning" || lines[0].Data != `Aborted connection user="a b"` || lines[1].Data != "no way" {
		t.Errorf("%+v", lines)
	}
	b, err := os.ReadFile(path)
	if err != nil || strings.Count(string(b), "\n") != 2 || !strings.Contains(string(b), "Z 12 [Warning] [MY-000000] [Server] Aborted connection user=\"a b\"\n") {
		t.Errorf("%s %v", b, err)
	}
}
