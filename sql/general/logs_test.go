package general

import (
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zoryadb/zorya/sql/logs"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

func TestLogVariablesAndTables(t *testing.T) {
	dir := t.TempDir()
	l, err := logs.Open(logs.Options{Dir: dir, Server: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	errlog := logs.OpenErrorLog(filepath.Join(dir, "mysql-error.log"), slog.NewTextHandler(io.Discard, nil))
	sv := newServerWith(t, Options{ServerID: "inst-1", Logs: l, ErrorLog: errlog})
	c := sv.client()

	c.query("SELECT @@slow_query_log, @@general_log, @@log_output, @@slow_query_log_file, @@long_query_time, @@server_audit_logging, @@server_audit_logs_upload",
		"0\t0\tFILE\tinst-1-slow.log\t10\t0\t0")
	if l.On() != 0 {
		t.Errorf("logs are on: %b", l.On())
	}
	c.must("SET GLOBAL slow_query_log = ON; SET GLOBAL general_log = 1; SET GLOBAL log_output = 'TABLE,FILE'")
	c.query("SELECT @@slow_query_log, @@log_output, @@global.log_output", "1\tFILE,TABLE\tFILE,TABLE")
	if on := l.On(); on != logs.SlowLog|logs.GeneralLog || !l.Settings().ToTable || !l.Settings().ToFile {
		t.Errorf("on %b, %+v", on, l.Settings())
	}
	c.must("SET GLOBAL server_audit_logging = 1; SET GLOBAL server_audit_events = 'CONNECT,TABLE'; SET GLOBAL server_audit_excl_users = 'a,b'")
	if on := l.On(); on&(logs.AuditLog|logs.AuditTables|logs.AuditQueries) != logs.AuditLog|logs.AuditTables || l.Settings().Audits("b") || !l.Settings().Audits("c") {
		t.Errorf("on %b, %+v", on, l.Settings())
	}
	c.fails("SET GLOBAL server_audit_events = 'connect'", mysqlerr.ER_WRONG_VALUE_FOR_VAR, "Variable 'server_audit_events' can't be set to the value of 'connect'")
	c.fails("SET GLOBAL slow_query_log_file = '/etc/passwd'", mysqlerr.ER_WRONG_VALUE_FOR_VAR, "Variable 'slow_query_log_file' can't be set to the value of '/etc/passwd'")
	c.fails("SET slow_query_log = 1", mysqlerr.ER_GLOBAL_VARIABLE, "")
	c.must("SET long_query_time = 0.25")
	if got := c.s.Settings().LongQuery; got != 250*time.Millisecond {
		t.Errorf("long_query_time %v", got)
	}

	at := time.Date(2026, 3, 4, 5, 6, 7, 89000, time.UTC)
	l.Slow(logs.Slow{Client: logs.Client{ID: 7, Account: "anna", User: "anna", Host: "localhost"}, Started: at, Took: 1500 * time.Millisecond, Sent: 3, Examined: 40, Database: "shop", Text: "SELECT\n'x'"})
	l.General(logs.General{Client: logs.Client{ID: 7, Account: "anna", User: "anna", Host: "localhost"}, At: at, Command: "Query", Argument: "SELECT 1"})
	c.query("SELECT start_time, user_host, query_time, lock_time, rows_sent, rows_examined, db, server_id, CONVERT(sql_text USING utf8mb4), thread_id FROM mysql.slow_log",
		"2026-03-04 05:06:07.000089\tanna[anna] @ localhost []\t00:00:01.500000\t00:00:00\t3\t40\tshop\t1\tSELECT\n'x'\t7")
	c.query("SELECT event_time, command_type, CONVERT(argument USING utf8mb4) FROM mysql.general_log WHERE thread_id = 7", "2026-03-04 05:06:07.000089\tQuery\tSELECT 1")
	c.query("SELECT count(*) FROM mysql.slow_log_backup", "0")
	c.must("USE mysql")
	c.query("SELECT count(*) FROM slow_log", "1")
	c.must("TRUNCATE TABLE slow_log; TRUNCATE mysql.general_log")
	c.query("SELECT (SELECT count(*) FROM slow_log) + (SELECT count(*) FROM general_log)", "0")
	if got := c.must("SHOW TABLES FROM mysql").String(); !strings.Contains(got, "slow_log\n") || !strings.Contains(got, "general_log\n") {
		t.Errorf("SHOW TABLES: %s", got)
	}
	if got := c.must("SHOW CREATE TABLE mysql.slow_log").String(); !strings.Contains(got, "`sql_text` mediumblob NOT NULL") {
		t.Error(got)
	}
	c.fails("INSERT INTO mysql.slow_log (db) VALUES ('x')", mysqlerr.ER_NON_INSERTABLE_TABLE, "")

	c.query("SELECT count(*) FROM performance_schema.threads", "0")
	slog.New(errlog).Warn("Aborted connection", "connection", 12)
	c.query("SELECT thread_id, prio, subsystem, data FROM performance_schema.error_log", "12\tWarning\tServer\tAborted connection")
	c.query("SELECT @@log_error", filepath.Join(dir, "mysql-error.log"))
	c.must("FLUSH SLOW LOGS; FLUSH LOGS; FLUSH ERROR LOGS")
}
