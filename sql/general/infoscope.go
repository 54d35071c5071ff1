package general

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/grammar"
)

// infoScope says which databases and tables a query of information_schema can have rows of. The library reads every definition of every database before it
// filters and joins; the scope only leaves out what could not come through, so an empty part means: all.
type infoScope struct {
	schemas, tables []scopeName // of which a name matches one
}

// scopeName is a literal, placeholder or DATABASE() that a name equals, or is LIKE.
type scopeName struct {
	is   sqlparser.Expr
	like bool
}

// scopeKind says of what a column of information_schema is the name.
type scopeKind uint8

const (
	scopeSchema scopeKind = iota
	scopeTable
	scopeKinds
)

// scopeColumns name the database, or the table, that a row of an information_schema table is about. Each such row comes from the listing of that very
// database.
var scopeColumns = map[string]scopeKind{"table_schema": scopeSchema, "constraint_schema": scopeSchema, "trigger_schema": scopeSchema, "event_object_schema": scopeSchema,
	"routine_schema": scopeSchema, "specific_schema": scopeSchema, "event_schema": scopeSchema, "schema_name": scopeSchema, "index_schema": scopeSchema, "table_name": scopeTable}

// scopedTable is a table of information_schema in a FROM, and the names to which the statement's result narrows it; nil: none.
type scopedTable struct {
	alias string
	names [scopeKinds][]scopeName
}

// scopeBlock is a query block: names are looked for in it, then in those around it.
type scopeBlock struct {
	outer  *scopeBlock
	tables []*scopedTable
	others int // derived tables
}

// scoping finds the scope of a statement. Each condition that all rows of a table must meet to have a part in the result narrows it: by names, or by an equality with
// a column of a table that is narrowed itself (follow). All tables share one scope in the end.
type scoping struct {
	database string // the default one
	ctes     []string
	tables   []*scopedTable
	follow   []scopeEdge
}

// scopeEdge says that rows of to count only where a row of from has the same name.
type scopeEdge struct {
	from, to *scopedTable
	kind     scopeKind
}

// scopeOf finds the scope of a query of information_schema alone; nil for any other statement.
func scopeOf(st sqlparser.Statement, database string) *infoScope {
	sel, ok := st.(sqlparser.SelectStatement)
	if !ok {
		return nil
	}
	g := scoping{database: database}
	if !g.query(sel, nil) || len(g.tables) == 0 {
		return nil
	}
	for changed := true; changed; {
		changed = false
		for _, e := range g.follow {
			if e.to.names[e.kind] == nil && e.from.names[e.kind] != nil {
				e.to.names[e.kind], changed = e.from.names[e.kind], true
			}
		}
	}
	out := infoScope{schemas: g.all(scopeSchema), tables: g.all(scopeTable)}
	if out.schemas == nil && out.tables == nil {
		return nil
	}
	return &out
}

// all is what the tables are narrowed to together; nil when one is not.
func (g *scoping) all(kind scopeKind) (out []scopeName) {
	for _, t := range g.tables {
		if t.names[kind] == nil {
			return nil
		}
		out = append(out, t.names[kind]...)
	}
	return out
}

// query looks at a query expression; false: it reads something else than information_schema, or is too strange.
func (g *scoping) query(st sqlparser.SelectStatement, outer *scopeBlock) bool {
	switch n := st.(type) {
	case *sqlparser.ParenSelect:
		return g.query(n.Select, outer)
	case *sqlparser.SetOp:
		return g.with(n.With, outer) && g.query(n.Left, outer) && g.query(n.Right, outer)
	case *sqlparser.Select:
		return g.with(n.With, outer) && g.block(n, outer)
	}
	return false
}

func (g *scoping) with(w *sqlparser.With, outer *scopeBlock) bool {
	if w == nil {
		return true
	}
	for _, c := range w.Ctes {
		g.ctes = append(g.ctes, strings.ToLower(c.As.String()))
		if q, ok := c.Expr.(*sqlparser.Subquery); !ok || !g.query(q.Select, outer) {
			return false
		}
	}
	return true
}

