package isolation

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Kind is what an operation does.
type Kind uint8

const (
	Read   Kind = iota // saw List
	Append             // list-append: added Value to the key's list
	Swap               // register: found List (one value, none for an absent key) under a lock and put Value in its place
)

// Op is one operation that was answered. Keys start absent: an empty list.
type Op struct {
	Kind  Kind
	Key   int64
	Value int64   // never 0, and never written twice
	List  []int64 // a register's is its one value
}

// Outcome is what the client knows of a transaction's end.
type Outcome uint8

const (
	Committed Outcome = iota
	Aborted           // it did not commit, for certain
	Unknown           // the connection broke while it committed
)

// Txn is one transaction. Times are any clock that all clients share; End of an Unknown one is ignored.
type Txn struct {
	ID      int // its place in History.Txns
	Ops     []Op
	Outcome Outcome
	Begin   int64 // before it was sent
	End     int64 // after it was answered
	Final   bool  // reads everything, at the end, with nobody else there
}

// History is all transactions of a run.
type History struct {
	Register bool
	Txns     []Txn
}

// Add appends a transaction and gives it its id.
func (h *History) Add(t Txn) {
	t.ID = len(h.Txns)
	h.Txns = append(h.Txns, t)
}

func (t *Txn) readOnly() bool {
	return !slices.ContainsFunc(t.Ops, func(o Op) bool { return o.Kind != Read })
}

func (o Op) String() string {
	switch o.Kind {
	case Append:
		return fmt.Sprintf("append %d to %d", o.Value, o.Key)
	case Swap:
		return fmt.Sprintf("%d: %v -> %d", o.Key, o.List, o.Value)
	}
	return fmt.Sprintf("read %d: %v", o.Key, o.List)
}

func (t *Txn) String() string {
	ops := make([]string, len(t.Ops))
	for i, o := range t.Ops {
		ops[i] = o.String()
	}
	return fmt.Sprintf("T%d (%s) {%s}", t.ID, []string{"committed", "aborted", "unknown"}[t.Outcome], strings.Join(ops, "; "))
}

// ParseList reads a list as the workloads store it: numbers with commas between.
func ParseList(s string) ([]int64, error) {
	if s == "" {
		return nil, nil
	}
	var out []int64
	for part := range strings.SplitSeq(s, ",") {
		v, err := strconv.ParseInt(part, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("isolation: %q is not a list of numbers: %w", s, err)
		}
		out = append(out, v)
	}
	return out, nil
}
