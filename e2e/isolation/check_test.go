package isolation

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// parse reads a history: a transaction a line, "status begin-end: ops". Status is c, a, u or f (final). An operation is "a1=5" (append 5 to key
// 1), "r1=5,6" (read), or "s1=5>6" (swap). begin and end may be left out: then all are concurrent.
func parse(t *testing.T, text string) *History {
	t.Helper()
	h := &History{Register: strings.Contains(text, ">")}
	number := func(s string) int64 {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		head, ops, _ := strings.Cut(strings.TrimSpace(line), ":")
		tx := Txn{Begin: 0, End: 1000}
		f := strings.Fields(head)
		switch f[0] {
		case "a":
			tx.Outcome = Aborted
		case "u":
			tx.Outcome = Unknown
		case "f":
			tx.Final, tx.Begin, tx.End = true, 2000, 3000
		}
		if len(f) > 1 {
			b, e, _ := strings.Cut(f[1], "-")
			tx.Begin, tx.End = number(b), number(e)
		}
		for _, op := range strings.Fields(ops) {
			key, val, _ := strings.Cut(op[1:], "=")
			o := Op{Key: number(key)}
			switch op[0] {
			case 'a':
				o.Kind, o.Value = Append, number(val)
			case 's':
				from, to, _ := strings.Cut(val, ">")
				o.Kind, o.Value = Swap, number(to)
				val = from
			}
			if op[0] != 'a' {
				list, err := ParseList(val)
				if err != nil {
					t.Fatal(err)
				}
				o.List = list
			}
			tx.Ops = append(tx.Ops, o)
		}
		h.Add(tx)
	}
	return h
}

