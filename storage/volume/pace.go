package volume

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/zoryadb/zorya/storage/page"
)

// pacer decides when log that somebody waits for is released to the links. Every frame costs each node, and us, what ten transactions in it cost.
// When commits come faster than acks, those of a while go together, as a binary log's group commit holds them (PostgreSQL calls it commit_delay).
//
// A release is held until the first of:
//   - some pitchAcks times the usual time from a release to durability have passed since the release before, at most maxPitch. Short of processors, acks take
//     longer and frames get fewer, until acks take less again;
//   - almost as many wait as ever did of late: the clients all stand still, nobody is left who could add to the frame;
//     neither this nor the pitch counts, up to busyPitch, while connections queue for processors (Client.Queued): whoever is held up then would only
//     join them, and what a frame takes from the processors they would have had;
//   - as much log as a frame of what nobody waits for has gathered (Client.urgent sends it whatever the pacer says);
//   - somebody waits who keeps others waiting (Client.hurry).
//
// Nothing is held while fewer than siblings commits come in that time: a few clients have little to share, and latency is all that they see. Where acks are
// quick the time is short and few come in it: holds are for who is short of processors or has a slow disk.
// Invariant: what is wanted and not released has a timer that releases it.
type pacer struct {
	released atomic.Uint64 // links send log up to this LSN at once
	called   atomic.Uint64 // reserves, too, up to this one; see reserve.go

	mu      sync.Mutex
	wanted  page.LSN // the highest LSN that somebody waits for
	last    time.Time
	timer   *time.Timer // releases what is held
	armed   bool
	crowd   float64 // the most waiters of late
	commits int     // wants since the window began
	window  time.Time
	rate    float64 // commits in a pitch, of late
	took    time.Duration
	markAt  time.Time // the release whose durability is timed
	mark    page.LSN  // 0: none
	holds   atomic.Uint64

	busy            func() bool // connections queue for processors; nil: never
	late            func()      // looks whether reserves must be called; nil: there are none
	watcher         *time.Timer
	watching        bool
	calls, releases int // since toll
}

const (
	pitchAcks = 3
	maxPitch  = 4 * time.Millisecond
	siblings  = 2
	// busyPitch is the longest hold while connections queue for processors: so many commits fill a frame of lazyBytes on a machine of two.
	busyPitch = 4 * maxPitch
)

func (p *pacer) pitch() time.Duration { return min(pitchAcks*p.took, maxPitch) }

// passed reports whether log up to lsn was released before.
func (p *pacer) passed(lsn page.LSN) bool { return p.released.Load() >= uint64(lsn) }

// want takes note that somebody waits for lsn as the waiting-th waiter, and returns whether something was released.
// release is called later when it was not.
func (p *pacer) want(lsn page.LSN, waiting int, now time.Time, release func()) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if lsn <= p.wanted {
		return false // it goes with what is released or held already
	}
	p.wanted = lsn
	p.observe(waiting, now)
	since := now.Sub(p.last)
	pitch := p.pitch()
	if since >= pitch || p.rate < siblings || float64(waiting) >= p.crowd*7/8 {
		if since >= busyPitch || !p.crowded() {
			p.releaseAt(now)
			return true
		}
		pitch = since + maxPitch
	}
	if !p.armed {
		p.armed = true
		p.holds.Add(1)
		if p.timer == nil {
			p.timer = time.AfterFunc(pitch-since, release)
		} else {
			p.timer.Reset(pitch - since)
		}
	}
	return false
}

func (p *pacer) crowded() bool { return p.busy != nil && p.busy() }

// timeUp is what the timer calls: it reports whether what is held was released, rather than held on because connections queue.
func (p *pacer) timeUp(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.armed && now.Sub(p.last) < busyPitch && p.crowded() {
		p.timer.Reset(maxPitch)
		return false
	}
	p.releaseAt(now)
	return true
}

// observe counts a commit. mu is held.
func (p *pacer) observe(waiting int, now time.Time) {
	p.crowd = max(p.crowd-p.crowd/256, float64(waiting))
	p.commits++
	if d := now.Sub(p.window); d >= maxPitch {
		if p.window.IsZero() {
			d = time.Hour
		}
		seen := float64(p.commits) * float64(p.pitch()) / float64(d)
		p.rate += (seen - p.rate) / 4
		p.window, p.commits = now, 0
	}
}

// releaseAt gives what is wanted to the links. mu is held.
func (p *pacer) releaseAt(now time.Time) {
	if p.armed {
		p.timer.Stop() // too late: it finds nothing to release
		p.armed = false
	}
	if p.released.Load() >= uint64(p.wanted) {
		return
	}
	p.last = now
	p.released.Store(uint64(p.wanted))
	p.releases++
	if p.mark == 0 {
		p.mark, p.markAt = p.wanted, now
		p.watch(p.patience())
	}
}

// releaseNow releases what is held.
func (p *pacer) releaseNow(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.releaseAt(now)
}

// durable hears of VDL.
func (p *pacer) durable(vdl page.LSN, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mark == 0 || vdl < p.mark {
		return
	}
	p.took += (now.Sub(p.markAt) - p.took) / 8
	p.mark = 0
	if at := page.LSN(p.released.Load()); at > vdl { // the newest of what was released meanwhile is timed next
		p.mark, p.markAt = at, p.last
		p.watch(p.patience())
	}
}
