package general

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/wire"
)

func TestPasswordHistory(t *testing.T) {
	sv := newServer(t)
	c := sv.client()
	c.must("CREATE USER u@'%' IDENTIFIED WITH mysql_native_password BY 'a' PASSWORD HISTORY 2 PASSWORD REUSE INTERVAL DEFAULT")
	const refused = "Cannot use these credentials for 'u@%' because they contradict the password history policy"
	c.fails("ALTER USER u IDENTIFIED BY 'a'", mysqlerr.ER_CREDENTIALS_CONTRADICT_TO_HISTORY, refused)
	c.must("ALTER USER u IDENTIFIED BY 'b'")
	c.fails("SET PASSWORD FOR u = 'a'", mysqlerr.ER_CREDENTIALS_CONTRADICT_TO_HISTORY, refused)
	c.must("ALTER USER u IDENTIFIED BY 'c'; SET PASSWORD FOR u = 'a'")
	if got := c.must("SELECT COUNT(*) FROM mysql.password_history WHERE User = 'u' AND Host = '%'").String(); !strings.Contains(got, "2") {
		t.Error(got)
	}
	c.must("ALTER USER u PASSWORD HISTORY 0 PASSWORD REUSE INTERVAL 3 DAY")
	c.fails("ALTER USER u IDENTIFIED BY 'c'", mysqlerr.ER_CREDENTIALS_CONTRADICT_TO_HISTORY, "")
	c.must("ALTER USER u PASSWORD REUSE INTERVAL 0 DAY; ALTER USER u IDENTIFIED BY 'c'")
	if got := c.must("SELECT COUNT(*) FROM mysql.password_history").String(); !strings.Contains(got, "0") {
		t.Error("nothing needs them:", got)
	}
	c.must("SET GLOBAL password_history = 1")
	t.Cleanup(func() { c.must("SET GLOBAL password_history = 0") })
	c.must("ALTER USER u PASSWORD HISTORY DEFAULT PASSWORD REUSE INTERVAL DEFAULT; ALTER USER u IDENTIFIED BY 'd'")
	c.fails("ALTER USER u IDENTIFIED BY 'd'", mysqlerr.ER_CREDENTIALS_CONTRADICT_TO_HISTORY, "")
	c.must("ALTER USER u IDENTIFIED WITH caching_sha2_password BY 'd'") // another plugin begins a new history
	c.fails("ALTER USER u IDENTIFIED BY 'd'", mysqlerr.ER_CREDENTIALS_CONTRADICT_TO_HISTORY, "")
}

// Which former passwords a policy keeps.
func TestBarred(t *testing.T) {
	now := time.Unix(1e9, 0)
	former := []oldPassword{{"d", now.Add(-time.Hour)}, {"c", now.Add(-25 * time.Hour)}, {"b", now.Add(-50 * time.Hour)}, {"a", now.Add(-100 * time.Hour)}}
	for _, x := range []struct {
		changes, days int64
		want          int
	}{{0, 0, 0}, {1, 0, 1}, {3, 0, 3}, {9, 0, 4}, {0, 1, 1}, {0, 2, 2}, {0, 3, 3}, {3, 1, 3}, {1, 3, 3}} {
		if got := barred(former, x.changes, x.days, now); got != x.want {
			t.Errorf("%d changes, %d days: %d, not %d", x.changes, x.days, got, x.want)
		}
	}
}

func TestCurrentAndDualPasswords(t *testing.T) {
	sv := newServer(t)
	c := sv.client()
	c.must("CREATE USER u@'%' IDENTIFIED BY 'one' PASSWORD REQUIRE CURRENT; CREATE USER v@'%' IDENTIFIED BY 'v'")
	u := sv.as("u", "%")
	u.fails("SET PASSWORD = 'two'", 3892, "Current password needs to be specified in the REPLACE clause in order to change it.")
	u.fails("ALTER USER USER() IDENTIFIED BY 'two' REPLACE 'wrong'", 3891, "Incorrect current password. Specify the correct password which has to be replaced.")
	u.must("ALTER USER u IDENTIFIED BY 'two' REPLACE 'one'")
	c.fails("ALTER USER u IDENTIFIED BY 'x' REPLACE 'two'", 3893, "Do not specify the current password while changing it for other users.")
	c.must("ALTER USER u PASSWORD REQUIRE CURRENT OPTIONAL")
	u.must("SET PASSWORD = 'three' REPLACE 'two'; SET PASSWORD = 'four'")

	u.fails("SET PASSWORD = 'five' RETAIN CURRENT PASSWORD", mysqlerr.ER_SPECIFIC_ACCESS_DENIED_ERROR, "")
	u.fails("ALTER USER v IDENTIFIED BY 'mine'", mysqlerr.ER_SPECIFIC_ACCESS_DENIED_ERROR, "")
	c.must("GRANT APPLICATION_PASSWORD_ADMIN ON *.* TO u")
	sv.as("u", "%").must("SET PASSWORD = 'five' RETAIN CURRENT PASSWORD")
	a, _ := sv.e.Lookup("u", "h")
	if !wire.VerifyPassword(a.Plugin, a.AuthString, "five") || !wire.VerifyPassword(a.Plugin, a.Secondary, "four") {
		t.Errorf("%+v", a)
	}
	c.must("ALTER USER u IDENTIFIED BY 'six'")
	if b, _ := sv.e.Lookup("u", "h"); b.Secondary != a.Secondary {
		t.Error("a new primary password leaves the secondary one")
	}
	c.must("ALTER USER u DISCARD OLD PASSWORD")
	if a, _ = sv.e.Lookup("u", "h"); a.Secondary != "" {
		t.Error("it was discarded")
	}
	c.fails("ALTER USER u IDENTIFIED BY '' RETAIN CURRENT PASSWORD", 3895, "")
	c.fails("ALTER USER u IDENTIFIED WITH mysql_native_password BY 'x' RETAIN CURRENT PASSWORD", 3894, "")
	c.must("ALTER USER v IDENTIFIED BY ''")
	c.fails("ALTER USER v IDENTIFIED BY 'x' RETAIN CURRENT PASSWORD", 3878, "Empty password can not be retained as second password for user 'v'@'%'.")
}

