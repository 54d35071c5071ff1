package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/zoryadb/zorya/base/vfs"
	"github.com/zoryadb/zorya/storage/proto"
	"github.com/zoryadb/zorya/storage/segment"
)

// Options configure a node. Dir, FS, ID and Dialer are required.
type Options struct {
	Dir    string
	FS     vfs.FS
	ID     proto.NodeID
	AZ     string
	Dialer proto.Dialer // finds peers, for gossip, hydration and repair
	// Registry takes the node's metrics; nil: none are published.
	Registry prometheus.Registerer
	Logger   *slog.Logger

	// QueueFileBytes is the size of a file of the update queue (default 64 MiB), QueueFiles how many there may
	// be (default 4). A frame is at most half a file.
	QueueFileBytes int64
	QueueFiles     int
	// IndexBytes bounds the memory of all segments' indexes (default 96 MiB).
	IndexBytes int64
	// ReserveBytes is the free disk space below which the node steps back (default 256 MiB).
	ReserveBytes uint64
	// ScrubBytesPerSecond is the pace of background verification (default 8 MiB; negative: none).
	ScrubBytesPerSecond int64
	// ScrubEvery is the least time from the begin of a round of verification to that of the next (default 30 s): a small volume need not
	// be read again every few seconds; a large one rests longer (scrubPeriod). After a round that met damage, and when a reader
	// meets some, the next follows at once.
	ScrubEvery time.Duration
	// GossipTick is how often peers may be asked (default 10 ms) while a segment lacks something; else it is looked after five times
	// less often. CollectEvery is the pause between rounds of
	// garbage collection of a segment (default 500 ms), MonitorEvery that between looks at the disk (1 s).
	GossipTick, CollectEvery, MonitorEvery time.Duration
	// AskTimeout bounds a request to a peer (default 5 s).
	AskTimeout time.Duration
	// Segment is the template of each segment's options (sizes, Core's times).
	Segment segment.Options
}

func (o *Options) defaults() {
	d := func(p *int64, v int64) {
		if *p == 0 {
			*p = v
		}
	}
	t := func(p *time.Duration, v time.Duration) {
		if *p == 0 {
			*p = v
		}
	}
	d(&o.QueueFileBytes, 64<<20)
	d(&o.IndexBytes, 96<<20)
	d(&o.ScrubBytesPerSecond, 8<<20)
	if o.QueueFiles == 0 {
		o.QueueFiles = 4
	}
	if o.ReserveBytes == 0 {
		o.ReserveBytes = 256 << 20
	}
	t(&o.ScrubEvery, 30*time.Second)
	t(&o.GossipTick, 10*time.Millisecond)
	t(&o.CollectEvery, 500*time.Millisecond)
	t(&o.MonitorEvery, time.Second)
	t(&o.AskTimeout, 5*time.Second)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
}

// Node is a running storage node. It implements proto.Node, so that an instance in the same process calls it
// directly; a listener serves it to others. Shutdown ends it.
type Node struct {
	opt     Options
	log     *slog.Logger
	lock    io.Closer
	started time.Time
	stats   segment.Stats
	index   atomic.Int64
	lines   atomic.Int64
	m       metrics

	segMu sync.RWMutex
	segs  map[proto.SegmentKey]*segment.Segment
	dirs  map[proto.SegmentKey]string
	admin sync.Mutex // serialises creation and replacement of segments

	q          *queue
	qmu        sync.Mutex
	cur        *batch
	stopped    bool       // guarded by qmu: nothing is taken any more
	lead       sync.Mutex // held by who takes batches through the foreground
	stuck      *batch     // guarded by lead: taken, and left to a round that may wait
	dropped    error      // guarded by lead: why a batch was not persisted, nor any after it
	spare      chan *batch
	wake       chan struct{}
	toOrganise chan *batch
	organising atomic.Int64  // batches that the organiser has before it
	queued     atomic.Int64  // bytes persisted, not yet organised
	organised  atomic.Uint64 // last batch that is in the segments' files, maybe not yet durable there

	work, checkpoint chan struct{}
	asks             chan struct{} // tokens for questions to peers
	checkpointing    sync.Mutex    // one checkpoint at a time
	scrubs, clean    atomic.Uint64 // rounds ended, and how many in a row in which nothing was damaged
	vouchAgain       atomic.Bool
	closed           atomic.Bool
	retired          atomic.Bool
	full             atomic.Bool
	idle             atomic.Bool // the sync loop may vouch for the last batch
	spaceMu          sync.Mutex
	space            *sync.Cond
	spaceTry         uint64 // raised when it is worth trying to write again
	starved          int    // loops that wait for space
	ctx              context.Context
	cancel           context.CancelFunc
	quit             chan struct{}
	wg               sync.WaitGroup
	asking           sync.WaitGroup
}

var _ proto.Node = (*Node)(nil)

var (
	errClosed  = errors.New("storage node is closed")
	errRetired = errors.New("storage node has retired after a failed sync")
)

const dirFormat = 1

