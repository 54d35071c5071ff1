//go:build e2e

package e2e

import (
	"flag"
	"fmt"
	"maps"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/zoryadb/zorya/e2e/diff"
	"github.com/zoryadb/zorya/sql/wire"
)

var (
	diffSeed  = flag.Uint64("diff.seed", 0, "run this seed only")
	diffFrom  = flag.Uint64("diff.from", 1, "the first seed")
	diffFor   = flag.Duration("diff.for", 0, "how long (default 25 s, in a soak ZORYA_SOAK seconds)")
	diffZorya = flag.String("diff.zorya", "", "host:port of a running Zorya, user admin; the default is a cluster of the test's own")
	diffMaria = flag.String("diff.mariadb", "", "host:port of a running MariaDB, user admin; the default is a server of the test's own")
	diffTally = flag.Bool("diff.survey", false, "go on after differences, shrink none, and print them all, by kind")
	diffLane  = flag.String("diff.lane", "fast", "the lane of simple statements: fast or general (Zorya's fast lane is off)")
	diffWhat  = flag.String("diff.what", "", "hunt only for these, separated by commas: error, shape, columns, rows, affected, insert id, warnings")
	diffWide  = flag.Int("diff.wide", 100, "percent of the weights of further families: WITH, ROLLUP, frames, views, triggers, partitions, more functions, more sql_modes")
	diffMost  = flag.Int("diff.most", 5, "stop after so many differences")
	diffWork  = flag.Int("diff.workers", 8, "so many seeds at a time: a seed mostly waits, for a server or for a commit")
)

// caseSize is the number of statements that a seed becomes, about.
const caseSize = 40

// CI runs the first ciSeeds seeds. Zorya is known to answer some of their statements otherwise than MariaDB without a reason in diff's list:
// so many differences are let pass, none more. The number may only go down, but for a generator whose seeds become other statements.
const (
	ciSeeds         = 60
	openDifferences = 0
	openPerThousand = 2       // statements, of any seeds: the bound of a soak
	honestAfter     = 200_000 // statements after which a reason that has explained nothing is listed: it is to go
)

