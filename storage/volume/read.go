package volume

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"sync"
	"time"

	"github.com/zoryadb/zorya/base/wait"
	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
	"github.com/zoryadb/zorya/storage/volume/quorum"
)

// ErrGone means that a read point lies below what storage still keeps.
var ErrGone = errors.New("read point is below the volume's horizon")

// ReadPages implements Volume. Each PG's pages are asked of one full segment whose SCL is known to suffice: the
// fastest of late, and after a while a second one too. Whatever fails is asked of another; as long as none can serve
// the read waits, bounded by ctx.
func (c *Client) ReadPages(ctx context.Context, lsn page.LSN, pages []page.No, dst [][]byte) error {
	if len(pages) != len(dst) {
		return fmt.Errorf("read %d pages into %d buffers", len(pages), len(dst))
	}
	if vdl := c.VDL(); lsn > vdl {
		return fmt.Errorf("read as of LSN %d above VDL %d", lsn, vdl)
	}
	w := wait.Begin(ctx)
	defer w.End()
	if len(pages) == 0 {
		return c.Err()
	}
	pg, one := proto.PG(uint64(pages[0])/uint64(c.desc.PagesPerPG)), len(pages) <= proto.MaxPageRead
	for _, no := range pages {
		if uint64(no) >= c.Pages() {
			return fmt.Errorf("read page %d beyond the volume of %d pages", no, c.Pages())
		}
		one = one && proto.PG(uint64(no)/uint64(c.desc.PagesPerPG)) == pg
	}
	if one {
		return c.readPG(ctx, pg, lsn, pages, dst)
	}
	return c.readMany(ctx, lsn, pages, dst)
}

// readMany splits a read by PG and by the bound of a request.
func (c *Client) readMany(ctx context.Context, lsn page.LSN, pages []page.No, dst [][]byte) error {
	order := make([]int, len(pages))
	for i := range order {
		order[i] = i
	}
	sort.Slice(order, func(i, j int) bool { return pages[order[i]] < pages[order[j]] })
	var all sync.WaitGroup
	var mu sync.Mutex
	var first error
	slots := make(chan struct{}, 8)
	for len(order) > 0 {
		pg := uint64(pages[order[0]]) / uint64(c.desc.PagesPerPG)
		n := 1
		for n < len(order) && n < proto.MaxPageRead && uint64(pages[order[n]])/uint64(c.desc.PagesPerPG) == pg {
			n++
		}
		nos, bufs := make([]page.No, n), make([][]byte, n)
		for i, k := range order[:n] {
			nos[i], bufs[i] = pages[k], dst[k]
		}
		order = order[n:]
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			if err := c.readPG(ctx, proto.PG(pg), lsn, nos, bufs); err != nil {
				mu.Lock()
				defer mu.Unlock()
				if first == nil {
					first = err
				}
			}
		})
	}
	all.Wait()
	return first
}

// source is a full segment that may serve a read.
type source struct {
	l       *link
	inc     uint64
	members uint64
	score   int64 // ns, expected
}

type sources struct {
	n    int
	at   [quorum.MaxMembers]source
	goal page.LSN
}

// sources lists the full members of a PG, best first. Those whose SCL is not known to suffice come last: it may be news to us.
func (c *Client) sources(pg proto.PG, lsn page.LSN, s *sources) {
	var scl [quorum.MaxMembers]page.LSN
	c.tmu.Lock()
	s.goal = c.tracker.ReadPoint(pg, lsn)
	c.mu.Lock()
	p := c.pgs[pg]
	members := p.members
	for i := range members {
		scl[i] = c.tracker.SCL(pg, i)
	}
	full := p.m.Members
	c.mu.Unlock()
	c.tmu.Unlock()
	s.n = 0
	now := int64(time.Since(c.started))
	for i := range members {
		l := members[i].link
		if full[i].Kind != proto.Full {
			continue
		}
		l.mu.Lock()
		at := l.seg(pg)
		ok := at != nil && at.counts
		x := source{l: l}
		if ok {
			x.inc, x.members = at.inc, at.members
			ok = at.status == proto.OK
		}
		l.mu.Unlock()
		x.score = l.ewma.Load()
		if !ok || scl[i] < s.goal {
			x.score += int64(time.Minute)
		}
		if failed := l.fail.Load(); failed > 0 && now-failed < int64(time.Second) {
			x.score += int64(time.Second) // until it had time to come back
		}
		s.at[s.n] = x
		s.n++
	}
	for i := 1; i < s.n; i++ { // three of them: no need for package sort, which would allocate
		for j := i; j > 0 && s.at[j].score < s.at[j-1].score; j-- {
			s.at[j], s.at[j-1] = s.at[j-1], s.at[j]
		}
	}
	s.stay(p)
	if c.stat.reads.Load()%probeEvery == 0 && s.n > 1 && s.at[1].score < int64(time.Second) {
		s.at[0], s.at[1] = s.at[1], s.at[0] // keep the second's latency fresh
	}
}