func TestHandMade(t *testing.T) {
	const all = "READ UNCOMMITTED,READ COMMITTED,REPEATABLE READ,SERIALIZABLE"
	const committed = "READ COMMITTED,REPEATABLE READ,SERIALIZABLE"
	const repeatable = "REPEATABLE READ,SERIALIZABLE"
	for _, c := range []struct {
		name, history string
		want          Type
		levels        string // at which it is an anomaly
	}{
		{"clean", "c 0-10: a1=1 r1=1\nc 20-30: r1=1 a2=2\nc 40-50: r1=1 r2=2\nf: r1=1 r2=2", "", ""},
		{"dirty write", "c: a1=1 a2=2\nc: a1=3 a2=4\nf: r1=1,3 r2=4,2", G0, all},
		{"aborted read", "a: a1=1\nc: r1=1\nf: r1=", G1a, committed},
		{"an aborted write stays", "a: a1=1\nf: r1=1", G1a, all},
		{"intermediate read", "c: a1=1 a1=2\nc: r1=1\nf: r1=1,2", G1b, committed},
		{"circular", "c: a1=1 r2=2\nc: a2=2 r1=1\nf: r1=1 r2=2", G1c, committed},
		{"circular by overwriting", "c: a1=1 r2=2\nc: a1=3 a2=2\nf: r1=1,3 r2=2", G1c, committed},
		{"read skew of a reader", "c: a1=1 a2=2\nc: r1= r2=2\nf: r1=1 r2=2", GSingle, repeatable},
		{"read skew of a writer", "c: a1=1 a2=2\nc: r1= r2=2 a3=3\nf: r1=1 r2=2 r3=3", GSingle, "SERIALIZABLE"},
		{"non-repeatable", "c: a1=1\nc: r1= r1=1\nf: r1=1", NonRepeatable, repeatable},
		{"its own write may be repeated with others'", "c: a1=1\nc: r1= a1=2 r1=1,2\nf: r1=1,2", GSingle, "SERIALIZABLE"},
		{"long fork", "c: a1=1\nc: a2=2\nc: r1=1 r2=\nc: r1= r2=2\nf: r1=1 r2=2", LongFork, repeatable},
		{"write skew", "c: r1= a2=2\nc: r2= a1=1\nf: r1=1 r2=2", G2Item, "SERIALIZABLE"},
		{"lost by overwriting", "c: r1= a1=1\nc: r1= a1=2\nf: r1=1,2", GSingle, "SERIALIZABLE"},
		{"lost write", "c: a1=1\nc: a1=2\nf: r1=2", LostWrite, all},
		{"lost after it was read", "u: a1=1\nc: r1=1\nf: r1=", LostWrite, committed},
		{"unknown and there", "u: a1=1\nc: r1=1\nf: r1=1", "", ""},
		{"unknown and not there", "u: a1=1\nc: a1=2\nf: r1=2", "", ""},
		{"unknown is judged when it was seen", "u: r2= a1=1\nc: r1= a2=2\nf: r1=1 r2=2", G2Item, "SERIALIZABLE"},
		{"circular, of unknown outcome", "u: a1=1 r2=2\nu: a2=2 r1=1\nf: r1=1 r2=2", G1c, committed},
		{"incompatible", "c: a1=1\nc: a1=2\nc: r1=1\nf: r1=2,1", IncompatibleOrder, committed},
		{"duplicate", "c: a1=1\nf: r1=1,1", Duplicate, all},
		{"nobody's", "c: r1=7\nf: r1=", Phantom, all},
		{"own write unseen", "c: a1=1 r1=\nf: r1=1", Internal, all},
		{"own write not last", "c: a1=1 r1=1,2\nc: a1=2\nf: r1=1,2", Internal, all},
		{"stale", "c 0-10: a1=1\nc 20-30: r1=\nf: r1=1", StaleRead, committed},
		{"not stale: they overlap", "c 0-25: a1=1\nc 20-30: r1=\nf: r1=1", "", ""},
		{"order against real time", "c 0-10: a1=1\nc 20-30: a1=2\nf: r1=2,1", G0, "SERIALIZABLE"},

		{"register", "c: s1=0>1\nc: s1=1>2 r1=2\nc: r1=1\nf: r1=2", "", ""},
		{"lost update", "c: s1=0>1\nc: s1=1>2\nc: s1=1>3\nf: r1=3", LostUpdate, all},
		{"lost update of one that aborted is none", "c: s1=0>1\na: s1=1>2\nc: s1=1>3\nf: r1=3", "", ""},
		{"register, aborted read", "c: s1=0>1\na: s1=1>2\nc: r1=2\nf: r1=1", G1a, committed},
		{"register, write skew", "c: r1= s2=0>2\nc: r2= s1=0>1\nf: r1=1 r2=2", G2Item, "SERIALIZABLE"},
		{"register, lost write", "c: s1=0>1\nc: s1=1>2\nf: r1=1", LostWrite, all},
		{"register, torn snapshot", "c: s1=0>1 s2=0>2\nc: r1=1 r2=\nf: r1=1 r2=2", GSingle, repeatable},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.ReplaceAll(strings.ReplaceAll(c.history, "=0>", "=>"), "\n", "\n")
			for level := ReadUncommitted; level <= Serializable; level++ {
				h := parse(t, text)
				got := Check(h, level)
				want := slices.Contains(strings.Split(c.levels, ","), level.String())
				has := slices.ContainsFunc(got, func(a Anomaly) bool { return a.Type == c.want })
				switch {
				case want && !has:
					t.Errorf("%v: %v, want %s", level, got, c.want)
				case !want && len(got) > 0 && (c.want == "" || has):
					t.Errorf("%v: %v, want nothing", level, got)
				}
			}
		})
	}
}

// store is a serial list store, so that histories made on it are clean by construction.
type store map[int64][]int64

func (s store) run(ops []Op) []Op {
	out := slices.Clone(ops)
	for i := range out {
		switch o := &out[i]; o.Kind {
		case Append:
			s[o.Key] = append(slices.Clone(s[o.Key]), o.Value)
		case Read:
			o.List = s[o.Key]
		case Swap:
			o.List = s[o.Key]
			s[o.Key] = []int64{o.Value}
		}
	}
	return out
}

