package general

import "testing"

// The functions of sys, and those that take apart what is packed or quoted, answer as MySQL's.
func TestSysFunctions(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d")
	for q, want := range map[string]string{
		"SELECT sys.version_major(), sys.version_minor()":                                                        "8\t0",
		"SELECT sys.quote_identifier('a`b'), sys.list_add('A,B', 'C'), sys.list_drop('A,B,C', 'B')":              "`a``b`\tA,B,C\tA,C",
		"SELECT sys.extract_schema_from_file_name('/v/d/t.ibd'), sys.extract_table_from_file_name('/v/d/t.ibd')": "d\tt",
		"SELECT sys.format_time(3501), sys.format_bytes(2048), sys.ps_is_account_enabled('h', 'u')":              "3.50 ns\t2.00 KiB\tYES",
		"SELECT UNCOMPRESS(COMPRESS('abc')), UNCOMPRESS('abcdefghijkl'), UNCOMPRESS(''), UNCOMPRESS('ab')":       "abc\tNULL\t\tNULL",
		`SELECT HEX(JSON_UNQUOTE('"\\ud83d\\ude0a"')), JSON_UNQUOTE('"a\\tb"'), JSON_UNQUOTE('abc')`:             "F09F988A\ta\tb\tabc",
		`SELECT JSON_UNQUOTE(JSON_EXTRACT('{"a": "x"}', '$.a')), JSON_UNQUOTE('[1]'), JSON_UNQUOTE(NULL)`:        "x\t[1]\tNULL",
		"SELECT SOURCE_POS_WAIT('a', 1)": "NULL",
	} {
		c.query(q, want)
	}
	c.fails(`SELECT JSON_UNQUOTE('"\\ud83d"')`, 3141, "")
	c.must("CREATE FUNCTION list_add(a INT, b INT) RETURNS INT DETERMINISTIC RETURN a + b")
	c.query("SELECT list_add(1, 2)", "3")
}
