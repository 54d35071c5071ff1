package engine

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/storage/volume/memvol"
)

// churn changes rows of s.t from several goroutines until stop is called: inserts, updates of indexed columns and long values, deletes,
// rollbacks whole and in part, transactions that stay open for a while. It counts commits.
func churn(e *env, commits *atomic.Int64) (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			rng := rand.New(rand.NewPCG(7, uint64(w)))
			for n := int64(0); ; n++ {
				select {
				case <-done:
					return
				default:
				}
				x := e.begin(table.RepeatableRead)
				var err error
				for range 1 + rng.IntN(5) {
					at := x.tx.mark()
					id := rng.Int64N(3000)
					switch rng.IntN(4) {
					case 0:
						err = x.insert("t", churned(x, int64(w)<<32|n<<8|rng.Int64N(200), rng.Int64N(100), rng))
					case 1:
						err = x.delete("t", id)
					default:
						err = x.update("t", id, func(r []row.Datum) {
							r[1], r[2] = row.FromInt(rng.Int64N(100)), row.FromBytes([]byte(strings.Repeat("z", rng.IntN(40)*rng.IntN(400))))
						})
					}
					if x.tx.ended {
						break
					}
					if rng.IntN(6) == 0 {
						_ = x.tx.undoTo(bg, at)
					}
				}
				_ = err // rows may be gone or there, transactions deadlock
				if rng.IntN(4) == 0 {
					_ = x.tx.Rollback(bg)
				} else if x.tx.Commit(bg) == nil {
					commits.Add(1)
				}
			}
		}()
	}
	return func() { close(done); wg.Wait() }
}

// churned is a new row, of as many columns as the table has now.
func churned(x *session, id, k int64, rng *rand.Rand) []row.Datum {
	r := sbrow(id, k, strings.Repeat("i", rng.IntN(300)))
	if d, err := x.e.db.Definition(bg, "s", "t"); err == nil {
		for len(r) < len(d.Columns) {
			r = append(r, row.FromInt(0))
		}
	}
	return r
}

func bigTable(t *testing.T, o memvol.Options) *env {
	e := newEnv(t, o)
	e.sbtest("t")
	s := e.begin(table.RepeatableRead)
	for i := int64(0); i < 3000; i++ {
		e.must(s.insert("t", sbrow(i, i%100, fmt.Sprint("row", i))))
	}
	e.must(s.tx.Commit(bg))
	return e
}

// TestOnlineBuilds builds indexes and rebuilds the table while transactions change it: the checker finds each new tree exact, commits go on
// meanwhile, and the definition in place is the new one.
func TestOnlineBuilds(t *testing.T) {
	e := bigTable(t, memvol.Options{Lag: 50 * time.Microsecond})
	var commits atomic.Int64
	stop := churn(e, &commits)
	for i := range 3 {
		d, err := e.db.Definition(bg, "s", "t")
		e.must(err)
		before := commits.Load()
		during := int64(-1)
		o := table.Build{Online: true, Progress: func(p table.BuildProgress) {
			if p.Stage == table.StageLog && during < 0 {
				during = commits.Load() - before
			}
			for p.Stage == table.StageRead && commits.Load() < before+20 { // a table that takes as long as this to read
				time.Sleep(time.Millisecond)
			}
		}}
		switch i % 3 {
		case 0:
			_, err = addIndex(e.db, d, table.Index{Name: fmt.Sprint("c", i), Parts: []table.Part{{Column: 2, Prefix: 8}, {Column: 1, Desc: true}}}, o)
		case 1:
			n := *d
			n.Indexes = slices.Delete(slices.Clone(d.Indexes), 1, 2)
			n.Indexes = append(n.Indexes, table.Index{Name: fmt.Sprint("u", i), Unique: true, Parts: []table.Part{{Column: 1}, {Column: 0}}}, table.Index{Name: fmt.Sprint("v", i), Parts: []table.Part{{Column: 3}}})
			_, err = e.db.AlterTable(bg, d, &n, o)
		default:
			_, err = e.db.RebuildTable(bg, d, d, func(r []row.Datum) ([]row.Datum, error) {
				n := slices.Clone(r)
				n[3] = row.FromBytes(append([]byte("!"), r[3].B...))
				return n, nil
			}, o)
		}
		if err != nil {
			t.Fatalf("build %d: %v", i, err)
		}
		if during < 20 {
			t.Errorf("build %d: %d commits while the table was read", i, during)
		}
		e.check()
	}
	stop()
	e.check()
	d, err := e.db.Definition(bg, "s", "t")
	e.must(err)
	var names []string
	for _, ix := range d.Indexes {
		names = append(names, ix.Name)
	}
	if want := []string{"PRIMARY", "c0", "u1", "v1"}; !slices.Equal(sorted(names), sorted(want)) {
		t.Errorf("indexes %v", names)
	}
}

