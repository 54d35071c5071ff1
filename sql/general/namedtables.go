package general

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// What LOCK TABLES asks of the names in a statement's text.

// NamedTables calls fn for the tables and views that a statement names itself, which LOCK TABLES must cover. What these lead to by views, triggers and foreign keys is
// not among them, nor are temporary tables and common table expressions. change is what DDL does with one (Target.Operation), "" for all other statements. alias is
// what the statement calls it, "" where any name will do.
func (s *Session) NamedTables(st *Statement, fn func(change, schema, name, alias string) error) error {
	tell := func(change, schema, name, alias string) error {
		if schema == "" {
			schema = s.gms.GetCurrentDatabase()
		}
		name, _ = grammar.Selection(name)
		if name == "" || schema == "" || s.temps[tempKey(schema, name)] != nil {
			return nil
		}
		return fn(change, schema, name, alias)
	}
	if d, ok := st.ast.(*sqlparser.DDL); ok && (d.Temporary || d.TriggerSpec != nil || d.ProcedureSpec != nil || d.EventSpec != nil || d.ViewSpec != nil) {
		return nil
	}
	if st.Class == DDL {
		for _, t := range st.Targets() {
			if err := tell(t.Operation, t.Schema, t.Table, ""); err != nil {
				return err
			}
		}
		return nil
	}
	if st.ast == nil {
		return nil
	}
	_, inserts := st.ast.(*sqlparser.Insert)
	for _, t := range st.Targets() {
		alias := ""
		if inserts {
			alias = t.Table
		}
		if err := tell("", t.Schema, t.Table, alias); err != nil {
			return err
		}
	}
	expressions := map[string]bool{}
	_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
		if e, ok := n.(*sqlparser.CommonTableExpr); ok {
			expressions[strings.ToLower(e.As.String())] = true
		}
		return true, nil
	}, st.ast)
	return grammar.Walk(func(n sqlparser.SQLNode) (bool, error) {
		e, ok := n.(*sqlparser.AliasedTableExpr)
		if !ok {
			return true, nil
		}
		t, ok := e.Expr.(sqlparser.TableName)
		if !ok || t.DbQualifier.IsEmpty() && expressions[strings.ToLower(t.Name.String())] {
			return true, nil
		}
		return true, tell("", t.DbQualifier.String(), t.Name.String(), cmp.Or(e.As.String(), t.Name.String()))
	}, st.ast)
}

// LockedTables are the tables that LOCK TABLES locks: those that it names, but temporary ones, and those of its views. A name that is neither's is error 1146.
func (s *Session) LockedTables(ctx context.Context, list []TableLock) ([]TableLock, error) {
	var out []TableLock
	for _, l := range list {
		if s.temps[tempKey(l.Schema, l.Table)] != nil {
			continue
		}
		var err error
		if out, err = s.lockedTables(ctx, l, 0, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s *Session) lockedTables(ctx context.Context, l TableLock, depth int, out []TableLock) ([]TableLock, error) {
	out = append(out, l)
	o, err := s.e.object(ctx, kindView, l.Schema, l.Table)
	if err != nil && !errors.Is(err, table.ErrNoSchema) {
		return nil, err
	}
	if o == nil {
		_, err := s.e.catalog.Definition(ctx, l.Schema, l.Table)
		if errors.Is(err, table.ErrNoTable) || errors.Is(err, table.ErrNoSchema) {
			if depth > 0 || grammar.SystemSchema(l.Schema) {
				return out[:len(out)-1], nil
			}
			err = mysqlerr.New(mysqlerr.ER_NO_SUCH_TABLE, l.Schema, l.Table)
		}
		return out, err
	}
	if depth == maxViewDepth {
		return out, nil
	}
	view, _, err := s.parseGMS(o.Select, "")
	if err != nil || view == nil || view.ast == nil { // a view that cannot be read any more is the error of who reads it
		return out, nil
	}
	err = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) {
		if e, ok := n.(*sqlparser.AliasedTableExpr); ok {
			if t, ok := e.Expr.(sqlparser.TableName); ok && !t.Name.IsEmpty() {
				of := TableLock{Schema: cmp.Or(t.DbQualifier.String(), l.Schema), Table: t.Name.String(), Alias: e.As.String(), Write: l.Write, Behind: true}
				if out, err = s.lockedTables(ctx, of, depth+1, out); err != nil {
					return false, err
				}
			}
		}
		return true, nil
	}, view.ast)
	return out, err
}
