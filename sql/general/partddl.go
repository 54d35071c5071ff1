package general

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/partition"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// ALTER TABLE ... ADD, DROP, TRUNCATE, COALESCE, REORGANIZE, EXCHANGE PARTITION. A change makes new trees, fills them while the table is locked,
// and publishes a definition that names them; what that no longer names is dropped.

// partitionChange is what a statement changes.
type partitionChange struct {
	s       *Session
	c       *sql.Context
	p       *partCatalog
	d       *table.Def
	a       tabledef.Attrs
	clauses *grammar.Partitioning
}

// ownPartition recognises ALTER TABLE name <operation> PARTITION ...; nil for any other ALTER TABLE.
func (s *Session) ownPartition(t *lexer.Cursor) (*Statement, error) {
	start := t.Pos
	t.Pos += 2
	schema, name, ok := t.Qualified()
	op := t.Word(0)
	switch op {
	case "ADD", "DROP", "TRUNCATE", "COALESCE", "REORGANIZE", "EXCHANGE", "ANALYZE", "CHECK", "OPTIMIZE", "REBUILD", "REPAIR", "DISCARD", "IMPORT":
	default:
		ok = false
	}
	if !ok || t.Word(1) != "PARTITION" || t.Word(2) == "BY" {
		t.Pos = start
		return nil, nil
	}
	t.Pos += 2
	run, err := s.partitionOperation(t, op)
	if err != nil {
		return nil, err
	}
	st := &Statement{Class: DDL}
	st.run = func(c *sql.Context, s *Session, x *execution) (*Result, error) {
		if schema == "" {
			if schema = c.GetCurrentDatabase(); schema == "" {
				return nil, mysqlerr.New(mysqlerr.ER_NO_DB_ERROR)
			}
		}
		auths := []string{sqlparser.AuthType_ALTER}
		if op == "DROP" || op == "TRUNCATE" {
			auths = []string{sqlparser.AuthType_ALTER, sqlparser.AuthType_DROP}
		}
		for _, auth := range auths {
			err := s.authorize(c, sqlparser.AuthInformation{AuthType: auth, TargetType: sqlparser.AuthTargetType_SingleTableIdentifier, TargetNames: []string{schema, "", name}})
			if err != nil {
				return nil, err
			}
		}
		d, err := s.definition(c, schema, name)
		if err != nil {
			return nil, err
		}
		ch := &partitionChange{s: s, c: c, p: s.e.catalog.(*partCatalog), d: d}
		if ch.a, err = tableAttrsOf(d); err != nil {
			return nil, err
		}
		if ch.a.PartSQL == "" {
			return nil, mysqlerr.New(mysqlerr.ER_PARTITION_MGMT_ON_NONPARTITIONED)
		}
		ch.a.Parts = slices.Clone(ch.a.Parts)
		ch.clauses = grammar.ParsePartitioning(ch.a.PartSQL)
		return run(ch, x)
	}
	return st, nil
}

type partitionRun func(ch *partitionChange, x *execution) (*Result, error)

