//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Other people's tools, as their manuals use them: dumps and loads, schema changes, checksums, administration.
func TestTools(t *testing.T) {
	need(t, "mariadb", "mariadb-dump", "bash")
	c := start(t)
	script, err := filepath.Abs("testdata/tools/tools.sh")
	if err != nil {
		t.Fatal(err)
	}
	cmd := command(t, 10*time.Minute, script, strconv.Itoa(c.port))
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "MYSQL_PWD="+password)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v: %.2000s", err, out)
	}
	count := map[string]int{}
	for line := range strings.Lines(string(out)) {
		word, _, _ := strings.Cut(line, " ")
		count[word]++
		if word != "ok" {
			t.Log(strings.TrimSpace(line))
		}
	}
	figure(t, "tools: %d steps pass, %d fail, %d are not installed", count["ok"], count["FAIL"], count["skip"])
	if count["FAIL"] > 0 || count["ok"] == 0 {
		t.Fail()
	}
}
