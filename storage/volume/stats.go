package volume

import (
	"sync/atomic"
	"time"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
)

type counters struct {
	advances, reads, pagesRead, readRetries, readNanos, hedges, hedgeWins, revived, admitted atomic.Uint64
}

// Stats is a snapshot for SQL status variables, Prometheus and `zorya status`.
type Stats struct {
	Epoch             uint64
	VDL, VCL, LastLSN page.LSN
	PGs               int

	MTRs, Records, Bytes uint64 // appended; Bytes encoded, one copy
	RingBytes, RingUsed  uint64
	Frames, FrameBytes   uint64 // sent to all nodes, heartbeats included
	VDLAdvances          uint64
	CommitWaiters        int
	Holds                uint64 // times that commits were kept for more to come with them

	Reads, PagesRead, ReadRetries uint64
	ReadTime                      time.Duration // of successful requests, in sum
	Hedges, HedgeWins             uint64

	Revived, Admitted uint64 // segments given a new life, and those whole again
	Nodes             []LinkStats
}

// LinkStats is what the writer sees of one storage node.
type LinkStats struct {
	Node       proto.NodeID
	Joined     bool
	Error      string // why not, or the last reason to join again
	Frames     uint64
	Bytes      uint64
	AckNanos   uint64 // sum over acknowledged frames
	Rejoins    uint64
	PassedOver uint64        // times it lagged too far and lost its place in the ring
	Latency    time.Duration // of page reads, of late
	Segments   int
	Repairing  int      // segments without a vote
	SCLLag     page.LSN // largest distance of a segment's SCL from its PG's newest record, in LSNs
}

// Stats returns the present figures.
func (c *Client) Stats() Stats {
	s := Stats{
		Epoch: c.epoch, VDL: c.VDL(), RingBytes: c.ring.size, VDLAdvances: c.stat.advances.Load(), CommitWaiters: c.queue.Waiting(), Holds: c.pace.holds.Load(),
		MTRs: c.ring.mtrs.Load(), Records: c.ring.records.Load(), Bytes: c.ring.bytes.Load(),
		Reads: c.stat.reads.Load(), PagesRead: c.stat.pagesRead.Load(), ReadRetries: c.stat.readRetries.Load(), ReadTime: time.Duration(c.stat.readNanos.Load()),
		Hedges: c.stat.hedges.Load(), HedgeWins: c.stat.hedgeWins.Load(),
		Revived: c.stat.revived.Load(), Admitted: c.stat.admitted.Load(),
	}
	c.ring.mu.Lock()
	s.LastLSN, s.RingUsed = c.ring.lsn, c.ring.head-c.ring.tailPos
	c.ring.mu.Unlock()
	c.tmu.Lock()
	c.feed()
	s.VCL = c.tracker.VCL()
	s.PGs = c.tracker.PGs()
	type place struct{ scl, last page.LSN }
	places := map[*link][]place{}
	c.mu.Lock()
	for pg, p := range c.pgs {
		for i := range p.members {
			l := p.members[i].link
			places[l] = append(places[l], place{c.tracker.SCL(proto.PG(pg), i), c.tracker.Last(proto.PG(pg))})
		}
	}
	c.mu.Unlock()
	c.tmu.Unlock()
	for _, l := range *c.links.Load() {
		n := l.stats()
		for _, p := range places[l] {
			n.SCLLag = max(n.SCLLag, p.last-p.scl)
		}
		s.Frames += n.Frames
		s.FrameBytes += n.Bytes
		s.Nodes = append(s.Nodes, n)
	}
	return s
}

func (l *link) stats() LinkStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.stat
	n.Node, n.Joined, n.Latency = l.id, l.joined && l.broken == nil, time.Duration(l.ewma.Load())
	if l.broken != nil {
		n.Error = l.broken.Error()
	} else if l.lastErr != nil {
		n.Error = l.lastErr.Error()
	}
	for i := range l.segs {
		if s := &l.segs[i]; s.slot >= 0 {
			n.Segments++
			if !s.counts || s.status != proto.OK {
				n.Repairing++
			}
		}
	}
	return n
}
