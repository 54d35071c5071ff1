package general

import (
	"strconv"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// INSERT ... SELECT ... ON DUPLICATE KEY UPDATE v = t.a: columns of the query's tables, whether or not its select list has them. The library knows the select
// list. So one of its items becomes a call that notes them on the way, for the row that is inserted next: rows come one by one. MySQL, too, takes such
// columns of queries without groups, DISTINCT and UNION alone.

const (
	carryFunction   = "zorya_carry"   // (item, columns ...)
	carriedFunction = "zorya_carried" // (number of the column)
)

func init() {
	ownFunctions[carryFunction] = func(*Engine) sql.Function { return sql.FunctionN{Name: carryFunction, Fn: newCarry} }
	ownFunctions[carriedFunction] = func(*Engine) sql.Function { return sql.FunctionN{Name: carriedFunction, Fn: newCarried} }
}

// carryColumns puts the calls into an INSERT whose rows come from sel. others are the tables that sel names, nil for a derived one.
func (s *Session) carryColumns(c *sql.Context, x *execution, ins *sqlparser.Insert, sel *sqlparser.Select, others []*tabledef.Table) {
	if len(sel.GroupBy) > 0 || sel.QueryOpts.Distinct || grammar.Groups(sel.SelectExprs) || grammar.Groups(sel.Having) {
		return
	}
	names, derived := map[string]bool{}, false
	grammar.NamedIn(sel.From, names)
	_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
		if t, ok := n.(*sqlparser.AliasedTableExpr); ok {
			_, base := t.Expr.(sqlparser.TableName)
			derived = derived || !base
			return false, nil
		}
		return true, nil
	}, sel.From)
	aliases := map[string]bool{}
	for _, e := range sel.SelectExprs {
		if a, ok := e.(*sqlparser.AliasedExpr); ok {
			aliases[a.As.Lowered()] = true
		}
	}
	of := func(col *sqlparser.ColName) bool {
		name := col.Name.String()
		if !col.Qualifier.IsEmpty() {
			table := strings.ToLower(col.Qualifier.Name.String())
			return names[table] && table != strings.ToLower(ins.Table.Name.String())
		}
		if strings.HasPrefix(name, "@") || col.StoredProcVal != nil || x.dest == nil || x.dest.Has(name) || aliases[strings.ToLower(name)] {
			return false
		}
		for _, m := range others {
			if m != nil && m.Has(name) {
				return true
			}
		}
		return derived
	}
	var columns []*sqlparser.ColName
	for _, set := range ins.OnDup {
		_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) {
			if col, ok := n.(*sqlparser.ColName); ok && col != nil && of(col) {
				columns = append(columns, col)
			}
			_, query := n.(*sqlparser.Subquery)
			return !query, nil
		}, set.Expr)
	}
	if len(columns) == 0 {
		return
	}
	item := s.carrier(c, sel)
	if item == nil {
		return
	}
	call := &sqlparser.FuncExpr{Name: sqlparser.NewColIdent(carryFunction), Exprs: sqlparser.SelectExprs{&sqlparser.AliasedExpr{Expr: item.Expr}}}
	for i, col := range columns {
		kept := *col
		call.Exprs = append(call.Exprs, &sqlparser.AliasedExpr{Expr: &kept})
		number := &sqlparser.AliasedExpr{Expr: sqlparser.NewStrVal([]byte(strconv.Itoa(i)))}
		for _, set := range ins.OnDup {
			set.Expr = sqlparser.ReplaceExpr(set.Expr, col, &sqlparser.FuncExpr{Name: sqlparser.NewColIdent(carriedFunction), Exprs: sqlparser.SelectExprs{number}})
		}
	}
	item.Expr, item.As, item.InputExpression = call, sqlparser.ColIdent{}, ""
}

// carrier is an item of the select list that is computed last, nil if there is none: no name of it is sorted or filtered by.
func (s *Session) carrier(c *sql.Context, sel *sqlparser.Select) *sqlparser.AliasedExpr {
	used, numbers := map[string]bool{}, map[int]bool{}
	_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
		if col, ok := n.(*sqlparser.ColName); ok && col != nil {
			used[col.Name.Lowered()] = true
		}
		return true, nil
	}, sel.OrderBy, sel.Having)
	for _, o := range sel.OrderBy {
		if v, ok := o.Expr.(*sqlparser.SQLVal); ok && v.Type == sqlparser.IntVal {
			n, _ := strconv.Atoi(string(v.Val)) // a number by its type
			numbers[n] = true
		}
	}
	for i, e := range sel.SelectExprs {
		switch e := e.(type) {
		case *sqlparser.StarExpr:
			if len(numbers) > 0 {
				return nil
			}
			if list := s.starColumns(c, sel, e); list != nil {
				sel.SelectExprs = append(append(append(sqlparser.SelectExprs{}, sel.SelectExprs[:i]...), list...), sel.SelectExprs[i+1:]...)
				return list[0].(*sqlparser.AliasedExpr)
			}
		case *sqlparser.AliasedExpr:
			if !numbers[i+1] && (e.As.IsEmpty() || !used[e.As.Lowered()]) {
				return e
			}
		}
	}
	return nil
}