func TestRandomPassword(t *testing.T) {
	sv := newServer(t)
	c := sv.client()
	a := c.must("CREATE USER u@'%' IDENTIFIED BY RANDOM PASSWORD, v@localhost IDENTIFIED WITH mysql_native_password BY RANDOM PASSWORD")
	if len(a.rows) != 2 || strings.Join(a.cols, ",") != "user,host,generated password,auth_factor" || len(a.rows[0][2]) != 20 {
		t.Fatalf("%v", a)
	}
	for i, name := range []string{"u", "v"} {
		if acc, ok := sv.e.Lookup(name, "localhost"); !ok || !wire.VerifyPassword(acc.Plugin, acc.AuthString, a.rows[i][2]) {
			t.Errorf("%s cannot log in with %q", name, a.rows[i][2])
		}
	}
	if a = c.must("SET PASSWORD FOR u TO RANDOM"); len(a.rows) != 1 {
		t.Errorf("%v", a)
	}
}

func TestValidatePassword(t *testing.T) {
	sv := newServer(t)
	c := sv.client()
	c.must("CREATE USER weak IDENTIFIED BY 'a'")
	if got := c.must("SELECT VALIDATE_PASSWORD_STRENGTH('N0Tweak$_@123!')").String(); !strings.Contains(got, "0") {
		t.Error("not installed yet:", got)
	}
	c.must("INSTALL COMPONENT 'file://component_validate_password'")
	c.fails("INSTALL COMPONENT 'file://component_validate_password'", 3529, "")
	const refused = "Your password does not satisfy the current policy requirements"
	for _, p := range []string{"", "Short1!", "nouppercase1!", "NOLOWERCASE1!", "NoNumber!!", "NoSpecial11"} {
		c.fails("CREATE USER x IDENTIFIED BY '"+p+"'", mysqlerr.ER_NOT_VALID_PASSWORD, refused)
	}
	c.fails("CREATE USER x", mysqlerr.ER_NOT_VALID_PASSWORD, refused)
	c.must("CREATE USER x IDENTIFIED BY 'Good2see!'; CREATE ROLE r")
	c.must("CREATE USER longname_1A IDENTIFIED BY 'Good2see!'")
	sv.as("longname_1A", "%").fails("SET PASSWORD = 'A1_emangnol'", mysqlerr.ER_NOT_VALID_PASSWORD, refused)
	for p, want := range map[string]string{"abc": "0", "weak": "25", "lessweak": "50", "N0Tweak$_@123!": "100"} {
		if got := c.must("SELECT VALIDATE_PASSWORD_STRENGTH('" + p + "')"); got.rows[0][0] != want {
			t.Errorf("%s: %v, not %s", p, got, want)
		}
	}
	c.must("SET GLOBAL validate_password.policy = LOW")
	t.Cleanup(func() { c.must("SET GLOBAL validate_password.policy = MEDIUM") })
	c.must("ALTER USER x IDENTIFIED BY 'justlong'")
	c.must("UNINSTALL COMPONENT 'file://component_validate_password'; ALTER USER x IDENTIFIED BY 'a'")
	c.fails("UNINSTALL COMPONENT 'file://component_validate_password'", 3537, "")
}

