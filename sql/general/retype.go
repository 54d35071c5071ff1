package general

import (
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/expression/function"
	"github.com/dolthub/go-mysql-server/sql/expression/function/json"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/builtin"
	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/rules"
)

// Before a statement is planned, its expressions are given MySQL's types and rules (package item), from the tables up: what a subquery or a
// group computes has the type that its expression has now, and so has every column above that refers to it. Comparisons that an index may serve
// stay the library's until finish.

// itemEnv is what the expressions of the statement share.
func itemEnv(c *sql.Context, ast sqlparser.Statement) *item.Env {
	mode := sql.LoadSqlMode(c)
	strict := mode.ModeEnabled("STRICT_TRANS_TABLES") || mode.ModeEnabled("STRICT_ALL_TABLES")
	changes := false
	switch n := ast.(type) {
	case *sqlparser.Insert:
		changes = n.Ignore == ""
	case *sqlparser.Update:
		changes = n.Ignore == ""
	case *sqlparser.Delete, *sqlparser.AlterTable:
		changes = true
	}
	return &item.Env{Strict: strict && changes, DivisionWarns: mode.ModeEnabled("ERROR_FOR_DIVISION_BY_ZERO"),
		NoUnsignedSubtraction: mode.ModeEnabled("NO_UNSIGNED_SUBTRACTION"), Dates: builtin.OfLibrary}
}

// retyped reports whether a statement's expressions are given types before it is planned.
func retyped(ast sqlparser.Statement) bool {
	switch ast := ast.(type) {
	case sqlparser.SelectStatement, *sqlparser.Insert, *sqlparser.Update, *sqlparser.Delete:
		return true
	case *sqlparser.Show: // of LIKE and WHERE
		return ast.Filter != nil || ast.ShowTablesOpt != nil && ast.ShowTablesOpt.Filter != nil
	case *sqlparser.DDL:
		return ast.ViewSpec != nil // its query is planned, though not kept
	}
	return false
}

// retype gives the expressions of a bound plan their types.
type retype struct {
	c      *sql.Context
	env    *item.Env
	types  map[sql.ColumnId]sql.Type // of what projections and groups compute
	whole  map[sql.ColumnId]bool     // columns with all digits of an aggregate
	nested int                       // how many subqueries are around

	assigns bool // the statement sets user variables
	decides bool // constants of its condition are computed at once
}

func newRetype(c *sql.Context, env *item.Env, ast sqlparser.Statement) *retype {
	return &retype{c: c, env: env, types: map[sql.ColumnId]sql.Type{}, whole: map[sql.ColumnId]bool{}, assigns: assigns(ast), decides: decides(ast)}
}

func (r *retype) node(n sql.Node) (sql.Node, error) {
	if u, ok := n.(*plan.SetOp); ok {
		return r.setOp(u)
	}
	n, err := r.wholeAggregates(n)
	if err != nil {
		return nil, err
	}
	if n, err = r.below(n); err != nil {
		return nil, err
	}
	r.noteFilled(n)
	if f, ok := n.(*plan.Filter); ok {
		if e := zeroDates(r.c, f.Expression, outerJoined(r.c, f.Child)); e != nil {
			n = plan.NewFilter(r.c, e, f.Child)
		}
	}
	names := r.env.Names
	switch n.(type) {
	case *plan.Filter, *plan.JoinNode, *plan.Having:
		r.env.Names = false
	default:
		r.env.Names = true
	}
	out, same, err := transform.OneNodeExpressions(r.c, n, r.expr)
	r.env.Names = names
	if err == nil && !same {
		out, err = r.aliases(n, out)
	}
	if err != nil {
		return nil, err
	}
	if out, err = r.condition(out); err != nil {
		return nil, err
	}
	switch x := out.(type) {
	case *plan.SubqueryAlias:
		return r.derived(x), nil
	case *plan.Project:
		return rules.ComputedOnce(r.c, x), nil
	case *plan.Sort:
		return r.sorted(x), nil
	}
	return out, nil
}

// aliases gives the names and aggregates that a node computes the ids that they had before: the library's forget theirs when their children change.
func (r *retype) aliases(before, after sql.Node) (sql.Node, error) {
	was, is := before.(sql.Expressioner).Expressions(), after.(sql.Expressioner).Expressions()
	if len(was) != len(is) {
		return after, nil
	}
	changed := false
	for i := range is {
		if a, ok := was[i].(sql.Aggregation); ok {
			if b, ok := is[i].(sql.Aggregation); ok && b.Id() != a.Id() {
				is[i], changed = b.WithId(a.Id()), true
			}
			continue
		}
		old, ok1 := was[i].(*expression.Alias)
		now, ok2 := is[i].(*expression.Alias)
		if !ok1 || !ok2 || old.Id() == now.Id() {
			continue
		}
		kept := *old
		kept.Child = now.Child
		is[i], changed = &kept, true
		r.noteOne(&kept)
	}
	if !changed {
		return after, nil
	}
	return after.(sql.Expressioner).WithExpressions(r.c, is...)
}

