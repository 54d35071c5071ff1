package engine

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/zoryadb/zorya/engine/dict"
	"github.com/zoryadb/zorya/engine/lock"
	"github.com/zoryadb/zorya/engine/table"
)

// Names of constraints (table.Def.Names) are unique among the tables of a schema. The dictionary has an entry for each, with the id of its table, which the
// transaction writes that stores the definition: so both are there after a crash or neither.
//
// A DDL locks the names that it takes and those that it gives up, after its tables' names, until it has ended: two of them wait for each other only where they
// want the same one.

// constraint is a name in its schema.
type constraint struct{ schema, name string }

func constraintsOf(schema string, names []string) (list []constraint) {
	for _, n := range names {
		list = append(list, constraint{schema, n})
	}
	return list
}

// without are those of list that are not among others, in order.
func without(list, others []constraint) (rest []constraint) {
	for _, c := range list {
		if !slices.Contains(others, c) {
			rest = append(rest, c)
		}
	}
	slices.SortFunc(rest, func(a, b constraint) int {
		return slices.Compare([]string{a.schema, a.name}, []string{b.schema, b.name})
	})
	return slices.Compact(rest)
}

// claim locks what changes between the names of old and those of new, and fails with *table.NameTaken where another table has one.
func (tx *Tx) claim(ctx context.Context, old, new []constraint) error {
	come := without(new, old)
	all := without(append(without(old, new), come...), nil)
	if len(all) == 0 {
		return nil
	}
	for _, c := range all {
		if err := tx.lockName(ctx, "\x01foreign key\x00"+dict.Name(c.schema, c.name), lock.Exclusive); err != nil {
			return err
		}
	}
	if err := tx.fresh(ctx); err != nil {
		return err
	}
	for _, c := range come {
		switch b, err := tx.sysGet(ctx, dict.ConstraintKey(c.schema, c.name)); {
		case err != nil:
			return err
		case b != nil:
			return &table.NameTaken{Schema: c.schema, Name: c.name}
		}
	}
	return nil
}

// rewriteNames makes the dictionary's entries those of definition n, where they were old's. Either may be nil.
func (tx *Tx) rewriteNames(ctx context.Context, old, n *dict.Stored) error {
	var had, have []constraint
	if old != nil {
		had = constraintsOf(old.Schema, old.Names)
	}
	if n != nil {
		have = constraintsOf(n.Schema, n.Names)
	}
	if err := tx.claim(ctx, had, have); err != nil {
		return err
	}
	for _, c := range without(had, have) {
		if err := tx.sysDelete(ctx, dict.ConstraintKey(c.schema, c.name)); err != nil {
			return err
		}
	}
	write := without(have, had)
	if old != nil && n != nil && old.ID != n.ID {
		write = have
	}
	for _, c := range write {
		if err := tx.sysPut(ctx, dict.ConstraintKey(c.schema, c.name), binary.LittleEndian.AppendUint64(nil, n.ID)); err != nil {
			return err
		}
	}
	return nil
}

// constraints verifies that each entry of a name belongs to a table that has it. That a table's names have their entries, names does.
func (c *check) constraints(ctx context.Context) error {
	return c.db.read(ctx, func(tx *Tx) error {
		type entry struct {
			schema, name string
			id           uint64
		}
		var all []entry
		err := tx.sysScan(ctx, dict.ConstraintsPrefix(), func(key, body []byte) error {
			schema, name, ok := dict.SplitConstraint(key)
			if !ok || len(body) != 8 {
				c.notef("entry %q of a constraint's name, with %d bytes: %w", key, len(body), dict.ErrCorrupt)
				return nil
			}
			all = append(all, entry{schema, name, leUint64(body)})
			return nil
		})
		if err := c.damage(ctx, err); err != nil {
			return err
		}
		for _, e := range all {
			s, err := tx.loadID(ctx, e.id)
			if err := c.damage(ctx, err); err != nil {
				return err
			}
			if err == nil && (s.Schema != e.schema || !slices.Contains(s.Names, e.name)) {
				c.notef("constraint %s.%s is said to be of table %s.%s, which has none of that name", e.schema, e.name, s.Schema, s.Name)
			}
		}
		return nil
	})
}

// names verifies that a table's names of constraints are registered as its own.
func (c *check) names(ctx context.Context, t *dict.Table) error {
	if len(t.Names) == 0 {
		return nil
	}
	return c.db.read(ctx, func(tx *Tx) error {
		for _, n := range t.Names {
			b, err := tx.sysGet(ctx, dict.ConstraintKey(t.Schema, n))
			if err := c.damage(ctx, err); err != nil {
				return err
			}
			if err == nil && (len(b) != 8 || leUint64(b) != t.ID) {
				c.note(fmt.Errorf("constraint %s is not registered as the table's", n))
			}
		}
		return nil
	})
}
