package general

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/exact"
	"github.com/zoryadb/zorya/sql/item"
)

// The library joins by nested loops, reading the right side anew for each row of the left one, when a condition is anything but equalities, and
// wherever it does not reorder. A condition that has an equality between the sides is enough for a hash join: the
// rest of it is tested on what the hash table gives.

// hashJoin returns a hash join in the place of a nested loop, nil if n is none or cannot be one.
func hashJoin(c *sql.Context, n sql.Node) (sql.Node, error) {
	j, ok := n.(*plan.JoinNode)
	if !ok || j.Filter == nil || unhashedSide(c, j.Right()) {
		return nil, nil
	}
	var op plan.JoinType
	switch j.Op {
	case plan.JoinTypeInner:
		op = plan.JoinTypeHash
	case plan.JoinTypeLeftOuter:
		op = plan.JoinTypeLeftOuterHash
	case plan.JoinTypeSemi:
		op = plan.JoinTypeSemiHash
	case plan.JoinTypeAntiIncludeNulls:
		op = plan.JoinTypeAntiHashIncludeNulls
	default:
		return nil, nil
	}
	left, right := j.Left().Schema(c), j.Right().Schema(c)
	if !apart(c, j.Right(), left) {
		return nil, nil
	}
	var probe, entry expression.Tuple
	for _, e := range expression.SplitConjunction(c, j.Filter) {
		l, r, ok := hashedBy(c, e)
		if !ok {
			continue
		}
		if madeOf(c, l, right) && madeOf(c, r, left) {
			l, r = r, l
		}
		if !madeOf(c, l, left) || !madeOf(c, r, right) {
			continue
		}
		moved, err := inRight(c, r, right, j.ScopeLen)
		if err != nil {
			return nil, err
		}
		probe, entry = append(probe, l), append(entry, moved)
	}
	if len(probe) == 0 {
		return nil, nil
	}
	lookup := plan.NewHashLookup(c, j.Right(), entry, probe, op)
	if w := exact.WeighKeys(c, lookup); w != nil {
		lookup = w
	}
	lookup.RightEntryKey = withoutNulls(lookup.RightEntryKey)
	out, err := j.WithChildren(c, j.Left(), lookup)
	if err != nil {
		return nil, err
	}
	hashed := *out.(*plan.JoinNode)
	hashed.Op = op
	return &hashed, nil
}

// hashNoNulls has a hash join of the library's leave out what no equality finds, nil if it has none or may have <=> among its keys.
func hashNoNulls(c *sql.Context, n sql.Node) (sql.Node, error) {
	j, ok := n.(*plan.JoinNode)
	if !ok || j.Filter == nil || j.Op.IsExcludeNulls() {
		return nil, nil
	}
	lookup, ok := j.Right().(*plan.HashLookup)
	if !ok || leavesNulls(lookup.RightEntryKey) {
		return nil, nil
	}
	for _, e := range expression.SplitConjunction(c, j.Filter) {
		if op, _, _, ok := item.Compared(e); !ok || op == "<=>" {
			return nil, nil
		}
	}
	with := *lookup
	with.RightEntryKey = withoutNulls(lookup.RightEntryKey)
	return j.WithChildren(c, j.Left(), &with)
}

// nullless is a key of a hash table that NULL is in no way equal to: rows whose key has one are not kept, and find none.
type nullless struct{ expression.UnaryExpressionStub }

func withoutNulls(key sql.Expression) sql.Expression {
	return &nullless{expression.UnaryExpressionStub{Child: key}}
}

// leavesNulls reports whether a key is one.
func leavesNulls(key sql.Expression) bool {
	_, ok := key.(*nullless)
	return ok
}

func (k *nullless) Type(c *sql.Context) sql.Type                { return k.Child.Type(c) }
func (k *nullless) String() string                              { return k.Child.String() }
func (k *nullless) Eval(c *sql.Context, r sql.Row) (any, error) { return k.Child.Eval(c, r) }
func (k *nullless) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(k, len(ch), 1)
	}
	return withoutNulls(ch[0]), nil
}

// apart reports whether a plan gives the same rows whatever the row of the left side.
func apart(c *sql.Context, n sql.Node, left sql.Schema) bool {
	ok := true
	transform.InspectWithOpaque(c, n, func(_ *sql.Context, n sql.Node) bool {
		if _, lateral := n.(*plan.JSONTable); lateral {
			ok = false
		}
		return ok
	})
	transform.InspectExpressions(c, n, func(_ *sql.Context, e sql.Expression) bool {
		switch e := e.(type) {
		case *plan.Subquery, *expression.BindVar:
			ok = false
		case *expression.GetField:
			ok = ok && left.IndexOf(strings.ToLower(e.Name()), strings.ToLower(e.Table())) < 0
		case sql.NonDeterministicExpression:
			ok = ok && !e.IsNonDeterministic()
		}
		return ok
	})
	return ok
}

// madeOf reports whether e is made of columns of a schema, of at least one, and constants.
func madeOf(c *sql.Context, e sql.Expression, schema sql.Schema) bool {
	some, only := false, true
	sql.Inspect(c, e, func(_ *sql.Context, e sql.Expression) bool {
		switch e := e.(type) {
		case *expression.GetField:
			some = true
			only = only && schema.IndexOf(strings.ToLower(e.Name()), strings.ToLower(e.Table())) >= 0
		case *plan.Subquery:
			only = false
		case sql.NonDeterministicExpression:
			only = only && !e.IsNonDeterministic()
		}
		return only
	})
	return some && only
}

// hashedBy are the keys that a hash table finds the pairs of an equality by, which may be more than it is true for; ok is false where it has none.
func hashedBy(c *sql.Context, e sql.Expression) (left, right sql.Expression, ok bool) {
	eq, ok := e.(*expression.Equals)
	if !ok {
		return item.JoinKeys(c, e)
	}
	if left, right = eq.Left(), eq.Right(); hashesAlike(c, left, right) {
		return left, right, true
	}
	return item.IntegerKeys(c, left, right)
}

// hashesAlike reports whether values that an equality takes for equal have the same hash.
func hashesAlike(c *sql.Context, a, b sql.Expression) bool {
	at, bt := a.Type(c), b.Type(c)
	if types.IsInteger(at) && types.IsInteger(bt) {
		return types.IsUnsigned(at) == types.IsUnsigned(bt)
	}
	as, aText := at.(sql.StringType)
	bs, bText := bt.(sql.StringType)
	if aText && bText {
		return as.Collation() == bs.Collation() && types.IsTextOnly(at) == types.IsTextOnly(bt)
	}
	return at.Equals(bt) && !types.IsJSON(at) && !types.IsFloat(at)
}

// inRight moves the columns of e to where a row of the right side alone has them.
func inRight(c *sql.Context, e sql.Expression, right sql.Schema, first int) (sql.Expression, error) {
	out, _, err := transform.Expr(c, e, func(_ *sql.Context, e sql.Expression) (sql.Expression, transform.TreeIdentity, error) {
		f, ok := e.(*expression.GetField)
		if !ok {
			return e, transform.SameTree, nil
		}
		return f.WithIndex(first + right.IndexOf(strings.ToLower(f.Name()), strings.ToLower(f.Table()))), transform.NewTree, nil
	})
	return out, err
}
