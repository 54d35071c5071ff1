package extsort

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/zoryadb/zorya/base/vfs"
)

// Temp is where temporary files are made. The zero value is the system's directory.
//
// A file loses its name as soon as it is open: it goes with the process, or with whoever closes it. Only a process that dies in between
// leaves a name behind, which Clean removes at the next start.
type Temp struct {
	FS  vfs.FS // nil: the operating system's
	Dir string // "": the system's
}

const prefix = "zorya-tmp-"

var serial atomic.Uint64

// WriteError is a temporary file that could not be written, for want of space above all: errors.Is tells syscall.ENOSPC.
type WriteError struct {
	Name string
	err  error
}

func (e *WriteError) Error() string { return fmt.Sprintf("write temporary file %s: %v", e.Name, e.err) }
func (e *WriteError) Unwrap() error { return e.err }

func written(f vfs.File, err error) error { return &WriteError{Name: f.Name(), err: err} }

func (t Temp) fs() vfs.FS {
	if t.FS == nil {
		return vfs.OS{}
	}
	return t.FS
}

func (t Temp) dir() string {
	if t.Dir == "" {
		return os.TempDir()
	}
	return t.Dir
}

// Create makes a file, 0600, that has no name any more. Its bytes are of no use after a crash, so nobody syncs it.
func (t Temp) Create() (vfs.File, error) {
	fsys := t.fs()
	for {
		name := filepath.Join(t.dir(), fmt.Sprintf("%s%d-%d", prefix, os.Getpid(), serial.Add(1)))
		f, err := fsys.Create(name)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, &WriteError{Name: name, err: err}
		}
		if err := fsys.Remove(name); err != nil {
			return nil, errors.Join(fmt.Errorf("unlink temporary file %s: %w", name, err), f.Close())
		}
		return f, nil
	}
}

// Clean makes the directory if need be and removes what processes that died have left in it. Nobody else may use it.
func (t Temp) Clean() error {
	fsys := t.fs()
	if err := fsys.MkdirAll(t.dir()); err != nil {
		return fmt.Errorf("make the directory of temporary files: %w", err)
	}
	names, err := fsys.List(t.dir())
	if err != nil {
		return fmt.Errorf("list temporary files: %w", err)
	}
	for _, n := range names {
		if strings.HasPrefix(n, prefix) {
			if err := fsys.Remove(filepath.Join(t.dir(), n)); err != nil {
				return fmt.Errorf("remove an old temporary file: %w", err)
			}
		}
	}
	return nil
}

// Wrote makes the error of a write to a file of Create.
func (Temp) Wrote(f vfs.File, err error) error { return written(f, err) }
