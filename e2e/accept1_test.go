//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Point 1: from nothing to `ready` within 10 s, and what `up` promises about it.
func TestAccept1Ready(t *testing.T) {
	c := start(t)
	c.stop()
	var worst time.Duration
	for range pick(2, 10) {
		took := c.start()
		worst = max(worst, took)
		if out := c.mustRun("sql", "-e", "SELECT 1 + 1"); !strings.Contains(out, "2") {
			t.Errorf("SELECT 1 + 1 answers %q", out)
		}
		c.stop()
	}
	if err := os.RemoveAll(c.dir); err != nil {
		t.Fatal(err)
	}
	fresh := c.start()
	if fresh > 10*time.Second || worst > 10*time.Second {
		t.Errorf("ready after %v on a new directory, %v on an old one; want 10 s", fresh, worst)
	}
	figure(t, "1: ready after %.2f s on a new directory, at most %.2f s on an old one", fresh.Seconds(), worst.Seconds())

	st := c.status()
	if st.Cluster.Status != "available" || st.Cluster.Writer == "" || len(st.StorageNodes) != 6 {
		t.Errorf("status: %+v", st)
	}
	zones := map[string]int{}
	for _, n := range st.StorageNodes {
		zones[n.AZ]++
		if n.PID == 0 || n.Status != "available" {
			t.Errorf("storage node: %+v", n)
		}
	}
	if len(zones) != 3 {
		t.Errorf("storage nodes are in zones %v, want three", zones)
	}
	checkSecrets(t, c)
}

// checkSecrets looks for the password where it may not be.
func checkSecrets(t *testing.T, c *cluster) {
	logs, err := filepath.Glob(filepath.Join(c.dir, "log", "*"))
	if err != nil || len(logs) == 0 {
		t.Errorf("no logs: %v", err)
	}
	for _, path := range logs {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
		}
		if strings.Contains(string(b), password) {
			t.Errorf("%s holds the password", path)
		}
	}
	cmdlines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Error(err)
	}
	for _, path := range cmdlines {
		if b, err := os.ReadFile(path); err == nil && strings.Contains(string(b), password) {
			t.Errorf("%s holds the password", path)
		}
	}
}
