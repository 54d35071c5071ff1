package node

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/zoryadb/zorya/base/vfs"
)

// queueFile is one preallocated file of the update queue.
type queueFile struct {
	num  uint64
	f    vfs.File
	last uint64 // newest batch in it; the file is free once that is organised durably
	// gen and batches are of the present use; queue.mu guards them.
	gen     uint64
	batches []written
}

// queue is the update queue on disk: where batches become durable. Only the sync loop writes; mu guards what
// the checkpointer shares with it.
type queue struct {
	fsys     vfs.FS
	dir      string
	size     int64
	maxFiles int
	log      *slog.Logger
	kick     func() // asks for a checkpoint: files wait for one

	active  *queueFile
	off     int64
	gen     uint64 // of the active file
	seq     uint64 // last batch written
	synced  uint64 // last batch known durable
	vouched uint64 // last batch that only vouches for those before it

	mu        sync.Mutex
	cond      *sync.Cond
	busy      []*queueFile // full, not all organised durably
	free      []*queueFile
	nextNum   uint64
	nextGen   uint64
	organised uint64 // batches up to this one are durable in the segments' files
	closed    bool
}

func queueName(num uint64) string { return fmt.Sprintf("queue-%08d", num) }

// errQueueFull means that no file can be written: the disk is full.
var errQueueFull = errors.New("update queue: no space for another file")

// openQueue reads what a former process left and calls replay with every batch in order. damaged says
// that a batch that was durable is missing.
func openQueue(fsys vfs.FS, dir string, size int64, maxFiles int, anyGen bool, log *slog.Logger,
	replay func(h *batchHead, body []byte) error) (q *queue, damaged bool, err error) {
	q = &queue{fsys: fsys, dir: dir, size: size, maxFiles: maxFiles, log: log, nextNum: 1, nextGen: 1}
	q.cond = sync.NewCond(&q.mu)
	if err := fsys.MkdirAll(dir); err != nil {
		return nil, false, err
	}
	names, err := fsys.List(dir)
	if err != nil {
		return nil, false, err
	}
	type found struct {
		file *queueFile
		gen  uint64
	}
	var files []found
	synced, organised := uint64(0), uint64(0)
	for _, name := range names {
		rest, ok := strings.CutPrefix(name, "queue-")
		num, perr := strconv.ParseUint(rest, 10, 64)
		if !ok || perr != nil {
			continue
		}
		q.nextNum = max(q.nextNum, num+1)
		f, err := fsys.Open(dir + "/" + name)
		if err != nil {
			return nil, false, err
		}
		hb := make([]byte, queueHeader)
		if _, err := f.ReadAt(hb, 0); err != nil && err != io.EOF {
			return nil, false, err
		}
		gen, done, err := decodeFileHeader(hb)
		organised = max(organised, done)
		if errors.Is(err, ErrNewerFormat) {
			return nil, false, err
		}
		if err == nil {
			q.nextGen = max(q.nextGen, gen+1)
		}
		files = append(files, found{&queueFile{num: num, f: f}, gen})
	}
	sort.Slice(files, func(i, j int) bool { return files[i].gen < files[j].gen })
	var have []gap // stretches of batches that are there
	var rerr error
	for _, fd := range files {
		n, err := fd.file.f.Size()
		if err != nil {
			return nil, false, err
		}
		b := make([]byte, n)
		if _, err := fd.file.f.ReadAt(b, 0); err != nil && err != io.EOF {
			return nil, false, fmt.Errorf("read update queue: %w", err)
		}
		sc := scanFile(b, fd.gen, anyGen, func(h *batchHead, body []byte) {
			if k := len(have); k > 0 && have[k-1].to+1 == h.seq {
				have[k-1].to = h.seq
			} else {
				have = append(have, gap{h.seq, h.seq})
			}
			if rerr == nil {
				rerr = replay(h, body)
			}
		})
		if rerr != nil {
			return nil, false, fmt.Errorf("replay update queue: %w", rerr)
		}
		q.seq = max(q.seq, sc.seq)
		synced, organised = max(synced, sc.synced), max(organised, sc.organised)
		if n == size {
			q.free = append(q.free, fd.file)
		} else if err := errors.Join(fd.file.f.Close(), fsys.Remove(fd.file.f.Name())); err != nil {
			return nil, false, err
		}
	}
	next := organised + 1
	for _, g := range have {
		if g.from > next && next <= synced {
			damaged = true
		}
		next = max(next, g.to+1)
	}
	if next <= synced {
		damaged = true
	}
	q.seq = max(q.seq, synced, organised)
	q.synced, q.organised = q.seq, q.seq
	return q, damaged, nil
}

// start gives the queue its first active file. What was replayed must be durable in the segments by now.
func (q *queue) start(kick func()) error {
	q.kick = kick
	return q.rotate()
}

