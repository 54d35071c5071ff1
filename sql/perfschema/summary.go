package perfschema

import (
	"math/bits"
	"sync"
	"time"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/logs"
)

// Statement is what one statement that has ended cost and did.
type Statement struct {
	Started  time.Time
	Took     time.Duration
	LockTime time.Duration // spent waiting for locks
	Failed   bool
	Slow     bool // it took long_query_time
	Prepared bool // it was executed by the binary protocol
	Warnings uint64
	Affected uint64 // rows
	Sent     uint64 // rows
	Work     table.Work

	Sorts, Sorted   uint64 // how often rows were sorted, and how many
	Tables, Spilled uint64 // operators that kept rows in a table of their own; those that went to a file

	Rows           bool   // the answer was rows
	Code           uint16 // of the error; 0: there was none
	State, Message string // the error's SQLSTATE and message, or what was said of a statement that succeeded
}

// Sums are the sums over statements. Times are in nanoseconds.
type Sums struct {
	Count, Errors, Warnings, Affected, Sent, Examined, Full uint64
	Ranged, Tables, Spilled, Sorted                         uint64
	SortScan, SortRange                                     uint64
	Time, Min, Max, Lock                                    uint64
}

func (s *Sums) add(e *Statement) {
	took := uint64(max(e.Took, 0))
	if s.Count == 0 || took < s.Min {
		s.Min = took
	}
	s.Max = max(s.Max, took)
	s.Count++
	s.Time += took
	s.Lock += uint64(max(e.LockTime, 0))
	s.Warnings += e.Warnings
	s.Affected += e.Affected
	s.Sent += e.Sent
	s.Examined += e.Work.Examined
	s.Tables += e.Tables
	s.Spilled += e.Spilled
	s.Sorted += e.Sorted
	if e.Failed {
		s.Errors++
	}
	if e.Work.Full {
		s.Full++
		s.SortScan += e.Sorts
	} else if e.Work.Ranged {
		s.Ranged++
		s.SortRange += e.Sorts
	}
}

// Add adds what another sum holds.
func (s *Sums) Add(o *Sums) {
	if o.Count == 0 {
		return
	}
	if s.Count == 0 || o.Min < s.Min {
		s.Min = o.Min
	}
	s.Max = max(s.Max, o.Max)
	s.Count += o.Count
	s.Time += o.Time
	s.Lock += o.Lock
	s.Warnings += o.Warnings
	s.Affected += o.Affected
	s.Sent += o.Sent
	s.Examined += o.Examined
	s.Errors += o.Errors
	s.Full += o.Full
	s.Ranged += o.Ranged
	s.Tables += o.Tables
	s.Spilled += o.Spilled
	s.Sorted += o.Sorted
	s.SortScan += o.SortScan
	s.SortRange += o.SortRange
}

// buckets of a histogram of times: four to a power of two, from 1 microsecond on; the last holds all that took longer than about two minutes.
const (
	buckets     = 108
	bucketParts = 4
)

func bucketOf(took time.Duration) int {
	us := uint64(max(took, 0)) / 1000
	if us < bucketParts {
		return int(us)
	}
	p := bits.Len64(us) - 3 // us>>p has three bits: 4..7
	return min((p+1)*bucketParts+int(us>>p)-bucketParts, buckets-1)
}

// BucketLow returns the least time, in nanoseconds, that bucket b counts.
func BucketLow(b int) uint64 {
	if b < bucketParts {
		return uint64(b) * 1000
	}
	p := b/bucketParts - 1
	return uint64(bucketParts+b%bucketParts) << p * 1000
}

// Histogram counts statements by the time they took.
type Histogram [buckets]uint32

// Quantile returns an upper bound, in nanoseconds, of the time that the part q of the statements took at most; 0 for no statements.
func (h *Histogram) Quantile(q float64) uint64 {
	total := uint64(0)
	for _, n := range h {
		total += uint64(n)
	}
	if total == 0 {
		return 0
	}
	want, seen := q*float64(total), uint64(0)
	for b, n := range h {
		seen += uint64(n)
		if float64(seen) >= want {
			return BucketLow(b + 1)
		}
	}
	return BucketLow(buckets)
}

// Digest is the summary of the statements of one digest in one default database.
type Digest struct {
	Schema string
	Hash   Hash
	Text   string // "" of the digest NULL, which has those that had no room
	cells  cells[digestCell]
}

type digestCell struct {
	sums        Sums
	times       Histogram
	first, last time.Time
	sample      Sample
}

// cells are counters that several goroutines add to without waiting for one another: a thread that the kernel takes the processor from within
// the critical section would keep all others waiting for milliseconds.
type cells[T any] [4]struct {
	mu sync.Mutex
	v  T
}

// with calls f with a cell that nobody else is at. Any will do; first is where to look first.
func (c *cells[T]) with(first uint32, f func(*T)) {
	at := &c[first%uint32(len(c))]
	for i := uint32(0); !at.mu.TryLock(); i++ {
		if i == uint32(len(c)) {
			at.mu.Lock()
			break
		}
		at = &c[(first+i)%uint32(len(c))]
	}
	f(&at.v)
	at.mu.Unlock()
}

// each calls f with all cells.
func (c *cells[T]) each(f func(*T)) {
	for i := range c {
		c[i].mu.Lock()
		f(&c[i].v)
		c[i].mu.Unlock()
	}
}

// Sample is one of a digest's statements.
type Sample struct {
	Text string
	At   time.Time
	Took time.Duration
}

// maxSampleAge is performance_schema_max_digest_sample_age: a sample older than this gives way to the next statement, a younger one only to a longer one.
const maxSampleAge = time.Minute

// maxSample bounds a sample's text, in bytes (performance_schema_max_sql_text_length).
const maxSample = 1024

// record counts a statement.
func (d *Digest) record(session uint32, e *Statement, text []byte) {
	d.cells.with(session, func(c *digestCell) {
		c.sums.add(e)
		c.times[bucketOf(e.Took)]++
		if c.first.IsZero() {
			c.first = e.Started
		}
		c.last = e.Started
		if e.Took > c.sample.Took || e.Started.Sub(c.sample.At) > maxSampleAge {
			t := logs.Mask(string(text))
			c.sample = Sample{t[:min(len(t), maxSample)], e.Started, e.Took}
		}
	})
}

// DigestState is a Digest's figures at one moment.
type DigestState struct {
	Sums
	Times       Histogram
	First, Last time.Time
	Sample      Sample
}

// State returns the digest's figures.
func (d *Digest) State() (s DigestState) {
	d.cells.each(func(c *digestCell) {
		if c.sums.Count == 0 {
			return
		}
		s.Sums.Add(&c.sums)
		for b, n := range c.times {
			s.Times[b] += n
		}
		if s.First.IsZero() || c.first.Before(s.First) {
			s.First = c.first
		}
		if c.last.After(s.Last) {
			s.Last = c.last
		}
		if c.sample.Took >= s.Sample.Took {
			s.Sample = c.sample
		}
	})
	return s
}
