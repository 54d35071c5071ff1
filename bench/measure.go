package bench

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/prometheus/procfs"

	"github.com/zoryadb/zorya/bench/load"
	"github.com/zoryadb/zorya/bench/peer"
)

// usage is what a server's processes have used, by role.
type usage struct {
	cpu      map[string]float64 // seconds, user and system
	resident map[string]float64 // bytes, of the largest process of the role
	counters peer.Counters
}

func look(s *peer.Server) (usage, error) {
	u := usage{cpu: map[string]float64{}, resident: map[string]float64{}}
	ps, err := s.Processes()
	if err != nil {
		return u, fmt.Errorf("%s: its processes: %w", s.Name, err)
	}
	for _, p := range ps {
		proc, err := procfs.NewProc(p.PID)
		if err != nil {
			return u, fmt.Errorf("%s: %s, pid %d: %w", s.Name, p.Role, p.PID, err)
		}
		st, err := proc.Stat()
		if err != nil {
			return u, fmt.Errorf("%s: %s, pid %d: %w", s.Name, p.Role, p.PID, err)
		}
		u.cpu[p.Role] += st.CPUTime()
		u.resident[p.Role] = max(u.resident[p.Role], float64(st.ResidentMemory()))
	}
	if s.Counters != nil {
		u.counters, err = s.Counters()
	}
	return u, err
}

// Cost is what a transaction took from a server.
type Cost struct {
	CPU      map[string]float64 // us of each role, its processes together
	Records  float64
	Redo     float64 // bytes of one copy
	Frames   float64 // to all copies
	Syncs    float64 // of all copies
	Writes   float64 // write amplification of storage: bytes written for each byte of redo taken in; 0 if unknown
	Resident map[string]float64
}

// AllCPU is the CPU time of a transaction, us, over all processes.
func (c Cost) AllCPU() float64 {
	sum := 0.0
	for _, v := range c.CPU {
		sum += v
	}
	return sum
}

func cost(before, after usage, txns int) Cost {
	n := float64(max(txns, 1))
	d := after.counters.Sub(before.counters)
	c := Cost{CPU: map[string]float64{}, Records: d.Records / n, Redo: d.RedoBytes / n, Frames: d.Frames / n, Syncs: d.Syncs / n, Resident: after.resident}
	if d.Ingested > 0 {
		c.Writes = d.Written / d.Ingested
	}
	for role := range after.cpu {
		c.CPU[role] = max(0, after.cpu[role]-before.cpu[role]) * 1e6 / n
	}
	return c
}

// measured is one run of a client against one server.
type measured struct {
	load.Result
	Cost
}

// measure runs a client and reads the server's books around it: from when its connections stand, if it tells, since making one costs as
// much as many transactions and a run of some seconds would charge them for it.
func measure(ctx context.Context, s *peer.Server, run func(context.Context, load.Target) (load.Result, error)) (measured, error) {
	before, err := look(s)
	if err != nil {
		return measured{}, err
	}
	to := target(s)
	var lerr error
	to.Started = func() {
		var u usage
		if u, lerr = look(s); lerr == nil {
			before = u
		}
	}
	r, err := run(ctx, to)
	if err == nil {
		err = lerr
	}
	if err != nil {
		return measured{}, err
	}
	after, err := look(s)
	if err != nil {
		return measured{}, err
	}
	return measured{r, cost(before, after, r.Txns)}, nil
}

// database is the one that cases are made in.
const database = "sbtest"

func target(s *peer.Server) load.Target {
	return load.Target{Name: s.Name, Port: s.Port, User: peer.User, Password: peer.Password, Database: database}
}

// median of v's figures by get; the cost of the run whose throughput is the median.
func median(v []measured) measured {
	if len(v) == 0 {
		return measured{}
	}
	sorted := slices.SortedFunc(slices.Values(v), func(a, b measured) int { return compare(a.TPS, b.TPS) })
	return sorted[len(sorted)/2]
}

func compare(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func roles(m map[string]float64) []string { return slices.Sorted(maps.Keys(m)) }
