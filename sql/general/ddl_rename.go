package general

import (
	"errors"
	"strconv"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/sqltext"
	"github.com/zoryadb/zorya/sql/tabledef"
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
	}
	err := s.e.catalog.RenameTables(c, pairs, renamedKeys)
	var taken *table.NameTaken
	switch {
	case errors.As(err, &taken):
		return mysqlerr.New(mysqlerr.ER_FK_DUP_NAME, taken.Name)
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
			n.Text = grammar.RenameTarget(o.Text, p[1][1])
			if err := s.e.putObject(c, kindTrigger, p[1][0], &n); err != nil {
				return err
			}
		}
	}
	return nil
}

// renamedKeys writes what follows from a table's new name into its definition and those of the tables that refer to it: foreign keys refer to the new one, and
// the table's own constraints whose names were made from its old name have those of its new one, as in MySQL: the next table of the old name makes the same ones again.
func renamedKeys(d *table.Def, from, to [2]string) error {
	a, err := tableAttrsOf(d)
	if err != nil {
		return err
	}
	if len(a.FKs)+len(a.Checks) == 0 {
		return nil
	}
	own := d.Schema == to[0] && d.Name == to[1]
	rename := func(name *string, infix string) {
		rest, ok := strings.CutPrefix(*name, from[1]+infix)
		if _, err := strconv.ParseUint(rest, 10, 32); own && ok && err == nil {
			*name = to[1] + infix + rest
		}
	}
	for i := range a.FKs {
		f := &a.FKs[i]
		if f.ParentSchema == from[0] && f.ParentTable == from[1] {
			f.ParentSchema, f.ParentTable = to[0], to[1]
		}
		rename(&f.Name, "_ibfk_")
	}
	for i := range a.Checks {
		rename(&a.Checks[i].Name, "_chk_")
	}
	d.Attrs, d.Names = tabledef.Encode(a), foreignNames(a.FKs)
	return nil
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
