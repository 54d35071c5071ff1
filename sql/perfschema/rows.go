package perfschema

import (
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/zoryadb/zorya/engine/table"
)

// Source is where tables find what they show.
type Source struct {
	*Recorder
	// Time is a moment as the session shows times.
	Time func(time.Time) any
	// ErrorName returns the name and SQLSTATE of an error.
	ErrorName func(code uint16) (name, state string)
	// Processes are the sessions that the reader may see.
	Processes []Process
	// Tables are the tables that were used since the start, partitioned ones as one.
	Tables []table.TableUse
	// Memory says how many bytes are in use for what.
	Memory []MemoryUse
	// Self is the reader's connection id.
	Self uint64
}

// Process is a line of the process list.
type Process struct {
	ID                                  uint64
	User, Host, Database, Command, Info string
	State                               string
	Since                               time.Time
}

// MemoryUse is one user of memory.
type MemoryUse struct {
	Event string
	Bytes uint64
}

// ps is a time in nanoseconds as performance_schema counts: in picoseconds.
func ps(ns uint64) uint64 { return ns * 1000 }

// rows computes the tables that have any.
var rows = map[string]func(*Source) [][]any{
	"events_statements_summary_by_digest":   digestRows,
	"events_statements_histogram_by_digest": digestBuckets,
	"events_statements_histogram_global":    globalBuckets,
	"accounts":                              byName(func(a AccountState) []any { return []any{text(a.User), text(a.Host)} }),
	"users":                                 byName(func(a AccountState) []any { return []any{text(a.User)} }),
	"hosts":                                 byName(func(a AccountState) []any { return []any{text(a.Host)} }),
	"processlist":                           processRows,
	"status_by_account":                     statusRows(func(a AccountState) []any { return []any{text(a.User), text(a.Host)} }),
	"status_by_user":                        statusRows(func(a AccountState) []any { return []any{text(a.User)} }),
	"status_by_host":                        statusRows(func(a AccountState) []any { return []any{text(a.Host)} }),
	"status_by_thread":                      threadStatusRows,
	"table_io_waits_summary_by_table":       tableRows,
	"table_io_waits_summary_by_index_usage": indexRows,
	"objects_summary_global_by_type":        objectRows,
	"memory_summary_global_by_event_name":   memoryRows,
	"performance_timers":                    fixed([]any{"NANOSECOND", int64(1e9), int64(1), nil}),
}

func fixed(r ...[]any) func(*Source) [][]any {
	return func(*Source) [][]any {
		out := make([][]any, len(r))
		for i := range r {
			out[i] = append([]any(nil), r[i]...)
		}
		return out
	}
}

func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// sums are the columns of {statements}, as far as they are measured.
func sums(s *Sums) []any {
	avg := uint64(0)
	if s.Count > 0 {
		avg = s.Time / s.Count
	}
	return []any{s.Count, ps(s.Time), ps(s.Min), ps(avg), ps(s.Max), ps(s.Lock), s.Errors, s.Warnings, s.Affected, s.Sent, s.Examined,
		s.Spilled, s.Tables, uint64(0), uint64(0), s.Ranged, uint64(0), s.Full, uint64(0), s.SortRange, s.Sorted, s.SortScan, s.Full, uint64(0), uint64(0), uint64(0), uint64(0), uint64(0)}
}

func (d *Digest) names() []any {
	if d.Text == "" {
		return []any{nil, nil, nil}
	}
	return []any{text(d.Schema), hex.EncodeToString(d.Hash[:]), d.Text}
}

func digestRows(s *Source) [][]any {
	var out [][]any
	for _, d := range s.All() {
		st := d.State()
		if st.Count == 0 {
			continue
		}
		r := append(d.names(), sums(&st.Sums)...)
		out = append(out, append(r, s.Time(st.First), s.Time(st.Last), ps(st.Times.Quantile(0.95)), ps(st.Times.Quantile(0.99)), ps(st.Times.Quantile(0.999)),
			st.Sample.Text, s.Time(st.Sample.At), ps(uint64(st.Sample.Took))))
	}
	return out
}

// byName sums up the connections of accounts of one name.
func byName(name func(AccountState) []any) func(*Source) [][]any {
	return func(s *Source) [][]any {
		var out [][]any
		for _, g := range grouped(s.Accounts(), name) {
			out = append(out, append(append([]any(nil), g.name...), int64(g.Current), int64(g.Total)))
		}
		return out
	}
}

type group struct {
	name []any
	AccountState
}

// grouped adds accounts up that have one name, in the order in which names come first.
func grouped(all []AccountState, name func(AccountState) []any) []*group {
	var out []*group
	at := map[[2]any]*group{}
	for i := range all {
		n := name(all[i])
		var key [2]any
		copy(key[:], n)
		g := at[key]
		if g == nil {
			g = &group{name: n}
			at[key] = g
			out = append(out, g)
		}
		g.Current += all[i].Current
		g.Total += all[i].Total
		g.Counts.add(&all[i].Counts)
	}
	return out
}

