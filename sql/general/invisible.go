package general

import (
	"maps"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/grammar"
)

// Invisible columns: a star does not show them, an INSERT without column list does not fill them, and who names them sees them. Package
// grammar marks them in a definition. Statements with a star, or without a column list, that meet such a table name the visible columns instead.

// takeMark moves the mark from the comment into the attributes.
func (a *columnAttrs) takeMark() {
	a.Comment, a.Invisible = strings.CutPrefix(a.Comment, grammar.InvisibleMark)
}

// hides reports whether the table has invisible columns.
func (m *meta) hides() bool {
	for i := range m.columns {
		if m.columns[i].Invisible {
			return true
		}
	}
	return false
}

// visible are the names of the columns that a star stands for.
func (m *meta) visible() []string {
	out := make([]string, 0, len(m.schema))
	for i, col := range m.schema {
		if !m.columns[i].Invisible && !col.HiddenSystem {
			out = append(out, col.Name)
		}
	}
	return out
}

// visibleOnly names the visible columns where the statement leaves the columns of a table with invisible ones open; st itself otherwise. The
// syntax tree of a prepared statement outlives the table's definition, so a tree of its own is changed.
func (s *Session) visibleOnly(c *sql.Context, st sqlparser.Statement, text string) sqlparser.Statement {
	if !s.leavesOpen(c, st, false) {
		return st
	}
	fresh, err := s.parseAgain(c, st, text)
	if err != nil {
		return st // the caller's own parse has a better idea of it
	}
	s.leavesOpen(c, fresh, true)
	return fresh
}

// stars says whether a statement leaves columns of a table open: by a star, or as an INSERT without a list of columns.
type stars uint8

const (
	starsUnknown stars = iota
	starsNone
	starsSome
)

// namesAll reports whether the statement names all columns that it is about, in each query within. It looks once: the tree of a statement that is executed
// again is the same.
func (st *Statement) namesAll() bool {
	if st.stars == starsUnknown {
		st.stars = starsNone
		_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
			switch n := n.(type) {
			case *sqlparser.StarExpr:
				st.stars = starsSome
			case *sqlparser.Insert:
				if n != nil && len(n.Columns) == 0 {
					st.stars = starsSome
				}
			}
			return st.stars == starsNone, nil
		}, st.ast)
	}
	return st.stars == starsNone
}

// leavesOpen reports whether a statement names no columns of a table with invisible ones; with fill it names them.
func (s *Session) leavesOpen(c *sql.Context, st sqlparser.Statement, fill bool) (found bool) {
	switch st.(type) {
	case *sqlparser.Select, *sqlparser.SetOp, *sqlparser.Insert, *sqlparser.ParenSelect, *sqlparser.DDL:
	default:
		return false
	}
	ctes := map[string]bool{}
	_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
		if w, ok := n.(*sqlparser.With); ok && w != nil {
			for _, cte := range w.Ctes {
				ctes[strings.ToLower(cte.AliasedTableExpr.As.String())] = true
			}
		}
		return true, nil
	}, st)
	_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) { // nor does this one
		switch n := n.(type) {
		case *sqlparser.Insert:
			found = s.openInsert(c, n, fill) || found
		case *sqlparser.Select:
			found = n != nil && s.openStar(c, n, ctes, fill) || found
		}
		return true, nil
	}, st)
	return found
}

func (s *Session) openInsert(c *sql.Context, n *sqlparser.Insert, fill bool) bool {
	if len(n.Columns) > 0 {
		return false
	}
	m := s.metaNamed(c, n.Table)
	if m == nil || !m.hides() {
		return false
	}
	if rows, ok := n.Rows.(*sqlparser.AliasedValues); ok && len(rows.Values) > 0 && len(rows.Values[0]) == 0 {
		return false // VALUES ()
	}
	if fill {
		for _, name := range m.visible() {
			n.Columns = append(n.Columns, sqlparser.NewColIdent(name))
		}
	}
	return true
}

func (s *Session) openStar(c *sql.Context, n *sqlparser.Select, ctes map[string]bool, fill bool) bool {
	stars := 0
	for _, e := range n.SelectExprs {
		if _, ok := e.(*sqlparser.StarExpr); ok {
			stars++
		}
	}
	if stars == 0 {
		return false
	}
	var from []starred
	hides := false
	for _, te := range n.From {
		if !s.starredBy(c, te, ctes, &from, fill) {
			return false
		}
	}
	for _, t := range from {
		hides = hides || t.m != nil && t.m.hides()
	}
	if !hides || !fill {
		return hides
	}
	var out sqlparser.SelectExprs
	for _, e := range n.SelectExprs {
		star, ok := e.(*sqlparser.StarExpr)
		if !ok {
			out = append(out, e)
			continue
		}
		for _, t := range from {
			switch {
			case star.TableName.IsEmpty():
				out = append(out, t.columns(t.merged)...)
			case strings.EqualFold(star.TableName.Name.String(), t.name.Name.String()):
				out = append(out, t.columns(nil)...)
			}
		}
	}
	n.SelectExprs = out
	return true
}