// stored gives an expression of a table's definition its types and rules at once: no plan is made of it.
func (r *retype) stored(e sql.Expression) (sql.Expression, error) {
	for _, rule := range []transform.ExprFunc{r.expr, finisher{env: r.env}.expr} {
		if e == nil {
			break
		}
		var err error
		if e, _, err = transform.Expr(r.c, e, rule); err != nil {
			return nil, err
		}
	}
	if of, ok := e.(*sql.ColumnDefaultValue); ok && of != nil && of.OutType != nil {
		out := *of
		out.OutType = datum.Ordered(of.OutType)
		return &out, nil
	}
	return e, nil
}

// virtual retypes what a table's virtual columns are computed from.
func (r *retype) virtual(t *plan.ResolvedTable) (sql.Node, error) {
	v, ok := t.Table.(*plan.VirtualColumnTable)
	if !ok {
		return t, nil
	}
	list := make([]sql.Expression, len(v.Projections))
	for i, e := range v.Projections {
		var err error
		if list[i], err = r.stored(e); err != nil {
			return nil, err
		}
	}
	return t.ReplaceTable(r.c, plan.NewVirtualColumnTable(v.Table, list))
}

// below retypes the nodes under n.
func (r *retype) below(n sql.Node) (sql.Node, error) {
	if t, ok := n.(*plan.ResolvedTable); ok {
		return r.virtual(t)
	}
	if in, ok := n.(*plan.InsertInto); ok && in.Source != nil {
		src, err := r.node(in.Source)
		if err != nil {
			return nil, err
		}
		if src != in.Source {
			in = in.WithSource(src)
		}
		if n, err = r.storedFilled(in); err != nil {
			return nil, err
		}
	}
	ch := n.Children()
	var out []sql.Node
	for i := range ch {
		x, err := r.node(ch[i])
		if err != nil {
			return nil, err
		}
		if x != ch[i] {
			if out == nil {
				out = append([]sql.Node(nil), ch...)
			}
			out[i] = x
		}
	}
	if out == nil {
		return n, nil
	}
	return n.WithChildren(r.c, out...)
}

func (r *retype) expr(c *sql.Context, e sql.Expression) (sql.Expression, transform.TreeIdentity, error) {
	switch x := e.(type) {
	case *expression.GetField:
		named := x
		if strings.Contains(x.Name(), grammar.OwnMark) {
			named = x.WithName(strings.ReplaceAll(x.Name(), grammar.OwnMark, ""))
		}
		if t := r.types[x.Id()]; t != nil && x.Id() > 0 && !t.Equals(x.Type(c)) {
			return withType(c, named, t), transform.NewTree, nil
		}
		return named, transform.TreeIdentity(named == x), nil
	case *literal:
		return x.shown()
	case *operand:
		return x.Child, transform.NewTree, nil
	case *grammar.OwnArgument:
		return x.Child, transform.NewTree, nil
	case *leftOut:
		return expression.NewLiteral(nil, x.Type(c)), transform.NewTree, nil
	case *wholeColumn:
		return r.env.Shown(c, x.Child), transform.NewTree, nil
	case *expression.SetField:
		if out := r.assigned(x); out != nil {
			return out, transform.NewTree, nil
		}
	case *json.JSONExtract: // of ->, which the planner makes without asking for the function
		return builtin.NewExtract(x), transform.NewTree, nil
	case *function.RegexpLike: // of REGEXP and RLIKE, likewise
		call, err := builtin.NewRegexpCall("regexp_like", x.Children()...)
		return call, transform.NewTree, err
	case *plan.Subquery:
		outer := r.env.Outer
		r.env.Outer = outer.Union(x.Correlated())
		r.nested++
		q, err := r.node(x.Query)
		r.nested--
		r.env.Outer = outer
		if err != nil || q == x.Query {
			return e, transform.SameTree, err
		}
		return x.WithQuery(q), transform.NewTree, nil
	}
	given, err := r.wholeOperands(c, e)
	if err != nil {
		return nil, transform.SameTree, err
	}
	out, err := r.env.Expr(c, orExpr(given, e), true)
	if err != nil {
		return nil, transform.SameTree, err
	}
	if out == nil {
		out = given
	}
	if x, ok := e.(sql.IdExpression); ok && r.whole[x.Id()] {
		if out == nil {
			out = e
		}
		if out, err = r.wholeAggregate(c, out); err != nil {
			return nil, transform.SameTree, err
		}
	}
	if out != nil {
		r.noteOne(out)
		return out, transform.NewTree, nil
	}
	r.noteOne(e)
	return e, transform.SameTree, nil
}

