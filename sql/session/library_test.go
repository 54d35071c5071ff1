package session

import (
	"bufio"
	"context"
	stdsql "database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/big"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/apd/v3"
	suite "github.com/dolthub/go-mysql-server/enginetest/queries"
	"github.com/dolthub/go-mysql-server/enginetest/scriptgen/setup"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/go-sql-driver/mysql"
)

var (
	libraryAll  = flag.Bool("library.all", false, "run all of the SQL library's engine tests; otherwise one of every twenty")
	libraryShow = flag.Bool("library.show", false, "print every case that fails")
)

// What must pass of the cases that are run, in per cent: of all of them, and of a twentieth, which may be an unlucky one.
const (
	libraryRate   = 99
	libraryRateCI = 95
)

// group is a list of the SQL library's engine tests, with the tables that they want.
type group struct {
	name    string
	setup   [][]setup.SetupScript
	queries []suite.QueryTest
	writes  []suite.WriteQueryTest
	fails   []suite.QueryErrorTest
	scripts []suite.ScriptTest
	chained bool // each script goes on where the one before it ended
}

// The SQL library's own engine tests, over our tables and our wire. What the library expects and MySQL does not do is excluded by
// testdata/library.txt, with the reason.
func TestLibrary(t *testing.T) {
	_, addr := startFull(t)
	l := &library{t: t, addr: addr, excluded: excludedFromLibrary(t)}
	defer func() { // one of the scripts sets it for all that follow
		exec(t, connect(t, addr, ""), "SET GLOBAL TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ WRITE")
	}()
	for _, g := range libraryGroups() {
		before, passed := l.ran, l.passed
		l.run(g)
		if l.ran > before && *libraryAll {
			t.Logf("%-28s %5d of %5d pass", g.name, l.passed-passed, l.ran-before)
		}
	}
	rate := 100 * float64(l.passed) / float64(max(l.ran, 1))
	t.Logf("| SQL library's engine tests | %d | %d | %.1f %% | %d excluded, sql/session/testdata/library.txt | `make library` |", l.passed, l.ran, rate, l.skipped)
	want := libraryRateCI
	if *libraryAll {
		want = libraryRate
	}
	if rate < float64(want) {
		t.Errorf("less than %d %% pass", want)
	}
	for text, used := range l.excluded {
		if !used && *libraryAll {
			t.Errorf("testdata/library.txt excludes what is no test: %s", text)
		}
	}
}

