package general

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/base/wait"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/partition"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// partCatalog is the engine's catalog with partitioned tables: what is done to one is done to its trees.
type partCatalog struct {
	table.Catalog
	e *Engine
}

func tableAttrsOf(d *table.Def) (a tabledef.Attrs, err error) {
	if err = tabledef.Decode(d.Attrs, &a); err != nil {
		err = fmt.Errorf("table %s.%s: %w", d.Schema, d.Name, err)
	}
	return a, err
}

// TableNames lists tables, not trees.
func (p *partCatalog) TableNames(ctx context.Context, schema string) ([]string, error) {
	names, err := p.Catalog.TableNames(ctx, schema)
	return slices.DeleteFunc(names, isTree), err
}

// treeDef is the definition of a partition's tree.
func treeDef(d *table.Def, tree int) *table.Def {
	n := *d
	n.ID, n.Version, n.Name, n.AutoInc, n.ReferTo, n.ReferBy, n.Triggers = 0, 0, treeName(d.Name, tree), -1, nil, nil, false
	n.Columns, n.Indexes = slices.Clone(d.Columns), slices.Clone(d.Indexes)
	for i := range n.Columns {
		n.Columns[i].ID, n.Columns[i].Instant = 0, nil
	}
	for i := range n.Indexes {
		n.Indexes[i].ID, n.Indexes[i].Root = 0, 0
	}
	a, _ := tableAttrsOf(d) // read before
	a.PartSQL, a.Parts, a.PartNext = "", nil, 0
	n.Attrs = tabledef.Encode(a)
	return &n
}

// plan checks a partitioned definition and numbers its trees from next on.
func (p *partCatalog) plan(c *sql.Context, d *table.Def, a *tabledef.Attrs, next int) (*partition.Function, error) {
	a.Parts = nil
	if a.PartSQL == "" {
		a.Parts, a.PartNext = []tabledef.Partition{{Tree: next}}, next+1
		d.Attrs = tabledef.Encode(*a)
		return nil, nil
	}
	if len(a.FKs) > 0 || len(d.ReferBy) > 0 {
		return nil, errPartitionedFK()
	}
	f, err := checkedPartFunc(c, d)
	if err != nil {
		return nil, err
	}
	for _, part := range f.Parts {
		a.Parts = append(a.Parts, tabledef.Partition{Name: part.Name, Tree: next})
		next++
	}
	a.PartNext = next
	d.Attrs = tabledef.Encode(*a)
	return f, nil
}

func errPartitionedFK() error {
	return mysqlerr.NewMessage(1506, "Foreign keys are not yet supported in conjunction with partitioning")
}

// checkedPartFunc compiles the partitioning of a definition that is about to be published.
func checkedPartFunc(c *sql.Context, d *table.Def) (*partition.Function, error) {
	m, err := tabledef.New(c, d)
	if err != nil {
		return nil, err
	}
	f, err := partition.New(c, sessionOf(c).e.gms.Analyzer.Catalog, m)
	if err != nil {
		return nil, err
	}
	if n := len(f.Parts); n > maxPartitions {
		return nil, mysqlerr.NewMessage(1499, "Too many partitions (including subpartitions) were defined")
	}
	return f, f.CheckKeys()
}

const maxPartitions = 8192

// makeTrees makes the trees of some partitions. Whoever calls it has called changing, and calls changed in the end.
func (p *partCatalog) makeTrees(ctx context.Context, d *table.Def, refs []tabledef.Partition) error {
	for _, r := range refs {
		if _, err := p.Catalog.CreateTable(ctx, treeDef(d, r.Tree)); err != nil {
			return err
		}
	}
	return nil
}

// kindTrees are objects that name tables whose trees are being changed: what the process leaves behind when it ends in its midst.
const kindTrees = "partition trees"

// changing notes that a table's trees are about to change.
func (p *partCatalog) changing(ctx context.Context, schema, name string) error {
	return p.PutObjects(ctx, table.Object{Kind: kindTrees, Schema: schema, Name: name, Body: []byte(name)})
}

