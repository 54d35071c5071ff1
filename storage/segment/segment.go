package segment

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/zoryadb/zorya/base/vfs"
	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
	"github.com/zoryadb/zorya/storage/redo"
)

// Options are what a Segment is opened with.
type Options struct {
	FS  vfs.FS
	Dir string // the segment's own directory
	// LogFileBytes and ImageFileBytes are the sizes at which files are sealed. Defaults 32 and 64 MiB.
	LogFileBytes, ImageFileBytes int64
	// KeepLogs is the number of newest sealed log files that GC leaves, so that a peer that was away for a
	// moment finds log and needs no baseline. Default 1.
	KeepLogs int
	// ImageRecords and ImageBytes bound the chain of a page that nobody reads before it is imaged: it is replayed whole then, and by
	// whoever reads it first. Defaults 256 and 48 KiB. A page that is read is imaged sooner (noteRead).
	ImageRecords, ImageBytes uint32
	// Index counts the bytes of the indexes of all segments that share it.
	Index *atomic.Int64
	// Lines counts the bytes that open log files of all segments that share it keep for their footers (lines).
	Lines *atomic.Int64
	// Stats counts events; shared by the segments of a node.
	Stats *Stats
	Core  Config
}

func (o *Options) defaults() {
	if o.LogFileBytes == 0 {
		o.LogFileBytes = 32 << 20
	}
	if o.ImageFileBytes == 0 {
		o.ImageFileBytes = 64 << 20
	}
	if o.KeepLogs == 0 {
		o.KeepLogs = 1
	}
	if o.ImageRecords == 0 {
		o.ImageRecords = 256
	}
	if o.ImageBytes == 0 {
		o.ImageBytes = 48 << 10
	}
	if o.Index == nil {
		o.Index = new(atomic.Int64)
	}
	if o.Lines == nil {
		o.Lines = new(atomic.Int64)
	}
	if o.Stats == nil {
		o.Stats = new(Stats)
	}
}

// Stats are counters of events since the process started.
type Stats struct {
	Records, LogBytes     atomic.Int64 // organised into log files
	Images, ImageBytes    atomic.Int64 // written to image files
	Copied                atomic.Int64 // images copied forward
	PagesRead, Replayed   atomic.Int64 // pages served, records applied for them
	FootersRead           atomic.Int64 // reads that had to consult footers
	Damaged, Repaired     atomic.Int64 // blocks found damaged, mended
	Sighted               atomic.Int64 // damage met, also such as was known already
	Scrubbed              atomic.Int64 // bytes verified in the background
	LogFilesDropped       atomic.Int64
	ImageFilesDropped     atomic.Int64
	SuperblocksWritten    atomic.Int64
	BaselinePagesReceived atomic.Int64
}

// Segment is one replica of a PG on disk. Methods are safe for concurrent use, except that Organise has
// one caller at a time.
type Segment struct {
	opt   Options
	key   proto.SegmentKey
	first page.No // of the PG
	pages uint32  // of the PG
	full  bool

	mu         sync.Mutex
	cond       *sync.Cond // organised has advanced, or the segment has failed or closed
	core       *Core
	idx        *index
	logs       []*logFile // ascending
	images     []*imageFile
	logOf      map[uint32]*logFile
	imageOf    map[uint32]*imageFile
	nextSeq    uint32
	organised  page.LSN // tip up to which records are in the files and the index
	durable    page.LSN // tip up to which they are durable in the files
	frees      []freed  // FreeRanges that older records of their pages may still follow in time
	settling   []settling
	toImage    []uint32
	readQueued int  // of toImage, about: queued because they were read
	sweep      bool // a history was installed, or a retain point has gone: the index holds what is not needed from page sweepAt on
	sweepAt    uint32
	damage     []Damage
	err        error // not nil: closed or failed
	scrub      scrubber

	superMu  sync.Mutex
	super    vfs.File
	superGen uint64

	imageMu    sync.Mutex // serialises writers of images
	straggling straggling // guarded by imageMu
}

type freed struct {
	first uint32
	n     uint32
	e     ent
}

// settling is an image, or a record that makes a page without what was there before, that supersedes older versions once the horizon has
// reached it.
type settling struct {
	page uint32
	lsn  page.LSN
}

// ErrClosed is returned by a segment that was closed.
var ErrClosed = errors.New("segment is closed")

// Rec is a parsed record of a frame: its links and where it lies.
type Rec struct {
	Link
	Page     page.No
	Off, Len uint32
	Free     uint32
	Flags    redo.Flags
}

// ParseRecs parses and verifies all records of raw and appends them to dst.
func ParseRecs(dst []Rec, raw []byte) ([]Rec, error) {
	var r redo.Record
	for off := 0; off < len(raw); {
		n, err := redo.Parse(raw[off:], &r)
		if err != nil {
			return dst, fmt.Errorf("record at offset %d of %d: %w", off, len(raw), err)
		}
		dst = append(dst, Rec{
			Link: Link{LSN: r.LSN, PrevPG: r.PrevPG, PrevVolume: r.PrevVolume, Epoch: r.Epoch, CPL: r.Flags&redo.CPL != 0},
			Page: r.Page, Off: uint32(off), Len: uint32(n), Free: r.Free, Flags: r.Flags,
		})
		off += n
	}
	return dst, nil
}

