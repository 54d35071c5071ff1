//go:build e2e

package e2e

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/go-sql-driver/mysql"
)

// lockServer is what lock scripts run on.
type lockServer interface {
	db(database string) *sql.DB
	// rowWaits is the set of connections whose transactions wait for a row lock now.
	rowWaits(admin *sql.DB) (map[int64]bool, error)
	// settled waits until the setup has left nothing for purge to do.
	settled(admin *sql.DB)
}

type lockMaria struct{ *mariadb }

var innodbTransaction = regexp.MustCompile(`(?s)LOCK WAIT \d+ lock struct.*?MariaDB thread id (\d+)`)

// rowWaits reads the monitor: information_schema.innodb_trx is answered from a copy that is as old as somebody keeps reading it.
func (lockMaria) rowWaits(admin *sql.DB) (map[int64]bool, error) {
	var kind, name, text string
	if err := admin.QueryRow("SHOW ENGINE INNODB STATUS").Scan(&kind, &name, &text); err != nil {
		return nil, err
	}
	ids := map[int64]bool{}
	_, text, _ = strings.Cut(text, "LIST OF TRANSACTIONS FOR EACH SESSION:")
	for _, one := range strings.Split(text, "---TRANSACTION ")[1:] {
		if m := innodbTransaction.FindStringSubmatch(one); m != nil {
			id, _ := strconv.ParseInt(m[1], 10, 64)
			ids[id] = true
		}
	}
	return ids, nil
}

func (lockMaria) settled(admin *sql.DB) {
	_, _ = admin.Exec("SET GLOBAL innodb_max_purge_lag_wait=0")
}

type lockZorya struct{ *cluster }

func (lockZorya) rowWaits(admin *sql.DB) (map[int64]bool, error) {
	return connections(admin, "SELECT trx_mysql_thread_id FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'")
}

func (lockZorya) settled(*sql.DB) {}

func connections(db *sql.DB, query string) (map[int64]bool, error) {
	rows, err := db.Query(query)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", query, err)
	}
	defer rows.Close()
	ids := map[int64]bool{}
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("%s: %w", query, err)
		}
		ids[id] = true
	}
	return ids, rows.Err()
}

// lockRunner runs the scripts of one file.
type lockRunner struct {
	t        *testing.T
	server   lockServer
	file     string
	diffs    *differences
	record   bool
	scripts  int
	steps    int
	script   string // name of the running script
	number   int    // of the step within it
	any      bool   // it does not matter who of the others gets which answer in this step
	admin    *sql.DB
	database string
	pool     *sql.DB
	sessions map[string]*lockSession
	wrong    []string // what differs, told at the end: a failed test goes no further
}

// lockSession is a client with at most one statement under way.
type lockSession struct {
	name string
	conn *sql.Conn
	id   int64
	done chan string // answer of the statement under way
	busy bool
	gone context.CancelFunc
}

// lockTimeout bounds every wait of the runner: nothing in a script takes that long.
const lockTimeout = 15 * time.Second

func (r *lockRunner) end() {
	r.closeScript()
	if r.admin != nil {
		_, _ = r.admin.Exec("DROP DATABASE IF EXISTS " + r.database)
	}
}

// closeScript ends the sessions of the script before.
func (r *lockRunner) closeScript() {
	for _, s := range r.sessions {
		if s.busy {
			_, _ = r.admin.Exec(fmt.Sprintf("KILL %d", s.id))
			s.await()
		}
		if s.conn != nil {
			_, _ = s.conn.ExecContext(context.Background(), "ROLLBACK")
			s.conn.Close()
		}
	}
	r.sessions = map[string]*lockSession{}
	if r.pool != nil {
		r.pool.Close()
		r.pool = nil
	}
}

func (s *lockSession) await() string {
	select {
	case a := <-s.done:
		s.busy = false
		return a
	case <-time.After(lockTimeout):
		return "no answer"
	}
}

