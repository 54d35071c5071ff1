package fastlane

import (
	"fmt"
	"testing"

	"github.com/zoryadb/zorya/sql/wire"
)

func show(q *Query) string {
	s := string(q.Digest) + " |"
	for i, a := range append(append([]Arg(nil), q.Args...), q.List...) {
		if i == len(q.Args) {
			s += " :"
		}
		switch {
		case a.Kind == ArgNull:
			s += " null"
		case a.Kind == ArgString:
			s += fmt.Sprintf(" %q", a.B)
		case a.Kind == ArgBinary:
			s += fmt.Sprintf(" binary%q", a.B)
		case a.Kind == ArgOther:
			s += " other"
		case a.Kind == ArgDecimal:
			s += " " + string(a.B)
		case a.Neg:
			s += fmt.Sprintf(" -%d", a.N)
		default:
			s += fmt.Sprintf(" %d", a.N)
		}
	}
	return s
}

func TestNormalize(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"SELECT c FROM t WHERE id=-5;", " SELECT c FROM t WHERE id = ? | -5"},
		{"SELECT c FROM t WHERE id BETWEEN 1 AND -2", " SELECT c FROM t WHERE id BETWEEN ? AND ? | 1 -2"},
		{"UPDATE t SET k=k-1 , c = 'a''b\\n' WHERE id=3", " UPDATE t SET k = k - ? , c = ? WHERE id = ? | 1 \"a'b\\n\" 3"},
		{"INSERT INTO t VALUES (1,'x'),(-2,NULL),\n(3,1.5)", " INSERT INTO t VALUES ( ? , ? ) { | : 1 \"x\" -2 null 3 1.5"},
		{"INSERT INTO t VALUES (1,'x'),( 2 , 'a\\'b' ),(-3,'c''d'),\n(4.5,NULL) , (0x41,_binary'y'),(5,'z')", " INSERT INTO t VALUES ( ? , ? ) { | : 1 \"x\" 2 \"a'b\" -3 \"c'd\" 4.5 null binary\"A\" binary\"y\" 5 \"z\""},
		{"INSERT INTO t VALUES (1),(2) ON DUPLICATE KEY UPDATE a = 7", " INSERT INTO t VALUES ( ? ) { ON DUPLICATE KEY UPDATE a = ? | 7 : 1 2"},
		{"INSERT INTO t VALUES (1),(2);", " INSERT INTO t VALUES ( ? ) { | : 1 2"},
		{"INSERT INTO t VALUES (1),(99999999999999999999),(3e1)", " INSERT INTO t VALUES ( ? ) { | : 1 other other"},
		{"INSERT INTO t VALUES (1),(2/**/),(3 -- x\n),(- 4),(null)", " INSERT INTO t VALUES ( ? ) { | : 1 2 3 -4 null"},
		{"SELECT c FROM t WHERE id in (1,2 , 3) and k=4", " SELECT c FROM t WHERE id IN ( ? { ) and k = ? | 4 : 1 2 3"},
		{"SELECT c FROM t WHERE (a,b) IN ((1,-2),(3,'x')) AND k IN (5)", " SELECT c FROM t WHERE ( a , b ) IN ( ( ? , ? ) { ) AND k IN ( ? { ) | : 1 -2 3 \"x\" 5"},
		{"INSERT INTO t (value) VALUES (1),(2) ON DUPLICATE KEY UPDATE a = VALUES(a) + 3", " INSERT INTO t ( value ) VALUES ( ? ) { ON DUPLICATE KEY UPDATE a = VALUES ( a ) + ? | 3 : 1 2"},
		{"UPDATE t SET value = NULL WHERE id = 1e3", " UPDATE t SET value = NULL WHERE id = ? | other"},
		{"SELECT /*+ JOIN_ORDER(a, b) */ 1 AS a FROM t LIMIT 1", "no"},
		{"SELECT /*+ SET_VAR(sort_buffer_size=1) */ a FROM t", "no"},
		{"SELECT c FROM t WHERE (a,b) IN ((1,2),(3))", "no"},
		{"SELECT c FROM t WHERE (a,b) IN ((1,2),3)", "no"},
		{"SELECT c FROM t WHERE (a,b) IN ((1,2),)", "no"},
		{"SELECT c FROM t WHERE (a,b) IN ((1,))", "no"},
		{"SELECT c FROM t WHERE a IN (1,2", "no"},
		{"INSERT t VALUES (1),(2,3)", "no"},
		{"INSERT t VALUES (1),(2),(3,4)", "no"},
		{"INSERT t VALUES (1),(2 + 3)", "no"},
		{"INSERT t VALUES (1-2),(3,4)", "no"},
		{"INSERT t VALUES (1),('a' 'b')", "no"},
		{"INSERT t VALUES (1),(NULLIF(1))", "no"},
		{"INSERT t VALUES (1),('a", "no"},
		{"INSERT t VALUES (0x1)", "no"},
		{"INSERT t VALUES (_binary 1)", "no"},
		{"INSERT t VALUES (1),", "no"},
		{"INSERT t VALUES (1),,(2)", "no"},
		{"INSERT t VALUES (1)(2)", "no"},
		{"SELECT 'a' 'b'", "no"},
		{"SELECT c FROM t WHERE id IN (1,,2)", "no"},
		{"SELECT c FROM t WHERE id IN (1,k)", "no"},
		{"SELECT c FROM t WHERE id IN ()", "no"},
		{"SELECT c FROM t WHERE id IN", "no"},
		{"SELECT @a", "no"},
		{"SELECT 1; SELECT 2", "no"},
		{"INSERT t VALUES (1) {", "no"},
		{"", "no"},
	} {
		var q Query
		got := "no"
		if q.Normalize([]byte(c.text), nil) {
			got = show(&q)
		}
		if got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.text, got, c.want)
		}
	}
	var q Query
	if !q.Normalize([]byte("SELECT c FROM t WHERE id=? AND k=?"), []wire.Param{wire.IntParam(-7), wire.StringParam("x")}) ||
		show(&q) != ` SELECT c FROM t WHERE id = ? AND k = ? | -7 "x"` {
		t.Error(show(&q))
	}
	if q.Normalize([]byte("SELECT ?"), nil) || q.Normalize([]byte("SELECT ?"), make([]wire.Param, 2)) {
		t.Error("wrong number of parameters")
	}
}

