package session

import (
	"strings"
	"testing"
)

// TestForeignOff: where foreign keys are not checked, as in a dump, the fast lane fills tables that have some; where they are, it leaves to the general lane
// what may violate one.
func TestForeignOff(t *testing.T) {
	srv, addr := startFull(t)
	c := connect(t, addr, "")
	for _, s := range []string{"CREATE DATABASE d", "USE d", "CREATE TABLE parent (id INT PRIMARY KEY)",
		"CREATE TABLE child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES parent (id) ON DELETE CASCADE)"} {
		exec(t, c, s)
	}
	takes := func(text string) bool {
		t.Helper()
		hits, misses, declined := srv.fast.Counts()
		exec(t, c, text)
		h, m, d := srv.fast.Counts()
		return h+m > hits+misses && d == declined
	}
	if got := outcome(c, "INSERT INTO child VALUES (1, 1), (2, 2)"); !strings.Contains(got, "1452") {
		t.Error(got)
	}
	if !takes("INSERT INTO parent VALUES (1), (2)") {
		t.Error("new rows of a parent")
	}
	if !takes("INSERT INTO child VALUES (1, 1)") {
		t.Error("a child of a parent that is there")
	}
	if takes("INSERT IGNORE INTO child VALUES (9, 9)") {
		t.Error("a child's keys were not checked")
	}
	exec(t, c, "SET foreign_key_checks = 0")
	if !takes("INSERT INTO child VALUES (2, 2), (3, 3)") {
		t.Error("rows of a dump")
	}
	if takes("REPLACE INTO parent VALUES (1)") || takes("INSERT INTO parent VALUES (1) ON DUPLICATE KEY UPDATE id = 1") {
		t.Error("rows of a parent go")
	}
	exec(t, c, "SET foreign_key_checks = 1")
	if got := outcome(c, "INSERT INTO child VALUES (4, 4)"); !strings.Contains(got, "1452") {
		t.Error(got)
	}
	exec(t, c, "DELETE FROM parent WHERE id = 2")
	if got := outcome(c, "SELECT id, p FROM child ORDER BY id"); !strings.Contains(got, "3") || strings.Contains(got, "2") {
		t.Error(got)
	}
}
