package supervisor

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"gopkg.in/natefinch/lumberjack.v2"

	"github.com/zoryadb/zorya/cluster/role"
)

// Status of a child.
const (
	StatusStarting   = "starting"   // runs, not yet serving
	StatusAvailable  = "available"  // serves
	StatusRestarting = "restarting" // died, about to be started again
	StatusStopped    = "stopped"    // held down
	StatusFailed     = "failed"     // ended with an error that a restart would only repeat
)

// Roles of children.
const (
	RoleControl  = "control"
	RoleStorage  = "storage"
	RoleInstance = "instance"
)

// Child is a child's state as others see it.
type Child struct {
	ID       string    `json:"id"`
	Role     string    `json:"role"`
	AZ       string    `json:"az,omitempty"`
	Address  string    `json:"address"`
	PID      int       `json:"pid"` // 0: not running
	Status   string    `json:"status"`
	Restarts int       `json:"restarts"`
	Started  time.Time `json:"started"`
	Error    string    `json:"error,omitempty"` // the last one it reported
}

const (
	stopGrace  = 20 * time.Second // from SIGTERM to SIGKILL
	maxBackoff = 2 * time.Second
	logSizeMB  = 64
	logBackups = 2
)

// spec says how to start a child.
type spec struct {
	id, role, az, address string
	args                  []string
	log                   string
	listen                func() (*os.File, error) // a socket to hand down; nil: none
	unlisten              func()                   // when it is held down
}

// child keeps one process running.
type child struct {
	spec spec

	mu      sync.Mutex
	now     Child
	proc    *os.Process
	held    bool
	changed chan struct{} // closed at every change of the fields above
	done    chan struct{} // the loop has ended
}

func newChild(s spec) *child {
	return &child{
		spec:    s,
		now:     Child{ID: s.id, Role: s.role, AZ: s.az, Address: s.address, Status: StatusStarting},
		changed: make(chan struct{}),
		done:    make(chan struct{}),
	}
}

func (c *child) snapshot() (Child, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now, c.changed
}

func (c *child) update(fn func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fn()
	close(c.changed)
	c.changed = make(chan struct{})
}

// run starts the process again and again until ctx ends, then stops it.
func (c *child) run(ctx context.Context) {
	defer close(c.done)
	log := &lumberjack.Logger{Filename: c.spec.log, MaxSize: logSizeMB, MaxBackups: logBackups}
	defer log.Close()
	failures := 0
	for ctx.Err() == nil {
		if !c.waitReleased(ctx) {
			return
		}
		served, final, err := c.once(ctx, log)
		if ctx.Err() != nil {
			return
		}
		if served {
			failures = 0
		}
		c.update(func() {
			c.proc, c.now.PID = nil, 0
			if err != nil {
				c.now.Error = err.Error()
			}
			switch {
			case c.held:
				c.now.Status = StatusStopped
			case final:
				c.now.Status, c.held = StatusFailed, true
			default:
				c.now.Status = StatusRestarting
				c.now.Restarts++
			}
		})
		slog.Warn("child ended", "id", c.spec.id, "err", err, "served", served, "final", final)
		if !sleep(ctx, backoff(failures)) {
			return
		}
		failures++
	}
}

// backoff is nothing for a process that has served, then grows with each failure to start.
func backoff(failures int) time.Duration {
	if failures == 0 {
		return 0
	}
	return min(maxBackoff, 50*time.Millisecond<<min(failures, 10))
}

func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

func (c *child) waitReleased(ctx context.Context) bool {
	for {
		c.mu.Lock()
		held, changed := c.held, c.changed
		c.mu.Unlock()
		if !held {
			return true
		}
		if c.spec.unlisten != nil {
			c.spec.unlisten()
		}
		select {
		case <-ctx.Done():
			return false
		case <-changed:
		}
	}
}

// once runs the process to its end. served: it had reported ready. final: it said that a restart is useless.
func (c *child) once(ctx context.Context, log io.Writer) (served, final bool, err error) {
	p, err := c.start(log)
	if err != nil {
		return false, false, err
	}
	exited := make(chan error, 1)
	go func() { exited <- p.cmd.Wait() }()
	all := make(chan role.Report, 1)
	go p.readReports(all)
	defer func() {
		p.close()
		for range all { // the reader ends with the pipe
		}
	}()
	reports := all

	var reported error
	stop := ctx.Done()
	for {
		select {
		case r, ok := <-reports:
			if !ok {
				reports = nil
				continue
			}
			if r.Err != "" {
				reported = fmt.Errorf("%s: %s", c.spec.id, r.Err)
				continue
			}
			served = true
			c.update(func() {
				c.now.Status, c.now.Address = StatusAvailable, r.Address
			})
		case <-stop:
			stop = nil
			terminate(p.cmd.Process, exited)
			return served, false, nil
		case err := <-exited:
			// What it said last may still be in the pipe: the reader ends at its close.
			for r := range all {
				if r.Err != "" {
					reported = fmt.Errorf("%s: %s", c.spec.id, r.Err)
				}
			}
			final = p.cmd.ProcessState.ExitCode() == role.ExitFinal
			if reported == nil && err != nil {
				reported = fmt.Errorf("%s: %w", c.spec.id, err)
			}
			return served, final, reported
		}
	}
}

