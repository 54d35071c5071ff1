package general

import (
	"testing"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

func TestColumnPrivileges(t *testing.T) {
	sv := newServer(t)
	root := sv.client()
	root.must("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY, a INT, b INT, c INT, at TIMESTAMP NULL ON UPDATE CURRENT_TIMESTAMP)")
	root.must("CREATE TABLE d.o (id INT PRIMARY KEY, b INT); INSERT INTO d.t VALUES (1, 10, 20, 30, NULL); INSERT INTO d.o VALUES (1, 5)")
	root.must("CREATE USER u@'%' IDENTIFIED BY 'x'; GRANT SELECT (id, a), INSERT (id, b), UPDATE (b) ON d.t TO u; GRANT SELECT ON d.o TO u")

	u := sv.as("u", "%")
	denied := func(q, message string) {
		t.Helper()
		u.fails(q, mysqlerr.ER_COLUMNACCESS_DENIED_ERROR, message)
	}
	u.query("SELECT a FROM d.t WHERE id = 1", "10")
	u.query("SELECT COUNT(*) FROM d.t", "1")
	u.query("SELECT x.a, o.b FROM d.t AS x JOIN d.o ON o.id = x.id ORDER BY x.a", "10\t5")
	u.query("SELECT (SELECT MAX(a) FROM d.t)", "10")
	denied("SELECT * FROM d.t", "SELECT command denied to user 'u'@'%' for column 'b' in table 't'")
	denied("SELECT a FROM d.t WHERE b = 1", "SELECT command denied to user 'u'@'%' for column 'b' in table 't'")
	denied("SELECT a FROM d.t ORDER BY c", "SELECT command denied to user 'u'@'%' for column 'c' in table 't'")
	denied("SELECT x.c FROM d.t AS x", "SELECT command denied to user 'u'@'%' for column 'c' in table 't'")
	denied("SELECT 1 FROM d.o WHERE id IN (SELECT c FROM d.t)", "SELECT command denied to user 'u'@'%' for column 'c' in table 't'")
	denied("SELECT s.z FROM (SELECT c AS z FROM d.t) s", "SELECT command denied to user 'u'@'%' for column 'c' in table 't'")
	denied("WITH w AS (SELECT b FROM d.t) SELECT * FROM w", "SELECT command denied to user 'u'@'%' for column 'b' in table 't'")
	denied("SELECT id FROM d.o UNION SELECT c FROM d.t", "SELECT command denied to user 'u'@'%' for column 'c' in table 't'")
	denied("SELECT a FROM d.t GROUP BY a HAVING MAX(c) > 1", "SELECT command denied to user 'u'@'%' for column 'c' in table 't'")

	u.query("SELECT table_name, column_name, privileges FROM information_schema.columns WHERE table_schema = 'd' ORDER BY 1, ordinal_position",
		"o\tid\tselect\no\tb\tselect\nt\tid\tselect,insert\nt\ta\tselect\nt\tb\tinsert,update")

	u.must("INSERT INTO d.t (id, b) VALUES (2, 21)")
	denied("INSERT INTO d.t (id, a) VALUES (3, 1)", "INSERT command denied to user 'u'@'%' for column 'a' in table 't'")
	denied("INSERT INTO d.t VALUES (3, 1, 1, 1, NULL)", "INSERT command denied to user 'u'@'%' for column 'a' in table 't'")
	u.must("INSERT INTO d.t (id, b) VALUES (2, 22) ON DUPLICATE KEY UPDATE b = 22")
	denied("INSERT INTO d.t (id, b) VALUES (2, 22) ON DUPLICATE KEY UPDATE c = 1", "UPDATE command denied to user 'u'@'%' for column 'c' in table 't'")
	denied("INSERT INTO d.t (id, b) SELECT id + 5, c FROM d.t", "SELECT command denied to user 'u'@'%' for column 'c' in table 't'")

	u.must("UPDATE d.t SET b = a + 1 WHERE id = 1")
	root.query("SELECT b FROM d.t ORDER BY id", "11\n22")
	denied("UPDATE d.t SET a = 1 WHERE id = 1", "UPDATE command denied to user 'u'@'%' for column 'a' in table 't'")
	denied("UPDATE d.t SET b = c WHERE id = 1", "SELECT command denied to user 'u'@'%' for column 'c' in table 't'")
	denied("UPDATE d.t SET b = 1 WHERE c = 1", "SELECT command denied to user 'u'@'%' for column 'c' in table 't'")
	u.fails("DELETE FROM d.t WHERE id = 1", mysqlerr.ER_TABLEACCESS_DENIED_ERROR, "")

	u.must("USE d")
	u.query("SELECT a FROM t WHERE id = 1", "10")
	u.query("SHOW GRANTS", "GRANT USAGE ON *.* TO `u`@`%`\nGRANT SELECT ON `d`.`o` TO `u`@`%`\nGRANT SELECT (`a`, `id`), INSERT (`b`, `id`), UPDATE (`b`) ON `d`.`t` TO `u`@`%`")
	root.query("SELECT grantee, table_schema, table_name, column_name, privilege_type, is_grantable FROM information_schema.column_privileges WHERE table_name = 't' ORDER BY 5, 4",
		"'u'@'%'\td\tt\tb\tINSERT\tNO\n'u'@'%'\td\tt\tid\tINSERT\tNO\n'u'@'%'\td\tt\ta\tSELECT\tNO\n'u'@'%'\td\tt\tid\tSELECT\tNO\n'u'@'%'\td\tt\tb\tUPDATE\tNO")
	root.query("SELECT host, db, user, table_name, column_name, column_priv FROM mysql.columns_priv ORDER BY 5", "%\td\tu\tt\ta\tSelect\n%\td\tu\tt\tb\tInsert,Update\n%\td\tu\tt\tid\tSelect,Insert")
	root.must("REVOKE SELECT (a) ON d.t FROM u")
	denied("SELECT a FROM d.t", "SELECT command denied to user 'u'@'%' for column 'a' in table 't'")
	root.must("GRANT SELECT ON d.t TO u")
	u.query("SELECT c FROM d.t WHERE id = 1", "30")
}

// Privileges on one routine, of either kind.
func TestRoutinePrivileges(t *testing.T) {
	sv := newServer(t)
	root := sv.client()
	root.must("SET GLOBAL log_bin_trust_function_creators = 1; CREATE DATABASE d; USE d; CREATE FUNCTION f() RETURNS INT RETURN 7; CREATE PROCEDURE f() SELECT 8; CREATE USER u, v")
	u := sv.as("u", "%")
	u.fails("SELECT d.f()", 1370, "execute command denied to user 'u'@'%' for routine 'd.f'")
	root.must("GRANT EXECUTE, ALTER ROUTINE ON FUNCTION f TO u WITH GRANT OPTION")
	u.query("SELECT d.f()", "7")
	u.fails("CALL d.f()", 1370, "execute command denied to user 'u'@'%' for routine 'd.f'")
	u.query("SHOW GRANTS", "GRANT USAGE ON *.* TO `u`@`%`\nGRANT EXECUTE, ALTER ROUTINE ON FUNCTION `d`.`f` TO `u`@`%` WITH GRANT OPTION")
	u.must("GRANT EXECUTE ON FUNCTION d.F TO v")
	sv.as("v", "%").query("SELECT d.f()", "7")
	u.fails("GRANT EXECUTE ON PROCEDURE d.f TO v", 1370, "grant command denied to user 'u'@'%' for routine 'd.f'")
	root.must("GRANT ALL ON PROCEDURE d.f TO v; REVOKE EXECUTE ON FUNCTION d.f FROM v")
	sv.as("v", "%").query("CALL d.f()", "8")
	sv.as("v", "%").fails("SELECT d.f()", 1370, "execute command denied to user 'v'@'%' for routine 'd.f'")
	root.fails("REVOKE EXECUTE ON FUNCTION d.f FROM v", mysqlerr.ER_NONEXISTING_PROC_GRANT, "There is no such grant defined for user 'v' on host '%' on routine 'f'")
	root.fails("GRANT SELECT ON FUNCTION d.f TO u", mysqlerr.ER_ILLEGAL_GRANT_FOR_TABLE, "Illegal GRANT/REVOKE command; please consult the manual to see which privileges can be used")
	root.fails("GRANT EXECUTE ON FUNCTION d.g TO u", mysqlerr.ER_SP_DOES_NOT_EXIST, "FUNCTION d.g does not exist")
	root.fails("GRANT EXECUTE ON FUNCTION d.f TO nobody", mysqlerr.ER_CANT_CREATE_USER_WITH_GRANT, "You are not allowed to create a user with GRANT")
}
