package general

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// TestScripts runs the scripts of testdata: paragraphs of a statement, a line of dashes, and what the mysql client would print.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txt"), func(t *testing.T) { runScript(t, f) })
	}
}

func runScript(t *testing.T, file string) {
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c := newServer(t).client()
	c.must("CREATE DATABASE difft CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci; USE difft; SET NAMES utf8mb4 COLLATE utf8mb4_general_ci")
	for _, part := range strings.Split(string(b), "\n\n") {
		query, want, ok := strings.Cut(strings.TrimSpace(part)+"\n", "\n----")
		if !ok || strings.HasPrefix(query, "#") {
			continue
		}
		got := ""
		a, err := c.exec(query)
		if err != nil {
			e := mysqlerr.From(err)
			got = fmt.Sprintf("ERROR %d (%s): %s\n", e.Code, e.State, e.Message)
		} else {
			got = a.String()
		}
		if strings.HasPrefix(want, " any") {
			continue
		}
		if want = strings.TrimPrefix(want, "\n"); strings.TrimSpace(got) != strings.TrimSpace(want) {
			t.Errorf("%s\ngot:\n%s\nwant:\n%s", query, got, want)
		}
	}
}