// starred is a table of a FROM by the name that its columns go by, or the columns that a join by USING has made one.
type starred struct {
	name   sqlparser.TableName
	m      *meta           // of a base table
	joined []joinedColumn  // columns that are one
	merged map[string]bool // columns of the table, lower case, that are among them
}

// joinedColumn is a column that USING has made one of two, by the table whose values it has.
type joinedColumn struct {
	name string
	of   sqlparser.TableName
}

// columns are those that a star stands for without those that are left out.
func (t *starred) columns(out map[string]bool) (list sqlparser.SelectExprs) {
	if t.m == nil && t.joined == nil || t.m != nil && !t.m.hides() && len(out) == 0 {
		return sqlparser.SelectExprs{&sqlparser.StarExpr{TableName: t.name}}
	}
	for _, one := range t.joined {
		if !out[strings.ToLower(one.name)] {
			list = append(list, &sqlparser.AliasedExpr{Expr: &sqlparser.ColName{Name: sqlparser.NewColIdent(one.name), Qualifier: one.of}, InputExpression: one.name})
		}
	}
	if t.m == nil {
		return list
	}
	for _, name := range t.names(out) {
		list = append(list, &sqlparser.AliasedExpr{Expr: &sqlparser.ColName{Name: sqlparser.NewColIdent(name), Qualifier: t.name}, InputExpression: name})
	}
	return list
}

func (t *starred) names(out map[string]bool) []string {
	var all, list []string
	for _, one := range t.joined {
		all = append(all, one.name)
	}
	if t.m != nil {
		all = t.m.visible()
	}
	for _, name := range all {
		if !out[strings.ToLower(name)] {
			list = append(list, name)
		}
	}
	return list
}

// starredBy collects what a star stands for; false where that cannot be told. With fill NATURAL becomes the USING of visible columns that it means.
func (s *Session) starredBy(c *sql.Context, te sqlparser.TableExpr, ctes map[string]bool, out *[]starred, fill bool) bool {
	switch t := te.(type) {
	case *sqlparser.AliasedTableExpr:
		one := starred{name: sqlparser.TableName{Name: t.As}}
		if name, ok := t.Expr.(sqlparser.TableName); ok {
			if t.As.IsEmpty() {
				one.name = name
			}
			if !name.DbQualifier.IsEmpty() || !ctes[strings.ToLower(name.Name.String())] {
				one.m = s.metaNamed(c, name)
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

// starredUsing: first the columns that are one, then the others of both sides.
func (s *Session) starredUsing(c *sql.Context, t *sqlparser.JoinTableExpr, ctes map[string]bool, out *[]starred, fill bool) bool {
	var sides [2][]starred
	if !s.starredBy(c, t.LeftExpr, ctes, &sides[0], fill) || !s.starredBy(c, t.RightExpr, ctes, &sides[1], fill) {
		return false
	}
	var names [2][]string
	for i, side := range sides {
		for _, one := range side {
			if one.m == nil && one.joined == nil {
				return false // of a derived table
			}
			names[i] = append(names[i], one.names(one.merged)...)
		}
	}
	both := []string{}
	if strings.Contains(t.Join, "natural") {
		for _, name := range names[0] {
			if slices.ContainsFunc(names[1], func(other string) bool { return strings.EqualFold(name, other) }) {
				both = append(both, name)
			}
		}
		if fill {
			t.Join = strings.TrimPrefix(t.Join, "natural ")
			for _, name := range both {
				t.Condition.Using = append(t.Condition.Using, sqlparser.NewColIdent(name))
			}
		}
	} else {
		for _, name := range t.Condition.Using {
			both = append(both, name.String())
		}
	}
	from := sides[0]
	if strings.Contains(t.Join, "right") {
		from = sides[1]
	}
	one := starred{joined: []joinedColumn{}}
	for _, name := range both {
		one.joined = append(one.joined, joinedColumn{name, tableOf(from, name)})
	}
	*out = append(*out, one)
	for _, side := range sides {
		for _, one := range side {
			merged := maps.Clone(one.merged)
			if merged == nil {
				merged = map[string]bool{}
			}
			for _, name := range both {
				merged[strings.ToLower(name)] = true
			}
			one.merged = merged
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
		if t.m != nil && columnPosition(t.m.def, name) >= 0 {
			return t.name
		}
	}
	return sqlparser.TableName{}
}

// visibleText is the query of a view, whose star stands for the columns that were visible when the view was made.
func (s *Session) visibleText(c *sql.Context, query string) string {
	st, err := s.e.parseOne(c, query)
	if err != nil || !s.leavesOpen(c, st, true) {
		return query
	}
	_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
		if e, ok := n.(*sqlparser.AliasedExpr); ok && e.As.IsEmpty() && e.InputExpression != "" {
			if _, column := e.Expr.(*sqlparser.ColName); !column {
				e.As = sqlparser.NewColIdent(e.InputExpression)
			}
		}
		return true, nil
	}, st)
	return sqlparser.String(st)
}