func sorted(s []string) []string { s = slices.Clone(s); slices.Sort(s); return s }

// TestOnlineDuplicate: a duplicate that is there at the start, and one that is committed meanwhile, end the build; the table stays as it was.
func TestOnlineDuplicate(t *testing.T) {
	e := bigTable(t, memvol.Options{})
	d, err := e.db.Definition(bg, "s", "t")
	e.must(err)
	ix := table.Index{Name: "u", Unique: true, Parts: []table.Part{{Column: 2}}}
	late := false
	o := table.Build{Online: true, Progress: func(p table.BuildProgress) {
		if p.Stage == table.StageRead && !late {
			late = true
			s := e.begin(table.RepeatableRead)
			e.must(s.update("t", 17, func(r []row.Datum) { r[2] = row.FromBytes([]byte("row18")) }))
			e.must(s.tx.Commit(bg))
		}
	}}
	for range 2 {
		_, err = addIndex(e.db, d, ix, o)
		var dup *table.DuplicateKey
		if !errors.As(err, &dup) || string(dup.Key[0].B) != "row18" {
			t.Fatalf("error %v", err)
		}
		now, err := e.db.Definition(bg, "s", "t")
		e.must(err)
		if now.Version != d.Version || len(now.Indexes) != 2 {
			t.Fatalf("definition %+v", now)
		}
		e.check()
	}
	// Values that change places are no duplicate.
	s := e.begin(table.RepeatableRead)
	e.must(s.update("t", 17, func(r []row.Datum) { r[2] = row.FromBytes([]byte("row17")) }))
	e.must(s.tx.Commit(bg))
	late = false
	o.Progress = func(p table.BuildProgress) {
		if p.Stage == table.StageRead && !late {
			late = true
			s := e.begin(table.RepeatableRead)
			for _, c := range [][2]string{{"17", "x"}, {"18", "row17"}, {"17", "row18"}} {
				var id int64
				fmt.Sscan(c[0], &id)
				e.must(s.update("t", id, func(r []row.Datum) { r[2] = row.FromBytes([]byte(c[1])) }))
			}
			e.must(s.tx.Commit(bg))
		}
	}
	_, err = addIndex(e.db, d, ix, o)
	e.must(err)
	e.check()
}

// TestOnlineLogFull: more changes than the log may hold end the build.
func TestOnlineLogFull(t *testing.T) {
	e := bigTable(t, memvol.Options{})
	d, err := e.db.Definition(bg, "s", "t")
	e.must(err)
	_, err = addIndex(e.db, d, table.Index{Name: "c", Parts: []table.Part{{Column: 2}}}, table.Build{Online: true, LogBytes: 1000, Progress: func(p table.BuildProgress) {
		if p.Stage != table.StageRead || p.Done > 1 {
			return
		}
		s := e.begin(table.RepeatableRead)
		for id := range int64(100) {
			e.must(s.update("t", id, func(r []row.Datum) { r[1] = row.FromInt(-id) }))
		}
		e.must(s.tx.Commit(bg))
	}})
	if !errors.Is(err, table.ErrBuildLog) {
		t.Fatal(err)
	}
	e.check()
}

