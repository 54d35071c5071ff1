package segment

import (
	"fmt"
	"slices"
	"sort"

	"github.com/zoryadb/zorya/base/vfs"
	"github.com/zoryadb/zorya/storage/page"
)

// planFromFooters completes plans whose records below the newest image were spilled from the index: it asks the
// footers of the log files that overlap the stretch between the plan's image and its LSN. Only reads in
// the past while the index was under pressure come here.
func (s *Segment) planFromFooters(rd *reader, which []int, lsn page.LSN) error {
	s.opt.Stats.FootersRead.Add(int64(len(which)))
	s.mu.Lock()
	s.unpin(rd) // the index may point elsewhere by now
	s.pinFiles(rd)
	history := *s.core.History()
	found := make([][]ent, len(which))
	images := make([]ent, len(which))
	for k, i := range which {
		images[k], found[k] = s.indexed(rd.plans[i].page, lsn)
	}
	s.mu.Unlock()
	for _, l := range rd.logs {
		s.mu.Lock()
		sealed, lo, hi := l.sealed, l.min, l.max
		s.mu.Unlock()
		if !sealed || lo > lsn {
			continue
		}
		var ft footer
		for k, i := range which {
			if hi <= images[k].lsn {
				continue
			}
			if ft.entries == nil {
				var err error
				if ft, err = readFooter(l.f); err != nil {
					return s.footerError(err, true, l.seq, l.f)
				}
			}
			for _, e := range ft.of(rd.plans[i].page) {
				if e.lsn > images[k].lsn && e.lsn <= lsn && history.Live(e.lsn) {
					found[k] = append(found[k], e.ent(l.seq))
				}
			}
		}
	}
	for k, i := range which {
		pl, all := &rd.plans[i], found[k]
		sort.Slice(all, func(a, b int) bool { return all[a].lsn > all[b].lsn })
		*pl = plan{page: pl.page, image: images[k], lsn: images[k].lsn, recs: pl.recs[:0], at: pl.at[:0]}
		last := page.LSN(0)
		for _, e := range all {
			if e.lsn == last {
				continue // in the index and in a footer
			}
			last = e.lsn
			if pl.take(e) {
				break
			}
		}
	}
	return nil
}

// indexed returns the newest image of p at or below lsn, and every live record between the two.
func (s *Segment) indexed(p uint32, lsn page.LSN) (image ent, recs []ent) {
	sl := s.idx.peek(p)
	if sl == nil {
		return image, nil
	}
	for id := sl.imgs; id != 0; id = s.idx.at(id).next {
		if e := s.idx.at(id); e.lsn <= lsn {
			image = *e
			break
		}
	}
	for id := sl.recs; id != 0; id = s.idx.at(id).next {
		if e := s.idx.at(id); e.lsn <= lsn && e.lsn > image.lsn && s.core.History().Live(e.lsn) {
			recs = append(recs, *e)
		}
	}
	return image, recs
}

// of returns the entries that concern page p, FreeRanges that cover it included, in LSN order of each kind.
func (ft *footer) of(p uint32) (out []entry) {
	es := ft.entries
	i := sort.Search(len(es), func(i int) bool { return es[i].page >= p })
	for ; i < len(es) && es[i].page == p; i++ {
		out = append(out, es[i])
	}
	for _, e := range es {
		if e.flags&flagFree != 0 && e.page < p && p-e.page < e.free {
			out = append(out, e)
		}
	}
	return out
}

// Damage is a block that failed its checks. It is repaired from a peer, never served.
type Damage struct {
	Page   page.No
	LSN    page.LSN
	Log    bool   // in a log file; else in an image file
	Header bool   // the file's header
	Footer bool   // its footer or trailer
	Super  bool   // the superblock
	File   uint32 // 0: no single block is to blame
	Off    uint32
	Size   uint32
	Cause  error

	from, to page.LSN // the chain's links around a damaged stretch of log
}

// Name is the name of the damaged file in the segment's directory, "" when no single block is to blame.
func (d *Damage) Name() string {
	switch {
	case d.Super:
		return superName
	case d.File == 0:
		return ""
	case d.Log:
		return logName(d.File)
	}
	return imageName(d.File)
}

func (d *Damage) Error() string {
	kind := "image"
	switch {
	case d.Super:
		return fmt.Sprintf("damaged superblock at offset %d: %v", d.Off, d.Cause)
	case d.Header:
		kind = "header"
	case d.Footer:
		kind = "footer"
	case d.Log:
		kind = "log record"
	}
	return fmt.Sprintf("damaged %s in file %d at offset %d (page %d, LSN %d): %v", kind, d.File, d.Off, d.Page, d.LSN, d.Cause)
}

// Own reports whether the segment mends it by itself (RepairOwn).
func (d *Damage) Own() bool { return d.Super || d.Header || d.Footer }

func (d *Damage) Unwrap() error { return d.Cause }

// footerError tells a sealed file's damaged footer, which it reports, from a disk that cannot be read. Who holds the file keeps it open.
func (s *Segment) footerError(err error, log bool, file uint32, f vfs.File) error {
	if err == errDamaged {
		return s.report(footerDamage(f, log, file, s.dataEnd(log, file)))
	}
	return fmt.Errorf("read footer of file %d of %s: %w", file, s.key, err)
}

// dataEnd is where a file's footer begins once it is sealed, 0 when the file is gone.
func (s *Segment) dataEnd(log bool, file uint32) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if log {
		if l := s.logOf[file]; l != nil {
			return l.size
		}
	} else if im := s.imageOf[file]; im != nil {
		return im.size
	}
	return 0
}

const maxDamage = 1024

// report queues d for repair and returns it as an error.
func (s *Segment) report(d Damage) error {
	s.opt.Stats.Sighted.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.damage {
		o := &s.damage[i]
		if o.File == d.File && o.Off == d.Off && o.Log == d.Log && o.Page == d.Page && o.Footer == d.Footer && o.Super == d.Super {
			return fmt.Errorf("segment %s: %w", s.key, &d)
		}
	}
	s.opt.Stats.Damaged.Add(1)
	s.scrub.damaged++
	if len(s.damage) < maxDamage {
		s.damage = append(s.damage, d)
	}
	return fmt.Errorf("segment %s: %w", s.key, &d)
}

// TakeDamage returns up to n blocks that wait for repair; what the caller cannot repair is found again.
func (s *Segment) TakeDamage(n int) []Damage {
	s.mu.Lock()
	defer s.mu.Unlock()
	n = min(n, len(s.damage))
	d := slices.Clone(s.damage[:n])
	s.damage = slices.Delete(s.damage, 0, n)
	return d
}
