package general

import (
	"context"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/vt/sqlparser"
)

// The library binds the aggregates of HAVING twice: first where all columns of FROM are known, then where only those are that it looked up
// by their bare names, so that of two tables with a column c it knows one. Here a column within such an aggregate keeps what it was bound to
// the first time.

// noAuth: the privileges of the column are checked with its table.
var noAuth = sqlparser.AuthInformation{AuthType: sqlparser.AuthType_IGNORE}

// havingColumn is a column within an aggregate of HAVING.
type havingColumn struct {
	column *sqlparser.ColName
	child  sqlparser.Exprs // the column until it is bound, then what gives bound
	bound  sql.Expression
}

// WithResolvedChildren implements sqlparser.Injectable.
func (h *havingColumn) WithResolvedChildren(_ context.Context, ch []any) (any, error) {
	e := ch[0].(sql.Expression)
	if h.bound == nil {
		h.bound = e
		h.child[0] = sqlparser.InjectedExpr{Auth: noAuth, Expression: boundColumn{e}}
	}
	return e, nil
}

// String is the column as it was written.
func (h *havingColumn) String() string { return sqlparser.String(h.column) }

type boundColumn struct{ sql.Expression }

// WithResolvedChildren implements sqlparser.Injectable.
func (b boundColumn) WithResolvedChildren(context.Context, []any) (any, error) {
	return b.Expression, nil
}

var aggregates = map[string]bool{"avg": true, "bit_and": true, "bit_or": true, "bit_xor": true, "count": true, "max": true, "min": true, "std": true,
	"stddev": true, "stddev_pop": true, "stddev_samp": true, "sum": true, "var_pop": true, "var_samp": true, "variance": true}

// bindHaving prepares the aggregates in the HAVING clauses of joins for the planner. It may be called again for a statement that is executed again.
func bindHaving(st sqlparser.Statement) {
	node, ok := st.(sqlparser.SQLNode)
	if !ok {
		return
	}
	_ = sqlparser.Walk(func(n sqlparser.SQLNode) (bool, error) {
		s, ok := n.(*sqlparser.Select)
		if !ok || s == nil || s.Having == nil || oneTable(s.From) {
			return true, nil
		}
		_ = sqlparser.Walk(func(n sqlparser.SQLNode) (bool, error) {
			switch n := n.(type) {
			case *sqlparser.Subquery:
				return false, nil
			case *sqlparser.FuncExpr:
				if n != nil && n.Over == nil && aggregates[n.Name.Lowered()] {
					bindColumns(n)
					return false, nil
				}
			}
			return true, nil
		}, s.Having.Expr)
		return true, nil
	}, node)
}

func oneTable(from sqlparser.TableExprs) bool {
	if len(from) != 1 {
		return len(from) == 0
	}
	_, ok := from[0].(*sqlparser.AliasedTableExpr)
	return ok
}

func bindColumns(f *sqlparser.FuncExpr) {
	for _, arg := range f.Exprs {
		a, ok := arg.(*sqlparser.AliasedExpr)
		if !ok {
			continue
		}
		var columns []*sqlparser.ColName
		_ = sqlparser.Walk(func(n sqlparser.SQLNode) (bool, error) {
			switch n := n.(type) {
			case *sqlparser.Subquery:
				return false, nil
			case sqlparser.InjectedExpr:
				if h, ok := n.Expression.(*havingColumn); ok { // of an earlier execution
					h.child[0], h.bound = h.column, nil
				}
				return false, nil
			case *sqlparser.ColName:
				if n != nil && n.StoredProcVal == nil && !strings.HasPrefix(n.Name.String(), "@") {
					columns = append(columns, n)
				}
			}
			return true, nil
		}, a.Expr)
		for _, col := range columns {
			h := &havingColumn{column: col, child: sqlparser.Exprs{col}}
			a.Expr = sqlparser.ReplaceExpr(a.Expr, col, sqlparser.InjectedExpr{Auth: noAuth, Expression: h, Children: h.child})
		}
	}
}
