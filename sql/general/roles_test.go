package general

import (
	"context"
	"testing"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// as is a session of an account.
func (sv *server) as(user, host string) *client {
	sv.t.Helper()
	sv.n++
	c := &client{sv: sv}
	s, err := sv.e.NewSession(context.Background(), Login{ID: sv.n, User: user, Host: "localhost", AccountUser: user, AccountHost: host}, Hooks{Control: c.inRoutine})
	if err != nil {
		sv.t.Fatal(err)
	}
	c.s = s
	sv.t.Cleanup(s.Close)
	return c
}

func TestRoles(t *testing.T) {
	sv := newServer(t)
	root := sv.client()
	root.must("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY, v INT); INSERT INTO d.t VALUES (1, 10)")
	root.must("CREATE ROLE reader, writer@localhost, 'boss'; CREATE USER u@'%' IDENTIFIED BY 'x', w@'%' IDENTIFIED BY 'x'")
	root.must("GRANT SELECT ON d.* TO reader; GRANT INSERT, UPDATE ON d.t TO writer@localhost; GRANT reader TO boss; GRANT DELETE ON d.* TO boss")
	root.must("GRANT reader, boss TO u; GRANT writer@localhost TO u WITH ADMIN OPTION")
	root.fails("CREATE ROLE reader", mysqlerr.ER_CANNOT_USER, "Operation CREATE ROLE failed for 'reader'@'%'")
	root.fails("GRANT nobody TO u", mysqlerr.ER_UNKNOWN_AUTHID, "Unknown authorization ID `nobody`@`%`")
	root.fails("GRANT boss TO reader", mysqlerr.ER_ROLE_GRANTED_TO_ITSELF, "User account `reader`@`%` is directly or indirectly granted to the role `boss`@`%`. The GRANT would create a loop")

	u := sv.as("u", "%")
	u.query("SELECT CURRENT_ROLE()", "NONE")
	u.fails("SELECT v FROM d.t", mysqlerr.ER_TABLEACCESS_DENIED_ERROR, "")
	u.must("SET ROLE reader")
	u.query("SELECT CURRENT_ROLE(), v FROM d.t", "`reader`@`%`\t10")
	u.fails("UPDATE d.t SET v = 1", mysqlerr.ER_TABLEACCESS_DENIED_ERROR, "")
	u.must("SET ROLE ALL; UPDATE d.t SET v = 11 WHERE id = 1")
	u.query("SELECT CURRENT_ROLE()", "`boss`@`%`,`reader`@`%`,`writer`@`localhost`")
	u.must("SET ROLE ALL EXCEPT writer@localhost")
	u.query("SELECT CURRENT_ROLE()", "`boss`@`%`,`reader`@`%`")
	u.fails("UPDATE d.t SET v = 12", mysqlerr.ER_TABLEACCESS_DENIED_ERROR, "")
	u.must("SET ROLE boss")
	u.query("SELECT v FROM d.t", "11") // by the role that boss has
	u.query("SELECT * FROM information_schema.enabled_roles ORDER BY role_name", "boss\t%\tNO\tNO\nreader\t%\tNO\tNO")
	u.must("SET ROLE NONE")
	u.query("SELECT CURRENT_ROLE()", "NONE")
	u.fails("SET ROLE nobody", mysqlerr.ER_ROLE_NOT_GRANTED, "`nobody`@`%` is not granted to `u`@`%`")
	u.query("SELECT role_name, is_grantable, is_default FROM information_schema.applicable_roles ORDER BY role_name, grantee", "boss\tNO\tNO\nreader\tNO\tNO\nreader\tNO\tNO\nwriter\tYES\tNO")
	u.query("SELECT role_name FROM information_schema.administrable_role_authorizations", "writer")

	u.must("SET DEFAULT ROLE reader, boss TO u")
	u.query("SELECT CURRENT_ROLE()", "NONE")
	u.must("SET ROLE DEFAULT")
	u.query("SELECT CURRENT_ROLE()", "`boss`@`%`,`reader`@`%`")
	sv.as("u", "%").query("SELECT CURRENT_ROLE(), v FROM d.t", "`boss`@`%`,`reader`@`%`\t11")
	root.query("SELECT * FROM mysql.default_roles", "%\tu\t%\tboss\n%\tu\t%\treader")
	root.query("SELECT from_user, to_user, with_admin_option FROM mysql.role_edges ORDER BY 1, 2", "boss\tu\tN\nreader\tboss\tN\nreader\tu\tN\nwriter\tu\tY")
	root.fails("SET DEFAULT ROLE reader TO w", mysqlerr.ER_ROLE_NOT_GRANTED, "")
	root.fails("ALTER USER w DEFAULT ROLE reader", mysqlerr.ER_ROLE_NOT_GRANTED, "")
	root.fails("CREATE USER later DEFAULT ROLE nobody", mysqlerr.ER_UNKNOWN_AUTHID, "")
	root.must("CREATE USER later DEFAULT ROLE reader") // is granted it
	root.query("SELECT from_user FROM mysql.role_edges WHERE to_user = 'later'", "reader")
	root.must("GRANT reader TO later WITH ADMIN OPTION; GRANT reader TO later")
	root.query("SELECT from_user, with_admin_option FROM mysql.role_edges WHERE to_user = 'later'", "reader\tY")
	root.must("DROP USER later")
	sv.as("w", "%").fails("SET DEFAULT ROLE NONE TO u", mysqlerr.ER_SPECIFIC_ACCESS_DENIED_ERROR, "")

	root.query("SHOW GRANTS FOR u", "GRANT USAGE ON *.* TO `u`@`%`\nGRANT `boss`@`%`,`reader`@`%` TO `u`@`%`\nGRANT `writer`@`localhost` TO `u`@`%` WITH ADMIN OPTION")
	root.query("SHOW GRANTS FOR u USING reader, writer@localhost", "GRANT USAGE ON *.* TO `u`@`%`\nGRANT SELECT ON `d`.* TO `u`@`%`\nGRANT INSERT, UPDATE ON `d`.`t` TO `u`@`%`\n"+
		"GRANT `boss`@`%`,`reader`@`%` TO `u`@`%`\nGRANT `writer`@`localhost` TO `u`@`%` WITH ADMIN OPTION")
	u.query("SHOW GRANTS", "GRANT USAGE ON *.* TO `u`@`%`\nGRANT SELECT, DELETE ON `d`.* TO `u`@`%`\nGRANT `boss`@`%`,`reader`@`%` TO `u`@`%`\nGRANT `writer`@`localhost` TO `u`@`%` WITH ADMIN OPTION")
	root.fails("SHOW GRANTS FOR u USING nobody", mysqlerr.ER_ROLE_NOT_GRANTED, "`nobody`@`%` is not granted to `u`@`%`")
	root.fails("SHOW GRANTS FOR nobody", mysqlerr.ER_NONEXISTING_GRANT, "There is no such grant defined for user 'nobody' on host '%'")

	// What is revoked or dropped is gone at once, from sessions and from default roles.
	root.must("REVOKE reader FROM u")
	u.query("SELECT v FROM d.t", "11") // still through boss
	root.must("DROP ROLE boss")
	u.fails("SELECT v FROM d.t", mysqlerr.ER_TABLEACCESS_DENIED_ERROR, "")
	root.query("SELECT COUNT(*) FROM mysql.default_roles WHERE default_role_user = 'boss'", "0")

	root.must("SET GLOBAL activate_all_roles_on_login = ON")
	sv.as("u", "%").query("SELECT CURRENT_ROLE()", "`writer`@`localhost`")
	root.must("SET GLOBAL activate_all_roles_on_login = OFF; SET GLOBAL mandatory_roles = 'reader'")
	w := sv.as("w", "%")
	w.must("SET ROLE reader")
	w.query("SELECT v FROM d.t", "11")
	root.query("SHOW GRANTS FOR w", "GRANT USAGE ON *.* TO `w`@`%`\nGRANT `reader`@`%` TO `w`@`%`")
	root.fails("DROP ROLE reader", 3628, "The role `reader`@`%` is a mandatory role and can't be revoked or dropped. The restriction can be lifted by excluding the role identifier from the global variable mandatory_roles.")
	root.must("SET GLOBAL mandatory_roles = ''")
	w.fails("SELECT v FROM d.t", mysqlerr.ER_TABLEACCESS_DENIED_ERROR, "")

	// After a restart.
	if err := sv.e.loadPrivileges(context.Background()); err != nil {
		t.Fatal(err)
	}
	root.must("SET DEFAULT ROLE ALL TO u")
	sv.as("u", "%").query("SELECT CURRENT_ROLE()", "`writer`@`localhost`")
}

// The role of a definer's routine is the definer's, not the caller's.
func TestRolesOfDefiner(t *testing.T) {
	sv := newServer(t)
	root := sv.client()
	root.must("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY); INSERT INTO d.t VALUES (7); CREATE ROLE r; GRANT SELECT ON d.t TO r")
	root.must("CREATE USER def@'%' IDENTIFIED BY 'x', u@'%' IDENTIFIED BY 'x'; GRANT r TO def; SET DEFAULT ROLE r TO def; GRANT EXECUTE ON d.* TO u")
	root.must("CREATE DEFINER = def@'%' PROCEDURE d.p() SELECT id FROM d.t")
	u := sv.as("u", "%")
	u.query("CALL d.p()", "7")
	u.fails("SELECT id FROM d.t", mysqlerr.ER_TABLEACCESS_DENIED_ERROR, "")
	root.must("SET DEFAULT ROLE NONE TO def")
	u.fails("CALL d.p()", mysqlerr.ER_TABLEACCESS_DENIED_ERROR, "")
}