// partitionOperation parses what follows PARTITION.
func (s *Session) partitionOperation(t *lexer.Cursor, op string) (partitionRun, error) {
	_ = t.Accept("LOCAL") || t.Accept("NO_WRITE_TO_BINLOG")
	done := func(run partitionRun) (partitionRun, error) {
		if !t.End() {
			return nil, s.wrong(t)
		}
		return run, nil
	}
	number := func() (int, bool) {
		n, err := strconv.Atoi(t.At(0))
		t.Pos++
		return n, err == nil
	}
	switch op {
	case "ADD":
		if t.Accept("PARTITIONS") {
			n, ok := number()
			if !ok {
				return nil, s.wrong(t)
			}
			return done(func(ch *partitionChange, _ *execution) (*Result, error) { return ch.resize(n) })
		}
		defs, ok := partitionDefs(t)
		if !ok {
			return nil, s.wrong(t)
		}
		return done(func(ch *partitionChange, _ *execution) (*Result, error) { return ch.add(defs) })
	case "COALESCE":
		n, ok := number()
		if !ok {
			return nil, s.wrong(t)
		}
		return done(func(ch *partitionChange, _ *execution) (*Result, error) { return ch.coalesce(n) })
	case "DISCARD", "IMPORT":
		return nil, mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, op+" PARTITION")
	}
	var names []string
	if !t.Accept("ALL") {
		for {
			name, ok := t.Name()
			if !ok {
				return nil, s.wrong(t)
			}
			if names = append(names, name); !t.Accept(",") {
				break
			}
		}
	}
	switch op {
	case "DROP":
		return done(func(ch *partitionChange, _ *execution) (*Result, error) { return ch.drop(names) })
	case "TRUNCATE":
		return done(func(ch *partitionChange, _ *execution) (*Result, error) { return ch.truncate(names) })
	case "REORGANIZE":
		if !t.Accept("INTO") {
			return nil, s.wrong(t)
		}
		defs, ok := partitionDefs(t)
		if !ok {
			return nil, s.wrong(t)
		}
		return done(func(ch *partitionChange, _ *execution) (*Result, error) { return ch.reorganize(names, defs) })
	case "EXCHANGE":
		if len(names) != 1 || !t.Accept("WITH", "TABLE") {
			return nil, s.wrong(t)
		}
		schema, with, ok := t.Qualified()
		if !ok {
			return nil, s.wrong(t)
		}
		validate := true
		if t.Accept("WITHOUT", "VALIDATION") {
			validate = false
		} else {
			t.Accept("WITH", "VALIDATION")
		}
		return done(func(ch *partitionChange, _ *execution) (*Result, error) {
			return ch.exchange(names[0], schema, with, validate)
		})
	}
	_ = t.Accept("QUICK") || t.Accept("EXTENDED") || t.Accept("FAST") || t.Accept("MEDIUM") || t.Accept("CHANGED")
	return done(func(ch *partitionChange, x *execution) (*Result, error) { return ch.maintain(x, op, names) })
}

// partitionDefs reads (PARTITION ..., ...).
func partitionDefs(t *lexer.Cursor) ([]grammar.PartitionDef, bool) {
	from := t.Pos
	if _, ok := grammar.Parenthesis(t); !ok {
		return nil, false
	}
	text := t.Span(from, t.Pos)
	p := grammar.ParsePartitioning("PARTITION BY RANGE (x) " + text)
	if p == nil || len(p.Parts) == 0 {
		return nil, false
	}
	return p.Parts, true
}

// indexes are the positions of partitions by name: 1507.
func (ch *partitionChange) indexes(names []string, verb string) ([]bool, error) {
	if names == nil {
		return nil, nil
	}
	set := make([]bool, len(ch.a.Parts))
	for _, n := range names {
		i := slices.IndexFunc(ch.a.Parts, func(r tabledef.Partition) bool { return strings.EqualFold(r.Name, n) })
		if i < 0 || set[i] {
			if verb == "TRUNCATE" {
				return nil, mysqlerr.New(mysqlerr.ER_UNKNOWN_PARTITION, n, ch.d.Name)
			}
			return nil, mysqlerr.New(mysqlerr.ER_DROP_PARTITION_NON_EXISTENT, verb)
		}
		set[i] = true
	}
	return set, nil
}

func (ch *partitionChange) hashed() bool {
	return strings.Contains(ch.clauses.Method, "HASH") || strings.Contains(ch.clauses.Method, "KEY")
}

// checked compiles the changed clause.
func (ch *partitionChange) checked() (*partition.Function, error) {
	ch.a.PartSQL = ch.clauses.Clause()
	n := *ch.d
	n.Attrs = tabledef.Encode(ch.a)
	return checkedPartFunc(ch.c, &n)
}

// fresh numbers a new tree.
func (ch *partitionChange) fresh(name string) tabledef.Partition {
	ch.a.PartNext++
	return tabledef.Partition{Name: name, Tree: ch.a.PartNext - 1}
}

var recordsNone = &Result{Info: "Records: 0  Duplicates: 0  Warnings: 0"}

