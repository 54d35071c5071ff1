//go:build e2e

package e2e

import (
	"database/sql"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// mariadb is a private MariaDB server with a directory of its own, on loopback: the oracle for answers and
// the peer of the benchmarks. Flush at commit, row binlog and sync_binlog=1, so that it too loses nothing.
type mariadb struct {
	t    testing.TB
	port int
	cmd  *exec.Cmd
}

const mariadbd = "/usr/sbin/mariadbd"

func startMariaDB(t testing.TB, options ...string) *mariadb {
	t.Helper()
	need(t, "mariadb", "mariadb-dump", "mariadb-install-db", mariadbd)
	dir, err := os.MkdirTemp("", "zorya-mariadb")
	if err != nil {
		t.Fatal(err)
	}
	m := &mariadb{t: t, port: freePort(t)}
	t.Cleanup(func() {
		m.stop()
		os.RemoveAll(dir)
	})
	if _, err := pipe(nil, "mariadb-install-db", "--no-defaults", "--user=root", "--datadir="+dir, "--auth-root-authentication-method=normal", "--skip-test-db"); err != nil {
		t.Fatal(err)
	}
	args := append([]string{
		"--no-defaults", "--user=root", "--datadir=" + dir, "--socket=" + filepath.Join(dir, "sock"), "--pid-file=" + filepath.Join(dir, "pid"),
		"--bind-address=127.0.0.1", "--port=" + strconv.Itoa(m.port), "--server-id=" + strconv.Itoa(m.port), "--log-error=" + filepath.Join(dir, "err"),
		"--log-bin=bin", "--binlog-format=ROW", "--sync-binlog=1", "--innodb-flush-log-at-trx-commit=1",
		"--innodb-buffer-pool-size=256M", "--innodb-log-file-size=512M", "--max-connections=6000", "--table-open-cache=8000", "--open-files-limit=20000",
		"--event-scheduler=OFF",
	}, options...)
	m.cmd = exec.Command(mariadbd, args...)
	if err := m.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	db := m.db("")
	eventually(t, 30*time.Second, "MariaDB to serve", func() bool { return db.Ping() == nil })
	mustExec(t, db, "CREATE USER admin@'%' IDENTIFIED BY '"+password+"'", "GRANT ALL ON *.* TO admin@'%' WITH GRANT OPTION")
	return m
}

func (m *mariadb) stop() {
	if m.cmd == nil || m.cmd.Process == nil {
		return
	}
	_ = m.cmd.Process.Signal(syscall.SIGTERM)
	_ = m.cmd.Wait()
	m.cmd = nil
}

func (m *mariadb) db(database string) *sql.DB {
	cfg := mysql.NewConfig()
	cfg.User, cfg.DBName, cfg.Net, cfg.Addr = "root", database, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(m.port))
	cfg.Logger = log{}
	return openDB(m.t, cfg)
}

func (m *mariadb) login() []string {
	return []string{"--no-defaults", "-h127.0.0.1", "-P" + strconv.Itoa(m.port), "-uroot"}
}

// login is how MariaDB's programs connect to the cluster.
func (c *cluster) login() []string {
	return []string{"--no-defaults", "-h127.0.0.1", "-P" + strconv.Itoa(c.port), "-uadmin", "-p" + password}
}

// client runs the stock mariadb client with statements on standard input.
func client(t testing.TB, login []string, in io.Reader, args ...string) {
	t.Helper()
	if _, err := pipe(in, "mariadb", append(login, args...)...); err != nil {
		t.Fatal(err)
	}
}

// dump runs the stock mariadb-dump.
func dump(t testing.TB, login []string, args ...string) []byte {
	t.Helper()
	out, err := pipe(nil, "mariadb-dump", append(login, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	return []byte(out)
}

// answer is a query's whole result as the stock client prints it: the very text that the server sent. An error is its code.
func answer(login []string, database, query string) string {
	out, err := pipe(nil, "mariadb", append(slices.Clone(login), "--batch", "--default-character-set=utf8mb4", "-e", query, database)...)
	if err != nil {
		return "error " + err.Error()
	}
	return out
}
