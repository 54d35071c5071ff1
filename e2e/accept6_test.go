//go:build e2e

package e2e

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// Point 6: bad input gets a clear error and loses nothing.
func TestAccept6BadInput(t *testing.T) {
	c := start(t)
	db := c.db("")
	mustExec(t, db, "CREATE DATABASE bad", "CREATE TABLE bad.t (id INT PRIMARY KEY, v VARCHAR(20))", "INSERT INTO bad.t VALUES (1, 'one'), (2, 'two')")
	writer := c.writerPID()
	alive := func(t *testing.T) {
		t.Helper()
		var n int
		if err := db.QueryRow("SELECT COUNT(*) FROM bad.t").Scan(&n); err != nil || n != 2 {
			t.Errorf("afterwards: %d rows, %v; want 2", n, err)
		}
		if pid := c.writerPID(); pid != writer {
			t.Errorf("the writer died: pid was %d and is %d", writer, pid)
			writer = pid
		}
	}

	t.Run("wrong password", func(t *testing.T) {
		cfg := c.config("")
		cfg.Passwd = "wrong"
		wantCode(t, openDB(t, cfg).Ping(), 1045, "28000")
		alive(t)
	})
	t.Run("unknown user", func(t *testing.T) {
		cfg := c.config("")
		cfg.User = "nobody"
		wantCode(t, openDB(t, cfg).Ping(), 1045, "28000")
	})
	t.Run("unknown database", func(t *testing.T) {
		wantCode(t, openDB(t, c.config("nowhere")).Ping(), 1049, "42000")
		alive(t)
	})
	t.Run("bad statements", func(t *testing.T) {
		for query, code := range map[string]uint16{
			"SELEC 1":                           1064,
			"SELECT * FROM bad.nope":            1146,
			"SELECT nope FROM bad.t":            1054,
			"INSERT INTO bad.t VALUES (1, 'x')": 1062,
			"INSERT INTO bad.t VALUES (1)":      1136,
			"CREATE TABLE bad.t (a INT)":        1050,
			"DROP TABLE bad.nope":               1051,
			"CREATE DATABASE bad":               1007,
		} {
			_, err := db.Exec(query)
			if !wantCode(t, err, code, "") {
				t.Logf("statement: %s", query)
			}
		}
		alive(t)
	})
	t.Run("packets", func(t *testing.T) {
		for range pick(200, 5000) {
			badConnection(t, c)
		}
		alive(t)
	})
	t.Run("half-open connections", func(t *testing.T) {
		var open []net.Conn
		for range 200 {
			conn, err := net.DialTimeout("tcp", address(c), 5*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			open = append(open, conn)
		}
		alive(t)
		for _, conn := range open {
			conn.Close()
		}
	})
	t.Run("second up on a live directory", func(t *testing.T) {
		out, err := exec.Command(zorya(t), "up", "--dir", c.dir, "--port", strconv.Itoa(freePort(t))).CombinedOutput()
		wantMessage(t, string(out), err, "already running")
		alive(t)
	})
	t.Run("busy port", func(t *testing.T) {
		out, err := exec.Command(zorya(t), "up", "--dir", filepath.Join(t.TempDir(), "c"), "--port", strconv.Itoa(c.port)).CombinedOutput()
		wantMessage(t, string(out), err, "in use")
		alive(t)
	})
	t.Run("directory of a newer format", func(t *testing.T) {
		dir := t.TempDir()
		b, err := json.Marshal(map[string]any{"format": 99, "cluster": "zorya"})
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "cluster.json"), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(zorya(t), "up", "--dir", dir, "--port", strconv.Itoa(freePort(t))).CombinedOutput()
		wantMessage(t, string(out), err, "newer version")
	})
	t.Run("unknown node", func(t *testing.T) {
		out, err := c.run("node", "kill", "node-99")
		wantMessage(t, out, err, "node-99")
	})
	figure(t, "6: wrong password 1045, unknown database 1049, %d bad packet streams, 200 half-open connections, second up, busy port, newer format: the writer lived on as pid %d", pick(200, 5000), writer)
}

