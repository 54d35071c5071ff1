package general

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// What stars stand for, and joins by USING and NATURAL. The library's star knows neither invisible columns nor, beyond one such join, which columns are one: it shows
// them twice, or leaves out another table's of the same name, gives t.* in the join's order, and finds a column ambiguous that an inner join has made one. Such a query gets its columns
// written out, and where these joins are operands of each other they become joins by ON, with the table named before each column that is one.

// filling says what leavesOpen does besides looking.
type filling int

const (
	looking filling = iota
	naming          // stars are written out, NATURAL becomes the USING that it means
	joining         // USING becomes ON as well
)

// leavesOpen reports whether a statement names no columns of a table with invisible ones, or has a join by USING whose columns have to be written out; with fill it names them.
func (s *Session) leavesOpen(c *sql.Context, st sqlparser.Statement, fill bool) (found bool) {
	switch st.(type) {
	case *sqlparser.Select, *sqlparser.SetOp, *sqlparser.Insert, *sqlparser.ParenSelect, *sqlparser.DDL:
	default:
		return false
	}
	ctes := map[string][]string{}
	_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
		if w, ok := n.(*sqlparser.With); ok && w != nil {
			for _, cte := range w.Ctes {
				ctes[strings.ToLower(cte.AliasedTableExpr.As.String())] = nil // before its own query, which may name it
			}
			for _, cte := range w.Ctes {
				names := columnNames(cte.Columns)
				if q, ok := cte.AliasedTableExpr.Expr.(*sqlparser.Subquery); ok && len(names) == 0 {
					names = s.queryNames(c, q.Select, ctes)
				}
				ctes[strings.ToLower(cte.AliasedTableExpr.As.String())] = names
			}
		}
		return true, nil
	}, st)
	_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) { // nor does this one
		switch n := n.(type) {
		case *sqlparser.Insert:
			found = s.openInsert(c, n, fill) || found
		case *sqlparser.Select:
			found = n != nil && s.openQuery(c, n, ctes, fill) || found
		}
		return true, nil
	}, st)
	return found
}

func columnNames(columns sqlparser.Columns) []string {
	names := make([]string, len(columns))
	for i, name := range columns {
		names[i] = name.String()
	}
	return names
}

// openQuery is leavesOpen of one SELECT.
func (s *Session) openQuery(c *sql.Context, n *sqlparser.Select, ctes map[string][]string, fill bool) bool {
	stars := slices.ContainsFunc(n.SelectExprs, func(e sqlparser.SelectExpr) bool {
		_, star := e.(*sqlparser.StarExpr)
		return star
	})
	nested := false
	for _, te := range n.From {
		_, deep := usingJoins(te)
		nested = nested || deep
	}
	if !stars && !nested {
		return false
	}
	from, ok := s.tablesOf(c, n, ctes, looking)
	if !ok {
		return false
	}
	open := nested || slices.ContainsFunc(from, func(t starred) bool { return t.joined != nil || t.m != nil && t.m.Hides() })
	if !open || !fill {
		return open
	}
	how := naming
	if nested {
		how = joining
	}
	from, _ = s.tablesOf(c, n, ctes, how)
	if nested {
		s.nameTables(c, n, from, ctes)
	}
	if stars {
		n.SelectExprs = withoutStars(n.SelectExprs, from)
	}
	return true
}

// usingJoins tells whether a FROM has a join by USING or NATURAL, and whether one is an operand of another.
func usingJoins(te sqlparser.TableExpr) (some, nested bool) {
	switch t := te.(type) {
	case *sqlparser.JoinTableExpr:
		left, leftNested := usingJoins(t.LeftExpr)
		right, rightNested := usingJoins(t.RightExpr)
		own := len(t.Condition.Using) > 0 || strings.Contains(t.Join, "natural")
		return own || left || right, leftNested || rightNested || own && (left || right)
	case *sqlparser.ParenTableExpr:
		for _, e := range t.Exprs {
			one, deep := usingJoins(e)
			some, nested = some || one, nested || deep
		}
	}
	return some, nested
}

