package session

import (
	"context"
	"testing"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// TestMemoryLimitClosesConnection: a statement above connection_memory_limit ends with 4082, and so does its connection, but no other.
func TestMemoryLimitClosesConnection(t *testing.T) {
	_, addr := startFull(t)
	admin := connect(t, addr, "")
	for _, q := range []string{
		"CREATE DATABASE m", "CREATE TABLE m.t (id INT PRIMARY KEY, txt VARCHAR(200))",
		"CREATE USER app IDENTIFIED BY '" + testPassword + "'", "GRANT ALL ON m.* TO app",
		"INSERT INTO m.t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900) SELECT i, REPEAT('x', 200) FROM n",
		"SET GLOBAL connection_memory_limit = 2097152",
	} {
		exec(t, admin, q)
	}
	t.Cleanup(func() { exec(t, admin, "SET GLOBAL connection_memory_limit = DEFAULT") })
	app, other := connectAs(t, addr, "app"), connectAs(t, addr, "app")
	const q = "SELECT LENGTH(JSON_ARRAYAGG(CONCAT(a.txt, b.id))) FROM m.t a JOIN m.t b WHERE b.id < 30"
	if got := code(app, q); got != int(mysqlerr.ER_CONN_LIMIT) {
		t.Errorf("error %d, want %d", got, mysqlerr.ER_CONN_LIMIT)
	}
	if err := app.PingContext(context.Background()); err == nil {
		t.Error("the connection is still open")
	}
	exec(t, other, "SELECT 1")
	exec(t, admin, q) // who may administer connections is not limited
}
