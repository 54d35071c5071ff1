//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// driverLimit bounds one driver's checks.
const driverLimit = 4 * time.Minute

// Other people's drivers and the libraries above them: TLS, every type there and back, prepared statements, streaming, batches, several results, cancellation, errors.
// Each program under testdata/drivers says "ok" or what differs.
func TestDrivers(t *testing.T) {
	c := start(t)
	scripts, err := filepath.Abs("testdata/drivers")
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(scripts, name) }
	const connectorJ = "/usr/share/java/mariadb-java-client.jar"
	var passed, all int
	for _, d := range []struct {
		name    string
		needs   string   // a program
		present []string // a command that succeeds when the driver is there
		argv    []string // before HOST PORT USER
	}{
		{"PyMySQL", "/usr/bin/python3", []string{"/usr/bin/python3", "-c", "import pymysql"}, []string{"/usr/bin/python3", at("check.py")}},
		{"SQLAlchemy", "/usr/bin/python3", []string{"/usr/bin/python3", "-c", "import sqlalchemy, pymysql"}, []string{"/usr/bin/python3", "-W", "ignore", at("check_sqlalchemy.py")}},
		{"SQLAlchemy's dialect suite", "/usr/bin/python3", []string{"/usr/bin/python3", "-c", "import sqlalchemy, pymysql, pytest"}, []string{"/usr/bin/python3", "-W", "ignore", at("sqlalchemy_suite/run.py")}},
		{"PHP mysqli and PDO", "php", []string{"php", "-r", "exit(extension_loaded('mysqli') && extension_loaded('pdo_mysql') ? 0 : 1);"}, []string{"php", at("check.php")}},
		{"Perl DBD::mysql", "perl", []string{"perl", "-MDBD::mysql", "-e1"}, []string{"perl", at("check.pl"), "mysql"}},
		{"Perl DBD::MariaDB", "perl", []string{"perl", "-MDBD::MariaDB", "-e1"}, []string{"perl", at("check.pl"), "MariaDB"}},
		{"Ruby mysql2", "ruby", []string{"ruby", "-e", "require 'mysql2'"}, []string{"ruby", "-W0", at("check.rb")}},
		{"MariaDB Connector/J", "java", []string{"test", "-e", connectorJ}, []string{"java", "-cp", connectorJ, at("Check.java")}},
		{"Node mysql2", "node", []string{"node", "-e", "require(process.cwd() + '/node_modules/mysql2')"}, []string{"node", at("check.mjs")}},
		{"TypeORM", "node", []string{"node", "-e", "require(process.cwd() + '/node_modules/typeorm')"}, []string{"node", at("check_typeorm.mjs")}},
		{"Sequelize", "node", []string{"node", "-e", "require(process.cwd() + '/node_modules/sequelize')"}, []string{"node", at("check_sequelize.mjs")}},
		{"Doctrine DBAL", "php", []string{"test", "-e", "/usr/share/php/Doctrine/DBAL/autoload.php"}, []string{"php", at("check_doctrine.php")}},
	} {
		t.Run(d.name, func(t *testing.T) {
			need(t, d.needs)
			if err := command(t, 30*time.Second, d.present...).Run(); err != nil {
				t.Skipf("the driver is not installed (scripts/install-e2e.sh drivers): %v", err)
			}
			all++
			cmd := command(t, driverLimit, append(d.argv, "127.0.0.1", strconv.Itoa(c.port), "admin")...)
			if out, err := cmd.CombinedOutput(); err != nil || !strings.HasSuffix(strings.TrimSpace(string(out)), "ok") {
				t.Errorf("%v\n%.8000s", err, out)
				return
			}
			passed++
		})
	}
	figure(t, "drivers: %d of the %d that are installed pass", passed, all)
}

// command is a program with the password in its environment, ended after limit.
func command(t *testing.T, limit time.Duration, argv ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = driversDir()
	cmd.Env = append(os.Environ(), "ZORYA_PASSWORD="+password)
	cmd.WaitDelay = time.Second
	return cmd
}

// driversDir is where scripts/install-e2e.sh puts npm's packages.
func driversDir() string {
	const dir = "/var/cache/zorya-e2e/node"
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	return os.TempDir()
}

// goDriverSkips are the tests of go-sql-driver's suite that are not run, each with its reason.
var goDriverSkips = map[string]string{
	"TestConnectorReturnsTimeout": "connects to an address of the Internet",
}

// The suite that go-sql-driver tests itself with.
func TestGoDriver(t *testing.T) {
	if !soak {
		t.Skip("a soak test: it compiles and runs another project's suite")
	}
	c := start(t)
	mustExec(t, c.db(""), "CREATE DATABASE gotest")
	dir, err := pipe(nil, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/go-sql-driver/mysql")
	if err != nil {
		t.Fatal(err)
	}
	work := filepath.Join(t.TempDir(), "driver")
	if _, err := pipe(nil, "cp", "-r", strings.TrimSpace(dir), work); err != nil {
		t.Fatal(err)
	}
	if _, err := pipe(nil, "chmod", "-R", "u+w", work); err != nil {
		t.Fatal(err)
	}
	var skips []string
	for name, why := range goDriverSkips {
		skips = append(skips, "^"+name+"$")
		t.Logf("not run: %s: %s", name, why)
	}
	cmd := command(t, 10*time.Minute, "go", "test", "-count=1", "-v", "-skip", strings.Join(skips, "|"), ".")
	cmd.Dir = work
	cmd.Env = append(os.Environ(), "GOFLAGS=", fmt.Sprintf("MYSQL_TEST_ADDR=127.0.0.1:%d", c.port), "MYSQL_TEST_USER=admin",
		"MYSQL_TEST_PASS="+password, "MYSQL_TEST_DBNAME=gotest")
	out, err := cmd.CombinedOutput()
	count := func(what string) int { return bytes.Count(out, []byte("\n--- "+what)) }
	figure(t, "drivers: go-sql-driver's own suite: %d tests pass, %d fail, %d skipped by it, %d by us", count("PASS"), count("FAIL"), count("SKIP"), len(skips))
	if err != nil {
		for line := range strings.Lines(string(out)) {
			if strings.Contains(line, "--- FAIL") || strings.Contains(line, "_test.go:") {
				t.Log(strings.TrimSpace(line))
			}
		}
		t.Error(err)
	}
}
