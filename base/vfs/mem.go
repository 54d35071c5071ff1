package vfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"path"
	"sort"
	"strings"
	"sync"
	"syscall"
)

// SectorSize is the unit in which Mem tears unsynced writes.
const SectorSize = 512

// Op names an operation for a fault rule.
type Op uint8

// Operations that a fault rule can see.
const (
	OpCreate Op = iota
	OpRead
	OpWrite
	OpSync
	OpSyncDir
	OpRename
	OpRemove
)

// ErrCrashed is returned by handles opened before a crash.
var ErrCrashed = errors.New("file handle from before the crash")

// Mem is a file system in memory with the durability of a disk and no more.
type Mem struct {
	mu       sync.Mutex
	life     int               // raised by Crash; handles of older lives are dead
	names    map[string]*inode // path -> file, as running processes see it
	durable  map[string]*inode // path -> file, after a crash
	journal  []nameOp          // name changes since the last SyncDir of their directory
	locks    map[string]bool
	fault    func(op Op, name string, off int64, n int) error
	capacity int64 // 0: unlimited
	used     int64
	syncs    int
}

type nameOp struct {
	dir, name string
	ino       *inode // nil: removed
}

type inode struct {
	data   []byte // as running processes see it
	synced []byte // as after a crash without luck
	dirty  map[int64]struct{}
}

var _ FS = (*Mem)(nil)

// NewMem returns an empty file system.
func NewMem() *Mem {
	return &Mem{names: map[string]*inode{}, durable: map[string]*inode{}, locks: map[string]bool{}}
}

// SetFault installs a rule that is asked before each operation; an error it returns is the
// operation's outcome, and the operation has no effect. nil removes it.
func (m *Mem) SetFault(rule func(op Op, name string, off int64, n int) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fault = rule
}

// SetCapacity bounds the bytes of all files; writes beyond fail with ENOSPC. 0 means no bound.
func (m *Mem) SetCapacity(n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.capacity = n
}

// Used is the number of bytes in all files.
func (m *Mem) Used() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.used
}

// Syncs counts the file syncs so far.
func (m *Mem) Syncs() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.syncs
}

// Flip inverts the bits of mask in the byte at off of a file, on the medium and in the cache.
func (m *Mem) Flip(name string, off int64, mask byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	ino := m.names[path.Clean(name)]
	if ino == nil || off < 0 || off >= int64(len(ino.data)) {
		return fmt.Errorf("flip byte %d of %s: %w", off, name, fs.ErrNotExist)
	}
	ino.data[off] ^= mask
	if off < int64(len(ino.synced)) {
		ino.synced[off] ^= mask
	}
	return nil
}

// Crash is a power failure: every handle and lock dies, names and bytes that were not synced are kept
// or lost as seed decides. Bytes are kept or lost a sector at a time, so a write can be torn.
func (m *Mem) Crash(seed uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	rng := rand.New(rand.NewPCG(seed, 0x5a))
	m.life++
	m.locks = map[string]bool{}
	keep := rng.IntN(len(m.journal) + 1) // a journalled directory loses a suffix of its changes
	for _, op := range m.journal[:keep] {
		apply(m.durable, op)
	}
	m.journal = nil
	m.names = make(map[string]*inode, len(m.durable))
	paths := make([]string, 0, len(m.durable))
	for p, ino := range m.durable {
		m.names[p] = ino
		paths = append(paths, p)
	}
	sort.Strings(paths)
	m.used = 0
	for _, p := range paths {
		m.names[p].crash(rng)
		m.used += int64(len(m.names[p].data))
	}
}

func (ino *inode) crash(rng *rand.Rand) {
	after := append([]byte(nil), ino.synced...)
	if len(ino.data) != len(ino.synced) && rng.IntN(2) == 0 {
		if len(ino.data) < len(after) {
			after = after[:len(ino.data)]
		} else {
			after = append(after, make([]byte, len(ino.data)-len(after))...)
		}
	}
	sectors := make([]int64, 0, len(ino.dirty))
	for s := range ino.dirty {
		sectors = append(sectors, s)
	}
	sort.Slice(sectors, func(i, j int) bool { return sectors[i] < sectors[j] })
	for _, s := range sectors {
		if rng.IntN(2) == 0 {
			continue
		}
		lo, hi := s*SectorSize, min((s+1)*SectorSize, int64(len(ino.data)), int64(len(after)))
		if lo < hi {
			copy(after[lo:hi], ino.data[lo:hi])
		}
	}
	ino.data = after
	ino.synced = append([]byte(nil), after...)
	ino.dirty = nil
}

