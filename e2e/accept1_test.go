//go:build e2e

package e2e

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
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

	// An instance can be held down and brought back; SIGTERM leaves no process behind.
	c.mustRun("instance", "stop", "instance-1")
	if conn, err := net.DialTimeout("tcp", address(c), time.Second); err == nil {
		conn.Close()
		t.Error("a stopped instance's port still accepts clients")
	}
	c.mustRun("instance", "start", "instance-1")
	if out := c.mustRun("sql", "-e", "SELECT 40 + 2"); !strings.Contains(out, "42") {
		t.Errorf("after a stop and a start: %q", out)
	}
	st = c.status()
	c.stop()
	pids := []int{st.Instances[0].PID}
	for _, n := range st.StorageNodes {
		pids = append(pids, n.PID)
	}
	for _, pid := range pids {
		if err := syscall.Kill(pid, 0); err == nil {
			t.Errorf("process %d outlives its cluster", pid)
		}
	}
	if st := c.status(); st.Cluster.Status != "stopped" {
		t.Errorf("a stopped cluster says that it is %q", st.Cluster.Status)
	}
}

// A supervisor that is killed takes its children with it, and a new one finds the directory free.
func TestAccept1SupervisorKilled(t *testing.T) {
	c := start(t)
	st := c.status()
	if err := c.up.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-c.done
	for _, n := range st.StorageNodes {
		eventually(t, 10*time.Second, "the children's end", func() bool { return syscall.Kill(n.PID, 0) != nil })
	}
	took := c.start()
	figure(t, "1: ready %.2f s after kill -9 of the supervisor", took.Seconds())
}

// A storage node that cannot start does not keep the cluster from starting, and is named.
func TestAccept1MissingNode(t *testing.T) {
	c := start(t)
	mustExec(t, c.db(""), "CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)", "INSERT INTO d.t VALUES (1)")
	c.stop()
	if err := os.WriteFile(filepath.Join(c.dir, "nodes", "node-4", "FORMAT"), []byte(`{"format":99,"node":"node-4"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	c.start()
	if n := c.node("node-4"); n.Status != "failed" || n.PID != 0 {
		t.Errorf("a node with a directory of a newer format: %+v", n)
	}
	mustExec(t, c.db(""), "INSERT INTO d.t VALUES (2)")
	b, err := os.ReadFile(filepath.Join(c.dir, "log", "node-4.log"))
	if err != nil || !strings.Contains(string(b), "newer") {
		t.Errorf("node-4's log does not say why: %v: %s", err, b)
	}
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
	pids := []int{c.up.Process.Pid}
	st := c.status()
	for _, in := range st.Instances {
		pids = append(pids, in.PID)
	}
	for _, n := range st.StorageNodes {
		pids = append(pids, n.PID)
	}
	for _, pid := range pids {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err != nil || strings.Contains(string(b), password) {
			t.Errorf("arguments of process %d: %q, %v", pid, b, err)
		}
		if pid == c.up.Process.Pid {
			continue // it was given the password by its environment
		}
		if b, err = os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid)); err != nil || strings.Contains(string(b), password) {
			t.Errorf("environment of process %d holds the password: %v", pid, err)
		}
	}
}
