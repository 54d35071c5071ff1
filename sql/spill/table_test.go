package spill

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/engine/extsort"
)

// TestTableForms: a hash table gives a key's rows in the order in which they came as a map, packed, and in a file with small and with doubled blocks; what it
// holds stays within its bound, and closing it gives all back.
func TestTableForms(t *testing.T) {
	const bound = 4 << 20
	for _, rows := range []int{100, 30_000, 300_000} {
		t.Run(fmt.Sprint(rows), func(t *testing.T) {
			p := &Pool{Temp: extsort.Temp{Dir: t.TempDir()}}
			a := p.Account(Bounds{})
			c := sql.NewContext(context.Background())
			x := a.NewTable()
			for i := range rows {
				if err := x.Add(c, fmt.Sprint(i%(rows/2)), sql.Row{int64(i), fmt.Sprintf("%040d", i)}); err != nil {
					t.Fatal(err)
				}
				if held := x.held.n; held > bound+bound/4 {
					t.Fatalf("%d bytes are held after %d rows", held, i)
				}
			}
			if err := x.End(c); err != nil {
				t.Fatal(err)
			}
			form := "map"
			switch {
			case x.sorted != nil:
				form = "file"
			case x.pack != nil:
				form = "packed"
			}
			if want := map[int]string{100: "map", 30_000: "packed", 300_000: "file"}[rows]; form != want {
				t.Fatalf("%d rows are a %s, not a %s", rows, form, want)
			}
			if form == "file" && (len(x.index) > maxBlocks || x.sorted.size <= leastBlock*maxBlocks) {
				t.Fatalf("%d blocks of %d bytes: none was doubled", len(x.index), x.sorted.size)
			}
			for i := 0; i < rows/2; i += 1 + rows/1000 {
				got, err := x.Get(fmt.Sprint(i))
				if err != nil {
					t.Fatal(err)
				}
				want := []sql.Row{{int64(i), fmt.Sprintf("%040d", i)}, {int64(i + rows/2), fmt.Sprintf("%040d", i+rows/2)}}
				if !slices.EqualFunc(got, want, func(a, b sql.Row) bool { return slices.Equal(a, b) }) {
					t.Fatalf("key %d: %v", i, got)
				}
				some, err := x.Some(fmt.Sprint(i))
				if err != nil {
					t.Fatal(err)
				}
				all, err := sql.RowIterToRows(c, some)
				slices.SortFunc(all, func(a, b sql.Row) int { return int(a[0].(int64) - b[0].(int64)) })
				if err != nil || !slices.EqualFunc(all, want, func(a, b sql.Row) bool { return slices.Equal(a, b) }) {
					t.Fatalf("some of key %d: %v, %v", i, all, err)
				}
			}
			if got, err := x.Get("none"); err != nil || len(got) > 0 {
				t.Fatalf("%v, %v of a key that is not there", got, err)
			}
			if err := x.Close(); err != nil {
				t.Fatal(err)
			}
			if p.Used() != 0 {
				t.Errorf("%d bytes are held", p.Used())
			}
		})
	}
}

// BenchmarkTable probes what a join of 100,000 narrow rows has.
func BenchmarkTable(b *testing.B) {
	for _, rows := range []int{1000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(rows), func(b *testing.B) {
			p := &Pool{Temp: extsort.Temp{Dir: b.TempDir()}}
			c := sql.NewContext(context.Background())
			x := p.Account(Bounds{}).NewTable()
			for i := range rows {
				if err := x.Add(c, int64(i), sql.Row{int64(i), int64(i)}); err != nil {
					b.Fatal(err)
				}
			}
			if err := x.End(c); err != nil {
				b.Fatal(err)
			}
			for i := 0; b.Loop(); i++ {
				if got, err := x.Get(int64(i * 7919 % rows)); err != nil || len(got) != 1 {
					b.Fatal(got, err)
				}
			}
			if err := x.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// TestResults: results are kept by the values they depend on, and not at all where few values come again, or where nobody can say whether they do.
func TestResults(t *testing.T) {
	a := (&Pool{}).Account(Bounds{})
	row := func(i int) sql.Row { return sql.Row{int64(i), fmt.Sprint(i), nil} }
	for _, x := range []struct {
		values, at int
		found      bool
	}{{100, 0, true}, {100, 1, true}, {100, 2, true}, {5000, 0, false}, {5000, 1, false}} {
		m := a.NewResults()
		hits := 0
		for i := range 5000 {
			r := row(i % x.values)
			found, key, keep := m.Get(r, []int{x.at})
			if found != nil {
				if hits++; x.at < 2 && found.Rows[0][0] != r[0] {
					t.Fatalf("%v of %v", found.Rows, r)
				}
			} else if keep {
				if err := m.Add(key, &Result{Rows: []sql.Row{r}}); err != nil {
					t.Fatal(err)
				}
			}
		}
		if (hits > 0) != x.found || m.off == x.found || x.found && hits < 4900 {
			t.Errorf("%d values of column %d: %d found, off: %t", x.values, x.at, hits, m.off)
		}
	}
	m := a.NewResults()
	if _, _, keep := m.Get(sql.Row{struct{ x int }{1}}, []int{0}); keep || !m.off {
		t.Error("a value of no known form is kept")
	}
}
