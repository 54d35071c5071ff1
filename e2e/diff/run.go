package diff

import (
	"fmt"
	"strings"
)

// Pair is the two servers: A is the one under test, B the oracle. It keeps connections from one Case to the next; it is
// used by one goroutine.
type Pair struct {
	A, B     Dial
	Database string // dropped and created anew for every Case; a Pair has its own
	General  bool   // A's fast lane is off
	// Skip, if set, is asked about every unexplained difference: true goes on as if it were explained. For surveys.
	Skip func(*Finding) bool
	// Known counts the differences that were explained, by reason.
	Known map[string]int
	// Statements counts those that were compared.
	Statements int

	conns [2][]Conn
}

// Finding is a Case that shows a difference, cut after the statement that does.
type Finding struct {
	Case Case
	Difference
	codes [2]int
}

// Close ends all connections.
func (p *Pair) Close() {
	for side := range p.conns {
		for _, c := range p.conns[side] {
			_ = c.Close()
		}
		p.conns[side] = nil
	}
}

// Run runs a Case on both servers and returns the first difference that nothing explains. An error is a failure of the set-up, not a
// finding.
func (p *Pair) Run(c Case) (*Finding, error) {
	var failed [2]error
	onBoth(func(side int) { failed[side] = p.prepare(side, []Dial{p.A, p.B}[side], &c) })
	for side, err := range failed {
		if err != nil {
			p.Close()
			return nil, fmt.Errorf("diff: setting up seed %d on server %d: %w", c.Seed, side, err)
		}
	}
	refused := false // a change of the schema that the statements after it were made for
	for i := range c.Steps {
		s := &c.Steps[i]
		if refused && !s.Contents {
			continue
		}
		var out [2]Outcome
		onBoth(func(side int) { out[side] = s.run(p.conns[side][s.Session], side == 1) })
		p.Statements++
		d := Compare(s, out[0], out[1])
		broken := out[0].Code < 0 || out[1].Code < 0
		refused = refused || s.Schema && out[0].Code != 0 && out[1].Code != 0
		if d != nil {
			if why := explain(s, c.before(i), out[0], out[1], d); why != "" && !broken {
				if p.Known == nil {
					p.Known = map[string]int{}
				}
				p.Known[why]++
				if diverged(s, d) {
					return nil, nil // what follows would differ for the same reason
				}
				continue
			}
			if broken {
				p.Close()
			}
			f := &Finding{Case: c, Difference: *d, codes: [2]int{out[0].Code, out[1].Code}}
			f.Case.Steps = c.Steps[:i+1]
			if p.Skip == nil || !p.Skip(f) {
				return f, nil
			}
			if broken || diverged(s, d) {
				return nil, nil
			}
		}
		if broken { // both
			p.Close()
			return nil, nil
		}
	}
	return nil, nil
}

// onBoth does something on both servers at a time.
func onBoth(do func(side int)) {
	done := make(chan struct{})
	go func() { defer close(done); do(1) }()
	do(0)
	<-done
}

func (s *Step) run(c Conn, oracle bool) Outcome {
	if s.Prepared {
		text, params := s.SQL.Prepared(oracle)
		return c.Prepared(text, params)
	}
	if oracle {
		return c.Exec(s.SQL.OfOracle())
	}
	return c.Exec(s.SQL.String())
}

// diverged reports whether the two servers may hold different data after an explained difference.
func diverged(s *Step, d *Difference) bool {
	return !strings.HasPrefix(s.SQL.String(), "SELECT") && d.What != "warnings"
}

func (p *Pair) prepare(side int, dial Dial, c *Case) error {
	for i := range p.conns[side] {
		if err := p.conns[side][i].Reset(); err != nil {
			return err
		}
	}
	for len(p.conns[side]) < c.Sessions {
		conn, err := dial()
		if err != nil {
			return err
		}
		p.conns[side] = append(p.conns[side], conn)
	}
	first := p.conns[side][0]
	for _, q := range []string{"DROP DATABASE IF EXISTS " + p.Database, "CREATE DATABASE " + p.Database + " DEFAULT CHARACTER SET utf8mb4 COLLATE " + c.Collation} {
		if o := first.Exec(q); o.Code != 0 {
			return fmt.Errorf("%s: %s", q, o)
		}
	}
	for _, conn := range p.conns[side][:c.Sessions] {
		first := []string{"USE " + p.Database}
		if p.General && side == 0 {
			first = append(first, "SET zorya_fast_lane = OFF")
		}
		if side == 1 { // MySQL 8.0 rounds fractions of seconds, MariaDB unless it is told cuts them off
			first = append(first, "SET sql_mode = CONCAT(@@sql_mode, ',TIME_ROUND_FRACTIONAL')")
			// A cached subquery is found again for outer values that are only equal under their collation.
			first = append(first, "SET optimizer_switch = 'subquery_cache=off'")
		}
		for _, q := range append(c.settings(), first...) {
			if o := conn.Exec(q); o.Code != 0 {
				return fmt.Errorf("%s: %s", q, o)
			}
		}
	}
	return nil
}

// settings make both servers' sessions alike.
func (c *Case) settings() []string {
	return []string{
		"SET NAMES utf8mb4 COLLATE " + c.Collation + ", sql_mode = '" + c.Mode + "', time_zone = '+00:00', group_concat_max_len = 100000, innodb_lock_wait_timeout = 2",
		"SET SESSION TRANSACTION ISOLATION LEVEL " + c.Isolation,
	}
}

// before is the statements before the i-th.
func (c *Case) before(i int) string {
	var b strings.Builder
	for _, s := range c.Steps[:i] {
		b.WriteString(s.SQL.String() + ";\n")
	}
	return b.String()
}

// Script is the Case as text to read and to paste.
func (c *Case) Script() string {
	var b strings.Builder
	fmt.Fprintf(&b, "-- seed %d, collation %s, %s, sql_mode %q\n", c.Seed, c.Collation, c.Isolation, c.Mode)
	for _, s := range c.Steps {
		note := ""
		if c.Sessions > 1 {
			note += fmt.Sprintf("  -- session %d", s.Session)
		}
		if s.Prepared {
			text, params := s.SQL.Prepared(false)
			note += fmt.Sprintf("  -- prepared: %s with %v", text, params)
		}
		if theirs := s.SQL.OfOracle(); theirs != s.SQL.String() {
			note += "  -- the oracle: " + theirs
		}
		b.WriteString(s.SQL.String() + ";" + note + "\n")
	}
	return b.String()
}

// Last is the statement that shows the difference.
func (f *Finding) Last() string { return f.Case.Steps[len(f.Case.Steps)-1].SQL.String() }

// String is the finding for people.
func (f *Finding) String() string {
	return fmt.Sprintf("%s differ\n%s-- A:\n%s\n-- B:\n%s\n", f.What, f.Case.Script(), f.A, f.B)
}
