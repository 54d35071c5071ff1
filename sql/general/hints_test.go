package general

import (
	"strings"
	"testing"
)

// Hints that are wrong are warned of as MySQL does and change nothing; those that are right do what they say.
func TestHints(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d")
	c.must("CREATE TABLE a (id INT PRIMARY KEY, x INT, y INT, KEY ix (x), KEY iy (y)); CREATE TABLE b (id INT PRIMARY KEY, x INT)")
	c.must("INSERT INTO a VALUES (1, 1, 1), (2, 2, 2), (3, 3, 3); INSERT INTO b VALUES (1, 1), (2, 2)")
	for _, q := range []struct{ q, want string }{
		{"SELECT /*+ NO_ICP() */ 1", "1064 Optimizer hint syntax error near ') */ 1' at line 1"},
		{"SELECT /*+ FOO(a) BNL(a) */ 1 FROM a", "1064 Optimizer hint syntax error near 'FOO(a) BNL(a) */ 1 FROM a' at line 1"},
		{"SELECT /*+ BNL(a) NO_BNL(a) */ 1 FROM a", "3126 Hint NO_BNL(`a`@`select#1`) is ignored as conflicting/duplicated"},
		{"SELECT /*+ MERGE(z) */ 1 FROM a", "3128 Unresolved name `z`@`select#1` for MERGE hint"},
		{"SELECT /*+ INDEX(a nope) */ 1 FROM a", "3128 Unresolved name `a`@`select#1` `nope` for INDEX hint"},
		{"SELECT /*+ BKA(@q a) */ 1 FROM a", "3127 Query block name `q` is not found for BKA hint"},
		{"SELECT /*+ QB_NAME(q) BKA(@q a) MAX_EXECUTION_TIME(60000) SEMIJOIN(MATERIALIZATION) SET_VAR(sort_buffer_size=400000) */ 1 FROM a", ""},
		{"SELECT /*+ SET_VAR(nope=1) */ 1", "3128 Unresolved name 'nope' for SET_VAR hint"},
		{"SELECT /*+ SET_VAR(autocommit=1) */ 1", "3637 Variable 'autocommit' cannot be set using SET_VAR hint."},
		{"SELECT 1 FROM (SELECT /*+ MAX_EXECUTION_TIME(10) */ 1 AS z) AS y", "3125 MAX_EXECUTION_TIME hint is supported by top-level standalone SELECT statements only"},
		{"SELECT 1 FROM a WHERE EXISTS (SELECT /*+ NO_MERGE(a) NO_MERGE(b) */ 1 FROM b)", "3128 Unresolved name `a`@`select#2` for NO_MERGE hint"},
		{"SELECT /* a comment */ 1 /*+ here it is one */", ""},
	} {
		for range 2 { // parsed, and from the cache
			c.must(q.q)
			got := strings.ReplaceAll(strings.TrimSpace(strings.TrimPrefix(c.must("SHOW WARNINGS").String(), "Warning\t")), "\t", " ")
			if got != q.want {
				t.Errorf("%s:\n%q, want\n%q", q.q, got, q.want)
			}
		}
	}
	c.query("SELECT /*+ SET_VAR(group_concat_max_len=4) */ GROUP_CONCAT(x) FROM a", "1,2,")
	c.query("SELECT GROUP_CONCAT(x) FROM a", "1,2,3")
	c.query("SELECT @@group_concat_max_len", "1024")

	key := func(q, want string) {
		t.Helper()
		line, _, _ := strings.Cut(c.must("EXPLAIN "+q).String(), "\n")
		if cells := strings.Split(line, "\t"); len(cells) < 7 || cells[6] != want {
			t.Errorf("%s: %s, want key %s", q, line, want)
		}
	}
	key("SELECT * FROM a WHERE x = 1 AND y = 1", "ix")
	key("SELECT * FROM a USE INDEX (iy) WHERE x = 1 AND y = 1", "iy")
	key("SELECT * FROM a IGNORE INDEX (ix) WHERE x = 1 AND y = 1", "iy")
	key("SELECT * FROM a AS z IGNORE INDEX (ix, iy) WHERE x = 1 AND y = 1", "NULL")
	key("SELECT /*+ INDEX(a iy) */ * FROM a WHERE x = 1 AND y = 1", "iy")
	key("SELECT /*+ NO_INDEX(a ix) */ * FROM a WHERE x = 1 AND y = 1", "iy")
	key("SELECT /*+ NO_INDEX(a) */ * FROM a WHERE id = 1", "NULL")
	key("SELECT * FROM a USE INDEX (PRIM) WHERE id = 1", "PRIMARY")
	c.fails("SELECT * FROM a USE INDEX (nope) WHERE x = 1", 1176, "Key 'nope' doesn't exist in table 'a'")
	c.fails("SELECT * FROM a AS z FORCE INDEX (nope) JOIN b", 1176, "Key 'nope' doesn't exist in table 'z'")
	for q, want := range map[string]string{"JOIN_ORDER(b, a)": "b", "JOIN_ORDER(a, b)": "a", "JOIN_FIXED_ORDER()": "a", "JOIN_PREFIX(b)": "b", "JOIN_SUFFIX(b)": "a"} {
		line := c.must("EXPLAIN SELECT /*+ " + q + " */ * FROM a, b WHERE a.y = b.x").String()
		if cells := strings.Split(line, "\t"); len(cells) < 3 || cells[2] != want {
			t.Errorf("%s: %s, want %s first", q, line, want)
		}
	}
}
