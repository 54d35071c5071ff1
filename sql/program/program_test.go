package program

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// fakeHost knows integers, variables, a+b, a<b, and the statements "say x", "fail code state", "warn code".
type fakeHost struct {
	said     []string
	warnings []Condition
	warned   []Condition
}

func (h *fakeHost) Eval(m *Machine, e *Expr) (any, error) {
	for _, op := range []string{"<", "+"} {
		if a, b, ok := strings.Cut(e.Text, op); ok {
			x, y := h.atom(m, e, a), h.atom(m, e, b)
			if op == "+" {
				return x + y, nil
			}
			if x < y {
				return 1, nil
			}
			return 0, nil
		}
	}
	if strings.HasPrefix(e.Text, "'") {
		return lexer.Unquote(e.Text), nil
	}
	return h.atom(m, e, e.Text), nil
}

func (h *fakeHost) atom(m *Machine, e *Expr, text string) int {
	text = strings.TrimSpace(text)
	if slot, ok := e.Scope.Lookup(text); ok {
		n, _ := m.Value(slot).(int)
		return n
	}
	n, _ := strconv.Atoi(text)
	return n
}

func (h *fakeHost) True(v any) bool                               { return v != 0 }
func (h *fakeHost) Equal(a, b any) (bool, error)                  { return a == b, nil }
func (h *fakeHost) Convert(_ *Machine, _ int, v any) (any, error) { return v, nil }
func (h *fakeHost) Assign(target string, v any) error {
	h.said = append(h.said, fmt.Sprint(target, "=", v))
	return nil
}

func (h *fakeHost) Exec(m *Machine, st *Stmt) error {
	f := strings.Fields(st.Text)
	switch f[0] {
	case "say":
		v, _ := h.Eval(m, &Expr{Text: f[1], Scope: st.Scope})
		h.said = append(h.said, fmt.Sprint(v))
	case "fail":
		n, _ := strconv.Atoi(f[1])
		return mysqlerr.Signal(mysqlerr.Code(n), f[2], "failed")
	case "warn":
		n, _ := strconv.Atoi(f[1])
		h.warnings = []Condition{{Code: mysqlerr.Code(n), State: "01000", Message: "warned", Warning: true}}
	}
	return nil
}

func (h *fakeHost) Query(*Machine, *Stmt) ([][]any, error) { return [][]any{{1}, {2}, {3}}, nil }
func (h *fakeHost) Conditions() ([]Condition, int64) {
	w := h.warnings
	h.warnings = nil
	return w, 0
}
func (h *fakeHost) Forget()          { h.warnings = nil }
func (h *fakeHost) Warn(c Condition) { h.warned = append(h.warned, c) }
func (h *fakeHost) Stopped() error   { return nil }