// withoutStars are the items of a select list with columns in the place of stars.
func withoutStars(exprs sqlparser.SelectExprs, from []starred) (out sqlparser.SelectExprs) {
	for _, e := range exprs {
		star, ok := e.(*sqlparser.StarExpr)
		if !ok {
			out = append(out, e)
			continue
		}
		before := len(out)
		for _, t := range from {
			switch {
			case star.TableName.IsEmpty():
				out = append(out, t.columns(t.merged)...)
			case strings.EqualFold(star.TableName.Name.String(), t.name.Name.String()):
				out = append(out, t.columns(nil)...)
			}
		}
		if len(out) == before { // of no table here: the library says so
			out = append(out, star)
		}
	}
	return out
}

// starred is a table of a FROM by the name that its columns go by, or the columns that a join by USING has made one.
type starred struct {
	name    sqlparser.TableName
	m       *tabledef.Table // of a base table
	derived []string        // the columns of another, where they are known
	joined  []joinedColumn  // columns that are one
	merged  map[string]bool // columns of the table, lower case, that are among them; not nil within such a join
}

// joinedColumn is a column that USING has made one of two, by the table whose values it has.
type joinedColumn struct {
	name string
	of   sqlparser.TableName
}

func (j joinedColumn) column() *sqlparser.ColName {
	return &sqlparser.ColName{Name: sqlparser.NewColIdent(j.name), Qualifier: j.of}
}

// columns are those that a star stands for without those that are left out.
func (t *starred) columns(out map[string]bool) (list sqlparser.SelectExprs) {
	if t.joined == nil && t.merged == nil && (t.m == nil || !t.m.Hides()) {
		return sqlparser.SelectExprs{&sqlparser.StarExpr{TableName: t.name}}
	}
	for _, one := range t.joined {
		if !out[strings.ToLower(one.name)] {
			list = append(list, &sqlparser.AliasedExpr{Expr: one.column(), InputExpression: one.name})
		}
	}
	if t.joined != nil {
		return list
	}
	for _, name := range t.names(out) {
		list = append(list, &sqlparser.AliasedExpr{Expr: joinedColumn{name, t.name}.column(), InputExpression: name})
	}
	return list
}

// known tells whether the columns are.
func (t *starred) known() bool { return t.m != nil || t.joined != nil || t.derived != nil }

// names are the columns without those that are left out.
func (t *starred) names(out map[string]bool) []string {
	all := slices.Clone(t.derived)
	for _, one := range t.joined {
		all = append(all, one.name)
	}
	if t.m != nil {
		all = t.m.Visible()
	}
	return slices.DeleteFunc(all, func(name string) bool { return out[strings.ToLower(name)] })
}

// tablesOf collects what a star stands for; false where that cannot be told.
func (s *Session) tablesOf(c *sql.Context, n *sqlparser.Select, ctes map[string][]string, fill filling) (from []starred, ok bool) {
	for _, te := range n.From {
		if !s.starredBy(c, te, ctes, &from, fill) {
			return nil, false
		}
	}
	return from, true
}

func (s *Session) starredBy(c *sql.Context, te sqlparser.TableExpr, ctes map[string][]string, out *[]starred, fill filling) bool {
	switch t := te.(type) {
	case *sqlparser.AliasedTableExpr:
		one := starred{name: sqlparser.TableName{Name: t.As}}
		switch e := t.Expr.(type) {
		case sqlparser.TableName:
			if t.As.IsEmpty() {
				one.name = e
			}
			names, cte := ctes[strings.ToLower(e.Name.String())]
			if e.DbQualifier.IsEmpty() && cte {
				one.derived = names
			} else {
				one.m = s.metaNamed(c, e)
			}
		case *sqlparser.Subquery:
			if one.derived = columnNames(e.Columns); len(one.derived) == 0 {
				one.derived = s.queryNames(c, e.Select, ctes)
			}
		}
		*out = append(*out, one)
		return true
	case *sqlparser.JoinTableExpr:
		if len(t.Condition.Using) > 0 || strings.Contains(t.Join, "natural") {
			return s.starredUsing(c, t, ctes, out, fill)
		}
		return s.starredBy(c, t.LeftExpr, ctes, out, fill) && s.starredBy(c, t.RightExpr, ctes, out, fill)
	case *sqlparser.ParenTableExpr:
		for _, e := range t.Exprs {
			if !s.starredBy(c, e, ctes, out, fill) {
				return false
			}
		}
		return true
	}
	return false
}

