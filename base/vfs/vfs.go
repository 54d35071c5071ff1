// Package vfs is the file system as Zorya uses it: the few operations that storage needs, an
// implementation on the operating system (OS) and a twin in memory (Mem) for tests.
//
// Invariants:
//   - What Sync returned nil for survives a crash; anything newer may be lost or torn. A created, renamed
//     or removed name survives once SyncDir returned nil.
//   - Sync is fdatasync: contents and size, not timestamps. Files are 0600, directories 0700.
//   - Mem keeps exactly these promises and no more: its Crash forgets what was not synced, sector by
//     sector, as its seed decides; its faults are errors that a real disk returns.
//
// Errors satisfy errors.Is with fs.ErrNotExist, fs.ErrExist and syscall.ENOSPC on both.
package vfs

import (
	"errors"
	"io"
)

// FS is a file system. Methods are safe for concurrent use. Names are slash-separated paths.
type FS interface {
	// Create makes a new, empty file; it fails with fs.ErrExist if the name is taken.
	Create(name string) (File, error)
	// Open opens an existing file for reading and writing.
	Open(name string) (File, error)
	// Rename replaces to by from.
	Rename(from, to string) error
	Remove(name string) error
	// RemoveAll removes a directory and all it holds; a missing one is no error.
	RemoveAll(dir string) error
	MkdirAll(dir string) error
	// SyncDir makes the names in dir durable.
	SyncDir(dir string) error
	// List returns the names in dir, sorted.
	List(dir string) ([]string, error)
	// Lock takes an exclusive lock on a file that it creates if need be. It fails with ErrLocked when
	// another process (or handle) holds it. Closing, or the death of the process, releases it.
	Lock(name string) (io.Closer, error)
	// Free is the number of bytes that can still be written below dir.
	Free(dir string) (uint64, error)
}

// File is an open file. ReadAt and WriteAt may be called concurrently.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	// Sync is fdatasync.
	Sync() error
	// WriteOut has the system begin to write these bytes to the disk, and promises nothing: Sync does, and reports what failed here, too. Who writes
	// much before it syncs spreads it over time so, rather than stand in the way of others' syncs with all of it at once.
	WriteOut(off, n int64)
	// Preallocate gives the file size bytes, all of them written zeros, so that later writes below size
	// change no metadata and do not fail for want of space. The caller syncs.
	Preallocate(size int64) error
	Truncate(size int64) error
	Size() (int64, error)
	Name() string
}

// ErrLocked means that another process holds the lock.
var ErrLocked = errors.New("locked by another process")

// ReadFile returns the contents of a file of at most limit bytes.
func ReadFile(fsys FS, name string, limit int64) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	n, err := f.Size()
	if err != nil {
		return nil, err
	}
	if n > limit {
		return nil, &tooLarge{name, n, limit}
	}
	b := make([]byte, n)
	if _, err := f.ReadAt(b, 0); err != nil && err != io.EOF {
		return nil, err
	}
	return b, nil
}

// WriteFile replaces a file durably: a temporary file, synced, renamed over name, its directory synced.
func WriteFile(fsys FS, dir, name string, b []byte) error {
	tmp := dir + "/" + name + ".tmp"
	if err := fsys.Remove(tmp); err != nil && !isNotExist(err) {
		return err
	}
	f, err := fsys.Create(tmp)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(b, 0)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = fsys.Rename(tmp, dir+"/"+name)
	}
	if err == nil {
		err = fsys.SyncDir(dir)
	}
	return err
}
