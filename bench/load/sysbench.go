// Package load drives a server with the clients that people measure databases with: sysbench, go-tpc and the stock
// MariaDB client. It starts them as processes and reads what they print; nothing here speaks to a server itself.
package load

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// Target is where a client connects.
type Target struct {
	Name     string // for messages
	Port     int    // on loopback
	User     string
	Password string
	Database string
	// Started is called when sysbench's clients have all connected and begin; other programs do not tell. It may be nil.
	Started func()
}

// Sysbench is one run of a sysbench OLTP script.
type Sysbench struct {
	Workload string
	Threads  int
	Tables   int
	Rows     int // of each table
	Seconds  int
	Rate     int      // transactions a second to offer; 0: as many as go
	Extra    []string // more options, "--name=value"
}

// Workloads are sysbench's OLTP scripts: twelve files of which the twelfth, oltp_common, is the library of the others.
var Workloads = []string{
	"oltp_point_select", "oltp_read_only", "oltp_read_write", "oltp_write_only", "oltp_update_index", "oltp_update_non_index",
	"oltp_insert", "oltp_delete", "select_random_points", "select_random_ranges", BulkInsert,
}

// BulkInsert is the script that inserts many rows a statement. It counts rows as events, fills a table of each thread
// and begins at row 1 again, so that its tables must be new for each run.
const BulkInsert = "bulk_insert"

// WriteText is oltp_write_only without prepared statements.
const WriteText = "write_text"

//go:embed write_text.lua
var writeText []byte

// Result is what a run prints.
type Result struct {
	TPS      float64 // transactions a second; of BulkInsert: rows
	Txns     int
	P99      float64 // ms
	Retried  int     // errors that the script ignores and tries again: deadlocks, duplicate keys
	Seconds  float64
	Problems string // FATAL and ALERT lines
}

// percentile is the one that runs are asked for.
const percentile = 99

// sysbenchPrepareThreads bounds the clients that create tables: one works on a table at a time.
const sysbenchPrepareThreads = 4

func (l Sysbench) args(to Target, verb string) []string {
	args := []string{
		l.Workload, "--db-driver=mysql", "--mysql-host=127.0.0.1", "--mysql-port=" + strconv.Itoa(to.Port), "--mysql-user=" + to.User,
		"--mysql-password=" + to.Password, "--mysql-db=" + to.Database, "--threads=" + strconv.Itoa(l.Threads), "--time=" + strconv.Itoa(l.Seconds),
		"--events=0", "--percentile=" + strconv.Itoa(percentile), "--rate=" + strconv.Itoa(l.Rate),
	}
	if l.Workload != BulkInsert {
		args = append(args, "--tables="+strconv.Itoa(l.Tables), "--table_size="+strconv.Itoa(l.Rows))
	}
	return append(append(args, l.Extra...), verb)
}

// Prepare creates and fills the tables in an existing, empty database.
func (l Sysbench) Prepare(ctx context.Context, to Target) error {
	if l.Workload != BulkInsert {
		l.Threads = min(l.Threads, sysbenchPrepareThreads, l.Tables)
	}
	_, err := l.command(ctx, to, "prepare")
	return err
}

// command runs sysbench. It reads a script of ours from a file.
func (l Sysbench) command(ctx context.Context, to Target, verb string) (string, error) {
	if l.Workload == WriteText {
		f, err := os.CreateTemp("", "zorya-*.lua")
		if err != nil {
			return "", err
		}
		defer os.Remove(f.Name())
		if _, err := f.Write(writeText); err != nil {
			return "", errors.Join(err, f.Close())
		}
		if err := f.Close(); err != nil {
			return "", err
		}
		l.Workload = f.Name()
	}
	return command(ctx, to, "sysbench", l.args(to, verb)...)
}

// Run runs the script.
func (l Sysbench) Run(ctx context.Context, to Target) (Result, error) {
	out, err := l.command(ctx, to, "run")
	if err != nil {
		return Result{}, err
	}
	r := readSysbench(out)
	if l.Workload == BulkInsert { // it reports no transactions but the statements' rows
		r.TPS = number(reQueries, out, 2)
	}
	return r, nil
}

var (
	reTransactions = regexp.MustCompile(`transactions: +(\d+) +\(([\d.]+) per sec`)
	reQueries      = regexp.MustCompile(`queries: +(\d+) +\(([\d.]+) per sec`)
	reIgnored      = regexp.MustCompile(`ignored errors: +(\d+)`)
	reP99          = regexp.MustCompile(`99th percentile: +([\d.]+)`)
	reSeconds      = regexp.MustCompile(`total time: +([\d.]+)s`)
)

func readSysbench(out string) Result {
	r := Result{
		TPS: number(reTransactions, out, 2), Txns: int(number(reTransactions, out, 1)), P99: number(reP99, out, 1),
		Retried: int(number(reIgnored, out, 1)), Seconds: number(reSeconds, out, 1),
	}
	for line := range strings.Lines(out) {
		if strings.Contains(line, "FATAL") || strings.Contains(line, "ALERT") {
			r.Problems += line
		}
	}
	return r
}

// number is a group of the first match, 0 without one.
func number(re *regexp.Regexp, text string, group int) float64 {
	m := re.FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	v, _ := strconv.ParseFloat(m[group], 64)
	return v
}

// shownOutput bounds what of a client's output goes into an error: its end.
const shownOutput = 1200

// command runs a client to its end.
func command(ctx context.Context, to Target, name string, args ...string) (string, error) {
	w := output{started: to.Started}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = &w, &w
	err := cmd.Run()
	out := w.b.String()
	if err != nil {
		end := out
		if len(end) > shownOutput {
			end = "..." + end[len(end)-shownOutput:]
		}
		return out, fmt.Errorf("%s on %s: %w: %s", name, to.Name, err, end)
	}
	return out, nil
}

// output collects what a client prints, and calls started when sysbench says that its threads have.
type output struct {
	b       bytes.Buffer
	started func()
}

func (w *output) Write(p []byte) (int, error) {
	w.b.Write(p)
	if w.started != nil && bytes.Contains(w.b.Bytes(), []byte("Threads started!")) {
		w.started()
		w.started = nil
	}
	return len(p), nil
}