// statusRows sums up the status variables of accounts of one name.
func statusRows(name func(AccountState) []any) func(*Source) [][]any {
	return func(s *Source) [][]any {
		var out [][]any
		for _, g := range grouped(s.Accounts(), name) {
			out = g.Counts.rows(out, g.name)
		}
		return out
	}
}

// rows appends a row for each variable that is no command's.
func (c *Counts) rows(out [][]any, name []any) [][]any {
	c.Values(func(variable string, n uint64) {
		if !IsCommand(variable) {
			out = append(out, append(slices.Clone(name), variable, strconv.FormatUint(n, 10)))
		}
	})
	return out
}

func threadStatusRows(s *Source) [][]any {
	var out [][]any
	for _, t := range s.Threads() {
		if !s.sees(t.ID) {
			continue
		}
		c := t.Counts()
		out = c.rows(out, []any{t.ID})
		for _, name := range slices.Sorted(maps.Keys(t.Texts)) {
			out = append(out, []any{t.ID, name, t.Texts[name]})
		}
	}
	return out
}

// sees reports whether the reader may see a session.
func (s *Source) sees(id uint64) bool {
	return slices.ContainsFunc(s.Processes, func(p Process) bool { return p.ID == id })
}

func bucketRows(name []any, h *Histogram) [][]any {
	total, below := uint64(0), uint64(0)
	for _, n := range h {
		total += uint64(n)
	}
	var out [][]any
	for b, n := range h {
		if n == 0 {
			continue
		}
		below += uint64(n)
		out = append(out, append(append([]any(nil), name...), uint32(b), ps(BucketLow(b)), ps(BucketLow(b+1)), uint64(n), below, float64(below)/float64(total)))
	}
	return out
}

func digestBuckets(s *Source) [][]any {
	var out [][]any
	for _, d := range s.All() {
		st := d.State()
		out = append(out, bucketRows(d.names()[:2], &st.Times)...)
	}
	return out
}

func globalBuckets(s *Source) [][]any {
	all := s.digestTimes()
	s.rest.Lock()
	defer s.rest.Unlock()
	var h Histogram
	for b, n := range all {
		h[b] = uint32(max(n+s.times[b], 0))
	}
	return bucketRows(nil, &h)
}

func processRows(s *Source) [][]any {
	var out [][]any
	for _, p := range s.Processes {
		seconds := int64(0)
		if !p.Since.IsZero() {
			seconds = int64(max(time.Since(p.Since)/time.Second, 0))
		}
		out = append(out, []any{p.ID, p.User, p.Host, text(p.Database), p.Command, seconds, p.State, text(p.Info), "PRIMARY"})
	}
	return out
}

// io are the columns of {tableio}: counts without times.
func io(u *table.IndexUse) []any {
	write := u.Insert + u.Update + u.Delete
	var out []any
	for _, n := range []uint64{u.Fetch + write, u.Fetch, write, u.Fetch, u.Insert, u.Update, u.Delete} {
		out = append(out, n, uint64(0), uint64(0), uint64(0), uint64(0))
	}
	return out
}

func sum(t *table.TableUse) *table.IndexUse {
	u := &table.IndexUse{}
	for _, x := range t.Indexes {
		u.Fetch += x.Fetch
		u.Insert += x.Insert
		u.Update += x.Update
		u.Delete += x.Delete
	}
	return u
}

func tableRows(s *Source) [][]any {
	var out [][]any
	for _, t := range s.use.shown(&s.setup, s.Tables) {
		u := sum(&t)
		out = append(out, append([]any{"TABLE", t.Schema, t.Name}, io(u)...))
	}
	return out
}

func indexRows(s *Source) [][]any {
	var out [][]any
	for _, t := range s.use.shown(&s.setup, s.Tables) {
		for k := range t.Indexes {
			out = append(out, append([]any{"TABLE", t.Schema, t.Name, text(t.Indexes[k].Name)}, io(&t.Indexes[k])...))
		}
	}
	return out
}

func objectRows(s *Source) [][]any {
	var out [][]any
	for _, t := range s.use.shown(&s.setup, s.Tables) {
		u := sum(&t)
		out = append(out, append([]any{"TABLE", t.Schema, t.Name}, io(u)[:5]...))
	}
	return out
}

func memoryRows(s *Source) [][]any {
	var out [][]any
	for _, m := range s.Memory {
		if !s.setup.counts(m.Event) {
			m.Bytes = 0
		}
		n := int64(m.Bytes)
		out = append(out, []any{m.Event, uint64(1), uint64(0), m.Bytes, uint64(0), int64(0), int64(1), int64(1), int64(0), n, n})
	}
	return out
}