// changed drops the trees of a table that its definition does not name, if there is one, and takes back what changing noted.
func (p *partCatalog) changed(ctx context.Context, schema, name string) error {
	ctx = detached(ctx)
	_, parts, err := p.partsOf(ctx, schema, name)
	if err != nil {
		return err
	}
	names, err := p.Catalog.TableNames(ctx, schema)
	if err != nil && !errors.Is(err, table.ErrNoSchema) {
		return err
	}
	for _, n := range names {
		base, tree, ok := strings.Cut(n, partMark)
		if !ok || base != name || slices.ContainsFunc(parts, func(r tabledef.Partition) bool { return strconv.Itoa(r.Tree) == tree }) {
			continue
		}
		if err := p.Catalog.DropTable(ctx, schema, n); err != nil && !errors.Is(err, table.ErrNoTable) {
			return fmt.Errorf("drop tree %s of %s.%s: %w", tree, schema, name, err)
		}
	}
	return p.PutObjects(ctx, table.Object{Kind: kindTrees, Schema: schema, Name: name})
}

// dropOrphans drops the trees that DDL left behind when the process ended in its midst.
func (p *partCatalog) dropOrphans(ctx context.Context) error {
	schemas, err := p.Schemas(ctx)
	if err != nil {
		return err
	}
	for _, s := range schemas {
		left, err := p.Objects(ctx, kindTrees, s.Name)
		if err != nil {
			return err
		}
		for _, o := range left {
			if err := p.changed(ctx, s.Name, o.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

// CreateTable implements table.Catalog.
func (p *partCatalog) CreateTable(ctx context.Context, d *table.Def) (*table.Def, error) {
	a, err := tableAttrsOf(d)
	if err != nil || a.PartSQL == "" {
		if err == nil && len(a.Parts) > 0 { // LIKE a table that was partitioned once
			n := *d
			a.Parts, a.PartNext = nil, 0
			n.Attrs = tabledef.Encode(a)
			d = &n
		}
		return p.Catalog.CreateTable(ctx, d)
	}
	n := *d
	if _, err := p.plan(sqlContext(ctx), &n, &a, 0); err != nil {
		return nil, err
	}
	if err := p.changing(ctx, n.Schema, n.Name); err != nil {
		return nil, err
	}
	var made *table.Def
	err = p.makeTrees(ctx, &n, a.Parts)
	if err == nil {
		made, err = p.Catalog.CreateTable(ctx, &n)
	}
	return made, errors.Join(err, p.changed(ctx, n.Schema, n.Name))
}

// partsOf are the trees of a table; none: it is not there or has none.
func (p *partCatalog) partsOf(ctx context.Context, schema, name string) (*table.Def, []tabledef.Partition, error) {
	d, err := p.Definition(ctx, schema, name)
	if errors.Is(err, table.ErrNoTable) || errors.Is(err, table.ErrNoSchema) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	a, err := tableAttrsOf(d)
	return d, a.Parts, err
}

// DropTable implements table.Catalog: once the table is gone its trees are nobody's.
func (p *partCatalog) DropTable(ctx context.Context, schema, name string) error {
	_, parts, err := p.partsOf(ctx, schema, name)
	if err != nil {
		return err
	}
	if len(parts) == 0 {
		return p.Catalog.DropTable(ctx, schema, name)
	}
	if err := p.changing(ctx, schema, name); err != nil {
		return err
	}
	return errors.Join(p.Catalog.DropTable(ctx, schema, name), p.changed(ctx, schema, name))
}

// TruncateTable implements table.Catalog.
func (p *partCatalog) TruncateTable(ctx context.Context, schema, name string) error {
	d, parts, err := p.partsOf(ctx, schema, name)
	if err != nil {
		return err
	}
	if len(parts) > 0 {
		if err := p.emptyTrees(ctx, d, nil); err != nil {
			return err
		}
	}
	return p.Catalog.TruncateTable(ctx, schema, name)
}

// emptyTrees gives some partitions (nil: all) new trees.
func (p *partCatalog) emptyTrees(ctx context.Context, d *table.Def, set []bool) error {
	a, err := tableAttrsOf(d)
	if err != nil {
		return err
	}
	var made []tabledef.Partition
	a.Parts = slices.Clone(a.Parts)
	for i := range a.Parts {
		if set == nil || set[i] {
			a.Parts[i].Tree = a.PartNext
			a.PartNext++
			made = append(made, a.Parts[i])
		}
	}
	return p.publish(ctx, d, &a, made, nil)
}

// publish makes trees, lets fill fill them while the table is locked, publishes the definition that names them, and drops those that it no
// longer names. When it fails everything is as it was.
func (p *partCatalog) publish(ctx context.Context, d *table.Def, a *tabledef.Attrs, made []tabledef.Partition, fill func(ctx context.Context) error) error {
	if err := p.changing(ctx, d.Schema, d.Name); err != nil {
		return err
	}
	err := p.makeTrees(ctx, d, made)
	if err == nil {
		n := *d
		n.Attrs = tabledef.Encode(*a)
		_, err = p.Catalog.AlterTable(ctx, d, &n, table.Build{Within: fill})
	}
	return errors.Join(err, p.changed(ctx, d.Schema, d.Name))
}

// RenameTables implements table.Catalog.
func (p *partCatalog) RenameTables(ctx context.Context, pairs [][2][2]string, renamed func(d *table.Def, from, to [2]string) error) error {
	all := slices.Clone(pairs)
	for _, pair := range pairs {
		_, parts, err := p.partsOf(ctx, pair[0][0], pair[0][1])
		if err != nil {
			return err
		}
		for _, r := range parts {
			all = append(all, [2][2]string{{pair[0][0], treeName(pair[0][1], r.Tree)}, {pair[1][0], treeName(pair[1][1], r.Tree)}})
		}
	}
	return p.Catalog.RenameTables(ctx, all, renamed)
}

// AlterTable implements table.Catalog. The trees of a table of other columns or indexes are made anew.
func (p *partCatalog) AlterTable(ctx context.Context, old, new *table.Def, o table.Build) (*table.Def, error) {
	was, err := tableAttrsOf(old)
	if err != nil {
		return nil, err
	}
	a, err := tableAttrsOf(new)
	if err != nil {
		return nil, err
	}
	switch {
	case len(was.Parts) == 0 && a.PartSQL == "":
		return p.Catalog.AlterTable(ctx, old, new, o)
	case len(was.Parts) > 0 && was.PartSQL == a.PartSQL && sameRows(old, new):
		n := *new
		a.Parts, a.PartNext = was.Parts, was.PartNext
		n.Attrs = tabledef.Encode(a)
		return p.Catalog.AlterTable(ctx, old, &n, o)
	}
	from := make([]int, len(new.Columns))
	for i := range new.Columns {
		from[i] = slices.IndexFunc(old.Columns, func(c table.Column) bool { return c.ID == new.Columns[i].ID && c.ID != 0 })
	}
	convert := func(r []row.Datum) ([]row.Datum, error) {
		out := make([]row.Datum, len(new.Columns))
		for i, at := range from {
			switch {
			case at >= 0:
				out[i] = r[at]
			case new.Columns[i].Instant != nil:
				out[i] = *new.Columns[i].Instant
			default:
				out[i] = row.NullDatum
			}
		}
		if o.Virtual != nil {
			return out, o.Virtual(out)
		}
		return out, nil
	}
	n := *new
	n.Indexes = slices.Clone(new.Indexes)
	n.Columns = slices.Clone(new.Columns)
	for i := range n.Indexes {
		n.Indexes[i].ID, n.Indexes[i].Root = 0, 0
	}
	for i := range n.Columns {
		n.Columns[i].Instant = nil
	}
	return p.rebuild(ctx, old, &n, convert, o)
}

// sameRows reports whether rows of old are rows of new, with the same indexes.
func sameRows(old, new *table.Def) bool {
	return len(old.Columns) == len(new.Columns) && len(old.Indexes) == len(new.Indexes) &&
		slices.EqualFunc(old.Columns, new.Columns, func(a, b table.Column) bool { return a.ID == b.ID && rowForm(&a) == rowForm(&b) }) &&
		slices.EqualFunc(old.Indexes, new.Indexes, func(a, b table.Index) bool {
			return a.ID == b.ID && a.Unique == b.Unique && slices.Equal(a.Parts, b.Parts)
		})
}

// RebuildTable implements table.Catalog.
func (p *partCatalog) RebuildTable(ctx context.Context, old, new *table.Def, convert func([]row.Datum) ([]row.Datum, error), o table.Build) (*table.Def, error) {
	was, err := tableAttrsOf(old)
	if err != nil {
		return nil, err
	}
	a, err := tableAttrsOf(new)
	if err != nil {
		return nil, err
	}
	if len(was.Parts) == 0 && a.PartSQL == "" {
		return p.Catalog.RebuildTable(ctx, old, new, convert, o)
	}
	return p.rebuild(ctx, old, new, convert, o)
}

// rebuild writes all rows into new trees while the table is locked.
func (p *partCatalog) rebuild(ctx context.Context, old, new *table.Def, convert func([]row.Datum) ([]row.Datum, error), o table.Build) (made *table.Def, err error) {
	c := sqlContext(ctx)
	was, err := tableAttrsOf(old)
	if err != nil {
		return nil, err
	}
	n := *new
	a, err := tableAttrsOf(&n)
	if err != nil {
		return nil, err
	}
	f, err := p.plan(c, &n, &a, was.PartNext)
	if err != nil {
		return nil, err
	}
	next, err := p.autoInc(ctx, old)
	if err != nil {
		return nil, err
	}
	if err := p.changing(ctx, n.Schema, n.Name); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.changed(ctx, n.Schema, n.Name)) }()
	if err := p.makeTrees(ctx, &n, a.Parts); err != nil {
		return nil, err
	}
	w := &treeWriter{p: p, c: c, d: &n, parts: a.Parts, f: f}
	o.Online, o.Virtual = false, nil
	if len(was.Parts) > 0 {
		o.Within = func(ctx context.Context) error { return w.copy(ctx, old, was.Parts, convert) }
		made, err = p.Catalog.RebuildTable(ctx, old, &n, func(r []row.Datum) ([]row.Datum, error) { return r, nil }, o)
	} else { // the rows are in the table's own tree: they pass by here on their way to what is then emptied
		o.Within = func(ctx context.Context) error { return w.end(ctx) }
		made, err = p.Catalog.RebuildTable(ctx, old, &n, func(r []row.Datum) ([]row.Datum, error) {
			out, err := convert(r)
			if err == nil {
				err = w.put(ctx, out)
			}
			return out, err
		}, o)
	}
	if err != nil {
		w.abandon(ctx)
		return nil, err
	}
	if len(was.Parts) == 0 {
		if err := p.Catalog.TruncateTable(ctx, n.Schema, n.Name); err != nil {
			return nil, err
		}
		if made, err = p.Definition(ctx, n.Schema, n.Name); err != nil {
			return nil, err
		}
	}
	if next > 1 {
		if err := p.setAutoInc(ctx, made, next-1); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// opened runs fn on a table in a transaction of its own.
func (p *partCatalog) opened(ctx context.Context, d *table.Def, fn func(t table.Table) error) error {
	txn := p.e.db.Begin(table.TxnOptions{Isolation: table.RepeatableRead})
	st, err := txn.BeginStmt(ctx, table.StmtOptions{Write: true})
	if err == nil {
		var t table.Table
		if t, err = st.Open(ctx, d.Schema, d.Name); err == nil {
			err = fn(t)
		}
		st.End()
	}
	if err != nil {
		return errors.Join(err, txn.Rollback(detached(ctx)))
	}
	return txn.Commit(ctx)
}

func (p *partCatalog) autoInc(ctx context.Context, d *table.Def) (next uint64, err error) {
	if d.AutoInc < 0 {
		return 0, nil
	}
	return next, p.opened(ctx, d, func(t table.Table) (err error) {
		next, err = t.AutoInc()
		return err
	})
}

func (p *partCatalog) setAutoInc(ctx context.Context, d *table.Def, v uint64) error {
	if d.AutoInc < 0 {
		return nil
	}
	return p.opened(ctx, d, func(t table.Table) error { return t.SetAutoInc(ctx, v, false) })
}

// treeWriter puts rows into trees that nobody else sees yet, in transactions of a bounded size.
type treeWriter struct {
	p     *partCatalog
	c     *sql.Context
	d     *table.Def
	parts []tabledef.Partition
	f     *partition.Function // nil: one tree
	only  []bool              // partitions of f whose trees may take rows; nil: all
	txn   table.Txn
	stmt  table.Stmt
	trees []table.Table
	rows  int
}

// treeBatch is how many rows a transaction of a treeWriter writes.
const treeBatch = 10_000

// restRows is after how many rows a treeWriter asks whether it is time to rest.
const restRows = 64

func (w *treeWriter) put(ctx context.Context, r []row.Datum) error {
	i := 0
	if w.f != nil {
		var err error
		if i, err = w.f.Of(w.c, r); err != nil {
			return err
		}
	}
	if w.only != nil && !w.only[i] {
		return mysqlerr.New(mysqlerr.ER_ROW_DOES_NOT_MATCH_PARTITION)
	}
	if w.rows%restRows == 0 {
		if err := wait.Rest(ctx); err != nil {
			return err
		}
	}
	if w.rows++; w.rows%treeBatch == 0 {
		if err := w.end(ctx); err != nil {
			return err
		}
	}
	if w.txn == nil {
		w.txn = w.p.e.db.Begin(table.TxnOptions{Isolation: table.RepeatableRead})
		w.trees = make([]table.Table, len(w.parts))
		var err error
		if w.stmt, err = w.txn.BeginStmt(ctx, table.StmtOptions{Write: true}); err != nil {
			return err
		}
	}
	if w.trees[i] == nil {
		t, err := w.stmt.Open(ctx, w.d.Schema, treeName(w.d.Name, w.parts[i].Tree))
		if err != nil {
			return err
		}
		w.trees[i] = t
	}
	err := w.trees[i].Insert(ctx, r)
	var dup *table.DuplicateKey
	if errors.As(err, &dup) {
		n := *dup
		n.Table = w.d
		return &n
	}
	return err
}

// end commits what was put.
func (w *treeWriter) end(ctx context.Context) error {
	if w.txn == nil {
		return nil
	}
	txn := w.txn
	w.stmt.End()
	w.txn = nil
	return txn.Commit(ctx)
}

// abandon rolls back what was not committed.
func (w *treeWriter) abandon(ctx context.Context) {
	if w.txn != nil {
		w.stmt.End()
		_ = w.txn.Rollback(detached(ctx)) // the trees go anyway
		w.txn = nil
	}
}

// copy reads all rows of trees and puts them, converted, where they belong now.
func (w *treeWriter) copy(ctx context.Context, from *table.Def, parts []tabledef.Partition, convert func([]row.Datum) ([]row.Datum, error)) error {
	for _, r := range parts {
		err := w.p.opened(ctx, &table.Def{Schema: from.Schema, Name: treeName(from.Name, r.Tree)}, func(t table.Table) error {
			cur, err := t.Scan(ctx, table.ScanOptions{})
			if err != nil {
				return err
			}
			defer cur.Close()
			for {
				ok, err := cur.Next(ctx)
				if err != nil || !ok {
					return err
				}
				out := cur.Row()
				if convert != nil {
					if out, err = convert(out); err != nil {
						return err
					}
				}
				if err := w.put(ctx, out); err != nil {
					return err
				}
			}
		})
		if err != nil {
			w.abandon(ctx)
			return err
		}
	}
	return w.end(ctx)
}
