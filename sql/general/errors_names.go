package general

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// notUpdatable is the error of a statement that would change a view, a derived table or a table of the server's own.
func notUpdatable(c *sql.Context, verb string) *mysqlerr.Error {
	name := ""
	if s := sessionOf(c); s != nil && s.cur != nil {
		for _, t := range s.cur.st.Targets() {
			if err := s.perfDenied(c, verb, t.Schema, t.Table); err != nil {
				return err
			}
		}
		name = targetOf(s.cur.st.ast)
	}
	if verb == "INSERT" || verb == "REPLACE" {
		return mysqlerr.NewMessage(mysqlerr.ER_NON_INSERTABLE_TABLE, "The target table %s of the INSERT is not insertable-into", name)
	}
	return mysqlerr.New(mysqlerr.ER_NON_UPDATABLE_TABLE, name, verb)
}

// targetOf names the table that a statement writes, by its alias if it has one.
func targetOf(st sqlparser.Statement) string {
	var from sqlparser.TableExprs
	switch n := st.(type) {
	case *sqlparser.Insert:
		return n.Table.Name.String()
	case *sqlparser.Update:
		from = n.TableExprs
	case *sqlparser.Delete:
		from = n.TableExprs
	}
	for len(from) > 0 {
		switch t := from[0].(type) {
		case *sqlparser.AliasedTableExpr:
			if name, ok := t.Expr.(sqlparser.TableName); ok && t.As.IsEmpty() {
				return name.Name.String()
			}
			return t.As.String()
		case *sqlparser.JoinTableExpr:
			from = sqlparser.TableExprs{t.LeftExpr}
			continue
		}
		break
	}
	return ""
}

// noSuchTable is 1146 with the database that the statement looked in.
func noSuchTable(c *sql.Context, name string) *mysqlerr.Error {
	if err := columnOfNone(c, name); err != nil {
		return err
	}
	if s := sessionOf(c); s != nil && s.cur != nil && s.cur.missing != [2]string{} {
		if m := s.cur.missing; name == "" || strings.EqualFold(m[1], name) {
			return mysqlerr.New(mysqlerr.ER_NO_SUCH_TABLE, m[0], m[1])
		}
	}
	db := ""
	if c != nil && c.Session != nil {
		db = c.GetCurrentDatabase()
	}
	if i := strings.IndexByte(name, '.'); i > 0 {
		db, name = name[:i], name[i+1:]
	} else if q := qualifierOf(c, name); q != "" {
		db = q
	}
	if starOf(c, name) {
		return mysqlerr.New(mysqlerr.ER_BAD_TABLE_ERROR, name)
	}
	if strings.EqualFold(db, sql.InformationSchemaDatabaseName) {
		return mysqlerr.New(mysqlerr.ER_UNKNOWN_TABLE, name, sql.InformationSchemaDatabaseName)
	}
	return mysqlerr.New(mysqlerr.ER_NO_SUCH_TABLE, db, name)
}

// columnOfNone is 1054 of a column whose table is none that the statement reads: the library looks for a table of that name.
func columnOfNone(c *sql.Context, name string) *mysqlerr.Error {
	x := executionOf(c)
	if name == "" || x == nil || x.st == nil {
		return nil
	}
	node, ok := x.st.ast.(sqlparser.SQLNode)
	if !ok {
		return nil
	}
	table := name[strings.LastIndexByte(name, '.')+1:]
	f := &columnFinder{is: func(n sqlparser.SQLNode) bool {
		col, ok := n.(*sqlparser.ColName)
		return ok && col != nil && strings.EqualFold(col.Qualifier.Name.String(), table)
	}}
	if _, read := saysTable(node, table); read || !f.statement(x.st.ast) {
		return nil
	}
	return mysqlerr.New(mysqlerr.ER_BAD_FIELD_ERROR, written(f.column), f.clause)
}

