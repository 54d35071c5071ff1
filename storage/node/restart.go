package node

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/zoryadb/zorya/storage/proto"
	"github.com/zoryadb/zorya/storage/segment"
)

// segmentDir names a segment's directory. The incarnation is part of it: a new life never meets the old one's files.
func (n *Node) segmentDir(k proto.SegmentKey, incarnation uint64) string {
	return fmt.Sprintf("%s/seg-%x-%d-%d", n.opt.Dir, k.Volume[:], k.PG, incarnation)
}

func (n *Node) segmentOptions(dir string) segment.Options {
	o := n.opt.Segment
	o.FS, o.Dir, o.Index, o.Lines, o.Stats = n.opt.FS, dir, &n.index, &n.lines, &n.stats
	o.Core.Node = n.opt.ID
	return o
}

// recover opens the segments, replays the update queue into them and empties it.
func (n *Node) recover() error {
	names, err := n.opt.FS.List(n.opt.Dir)
	if err != nil {
		return err
	}
	newest := map[string]uint64{}
	for _, name := range names {
		if base, inc, ok := splitSegmentDir(name); ok {
			newest[base] = max(newest[base], inc)
		}
	}
	damaged := map[*segment.Segment]bool{}
	for _, name := range names {
		base, inc, ok := splitSegmentDir(name)
		if !ok {
			continue
		}
		dir := n.opt.Dir + "/" + name
		if inc < newest[base] {
			if err := n.opt.FS.RemoveAll(dir); err != nil {
				return err
			}
			continue
		}
		s, bad, err := segment.Open(n.segmentOptions(dir))
		if errors.Is(err, segment.ErrNewerFormat) {
			return err
		}
		if err != nil {
			// One unusable segment must not take the others with it: it answers StatusNoSegment and is replaced.
			n.log.Error("segment is unusable", "dir", name, "err", err)
			continue
		}
		n.segs[s.Key()], n.dirs[s.Key()] = s, dir
		damaged[s] = bad
	}
	q, lost, err := openQueue(n.opt.FS, n.opt.Dir+"/queue", n.opt.QueueFileBytes, n.opt.QueueFiles,
		n.opt.Segment.Core.Mutants&segment.MutRecycledBatch != 0, n.log, n.replay)
	if err != nil {
		return err
	}
	n.q = q
	if lost {
		n.log.Error("the update queue has lost a durable batch: segments must be repaired before they count")
	}
	for s, bad := range damaged {
		if bad {
			n.log.Error("log files have lost durable records: the segment must be repaired before it counts", "segment", s.Key())
		}
		if err := s.Restored(bad || lost); err != nil {
			return err
		}
		if err := s.SyncLogs(); err != nil {
			return err
		}
	}
	n.organised.Store(q.seq)
	return q.start(n.wakeCheckpoint)
}

// replay offers a batch to its segments; what reached their files before is ignored.
func (n *Node) replay(h *batchHead, body []byte) error {
	for len(body) > 0 {
		e, raw, rest, ok := nextEntry(body)
		if !ok {
			return fmt.Errorf("batch %d: malformed entry under a valid checksum", h.seq)
		}
		body = rest
		s := n.segs[e.key]
		if s == nil {
			continue
		}
		var inc uint64
		s.With(func(c *segment.Core) { inc = c.Incarnation() })
		if inc != e.incarnation {
			continue
		}
		recs, err := segment.ParseRecs(nil, raw)
		if err != nil {
			return fmt.Errorf("batch %d: %w", h.seq, err)
		}
		if err := s.Replay(e.vdl, e.mrpl, raw, recs); err != nil {
			return err
		}
	}
	return nil
}

// splitSegmentDir takes "seg-VOLUME-PG-INCARNATION" apart.
func splitSegmentDir(name string) (base string, incarnation uint64, ok bool) {
	if !strings.HasPrefix(name, "seg-") {
		return "", 0, false
	}
	i := strings.LastIndexByte(name, '-')
	inc, err := strconv.ParseUint(name[i+1:], 10, 64)
	return name[:i], inc, err == nil
}
