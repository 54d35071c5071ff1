package perfschema

import (
	"math/bits"
	"sync"
	"time"
)

// Statement is what one statement that has ended cost and did.
type Statement struct {
	Started  time.Time
	Took     time.Duration
	LockTime time.Duration // spent waiting for locks
	Failed   bool
	Full     bool // an index was walked without a bound
	Warnings uint64
	Affected uint64 // rows
	Sent     uint64 // rows
	Examined uint64 // index entries
}

// Sums are the sums over statements. Times are in nanoseconds.
type Sums struct {
	Count, Errors, Warnings, Affected, Sent, Examined, Full uint64
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
	s.Examined += e.Examined
	if e.Failed {
		s.Errors++
	}
	if e.Full {
		s.Full++
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

	mu          sync.Mutex
	sums        Sums
	times       Histogram
	first, last time.Time
	sample      Sample
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

// record counts a statement. text gives its text, if it is wanted.
func (d *Digest) record(e *Statement, text func() string) {
	d.mu.Lock()
	d.sums.add(e)
	d.times[bucketOf(e.Took)]++
	if d.first.IsZero() {
		d.first = e.Started
	}
	d.last = e.Started
	wanted := e.Took > d.sample.Took || e.Started.Sub(d.sample.At) > maxSampleAge
	if wanted {
		d.sample.At, d.sample.Took = e.Started, e.Took
	}
	d.mu.Unlock()
	if wanted && text != nil {
		t := text()
		d.mu.Lock()
		d.sample.Text = t[:min(len(t), maxSample)]
		d.mu.Unlock()
	}
}

// DigestState is a Digest's figures at one moment.
type DigestState struct {
	Sums
	Times       Histogram
	First, Last time.Time
	Sample      Sample
}

// State returns the digest's figures.
func (d *Digest) State() DigestState {
	d.mu.Lock()
	defer d.mu.Unlock()
	return DigestState{d.sums, d.times, d.first, d.last, d.sample}
}
