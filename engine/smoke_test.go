package engine

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/storage/volume/memvol"
)

func TestEndToEnd(t *testing.T) {
	e := newEnv(t, memvol.Options{})
	e.sbtest("t")
	s := e.begin(table.RepeatableRead)
	for i := int64(1); i <= 100; i++ {
		e.must(s.insert("t", sbrow(i, 1000-i, fmt.Sprint("c", i))))
	}
	e.must(s.tx.Commit(bg))

	s = e.begin(table.RepeatableRead)
	all, err := s.rows("t", table.ScanOptions{})
	e.must(err)
	if len(all) != 100 || all[0] != "1:999:c1" {
		t.Fatalf("%d rows, first %v", len(all), all[:1])
	}
	byK, err := s.rows("t", table.ScanOptions{Index: 1, Range: table.Range{Low: []row.Datum{row.FromInt(900)}, High: []row.Datum{row.FromInt(902)}}})
	e.must(err)
	if !slices.Equal(byK, []string{"100:900:c100", "99:901:c99", "98:902:c98"}) {
		t.Fatal(byK)
	}
	w := e.begin(table.RepeatableRead)
	e.must(w.update("t", 5, func(r []row.Datum) { r[1] = row.FromInt(5) }))
	e.must(w.delete("t", 6))
	e.must(w.insert("t", sbrow(6, 6, "again")))
	e.must(w.delete("t", 7))
	if got, _ := w.rows("t", table.ScanOptions{Index: 1, Range: table.Range{High: []row.Datum{row.FromInt(10)}}}); !slices.Equal(got, []string{"5:5:c5", "6:6:again"}) {
		t.Fatal(got)
	}
	e.must(w.tx.Commit(bg))
	again, err := s.rows("t", table.ScanOptions{})
	e.must(err)
	if !slices.Equal(all, again) {
		t.Fatal("snapshot changed", again[:8])
	}
	kAgain, err := s.rows("t", table.ScanOptions{Index: 1, Range: table.Range{Low: []row.Datum{row.FromInt(993)}}})
	e.must(err)
	if !slices.Equal(kAgain, []string{"7:993:c7", "6:994:c6", "5:995:c5", "4:996:c4", "3:997:c3", "2:998:c2", "1:999:c1"}) {
		t.Fatal(kAgain)
	}
	e.must(s.tx.Commit(bg))

	// Rollback of everything.
	r := e.begin(table.RepeatableRead)
	before, err := r.rows("t", table.ScanOptions{})
	e.must(err)
	e.must(r.update("t", 5, func(r []row.Datum) { r[1] = row.FromInt(50); r[2] = row.FromBytes([]byte("x")) }))
	e.must(r.delete("t", 10))
	e.must(r.insert("t", sbrow(10, 77, "ten")))
	e.must(r.insert("t", sbrow(700, 77, "new")))
	var dup *table.DuplicateKey
	if err := r.insert("t", sbrow(11, 1, "dup")); !errors.As(err, &dup) || dup.Row[1].Int() != 989 {
		t.Fatal(err, dup)
	}
	e.must(r.tx.Rollback(bg))
	r = e.begin(table.RepeatableRead)
	after, err := r.rows("t", table.ScanOptions{})
	e.must(err)
	if !slices.Equal(before, after) {
		t.Fatal("rollback left something", after)
	}
	e.must(r.tx.Commit(bg))
	e.crash()
	r = e.begin(table.RepeatableRead)
	after, err = r.rows("t", table.ScanOptions{})
	e.must(err)
	if !slices.Equal(before, after) {
		t.Fatal("crash lost something", after)
	}
	e.must(r.tx.Commit(bg))
}
