package session

import (
	"context"
	"slices"
	"strconv"
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

// TestFastLaneBound: a statement that would keep too much goes over to the general lane, which sorts in files, and gives the same.
func TestFastLaneBound(t *testing.T) {
	srv, addr := startFull(t)
	c := connect(t, addr, "")
	for _, q := range []string{
		"CREATE DATABASE m", "CREATE TABLE m.t (id INT PRIMARY KEY, k INT, txt VARCHAR(1000))",
		"INSERT INTO m.t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT i, i % 7, REPEAT('x', 1000) FROM n",
	} {
		exec(t, c, q)
	}
	for i := 1; i < 20; i++ {
		exec(t, c, "INSERT INTO m.t SELECT id + 1000 * "+strconv.Itoa(i)+", id, CONCAT(txt) FROM m.t WHERE id <= 1000")
	}
	for q, declines := range map[string]uint64{"SELECT id FROM m.t ORDER BY txt, k DESC, id LIMIT 3": 1, "SELECT id FROM m.t WHERE id <= 1000 ORDER BY txt, k DESC, id LIMIT 3": 0} {
		_, _, before := srv.fast.Counts()
		rows, err := c.QueryContext(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		for rows.Next() {
			var id int
			if err := rows.Scan(&id); err != nil {
				t.Fatal(err)
			}
			got = append(got, id)
		}
		rows.Close()
		want := []int{2000, 3000, 4000} // k is 1000 there
		if declines == 0 {
			want = []int{6, 13, 20}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", q, got, want)
		}
		if _, _, after := srv.fast.Counts(); after-before != declines {
			t.Errorf("%s: declined %d times, want %d", q, after-before, declines)
		}
	}
}

// TestGroupsAlongAnIndex: groups that an index gives in the order of their LIMIT are the general lane's, which reads no more of it; others stay in the fast lane.
func TestGroupsAlongAnIndex(t *testing.T) {
	srv, addr := startFull(t)
	c := connect(t, addr, "")
	for _, q := range []string{
		"CREATE DATABASE ga", "CREATE TABLE ga.t (id INT PRIMARY KEY, k INT NOT NULL, v INT, KEY (k))",
		"INSERT INTO ga.t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT i, i % 100, i FROM n",
	} {
		exec(t, c, q)
	}
	for _, q := range []struct {
		text  string
		fast  bool
		first int
	}{
		{"SELECT k, MAX(v) FROM ga.t GROUP BY k ORDER BY k LIMIT 3", false, 0},
		{"SELECT k, MAX(v) FROM ga.t GROUP BY k ORDER BY k DESC LIMIT 3", false, 99},
		{"SELECT k, MAX(v) FROM ga.t GROUP BY k ORDER BY MAX(v) DESC LIMIT 3", true, 0},
		{"SELECT k, MAX(v) FROM ga.t GROUP BY k ORDER BY k", true, 0},
		{"SELECT v, COUNT(*) FROM ga.t GROUP BY v ORDER BY v LIMIT 3", true, 1},
		{"SELECT k, MAX(v) FROM ga.t WHERE v > 50 GROUP BY k ORDER BY k LIMIT 3", true, 0},
	} {
		hits, misses, declined := srv.fast.Counts()
		rows, err := c.QueryContext(context.Background(), q.text)
		if err != nil {
			t.Fatal(err)
		}
		var group, most int
		if !rows.Next() || rows.Scan(&group, &most) != nil || group != q.first {
			t.Errorf("%s: group %d, want %d", q.text, group, q.first)
		}
		rows.Close()
		h, m, d := srv.fast.Counts()
		if fast := h+m-hits-misses > d-declined; fast != q.fast {
			t.Errorf("%s: in the fast lane: %v, want %v (hits %d, misses %d, declined %d)", q.text, fast, q.fast, h-hits, m-misses, d-declined)
		}
	}
}