func apply(names map[string]*inode, op nameOp) {
	if op.ino == nil {
		delete(names, op.dir+"/"+op.name)
	} else {
		names[op.dir+"/"+op.name] = op.ino
	}
}

func (m *Mem) check(op Op, name string, off int64, n int) error {
	if m.fault != nil {
		if err := m.fault(op, name, off, n); err != nil {
			return &fs.PathError{Op: [...]string{"create", "read", "write", "sync", "syncdir", "rename", "remove"}[op], Path: name, Err: err}
		}
	}
	return nil
}

func (m *Mem) change(name string, ino *inode) {
	dir, base := path.Split(name)
	op := nameOp{strings.TrimSuffix(dir, "/"), base, ino}
	apply(m.names, op)
	m.journal = append(m.journal, op)
}

// Create implements FS.
func (m *Mem) Create(name string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	name = path.Clean(name)
	if err := m.check(OpCreate, name, 0, 0); err != nil {
		return nil, err
	}
	if m.names[name] != nil {
		return nil, &fs.PathError{Op: "create", Path: name, Err: fs.ErrExist}
	}
	if m.capacity > 0 && m.used >= m.capacity {
		return nil, &fs.PathError{Op: "create", Path: name, Err: syscall.ENOSPC}
	}
	ino := &inode{}
	m.change(name, ino)
	return &memFile{m, ino, name, m.life, false}, nil
}

// Open implements FS.
func (m *Mem) Open(name string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	name = path.Clean(name)
	ino := m.names[name]
	if ino == nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &memFile{m, ino, name, m.life, false}, nil
}

// Rename implements FS.
func (m *Mem) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	from, to = path.Clean(from), path.Clean(to)
	if err := m.check(OpRename, from, 0, 0); err != nil {
		return err
	}
	ino := m.names[from]
	if ino == nil {
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	}
	if old := m.names[to]; old != nil {
		m.used -= int64(len(old.data))
	}
	m.change(to, ino)
	m.change(from, nil)
	return nil
}

// Remove implements FS.
func (m *Mem) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	name = path.Clean(name)
	if err := m.check(OpRemove, name, 0, 0); err != nil {
		return err
	}
	ino := m.names[name]
	if ino == nil {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	m.used -= int64(len(ino.data))
	m.change(name, nil)
	return nil
}

// RemoveAll implements FS.
func (m *Mem) RemoveAll(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir = path.Clean(dir) + "/"
	for p, ino := range m.names {
		if strings.HasPrefix(p, dir) {
			m.used -= int64(len(ino.data))
			m.change(p, nil)
		}
	}
	return nil
}

// MkdirAll implements FS. Directories exist by themselves.
func (m *Mem) MkdirAll(string) error { return nil }

// SyncDir implements FS.
func (m *Mem) SyncDir(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir = path.Clean(dir)
	if err := m.check(OpSyncDir, dir, 0, 0); err != nil {
		return err
	}
	rest := m.journal[:0]
	for _, op := range m.journal {
		if op.dir == dir {
			apply(m.durable, op)
		} else {
			rest = append(rest, op)
		}
	}
	m.journal = rest
	return nil
}

// List implements FS. Names of subdirectories are listed once.
func (m *Mem) List(dir string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir = path.Clean(dir) + "/"
	seen := map[string]bool{}
	for p := range m.names {
		if rest, ok := strings.CutPrefix(p, dir); ok {
			name, _, _ := strings.Cut(rest, "/")
			seen[name] = true
		}
	}
	out := make([]string, 0, len(seen))
	for n := range seen {
		out = append(out, n)
	}
	sort.Strings(out)
	return out, nil
}