func TestShapes(t *testing.T) {
	for text, known := range map[string]bool{
		"SELECT c FROM sbtest1 WHERE id=1":                                  true,
		"SELECT c FROM db.t WHERE id BETWEEN 1 AND 2 ORDER BY c":            true,
		"SELECT DISTINCT c FROM t WHERE id BETWEEN 1 AND 2 ORDER BY c DESC": true,
		"SELECT SUM(k) FROM t WHERE id BETWEEN 1 AND 2":                     true,
		"SELECT COUNT(*) FROM t":                                            true,
		"SELECT * FROM t WHERE a = 1 AND (b = 'x') LIMIT 3 FOR UPDATE":      true,
		"SELECT `a`, b FROM t WHERE id IN (1,2) LIMIT 1, 2":                 true,
		"INSERT INTO t (a, b) VALUES (1, 'x'), (2, 'y')":                    true,
		"UPDATE t SET a = a + 1, b = 'x' WHERE id = 1":                      true,
		"DELETE FROM t WHERE id = 1":                                        true,
		"begin":                                                             true,
		"START TRANSACTION":                                                 true,
		"START TRANSACTION READ ONLY":                                       false,
		"COMMIT AND CHAIN":                                                  false,
		"ROLLBACK TO a":                                                     false,
		"UPDATE t SET a = 1":                                                false,
		"DELETE FROM t":                                                     false,
		"SELECT c FROM t WHERE id = 1 OR id = 2":                            true,
		"SELECT c FROM t WHERE id = 1 GROUP BY c":                           true,
		"SELECT c AS d FROM t":                                              true,
		"SELECT c FROM t, u":                                                true,
		"SELECT t.*, u.a FROM d.t AS t INNER JOIN u ON (t.a = u.b) WHERE u.c IN (1,2) AND (t.d = 'x' OR t.d > 'y' AND t.e IS NULL) ORDER BY u.c": true,
		"SELECT c FROM t RIGHT JOIN u ON t.a = u.a":                       true,
		"SELECT COUNT(DISTINCT (a)) x FROM t, u WHERE t.a < ? - 20":       false, // no parameters here
		"SELECT COUNT(DISTINCT (a)) x FROM t, u WHERE t.a < 9 - 20":       true,
		"SELECT MIN(a), MAX(b), AVG(c) FROM t":                            true,
		"SELECT SUM(DISTINCT a) FROM t":                                   false,
		"SELECT c FROM t WHERE NOT a = 1":                                 true,
		"SELECT c FROM t WHERE a LIKE 'x'":                                true,
		"SELECT c FROM t WHERE a = (SELECT 1)":                            false,
		"SELECT c FROM t HAVING c > 1":                                    false,
		"SELECT c FROM t FOR UPDATE SKIP LOCKED":                          false,
		"UPDATE t SET a = (b + 1) * 2, c = NULL WHERE (a, b) IN ((1, 2))": true,
		"UPDATE t, u SET t.a = 1 WHERE t.a = u.a":                         false,
		"UPDATE t SET a = 1 WHERE b = 2 ORDER BY c LIMIT 1":               true,
		"UPDATE t SET a = 1 WHERE b = 2 LIMIT 1, 2":                       false,
		"DELETE FROM t WHERE a BETWEEN 1 AND 2":                           true,
		"DELETE t FROM t WHERE a = 1":                                     false,
		"INSERT IGNORE INTO t VALUES (1)":                                 true,
		"REPLACE IGNORE INTO t VALUES (1)":                                false,
		"INSERT IGNORE INTO t VALUES (1) ON DUPLICATE KEY UPDATE a = 1":   false,
		"SELECT COUNT(1), COUNT( 2 ) FROM t":                              true,
		"SELECT NOW()":                                                    false,
		"SELECT current_timestamp FROM t":                                 false,
		"INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE a = VALUES(a)":  true,
		"INSERT INTO t VALUES (DEFAULT)":                                  false,
		"REPLACE INTO t VALUES (1)":                                       true,
		"REPLACE INTO t VALUES (1) ON DUPLICATE KEY UPDATE a = 1":         false,
		"SELECT c FROM t WHERE id = 1 INTO OUTFILE 'x'":                   false,
	} {
		var q Query
		if got := q.Normalize([]byte(text), nil) && parseShape(q.Digest) != nil; got != known {
			t.Errorf("%s: known %v", text, got)
		}
	}
}

