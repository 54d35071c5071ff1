package general

import (
	"strings"
	"testing"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// TestJSONValue has the manual's examples of JSON_VALUE, and its clauses.
func TestJSONValue(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d")
	c.must(`SET @j = '{"fname": "Joe", "item": "shoes", "price": "49.95", "n": 7, "list": [1, 2], "no": null}'`)
	c.query("SELECT JSON_VALUE(@j, '$.fname'), JSON_VALUE(@j, '$.n'), JSON_VALUE(@j, '$.x'), JSON_VALUE(@j, '$.no'), JSON_VALUE(@j, '$.list')", "Joe\t7\tNULL\tNULL\tNULL")
	c.query("SELECT JSON_VALUE(@j, '$.price' RETURNING DECIMAL(4,2)) AS price, JSON_VALUE(@j, '$.n' RETURNING SIGNED), JSON_VALUE(@j, '$.list' RETURNING JSON)", "49.95\t7\t[1, 2]")
	c.query("SELECT JSON_VALUE(@j, '$.x' RETURNING UNSIGNED DEFAULT 5 ON EMPTY ERROR ON ERROR), JSON_VALUE(@j, '$.item' RETURNING SIGNED DEFAULT -1 ON ERROR), JSON_VALUE(@j, '$.x' NULL ON EMPTY)", "5\t-1\tNULL")
	c.fails("SELECT JSON_VALUE(@j, '$.x' ERROR ON EMPTY)", mysqlerr.ER_MISSING_JSON_VALUE, "No value was found by 'json_value' on the specified path.")
	c.fails("SELECT JSON_VALUE(@j, '$.list[*]' ERROR ON ERROR)", mysqlerr.ER_MULTIPLE_JSON_VALUES, "More than one value was found by 'json_value' on the specified path.")
	c.fails("SELECT JSON_VALUE(@j, '$.item' RETURNING SIGNED ERROR ON ERROR)", mysqlerr.ER_INVALID_JSON_VALUE_FOR_CAST, "Invalid JSON value for CAST to INTEGER from column json_value at row 1")
	c.must("CREATE TABLE t (j JSON, g INT AS (JSON_VALUE(j, '$.id' RETURNING UNSIGNED)), KEY (g))")
	c.must(`INSERT INTO t (j) VALUES ('{"id": 5}'), ('{"id": 6}')`)
	c.query("SELECT g FROM t WHERE g = 5", "5")
	c.must("ALTER TABLE t ADD v CHAR(3) AS (JSON_VALUE(j, '$.x' RETURNING CHAR(3) DEFAULT 'a' ON EMPTY NULL ON ERROR)), ADD KEY k ((JSON_VALUE(j, '$.id' RETURNING UNSIGNED ERROR ON ERROR)))")
	shown := "json_value(`j`,'$.x' returning char(3) default 'a' on empty null on error)"
	if text := c.must("SHOW CREATE TABLE t").rows[0][1]; !strings.Contains(text, "AS (json_value(`j`,'$.id' returning unsigned))") || !strings.Contains(text, "AS ("+shown+")") ||
		!strings.Contains(text, "KEY `k` ((json_value(`j`,'$.id' returning unsigned error on error)))") {
		t.Error(text)
	} else {
		c.must("RENAME TABLE t TO old")
		c.must(text)
		c.must("INSERT INTO t (j) SELECT j FROM old")
	}
	c.query("SELECT DISTINCT v, GENERATION_EXPRESSION LIKE '%returning char(3) default%' FROM t, information_schema.columns WHERE table_schema = 'd' AND table_name = 't' AND column_name = 'v'", "a\t1")
	c.query("SELECT JSON_VALUE(j, '$.id') FROM t WHERE JSON_VALUE(j, '$.id' RETURNING UNSIGNED) > 5", "6")
}
