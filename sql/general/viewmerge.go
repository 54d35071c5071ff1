package general

import (
	"cmp"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/planbuilder"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// MySQL's algorithm MERGE: what a statement that writes to a view has in the view's place are the tables that the view joins, with names of
// their own, and the expressions behind the view's columns.

// mergedView is a view as a statement may write to it.
type mergedView struct {
	schema, name string
	from         sqlparser.TableExpr // its tables, joined
	tables       []mergedTable
	columns      []viewColumn
	where        []sqlparser.Expr // its conditions and those of views beneath, these first
	on           []sqlparser.Expr // what its tables are joined by
	checks       []viewCheck
}

// mergedTable is a table in from.
type mergedTable struct {
	alias    string
	name     sqlparser.TableName
	of       string // as the view calls it
	writable bool   // a base table, no view that cannot be merged
	expr     *sqlparser.AliasedTableExpr
	outer    bool // its rows may be missing in the join
}

// viewColumn is a column of a view.
type viewColumn struct {
	name string
	expr sqlparser.Expr // in terms of the tables; shared: copied before it is used
	base string         // the column of a table that it is, "" for a computed one
	at   int            // that table
}

// viewCheck is a condition that rows written through a view must meet: WITH CHECK OPTION.
type viewCheck struct {
	view      string // schema.name
	condition sqlparser.Expr
	text      string // of the condition, once it is one on a row of a single table
	bound     sql.Expression
}

// maxViewDepth bounds views of views.
const maxViewDepth = 32

// merged resolves a view, nil if it cannot be merged. Its tables' aliases begin with prefix; a single table's is the prefix alone.
func (s *Session) merged(c *sql.Context, schema, name, prefix string, depth int) (*mergedView, error) {
	if depth > maxViewDepth {
		return nil, mysqlerr.New(mysqlerr.ER_VIEW_RECURSIVE, schema, name)
	}
	o, err := s.e.object(c, kindView, schema, name)
	if err != nil || o == nil {
		return nil, err
	}
	parsed, err := s.e.parseOne(c, o.Text)
	if err != nil {
		return nil, err
	}
	ddl, ok := parsed.(*sqlparser.DDL)
	if !ok || ddl.ViewSpec == nil || strings.EqualFold(ddl.ViewSpec.Algorithm, "temptable") {
		return nil, nil
	}
	sel, ok := ddl.ViewSpec.ViewExpr.(*sqlparser.Select)
	if !ok || !rowByRow(sel) {
		return nil, nil
	}
	m := &merger{s: s, c: c, v: &mergedView{schema: schema, name: name}, prefix: prefix, depth: depth}
	m.scope = &viewScope{s: s, c: c, schema: schema, unknown: func(string) error { return mysqlerr.New(mysqlerr.ER_VIEW_INVALID, schema, name) }}
	m.alone = len(sel.From) == 1
	if m.alone {
		_, m.alone = sel.From[0].(*sqlparser.AliasedTableExpr)
	}
	for _, e := range sel.From {
		from, err := m.table(e, false)
		if err != nil || from == nil {
			return nil, err
		}
		m.v.from = joined(m.v.from, from)
	}
	inherited := len(m.v.where)
	if sel.Where != nil {
		cond, err := m.scope.expr(sel.Where.Expr, nil)
		if err != nil {
			return nil, err
		}
		m.v.where = append(m.v.where, cond)
	}
	if ok, err := m.selected(sel.SelectExprs); err != nil || !ok {
		return nil, err
	}
	if list := ddl.ViewSpec.Columns; len(list) == len(m.v.columns) {
		for i := range list {
			m.v.columns[i].name = list[i].String()
		}
	}
	m.check(ddl.ViewSpec.CheckOption, inherited)
	return m.v, nil
}

// rowByRow reports whether each row that a SELECT gives is one of its tables' join.
func rowByRow(sel *sqlparser.Select) bool {
	plain := len(sel.From) > 0 && sel.With == nil && sel.Limit == nil && sel.Having == nil && len(sel.GroupBy) == 0 && sel.Window == nil && !sel.QueryOpts.Distinct
	for _, e := range sel.SelectExprs {
		_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) {
			switch n := n.(type) {
			case *sqlparser.FuncExpr:
				plain = plain && !n.IsAggregate() && n.Over == nil
			case *sqlparser.GroupConcatExpr:
				plain = false
			case *sqlparser.Subquery:
				plain = false
				return false, nil
			}
			return true, nil
		}, e)
	}
	return plain
}

// joined is a join without a condition.
func joined(left, right sqlparser.TableExpr) sqlparser.TableExpr {
	if left == nil {
		return right
	}
	return &sqlparser.JoinTableExpr{LeftExpr: left, Join: sqlparser.JoinStr, RightExpr: right}
}

