package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/zoryadb/zorya/bench/load"
	"github.com/zoryadb/zorya/bench/peer"
)

// Options say what to run and how long.
type Options struct {
	Binary  string   // zorya itself
	GoTPC   string   // go-tpc; "" leaves TPC-C out
	Suites  []string // names; see Suites
	Seconds int      // of each run
	Rounds  int      // of each case
	Scale   float64  // of tables, data and warehouses, of what issue 4 names
	Pool    string   // buffer pool of every server, as 512M
	Out     string   // directory for the report
	Title   string   // of what was measured: a commit
	Log     io.Writer
}

// Names of servers, which a case picks its peers from.
const (
	zorya    = "Zorya"
	ceiling  = "ceiling"
	single   = "MariaDB"
	semiSync = "MariaDB semi-sync"
	galera   = "Galera"
)

// Case is a load that some servers run.
type Case struct {
	Label   string
	Load    load.Sysbench
	Servers []string           // besides Zorya
	Want    map[string]float64 // ratios that issue 4 asks for, by server
	Tables  bool               // fill the tables (false: as the case before left them)
}

// Suite is a row of issue 4's table.
type Suite struct {
	Name, Title string
	// Notes, if any, are made from the suite's rows and printed under its table.
	Notes func(rows []Row) []string
	Cases []Case
	// Run does what is no sysbench run; nil: the cases are run.
	Run func(ctx context.Context, b *bencher) (Section, error)
}

// Row is a case's figures.
type Row struct {
	Case Case
	By   map[string]measured // by server
}

// bencher is a run of suites: it holds the servers of the present one.
type bencher struct {
	Options
	servers []*peer.Server
	missing []string
}

func (b *bencher) say(format string, args ...any) { fmt.Fprintf(b.Log, format+"\n", args...) }

// Run runs the suites and writes one report for each into Out. It returns what could not be measured beside errors.
func Run(ctx context.Context, o Options) error {
	all := Suites(o.Scale)
	var errs []error
	for _, name := range o.Suites {
		i := slices.IndexFunc(all, func(s Suite) bool { return s.Name == name })
		if i < 0 {
			return fmt.Errorf("no suite %q; there are %s", name, strings.Join(SuiteNames(), ", "))
		}
		b := &bencher{Options: o}
		if err := b.suite(ctx, all[i]); err != nil {
			errs = append(errs, fmt.Errorf("suite %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

func (b *bencher) suite(ctx context.Context, s Suite) (err error) {
	b.say("== %s: %s", s.Name, s.Title)
	defer func() { err = errors.Join(err, b.stop()) }()
	run := s.Run
	if run == nil {
		run = func(ctx context.Context, b *bencher) (Section, error) { return b.cases(ctx, s) }
	}
	section, err := run(ctx, b)
	if err != nil {
		return err
	}
	section.Name, section.Title, section.Missing = s.Name, s.Title, b.missing
	return section.write(b.Options)
}

func (b *bencher) stop() error {
	var errs []error
	for _, s := range b.servers {
		errs = append(errs, s.Stop())
	}
	b.servers = nil
	return errors.Join(errs...)
}

// start starts what the names ask for, in that order. A peer that is not installed is left out and named in the report.
func (b *bencher) start(ctx context.Context, names []string) error {
	for _, name := range names {
		b.say("starting %s", name)
		s, err := b.startOne(ctx, name)
		if errors.Is(err, peer.ErrMissing) {
			b.missing = append(b.missing, err.Error())
			b.say("left out: %v", err)
			continue
		}
		if err != nil {
			return err
		}
		b.servers = append(b.servers, s)
	}
	return nil
}

func (b *bencher) startOne(ctx context.Context, name string) (*peer.Server, error) {
	pool := "--innodb-buffer-pool-size=" + b.Pool
	switch name {
	case zorya:
		return peer.Zorya(ctx, b.Binary, "--pool", b.Pool, "--max-connections", "6000")
	case ceiling:
		return peer.Ceiling(ctx, b.Binary)
	case single:
		return peer.MariaDB(ctx, name, pool)
	case semiSync:
		return peer.SemiSync(ctx, name, pool)
	case galera:
		return peer.Galera(ctx, name, pool)
	}
	return nil, fmt.Errorf("no server %q", name)
}

// cases runs a suite of sysbench cases.
func (b *bencher) cases(ctx context.Context, s Suite) (Section, error) {
	names := []string{zorya}
	for _, c := range s.Cases {
		for _, n := range c.Servers {
			if !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
	}
	if err := b.start(ctx, names); err != nil {
		return Section{}, err
	}
	var rows []Row
	for _, c := range s.Cases {
		row, err := b.run(ctx, c)
		if err != nil {
			return Section{}, err
		}
		rows = append(rows, row)
		b.say("%s", row.line())
	}
	section := Section{Rows: rows}
	if s.Notes != nil {
		section.Notes = s.Notes(rows)
	}
	return section, nil
}

// run fills each server once, then runs them in turn.
func (b *bencher) run(ctx context.Context, c Case) (Row, error) {
	l := c.Load
	if l.Seconds == 0 {
		l.Seconds = b.Seconds
	}
	var who []*peer.Server
	for _, s := range b.servers {
		if s.Name == zorya || slices.Contains(c.Servers, s.Name) {
			who = append(who, s)
		}
	}
	if c.Tables {
		for _, s := range who {
			if err := b.fill(ctx, s, l); err != nil {
				return Row{}, err
			}
		}
	}
	runs := map[string][]measured{}
	for round := range b.Rounds {
		for _, s := range who {
			if l.Workload == load.BulkInsert && round > 0 { // it begins at row 1 again
				if err := b.fill(ctx, s, l); err != nil {
					return Row{}, err
				}
			}
			m, err := measure(ctx, s, l.Run)
			if err != nil {
				return Row{}, fmt.Errorf("%s: %w", c.Label, err)
			}
			runs[s.Name] = append(runs[s.Name], m)
		}
	}
	row := Row{c, map[string]measured{}}
	for name, v := range runs {
		row.By[name] = median(v)
	}
	return row, nil
}

func (b *bencher) fill(ctx context.Context, s *peer.Server, l load.Sysbench) error {
	if s.Name == ceiling {
		return nil
	}
	if err := s.Exec(ctx, "SET GLOBAL max_prepared_stmt_count = 1048576", "DROP DATABASE IF EXISTS "+database, "CREATE DATABASE "+database); err != nil {
		return err
	}
	return l.Prepare(ctx, target(s))
}