// excludedFromLibrary reads names of scripts, texts of queries, and "name of a script: text of a query"; lines that begin with # give the reason of those below.
func excludedFromLibrary(t *testing.T) map[string]bool {
	f, err := os.Open("testdata/library.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := map[string]bool{}
	for s := bufio.NewScanner(f); s.Scan(); {
		if line := strings.TrimSpace(s.Text()); line != "" && line[0] != '#' {
			out[line] = false
		}
	}
	return out
}

// library runs groups of tests over one connection after the other.
type library struct {
	t                    *testing.T
	addr                 string
	c                    *stdsql.Conn
	excluded             map[string]bool // true: it was met
	seen                 int
	ran, passed, skipped int
	dirty                bool // the tables are no longer as set up
	group                string
}

// isExcluded says of a case that testdata/library.txt names it.
func (l *library) isExcluded(name string) bool {
	name = strings.Join(strings.Fields(name), " ")
	_, ok := l.excluded[name]
	if ok {
		l.excluded[name] = true
		l.skipped++
	}
	return ok
}

// take decides whether a case is run.
func (l *library) take(name string) bool {
	if l.isExcluded(name) {
		return false
	}
	l.seen++
	return *libraryAll || l.seen%20 == 0
}

// count takes the outcome of a case.
func (l *library) count(name string, err error) {
	l.ran++
	if err == nil {
		l.passed++
		return
	}
	if *libraryShow {
		l.t.Logf("%s: %s\n\t%v", l.group, strings.Join(strings.Fields(name), " "), err)
	}
}

func (l *library) run(g group) {
	l.group = g.name
	l.dirty = true
	for _, q := range g.queries {
		if q.Skip || q.Bindings != nil || q.Dialect != "" && q.Dialect != "mysql" || !l.take(q.Query) {
			continue
		}
		l.fresh(g)
		l.count(q.Query, l.check(q.Query, q.Expected, q.ExpectedErr != nil || q.ExpectedErrStr != "", q.ExpectedWarning))
	}
	for _, q := range g.fails {
		if q.Bindings != nil || !l.take(q.Query) {
			continue
		}
		l.fresh(g)
		l.count(q.Query, l.check(q.Query, nil, true, 0))
	}
	for _, w := range g.writes {
		if w.Skip || w.Bindings != nil || w.Dialect != "" && w.Dialect != "mysql" || !l.take(w.WriteQuery) {
			continue
		}
		l.dirty = true
		l.fresh(g)
		err := l.check(w.WriteQuery, w.ExpectedWriteResult, false, 0)
		if err == nil && w.SelectQuery != "" {
			err = l.check(w.SelectQuery, w.ExpectedSelect, false, 0)
		}
		l.dirty = true
		l.count(w.WriteQuery, err)
	}
	for _, s := range g.scripts {
		if s.Skip || s.Dialect != "" && s.Dialect != "mysql" || l.isExcluded(s.Name) || !g.chained && !l.take(s.Name) {
			continue
		}
		l.dirty = l.dirty || !g.chained
		l.fresh(g)
		l.script(s)
		l.dirty = !g.chained
	}
}

func (l *library) script(s suite.ScriptTest) {
	for _, q := range s.SetUpScript {
		if err := l.exec(q); err != nil {
			l.count(s.Name, fmt.Errorf("%s: %w", q, err))
			return
		}
	}
	as := s.Assertions
	if s.Query != "" {
		as = append([]suite.ScriptTestAssertion{{Query: s.Query, Expected: s.Expected, ExpectedErr: s.ExpectedErr}}, as...)
	}
	for _, a := range as {
		if a.Skip || a.Bindings != nil || a.Dialect != "" && a.Dialect != "mysql" {
			continue
		}
		if a.NewSession {
			l.connect()
			l.must("USE mydb")
		}
		want := a.Expected
		if a.SkipResultsCheck || a.SkipResultCheckOnServerEngine {
			want = nil
		}
		name := s.Name + ": " + a.Query
		err := l.check(a.Query, want, a.ExpectedErr != nil || a.ExpectedErrStr != "", a.ExpectedWarning)
		if !l.isExcluded(name) { // run all the same, for what comes after it
			l.count(name, err)
		}
	}
}

// connect begins a new session.
func (l *library) connect() {
	if l.c != nil { // closed, not kept for later: it may be in a transaction
		_ = l.c.Raw(func(any) error { return driver.ErrBadConn })
	}
	l.c = connect(l.t, l.addr, "")
	// The library's defaults, which its expectations show.
	l.must("SET sql_mode = 'NO_ENGINE_SUBSTITUTION,ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES'")
	l.must("SET NAMES utf8mb4 COLLATE utf8mb4_0900_bin")
	l.must("SET collation_server = utf8mb4_0900_bin")
}

// fresh makes the databases anew if the last case may have changed them.
func (l *library) fresh(g group) {
	if !l.dirty {
		return
	}
	l.dirty = false
	l.connect()
	for _, name := range l.column("SELECT schema_name FROM information_schema.schemata") {
		if !slices.Contains([]string{"information_schema", "mysql", "performance_schema", "sys"}, name) {
			l.must("DROP DATABASE `" + name + "`")
		}
	}
	for _, name := range l.column("SELECT CONCAT(QUOTE(user), '@', QUOTE(host)) FROM mysql.user WHERE user NOT IN ('admin', 'rdsadmin', 'root', 'mysql.sys')") {
		l.must("DROP USER " + name)
	}
	l.must("CREATE DATABASE mydb COLLATE utf8mb4_0900_bin")
	l.must("USE mydb")
	for _, part := range g.setup {
		for _, script := range part {
			for _, q := range script {
				if low := strings.ToLower(q); strings.HasPrefix(low, "create database") {
					q = strings.Replace(low, "create database ", "create database if not exists ", 1)
					q = strings.Replace(q, "if not exists if not exists", "if not exists", 1)
				}
				q = zulu.ReplaceAllString(q, "${1}'")
				if err := l.exec(q); err != nil && *libraryShow {
					l.t.Logf("%s: setup: %s: %v", g.name, q, err)
				}
			}
		}
	}
	l.must("USE mydb")
}

// zulu is a time in UTC as ISO 8601 writes it, which MySQL's strict mode refuses (1292); the library's tables are filled with such.
var zulu = regexp.MustCompile(`(T\d\d:\d\d:\d\d)Z'`)

func (l *library) must(q string) {
	if err := l.exec(q); err != nil {
		l.t.Fatalf("%s: %v", q, err)
	}
}

func (l *library) exec(q string) error {
	_, _, err := l.rows(q)
	return err
}

func (l *library) column(q string) []string {
	rows, _, err := l.rows(q)
	if err != nil {
		l.t.Fatalf("%s: %v", q, err)
	}
	var out []string
	for _, r := range rows {
		out = append(out, *r[0])
	}
	return out
}

// rows executes a statement; a cell is nil for NULL. ok says that it gave no result set but an OK, with the affected rows and the insert id.
func (l *library) rows(q string) (out [][]*string, ok []int64, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	err = l.c.Raw(func(any) error { return nil })
	if err != nil { // the last statement ended the session
		l.connect()
	}
	if givesNoRows(q) {
		r, err := l.c.ExecContext(ctx, q)
		if err != nil {
			return nil, nil, err
		}
		affected, _ := r.RowsAffected()
		id, _ := r.LastInsertId()
		return nil, []int64{affected, id}, nil
	}
	rows, err := l.c.QueryContext(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	cols, err := rows.Columns()
	if err != nil {
		return nil, nil, err
	}
	for rows.Next() {
		row := make([]*string, len(cols))
		to := make([]any, len(cols))
		for i := range row {
			to[i] = &row[i]
		}
		if err := rows.Scan(to...); err != nil {
			return nil, nil, err
		}
		out = append(out, row)
	}
	return out, nil, rows.Err()
}

func givesNoRows(q string) bool {
	word, rest, _ := strings.Cut(strings.TrimLeft(strings.ToLower(q), " \t\r\n("), " ")
	switch strings.TrimSpace(word) {
	case "insert", "replace", "update", "delete", "create", "alter", "drop", "rename", "truncate", "set", "grant", "revoke", "load", "lock", "unlock", "start", "commit", "rollback", "use", "begin":
		return !strings.Contains(rest, "returning")
	}
	return false
}

// definesOnly says of a statement that the library counts no rows for it, where MySQL counts those that it copies.
func definesOnly(q string) bool {
	word, _, _ := strings.Cut(strings.TrimSpace(strings.ToLower(q)), " ")
	return word == "alter" || word == "create"
}

// check executes a statement and compares what it gives.
func (l *library) check(q string, want []sql.Row, fails bool, warning int) error {
	got, ok, err := l.rows(q)
	if my := (*mysql.MySQLError)(nil); err != nil && !errors.As(err, &my) {
		return err // not an answer
	}
	switch {
	case fails && err == nil:
		return fmt.Errorf("succeeds, with %s", shown(got))
	case fails:
		return nil
	case err != nil:
		return err
	}
	if warning != 0 {
		ws, _, err := l.rows("SHOW WARNINGS")
		if err != nil || !slices.ContainsFunc(ws, func(w []*string) bool { return *w[1] == strconv.Itoa(warning) }) {
			return fmt.Errorf("lacks warning %d: %v %v", warning, shown(ws), err)
		}
	}
	if want == nil {
		return nil
	}
	if ok != nil {
		if len(want) == 1 && len(want[0]) == 1 && !definesOnly(q) {
			if o, is := want[0][0].(types.OkResult); is && (int64(o.RowsAffected) != ok[0] || o.InsertID != 0 && int64(o.InsertID) != ok[1]) {
				return fmt.Errorf("affects %d rows with insert id %d, want %d and %d", ok[0], ok[1], o.RowsAffected, o.InsertID)
			}
		}
		return nil
	}
	if len(got) == 0 && len(want) == 1 && (len(want[0]) == 0 || isOK(want[0][0])) {
		return nil
	}
	return compareRows(got, want, strings.Contains(strings.ToUpper(q), "ORDER BY "))
}

func isOK(v any) bool { _, ok := v.(types.OkResult); return ok }

func compareRows(got [][]*string, want []sql.Row, ordered bool) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d rows, want %d: %s, want %v", len(got), len(want), shown(got), want)
	}
	left := slices.Clone(got)
	for i, w := range want {
		at := slices.IndexFunc(left, func(g []*string) bool { return sameRow(g, w) })
		if at < 0 || ordered && at != 0 {
			return fmt.Errorf("row %d: got %s, want %v", i, shown(got), want)
		}
		left = slices.Delete(left, at, at+1)
	}
	return nil
}

