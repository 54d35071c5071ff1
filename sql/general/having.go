package general

import (
	"context"
	"reflect"
	"strconv"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/expression/function/aggregation"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/grammar"
)

// The library binds the aggregates of HAVING twice: first where all columns of FROM are known, then where only those are that it looked up
// by their bare names, so that of two tables with a column c it knows one. Here a column within such an aggregate keeps what it was bound to
// the first time.

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
		h.child[0] = sqlparser.InjectedExpr{Auth: grammar.NoAuth, Expression: boundColumn{e}}
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

// havingConcat is a GROUP_CONCAT of HAVING. The library looks for aggregates there among function calls, which its grammar's GROUP_CONCAT is not, so
// that one which the select list has not got is never computed. Here it is the argument of a call of group_concat (catalog.Function).
type havingConcat struct{ *sqlparser.GroupConcatExpr }

// WithResolvedChildren implements sqlparser.Injectable: children are the arguments and then what they are ordered by.
func (h *havingConcat) WithResolvedChildren(ctx context.Context, ch []any) (any, error) {
	exprs := make([]sql.Expression, len(ch))
	for i := range ch {
		exprs[i] = ch[i].(sql.Expression)
	}
	args, by := exprs[:len(h.Exprs)], exprs[len(h.Exprs):]
	orders := make(sql.SortConditions, len(by))
	for i, o := range h.OrderBy {
		orders[i] = sql.SortCondition{Expr: by[i], Order: sql.Ascending}
		if strings.EqualFold(o.Direction, sqlparser.DescScr) {
			orders[i].Order = sql.Descending
		}
	}
	separator := ","
	if !h.Separator.DefaultSeparator {
		separator = h.Separator.SeparatorString
	}
	c := ctx.(*sql.Context)
	most, err := c.GetSessionVariable(c, "group_concat_max_len")
	if err != nil {
		return nil, err
	}
	n, _ := datum.Whole(most) // the variable is an integer
	return aggregation.NewGroupConcat(h.Distinct, orders, separator, args, int(n)), nil
}

// String is the call as it was written.
func (h *havingConcat) String() string { return sqlparser.String(h.GroupConcatExpr) }

// concatFunction makes an aggregate of a havingConcat.
var concatFunction = sql.Function1{Name: "group_concat", Fn: func(_ *sql.Context, e sql.Expression) sql.Expression { return e }}

// Function finds a function as the library does, and what only HAVING calls.
func (c *catalog) Function(ctx *sql.Context, schema, name string) (sql.Function, bool) {
	if name == concatFunction.Name {
		return concatFunction, true
	}
	return c.Catalog.Function(ctx, schema, name)
}

var aggregates = map[string]bool{"avg": true, "bit_and": true, "bit_or": true, "bit_xor": true, "count": true, "group_concat": true, "json_arrayagg": true,
	"json_objectagg": true, "max": true, "min": true, "std": true, "stddev": true, "stddev_pop": true, "stddev_samp": true, "sum": true, "var_pop": true,
	"var_samp": true, "variance": true}

// bindHaving prepares the aggregates in HAVING clauses, and what ORDER BY names, for the planner. It may be called again for a statement that is executed again.
func bindHaving(st sqlparser.Statement) {
	node, ok := st.(sqlparser.SQLNode)
	if !ok {
		return
	}
	_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) {
		s, ok := n.(*sqlparser.Select)
		if !ok || s == nil {
			return true, nil
		}
		bindRollup(s)
		sortByColumns(s)
		grammar.SwapExprs(reflect.ValueOf(s.OrderBy), func(e sqlparser.Expr) sqlparser.Expr {
			switch e := e.(type) {
			case *sqlparser.Subquery:
				return e
			case *sqlparser.GroupConcatExpr: // beside the same one in the select list it is an ambiguous name to the library
				return bindConcat(e)
			}
			return nil
		})
		if s.Having == nil {
			return true, nil
		}
		bindVariables(s.Having)
		joins := !oneTable(s.From)
		grammar.SwapExprs(reflect.ValueOf(s.Having), func(e sqlparser.Expr) sqlparser.Expr {
			switch e := e.(type) {
			case *sqlparser.Subquery:
				return e
			case *sqlparser.GroupConcatExpr:
				return bindConcat(e)
			case *sqlparser.FuncExpr:
				if e.Over == nil && aggregates[e.Name.Lowered()] {
					if joins || e.Name.EqualString(concatFunction.Name) {
						bindColumns(e)
					}
					return e
				}
			}
			return nil
		})
		return true, nil
	}, node)
}

