package item

import (
	"encoding/binary"
	"math"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"

	"github.com/zoryadb/zorya/sql/temporal"
)

// Order is a condition that compares two values, for those who sort by one of them and look for the other: Op is one of = < <= > >=.
type Order struct {
	Op          string
	Left, Right Ranked
}

// Ranked is one side of an Order.
type Ranked struct {
	arg
	with comparator
}

// Orders returns the comparisons that must all hold where a condition does; none for a condition that no order serves.
func (n *Env) Orders(c *sql.Context, e sql.Expression) ([]Order, error) {
	e = Plain(e)
	switch x := e.(type) {
	case *between:
		return x.orders(), nil
	case *expression.Between:
		b, err := newBetween(c, n, x.Val, x.Lower, x.Upper)
		if b == nil || err != nil {
			return nil, err
		}
		return b.orders(), nil
	}
	op, l, r, ok := Compared(e)
	if !ok || op == "<=>" {
		return nil, nil
	}
	x, is := e.(*comparison)
	if !is {
		var err error
		if x, err = newComparison(c, n, op, l, r); x == nil || err != nil {
			return nil, err
		}
	}
	if len(x.l) != 1 || !x.ways[0].ranks() {
		return nil, nil
	}
	return []Order{{op, Ranked{x.l[0], x.ways[0]}, Ranked{x.r[0], x.ways[0]}}}, nil
}

func (b *between) orders() (out []Order) {
	if b.low.ranks() {
		out = append(out, Order{">=", Ranked{b.args[0], b.low}, Ranked{b.args[1], b.low}})
	}
	if b.high.ranks() {
		out = append(out, Order{"<=", Ranked{b.args[0], b.high}, Ranked{b.args[2], b.high}})
	}
	return out
}

// ranks reports whether numbers can order values as the comparator does.
func (k *comparator) ranks() bool { return k.way != asNothing && k.way != asJSON && !k.year }

// Of is the side of another expression of the same type.
func (s Ranked) Of(e sql.Expression) Ranked {
	s.Expression = e
	return s
}

// Compare compares two values of the side; ok is false if one has no value in this comparison.
func (s *Ranked) Compare(c *sql.Context, a, b any) (order int, ok bool, err error) {
	if a, err = sql.UnwrapAny(c, a); err != nil {
		return 0, false, err
	}
	if b, err = sql.UnwrapAny(c, b); err != nil {
		return 0, false, err
	}
	return s.with.compare(c, &s.arg, &s.arg, a, b)
}

// Rank is a number for the side's value: of two values of either side the one that compares as less has no higher rank. ok is false for one that compares as
// NULL with everything.
func (s *Ranked) Rank(c *sql.Context, r sql.Row) (rank uint64, ok bool, err error) {
	v, err := s.value(c, r)
	if err != nil || v == nil {
		return 0, false, err
	}
	return s.with.rank(c, &s.arg, v)
}

// rank is Ranked.Rank of a value that is not NULL.
func (k *comparator) rank(c *sql.Context, a *arg, v any) (rank uint64, ok bool, err error) {
	switch k.way {
	case asInt:
		n, err := a.toInteger(c, v)
		if n.unsigned { // above all others; those are told apart by nobody
			return math.MaxUint64, true, err
		}
		return uint64(n.bits) ^ 1<<63, true, err
	case asDecimal, asReal: // the float nearest to a decimal is never less than that of a smaller one
		f, err := a.toFloat(c, v)
		if f == 0 {
			f = 0 // of -0
		}
		bits := math.Float64bits(f)
		if bits>>63 != 0 {
			return ^bits, true, err
		}
		return bits | 1<<63, true, err
	case asMoment:
		t, ok, err := a.comparedMoment(c, v)
		return uint64(temporal.OfHeld(t).Packed()) ^ 1<<63, ok, err
	case asSpan:
		t, ok, err := a.span(c, v)
		return uint64(t) ^ 1<<63, ok, err
	}
	var room [128]byte
	b, err := k.weights(c, room[:0], a, v)
	var first [8]byte
	copy(first[:], b)
	return binary.BigEndian.Uint64(first[:]), true, err
}

// weights appends what the collation compares of a text.
func (k *comparator) weights(c *sql.Context, dst []byte, a *arg, v any) ([]byte, error) {
	text, err := a.toText(c, v)
	if err != nil {
		return nil, err
	}
	if k.coll != nil {
		return k.coll.AppendWeights(dst, []byte(text)), nil
	}
	return append(dst, text...), nil
}