// formatFile is the file FORMAT in a node's directory.
type formatFile struct {
	Format int          `json:"format"`
	Node   proto.NodeID `json:"node"`
}

// Open opens or creates a node's directory, recovers what it holds and starts the node. It fails with vfs.ErrLocked
// when another process runs on the directory, and with ErrNewerFormat when a newer version wrote it.
func Open(opt Options) (*Node, error) {
	opt.defaults()
	n := &Node{
		opt: opt, log: opt.Logger.With("node", opt.ID), started: time.Now(),
		segs: map[proto.SegmentKey]*segment.Segment{}, dirs: map[proto.SegmentKey]string{},
		cur: newBatch(), spare: make(chan *batch, 4), wake: make(chan struct{}, 1), toOrganise: make(chan *batch, 4),
		work: make(chan struct{}, 1), checkpoint: make(chan struct{}, 1), asks: make(chan struct{}, 16),
		quit: make(chan struct{}),
	}
	n.space = sync.NewCond(&n.spaceMu)
	n.ctx, n.cancel = context.WithCancel(context.Background())
	for i := 0; i < 3; i++ {
		n.spare <- newBatch()
	}
	if err := n.openDir(); err != nil {
		n.abandon()
		return nil, fmt.Errorf("open storage node %s in %s: %w", opt.ID, opt.Dir, err)
	}
	if err := n.recover(); err != nil {
		n.abandon()
		return nil, fmt.Errorf("recover storage node %s in %s: %w", opt.ID, opt.Dir, err)
	}
	n.m.register(n, opt.Registry)
	n.checkSpace()
	loops := []func(){n.syncLoop, n.organiseLoop, n.checkpointLoop, n.workLoop, n.gossipLoop, n.monitorLoop, n.scrubLoop}
	n.wg.Add(len(loops))
	for _, l := range loops {
		go l()
	}
	return n, nil
}

// openDir takes the lock and checks the directory's format.
func (n *Node) openDir() error {
	fsys, dir := n.opt.FS, n.opt.Dir
	if err := fsys.MkdirAll(dir); err != nil {
		return err
	}
	var err error
	if n.lock, err = fsys.Lock(dir + "/LOCK"); err != nil {
		return err
	}
	b, err := vfs.ReadFile(fsys, dir+"/FORMAT", 4096)
	if errors.Is(err, fs.ErrNotExist) {
		if b, err = json.Marshal(formatFile{dirFormat, n.opt.ID}); err == nil {
			err = vfs.WriteFile(fsys, dir, "FORMAT", b)
		}
		return err
	}
	if err != nil {
		return err
	}
	var ff formatFile
	if err := json.Unmarshal(b, &ff); err != nil {
		return fmt.Errorf("FORMAT: %w", err)
	}
	if ff.Format > dirFormat {
		return fmt.Errorf("format %d, this version knows %d: %w", ff.Format, dirFormat, ErrNewerFormat)
	}
	if ff.Node != n.opt.ID {
		return fmt.Errorf("the directory belongs to node %q", ff.Node)
	}
	return nil
}

// abandon releases what a failed Open took.
func (n *Node) abandon() {
	n.cancel()
	for _, s := range n.segs {
		s.Close()
	}
	if n.q != nil {
		n.q.closeFiles()
	}
	if n.lock != nil {
		n.lock.Close()
	}
}

// Close implements proto.Node: it releases a connection, of which a direct caller has none. See Shutdown.
func (n *Node) Close() error { return nil }

// Shutdown ends the node: what was received becomes durable and is acknowledged, and is moved to the
// segments' files, so that the next start has nothing to replay. Requests that come later fail.
func (n *Node) Shutdown() error {
	if n.closed.Swap(true) {
		return nil
	}
	n.cancel()
	n.spaceMu.Lock()
	n.space.Broadcast()
	n.spaceMu.Unlock()
	close(n.quit)
	n.wg.Wait()
	n.asking.Wait()
	n.q.close()
	n.runCheckpoint()
	var errs []error
	n.segMu.Lock()
	for _, s := range n.segs {
		errs = append(errs, s.Close())
	}
	n.segs = map[proto.SegmentKey]*segment.Segment{}
	n.segMu.Unlock()
	n.q.closeFiles()
	n.m.unregister(n.opt.Registry)
	return errors.Join(append(errs, n.lock.Close())...)
}

// segment finds a segment; nil when there is none.
func (n *Node) segment(k proto.SegmentKey) *segment.Segment {
	n.segMu.RLock()
	defer n.segMu.RUnlock()
	return n.segs[k]
}

// all returns every segment.
func (n *Node) all() []*segment.Segment {
	n.segMu.RLock()
	defer n.segMu.RUnlock()
	out := make([]*segment.Segment, 0, len(n.segs))
	for _, s := range n.segs {
		out = append(out, s)
	}
	return out
}

// now is the node's monotonic clock.
func (n *Node) now() segment.Time { return segment.Time(time.Since(n.started)) + 1 }