// stay moves the segment that was read from last to the front unless another is faster by half. Reads that change between nodes that
// are alike meet nobody to share a frame with, and keep the same pages in the memory of both.
func (s *sources) stay(p *pgState) {
	last := p.source.Load()
	for i := 1; i < s.n; i++ {
		if x := s.at[i]; x.l == last && x.score < s.at[0].score+s.at[0].score/2 {
			copy(s.at[1:i+1], s.at[:i])
			s.at[0] = x
			break
		}
	}
	if s.n > 0 && s.at[0].l != last {
		p.source.Store(s.at[0].l)
	}
}

// probeEvery is how often a read goes to the second best segment.
const probeEvery = 128

// readPG reads pages of one PG, at most proto.MaxPageRead.
func (c *Client) readPG(ctx context.Context, pg proto.PG, lsn page.LSN, pages []page.No, dst [][]byte) error {
	c.stat.reads.Add(1)
	c.stat.pagesRead.Add(uint64(len(pages)))
	c.earnHedge()
	pause := time.Millisecond
	var last error
	for try := 0; ; try++ {
		for i := 0; ; i++ {
			a := attempts.Get().(*attempt)
			*a = attempt{c: c, dst: dst}
			c.sources(pg, lsn, &a.src)
			if i >= a.src.n {
				attempts.Put(a)
				break // as many tries as segments
			}
			a.from = a.src.at[:a.src.n] // one that has just failed is the last of them now
			a.req = proto.PageRead{
				Volume: c.desc.Volume, Timeline: c.desc.Timeline, Epoch: c.epoch, History: c.history.Version,
				PG: pg, ReadLSN: lsn, PGLSN: a.src.goal, Pages: pages,
			}
			err := a.read(ctx)
			if err == nil {
				return nil
			}
			if errors.Is(err, ErrGone) {
				return fmt.Errorf("read %d pages of PG %d as of LSN %d: %w", len(pages), pg, lsn, err)
			}
			if err := c.Err(); err != nil {
				return err
			}
			last = err
			c.stat.readRetries.Add(1)
		}
		if try == 20 {
			c.log.Warn("page read waits for a full segment", "pg", pg, "lsn", lsn, "err", last)
		}
		select {
		case <-time.After(pause):
			pause = min(2*pause, 100*time.Millisecond)
		case <-ctx.Done():
			return fmt.Errorf("read %d pages of PG %d as of LSN %d: %w (last: %w)", len(pages), pg, lsn, ctx.Err(), last)
		case <-c.done:
			return c.Err()
		}
	}
}

// attempt is one read with its hedges: the same question to further segments, each when those before are late.
type attempt struct {
	c    *Client
	req  proto.PageRead
	dst  [][]byte
	src  sources
	from []source // the part of src that is to be asked, in order

	mu      sync.Mutex
	timer   *time.Timer
	started int // hedges under way or answered
	over    bool
	answers chan answer
}

type answer struct {
	bufs [][]byte
	err  error
}

var attempts = sync.Pool{New: func() any { return new(attempt) }}

// read asks the first of a.from, and the others when it is late. It returns once nothing writes to dst any more.
func (a *attempt) read(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a.arm(ctx, cancel, 1)
	err := a.ask(ctx, &a.from[0], a.dst)
	started, quiet := a.disarm()
	if err == nil {
		if quiet {
			attempts.Put(a)
		}
		return nil
	}
	for range started {
		h := <-a.answers
		if h.err != nil {
			continue
		}
		a.c.stat.hedgeWins.Add(1)
		for i := range h.bufs {
			copy(a.dst[i], h.bufs[i])
		}
		return nil
	}
	return err
}

