package isolation

import (
	"fmt"
	"slices"
)

// versions is what a history tells of each key.
type versions struct {
	h      *History
	level  Level
	writer map[int64]int     // transaction by value
	last   map[int64]bool    // values that are their transaction's last of the key
	order  map[int64][]int64 // by key: values, oldest first
	at     map[int64]int     // place of a value in its key's order, from 0
	seen   map[int64]bool    // values that a committed transaction read
	found  func(Anomaly)
}

// trusted reports whether the level lets a transaction's plain reads be taken for committed data; what a Swap finds under its lock always is.
func (v *versions) trusted(t *Txn) bool {
	return t.Outcome == Committed && (t.Final || v.level > ReadUncommitted)
}

// happened reports whether a transaction took effect as far as anybody knows.
func (v *versions) happened(t *Txn) bool {
	if t.Outcome != Unknown {
		return t.Outcome == Committed
	}
	return slices.ContainsFunc(t.Ops, func(o Op) bool { return o.Kind != Read && v.seen[o.Value] })
}

func newVersions(h *History, level Level, found func(Anomaly)) *versions {
	v := &versions{h: h, level: level, writer: map[int64]int{}, last: map[int64]bool{}, order: map[int64][]int64{}, at: map[int64]int{},
		seen: map[int64]bool{}, found: found}
	for i := range h.Txns {
		t := &h.Txns[i]
		mine := map[int64]int64{}
		for _, o := range t.Ops {
			if o.Kind == Read {
				continue
			}
			if w, ok := v.writer[o.Value]; ok {
				found(Anomaly{Type: BadHistory, Txns: []int{w, i}, Text: fmt.Sprintf("value %d is written twice", o.Value)})
			}
			v.writer[o.Value] = i
			mine[o.Key] = o.Value
		}
		for _, x := range mine {
			v.last[x] = true
		}
	}
	for again := true; again; { // what an Unknown one found is seen once it is known to have happened
		again = false
		for i := range h.Txns {
			t := &h.Txns[i]
			for _, o := range t.Ops {
				if o.Kind != Swap && !v.trusted(t) || o.Kind == Swap && !v.happened(t) {
					continue
				}
				for _, x := range o.List {
					again = again || !v.seen[x]
					v.seen[x] = true
				}
			}
		}
	}
	if h.Register {
		v.chains()
	} else {
		v.lists()
	}
	for _, list := range v.order {
		for i, x := range list {
			v.at[x] = i
		}
	}
	return v
}

// lists takes each key's longest list for the order of its versions. All others must be its beginnings.
func (v *versions) lists() {
	owner := map[int64]int{}
	for i := range v.h.Txns {
		t := &v.h.Txns[i]
		if !v.trusted(t) {
			continue
		}
		for _, o := range t.Ops {
			if o.Kind == Read && len(o.List) > len(v.order[o.Key]) {
				v.order[o.Key], owner[o.Key] = o.List, i
			}
		}
	}
	for i := range v.h.Txns {
		t := &v.h.Txns[i]
		if !v.trusted(t) {
			continue
		}
		for _, o := range t.Ops {
			if o.Kind == Read && !slices.Equal(o.List, v.order[o.Key][:len(o.List)]) {
				v.found(Anomaly{Type: IncompatibleOrder, Txns: []int{i, owner[o.Key]},
					Text: fmt.Sprintf("key %d was read as %v and as %v", o.Key, o.List, v.order[o.Key])})
			}
		}
	}
	for key, list := range v.order {
		once := map[int64]bool{}
		for _, x := range list {
			if once[x] {
				v.found(Anomaly{Type: Duplicate, Txns: []int{owner[key]}, Text: fmt.Sprintf("key %d has %d twice: %v", key, x, list)})
			}
			once[x] = true
		}
	}
}

// chains follows what each Swap found from the absent key on. Two that found the same value and both committed have lost an update.
func (v *versions) chains() {
	type version struct{ key, old int64 }
	next := map[version]int64{}
	for i := range v.h.Txns {
		t := &v.h.Txns[i]
		if !v.happened(t) {
			continue
		}
		for _, o := range t.Ops {
			if o.Kind != Swap {
				continue
			}
			at := version{o.Key, only(o.List)}
			if other, ok := next[at]; ok {
				v.found(Anomaly{Type: LostUpdate, Txns: []int{v.writer[other], i},
					Text: fmt.Sprintf("key %d: %d and %d were both put in the place of %d", o.Key, other, o.Value, at.old)})
				continue
			}
			next[at] = o.Value
		}
	}
	for at := range next {
		if at.old != 0 {
			continue
		}
		for x, ok := next[at], true; ok; x, ok = next[version{at.key, x}] {
			v.order[at.key] = append(v.order[at.key], x)
			if len(v.order[at.key]) > len(next) {
				break // a ring: values are written twice
			}
		}
	}
}

// only is a register's value, 0 for an absent one.
func only(list []int64) int64 {
	if len(list) == 0 {
		return 0
	}
	return list[len(list)-1]
}