// starColumns are the columns that a star stands for, nil unless it is that of one table.
func (s *Session) starColumns(c *sql.Context, sel *sqlparser.Select, star *sqlparser.StarExpr) (list sqlparser.SelectExprs) {
	for _, from := range sel.From {
		_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
			t, ok := n.(*sqlparser.AliasedTableExpr)
			if !ok {
				return true, nil
			}
			name, base := t.Expr.(sqlparser.TableName)
			called := sqlparser.TableName{Name: t.As}
			if t.As.IsEmpty() {
				called = sqlparser.TableName{Name: name.Name}
			}
			whole := star.TableName.IsEmpty() && oneTable(sel.From)
			if !base || !whole && !strings.EqualFold(star.TableName.Name.String(), called.Name.String()) {
				return false, nil
			}
			if m := s.metaNamed(c, name); m != nil && list == nil {
				for _, column := range m.Visible() {
					list = append(list, &sqlparser.AliasedExpr{Expr: &sqlparser.ColName{Name: sqlparser.NewColIdent(column), Qualifier: called}})
				}
			}
			return false, nil
		}, from)
	}
	return list
}

// carry is the item, and notes the columns when it is computed.
type carry struct{ expression.NaryExpression }

func newCarry(c *sql.Context, args ...sql.Expression) (sql.Expression, error) {
	x := executionOf(c)
	if x == nil || len(args) == 0 {
		return nil, mysqlerr.New(mysqlerr.ER_SP_DOES_NOT_EXIST, "FUNCTION", carryFunction)
	}
	x.carriedTypes = make([]sql.Type, len(args)-1)
	for i, a := range args[1:] {
		x.carriedTypes[i] = a.Type(c)
	}
	return &carry{expression.NaryExpression{ChildExpressions: args}}, nil
}

func (e *carry) String() string                 { return e.ChildExpressions[0].String() }
func (e *carry) Type(c *sql.Context) sql.Type   { return e.ChildExpressions[0].Type(c) }
func (e *carry) IsNullable(c *sql.Context) bool { return e.ChildExpressions[0].IsNullable(c) }
func (e *carry) IsNonDeterministic() bool       { return true } // it is computed for each row

func (e *carry) CollationCoercibility(c *sql.Context) (sql.CollationID, byte) {
	return sql.GetCoercibility(c, e.ChildExpressions[0])
}

func (e *carry) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != len(e.ChildExpressions) {
		return nil, sql.ErrInvalidChildrenNumber.New(e, len(ch), len(e.ChildExpressions))
	}
	return &carry{expression.NaryExpression{ChildExpressions: ch}}, nil
}

func (e *carry) Eval(c *sql.Context, r sql.Row) (any, error) {
	x := executionOf(c)
	x.carried = x.carried[:0]
	for _, a := range e.ChildExpressions[1:] {
		v, err := a.Eval(c, r)
		if err != nil {
			return nil, err
		}
		x.carried = append(x.carried, v)
	}
	return e.ChildExpressions[0].Eval(c, r)
}

// carried is a column of the row that is inserted.
type carried struct {
	at int
	t  sql.Type
}

func newCarried(c *sql.Context, args ...sql.Expression) (sql.Expression, error) {
	x := executionOf(c)
	if x == nil || len(args) != 1 {
		return nil, mysqlerr.New(mysqlerr.ER_SP_DOES_NOT_EXIST, "FUNCTION", carriedFunction)
	}
	v, err := args[0].Eval(c, nil)
	if err != nil {
		return nil, err
	}
	text, _ := datum.Text(v)
	at, err := strconv.Atoi(text)
	if err != nil || at < 0 || at >= len(x.carriedTypes) {
		return nil, mysqlerr.New(mysqlerr.ER_WRONG_ARGUMENTS, carriedFunction)
	}
	return &carried{at, x.carriedTypes[at]}, nil
}

func (e *carried) Resolved() bool               { return true }
func (e *carried) String() string               { return carriedFunction + "(" + strconv.Itoa(e.at) + ")" }
func (e *carried) Type(*sql.Context) sql.Type   { return e.t }
func (e *carried) IsNullable(*sql.Context) bool { return true }
func (e *carried) Children() []sql.Expression   { return nil }
func (e *carried) IsNonDeterministic() bool     { return true } // its value is the row's

func (e *carried) CollationCoercibility(*sql.Context) (sql.CollationID, byte) { return asColumn(e.t) }

// asColumn is the collation and coercibility of a column of a type.
func asColumn(t sql.Type) (sql.CollationID, byte) {
	if of, ok := t.(sql.TypeWithCollation); ok && types.IsText(t) {
		return of.Collation(), 2
	}
	return sql.Collation_binary, 5
}

func (e *carried) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 0 {
		return nil, sql.ErrInvalidChildrenNumber.New(e, len(ch), 0)
	}
	return e, nil
}

func (e *carried) Eval(c *sql.Context, _ sql.Row) (any, error) {
	if x := executionOf(c); e.at < len(x.carried) {
		return x.carried[e.at], nil
	}
	return nil, nil
}
