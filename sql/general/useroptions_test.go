package general

import (
	"strings"
	"testing"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

func TestUserOptions(t *testing.T) {
	sv := newServer(t)
	c := sv.client()
	c.must("CREATE ROLE r; CREATE USER IF NOT EXISTS u@'%' IDENTIFIED BY 'x' DEFAULT ROLE r REQUIRE SSL WITH MAX_USER_CONNECTIONS 3 PASSWORD EXPIRE INTERVAL 90 DAY FAILED_LOGIN_ATTEMPTS 2 PASSWORD_LOCK_TIME UNBOUNDED ACCOUNT LOCK")
	text := c.must("SHOW CREATE USER u").String()
	if want := " DEFAULT ROLE `r`@`%` REQUIRE SSL WITH MAX_USER_CONNECTIONS 3 PASSWORD EXPIRE INTERVAL 90 DAY ACCOUNT LOCK PASSWORD HISTORY DEFAULT PASSWORD REUSE INTERVAL DEFAULT " +
		"PASSWORD REQUIRE CURRENT DEFAULT FAILED_LOGIN_ATTEMPTS 2 PASSWORD_LOCK_TIME UNBOUNDED\n"; !strings.HasSuffix(text, want) {
		t.Errorf("%s", text)
	}
	a, ok := sv.e.Lookup("u", "10.0.0.1")
	if !ok || !a.Locked || !a.RequireTLS || a.UserConnections != 3 || a.Expired || a.Blocked != nil {
		t.Errorf("%+v", a)
	}
	c.must("ALTER USER u ACCOUNT UNLOCK REQUIRE NONE; ALTER USER u PASSWORD EXPIRE")
	if a, _ = sv.e.Lookup("u", "h"); a.Locked || a.RequireTLS || !a.Expired {
		t.Errorf("%+v", a)
	}
	c.must("ALTER USER u IDENTIFIED BY 'new'")
	if a, _ = sv.e.Lookup("u", "h"); a.Expired || a.AuthString == "" {
		t.Errorf("after a new password: %+v", a)
	}
	sv.e.NoteLogin("u", "%", false)
	if a, _ = sv.e.Lookup("u", "h"); a.Blocked != nil {
		t.Errorf("blocked too early: %v", a.Blocked)
	}
	sv.e.NoteLogin("u", "%", false)
	a, _ = sv.e.Lookup("u", "h")
	if e := mysqlerr.From(a.Blocked); e == nil || e.Code != 3955 || e.Message != "Access denied for user 'u'@'%'. Account is blocked for unlimited day(s) (unlimited day(s) remaining) due to 2 consecutive failed logins." {
		t.Errorf("%v", a.Blocked)
	}
	c.must("ALTER USER u ACCOUNT UNLOCK")
	if a, _ = sv.e.Lookup("u", "h"); a.Blocked != nil {
		t.Errorf("still blocked: %v", a.Blocked)
	}
	c.fails("ALTER USER nobody ACCOUNT LOCK", mysqlerr.ER_CANNOT_USER, "Operation ALTER USER failed for 'nobody'@'%'")
	c.fails("ALTER USER u PASSWORD HISTORY 65536", mysqlerr.ER_PARSE_ERROR, "")
	sv.as("u", "%").fails("ALTER USER r ACCOUNT LOCK", mysqlerr.ER_SPECIFIC_ACCESS_DENIED_ERROR, "")
}