// terminate asks the process to end, then makes it.
func terminate(p *os.Process, exited <-chan error) {
	_ = p.Signal(syscall.SIGTERM)
	t := time.NewTimer(stopGrace)
	defer t.Stop()
	select {
	case <-exited:
	case <-t.C:
		_ = p.Kill()
		<-exited
	}
}

// process is one run of a child.
type process struct {
	cmd      *exec.Cmd
	lifeline *os.File // write end: its close tells the child that the supervisor is gone
	notify   *os.File // read end
}

func (c *child) start(log io.Writer) (_ *process, err error) {
	lifeR, lifeW, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", c.spec.id, err)
	}
	defer lifeR.Close()
	noteR, noteW, err := os.Pipe()
	if err != nil {
		lifeW.Close()
		return nil, fmt.Errorf("start %s: %w", c.spec.id, err)
	}
	defer noteW.Close()

	// /proc/self/exe is this very binary, also after the file was replaced by a newer build.
	cmd := exec.Command("/proc/self/exe", c.spec.args...)
	cmd.Args[0] = "zorya"
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{lifeR, noteW}
	if c.spec.listen != nil {
		var l *os.File
		if l, err = c.spec.listen(); err == nil {
			defer l.Close()
			cmd.ExtraFiles = append(cmd.ExtraFiles, l)
		}
	}
	cmd.Env = role.ChildEnv(os.Environ(), c.spec.listen != nil)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // ^C is for the supervisor, which stops them in order
	if err == nil {
		err = c.launch(cmd)
	}
	if err != nil {
		lifeW.Close()
		noteR.Close()
		return nil, fmt.Errorf("start %s: %w", c.spec.id, err)
	}
	return &process{cmd: cmd, lifeline: lifeW, notify: noteR}, nil
}

func (c *child) launch(cmd *exec.Cmd) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	c.update(func() {
		c.proc = cmd.Process
		c.now.PID, c.now.Status, c.now.Started = cmd.Process.Pid, StatusStarting, time.Now()
		if c.held { // stopped in the moment of its start
			_ = c.proc.Signal(syscall.SIGTERM)
		}
	})
	return nil
}

func (p *process) readReports(to chan<- role.Report) {
	defer close(to)
	s := bufio.NewScanner(p.notify)
	for s.Scan() {
		if r, ok := role.ParseReport(strings.TrimSpace(s.Text())); ok {
			to <- r
		}
	}
}

func (p *process) close() {
	p.lifeline.Close()
	p.notify.Close()
}

// hold stops the process and keeps it down. It returns when it has ended or ctx has.
func (c *child) hold(ctx context.Context) error {
	c.update(func() {
		c.held = true
		if c.proc != nil {
			_ = c.proc.Signal(syscall.SIGTERM)
		} else {
			c.now.Status = StatusStopped
		}
	})
	grace := time.NewTimer(stopGrace)
	defer grace.Stop()
	for {
		now, changed := c.snapshot()
		if now.PID == 0 {
			return nil
		}
		select {
		case <-changed:
		case <-grace.C:
			_ = c.kill(true)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// release lets a held process run again and returns when it serves.
func (c *child) release(ctx context.Context) error {
	c.update(func() {
		if c.held {
			c.held = false
			c.now.Status, c.now.Error = StatusStarting, ""
		}
	})
	return c.waitAvailable(ctx)
}

// waitAvailable returns when the process serves, or with the error that ended it for good.
func (c *child) waitAvailable(ctx context.Context) error {
	for {
		now, changed := c.snapshot()
		switch now.Status {
		case StatusAvailable:
			return nil
		case StatusFailed, StatusStopped:
			return fmt.Errorf("%s is %s: %s", now.ID, now.Status, now.Error)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for %s (%s; %s): %w", now.ID, now.Status, now.Error, ctx.Err())
		}
	}
}

// kill is kill -9. With hold the process is not started again.
func (c *child) kill(hold bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.proc == nil {
		return fmt.Errorf("%s is not running", c.spec.id)
	}
	c.held = c.held || hold
	return c.proc.Kill()
}