// Create makes a new segment durably in an empty directory.
func Create(opt Options, st State) (*Segment, error) {
	opt.defaults()
	if err := opt.FS.MkdirAll(opt.Dir); err != nil {
		return nil, fmt.Errorf("create segment: %w", err)
	}
	f, err := opt.FS.Create(opt.Dir + "/" + superName)
	if err == nil {
		err = f.Preallocate(2 * superSlot)
	}
	if err == nil {
		err = writeSuper(f, &superblock{State: st}, 1)
	}
	if err == nil {
		err = opt.FS.SyncDir(opt.Dir)
	}
	if err != nil {
		return nil, fmt.Errorf("create segment in %s: %w", opt.Dir, err)
	}
	return newSegment(opt, st, f, 1), nil
}

func newSegment(opt Options, st State, super vfs.File, gen uint64) *Segment {
	s := &Segment{
		opt: opt, key: proto.SegmentKey{Volume: st.Volume, PG: st.PG},
		first: page.No(st.PG) * page.No(st.PagesPerPG), pages: st.PagesPerPG, full: st.Self.Kind == proto.Full,
		core: NewCore(opt.Core, st), idx: newIndex(st.PagesPerPG, opt.Index),
		logOf: map[uint32]*logFile{}, imageOf: map[uint32]*imageFile{}, nextSeq: 1,
		super: super, superGen: gen,
	}
	s.cond = sync.NewCond(&s.mu)
	return s
}

// Dir is the segment's directory.
func (s *Segment) Dir() string { return s.opt.Dir }

// Key names the segment.
func (s *Segment) Key() proto.SegmentKey { return s.key }

// With runs fn on the protocol core under the segment's lock. fn must be short.
func (s *Segment) With(fn func(c *Core)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fn(s.core)
}

// Owns reports whether every page that a record changes lies in this PG.
func (s *Segment) Owns(r *Rec) bool {
	n := page.No(max(r.Free, 1))
	return r.Page >= s.first && r.Page-s.first+n <= page.No(s.pages)
}

// Offer takes a run's records after CheckAppend allowed it, in one step. It returns the records to be persisted
// (the front of recs, compacted), the ticket and the tip.
func (s *Segment) Offer(f *proto.AppendFrame, run *proto.Run, recs []Rec) (st proto.Status, keep []Rec, ticket uint64, tip page.LSN) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return proto.StatusRetired, nil, 0, 0
	}
	st = s.core.CheckAppend(f, run)
	if st != proto.OK && st != proto.StatusHydrating {
		return st, nil, 0, 0
	}
	keep, ticket, tip = s.offer(recs)
	return st, keep, ticket, tip
}

func (s *Segment) offer(recs []Rec) (keep []Rec, ticket uint64, tip page.LSN) {
	keep = recs[:0]
	for i := range recs {
		if s.core.Offer(recs[i].Link) {
			keep = append(keep, recs[i])
		}
	}
	return keep, s.core.Submit(), s.core.Tip()
}

// OfferReply takes a peer's answer to a log question. keep is as for Offer; need > 0 asks for Persist.
func (s *Segment) OfferReply(n proto.NodeID, r *proto.LogReply, recs []Rec, now Time) (keep []Rec, ticket uint64, tip page.LSN, need uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	history := s.core.History().Version
	take, need := s.core.BeginReply(n, r)
	if s.core.History().Version != history {
		s.sweeping()
	}
	if !take || s.err != nil {
		recs = nil
	}
	keep, ticket, tip = s.offer(recs)
	if need2 := s.core.EndReply(n, now); need2 > 0 {
		need = need2
		s.advance(s.core.Rebased()) // not Base: what was linked but not organised yet cannot be read
	}
	return keep, ticket, tip, need
}

// Behind reports whether records are linked that no call of Organise has told of: they waited for others and were linked
// without any of their own. An empty Organise behind what is on its way then tells of them.
func (s *Segment) Behind(tip page.LSN) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return tip > s.organised
}

// Synced reports a durable ticket and returns the ack for a frame of that epoch and history.
func (s *Segment) Synced(ticket, epoch, history uint64) proto.SegmentStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.core.Synced(ticket)
	return s.core.Ack(epoch, history)
}

// Underway reports whether what a ticket stands for is not durable yet.
func (s *Segment) Underway(ticket uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.core.Underway(ticket)
}