// FuzzNormalize: any text is normalised or declined, and a digest parses without panic.
func FuzzNormalize(f *testing.F) {
	f.Add([]byte("INSERT t VALUES (1,'a'),(2,'b')"))
	f.Add([]byte("SELECT c FROM t WHERE id IN (1,-2)"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var q Query
		if q.Normalize(text, nil) {
			parseShape(q.Digest)
		}
	})
}

// A template filled with parameters is the statement that its text and they make, each time; connections share it.
func TestTemplate(t *testing.T) {
	l := New()
	for _, c := range []struct {
		text   string
		params int
	}{
		{"SELECT c FROM t WHERE id = ? AND s = 'x\\'y' LIMIT 5", 1},
		{"SELECT c FROM t WHERE (a, b) IN ((1, ?), (?, 4)) AND c IN (?, ?) AND d > ?", 5},
		{"INSERT INTO t (a, b) VALUES (?, 7), (?, ?)", 3},
		{"SELECT @a, ?", -1}, // none for this lane
		{"INSERT INTO t (a, b) VALUES (?, NULL), (?, 'q') ON DUPLICATE KEY UPDATE b = ? + 1", 3},
		{"UPDATE t SET a = a + ?, b = -3 WHERE id = ?", 2},
		{"SELECT 1", 0},
	} {
		tm := l.Template([]byte(c.text))
		var want, got Query
		params := make([]wire.Param, max(c.params, 0))
		for round := range 2 {
			for i := range params {
				params[i] = wire.IntParam(int64(100*round + i - 1))
			}
			ok := want.Normalize([]byte(c.text), params)
			if ok != (tm != nil) {
				t.Fatalf("%s: a template %v, normalised %v", c.text, tm, ok)
			}
			if !ok {
				continue
			}
			if !got.Fill(tm, params) || tm.Params() != c.params || string(tm.Text()) != c.text {
				t.Fatalf("%s: %d parameters of %q", c.text, tm.Params(), tm.Text())
			}
			if st := l.Lookup(&want, "db", 0); st != l.LookupTemplate(tm, "db", 0) || st == l.LookupTemplate(tm, "other", 0) {
				t.Errorf("%s: another statement", c.text)
			}
			if fmt.Sprint(got.Args, got.List, got.Lists, got.Groups) != fmt.Sprint(want.Args, want.List, want.Lists, want.Groups) {
				t.Errorf("%s:\n%v\nwant\n%v", c.text, got, want)
			}
			if got.Fill(tm, append(params, wire.IntParam(1))) {
				t.Errorf("%s takes one parameter too many", c.text)
			}
		}
		if tm != nil && l.Template([]byte(c.text)) != tm {
			t.Errorf("%s has two templates", c.text)
		}
	}
}