// queryNames are the names of a query's columns; nil where they cannot be told.
func (s *Session) queryNames(c *sql.Context, st sqlparser.SelectStatement, ctes map[string][]string) (names []string) {
	switch st := st.(type) {
	case *sqlparser.ParenSelect:
		return s.queryNames(c, st.Select, ctes)
	case *sqlparser.SetOp:
		return s.queryNames(c, st.Left, ctes)
	case *sqlparser.Select:
		from, ok := s.tablesOf(c, st, ctes, looking)
		for _, e := range st.SelectExprs {
			switch e := e.(type) {
			case *sqlparser.AliasedExpr:
				name := e.As.String()
				if col, column := e.Expr.(*sqlparser.ColName); name == "" && column {
					name = col.Name.String()
				}
				if name == "" {
					name = e.InputExpression
				}
				names = append(names, name)
			case *sqlparser.StarExpr:
				for _, t := range from {
					all := e.TableName.IsEmpty()
					switch {
					case !ok || !t.known():
						return nil
					case all:
						names = append(names, t.names(t.merged)...)
					case strings.EqualFold(e.TableName.Name.String(), t.name.Name.String()):
						names = append(names, t.names(nil)...)
					}
				}
				if !ok {
					return nil
				}
			}
		}
	}
	return names
}

// starredUsing: first the columns that are one, in the order of the first side, then the others of both sides. The first side of a RIGHT JOIN is the right one.
func (s *Session) starredUsing(c *sql.Context, t *sqlparser.JoinTableExpr, ctes map[string][]string, out *[]starred, fill filling) bool {
	var sides [2][]starred
	if !s.starredBy(c, t.LeftExpr, ctes, &sides[0], fill) || !s.starredBy(c, t.RightExpr, ctes, &sides[1], fill) {
		return false
	}
	if strings.Contains(t.Join, "right") {
		sides[0], sides[1] = sides[1], sides[0]
	}
	var names [2][]string
	for i, side := range sides {
		for _, one := range side {
			if !one.known() {
				return false
			}
			names[i] = append(names[i], one.names(one.merged)...)
		}
	}
	has := func(names []string, name string) bool {
		return slices.ContainsFunc(names, func(other string) bool { return strings.EqualFold(name, other) })
	}
	both, natural := names[1], strings.Contains(t.Join, "natural")
	if !natural {
		both = columnNames(t.Condition.Using)
	}
	for _, name := range both {
		if !natural && (!has(names[0], name) || !has(names[1], name)) {
			return false // the library says so
		}
	}
	second := map[string]int{}
	for _, name := range names[1] {
		second[strings.ToLower(name)]++
	}
	one := starred{joined: []joinedColumn{}}
	merged := map[string]bool{}
	var on sqlparser.Expr
	for _, name := range names[0] {
		if !has(both, name) {
			continue
		}
		if merged[strings.ToLower(name)] || second[strings.ToLower(name)] > 1 {
			return false // it is ambiguous, which the library says as well
		}
		merged[strings.ToLower(name)] = true
		kept, equals := joinedColumn{name, tableOf(sides[0], name)}, joinedColumn{name, tableOf(sides[1], name)}
		one.joined = append(one.joined, kept)
		var equal sqlparser.Expr = &sqlparser.ComparisonExpr{Operator: sqlparser.EqualStr, Left: kept.column(), Right: equals.column()}
		if on != nil {
			equal = &sqlparser.AndExpr{Left: on, Right: equal}
		}
		on = equal
	}
	if fill != looking && natural || fill == joining {
		t.Join = strings.TrimPrefix(t.Join, "natural ")
		t.Condition = sqlparser.JoinCondition{}
		switch {
		case fill == joining && on == nil && t.Join != sqlparser.JoinStr:
			t.Condition.On = sqlparser.NewIntVal([]byte("1"))
		case fill == joining:
			t.Condition.On = on
		default:
			for _, col := range one.joined {
				t.Condition.Using = append(t.Condition.Using, sqlparser.NewColIdent(col.name))
			}
		}
	}
	*out = append(*out, one)
	for _, side := range sides {
		for _, one := range side {
			now := maps.Clone(merged)
			maps.Copy(now, one.merged)
			one.merged = now
			*out = append(*out, one)
		}
	}
	return true
}