// Fence installs an epoch and a history durably and then samples.
func (s *Segment) Fence(r *proto.FenceRequest) (proto.Sample, proto.Status, error) {
	s.mu.Lock()
	st, need := s.core.Fence(r)
	if st == proto.OK {
		s.sweeping()
	}
	s.mu.Unlock()
	if err := s.Persist(need); err != nil {
		return proto.Sample{}, proto.StatusFailed, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if st == proto.OK && s.core.Epoch() > r.Epoch {
		st = proto.StatusStaleEpoch // overtaken while it waited for the disk
	}
	return s.core.Sample(), st, nil
}

// InstallHistory installs a truncation durably.
func (s *Segment) InstallHistory(r *proto.HistoryRequest) (proto.Status, error) {
	s.mu.Lock()
	st, need := s.core.InstallHistory(r)
	if st == proto.OK {
		s.sweeping()
	}
	s.mu.Unlock()
	return s.settle(st, need)
}

// Retain replaces the retain points durably.
func (s *Segment) Retain(r *proto.RetainRequest) (proto.SegmentStatus, error) {
	s.mu.Lock()
	st, need := s.core.Retain(r)
	if need > 0 { // what a point has held may go
		s.sweeping()
	}
	s.mu.Unlock()
	st, err := s.settle(st, need)
	s.mu.Lock()
	defer s.mu.Unlock()
	return proto.SegmentStatus{PG: s.key.PG, Incarnation: s.core.Incarnation(), Status: st, SCL: s.core.SCL()}, err
}

// InstallMembership adopts a membership durably.
func (s *Segment) InstallMembership(epoch uint64, m *proto.Membership) (proto.Status, error) {
	s.mu.Lock()
	st, need := s.core.InstallMembership(epoch, m)
	s.mu.Unlock()
	return s.settle(st, need)
}

func (s *Segment) settle(st proto.Status, need uint64) (proto.Status, error) {
	if err := s.Persist(need); err != nil {
		return proto.StatusFailed, err
	}
	return st, nil
}

// Persist returns once the state is durable at the version need or newer.
func (s *Segment) Persist(need uint64) error {
	s.superMu.Lock()
	defer s.superMu.Unlock()
	s.mu.Lock()
	if s.core.Durable() >= need {
		s.mu.Unlock()
		return nil
	}
	sb := superblock{State: s.core.State(s.durable)}
	version := s.core.Version()
	sb.LogFile = s.nextSeq
	for _, l := range s.logs {
		if !l.sealed {
			sb.LogFile, sb.LogSynced = l.seq, l.synced
			if l.synced < l.size || l.newName {
				break
			}
		}
	}
	sb.ImageFile = s.nextSeq
	for _, im := range s.images {
		if !im.sealed {
			sb.ImageFile, sb.ImageSynced = im.seq, im.synced
			break
		}
	}
	s.mu.Unlock()
	if s.super == nil {
		return ErrClosed
	}
	if err := writeSuper(s.super, &sb, s.superGen+1); err != nil {
		return fmt.Errorf("write superblock of %s: %w", s.key, err)
	}
	s.superGen++
	s.opt.Stats.SuperblocksWritten.Add(1)
	s.mu.Lock()
	s.core.StateDurable(version)
	s.mu.Unlock()
	return nil
}

// Retire ends the segment's life after a failed sync; it is recorded durably if the disk still can.
func (s *Segment) Retire(cause error) {
	s.mu.Lock()
	need := s.core.Retire()
	if s.err == nil {
		s.err = cause
	}
	s.cond.Broadcast()
	s.mu.Unlock()
	_ = s.Persist(need) // best effort: the process answers StatusRetired in any case
}

// Info fills what a status shows of the segment.
func (s *Segment) Info() proto.SegmentInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.core
	in := proto.SegmentInfo{
		Volume: s.key.Volume, PG: s.key.PG, Kind: c.Kind(), Incarnation: c.Incarnation(),
		MembershipEpoch: c.Membership().Epoch, Status: c.Status(), SCL: c.SCL(), VDL: c.VDL(), MRPL: c.MRPL(),
		Highest: c.Highest(), Horizon: c.Horizon(), Hydrated: c.Progress(),
		Repairs: uint64(s.scrub.repaired),
	}
	for _, l := range s.logs {
		in.LogBytes += uint64(l.size)
	}
	for _, im := range s.images {
		in.ImageBytes += uint64(im.size)
	}
	return in
}

// Close releases the files; it does not make anything durable that was not acknowledged.
func (s *Segment) Close() error {
	s.imageMu.Lock()
	defer s.imageMu.Unlock()
	s.superMu.Lock()
	defer s.superMu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = ErrClosed
	}
	s.cond.Broadcast()
	var errs []error
	for _, l := range s.logs {
		if l.refs == 0 {
			l.lines.drop()
			errs = append(errs, l.f.Close())
		}
		l.dead = true // a reader that still holds it closes it
	}
	for _, im := range s.images {
		if im.refs == 0 {
			errs = append(errs, im.f.Close())
		}
		im.dead = true
	}
	s.logs, s.images = nil, nil
	if s.super != nil {
		errs = append(errs, s.super.Close())
		s.super = nil
	}
	s.idx.drop()
	return errors.Join(errs...)
}