// step runs one directive of a file.
func (r *lockRunner) step(t *testing.T, d *datadriven.TestData) string {
	r.t = t
	r.number++
	if d.Cmd == "setup" {
		r.number = 0
	}
	got := r.directive(d)
	if r.record {
		return got
	}
	key := fmt.Sprintf("%s %s %d", r.file, r.script, r.number)
	want := d.Expected
	if x := r.diffs.at(key); x != nil {
		if want = x.answer; want == d.Expected {
			r.wrong = append(r.wrong, fmt.Sprintf("testdata/locks/differences: %q is none", key))
		}
	}
	if got != want {
		r.diffs.learn(key, got)
		r.wrong = append(r.wrong, fmt.Sprintf("%s: step %q:\n%s", d.Pos, key, lineDiff(d.Input, got, want)))
	}
	return d.Expected
}

// lineDiff shows the lines that differ, each after its statement.
func lineDiff(input, got, want string) string {
	in, g, w := strings.Split(input, "\n"), strings.Split(got, "\n"), strings.Split(want, "\n")
	var b strings.Builder
	for i := range max(len(g), len(w)) {
		at := func(s []string) string {
			if i < len(s) {
				return s[i]
			}
			return ""
		}
		if at(g) != at(w) {
			fmt.Fprintf(&b, "  %s\n    answers %s\n    wanted  %s\n", at(in), at(g), at(w))
		}
	}
	return b.String()
}

func (r *lockRunner) directive(d *datadriven.TestData) string {
	switch d.Cmd {
	case "setup":
		return r.setup(d)
	case "probe":
		return r.probe(d)
	case "kill":
		s := r.session(d.CmdArgs[len(d.CmdArgs)-1].Key)
		if len(d.CmdArgs) == 1 {
			r.must(fmt.Sprintf("KILL QUERY %d", s.id))
			return r.settle("")
		}
		r.must(fmt.Sprintf("KILL CONNECTION %d", s.id))
		r.awaitGone(s)
		return r.settle("ok\n")
	case "wait":
		s := r.session(d.CmdArgs[0].Key)
		return s.await() + "\n"
	case "close":
		s := r.session(d.CmdArgs[0].Key)
		s.vanish()
		delete(r.sessions, s.name)
		r.awaitGone(s)
		return r.settle("ok\n")
	default:
		r.any = len(d.CmdArgs) == 1 && d.CmdArgs[0].Key == "any"
		r.steps++
		s := r.session(d.Cmd)
		if s.busy {
			d.Fatalf(r.t, "session %s is still blocked", s.name)
		}
		s.start(strings.TrimSpace(d.Input))
		return r.settle(s.name)
	}
}

// awaitGone waits until the server has taken leave of a connection.
func (r *lockRunner) awaitGone(s *lockSession) {
	eventually(r.t, lockTimeout, "the server to notice that "+s.name+" is gone", func() bool {
		var n int
		err := r.admin.QueryRow("SELECT COUNT(*) FROM information_schema.processlist WHERE id = ?", s.id).Scan(&n)
		return err == nil && n == 0
	})
}

func (r *lockRunner) must(stmt string) {
	r.t.Helper()
	if _, err := r.admin.Exec(stmt); err != nil {
		r.t.Fatalf("%s: %v", stmt, err)
	}
}

// setup ends the script before and begins the one that the argument names.
func (r *lockRunner) setup(d *datadriven.TestData) string {
	if len(d.CmdArgs) != 1 {
		d.Fatalf(r.t, "a setup names its script")
	}
	r.closeScript()
	r.script = d.CmdArgs[0].Key
	r.scripts++
	r.database = "locks_" + r.file
	if r.admin == nil {
		r.admin = r.server.db("")
		r.must("DROP DATABASE IF EXISTS " + r.database)
		r.must("CREATE DATABASE " + r.database)
	}
	r.dropTables()
	r.pool = r.server.db(r.database)
	for _, line := range strings.Split(d.Input, "\n") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if rest, ok := strings.CutPrefix(line, "fill "); ok {
			line = fill(rest)
		}
		if _, err := r.pool.Exec(line); err != nil {
			d.Fatalf(r.t, "%s: %v", line, err)
		}
	}
	if strings.Contains(d.Input, "DELETE") || strings.Contains(d.Input, "UPDATE") {
		r.server.settled(r.admin)
	}
	return ""
}

