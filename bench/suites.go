package bench

import (
	"fmt"
	"strconv"

	"github.com/zoryadb/zorya/bench/load"
)

// Suites are the rows of the benchmark's table (issue 4) and "sysbench", all of sysbench's scripts at 64 threads. Numbers of tables,
// sizes of data and numbers of warehouses are scale times what the issue names.
func Suites(scale float64) []Suite {
	return []Suite{
		{Name: "sysbench", Title: "sysbench's OLTP scripts, 64 threads, 4 tables of 100,000 rows", Cases: everything()},
		{Name: "point-select", Title: "Point selects by connections", Cases: byThreads("oltp_point_select", []int{16, 512, 5000},
			want{single: {1.4, 2.4, 1.6}, ceiling: {.60, .75, .75}})},
		{Name: "read-only", Title: "Read-only transactions by connections", Cases: byThreads("oltp_read_only", []int{16, 64, 512}, want{single: {1.3, 1.5, 2}, ceiling: {}})},
		{Name: "write-only", Title: "Write-only transactions by connections", Cases: byThreads("oltp_write_only", []int{16, 64, 512, 5000},
			want{single: {1, 1.2, 1.8, 8}, semiSync: {0, 2.5}, galera: {0, 2.5}}), Notes: frames},
		{Name: "read-write", Title: "Read-write transactions by connections", Cases: byThreads("oltp_read_write", []int{16, 64, 512}, want{single: {1.3, 1.5, 2.5}})},
		{Name: "single-writes", Title: "Single-statement writes, 64 threads", Cases: singleWrites()},
		{Name: "connections", Title: "Cost of a transaction by connections", Cases: byThreads("oltp_point_select", []int{50, 500, 5000}, want{ceiling: {}}), Notes: ownShare},
		{Name: "tables", Title: "Write-only transactions by tables, 1,000 connections", Cases: byTables(scale), Notes: fewAndMany},
		{Name: "data-size", Title: "Uniform transactions by data size, 64 threads", Cases: bySize(scale)},
		{Name: "tpcc", Title: "TPC-C (go-tpc), 32 threads", Run: tpcc},
		{Name: "bulk", Title: "Bulk work", Run: bulk},
		{Name: "recovery", Title: "From kill -9 to the first answer", Run: recovery},
		{Name: "latency", Title: "Latency at a fixed rate", Run: latency},
		{Name: "storage", Title: "One storage node", Run: storage},
	}
}

// SuiteNames are the names of Suites.
func SuiteNames() []string {
	var out []string
	for _, s := range Suites(1) {
		out = append(out, s.Name)
	}
	return out
}

// tableRows is the size of a sysbench table where a suite does not say otherwise.
const tableRows = 100_000

// everything compares all scripts. Write-only has a floor from the first issue: no slower than MariaDB with two replicas.
func everything() []Case {
	var out []Case
	for _, w := range load.Workloads {
		c := Case{Label: w, Load: load.Sysbench{Workload: w, Threads: 64, Tables: 4, Rows: tableRows}, Servers: []string{single, semiSync}, Tables: true}
		if w == "oltp_write_only" {
			c.Want = map[string]float64{semiSync: 1}
		}
		out = append(out, c)
	}
	return out
}

// want lists the ratios asked for at each number of threads, by server; 0 or a short list: none.
type want map[string][]float64

func byThreads(workload string, threads []int, w want) []Case {
	var out []Case
	for i, n := range threads {
		c := Case{Label: fmt.Sprintf("%s, %d", workload, n), Load: load.Sysbench{Workload: workload, Threads: n, Tables: 4, Rows: tableRows}, Want: map[string]float64{}, Tables: i == 0}
		for _, server := range order {
			ratios, ok := w[server]
			if !ok {
				continue
			}
			c.Servers = append(c.Servers, server)
			if i < len(ratios) {
				c.Want[server] = ratios[i]
			}
		}
		out = append(out, c)
	}
	return out
}

func singleWrites() []Case {
	var out []Case
	for _, w := range []string{"oltp_update_index", "oltp_update_non_index", "oltp_insert", "oltp_delete"} {
		out = append(out, Case{Label: w, Load: load.Sysbench{Workload: w, Threads: 64, Tables: 4, Rows: tableRows}, Servers: []string{single, semiSync},
			Want: map[string]float64{single: 1.2, semiSync: 2.5}, Tables: true})
	}
	return out
}

// scaled is a number of the table, at least 1.
func scaled(n int, scale float64) int { return max(1, int(float64(n)*scale)) }

func byTables(scale float64) []Case {
	var out []Case
	for _, n := range []int{10, 100, 1000, 10_000} {
		n = scaled(n, scale)
		out = append(out, Case{Label: strconv.Itoa(n) + " tables", Load: load.Sysbench{Workload: load.WriteText, Threads: 1000, Tables: n, Rows: 100}, Servers: []string{single}, Tables: true})
	}
	return out
}

// sysbenchRow is about what a row of a sysbench table takes in the tree, its secondary index included.
const sysbenchRow = 220

func bySize(scale float64) []Case {
	const tables = 8
	var out []Case
	for i, mb := range []int{256, 1024, 5120} {
		asked := [][]float64{{}, {}, {3, 1.3}}[i]
		mb = scaled(mb, scale)
		rows := mb << 20 / sysbenchRow / tables
		for i, w := range []string{"oltp_write_only", "oltp_read_only"} {
			c := Case{Label: fmt.Sprintf("%s, %d MiB", w, mb), Load: load.Sysbench{Workload: w, Threads: 64, Tables: tables, Rows: rows, Extra: []string{"--rand-type=uniform"}},
				Servers: []string{single}, Tables: i == 0}
			if len(asked) > 0 {
				c.Want = map[string]float64{single: asked[i]}
			}
			out = append(out, c)
		}
	}
	return out
}

// frames is row 11: network messages of a write-only transaction, over all six copies (Aurora's paper: 0.95).
func frames(rows []Row) []string {
	var out []string
	for _, r := range rows {
		limit := map[int]float64{64: .95, 512: .5}[r.Case.Load.Threads]
		if limit > 0 {
			out = append(out, fmt.Sprintf("Frames to storage of a transaction at %d threads, all six copies: %.2f (to reach: %.2f).", r.Case.Load.Threads, r.By[zorya].Frames, limit))
		}
	}
	return out
}

// ownShare is row 6: what of a statement's CPU time is ours, the constant-answer server's subtracted.
func ownShare(rows []Row) []string {
	var out []string
	first := 0.0
	for _, r := range rows {
		own := r.By[zorya].AllCPU() - r.By[ceiling].AllCPU()
		if first == 0 {
			first = own
		}
		out = append(out, fmt.Sprintf("Own CPU at %d connections: %.1f us a statement, %.2f x that at %d (to reach: 1.1). The writer's alone: %.1f us.",
			r.Case.Load.Threads, own, own/first, rows[0].Case.Load.Threads, r.By[zorya].CPU["writer"]-r.By[ceiling].AllCPU()))
	}
	return out
}

// fewAndMany is row 7.
func fewAndMany(rows []Row) []string {
	if len(rows) < 2 {
		return nil
	}
	a, z := rows[0], rows[len(rows)-1]
	return []string{fmt.Sprintf("Zorya at %s: %.0f %% of its throughput at %s (to reach: 90 %%).", z.Case.Label, 100*z.By[zorya].TPS/a.By[zorya].TPS, a.Case.Label)}
}
