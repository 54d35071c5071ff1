package engine

import (
	"fmt"
	"testing"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/storage/volume/memvol"
)

// TestAnalyze: exact for a small table, near for a larger one, whatever the shape of the values.
func TestAnalyze(t *testing.T) {
	for _, n := range []int64{0, 1, 500, 12000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			e := newEnv(t, memvol.Options{})
			d := e.sbtest("t")
			nd := *d
			nd.Indexes = append(nd.Indexes, table.Index{Name: "few", Parts: []table.Part{{Column: 2}, {Column: 1}}})
			_, err := e.db.AlterTable(bg, d, &nd, table.Build{})
			e.must(err)
			s := e.begin(table.RepeatableRead)
			e.must(s.on("t", func(h *Handle) error {
				for i := range n {
					if err := h.Insert(bg, sbrow(i, i*7919%(n/10+1), fmt.Sprint(i%4))); err != nil {
						return err
					}
				}
				return nil
			}))
			e.must(s.tx.Commit(bg))
			s = e.begin(table.RepeatableRead)
			var st table.Statistics
			e.must(s.on("t", func(h *Handle) (err error) { st, err = h.Analyze(bg, 0); return err }))
			e.must(s.tx.Commit(bg))
			want := table.Statistics{Rows: uint64(n), Distinct: [][]uint64{{uint64(n)}, {uint64(min(n, n/10+1))}, {uint64(min(n, 4)), uint64(min(n, 4*(n/10+1)))}}}
			near := func(what string, got, want uint64) {
				tolerance := uint64(0)
				if n > analyzeAll {
					tolerance = want/2 + 8
				}
				if got > want+tolerance || got+tolerance < want {
					t.Errorf("%s: %d, want %d", what, got, want)
				}
			}
			near("rows", st.Rows, want.Rows)
			for i, leaves := range st.Leaves {
				if leaves == 0 || leaves > st.Pages[i] || n == 1 && leaves != 1 {
					t.Errorf("index %d: %d leaves of %d pages", i, leaves, st.Pages[i])
				}
			}
			for i := range want.Distinct {
				for p := range want.Distinct[i] {
					near(fmt.Sprint("index ", i, " prefix ", p), st.Distinct[i][p], want.Distinct[i][p])
				}
			}
		})
	}
}

// TestDDLWaitsForItsOwnTableOnly: a transaction that uses a table holds up DDL of that table and nothing else: 600 databases create, alter
// and drop meanwhile.
func TestDDLWaitsForItsOwnTableOnly(t *testing.T) {
	e := newEnv(t, memvol.Options{})
	e.sbtest("t")
	s := e.begin(table.RepeatableRead)
	e.must(s.insert("t", sbrow(1, 1, "x")))
	blocked := make(chan error, 1)
	go func() { blocked <- e.db.DropTable(bg, "s", "t") }()
	done := make(chan error, 600)
	for i := range 600 {
		go func() {
			name := fmt.Sprint("d", i)
			done <- func() error {
				if err := e.db.CreateSchema(bg, table.Schema{Name: name}); err != nil {
					return err
				}
				d, err := e.db.CreateTable(bg, &table.Def{Schema: name, Name: "t", AutoInc: -1, Columns: []table.Column{{Name: "id", Class: row.Int}},
					Indexes: []table.Index{{Name: "PRIMARY", Primary: true, Unique: true, Parts: []table.Part{{Column: 0}}}}})
				if err != nil {
					return err
				}
				if _, err = addIndex(e.db, d, table.Index{Name: "k", Parts: []table.Part{{Column: 0}}}, table.Build{Online: true}); err != nil {
					return err
				}
				return e.db.DropSchema(bg, name)
			}()
		}()
	}
	for range 600 {
		e.must(<-done)
	}
	select {
	case err := <-blocked:
		t.Fatalf("DROP TABLE did not wait for the transaction: %v", err)
	default:
	}
	e.must(s.tx.Commit(bg))
	e.must(<-blocked)
	e.check()
}