// add is ADD PARTITION of RANGE and LIST.
func (ch *partitionChange) add(defs []grammar.PartitionDef) (*Result, error) {
	if ch.hashed() {
		return ch.resize(len(defs))
	}
	if n := len(ch.clauses.Parts); strings.HasPrefix(ch.clauses.Method, "RANGE") && strings.Contains(strings.ToUpper(ch.clauses.Parts[n-1].Values), "MAXVALUE") && !strings.Contains(ch.clauses.Parts[n-1].Values, ",") {
		return nil, mysqlerr.NewMessage(1481, "MAXVALUE can only be used in last partition definition")
	}
	ch.clauses.Parts = append(ch.clauses.Parts, defs...)
	if _, err := ch.checked(); err != nil {
		return nil, err
	}
	var made []tabledef.Partition
	for _, d := range defs {
		made = append(made, ch.fresh(d.Name))
	}
	ch.a.Parts = append(ch.a.Parts, made...)
	return recordsNone, ch.p.publish(ch.c, ch.d, &ch.a, made, nil)
}

// resize adds n partitions to a hashed table.
func (ch *partitionChange) resize(n int) (*Result, error) {
	if !ch.hashed() {
		return nil, mysqlerr.NewMessage(1492, "For %s partitions each partition must be defined", strings.Fields(ch.clauses.Method)[0])
	}
	if n < 1 {
		return nil, mysqlerr.NewMessage(1514, "At least one partition must be added")
	}
	return ch.count(len(ch.a.Parts) + n)
}

func (ch *partitionChange) coalesce(n int) (*Result, error) {
	switch {
	case !ch.hashed():
		return nil, mysqlerr.NewMessage(1509, "COALESCE PARTITION can only be used on HASH/KEY partitions")
	case n < 1:
		return nil, mysqlerr.NewMessage(1515, "At least one partition must be coalesced")
	case n >= len(ch.a.Parts):
		return nil, mysqlerr.NewMessage(1508, "Cannot remove all partitions, use DROP TABLE instead")
	}
	return ch.count(len(ch.a.Parts) - n)
}

// count makes a hashed table have n partitions: all rows move.
func (ch *partitionChange) count(n int) (*Result, error) {
	defs := ch.clauses.Names()
	for i := len(defs); i < n; i++ {
		defs = append(defs, grammar.PartitionDef{Name: fmt.Sprintf("p%d", i)})
	}
	if ch.clauses.Count = n; len(ch.clauses.Parts) > 0 {
		ch.clauses.Parts = defs[:n]
	}
	f, err := ch.checked()
	if err != nil {
		return nil, err
	}
	gone := ch.a.Parts
	ch.a.Parts = nil
	for _, d := range f.Parts {
		ch.a.Parts = append(ch.a.Parts, ch.fresh(d.Name))
	}
	return recordsNone, ch.move(f, ch.a.Parts, gone)
}

// move publishes the change with the rows of the trees that go in those that come.
func (ch *partitionChange) move(f *partition.Function, made, gone []tabledef.Partition) error {
	w := &treeWriter{p: ch.p, c: ch.c, d: ch.d, parts: ch.a.Parts, f: f, only: make([]bool, len(ch.a.Parts))}
	for i, r := range ch.a.Parts {
		w.only[i] = slices.Contains(made, r)
	}
	return ch.p.publish(ch.c, ch.d, &ch.a, made, func(ctx context.Context) error { return w.copy(ctx, ch.d, gone, nil) })
}

func (ch *partitionChange) drop(names []string) (*Result, error) {
	if ch.hashed() {
		return nil, mysqlerr.NewMessage(1512, "DROP PARTITION can only be used on RANGE/LIST partitions")
	}
	set, err := ch.indexes(names, "DROP")
	if err != nil {
		return nil, err
	}
	var keep []tabledef.Partition
	var defs []grammar.PartitionDef
	for i, r := range ch.a.Parts {
		if set != nil && !set[i] {
			keep, defs = append(keep, r), append(defs, ch.clauses.Parts[i])
		}
	}
	if len(keep) == 0 {
		return nil, mysqlerr.NewMessage(1508, "Cannot remove all partitions, use DROP TABLE instead")
	}
	ch.a.Parts, ch.clauses.Parts = keep, defs
	if _, err := ch.checked(); err != nil {
		return nil, err
	}
	return recordsNone, ch.p.publish(ch.c, ch.d, &ch.a, nil, nil)
}