type memLock struct {
	m    *Mem
	name string
	life int
}

// Lock implements FS.
func (m *Mem) Lock(name string) (io.Closer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	name = path.Clean(name)
	if m.locks[name] {
		return nil, fmt.Errorf("lock %s: %w", name, ErrLocked)
	}
	m.locks[name] = true
	return &memLock{m, name, m.life}, nil
}

func (l *memLock) Close() error {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	if l.life == l.m.life {
		delete(l.m.locks, l.name)
	}
	return nil
}

// Free implements FS.
func (m *Mem) Free(string) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.capacity == 0 {
		return 1 << 50, nil
	}
	return uint64(max(m.capacity-m.used, 0)), nil
}

type memFile struct {
	m      *Mem
	ino    *inode
	name   string
	life   int
	closed bool
}

func (f *memFile) alive() error {
	if f.closed {
		return fs.ErrClosed
	}
	if f.life != f.m.life {
		return ErrCrashed
	}
	return nil
}

func (f *memFile) Name() string { return f.name }

func (f *memFile) ReadAt(b []byte, off int64) (int, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.alive(); err != nil {
		return 0, err
	}
	if err := f.m.check(OpRead, f.name, off, len(b)); err != nil {
		return 0, err
	}
	if off >= int64(len(f.ino.data)) {
		return 0, io.EOF
	}
	n := copy(b, f.ino.data[off:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memFile) WriteAt(b []byte, off int64) (int, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.alive(); err != nil {
		return 0, err
	}
	if err := f.m.check(OpWrite, f.name, off, len(b)); err != nil {
		return 0, err
	}
	if err := f.grow(off + int64(len(b))); err != nil {
		return 0, err
	}
	copy(f.ino.data[off:], b)
	f.touch(off, off+int64(len(b)))
	return len(b), nil
}

func (f *memFile) touch(lo, hi int64) {
	if f.ino.dirty == nil {
		f.ino.dirty = map[int64]struct{}{}
	}
	for s := lo / SectorSize; s*SectorSize < hi; s++ {
		f.ino.dirty[s] = struct{}{}
	}
}

func (f *memFile) grow(end int64) error {
	more := end - int64(len(f.ino.data))
	if more <= 0 {
		return nil
	}
	if f.m.capacity > 0 && f.m.used+more > f.m.capacity {
		return &fs.PathError{Op: "write", Path: f.name, Err: syscall.ENOSPC}
	}
	f.m.used += more
	f.ino.data = append(f.ino.data, make([]byte, more)...)
	return nil
}

func (f *memFile) Sync() error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.alive(); err != nil {
		return err
	}
	f.m.syncs++
	if err := f.m.check(OpSync, f.name, 0, 0); err != nil {
		return err
	}
	ino := f.ino
	if len(ino.synced) > len(ino.data) {
		ino.synced = ino.synced[:len(ino.data)]
	}
	if more := len(ino.data) - len(ino.synced); more > 0 {
		ino.synced = append(ino.synced, make([]byte, more)...)
	}
	for s := range ino.dirty {
		lo, hi := s*SectorSize, min((s+1)*SectorSize, int64(len(ino.data)))
		if lo < hi {
			copy(ino.synced[lo:hi], ino.data[lo:hi])
		}
	}
	ino.dirty = nil
	return nil
}

func (f *memFile) WriteOut(int64, int64) {}

func (f *memFile) Preallocate(size int64) error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.alive(); err != nil {
		return err
	}
	if err := f.m.check(OpWrite, f.name, 0, int(size)); err != nil {
		return err
	}
	return f.grow(size)
}

func (f *memFile) Truncate(size int64) error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.alive(); err != nil {
		return err
	}
	if size >= int64(len(f.ino.data)) {
		return f.grow(size)
	}
	f.m.used -= int64(len(f.ino.data)) - size
	f.ino.data = f.ino.data[:size:size]
	return nil
}

func (f *memFile) Size() (int64, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	return int64(len(f.ino.data)), f.alive()
}

func (f *memFile) Close() error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	f.closed = true
	return nil
}
