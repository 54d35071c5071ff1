package general

import (
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/analyzer"
	"github.com/dolthub/go-mysql-server/sql/expression"
)

// rangeBound keeps the ranges of an index that a condition is turned into bounded. `a IN (...) AND b IN (...) AND c IN (...)` over an index of all three has the
// product of the lists: a line of SQL would take the memory of the instance, in a place that no KILL reaches. What would exceed maxRanges is left to
// the filter above the scan, as MySQL gives up ranges past range_optimizer_max_mem_size. The bound is low because the library holds each range against each other. A
// single list is as long as it likes.
type rangeBound struct{}

const maxRanges = 1000

var _ sql.ExpressionTreeFilter = rangeBound{}

// Next implements sql.ExpressionTreeFilter: it is shown each conjunction and disjunction before the index coster looks at it.
func (rangeBound) Next(e sql.Expression) sql.Expression {
	if _, ok := e.(*expression.And); !ok || rangesOf(e) <= maxRanges {
		return e
	}
	list := conjuncts(e, nil)
	for i, n := 0, 1; i < len(list); i++ {
		if k := rangesOf(list[i]); n > 1 && n*k > maxRanges {
			list[i] = &unranged{expression.UnaryExpressionStub{Child: list[i]}}
		} else {
			n = min(n*k, maxRanges+1)
		}
	}
	return expression.JoinAnd(list...)
}

func conjuncts(e sql.Expression, to []sql.Expression) []sql.Expression {
	if and, ok := e.(*expression.And); ok {
		return conjuncts(and.RightChild, conjuncts(and.LeftChild, to))
	}
	return append(to, e)
}

// rangesOf is how many ranges a condition is turned into at most, no more than maxRanges + 1.
func rangesOf(e sql.Expression) int {
	n := 1
	switch e := e.(type) {
	case *expression.And:
		n = rangesOf(e.LeftChild) * rangesOf(e.RightChild)
	case *expression.Or:
		n = rangesOf(e.LeftChild) + rangesOf(e.RightChild)
	default:
		op, _, right, ok := analyzer.IndexLeafChildren(e)
		if !ok {
			return 1
		}
		if op == sql.IndexScanOpNotEq {
			n = 2
		}
		if list, ok := right.(expression.Tuple); ok {
			n = len(list) + 1
		}
	}
	return max(min(n, maxRanges+1), 1)
}

// unranged is a condition that no index is to be searched by.
type unranged struct{ expression.UnaryExpressionStub }

var _ sql.Expression = (*unranged)(nil)

func (u *unranged) String() string                              { return u.Child.String() }
func (u *unranged) Type(c *sql.Context) sql.Type                { return u.Child.Type(c) }
func (u *unranged) IsNullable(c *sql.Context) bool              { return u.Child.IsNullable(c) }
func (u *unranged) Eval(c *sql.Context, r sql.Row) (any, error) { return u.Child.Eval(c, r) }

func (u *unranged) WithChildren(c *sql.Context, children ...sql.Expression) (sql.Expression, error) {
	if len(children) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(u, len(children), 1)
	}
	return &unranged{expression.UnaryExpressionStub{Child: children[0]}}, nil
}
