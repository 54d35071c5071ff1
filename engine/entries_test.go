package engine

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/storage/volume/memvol"
)

// wordIndex is a kind of index for tests: the words of a text between spaces, each with how often it is there.
type wordIndex struct{ column int }

func words(_ *table.Def, ix *table.Index) (table.Extractor, error) {
	if ix.Kind != "words" {
		return nil, fmt.Errorf("kind %q", ix.Kind)
	}
	return wordIndex{ix.Parts[0].Column}, nil
}

func (wordIndex) Keys() []row.KeyPart {
	return []row.KeyPart{{Class: row.Bytes}, {Class: row.Uint, Desc: true}}
}

func (x wordIndex) Entries(r []row.Datum, emit func([]row.Datum)) {
	if r[x.column].Null {
		return
	}
	list := bytes.Fields(r[x.column].B)
	for _, w := range list {
		n := uint64(0)
		for _, o := range list {
			if bytes.Equal(w, o) {
				n++
			}
		}
		emit([]row.Datum{row.FromBytes(w), row.FromUint(n)})
	}
}

func (e *env) worded(indexed bool) {
	e.t.Helper()
	_ = e.db.CreateSchema(bg, table.Schema{Name: "s"})
	d := &table.Def{Schema: "s", Name: "t", AutoInc: -1,
		Columns: []table.Column{{Name: "id", Class: row.Int}, {Name: "k", Class: row.Int}, {Name: "c", Class: row.Bytes}, {Name: "pad", Class: row.Bytes}},
		Indexes: []table.Index{{Name: "PRIMARY", Primary: true, Unique: true, Parts: []table.Part{{Column: 0}}}, {Name: "k_1", Parts: []table.Part{{Column: 1}}}}}
	if indexed {
		d.Indexes = append(d.Indexes, wordsDef)
	}
	_, err := e.db.CreateTable(bg, d)
	e.must(err)
}

var wordsDef = table.Index{Name: "w", Kind: "words", Parts: []table.Part{{Column: 2}}}

func text(rng *rand.Rand) string {
	var b strings.Builder
	for range 1 + rng.IntN(30) {
		fmt.Fprintf(&b, "w%d ", rng.IntN(40))
	}
	if rng.IntN(20) == 0 { // past the leaf, with more entries than one undo record holds
		for i := range 600 {
			fmt.Fprintf(&b, "long-word-number-%d ", i)
		}
	}
	return b.String()
}

// having reads through the index which rows have a word, as "id:count", and checks each against the row itself.
func (s *session) having(word string) (out []string, err error) {
	err = s.on("t", func(h *Handle) error {
		d := []row.Datum{row.FromBytes([]byte(word))}
		c, err := h.Scan(bg, table.ScanOptions{Index: 2, Range: table.Range{Low: d, High: d}, Columns: []int{}})
		if err != nil {
			return err
		}
		defer c.Close()
		for {
			ok, err := c.Next(bg)
			if err != nil || !ok {
				return err
			}
			entry, err := c.(table.EntryCursor).Entry()
			if err != nil {
				return err
			}
			n := entry[1].N
			r, err := h.Row(bg, c.Ref(), nil, table.LockNone, table.Wait)
			if err != nil {
				return err
			}
			if r == nil {
				return fmt.Errorf("entry of %s for %x without a row", word, c.Ref())
			}
			out = append(out, fmt.Sprintf("%d:%d", r[0].Int(), n))
		}
	})
	slices.Sort(out)
	return out, err
}

// model is what having must give.
func model(rows map[int64]string, word string) (out []string) {
	for id, c := range rows {
		n := 0
		for _, w := range strings.Fields(c) {
			if w == word {
				n++
			}
		}
		if n > 0 {
			out = append(out, fmt.Sprintf("%d:%d", id, n))
		}
	}
	slices.Sort(out)
	return out
}

func (e *env) agrees(s *session, rows map[int64]string, when string) {
	e.t.Helper()
	for _, w := range []string{"w0", "w7", "w39", "long-word-number-599", "none"} {
		got, err := s.having(w)
		e.must(err)
		if want := model(rows, w); !slices.Equal(got, want) {
			e.t.Fatalf("%s: rows with %s: %v, want %v", when, w, got, want)
		}
	}
}

