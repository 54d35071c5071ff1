package shell

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/wire"
)

// Options say what to run and how to show it.
type Options struct {
	Connect wire.ClientConfig
	In      io.Reader // statements, unless Execute holds them
	Execute string
	Out     io.Writer
	Err     io.Writer

	Interactive bool // prompt, go on after errors, report times
	Table       bool // boxes, else tab-separated lines
	NoNames     bool // without the line of column names
	Vertical    bool // one column a line
	Force       bool // go on after errors
}

// ErrFailed says that a statement failed, which has been reported already.
var ErrFailed = errors.New("a statement failed")

// shell is one session.
type shell struct {
	o   Options
	cl  *wire.Client
	out *bufio.Writer
}

// Run connects, runs every statement and returns ErrFailed if one failed.
func Run(ctx context.Context, o Options) error {
	o.Connect.Capabilities |= wire.CapMultiResults
	if o.Interactive {
		o.Connect.Capabilities |= wire.CapInteractive
	}
	cl, err := wire.Dial(ctx, o.Connect)
	if err != nil {
		var e *mysqlerr.Error
		if errors.As(err, &e) {
			return fmt.Errorf("ERROR %d (%s): %s", e.Code, e.State, e.Message)
		}
		return err
	}
	defer cl.Close()
	s := &shell{o: o, cl: cl, out: bufio.NewWriterSize(o.Out, 64<<10)}
	defer s.out.Flush()
	if o.Execute != "" {
		s.o.In = strings.NewReader(o.Execute)
	}
	if o.Interactive {
		stop := s.interruptible(ctx)
		defer stop()
	}
	return s.read()
}

// read takes lines until the end of the input, or the first error of a program's input.
func (s *shell) read() error {
	lines := bufio.NewReaderSize(s.o.In, 64<<10)
	c := cutter{delimiter: ";"}
	var failed error
	for {
		s.prompt(&c)
		line, err := lines.ReadString('\n')
		if line != "" {
			if s.o.Interactive && !c.pending() && isQuit(line) {
				return failed
			}
			if e := s.all(c.add(line)); e != nil {
				if failed = e; s.over(e) {
					return e
				}
			}
		}
		if err == nil {
			continue
		}
		if e := s.all(c.rest()); e != nil {
			failed = e
		}
		if err != io.EOF {
			return fmt.Errorf("read statements: %w", err)
		}
		return failed
	}
}

// over reports whether an error ends the session.
func (s *shell) over(err error) bool {
	return !errors.Is(err, ErrFailed) || !s.o.Interactive && !s.o.Force
}

func isQuit(line string) bool {
	switch strings.TrimRight(strings.TrimSpace(strings.ToLower(line)), ";") {
	case "exit", "quit", `\q`:
		return true
	}
	return false
}

func (s *shell) prompt(c *cutter) {
	if !s.o.Interactive {
		return
	}
	if c.pending() {
		fmt.Fprint(s.out, "    -> ")
	} else {
		fmt.Fprint(s.out, "zorya> ")
	}
	s.out.Flush()
}

// all runs statements until one fails, or all of them under Force.
func (s *shell) all(statements []statement) error {
	var failed error
	for _, st := range statements {
		if err := s.one(st); err != nil {
			if failed = err; s.over(err) {
				return err
			}
		}
	}
	return failed
}

// one sends a statement and prints its results. A server's error is reported and becomes ErrFailed; another error means that the
// connection is lost.
func (s *shell) one(st statement) error {
	begun := time.Now()
	rs, err := s.cl.Query(st.text)
	for err == nil {
		if err = s.result(rs, st, begun); err != nil || !rs.NextResult() {
			break
		}
	}
	if err == nil && rs != nil {
		err = rs.Err()
	}
	if err == nil {
		return nil
	}
	s.out.Flush()
	var e *mysqlerr.Error
	if !errors.As(err, &e) {
		return fmt.Errorf("lost the connection: %w", err)
	}
	where := ""
	if !s.o.Interactive {
		where = fmt.Sprintf(" at line %d", st.line)
	}
	fmt.Fprintf(s.o.Err, "ERROR %d (%s)%s: %s\n", e.Code, e.State, where, e.Message)
	return ErrFailed
}

func (s *shell) result(rs *wire.Rows, st statement, begun time.Time) error {
	var err error
	n := 0
	if cols := rs.Columns(); len(cols) > 0 {
		switch {
		case st.vertical || s.o.Vertical:
			n, err = s.vertical(rs, cols)
		case s.o.Table:
			n, err = s.box(rs, cols)
		default:
			n, err = s.lines(rs, cols)
		}
		if err != nil {
			return err
		}
	}
	if s.o.Interactive {
		s.account(rs, n, time.Since(begun))
	}
	return nil
}

// account says how a statement went, in the words of MySQL's client.
func (s *shell) account(rs *wire.Rows, n int, took time.Duration) {
	r := rs.Result()
	warnings := ""
	if r.Warnings > 0 {
		warnings = fmt.Sprintf(", %d warning%s", r.Warnings, plural(int(r.Warnings)))
	}
	switch {
	case len(rs.Columns()) == 0:
		fmt.Fprintf(s.out, "Query OK, %d row%s affected%s (%.2f sec)\n", r.AffectedRows, plural(int(r.AffectedRows)), warnings, took.Seconds())
		if r.Info != "" {
			fmt.Fprintln(s.out, r.Info)
		}
	case n == 0:
		fmt.Fprintf(s.out, "Empty set%s (%.2f sec)\n", warnings, took.Seconds())
	default:
		fmt.Fprintf(s.out, "%d row%s in set%s (%.2f sec)\n", n, plural(n), warnings, took.Seconds())
	}
	fmt.Fprintln(s.out)
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

// interruptible makes ^C end the statement that runs, by KILL QUERY on a connection of its own, not the client.
func (s *shell) interruptible(ctx context.Context) (stop func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt)
	go func() {
		for range c {
			killCtx, cancel := context.WithTimeout(ctx, 5*time.Second)
			if cl, err := wire.Dial(killCtx, s.o.Connect); err == nil {
				_, _ = cl.Exec(fmt.Sprintf("KILL QUERY %d", s.cl.ConnectionID())) // it may have ended by itself
				cl.Close()
			}
			cancel()
		}
	}()
	return func() {
		signal.Stop(c)
		close(c)
	}
}
