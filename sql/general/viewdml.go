package general

import (
	"cmp"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/mysql_db"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// The library's views are read only. Here an INSERT, UPDATE or DELETE that writes to a view becomes one of the tables that the view joins (MySQL 8.0
// Reference Manual, 27.5.3): columns are replaced by what is behind them, the view's conditions are added, and WITH CHECK OPTION becomes checks
// of the rows that are written. Privileges stay those on the view.

// throughView returns the statement to execute for ast, which is shared and stays as it is.
func (s *Session) throughView(c *sql.Context, x *execution, ast sqlparser.Statement, text string) (sqlparser.Statement, error) {
	if ddl, ok := ast.(*sqlparser.DDL); ok {
		return viewForGMS(ddl), nil
	}
	if !s.namesView(c, ast) {
		return ast, nil
	}
	own, err := s.parseAgain(c, ast, text)
	if err != nil {
		return nil, err
	}
	w := &viewWriter{s: s, c: c, x: x}
	switch st := own.(type) {
	case *sqlparser.Insert:
		err = w.insert(st)
	case *sqlparser.Update:
		err = w.update(st)
	case *sqlparser.Delete:
		err = w.delete(st)
	}
	if err != nil {
		return nil, err
	}
	if !w.merged {
		return ast, nil
	}
	_, err = grammar.LockStatement(own) // the tables that came in
	return own, err
}

// namesView reports whether an INSERT, UPDATE or DELETE names a view where it may write to it.
func (s *Session) namesView(c *sql.Context, ast sqlparser.Statement) bool {
	switch st := ast.(type) {
	case *sqlparser.Insert:
		_, ok := s.viewNamed(c, st.Table)
		return ok
	case *sqlparser.Update:
		return slices.ContainsFunc(referred(st.TableExprs), func(r *tableRef) bool { return r.isView(s, c) })
	case *sqlparser.Delete:
		return slices.ContainsFunc(referred(st.TableExprs), func(r *tableRef) bool { return r.isView(s, c) })
	}
	return false
}

// viewNamed is the schema of a view.
func (s *Session) viewNamed(c *sql.Context, name sqlparser.TableName) (schema string, ok bool) {
	schema = cmp.Or(name.DbQualifier.String(), c.GetCurrentDatabase())
	return schema, schema != "" && !name.Name.IsEmpty() && s.viewExists(c, schema, name.Name.String())
}

// tableRef is a table that a statement names.
type tableRef struct {
	expr  *sqlparser.AliasedTableExpr
	name  sqlparser.TableName
	at    *sqlparser.TableExpr     // where it stands
	on    *sqlparser.JoinTableExpr // the outer join in which its rows may be missing
	view  *mergedView              // nil: a table, or a view that cannot be merged
	alias string
	wrote int // the table of the view that is written to, -1 for none yet
}

// referred are the tables that a statement names, but for those in subqueries. What is none has no name.
func referred(from sqlparser.TableExprs) (out []*tableRef) {
	for i := range from {
		out = referredIn(&from[i], nil, out)
	}
	return out
}

func referredIn(at *sqlparser.TableExpr, on *sqlparser.JoinTableExpr, out []*tableRef) []*tableRef {
	switch e := (*at).(type) {
	case *sqlparser.AliasedTableExpr:
		name, _ := e.Expr.(sqlparser.TableName)
		return append(out, &tableRef{expr: e, name: name, at: at, on: on, alias: cmp.Or(e.As.String(), name.Name.String()), wrote: -1})
	case *sqlparser.ParenTableExpr:
		for i := range e.Exprs {
			out = referredIn(&e.Exprs[i], on, out)
		}
	case *sqlparser.JoinTableExpr:
		left, right := on, on
		if strings.Contains(e.Join, "left") {
			right = e
		} else if strings.Contains(e.Join, "right") {
			left = e
		}
		return referredIn(&e.RightExpr, right, referredIn(&e.LeftExpr, left, out))
	default:
		return append(out, &tableRef{at: at, on: on, wrote: -1})
	}
	return out
}

func (r *tableRef) isView(s *Session, c *sql.Context) bool {
	_, ok := s.viewNamed(c, r.name)
	return ok
}

// viewWriter makes of a statement one that writes to the tables of its views.
type viewWriter struct {
	s      *Session
	c      *sql.Context
	x      *execution
	from   sqlparser.TableExprs
	scope  *viewScope
	refs   []*tableRef // the tables of from
	merged bool
}

// look finds the tables of an UPDATE or DELETE and what their columns stand for.
func (w *viewWriter) look() error {
	w.refs = referred(w.from)
	w.scope = &viewScope{s: w.s, c: w.c}
	known := true
	for _, r := range w.refs {
		schema, view := w.s.viewNamed(w.c, r.name)
		t := viewTable{name: r.alias}
		if view {
			v, err := w.s.merged(w.c, schema, r.name.Name.String(), r.alias, 0)
			if err != nil {
				return err
			}
			if r.view = v; v != nil {
				t.columns = v.columns
			}
		}
		if r.view == nil && !r.name.Name.IsEmpty() {
			cols, err := w.s.columnsNamed(w.c, schema, r.name.Name.String())
			if err != nil {
				return err
			}
			for _, col := range cols {
				t.columns = append(t.columns, viewColumn{name: col})
			}
		}
		known = known && t.columns != nil
		w.scope.tables = append(w.scope.tables, t)
	}
	if known {
		w.scope.unknown = func(name string) error { return mysqlerr.New(mysqlerr.ER_BAD_FIELD_ERROR, name, "where clause") }
	}
	return nil
}

// owner is the table of a column that a statement assigns to.
func (w *viewWriter) owner(n *sqlparser.ColName) (*tableRef, *viewColumn, error) {
	var owner *tableRef
	var col *viewColumn
	for i, r := range w.refs {
		if q := n.Qualifier.Name.String(); q != "" && !strings.EqualFold(q, r.alias) {
			continue
		}
		if at, _, ok := find(w.scope.tables[i:i+1], "", n.Name.String()); ok {
			if owner != nil {
				return nil, nil, mysqlerr.New(mysqlerr.ER_NON_UNIQ_ERROR, n.String(), "field list")
			}
			owner, col = r, at
		}
	}
	if owner == nil && w.scope.unknown != nil {
		return nil, nil, mysqlerr.New(mysqlerr.ER_BAD_FIELD_ERROR, n.String(), "field list")
	}
	return owner, col, nil
}

func (w *viewWriter) update(st *sqlparser.Update) error {
	w.from = st.TableExprs
	if err := w.look(); err != nil {
		return err
	}
	for _, set := range st.Exprs {
		if err := w.assigned(set.Name); err != nil {
			return err
		}
	}
	if err := w.merge(&st.Where, "UPDATE"); err != nil || !w.merged {
		return err
	}
	if len(w.refs) == 1 && len(w.refs[0].view.tables) > 1 {
		if len(st.OrderBy) > 0 {
			return mysqlerr.New(mysqlerr.ER_WRONG_USAGE, "UPDATE", "ORDER BY")
		}
		if st.Limit != nil {
			return mysqlerr.New(mysqlerr.ER_WRONG_USAGE, "UPDATE", "LIMIT")
		}
	}
	for _, set := range st.Exprs {
		name := sqlparser.Expr(set.Name)
		if err := w.scope.put(nil, &name, &set.Expr); err != nil {
			return err
		}
	}
	for _, o := range st.OrderBy {
		if err := w.scope.put(nil, &o.Expr); err != nil {
			return err
		}
	}
	for _, r := range w.refs {
		if r.wrote >= 0 {
			st.Exprs = append(st.Exprs, w.checked(r, st.Exprs)...)
		}
	}
	return nil
}

// assigned notes which table of which view an assignment writes to.
func (w *viewWriter) assigned(n *sqlparser.ColName) error {
	r, col, err := w.owner(n)
	if err != nil || r == nil || !r.isView(w.s, w.c) {
		return err
	}
	switch {
	case r.view == nil || !r.view.updatable():
		return mysqlerr.New(mysqlerr.ER_NON_UPDATABLE_TABLE, r.alias, "UPDATE")
	case col.base == "":
		return mysqlerr.New(mysqlerr.ER_NONUPDATEABLE_COLUMN, n.Name.String())
	case !r.view.tables[col.at].writable:
		return mysqlerr.New(mysqlerr.ER_NON_UPDATABLE_TABLE, r.view.tables[col.at].of, "UPDATE")
	case r.wrote >= 0 && r.wrote != col.at:
		return mysqlerr.New(mysqlerr.ER_VIEW_MULTIUPDATE, r.view.schema, r.view.name)
	}
	r.wrote = col.at
	return nil
}

// merge puts the tables of the views that are written to in their places, and columns of the statement's conditions. Other views stay.
func (w *viewWriter) merge(where **sqlparser.Where, verb string) error {
	for i, r := range w.refs {
		if r.wrote < 0 {
			for j := range w.scope.tables[i].columns {
				w.scope.tables[i].columns[j].expr = nil
			}
			r.view = nil
			continue
		}
		w.merged = true
		if err := w.s.mayThrough(w.c, w.x, r.view, r.wrote, verb); err != nil {
			return err
		}
	}
	if !w.merged {
		return nil
	}
	if err := w.conditions(where); err != nil {
		return err
	}
	for _, r := range w.refs {
		if r.view == nil {
			continue
		}
		var cond sqlparser.Expr
		for _, e := range r.view.where {
			cond = both(cond, w.scope.copy(e))
		}
		switch {
		case cond == nil:
		case r.on != nil:
			r.on.Condition.On = both(cond, r.on.Condition.On)
		case *where == nil:
			*where = sqlparser.NewWhere(sqlparser.WhereStr, cond)
		default:
			(*where).Expr = both(cond, (*where).Expr)
		}
		if len(r.view.tables) == 1 {
			r.expr.As, r.expr.Expr = sqlparser.NewTableIdent(r.alias), r.view.tables[0].name
			continue
		}
		r.view.tables[0].expr.Auth = r.expr.Auth // asked of the view's name
		*r.at = &sqlparser.ParenTableExpr{Exprs: sqlparser.TableExprs{r.view.from}}
	}
	return nil
}

// conditions puts what columns stand for in WHERE and in the conditions of joins.
func (w *viewWriter) conditions(where **sqlparser.Where) error {
	at := 0
	for _, e := range w.from {
		if err := w.joins(e, &at); err != nil {
			return err
		}
	}
	if *where != nil {
		return w.scope.put(nil, &(*where).Expr)
	}
	return nil
}

// joins is conditions of a part of the FROM, whose first table is at.
func (w *viewWriter) joins(e sqlparser.TableExpr, at *int) error {
	switch e := e.(type) {
	case *sqlparser.ParenTableExpr:
		for _, in := range e.Exprs {
			if err := w.joins(in, at); err != nil {
				return err
			}
		}
	case *sqlparser.JoinTableExpr:
		from := *at
		if err := w.joins(e.LeftExpr, at); err != nil {
			return err
		}
		mid := *at
		if err := w.joins(e.RightExpr, at); err != nil {
			return err
		}
		if e.Condition.On != nil {
			return w.scope.put(nil, &e.Condition.On)
		}
		return w.scope.plainJoin(e, w.scope.tables[from:mid], w.scope.tables[mid:*at])
	default:
		*at++
	}
	return nil
}

// checked are assignments of columns to themselves that fail unless the row meets the view's CHECK OPTION: those of a row of a join stand
// behind the others. Rows of a single table are checked where they are written.
func (w *viewWriter) checked(r *tableRef, sets sqlparser.AssignmentExprs) (out sqlparser.AssignmentExprs) {
	v := r.view
	if len(v.checks) == 0 {
		return nil
	}
	if len(v.tables) == 1 {
		w.x.viewChecks = map[[2]string][]viewCheck{tableKey(v.tables[0].name): v.rowChecks(w.scope, 0)}
		return nil
	}
	for _, ch := range v.checks {
		for _, set := range sets {
			if set.Name.Qualifier.Name.String() == v.tables[r.wrote].alias {
				args := []sqlparser.Expr{w.scope.copy(set.Name), sqlparser.NewStrVal([]byte(ch.view)), w.scope.copy(ch.condition)}
				call := &sqlparser.FuncExpr{Name: sqlparser.NewColIdent(viewCheckFunction)}
				for _, a := range args {
					call.Exprs = append(call.Exprs, &sqlparser.AliasedExpr{Expr: a})
				}
				name := *set.Name
				out = append(out, &sqlparser.AssignmentExpr{Name: &name, Expr: call})
				break
			}
		}
	}
	return out
}

func tableKey(t sqlparser.TableName) [2]string {
	return [2]string{t.DbQualifier.String(), t.Name.String()}
}

// rowChecks are the view's checks as conditions on a row of one of its tables; what they say of others is of a row that is not there.
func (v *mergedView) rowChecks(sc *viewScope, at int) []viewCheck {
	out := slices.Clone(v.checks)
	t := &v.tables[at]
	for i := range out {
		cond := sc.copy(out[i].condition)
		var others []*sqlparser.ColName
		_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
			switch n := n.(type) {
			case *sqlparser.Subquery:
				return false, nil
			case *sqlparser.ColName:
				if n.Qualifier.Name.String() == t.alias {
					n.Qualifier = sqlparser.TableName{}
				} else {
					others = append(others, n)
				}
			}
			return true, nil
		}, cond)
		for _, n := range others {
			cond = sqlparser.ReplaceExpr(cond, n, &sqlparser.NullVal{})
		}
		out[i].text = sqlparser.String(cond)
	}
	return out
}