// fill makes the statement for "fill <table> <row>".
func fill(text string) string {
	table, row, _ := strings.Cut(text, " ")
	rows := make([]string, 60)
	for i := range rows {
		rows[i] = strings.ReplaceAll(row, "#", strconv.Itoa(1000+10*i))
	}
	return "INSERT INTO " + table + " VALUES " + strings.Join(rows, ", ")
}

// dropTables empties the database: that costs less than a new one.
func (r *lockRunner) dropTables() {
	rows, err := r.admin.Query("SELECT table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE' AND table_schema = '" + r.database + "'")
	if err != nil {
		r.t.Fatal(err)
	}
	var names []string
	for rows.Next() {
		var n string
		if err := rows.Scan(&n); err != nil {
			r.t.Fatal(err)
		}
		names = append(names, r.database+"."+n)
	}
	rows.Close()
	if len(names) == 0 {
		return
	}
	c, err := r.admin.Conn(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	defer c.Close()
	for _, q := range []string{"SET foreign_key_checks=0", "DROP TABLE IF EXISTS " + strings.Join(names, ", "), "SET foreign_key_checks=1"} {
		if _, err := c.ExecContext(context.Background(), q); err != nil {
			r.t.Fatalf("%s: %v", q, err)
		}
	}
}

// session returns the session of that name, which begins with its first use.
func (r *lockRunner) session(name string) *lockSession {
	if s := r.sessions[name]; s != nil {
		return s
	}
	if r.pool == nil {
		r.t.Fatal("a script begins with setup")
	}
	ctx, cancel := context.WithCancel(context.Background())
	conn, err := r.pool.Conn(ctx)
	if err != nil {
		r.t.Fatal(err)
	}
	s := &lockSession{name: name, conn: conn, done: make(chan string, 1), gone: cancel}
	if err := conn.QueryRowContext(ctx, "SELECT CONNECTION_ID()").Scan(&s.id); err != nil {
		r.t.Fatal(err)
	}
	r.sessions[name] = s
	return s
}

// start sends a statement.
func (s *lockSession) start(stmt string) {
	s.busy = true
	go func() { s.done <- s.run(stmt) }()
}

// run executes a statement and says what came of it: rows, a count, or an error's number.
func (s *lockSession) run(stmt string) string {
	ctx := context.Background()
	word := strings.ToUpper(strings.Fields(stmt)[0])
	if !slices.Contains([]string{"SELECT", "SHOW", "XA", "TABLE", "WITH"}, word) || word == "XA" && !strings.Contains(strings.ToUpper(stmt), "RECOVER") {
		res, err := s.conn.ExecContext(ctx, stmt)
		if err != nil {
			return errorAnswer(err)
		}
		if n, _ := res.RowsAffected(); n > 0 {
			return fmt.Sprintf("ok, %d rows", n)
		}
		return "ok"
	}
	rows, err := s.conn.QueryContext(ctx, stmt)
	if err != nil {
		return errorAnswer(err)
	}
	defer rows.Close()
	cols, err := rows.Columns()
	if err != nil {
		return errorAnswer(err)
	}
	var lines []string
	vals, ptrs := make([]sql.NullString, len(cols)), make([]any, len(cols))
	for i := range vals {
		ptrs[i] = &vals[i]
	}
	for rows.Next() {
		if err := rows.Scan(ptrs...); err != nil {
			return errorAnswer(err)
		}
		var f []string
		for _, v := range vals {
			if !v.Valid {
				v.String = "NULL"
			}
			f = append(f, v.String)
		}
		lines = append(lines, strings.Join(f, " "))
	}
	if err := rows.Err(); err != nil {
		return errorAnswer(err)
	}
	if len(lines) == 0 {
		return "no rows"
	}
	return strings.Join(lines, "; ")
}

func errorAnswer(err error) string {
	var my *mysql.MySQLError
	if errors.As(err, &my) {
		return fmt.Sprintf("error %d", my.Number)
	}
	return "connection lost"
}

// vanish closes the socket under the statement, if there is one, without a COM_QUIT.
func (s *lockSession) vanish() {
	_ = s.conn.Raw(func(c any) error {
		if x, ok := c.(interface{ Close() error }); ok {
			_ = x.Close()
		}
		return nil
	})
	s.conn.Close()
	s.conn, s.busy = nil, false
}

// settle waits until every statement under way has ended or waits for a lock, and tells what ended. of is the session
// of the step, or a text to begin with.
func (r *lockRunner) settle(of string) string {
	answers := map[string]string{}
	deadline := time.Now().Add(lockTimeout)
	for quiet := 0; quiet < 2; {
		r.collect(answers)
		pending := r.pending()
		if len(pending) == 0 {
			break
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("script %s, step %d: %v neither end nor wait for a lock", r.script, r.number, pending)
		}
		// A thread that was let go shows its old state in the process list until it runs again.
		pause := 2 * time.Millisecond
		if r.record {
			pause = 20 * time.Millisecond
		}
		time.Sleep(pause)
		n := len(answers)
		waiting := r.waiting()
		r.collect(answers)
		all := len(answers) == n
		for _, name := range pending {
			all = all && waiting[r.sessions[name].id]
		}
		if all {
			quiet++
		} else {
			quiet = 0
		}
	}
	out := ""
	if s := r.sessions[of]; s != nil {
		if a, ok := answers[of]; ok {
			out = a + "\n"
			delete(answers, of)
		} else {
			out = "blocked\n"
		}
	} else {
		out = of
	}
	names := make([]string, 0, len(answers))
	for n := range answers {
		names = append(names, n)
	}
	sort.Strings(names)
	if r.any {
		var all []string
		for _, a := range answers {
			all = append(all, a)
		}
		sort.Strings(all)
		return out + "others: " + strings.Join(all, "; ") + "\n"
	}
	for _, n := range names {
		out += n + ": " + answers[n] + "\n"
	}
	return out
}

func (r *lockRunner) collect(answers map[string]string) {
	for name, s := range r.sessions {
		if !s.busy {
			continue
		}
		select {
		case answers[name] = <-s.done:
			s.busy = false
		default:
		}
	}
}

func (r *lockRunner) pending() (names []string) {
	for name, s := range r.sessions {
		if s.busy {
			names = append(names, name)
		}
	}
	return names
}

// waiting is the set of connections that wait for a row, a table or a named lock.
func (r *lockRunner) waiting() map[int64]bool {
	ids, err := r.server.rowWaits(r.admin)
	if err != nil {
		r.t.Fatal(err)
	}
	more, err := connections(r.admin, "SELECT id FROM information_schema.processlist WHERE state LIKE 'Waiting for%lock' OR state = 'User lock'")
	if err != nil {
		r.t.Fatal(err)
	}
	maps.Copy(ids, more)
	return ids
}

// probe runs each statement in a transaction of its own, which it then rolls back.
func (r *lockRunner) probe(d *datadriven.TestData) string {
	s := r.session(d.CmdArgs[0].Key)
	begin := "BEGIN"
	out := ""
	for _, line := range strings.Split(d.Input, "\n") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		r.steps++
		r.now(s, begin)
		s.start(line)
		answer := r.settle(s.name)
		if answer == "blocked\n" {
			r.must(fmt.Sprintf("KILL QUERY %d", s.id))
			if a := s.await(); a != "error 1317" {
				r.wrong = append(r.wrong, fmt.Sprintf("script %s: %s: a killed statement answers %s", r.script, line, a))
			}
		}
		r.now(s, "ROLLBACK")
		out += answer
	}
	return out
}

// now runs a statement that waits for nobody.
func (r *lockRunner) now(s *lockSession, stmt string) {
	r.t.Helper()
	s.start(stmt)
	if a := s.await(); a != "ok" {
		r.t.Fatalf("script %s: %s answers %s", r.script, stmt, a)
	}
}
