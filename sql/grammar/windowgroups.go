package grammar

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// Window functions over groups. The library refuses them in a query with GROUP BY or aggregates. MySQL groups first and computes windows over the
// groups, and so does what is written here: SELECT g, RANK() OVER (ORDER BY SUM(v)) FROM t GROUP BY g selects from (SELECT g, SUM(v) ... GROUP BY g).

// GroupsFirst rewrites the queries of a statement that do both, and those with aggregates in subqueries. Most texts hold neither OVER nor a second SELECT, and
// cost no more than to see that.
// A window function where it has no place is 3593.
func GroupsFirst(st sqlparser.Statement, text string) error {
	node, ok := st.(sqlparser.SQLNode)
	windows, nested := ok && holdsWord(text, "over", 1), ok && holdsWord(text, "select", 2)
	if !windows && !nested {
		return nil
	}
	return Walk(func(n sqlparser.SQLNode) (bool, error) {
		if sel, ok := n.(*sqlparser.Select); ok && sel != nil {
			if windows {
				if err := misplacedWindow(sel); err != nil {
					return false, err
				}
				groupFirst(sel)
			}
			if nested {
				if err := aggregatesFirst(sel); err != nil {
					return false, err
				}
				ownAggregates(sel)
			}
		}
		return true, nil
	}, node)
}

// misplacedWindow refuses window functions in WHERE, GROUP BY and HAVING, and as arguments of aggregates. groupFirst relies on it: a query over groups
// that moved a window into the query that makes them would be rewritten for ever.
func misplacedWindow(sel *sqlparser.Select) error {
	var found *sqlparser.FuncExpr
	window := func(n sqlparser.SQLNode) bool {
		f, ok := n.(*sqlparser.FuncExpr)
		if ok && f != nil && f.Over != nil {
			found = f
			return true
		}
		return false
	}
	within := func(n sqlparser.SQLNode) bool { return aggregateOnly(n) && holds(n, window) }
	if holds(sel.Where, window) || holds(sel.GroupBy, window) || holds(sel.Having, window) || holds(sel.SelectExprs, within) || holds(sel.OrderBy, within) {
		return mysqlerr.New(mysqlerr.ER_WINDOW_INVALID_WINDOW_FUNC_USE, found.Name.Lowered())
	}
	return nil
}

// holdsWord reports whether a text has a word, in lower case here, so many times.
func holdsWord(text, word string, times int) bool {
	for i := 0; i+len(word) <= len(text); i++ {
		if text[i]|0x20 == word[0] && strings.EqualFold(text[i:i+len(word)], word) {
			if times--; times == 0 {
				return true
			}
		}
	}
	return false
}

// groupsTable is the derived table of the groups.
var groupsTable = sqlparser.NewTableIdent("zorya_groups")

// grouped collects what the query over the groups takes from the query that makes them.
type grouped struct {
	by      map[string]bool           // texts of the expressions that are grouped by
	aliases map[string]bool           // of the select list, which ORDER BY may name
	taken   map[string]string         // names of what is taken, by its text
	names   map[string]bool           // the same names
	exprs   sqlparser.SelectExprs     // what is taken
	prefer  map[sqlparser.Expr]string // names that whole items of the select list have
	outside map[string]bool           // tables of the query that its subqueries may name; nil: they are not looked into
}

func newGrouped() *grouped {
	return &grouped{by: map[string]bool{}, aliases: map[string]bool{}, taken: map[string]string{}, names: map[string]bool{}, prefer: map[sqlparser.Expr]string{}}
}

// isAggregate reports whether e is an aggregate function without OVER.
func isAggregate(e sqlparser.Expr) bool {
	switch f := e.(type) {
	case *sqlparser.FuncExpr:
		return f.Over == nil && (f.IsAggregate() || f.Name.EqualString("any_value"))
	case *sqlparser.GroupConcatExpr:
		return true
	}
	return false
}

// groupFirst rewrites a query if it has both groups and windows, and nothing that it does not understand.
func groupFirst(sel *sqlparser.Select) {
	windows, aggregates, strange := false, len(sel.GroupBy) > 0, sel.Lock != nil && sel.Lock.Type != ""
	look := func(list any) {
		SwapExprs(reflect.ValueOf(list), func(e sqlparser.Expr) sqlparser.Expr {
			switch x := e.(type) {
			case *sqlparser.Subquery:
				strange = true
				return e
			case *sqlparser.FuncExpr:
				windows = windows || x.Over != nil
				strange = strange || x.Name.EqualString(RollupFunction) || x.Name.EqualString(GroupingFunction)
			}
			aggregates = aggregates || isAggregate(e)
			return nil
		})
	}
	look(sel.SelectExprs)
	look(sel.OrderBy)
	look(sel.GroupBy)
	if windows && aggregates && !strange {
		newGrouped().rewrite(sel, false)
	}
}