func (w *viewWriter) delete(st *sqlparser.Delete) error {
	w.from = st.TableExprs
	if err := w.look(); err != nil {
		return err
	}
	for _, r := range w.refs {
		named := len(st.Targets) == 0
		for i, t := range st.Targets {
			if strings.EqualFold(t.Name.String(), r.alias) || r.expr != nil && r.expr.As.IsEmpty() && strings.EqualFold(t.Name.String(), r.name.Name.String()) {
				named = true
				if r.isView(w.s, w.c) {
					st.Targets[i] = sqlparser.TableName{Name: sqlparser.NewTableIdent(r.alias)}
				}
			}
		}
		switch {
		case !named || !r.isView(w.s, w.c):
		case r.view == nil || !r.view.updatable():
			return mysqlerr.New(mysqlerr.ER_NON_UPDATABLE_TABLE, r.alias, "DELETE")
		case len(r.view.tables) > 1:
			return mysqlerr.New(mysqlerr.ER_VIEW_DELETE_MERGE_VIEW, r.view.schema, r.view.name)
		default:
			r.wrote = 0
		}
	}
	if err := w.merge(&st.Where, "DELETE"); err != nil || !w.merged {
		return err
	}
	for _, o := range st.OrderBy {
		if err := w.scope.put(nil, &o.Expr); err != nil {
			return err
		}
	}
	return nil
}

