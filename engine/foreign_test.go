package engine

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
)

// family is a parent p with rows 0..99 and a child t of 200 rows, whose k refers to p.id in all but name.
func family(t *testing.T) *env {
	e := newEnv(t, memOptions)
	e.sbtest("t")
	e.sbtest("p")
	s := e.begin(table.RepeatableRead)
	for i := int64(0); i < 100; i++ {
		e.must(s.insert("p", sbrow(i, i, "parent")))
	}
	for i := int64(0); i < 200; i++ {
		e.must(s.insert("t", sbrow(i, i%50, "child")))
	}
	e.must(s.tx.Commit(bg))
	return e
}

func (e *env) do(fn func(s *session) error) {
	e.t.Helper()
	s := e.begin(table.RepeatableRead)
	e.must(fn(s))
	e.must(s.tx.Commit(bg))
}

// refer adds a foreign key from t.k to p.id in one of three ways: the definition alone, with an index to build, by a rebuild. whole leaves all to the end.
func (e *env) refer(how string, whole bool, o table.Build) error {
	d, err := e.db.Definition(bg, "s", "t")
	e.must(err)
	n := *d
	n.ReferTo = []string{"s.p"}
	k := table.ForeignKey{Old: []int{1}, Columns: []int{1}, Parent: [2]string{"s", "p"}, ParentColumns: []string{"id"}}
	if whole {
		k.Old = nil
	}
	o.Online, o.ForeignKeys = true, []table.ForeignKey{k}
	switch how {
	case "index":
		n.Indexes = append(n.Indexes[:len(n.Indexes):len(n.Indexes)], table.Index{Name: "new", Parts: []table.Part{{Column: 2, Prefix: 4}}})
	case "rebuild":
		_, err = e.db.RebuildTable(bg, d, &n, func(r []row.Datum) ([]row.Datum, error) { return r, nil }, o)
		return err
	}
	_, err = e.db.AlterTable(bg, d, &n, o)
	return err
}

// referred reports whether the key is there, on both sides.
func (e *env) referred() bool {
	e.t.Helper()
	c, err := e.db.Definition(bg, "s", "t")
	e.must(err)
	p, err := e.db.Definition(bg, "s", "p")
	e.must(err)
	if len(c.ReferTo) != len(p.ReferBy) {
		e.t.Fatalf("the child refers to %v, the parent is referred to by %v", c.ReferTo, p.ReferBy)
	}
	return len(c.ReferTo) > 0
}

// TestForeignKeyVerified changes rows after the proof began: what violates the key in the end is found, what does not is let through.
func TestForeignKeyVerified(t *testing.T) {
	cases := []struct {
		name string
		do   func(s *session) error
		ok   bool
	}{
		{"nothing", func(s *session) error { return nil }, true},
		{"child without parent", func(s *session) error { return s.insert("t", sbrow(1000, 777, "")) }, false},
		{"child moved away", func(s *session) error { return s.update("t", 3, func(r []row.Datum) { r[1] = row.FromInt(778) }) }, false},
		{"parent gone", func(s *session) error { return s.delete("p", 7) }, false},
		{"parent gone with its children", func(s *session) error {
			return errors.Join(s.delete("p", 7), s.delete("t", 7), s.delete("t", 57), s.delete("t", 107), s.delete("t", 157))
		}, true},
		{"parent without children gone", func(s *session) error { return s.delete("p", 70) }, true},
		{"both came", func(s *session) error {
			return errors.Join(s.insert("t", sbrow(1000, 777, "")), s.insert("p", sbrow(777, 1, "")))
		}, true},
		{"parent came back", func(s *session) error {
			return errors.Join(s.delete("p", 7), s.insert("p", sbrow(7, 1, "")))
		}, true},
		{"child without parent, taken back", func(s *session) error {
			at := s.tx.mark()
			return errors.Join(s.insert("t", sbrow(1000, 777, "")), s.tx.undoTo(bg, at))
		}, true},
	}
	for _, how := range []string{"alone", "index", "rebuild"} {
		for _, whole := range []bool{false, true} {
			for _, tc := range cases {
				e := family(t)
				err := e.refer(how, whole, table.Build{Prove: func(context.Context) error { e.do(tc.do); return nil }})
				var o *table.Orphan
				if tc.ok && err != nil || !tc.ok && !errors.As(err, &o) {
					t.Errorf("%s, %s, all at the end %v: %v", how, tc.name, whole, err)
				}
				if e.referred() != tc.ok {
					t.Errorf("%s, %s: the key is there: %v", how, tc.name, !tc.ok)
				}
				e.do(func(s *session) error { return s.insert("t", sbrow(2000, 1, "")) }) // nothing stays locked
				e.check()
				e.db.Close()
			}
		}
	}
}

// TestForeignKeyWaits has a transaction with a row that violates the key open at each of the two locks: the DDL waits for it, and sees what it did.
func TestForeignKeyWaits(t *testing.T) {
	e := family(t)
	orphan := func() *session {
		s := e.begin(table.RepeatableRead)
		e.must(s.insert("t", sbrow(1000, 777, "")))
		return s
	}
	commitWhenWaitedFor := func(s *session) {
		for len(e.db.locks.WaitsFor()) == 0 {
			time.Sleep(time.Millisecond)
		}
		e.must(s.tx.Commit(bg))
	}
	seen := errors.New("the row is seen")
	go commitWhenWaitedFor(orphan())
	err := e.refer("alone", false, table.Build{Prove: func(context.Context) error {
		s := e.begin(table.RepeatableRead)
		defer s.tx.Rollback(bg)
		rows, err := s.rows("t", table.ScanOptions{Range: table.Range{Low: []row.Datum{row.FromInt(1000)}}})
		if err != nil || len(rows) != 1 {
			return err
		}
		return seen
	}})
	if !errors.Is(err, seen) {
		t.Errorf("a transaction that was open at the start: %v", err)
	}
	e.do(func(s *session) error { return s.delete("t", 1000) })
	err = e.refer("alone", false, table.Build{Prove: func(context.Context) error { go commitWhenWaitedFor(orphan()); return nil }})
	var o *table.Orphan
	if !errors.As(err, &o) || e.referred() {
		t.Errorf("a transaction that was open at the end: %v", err)
	}
}

// TestForeignKeyCrash cuts the instance down in each step: the key is there whole or not at all.
func TestForeignKeyCrash(t *testing.T) {
	for _, how := range []string{"alone", "index", "rebuild"} {
		for _, stage := range []string{"prove", table.StageRead, table.StageEnd, "publish"} {
			e := family(t)
			crash := func() { e.vol = e.vol.Crash() }
			o := table.Build{Progress: func(p table.BuildProgress) {
				if p.Stage == stage {
					crash()
				}
			}}
			o.Prove = func(context.Context) error {
				if stage == "prove" {
					crash()
				}
				return nil
			}
			o.Within = func(context.Context) error {
				if stage == "publish" {
					crash()
				}
				return nil
			}
			old := e.db
			err := e.refer(how, false, o)
			crashed := err != nil
			if stage != table.StageRead && !crashed {
				t.Fatalf("%s: the crash at %q went unnoticed", how, stage)
			}
			old.Close()
			e.open()
			if got := e.referred(); got == crashed {
				t.Errorf("%s, crash at %q (%v): the key is there: %v", how, stage, err, got)
			}
			e.do(func(s *session) error { return s.insert("t", sbrow(2000, 777, "")) })
			e.check()
		}
	}
}
