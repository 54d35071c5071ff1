package vfs

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// both runs a test on the real file system and on the twin: they must agree.
func both(t *testing.T, fn func(t *testing.T, fsys FS, dir string)) {
	t.Run("os", func(t *testing.T) { fn(t, OS{}, t.TempDir()) })
	t.Run("mem", func(t *testing.T) { fn(t, NewMem(), "/d") })
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestBasics(t *testing.T) {
	both(t, func(t *testing.T, fsys FS, dir string) {
		must(t, fsys.MkdirAll(dir+"/sub"))
		f, err := fsys.Create(dir + "/a")
		must(t, err)
		if _, err := fsys.Create(dir + "/a"); !errors.Is(err, fs.ErrExist) {
			t.Fatalf("second create: %v", err)
		}
		must(t, f.Preallocate(10000))
		_, err = f.WriteAt([]byte("hello"), 4000)
		must(t, err)
		f.WriteOut(0, 8192)
		must(t, f.Sync())
		if n, _ := f.Size(); n != 10000 {
			t.Fatalf("size %d", n)
		}
		must(t, f.Truncate(4003))
		must(t, f.Close())
		must(t, fsys.Rename(dir+"/a", dir+"/b"))
		if _, err := fsys.Open(dir + "/a"); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("open of a renamed name: %v", err)
		}
		b, err := ReadFile(fsys, dir+"/b", 1<<20)
		must(t, err)
		if len(b) != 4003 || !bytes.Equal(b[4000:], []byte("hel")) {
			t.Fatalf("read back %d bytes, %q", len(b), b[4000:])
		}
		must(t, WriteFile(fsys, dir, "c", []byte("x")))
		must(t, WriteFile(fsys, dir, "c", []byte("yz")))
		names, err := fsys.List(dir)
		must(t, err)
		if len(names) < 2 || names[0] != "b" || names[1] != "c" {
			t.Fatalf("list: %v", names)
		}
		l, err := fsys.Lock(dir + "/LOCK")
		must(t, err)
		if _, err := fsys.Lock(dir + "/LOCK"); !errors.Is(err, ErrLocked) {
			t.Fatalf("second lock: %v", err)
		}
		must(t, l.Close())
		l, err = fsys.Lock(dir + "/LOCK")
		must(t, err)
		must(t, l.Close())
		if n, err := fsys.Free(dir); err != nil || n == 0 {
			t.Fatalf("free: %d, %v", n, err)
		}
		must(t, fsys.Remove(dir+"/b"))
	})
}

func TestCrashKeepsWhatWasSynced(t *testing.T) {
	torn, lost := false, false
	for seed := uint64(0); seed < 200; seed++ {
		m := NewMem()
		f, err := m.Create("/d/a")
		must(t, err)
		must(t, f.Preallocate(8*SectorSize))
		_, err = f.WriteAt(bytes.Repeat([]byte{1}, 4*SectorSize), 0)
		must(t, err)
		must(t, f.Sync())
		must(t, m.SyncDir("/d"))
		_, err = f.WriteAt(bytes.Repeat([]byte{2}, 4*SectorSize), 2*SectorSize)
		must(t, err)
		_, err = m.Create("/d/b")
		must(t, err)
		m.Crash(seed)
		if _, err := f.WriteAt([]byte{1}, 0); !errors.Is(err, ErrCrashed) {
			t.Fatalf("a handle survived: %v", err)
		}
		b, err := ReadFile(m, "/d/a", 1<<20)
		must(t, err)
		for i := 0; i < 2*SectorSize; i++ {
			if b[i] != 1 {
				t.Fatalf("seed %d: synced byte %d is %d", seed, i, b[i])
			}
		}
		n := 0
		for s := 2; s < 6; s++ {
			if b[s*SectorSize] == 2 {
				n++
			}
		}
		torn = torn || (n > 0 && n < 4)
		if _, err := m.Open("/d/b"); err != nil {
			lost = true
		}
	}
	if !torn || !lost {
		t.Fatalf("200 crashes: torn write %v, lost name %v", torn, lost)
	}
}

func TestFaults(t *testing.T) {
	m := NewMem()
	f, err := m.Create("/a")
	must(t, err)
	m.SetFault(func(op Op, name string, off int64, n int) error {
		if op == OpSync {
			return syscall.EIO
		}
		return nil
	})
	if err := f.Sync(); !errors.Is(err, syscall.EIO) {
		t.Fatalf("sync: %v", err)
	}
	m.SetFault(nil)
	m.SetCapacity(100)
	if _, err := f.WriteAt(make([]byte, 101), 0); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("write beyond capacity: %v", err)
	}
	if n, _ := m.Free("/"); n != 100 {
		t.Fatalf("free %d", n)
	}
	_, err = f.WriteAt([]byte{0x10}, 0)
	must(t, err)
	must(t, m.Flip("/a", 0, 0x11))
	b := make([]byte, 1)
	_, err = f.ReadAt(b, 0)
	must(t, err)
	if b[0] != 0x01 {
		t.Fatalf("flipped to %x", b[0])
	}
}

// TestReadAt reads what lies in memory, what does not, and behind the end.
func TestReadAt(t *testing.T) {
	const size = 300_000
	both(t, func(t *testing.T, fsys FS, dir string) {
		must(t, fsys.MkdirAll(dir))
		f, err := fsys.Create(dir + "/r")
		must(t, err)
		defer f.Close()
		want := make([]byte, size)
		for i := range want {
			want[i] = byte(i * 7 >> 3)
		}
		_, err = f.WriteAt(want, 0)
		must(t, err)
		must(t, f.Sync())
		for _, r := range []struct{ off, n int }{{0, 100}, {5000, 1}, {4095, 70_000}, {8192, 64 << 10}, {size - 10, 10}, {size - 10, 4096}, {size, 5}, {100, 0}} {
			if o, ok := f.(osFile); ok && r.off%2 == 0 { // some of it is read from the disk
				must(t, unix.Fadvise(int(o.Fd()), 4096, size/2, unix.FADV_DONTNEED))
			}
			b := make([]byte, r.n)
			n, err := f.ReadAt(b, int64(r.off))
			if end := min(r.off+r.n, size); n != end-r.off || !bytes.Equal(b[:n], want[r.off:end]) || (n < r.n) != (err == io.EOF) || err != nil && err != io.EOF {
				t.Errorf("read of %d bytes at %d: %d, %v", r.n, r.off, n, err)
			}
		}
	})
}

// BenchmarkReadAt reads records of a log that lies in memory.
func BenchmarkReadAt(b *testing.B) {
	f, err := OS{}.Create(b.TempDir() + "/log")
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	if err := f.Preallocate(32 << 20); err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 120)
	for i := 0; b.Loop(); i++ {
		if _, err := f.ReadAt(buf, int64(i*40_009)%(31<<20)); err != nil {
			b.Fatal(err)
		}
	}
}
