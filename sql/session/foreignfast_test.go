package session

import (
	"strings"
	"testing"
)

// TestForeignKeysFast: an INSERT of the fast lane locks the parents it has looked for until its transaction ends, and sees that a parent's table has changed.
func TestForeignKeysFast(t *testing.T) {
	srv, addr := startFull(t)
	a, b := connect(t, addr, ""), connect(t, addr, "")
	mustRun(t, a, "CREATE DATABASE fk", "USE fk", "CREATE TABLE p (id INT PRIMARY KEY, v INT, KEY v (v))",
		"CREATE TABLE c (id INT AUTO_INCREMENT PRIMARY KEY, pid INT, note VARCHAR(9), FOREIGN KEY (pid) REFERENCES p (id))", "INSERT INTO p VALUES (1, 10), (2, 20), (3, 30)")
	mustRun(t, b, "USE fk")
	inFast := func(text string) {
		t.Helper()
		before := srv.inGeneral.Load()
		mustRun(t, a, text)
		if srv.inGeneral.Load() != before {
			t.Errorf("the general lane ran %s", text)
		}
	}
	want := func(text, answer string) {
		t.Helper()
		if got := outcome(b, text); !strings.Contains(got, answer) {
			t.Errorf("%s: %s, want %s", text, got, answer)
		}
	}
	inFast("BEGIN")
	inFast("INSERT INTO c (pid) VALUES (1), (1), (NULL)")
	want("SELECT id FROM p WHERE id = 1 FOR UPDATE NOWAIT", "3572")
	want("SELECT id FROM p WHERE id = 2 FOR UPDATE NOWAIT", "2")
	inFast("UPDATE c SET note = 'n' WHERE pid = 1")
	inFast("DELETE FROM c WHERE id = 2")
	inFast("COMMIT")
	want("SELECT id FROM p WHERE id = 1 FOR UPDATE NOWAIT", "1")
	want("DELETE FROM p WHERE id = 1", "1451")
	want("INSERT INTO c (pid) VALUES (4)", "1452")
	mustRun(t, b, "ALTER TABLE p DROP KEY v", "ALTER TABLE p ADD w INT FIRST")
	mustRun(t, a, "INSERT INTO c (pid) VALUES (2)") // the plan is made anew
	inFast("INSERT INTO c (pid) VALUES (3)")
	inFast("UPDATE p SET w = 1 WHERE id = 3")
	mustRun(t, b, "SET foreign_key_checks = 0", "DROP TABLE p")
	if got := outcome(a, "INSERT INTO c (pid) VALUES (3)"); !strings.Contains(got, "1452") {
		t.Errorf("without the parent's table: %s", got)
	}
	mustRun(t, b, "CREATE TABLE p (id INT PRIMARY KEY)", "INSERT INTO p VALUES (3)")
	mustRun(t, a, "INSERT INTO c (pid) VALUES (3)")
	inFast("INSERT INTO c (pid) VALUES (3)")
}