// insert makes an INSERT one into the table of the view whose columns it names.
func (w *viewWriter) insert(st *sqlparser.Insert) error {
	schema, _ := w.s.viewNamed(w.c, st.Table)
	name := st.Table.Name.String()
	v, err := w.s.merged(w.c, schema, name, name, 0)
	if err != nil {
		return err
	}
	notInsertable := mysqlerr.New(mysqlerr.ER_NON_INSERTABLE_TABLE, name, "INSERT")
	if v == nil || slices.ContainsFunc(v.tables, func(t mergedTable) bool { return !t.writable || t.outer }) {
		return notInsertable
	}
	if len(v.tables) > 1 && st.Action == sqlparser.ReplaceStr {
		return mysqlerr.New(mysqlerr.ER_VIEW_DELETE_MERGE_VIEW, v.schema, v.name)
	}
	named := st.Columns
	if len(named) == 0 {
		if len(v.tables) > 1 {
			return mysqlerr.New(mysqlerr.ER_VIEW_NO_INSERT_FIELD_LIST, v.schema, v.name)
		}
		for _, col := range v.columns {
			named = append(named, sqlparser.NewColIdent(col.name))
		}
	}
	if slices.ContainsFunc(v.columns, func(col viewColumn) bool { return col.base == "" }) {
		return notInsertable
	}
	target, cols := -1, make(sqlparser.Columns, len(named))
	for i, col := range named {
		at := v.columnNamed(col.String())
		if at < 0 {
			return mysqlerr.New(mysqlerr.ER_BAD_FIELD_ERROR, col.String(), "field list")
		}
		if target >= 0 && target != v.columns[at].at {
			return mysqlerr.New(mysqlerr.ER_VIEW_MULTIUPDATE, v.schema, v.name)
		}
		target = v.columns[at].at
		cols[i] = sqlparser.NewColIdent(v.columns[at].base)
	}
	seen := map[string]bool{}
	for _, col := range v.columns {
		if k := strings.ToLower(col.base); col.at == target {
			if seen[k] {
				return notInsertable
			}
			seen[k] = true
		}
	}
	if err := w.s.mayThrough(w.c, w.x, v, target, "INSERT"); err != nil {
		return err
	}
	w.merged = true
	w.scope = &viewScope{s: w.s, c: w.c, tables: []viewTable{{name, v.columns}}}
	if err := w.onDuplicate(st, v, target); err != nil {
		return err
	}
	if len(v.checks) > 0 {
		w.x.viewChecks = map[[2]string][]viewCheck{tableKey(v.tables[target].name): v.rowChecks(w.scope, target)}
	}
	st.Table, st.Columns = v.tables[target].name, cols
	return nil
}

