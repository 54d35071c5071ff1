// Package peer starts the servers that a benchmark or a comparison runs beside each other, each with a directory of its own on
// loopback: Zorya as `zorya up` runs it, MariaDB alone, MariaDB with two semi-synchronous replicas, a Galera
// cluster of three, and the constant-answer server. All but the last keep every acknowledged commit (MariaDB: flush at
// commit, row binlog, sync_binlog=1).
package peer

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"github.com/go-sql-driver/mysql"
)

// Password is what the account User has everywhere. The servers listen on loopback and live as long as a run.
const (
	User     = "admin"
	Password = "correct horse battery"
)

// ErrMissing says that a server cannot be started because its program is not installed.
var ErrMissing = errors.New("not installed")

// Process is one process of a server.
type Process struct {
	Role string // of what the process is, the same for processes alike: "writer", "storage node", "mariadbd"
	PID  int
}

// Server is a running server.
type Server struct {
	Name string
	Port int // where clients connect
	// Processes are those that serve; they may change when one is started anew.
	Processes func() ([]Process, error)
	// Counters is the server's own account of its work since its start, by name; nil if it keeps none.
	Counters func() (Counters, error)

	// Restart starts the process that serves clients again after it was killed; nil if the server does that itself.
	Restart func() error

	own  []Process
	stop []func() error // in the order of starting
	db   *sql.DB
}

// Counters are sums since a server's start. What a server does not count is 0.
type Counters struct {
	Records   float64 // redo records
	RedoBytes float64 // of one copy
	Frames    float64 // network messages with redo, to all copies
	Syncs     float64 // fdatasync and fsync calls of the commit path, of all copies
	Written   float64 // bytes that storage wrote to its files, of all copies
	Ingested  float64 // bytes of redo that storage took in, of all copies
	Deadlocks float64
}

// Sub is the work since then.
func (c Counters) Sub(then Counters) Counters {
	return Counters{c.Records - then.Records, c.RedoBytes - then.RedoBytes, c.Frames - then.Frames, c.Syncs - then.Syncs,
		c.Written - then.Written, c.Ingested - then.Ingested, c.Deadlocks - then.Deadlocks}
}

// DB is a pool of connections of User, opened at the first call.
func (s *Server) DB() *sql.DB {
	if s.db == nil {
		s.db = open(User, Password, s.Port)
	}
	return s.db
}

// Exec runs statements in turn until one fails.
func (s *Server) Exec(ctx context.Context, statements ...string) error {
	for _, q := range statements {
		if _, err := s.DB().ExecContext(ctx, q); err != nil {
			return fmt.Errorf("%s: %.200s: %w", s.Name, q, err)
		}
	}
	return nil
}

// Stop ends the server's processes and removes its directories.
func (s *Server) Stop() error {
	var errs []error
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	for i := len(s.stop) - 1; i >= 0; i-- {
		errs = append(errs, s.stop[i]())
	}
	s.stop = nil
	return errors.Join(errs...)
}

func (s *Server) onStop(f func() error) { s.stop = append(s.stop, f) }

// tempDir is a directory that lives as long as the server.
func (s *Server) tempDir() (string, error) {
	dir, err := os.MkdirTemp("", "zorya-peer-")
	if err != nil {
		return "", err
	}
	s.onStop(func() error { return os.RemoveAll(dir) })
	return dir, nil
}

// run starts a process that ends with the server: by SIGTERM, and by SIGKILL when that takes a minute.
func (s *Server) run(cmd *exec.Cmd) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	s.onStop(func() error {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-done:
			return nil
		case <-time.After(time.Minute):
			_ = cmd.Process.Kill()
			<-done
			return fmt.Errorf("%s (pid %d) did not end within a minute of SIGTERM", s.Name, cmd.Process.Pid)
		}
	})
	return nil
}

// open is a pool of connections that leaves a server's error log alone.
func open(user, password string, port int) *sql.DB {
	cfg := mysql.NewConfig()
	cfg.User, cfg.Passwd, cfg.Net, cfg.Addr = user, password, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	cfg.Logger = &mysql.NopLogger{}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		panic(err) // the configuration above is constant
	}
	return sql.OpenDB(connector)
}

const pollEvery = 10 * time.Millisecond

// until polls cond, for at most limit.
func until(ctx context.Context, limit time.Duration, what string, cond func() error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		err := cond()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited for %s: %w; last: %w", what, ctx.Err(), err)
		case <-time.After(pollEvery):
		}
	}
}

// freePort is one that nobody listened on a moment ago.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
