package general

import (
	"errors"
	"strconv"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/sqltext"
)

// renameTables renames tables, or a view, with their triggers and the foreign keys that point to them.
func (s *Session) renameTables(c *sql.Context, pairs [][2][2]string) error {
	for _, p := range pairs {
		if err := checkIdentifier(p[1][1]); err != nil {
			return err
		}
		if o, err := s.e.object(c, kindView, p[0][0], p[0][1]); err != nil || o != nil {
			if err == nil {
				err = s.renameView(c, p, o)
			}
			return err
		}
		if t := s.temps[tempKey(p[0][0], p[0][1])]; t != nil {
			delete(s.temps, tempKey(p[0][0], p[0][1]))
			t.schema, t.name = p[1][0], p[1][1]
			s.temps[tempKey(t.schema, t.name)] = t
			return nil
		}
	}
	type moved struct{ triggers []*stored }
	triggers := make([]moved, len(pairs))
	var refer []func() error
	for i, p := range pairs {
		if _, err := s.e.catalog.Schema(c, p[1][0]); errors.Is(err, table.ErrNoSchema) {
			return mysqlerr.New(mysqlerr.ER_BAD_DB_ERROR, p[1][0])
		}
		list, err := s.e.objects(c, kindTrigger, p[0][0])
		if err != nil {
			return err
		}
		for _, o := range list {
			if o.Table == p[0][1] {
				triggers[i].triggers = append(triggers[i].triggers, o)
			}
		}
		if len(triggers[i].triggers) > 0 && p[0][0] != p[1][0] {
			return mysqlerr.New(mysqlerr.ER_TRG_IN_WRONG_SCHEMA)
		}
		d, err := s.e.catalog.Definition(c, p[0][0], p[0][1])
		if err == nil {
			for _, by := range d.ReferBy {
				schema, child, _ := strings.Cut(by, ".")
				refer = append(refer, func() error { return s.repointForeignKeys(c, pairs, schema, child) })
			}
		}
	}
	err := s.e.catalog.RenameTables(c, pairs)
	switch {
	case errors.Is(err, table.ErrTableExists):
		for _, p := range pairs {
			if _, derr := s.e.catalog.Definition(c, p[1][0], p[1][1]); derr == nil {
				return mysqlerr.New(mysqlerr.ER_TABLE_EXISTS_ERROR, p[1][1])
			}
		}
	case errors.Is(err, table.ErrNoTable):
		for _, p := range pairs {
			if _, derr := s.e.catalog.Definition(c, p[0][0], p[0][1]); derr != nil {
				return mysqlerr.New(mysqlerr.ER_NO_SUCH_TABLE, p[0][0], p[0][1])
			}
		}
	}
	if err != nil {
		return err
	}
	for i, p := range pairs {
		for _, o := range triggers[i].triggers {
			n := *o
			n.Table = p[1][1]
			n.Text = renameTarget(o.Text, p[1][1])
			if err := s.e.putObject(c, kindTrigger, p[1][0], &n); err != nil {
				return err
			}
		}
	}
	for _, f := range refer {
		if err := f(); err != nil {
			return err
		}
	}
	for _, p := range pairs {
		if err := s.renameConstraints(c, p); err != nil {
			return err
		}
	}
	return nil
}

// renameConstraints gives the constraints of a renamed table whose names were made from its old name those of its new one, as MySQL does: the
// next table of the old name makes the same ones again.
func (s *Session) renameConstraints(c *sql.Context, p [2][2]string) error {
	d, err := s.e.catalog.Definition(c, p[1][0], p[1][1])
	if err != nil {
		return skipMissing(err)
	}
	var a tableAttrs
	if err := fromJSON(d.Attrs, &a); err != nil {
		return err
	}
	changed := false
	rename := func(name *string, infix string) {
		rest, ok := strings.CutPrefix(*name, p[0][1]+infix)
		if _, err := strconv.ParseUint(rest, 10, 32); ok && err == nil {
			*name, changed = p[1][1]+infix+rest, true
		}
	}
	for i := range a.FKs {
		rename(&a.FKs[i].Name, "_ibfk_")
	}
	for i := range a.Checks {
		rename(&a.Checks[i].Name, "_chk_")
	}
	if !changed || p[0][1] == p[1][1] {
		return nil
	}
	n := *d
	n.Attrs = toJSON(a)
	_, err = s.e.catalog.AlterTable(c, d, &n, table.Build{})
	return err
}

func (s *Session) renameView(c *sql.Context, p [2][2]string, o *stored) error {
	n := *o
	n.Name = p[1][1]
	n.Text = strings.Replace(o.Text, " VIEW "+sqltext.Quote(o.Name), " VIEW "+sqltext.Quote(n.Name), 1)
	if err := s.e.putObject(c, kindView, p[1][0], &n); err != nil {
		return err
	}
	return s.e.dropObject(c, kindView, p[0][0], o.Name)
}

// renameTarget changes the table of a CREATE TRIGGER text.
func renameTarget(text, name string) string {
	t := lexer.NewCursor(text, 0, maxTokens)
	for ; !t.End(); t.Pos++ {
		if t.Word(0) == "ON" && (t.Word(-1) == "INSERT" || t.Word(-1) == "UPDATE" || t.Word(-1) == "DELETE") {
			w := &rewriter{t: t, skip: map[int]bool{}, with: map[int]string{}}
			w.put(1, sqltext.Quote(name))
			if t.At(2) == "." {
				w.drop(2, 2)
			}
			return w.build()
		}
	}
	return text
}

// repointForeignKeys writes the new names of parents into a child's foreign keys.
func (s *Session) repointForeignKeys(c *sql.Context, pairs [][2][2]string, schema, child string) error {
	for _, p := range pairs { // the child itself may have moved
		if p[0] == [2]string{schema, child} {
			schema, child = p[1][0], p[1][1]
		}
	}
	d, err := s.e.catalog.Definition(c, schema, child)
	if err != nil {
		return skipMissing(err)
	}
	var a tableAttrs
	if err := fromJSON(d.Attrs, &a); err != nil {
		return err
	}
	n := *d
	n.ReferTo = nil
	changed := false
	for i := range a.FKs {
		for _, p := range pairs {
			if a.FKs[i].ParentSchema == p[0][0] && a.FKs[i].ParentTable == p[0][1] {
				a.FKs[i].ParentSchema, a.FKs[i].ParentTable = p[1][0], p[1][1]
				changed = true
			}
		}
		n.ReferTo = append(n.ReferTo, a.FKs[i].ParentSchema+"."+a.FKs[i].ParentTable)
	}
	if !changed {
		return nil
	}
	n.Attrs = toJSON(a)
	_, err = s.e.catalog.AlterTable(c, d, &n, table.Build{})
	return err
}
