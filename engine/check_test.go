package engine

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zoryadb/zorya/engine/btree"
	"github.com/zoryadb/zorya/engine/dict"
	"github.com/zoryadb/zorya/engine/mtr"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/space"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/volume/memvol"
)

// damaged is an instance with two tables, one with long values, on which a test breaks something.
func damaged(t *testing.T) (*env, *dict.Table) {
	e := newEnv(t, memvol.Options{})
	e.sbtest("t")
	e.sbtest("u")
	s := e.begin(table.RepeatableRead)
	for i := int64(0); i < 3000; i++ {
		e.must(s.insert("t", sbrow(i, i%100, strings.Repeat("x", 100))))
	}
	for i := int64(0); i < 5; i++ {
		e.must(s.insert("u", sbrow(i, i, strings.Repeat("long", 20000))))
	}
	e.must(s.tx.Commit(bg))
	d, err := e.db.table(bg, "s", "t")
	e.must(err)
	return e, d
}

// mtrDo runs fn in an MTR.
func (e *env) mtrDo(fn func(m *mtr.MTR) error) {
	e.t.Helper()
	m, err := mtr.Start(bg, e.db.pool, 64, 64<<10)
	e.must(err)
	e.must(fn(m))
	e.must(e.vol.WaitDurable(bg, m.Commit(nil)))
}

// patch changes bytes of a page.
func (e *env) patch(no page.No, off int, b []byte) {
	e.t.Helper()
	e.mtrDo(func(m *mtr.MTR) error {
		p, err := m.Latch(no)
		if err == nil {
			p.Set(off, b)
		}
		return err
	})
}

func (e *env) entryKey(d *dict.Table, k, id int64) []byte {
	r := sbrow(id, k, "")
	v := row.FromInt(id)
	return entryOf(d, 1, r, row.AppendKey(nil, &d.Indexes[0].Parts[0], &v)).key
}

func (e *env) put(t *btree.Tree, key, val []byte) {
	e.t.Helper()
	_, err := t.Edit(bg, key, len(val), func(*mtr.MTR, []byte, bool) (btree.Action, []byte, error) {
		if val == nil {
			return btree.Delete, nil, nil
		}
		return btree.Put, val, nil
	}, nil)
	e.must(err)
}

// TestCheckFindsDamage breaks one thing at a time; the checker must name it, in the right table.
func TestCheckFindsDamage(t *testing.T) {
	cases := []struct {
		name, index, want string
		harm              func(e *env, d *dict.Table)
		whole             bool // only the check of everything can see it
	}{
		{"entry lost", "k_1", "has no entry", func(e *env, d *dict.Table) { e.put(d.Indexes[1].Tree, e.entryKey(d, 7, 107), nil) }, false},
		{"entry deleted", "k_1", "a deleted entry", func(e *env, d *dict.Table) {
			e.put(d.Indexes[1].Tree, e.entryKey(d, 7, 107), row.AppendEntry(nil, row.Entry{Trx: 1, Deleted: true}))
		}, false},
		{"entry without row", "k_1", "has no row", func(e *env, d *dict.Table) {
			e.put(d.Indexes[1].Tree, e.entryKey(d, 7, 999999), row.AppendEntry(nil, row.Entry{Trx: 1}))
		}, false},
		{"entry of another value", "k_1", "has no row", func(e *env, d *dict.Table) {
			e.put(d.Indexes[1].Tree, e.entryKey(d, 8, 107), row.AppendEntry(nil, row.Entry{Trx: 1}))
		}, false},
		{"row lost", "k_1", "has no row", func(e *env, d *dict.Table) {
			v := row.FromInt(44)
			e.put(d.Indexes[0].Tree, row.AppendKey(nil, &d.Indexes[0].Parts[0], &v), nil)
		}, false},
		{"row cut short", "PRIMARY", "row", func(e *env, d *dict.Table) {
			v := row.FromInt(44)
			e.put(d.Indexes[0].Tree, row.AppendKey(nil, &d.Indexes[0].Parts[0], &v), make([]byte, row.HeaderSize))
		}, false},
		{"page overwritten", "PRIMARY", "tree", func(e *env, d *dict.Table) { e.patch(e.leaf(d.Indexes[0].Tree), 2000, make([]byte, 3000)) }, false},
		{"page of another tree", "k_1", "tree", func(e *env, d *dict.Table) {
			no := e.leaf(d.Indexes[1].Tree)
			e.mtrDo(func(m *mtr.MTR) error { m.Init(no, space.TypeTree, d.Indexes[0].Def.ID); return nil })
		}, false},
		{"page leaked", "k_1", "nothing leads to them", func(e *env, d *dict.Table) { e.leak(d.Indexes[1].Tree) }, false},
		{"page of rows leaked", "PRIMARY", "nothing leads to them", func(e *env, d *dict.Table) { e.leak(d.Indexes[0].Tree) }, true},
		{"tree of nobody", "", "is no tree of the dictionary", func(e *env, d *dict.Table) {
			e.mtrDo(func(m *mtr.MTR) error { _, err := btree.Create(m, e.db.sp, 1<<40); return err })
		}, true},
		{"page freed though in use", "PRIMARY", "", func(e *env, d *dict.Table) {
			ino, err := d.Indexes[0].Tree.Inode(bg)
			e.must(err)
			e.mtrDo(func(m *mtr.MTR) error { return e.db.sp.FreePage(m, ino, e.leaf(d.Indexes[0].Tree)) })
		}, false},
		{"map of extents", "", "list", func(e *env, d *dict.Table) {
			e.patch(1, page.HeaderSize+8, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
		}, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e, d := damaged(t)
			e.check()
			c.harm(e, d)
			whole, err := e.db.Check(bg, table.CheckOptions{})
			e.must(err)
			found(t, whole, c.index, c.want)
			one, err := e.db.Check(bg, table.CheckOptions{Tables: [][2]string{{"s", "t"}}})
			e.must(err)
			if !c.whole {
				found(t, one, c.index, c.want)
			}
			other, err := e.db.Check(bg, table.CheckOptions{Tables: [][2]string{{"s", "u"}}})
			e.must(err)
			if other.Damaged != 0 || other.Rows != 5 {
				t.Errorf("the other table: %+v", other)
			}
		})
	}
}