// prepare makes a file ahead of need, so that the foreground does not wait for its allocation.
func (q *queue) prepare() error {
	q.mu.Lock()
	if q.closed || len(q.free) > 0 || len(q.busy)+1 >= q.maxFiles {
		q.mu.Unlock()
		return nil
	}
	num := q.nextNum
	q.nextNum++
	q.mu.Unlock()
	f, err := q.create(num)
	if err == nil {
		q.giveBack(f)
	}
	return err
}

// rotate makes a free file the active one, or a new file. It waits while all are busy.
func (q *queue) rotate() error {
	q.mu.Lock()
	if q.active != nil {
		q.busy = append(q.busy, q.active)
		q.active = nil
		q.cond.Broadcast()
	}
	for len(q.free) == 0 && len(q.busy) >= q.maxFiles-1 && !q.closed {
		q.kick() // until the organiser has caught up and a checkpoint has freed a file
		q.cond.Wait()
	}
	if q.closed {
		q.mu.Unlock()
		return errClosed
	}
	var f *queueFile
	if n := len(q.free); n > 0 {
		f, q.free = q.free[0], q.free[1:]
	}
	num, gen, organised := q.nextNum, q.nextGen, q.organised
	q.nextGen++
	if f == nil {
		q.nextNum++
	}
	q.mu.Unlock()
	if f == nil {
		var err error
		if f, err = q.create(num); err != nil {
			return err
		}
	}
	// The header is durable before the first batch: were it not, a crash could leave old and new batches under
	// the old generation, and the overwritten ones would look like damage.
	if _, err := f.f.WriteAt(encodeFileHeader(gen, organised), 0); err != nil {
		q.giveBack(f)
		return err
	}
	if err := f.f.Sync(); err != nil {
		return &syncError{err}
	}
	f.last = 0
	q.mu.Lock()
	f.gen, f.batches = gen, f.batches[:0]
	q.active, q.off, q.gen = f, queueHeader, gen
	q.mu.Unlock()
	q.kick()
	return nil
}

func (q *queue) giveBack(f *queueFile) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.free = append(q.free, f)
	q.cond.Broadcast()
}

func (q *queue) create(num uint64) (*queueFile, error) {
	name := q.dir + "/" + queueName(num)
	f, err := q.fsys.Create(name)
	if err != nil {
		return nil, fullOr(err)
	}
	err = f.Preallocate(q.size)
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = q.fsys.SyncDir(q.dir)
	}
	if err != nil {
		f.Close()
		_ = q.fsys.Remove(name)
		return nil, fullOr(err)
	}
	return &queueFile{num: num, f: f}, nil
}

func fullOr(err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("%w: %w", errQueueFull, err)
	}
	return err
}

// syncError is a failed fdatasync: what was written is in doubt, and trying again proves nothing.
type syncError struct{ err error }

func (e *syncError) Error() string { return "sync of the update queue failed: " + e.err.Error() }
func (e *syncError) Unwrap() error { return e.err }

// roomFor reports whether a batch of n bytes fits into the active file, so that write waits for nothing but the disk.
func (q *queue) roomFor(n int) bool {
	return q.active != nil && q.off+int64(batchSize(n-batchHeader)) <= q.size
}

// write makes a batch durable: one pwrite, one fdatasync. b has room for the header at its start.
func (q *queue) write(b []byte, entries uint32) error {
	n := int64(batchSize(len(b) - batchHeader))
	if n > q.size-queueHeader {
		return fmt.Errorf("update queue: batch of %d bytes exceeds a file of %d", n, q.size)
	}
	if q.active == nil || q.off+n > q.size {
		if err := q.rotate(); err != nil {
			return err
		}
	}
	q.mu.Lock()
	organised := q.organised
	q.mu.Unlock()
	sealBatch(b, &batchHead{gen: q.gen, seq: q.seq + 1, synced: q.synced, organised: organised, entries: entries})
	if _, err := q.active.f.WriteAt(b, q.off); err != nil {
		return err // the same place is written again, or never
	}
	if err := q.active.f.Sync(); err != nil {
		return &syncError{err}
	}
	q.seq++
	q.synced = q.seq
	if entries > 0 { // an empty batch needs no organising
		q.mu.Lock()
		q.active.last = q.seq
		q.active.batches = append(q.active.batches, written{q.off, len(b), q.seq})
		q.mu.Unlock()
	}
	q.off += n
	return nil
}

// release says that batches up to seq are durable in the segments' files.
func (q *queue) release(seq uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.organised = max(q.organised, seq)
	keep := q.busy[:0]
	for _, f := range q.busy {
		if f.last <= q.organised {
			q.free = append(q.free, f)
		} else {
			keep = append(keep, f)
		}
	}
	q.busy = keep
	q.cond.Broadcast()
}

// waiting is the number of full files that wait for a checkpoint.
func (q *queue) waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.busy)
}

// close wakes a waiting rotate.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.cond.Broadcast()
}

// closeFiles ends the use of the files, after the sync loop has ended.
func (q *queue) closeFiles() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.active != nil {
		q.active.f.Close()
	}
	for _, f := range append(q.busy, q.free...) {
		f.f.Close()
	}
}
