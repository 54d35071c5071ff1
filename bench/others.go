package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/zoryadb/zorya/bench/load"
	"github.com/zoryadb/zorya/bench/peer"
)

// tpcc is row 9.
func tpcc(ctx context.Context, b *bencher) (Section, error) {
	if b.GoTPC == "" {
		return Section{}, errors.New("go-tpc is not on this machine: give --go-tpc")
	}
	if err := b.start(ctx, []string{zorya, single}); err != nil {
		return Section{}, err
	}
	var s Section
	for _, warehouses := range []int{10, 50} {
		warehouses = scaled(warehouses, b.Scale)
		l := load.TPCC{Binary: b.GoTPC, Warehouses: warehouses, Threads: 32, Seconds: b.Seconds}
		row := Row{Case{Label: fmt.Sprintf("tpmC, %d warehouses", warehouses), Want: map[string]float64{single: 1.3}}, map[string]measured{}}
		for _, server := range b.servers {
			if err := server.Exec(ctx, "DROP DATABASE IF EXISTS "+database, "CREATE DATABASE "+database); err != nil {
				return s, err
			}
			if err := l.Prepare(ctx, target(server)); err != nil {
				return s, err
			}
		}
		runs := map[string][]measured{}
		for range b.Rounds {
			for _, server := range b.servers {
				m, err := measure(ctx, server, l.Run)
				if err != nil {
					return s, err
				}
				runs[server.Name] = append(runs[server.Name], m)
			}
		}
		for _, server := range b.servers {
			row.By[server.Name] = median(runs[server.Name])
			if server.Name != zorya { // MariaDB needs minutes for a warehouse, and is not in question
				continue
			}
			if err := l.Check(ctx, target(server)); err != nil {
				s.Notes = append(s.Notes, fmt.Sprintf("check fails: %v", err))
			} else {
				s.Notes = append(s.Notes, fmt.Sprintf("%s, %d warehouses: go-tpc's check passes after the runs; %d errors that were tried again.", server.Name, warehouses, row.By[server.Name].Retried))
			}
		}
		s.Rows = append(s.Rows, row)
		b.say("%s", row.line())
	}
	return s, nil
}

// bulkRows is the size of row 10's table at scale 1.
const bulkRows = 10_000_000

// bulk is row 10: each step once on each server, in turn.
func bulk(ctx context.Context, b *bencher) (Section, error) {
	if err := b.start(ctx, []string{zorya, single}); err != nil {
		return Section{}, err
	}
	dir, err := os.MkdirTemp("", "zorya-bulk-")
	if err != nil {
		return Section{}, err
	}
	defer os.RemoveAll(dir)
	csv, rows := filepath.Join(dir, "rows.csv"), scaled(bulkRows, b.Scale)
	if err := writeRows(csv, rows); err != nil {
		return Section{}, err
	}
	dump := filepath.Join(dir, "dump.sql")
	steps := []struct {
		name string
		run  func(s *peer.Server) error
	}{
		{fmt.Sprintf("LOAD DATA LOCAL of %d rows", rows), func(s *peer.Server) error {
			return load.Client(ctx, target(s), fmt.Sprintf("LOAD DATA LOCAL INFILE '%s' INTO TABLE bulk FIELDS TERMINATED BY ','", csv))
		}},
		{"CREATE INDEX on it", func(s *peer.Server) error { return s.Exec(ctx, "CREATE INDEX k ON "+database+".bulk (k)") }},
		{"full scan COUNT", func(s *peer.Server) error {
			return s.Exec(ctx, "SELECT COUNT(*) FROM "+database+".bulk WHERE pad <> 'no'")
		}},
		{"restore of a dump of it", func(s *peer.Server) error { return load.Restore(ctx, target(s), dump, "restored") }},
	}
	for _, s := range b.servers {
		err := s.Exec(ctx, "SET GLOBAL local_infile = 1", "DROP DATABASE IF EXISTS "+database, "CREATE DATABASE "+database,
			"CREATE TABLE "+database+".bulk (id INT PRIMARY KEY, k INT NOT NULL, c VARCHAR(40) NOT NULL, pad CHAR(20) NOT NULL)")
		if err != nil {
			return Section{}, err
		}
	}
	var table strings.Builder
	fmt.Fprint(&table, "| step | Zorya s | MariaDB s | ratio (1.5 to reach) |\n|---|---|---|---|\n")
	for i, step := range steps {
		if i == len(steps)-1 { // both restore the same file
			if err := load.Dump(ctx, target(b.servers[len(b.servers)-1]), dump); err != nil {
				return Section{}, err
			}
		}
		took := map[string]float64{}
		for _, s := range b.servers {
			begun := time.Now()
			if err := step.run(s); err != nil {
				return Section{}, fmt.Errorf("%s on %s: %w", step.name, s.Name, err)
			}
			took[s.Name] = time.Since(begun).Seconds()
			b.say("%s on %s: %.1f s", step.name, s.Name, took[s.Name])
		}
		fmt.Fprintf(&table, "| %s | %.1f | %.1f | %.2f |\n", step.name, took[zorya], took[single], took[single]/max(took[zorya], 1e-3))
	}
	return Section{Table: table.String()}, nil
}