// merger resolves one view.
type merger struct {
	s      *Session
	c      *sql.Context
	v      *mergedView
	scope  *viewScope
	prefix string
	depth  int
	alone  bool             // the view is of one table
	own    []sqlparser.Expr // conditions of its inner joins
}

// table merges an element of the view's FROM, nil if the view cannot be written to for its sake.
func (m *merger) table(e sqlparser.TableExpr, outer bool) (sqlparser.TableExpr, error) {
	switch e := e.(type) {
	case *sqlparser.AliasedTableExpr:
		return m.named(e, outer)
	case *sqlparser.ParenTableExpr:
		var from sqlparser.TableExpr
		for _, in := range e.Exprs {
			t, err := m.table(in, outer)
			if err != nil || t == nil {
				return nil, err
			}
			from = joined(from, t)
		}
		return &sqlparser.ParenTableExpr{Exprs: sqlparser.TableExprs{from}}, nil
	case *sqlparser.JoinTableExpr:
		return m.join(e, outer)
	}
	return nil, nil
}

func (m *merger) named(e *sqlparser.AliasedTableExpr, outer bool) (sqlparser.TableExpr, error) {
	name, ok := e.Expr.(sqlparser.TableName)
	if !ok || e.Lateral {
		return nil, nil
	}
	schema, called := cmp.Or(name.DbQualifier.String(), m.v.schema), cmp.Or(e.As.String(), name.Name.String())
	alias := m.prefix
	if !m.alone {
		alias += " " + called
	}
	if m.s.viewExists(m.c, schema, name.Name.String()) {
		in, err := m.s.merged(m.c, schema, name.Name.String(), alias, m.depth+1)
		if err != nil {
			return nil, err
		}
		if in != nil && (!outer || len(in.where) == 0) {
			return m.beneath(in, called, outer), nil
		}
	}
	cols, err := m.s.columnsNamed(m.c, schema, name.Name.String())
	if err != nil || cols == nil {
		return nil, err // 1356 is the library's to tell
	}
	base := sqlparser.TableName{Name: name.Name, DbQualifier: sqlparser.NewTableIdent(schema)}
	from := &sqlparser.AliasedTableExpr{Auth: sqlparser.AuthInformation{AuthType: sqlparser.AuthType_IGNORE}, Expr: base, As: sqlparser.NewTableIdent(alias), Partitions: e.Partitions}
	m.v.tables = append(m.v.tables, mergedTable{alias: alias, name: base, of: called, writable: !m.s.viewExists(m.c, schema, name.Name.String()), expr: from, outer: outer})
	at, list := len(m.v.tables)-1, make([]viewColumn, len(cols))
	for i, col := range cols {
		list[i] = viewColumn{name: col, expr: columnIn(alias, col), base: col, at: at}
	}
	m.scope.tables = append(m.scope.tables, viewTable{called, list})
	return from, nil
}

func columnIn(alias, name string) *sqlparser.ColName {
	return &sqlparser.ColName{Name: sqlparser.NewColIdent(name), Qualifier: sqlparser.TableName{Name: sqlparser.NewTableIdent(alias)}}
}

// beneath takes over a view that the view selects from.
func (m *merger) beneath(in *mergedView, called string, outer bool) sqlparser.TableExpr {
	first := len(m.v.tables)
	for _, t := range in.tables {
		t.outer = t.outer || outer
		m.v.tables = append(m.v.tables, t)
	}
	for i := range in.columns {
		in.columns[i].at += first
	}
	m.v.where = append(m.v.where, in.where...)
	m.v.on = append(m.v.on, in.on...)
	m.v.checks = append(m.v.checks, in.checks...)
	m.scope.tables = append(m.scope.tables, viewTable{called, in.columns})
	if len(in.tables) == 1 {
		return in.from
	}
	return &sqlparser.ParenTableExpr{Exprs: sqlparser.TableExprs{in.from}}
}

// join merges a join; USING and NATURAL become ON.
func (m *merger) join(e *sqlparser.JoinTableExpr, outer bool) (sqlparser.TableExpr, error) {
	kind := strings.TrimPrefix(e.Join, "natural ")
	natural := kind != e.Join
	if kind == sqlparser.FullOuterJoinStr || kind == "full join" {
		return nil, nil
	}
	from := len(m.scope.tables)
	left, err := m.table(e.LeftExpr, outer || kind == sqlparser.RightJoinStr)
	if err != nil || left == nil {
		return nil, err
	}
	mid := len(m.scope.tables)
	right, err := m.table(e.RightExpr, outer || kind == sqlparser.LeftJoinStr)
	if err != nil || right == nil {
		return nil, err
	}
	out := &sqlparser.JoinTableExpr{LeftExpr: left, Join: kind, RightExpr: right}
	lefts, rights := m.scope.tables[from:mid], m.scope.tables[mid:]
	using := e.Condition.Using
	if natural {
		using = shared(lefts, rights)
	}
	switch {
	case e.Condition.On != nil:
		if out.Condition.On, err = m.scope.expr(e.Condition.On, nil); err != nil {
			return nil, err
		}
	case len(using) > 0:
		if out.Condition.On, err = m.scope.using(kind, using, lefts, rights); err != nil {
			return nil, err
		}
	}
	if !outer && out.Condition.On != nil && kind != sqlparser.LeftJoinStr && kind != sqlparser.RightJoinStr {
		m.v.on = append(m.v.on, out.Condition.On)
		m.own = append(m.own, out.Condition.On)
	}
	return out, nil
}

