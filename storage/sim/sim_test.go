package sim

import (
	"flag"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zoryadb/zorya/storage/segment"
	"github.com/zoryadb/zorya/storage/volume/quorum"
)

var (
	seedsFlag = flag.Uint64("sim.seeds", 2000, "how many seeds TestSeeds runs")
	firstFlag = flag.Uint64("sim.first", 1, "the first of them")
	soakFlag  = flag.Duration("sim.soak", 0, "run new seeds for as long as this")
)

// sweep runs seeds first, first+1, ... on all CPUs until n have run, stop says so, or one fails.
func sweep(first, n uint64, stop func() bool, o Options) (ran uint64, total Stats, failed *Failure) {
	var next atomic.Uint64
	next.Store(first)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				seed := next.Add(1) - 1
				if seed >= first+n || (stop != nil && stop()) {
					return
				}
				o := o
				o.Seed = seed
				st, f := Run(o)
				mu.Lock()
				ran++
				total.add(&st)
				if f != nil && (failed == nil || f.Seed < failed.Seed) {
					failed = f
				}
				done := failed != nil
				mu.Unlock()
				if done {
					return
				}
			}
		})
	}
	wg.Wait()
	return ran, total, failed
}

func (s *Stats) add(o *Stats) {
	s.Events += o.Events
	s.MTRs += o.MTRs
	s.Acked += o.Acked
	s.Reads += o.Reads
	s.Opens += o.Opens
	s.Crashes += o.Crashes
	s.Wipes += o.Wipes
	s.Truncated += o.Truncated
	s.Rot += o.Rot
	s.Images += o.Images
	s.Drops += o.Drops
	s.Baselines += o.Baselines
	s.Based += o.Based
	s.HealedMS = max(s.HealedMS, o.HealedMS)
}

// TestSeeds is the sweep of make test: no seed may break a promise, and together they must have exercised everything.
func TestSeeds(t *testing.T) {
	n := *seedsFlag
	if testing.Short() || underRace {
		n = min(n, 60)
	}
	ran, total, f := sweep(*firstFlag, n, nil, Options{})
	t.Logf("%d seeds: %+v", ran, total)
	if f != nil {
		t.Fatalf("%v\nreplay: go test ./storage/sim -run TestReplay -sim.seed %d -v", f, f.Seed)
	}
	if n >= 2000 && min(total.Acked, total.Reads, total.Opens, total.Crashes, total.Wipes, total.Truncated,
		total.Rot, total.Images, total.Drops, total.Baselines) == 0 {
		t.Fatalf("the seeds do not exercise everything: %+v", total)
	}
	if n >= 2000 && uint64(total.Based) < n/10 {
		t.Fatalf("a baseline was copied in %d seeds of %d only", total.Based, n)
	}
}

// TestSoak goes on with other seeds for as long as -sim.soak says.
func TestSoak(t *testing.T) {
	if *soakFlag == 0 {
		t.Skip("no -sim.soak")
	}
	begin := time.Now()
	first := uint64(begin.UnixNano())
	ran, total, f := sweep(first, 1<<62, func() bool { return time.Since(begin) > *soakFlag }, Options{})
	t.Logf("%d seeds from %d: %+v", ran, first, total)
	if f != nil {
		t.Fatal(f)
	}
}

// TestReplaysExactly runs a seed twice: the traces must be one.
func TestReplaysExactly(t *testing.T) {
	seeds := uint64(20)
	if underRace {
		seeds = 4
	}
	for seed := uint64(1); seed <= seeds; seed++ {
		a, _ := Run(Options{Seed: seed})
		b, _ := Run(Options{Seed: seed})
		if a != b {
			t.Fatalf("seed %d ran twice:\n%+v\n%+v", seed, a, b)
		}
	}
}

// mutants are the rules that are broken on purpose, and how many seeds the simulator may take to notice.
var mutants = []struct {
	name    string
	within  uint64
	segment segment.Mutants
	quorum  quorum.Mutants
}{
	{"ack before fsync", 200, segment.MutAckBeforeSync, 0},
	{"write quorum of 3", 200, 0, quorum.WriteQuorumOf3},
	{"VCL instead of VDL for the ack", 200, 0, quorum.VDLIsVCL},
	{"VCL is min PGCL", 200, 0, quorum.VCLIsMinPGCL},
	{"VCL is max PGCL", 200, 0, quorum.VCLIsMaxPGCL},
	{"sample before fence", 1000, 0, quorum.SampleBeforeFence},
	{"sample of a member that is not fenced", 1000, segment.MutSampleUnfenced, quorum.SampleUnfenced},
	{"sample under an old history", 1000, 0, quorum.SampleStaleHistory},
	{"recovery from two members", 1000, 0, quorum.ReadQuorumOf2},
	{"truncation at VCL", 500, 0, quorum.TruncateAtVCL},
	{"truncation not persisted", 500, 0, quorum.TruncationNotPersisted},
	{"truncation forgotten at a crash", 500, segment.MutTruncationVolatile, 0},
	{"truncation on a read quorum only", 1000, 0, quorum.TruncationOnReadQuorum},
	{"truncation without epoch", 1000, 0, quorum.TruncationWithoutEpoch},
	{"truncation too short", 1000, 0, quorum.TruncationTooShort},
	{"no replication before opening", 1000, 0, quorum.NoReplication},
	{"volume chain walked from the lowest VDL", 500, 0, quorum.WalkFromLowestVDL},
	{"gossip without epoch check", 500, segment.MutGossipNoEpoch, 0},
	{"image above VDL", 500, segment.MutImageAboveVDL, 0},
	{"GC ignores a pin", 500, segment.MutGCIgnoresPin, 0},
	{"page served above SCL", 500, segment.MutReadAboveSCL, 0},
	{"a wiped member votes", 1000, segment.MutWipedVotes, quorum.WipedMemberVotes},
	{"tail GC ahead of a full member", 500, segment.MutTailGCAhead, 0},
	{"a segment that became active does not save it", 500, segment.MutActiveUnsaved, 0},
}

// TestMutants proves that the checks bite.
func TestMutants(t *testing.T) {
	if underRace {
		t.Skip("make test runs them; races are looked for by TestSeeds")
	}
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			ran, _, f := sweep(1, m.within, nil, Options{Segment: m.segment, Quorum: m.quorum})
			if f == nil {
				t.Fatalf("not caught in %d seeds", ran)
			}
			fmt.Printf("mutant %-45s caught by %v\n", "\""+m.name+"\"", f)
		})
	}
}
