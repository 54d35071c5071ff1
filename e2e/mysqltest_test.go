//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	mysqltestDir = "/usr/share/mysql/mysql-test"
	// mysqltestLimit bounds one file, mysqltestShort one of those that are not expected to pass.
	mysqltestLimit = 20 * time.Second
	mysqltestShort = 8 * time.Second
	// mysqltestInCI bounds what CI spends on the listed files; a soak runs all of them.
	mysqltestInCI = 60 * time.Second
)

// MariaDB's own test files, unchanged, by its own mysqltest: those listed in testdata/mysqltest/passing.txt, as suite/file, must pass; CI runs those that
// fit into a minute, in an order that mixes the suites. With ZORYA_MYSQLTEST=all every file of main/ is run, and the rate, what passes beyond the list and the
// commonest causes of failing are printed; other values are suites, of which every file is run, and files to run and show.
func TestMysqltest(t *testing.T) {
	need(t, "mysqltest", "mariadb")
	if _, err := os.Stat(filepath.Join(mysqltestDir, "main")); err != nil {
		t.Skip("the test files are not installed (scripts/install-e2e.sh)")
	}
	t.Setenv("TZ", "Etc/GMT-3") // where the files' own runner puts its servers
	c := start(t)
	listed := readList(t, "testdata/mysqltest/passing.txt")
	names, which := mixed(listed), os.Getenv("ZORYA_MYSQLTEST")
	switch which {
	case "":
	case "all":
		names = mysqltestFiles("main")
	default:
		names = nil
		for _, w := range strings.Fields(which) {
			if files := mysqltestFiles(w); len(files) > 0 {
				names = append(names, files...)
			} else {
				names = append(names, w)
			}
		}
	}
	must := map[string]bool{}
	for _, name := range listed {
		must[name] = true
	}
	admin := c.db("")
	admin.SetMaxOpenConns(1) // some files let an account have one connection: this one is there before them
	mustExec(t, admin, "CREATE USER root@localhost IDENTIFIED BY ''", "GRANT ALL ON *.* TO root@localhost WITH GRANT OPTION")
	count, otherwise := map[string]int{}, 0
	causes := map[string][]string{}
	begun := time.Now()
	for _, name := range names {
		if which == "" && !soak && time.Since(begun) > mysqltestInCI {
			break
		}
		verdict, out := c.mysqltest(admin, name, must[name])
		count[verdict]++
		if out == mysqltestSaidOtherwise {
			otherwise++
		}
		switch {
		case verdict == "pass":
		case must[name]:
			t.Errorf("%s: %s\n%.1500s", name, verdict, out)
		case which != "all" && len(names) < 10:
			t.Logf("%s: %s\n%.4000s", name, verdict, out)
		}
		if verdict == "fail" {
			why := mysqltestCause(out)
			causes[why] = append(causes[why], name)
		} else if !must[name] {
			t.Logf("%s %s", verdict, name)
		}
	}
	ran := count["pass"] + count["fail"]
	what := "MariaDB's test files that pass unchanged (" + strconv.Itoa(len(listed)) + " are listed), by mysqltest"
	if which != "" {
		what = "MariaDB's " + which + " by mysqltest"
	}
	figure(t, "| %s | %d | %d | %.1f %% | %d of them in MySQL 8.0's words, %d more skip themselves | `make mysqltest`, ZORYA_MYSQLTEST=all |",
		what, count["pass"], ran, 100*float64(count["pass"])/float64(max(ran, 1)), otherwise, count["skip"])
	for _, why := range slices.SortedFunc(maps.Keys(causes), func(a, b string) int { return len(causes[b]) - len(causes[a]) }) {
		t.Logf("%4d %s: %s", len(causes[why]), why, strings.Join(causes[why][:min(len(causes[why]), 8)], " "))
	}
}

// mixed puts the files in an order that is always the same and has every suite early.
func mixed(names []string) []string {
	names = slices.Clone(names)
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	return names
}

