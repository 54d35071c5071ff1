package general

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/mysql_db"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// The library's views are read only. Here an INSERT, UPDATE or DELETE of one table that names a view becomes one of the view's base table, if
// each row of the view is a row of that table (MySQL 8.0 Reference Manual, 27.5.3): columns are renamed, the view's condition is added,
// and WITH CHECK OPTION becomes checks of the rows that are written. Privileges stay those on the view.

// updatable is a view as a statement may write to it.
type updatable struct {
	schema, name string              // of the view
	base         sqlparser.TableName // its base table, never a view
	columns      []viewColumn
	where        []sqlparser.Expr // on the base table, columns unqualified
	checks       []viewCheck
}

// viewColumn is a column of a view and the base table's column behind it, "" for an expression.
type viewColumn struct{ name, base string }

// viewCheck is a condition that rows written through a view must meet: WITH CHECK OPTION.
type viewCheck struct {
	view      string // schema.name
	condition string
	bound     sql.Expression
}

// maxViewDepth bounds views of views.
const maxViewDepth = 32

// throughView returns the statement to execute for ast, which is shared and stays as it is.
func (s *Session) throughView(c *sql.Context, x *execution, ast sqlparser.Statement, text string) (sqlparser.Statement, error) {
	if ddl, ok := ast.(*sqlparser.DDL); ok {
		return viewForGMS(ddl), nil
	}
	name, verb, ok := writeTarget(ast)
	if !ok {
		return ast, nil
	}
	schema := orDefault(name.DbQualifier.String(), c.GetCurrentDatabase())
	if schema == "" || !s.viewExists(c, schema, name.Name.String()) {
		return ast, nil
	}
	v, err := s.updatable(c, schema, name.Name.String(), 0)
	if err != nil {
		return nil, err
	}
	if v == nil {
		if verb == "INSERT" {
			return nil, mysqlerr.New(mysqlerr.ER_NON_INSERTABLE_TABLE, name.Name.String(), verb)
		}
		return nil, mysqlerr.New(mysqlerr.ER_NON_UPDATABLE_TABLE, name.Name.String(), verb)
	}
	if err := s.mayThrough(c, x, v, verb); err != nil {
		return nil, err
	}
	own, err := s.e.parseOne(c, text)
	if err != nil {
		return nil, err
	}
	switch st := own.(type) {
	case *sqlparser.Insert:
		err = v.insert(st)
	case *sqlparser.Update:
		if err = v.rename(st, viewAlias(st.TableExprs)); err == nil {
			st.TableExprs, st.Where = v.from(st.TableExprs), v.restrict(st.Where, viewAlias(st.TableExprs))
		}
	case *sqlparser.Delete:
		if err = v.rename(st, viewAlias(st.TableExprs)); err == nil {
			st.TableExprs, st.Where = v.from(st.TableExprs), v.restrict(st.Where, viewAlias(st.TableExprs))
		}
	}
	if err != nil {
		return nil, err
	}
	if verb != "DELETE" && len(v.checks) > 0 {
		x.viewChecks = map[[2]string][]viewCheck{{v.base.DbQualifier.String(), v.base.Name.String()}: v.checks}
	}
	return own, nil
}

// mayThrough checks the privileges on the table behind a view: those on the view itself are checked as on a table. Of a view with
// SQL SECURITY INVOKER the user needs them too; of others the table need not even be known to the user.
func (s *Session) mayThrough(c *sql.Context, x *execution, v *updatable, verb string) error {
	o, err := s.e.object(c, kindView, v.schema, v.name)
	if err != nil || o == nil {
		return err
	}
	schema, name := v.base.DbQualifier.String(), v.base.Name.String()
	if !o.Invoker {
		x.behind = [2]string{strings.ToLower(schema), strings.ToLower(name)}
		return nil
	}
	kinds := map[string]string{"INSERT": sqlparser.AuthType_INSERT, "UPDATE": sqlparser.AuthType_UPDATE, "DELETE": sqlparser.AuthType_DELETE}
	return s.authorize(c, sqlparser.AuthInformation{AuthType: kinds[verb], TargetType: sqlparser.AuthTargetType_SingleTableIdentifier, TargetNames: []string{schema, name}})
}

