package session

import (
	"context"
	"crypto/tls"
	stdsql "database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/zoryadb/zorya/sql/general"
	"github.com/zoryadb/zorya/sql/wire"
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

// Limits by the hour, and the password that is retained.
func TestAccountLimits(t *testing.T) {
	_, addr := startFull(t)
	admin := connect(t, addr, "")
	exec(t, admin, "CREATE DATABASE d")
	exec(t, admin, "CREATE TABLE d.t (a INT PRIMARY KEY)")
	exec(t, admin, "CREATE USER few@'%' IDENTIFIED WITH mysql_native_password BY 'old' WITH MAX_CONNECTIONS_PER_HOUR 2 MAX_QUERIES_PER_HOUR 5 MAX_UPDATES_PER_HOUR 1")
	exec(t, admin, "GRANT ALL ON d.* TO few")
	exec(t, admin, "ALTER USER few IDENTIFIED BY 'pw' RETAIN CURRENT PASSWORD")
	ctx := context.Background()
	first, err := stdOpen(addr, "few", "old")
	if err != nil {
		t.Fatal("with the retained password:", err)
	}
	defer first.Close()
	second, err := stdOpen(addr, "few", "pw")
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	refused := func(err error, resource string, n int) {
		t.Helper()
		if want := fmt.Sprintf("Error 1226 (42000): User 'few' has exceeded the '%s' resource (current value: %d)", resource, n); err == nil || err.Error() != want {
			t.Errorf("%v, not %s", err, want)
		}
	}
	if third, err := stdOpen(addr, "few", "pw"); true {
		refused(err, "max_connections_per_hour", 2)
		if err == nil {
			third.Close()
		}
	}
	run := func(c *stdsql.Conn, text string) error {
		_, err := c.ExecContext(ctx, text)
		return err
	}
	if err := run(first, "INSERT INTO d.t VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	refused(run(second, "INSERT INTO d.t VALUES (2)"), "max_updates", 1)
	for range 3 {
		if err := run(second, "SELECT a FROM d.t WHERE a = 1"); err != nil {
			t.Fatal(err)
		}
	}
	refused(run(first, "SELECT a FROM d.t WHERE a = 1"), "max_questions", 5)
	exec(t, admin, "FLUSH USER_RESOURCES")
	if err := run(first, "SELECT a FROM d.t WHERE a = 1"); err != nil {
		t.Error("after FLUSH USER_RESOURCES:", err)
	}
	exec(t, admin, "ALTER USER few DISCARD OLD PASSWORD")
	if _, err := stdOpen(addr, "few", "old"); err == nil || !strings.Contains(err.Error(), "Error 1045") {
		t.Errorf("with a discarded password: %v", err)
	}
}

// REQUIRE X509, ISSUER, SUBJECT and CIPHER.
func TestClientCertificates(t *testing.T) {
	dir := t.TempDir()
	serverTLS, err := wire.LoadOrMakeTLS(dir, "localhost")
	if err != nil {
		t.Fatal(err)
	}
	_, addr := startWith(t, general.Options{}, Options{TLS: serverTLS})
	admin := connect(t, addr, "")
	const subject, issuer = "/CN=Zorya auto-generated client certificate", "/CN=Zorya auto-generated server certificate"
	for name, demand := range map[string]string{"any": "X509", "this": "SUBJECT '" + subject + "' AND ISSUER '" + issuer + "'", "other": "SUBJECT '/CN=other'", "cipher": "CIPHER 'NULL'"} {
		exec(t, admin, "CREATE USER "+name+" IDENTIFIED WITH mysql_native_password BY 'pw' REQUIRE "+demand)
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "client-cert.pem"), filepath.Join(dir, "client-key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]*tls.Config{"nothing": {InsecureSkipVerify: true}, "pair": {InsecureSkipVerify: true, Certificates: []tls.Certificate{pair}}} {
		if err := mysql.RegisterTLSConfig("zorya-"+name, c); err != nil {
			t.Fatal(err)
		}
		defer mysql.DeregisterTLSConfig("zorya-" + name)
	}
	for _, x := range []struct {
		user, config string
		ok           bool
	}{{"any", "false", false}, {"any", "zorya-nothing", false}, {"any", "zorya-pair", true}, {"this", "zorya-pair", true}, {"other", "zorya-pair", false}, {"cipher", "zorya-pair", false}} {
		db, err := stdsql.Open("mysql", x.user+":pw@tcp("+addr+")/?tls="+x.config)
		if err != nil {
			t.Fatal(err)
		}
		err = db.Ping()
		db.Close()
		if x.ok && err != nil || !x.ok && (err == nil || !strings.Contains(err.Error(), "Error 1045")) {
			t.Errorf("%s with %s: %v", x.user, x.config, err)
		}
	}
}
