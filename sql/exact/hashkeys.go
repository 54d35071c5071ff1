package exact

import (
	"fmt"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/collate"
	"github.com/zoryadb/zorya/sql/item"
)

// A hash table finds what its key's hash leads to, and the library hashes strings by a collation of its own choice when the two
// sides are declared with different lengths. Here strings are hashed by the weights that the comparison gives them.

// sortKey is the sort key of a string in a collation, as bytes.
type sortKey struct {
	expression.UnaryExpressionStub
	coll sql.CollationID
}

func (w *sortKey) Type(*sql.Context) sql.Type { return types.LongBlob }
func (w *sortKey) String() string             { return w.Child.String() }

func (w *sortKey) CollationCoercibility(*sql.Context) (sql.CollationID, byte) {
	return sql.Collation_binary, 2
}

func (w *sortKey) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(w, len(ch), 1)
	}
	return &sortKey{expression.UnaryExpressionStub{Child: ch[0]}, w.coll}, nil
}

func (w *sortKey) Eval(c *sql.Context, r sql.Row) (any, error) {
	v, err := w.Child.Eval(c, r)
	if err != nil || v == nil {
		return nil, err
	}
	return AppendSortKey(c, nil, w.coll, w.Child.Type(c), v)
}

// memberText is the text of a value of type t that is not kept as one: of a number, or a member of ENUM or SET.
func memberText(c *sql.Context, t sql.Type, v any) (string, error) {
	switch t := t.(type) {
	case sql.EnumType:
		if n, ok := v.(uint16); ok {
			text, _ := t.At(int(n))
			return text, nil
		}
	case sql.SetType:
		if bits, ok := v.(uint64); ok {
			return t.BitsToString(bits)
		}
	}
	return types.ConvertToString(c, v, types.LongText, nil)
}

// AppendSortKey appends what the collation compares of a string of type t; of one that has no weights here, its bytes.
func AppendSortKey(c *sql.Context, dst []byte, coll sql.CollationID, t sql.Type, v any) ([]byte, error) {
	v, err := sql.UnwrapAny(c, v)
	if err != nil {
		return nil, err
	}
	var s []byte
	switch x := v.(type) {
	case string:
		s = []byte(x)
	case []byte:
		s = x
	default: // a number, or a member of ENUM or SET
		text, err := memberText(c, t, v)
		if err != nil {
			return nil, fmt.Errorf("the text of a key: %w", err)
		}
		s = []byte(text)
	}
	if w := collate.For(uint16(coll)); w != nil {
		return w.AppendWeights(dst, s), nil
	}
	return append(dst, s...), nil
}

// textual reports whether values of a type are compared as texts with texts.
func textual(t sql.Type) bool { return types.IsTextOnly(t) || types.IsEnum(t) || types.IsSet(t) }

// WeighKeys returns a lookup whose strings are hashed as they are compared, nil if n has none.
func WeighKeys(c *sql.Context, n *plan.HashLookup) *plan.HashLookup {
	entry, probe, changed := weighPair(c, n.RightEntryKey, n.LeftProbeKey)
	if !changed {
		return nil
	}
	return plan.NewHashLookup(c, n.Child, entry, probe, n.JoinType)
}

func weighPair(c *sql.Context, a, b sql.Expression) (_, _ sql.Expression, changed bool) {
	at, ok1 := a.(expression.Tuple)
	bt, ok2 := b.(expression.Tuple)
	if ok1 && ok2 && len(at) == len(bt) {
		ao, bo := make(expression.Tuple, len(at)), make(expression.Tuple, len(bt))
		for i := range at {
			var one bool
			ao[i], bo[i], one = weighPair(c, at[i], bt[i])
			changed = changed || one
		}
		return ao, bo, changed
	}
	if dated(c, a) && dated(c, b) {
		return &packedDate{expression.UnaryExpressionStub{Child: a}}, &packedDate{expression.UnaryExpressionStub{Child: b}}, true
	}
	if l, r, ok := item.IntegerKeys(c, a, b); ok && !columnless(c, a) && !columnless(c, b) {
		return l, r, true
	}
	if !(textual(a.Type(c)) && textual(b.Type(c))) && !a.Type(c).Equals(b.Type(c)) && (columnless(c, a) || columnless(c, b)) {
		// One side is a literal that a filter has put for its column, or that a column is compared with: the condition is tested on what the hash leads to, and
		// the library converts keys to the type of one side: a time as a text, or a large number, need not fit a literal's.
		one := expression.NewLiteral(int64(1), types.Int64)
		return one, one, true
	}
	if !textual(a.Type(c)) || !textual(b.Type(c)) || !types.IsTextOnly(a.Type(c)) && a.Type(c).Equals(b.Type(c)) {
		return a, b, false
	}
	ac, aco := sql.GetCoercibility(c, a)
	bc, bco := sql.GetCoercibility(c, b)
	coll, _ := sql.ResolveCoercibility(ac, aco, bc, bco)
	if collate.For(uint16(coll)) == nil {
		return a, b, false
	}
	weigh := func(e sql.Expression) sql.Expression { return &sortKey{expression.UnaryExpressionStub{Child: e}, coll} }
	return weigh(a), weigh(b), true
}

// columnless reports whether an expression has no column.
func columnless(c *sql.Context, e sql.Expression) bool {
	none := true
	sql.Inspect(c, e, func(_ *sql.Context, x sql.Expression) bool {
		switch x.(type) {
		case *expression.GetField, sql.ExpressionWithNodes:
			none = false
		}
		return none
	})
	return none
}