// trusted is a database whose table stands behind the view that the statement writes through, without the library's question
// whether the user may know of it.
func trusted(c *sql.Context, db sql.Database, name string) sql.Database {
	x := executionOf(c)
	if x == nil || x.behind != [2]string{strings.ToLower(db.Name()), strings.ToLower(name)} {
		return db
	}
	if p, ok := db.(mysql_db.PrivilegedDatabase); ok {
		return p.Unwrap()
	}
	return db
}

// viewForGMS is a CREATE VIEW as the library wants it: it refuses WITH LOCAL CHECK OPTION (database.CreateView looks at the statement
// itself) and looks for the view's database where the parser puts a table's.
func viewForGMS(ddl *sqlparser.DDL) sqlparser.Statement {
	if ddl.ViewSpec == nil {
		return ddl
	}
	out, spec := *ddl, *ddl.ViewSpec
	if spec.CheckOption == sqlparser.ViewCheckOptionLocal {
		spec.CheckOption = sqlparser.ViewCheckOptionCascaded
	}
	out.ViewSpec, out.Table = &spec, spec.ViewName
	return &out
}

// writeTarget is the table that a statement of one table writes to.
func writeTarget(ast sqlparser.Statement) (name sqlparser.TableName, verb string, ok bool) {
	var from sqlparser.TableExprs
	switch st := ast.(type) {
	case *sqlparser.Insert:
		return st.Table, "INSERT", true
	case *sqlparser.Update:
		from, verb = st.TableExprs, "UPDATE"
	case *sqlparser.Delete:
		if len(st.Targets) > 0 {
			return name, "", false
		}
		from, verb = st.TableExprs, "DELETE"
	}
	if len(from) != 1 {
		return name, "", false
	}
	t, ok := from[0].(*sqlparser.AliasedTableExpr)
	if !ok {
		return name, "", false
	}
	name, ok = t.Expr.(sqlparser.TableName)
	return name, verb, ok
}

// viewAlias is what columns of the only table may be qualified with.
func viewAlias(from sqlparser.TableExprs) string {
	t := from[0].(*sqlparser.AliasedTableExpr)
	if !t.As.IsEmpty() {
		return t.As.String()
	}
	return t.Expr.(sqlparser.TableName).Name.String()
}

// updatable resolves a view, nil if it cannot be written to.
func (s *Session) updatable(c *sql.Context, schema, name string, depth int) (*updatable, error) {
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
	if !ok || ddl.ViewSpec == nil {
		return nil, nil
	}
	sel, ok := ddl.ViewSpec.ViewExpr.(*sqlparser.Select)
	if !ok || !rowByRow(sel) {
		return nil, nil
	}
	from, ok := sel.From[0].(*sqlparser.AliasedTableExpr)
	if !ok {
		return nil, nil
	}
	table, ok := from.Expr.(sqlparser.TableName)
	if !ok {
		return nil, nil
	}
	v := &updatable{schema: schema, name: name}
	inner, known, err := s.viewedTable(c, v, orDefault(table.DbQualifier.String(), schema), table.Name.String(), depth)
	if err != nil || known == nil {
		return nil, err
	}
	if !v.selects(sel.SelectExprs, known) {
		return nil, nil
	}
	if list := ddl.ViewSpec.Columns; len(list) == len(v.columns) {
		for i := range list {
			v.columns[i].name = list[i].String()
		}
	}
	if sel.Where != nil {
		from := &updatable{columns: known}
		if err := from.renameIn(sel.Where.Expr, viewAlias(sel.From), false, true); err != nil {
			return nil, nil
		}
		v.where = append(v.where, sel.Where.Expr)
	}
	v.check(ddl.ViewSpec.CheckOption, inner)
	return v, nil
}