// TestManyEntries changes texts in transactions that commit, roll back whole or in part, or are cut short by a crash; the index of their words, read through
// old snapshots and new ones, must be the model's.
func TestManyEntries(t *testing.T) {
	e := newEnv(t, memvol.Options{})
	e.worded(true)
	rng := rand.New(rand.NewPCG(3, 5))
	rows := map[int64]string{}
	var old *session
	var then map[int64]string
	for round := range 60 {
		s := e.begin(table.RepeatableRead)
		now := clonedRows(rows)
		change := func(n int) {
			for range n {
				id := rng.Int64N(25)
				c := text(rng)
				switch _, there := now[id]; {
				case !there:
					e.must(s.insert("t", sbrow(id, id, c)))
					now[id] = c
				case rng.IntN(3) == 0:
					e.must(s.delete("t", id))
					delete(now, id)
				case rng.IntN(4) == 0: // words that go and come back
					e.must(s.update("t", id, func(r []row.Datum) { r[2] = row.FromBytes([]byte("w0 w0 w7")) }))
					e.must(s.update("t", id, func(r []row.Datum) { r[2] = row.FromBytes([]byte(c)) }))
					now[id] = c
				default:
					e.must(s.update("t", id, func(r []row.Datum) { r[2], r[1] = row.FromBytes([]byte(c)), row.FromInt(rng.Int64N(9)) }))
					now[id] = c
				}
			}
		}
		change(1 + rng.IntN(6))
		e.agrees(s, now, "own changes")
		s.tx.Savepoint("here")
		before := clonedRows(now)
		change(1 + rng.IntN(3))
		if rng.IntN(2) == 0 {
			e.must(s.tx.RollbackTo(bg, "here"))
			now = before
			e.agrees(s, now, "after a partial rollback")
		}
		switch rng.IntN(4) {
		case 0:
			e.must(s.tx.Rollback(bg))
		case 1:
			if round%3 == 0 {
				e.must(e.vol.WaitDurable(bg, e.vol.LastLSN()))
				old = nil
				e.crash()
				e.settle()
				break
			}
			fallthrough
		default:
			e.must(s.tx.Commit(bg))
			rows = now
		}
		fresh := e.begin(table.RepeatableRead)
		e.agrees(fresh, rows, "a new snapshot")
		if old != nil {
			e.agrees(old, then, "an old snapshot")
		}
		if old == nil || rng.IntN(5) == 0 {
			if old != nil {
				e.must(old.tx.Rollback(bg))
				e.purged()
			}
			old, then = fresh, clonedRows(rows)
		} else {
			e.must(fresh.tx.Rollback(bg))
		}
	}
	e.check()
}

func clonedRows(m map[int64]string) map[int64]string {
	out := make(map[int64]string, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

// TestManyEntriesBuilt adds the index to rows that are there, under changes.
func TestManyEntriesBuilt(t *testing.T) {
	for _, online := range []bool{false, true} {
		e := newEnv(t, memvol.Options{})
		e.worded(false)
		rng := rand.New(rand.NewPCG(4, 4))
		rows := map[int64]string{}
		s := e.begin(table.RepeatableRead)
		for id := range int64(200) {
			rows[id] = text(rng)
			e.must(s.insert("t", sbrow(id, id, rows[id])))
		}
		e.must(s.tx.Commit(bg))
		d, err := e.db.Definition(bg, "s", "t")
		e.must(err)
		n := *d
		n.Indexes = append(slices.Clone(d.Indexes), wordsDef)
		first := true
		_, err = e.db.AlterTable(bg, d, &n, table.Build{Online: online, Progress: func(p table.BuildProgress) {
			if !online || !first || p.Stage != table.StageInsert {
				return
			}
			first = false
			x := e.begin(table.RepeatableRead)
			e.must(x.update("t", 5, func(r []row.Datum) { rows[5] = "w0 w0 w39"; r[2] = row.FromBytes([]byte(rows[5])) }))
			e.must(x.delete("t", 6))
			delete(rows, 6)
			e.must(x.tx.Commit(bg))
		}})
		e.must(err)
		e.agrees(e.begin(table.RepeatableRead), rows, "after the build")
		e.check()
	}
}