func TestRun(t *testing.T) {
	for _, test := range []struct {
		name, body string
		said       string
		code       mysqlerr.Code
	}{
		{"while", "BEGIN DECLARE i INT DEFAULT 0; WHILE i<3 DO say i; SET i = i+1; END WHILE; END", "0 1 2", 0},
		{"labels", "BEGIN DECLARE i INT DEFAULT 0; a: LOOP SET i = i+1; IF i<3 THEN ITERATE a; END IF; say i; LEAVE a; END LOOP a; END", "3", 0},
		{"repeat", "BEGIN DECLARE i INT DEFAULT 0; REPEAT SET i = i+1; UNTIL 2<i END REPEAT; say i; END", "3", 0},
		{"leave block", "b: BEGIN say 1; LEAVE b; say 2; END", "1", 0},
		{"scopes", "BEGIN DECLARE x INT DEFAULT 1; BEGIN DECLARE x INT DEFAULT 2; say x; END; say x; END", "2 1", 0},
		{"case", "CASE 2 WHEN 1 THEN say 1; WHEN 2 THEN say 2; ELSE say 3; END CASE", "2", 0},
		{"case without a match", "CASE 5 WHEN 1 THEN say 1; END CASE", "", 1339},
		{"continue", "BEGIN DECLARE CONTINUE HANDLER FOR 1062 say 7; fail 1062 23000; say 8; END", "7 8", 0},
		{"exit", "BEGIN BEGIN DECLARE EXIT HANDLER FOR SQLSTATE '23000' BEGIN say 7; say 9; END; fail 1062 23000; say 8; END; say 1; END", "7 9 1", 0},
		{"exit leaves the handler's block, not the failing one", "BEGIN DECLARE EXIT HANDLER FOR 1 say 7; BEGIN fail 1 HY000; say 1; END; say 2; END", "7", 0},
		{"most specific handler", "BEGIN DECLARE CONTINUE HANDLER FOR SQLEXCEPTION say 1; DECLARE CONTINUE HANDLER FOR SQLSTATE '23000' say 2; DECLARE CONTINUE HANDLER FOR 1062 say 3; fail 1062 23000; END", "3", 0},
		{"innermost block first", "BEGIN DECLARE CONTINUE HANDLER FOR 1062 say 1; BEGIN DECLARE CONTINUE HANDLER FOR SQLEXCEPTION say 2; fail 1062 23000; END; END", "2", 0},
		{"a handler's own errors go outwards", "BEGIN DECLARE CONTINUE HANDLER FOR 2 say 2; BEGIN DECLARE CONTINUE HANDLER FOR SQLEXCEPTION fail 2 HY000; fail 1 HY000; say 3; END; END", "2 3", 0},
		{"a handler does not catch itself", "BEGIN DECLARE CONTINUE HANDLER FOR SQLEXCEPTION fail 2 HY000; fail 1 HY000; END", "", 2},
		{"unhandled", "BEGIN say 1; fail 1146 42S02; say 2; END", "1", 1146},
		{"warning", "BEGIN DECLARE CONTINUE HANDLER FOR SQLWARNING say 5; warn 1265; say 6; END", "5 6", 0},
		{"warning without a handler", "BEGIN warn 1265; say 6; END", "6", 0},
		{"cursor", "BEGIN DECLARE x, done INT DEFAULT 0; DECLARE c CURSOR FOR q; DECLARE CONTINUE HANDLER FOR NOT FOUND SET done = 1; OPEN c; l: LOOP FETCH c INTO x; IF done THEN LEAVE l; END IF; say x; END LOOP; CLOSE c; END", "1 2 3", 0},
		{"end of a cursor", "BEGIN DECLARE x INT; DECLARE c CURSOR FOR q; OPEN c; LOOP FETCH c INTO x; END LOOP; END", "", 1329},
		{"signal", "SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 77, MESSAGE_TEXT = 'x'", "", 77},
		{"resignal", "BEGIN DECLARE EXIT HANDLER FOR 1062 RESIGNAL SET MYSQL_ERRNO = 78; fail 1062 23000; END", "", 78},
		{"diagnostics", "BEGIN DECLARE n INT; DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN GET DIAGNOSTICS CONDITION 1 n = MYSQL_ERRNO, @s = RETURNED_SQLSTATE; END; fail 1062 23000; END", "@s=23000", 0},
		{"return in a procedure", "RETURN 1", "", 1313},
	} {
		p, err := Parse(test.body, nil, 0)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		h := &fakeHost{}
		err = NewMachine(p, h, nil).Run()
		var e *mysqlerr.Error
		if errors.As(err, &e); (e == nil) != (test.code == 0) || e != nil && e.Code != test.code {
			t.Errorf("%s: error %v, want %d", test.name, err, test.code)
		}
		if got := strings.Join(h.said, " "); got != test.said {
			t.Errorf("%s: %q, want %q", test.name, got, test.said)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for body, code := range map[string]mysqlerr.Code{
		"BEGIN":                                          1064,
		"BEGIN say 1 END":                                1064,
		"BEGIN LEAVE x; END":                             1308,
		"b: BEGIN ITERATE b; END":                        1308,
		"b: BEGIN b: LOOP say 1; END LOOP; END":          1309,
		"b: BEGIN END c":                                 1310,
		"BEGIN DECLARE x INT; DECLARE x INT; END":        1331,
		"BEGIN OPEN c; END":                              1324,
		"BEGIN DECLARE EXIT HANDLER FOR c SET @x=1; END": 1319,
		"BEGIN DECLARE EXIT HANDLER FOR 1062 SET @x=1; DECLARE c CURSOR FOR q; END":                 1338,
		"BEGIN DECLARE EXIT HANDLER FOR 1062 SET @x=1; DECLARE EXIT HANDLER FOR 1062 SET @x=1; END": 1413,
		"BEGIN DECLARE EXIT HANDLER FOR SQLSTATE '00000' SET @x=1; END":                             1407,
		"BEGIN DECLARE c CURSOR FOR q; DECLARE v INT; END":                                          1337,
		"SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a', MESSAGE_TEXT = 'b'":                        1641,
		"SIGNAL": 1064, "": 1064, ";": 1064, "x: say 1": 1064,
		strings.Repeat("BEGIN ", 300) + strings.Repeat("END; ", 300): 1064,
	} {
		if _, err := Parse(body, nil, 0); !mysqlerr.IsCode(err, code) {
			t.Errorf("%.60q: %v, want %d", body, err, code)
		}
	}
}

func TestParams(t *testing.T) {
	got, err := ParseParams("a INT, IN b DECIMAL(10, 2), OUT `c d` ENUM('x,y', 'z'), INOUT e VARCHAR(5) CHARSET utf8mb4", 0)
	want := []Param{{"IN", "a", "INT"}, {"IN", "b", "DECIMAL(10, 2)"}, {"OUT", "c d", "ENUM('x,y', 'z')"}, {"INOUT", "e", "VARCHAR(5) CHARSET utf8mb4"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatal(got, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("BEGIN DECLARE x INT DEFAULT 1; IF x THEN say 1; END IF; END")
	f.Add("l: LOOP FETCH c INTO x; END LOOP l")
	f.Fuzz(func(t *testing.T, body string) {
		_, _ = Parse(body, nil, 0)
		_, _ = ParseParams(body, 0)
	})
}