// onDuplicate puts the table's columns in the place of the view's in ON DUPLICATE KEY UPDATE. The table has its own name there.
func (w *viewWriter) onDuplicate(st *sqlparser.Insert, v *mergedView, target int) error {
	for i := range v.columns {
		col := &v.columns[i]
		if col.at == target {
			col.expr = columnIn(v.tables[target].name.Name.String(), col.base)
		}
	}
	for _, set := range st.OnDup {
		if col, _, ok := find(w.scope.tables, "", set.Name.Name.String()); ok && col.at != target {
			return mysqlerr.New(mysqlerr.ER_VIEW_MULTIUPDATE, v.schema, v.name)
		}
		name := sqlparser.Expr(set.Name)
		if err := w.scope.put(nil, &name, &set.Expr); err != nil {
			return err
		}
	}
	return nil
}

// mayThrough checks the privileges on the tables behind a view: those on the view itself are checked as on a table. Of a view with
// SQL SECURITY INVOKER the user needs them too; of others the tables need not even be known to the user.
func (s *Session) mayThrough(c *sql.Context, x *execution, v *mergedView, target int, verb string) error {
	o, err := s.e.object(c, kindView, v.schema, v.name)
	if err != nil || o == nil {
		return err
	}
	kinds := map[string]string{"INSERT": sqlparser.AuthType_INSERT, "UPDATE": sqlparser.AuthType_UPDATE, "DELETE": sqlparser.AuthType_DELETE}
	for i := range v.tables {
		schema, name := v.tables[i].name.DbQualifier.String(), v.tables[i].name.Name.String()
		if !o.Invoker {
			x.behind = append(x.behind, [2]string{strings.ToLower(schema), strings.ToLower(name)})
			continue
		}
		kind := sqlparser.AuthType_SELECT
		if i == target {
			kind = kinds[verb]
		}
		err := s.authorize(c, sqlparser.AuthInformation{AuthType: kind, TargetType: sqlparser.AuthTargetType_SingleTableIdentifier, TargetNames: []string{schema, name}})
		if err != nil {
			return err
		}
	}
	return nil
}

// trusted is a database whose table stands behind the view that the statement writes through, without the library's question
// whether the user may know of it.
func trusted(c *sql.Context, db sql.Database, name string) sql.Database {
	x := executionOf(c)
	if x == nil || !slices.Contains(x.behind, [2]string{strings.ToLower(db.Name()), strings.ToLower(name)}) {
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