func (g *scoping) block(sel *sqlparser.Select, outer *scopeBlock) bool {
	b := &scopeBlock{outer: outer}
	type join struct {
		on      sqlparser.Expr
		narrows []*scopedTable
	}
	var joins []join
	var from func(te sqlparser.TableExpr) bool
	from = func(te sqlparser.TableExpr) bool {
		switch n := te.(type) {
		case *sqlparser.AliasedTableExpr:
			return g.table(n, b)
		case *sqlparser.ParenTableExpr:
			for _, e := range n.Exprs {
				if !from(e) {
					return false
				}
			}
			return true
		case *sqlparser.JoinTableExpr:
			first := len(b.tables)
			if !from(n.LeftExpr) {
				return false
			}
			middle := len(b.tables)
			if !from(n.RightExpr) {
				return false
			}
			left, right := b.tables[first:middle], b.tables[middle:]
			var narrows []*scopedTable // an outer join keeps the rows of one side whatever its condition says
			switch n.Join {
			case sqlparser.JoinStr, sqlparser.StraightJoinStr:
				narrows = b.tables[first:]
			case sqlparser.LeftJoinStr:
				narrows = right
			case sqlparser.RightJoinStr:
				narrows = left
			}
			if n.Condition.On != nil {
				joins = append(joins, join{n.Condition.On, narrows})
			}
			for _, c := range n.Condition.Using {
				if kind, ok := scopeColumns[c.Lowered()]; ok && len(left) == 1 && len(right) == 1 && b.others == 0 {
					g.equate(left[0], right[0], kind, narrows)
				}
			}
			return true
		}
		return false
	}
	for _, te := range sel.From {
		if !from(te) {
			return false
		}
	}
	for _, j := range joins {
		g.narrow(j.on, b, j.narrows)
	}
	if sel.Where != nil {
		g.narrow(sel.Where.Expr, b, b.tables)
	}
	good := true
	nested := func(n sqlparser.SQLNode) (bool, error) {
		if q, ok := n.(*sqlparser.Subquery); ok {
			good = good && g.query(q.Select, b)
			return false, nil
		}
		return good, nil
	}
	for _, j := range joins {
		_ = grammar.Walk(nested, j.on) // nested gives no error
	}
	_ = grammar.Walk(nested, sel.SelectExprs, sel.Where, sel.GroupBy, sel.Having, sel.OrderBy)
	return good
}

// table enters a table of a FROM into its block.
func (g *scoping) table(n *sqlparser.AliasedTableExpr, b *scopeBlock) bool {
	switch e := n.Expr.(type) {
	case *sqlparser.Subquery:
		b.others++
		return g.query(e.Select, b.outer)
	case sqlparser.TableName:
		schema := e.DbQualifier.String()
		switch {
		case grammar.IsDual(e):
			return true
		case schema == "" && slices.Contains(g.ctes, strings.ToLower(e.Name.String())):
			b.others++
			return true
		case !strings.EqualFold(cmp.Or(schema, g.database), "information_schema"):
			return false
		}
		t := &scopedTable{alias: cmp.Or(n.As.String(), e.Name.String())}
		b.tables, g.tables = append(b.tables, t), append(g.tables, t)
		return true
	}
	return false
}

// narrow takes what the conjuncts of e say of those tables.
func (g *scoping) narrow(e sqlparser.Expr, b *scopeBlock, tables []*scopedTable) {
	switch n := e.(type) {
	case *sqlparser.AndExpr:
		g.narrow(n.Left, b, tables)
		g.narrow(n.Right, b, tables)
	case *sqlparser.ParenExpr:
		g.narrow(n.Expr, b, tables)
	case *sqlparser.ComparisonExpr:
		left, kind := b.column(n.Left)
		right, kind2 := b.column(n.Right)
		switch {
		case left != nil && right != nil:
			if n.Operator == sqlparser.EqualStr && kind == kind2 {
				g.equate(left, right, kind, tables)
			}
		case left != nil:
			g.name(left, kind, n.Operator, n, n.Right, tables)
		case right != nil && n.Operator == sqlparser.EqualStr:
			g.name(right, kind2, n.Operator, n, n.Left, tables)
		}
	}
}

// name narrows t to the names that it is compared with, unless it is narrowed already.
func (g *scoping) name(t *scopedTable, kind scopeKind, operator string, n *sqlparser.ComparisonExpr, to sqlparser.Expr, tables []*scopedTable) {
	if t.names[kind] != nil || !slices.Contains(tables, t) {
		return
	}
	var list []sqlparser.Expr
	switch operator {
	case sqlparser.EqualStr, sqlparser.LikeStr:
		list = []sqlparser.Expr{to}
	case sqlparser.InStr:
		if tuple, ok := to.(sqlparser.ValTuple); ok {
			list = tuple
		}
	}
	var names []scopeName
	for _, e := range list {
		is := nameIn(e)
		if is == nil || n.Escape != nil {
			return
		}
		names = append(names, scopeName{is, operator == sqlparser.LikeStr})
	}
	t.names[kind] = names
}

// equate takes that rows of those tables need a row of the other with the same name.
func (g *scoping) equate(a, b *scopedTable, kind scopeKind, tables []*scopedTable) {
	if slices.Contains(tables, a) {
		g.follow = append(g.follow, scopeEdge{b, a, kind})
	}
	if slices.Contains(tables, b) {
		g.follow = append(g.follow, scopeEdge{a, b, kind})
	}
}