// saysTable reports whether a statement has a table that it calls so, and whether it reads a table of that name, as whatever it calls it.
func saysTable(st sqlparser.SQLNode, name string) (called, read bool) {
	_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
		switch n := n.(type) {
		case sqlparser.TableName:
			same := strings.EqualFold(n.Name.String(), name)
			called, read = called || same, read || same
		case *sqlparser.AliasedTableExpr:
			called = called || strings.EqualFold(n.As.String(), name)
			if t, ok := n.Expr.(sqlparser.TableName); ok && !n.As.IsEmpty() {
				read = read || strings.EqualFold(t.Name.String(), name)
				return false, nil
			}
		case *sqlparser.ColName, *sqlparser.StarExpr:
			return false, nil
		}
		return true, nil
	}, st)
	return called, read
}

// starOf reports whether the running statement has name.* and no table of that name.
func starOf(c *sql.Context, name string) bool {
	x := executionOf(c)
	if x == nil || x.st == nil {
		return false
	}
	node, ok := x.st.ast.(sqlparser.SQLNode)
	if !ok {
		return false
	}
	star, table := false, false
	_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
		switch n := n.(type) {
		case *sqlparser.StarExpr:
			star = star || strings.EqualFold(n.TableName.Name.String(), name)
			return false, nil
		case *sqlparser.AliasedTableExpr:
			t, ok := n.Expr.(sqlparser.TableName)
			table = table || ok && strings.EqualFold(t.Name.String(), name) || strings.EqualFold(n.As.String(), name)
		}
		return true, nil
	}, node)
	return star && !table
}

// qualifierOf is the database that the running statement names a table with.
func qualifierOf(c *sql.Context, name string) (db string) {
	x := executionOf(c)
	if x == nil || x.st == nil {
		return ""
	}
	node, ok := x.st.ast.(sqlparser.SQLNode)
	if !ok {
		return ""
	}
	_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) {
		if t, ok := n.(sqlparser.TableName); ok && db == "" && strings.EqualFold(t.Name.String(), name) {
			db = t.DbQualifier.String()
		}
		return true, nil
	}, node)
	return db
}

func unknownTable(c *sql.Context, name string) *mysqlerr.Error {
	_, clause := statementColumn(c, name, false)
	return mysqlerr.New(mysqlerr.ER_UNKNOWN_TABLE, name, clause)
}

func qualify(c *sql.Context, name string) string {
	if strings.Contains(name, ".") || c == nil || c.Session == nil || c.GetCurrentDatabase() == "" {
		return name
	}
	return c.GetCurrentDatabase() + "." + name
}

func unknownColumn(c *sql.Context, name string) *mysqlerr.Error {
	if s := sessionOf(c); s != nil && s.cur != nil {
		if set, ok := s.cur.st.ast.(*sqlparser.Set); ok {
			for _, x := range set.Exprs {
				if x.Name != nil && x.Name.Name.EqualString(name) {
					return mysqlerr.New(mysqlerr.ER_UNKNOWN_SYSTEM_VARIABLE, name)
				}
			}
		}
	}
	col, clause := statementColumn(c, name, false)
	if col != nil && (!strings.Contains(name, ".") || strings.HasSuffix(strings.ToLower(written(col)), strings.ToLower(name))) {
		name = written(col)
	}
	return mysqlerr.New(mysqlerr.ER_BAD_FIELD_ERROR, name, clause)
}

// ambiguousColumn is the error of a column without its table that several tables have.
func ambiguousColumn(c *sql.Context, m []string) *mysqlerr.Error {
	_, clause := statementColumn(c, m[1], true)
	return mysqlerr.New(mysqlerr.ER_NON_UNIQ_ERROR, m[1], clause)
}

// written is a column with as many of its qualifiers as were written.
func written(col *sqlparser.ColName) string {
	name := col.Name.String()
	for _, q := range []string{col.Qualifier.Name.String(), col.Qualifier.DbQualifier.String()} {
		if q != "" {
			name = q + "." + name
		}
	}
	return name
}

const fieldList = "field list"