func address(c *cluster) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(c.port)) }

func wantCode(t *testing.T, err error, code uint16, state string) bool {
	t.Helper()
	var e *mysql.MySQLError
	if !errors.As(err, &e) || e.Number != code || state != "" && string(e.SQLState[:]) != state {
		t.Errorf("got %v, want error %d %s", err, code, state)
		return false
	}
	return true
}

func wantMessage(t *testing.T, out string, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(out, want) || strings.Contains(out, "goroutine") {
		t.Errorf("got %v and %q, want a failure that says %q", err, out, want)
	}
}

// badConnection sends the server something that no client would.
func badConnection(t *testing.T, c *cluster) {
	conn, err := net.DialTimeout("tcp", address(c), 5*time.Second)
	if err != nil {
		t.Fatalf("the server does not accept connections any more: %v", err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(2 * time.Second))
	greeting := make([]byte, 256)
	if _, err := conn.Read(greeting); err != nil && !errors.Is(err, io.EOF) {
		t.Logf("no greeting: %v", err)
	}
	junk := make([]byte, mathrand.IntN(300))
	_, _ = rand.Read(junk)
	switch mathrand.IntN(4) {
	case 0: // random bytes
	case 1: // a packet that claims 16 MiB and ends early
		junk = append([]byte{0xff, 0xff, 0xff, 1}, junk...)
	case 2: // a handshake response that is random behind a plausible start
		junk = append([]byte{byte(len(junk) + 4), byte((len(junk) + 4) >> 8), 0, 1, 0x85, 0xa6, 0x3f, 0x20}, junk...)
	case 3: // closed at once
		return
	}
	_, _ = conn.Write(junk)
	if mathrand.IntN(2) == 0 {
		_, _ = io.CopyN(io.Discard, conn, 64)
	}
}

// A full disk on one storage node: it steps back, the cluster goes on.
func TestAccept6FullDisk(t *testing.T) {
	mount, err := smallDisk(t, 640<<20) // above the reserve at which a node steps back
	if err != nil {
		t.Skipf("cannot make a small file system here: %v", err)
	}
	c := start(t)
	b := newBank(t, c, 8)
	c.mustRun("node", "stop", "node-1")
	dir := filepath.Join(c.dir, "nodes", "node-1")
	if out, err := exec.Command("cp", "-a", dir, filepath.Join(mount, "node-1")).CombinedOutput(); err != nil {
		t.Skipf("the node does not fit the small disk: %s", out)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(mount, "node-1"), dir); err != nil {
		t.Fatal(err)
	}
	c.mustRun("node", "start", "node-1")
	filler, err := os.Create(filepath.Join(mount, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	chunk := make([]byte, 1<<20)
	for err == nil {
		_, err = filler.Write(chunk)
	}
	filler.Close()
	b.run()
	eventually(t, 60*time.Second, "commits beside a node with a full disk", func() bool { return b.commits.Load() > int64(pick(3000, 30000)) })
	b.halt()
	if n := b.errs.Load(); n > 0 {
		t.Errorf("%d errors reached clients, the first: %v", n, *b.first.Load())
	}
	b.verify()
	if err := os.Remove(filler.Name()); err != nil {
		t.Fatal(err)
	}
	c.mustRun("node", "kill", "node-1")
	took := waitWhole(c, wholeWithin)
	figure(t, "6: one storage node's disk full: %d commits, no error; whole again %.2f s after space was made", b.commits.Load(), took.Seconds())
}

// smallDisk mounts a tmpfs of that many bytes (root only).
func smallDisk(t *testing.T, bytes int) (string, error) {
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%d", bytes), "tmpfs", dir).CombinedOutput(); err != nil {
		return "", fmt.Errorf("mount: %w: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", dir).Run() })
	return dir, nil
}