// column finds the table of which e is the name; nil: it is no such column. Names are compared without case: LOWER and UPPER change nothing.
func (b *scopeBlock) column(e sqlparser.Expr) (*scopedTable, scopeKind) {
	if f, ok := e.(*sqlparser.FuncExpr); ok && len(f.Exprs) == 1 && (f.Name.Lowered() == "lower" || f.Name.Lowered() == "upper") {
		if a, ok := f.Exprs[0].(*sqlparser.AliasedExpr); ok {
			e = a.Expr
		}
	}
	c, ok := e.(*sqlparser.ColName)
	if !ok || c.StoredProcVal != nil {
		return nil, 0
	}
	kind, ok := scopeColumns[c.Name.Lowered()]
	if !ok {
		return nil, 0
	}
	q := c.Qualifier.Name.String()
	if q == "" {
		if len(b.tables) == 1 && b.others == 0 {
			return b.tables[0], kind
		}
		return nil, 0
	}
	for ; b != nil; b = b.outer {
		for _, t := range b.tables {
			if strings.EqualFold(t.alias, q) {
				return t, kind
			}
		}
		if b.others > 0 { // it may be one of these
			return nil, 0
		}
	}
	return nil, 0
}

// nameIn is the name that e stands for, nil when it is none that can be told before the statement runs: a text, a placeholder or DATABASE(), also as (SELECT DATABASE()).
func nameIn(e sqlparser.Expr) sqlparser.Expr {
	switch n := e.(type) {
	case *sqlparser.SQLVal:
		if n.Type == sqlparser.StrVal || n.Type == sqlparser.ValArg {
			return n
		}
	case *sqlparser.FuncExpr:
		if len(n.Exprs) == 0 && n.Qualifier.IsEmpty() && (n.Name.Lowered() == "database" || n.Name.Lowered() == "schema") {
			return n
		}
	case *sqlparser.ParenExpr:
		return nameIn(n.Expr)
	case *sqlparser.Subquery:
		s, ok := n.Select.(*sqlparser.Select)
		if !ok || s.Where != nil || s.Having != nil || s.Limit != nil || s.With != nil || len(s.GroupBy) > 0 || len(s.SelectExprs) != 1 {
			return nil
		}
		for _, te := range s.From {
			a, ok := te.(*sqlparser.AliasedTableExpr)
			if !ok {
				return nil
			}
			if t, ok := a.Expr.(sqlparser.TableName); !ok || !grammar.IsDual(t) {
				return nil
			}
		}
		if a, ok := s.SelectExprs[0].(*sqlparser.AliasedExpr); ok {
			return nameIn(a.Expr)
		}
	}
	return nil
}

// hasSchema and hasTable say whether the running statement can have rows of a database, of a table.
func (s *Session) hasSchema(name string) bool {
	return s.cur.st.scope == nil || s.cur.mayEqual(s, name, s.cur.st.scope.schemas)
}

func (s *Session) hasTable(name string) bool {
	return s.cur.st.scope == nil || s.cur.mayEqual(s, name, s.cur.st.scope.tables)
}

// mayEqual may say yes too often: the library compares by a collation to which case, accents and trailing spaces may not matter.
func (x *execution) mayEqual(s *Session, name string, to []scopeName) bool {
	if to == nil || !ascii(name) {
		return true
	}
	for _, e := range to {
		var want string
		switch n := e.is.(type) {
		case *sqlparser.FuncExpr:
			want = s.gms.GetCurrentDatabase()
		case *sqlparser.SQLVal:
			want = string(n.Val)
			if n.Type == sqlparser.ValArg {
				p, ok := x.param(want)
				if !ok {
					return true
				}
				want = p
			}
		}
		switch {
		case !ascii(want):
			return true
		case e.like:
			prefix := want
			if i := strings.IndexAny(want, `%_\`); i >= 0 {
				prefix = want[:i]
			}
			if len(prefix) <= len(name) && strings.EqualFold(prefix, name[:len(prefix)]) {
				return true
			}
		case strings.EqualFold(strings.TrimRight(want, " "), name):
			return true
		}
	}
	return false
}

// param is the text that a placeholder (":v1" is the first) is bound to.
func (x *execution) param(placeholder string) (string, bool) {
	for i, p := range x.params {
		if placeholder == fmt.Sprintf(":v%d", i+1) { // as bind names it
			switch v := p.(type) {
			case string:
				return v, true
			case []byte:
				return string(v), true
			}
		}
	}
	return "", false
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 || r == 0 })
}