// What tools read of accounts, and that all of it is there after a restart.
func TestAccountsStored(t *testing.T) {
	sv := newServer(t)
	c := sv.client()
	c.must("CREATE DATABASE d; CREATE TABLE d.t (a INT)")
	c.must("CREATE ROLE r; CREATE USER u@'%' IDENTIFIED WITH mysql_native_password AS '*6BB4837EB74329105EE4568DDA7DC67ED2CA2AD9' REQUIRE SUBJECT '/CN=x' AND ISSUER '/CN=ca' " +
		"WITH MAX_QUERIES_PER_HOUR 10 MAX_UPDATES_PER_HOUR 5 MAX_CONNECTIONS_PER_HOUR 4 MAX_USER_CONNECTIONS 3 PASSWORD HISTORY 3 PASSWORD REUSE INTERVAL 7 DAY PASSWORD REQUIRE CURRENT " +
		"FAILED_LOGIN_ATTEMPTS 4 PASSWORD_LOCK_TIME 2 ATTRIBUTE '{\"team\": {\"a\": 1, \"b\": 2}}'; GRANT r TO u; GRANT SELECT ON d.* TO r; GRANT UPDATE (a) ON d.t TO u")
	c.must("ALTER USER u ATTRIBUTE '{\"team\": {\"b\": null}}'; ALTER USER u COMMENT 'who \"it\" is'")
	want := "CREATE USER `u`@`%` IDENTIFIED WITH 'mysql_native_password' AS '*6BB4837EB74329105EE4568DDA7DC67ED2CA2AD9' REQUIRE SUBJECT '/CN=x' ISSUER '/CN=ca' " +
		"WITH MAX_QUERIES_PER_HOUR 10 MAX_UPDATES_PER_HOUR 5 MAX_CONNECTIONS_PER_HOUR 4 MAX_USER_CONNECTIONS 3 PASSWORD EXPIRE DEFAULT ACCOUNT UNLOCK " +
		"PASSWORD HISTORY 3 PASSWORD REUSE INTERVAL 7 DAY PASSWORD REQUIRE CURRENT FAILED_LOGIN_ATTEMPTS 4 PASSWORD_LOCK_TIME 2 ATTRIBUTE '"
	check := func() {
		t.Helper()
		if got := c.must("SHOW CREATE USER u"); !strings.HasPrefix(got.rows[0][0], want) || !strings.Contains(got.rows[0][0], `"team": {"a": 1}`) {
			t.Errorf("%s", got)
		}
		if got := c.must("SELECT ssl_type, max_questions, max_updates, max_connections, max_user_connections, Password_reuse_history, Password_reuse_time, Password_require_current, " +
			"JSON_EXTRACT(User_attributes, '$.Password_locking.failed_login_attempts') FROM mysql.user WHERE User = 'u'"); strings.Join(got.rows[0], " ") != "SPECIFIED 10 5 4 3 3 7 Y 4" {
			t.Errorf("%s", got)
		}
		if got := c.must("SELECT JSON_UNQUOTE(JSON_EXTRACT(ATTRIBUTE, '$.comment')) FROM information_schema.USER_ATTRIBUTES WHERE USER = 'u'"); got.rows[0][0] != `who "it" is` {
			t.Errorf("%s", got)
		}
		if got := c.must("SHOW GRANTS FOR u").String(); !strings.Contains(got, "GRANT `r`@`%` TO `u`@`%`") || !strings.Contains(got, "UPDATE (`a`) ON `d`.`t`") {
			t.Errorf("%s", got)
		}
		if _, ok := sv.e.Lookup("r", "localhost"); ok {
			t.Error("nobody logs in as a role")
		}
	}
	check()
	if err := sv.e.loadPrivileges(context.Background()); err != nil {
		t.Fatal(err)
	}
	check()
	c.must("CREATE USER other; RENAME USER u TO w; RENAME USER w TO u")
	check()
	c.must("DROP ROLE r")
	if err := sv.e.loadPrivileges(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := c.must("SHOW GRANTS FOR u").String(); strings.Contains(got, "`r`") {
		t.Errorf("of a role that is gone: %s", got)
	}
	c.must("DROP USER u, other; DROP USER IF EXISTS u")
	if err := sv.e.loadPrivileges(context.Background()); err != nil {
		t.Fatal(err)
	}
	c.fails("SHOW GRANTS FOR u", mysqlerr.ER_NONEXISTING_GRANT, "")
}

// A change writes the accounts that it changes only, and a failed one nothing.
func TestAccountsWrittenAlone(t *testing.T) {
	sv := newServer(t)
	c := sv.client()
	c.must("CREATE USER a, b, c")
	before := accountObjects(t, sv)
	c.must("GRANT SELECT ON *.* TO b")
	after := accountObjects(t, sv)
	for name, body := range before {
		if changed := after[name] != body; changed != (name == "account:b@%") {
			t.Errorf("%s changed: %v", name, changed)
		}
	}
	c.fails("ALTER USER a ACCOUNT LOCK, nobody ACCOUNT LOCK", mysqlerr.ER_PARSE_ERROR, "")
	c.fails("ALTER USER a, nobody ACCOUNT LOCK", mysqlerr.ER_CANNOT_USER, "")
	c.fails("CREATE USER new, a", mysqlerr.ER_CANNOT_USER, "Operation CREATE USER failed for 'a'@'%'")
	if now := accountObjects(t, sv); len(now) != len(after) || now["account:a@%"] != after["account:a@%"] {
		t.Error("a statement that failed has changed something")
	}
}

func accountObjects(t *testing.T, sv *server) map[string]string {
	t.Helper()
	list, err := sv.e.catalog.Objects(context.Background(), kindPrivileges, "")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, o := range list {
		out[o.Name] = string(o.Body)
	}
	return out
}