// tableOf is the first table of a join that has a column.
func tableOf(side []starred, name string) sqlparser.TableName {
	for _, t := range side {
		for _, one := range t.joined {
			if strings.EqualFold(one.name, name) {
				return one.of
			}
		}
		if slices.ContainsFunc(t.names(nil), func(other string) bool { return strings.EqualFold(name, other) }) {
			return t.name
		}
	}
	return sqlparser.TableName{}
}

// nameTables writes the table before each column that is one of two, now that the joins do not tell.
func (s *Session) nameTables(c *sql.Context, n *sqlparser.Select, from []starred, ctes map[string][]string) {
	count, of := map[string]int{}, map[string]joinedColumn{}
	for _, t := range from {
		for _, name := range t.names(t.merged) {
			count[strings.ToLower(name)]++
		}
		for _, one := range t.joined {
			if !t.merged[strings.ToLower(one.name)] {
				of[strings.ToLower(one.name)] = one
			}
		}
	}
	maps.DeleteFunc(of, func(name string, _ joinedColumn) bool { return count[name] > 1 })
	s.nameTablesIn(c, n, of, ctes)
}

// nameTablesIn is nameTables for a SELECT and those within it whose tables lack the columns.
func (s *Session) nameTablesIn(c *sql.Context, n *sqlparser.Select, of map[string]joinedColumn, ctes map[string][]string) {
	aliases := map[string]bool{}
	for _, e := range n.SelectExprs {
		if a, ok := e.(*sqlparser.AliasedExpr); ok && !a.As.IsEmpty() {
			aliases[a.As.Lowered()] = true
		}
	}
	in := func(part any, aliased bool) {
		grammar.SwapExprs(reflect.ValueOf(part), func(e sqlparser.Expr) sqlparser.Expr {
			switch e := e.(type) {
			case *sqlparser.Subquery:
				s.nameTablesBelow(c, e.Select, of, ctes)
				return e
			case *sqlparser.ColName:
				one, ok := of[e.Name.Lowered()]
				if ok && e.Qualifier.IsEmpty() && !(aliased && aliases[e.Name.Lowered()]) {
					return &sqlparser.ColName{Name: e.Name, Qualifier: one.of}
				}
				return e
			}
			return nil
		})
	}
	in(n.SelectExprs, false)
	in(n.From, false)
	in(n.Where, false)
	in(n.GroupBy, true)
	in(n.Having, true)
	in(n.OrderBy, true)
	in(n.Window, false)
}

func (s *Session) nameTablesBelow(c *sql.Context, st sqlparser.SelectStatement, of map[string]joinedColumn, ctes map[string][]string) {
	switch st := st.(type) {
	case *sqlparser.ParenSelect:
		s.nameTablesBelow(c, st.Select, of, ctes)
	case *sqlparser.SetOp:
		s.nameTablesBelow(c, st.Left, of, ctes)
		s.nameTablesBelow(c, st.Right, of, ctes)
	case *sqlparser.Select:
		from, ok := s.tablesOf(c, st, ctes, looking)
		outer := maps.Clone(of)
		for _, t := range from {
			ok = ok && t.known()
			for _, name := range t.names(nil) {
				delete(outer, strings.ToLower(name))
			}
		}
		if ok && len(outer) > 0 {
			s.nameTablesIn(c, st, outer, ctes)
		}
	}
}
