//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/zoryadb/zorya/cluster/status"
)

// soak says that the long forms are to run.
var soak = os.Getenv("ZORYA_SOAK") != ""

// pick returns the size of something: short in CI, long in a soak.
func pick[T any](short, long T) T {
	if soak {
		return long
	}
	return short
}

// figure prints one of the figures that an acceptance point asks for.
func figure(t *testing.T, format string, args ...any) {
	t.Helper()
	t.Logf("FIGURE "+format, args...)
}

// zorya is the binary under test.
func zorya(t testing.TB) string {
	t.Helper()
	bin := os.Getenv("ZORYA_BIN")
	if bin == "" {
		t.Fatal("ZORYA_BIN does not name the zorya binary (run this through make e2e)")
	}
	return bin
}

const password = "correct horse battery"

// cluster is a running `zorya up`.
type cluster struct {
	t    testing.TB
	dir  string
	host string // of MySQL; empty: 127.0.0.1
	port int
	args []string // more for up
	via  []string // how zorya's commands find the cluster; nil: by its directory
	up   *exec.Cmd
	out  *bytes.Buffer
	done chan error
}

// start runs a new cluster in a temporary directory until the test ends.
func start(t testing.TB, args ...string) *cluster {
	t.Helper()
	dir, err := os.MkdirTemp("", "zorya-e2e")
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{t: t, dir: filepath.Join(dir, "c"), port: freePort(t), args: args}
	t.Cleanup(func() {
		c.stop()
		if t.Failed() {
			c.dumpLogs()
		}
		os.RemoveAll(dir)
	})
	c.start()
	return c
}

// start runs `zorya up` and returns the time it took to say ready.
func (c *cluster) start() time.Duration {
	c.t.Helper()
	begun := time.Now()
	args := append([]string{"up", "--dir", c.dir, "--port", strconv.Itoa(c.port)}, c.args...)
	c.up = exec.Command(zorya(c.t), args...)
	c.up.Env = append(os.Environ(), "ZORYA_ADMIN_PASSWORD="+password)
	stdout, err := c.up.StdoutPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	c.out = &bytes.Buffer{}
	c.up.Stderr = c.out
	if err := c.up.Start(); err != nil {
		c.t.Fatal(err)
	}
	ready := make(chan bool, 1)
	done := make(chan error, 1)
	c.done = done
	up := c.up
	go func() {
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			if lines.Text() == "ready" {
				ready <- true
			}
		}
		close(ready)
		done <- up.Wait()
	}()
	select {
	case ok := <-ready:
		if !ok {
			c.t.Fatalf("zorya up ended without being ready: %s", c.out.String())
		}
	case <-time.After(90 * time.Second):
		c.t.Fatal("zorya up is not ready after 90 s")
	}
	return time.Since(begun)
}

// stop ends the cluster with SIGTERM and waits for it.
func (c *cluster) stop() {
	if c.up == nil || c.up.Process == nil {
		return
	}
	_ = c.up.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.done:
	case <-time.After(60 * time.Second):
		c.t.Error("zorya up does not stop on SIGTERM")
		_ = c.up.Process.Kill()
		<-c.done
	}
	c.up = nil
}

