package general

import (
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
	c.fails("SELECT local.sort_buffer_size", mysqlerr.ER_UNKNOWN_TABLE, "Unknown table 'local' in field list")
	c.query("SELECT VARIABLE_NAME FROM information_schema.global_variables WHERE VARIABLE_NAME = 'PORT'", "port")
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
	c.query("SELECT a FROM sized", "2")
}