// zeroDates makes IS NULL of a DATE or DATETIME column that is NOT NULL, in a condition of WHERE or under its ANDs and ORs, a comparison with 0000-00-00 (MySQL
// 8.0 manual, 12.4.2: for programs that know no zero dates). Above an outer join it may be NULL as well. nil for e itself.
func zeroDates(c *sql.Context, e sql.Expression, outer bool) sql.Expression {
	switch x := e.(type) {
	case *expression.And:
		if l, r := zeroDates(c, x.LeftChild, outer), zeroDates(c, x.RightChild, outer); l != nil || r != nil {
			return expression.NewAnd(orExpr(l, x.LeftChild), orExpr(r, x.RightChild))
		}
	case *expression.Or:
		if l, r := zeroDates(c, x.LeftChild, outer), zeroDates(c, x.RightChild, outer); l != nil || r != nil {
			return expression.NewOr(orExpr(l, x.LeftChild), orExpr(r, x.RightChild))
		}
	case *expression.IsNull:
		f, ok := x.Child.(*expression.GetField)
		if !ok || f.IsNullable(c) {
			return nil
		}
		if t := f.Type(c); t.Type() == sqltypes.Date || t.Type() == sqltypes.Datetime {
			zero := expression.NewEquals(f, expression.NewLiteral(types.ZeroTime, t))
			if outer {
				return expression.NewOr(zero, x)
			}
			return zero
		}
	}
	return nil
}

// outerJoined reports whether n has an outer join.
func outerJoined(c *sql.Context, n sql.Node) (found bool) {
	transform.Inspect(n, func(n sql.Node) bool {
		j, ok := n.(*plan.JoinNode)
		found = found || ok && (j.JoinType().IsLeftOuter() || j.JoinType().IsRightOuter() || j.JoinType().IsFullOuter())
		return !found
	})
	return found
}

// orExpr is e, or if it is nil the other.
func orExpr(e, other sql.Expression) sql.Expression {
	if e == nil {
		return other
	}
	return e
}

func withType(c *sql.Context, f *expression.GetField, t sql.Type) sql.Expression {
	n := expression.NewGetFieldWithTable(f.Index(), int(f.TableId()), t, f.Database(), f.Table(), f.Name(), f.IsNullable(c))
	return n.WithId(f.Id())
}

// noteOne remembers the type of what columns may refer to.
func (r *retype) noteOne(e sql.Expression) {
	switch x := e.(type) {
	case *expression.Alias:
		if x.Id() > 0 && x.Resolved() {
			r.types[x.Id()] = x.Type(r.c)
			r.fill(x.Id(), x.Child)
		}
	case sql.WindowAdaptableExpression:
		if x.Id() > 0 {
			r.types[x.Id()] = x.Type(r.c)
		}
	}
}

// derived remembers the types of a derived table's columns, and gives them to what conditions refer to that are pushed down into it.
func (r *retype) derived(q *plan.SubqueryAlias) sql.Node {
	r.noteColumns(q.Columns(), q.Child.Schema(r.c))
	if q.ScopeMapping == nil {
		return q
	}
	inside := make(map[sql.ColumnId]sql.Expression, len(q.ScopeMapping))
	for id, e := range q.ScopeMapping {
		if f, ok := e.(*expression.GetField); ok && r.types[id] != nil && !r.types[id].Equals(f.Type(r.c)) {
			e = withType(r.c, f, r.types[id])
		}
		inside[id] = e
	}
	return q.WithScopeMapping(inside)
}

func (r *retype) noteColumns(cols sql.ColSet, schema sql.Schema) {
	if cols.Len() != len(schema) {
		return
	}
	i := 0
	cols.ForEach(func(id sql.ColumnId) {
		r.types[id] = schema[i].Type
		i++
	})
}

// condition makes conditions of the values that filters are.
func (r *retype) condition(n sql.Node) (sql.Node, error) {
	switch x := n.(type) {
	case *plan.Filter:
		child, err := r.closed(x)
		if err != nil {
			return nil, err
		}
		if r.decides && r.nested == 0 {
			left, value, err := r.decided(x.Expression, ofStoredRows(x.Child))
			switch {
			case err != nil:
				return nil, err
			case left == nil:
				return plan.NewFilter(r.c, expression.NewLiteral(value, types.Boolean), child), nil
			case left != x.Expression:
				x = plan.NewFilter(r.c, left, x.Child)
				n = x
			}
		}
		e, err := r.held(x.Expression, r.nested > 0)
		switch {
		case err != nil:
			return nil, err
		case e == nil && child == x.Child:
			return n, nil
		case e == nil:
			e = x.Expression
		}
		return plan.NewFilter(r.c, e, child), nil
	case *plan.Having:
		if e := r.env.Condition(r.c, x.Cond); e != nil {
			return plan.NewHaving(e, x.Child), nil
		}
	case *plan.JoinNode:
		e, err := r.held(x.Filter, true)
		if e == nil || err != nil {
			return n, err
		}
		return x.WithExpressions(r.c, e)
	}
	return n, nil
}

