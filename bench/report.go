package bench

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/zoryadb/zorya/bench/peer"
)

// Section is a suite's report.
type Section struct {
	Name, Title string
	Rows        []Row
	Table       string   // Markdown, of suites that are no rows
	Notes       []string // sentences under the table
	Missing     []string // servers that could not be started
	Alone       bool     // no other server took part
}

// order is that of the servers in a table.
var order = []string{zorya, single, semiSync, galera, ceiling}

func (s Section) servers() []string {
	var out []string
	for _, name := range order {
		for _, r := range s.Rows {
			if _, ok := r.By[name]; ok {
				out = append(out, name)
				break
			}
		}
	}
	return out
}

// ratio is Zorya's throughput over another server's, 0 if either is unknown.
func (r Row) ratio(to string) float64 {
	z, o := r.By[zorya], r.By[to]
	if o.TPS == 0 {
		return 0
	}
	return z.TPS / o.TPS
}

// line is a row for people who watch.
func (r Row) line() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-40s", r.Case.Label)
	for _, name := range order {
		m, ok := r.By[name]
		if !ok {
			continue
		}
		fmt.Fprintf(&b, "  %s %.0f/s p99 %.1f ms %.0f us CPU", name, m.TPS, m.P99, m.AllCPU())
		if name != zorya {
			fmt.Fprintf(&b, " (x %.2f)", r.ratio(name))
		}
	}
	return b.String()
}

// throughput is the table of transactions and ratios.
func (s Section) throughput(w *bytes.Buffer) {
	names := s.servers()
	fmt.Fprint(w, "| case |")
	for _, n := range names {
		fmt.Fprintf(w, " %s /s | p99 ms | CPU us |", n)
	}
	for _, n := range names[1:] {
		fmt.Fprintf(w, " Zorya : %s |", n)
	}
	fmt.Fprintf(w, "\n|%s\n", strings.Repeat("---|", 1+3*len(names)+len(names)-1))
	for _, r := range s.Rows {
		fmt.Fprintf(w, "| %s |", r.Case.Label)
		for _, n := range names {
			if m, ok := r.By[n]; ok {
				fmt.Fprintf(w, " %.0f | %.1f | %.0f |", m.TPS, m.P99, m.AllCPU())
			} else {
				fmt.Fprint(w, " | | |")
			}
		}
		for _, n := range names[1:] {
			fmt.Fprintf(w, " %s |", r.verdict(n))
		}
		fmt.Fprintln(w)
	}
}

// verdict is a ratio, and what it should be where a target is set.
func (r Row) verdict(to string) string {
	if _, ok := r.By[to]; !ok {
		return ""
	}
	got, want := r.ratio(to), r.Case.Want[to]
	switch {
	case want == 0:
		return fmt.Sprintf("%.2f", got)
	case got >= want:
		return fmt.Sprintf("**%.2f** (%.2g)", got, want)
	}
	return fmt.Sprintf("%.2f (misses %.2g)", got, want)
}

// costs is the table of what a transaction costs.
func (s Section) costs(w *bytes.Buffer) {
	fmt.Fprint(w, "| case | server | CPU us by process | redo records | redo bytes | frames to all copies | fsyncs, all copies | write amplification | largest resident MiB |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, r := range s.Rows {
		for _, n := range order {
			m, ok := r.By[n]
			if !ok || n == ceiling {
				continue
			}
			var cpu, mem []string
			for _, role := range roles(m.CPU) {
				cpu = append(cpu, fmt.Sprintf("%s %.0f", role, m.CPU[role]))
				mem = append(mem, fmt.Sprintf("%s %.0f", role, m.Resident[role]/(1<<20)))
			}
			fmt.Fprintf(w, "| %s | %s | %s | %.1f | %.0f | %.2f | %.2f | %.1f | %s |\n", r.Case.Label, n, strings.Join(cpu, ", "),
				m.Records, m.Redo, m.Frames, m.Syncs, m.Writes, strings.Join(mem, ", "))
		}
	}
}

// peers says what the others are.
func (s Section) peers(w *bytes.Buffer) {
	fmt.Fprintf(w, "Peer: %s; innodb_flush_log_at_trx_commit=1, row binlog, sync_binlog=1; semi-sync: AFTER_SYNC, two replicas, relay logs not synced (the default);\n", peer.MariaDBVersion())
	fmt.Fprint(w, "Galera: three nodes. Zorya: `zorya up`, six storage nodes; a commit is acknowledged when four copies are on disk.\n")
}

// write makes NAME.md and, if there are rows, NAME.svg.
func (s Section) write(o Options) error {
	var w bytes.Buffer
	fmt.Fprintf(&w, "# %s\n\n", s.Title)
	fmt.Fprintf(&w, "Written by `zorya bench --suite %s --seconds %d --rounds %d --scale %g --pool %s` on %s, of %s. Machine: %s.\n", s.Name, o.Seconds, o.Rounds, o.Scale, o.Pool,
		time.Now().UTC().Format(time.DateOnly), o.Title, machine())
	fmt.Fprintf(&w, "Load average at the end: %s. Clients and servers share the machine, ", loadAverage())
	if s.Alone {
		fmt.Fprint(&w, "figures are medians.\n")
	} else {
		fmt.Fprint(&w, "the servers ran in turn, figures are medians: read the ratios.\n")
		s.peers(&w)
	}
	for _, m := range s.Missing {
		fmt.Fprintf(&w, "\nNot measured: %s.\n", m)
	}
	if len(s.Rows) > 0 {
		fmt.Fprint(&w, "\nIn brackets: the ratio that issue 4 asks for.\n\n")
		s.throughput(&w)
		fmt.Fprintf(&w, "\n![chart](%s.svg)\n\n## What a transaction costs\n\n", s.Name)
		s.costs(&w)
	}
	if s.Table != "" {
		fmt.Fprintf(&w, "\n%s\n", s.Table)
	}
	for _, n := range s.Notes {
		fmt.Fprintf(&w, "\n%s\n", n)
	}
	if err := os.MkdirAll(o.Out, 0o755); err != nil {
		return fmt.Errorf("write the report of %s: %w", s.Name, err)
	}
	if len(s.Rows) > 0 {
		if err := s.chart(filepath.Join(o.Out, s.Name+".svg")); err != nil {
			return fmt.Errorf("draw the chart of %s: %w", s.Name, err)
		}
	}
	if err := os.WriteFile(filepath.Join(o.Out, s.Name+".md"), w.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write the report of %s: %w", s.Name, err)
	}
	return nil
}

// machine names the processor and how many of it.
func machine() string {
	out, err := exec.Command("sh", "-c", "nproc; grep -m1 'model name' /proc/cpuinfo | cut -d: -f2").Output()
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(out)), " ")
}

func loadAverage() string {
	b, err := os.ReadFile("/proc/loadavg")
	if f := strings.Fields(string(b)); err == nil && len(f) > 2 {
		return strings.Join(f[:3], " ")
	}
	return "unknown"
}
