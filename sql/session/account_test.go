package session

import (
	"context"
	stdsql "database/sql"
	"strings"
	"testing"
)

// What options of an account do to those who log in.
func TestAccountOptions(t *testing.T) {
	_, addr := startFull(t)
	admin := connect(t, addr, "")
	exec(t, admin, "CREATE USER two@'%' IDENTIFIED WITH mysql_native_password BY 'pw' WITH MAX_USER_CONNECTIONS 2 FAILED_LOGIN_ATTEMPTS 2 PASSWORD_LOCK_TIME 3")
	var open []*stdsql.Conn
	for range 2 {
		c, err := stdOpen(addr, "two", "pw")
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, c)
	}
	if _, err := stdOpen(addr, "two", "pw"); err == nil || !strings.Contains(err.Error(), "Error 1226 (42000): User 'two' has exceeded the 'max_user_connections' resource (current value: 2)") {
		t.Errorf("a third connection: %v", err)
	}
	for range 2 {
		if _, err := stdOpen(addr, "two", "wrong"); err == nil || !strings.Contains(err.Error(), "Error 1045") {
			t.Errorf("with a wrong password: %v", err)
		}
	}
	if _, err := stdOpen(addr, "two", "pw"); err == nil || !strings.Contains(err.Error(), "3955") {
		t.Errorf("blocked, with the right password: %v", err)
	}
	for _, c := range open {
		c.Close()
	}
	exec(t, admin, "ALTER USER two ACCOUNT UNLOCK PASSWORD EXPIRE")
	if _, err := stdOpen(addr, "two", "pw"); err == nil || !strings.Contains(err.Error(), "Error 1862") {
		t.Errorf("with an expired password: %v", err)
	}
	if _, err := admin.ExecContext(context.Background(), "ALTER USER two IDENTIFIED WITH mysql_native_password BY 'new'"); err != nil {
		t.Fatal(err)
	}
	c, err := stdOpen(addr, "two", "new")
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}