// rewrite makes the query that groups and has the one over its groups take its place; above: HAVING is a condition of the latter.
func (g *grouped) rewrite(sel *sqlparser.Select, above bool) {
	items := make([]*sqlparser.AliasedExpr, len(sel.SelectExprs))
	for i, e := range sel.SelectExprs {
		item, ok := e.(*sqlparser.AliasedExpr)
		if !ok {
			return
		}
		items[i] = item
		if !item.As.IsEmpty() {
			g.aliases[item.As.Lowered()] = true
			g.prefer[item.Expr] = item.As.String()
		}
	}
	for i, e := range sel.GroupBy {
		if v, ok := e.(*sqlparser.SQLVal); ok && v.Type == sqlparser.IntVal {
			n, err := strconv.Atoi(string(v.Val))
			if err != nil || n < 1 || n > len(items) {
				return // the library's own error
			}
			e = items[n-1].Expr
			sel.GroupBy[i] = e
		}
		g.by[strings.ToLower(sqlparser.String(e))] = true
		for _, item := range items {
			if col, ok := e.(*sqlparser.ColName); ok && col.Qualifier.IsEmpty() && item.As.EqualString(col.Name.String()) && !isAggregate(item.Expr) {
				g.by[strings.ToLower(sqlparser.String(item.Expr))] = true
			}
		}
	}
	inner := &sqlparser.Select{From: sel.From, Where: sel.Where, GroupBy: sel.GroupBy, Having: sel.Having}
	if above {
		inner.Having = nil
	}
	for _, item := range items {
		if item.As.IsEmpty() {
			if col, ok := item.Expr.(*sqlparser.ColName); ok {
				item.As = col.Name
			} else {
				item.As = ownName(item)
			}
		}
		item.Expr = g.outer(item.Expr)
	}
	SwapExprs(reflect.ValueOf(sel.Window), g.take)
	for _, o := range sel.OrderBy {
		if col, ok := o.Expr.(*sqlparser.ColName); ok && col.Qualifier.IsEmpty() && g.aliases[col.Name.Lowered()] {
			continue
		}
		o.Expr = g.outer(o.Expr)
	}
	sel.Where = nil
	if above && sel.Having != nil {
		sel.Where = sqlparser.NewWhere(sqlparser.WhereStr, g.condition(sel.Having.Expr, items))
	}
	if len(g.exprs) == 0 {
		g.exprs = sqlparser.SelectExprs{&sqlparser.AliasedExpr{Expr: sqlparser.NewIntVal([]byte("1")), As: sqlparser.NewColIdent("zorya_group")}}
	}
	inner.SelectExprs = g.exprs
	sel.From = sqlparser.TableExprs{&sqlparser.AliasedTableExpr{Expr: &sqlparser.Subquery{Select: inner}, As: groupsTable,
		Auth: sqlparser.AuthInformation{AuthType: sqlparser.AuthType_IGNORE}}}
	sel.GroupBy, sel.Having = nil, nil
}

// outer is an expression over the groups.
func (g *grouped) outer(e sqlparser.Expr) sqlparser.Expr {
	if to := g.take(e); to != nil {
		return to
	}
	SwapExprs(reflect.ValueOf(e), g.take)
	return e
}

// take returns the column of the groups that stands for e; nil: what is within e is looked at.
func (g *grouped) take(e sqlparser.Expr) sqlparser.Expr {
	if q := queryOf(e); q != nil && g.outside != nil {
		g.takeWithin(q)
		return e
	}
	text := strings.ToLower(sqlparser.String(e))
	_, column := e.(*sqlparser.ColName)
	if !column && !g.by[text] && !isAggregate(e) {
		return nil
	}
	name, have := g.taken[text]
	if !have {
		if name = g.prefer[e]; name == "" || g.names[strings.ToLower(name)] {
			name = fmt.Sprintf("zorya_group%d", len(g.exprs))
			if col, ok := e.(*sqlparser.ColName); ok && !g.names[col.Name.Lowered()] && !g.aliases[col.Name.Lowered()] {
				name = col.Name.String()
			}
		}
		g.taken[text] = name
		g.names[strings.ToLower(name)] = true
		g.exprs = append(g.exprs, &sqlparser.AliasedExpr{Expr: e, As: sqlparser.NewColIdent(name)})
	}
	col := &sqlparser.ColName{Name: sqlparser.NewColIdent(name)}
	if g.outside != nil {
		col.Qualifier.Name = groupsTable // a table of the subquery may have a column of the name
	}
	return col
}

// SwapExprs puts f's expressions in the place of those within v; where f gives nil it looks within.
func SwapExprs(v reflect.Value, f func(sqlparser.Expr) sqlparser.Expr) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			SwapExprs(v.Elem(), f)
		}
	case reflect.Slice:
		for i := range v.Len() {
			SwapExprs(v.Index(i), f)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				SwapExprs(v.Field(i), f)
			}
		}
	case reflect.Interface:
		if v.IsNil() {
			return
		}
		if e, ok := v.Interface().(sqlparser.Expr); ok {
			if to := f(e); to != nil {
				if to != e && v.CanSet() {
					v.Set(reflect.ValueOf(to))
				}
				return
			}
		}
		SwapExprs(v.Elem(), f)
	}
}

// NoAuth: the privileges of the column are checked with its table.
var NoAuth = sqlparser.AuthInformation{AuthType: sqlparser.AuthType_IGNORE}
