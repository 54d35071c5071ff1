package rules

import (
	"slices"
	"strings"

	"github.com/cockroachdb/apd/v3"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/analyzer"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/exact"
)

// RangeBound keeps the ranges of an index that a condition is turned into bounded. `a IN (...) AND b IN (...) AND c IN (...)` over an index of all three has the
// product of the lists: a line of SQL would take the memory of the instance, in a place that no KILL reaches. What would exceed maxRanges is left to
// the filter above the scan, as MySQL gives up ranges past range_optimizer_max_mem_size. The bound is low because the library holds each range against each other. A
// single list is as long as it likes.
type RangeBound struct{}

const (
	maxRanges = 1000
	// MaxExcluded bounds a NOT IN that ranges are made of, as MySQL has its NOT_IN_IGNORE_THRESHOLD: the library cuts all the ranges there are at each further value.
	MaxExcluded = 100
)

var _ sql.ExpressionTreeFilter = RangeBound{}

// Next implements sql.ExpressionTreeFilter: it is shown each conjunction, disjunction and comparison before the index coster looks at it.
func (RangeBound) Next(e sql.Expression) sql.Expression {
	e = unpadded(compared(e))
	if _, ok := e.(*expression.And); !ok {
		return fewExcluded(e)
	}
	list, split := exact.Conjuncts(e, nil), false
	for i := 0; i < len(list); i++ {
		if and, ok := compared(list[i]).(*expression.And); ok {
			list, split = slices.Replace(list, i, i+1, and.LeftChild, and.RightChild), true
		}
		if few := fewExcluded(list[i]); few != list[i] {
			list[i], split = few, true
		}
	}
	if split {
		e = expression.JoinAnd(list...)
	}
	if rangesOf(e) <= maxRanges {
		return e
	}
	for i, n := 0, 1; i < len(list); i++ {
		if k := rangesOf(list[i]); n > 1 && n*k > maxRanges {
			list[i] = &unranged{expression.UnaryExpressionStub{Child: list[i]}}
		} else {
			n = min(n*k, maxRanges+1)
		}
	}
	return expression.JoinAnd(list...)
}

// compared is the comparisons that a BETWEEN of a column, a LIKE, or the negation of a BETWEEN or of a comparison, stands for, as the index coster knows nothing else; any other
// condition is itself. The library's rules that say so see no UPDATE and no DELETE of one table, which would read, and lock, all of it. Conjunctions of its result
// must stay flat: the index coster forgets, at one within another, which conditions its ranges meet only roughly.
func compared(e sql.Expression) sql.Expression {
	switch e := e.(type) {
	case *expression.Between:
		if _, ok := e.Val.(*expression.GetField); ok {
			return expression.NewAnd(expression.NewGreaterThanOrEqual(e.Val, e.Lower), expression.NewLessThanOrEqual(e.Val, e.Upper))
		}
	case *expression.Like:
		return likeRange(e)
	case *expression.Not:
		switch of := e.Child.(type) {
		case *expression.Equals:
			if fraction(of.Left()) || fraction(of.Right()) {
				return expression.NewOr(expression.NewLessThan(of.Left(), of.Right()), expression.NewGreaterThan(of.Left(), of.Right()))
			}
		case *expression.Between:
			if _, ok := of.Val.(*expression.GetField); ok {
				return expression.NewOr(expression.NewLessThan(of.Val, of.Lower), expression.NewGreaterThan(of.Val, of.Upper))
			}
		case *expression.GreaterThan:
			return expression.NewLessThanOrEqual(of.Left(), of.Right())
		case *expression.GreaterThanOrEqual:
			return expression.NewLessThan(of.Left(), of.Right())
		case *expression.LessThan:
			return expression.NewGreaterThanOrEqual(of.Left(), of.Right())
		case *expression.LessThanOrEqual:
			return expression.NewGreaterThan(of.Left(), of.Right())
		}
	}
	return e
}

// fraction reports whether e is a number that is not whole. The library takes no column for equal to one, whatever its type is, and drops the condition.
func fraction(e sql.Expression) bool {
	l, ok := e.(*expression.Literal)
	if !ok {
		return false
	}
	switch v := l.Value().(type) {
	case float32:
		return float32(int64(v)) != v
	case float64:
		return float64(int64(v)) != v
	case *apd.Decimal:
		return v.Exponent < 0
	}
	return false
}

// fewExcluded is a condition, as one that no index is searched by if it is a NOT IN of more than MaxExcluded values, or of fractions.
func fewExcluded(e sql.Expression) sql.Expression {
	if op, _, right, ok := analyzer.IndexLeafChildren(e); ok && op == sql.IndexScanOpNotInSet {
		if list, ok := right.(expression.Tuple); ok && (len(list) > MaxExcluded || slices.ContainsFunc(list, fraction)) {
			return &unranged{expression.UnaryExpressionStub{Child: e}}
		}
	}
	return e
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

// unpadded is a comparison of a column whose collation ignores trailing blanks with texts that have none, which compare alike. The library, which makes ranges of
// comparisons and joins and cuts those, would hold 'a' and 'a ' for two values.
func unpadded(e sql.Expression) sql.Expression {
	if not, ok := e.(*expression.Not); ok {
		if child := unpadded(not.Child); child != not.Child {
			return expression.NewNot(child)
		}
		return e
	}
	if _, _, _, ok := analyzer.IndexLeafChildren(e); !ok || len(e.Children()) != 2 {
		return e
	}
	sides, text := slices.Clone(e.Children()), 1
	if _, ok := sides[0].(*expression.Literal); ok {
		text = 0
	}
	trimmed := withoutBlanks(sides[text])
	column, ok := sides[1-text].(*expression.GetField)
	if trimmed == nil || !ok {
		return e
	}
	t, ok := column.Type(nil).(sql.StringType)
	if !ok || !types.IsTextOnly(t) || !exact.Padded(t.Collation()) {
		return e
	}
	sides[text] = trimmed
	if out, err := e.WithChildren(nil, sides...); err == nil {
		return out
	}
	return e
}

// withoutBlanks is a literal text, or a list of some, without trailing blanks; nil: it has none.
func withoutBlanks(e sql.Expression) sql.Expression {
	switch e := e.(type) {
	case *expression.Literal:
		if s, ok := e.Value().(string); ok && strings.HasSuffix(s, " ") {
			return expression.NewLiteral(strings.TrimRight(s, " "), e.Type(nil))
		}
	case expression.Tuple:
		var out expression.Tuple
		for i, m := range e {
			if trimmed := withoutBlanks(m); trimmed != nil {
				if out == nil {
					out = slices.Clone(e)
				}
				out[i] = trimmed
			}
		}
		if out != nil {
			return out
		}
	}
	return nil
}