// writeRows writes a file for LOAD DATA, keys ascending as dumps and exports have them.
func writeRows(path string, n int) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	buf := make([]byte, 0, 1<<20)
	x := uint32(1)
	for i := 1; i <= n; i++ {
		x = x*1664525 + 1013904223 // Numerical Recipes' generator: k must not follow id
		buf = fmt.Appendf(buf, "%d,%d,%032x,%s\n", i, x>>8, uint64(x)*0x9E3779B97F4A7C15, "padding-padding")
		if len(buf) > 1<<20-256 || i == n {
			if _, err := f.Write(buf); err != nil {
				return err
			}
			buf = buf[:0]
		}
	}
	return f.Sync()
}

// recoveryLoad is how long row 12 writes before the kill, at the full form.
const recoveryLoad = 600 * time.Second

// recovery is row 12: write at full speed, kill -9 the server, and ask until it answers.
func recovery(ctx context.Context, b *bencher) (Section, error) {
	if err := b.start(ctx, []string{zorya}); err != nil {
		return Section{}, err
	}
	m, err := peer.MariaDB(ctx, single, "--innodb-buffer-pool-size="+b.Pool, "--innodb-log-file-size=4G")
	if err != nil {
		return Section{}, err
	}
	b.servers = append(b.servers, m)
	seconds := min(b.Seconds*20, int(recoveryLoad.Seconds()))
	l := load.Sysbench{Workload: "oltp_write_only", Threads: 64, Tables: 8, Rows: tableRows, Seconds: seconds}
	var table strings.Builder
	fmt.Fprintf(&table, "%d s of oltp_write_only at 64 threads, then kill -9 of what clients talk to.\n\n| server | transactions | redo MiB | s to the first answer |\n|---|---|---|---|\n", seconds)
	took := map[string]float64{}
	for _, s := range b.servers {
		if err := b.fill(ctx, s, l); err != nil {
			return Section{}, err
		}
		r, err := measure(ctx, s, l.Run)
		if err != nil {
			return Section{}, err
		}
		d, err := killed(ctx, s)
		if err != nil {
			return Section{}, err
		}
		took[s.Name] = d.Seconds()
		fmt.Fprintf(&table, "| %s | %d | %.0f | %.2f |\n", s.Name, r.Txns, r.Redo*float64(r.Txns)/(1<<20), d.Seconds())
		b.say("%s: first answer after %.2f s", s.Name, d.Seconds())
	}
	fmt.Fprintf(&table, "\nZorya needs %.3f of MariaDB's time (to reach: 0.1, and 1 s).\n", took[zorya]/took[single])
	return Section{Table: table.String()}, nil
}

// killed is the time from kill -9 of the process that serves clients to its first answer to a query that reads a table. Zorya's
// supervisor starts it anew; MariaDB's stand-in for one is the Restart of its peer.
func killed(ctx context.Context, s *peer.Server) (time.Duration, error) {
	ps, err := s.Processes()
	if err != nil {
		return 0, err
	}
	i := slices.IndexFunc(ps, func(p peer.Process) bool { return p.Role == "writer" || p.Role == "mariadbd" })
	if i < 0 {
		return 0, fmt.Errorf("%s: no process serves", s.Name)
	}
	begun := time.Now()
	if err := syscall.Kill(ps[i].PID, syscall.SIGKILL); err != nil {
		return 0, fmt.Errorf("kill %s: %w", s.Name, err)
	}
	if s.Restart != nil {
		if err := s.Restart(); err != nil {
			return 0, err
		}
	}
	for ctx.Err() == nil {
		var n sql.NullString
		if err := s.DB().QueryRowContext(ctx, "SELECT c FROM "+database+".sbtest1 LIMIT 1").Scan(&n); err == nil {
			return time.Since(begun), nil
		}
		time.Sleep(5 * time.Millisecond)
	}
	return 0, ctx.Err()
}

// latencyShare is of the slower server's peak.
const latencyShare = 0.7

// latency is row 13: both servers at 70 % of the slower one's peak.
func latency(ctx context.Context, b *bencher) (Section, error) {
	if err := b.start(ctx, []string{zorya, single}); err != nil {
		return Section{}, err
	}
	var s Section
	for _, w := range []string{"oltp_read_write", "oltp_write_only"} {
		c := Case{Label: w + ", peak", Load: load.Sysbench{Workload: w, Threads: 64, Tables: 4, Rows: tableRows}, Servers: []string{single}, Tables: true}
		peak, err := b.run(ctx, c)
		if err != nil {
			return s, err
		}
		slower := min(peak.By[zorya].TPS, peak.By[single].TPS)
		c.Load.Rate, c.Tables = int(latencyShare*slower), false
		c.Label = fmt.Sprintf("%s, %d/s", w, c.Load.Rate)
		fixed, err := b.run(ctx, c)
		if err != nil {
			return s, err
		}
		s.Rows = append(s.Rows, peak, fixed)
		s.Notes = append(s.Notes, fmt.Sprintf("%s: p99 %.1f ms beside %.1f ms of MariaDB (to reach: not above).", c.Label, fixed.By[zorya].P99, fixed.By[single].P99))
		b.say("%s\n%s", peak.line(), fixed.line())
	}
	return s, nil
}
