package fastlane

import (
	"fmt"
	"testing"

	"github.com/zoryadb/zorya/sql/wire"
)

func show(q *Query) string {
	s := string(q.Digest) + " |"
	for _, a := range q.Args {
		switch {
		case a.Kind == ArgNull:
			s += " null"
		case a.Kind == ArgString:
			s += fmt.Sprintf(" %q", a.B)
		case a.Kind == ArgOther:
			s += " other"
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
		{"INSERT INTO t VALUES (1,'x'),(-2,NULL),\n(3,1.5)", " INSERT INTO t VALUES ( ? , ? ) { | 1 \"x\" -2 null 3 other"},
		{"SELECT c FROM t WHERE id in (1,2 , 3) and k=4", " SELECT c FROM t WHERE id IN ( ? { ) and k = ? | 1 2 3 4"},
		{"INSERT t VALUES (1),(2,3)", "no"},
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
		"SELECT c FROM t WHERE id = 1 OR id = 2":                            false,
		"SELECT c FROM t WHERE id = 1 GROUP BY c":                           false,
		"SELECT c AS d FROM t":                                              false,
		"SELECT c FROM t, u":                                                false,
		"SELECT NOW()":                                                      false,
		"SELECT current_timestamp FROM t":                                   false,
		"INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE a = VALUES(a)":    false,
		"INSERT INTO t VALUES (DEFAULT)":                                    false,
		"REPLACE INTO t VALUES (1)":                                         false,
		"SELECT c FROM t WHERE id = 1 INTO OUTFILE 'x'":                     false,
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
