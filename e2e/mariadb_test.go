//go:build e2e

package e2e

import (
	"database/sql"
	"errors"
	"io"
	"net"
	"slices"
	"strconv"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/zoryadb/zorya/bench/peer"
)

// mariadb is a private MariaDB server: the oracle for answers.
type mariadb struct {
	t      testing.TB
	port   int
	server *peer.Server
}

// startMariaDB runs a new server until the test ends.
func startMariaDB(t testing.TB, options ...string) *mariadb {
	t.Helper()
	s, err := peer.MariaDB(t.Context(), "MariaDB", options...)
	if errors.Is(err, peer.ErrMissing) {
		t.Skipf("%v (scripts/install-e2e.sh installs it)", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	m := &mariadb{t: t, port: s.Port, server: s}
	t.Cleanup(m.stop)
	return m
}

func (m *mariadb) stop() {
	if err := m.server.Stop(); err != nil {
		m.t.Error(err)
	}
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
