//go:build e2e

package e2e

import (
	"database/sql"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// workloads are sysbench's OLTP scripts: twelve files of which the twelfth, oltp_common, is the library of the others.
var workloads = []string{
	"oltp_point_select", "oltp_read_only", "oltp_read_write", "oltp_write_only", "oltp_update_index", "oltp_update_non_index",
	"oltp_insert", "oltp_delete", "select_random_points", "select_random_ranges", "bulk_insert",
}

// server is what sysbench runs against.
type server struct {
	name string
	port int
	user string
	pass string
	db   func(string) *sql.DB
}

func (c *cluster) server(name string) server { return server{name, c.port, "admin", password, c.db} }
func (m *mariadb) server(name string) server { return server{name, m.port, "admin", password, m.db} }

// load is one run of sysbench.
type load struct {
	workload string
	threads  int
	tables   int
	rows     int
	seconds  int
	extra    []string
}

// result is what a run prints.
type result struct {
	tps      float64 // transactions a second; of bulk_insert: rows
	p95      float64 // ms
	errors   int
	seconds  float64
	txns     int
	problems string
}

func (s server) sysbench(l load, verb string) (string, error) {
	args := append([]string{
		l.workload, "--db-driver=mysql", "--mysql-host=127.0.0.1", "--mysql-port=" + strconv.Itoa(s.port), "--mysql-user=" + s.user, "--mysql-password=" + s.pass,
		"--mysql-db=sbtest", "--threads=" + strconv.Itoa(l.threads), "--time=" + strconv.Itoa(l.seconds), "--events=0", "--percentile=95",
	}, l.extra...)
	if l.workload != "bulk_insert" {
		args = append(args, "--tables="+strconv.Itoa(l.tables), "--table_size="+strconv.Itoa(l.rows))
	}
	out, err := exec.Command("sysbench", append(args, verb)...).CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("sysbench %s %s on %s: %w: %s", l.workload, verb, s.name, err, tail(string(out), 1200))
	}
	return string(out), nil
}

func tail(s string, n int) string {
	if len(s) > n {
		return "..." + s[len(s)-n:]
	}
	return s
}

// prepare creates sysbench's tables anew.
func (s server) prepare(t testing.TB, l load) time.Duration {
	t.Helper()
	mustExec(t, s.db(""), "DROP DATABASE IF EXISTS sbtest", "CREATE DATABASE sbtest")
	if l.workload != "bulk_insert" { // which fills a table of each thread
		l.threads = min(l.threads, 4)
	}
	begun := time.Now()
	if _, err := s.sysbench(l, "prepare"); err != nil {
		t.Fatal(err)
	}
	return time.Since(begun)
}

var (
	reTransactions = regexp.MustCompile(`transactions: +(\d+) +\(([\d.]+) per sec`)
	reQueries      = regexp.MustCompile(`queries: +(\d+) +\(([\d.]+) per sec`)
	reErrors       = regexp.MustCompile(`ignored errors: +(\d+)`)
	reP95          = regexp.MustCompile(`95th percentile: +([\d.]+)`)
	reSeconds      = regexp.MustCompile(`total time: +([\d.]+)s`)
)

func (s server) run(l load) (result, error) {
	out, err := s.sysbench(l, "run")
	if err != nil {
		return result{}, err
	}
	r := result{
		tps: number(reTransactions, out, 2), txns: int(number(reTransactions, out, 1)),
		p95: number(reP95, out, 1), errors: int(number(reErrors, out, 1)), seconds: number(reSeconds, out, 1),
	}
	if l.workload == "bulk_insert" { // it reports no transactions but the queries
		r.tps = number(reQueries, out, 2)
	}
	for line := range strings.Lines(out) {
		if strings.Contains(line, "FATAL") || strings.Contains(line, "ALERT") {
			r.problems += line
		}
	}
	return r, nil
}

func number(re *regexp.Regexp, text string, group int) float64 {
	m := re.FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	v, _ := strconv.ParseFloat(m[group], 64)
	return v
}