func sameRow(got []*string, want sql.Row) bool {
	if len(got) != len(want) {
		return false
	}
	for i := range got {
		if !sameValue(got[i], want[i]) {
			return false
		}
	}
	return true
}

// sameValue compares a text of the wire with a value of the library's.
func sameValue(got *string, want any) bool {
	if w, ok := want.(interface {
		Validate(any) (bool, error)
	}); ok {
		if got == nil {
			return false
		}
		good, err := w.Validate(*got)
		return good || err != nil
	}
	if want == nil || got == nil {
		return want == nil && got == nil
	}
	switch w := want.(type) {
	case bool:
		return *got == map[bool]string{true: "1", false: "0"}[w]
	case string:
		return *got == w || sameJSON(*got, w) || strings.Contains(w, "CREATE TABLE") && sameTable(*got, w)
	case []byte:
		return *got == string(w)
	case float32:
		return sameFloat(*got, float64(w), 1e-5)
	case float64:
		return sameFloat(*got, w, 1e-9)
	case *apd.Decimal:
		return sameNumber(*got, w.Text('f'))
	case time.Time:
		return sameTime(*got, w)
	case types.Timespan:
		return strings.TrimSuffix(*got, ".000000") == strings.TrimSuffix(w.String(), ".000000")
	case sql.JSONWrapper:
		v, err := w.ToInterface(context.Background())
		if err != nil {
			return false
		}
		b, err := json.Marshal(v)
		return err == nil && sameJSON(*got, string(b))
	case types.GeometryValue:
		return *got == string(w.Serialize())
	}
	if v := reflect.ValueOf(want); v.CanInt() || v.CanUint() {
		text := fmt.Sprint(want)
		if *got == text || sameNumber(*got, text) {
			return true
		}
		n := new(big.Int).SetBytes([]byte(*got)) // BIT
		return n.String() == text
	}
	return *got == fmt.Sprint(want)
}

