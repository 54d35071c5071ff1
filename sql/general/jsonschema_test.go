package general

import (
	"testing"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// TestJSONStorage has the sizes that the manual tells.
func TestJSONStorage(t *testing.T) {
	c := newServer(t).client()
	c.query(`SELECT JSON_STORAGE_SIZE('[100, "sakila", [1, 3, 5], 425.05]'), JSON_STORAGE_SIZE('{"a": 1000, "b": "a", "c": "[1, 3, 5, 7]"}'),
		JSON_STORAGE_SIZE('{"a": 1000, "b": "wxyz", "c": "[1, 3, 5, 7]"}'), JSON_STORAGE_SIZE('[100, "json", [[10, 20, 30], 3, 5], 425.05]')`, "45\t44\t47\t56")
	c.query(`SELECT JSON_STORAGE_SIZE('100'), JSON_STORAGE_SIZE('"json"'), JSON_STORAGE_SIZE('{}'), JSON_STORAGE_SIZE(NULL), JSON_STORAGE_FREE('[1]')`, "3\t6\t5\tNULL\t0")
	c.query(`SELECT JSON_STORAGE_SIZE(CONCAT('["', REPEAT('x', 70000), '", 100000]'))`, "70022")
	c.fails("SELECT JSON_STORAGE_SIZE('[')", mysqlerr.ER_INVALID_JSON_TEXT_IN_PARAM, "")
}

// TestJSONSchema has the manual's example.
func TestJSONSchema(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d")
	c.must(`SET @schema = '{"id": "http://json-schema.org/geo", "$schema": "http://json-schema.org/draft-04/schema#", "description": "A geographical coordinate",
		"type": "object", "properties": {"latitude": {"type": "number", "minimum": -90, "maximum": 90}, "longitude": {"type": "number", "minimum": -180, "maximum": 180}},
		"required": ["latitude", "longitude"]}'`)
	c.query(`SELECT JSON_SCHEMA_VALID(@schema, '{"latitude": 63.444697, "longitude": 10.445118}'), JSON_SCHEMA_VALID(@schema, '{}'), JSON_SCHEMA_VALID(@schema, NULL), JSON_SCHEMA_VALID(NULL, '1')`,
		"1\t0\tNULL\tNULL")
	c.query(`SELECT JSON_SCHEMA_VALIDATION_REPORT(@schema, '{"latitude": 63.444697, "longitude": 310.445118}')`,
		`{"valid": false, "reason": "The JSON document location '#/longitude' failed requirement 'maximum' at JSON Schema location '#/properties/longitude'", "schema-location": "#/properties/longitude", "document-location": "#/longitude", "schema-failed-keyword": "maximum"}`)
	c.query(`SELECT JSON_UNQUOTE(JSON_EXTRACT(JSON_SCHEMA_VALIDATION_REPORT(@schema, '{"latitude": 1}'), '$."schema-failed-keyword"')), JSON_SCHEMA_VALIDATION_REPORT(@schema, '{"latitude": 1, "longitude": 2}')`,
		`required	{"valid": true}`)
	c.query(`SELECT JSON_SCHEMA_VALID('{"type": 5, "format": "date"}', '"x"'), JSON_SCHEMA_VALID('{"properties": {"a": {"$ref": "#/definitions/p"}}, "definitions": {"p": {"minimum": 1}}}', '{"a": 0}')`, "1\t0")
	c.fails(`SELECT JSON_SCHEMA_VALID('{"$ref": "http://example.com/x.json#"}', '1')`, mysqlerr.ER_NOT_SUPPORTED_YET, "")
	c.fails(`SELECT JSON_SCHEMA_VALID('[]', '1')`, mysqlerr.ER_INVALID_JSON_TYPE, "Invalid JSON type in argument 1 to function json_schema_valid; an object is required.")
	c.must(`CREATE TABLE geo (coordinate JSON, CHECK (JSON_SCHEMA_VALID('{"type": "object", "required": ["latitude"]}', coordinate)))`)
	c.must(`INSERT INTO geo VALUES ('{"latitude": 59}')`)
	c.query(`SELECT JSON_SCHEMA_VALID('{"items": {"type": "number"}}', JSON_ARRAY(1, 1.50, CAST('2020-01-01' AS DATE))), JSON_SCHEMA_VALID('{"items": {"type": "number"}}', JSON_ARRAY(1, 1.50))`, "0\t1")
	c.fails(`INSERT INTO geo VALUES ('{"x": 1}')`, mysqlerr.ER_CHECK_CONSTRAINT_VIOLATED, "")
}
