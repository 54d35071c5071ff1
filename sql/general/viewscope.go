package general

import (
	"cmp"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// viewScope finds what columns stand for, in a view's query and in a statement that writes to a view, and puts it in their place, in subqueries as
// well.
type viewScope struct {
	s       *Session
	c       *sql.Context
	schema  string // of tables in subqueries that do not say theirs; "" leaves them
	tables  []viewTable
	common  []viewColumn            // of USING and NATURAL
	unknown func(name string) error // outside of subqueries; nil leaves the name to others

	// outer, if not nil, is asked instead for every column, and every VALUES(), that is none of a subquery's own tables; within says that it stands in one.
	outer func(n sqlparser.Expr, within bool) sqlparser.Expr
}

// viewTable is a table by the name that it has for columns. Those whose expr is nil stay as they are written.
type viewTable struct {
	name    string
	columns []viewColumn
}

// find looks for a column; of is its table's name, "" if it is not qualified.
func find(tables []viewTable, of, name string) (col *viewColumn, ambiguous, ok bool) {
	for i := range tables {
		if of != "" && !strings.EqualFold(tables[i].name, of) {
			continue
		}
		for j := range tables[i].columns {
			if strings.EqualFold(tables[i].columns[j].name, name) {
				if col != nil {
					return col, true, true
				}
				col = &tables[i].columns[j]
				break
			}
		}
	}
	return col, false, col != nil
}

// innerTables are those of the subqueries around an expression. opaque ones may have any column.
type innerTables struct {
	tables []viewTable
	opaque bool
	ctes   map[string]bool
}

func (in *innerTables) has(of, name string) bool {
	if in == nil {
		return false
	}
	for i := range in.tables {
		if of != "" && strings.EqualFold(in.tables[i].name, of) {
			return true
		}
	}
	_, _, ok := find(in.tables, of, name)
	return of == "" && (ok || in.opaque)
}

// behind is what a column stands for, nil if it stays.
func (sc *viewScope) behind(n *sqlparser.ColName, in *innerTables) (*viewColumn, error) {
	name, of := n.Name.String(), n.Qualifier.Name.String()
	if n.StoredProcVal != nil || strings.HasPrefix(name, "@") || in.has(of, name) {
		return nil, nil
	}
	if of == "" {
		for i := range sc.common {
			if strings.EqualFold(sc.common[i].name, name) {
				return &sc.common[i], nil
			}
		}
	}
	col, ambiguous, ok := find(sc.tables, of, name)
	switch {
	case ambiguous:
		return nil, mysqlerr.New(mysqlerr.ER_NON_UNIQ_ERROR, name, "field list")
	case ok && col.expr == nil:
		return nil, nil
	case !ok && in == nil && sc.unknown != nil:
		return nil, sc.unknown(n.String())
	case !ok:
		return nil, nil
	}
	return col, nil
}

// copy makes an expression of its own: statements change the trees that they are made of.
func (sc *viewScope) copy(e sqlparser.Expr) sqlparser.Expr {
	if n, ok := e.(*sqlparser.ColName); ok {
		out := *n
		return &out
	}
	st, err := sc.s.e.parseOne(sc.c, "select "+sqlparser.String(e))
	if sel, ok := st.(*sqlparser.Select); ok && err == nil && len(sel.SelectExprs) == 1 {
		if a, ok := sel.SelectExprs[0].(*sqlparser.AliasedExpr); ok {
			return a.Expr
		}
	}
	return e
}

// expr puts what columns stand for in their place.
func (sc *viewScope) expr(e sqlparser.Expr, in *innerTables) (sqlparser.Expr, error) {
	if e == nil {
		return nil, nil
	}
	var cols []*sqlparser.ColName
	var outside []sqlparser.Expr
	bare := map[*sqlparser.ColName]bool{} // VALUES() knows no table's name
	var queries []sqlparser.SelectStatement
	_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
		switch n := n.(type) {
		case *sqlparser.ValuesFuncExpr:
			if sc.outer != nil {
				outside = append(outside, n)
				return false, nil
			}
			bare[n.Name] = true
		case *sqlparser.ColName:
			cols = append(cols, n)
		case *sqlparser.Subquery:
			queries = append(queries, n.Select)
			return false, nil
		}
		return true, nil
	}, e)
	for _, col := range cols {
		if sc.outer != nil {
			if !in.has(col.Qualifier.Name.String(), col.Name.String()) && !strings.HasPrefix(col.Name.String(), "@") {
				outside = append(outside, col)
			}
			continue
		}
		v, err := sc.behind(col, in)
		if err != nil {
			return nil, err
		}
		if v == nil {
			continue
		}
		if to, ok := v.expr.(*sqlparser.ColName); ok { // in place: some nodes hold no other expression
			col.Name, col.Qualifier = to.Name, to.Qualifier
			if bare[col] {
				col.Qualifier = sqlparser.TableName{}
			}
			continue
		}
		e = sqlparser.ReplaceExpr(e, col, &sqlparser.ParenExpr{Expr: sc.copy(v.expr)})
	}
	for _, n := range outside {
		e = sqlparser.ReplaceExpr(e, n, sc.outer(n, in != nil))
	}
	for _, q := range queries {
		if err := sc.query(q, in); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// put is expr for expressions where they are.
func (sc *viewScope) put(in *innerTables, list ...*sqlparser.Expr) error {
	for _, e := range list {
		out, err := sc.expr(*e, in)
		if err != nil {
			return err
		}
		*e = out
	}
	return nil
}

// query puts what columns of the scope stand for in their place within a subquery.
func (sc *viewScope) query(sel sqlparser.SelectStatement, around *innerTables) error {
	switch sel := sel.(type) {
	case *sqlparser.ParenSelect:
		return sc.query(sel.Select, around)
	case *sqlparser.SetOp:
		if err := sc.query(sel.Left, around); err != nil {
			return err
		}
		return sc.query(sel.Right, around)
	case *sqlparser.Select:
		return sc.selectIn(sel, around)
	}
	return nil
}

func (sc *viewScope) selectIn(sel *sqlparser.Select, around *innerTables) error {
	in := &innerTables{ctes: map[string]bool{}}
	if around != nil {
		in.tables, in.opaque = append(in.tables, around.tables...), around.opaque
		for name := range around.ctes {
			in.ctes[name] = true
		}
	}
	if sel.With != nil {
		for _, cte := range sel.With.Ctes {
			in.ctes[strings.ToLower(cte.As.String())] = true
		}
	}
	var list []*sqlparser.Expr
	for _, e := range sel.From {
		list = sc.inner(e, in, list)
	}
	for _, e := range sel.SelectExprs {
		if a, ok := e.(*sqlparser.AliasedExpr); ok {
			list = append(list, &a.Expr)
		}
	}
	for _, w := range []*sqlparser.Where{sel.Where, sel.Having} {
		if w != nil {
			list = append(list, &w.Expr)
		}
	}
	for i := range sel.GroupBy {
		list = append(list, &sel.GroupBy[i])
	}
	for _, o := range sel.OrderBy {
		list = append(list, &o.Expr)
	}
	return sc.put(in, list...)
}

// inner adds the tables of a subquery's FROM, and the conditions there to list.
func (sc *viewScope) inner(e sqlparser.TableExpr, in *innerTables, list []*sqlparser.Expr) []*sqlparser.Expr {
	switch e := e.(type) {
	case *sqlparser.AliasedTableExpr:
		name, ok := e.Expr.(sqlparser.TableName)
		q := name.DbQualifier.String()
		if !ok || q == "" && in.ctes[strings.ToLower(name.Name.String())] {
			in.opaque = true
			in.tables = append(in.tables, viewTable{name: cmp.Or(e.As.String(), name.Name.String())})
			return list
		}
		if q == "" && sc.schema != "" && !strings.EqualFold(name.Name.String(), "dual") {
			q, name.DbQualifier = sc.schema, sqlparser.NewTableIdent(sc.schema)
			e.Expr = name
			if e.As.IsEmpty() {
				e.As = name.Name
			}
		}
		t := viewTable{name: cmp.Or(e.As.String(), name.Name.String())}
		cols, err := sc.s.columnsNamed(sc.c, cmp.Or(q, sc.c.GetCurrentDatabase()), name.Name.String())
		in.opaque = in.opaque || err != nil || cols == nil
		for _, col := range cols {
			t.columns = append(t.columns, viewColumn{name: col})
		}
		in.tables = append(in.tables, t)
	case *sqlparser.ParenTableExpr:
		for _, t := range e.Exprs {
			list = sc.inner(t, in, list)
		}
	case *sqlparser.JoinTableExpr:
		list = sc.inner(e.RightExpr, in, sc.inner(e.LeftExpr, in, list))
		if e.Condition.On != nil {
			list = append(list, &e.Condition.On)
		}
	default:
		in.opaque = true
	}
	return list
}

// using is the condition that USING stands for.
func (sc *viewScope) using(kind string, names sqlparser.Columns, lefts, rights []viewTable) (on sqlparser.Expr, err error) {
	for _, name := range names {
		l, r := sc.side(lefts, name.String()), sc.side(rights, name.String())
		if l == nil || r == nil {
			return nil, sc.unknown(name.String())
		}
		on = both(on, &sqlparser.ComparisonExpr{Operator: sqlparser.EqualStr, Left: sc.copy(l.expr), Right: sc.copy(r.expr)})
		if kind == sqlparser.RightJoinStr {
			l = r
		}
		sc.common = append(sc.common, *l)
	}
	return on, nil
}

// side is a column of one side of a join, with an expression that stands for it; nil if there is none.
func (sc *viewScope) side(tables []viewTable, name string) *viewColumn {
	for i := range tables {
		if col, _, ok := find(tables[i:i+1], "", name); ok {
			out := *col
			if out.name = name; out.expr == nil {
				out.expr = columnIn(tables[i].name, name)
			}
			return &out
		}
	}
	return nil
}

// plainJoin makes ON of a join by USING and of a NATURAL one with a view that is merged.
func (sc *viewScope) plainJoin(e *sqlparser.JoinTableExpr, lefts, rights []viewTable) (err error) {
	merged := func(t viewTable) bool {
		return slices.ContainsFunc(t.columns, func(col viewColumn) bool { return col.expr != nil })
	}
	kind, names := strings.TrimPrefix(e.Join, "natural "), e.Condition.Using
	if kind != e.Join {
		names = shared(lefts, rights)
	}
	if len(names) == 0 && kind == e.Join || !slices.ContainsFunc(lefts, merged) && !slices.ContainsFunc(rights, merged) {
		return nil
	}
	e.Join, e.Condition.Using = kind, nil
	e.Condition.On, err = sc.using(kind, names, lefts, rights)
	return err
}

// shared are the columns that tables on both sides of a NATURAL join have.
func shared(lefts, rights []viewTable) (names sqlparser.Columns) {
	for _, t := range lefts {
		for _, col := range t.columns {
			if _, _, ok := find(rights, "", col.name); ok {
				names = append(names, sqlparser.NewColIdent(col.name))
			}
		}
	}
	return names
}