// TestDiff runs random statements on Zorya and MariaDB (package diff). CI runs the same first seeds every time and bounds the number of
// differences; a soak goes on from a seed that the clock chooses. With -diff.for it hunts: each difference is shrunk and printed.
// -diff.seed replays one.
func TestDiff(t *testing.T) {
	zoryaAddr, mariaAddr := *diffZorya, *diffMaria
	inMemory(t)
	if zoryaAddr == "" {
		zoryaAddr = net.JoinHostPort("127.0.0.1", strconv.Itoa(start(t).port))
	}
	if mariaAddr == "" {
		mariaAddr = net.JoinHostPort("127.0.0.1", strconv.Itoa(startMariaDB(t, "--innodb-flush-log-at-trx-commit=0", "--skip-log-bin", "--performance-schema=OFF").port))
	}
	diff.Wide = *diffWide
	limit := *diffFor
	one := *diffSeed != 0
	ratchet := limit == 0 && !soak && !one
	if limit == 0 {
		limit = 3 * time.Minute // CI stops at its number of seeds long before
		if soak {
			seconds, _ := strconv.Atoi(os.Getenv("ZORYA_SOAK"))
			limit = time.Duration(max(seconds, 60)) * time.Second
		}
	}
	tally := *diffTally || ratchet || soak && !one
	from := *diffFrom
	if soak && from == 1 {
		from = uint64(time.Now().Unix()) << 20
		t.Logf("seeds from %d", from)
	}
	workers := max(*diffWork, 1)
	if one {
		from, workers = *diffSeed, 1
	}

	var (
		next, findings, statements atomic.Int64
		mu                         sync.Mutex
		known                      = map[string]int{}
		kinds                      = map[string][]string{} // by kind, examples
		wg                         sync.WaitGroup
	)
	begun := time.Now()
	for w := range workers {
		wg.Go(func() {
			p := &diff.Pair{A: diff.Wire(diffConfig(zoryaAddr)), B: diff.Wire(diffConfig(mariaAddr)), Database: fmt.Sprintf("diff%d", w), General: *diffLane == "general"}
			defer p.Close()
			sought := func(f *diff.Finding) bool {
				return *diffWhat == "" || slices.Contains(strings.Split(*diffWhat, ","), f.What)
			}
			p.Skip = func(f *diff.Finding) bool { return !sought(f) }
			if tally {
				p.Skip = func(f *diff.Finding) bool {
					if !sought(f) {
						return true
					}
					mu.Lock()
					defer mu.Unlock()
					kind := f.What + ": " + digits.ReplaceAllString(firstLine(f.A), "#") + " <> " + digits.ReplaceAllString(firstLine(f.B), "#")
					if f.What == "rows" || f.What == "affected" || f.What == "insert id" {
						kind = f.What
					}
					kinds[kind] = append(kinds[kind], fmt.Sprintf("seed %d: %s\n   A: %.300s\n   B: %.300s", f.Case.Seed, f.Last(), f.A, f.B))
					return true
				}
			}
			for time.Since(begun) < limit && int(findings.Load()) < *diffMost {
				n := next.Add(1) - 1
				if one && n > 0 || ratchet && n >= ciSeeds {
					break
				}
				c := diff.Generate(from+uint64(n), caseSize)
				f, err := p.Run(c)
				if err != nil {
					t.Error(err)
					return
				}
				if f == nil {
					continue
				}
				findings.Add(1)
				counted := p.Statements
				f = diff.Shrink(f, 250, func(c diff.Case) *diff.Finding {
					f, err := p.Run(c)
					if err != nil {
						return nil
					}
					return f
				})
				p.Statements = counted
				t.Errorf("%s\nreplay with -diff.seed=%d", f, c.Seed)
			}
			mu.Lock()
			defer mu.Unlock()
			statements.Add(int64(p.Statements))
			for why, n := range p.Known {
				known[why] += n
			}
		})
	}
	wg.Wait()
	different := int(findings.Load())
	for _, examples := range kinds {
		different += len(examples)
	}
	took := time.Since(begun).Seconds()
	figure(t, "diff: %d statements on both servers in %.0f s (%.0f/s), %d unexplained differences", statements.Load(), took, float64(statements.Load())/took, different)
	for _, why := range slices.Sorted(maps.Keys(known)) {
		t.Logf("%6d explained: %s", known[why], why)
	}
	for _, why := range diff.Reasons() {
		if known[why] == 0 && statements.Load() >= honestAfter {
			t.Logf("no difference explained: %s", why)
		}
	}
	for _, kind := range slices.SortedFunc(maps.Keys(kinds), func(a, b string) int { return len(kinds[b]) - len(kinds[a]) }) {
		slices.SortFunc(kinds[kind], func(a, b string) int { return len(a) - len(b) })
		shown := len(kinds[kind])
		if !*diffTally {
			shown = min(shown, *diffMost)
		}
		t.Logf("%d of %s\n%s", len(kinds[kind]), kind, strings.Join(kinds[kind][:shown], "\n"))
	}
	bound := openDifferences
	if !ratchet {
		bound = int(statements.Load()) * openPerThousand / 1000
	}
	if tally && !*diffTally && different > bound {
		t.Errorf("%d unexplained differences, more than the %d that are known to be open", different, bound)
	}
}

// memoryDir is where Linux keeps files in memory, and memoryRoom how much of it must be free for two servers' data.
const (
	memoryDir  = "/dev/shm"
	memoryRoom = 4 << 30
)

// inMemory has the test's servers keep their data in memory, if there is room: only answers are compared, so nobody need wait for a disk.
func inMemory(t *testing.T) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(memoryDir, &fs); err != nil || fs.Bavail*uint64(fs.Bsize) < memoryRoom {
		return
	}
	t.Setenv("TMPDIR", memoryDir)
}

var digits = regexp.MustCompile(`'[^']*'|[0-9]+`)

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

func diffConfig(addr string) wire.ClientConfig {
	return wire.ClientConfig{Addr: addr, User: "admin", Password: password}
}
