package general

import (
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// Privileges on columns. The library asks for privileges table by table while it binds a statement, before it knows the columns. An account that
// lacks a privilege on the table but has it on some of its columns is let through to there, and the columns of the bound statement are checked
// before anything runs. Whoever binds otherwise than analyze does gets the library's answer: no.

// partialAccess is what a statement may do only as far as grants on columns go: tables by name, and what was asked of them.
type partialAccess struct {
	tables map[[2]string][]sql.PrivilegeType // database and table
}

// columnVerbs are the privileges that exist on columns and that statements on rows ask for.
var columnVerbs = map[string]sql.PrivilegeType{sqlparser.AuthType_SELECT: sql.PrivilegeType_Select, sqlparser.AuthType_INSERT: sql.PrivilegeType_Insert,
	sqlparser.AuthType_UPDATE: sql.PrivilegeType_Update}

// columnAuth is the library's authorization, knowing of columns.
type columnAuth struct {
	sql.AuthorizationHandler
	c *catalog
}

// AuthorizationHandler implements sql.Catalog.
func (c *catalog) AuthorizationHandler() sql.AuthorizationHandler {
	return columnAuth{c.Catalog.AuthorizationHandler(), c}
}

func (h columnAuth) HandleAuth(c *sql.Context, state sql.AuthorizationQueryState, auth sqlparser.AuthInformation) error {
	auth, err := openTables(c, auth)
	if err != nil {
		return err
	}
	err = deniedTable(c, auth, h.AuthorizationHandler.HandleAuth(c, state, auth))
	if h.c.partial == nil {
		return err
	}
	want, known := columnVerbs[auth.AuthType]
	if err == nil || !known || !sql.ErrPrivilegeCheckFailed.Is(err) ||
		auth.TargetType != sqlparser.AuthTargetType_SingleTableIdentifier && auth.TargetType != sqlparser.AuthTargetType_MultipleTableIdentifiers {
		return err
	}
	set := h.c.e.mysqlDB().UserActivePrivilegeSet(c)
	for i := 0; i+1 < len(auth.TargetNames); i += 2 {
		db, name := auth.TargetNames[i], auth.TargetNames[i+1]
		if db == "" {
			db = c.GetCurrentDatabase()
		}
		t := set.Database(db).Table(name)
		if set.Has(want) || set.Database(db).Has(want) || t.Has(want) {
			continue
		}
		if !slices.ContainsFunc(t.GetColumns(), func(col sql.PrivilegeSetColumn) bool { return col.Has(want) }) {
			return err
		}
		h.c.partial.note([2]string{db, name}, want)
	}
	return nil
}

func (p *partialAccess) note(t [2]string, want sql.PrivilegeType) {
	if p.tables == nil {
		p.tables = map[[2]string][]sql.PrivilegeType{}
	}
	if !slices.Contains(p.tables[t], want) {
		p.tables[t] = append(p.tables[t], want)
	}
}

// checkColumns refuses a bound statement that touches columns for which there is no grant: 1143.
func (s *Session) checkColumns(c *sql.Context, p *partialAccess, ast sqlparser.Statement, bound sql.Node) error {
	if len(p.tables) == 0 {
		return nil
	}
	k := columnCheck{c: c, set: s.e.mysqlDB().UserActivePrivilegeSet(c), ids: map[sql.TableId][2]string{}, p: p}
	k.find(bound)
	switch st := ast.(type) {
	case *sqlparser.Insert:
		if err := k.inserted(st, bound); err != nil {
			return err
		}
		if in, ok := bound.(*plan.InsertInto); ok {
			bound = in.Source // the rest of it reads the table for the server's own purposes
		}
	case *sqlparser.Update:
		return k.updated(st, bound)
	}
	return k.read(bound)
}

type columnCheck struct {
	c   *sql.Context
	set sql.PrivilegeSet
	ids map[sql.TableId][2]string // the tables of the statement that are accessible in part
	p   *partialAccess
}

// find notes which tables of the plan are accessible in part.
func (k *columnCheck) find(n sql.Node) {
	transform.InspectWithOpaque(k.c, n, func(_ *sql.Context, n sql.Node) bool {
		switch n := n.(type) {
		case *plan.InsertInto:
			if n.Source != nil {
				k.find(n.Source)
			}
		case *plan.ResolvedTable:
			k.noteTable(n.Id(), n)
		case *plan.TableAlias:
			if t, ok := n.Child.(*plan.ResolvedTable); ok {
				k.noteTable(n.Id(), t)
			}
		}
		return true
	})
	transform.InspectExpressions(k.c, n, func(_ *sql.Context, e sql.Expression) bool {
		if q, ok := e.(*plan.Subquery); ok {
			k.find(q.Query)
		}
		return true
	})
}

func (k *columnCheck) noteTable(id sql.TableId, t *plan.ResolvedTable) {
	name := [2]string{t.SqlDatabase.Name(), t.Name()}
	if _, ok := k.p.tables[name]; ok {
		k.ids[id] = name
	}
}

// need refuses a column without the privilege, at whatever level.
func (k *columnCheck) need(t [2]string, column string, want sql.PrivilegeType) error {
	db := k.set.Database(t[0])
	tbl := db.Table(t[1])
	if k.set.Has(want) || db.Has(want) || tbl.Has(want) {
		return nil
	}
	for _, col := range tbl.GetColumns() {
		if strings.EqualFold(col.Name(), column) && col.Has(want) {
			return nil
		}
	}
	who := k.c.Session.Client()
	return mysqlerr.NewMessage(mysqlerr.ER_COLUMNACCESS_DENIED_ERROR, "%s command denied to user '%s'@'%s' for column '%s' in table '%s'",
		strings.ToUpper(want.String()), who.User, who.Address, column, t[1])
}

// read wants SELECT for all columns that n names.
func (k *columnCheck) read(n sql.Node) (err error) {
	if n == nil {
		return nil
	}
	transform.InspectWithOpaque(k.c, n, func(_ *sql.Context, n sql.Node) bool {
		if x, ok := n.(sql.Expressioner); ok && err == nil {
			for _, e := range x.Expressions() {
				if err == nil {
					err = k.readBy(e)
				}
			}
		}
		return err == nil
	})
	return err
}

func (k *columnCheck) readBy(e sql.Expression) (err error) {
	sql.Inspect(k.c, e, func(_ *sql.Context, e sql.Expression) bool {
		if err != nil || e == nil {
			return false
		}
		switch e := e.(type) {
		case *expression.GetField:
			if t, ok := k.ids[e.TableId()]; ok {
				err = k.need(t, e.Name(), sql.PrivilegeType_Select)
			}
		case *plan.Subquery:
			err = k.read(e.Query)
		}
		return err == nil
	})
	return err
}

// inserted checks the columns that an INSERT or REPLACE fills, and those that it updates instead.
func (k *columnCheck) inserted(st *sqlparser.Insert, bound sql.Node) error {
	var t [2]string
	for name, wants := range k.p.tables {
		if slices.Contains(wants, sql.PrivilegeType_Insert) && name[1] == st.Table.Name.String() {
			t = name
		}
	}
	if t[1] == "" {
		return nil
	}
	var columns []string
	for _, col := range st.Columns {
		columns = append(columns, col.String())
	}
	if in, ok := bound.(*plan.InsertInto); ok && len(columns) == 0 {
		for _, col := range in.Destination.Schema(k.c) {
			columns = append(columns, col.Name)
		}
	}
	for _, col := range columns {
		if err := k.need(t, col, sql.PrivilegeType_Insert); err != nil {
			return err
		}
	}
	for _, x := range st.OnDup {
		if err := k.need(t, x.Name.Name.String(), sql.PrivilegeType_Update); err != nil {
			return err
		}
	}
	return nil
}

// updated checks what an UPDATE sets and reads. The plan sets more columns than the statement names: those with ON UPDATE, and generated ones.
func (k *columnCheck) updated(st *sqlparser.Update, bound sql.Node) (err error) {
	named := map[string]bool{}
	for _, x := range st.Exprs {
		named[strings.ToLower(x.Name.Name.String())] = true
	}
	transform.InspectWithOpaque(k.c, bound, func(_ *sql.Context, n sql.Node) bool {
		x, ok := n.(sql.Expressioner)
		if !ok || err != nil {
			return err == nil
		}
		for _, e := range x.Expressions() {
			if set, ok := e.(*expression.SetField); ok {
				f, ok := set.LeftChild.(*expression.GetField)
				if !ok || !named[strings.ToLower(f.Name())] {
					continue
				}
				if t, ok := k.ids[f.TableId()]; ok && err == nil {
					err = k.need(t, f.Name(), sql.PrivilegeType_Update)
				}
				e = set.RightChild
			}
			if _, whole := n.(*plan.Update); !whole && err == nil {
				err = k.readBy(e)
			}
		}
		return err == nil
	})
	return err
}