// both is a conjunction; either may be nil.
func both(a, b sqlparser.Expr) sqlparser.Expr {
	if a == nil {
		return b
	}
	if b == nil {
		return a
	}
	return &sqlparser.AndExpr{Left: &sqlparser.ParenExpr{Expr: a}, Right: &sqlparser.ParenExpr{Expr: b}}
}

// selected finds the expressions behind the view's select list.
func (m *merger) selected(list sqlparser.SelectExprs) (bool, error) {
	for _, e := range list {
		switch e := e.(type) {
		case *sqlparser.StarExpr:
			m.star(e.TableName.Name.String())
		case *sqlparser.AliasedExpr:
			if col, ok := e.Expr.(*sqlparser.ColName); ok {
				found, err := m.scope.behind(col, nil)
				if err != nil {
					return false, err
				}
				if found != nil {
					out := *found
					out.name = cmp.Or(e.As.String(), col.Name.String())
					m.v.columns = append(m.v.columns, out)
					continue
				}
			}
			x, err := m.scope.expr(e.Expr, nil)
			if err != nil {
				return false, err
			}
			m.v.columns = append(m.v.columns, viewColumn{name: cmp.Or(e.As.String(), e.InputExpression), expr: x})
		default:
			return false, nil
		}
	}
	return true, nil
}

// star adds the columns of a table, or of all tables: those of USING first and once.
func (m *merger) star(of string) {
	seen := map[string]bool{}
	if of == "" {
		for _, col := range m.scope.common {
			if k := strings.ToLower(col.name); !seen[k] {
				seen[k] = true
				if found, err := m.scope.behind(sqlparser.NewColName(col.name), nil); err == nil && found != nil {
					m.v.columns = append(m.v.columns, *found)
				}
			}
		}
	}
	for _, t := range m.scope.tables {
		if of != "" && !strings.EqualFold(t.name, of) {
			continue
		}
		for _, col := range t.columns {
			if !seen[strings.ToLower(col.name)] {
				m.v.columns = append(m.v.columns, col)
			}
		}
	}
}

// check turns CHECK OPTION into checks: LOCAL checks this view's conditions and what the views beneath ask for themselves, CASCADED all
// conditions, of which the first are those of views beneath.
func (m *merger) check(option sqlparser.ViewCheckOption, inherited int) {
	v := m.v
	own, on := v.where, v.on
	switch option {
	case sqlparser.ViewCheckOptionLocal:
		own, on = own[inherited:], m.own
	case sqlparser.ViewCheckOptionCascaded:
	default:
		return
	}
	for _, list := range [][]sqlparser.Expr{own, on} {
		for _, e := range list {
			v.checks = append(v.checks, viewCheck{view: v.schema + "." + v.name, condition: e})
		}
	}
}

// columnNamed is the position of a column, -1 if there is none.
func (v *mergedView) columnNamed(name string) int {
	for i := range v.columns {
		if strings.EqualFold(v.columns[i].name, name) {
			return i
		}
	}
	return -1
}

// updatable reports whether a view has a table that may be written to.
func (v *mergedView) updatable() bool {
	for i := range v.columns {
		if col := &v.columns[i]; col.base != "" && v.tables[col.at].writable {
			return true
		}
	}
	return false
}

// columnsNamed are the columns of a table or view, nil if there is none such.
func (s *Session) columnsNamed(c *sql.Context, schema, name string) ([]string, error) {
	if o, err := s.e.object(c, kindView, schema, name); err != nil {
		return nil, err
	} else if o != nil {
		defer c.SetCurrentDatabase(c.GetCurrentDatabase()) // names within are of the view's own schema
		c.SetCurrentDatabase(schema)
		node, _, _, _, err := planbuilder.New(c, s.e.gms.Analyzer.Catalog, nil).Parse(o.Text, nil, false)
		create, ok := node.(*plan.CreateView)
		if err != nil || !ok {
			return nil, nil
		}
		var out []string
		for _, col := range create.TargetSchema() {
			out = append(out, col.Name)
		}
		return out, nil
	}
	m := s.metaNamed(c, sqlparser.TableName{Name: sqlparser.NewTableIdent(name), DbQualifier: sqlparser.NewTableIdent(schema)})
	if m == nil {
		return nil, nil
	}
	var out []string
	for _, col := range m.Schema {
		if !col.HiddenSystem {
			out = append(out, col.Name)
		}
	}
	return out, nil
}