// sameTable compares two texts of SHOW CREATE TABLE. The library leaves out what MySQL writes of defaults, and quotes literals otherwise.
func sameTable(got, want string) bool {
	return plainTable.Replace(got) == plainTable.Replace(want)
}

var plainTable = strings.NewReplacer(" NULL DEFAULT NULL", "", " DEFAULT NULL", "", "timestamp NULL", "timestamp", "(6) NULL DEFAULT", "(6) DEFAULT", " VIRTUAL", "",
	" COLLATE=latin1_swedish_ci", "", " COLLATE=binary", "", " COLLATE utf8mb3_general_ci", "")

func sameFloat(got string, want, tolerance float64) bool {
	f, err := strconv.ParseFloat(got, 64)
	return err == nil && (f == want || math.Abs(f-want) <= tolerance*math.Max(math.Abs(f), math.Abs(want)))
}

func sameNumber(got, want string) bool {
	a, ok1 := new(big.Rat).SetString(got)
	b, ok2 := new(big.Rat).SetString(want)
	return ok1 && ok2 && a.Cmp(b) == 0
}

func sameTime(got string, want time.Time) bool {
	for _, layout := range []string{"2006-01-02 15:04:05.999999", "2006-01-02"} {
		if t, err := time.Parse(layout, got); err == nil {
			return t.Equal(want.UTC()) || t.Format(layout) == want.Format(layout)
		}
	}
	return false
}

func sameJSON(got, want string) bool {
	var a, b any
	if json.Unmarshal([]byte(got), &a) != nil || json.Unmarshal([]byte(want), &b) != nil {
		return false
	}
	return reflect.DeepEqual(a, b)
}

func shown(rows [][]*string) string {
	var b strings.Builder
	for i, r := range rows {
		if i == 12 {
			return b.String() + " ..."
		}
		b.WriteByte('[')
		for j, v := range r {
			if j > 0 {
				b.WriteByte(' ')
			}
			if v == nil {
				b.WriteString("NULL")
			} else {
				b.WriteString(*v)
			}
		}
		b.WriteByte(']')
	}
	return b.String()
}
