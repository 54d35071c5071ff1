//go:build e2e

package e2e

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// TestLocks replays the lock scripts of testdata/locks on Zorya: which statement of which session waits, what it answers, and
// with which code it fails. What the files say was recorded from MariaDB's InnoDB by this very runner:
//
//	make locks-record      writes the matrix anew and records all scripts
//
// A script begins with "setup" and ends at the next one. Its directives:
//
//	setup              a fresh database; the statements, one a line, fill it. "fill t (#,0)" inserts 60 rows with # from 1000 to 1590, so that
//	                   the table is large enough for the optimisers to use its indexes
//	a, b, c, ...       one statement of that session. "blocked" when it waits for a lock; who is let go by a later step is told there
//	a any              the same, where it is up to the race between the others who gets which answer
//	wait <session>     waits until the blocked statement ends: by a timeout
//	probe <session>    each line in a transaction of its own, rolled back: what of it waits
//	kill <session>     KILL QUERY; "kill connection <session>" is KILL
//	close <session>    the client vanishes: its socket is closed without a word
//
// Where MySQL 8.0 has other rules than MariaDB, testdata/locks/differences says what Zorya answers and which rule that is.
func TestLocks(t *testing.T) {
	if err := flag.Set("datadriven-quiet", "true"); err != nil {
		t.Fatal(err)
	}
	record := flag.Lookup("rewrite").Value.String() == "true"
	if record {
		if err := writeMatrix("testdata/locks"); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob("testdata/locks/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no lock scripts: ", err)
	}
	var server lockServer
	if record {
		server = &lockMaria{startMariaDB(t, "--innodb-lock-wait-timeout=20", "--innodb-buffer-pool-size=64M")}
	} else {
		server = &lockZorya{start(t)}
	}
	diffs := readDifferences(t, "testdata/locks/differences")
	var mu sync.Mutex
	scripts, steps := 0, 0
	t.Run("files", func(t *testing.T) {
		for _, path := range files {
			name := strings.TrimSuffix(filepath.Base(path), ".txt")
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				r := &lockRunner{t: t, server: server, file: name, diffs: diffs, record: record}
				defer r.end()
				datadriven.RunTest(t, path, r.step)
				for _, w := range r.wrong {
					t.Error(w)
				}
				mu.Lock()
				scripts, steps = scripts+r.scripts, steps+r.steps
				mu.Unlock()
			})
		}
	})
	if path := os.Getenv("ZORYA_LOCKS_NEW"); path != "" {
		if err := os.WriteFile(path, []byte(diffs.new.String()), 0o600); err != nil {
			t.Error(err)
		}
	}
	if t.Failed() {
		return
	}
	if !record {
		diffs.checkUsed(t, files)
	}
	figure(t, "locks: %d scripts of %d steps and probes, %d intended differences", scripts, steps, len(diffs.m))
	if scripts < 150 {
		t.Errorf("%d lock scripts, 150 wanted", scripts)
	}
}

// differences are the answers that are not MariaDB's, by file, script and step.
type differences struct {
	m    map[string]*difference
	mu   sync.Mutex
	used map[string]bool
	new  strings.Builder
}

// learn notes a difference in the form of the file, for whoever has a rule to put behind it: ZORYA_LOCKS_NEW names where to.
func (d *differences) learn(key, answer string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	fmt.Fprintf(&d.new, "differs %s\n?\n----\n%s\n", key, answer)
}

type difference struct {
	rule, answer string
}

// readDifferences reads lines "file script step", the rule behind the difference, "----", and Zorya's answer.
func readDifferences(t *testing.T, path string) *differences {
	d := &differences{m: map[string]*difference{}, used: map[string]bool{}}
	if _, err := os.Stat(path); err != nil {
		return d
	}
	datadriven.RunTest(t, path, func(t *testing.T, td *datadriven.TestData) string {
		if td.Cmd != "differs" || len(td.CmdArgs) != 3 {
			td.Fatalf(t, "want: differs <file> <script> <step>")
		}
		key := fmt.Sprintf("%s %s %s", td.CmdArgs[0].Key, td.CmdArgs[1].Key, td.CmdArgs[2].Key)
		if strings.TrimSpace(td.Input) == "" {
			td.Fatalf(t, "the rule behind the difference is missing")
		}
		d.m[key] = &difference{rule: td.Input, answer: td.Expected}
		return td.Expected
	})
	return d
}

func (d *differences) at(key string) *difference {
	d.mu.Lock()
	defer d.mu.Unlock()
	if x := d.m[key]; x != nil {
		d.used[key] = true
		return x
	}
	return nil
}

// checkUsed complains of differences that no step of a file that ran has.
func (d *differences) checkUsed(t *testing.T, files []string) {
	for key := range d.m {
		if !d.used[key] {
			t.Errorf("testdata/locks/differences: no step is %q", key)
		}
	}
}
