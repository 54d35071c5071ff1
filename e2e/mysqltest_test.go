//go:build e2e

package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	mysqltestDir = "/usr/share/mysql/mysql-test"
	// mysqltestLimit bounds one file.
	mysqltestLimit = 20 * time.Second
)

// MariaDB's own test files, unchanged, by its own mysqltest: those listed in testdata/mysqltest/passing.txt must pass. With
// ZORYA_MYSQLTEST=all every file of main/ is run, and the rate and what passes beyond the list are printed.
func TestMysqltest(t *testing.T) {
	if !soak {
		t.Skip("a soak test")
	}
	need(t, "mysqltest", "mariadb")
	if _, err := os.Stat(filepath.Join(mysqltestDir, "main")); err != nil {
		t.Skip("the test files are not installed (scripts/install-e2e.sh tools)")
	}
	c := start(t)
	listed := readList(t, "testdata/mysqltest/passing.txt")
	names := listed
	if os.Getenv("ZORYA_MYSQLTEST") == "all" {
		names = nil
		files, err := filepath.Glob(filepath.Join(mysqltestDir, "main", "*.test"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			names = append(names, strings.TrimSuffix(filepath.Base(f), ".test"))
		}
	}
	must := map[string]bool{}
	for _, name := range listed {
		must[name] = true
	}
	mustExec(t, c.db(""), "CREATE USER root@localhost IDENTIFIED BY ''", "GRANT ALL ON *.* TO root@localhost WITH GRANT OPTION")
	count := map[string]int{}
	for _, name := range names {
		verdict, out := c.mysqltest(name)
		count[verdict]++
		if must[name] && verdict != "pass" {
			t.Errorf("%s: %s\n%.1500s", name, verdict, out)
		}
		if !must[name] {
			t.Logf("%s %s", verdict, name)
		}
	}
	ran := count["pass"] + count["fail"]
	figure(t, "mysqltest: %d of %d files pass (%.1f %%), %d skip themselves", count["pass"], ran, 100*float64(count["pass"])/float64(max(ran, 1)), count["skip"])
}

// mysqltest runs one file in fresh databases.
func (c *cluster) mysqltest(name string) (verdict, out string) {
	c.t.Helper()
	db := c.db("")
	rows, err := db.Query("SELECT schema_name FROM information_schema.schemata WHERE schema_name NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')")
	if err != nil {
		c.t.Fatal(err)
	}
	var left []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			c.t.Fatal(err)
		}
		left = append(left, "DROP DATABASE `"+s+"`")
	}
	mustExec(c.t, db, append(left, "CREATE DATABASE test CHARACTER SET latin1", "CREATE DATABASE mtr",
		"CREATE PROCEDURE mtr.add_suppression(p TEXT) BEGIN END")...)
	db.Close()

	work := c.t.TempDir()
	socket := filepath.Join(c.dir, "mysql.sock")
	login := "--no-defaults -uroot -S" + socket
	argv := append(strings.Fields(login), "-Dtest", "--tmpdir="+work, "--logdir="+work, "--basedir="+mysqltestDir,
		"-R", filepath.Join(mysqltestDir, "main", name+".result"), "-x", filepath.Join(mysqltestDir, "main", name+".test"))
	t, ok := c.t.(*testing.T)
	if !ok {
		c.t.Fatal("mysqltest runs in tests only")
	}
	cmd := command(t, mysqltestLimit, append([]string{"mysqltest"}, argv...)...)
	cmd.Dir = mysqltestDir
	cmd.Env = append(os.Environ(), "MYSQL_TEST_DIR="+mysqltestDir, "MYSQLTEST_VARDIR="+work, "MYSQL_TMP_DIR="+work, fmt.Sprintf("MASTER_MYPORT=%d", c.port),
		"MASTER_MYSOCK="+socket, "MYSQL=mariadb "+login, "MYSQL_DUMP=mariadb-dump "+login, "MYSQLADMIN=mariadb-admin "+login, "MYSQL_TEST=mysqltest "+login)
	b, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return "pass", ""
	case errors.As(err, &exit) && exit.ExitCode() == 62:
		return "skip", ""
	default:
		return "fail", string(b)
	}
}

// readList reads lines that are neither empty nor comments.
func readList(t testing.TB, path string) []string {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []string
	for s := bufio.NewScanner(f); s.Scan(); {
		if line := strings.TrimSpace(s.Text()); line != "" && !strings.HasPrefix(line, "#") {
			out = append(out, line)
		}
	}
	return out
}
