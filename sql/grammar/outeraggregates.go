package grammar

import (
	"reflect"
	"strconv"
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// SELECT g, (SELECT name FROM u WHERE u.id = MAX(t.id)) FROM t GROUP BY g: an aggregate in a subquery belongs to the query whose columns it is of. The
// library computes it in the subquery. So the query groups first, as those with window functions do, and the subquery sees the groups' columns.

// aggregatesFirst rewrites a query one of whose subqueries has an aggregate of its columns. Names without a table are the subquery's, unless it has no FROM.
// In GROUP BY an aggregate is the subquery's own, and what is grouped by has none of the query's (1056).
func aggregatesFirst(sel *sqlparser.Select) error {
	names := map[string]bool{}
	NamedIn(sel.From, names)
	if len(names) == 0 || sel.Lock != nil && sel.Lock.Type != "" {
		return nil
	}
	found, strange := false, false
	look := func(list any) {
		SwapExprs(reflect.ValueOf(list), func(e sqlparser.Expr) sqlparser.Expr {
			if q := queryOf(e); q != nil {
				found = found || newOuterNames(q, names).aggregate(q)
				return e
			}
			if x, ok := e.(*sqlparser.FuncExpr); ok {
				strange = strange || x.Over != nil || x.Name.EqualString(RollupFunction) || x.Name.EqualString(GroupingFunction)
			}
			return nil
		})
	}
	look(sel.SelectExprs)
	look(sel.OrderBy)
	if sel.Having != nil {
		look(&sel.Having.Expr)
	}
	aggregated := found
	look(sel.GroupBy)
	if !aggregated || strange {
		return nil
	}
	for _, e := range sel.GroupBy {
		for i, item := range sel.SelectExprs {
			item, ok := item.(*sqlparser.AliasedExpr)
			if !ok || !groupsOn(e, item, i) {
				continue
			}
			if q := queryOf(item.Expr); q != nil && newOuterNames(q, names).aggregate(q) {
				return mysqlerr.New(mysqlerr.ER_WRONG_GROUP_FIELD, shownName(item))
			}
		}
	}
	g := newGrouped()
	g.outside = names
	g.rewrite(sel, true)
	return nil
}

// groupsOn reports whether an expression of GROUP BY names the item of the select list at a place, by its alias or by its number.
func groupsOn(e sqlparser.Expr, item *sqlparser.AliasedExpr, place int) bool {
	switch e := e.(type) {
	case *sqlparser.ColName:
		return e.Qualifier.IsEmpty() && item.As.EqualString(e.Name.String())
	case *sqlparser.SQLVal:
		return e.Type == sqlparser.IntVal && string(e.Val) == strconv.Itoa(place+1)
	}
	return false
}

// shownName is what an item of the select list is called.
func shownName(item *sqlparser.AliasedExpr) string {
	if !item.As.IsEmpty() {
		return item.As.String()
	}
	return item.InputExpression
}

// queryOf is the subquery that an expression is, nil if it is none.
func queryOf(e sqlparser.Expr) *sqlparser.Subquery {
	switch x := e.(type) {
	case *sqlparser.Subquery:
		return x
	case *sqlparser.ExistsExpr:
		return x.Subquery
	}
	return nil
}

// outerNames are the tables of a query that a subquery can name.
type outerNames struct {
	names map[string]bool
	bare  bool // the subquery has no tables: names without one are the outer query's as well
}

func newOuterNames(q *sqlparser.Subquery, outer map[string]bool) outerNames {
	inner := map[string]bool{}
	o := outerNames{names: map[string]bool{}, bare: true}
	_ = Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
		if sel, ok := n.(*sqlparser.Select); ok && sel != nil {
			NamedIn(sel.From, inner)
			o.bare = o.bare && ofNoTable(sel.From)
		}
		return true, nil
	}, q)
	for name := range outer {
		if !inner[name] {
			o.names[name] = true
		}
	}
	return o
}

func ofNoTable(from sqlparser.TableExprs) bool {
	names := map[string]bool{}
	NamedIn(from, names)
	return len(from) == 0 || len(from) == 1 && len(names) == 1 && names["dual"]
}

// has reports whether a column is the outer query's.
func (o outerNames) has(col *sqlparser.ColName) bool {
	if col.Qualifier.IsEmpty() {
		return o.bare && !strings.HasPrefix(col.Name.String(), "@")
	}
	return o.names[strings.ToLower(col.Qualifier.Name.String())]
}

// owns reports whether an aggregate is of the outer query's columns alone.
func (o outerNames) owns(e sqlparser.Expr) bool {
	some, all := false, isAggregate(e)
	SwapExprs(reflect.ValueOf(e), func(e sqlparser.Expr) sqlparser.Expr {
		switch x := e.(type) {
		case *sqlparser.Subquery:
			all = false
		case *sqlparser.ColName:
			some = true
			all = all && o.has(x)
		}
		return nil
	})
	return some && all
}

// aggregate reports whether a subquery has an aggregate of the outer query.
func (o outerNames) aggregate(q *sqlparser.Subquery) (found bool) {
	SwapExprs(reflect.ValueOf(q.Select), func(e sqlparser.Expr) sqlparser.Expr {
		found = found || isAggregate(e) && o.owns(e)
		return nil
	})
	return found
}

// NamedIn collects what the tables of FROM are called.
func NamedIn(from sqlparser.TableExprs, names map[string]bool) {
	for _, e := range from {
		switch t := e.(type) {
		case *sqlparser.AliasedTableExpr:
			if !t.As.IsEmpty() {
				names[strings.ToLower(t.As.String())] = true
			} else if name, ok := t.Expr.(sqlparser.TableName); ok {
				names[strings.ToLower(name.Name.String())] = true
			}
		case *sqlparser.JoinTableExpr:
			NamedIn(sqlparser.TableExprs{t.LeftExpr, t.RightExpr}, names)
		case *sqlparser.ParenTableExpr:
			NamedIn(t.Exprs, names)
		}
	}
}

// takeWithin puts the groups' columns in the place of what a subquery has of the outer query.
func (g *grouped) takeWithin(q *sqlparser.Subquery) {
	o := newOuterNames(q, g.outside)
	SwapExprs(reflect.ValueOf(q.Select), func(e sqlparser.Expr) sqlparser.Expr {
		switch x := e.(type) {
		case *sqlparser.ColName:
			if o.has(x) {
				return g.take(e)
			}
		default:
			if isAggregate(e) && o.owns(e) {
				return g.take(e)
			}
		}
		return nil
	})
}

// condition is HAVING as the condition over the groups: names of the select list stand for its items.
func (g *grouped) condition(e sqlparser.Expr, items []*sqlparser.AliasedExpr) sqlparser.Expr {
	holder := sqlparser.Exprs{e}
	SwapExprs(reflect.ValueOf(holder), func(e sqlparser.Expr) sqlparser.Expr {
		if isAggregate(e) {
			return g.outer(e)
		}
		if q := queryOf(e); q != nil {
			g.takeWithin(q)
			return e
		}
		if x, ok := e.(*sqlparser.ColName); ok {
			for _, item := range items {
				if x.Qualifier.IsEmpty() && g.aliases[x.Name.Lowered()] && item.As.EqualString(x.Name.String()) {
					return item.Expr
				}
			}
			return g.take(e)
		}
		return nil
	})
	return holder[0]
}