// TestCrashInBuild cuts the instance down at each stage of a build: the old table is there, or, at the very end, the new one; never
// anything in between, and nothing that belongs to nobody.
func TestCrashInBuild(t *testing.T) {
	for _, stage := range []string{table.StageRead, table.StageInsert, table.StageLog, table.StageEnd} {
		for _, rebuild := range []bool{false, true} {
			t.Run(fmt.Sprint(stage, rebuild), func(t *testing.T) {
				e := bigTable(t, memvol.Options{})
				d, err := e.db.Definition(bg, "s", "t")
				e.must(err)
				reached := make(chan struct{})
				hold := make(chan struct{})
				o := table.Build{Online: true, Progress: func(p table.BuildProgress) {
					if p.Stage == stage {
						select {
						case <-reached:
						default:
							close(reached)
							<-hold
						}
					}
				}}
				ended := make(chan error, 1)
				go func() {
					if rebuild {
						_, err := e.db.RebuildTable(bg, d, d, func(r []row.Datum) ([]row.Datum, error) { return r, nil }, o)
						ended <- err
						return
					}
					_, err := addIndex(e.db, d, table.Index{Name: "c", Parts: []table.Part{{Column: 2}}}, o)
					ended <- err
				}()
				<-reached
				old := e.db
				e.vol = e.vol.Crash()
				close(hold)
				if err := <-ended; err == nil {
					t.Error("the build succeeded on a volume that was gone")
				}
				old.Close()
				e.open()
				e.settle()
				now, err := e.db.Definition(bg, "s", "t")
				e.must(err)
				if now.Version != d.Version || now.ID != d.ID || len(now.Indexes) != 2 {
					t.Errorf("definition %+v", now)
				}
				if rep := e.check(); rep.Rows != 3000 {
					t.Errorf("%d rows", rep.Rows)
				}
				_, err = addIndex(e.db, now, table.Index{Name: "c", Parts: []table.Part{{Column: 2}}}, table.Build{Online: true})
				e.must(err)
				e.check()
			})
		}
	}
}

// TestInstantDropOfLongValues: values of a dropped column lie in overflow pages until their rows go.
func TestInstantDropOfLongValues(t *testing.T) {
	e := newEnv(t, memvol.Options{})
	e.sbtest("t")
	s := e.begin(table.RepeatableRead)
	for i := range int64(10) {
		e.must(s.insert("t", sbrow(i, i, strings.Repeat("long", 10000))))
	}
	e.must(s.tx.Commit(bg))
	d, err := e.db.Definition(bg, "s", "t")
	e.must(err)
	n := *d
	n.Columns = slices.Delete(slices.Clone(d.Columns), 2, 3)
	_, err = e.db.AlterTable(bg, d, &n, table.Build{})
	e.must(err)
	e.check()
	s = e.begin(table.RepeatableRead)
	e.must(s.update("t", 1, func(r []row.Datum) { r[1] = row.FromInt(100) }))
	e.must(s.delete("t", 2))
	e.must(s.tx.Commit(bg))
	s = e.begin(table.RepeatableRead)
	e.must(s.update("t", 3, func(r []row.Datum) { r[1] = row.FromInt(100) }))
	e.must(s.tx.Rollback(bg))
	e.check()
	if _, err := e.db.purgeRound(bg); err != nil {
		t.Fatal(err)
	}
	e.check()
}

// TestSharedBuild: a build that keeps writers out lets readers in, and wins over one that would write then.
func TestSharedBuild(t *testing.T) {
	e := seeded(t)
	def, err := e.db.Definition(bg, "s", "t")
	e.must(err)
	read := func(s *session) {
		t.Helper()
		st, err := s.tx.BeginStmt(bg, table.StmtOptions{})
		e.must(err)
		h, err := st.Open(bg, "s", "t")
		e.must(err)
		if r, _, err := h.Get(bg, 0, []row.Datum{row.FromInt(10)}, table.LockNone, table.Wait); err != nil || r == nil {
			t.Errorf("a reader gets %v, %v", r, err)
		}
		st.End()
	}
	reader := e.begin(table.RepeatableRead)
	read(reader)
	late := make(chan error, 1)
	once := false
	convert := func(r []row.Datum) ([]row.Datum, error) {
		if !once {
			once = true
			w := &session{e: e, tx: e.db.begin(table.TxnOptions{Isolation: table.RepeatableRead, MetadataWait: time.Millisecond})}
			if err := w.update("t", 10, func([]row.Datum) {}); !errors.Is(err, table.ErrLockTimeout) {
				t.Errorf("a writer gets %v", err)
			}
			e.must(w.tx.Rollback(bg))
			r := e.begin(table.ReadCommitted)
			read(r)
			e.must(r.tx.Commit(bg))
			waits := e.db.locks.Waits.Load()
			go func() { late <- reader.insert("t", sbrow(99, 99, "late")) }()
			e.waits(waits + 1)
		}
		return slices.Clone(r), nil
	}
	n := clone(def)
	for i := range n.Def.Indexes {
		n.Def.Indexes[i].ID, n.Def.Indexes[i].Root = 0, 0
	}
	_, err = e.db.RebuildTable(bg, def, &n.Def, convert, table.Build{Shared: true})
	e.must(err)
	if err := <-late; !errors.Is(err, table.ErrDeadlock) {
		t.Errorf("who read before and writes then gets %v", err)
	}
	if rep := e.check(); rep.Rows != 3 {
		t.Errorf("%+v", rep)
	}
}
