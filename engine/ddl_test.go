package engine

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/redo"
	"github.com/zoryadb/zorya/storage/volume/memvol"
)

func TestInstantColumns(t *testing.T) {
	e := seeded(t)
	d, err := e.db.Definition(bg, "s", "t")
	e.must(err)
	n := *d
	def := row.FromInt(42)
	n.Columns = append(slices.Clone(d.Columns), table.Column{Name: "extra", Class: row.Int, Nullable: true, Instant: &def})
	d, err = e.db.AlterTable(bg, d, &n, table.Build{})
	e.must(err)
	s := e.begin(table.RepeatableRead)
	e.must(s.insert("t", append(sbrow(40, 40, "y"), row.NullDatum)))
	e.must(s.update("t", 10, func(r []row.Datum) { r[2] = row.FromBytes([]byte("changed")) }))
	var got []string
	read := func(h *Handle) error {
		got = nil
		c, err := h.Scan(bg, table.ScanOptions{OwnWrites: true})
		if err != nil {
			return err
		}
		defer c.Close()
		for {
			ok, err := c.Next(bg)
			if err != nil || !ok {
				return err
			}
			r := c.Row()
			got = append(got, fmt.Sprint(r[0].Int(), r[len(r)-1].Null, r[len(r)-1].Int()))
		}
	}
	e.must(s.on("t", read))
	if want := []string{"10 false 42", "20 false 42", "30 false 42", "40 true 0"}; !slices.Equal(got, want) {
		t.Fatal(got)
	}
	e.must(s.tx.Commit(bg))
	// Drop column c: its slot is skipped.
	n = *d
	n.Columns = slices.Delete(slices.Clone(d.Columns), 2, 3)
	if _, err = e.db.AlterTable(bg, d, &n, table.Build{}); err != nil {
		t.Fatal(err)
	}
	s = e.begin(table.RepeatableRead)
	e.must(s.on("t", read))
	if want := []string{"10 false 42", "20 false 42", "30 false 42", "40 true 0"}; !slices.Equal(got, want) {
		t.Fatal(got)
	}
	e.must(s.tx.Commit(bg))
	e.check()
}

// TestLongValues writes, updates, rolls back and purges values that lie in overflow pages.
func TestLongValues(t *testing.T) {
	e := seeded(t)
	long := func(c byte, n int) []byte { return bytes.Repeat([]byte{c}, n) }
	s := e.begin(table.RepeatableRead)
	e.must(s.on("t", func(h *Handle) error {
		return h.Insert(bg, []row.Datum{row.FromInt(1), row.FromInt(1), row.FromBytes(long('a', 300000)), row.FromBytes(long('b', 9000))})
	}))
	e.must(s.tx.Commit(bg))
	old := e.begin(table.RepeatableRead)
	want := func(s *session, c byte, n int) {
		t.Helper()
		e.must(s.on("t", func(h *Handle) error {
			r, _, err := h.Get(bg, 0, []row.Datum{row.FromInt(1)}, table.LockNone, table.Wait)
			if err != nil {
				return err
			}
			if r == nil || !bytes.Equal(r[2].B, long(c, n)) || !bytes.Equal(r[3].B, long('b', 9000)) {
				return fmt.Errorf("not %d times %c", n, c)
			}
			return nil
		}))
	}
	want(old, 'a', 300000)
	w := e.begin(table.RepeatableRead)
	e.must(w.update("t", 1, func(r []row.Datum) { r[2] = row.FromBytes(long('c', 20000)) }))
	want(w, 'c', 20000)
	e.must(w.tx.Rollback(bg))
	w = e.begin(table.RepeatableRead)
	e.must(w.update("t", 1, func(r []row.Datum) { r[2] = row.FromBytes(long('d', 50000)) }))
	e.must(w.tx.Commit(bg))
	want(old, 'a', 300000)
	e.must(old.tx.Commit(bg))
	e.purged()
	w = e.begin(table.RepeatableRead)
	want(w, 'd', 50000)
	e.must(w.delete("t", 1))
	e.must(w.tx.Commit(bg))
	e.purged()
}

func TestCountersSurvive(t *testing.T) {
	e := seeded(t)
	var got []uint64
	next := func() {
		s := e.begin(table.RepeatableRead)
		e.must(s.on("t", func(h *Handle) error {
			v, err := h.NextAutoInc(bg, 1)
			got = append(got, v)
			return err
		}))
		e.must(s.insert("t", sbrow(int64(1000+got[len(got)-1]), 1, "auto")))
		e.must(s.tx.Commit(bg))
	}
	for range 5 {
		next()
	}
	e.crash()
	next()
	if !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != 6 || got[5] > 5+2*maxAhead {
		t.Fatal(got)
	}
	e.must(e.db.Close())
	e.open()
	at := got[5]
	next()
	if got[6] != at+1 {
		t.Fatalf("an orderly restart went from %d to %d", at, got[6])
	}
}