// bindVariables has the variables of a HAVING bound outside of the library's search for columns there, which takes them for some.
func bindVariables(having *sqlparser.Where) {
	grammar.SwapExprs(reflect.ValueOf(having), func(e sqlparser.Expr) sqlparser.Expr {
		switch e := e.(type) {
		case *sqlparser.Subquery:
			return e
		case *sqlparser.ColName:
			if strings.HasPrefix(e.Name.String(), "@") || strings.HasPrefix(e.Qualifier.Name.String(), "@@") {
				return sqlparser.InjectedExpr{Auth: grammar.NoAuth, Expression: &havingVariable{e}}
			}
		}
		return nil
	})
}

// havingVariable is a variable of HAVING.
type havingVariable struct{ *sqlparser.ColName }

// WithResolvedChildren implements sqlparser.Injectable.
func (h *havingVariable) WithResolvedChildren(ctx context.Context, _ []any) (any, error) {
	c := ctx.(*sql.Context)
	var parts []string
	for _, part := range []string{h.Qualifier.DbQualifier.String(), h.Qualifier.Name.String(), h.Name.String()} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	name, scope, given, err := sqlparser.VarScope(parts...)
	if err != nil {
		return nil, err
	}
	switch scope {
	case sqlparser.SetScope_User:
		t, _, err := c.GetUserVariable(c, name)
		if err != nil || t == nil {
			return expression.NewUserVar(name), err
		}
		return expression.NewUserVarWithType(name, t), nil
	case sqlparser.SetScope_Global:
		return expression.NewSystemVar(name, sql.GetMysqlScope(sql.SystemVariableScope_Global), given), nil
	}
	v, _, ok := sql.SystemVariables.GetGlobal(name)
	if !ok {
		return nil, sql.ErrUnknownSystemVariable.New(name)
	}
	return expression.NewSystemVar(name, v.GetSessionScope(), given), nil
}

// String is the variable as it was written.
func (h *havingVariable) String() string { return sqlparser.String(h.ColName) }

func oneTable(from sqlparser.TableExprs) bool {
	if len(from) != 1 {
		return len(from) == 0
	}
	_, ok := from[0].(*sqlparser.AliasedTableExpr)
	return ok
}

// bindConcat is the call of group_concat that stands for the one of HAVING. ORDER BY n is by the n-th argument.
func bindConcat(g *sqlparser.GroupConcatExpr) sqlparser.Expr {
	var children sqlparser.Exprs
	for _, arg := range g.Exprs {
		a, ok := arg.(*sqlparser.AliasedExpr)
		if !ok {
			return g
		}
		children = append(children, a.Expr)
	}
	for _, o := range g.OrderBy {
		e := o.Expr
		if v, ok := e.(*sqlparser.SQLVal); ok && v.Type == sqlparser.IntVal {
			n, err := strconv.Atoi(string(v.Val))
			if err != nil || n < 1 || n > len(g.Exprs) {
				return g
			}
			e = children[n-1]
		}
		children = append(children, e)
	}
	for i := range children {
		children[i] = bindExpr(children[i])
	}
	all := sqlparser.InjectedExpr{Auth: grammar.NoAuth, Expression: &havingConcat{g}, Children: children}
	return &sqlparser.FuncExpr{Name: sqlparser.NewColIdent(concatFunction.Name), Exprs: sqlparser.SelectExprs{&sqlparser.AliasedExpr{Expr: all}}}
}

func bindColumns(f *sqlparser.FuncExpr) {
	for _, arg := range f.Exprs {
		if a, ok := arg.(*sqlparser.AliasedExpr); ok {
			a.Expr = bindExpr(a.Expr)
		}
	}
}

// bindExpr is an aggregate's argument whose columns keep what they are bound to first.
func bindExpr(e sqlparser.Expr) sqlparser.Expr {
	var columns []*sqlparser.ColName
	_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) {
		switch n := n.(type) {
		case *sqlparser.Subquery:
			return false, nil
		case sqlparser.InjectedExpr:
			if h, ok := n.Expression.(*havingColumn); ok { // of an earlier execution
				h.child[0], h.bound = h.column, nil
				return false, nil
			}
			_, ok := n.Expression.(*havingConcat)
			return ok, nil
		case *sqlparser.ColName:
			if n != nil && n.StoredProcVal == nil && !strings.HasPrefix(n.Name.String(), "@") {
				columns = append(columns, n)
			}
		}
		return true, nil
	}, e)
	for _, col := range columns {
		h := &havingColumn{column: col, child: sqlparser.Exprs{col}}
		e = sqlparser.ReplaceExpr(e, col, sqlparser.InjectedExpr{Auth: grammar.NoAuth, Expression: h, Children: h.child})
	}
	return e
}
