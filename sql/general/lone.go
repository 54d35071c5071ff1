package general

import (
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
	"github.com/dolthub/go-mysql-server/sql/types"
)

// lone is an expression of nothing, RAND() or @@version, beside aggregates. The library takes whatever has no operands, and is no literal, for a
// column, which must be aggregated (1140) or grouped by (1055); so this one has a literal for an operand.
type lone struct{ sql.Expression }

func (x *lone) Children() []sql.Expression {
	return []sql.Expression{expression.NewLiteral(nil, types.Null)}
}

func (x *lone) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(x, len(ch), 1)
	}
	return x, nil
}

// besideGroups gives such expressions of a projection of groups an operand.
func besideGroups(c *sql.Context, p *plan.Project) (sql.Node, error) {
	for n := p.Child; ; {
		switch x := n.(type) {
		case *plan.Having:
			n = x.Child
			continue
		case *plan.Sort:
			n = x.Child
			continue
		case *plan.GroupBy:
		default:
			return p, nil
		}
		break
	}
	n, _, err := transform.OneNodeExpressions(c, p, func(_ *sql.Context, e sql.Expression) (sql.Expression, transform.TreeIdentity, error) {
		switch e.(type) {
		case *expression.GetField, *expression.Literal, *plan.Subquery, *lone, *expression.BindVar, *expression.ProcedureParam, sql.Aggregation:
			return e, transform.SameTree, nil
		}
		if len(e.Children()) > 0 {
			return e, transform.SameTree, nil
		}
		return &lone{e}, transform.NewTree, nil
	})
	return n, err
}