func (ch *partitionChange) truncate(names []string) (*Result, error) {
	set, err := ch.indexes(names, "TRUNCATE")
	if err != nil {
		return nil, err
	}
	return &Result{}, ch.p.emptyTrees(ch.c, ch.d, set)
}

func (ch *partitionChange) reorganize(names []string, defs []grammar.PartitionDef) (*Result, error) {
	if ch.hashed() {
		return nil, mysqlerr.NewMessage(1510, "REORGANIZE PARTITION can only be used to reorganize partitions not to change their numbers")
	}
	set, err := ch.indexes(names, "REORGANIZE")
	if err != nil {
		return nil, err
	}
	old, err := checkedPartFunc(ch.c, ch.d)
	if err != nil {
		return nil, err
	}
	first, last := slices.Index(set, true), len(set)-1
	for last > 0 && !set[last] {
		last--
	}
	isRange := strings.HasPrefix(ch.clauses.Method, "RANGE")
	if isRange && last-first+1 != len(names) {
		return nil, mysqlerr.NewMessage(1519, "When reorganizing a set of partitions they must be in consecutive order")
	}
	var gone, made, parts []tabledef.Partition
	var all []grammar.PartitionDef
	for i, r := range ch.a.Parts {
		if i == first {
			for _, d := range defs {
				ref := ch.fresh(d.Name)
				made, parts, all = append(made, ref), append(parts, ref), append(all, d)
			}
		}
		if set[i] {
			gone = append(gone, r)
			continue
		}
		parts, all = append(parts, r), append(all, ch.clauses.Parts[i])
	}
	ch.a.Parts, ch.clauses.Parts = parts, all
	f, err := ch.checked()
	if err != nil {
		return nil, err
	}
	if isRange {
		n, err := f.Compare(ch.c, f.Less[first+len(defs)-1], old.Less[last])
		if err != nil {
			return nil, err
		}
		if n != 0 && (last != len(set)-1 || n < 0) {
			return nil, mysqlerr.NewMessage(1520, "Reorganize of range partitions cannot change total ranges except for last partition where it can extend the range")
		}
	}
	return recordsNone, ch.move(f, made, gone)
}

// exchange swaps a partition's tree with a table of the same columns and indexes.
func (ch *partitionChange) exchange(name, schema, with string, validate bool) (*Result, error) {
	at := slices.IndexFunc(ch.a.Parts, func(r tabledef.Partition) bool { return strings.EqualFold(r.Name, name) })
	if at < 0 {
		return nil, mysqlerr.New(mysqlerr.ER_UNKNOWN_PARTITION, name, ch.d.Name)
	}
	if schema == "" {
		schema = ch.c.GetCurrentDatabase()
	}
	if ch.s.temps[tempKey(schema, with)] != nil {
		return nil, mysqlerr.NewMessage(1733, "Table to exchange with partition is temporary: '%s'", with)
	}
	u, err := ch.s.definition(ch.c, schema, with)
	if err != nil {
		return nil, err
	}
	ua, err := tableAttrsOf(u)
	if err != nil {
		return nil, err
	}
	switch {
	case len(ua.Parts) > 0:
		return nil, mysqlerr.NewMessage(1732, "Table to exchange with partition is partitioned: '%s'", with)
	case len(ua.FKs) > 0 || len(u.ReferBy) > 0:
		return nil, mysqlerr.NewMessage(1740, "Table to exchange with partition has foreign key references: '%s'", with)
	case !sameStructure(ch.d, u):
		return nil, mysqlerr.NewMessage(1736, "Tables have different definitions")
	}
	f, err := checkedPartFunc(ch.c, ch.d)
	if err != nil {
		return nil, err
	}
	tree := [2]string{ch.d.Schema, treeName(ch.d.Name, ch.a.Parts[at].Tree)}
	other := [2]string{schema, with}
	td, err := ch.p.Definition(ch.c, tree[0], tree[1])
	if err != nil {
		return nil, err
	}
	// The lock on the partitioned table keeps everybody from its trees; the other table is checked and renamed under it.
	n := *ch.d
	_, err = ch.p.Catalog.AlterTable(ch.c, ch.d, &n, table.Build{Within: func(ctx context.Context) error {
		if validate {
			if err := ch.validate(ctx, f, at, u); err != nil {
				return err
			}
		}
		between := [2]string{tree[0], treeName(ch.d.Name, ch.a.PartNext)}
		if err := ch.p.Catalog.RenameTables(ctx, [][2][2]string{{other, between}, {tree, other}, {between, tree}}, nil); err != nil {
			return err
		}
		return ch.redefine(ctx, other, tree, u, td)
	}})
	return &Result{}, err
}

