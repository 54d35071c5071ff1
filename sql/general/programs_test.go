package general

import (
	"testing"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// What stored programs may not do is said when they are made.
func TestProgramsRefused(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE t (a INT)")
	for body, code := range map[string]mysqlerr.Code{
		"PROCEDURE p() RETURN 42":                                                         mysqlerr.ER_SP_BADRETURN,
		"TRIGGER g BEFORE INSERT ON t FOR EACH ROW RETURN 1":                              mysqlerr.ER_SP_BADRETURN,
		"PROCEDURE p() CHECK TABLE t":                                                     mysqlerr.ER_SP_BADSTATEMENT,
		"PROCEDURE p() HELP 'contents'":                                                   mysqlerr.ER_SP_BADSTATEMENT,
		"PROCEDURE p() HANDLER t OPEN":                                                    mysqlerr.ER_SP_BADSTATEMENT,
		"PROCEDURE p() ALTER VIEW v AS SELECT 1":                                          mysqlerr.ER_SP_BADSTATEMENT,
		"PROCEDURE p() BEGIN DECLARE c CURSOR FOR INSERT INTO t VALUES (1); OPEN c; END":  mysqlerr.ER_PARSE_ERROR,
		"PROCEDURE p() BEGIN DECLARE c CURSOR FOR SHOW TABLES; OPEN c; END":               mysqlerr.ER_PARSE_ERROR,
		"PROCEDURE p() BEGIN DECLARE x INT; DECLARE c CURSOR FOR SELECT 1 INTO x; END":    mysqlerr.ER_SP_BAD_CURSOR_SELECT,
		"PROCEDURE p() BEGIN DECLARE CONTINUE HANDLER FOR 0 SET @x = 0; END":              mysqlerr.ER_WRONG_VALUE,
		"FUNCTION f() RETURNS INT BEGIN FLUSH TABLES; RETURN 1; END":                      mysqlerr.ER_STMT_NOT_ALLOWED_IN_SF_OR_TRG,
		"FUNCTION f() RETURNS INT BEGIN DEALLOCATE PREPARE s; RETURN 1; END":              mysqlerr.ER_STMT_NOT_ALLOWED_IN_SF_OR_TRG,
		"FUNCTION f() RETURNS INT BEGIN COMMIT; PREPARE s FROM 'SELECT 1'; RETURN 1; END": mysqlerr.ER_STMT_NOT_ALLOWED_IN_SF_OR_TRG,
		"FUNCTION f() RETURNS INT BEGIN REPAIR TABLE t; RETURN 1; END":                    mysqlerr.ER_SP_NO_RETSET,
		"FUNCTION f() RETURNS INT BEGIN OPTIMIZE TABLE t; RETURN 1; END":                  mysqlerr.ER_SP_NO_RETSET,
		"FUNCTION f() RETURNS INT BEGIN SET SESSION autocommit = 0; RETURN 1; END":        mysqlerr.ER_SP_CANT_SET_AUTOCOMMIT,
		"FUNCTION f() RETURNS INT BEGIN SET @@autocommit = 0; RETURN 1; END":              mysqlerr.ER_SP_CANT_SET_AUTOCOMMIT,
		"TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET autocommit = 0":                    mysqlerr.ER_SP_CANT_SET_AUTOCOMMIT,
		"FUNCTION f() RETURNS INT BEGIN CREATE TABLE u (a INT); RETURN 1; END":            mysqlerr.ER_COMMIT_NOT_ALLOWED_IN_SF_OR_TRG,
	} {
		c.fails("CREATE "+body, code, "")
	}
	c.must("CREATE FUNCTION f() RETURNS INT BEGIN DECLARE n INT; DECLARE c CURSOR FOR WITH x AS (SELECT 7 AS k) SELECT k FROM x; SET @autocommit = 1; OPEN c; FETCH c INTO n; CLOSE c; RETURN n; END")
	c.query("SELECT f()", "7")
}

// CREATE TABLE ... SELECT in a program reads its variables; one of a temporary table leaves none where it fails.
func TestProgramsCreateFromQueries(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE t (id INT, v INT); INSERT INTO t VALUES (1, 10), (2, 20)")
	c.must("CREATE PROCEDURE p(n INT) BEGIN DECLARE k INT DEFAULT n + 1; CREATE TEMPORARY TABLE x AS SELECT *, n, k AS next FROM t WHERE id = n; CREATE TABLE y SELECT n AS z; END")
	c.must("CALL p(2)")
	c.query("SELECT * FROM x, y", "2\t20\t2\t3\t2")
	c.fails("CREATE TEMPORARY TABLE z (a TINYINT) SELECT 1000 AS a", mysqlerr.ER_WARN_DATA_OUT_OF_RANGE, "")
	c.must("CREATE TEMPORARY TABLE z (a INT)")
}
