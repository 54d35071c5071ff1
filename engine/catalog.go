package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/zoryadb/zorya/base/wait"
	"github.com/zoryadb/zorya/engine/dict"
	"github.com/zoryadb/zorya/engine/lock"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
)

// read runs fn on a snapshot of the dictionary.
func (db *DB) read(ctx context.Context, fn func(tx *Tx) error) error {
	tx, err := db.sysBegin(ctx, false)
	if err != nil {
		return err
	}
	defer tx.Rollback(ctx)
	return fn(tx)
}

// Schemas lists the schemas in name order.
func (db *DB) Schemas(ctx context.Context) (all []table.Schema, err error) {
	err = db.read(ctx, func(tx *Tx) error {
		return tx.sysScan(ctx, dict.SchemaKey(""), func(key, body []byte) error {
			all = append(all, table.Schema{Name: string(key[1:]), Attrs: string(body)})
			return nil
		})
	})
	return all, err
}

// Schema reads one schema.
func (db *DB) Schema(ctx context.Context, name string) (s *table.Schema, err error) {
	err = db.read(ctx, func(tx *Tx) error {
		b, err := tx.sysGet(ctx, dict.SchemaKey(name))
		if err != nil {
			return err
		}
		if b == nil {
			return fmt.Errorf("%w: %s", table.ErrNoSchema, name)
		}
		s = &table.Schema{Name: name, Attrs: string(b)}
		return nil
	})
	return s, err
}

// TableNames lists the tables of a schema in name order.
func (db *DB) TableNames(ctx context.Context, schema string) (names []string, err error) {
	err = db.read(ctx, func(tx *Tx) error {
		if b, err := tx.sysGet(ctx, dict.SchemaKey(schema)); err != nil || b == nil {
			return firstErr(err, fmt.Errorf("%w: %s", table.ErrNoSchema, schema))
		}
		names, err = tx.tableNames(ctx, schema)
		return err
	})
	return names, err
}

func (tx *Tx) tableNames(ctx context.Context, schema string) (names []string, err error) {
	prefix := dict.NamePrefix(schema)
	err = tx.sysScan(ctx, prefix, func(key, _ []byte) error {
		names = append(names, string(key[len(prefix):]))
		return nil
	})
	return names, err
}

// Definition reads a table's definition as it is committed now.
func (db *DB) Definition(ctx context.Context, schema, name string) (*table.Def, error) {
	t, err := db.table(ctx, schema, name)
	if err != nil {
		return nil, err
	}
	return &t.Def, nil
}

func checkNames(names ...string) error {
	for _, n := range names {
		if strings.IndexByte(n, 0) >= 0 || len(n) > 1000 {
			return fmt.Errorf("name %q: %w", n, table.ErrTooBig)
		}
	}
	return nil
}

// Objects lists the objects of a kind in a schema, in name order.
func (db *DB) Objects(ctx context.Context, kind, schema string) (all []table.Object, err error) {
	err = db.read(ctx, func(tx *Tx) error {
		prefix := dict.ObjectPrefix(kind, schema)
		return tx.sysScan(ctx, prefix, func(key, body []byte) error {
			rest := key[len(prefix):]
			i := bytes.IndexByte(rest, 0)
			if i < 0 {
				return fmt.Errorf("object key of %d bytes: %w", len(key), dict.ErrCorrupt)
			}
			name := string(rest[:i])
			if n := len(all); n == 0 || all[n-1].Name != name {
				all = append(all, table.Object{Kind: kind, Schema: schema, Name: name, Body: []byte{}})
			}
			o := &all[len(all)-1]
			o.Body = append(o.Body, body...)
			return nil
		})
	})
	return all, err
}

// Object reads one object; nil when there is none.
func (db *DB) Object(ctx context.Context, kind, schema, name string) (o *table.Object, err error) {
	err = db.read(ctx, func(tx *Tx) error {
		b, err := tx.sysBody(ctx, dict.ObjectKey(kind, schema, name))
		if err == nil && b != nil {
			o = &table.Object{Kind: kind, Schema: schema, Name: name, Body: b}
		}
		return err
	})
	return o, err
}

// PutObjects writes and deletes objects, all or none.
func (db *DB) PutObjects(ctx context.Context, objects ...table.Object) error {
	return db.ddl(ctx, func(tx *Tx) error {
		keys := make([]string, 0, len(objects))
		for _, o := range objects {
			if err := checkNames(o.Kind, o.Schema, o.Name); err != nil {
				return err
			}
			keys = append(keys, "\x01"+o.Kind+"\x00"+o.Schema+"\x00"+o.Name)
		}
		sort.Strings(keys)
		for _, k := range keys {
			if err := tx.lockName(ctx, k, lock.Exclusive); err != nil {
				return err
			}
		}
		if err := tx.fresh(ctx); err != nil {
			return err
		}
		for _, o := range objects {
			if err := tx.sysPutBody(ctx, dict.ObjectKey(o.Kind, o.Schema, o.Name), o.Body); err != nil {
				return fmt.Errorf("%s %s.%s: %w", o.Kind, o.Schema, o.Name, err)
			}
			tx.effects = append(tx.effects, func() { db.gens.changed(o.Kind, o.Schema) })
		}
		return nil
	})
}