// redefine gives the trees that were exchanged what belongs to their new places: names of columns, defaults, comments, AUTO_INCREMENT.
func (ch *partitionChange) redefine(ctx context.Context, other, tree [2]string, u, td *table.Def) error {
	for _, x := range []struct {
		at   [2]string
		like *table.Def
	}{{other, u}, {tree, td}} {
		d, err := ch.p.Definition(ctx, x.at[0], x.at[1])
		if err != nil {
			return err
		}
		n := *d
		n.AutoInc, n.Attrs, n.Triggers = x.like.AutoInc, x.like.Attrs, x.like.Triggers
		n.Columns, n.Indexes = slices.Clone(d.Columns), slices.Clone(d.Indexes)
		for i := range n.Columns {
			n.Columns[i].Name, n.Columns[i].Attrs = x.like.Columns[i].Name, x.like.Columns[i].Attrs
		}
		if _, err := ch.p.Catalog.AlterTable(ctx, d, &n, table.Build{}); err != nil {
			return err
		}
	}
	return nil
}

// validate demands that all rows of a table belong to a partition: 1737.
func (ch *partitionChange) validate(ctx context.Context, f *partition.Function, at int, u *table.Def) error {
	return ch.p.opened(ctx, u, func(t table.Table) error {
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
			if i, err := f.Of(ch.c, cur.Row()); err != nil || i != at {
				return mysqlerr.New(mysqlerr.ER_ROW_DOES_NOT_MATCH_PARTITION)
			}
		}
	})
}

// sameStructure reports whether rows and indexes of two tables are of one form.
func sameStructure(a, b *table.Def) bool {
	return slices.EqualFunc(a.Columns, b.Columns, func(x, y table.Column) bool {
		return strings.EqualFold(x.Name, y.Name) && rowForm(&x) == rowForm(&y) && storedType(x.Attrs) == storedType(y.Attrs) && sameInstant(x.Instant, y.Instant)
	}) && slices.EqualFunc(a.Indexes, b.Indexes, func(x, y table.Index) bool {
		return strings.EqualFold(x.Name, y.Name) && x.Unique == y.Unique && x.Primary == y.Primary && x.Hidden == y.Hidden && slices.Equal(x.Parts, y.Parts)
	}) && slices.EqualFunc(a.Columns, b.Columns, func(x, y table.Column) bool { return x.ID == y.ID })
}

func sameInstant(a, b *row.Datum) bool {
	return a == nil && b == nil || a != nil && b != nil && sameDatum(a, b)
}

// maintain answers ANALYZE, CHECK, OPTIMIZE, REBUILD and REPAIR PARTITION. Trees need neither rebuild nor repair.
func (ch *partitionChange) maintain(x *execution, op string, names []string) (*Result, error) {
	if _, err := ch.indexes(names, op); err != nil {
		return nil, err
	}
	if op == "REBUILD" {
		return recordsNone, nil
	}
	return ch.s.rowsOf(ch.c, x, texts("Table", "Op", "Msg_type", "Msg_text"), []sql.Row{{ch.d.Schema + "." + ch.d.Name, strings.ToLower(op), "status", "OK"}}), nil
}
