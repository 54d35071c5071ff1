package session

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestAppsStatements runs what applications were recorded to send (testdata/apps: tables, and a statement of each shape with how often it came) and counts
// what the fast lane took: the share of statements, and of shapes. A share that falls below what it was is a loss for every user of that application.
func TestAppsStatements(t *testing.T) {
	for _, app := range []struct {
		name  string
		least float64 // of statements, percent
	}{{"wordpress", 91.5}, {"django", 92}, {"redmine", 92}} {
		t.Run(app.name, func(t *testing.T) {
			srv, addr := startFull(t)
			c := connect(t, addr, "")
			mustRun(t, c, "CREATE DATABASE app", "USE app", "SET sql_mode = 'NO_ENGINE_SUBSTITUTION'", "SET foreign_key_checks = 0")
			for _, text := range strings.Split(recorded(t, app.name+".sql"), ";\n") {
				if strings.TrimSpace(text) != "" {
					mustRun(t, c, text)
				}
			}
			mustRun(t, c, "SET foreign_key_checks = 1")
			var all, fast, shapes, fastShapes int
			var declined []string
			for _, line := range strings.Split(recorded(t, app.name+".txt"), "\n") {
				n, text, ok := strings.Cut(line, "\t")
				if !ok {
					continue
				}
				times, err := strconv.Atoi(n)
				if err != nil {
					t.Fatal(err)
				}
				runs := 1
				if strings.HasPrefix(text, "SET ") {
					runs = min(times, 5) // the fast lane does what the general one has kept, of a text that came twice with the same settings
				}
				taken := 0
				for i := range runs {
					before := srv.inGeneral.Load()
					outcome(c, text)
					if srv.inGeneral.Load() > before {
						continue
					}
					taken++
					if i == runs-1 {
						taken = times - runs + taken
					}
				}
				all, fast, shapes = all+times, fast+taken, shapes+1
				if taken > 0 {
					fastShapes++
				} else {
					declined = append(declined, line)
				}
			}
			share := 100 * float64(fast) / float64(all)
			t.Logf("fast lane: %.1f %% of %d statements, %d of %d shapes", share, all, fastShapes, shapes)
			t.Logf("of the others the commonest:\n%.6000s", strings.Join(declined[:min(len(declined), 25)], "\n"))
			if share < app.least {
				t.Errorf("the fast lane took %.1f %% of the statements, less than %v %%", share, app.least)
			}
		})
	}
}

func recorded(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/apps/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