// TestDDLCrashPoints cuts each DDL down after every MTR: the table is as before or as after, never torn, and its rows are there.
func TestDDLCrashPoints(t *testing.T) {
	ops := map[string]func(db *DB, d *table.Def) error{
		"create": func(db *DB, _ *table.Def) error {
			_, err := db.CreateTable(bg, &table.Def{Schema: "s", Name: "n", AutoInc: -1, Names: []string{"n_key"}, Columns: []table.Column{{Name: "a", Class: row.Int}}})
			return err
		},
		"drop":     func(db *DB, _ *table.Def) error { return db.DropTable(bg, "s", "t") },
		"truncate": func(db *DB, _ *table.Def) error { return db.TruncateTable(bg, "s", "t") },
		"rename": func(db *DB, _ *table.Def) error {
			return db.RenameTables(bg, [][2][2]string{{{"s", "t"}, {"s", "z"}}}, func(d *table.Def, _, _ [2]string) error {
				d.Names = []string{"z_key", "key"}
				return nil
			})
		},
		"index": func(db *DB, d *table.Def) error {
			_, err := addIndex(db, d, table.Index{Name: "c", Parts: []table.Part{{Column: 2, Prefix: 3}}}, table.Build{Online: true})
			return err
		},
		"rebuild": func(db *DB, d *table.Def) error {
			_, err := db.RebuildTable(bg, d, d, func(r []row.Datum) ([]row.Datum, error) { return r, nil }, table.Build{Online: true})
			return err
		},
		"schema": func(db *DB, _ *table.Def) error { return db.DropSchema(bg, "s") },
	}
	for name, op := range ops {
		t.Run(name, func(t *testing.T) {
			for cut := int64(1); ; cut++ {
				v := &cutVolume{Volume: memvol.New(memvol.Options{Manual: true, PagesPerPG: 1024}), reached: make(chan struct{})}
				v.left.Store(1 << 40)
				db, err := open(bg, v, Options{PoolBytes: 8 << 20})
				if err != nil {
					t.Fatal(err)
				}
				e := &env{t: t, vol: v.Volume, db: db}
				e.sbtest("t")
				e.must(e.altered(bg, "t", table.Build{}, "t_key", "key"))
				s := e.begin(table.RepeatableRead)
				for _, i := range []int64{10, 20, 30} {
					e.must(s.insert("t", sbrow(i, i, "x")))
				}
				e.must(s.tx.Commit(bg))
				d, err := db.Definition(bg, "s", "t")
				e.must(err)
				v.left.Store(cut)
				done := make(chan error, 1)
				go func() { done <- op(db, d) }()
				finished := false
				select {
				case err := <-done:
					e.must(err)
					finished = true
				case <-v.reached:
				}
				e.vol = v.Crash()
				if !finished {
					<-done
				}
				db.Close()
				again := &cutVolume{Volume: e.vol, reached: make(chan struct{})}
				again.left.Store(1 << 40)
				if e.db, err = open(bg, again, Options{PoolBytes: 8 << 20}); err != nil {
					t.Fatal(err)
				}
				e.settle()
				e.verify(name, cut)
				e.db.Close()
				if finished {
					return
				}
			}
		})
	}
}

// verify checks that the table is as before or as after the DDL.
func (e *env) verify(name string, cut int64) {
	e.t.Helper()
	names, err := e.db.TableNames(bg, "s")
	if errors.Is(err, table.ErrNoSchema) && name == "schema" {
		return
	}
	e.must(err)
	for _, n := range names {
		if n == "n" {
			continue
		}
		s := e.begin(table.RepeatableRead)
		rows, err := s.rows(n, table.ScanOptions{})
		e.must(err)
		if len(rows) != 3 && !(name == "truncate" && len(rows) == 0) {
			e.t.Fatalf("cut %d: %s has %d rows", cut, n, len(rows))
		}
		e.must(s.insert(n, sbrow(99, 99, "new")))
		e.must(s.tx.Commit(bg))
	}
	if len(names) == 0 && name != "drop" {
		e.t.Fatalf("cut %d: no table", cut)
	}
	e.check() // names of constraints too
	e.purged()
}

// cutVolume makes the first MTRs durable and loses the rest.
type cutVolume struct {
	*memvol.Volume
	left    atomic.Int64
	once    sync.Once
	reached chan struct{}
}

func (v *cutVolume) Append(m *redo.MTR, inOrder func(page.LSN)) page.LSN {
	lsn := v.Volume.Append(m, inOrder)
	if v.left.Add(-1) >= 0 {
		v.AdvanceVDL(lsn)
	} else {
		v.once.Do(func() { close(v.reached) })
	}
	return lsn
}

// addIndex is ALTER TABLE ADD INDEX.
func addIndex(db *DB, d *table.Def, ix table.Index, o table.Build) (*table.Def, error) {
	n := *d
	n.Indexes = append(slices.Clone(d.Indexes), ix)
	return db.AlterTable(bg, d, &n, o)
}

// A dropped schema's objects of every kind count as changed, whatever the scan that finds them does with its buffers meanwhile.
func TestDropSchemaChangesKinds(t *testing.T) {
	e := seeded(t)
	e.must(e.db.CreateSchema(bg, table.Schema{Name: "d"}))
	kinds := []string{"event", "function", "procedure", "trigger", "view"}
	before := map[string]uint64{}
	for _, kind := range kinds {
		for i := range 40 { // several leaves
			e.must(e.db.PutObjects(bg, table.Object{Kind: kind, Schema: "d", Name: fmt.Sprint(kind, i), Body: make([]byte, 300)},
				table.Object{Kind: kind, Schema: "c", Name: fmt.Sprint(i), Body: []byte{1}}, table.Object{Kind: kind, Schema: "e", Name: fmt.Sprint(i), Body: []byte{1}}))
		}
	}
	for _, kind := range kinds {
		before[kind] = e.db.Generation(kind, "d")
	}
	e.must(e.db.DropSchema(bg, "d"))
	for _, kind := range kinds {
		if e.db.Generation(kind, "d") == before[kind] {
			t.Errorf("kind %s did not change", kind)
		}
		if left, err := e.db.Objects(bg, kind, "d"); err != nil || len(left) > 0 {
			t.Errorf("left of kind %s: %v, %v", kind, left, err)
		}
		for _, other := range []string{"c", "e"} {
			if left, err := e.db.Objects(bg, kind, other); err != nil || len(left) != 40 {
				t.Errorf("left of kind %s in %s: %d, %v", kind, other, len(left), err)
			}
		}
	}
}
