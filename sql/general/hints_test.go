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
		{"SELECT /*+ QB_NAME(q) NO_BKA(@q a) MAX_EXECUTION_TIME(60000) NO_SEMIJOIN() NO_ICP(a) NO_MRR(a) NO_SKIP_SCAN(a) NO_INDEX_MERGE(a) NO_MERGE(a) RESOURCE_GROUP(USR_default) SET_VAR(sort_buffer_size=400000) */ 1 FROM a", ""},
		{"SELECT /*+ BKA(a) */ 1 FROM a", "1235 This version of MySQL doesn't yet support 'BKA hint'"},
		{"SELECT /*+ INDEX_MERGE(a ix, iy) */ 1 FROM a", "1235 This version of MySQL doesn't yet support 'INDEX_MERGE hint'"},
		{"SELECT /*+ SEMIJOIN(LOOSESCAN) */ 1 FROM a", "1235 This version of MySQL doesn't yet support 'SEMIJOIN hint'"},
		{"SELECT /*+ SEMIJOIN() BNL() HASH_JOIN() DERIVED_CONDITION_PUSHDOWN() */ 1 FROM a", ""},
		{"SELECT /*+ RESOURCE_GROUP(g) */ 1 FROM a", "3651 Resource Group 'g' does not exist."},
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
	key("SELECT * FROM a USE INDEX FOR JOIN (iy) WHERE x = 1 AND y = 1", "iy")
	key("SELECT * FROM a USE KEY (iy) IGNORE KEY (ix) WHERE x = 1 AND y = 1", "iy")
	key("SELECT * FROM a USE INDEX (ix) USE INDEX (iy) WHERE y = 1", "iy")
	key("SELECT * FROM a USE INDEX () WHERE x = 1", "NULL")
	key("SELECT * FROM a IGNORE INDEX FOR ORDER BY (ix) WHERE x = 1", "ix")
	key("SELECT * FROM a IGNORE INDEX FOR GROUP BY (ix) WHERE x = 1", "ix")
	key("SELECT x FROM a FORCE INDEX (ix) ORDER BY x", "ix")
	key("SELECT x FROM a IGNORE INDEX FOR ORDER BY (ix) ORDER BY x", "NULL")
	key("SELECT x FROM a IGNORE INDEX FOR JOIN (ix) ORDER BY x", "ix")
	key("SELECT /*+ NO_ORDER_INDEX(a ix) */ x FROM a ORDER BY x", "NULL")
	key("SELECT /*+ NO_JOIN_INDEX(a ix) */ x FROM a ORDER BY x", "ix")
	key("SELECT /*+ NO_GROUP_INDEX(a ix) */ x FROM a WHERE x = 1", "ix")
	c.fails("SELECT * FROM a USE INDEX FOR ORDER BY (nope)", 1176, "Key 'nope' doesn't exist in table 'a'")

	has := func(q, part string, want bool) {
		t.Helper()
		if got := c.must("EXPLAIN " + q).String(); strings.Contains(got, part) != want {
			t.Errorf("%s:\n%s\n%q: %v, want %v", q, got, part, !want, want)
		}
	}
	has("SELECT * FROM a JOIN b ON a.y = b.x", "hash join", true)
	has("SELECT /*+ NO_BNL(a, b) */ * FROM a JOIN b ON a.y + 0 = b.x", "hash join", false)
	has("SELECT /*+ NO_HASH_JOIN() */ * FROM a JOIN b ON a.y = b.x", "hash join", false)
	has("SELECT * FROM a WHERE y IN (SELECT x FROM b)", "SUBQUERY", false)
	has("SELECT * FROM a WHERE y IN (SELECT /*+ NO_SEMIJOIN() */ x FROM b)", "SUBQUERY", true)
	has("SELECT /*+ NO_SEMIJOIN(@q) */ * FROM a WHERE EXISTS (SELECT /*+ QB_NAME(q) */ 1 FROM b WHERE b.x = a.y)", "SUBQUERY", true)
	has("SELECT * FROM a WHERE y IN (SELECT /*+ SUBQUERY(MATERIALIZATION) */ x FROM b)", "SUBQUERY", true)
	for q, want := range map[string]string{"JOIN_ORDER(b, a)": "b", "JOIN_ORDER(a, b)": "a", "JOIN_FIXED_ORDER()": "a", "JOIN_PREFIX(b)": "b", "JOIN_SUFFIX(b)": "a"} {
		line := c.must("EXPLAIN SELECT /*+ " + q + " */ * FROM a, b WHERE a.y = b.x").String()
		if cells := strings.Split(line, "\t"); len(cells) < 3 || cells[2] != want {
			t.Errorf("%s: %s, want %s first", q, line, want)
		}
	}
	for q, want := range map[string]string{
		"SELECT STRAIGHT_JOIN a.id FROM a JOIN b ON a.id = b.id JOIN b c ON c.id = a.id": "abc", "SELECT STRAIGHT_JOIN a.id FROM b JOIN b c ON b.id = c.id JOIN a ON c.id = a.id": "bca",
		"SELECT a.id FROM a STRAIGHT_JOIN b ON a.id = b.id JOIN b c ON c.id = b.id": "abc", "SELECT a.id FROM b c STRAIGHT_JOIN a ON c.id = a.id STRAIGHT_JOIN b ON b.id = a.id": "cab",
	} {
		got := ""
		for _, line := range strings.Split(c.must("EXPLAIN "+q).String(), "\n") {
			if f := strings.Split(line, "\t"); len(f) > 2 {
				got += f[2]
			}
		}
		if got != want {
			t.Errorf("%s is joined as %s, want %s", q, got, want)
		}
	}
}
