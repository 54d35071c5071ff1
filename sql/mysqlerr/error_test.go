package mysqlerr

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

func TestTableIsSound(t *testing.T) {
	verbs := regexp.MustCompile(`%[^sd]|%$`)
	names := map[string]Code{}
	for code, e := range table {
		if len(e.state) != 5 || e.state != strings.ToUpper(e.state) {
			t.Errorf("%d %s: SQLSTATE %q", code, e.name, e.state)
		}
		if !strings.HasPrefix(e.name, "ER_") && !strings.HasPrefix(e.name, "WARN_") && !strings.HasPrefix(e.name, "EE_") {
			t.Errorf("%d: symbol %q", code, e.name)
		}
		if other, dup := names[e.name]; dup {
			t.Errorf("%s is %d and %d", e.name, code, other)
		}
		names[e.name] = code
		if verbs.MatchString(e.format) {
			t.Errorf("%d %s: a verb that is neither %%s nor %%d in %q", code, e.name, e.format)
		}
		if got, ok := Lookup(e.name); !ok || got != code {
			t.Errorf("Lookup(%s) = %d", e.name, got)
		}
	}
	if len(table) < 400 {
		t.Errorf("only %d errors", len(table))
	}
}

// A sample of what applications test for, from MySQL 8.0's reference manual.
func TestWellKnownErrors(t *testing.T) {
	for _, tc := range []struct {
		err  *Error
		want string
	}{
		{New(ER_DUP_ENTRY, "1", "t.PRIMARY"), "ERROR 1062 (23000): Duplicate entry '1' for key 't.PRIMARY'"},
		{New(ER_NO_SUCH_TABLE, "db", "t"), "ERROR 1146 (42S02): Table 'db.t' doesn't exist"},
		{New(ER_LOCK_DEADLOCK), "ERROR 1213 (40001): Deadlock found when trying to get lock; try restarting transaction"},
		{New(ER_LOCK_WAIT_TIMEOUT), "ERROR 1205 (HY000): Lock wait timeout exceeded; try restarting transaction"},
		{New(ER_ACCESS_DENIED_ERROR, "u", "h", "YES"), "ERROR 1045 (28000): Access denied for user 'u'@'h' (using password: YES)"},
		{New(ER_BAD_DB_ERROR, "x"), "ERROR 1049 (42000): Unknown database 'x'"},
		{New(ER_BAD_FIELD_ERROR, "c", "field list"), "ERROR 1054 (42S22): Unknown column 'c' in 'field list'"},
		{New(ER_QUERY_INTERRUPTED), "ERROR 1317 (70100): Query execution was interrupted"},
		{New(ER_DATA_TOO_LONG, "c", 1), "ERROR 1406 (22001): Data too long for column 'c' at row 1"},
		{New(ER_TABLE_DEF_CHANGED), "ERROR 1412 (HY000): Table definition has changed, please retry transaction"},
		{New(ER_CHECK_CONSTRAINT_VIOLATED, "t_chk_1"), "ERROR 3819 (HY000): Check constraint 't_chk_1' is violated."},
		{New(ER_LOCK_NOWAIT), "ERROR 3572 (HY000): Statement aborted because lock(s) could not be acquired immediately and NOWAIT is set."},
		{New(ER_CON_COUNT_ERROR), "ERROR 1040 (08004): Too many connections"},
		{New(ER_OPTION_PREVENTS_STATEMENT, "--read-only"), "ERROR 1290 (HY000): The MySQL server is running with the --read-only option so it cannot execute this statement"},
		{Signal(1644, "45000", "no"), "ERROR 1644 (45000): no"},
		{Signal(1644, "bad", "no"), "ERROR 1644 (HY000): no"},
		{New(60000, "x"), "ERROR 60000 (HY000): x"},
	} {
		if got := tc.err.Error(); got != tc.want {
			t.Errorf("got  %s\nwant %s", got, tc.want)
		}
	}
}

func TestErrorChains(t *testing.T) {
	cause := errors.New("disk")
	e := New(ER_DISK_FULL, "x", 28, "full").Because(cause)
	wrapped := fmt.Errorf("while writing: %w", e)
	if !errors.Is(wrapped, cause) || !errors.Is(wrapped, New(ER_DISK_FULL)) || errors.Is(wrapped, New(ER_DUP_ENTRY)) {
		t.Fatal("the chain is broken")
	}
	if From(wrapped).Code != ER_DISK_FULL || !IsCode(wrapped, ER_DISK_FULL) {
		t.Fatal(From(wrapped))
	}
	if f := From(cause); f.Code != ER_UNKNOWN_ERROR || f.Message != "disk" || !errors.Is(f, cause) {
		t.Fatal(f)
	}
	if From(nil) != nil {
		t.Fatal("an error of nothing")
	}
}
