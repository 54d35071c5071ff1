package supervisor

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zoryadb/zorya/cluster/role"
)

// The children of these tests are this test binary again, told by its first argument what to do.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && strings.HasPrefix(os.Args[1], "child-") {
		_ = role.LogTo("test", role.Common{ID: os.Args[1]})
		os.Exit(role.Main("test", role.Common{HTTP: "127.0.0.1:0"}, func(p *role.Process) error { return childMain(p, os.Args[1]) }))
	}
	os.Exit(m.Run())
}

func childMain(p *role.Process, what string) error {
	switch what {
	case "child-serve":
		return p.Serve("here")
	case "child-final":
		return fmt.Errorf("%w: disk of another age", role.ErrFinal)
	case "child-fail":
		return errors.New("no luck")
	}
	return fmt.Errorf("unknown child %q", what)
}

// run starts a child until the test ends.
func run(t *testing.T, what string) *child {
	t.Helper()
	c := newChild(spec{id: "x", role: RoleStorage, args: []string{what}, log: filepath.Join(t.TempDir(), "log")})
	ctx, cancel := context.WithCancel(context.Background())
	go c.run(ctx)
	t.Cleanup(func() {
		cancel()
		<-c.done
	})
	return c
}

func deadline(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func await(t *testing.T, c *child, what string, cond func(Child) bool) Child {
	t.Helper()
	ctx := deadline(t)
	for {
		now, changed := c.snapshot()
		if cond(now) {
			return now
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("timed out waiting for %s; child is %+v", what, now)
		}
	}
}

func TestKilledChildIsRestarted(t *testing.T) {
	c := run(t, "child-serve")
	if err := c.waitAvailable(deadline(t)); err != nil {
		t.Fatal(err)
	}
	before, _ := c.snapshot()
	if before.Address != "here" {
		t.Errorf("address %q, want the one the child reported", before.Address)
	}
	if err := c.kill(false); err != nil {
		t.Fatal(err)
	}
	after := await(t, c, "another process", func(n Child) bool { return n.Status == StatusAvailable && n.PID != before.PID })
	if after.Restarts != 1 {
		t.Errorf("%d restarts, want 1", after.Restarts)
	}
}

func TestHeldChildStaysDown(t *testing.T) {
	c := run(t, "child-serve")
	if err := c.waitAvailable(deadline(t)); err != nil {
		t.Fatal(err)
	}
	if err := c.hold(deadline(t)); err != nil {
		t.Fatal(err)
	}
	now := await(t, c, "stop", func(n Child) bool { return n.Status == StatusStopped })
	if now.PID != 0 || now.Restarts != 0 {
		t.Errorf("held child: %+v", now)
	}
	if err := c.kill(false); err == nil {
		t.Error("killing a child that does not run is no error")
	}
	if err := c.release(deadline(t)); err != nil {
		t.Fatal(err)
	}
	if err := c.kill(true); err != nil {
		t.Fatal(err)
	}
	await(t, c, "a kill that holds", func(n Child) bool { return n.Status == StatusStopped && n.PID == 0 })
}

func TestFinalErrorIsNotRetried(t *testing.T) {
	c := run(t, "child-final")
	err := c.waitAvailable(deadline(t))
	if err == nil || !strings.Contains(err.Error(), "disk of another age") {
		t.Errorf("got %v, want what the child said", err)
	}
	if now, _ := c.snapshot(); now.Restarts != 0 || now.Status != StatusFailed {
		t.Errorf("child: %+v", now)
	}
}

func TestFailingChildIsRetried(t *testing.T) {
	c := run(t, "child-fail")
	now := await(t, c, "a second try", func(n Child) bool { return n.Restarts >= 2 })
	if !strings.Contains(now.Error, "no luck") {
		t.Errorf("error %q, want what the child said", now.Error)
	}
}

func TestBackoffIsBounded(t *testing.T) {
	if backoff(0) != 0 {
		t.Error("a process that has served is not restarted at once")
	}
	for n := range 100 {
		if d := backoff(n); d < 0 || d > maxBackoff {
			t.Errorf("backoff(%d) = %v", n, d)
		}
	}
}

// A child must not outlive its supervisor: the end of the lifeline ends it.
func TestChildEndsWithTheLifeline(t *testing.T) {
	c := newChild(spec{id: "x", args: []string{"child-serve"}})
	logR, logW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer logR.Close()
	p, err := c.start(logW)
	logW.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer p.notify.Close()
	if line, err := bufio.NewReader(p.notify).ReadString('\n'); err != nil || line != "ready here\n" {
		t.Fatalf("child says %q, %v", line, err)
	}
	p.lifeline.Close()
	exited := make(chan error, 1)
	go func() { exited <- p.cmd.Wait() }()
	select {
	case <-exited:
	case <-deadline(t).Done():
		_ = p.cmd.Process.Kill()
		t.Fatal("the child lives on")
	}
}

func TestOneSupervisorADirectory(t *testing.T) {
	l := Layout{Dir: filepath.Join(t.TempDir(), "c")}
	f, err := l.acquire()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.acquire(); !errors.Is(err, ErrRunning) || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
		t.Errorf("second supervisor: %v, want ErrRunning and the first one's pid", err)
	}
	f.Close()
	f, err = l.acquire()
	if err != nil {
		t.Errorf("after the first one's end: %v", err)
	}
	f.Close()
}

func TestForeignDirectoryIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "thesis.tex"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (Layout{Dir: dir}).acquire(); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("got %v, want ErrNotEmpty", err)
	}
}

func TestNewerDirectoryIsRefused(t *testing.T) {
	l := Layout{Dir: t.TempDir()}
	if err := l.saveState(&State{Format: FormatVersion + 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := l.LoadState(); !errors.Is(err, ErrNewerFormat) {
		t.Errorf("got %v, want ErrNewerFormat", err)
	}
}

func TestBusyPortIsNamed(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := listen(l.Addr().String()); !errors.Is(err, ErrPortBusy) || errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("got %v, want ErrPortBusy", err)
	}
}

func TestPortsStayUnlessTaken(t *testing.T) {
	s := newState(Options{Cluster: "c"})
	if err := s.assignPorts(); err != nil {
		t.Fatal(err)
	}
	before := *s
	before.Nodes = append([]Node(nil), s.Nodes...)
	l, err := net.Listen("tcp", s.Nodes[2].Address)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := s.assignPorts(); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for i, n := range s.Nodes {
		if moved := n.Address != before.Nodes[i].Address; moved != (i == 2) {
			t.Errorf("%s was at %s and is at %s", n.ID, before.Nodes[i].Address, n.Address)
		}
		if seen[n.Address] {
			t.Errorf("%s is given twice", n.Address)
		}
		seen[n.Address] = true
	}
}

func TestPasswordFile(t *testing.T) {
	dir := t.TempDir()
	settle := func(password string) *Supervisor {
		t.Helper()
		s := &Supervisor{o: Options{Password: password}, layout: Layout{Dir: dir}}
		if err := s.settlePassword(); err != nil {
			t.Fatal(err)
		}
		return s
	}
	read := func() string {
		b, err := os.ReadFile(filepath.Join(dir, "admin-password"))
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(b))
	}
	if s := settle(""); s.reset || s.passNote == "" || len(read()) < 20 {
		t.Errorf("no generated password: %q", read())
	}
	generated := read()
	if s := settle(""); s.reset || read() != generated {
		t.Error("a second start changed the generated password")
	}
	if s := settle("secret"); !s.reset || read() != "secret" {
		t.Error("a new password was not taken over")
	}
	if s := settle("secret"); s.reset {
		t.Error("the same password again asks for a reset")
	}
	if fi, err := os.Stat(filepath.Join(dir, "admin-password")); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", fi.Mode(), err)
	}
}
