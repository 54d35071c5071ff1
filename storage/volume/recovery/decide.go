package recovery

import (
	"fmt"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
	"github.com/zoryadb/zorya/storage/volume/quorum"
)

// decide picks VDL, each PG's point and the new history from a read quorum of every PG.
//
// Why it is right: a record that was acknowledged is on a write quorum of its PG, which meets the read
// quorum, so a sampled member has it; a member's SCL means it has everything before. No member of the read
// quorum takes records of the old epoch any more, so what is decided stays so. A record that is found but was never
// acknowledged may be kept (its successors too) or not, as long as the MTR stays whole.
func (r *Recovery) decide() error {
	start := r.startVDL()
	r.seenVDL = start
	next, highest, err := r.chain(start)
	if err != nil {
		return err
	}
	vdl, vcl := walk(start, next)
	if r.cfg.Mutants.Has(quorum.TruncateAtVCL) {
		vdl = vcl
	}
	for pg := range r.pgs {
		r.pgs[pg].point = r.lastAt(proto.PG(pg), vdl)
	}
	r.truncate(vdl, highest)
	return nil
}

// startVDL is the highest VDL that any sampled member was told: all at or below is durable.
func (r *Recovery) startVDL() (vdl page.LSN) {
	lowest := proto.MaxLSN
	for pg := range r.pgs {
		for i := range r.pgs[pg].members {
			if !r.valid(proto.PG(pg), i) {
				continue
			}
			s := r.pgs[pg].members[i].sample
			vdl, lowest = max(vdl, s.VDL), min(lowest, s.VDL)
			r.res.MRPL = max(r.res.MRPL, s.MRPL)
		}
	}
	if r.cfg.Mutants.Has(quorum.WalkFromLowestVDL) {
		return lowest
	}
	return vdl
}

// chain indexes the live records above start of all samples by the record before in the volume.
func (r *Recovery) chain(start page.LSN) (next map[page.LSN]proto.ChainLSN, highest page.LSN, err error) {
	next = map[page.LSN]proto.ChainLSN{}
	for pg := range r.pgs {
		for i := range r.pgs[pg].members {
			if !r.valid(proto.PG(pg), i) {
				continue
			}
			s := r.pgs[pg].members[i].sample
			highest = max(highest, s.SCL)
			for _, c := range s.Above {
				if c.LSN <= start || !r.history.Live(c.LSN) {
					continue
				}
				if c.PrevVolume >= c.LSN {
					return nil, 0, fmt.Errorf("PG %d: LSN %d follows LSN %d: %w", pg, c.LSN, c.PrevVolume, ErrProtocol)
				}
				if was, ok := next[c.PrevVolume]; ok && was.LSN != c.LSN {
					return nil, 0, fmt.Errorf("PG %d: both LSN %d and %d follow LSN %d: %w", pg, was.LSN, c.LSN, c.PrevVolume, ErrProtocol)
				}
				next[c.PrevVolume] = c
			}
		}
	}
	return next, highest, nil
}

// walk follows the volume chain from start. vcl is the last record reached, vdl the last CPL.
func walk(start page.LSN, next map[page.LSN]proto.ChainLSN) (vdl, vcl page.LSN) {
	vdl, vcl = start, start
	for c, ok := next[vcl]; ok; c, ok = next[vcl] {
		vcl = c.LSN
		if c.CPL {
			vdl = c.LSN
		}
	}
	return vdl, vcl
}

// lastAt is the PG's newest live record at or below vdl, by the member that has most: it has all.
func (r *Recovery) lastAt(pg proto.PG, vdl page.LSN) (last page.LSN) {
	var best *proto.Sample
	for i := range r.pgs[pg].members {
		s := r.pgs[pg].members[i].sample
		if r.valid(pg, i) && (best == nil || s.SCL > best.SCL) {
			best = s
		}
	}
	if best == nil {
		return 0 // only without a read quorum
	}
	if best.SCL <= vdl {
		return best.SCL
	}
	last = best.AtVDL
	for _, c := range best.Above {
		if c.LSN <= vdl {
			last = max(last, c.LSN)
		}
	}
	return last
}

// truncate makes the history under which everything above vdl that a dead writer can have written
// is dead. LSNs are given out up to max(VDL, base)+LAL, base being where the writer began; it knew no
// VDL above this one and no history newer than this one, so its base is at most the last interval's.
func (r *Recovery) truncate(vdl, highest page.LSN) {
	base := r.history.Intervals[len(r.history.Intervals)-1].From
	end := max(vdl, base) + r.cfg.LAL
	if r.cfg.Mutants.Has(quorum.TruncationTooShort) {
		end = max(vdl, base, highest)
	}
	h := proto.History{Version: r.epoch<<16 | 1}
	if r.cfg.Mutants.Has(quorum.TruncationWithoutEpoch) {
		h.Version = r.history.Version + 1
	}
	for _, iv := range r.history.Intervals {
		if iv.From < vdl {
			h.Intervals = append(h.Intervals, proto.Interval{Timeline: iv.Timeline, From: iv.From, To: min(iv.To, vdl)})
		}
	}
	h.Intervals = append(h.Intervals, proto.Interval{Timeline: r.cfg.Descriptor.Timeline, From: end, To: proto.MaxLSN})
	if r.cfg.Mutants.Has(quorum.TruncationNotPersisted) {
		h.Version = r.history.Version // known to the writer only
	} else {
		r.history = h
	}
	r.res.VDL, r.res.Base, r.res.History = vdl, end, h
}
