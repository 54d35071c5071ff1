package bench

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/zoryadb/zorya/bench/load"
	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
)

func run(tps float64) measured {
	return measured{load.Result{TPS: tps, Txns: 10}, Cost{CPU: map[string]float64{"p": 100 / tps}}}
}

func TestMedianIsTheMiddleRun(t *testing.T) {
	if m := median([]measured{run(9), run(1), run(5)}); m.TPS != 5 || m.AllCPU() != 20 {
		t.Errorf("got %v with %v us", m.TPS, m.AllCPU())
	}
	if m := median(nil); m.TPS != 0 {
		t.Errorf("of nothing: %v", m.TPS)
	}
}

// A report must say by how much a target is missed, and that it is met.
func TestReport(t *testing.T) {
	c := byThreads("oltp_write_only", []int{16, 64}, want{single: {1, 1.2}})
	s := Section{Name: "w", Title: "Writes", Rows: []Row{
		{c[0], map[string]measured{zorya: run(200), single: run(100)}},
		{c[1], map[string]measured{zorya: run(110), single: run(100)}},
	}, Notes: []string{"A note."}, Missing: []string{"Galera: not installed"}}
	dir := t.TempDir()
	if err := s.write(Options{Out: dir, Seconds: 1, Rounds: 3, Scale: 1}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "w.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"**2.00** (1)", "1.10 (misses 1.2)", "A note.", "Not measured: Galera", "| oltp_write_only, 16 | 200 |"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the report lacks %q:\n%s", want, text)
		}
	}
	svg, err := os.ReadFile(filepath.Join(dir, "w.svg"))
	if err != nil || !strings.Contains(string(svg), "<svg") {
		t.Errorf("no chart: %v", err)
	}
}

// Every suite must name servers that exist and fill the tables of its first case.
func TestSuites(t *testing.T) {
	for _, s := range Suites(.01) {
		if (len(s.Cases) == 0) == (s.Run == nil) {
			t.Errorf("%s: wants either cases or a Run", s.Name)
		}
		for i, c := range s.Cases {
			if i == 0 && !c.Tables {
				t.Errorf("%s: its first case has no tables", s.Name)
			}
			for _, n := range c.Servers {
				if !slices.Contains(order, n) {
					t.Errorf("%s: %s: no server %q", s.Name, c.Label, n)
				}
			}
		}
	}
}

// A bare node takes records and serves pages; what it used is seen from outside.
func TestBareNode(t *testing.T) {
	if os.Getenv("ZORYA_BARE_NODE") != "" { // the process that startBare starts
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		if err := ServeNode(ctx, os.Args[len(os.Args)-1]); err != nil {
			t.Error(err)
		}
		return
	}
	script := filepath.Join(t.TempDir(), "zorya")
	text := fmt.Sprintf("#!/bin/sh\nZORYA_BARE_NODE=1 exec %s -test.run '^TestBareNode$' \"$4\"\n", os.Args[0])
	if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	n, err := startBare(t.Context(), script, proto.Full)
	if err != nil {
		t.Fatal(err)
	}
	defer n.stop()
	before, err := n.spent()
	if err != nil {
		t.Fatal(err)
	}
	rounds := 0
	records, bytes, err := n.ingest(func() bool { rounds++; return rounds <= 1 })
	if err != nil || records == 0 || bytes < 100*records {
		t.Fatal(records, bytes, err)
	}
	if err := n.load.Settled(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, err := n.spent()
	if err != nil {
		t.Fatal(err)
	}
	if amp := (after.written - before.written) / float64(bytes); amp < 1.9 || amp > 10 || after.cpu <= before.cpu {
		t.Errorf("%.1f bytes written for each of redo, %.0f ns of CPU", amp, after.cpu-before.cpu)
	}
	p := make([]byte, page.Size)
	for no := range page.No(10) {
		if err := n.load.Read(t.Context(), no, p); err != nil {
			t.Fatal(err)
		}
		if page.GetLSN(p) == 0 && page.GetNo(p) != 0 || page.GetLSN(p) != 0 && page.GetNo(p) != no {
			t.Errorf("page %d: %d", no, page.GetNo(p))
		}
	}
}
