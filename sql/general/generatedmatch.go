package general

import (
	"reflect"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/analyzer"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/builtin"
	"github.com/zoryadb/zorya/sql/rules"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// An expression of a condition or an order that is a generated column's, or that of a functional key part, is that column, as in MySQL: so an index on it serves.
// The library knows the rule for its own expressions and its hidden columns; ours have other types by then (package item).

// generatedColumn is an indexed column with the expression that makes it.
type generatedColumn struct {
	at   int // in the schema
	expr sql.Expression
}

// madeTable is a table in a statement that has such columns.
type madeTable struct {
	b     *base
	first sql.ColumnId // of its schema
	list  []generatedColumn
}

// byGenerated puts generated columns in the place of their expressions.
func (s *Session) byGenerated(c *sql.Context, x *execution, n sql.Node) (sql.Node, error) {
	var tables []madeTable
	var err error
	transform.InspectWithOpaque(c, n, func(c *sql.Context, n sql.Node) bool {
		rt, ok := n.(*plan.ResolvedTable)
		if !ok || err != nil {
			return err == nil
		}
		b := tableBase(rt.Table)
		if b == nil || !b.indexesGenerated() {
			return true
		}
		t := madeTable{b: b}
		if first, ok := rt.Columns().Next(1); ok && rt.Columns().Len() == len(b.schema) {
			t.first = first
			t.list, err = s.generatedColumns(c, b.m)
			tables = append(tables, t)
		}
		return true
	})
	if err != nil || len(tables) == 0 || namesHidden(c, n) {
		return n, err
	}
	out, same, err := transform.NodeWithOpaque(c, n, func(c *sql.Context, n sql.Node) (sql.Node, transform.TreeIdentity, error) {
		switch n.(type) {
		case *plan.Filter, *plan.JoinNode:
		case *plan.Sort:
			if aboveGroups(n) {
				return n, transform.SameTree, nil
			}
		default:
			return n, transform.SameTree, nil
		}
		return transform.OneNodeExpressions(c, n, func(c *sql.Context, e sql.Expression) (sql.Expression, transform.TreeIdentity, error) {
			for i := range tables {
				if gf := tables[i].column(c, e); gf != nil {
					return gf, transform.NewTree, nil
				}
			}
			return e, transform.SameTree, nil
		})
	})
	if err != nil || bool(same) {
		return n, err
	}
	x.generated = true
	return notSimple(c, out), nil
}

// notSimple makes a SELECT of one table one that the library analyses by its rules: it has a list of its own for the simplest, in which allowGenerated cannot stand.
func notSimple(c *sql.Context, n sql.Node) sql.Node {
	p, ok := n.(*plan.Project)
	if !ok {
		return n
	}
	f, ok := p.Child.(*plan.Filter)
	if !ok {
		return n
	}
	if _, ok = f.Child.(*plan.ResolvedTable); !ok {
		return n
	}
	out, err := p.WithChildren(c, plan.NewFilter(c, f.Expression, plan.NewFilter(c, expression.NewLiteral(true, types.Boolean), f.Child)))
	if err != nil {
		return n
	}
	return out
}

// indexesGenerated reports whether an index of the table is over a generated column.
func (b *base) indexesGenerated() bool {
	for i := range b.m.Def.Indexes {
		if b.m.Def.Indexes[i].Kind != "" {
			continue
		}
		for _, p := range b.m.Def.Indexes[i].Parts {
			if b.m.Columns[p.Column].Generated != "" {
				return true
			}
		}
	}
	return false
}

// generatedColumns are those of a table that have an index.
func (s *Session) generatedColumns(c *sql.Context, m *tabledef.Table) (out []generatedColumn, err error) {
	exprs, err := s.bindColumns(c, m, generatedOf)
	if err != nil {
		return nil, err
	}
	seen := map[int]bool{}
	for i := range m.Def.Indexes {
		if m.Def.Indexes[i].Kind != "" {
			continue
		}
		for _, p := range m.Def.Indexes[i].Parts {
			if exprs[p.Column] == nil || seen[p.Column] {
				continue
			}
			seen[p.Column] = true
			e := exprs[p.Column]
			if v, ok := e.(*sql.ColumnDefaultValue); ok {
				e = v.Expr
			}
			if _, plain := e.(*expression.GetField); !plain && (m.Schema[p.Column].HiddenSystem || alikeTypes(e.Type(c), m.Schema[p.Column].Type)) {
				out = append(out, generatedColumn{p.Column, e})
			}
		}
	}
	return out, nil
}

// alikeTypes reports whether a column holds the values of its expression as they are.
func alikeTypes(e, col sql.Type) bool {
	switch {
	case types.IsInteger(col):
		return types.IsInteger(e)
	case types.IsDecimal(col):
		d, ok := e.(sql.DecimalType)
		return ok && d.Scale() == col.(sql.DecimalType).Scale()
	case types.IsFloat(col):
		return types.IsFloat(e) && e.Type() == col.Type()
	case types.IsText(col):
		return types.IsText(e) && types.IsBinaryType(e) == types.IsBinaryType(col)
	}
	return e.Type() == col.Type()
}

// column is the column that an expression of the statement is; nil: none.
func (t *madeTable) column(c *sql.Context, e sql.Expression) *expression.GetField {
	if len(e.Children()) == 0 {
		return nil
	}
	for _, g := range t.list {
		var of *expression.GetField
		if !t.same(c, g.expr, e, &of) || of == nil {
			continue
		}
		col := t.b.schema[g.at]
		return expression.NewGetFieldWithTable(int(t.first)+g.at, int(of.TableId()), col.Type, of.Database(), of.Table(), col.Name, col.Nullable)
	}
	return nil
}

// same reports whether e, in the statement, is the table's own expression of. It notes a column of the table.
func (t *madeTable) same(c *sql.Context, of, e sql.Expression, note **expression.GetField) bool {
	of, e = bareOperand(of), bareOperand(e)
	if reflect.TypeOf(of) != reflect.TypeOf(e) {
		return false
	}
	switch x := of.(type) {
	case *expression.GetField:
		gf := e.(*expression.GetField)
		id := gf.Id()
		if id < t.first || id >= t.first+sql.ColumnId(len(t.b.schema)) || !strings.EqualFold(gf.Name(), x.Name()) {
			return false
		}
		*note = gf
		return true
	case *expression.Literal:
		return x.String() == e.String() && types.IsText(x.Type(c)) == types.IsText(e.Type(c))
	}
	a, b := of.Children(), e.Children()
	if len(a) != len(b) || !strings.EqualFold(ownText(c, of), ownText(c, e)) {
		return false
	}
	for i := range a {
		if (a[i] == nil) != (b[i] == nil) || a[i] != nil && !t.same(c, a[i], b[i], note) {
			return false
		}
	}
	return true
}

// bareOperand is an expression as the planner made it.
func bareOperand(e sql.Expression) sql.Expression {
	for {
		switch x := e.(type) {
		case *operand:
			e = x.Child
		case *builtin.Extract: // -> is the library's until the statement is given its types
			return x.JSONExtract
		default:
			return e
		}
	}
}

// ownText is what an expression says of itself beside its children: the type of a cast, an operator, a unit.
func ownText(c *sql.Context, e sql.Expression) string {
	ch := e.Children()
	marks := make([]sql.Expression, len(ch))
	for i, x := range ch {
		if x != nil {
			marks[i] = expression.NewGetField(i, x.Type(c), "x", true)
		}
	}
	out, err := e.WithChildren(c, marks...)
	if err != nil || out == nil {
		return e.String()
	}
	return out.String()
}

// aboveGroups reports whether a node is above a grouping, which gives other columns than the table's.
func aboveGroups(n sql.Node) (yes bool) {
	transform.Inspect(n, func(n sql.Node) bool {
		switch n.(type) {
		case *plan.GroupBy, *plan.Window, *plan.Distinct:
			yes = true
		}
		return !yes
	})
	return yes
}

// namesHidden reports whether a statement names a hidden column, which the library refuses.
func namesHidden(c *sql.Context, n sql.Node) bool {
	found := false
	transform.InspectExpressions(c, n, func(_ *sql.Context, e sql.Expression) bool {
		gf, ok := e.(*expression.GetField)
		found = found || ok && sql.IsHiddenSystemColumn(gf.Name())
		return !found
	})
	return found
}

// allowGenerated lets plans refer to hidden columns that byGenerated put there.
func allowGenerated(a *analyzer.Analyzer) {
	rules.Replace(a, "validateNoHiddenSystemColumns", func(validate analyzer.RuleFunc) analyzer.RuleFunc {
		return func(c *sql.Context, a *analyzer.Analyzer, n sql.Node, scope *plan.Scope, sel analyzer.RuleSelector, flags *sql.QueryFlags) (sql.Node, transform.TreeIdentity, error) {
			if x := executionOf(c); x != nil && x.generated {
				return n, transform.SameTree, nil
			}
			return validate(c, a, n, scope, sel, flags)
		}
	})
}
func generatedOf(col *sql.Column) *sql.ColumnDefaultValue { return col.Generated }
