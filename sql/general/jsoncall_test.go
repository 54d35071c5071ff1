package general

import (
	"testing"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// TestJSONNumbers: integers of 64 bits and floating-point numbers keep their values and kinds through columns, functions, casts and comparisons.
func TestJSONNumbers(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d")
	c.must("CREATE TABLE j (i int PRIMARY KEY, v json)")
	c.must(`INSERT INTO j VALUES (1, '{"id": 1234567890123456789, "u": 18446744073709551615, "d": 1e5, "w": 1.0}'), (2, '{"id": 1234567890123456788}')`)
	c.query("SELECT v FROM j WHERE i = 1", `{"d": 100000.0, "u": 18446744073709551615, "w": 1.0, "id": 1234567890123456789}`)
	c.query("SELECT i FROM j WHERE v->'$.id' = 1234567890123456788", "2")
	c.query("SELECT i FROM j WHERE v->'$.id' > 1234567890123456788", "1")
	c.query("SELECT i FROM j WHERE v->>'$.id' = '1234567890123456788'", "2")
	c.query("SELECT v->'$.u', CAST(v->'$.u' AS UNSIGNED), v->'$.w' + 1, v->'$.w' = 1 FROM j WHERE i = 1", "18446744073709551615\t18446744073709551615\t2\t1")
	c.query(`SELECT JSON_TYPE(v->'$.id'), JSON_TYPE(v->'$.u'), JSON_TYPE(v->'$.d'), JSON_TYPE('1e5'), JSON_TYPE('17179869184'), JSON_TYPE(CAST(1.5 AS JSON)), JSON_TYPE(NULL) FROM j WHERE i = 1`,
		"UNSIGNED INTEGER\tUNSIGNED INTEGER\tDOUBLE\tDOUBLE\tUNSIGNED INTEGER\tDECIMAL\tNULL")
	c.query(`SELECT CAST('1234567890123456789' AS JSON), CAST(9007199254740993 AS JSON), JSON_ARRAY(9007199254740993, 1e0, 18446744073709551615, 0.5), JSON_EXTRACT('[1.0, 1e100]', '$[*]')`,
		"1234567890123456789\t9007199254740993\t[9007199254740993, 1.0, 18446744073709551615, 0.5]\t[1.0, 1e100]")
	c.query(`SELECT JSON_SET(v, '$.id', v->'$.id'), JSON_CONTAINS(v, '1234567890123456789', '$.id'), JSON_CONTAINS(v, '1234567890123456788', '$.id'), 1234567890123456789 MEMBER OF (v->'$.id') FROM j WHERE i = 1`,
		`{"d": 100000.0, "u": 18446744073709551615, "w": 1.0, "id": 1234567890123456789}`+"\t1\t0\t1")
	c.query("SELECT JSON_ARRAYAGG(v->'$.id'), JSON_OBJECTAGG(i, v->'$.id') FROM j", `[1234567890123456789, 1234567890123456788]`+"\t"+`{"1": 1234567890123456789, "2": 1234567890123456788}`)
	c.query("SELECT JSON_ARRAYAGG(i), JSON_OBJECTAGG(i, i) FROM j WHERE i > 2", "NULL\tNULL")
	c.query("SELECT i, JSON_ARRAYAGG(v->'$.w') FROM j GROUP BY i ORDER BY i", "1\t[1.0]\n2\t[null]")
	c.query("SELECT a.i, b.i FROM j a JOIN j b ON a.v->'$.id' = b.v->'$.id' ORDER BY a.i", "1\t1\n2\t2")

	c.fails("CREATE TABLE f (v JSON DEFAULT '{}')", mysqlerr.ER_BLOB_CANT_HAVE_DEFAULT, "BLOB, TEXT, GEOMETRY or JSON column 'v' can't have a default value")
	c.must("CREATE TABLE g (i INT, v JSON DEFAULT ('{}'), w JSON DEFAULT NULL); INSERT INTO g (i) VALUES (1)")
	c.query("SELECT v, w FROM g", "{}\tNULL")
	c.fails(`INSERT INTO j VALUES (3, '{"a": 1')`, mysqlerr.ER_INVALID_JSON_TEXT, `Invalid JSON text: "Missing a comma or '}' after an object member." at position 7 in value for column 'j.v'.`)
	c.fails(`INSERT INTO j VALUES (3, '')`, mysqlerr.ER_INVALID_JSON_TEXT, `Invalid JSON text: "The document is empty." at position 0 in value for column 'j.v'.`)
	c.fails(`INSERT INTO j VALUES (3, 5)`, mysqlerr.ER_INVALID_JSON_TEXT, `Invalid JSON text: "not a JSON text, may need CAST" at position 0 in value for column 'j.v'.`)
	c.fails(`UPDATE j SET v = 'x' WHERE i = 1`, mysqlerr.ER_INVALID_JSON_TEXT, `Invalid JSON text: "Invalid value." at position 0 in value for column 'j.v'.`)
	c.fails(`SELECT CAST('[1' AS JSON)`, mysqlerr.ER_INVALID_JSON_TEXT_IN_PARAM, `Invalid JSON text in argument 1 to function cast_as_json: "Missing a comma or ']' after an array element." at position 2.`)
	c.fails(`SELECT JSON_TYPE('1e999')`, mysqlerr.ER_INVALID_JSON_TEXT_IN_PARAM, `Invalid JSON text in argument 1 to function json_type: "Number too big to be stored in double." at position 0.`)
}

// TestJSONCalls: functions that make and change documents, by the examples of the Reference Manual and at their edges.
func TestJSONCalls(t *testing.T) {
	c := newServer(t).client()
	c.must(`SET @j = '{ "a": 1, "b": [2, 3]}'`)
	c.query(`SELECT JSON_SET(@j, '$.a', 10, '$.c', '[true, false]'), JSON_INSERT(@j, '$.a', 10, '$.c', CAST('[true, false]' AS JSON)), JSON_REPLACE(@j, '$.a', 10, '$.c', 1)`,
		`{"a": 10, "b": [2, 3], "c": "[true, false]"}`+"\t"+`{"a": 1, "b": [2, 3], "c": [true, false]}`+"\t"+`{"a": 10, "b": [2, 3]}`)
	c.query(`SELECT JSON_REMOVE('["a", ["b", "c"], "d"]', '$[1]'), JSON_ARRAY_APPEND('["a", ["b", "c"], "d"]', '$[1][0]', 3), JSON_ARRAY_INSERT('["a", {"b": [1, 2]}, [3, 4]]', '$[0]', 'x', '$[2][1]', 'y')`,
		`["a", "d"]`+"\t"+`["a", [["b", 3], "c"], "d"]`+"\t"+`["x", "a", {"b": [1, 2]}, [3, 4]]`)
	c.query(`SELECT JSON_SET('[1, 2]', '$[last]', 9), JSON_SET('{"a b": 1}', '$."a b"', NULL), JSON_SET(NULL, '$.a', 1), JSON_SET('{}', NULL, 1)`, `[1, 9]`+"\t"+`{"a b": null}`+"\tNULL\tNULL")
	c.query(`SELECT JSON_MERGE_PATCH('{"a": 1, "b": 2}', '{"a": 3, "c": 4}', '{"b": null}'), JSON_MERGE_PATCH('1', '{"a": null}'), JSON_MERGE_PATCH(NULL, '[1]'), JSON_MERGE_PATCH('{}', NULL)`,
		`{"a": 3, "c": 4}`+"\t{}\t[1]\tNULL")
	c.query(`SELECT JSON_MERGE_PRESERVE('[1, 2]', '{"id": 47}'), JSON_MERGE_PRESERVE('{"a": 1}', '{"a": 3, "b": 2}'), JSON_MERGE_PRESERVE('1', 'true')`, `[1, 2, {"id": 47}]`+"\t"+`{"a": [1, 3], "b": 2}`+"\t[1, true]")
	c.query(`SELECT JSON_OVERLAPS('[1, 3]', '[3, 5]'), JSON_OVERLAPS('{"a": 1}', '{"a": 2}'), JSON_DEPTH('[10, {"a": 20}]'), JSON_LENGTH('{"a": 1, "b": {"c": 30}}', '$.b'), JSON_KEYS('{"bb": 1, "a": {}}'), JSON_VALID('{'), JSON_VALID(1)`,
		"1\t0\t3\t1\t[\"a\", \"bb\"]\t0\t0")
	c.query(`SELECT JSON_PRETTY('{"bb": [1, {}], "a": "<x>"}')`, "{\n  \"a\": \"<x>\",\n  \"bb\": [\n    1,\n    {}\n  ]\n}")
	c.fails("SELECT JSON_SET('[1, 2, 3]', '$[0 to 1]', 1)", mysqlerr.ER_INVALID_JSON_PATH_WILDCARD, "In this situation, path expressions may not contain the * and ** tokens or an array range.")
	c.fails("SELECT JSON_REMOVE('[1, 2, 3]', '$[*]')", mysqlerr.ER_INVALID_JSON_PATH_WILDCARD, "")
	c.fails("SELECT JSON_SET('[1', '$[0]', 1)", mysqlerr.ER_INVALID_JSON_TEXT_IN_PARAM, `Invalid JSON text in argument 1 to function json_set: "Missing a comma or ']' after an array element." at position 2.`)
	c.fails("SELECT JSON_SET('[1]', '$[0')", mysqlerr.ER_WRONG_PARAMCOUNT_TO_NATIVE_FCT, "")
}