// statementColumn finds the column of an error in the current statement, and the clause that names it. bare: without its table only. A number is the
// position of a column, in GROUP BY or ORDER BY.
func statementColumn(c *sql.Context, name string, bare bool) (*sqlparser.ColName, string) {
	s := sessionOf(c)
	if s == nil || s.cur == nil || s.cur.st == nil {
		return nil, fieldList
	}
	last := name[strings.LastIndexByte(name, '.')+1:]
	find := func(is func(table string) bool) *columnFinder {
		return &columnFinder{is: func(n sqlparser.SQLNode) bool {
			col, ok := n.(*sqlparser.ColName)
			return ok && col != nil && col.Name.EqualString(last) && is(col.Qualifier.Name.String())
		}}
	}
	if table := strings.TrimSuffix(name, "."+last); table != name {
		if f := find(func(t string) bool { return strings.EqualFold(t, table) }); f.statement(s.cur.st.ast) {
			return f.column, f.clause
		}
	}
	if st, ok := s.cur.st.ast.(sqlparser.SQLNode); ok && !bare { // the library may name a column without the table that there is not
		if f := find(func(t string) bool { called, _ := saysTable(st, t); return t != "" && !called }); f.statement(st) {
			return f.column, f.clause
		}
	}
	f := &columnFinder{is: func(n sqlparser.SQLNode) bool {
		switch n := n.(type) {
		case *sqlparser.ColName:
			return n != nil && n.Name.EqualString(last) && !(bare && n.Qualifier.Name.String() != "")
		case *sqlparser.SQLVal:
			return n != nil && n.Type == sqlparser.IntVal && string(n.Val) == name
		}
		return false
	}}
	if f.statement(s.cur.st.ast) {
		return f.column, f.clause
	}
	return nil, fieldList
}

// columnFinder looks for a column in a statement, block by block in the order in which MySQL resolves clauses.
type columnFinder struct {
	is     func(sqlparser.SQLNode) bool
	column *sqlparser.ColName
	clause string
}

// part is a clause and its name in messages.
type part struct {
	node sqlparser.SQLNode
	text string
}

func (f *columnFinder) statement(st any) bool {
	switch n := st.(type) {
	case *sqlparser.Select:
		return f.parts(part{n.SelectExprs, fieldList}, part{n.Where, "where clause"}, part{n.From, "on clause"}, part{n.GroupBy, "group statement"},
			part{n.Having, "having clause"}, part{n.OrderBy, "order clause"})
	case *sqlparser.ParenSelect:
		return f.statement(n.Select)
	case *sqlparser.DDL:
		return n.ViewSpec != nil && f.statement(n.ViewSpec.ViewExpr)
	case *sqlparser.SetOp:
		return f.statement(n.Left) || f.statement(n.Right) || f.parts(part{n.OrderBy, "order clause"})
	case *sqlparser.Update:
		return f.parts(part{n.Exprs, fieldList}, part{n.TableExprs, "on clause"}, part{n.Where, "where clause"}, part{n.OrderBy, "order clause"})
	case *sqlparser.Delete:
		return f.parts(part{n.TableExprs, "on clause"}, part{n.Where, "where clause"}, part{n.OrderBy, "order clause"})
	case *sqlparser.Insert:
		if rows, ok := n.Rows.(sqlparser.SelectStatement); ok && f.statement(rows) {
			return true
		}
		return f.parts(part{n.OnDup, fieldList})
	}
	return false
}

func (f *columnFinder) parts(list ...part) bool {
	for _, p := range list {
		if p.node == nil {
			continue
		}
		found := false
		_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
			if q, ok := n.(*sqlparser.Subquery); ok && q != nil && !found {
				found = f.statement(q.Select)
				return false, nil
			}
			if _, position := n.(*sqlparser.SQLVal); position && p.text != "group statement" && p.text != "order clause" {
				return false, nil
			}
			if !found && f.is(n) {
				f.column, _ = n.(*sqlparser.ColName)
				f.clause, found = p.text, true
			}
			return !found, nil
		}, p.node)
		if found {
			return true
		}
	}
	return false
}

func firstTable(from sqlparser.TableExprs) string {
	for _, e := range from {
		if a, ok := e.(*sqlparser.AliasedTableExpr); ok {
			if t, ok := a.Expr.(sqlparser.TableName); ok {
				return t.Name.String()
			}
		}
	}
	return ""
}