// closed is what is filtered, with those derived tables closed to conditions that a condition on the outer row refers to: the library would push it into them, and then
// take the subquery around them for one that does not depend on the outer row.
func (r *retype) closed(f *plan.Filter) (sql.Node, error) {
	if r.nested == 0 {
		return f.Child, nil
	}
	var own []sql.ColumnId
	for _, x := range expression.SplitConjunction(r.c, f.Expression) {
		var fields []sql.ColumnId
		outer := false
		sql.Inspect(r.c, x, func(_ *sql.Context, e sql.Expression) bool {
			if g, ok := e.(*expression.GetField); ok && g.Id() > 0 {
				if r.env.Outer.Contains(g.Id()) {
					outer = true
				} else {
					fields = append(fields, g.Id())
				}
			}
			return true
		})
		if outer {
			own = append(own, fields...)
		}
	}
	if len(own) == 0 {
		return f.Child, nil
	}
	out, _, err := transform.Node(r.c, f.Child, func(_ *sql.Context, n sql.Node) (sql.Node, transform.TreeIdentity, error) {
		q, ok := n.(*plan.SubqueryAlias)
		if !ok || q.ScopeMapping == nil || !slices.ContainsFunc(own, q.Columns().Contains) {
			return n, transform.SameTree, nil
		}
		return q.WithScopeMapping(nil), transform.NewTree, nil
	})
	return out, err
}

// filter is a condition as a filter takes it, nil for e itself. planned: it may become one of a join. The analyzer puts an empty table in the place of
// what a false constant filters, which has no number within joins: the planner of joins takes the conditions that refer to it for independent of it,
// or knows no such node. So there constants stay conditions.
func (r *retype) filter(e sql.Expression, planned bool) (sql.Expression, error) {
	if e == nil {
		return nil, nil
	}
	cond, changed := e, false
	if x := r.env.Condition(r.c, e); x != nil {
		cond, changed = x, true
	}
	x, err := perRow(r.c, cond, r.assigns)
	if err != nil {
		return nil, err
	}
	if x != nil {
		cond, changed = x, true
	}
	all := expression.SplitConjunction(r.c, cond)
	if r.hideRepeated(all) {
		cond, changed = expression.JoinAnd(all...), true
	}
	if !planned {
		if changed {
			return cond, nil
		}
		return nil, nil
	}
	for i, x := range all {
		switch own, outer := r.refers(x); {
		case !own && !outer:
			all[i], changed = r.env.Hold(r.c, x), true
		case !own && r.nested > 0:
			all[i], changed = r.env.IsTrue(r.c, x), true
		}
	}
	if !changed {
		return nil, nil
	}
	return expression.JoinAnd(all...), nil
}

// refers reports whether a condition depends on rows of its own query (or may do so, by a subquery), and on those of outer ones. One that depends
// on outer ones alone the analyzer takes out of the subquery and into the condition that this stands in, where NULL and false are not the same; and it
// believes that columns are not nullable which an outer join makes so. Hence IS TRUE.
func (r *retype) refers(e sql.Expression) (own, outer bool) {
	sql.Inspect(r.c, e, func(_ *sql.Context, e sql.Expression) bool {
		switch e := e.(type) {
		case *expression.GetField:
			if e.Id() > 0 && r.env.Outer.Contains(e.Id()) {
				outer = true
			} else {
				own = true
			}
		case *plan.Subquery:
			own = true
		}
		return !own
	})
	return own, outer
}

// hideRepeated hides all but the first of the equations of a column with a binary constant: the library's planner of index scans compares the
// constants of one column as Go's == does, which panics for []byte.
func (r *retype) hideRepeated(all []sql.Expression) (hidden bool) {
	var seen []*expression.GetField
	for i, x := range all {
		eq, ok := x.(*expression.Equals)
		if !ok {
			continue
		}
		field, ok1 := eq.Left().(*expression.GetField)
		value, ok2 := eq.Right().(*expression.Literal)
		if !ok1 || !ok2 {
			field, ok1 = eq.Right().(*expression.GetField)
			value, ok2 = eq.Left().(*expression.Literal)
		}
		if !ok1 || !ok2 {
			continue
		}
		if _, binary := value.Value().([]byte); !binary {
			continue
		}
		if slices.ContainsFunc(seen, field.IsSameField) {
			all[i], hidden = r.env.Hold(r.c, x), true
		}
		seen = append(seen, field)
	}
	return hidden
}
