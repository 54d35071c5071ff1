package general

import (
	"fmt"
	"maps"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// Subqueries of ON DUPLICATE KEY UPDATE that refer to the row: the library plans none there. Each becomes a call whose arguments are the columns that
// it refers to, and is a query of its own with their values in their place, run for each row that is updated.

const rowQueryFunction = "zorya_row_query" // (query, columns ...)

func init() {
	ownFunctions[rowQueryFunction] = func(*Engine) sql.Function {
		return sql.FunctionN{Name: rowQueryFunction, Fn: newRowQuery}
	}
}

// rowQueries puts the calls into an INSERT.
func (s *Session) rowQueries(c *sql.Context, ins *sqlparser.Insert) error {
	for _, set := range ins.OnDup {
		var found []sqlparser.Expr
		_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
			switch n := n.(type) {
			case *sqlparser.ExistsExpr:
				found = append(found, n)
				return false, nil
			case *sqlparser.ComparisonExpr:
				if _, ok := n.Right.(*sqlparser.Subquery); ok && (n.Operator == sqlparser.InStr || n.Operator == sqlparser.NotInStr) {
					found = append(found, n)
					return false, nil
				}
			case *sqlparser.Subquery:
				found = append(found, n)
				return false, nil
			}
			return true, nil
		}, set.Expr)
		for _, e := range found {
			call, err := s.rowQuery(c, e)
			if err != nil {
				return err
			}
			if call != nil {
				set.Expr = sqlparser.ReplaceExpr(set.Expr, e, call)
			}
		}
	}
	return nil
}

// rowQuery is the call that stands for an expression with a subquery, nil if the subquery does not refer to the row.
func (s *Session) rowQuery(c *sql.Context, e sqlparser.Expr) (sqlparser.Expr, error) {
	call := &sqlparser.FuncExpr{Name: sqlparser.NewColIdent(rowQueryFunction), Exprs: sqlparser.SelectExprs{nil}}
	refers := false
	sc := &viewScope{s: s, c: c, outer: func(n sqlparser.Expr, within bool) sqlparser.Expr {
		refers = refers || within
		call.Exprs = append(call.Exprs, &sqlparser.AliasedExpr{Expr: n})
		return sqlparser.NewValArg([]byte(":" + rowArgument(len(call.Exprs)-2)))
	}}
	own := sc.copy(e)
	err := holdNames(e, own)
	if err == nil {
		own, err = sc.expr(own, nil)
	}
	if err != nil || !refers {
		return nil, err
	}
	call.Exprs[0] = &sqlparser.AliasedExpr{Expr: sqlparser.NewStrVal([]byte("select " + sqlparser.String(own)))}
	return call, nil
}

func rowArgument(i int) string { return fmt.Sprintf("zrow%d", i) }

// rowQueryCall is such a call.
type rowQueryCall struct {
	expression.NaryExpression // the columns
	text                      string
	st                        *Statement
	t                         sql.Type
}

func newRowQuery(c *sql.Context, args ...sql.Expression) (sql.Expression, error) {
	s, x := sessionOf(c), executionOf(c)
	if s == nil || x == nil || len(args) == 0 {
		return nil, mysqlerr.New(mysqlerr.ER_SP_DOES_NOT_EXIST, "FUNCTION", rowQueryFunction)
	}
	v, err := args[0].Eval(c, nil)
	if err != nil {
		return nil, err
	}
	q := &rowQueryCall{NaryExpression: expression.NaryExpression{ChildExpressions: args[1:]}}
	q.text, _ = datum.Text(v)
	if q.st, _, err = s.parseGMS(q.text, ""); err != nil {
		return nil, err
	}
	values := make([]sql.Expression, len(args)-1)
	for i, a := range args[1:] {
		t := sql.Type(types.Null)
		if a.Resolved() {
			t = a.Type(c)
		}
		values[i] = expression.NewLiteral(nil, t)
	}
	return q, q.nested(x, values, func() error {
		bound, _, err := s.bindOnly(c, x, q.st.ast, q.text)
		if err != nil {
			return err
		}
		if columns := bound.Schema(c); len(columns) != 1 {
			return mysqlerr.New(mysqlerr.ER_OPERAND_COLUMNS, 1)
		}
		q.t = bound.Schema(c)[0].Type
		return nil
	})
}

// nested does something of the query within the execution of the statement.
func (q *rowQueryCall) nested(x *execution, values []sql.Expression, do func() error) error {
	save := *x
	x.st, x.bindings = q.st, maps.Clone(x.bindings)
	if x.bindings == nil {
		x.bindings = map[string]sql.Expression{}
	}
	for i, v := range values {
		x.bindings[rowArgument(i)] = v
	}
	x.multi, x.viewChecks, x.behind = nil, nil, nil
	x.silent++
	defer func() {
		x.st, x.bindings, x.multi, x.viewChecks, x.behind, x.silent = save.st, save.bindings, save.multi, save.viewChecks, save.behind, save.silent
		x.phase, x.strict, x.planned, x.spans, x.partial, x.dest, x.firing = save.phase, save.strict, save.planned, save.spans, save.partial, save.dest, save.firing
	}()
	return do()
}

func (q *rowQueryCall) Type(*sql.Context) sql.Type   { return q.t }
func (q *rowQueryCall) IsNullable(*sql.Context) bool { return true }
func (q *rowQueryCall) IsNonDeterministic() bool     { return true } // of the row
func (q *rowQueryCall) String() string               { return strings.TrimPrefix(q.text, "select ") }

func (q *rowQueryCall) CollationCoercibility(c *sql.Context) (sql.CollationID, byte) {
	if t, ok := q.t.(sql.TypeWithCollation); ok {
		return t.Collation(), 2
	}
	return sql.Collation_binary, 5
}

func (q *rowQueryCall) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != len(q.ChildExpressions) {
		return nil, sql.ErrInvalidChildrenNumber.New(q, len(ch), len(q.ChildExpressions))
	}
	out := *q
	out.ChildExpressions = ch
	return &out, nil
}

func (q *rowQueryCall) Eval(c *sql.Context, r sql.Row) (v any, err error) {
	s, x := sessionOf(c), executionOf(c)
	values := make([]sql.Expression, len(q.ChildExpressions))
	for i, e := range q.ChildExpressions {
		v, err := e.Eval(c, r)
		if err != nil {
			return nil, err
		}
		values[i] = expression.NewLiteral(v, e.Type(c))
	}
	err = q.nested(x, values, func() error {
		node, flags, err := s.analyze(c, x, q.st.ast, q.text)
		if err != nil {
			return err
		}
		iter, _, err := s.iterator(c, x, node, flags)
		if err != nil {
			return err
		}
		rows, err := sql.RowIterToRows(c, iter)
		if err == nil && len(rows) > 0 {
			v = rows[0][0]
		}
		return err
	})
	return v, err
}
