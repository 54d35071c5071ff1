package general

import (
	"strings"
	"testing"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// SET timestamp is the time that statements see.
func TestTimestampVariable(t *testing.T) {
	c := newServer(t).client()
	c.must("SET time_zone = '+03:00'")
	c.must("SET timestamp = 1171346973.25")
	c.query("SELECT NOW(), NOW(6), CURDATE(), UNIX_TIMESTAMP(), @@timestamp, ADDTIME(NOW(), '1 01:01:01')",
		"2007-02-13 09:09:33\t2007-02-13 09:09:33.250000\t2007-02-13\t1171346973\t1171346973.25\t2007-02-14 10:10:34")
	c.must("SET timestamp = DEFAULT")
	c.query("SELECT NOW() > '2020-01-01', @@timestamp > 1600000000", "1\t1")
}

// A scope that a variable does not have is refused in a query as MySQL does; so is a table in a query that has none.
func TestVariableScopes(t *testing.T) {
	c := newServer(t).client()
	c.fails("SELECT @@session.innodb_io_capacity", mysqlerr.ER_INCORRECT_GLOBAL_LOCAL_VAR, "Variable 'innodb_io_capacity' is a GLOBAL variable")
	c.fails("SELECT @@global.error_count", mysqlerr.ER_INCORRECT_GLOBAL_LOCAL_VAR, "Variable 'error_count' is a SESSION variable")
	c.fails("SELECT autocommit = @@session.autocommit", mysqlerr.ER_BAD_FIELD_ERROR, "Unknown column 'autocommit' in 'field list'")
	c.query("SELECT (SELECT version FROM (SELECT 7 AS version) d), @@autocommit", "7\t1")
	c.fails("SELECT local.sort_buffer_size", mysqlerr.ER_UNKNOWN_TABLE, "Unknown table 'local' in field list")
	c.query("SELECT VARIABLE_NAME FROM information_schema.global_variables WHERE VARIABLE_NAME = 'PORT'", "PORT")
	c.query("SELECT VARIABLE_NAME FROM performance_schema.global_variables WHERE VARIABLE_NAME = 'PORT'", "port")
}

// Values are moved to a multiple of what the variable counts in; the old name of utf8mb3 is not shown.
func TestVariableValues(t *testing.T) {
	c := newServer(t).client()
	c.must("SET join_buffer_size = 1000")
	c.query("SHOW WARNINGS", "Warning\t1292\tTruncated incorrect join_buffer_size value: '1000'")
	c.query("SELECT @@join_buffer_size", "896")
	c.must("SET join_buffer_size = TRUE")
	c.query("SELECT @@join_buffer_size", "128")
	c.must("SET join_buffer_size = 1024")
	c.query("SHOW WARNINGS", "")
	for _, set := range []string{"innodb_deadlock_detect = 1.1", "innodb_deadlock_detect = 1e0", "innodb_stats_method = 1.0", "innodb_io_capacity = 2e3", "innodb_io_capacity = 200.0"} {
		name, _, _ := strings.Cut(set, " ")
		c.fails("SET GLOBAL "+set, mysqlerr.ER_WRONG_TYPE_FOR_VAR, "Incorrect argument type to variable '"+name+"'")
	}
	c.must("SET GLOBAL innodb_deadlock_detect = OFF; SET GLOBAL innodb_deadlock_detect = 1; SET GLOBAL innodb_stats_method = 1")
	c.query("SELECT @@innodb_deadlock_detect, @@innodb_stats_method", "1\tnulls_unequal")
	c.must("SET GLOBAL innodb_stats_method = DEFAULT")
	c.must("SET character_set_client = utf8, collation_connection = utf8_unicode_ci")
	c.query("SELECT @@character_set_client, @@collation_connection", "utf8mb3\tutf8mb3_unicode_ci")
}

// What SHOW DATABASES lists and calls it, and a DELETE that reaches across schemas.
func TestDatabases(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d; CREATE DATABASE two; CREATE TABLE t (a INT); CREATE TABLE two.u (a INT); INSERT INTO t VALUES (1), (2); INSERT INTO two.u VALUES (2), (3)")
	c.query("SHOW DATABASES", "d\ninformation_schema\nmysql\nperformance_schema\nsys\ntwo")
	c.query("SHOW DATABASES LIKE 't%'", "two")
	c.query("SHOW SCHEMAS WHERE `Database` > 'sys'", "two")
	c.must("DELETE t, two.u FROM t JOIN two.u ON t.a = u.a")
	c.query("SELECT * FROM t UNION ALL SELECT * FROM two.u", "1\n3")
}

// The message of a duplicate key prints values as a query would, BINARY without its filling.
func TestDuplicateValues(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE t (a TIME, b TIME(2), c BINARY(5), UNIQUE (a), UNIQUE (b), UNIQUE (c)); INSERT INTO t VALUES ('01:02:03', '01:02:03.45', 'ab')")
	c.fails("INSERT INTO t (a) VALUES ('01:02:03')", mysqlerr.ER_DUP_ENTRY, "Duplicate entry '01:02:03' for key 't.a'")
	c.fails("INSERT INTO t (b) VALUES ('01:02:03.45')", mysqlerr.ER_DUP_ENTRY, "Duplicate entry '01:02:03.45' for key 't.b'")
	c.fails("INSERT INTO t (c) VALUES ('ab')", mysqlerr.ER_DUP_ENTRY, "Duplicate entry 'ab' for key 't.c'")
}

// Forms of definitions and of DELETE that the library's grammar lacks or takes for something else.
func TestTableForms(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE forms")
	c.must("USE forms")
	c.must("CREATE TABLE sized (a INT PRIMARY KEY, b BLOB(100), c TEXT(300) CHARACTER SET latin1, d BLOB(70000), e TEXT(63))")
	c.query("SELECT GROUP_CONCAT(column_type ORDER BY ordinal_position) FROM information_schema.columns WHERE table_name = 'sized'", "int,tinyblob,text,mediumblob,tinytext")
	c.must("INSERT INTO sized (a) VALUES (1), (2)")
	c.must("DELETE QUICK FROM sized WHERE a = 1")
	c.must("CREATE TABLE keyed (a INT AUTO_INCREMENT KEY, b INT)")
	c.must("INSERT INTO keyed (b) VALUES (7)")
	c.query("SELECT a, b FROM keyed", "1\t7")
	c.must("INSERT INTO sized (a) VALUES (1)")
	c.must("DELETE keyed.*, sized.* FROM keyed, sized WHERE keyed.a = sized.a")
	c.query("SELECT COUNT(*) FROM keyed", "0")
	c.query("SHOW SCHEMAS LIKE 'for%'", "forms")
	c.query("SHOW CHARACTER SET LIKE 'koi8%'", "koi8r\tKOI8-R Relcom Russian\tkoi8r_general_ci\t1\nkoi8u\tKOI8-U Ukrainian\tkoi8u_general_ci\t1")
	c.query("SHOW COLLATION WHERE Charset = 'koi8r' AND `Default` = 'Yes'", "koi8r_general_ci\tkoi8r\t7\tYes\tYes\t1\tPAD SPACE")
	c.query("SELECT a FROM sized", "2")
}

// A row of a table without a key that several rows of a join name is deleted once; equal rows are different rows.
func TestDeleteJoinWithoutKey(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE twice")
	c.must("USE twice")
	c.must("CREATE TABLE t1 (a INT, b CHAR(8))")
	c.must("CREATE TABLE t2 (c CHAR(8), d INT)")
	c.must("INSERT INTO t1 VALUES (1, 'b'), (2, 'c'), (3, 'd')")
	c.must("INSERT INTO t2 VALUES ('a', 1), ('a', 1), ('b', 2), ('x', 3)")
	if a := c.must("DELETE t2 FROM t1, t2 WHERE c < b AND a + d != 1"); a.affected != 3 {
		t.Errorf("%d rows were deleted, want 3", a.affected)
	}
	c.query("SELECT * FROM t2", "x\t3")
}
