//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

// A writer that sorts, groups and joins ten times what it may hold goes to files: right results, bounded memory, and nothing left in its directory.
func TestSpill(t *testing.T) {
	c := start(t)
	db := c.db("")
	n := 1 << pick(16, 20)
	mustExec(t, db, "CREATE DATABASE m", "CREATE TABLE m.t (id INT AUTO_INCREMENT PRIMARY KEY, k INT, txt VARCHAR(200))",
		"INSERT INTO m.t (k, txt) VALUES (1, REPEAT('x', 100))")
	for have := 1; have < n; have *= 2 {
		mustExec(t, db, fmt.Sprintf("INSERT INTO m.t (k, txt) SELECT (id * 7919) %% %d, CONCAT(REPEAT('x', 90), id + %d) FROM m.t", n/2, have))
	}
	rss := func() int {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.writerPID()))
		if err != nil {
			t.Fatal(err)
		}
		m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(b)
		kib, _ := strconv.Atoi(string(m[1]))
		return kib
	}
	one, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	if _, err := one.ExecContext(context.Background(), "SET sort_buffer_size = 1048576, join_buffer_size = 1048576, tmp_table_size = 1048576"); err != nil {
		t.Fatal(err)
	}
	before := rss()
	for _, x := range []struct {
		q    string
		want int
	}{
		{"SELECT COUNT(*) FROM (SELECT id, txt, ROW_NUMBER() OVER (PARTITION BY k ORDER BY txt) r FROM m.t) d WHERE r = 1", -1},
		{"SELECT COUNT(*) FROM (SELECT txt, COUNT(*) FROM m.t GROUP BY txt) d", -1},
		{"SELECT COUNT(*) FROM (SELECT DISTINCT k, txt FROM m.t) d", -1},
		{"SELECT COUNT(*) FROM (SELECT id, txt FROM m.t UNION SELECT id + 10, txt FROM m.t) d", -1},
		{"SELECT COUNT(*) FROM m.t a JOIN m.t b ON a.txt = b.txt", -1},
		{"SELECT LENGTH(GROUP_CONCAT(txt ORDER BY txt DESC)) FROM m.t", 1024},
	} {
		var got int
		if err := one.QueryRowContext(context.Background(), x.q).Scan(&got); err != nil {
			t.Fatal(x.q, err)
		}
		if x.want >= 0 && got != x.want || got <= 0 {
			t.Errorf("%s: %d, want %d", x.q, got, x.want)
		}
		t.Logf("%s: %d; most of the writer's memory so far %d MiB", x.q, got, rss()>>10)
	}
	if grown := rss() - before; grown > 320<<10 {
		t.Errorf("the writer grew by %d MiB", grown>>10)
	}
	left, err := filepath.Glob(filepath.Join(c.dir, "*", "*", "tmp", "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left %v (%v)", left, err)
	}
}
