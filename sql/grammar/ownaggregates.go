package grammar

import (
	"context"
	"reflect"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/vitess/go/vt/sqlparser"
)

// SELECT g, SUM(v) / (SELECT SUM(v) FROM t) FROM t GROUP BY g: both queries have an aggregate, and to the library's binder, which knows aggregates by their text
// and looks for them in the queries around as well, they are one. So the argument of the subquery's has another text until the statement is bound.

// ownAggregates keeps the aggregates of a query's subqueries apart from those of the query that have the same function.
func ownAggregates(sel *sqlparser.Select) {
	outer := map[string]bool{}
	queries := []*sqlparser.Subquery{}
	look := func(list any) {
		SwapExprs(reflect.ValueOf(list), func(e sqlparser.Expr) sqlparser.Expr {
			if q := queryOf(e); q != nil {
				queries = append(queries, q)
				return e
			}
			if f, ok := e.(*sqlparser.FuncExpr); ok && isAggregate(e) {
				outer[f.Name.Lowered()] = true
			}
			return nil
		})
	}
	look(sel.SelectExprs)
	look(sel.OrderBy)
	if sel.Having != nil {
		look(&sel.Having.Expr)
	}
	if len(outer) == 0 {
		return
	}
	for _, q := range queries {
		SwapExprs(reflect.ValueOf(q.Select), func(e sqlparser.Expr) sqlparser.Expr {
			f, ok := e.(*sqlparser.FuncExpr)
			if !ok || !isAggregate(e) || !outer[f.Name.Lowered()] || len(f.Exprs) == 0 {
				return nil
			}
			if arg, ok := f.Exprs[0].(*sqlparser.AliasedExpr); ok {
				arg.Expr = sqlparser.InjectedExpr{Auth: NoAuth, Expression: ownArgumentOf{arg.Expr}, Children: sqlparser.Exprs{arg.Expr}}
			}
			return nil
		})
	}
}

// ownArgumentOf is the argument of an aggregate of a subquery.
type ownArgumentOf struct{ e sqlparser.Expr }

// WithResolvedChildren implements sqlparser.Injectable.
func (o ownArgumentOf) WithResolvedChildren(_ context.Context, ch []any) (any, error) {
	return &OwnArgument{expression.UnaryExpressionStub{Child: ch[0].(sql.Expression)}}, nil
}

// String is the argument as it was written.
func (o ownArgumentOf) String() string { return sqlparser.String(o.e) }

// OwnMark is what the text of such an argument begins with, and with it the name of the column that the aggregate is.
const OwnMark = "\x01"

// OwnArgument is that argument for the binder; retype takes it out.
type OwnArgument struct{ expression.UnaryExpressionStub }

func (o *OwnArgument) Type(c *sql.Context) sql.Type                { return o.Child.Type(c) }
func (o *OwnArgument) String() string                              { return OwnMark + o.Child.String() }
func (o *OwnArgument) Eval(c *sql.Context, r sql.Row) (any, error) { return o.Child.Eval(c, r) }
func (o *OwnArgument) CollationCoercibility(c *sql.Context) (sql.CollationID, byte) {
	return sql.GetCoercibility(c, o.Child)
}

func (o *OwnArgument) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(o, len(ch), 1)
	}
	return &OwnArgument{expression.UnaryExpressionStub{Child: ch[0]}}, nil
}