// mysqltestFiles lists a suite's files, main's or another's, but for those that it declares disabled.
func mysqltestFiles(suite string) (names []string) {
	dir := mysqltestSuite(suite)
	disabled := map[string]bool{}
	lists, _ := filepath.Glob(filepath.Join(dir, "disabled.def")) // the pattern is well-formed
	inner, _ := filepath.Glob(filepath.Join(dir, "t", "disabled.def"))
	for _, list := range append(lists, inner...) {
		b, _ := os.ReadFile(list) // no list, nothing disabled
		for _, line := range strings.Split(string(b), "\n") {
			name, _, _ := strings.Cut(line, ":")
			disabled[strings.TrimSpace(name)] = true
		}
	}
	for _, pattern := range []string{"*.test", "t/*.test"} {
		files, _ := filepath.Glob(filepath.Join(dir, pattern))
		for _, f := range files {
			if name := strings.TrimSuffix(filepath.Base(f), ".test"); !disabled[name] {
				names = append(names, suite+"/"+name)
			}
		}
	}
	return names
}

// mysqltestSuite is where a suite's files are.
func mysqltestSuite(suite string) string {
	if suite == "main" {
		return filepath.Join(mysqltestDir, suite)
	}
	return filepath.Join(mysqltestDir, "suite", suite)
}

// mysqltestPaths are a test file and its result file: beside each other, or in t and r.
func mysqltestPaths(name string) (test, result string) {
	suite, file := filepath.Split(name)
	dir := mysqltestSuite(filepath.Clean(suite))
	test, result = filepath.Join(dir, file+".test"), filepath.Join(dir, file+".result")
	if _, err := os.Stat(filepath.Join(dir, "t")); err == nil {
		test, result = filepath.Join(dir, "t", file+".test"), filepath.Join(dir, "r", file+".result")
	}
	return test, result
}

var (
	mysqltestFailed = regexp.MustCompile(`(?s)query '(.*?)' (failed|succeeded)[^\n]*?(?:: |error )(\S+ \(\d+\)[^\n]*)`)
	mysqltestQuoted = regexp.MustCompile(`'[^']*'|\d+`)
	mysqltestNear   = regexp.MustCompile(`(?s)near '([^' (]+)`)
	mysqltestLine   = regexp.MustCompile(`(?m)^-([^-].*)\n`)
)

// mysqltestCause is the first thing that went wrong, without names and numbers, so that files fall into groups.
func mysqltestCause(out string) string {
	if m := mysqltestFailed.FindStringSubmatch(out); m != nil {
		if near := mysqltestNear.FindStringSubmatch(m[3]); near != nil {
			return "syntax near " + strings.ToUpper(near[1])
		}
		name, text, _ := strings.Cut(m[3], ": ")
		if strings.HasPrefix(name, "ER_UNKNOWN_SYSTEM_VARIABLE") || strings.HasPrefix(name, "ER_NO_SUCH_TABLE") || strings.HasPrefix(name, "ER_SP_DOES_NOT_EXIST") {
			return m[2] + ": " + name + " " + text
		}
		return m[2] + ": " + name + " " + mysqltestQuoted.ReplaceAllString(text, "#")
	}
	if m := mysqltestLine.FindStringSubmatch(out); m != nil {
		return "result: " + fmt.Sprintf("%.60s", mysqltestQuoted.ReplaceAllString(m[1], "#"))
	}
	for _, line := range strings.Split(out, "\n") {
		if strings.HasPrefix(line, "mysqltest:") {
			return fmt.Sprintf("%.80s", mysqltestQuoted.ReplaceAllString(line, "#"))
		}
	}
	return "no output in time"
}