func found(t *testing.T, rep table.CheckReport, index, want string) {
	t.Helper()
	for _, p := range rep.Problems {
		if p.Index == index && strings.Contains(p.Text, want) && (index == "" || p.Table == "t") {
			return
		}
	}
	t.Errorf("nothing of %q in index %q among %d: %+v", want, index, rep.Damaged, rep.Problems)
}

// leaf is some leaf of a tree that is not its root.
func (e *env) leaf(t *btree.Tree) (leaf page.No) {
	n := 0
	_, err := t.CheckPages(bg, func(no page.No) bool {
		if n++; n == 3 {
			leaf = no
		}
		return true
	}, nil)
	e.must(err)
	return leaf
}

func (e *env) leak(t *btree.Tree) {
	ino, err := t.Inode(bg)
	e.must(err)
	e.mtrDo(func(m *mtr.MTR) error {
		no, err := e.db.sp.AllocPage(m, ino, 0)
		if err == nil {
			m.Init(no, space.TypeTree, 0)
		}
		return err
	})
}

// TestCheckFindsLostUndo: a row whose roll pointer leads to another row's record.
func TestCheckFindsLostUndo(t *testing.T) {
	e, d := damaged(t)
	old := e.begin(table.RepeatableRead)
	_, err := old.rows("t", table.ScanOptions{Limit: 1})
	e.must(err)
	s := e.begin(table.RepeatableRead)
	e.must(s.update("t", 1, func(r []row.Datum) { r[2] = row.FromBytes([]byte("one")) }))
	e.must(s.update("t", 2, func(r []row.Datum) { r[2] = row.FromBytes([]byte("two")) }))
	e.must(s.tx.Commit(bg))
	// The check's own view purges nothing that the instance's snapshots need, but knows nothing of them; so ask while the writer is at work.
	w := e.begin(table.RepeatableRead)
	e.must(w.update("t", 1, func(r []row.Datum) { r[2] = row.FromBytes([]byte("uno")) }))
	e.must(w.update("t", 2, func(r []row.Datum) { r[2] = row.FromBytes([]byte("due")) }))
	e.must(e.vol.WaitDurable(bg, e.vol.LastLSN()))
	e.check()
	v := []row.Datum{row.FromInt(1), row.FromInt(2)}
	var keys [2][]byte
	var vals [2][]byte
	for i := range v {
		keys[i] = row.AppendKey(nil, &d.Indexes[0].Parts[0], &v[i])
		_, err := d.Indexes[0].Tree.Get(bg, keys[i], func(b []byte) { vals[i] = append(vals[i], b...) })
		e.must(err)
	}
	hd, err := row.ParseHeader(vals[0])
	e.must(err)
	row.SetHeader(vals[1], hd)
	e.put(d.Indexes[0].Tree, keys[1], vals[1])
	e.must(e.vol.WaitDurable(bg, e.vol.LastLSN()))
	rep, err := e.db.Check(bg, table.CheckOptions{})
	e.must(err)
	found(t, rep, "PRIMARY", "another row's")
}

// TestCheckUnderLoad: a check sees one point of the log, whatever goes on: transactions that change indexed columns and long values, roll
// back in part, tables that come and go.
func TestCheckUnderLoad(t *testing.T) {
	e := newEnv(t, memvol.Options{Lag: 100 * time.Microsecond})
	e.sbtest("t")
	s := e.begin(table.RepeatableRead)
	for i := int64(0); i < 200; i++ {
		e.must(s.insert("t", sbrow(i, i, strings.Repeat("v", int(i)*200))))
	}
	e.must(s.tx.Commit(bg))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for n := int64(0); ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				if w == 3 {
					name := fmt.Sprintf("x%d", n)
					e.sbtest(name)
					x := e.begin(table.RepeatableRead)
					e.must(x.insert(name, sbrow(1, 1, strings.Repeat("y", 50000))))
					e.must(x.tx.Commit(bg))
					e.must(e.db.DropTable(bg, "s", name))
					continue
				}
				x := e.begin(table.ReadCommitted)
				id := (n*7 + int64(w)) % 200
				_ = x.update("t", id, func(r []row.Datum) {
					r[1] = row.FromInt(n)
					r[2] = row.FromBytes([]byte(strings.Repeat("w", int(n%90)*300)))
				})
				at := x.tx.mark()
				_ = x.update("t", (id+1)%200, func(r []row.Datum) { r[1] = row.FromInt(-n) })
				_ = x.delete("t", (id+2)%200)
				if !x.tx.ended {
					_ = x.tx.undoTo(bg, at)
				}
				_ = x.insert("t", sbrow(1000+n*4+int64(w), n, "new"))
				if n%3 == 0 {
					_ = x.tx.Rollback(bg)
				} else {
					_ = x.tx.Commit(bg)
				}
			}
		}()
	}
	for range 6 {
		if rep := e.check(); rep.Rows < 200 {
			t.Errorf("%d rows", rep.Rows)
		}
	}
	close(stop)
	wg.Wait()
	e.check()
}
