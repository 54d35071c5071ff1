package engine

import (
	"context"
	"errors"
	"testing"

	"github.com/zoryadb/zorya/engine/dict"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
)

// named makes a table with constraints.
func (e *env) named(schema, name string, constraints ...string) error {
	_, err := e.db.CreateTable(bg, &table.Def{Schema: schema, Name: name, AutoInc: -1, Names: constraints, Columns: []table.Column{{Name: "a", Class: row.Int}}})
	return err
}

// altered gives a table other constraints.
func (e *env) altered(ctx context.Context, name string, o table.Build, constraints ...string) error {
	d, err := e.db.Definition(bg, "s", name)
	e.must(err)
	n := *d
	n.Names = constraints
	_, err = e.db.AlterTable(ctx, d, &n, o)
	return err
}

func (e *env) taken(what string, err error, name string) {
	e.t.Helper()
	var taken *table.NameTaken
	if !errors.As(err, &taken) || taken.Schema != "s" || taken.Name != name {
		e.t.Errorf("%s: %v, not that %s is taken", what, err, name)
	}
}

// TestConstraintNames: a constraint's name is its table's alone in a schema, from the DDL that gives it to the one that takes it away, through all that may happen to the table.
func TestConstraintNames(t *testing.T) {
	e := newEnv(t, memOptions)
	for _, s := range []string{"s", "other"} {
		e.must(e.db.CreateSchema(bg, table.Schema{Name: s}))
	}
	e.must(e.named("s", "a", "a1", "x"))
	e.must(e.named("other", "a", "a1", "x"))
	e.taken("CREATE", e.named("s", "b", "b1", "x"), "x")
	e.must(e.named("s", "b", "b1"))
	e.taken("ALTER", e.altered(bg, "b", table.Build{}, "b1", "x"), "x")
	e.must(e.altered(bg, "a", table.Build{}, "a1", "y"))
	e.must(e.altered(bg, "b", table.Build{}, "b1", "x"))
	e.must(e.db.TruncateTable(bg, "s", "b"))
	e.taken("CREATE after TRUNCATE", e.named("s", "c", "x"), "x")
	e.check()
	e.must(e.db.RenameTables(bg, [][2][2]string{{{"s", "a"}, {"s", "t"}}, {{"s", "b"}, {"s", "a"}}, {{"s", "t"}, {"s", "b"}}}, func(d *table.Def, from, to [2]string) error {
		names := []string{to[1] + "1"}
		d.Names = append(names, d.Names[1:]...)
		return nil
	}))
	e.check()
	if d, err := e.db.Definition(bg, "s", "a"); err != nil || len(d.Names) != 2 || d.Names[0] != "a1" || d.Names[1] != "x" {
		t.Fatalf("after they changed places: %v, %v", d, err)
	}
	e.taken("RENAME to another schema", e.db.RenameTables(bg, [][2][2]string{{{"other", "a"}, {"s", "c"}}}, nil), "a1")
	e.must(e.db.DropTable(bg, "s", "a"))
	e.must(e.named("s", "c", "x", "a1"))
	e.crash()
	e.taken("CREATE after a crash", e.named("s", "d", "a1"), "a1")
	e.must(e.db.DropSchema(bg, "s"))
	e.check()
	e.must(e.db.CreateSchema(bg, table.Schema{Name: "s"}))
	e.must(e.named("s", "d", "a1", "b1", "x", "y"))
	e.check()
}

// TestConstraintNameWaits: DDL waits for another's only where both want the same name, and gets it when the other fails.
func TestConstraintNameWaits(t *testing.T) {
	e := newEnv(t, memOptions)
	e.must(e.db.CreateSchema(bg, table.Schema{Name: "s"}))
	e.must(e.named("s", "a"))
	failed := errors.New("failed")
	got := make(chan error, 1)
	err := e.altered(bg, "a", table.Build{Within: func(context.Context) error {
		e.must(e.named("s", "b", "mine"))
		n := e.db.locks.Waits.Load()
		go func() { got <- e.named("s", "c", "x") }()
		e.waits(n + 1)
		return failed
	}}, "x")
	if !errors.Is(err, failed) {
		t.Fatal(err)
	}
	e.must(<-got)
	e.check()
}

// TestCheckFindsConstraintNames: the structural check sees a name that no table has, and one that its table lacks.
func TestCheckFindsConstraintNames(t *testing.T) {
	e := newEnv(t, memOptions)
	e.must(e.db.CreateSchema(bg, table.Schema{Name: "s"}))
	e.must(e.named("s", "a", "x"))
	problems := func(want int) {
		t.Helper()
		rep, err := e.db.Check(bg, table.CheckOptions{})
		if e.must(err); len(rep.Problems) != want {
			t.Errorf("%d problems, not %d: %v", len(rep.Problems), want, rep.Problems)
		}
	}
	problems(0)
	change := func(fn func(tx *Tx) error) { t.Helper(); e.must(e.db.ddl(bg, fn)) }
	var id []byte
	change(func(tx *Tx) error {
		b, err := tx.sysGet(bg, dict.ConstraintKey("s", "x"))
		id = append(id, b...)
		return err
	})
	change(func(tx *Tx) error { return tx.sysPut(bg, dict.ConstraintKey("s", "y"), id) })
	problems(1)
	change(func(tx *Tx) error { return tx.sysDelete(bg, dict.ConstraintKey("s", "x")) })
	problems(2)
}
