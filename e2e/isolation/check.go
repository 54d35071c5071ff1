package isolation

import (
	"fmt"
	"slices"
)

// Level is an isolation level, with what MySQL (InnoDB) promises at it. Each has the promises of those before it.
type Level uint8

const (
	// ReadUncommitted: writes hold their locks to the end, so no dirty writes (G0). What was acknowledged stays. A transaction sees its own
	// writes. Reads by others may see anything.
	ReadUncommitted Level = iota
	// ReadCommitted: each statement sees what was committed when it began, all of it: no aborted (G1a) or intermediate (G1b) reads, no cycles of
	// reads and writes (G1c), nothing older than what was acknowledged before the transaction began. Who writes what he has read FOR UPDATE loses
	// no update. Reads of two statements may disagree.
	ReadCommitted
	// RepeatableRead: all plain reads of a transaction are of one snapshot, so a key reads the same until the transaction itself writes it,
	// and transactions that only read see states that the order of commits passed through: no cycle whose rw edges all begin at such
	// (G-single, long fork). This is not snapshot isolation: writes act on the newest rows, not on those of the snapshot, so a transaction
	// that reads and writes can lose an update or skew.
	RepeatableRead
	// Serializable: plain reads lock. Transactions happen in one order that also agrees with real time: no cycle at all.
	Serializable
)

func (l Level) String() string {
	return []string{"READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"}[l]
}

// Type is a kind of anomaly.
type Type string

const (
	G0                Type = "G0: dirty write"
	G1a               Type = "G1a: aborted read"
	G1b               Type = "G1b: intermediate read"
	G1c               Type = "G1c: circular information flow"
	GSingle           Type = "G-single: read skew"
	LongFork          Type = "long fork"
	G2Item            Type = "G2-item: anti-dependency cycle"
	LostUpdate        Type = "lost update"
	LostWrite         Type = "lost write: acknowledged and not there"
	StaleRead         Type = "stale read: does not see what was acknowledged before it began"
	NonRepeatable     Type = "non-repeatable read"
	Internal          Type = "does not see its own writes"
	IncompatibleOrder Type = "incompatible order of versions"
	Duplicate         Type = "duplicate: written once, there twice"
	Phantom           Type = "value that nobody wrote"
	BadHistory        Type = "not a history"
)

// Anomaly is something that the level forbids.
type Anomaly struct {
	Type Type
	Txns []int
	Text string
}

func (a Anomaly) String() string { return fmt.Sprintf("%s: %s", a.Type, a.Text) }

// Check returns the anomalies of a history that the level forbids. All its transactions but Final ones ran at the level.
func Check(h *History, level Level) []Anomaly {
	var out []Anomaly
	found := func(a Anomaly) { out = append(out, a) }
	v := newVersions(h, level, found)
	for i := range h.Txns {
		t := &h.Txns[i]
		if t.Outcome == Committed {
			v.checkTxn(t)
		}
	}
	v.checkLost()
	antis := func(*Txn) bool { return false }
	switch level {
	case RepeatableRead:
		antis = (*Txn).readOnly
	case Serializable:
		antis = func(*Txn) bool { return true }
	}
	g := newGraph(v, antis, level == Serializable)
	for _, c := range g.components() {
		kind, way := g.worst(c)
		txns, text := g.describe(way)
		found(Anomaly{Type: kind, Txns: txns, Text: "\n" + text})
	}
	return out
}

// checkTxn checks what one committed transaction saw.
func (v *versions) checkTxn(t *Txn) {
	bad := func(kind Type, format string, args ...any) {
		v.found(Anomaly{Type: kind, Txns: []int{t.ID}, Text: fmt.Sprintf(format, args...) + ": " + t.String()})
	}
	wrote := map[int64][]int64{}
	first := map[int64]Op{}
	for _, o := range t.Ops {
		if o.Kind != Append {
			v.checkSeen(t, o, wrote[o.Key], bad)
		}
		if o.Kind == Read && v.level >= RepeatableRead && len(wrote[o.Key]) == 0 {
			if f, ok := first[o.Key]; ok && !slices.Equal(f.List, o.List) {
				bad(NonRepeatable, "key %d is %v, then %v", o.Key, f.List, o.List)
			}
			first[o.Key] = o
		}
		if o.Kind != Read {
			wrote[o.Key] = append(wrote[o.Key], o.Value)
		}
	}
}

// checkSeen checks one value or list that a transaction saw, which has itself written mine of that key before.
func (v *versions) checkSeen(t *Txn, o Op, mine []int64, bad func(Type, string, ...any)) {
	if v.h.Register && len(mine) > 0 {
		mine = mine[len(mine)-1:]
	}
	if n := len(o.List) - len(mine); n < 0 || !slices.Equal(o.List[n:], mine) {
		bad(Internal, "key %d has %v after its own %v", o.Key, o.List, mine)
	}
	for _, x := range o.List {
		w, ok := v.writer[x]
		if !ok {
			bad(Phantom, "key %d: %d", o.Key, x)
			continue
		}
		if v.trusted(t) && v.h.Txns[w].Outcome == Aborted {
			bad(G1a, "%d was written by %s", x, &v.h.Txns[w])
		}
	}
	if !v.trusted(t) {
		return
	}
	if x := only(o.List); x != 0 && !v.last[x] && v.writer[x] != t.ID {
		bad(G1b, "%d is not the last value that T%d wrote", x, v.writer[x])
	}
	v.checkFresh(t, o, bad)
}

// checkFresh: whoever ended before t began was seen.
func (v *versions) checkFresh(t *Txn, o Op, bad func(Type, string, ...any)) {
	saw := -1
	if x := only(o.List); x != 0 {
		at, ok := v.at[x]
		if !ok {
			return
		}
		saw = at
	}
	list := v.order[o.Key]
	for i := saw + 1; i < len(list); i++ {
		if w, ok := v.writer[list[i]]; ok && v.h.Txns[w].Outcome == Committed && v.h.Txns[w].End < t.Begin {
			bad(StaleRead, "%d of T%d is not in %v of key %d", list[i], w, o.List, o.Key)
			return
		}
	}
}

// checkLost: every acknowledged write is in the order of its key's versions, if a Final transaction read the key.
func (v *versions) checkLost() {
	final := map[int64]bool{}
	for i := range v.h.Txns {
		if t := &v.h.Txns[i]; t.Final {
			for _, o := range t.Ops {
				final[o.Key] = true
				if v.h.Register && only(o.List) != only(v.order[o.Key]) {
					v.found(Anomaly{Type: LostWrite, Txns: []int{i}, Text: fmt.Sprintf("key %d is %v at the end, its last version was %d", o.Key, o.List, only(v.order[o.Key]))})
				}
				if !v.h.Register && len(o.List) < len(v.order[o.Key]) {
					v.found(Anomaly{Type: LostWrite, Txns: []int{i}, Text: fmt.Sprintf("key %d is %v at the end, and was %v", o.Key, o.List, v.order[o.Key])})
				}
			}
		}
	}
	for i := range v.h.Txns {
		t := &v.h.Txns[i]
		if t.Outcome != Committed {
			continue
		}
		for _, o := range t.Ops {
			if _, there := v.at[o.Value]; o.Kind != Read && final[o.Key] && !there {
				v.found(Anomaly{Type: LostWrite, Txns: []int{i}, Text: fmt.Sprintf("%d of key %d: %s", o.Value, o.Key, t)})
			}
		}
	}
}
