package general

import (
	"testing"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// TestJSONPaths: last, ranges, **, and scalars as arrays of one element, in each function that reads by a path.
func TestJSONPaths(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d")
	c.must("CREATE TABLE j (i int PRIMARY KEY, v json)")
	c.must(`INSERT INTO j VALUES (1, '[1, 2, [3, {"a": 4}]]'), (2, '{"a": 5}'), (3, NULL)`)
	c.query("SELECT i, v->'$[last]', JSON_EXTRACT(v, '$[0 to 1]'), v->>'$**.a', JSON_EXTRACT(v, '$.a', '$.b') FROM j",
		`1	[3, {"a": 4}]	[1, 2]	[4]	NULL`+"\n"+`2	{"a": 5}	[{"a": 5}]	[5]	[5]`+"\n"+"3\tNULL\tNULL\tNULL\tNULL")
	c.query("SELECT i FROM j WHERE v->'$[last][last].a' = 4", "1")
	c.query("SELECT i, JSON_LENGTH(v, '$[last]'), JSON_CONTAINS(v, '3', '$[last]'), JSON_KEYS(v, '$[0]'), JSON_CONTAINS_PATH(v, 'one', '$**.a', '$.x') FROM j",
		"1\t2\t1\tNULL\t1\n2\t1\t0\t[\"a\"]\t1\n3\tNULL\tNULL\tNULL\tNULL")
	c.must(`SET @j = '["abc", [{"k": "10"}, "def"], {"x":"abc"}, {"y z":"bcd"}]'`)
	c.query("SELECT JSON_SEARCH(@j, 'one', 'abc'), JSON_SEARCH(@j, 'all', 'abc'), JSON_SEARCH(@j, 'all', '10', NULL, '$**.k'), JSON_SEARCH(@j, 'all', '%b%', NULL, '$[last]'), JSON_SEARCH(@j, 'all', 'ABC')",
		`"$[0]"	["$[0]", "$[2].x"]	"$[1][0].k"	"$[3].\"y z\""	NULL`)

	c.fails("SELECT JSON_EXTRACT('[]', '$.a[')", mysqlerr.ER_INVALID_JSON_PATH, "Invalid JSON path expression. The error is around character position 4.")
	c.fails("SELECT JSON_LENGTH('[]', '$[*]')", mysqlerr.ER_INVALID_JSON_PATH_WILDCARD, "")
	c.fails("SELECT JSON_EXTRACT('[1, 2', '$')", mysqlerr.ER_INVALID_JSON_TEXT_IN_PARAM, `Invalid JSON text in argument 1 to function json_extract: "Missing a comma or ']' after an array element." at position 5.`)
	c.fails("SELECT JSON_CONTAINS_PATH('[]', 'some', '$')", mysqlerr.ER_JSON_BAD_ONE_OR_ALL_ARG, "The oneOrAll argument to json_contains_path may take these values: 'one' or 'all'.")
	c.fails("SELECT JSON_OBJECT(NULL, 1)", mysqlerr.ER_JSON_DOCUMENT_NULL_KEY, "")
	c.fails("SELECT JSON_REMOVE('[1]', '$')", mysqlerr.ER_JSON_VACUOUS_PATH, "")
	c.fails("SELECT JSON_ARRAY_INSERT('[1]', '$.a', 1)", mysqlerr.ER_INVALID_JSON_PATH_ARRAY_CELL, "")
}
