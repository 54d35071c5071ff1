package btree

import (
	"context"
	"testing"

	"github.com/zoryadb/zorya/engine/buffer"
	"github.com/zoryadb/zorya/engine/mtr"
	"github.com/zoryadb/zorya/engine/space"
	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/volume/memvol"
)

var bg = context.Background()

// env is an instance's lower half over a volume in memory.
type env struct {
	t    testing.TB
	vol  *memvol.Volume
	pool *buffer.Pool
	sp   *space.Space
}

func newEnv(t testing.TB, o memvol.Options, pages int) *env {
	t.Helper()
	e := &env{t: t, vol: memvol.New(o)}
	e.open(pages, true)
	return e
}

func (e *env) open(pages int, format bool) {
	e.t.Helper()
	pool, err := buffer.New(e.vol, buffer.Options{Bytes: int64(pages) * page.Size})
	if err != nil {
		e.t.Fatal(err)
	}
	e.pool = pool
	e.t.Cleanup(func() {
		if err := pool.Close(); err != nil {
			e.t.Error(err)
		}
	})
	if format {
		if err := space.Format(bg, pool); err != nil {
			e.t.Fatal(err)
		}
	}
	if e.sp, err = space.Open(bg, pool); err != nil {
		e.t.Fatal(err)
	}
}

// crash loses what is above VDL and opens what is left with an empty pool.
func (e *env) crash(pages int) *env {
	e.t.Helper()
	c := &env{t: e.t, vol: e.vol.Crash()}
	c.open(pages, false)
	return c
}

func (e *env) tree(id uint64) *Tree {
	e.t.Helper()
	m, err := mtr.Start(bg, e.pool, CreateRecords, CreateBytes)
	if err != nil {
		e.t.Fatal(err)
	}
	root, err := Create(m, e.sp, id)
	if err != nil {
		e.t.Fatal(err)
	}
	m.Commit(nil)
	return Open(e.sp, id, root)
}

func put(t *Tree, key, val []byte) error {
	_, err := t.Edit(bg, key, len(val), func(*mtr.MTR, []byte, bool) (Action, []byte, error) { return Put, val, nil }, nil)
	return err
}

func del(t *Tree, key []byte) error {
	_, err := t.Edit(bg, key, 0, func(*mtr.MTR, []byte, bool) (Action, []byte, error) { return Delete, nil, nil }, nil)
	return err
}

// checkAll verifies trees, and that their pages and the space's map agree.
func (e *env) checkAll(trees ...*Tree) {
	e.t.Helper()
	total := 0
	for _, t := range trees {
		n, err := t.Check(bg, nil)
		if err != nil {
			e.t.Fatal(err)
		}
		total += n
	}
	used := 0
	err := e.sp.Extents(bg, func(x space.Extent) error {
		for b := x.Used; b != 0; b &= b - 1 {
			used++
		}
		return nil
	})
	if err != nil {
		e.t.Fatal(err)
	}
	// Beside the trees' pages: header, the first map, one inode page, a map for each further region.
	if other := used - total; other < 3 || other > 6 {
		e.t.Fatalf("trees have %d pages, the space says that %d are in use", total, used)
	}
}