// rowByRow reports whether each row that a SELECT gives is one of its only table's.
func rowByRow(sel *sqlparser.Select) bool {
	plain := len(sel.From) == 1 && sel.With == nil && sel.Limit == nil && sel.Having == nil && len(sel.GroupBy) == 0 && sel.Window == nil && !sel.QueryOpts.Distinct
	for _, e := range sel.SelectExprs {
		_ = walk(func(n sqlparser.SQLNode) (bool, error) {
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

// viewedTable resolves what a view selects from: a table, or a view that is updatable. known are its columns, nil if it is neither.
func (s *Session) viewedTable(c *sql.Context, v *updatable, schema, name string, depth int) (inner *updatable, known []viewColumn, err error) {
	if s.viewExists(c, schema, name) {
		inner, err = s.updatable(c, schema, name, depth+1)
		if err != nil || inner == nil {
			return nil, nil, err
		}
		v.base, v.where = inner.base, append(v.where, inner.where...)
		return inner, inner.columns, nil
	}
	def, err := s.e.catalog.Definition(c, schema, name)
	if err != nil {
		return nil, nil, nil // 1356 is the library's to tell
	}
	v.base = sqlparser.TableName{Name: sqlparser.NewTableIdent(def.Name), DbQualifier: sqlparser.NewTableIdent(def.Schema)}
	for i := range def.Columns {
		known = append(known, viewColumn{def.Columns[i].Name, def.Columns[i].Name})
	}
	return nil, known, nil
}

// selects finds the columns behind a view's select list.
func (v *updatable) selects(list sqlparser.SelectExprs, known []viewColumn) bool {
	for _, e := range list {
		switch e := e.(type) {
		case *sqlparser.StarExpr:
			v.columns = append(v.columns, known...)
		case *sqlparser.AliasedExpr:
			col, ok := e.Expr.(*sqlparser.ColName)
			if !ok {
				v.columns = append(v.columns, viewColumn{orDefault(e.As.String(), e.InputExpression), ""})
				continue
			}
			i := columnNamed(known, col.Name.String())
			if i < 0 {
				return false
			}
			v.columns = append(v.columns, viewColumn{orDefault(e.As.String(), col.Name.String()), known[i].base})
		default:
			return false
		}
	}
	return true
}

func columnNamed(list []viewColumn, name string) int {
	for i := range list {
		if strings.EqualFold(list[i].name, name) {
			return i
		}
	}
	return -1
}

// check turns CHECK OPTION into checks: LOCAL checks this view's condition and what the views beneath ask for themselves, CASCADED all
// conditions.
func (v *updatable) check(option sqlparser.ViewCheckOption, inner *updatable) {
	if inner != nil {
		v.checks = append(v.checks, inner.checks...)
	}
	own := v.where
	switch option {
	case sqlparser.ViewCheckOptionLocal:
		if inner != nil {
			own = own[len(inner.where):]
		}
	case sqlparser.ViewCheckOptionCascaded:
	default:
		return
	}
	for _, e := range own {
		v.checks = append(v.checks, viewCheck{view: v.schema + "." + v.name, condition: sqlparser.String(e)})
	}
}

// insert makes an INSERT one into the base table.
func (v *updatable) insert(st *sqlparser.Insert) error {
	named := st.Columns
	if len(named) == 0 {
		for _, col := range v.columns {
			named = append(named, sqlparser.NewColIdent(col.name))
		}
	}
	cols := make(sqlparser.Columns, len(named))
	seen := map[string]bool{}
	for _, col := range v.columns {
		if col.base == "" || seen[strings.ToLower(col.base)] {
			return mysqlerr.New(mysqlerr.ER_NON_INSERTABLE_TABLE, v.name, "INSERT")
		}
		seen[strings.ToLower(col.base)] = true
	}
	for i, name := range named {
		at := columnNamed(v.columns, name.String())
		if at < 0 {
			return mysqlerr.New(mysqlerr.ER_BAD_FIELD_ERROR, name.String(), "field list")
		}
		cols[i] = sqlparser.NewColIdent(v.columns[at].base)
	}
	for _, e := range st.OnDup {
		if err := v.renameIn(e, v.name, true, false); err != nil {
			return err
		}
	}
	st.Table, st.Columns = v.base, cols
	return nil
}

// rename makes the columns of an UPDATE or DELETE those of the base table.
func (v *updatable) rename(st sqlparser.SQLNode, alias string) error {
	if up, ok := st.(*sqlparser.Update); ok {
		for _, e := range up.Exprs {
			if i := columnNamed(v.columns, e.Name.Name.String()); i >= 0 && v.columns[i].base == "" {
				return mysqlerr.New(mysqlerr.ER_NONUPDATEABLE_COLUMN, e.Name.Name.String())
			}
		}
	}
	return v.renameIn(st, alias, true, false)
}

// renameIn renames within n the view's columns: those qualified with alias, and outside of subqueries those that are not qualified. strict
// refuses names that are none of the view's; bare drops the qualifiers.
func (v *updatable) renameIn(n sqlparser.SQLNode, alias string, strict, bare bool) error {
	within := 0
	var visit sqlparser.Visit
	visit = func(n sqlparser.SQLNode) (bool, error) {
		switch n := n.(type) {
		case *sqlparser.Subquery:
			within++
			err := walk(visit, n.Select)
			within--
			return false, err
		case *sqlparser.ColName:
			q := n.Qualifier.Name.String()
			if q != "" && !strings.EqualFold(q, alias) || q == "" && within > 0 {
				return true, nil
			}
			i := columnNamed(v.columns, n.Name.String())
			switch {
			case i < 0 && strict:
				return false, mysqlerr.New(mysqlerr.ER_BAD_FIELD_ERROR, n.Name.String(), "field list")
			case i < 0:
				return false, mysqlerr.New(mysqlerr.ER_VIEW_INVALID, v.schema, v.name)
			case v.columns[i].base == "":
				return false, mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, "reading a computed column of the view that is written to")
			}
			n.Name = sqlparser.NewColIdent(v.columns[i].base)
			if bare && within == 0 {
				n.Qualifier = sqlparser.TableName{}
			}
		}
		return true, nil
	}
	return walk(visit, n)
}

// from names the base table, under the name that the statement gives to the view.
func (v *updatable) from(exprs sqlparser.TableExprs) sqlparser.TableExprs {
	t := exprs[0].(*sqlparser.AliasedTableExpr)
	t.As, t.Expr = sqlparser.NewTableIdent(viewAlias(exprs)), v.base
	return exprs
}

// restrict adds the view's condition to a statement's.
func (v *updatable) restrict(w *sqlparser.Where, alias string) *sqlparser.Where {
	for _, e := range v.where {
		_ = walk(func(n sqlparser.SQLNode) (bool, error) {
			switch n := n.(type) {
			case *sqlparser.Subquery:
				return false, nil
			case *sqlparser.ColName:
				n.Qualifier = sqlparser.TableName{Name: sqlparser.NewTableIdent(alias)}
			}
			return true, nil
		}, e)
		if w == nil {
			w = sqlparser.NewWhere(sqlparser.WhereStr, e)
		} else {
			w.Expr = &sqlparser.AndExpr{Left: &sqlparser.ParenExpr{Expr: e}, Right: &sqlparser.ParenExpr{Expr: w.Expr}}
		}
	}
	return w
}

// verifyView checks a row that is written through a view WITH CHECK OPTION.
func (e *editor) verifyView(c *sql.Context, r sql.Row) error {
	x := executionOf(c)
	if x == nil || x.viewChecks == nil {
		return nil
	}
	checks := x.viewChecks[[2]string{e.m.def.Schema, e.m.def.Name}]
	for i := range checks {
		ch := &checks[i]
		if ch.bound == nil {
			var err error
			if ch.bound, err = sessionOf(c).boundCondition(c, e.m, ch.condition); err != nil {
				return err
			}
		}
		v, err := sql.EvaluateCondition(c, ch.bound, r)
		if err != nil {
			return err
		}
		if !sql.IsTrue(v) {
			return mysqlerr.NewMessage(mysqlerr.ER_VIEW_CHECK_FAILED, "CHECK OPTION failed '%s'", ch.view)
		}
	}
	return nil
}
