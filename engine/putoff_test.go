package engine

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/storage/volume/memvol"
)

// loadOff creates s.t, puts its index off and fills it; some rows are changed, deleted and rolled back meanwhile.
func loadOff(t *testing.T, e *env) {
	t.Helper()
	d := e.sbtest("t")
	off, err := e.db.DisableKeys(bg, "s", "t")
	if err != nil || !off {
		t.Fatal(off, err)
	}
	now, err := e.db.Definition(bg, "s", "t")
	e.must(err)
	if len(now.Indexes) != 1 || len(now.Later) != 1 || now.Later[0].At != 1 || now.ID != d.ID {
		t.Fatal(now)
	}
	for n := int64(0); n < 2000; n += 500 {
		s := e.begin(table.RepeatableRead)
		e.must(s.on("t", func(h *Handle) error {
			var rows [][]row.Datum
			for i := n; i < n+500; i++ {
				rows = append(rows, sbrow(i, i*7919%1009, "row"))
			}
			_, err := h.InsertRows(bg, rows)
			return err
		}))
		e.must(s.update("t", n+7, func(r []row.Datum) { r[1] = row.FromInt(5000) }))
		e.must(s.delete("t", n+9))
		e.must(s.tx.Commit(bg))
		s = e.begin(table.RepeatableRead)
		e.must(s.update("t", n+8, func(r []row.Datum) { r[1] = row.FromInt(6000) }))
		e.must(s.insert("t", sbrow(10000, 1, "never")))
		e.must(s.tx.Rollback(bg))
	}
}

// built waits until the index is back, and compares what both indexes give.
func built(t *testing.T, e *env) {
	t.Helper()
	for until := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		d, err := e.db.Definition(bg, "s", "t")
		e.must(err)
		if len(d.Indexes) == 2 && len(d.Later) == 0 && d.Indexes[1].Name == "k_1" {
			break
		}
		if time.Now().After(until) {
			t.Fatal("the index did not come back", d)
		}
	}
	s := e.begin(table.RepeatableRead)
	want, err := s.rows("t", table.ScanOptions{})
	e.must(err)
	got, err := s.rows("t", table.ScanOptions{Index: 1})
	e.must(err)
	e.must(s.tx.Commit(bg))
	slices.Sort(want)
	slices.Sort(got)
	if len(want) != 2000-4 || !slices.Equal(got, want) {
		t.Errorf("%d rows by the index, %d by the key", len(got), len(want))
	}
	r, err := e.db.Check(bg, table.CheckOptions{})
	if err != nil || len(r.Problems) > 0 {
		t.Error(r, err)
	}
}

// TestKeysOff: indexes that were put off are there when they are asked for, and nobody else has them built before.
func TestKeysOff(t *testing.T) {
	e := newEnv(t, memvol.Options{})
	loadOff(t, e)
	if off, err := e.db.DisableKeys(bg, "s", "t"); off || err != nil {
		t.Error(off, err) // there are rows
	}
	for _, name := range []string{"t", "t"} { // the second time there is nothing to do
		e.must(e.db.EnableKeys(bg, "s", name, table.Build{Shared: true}))
	}
	built(t, e)
	if off, err := e.db.DisableKeys(bg, "s", "t"); off || err != nil {
		t.Error(off, err)
	}
}

// TestKeysOffAndGone: whoever put them off crashes, or gives up: they come back all the same. Other changes of the table build them first.
func TestKeysOffAndGone(t *testing.T) {
	for name, end := range map[string]func(e *env){
		"crash": func(e *env) {
			e.crash()
			_, err := e.db.Definition(bg, "s", "t")
			e.must(err)
		},
		"abandoned": func(e *env) { e.db.AbandonKeys("s", "t") },
		"altered": func(e *env) {
			d, err := e.db.Definition(bg, "s", "t")
			e.must(err)
			if _, err := e.db.AlterTable(bg, d, d, table.Build{}); err == nil {
				e.t.Error("a definition that knows nothing of the index was published")
			}
		},
		"crash before": func(e *env) { // the definition is read by nobody until rows are
			e.crash()
			s := e.begin(table.RepeatableRead)
			_, err := s.rows("t", table.ScanOptions{})
			e.must(err)
			e.must(s.tx.Commit(bg))
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t, memvol.Options{})
			loadOff(t, e)
			end(e)
			e.t = t
			built(t, e)
		})
	}
}

// TestKeysStay: a table that has rows or foreign keys, and one without an index to put off, stay as they are.
func TestKeysStay(t *testing.T) {
	e := newEnv(t, memvol.Options{})
	e.sbtest("full")
	s := e.begin(table.RepeatableRead)
	e.must(s.insert("full", sbrow(1, 1, "x")))
	e.must(s.tx.Commit(bg))
	d := e.sbtest("parent")
	c := *d
	c.Name, c.ReferTo = "child", []string{"s.parent"}
	for i := range c.Indexes {
		c.Indexes[i].ID, c.Indexes[i].Root = 0, 0
	}
	_, err := e.db.CreateTable(bg, &c)
	e.must(err)
	c = *d
	c.Name, c.Indexes = "bare", d.Indexes[:1]
	_, err = e.db.CreateTable(bg, &c)
	e.must(err)
	for _, name := range []string{"full", "parent", "child", "bare"} {
		if off, err := e.db.DisableKeys(bg, "s", name); off || err != nil {
			t.Error(fmt.Sprint(name, off, err))
		}
	}
}