// arm starts the clock of the k-th hedge or, when there is none, that of giving up.
func (a *attempt) arm(ctx context.Context, cancel context.CancelFunc, k int) {
	c := a.c
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over {
		return
	}
	if k >= len(a.from) || a.from[k].score >= int64(time.Minute) {
		a.timer = time.AfterFunc(c.o.ReadTimeout, cancel)
		return
	}
	a.timer = time.AfterFunc(c.hedgeAfter(time.Duration(a.from[k-1].l.ewma.Load())), func() {
		a.mu.Lock()
		if a.over {
			a.mu.Unlock()
			return
		}
		a.started++
		if a.answers == nil {
			a.answers = make(chan answer, len(a.from))
		}
		a.mu.Unlock()
		a.arm(ctx, cancel, k+1)
		c.stat.hedges.Add(1)
		c.spendHedge()
		bufs := make([][]byte, len(a.dst))
		arena := make([]byte, len(a.dst)*page.Size)
		for i := range bufs {
			bufs[i] = arena[i*page.Size : (i+1)*page.Size]
		}
		err := a.ask(ctx, &a.from[k], bufs)
		a.answers <- answer{bufs, err}
		if err == nil {
			cancel() // the others need not answer any more
		}
	})
}

// Hedges are for a node that is slow, not for a machine that is: there they would make it slower. Each read earns a share of one, hedgeSaved of
// them are kept, and when they are used up the next goes no earlier than at HedgeMax.
const (
	hedgeReads = 64 // reads earn one hedge
	hedgeSaved = 32 // hedges, at most
)

func (c *Client) earnHedge() {
	if c.hedging.Load() < hedgeSaved*hedgeReads {
		c.hedging.Add(1)
	}
}

func (c *Client) spendHedge() {
	if c.hedging.Load() >= hedgeReads { // else it went at HedgeMax
		c.hedging.Add(-hedgeReads)
	}
}

// hedgeAfter is when to ask the next segment too, if the one asked usually takes so long.
func (c *Client) hedgeAfter(usual time.Duration) time.Duration {
	if c.hedging.Load() < hedgeReads {
		return c.o.HedgeMax
	}
	return min(max(c.o.HedgeMin, 4*usual), c.o.HedgeMax)
}

// disarm lets no further hedge begin and returns how many have; quiet says that none has, or will look at a.
func (a *attempt) disarm() (started int, quiet bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over = true
	return a.started, a.timer.Stop() && a.started == 0
}

// ask reads from one segment.
func (a *attempt) ask(ctx context.Context, s *source, dst [][]byte) error {
	c := a.c
	node, err := s.l.peer()
	if err != nil {
		return err
	}
	req := a.req
	req.Incarnation, req.MembershipEpoch = s.inc, s.members
	start := time.Now()
	st, err := node.GetPages(ctx, &req, dst)
	took := time.Since(start)
	if err == nil && st == proto.OK {
		s.l.timed(took)
		c.stat.readNanos.Add(uint64(took))
		return nil
	}
	s.l.timed(2 * took) // a node that stands still loses its place with the first hedge
	if err != nil && errors.Is(ctx.Err(), context.Canceled) {
		return err // beaten by the hedge, or given up: not a failure
	}
	s.l.fail.Store(max(1, int64(time.Since(c.started))))
	switch {
	case err != nil:
		return fmt.Errorf("node %s: %w", s.l.id, err)
	case st == proto.StatusGone:
		return ErrGone
	case st == proto.StatusStaleEpoch, st == proto.StatusUnknownHistory, st == proto.StatusStaleHistory, st == proto.StatusNoSegment:
		s.l.suspect(fmt.Errorf("%w: page read answers status %d", errRefused, st))
	}
	return fmt.Errorf("node %s: status %d", s.l.id, st)
}

// timed moves the average latency by an eighth. A timeout counts as no more than maxSample, or the average would
// take minutes to forget it.
func (l *link) timed(d time.Duration) {
	const maxSample = 100 * time.Millisecond
	d = min(d, maxSample)
	old := l.ewma.Load()
	if old == 0 {
		old = int64(d)
	}
	l.ewma.Store(old + (int64(d)-old)/8) // a lost update is only a lost sample
}

// suspect makes the link join again: what the node answered does not fit what we know of it.
func (l *link) suspect(err error) {
	l.mu.Lock()
	if l.joined && l.broken == nil {
		l.broken = err
	}
	l.mu.Unlock()
	if l.idle.Load() {
		l.kick()
	}
}