// killAll is kill -9 of the supervisor and every process under it at once.
func (c *cluster) killAll() {
	c.t.Helper()
	st := c.status()
	pids := []int{c.up.Process.Pid}
	for _, i := range st.Instances {
		pids = append(pids, i.PID)
	}
	for _, n := range st.StorageNodes {
		pids = append(pids, n.PID)
	}
	for _, pid := range pids {
		if pid > 0 {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	<-c.done
	c.up = nil
}

// run runs a zorya command on this cluster.
func (c *cluster) run(args ...string) (string, error) {
	via := c.via
	if via == nil {
		via = []string{"--dir", c.dir}
	}
	cmd := exec.Command(zorya(c.t), append(slices.Clone(args), via...)...)
	cmd.Env = append(os.Environ(), "ZORYA_ADMIN_PASSWORD="+password)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("zorya %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

func (c *cluster) mustRun(args ...string) string {
	c.t.Helper()
	out, err := c.run(args...)
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

// check runs the structural checker over everything that the cluster stores.
func (c *cluster) check() {
	c.t.Helper()
	if out, err := c.run("check"); err != nil {
		c.t.Errorf("%v\n%s", err, out)
	}
}

func (c *cluster) status() *status.Status {
	c.t.Helper()
	st, err := c.tryStatus()
	if err != nil {
		c.t.Fatal(err)
	}
	return st
}

func (c *cluster) tryStatus() (*status.Status, error) {
	out, err := c.run("status", "--json")
	if err != nil {
		return nil, err
	}
	var st status.Status
	if err := json.Unmarshal([]byte(out), &st); err != nil {
		return nil, fmt.Errorf("zorya status --json: %w: %s", err, out)
	}
	return &st, nil
}

// writerPID is the pid of the instance that writes; it waits until there is one.
func (c *cluster) writerPID() int {
	c.t.Helper()
	pid := 0
	eventually(c.t, 30*time.Second, "a writer", func() bool {
		st, err := c.tryStatus()
		if err != nil {
			return false
		}
		for _, i := range st.Instances {
			if i.ID == st.Cluster.Writer {
				pid = i.PID
			}
		}
		return pid != 0
	})
	return pid
}

func (c *cluster) node(id string) status.StorageNode {
	c.t.Helper()
	for _, n := range c.status().StorageNodes {
		if n.ID == id {
			return n
		}
	}
	c.t.Fatalf("no storage node %s", id)
	panic("unreachable")
}

// dumpLogs shows the end of every process's log.
func (c *cluster) dumpLogs() {
	logs, _ := filepath.Glob(filepath.Join(c.dir, "log", "*.log"))
	slices.Sort(logs)
	for _, path := range logs {
		b, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		if len(b) > 4000 {
			b = b[len(b)-4000:]
		}
		c.t.Logf("--- %s\n%s", filepath.Base(path), b)
	}
}

// config is how the Go driver connects. Statements of transactions that a kill cut off must fail at once, not
// hang: reads time out.
func (c *cluster) config(database string) *mysql.Config {
	cfg := mysql.NewConfig()
	cfg.User, cfg.Passwd, cfg.DBName = "admin", password, database
	cfg.Net, cfg.Addr = "tcp", net.JoinHostPort(cmp.Or(c.host, "127.0.0.1"), strconv.Itoa(c.port))
	cfg.TLSConfig = "preferred"
	cfg.Timeout, cfg.ReadTimeout, cfg.WriteTimeout = 30*time.Second, 60*time.Second, 30*time.Second
	cfg.Logger = log{}
	return cfg
}

// log drops the driver's account of connections that a test has killed.
type log struct{}

func (log) Print(...any) {}

func openDB(t testing.TB, cfg *mysql.Config) *sql.DB {
	t.Helper()
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	t.Cleanup(func() { db.Close() })
	return db
}

func (c *cluster) db(database string) *sql.DB {
	c.t.Helper()
	return openDB(c.t, c.config(database))
}

func mustExec(t testing.TB, db *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%.200s: %v", s, err)
		}
	}
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// eventually waits until cond holds.
func eventually(t testing.TB, limit time.Duration, what string, cond func() bool) time.Duration {
	t.Helper()
	begun := time.Now()
	for !cond() {
		if time.Since(begun) > limit {
			t.Fatalf("timed out after %v waiting for %s", limit, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
	return time.Since(begun)
}

// percentile of durations, 0 <= p <= 1.
func percentile(d []time.Duration, p float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	d = slices.Clone(d)
	slices.Sort(d)
	return d[min(len(d)-1, int(p*float64(len(d))))]
}

// timeToFirstAnswer is how long a new client has to wait, from begun on, until the query is answered.
func (c *cluster) timeToFirstAnswer(begun time.Time, query string) time.Duration {
	c.t.Helper()
	cfg := c.config("")
	cfg.Timeout, cfg.ReadTimeout = 5*time.Second, 5*time.Second
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		c.t.Fatal(err)
	}
	var last error
	for time.Since(begun) < 60*time.Second {
		db := sql.OpenDB(connector)
		var n sql.RawBytes
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		rows, err := db.QueryContext(ctx, query)
		if err == nil {
			if rows.Next() {
				err = rows.Scan(&n)
			}
			err = errors.Join(err, rows.Close())
		}
		cancel()
		db.Close()
		if err == nil {
			return time.Since(begun)
		}
		last = err
		time.Sleep(2 * time.Millisecond)
	}
	c.t.Fatalf("no answer to %q in 60 s: %v", query, last)
	return 0
}

// need skips the test if a program is missing.
func need(t testing.TB, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("%s is not installed (scripts/install-e2e.sh installs it)", p)
		}
	}
}

// pipe runs a program with input and returns its output; stderr goes into the error.
func pipe(in io.Reader, name string, args ...string) (string, error) {
	var out, errs bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, &out, &errs
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, errs.String())
	}
	return out.String(), nil
}