func serial(seed uint64, register bool, n int) *History {
	r := rand.New(rand.NewPCG(seed, 1))
	load, s := &Load{Register: register}, store{}
	rec := NewRecorder(register)
	now := int64(0)
	for range n {
		ops := load.Next(r)
		tx := Txn{Begin: now, End: now + 1 + r.Int64N(3)}
		if r.IntN(10) == 0 {
			tx.Outcome = Unknown
		}
		if tx.Outcome != Unknown || r.IntN(2) == 0 {
			ops = s.run(ops)
		} else { // it never reached the server
			for i := range ops {
				ops[i].List = s[ops[i].Key]
			}
		}
		now = tx.End - r.Int64N(2)
		tx.Ops = ops
		rec.Add(tx)
	}
	final := Txn{Begin: now + 10, End: now + 11, Final: true}
	for _, k := range load.Keys() {
		final.Ops = append(final.Ops, Op{Key: k, List: s[k]})
	}
	rec.Add(final)
	return rec.History()
}

// TestCleanPasses: what happened one after the other is right at every level.
func TestCleanPasses(t *testing.T) {
	for seed := range uint64(60) {
		for _, register := range []bool{false, true} {
			for level := ReadUncommitted; level <= Serializable; level++ {
				if got := Check(serial(seed, register, 300), level); len(got) > 0 {
					t.Fatalf("seed %d, register %v, %v: %v", seed, register, level, got)
				}
			}
		}
	}
}

// TestTampered: of clean histories, one in which a committed append is taken out of every later list, one in which it comes
// late, and one in which a reader is shown the past are all caught.
func TestTampered(t *testing.T) {
	caught := map[string]int{}
	for seed := range uint64(60) {
		h := serial(seed, false, 200)
		r := rand.New(rand.NewPCG(seed, 2))
		var reads []*Op
		for i := range h.Txns[:len(h.Txns)-1] {
			t := &h.Txns[i]
			if t.Outcome == Committed && t.readOnly() {
				for j := range t.Ops {
					if len(t.Ops[j].List) > 2 {
						reads = append(reads, &t.Ops[j])
					}
				}
			}
		}
		o := reads[r.IntN(len(reads))]
		full := o.List
		for what, list := range map[string][]int64{"past": full[:1], "gap": append(slices.Clone(full[:1]), full[2:]...), "swapped": append([]int64{full[1], full[0]}, full[2:]...)} {
			o.List = list
			if len(Check(h, Serializable)) > 0 {
				caught[what]++
			}
		}
		o.List = full
	}
	for _, what := range []string{"past", "gap", "swapped"} {
		if caught[what] < 58 { // a read of the past is legal where nobody ended in between
			t.Errorf("%s: caught %d of 60", what, caught[what])
		}
	}
}

func TestCheckIsQuick(t *testing.T) {
	begun := time.Now()
	h := serial(1, false, 20000)
	if got := Check(h, Serializable); len(got) > 0 {
		t.Fatal(got)
	}
	t.Logf("20,000 transactions: %v", time.Since(begun))
}

func ExampleCheck() {
	h := &History{}
	h.Add(Txn{Ops: []Op{{Kind: Append, Key: 1, Value: 1}, {Kind: Append, Key: 2, Value: 2}}, End: 10})
	h.Add(Txn{Ops: []Op{{Kind: Read, Key: 1}, {Kind: Read, Key: 2, List: []int64{2}}}, End: 10})
	h.Add(Txn{Ops: []Op{{Kind: Read, Key: 1, List: []int64{1}}, {Kind: Read, Key: 2, List: []int64{2}}}, Begin: 20, End: 30, Final: true})
	for _, a := range Check(h, RepeatableRead) {
		fmt.Println(a.Type)
	}
	fmt.Println(len(Check(h, ReadCommitted)))
	// Output:
	// G-single: read skew
	// 0
}