// dropObjects removes all objects of a schema: it goes from kind to kind, for they are the first part of the keys, and looks at nothing of other schemas.
func (tx *Tx) dropObjects(ctx context.Context, schema string) error {
	for at := dict.ObjectsPrefix(); ; {
		key, err := tx.sysNext(ctx, at, dict.ObjectsPrefix())
		if err != nil || key == nil {
			return err
		}
		kind, _, _ := strings.Cut(string(key[1:]), "\x00")
		var keys [][]byte
		err = tx.sysScan(ctx, dict.ObjectPrefix(kind, schema), func(key, _ []byte) error {
			keys = append(keys, bytes.Clone(key))
			return nil
		})
		if err != nil {
			return err
		}
		for _, k := range keys {
			if err := tx.sysDelete(ctx, k); err != nil {
				return err
			}
		}
		if len(keys) > 0 {
			tx.effects = append(tx.effects, func() { tx.db.gens.changed(kind, schema) })
		}
		at, _ = row.Successor(nil, dict.ObjectKindPrefix(kind))
	}
}

func (tx *Tx) lockName(ctx context.Context, name string, m lock.Mode) error {
	return tx.failed(ctx, tx.db.locks.Lock(ctx, &tx.own, lock.Metadata, []byte(name), m, tx.o.MetadataWait))
}

// ddl runs a change of the dictionary as a transaction of its own; it is durable when ddl returns.
func (db *DB) ddl(ctx context.Context, fn func(tx *Tx) error) error {
	select {
	case <-db.namedCh: // transactions from before a crash are about to lock their tables' names
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := wait.Rest(ctx); err != nil { // for what came before: from now on locks are held
		return err
	}
	tx, err := db.sysBegin(ctx, true)
	if err != nil {
		return err
	}
	if err := fn(tx); err != nil {
		return errors.Join(err, tx.Rollback(ctx))
	}
	return tx.Commit(ctx)
}

// CreateSchema adds a schema.
func (db *DB) CreateSchema(ctx context.Context, s table.Schema) error {
	if err := checkNames(s.Name); err != nil {
		return err
	}
	if len(s.Attrs) > dict.Chunk {
		return fmt.Errorf("attributes of schema %s: %w", s.Name, table.ErrTooBig)
	}
	return db.ddl(ctx, func(tx *Tx) error { return tx.putSchema(ctx, s, false) })
}

// AlterSchema changes a schema's attributes.
func (db *DB) AlterSchema(ctx context.Context, s table.Schema) error {
	if len(s.Attrs) > dict.Chunk {
		return fmt.Errorf("attributes of schema %s: %w", s.Name, table.ErrTooBig)
	}
	return db.ddl(ctx, func(tx *Tx) error { return tx.putSchema(ctx, s, true) })
}

func (tx *Tx) putSchema(ctx context.Context, s table.Schema, exists bool) error {
	if err := tx.lockMeta(ctx, s.Name, "", lock.Exclusive); err != nil {
		return err
	}
	if err := tx.fresh(ctx); err != nil {
		return err
	}
	b, err := tx.sysGet(ctx, dict.SchemaKey(s.Name))
	switch {
	case err != nil:
		return err
	case exists && b == nil:
		return fmt.Errorf("%w: %s", table.ErrNoSchema, s.Name)
	case !exists && b != nil:
		return fmt.Errorf("%w: %s", table.ErrSchemaExists, s.Name)
	}
	return tx.sysPut(ctx, dict.SchemaKey(s.Name), []byte(s.Attrs))
}

// DropSchema removes a schema with its tables and objects.
func (db *DB) DropSchema(ctx context.Context, name string) error {
	return db.ddl(ctx, func(tx *Tx) error {
		if err := tx.lockMeta(ctx, name, "", lock.Exclusive); err != nil {
			return err
		}
		if err := tx.fresh(ctx); err != nil {
			return err
		}
		if b, err := tx.sysGet(ctx, dict.SchemaKey(name)); err != nil || b == nil {
			return firstErr(err, fmt.Errorf("%w: %s", table.ErrNoSchema, name))
		}
		names, err := tx.tableNames(ctx, name)
		if err != nil {
			return err
		}
		for _, n := range names {
			if err := wait.Rest(ctx); err != nil {
				return err
			}
			if err := tx.dropTable(ctx, name, n); err != nil {
				return err
			}
		}
		if err := tx.dropObjects(ctx, name); err != nil {
			return err
		}
		return tx.sysDelete(ctx, dict.SchemaKey(name))
	})
}