// mysqltest runs one file in fresh databases.
func (c *cluster) mysqltest(db *sql.DB, name string, expected bool) (verdict, out string) {
	c.t.Helper()
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
		left = append(left, "DROP DATABASE `"+strings.ReplaceAll(s, "`", "``")+"`")
	}
	rows, err = db.Query("SELECT CONCAT(QUOTE(user), '@', QUOTE(host)) FROM mysql.user WHERE user NOT IN ('admin', 'rdsadmin', 'mysql.sys') AND NOT (user = 'root' AND host = 'localhost')")
	if err != nil {
		c.t.Fatal(err)
	}
	for rows.Next() { // accounts that the file before left
		var s string
		if err := rows.Scan(&s); err != nil {
			c.t.Fatal(err)
		}
		left = append(left, "DROP USER IF EXISTS "+s)
	}
	test, result := mysqltestPaths(name)
	for _, set := range mysqltestBase {
		left = append(left, "SET GLOBAL "+set)
	}
	mustExec(c.t, db, append(left, "CREATE DATABASE test CHARACTER SET latin1", "CREATE DATABASE mtr",
		"CREATE PROCEDURE mtr.add_suppression(p TEXT) BEGIN END")...)
	for _, set := range mysqltestOptions(test) {
		if _, err := db.Exec("SET GLOBAL " + set); err == nil { // a file whose option is none of Zorya's, or cannot be set, shows what it makes of that
			name, _, _ := strings.Cut(set, "=")
			defer func() { mustExec(c.t, db, "SET GLOBAL "+name+" = DEFAULT") }()
		}
	}

	t, ok := c.t.(*testing.T)
	if !ok {
		c.t.Fatal("mysqltest runs in tests only")
	}
	work := c.mysqltestVardir()
	socket := filepath.Join(work, "mysqltest.sock")
	proxy, err := mysqltestProxy(socket, filepath.Join(c.dir, "mysql.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	login := "--no-defaults -uroot --skip-ssl -S" + socket
	output := filepath.Join(work, "output")
	argv := append(strings.Fields(login), "--silent", "-Dtest", "--tmpdir="+filepath.Join(work, "tmp"), "--logdir="+filepath.Join(work, "log"), "--basedir="+mysqltestDir,
		"-R", output, "--record", "-x", test)
	limit := mysqltestShort
	if expected {
		limit = mysqltestLimit
	}
	cmd := command(t, limit, append([]string{"mysqltest"}, argv...)...)
	cmd.Dir = mysqltestDir
	cmd.Env = append(os.Environ(), "MYSQL_TEST_DIR="+mysqltestDir, "MYSQLTEST_VARDIR="+work, "MYSQL_TMP_DIR="+filepath.Join(work, "tmp"),
		fmt.Sprintf("MASTER_MYPORT=%d", c.port), "MASTER_MYSOCK="+socket, "MYSQL=mariadb --no-defaults --default-character-set=latin1 -uroot -S"+socket, "EXE_MYSQL=mariadb",
		"MYSQL_DUMP=mariadb-dump "+login, "MYSQLADMIN=mariadb-admin "+login, "MYSQL_TEST=mysqltest "+login, "MYSQL_CHECK=mariadb-check "+login, "MYSQL_SHOW=mariadb-show "+login,
		"MYSQL_IMPORT=mariadb-import "+login, "MYSQL_SLAP=mariadb-slap "+login, "MYSQL_MY_PRINT_DEFAULTS=my_print_defaults", "MY_PERROR=perror",
		"MYSQL_BINDIR=/usr", "MYSQL_SHAREDIR=/usr/share/mysql", "MYSQL_CHARSETSDIR=/usr/share/mysql/charsets", "SECURE_LOAD_PATH="+mysqltestDir+"/std_data",
		"MYSQLTEST_REAL_VARDIR="+work, "USE_RUNNING_SERVER=1", "DEFAULT_MASTER_PORT=3306", "ENGINE=InnoDB", // the engine that storage_engine/ is about
		"LC_ALL=C", "LC_CTYPE=C", "LC_COLLATE=C")
	b, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		recorded, err := os.ReadFile(result)
		if err != nil && !errors.Is(err, os.ErrNotExist) { // a file that prints nothing has none
			t.Fatal(err)
		}
		said, err := os.ReadFile(output)
		if err != nil {
			t.Fatal(err)
		}
		if differs := mysqltestDiffers(string(recorded), string(said)); differs != "" {
			return "fail", differs
		}
		if bytes.Equal(recorded, said) {
			return "pass", ""
		}
		return "pass", mysqltestSaidOtherwise
	case errors.As(err, &exit) && exit.ExitCode() == 62:
		return "skip", ""
	default:
		return "fail", string(b)
	}
}

// mysqltestSaidOtherwise stands for what passed in MySQL 8.0's words (mysqltestSays).
const mysqltestSaidOtherwise = "in MySQL 8.0's words"

// mysqltestVardir empties the directory that the files' own runner calls vardir: data lies two steps below it, from where files name it as ../.., and the
// files to load are in its std_data.
func (c *cluster) mysqltestVardir() string {
	c.t.Helper()
	var data string
	db := c.db("")
	defer db.Close()
	if err := db.QueryRow("SELECT @@datadir").Scan(&data); err != nil {
		c.t.Fatal(err)
	}
	dir := filepath.Join(data, "..", "..")
	for _, name := range []string{"tmp", "log", "std_data", "output", "mysqltest.sock"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			c.t.Fatal(err)
		}
	}
	for _, name := range []string{"tmp", "log"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			c.t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(mysqltestDir, "std_data"), filepath.Join(dir, "std_data")); err != nil {
		c.t.Fatal(err)
	}
	return dir
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
