package node

import (
	"io"
	"time"

	"github.com/zoryadb/zorya/storage/segment"
)

// scrubLoop verifies everything on disk that can be read or will be relied upon, slowly, round after round: the update queue,
// then the segments.
//
// What is alive in the update queue: the headers of the files in use, and the batches that are not yet durable in the segments' own
// files, for a restart would replay them. All else is dead: a batch that is organised durably, what a recycled file still holds
// of a former use, padding, files that wait to be used. It is neither verified nor missed.
func (n *Node) scrubLoop() {
	defer n.wg.Done()
	if n.opt.ScrubBytesPerSecond < 0 {
		return
	}
	const steps = 4 // a second
	t := time.NewTicker(time.Second / steps)
	defer t.Stop()
	var segs []*segment.Segment
	known, budget := map[uint64]bool{}, int64(0)
	begun, ended, sighted, start, due := false, false, int64(0), time.Time{}, time.Duration(0)
	for {
		select {
		case <-n.quit:
			return
		case <-t.C:
		}
		budget = min(budget+n.opt.ScrubBytesPerSecond/steps, n.opt.ScrubBytesPerSecond)
		for budget > 0 {
			if len(segs) == 0 {
				now := n.stats.Sighted.Load()
				if begun && !ended {
					ended, due = true, n.opt.scrubPeriod(time.Since(start))
					n.scrubs.Add(1)
					n.clean.Add(1)
					if now != sighted {
						n.clean.Store(0)
					}
				}
				if begun && n.clean.Load() > 0 && now == sighted && time.Since(start) < due { // nor has a reader met damage since
					break
				}
				begun, ended, sighted, start, segs = true, false, now, time.Now(), n.all()
				budget -= n.scrubQueue(known)
				break // a round a tick at most
			}
			read, done, err := segs[0].Scrub(budget)
			n.background(segs[0], "scrub", err)
			budget -= read
			if done || err != nil {
				segs = segs[1:]
				n.wakeWork() // what was found is repaired there
			}
		}
	}
}

// scrubPeriod is the time from the begin of a clean round, which has taken took, to that of the next. What was just found whole need not be read again at once:
// reading without a pause was a twentieth of a node's CPU beside page reads at full speed, and pushed out of the kernel's page cache what readers want.
func (o *Options) scrubPeriod(took time.Duration) time.Duration {
	return max(o.ScrubEvery, min(scrubShare*took, took+scrubRest))
}

const (
	scrubShare = 4         // one part of the time is spent scrubbing
	scrubRest  = time.Hour // no pause is longer
)

// scrubQueue verifies what is alive in the update queue. Damage there is mended from what it stands for: a checkpoint makes the records durable in the
// segments' files, and then nobody needs the batch. known are the damaged batches that were counted already.
func (n *Node) scrubQueue(known map[uint64]bool) (read int64) {
	read, found := n.q.scrub()
	n.stats.Scrubbed.Add(read)
	for _, d := range found {
		n.stats.Sighted.Add(1)
		log := n.log.With("dir", n.q.dir, "file", queueName(d.num), "off", d.off, "size", d.size)
		if d.seq == 0 { // a header
			n.stats.Damaged.Add(1)
			if err := n.q.mendHeader(d.num, d.gen); err != nil {
				log.Error("damage not repaired yet", "damage", "header of the update queue", "err", err)
				continue
			}
			n.stats.Repaired.Add(1)
			log.Warn("damage repaired", "damage", "header of the update queue")
			continue
		}
		if !known[d.seq] {
			known[d.seq] = true
			n.stats.Damaged.Add(1)
		}
		n.runCheckpoint()
		if !n.q.settled(d.seq) {
			log.Error("damage not repaired yet", "damage", "batch of the update queue", "batch", d.seq)
			continue
		}
		n.vouchAgain.Store(true) // the next restart shall know that the batch is not missed
		n.idle.Store(true)
		n.wakeSync()
		n.stats.Repaired.Add(1)
		log.Warn("damage repaired", "damage", "batch of the update queue", "batch", d.seq)
		delete(known, d.seq)
	}
	return read
}

// written is where a batch lies in its file.
type written struct {
	off  int64
	size int
	seq  uint64
}

// queueDamage is a batch, or with seq 0 a file header, that failed its checks.
type queueDamage struct {
	num, gen, seq uint64
	off           int64
	size          int
}

// scrub verifies what is alive in the files. A file may be used anew meanwhile: then what was read of it proves nothing.
func (q *queue) scrub() (read int64, found []queueDamage) {
	type use struct {
		f       *queueFile
		gen     uint64
		batches []written
	}
	var uses []use
	q.mu.Lock()
	for _, f := range q.inUse() {
		u := use{f: f, gen: f.gen}
		for _, b := range f.batches {
			if b.seq > q.organised {
				u.batches = append(u.batches, b)
			}
		}
		uses = append(uses, u)
	}
	q.mu.Unlock()
	buf := make([]byte, 64<<10)
	sound := func(u *use, off int64, n int, ok func(b []byte) bool) bool {
		if n > len(buf) {
			buf = make([]byte, n)
		}
		k, err := u.f.f.ReadAt(buf[:n], off)
		read += int64(k)
		if err != nil && err != io.EOF {
			return true // not readable: the next write or restart will tell
		}
		return ok(buf[:k])
	}
	for i := range uses {
		u := &uses[i]
		if !sound(u, 0, queueHeader, func(b []byte) bool { return len(b) == queueHeader && soundHeaders(b, u.gen) }) && q.alive(u.f, u.gen, 0) {
			found = append(found, queueDamage{num: u.f.num, gen: u.gen, size: queueHeader})
		}
		for _, w := range u.batches {
			ok := sound(u, w.off, w.size, func(b []byte) bool {
				h, _, err := parseBatch(b)
				return err == nil && h.gen == u.gen && h.seq == w.seq
			})
			if !ok && q.alive(u.f, u.gen, w.seq) {
				found = append(found, queueDamage{u.f.num, u.gen, w.seq, w.off, w.size})
			}
		}
	}
	return read, found
}

// inUse lists the files that hold batches. mu is held.
func (q *queue) inUse() []*queueFile {
	fs := q.busy[:len(q.busy):len(q.busy)]
	if q.active != nil {
		fs = append(fs, q.active)
	}
	return fs
}

// alive reports whether a file is still in the use of that generation and a batch (0: none) still needed.
func (q *queue) alive(f *queueFile, gen, seq uint64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, x := range q.inUse() {
		if x == f && x.gen == gen {
			return seq == 0 || seq > q.organised
		}
	}
	return false
}

// settled reports whether a batch is durable in the segments' files.
func (q *queue) settled(seq uint64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return seq <= q.organised
}

// mendHeader writes both copies of a header again, unless the file was recycled meanwhile.
func (q *queue) mendHeader(num, gen uint64) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, f := range q.inUse() {
		if f.num != num || f.gen != gen {
			continue
		}
		if _, err := f.f.WriteAt(encodeFileHeader(gen, q.organised), 0); err != nil {
			return err
		}
		return f.f.Sync()
	}
	return nil
}
