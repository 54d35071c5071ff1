package general

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/mysql"
	"github.com/dolthub/vitess/go/vt/sqlparser"
	goerrors "gopkg.in/src-d/go-errors.v1"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// INSERT and REPLACE are executed here rather than by the library, which counts rows, gives AUTO_INCREMENT values and tells
// the insert id otherwise than MySQL. What happens to a row that meets another follows MySQL's write_record (sql/sql_insert.cc).

// inserting is one INSERT or REPLACE at work. Its iterator yields one row: the OK of all rows.
type inserting struct {
	n       *plan.InsertInto
	src     sql.RowIter
	in      *incoming
	ed      sql.TableEditor
	own     *editor // the one behind ed
	schema  sql.Schema
	auto    *autoValues // nil: no such column
	library []int       // columns whose values the library converts: JSON and spatial types
	inPlace bool        // a REPLACE that meets a row at the last unique index changes it, rather than deleting and inserting
	done    bool

	records, copied, deleted, updated, touched uint64
}

// newInserting returns nil when the destination is not one of our tables; the library's own error follows then.
func (b *builder) newInserting(c *sql.Context, n *plan.InsertInto, in *incoming, t *base, dst sql.InsertableTable, r sql.Row) (sql.RowIter, error) {
	rep, ok := dst.(sql.ReplaceableTable)
	if !ok {
		return nil, nil
	}
	ed, ok := rep.Replacer(c).(sql.TableEditor)
	own := editorOf(ed)
	if !ok || own == nil {
		return nil, nil
	}
	i := &inserting{n: n, in: in, ed: ed, own: own, schema: n.Destination.Schema(c)}
	own.batch.on = i.gathers()
	var err error
	if i.auto, err = newAutoValues(c, t, in); err != nil {
		return nil, err
	}
	if i.auto != nil && n.OnDupExprs.HasUpdates() {
		for _, x := range n.OnDupExprs.ExplicitUpdateExprs() {
			if set, ok := x.(*expression.SetField); ok {
				gf, ok := set.LeftChild.(*expression.GetField)
				i.auto.assigned = i.auto.assigned || ok && strings.EqualFold(gf.Name(), i.schema[i.auto.column].Name)
			}
		}
	}
	for j, col := range i.schema {
		if types.IsJSON(col.Type) || datum.Spatial(col.Type) {
			i.library = append(i.library, j)
		}
	}
	if n.IsReplace {
		if i.inPlace, err = replacesInPlace(c, t.m); err != nil {
			return nil, err
		}
	}
	if x := executionOf(c); x != nil && x.busy == nil {
		x.lastArg = nil
	}
	if i.src, err = b.e.gms.Analyzer.ExecBuilder.Build(c, in, r); err != nil {
		return nil, err
	}
	return i, nil
}

// editorOf finds our editor behind the library's keeper of foreign keys.
func editorOf(ed any) *editor {
	switch e := ed.(type) {
	case *editor:
		return e
	case *plan.ForeignKeyHandler:
		return editorOf(e.Editor.Editor)
	}
	return nil
}

// replacesInPlace: MySQL deletes and inserts where others would notice the row go.
func replacesInPlace(c *sql.Context, m *tabledef.Table) (bool, error) {
	if len(m.Def.ReferBy) > 0 {
		return false, nil
	}
	s := sessionOf(c)
	for _, timing := range []string{"BEFORE", "AFTER"} {
		list, err := s.e.triggersOf(c, m, timing, "DELETE")
		if err != nil || len(list) > 0 {
			return false, err
		}
	}
	return true, nil
}

// Close makes the first value that was generated LAST_INSERT_ID(), also of a statement that failed later.
func (i *inserting) Close(c *sql.Context) error {
	if first := i.auto.firstGiven(); first > 0 {
		c.GetLastQueryInfo().LastInsertId.Store(int64(first))
	}
	return errors.Join(i.src.Close(c), i.ed.Close(c), i.auto.release(c))
}

func (i *inserting) Next(c *sql.Context) (sql.Row, error) {
	if i.done {
		return nil, io.EOF
	}
	i.done = true
	for {
		r, err := i.src.Next(c)
		switch {
		case errors.Is(err, io.EOF):
			if err := i.own.flush(c); err != nil {
				return nil, err
			}
			return i.result(c), nil
		case err == nil:
			i.records++
			err = i.row(c, r[len(r)-len(i.schema):]) // rows may be prefixed by an outer scope
		}
		if err != nil {
			if ferr := i.own.flush(c); ferr != nil { // rows before it
				return nil, ferr
			}
		}
		if err = i.in.ignored(c, err); err != nil {
			return nil, err
		}
		if c.Err() != nil {
			return nil, c.Err()
		}
	}
}

// ignored makes a warning of an error that IGNORE ignores.
func (n *incoming) ignored(c *sql.Context, err error) error {
	if err == nil || !n.ignore {
		return err
	}
	e := mysqlerr.From(mapError(c, err))
	switch e.Code {
	case mysqlerr.ER_SUBQUERY_NO_1_ROW, mysqlerr.ER_ROW_IS_REFERENCED_2, mysqlerr.ER_NO_REFERENCED_ROW_2, mysqlerr.ER_BAD_NULL_ERROR, mysqlerr.ER_DUP_ENTRY,
		mysqlerr.ER_VIEW_CHECK_FAILED, mysqlerr.ER_CHECK_CONSTRAINT_VIOLATED:
		n.st.Warn(c, e)
		return nil
	}
	return err
}

// row writes a row.
func (i *inserting) row(c *sql.Context, r sql.Row) error {
	for _, j := range i.library {
		if r[j] == nil {
			continue
		}
		v, in, err := datum.Ordered(i.schema[j].Type).Convert(c, r[j])
		if err == nil && in != sql.InRange {
			err = sql.ErrValueOutOfRange.New(r[j], i.schema[j].Type)
		}
		if err != nil {
			return sql.NewWrappedInsertError(r, err)
		}
		r[j] = v
	}
	for j, col := range i.schema {
		if r[j] == nil && !col.Nullable && !col.AutoIncrement {
			return mysqlerr.New(mysqlerr.ER_BAD_NULL_ERROR, col.Name)
		}
	}
	err := evaluateChecks(c, i.n.Checks(), r)
	if err == nil { // before a value is generated: a row that is refused uses none up
		i.own.verified = true
		err = i.own.verify(c, r)
	}
	if err != nil {
		if !i.in.fromQuery {
			i.auto.refused(r)
		}
		return err
	}
	before := i.auto.mark()
	if err := i.auto.assign(c, r); err != nil {
		return err
	}
	if err = i.write(c, r, before); err != nil {
		i.auto.restore(before)
	}
	i.auto.attempted()
	return err
}

// write inserts a row, or does what is to be done when it meets another.
func (i *inserting) write(c *sql.Context, r sql.Row, before uint64) error {
	for range len(i.own.m.Def.Indexes) + 1 {
		err := insertChecked(c, i.ed, r)
		if err == nil {
			i.copied++
			return i.auto.inserted(c)
		}
		existing := existingRow(err)
		if existing == nil {
			return err
		}
		switch {
		case i.n.OnDupExprs.HasUpdates():
			return i.updateExisting(c, existing, r, before)
		case !i.n.IsReplace:
			if i.in.fromQuery {
				if raised := i.auto.raise(c); raised != nil {
					return raised
				}
			}
			return err
		case i.auto.generatedAt(i.own.dupIndex): // or the counter's end would delete a row a time
			return err
		}
		if err := i.auto.raise(c); err != nil {
			return err
		}
		if i.inPlace && i.own.dupLast {
			same, err := identical(c, i.schema, existing, r)
			if err != nil {
				return err
			}
			if same {
				i.copied++
				return i.auto.inserted(c)
			}
		}
		if err := i.ed.Delete(c, existing); err != nil {
			return err
		}
		i.deleted++
	}
	return fmt.Errorf("a row of %s meets more rows than it has unique indexes", i.own.m.Def.Name)
}

// existingRow is the row that an insert met, nil if the error is another.
func existingRow(err error) sql.Row {
	var kind *goerrors.Error
	if errors.As(err, &kind) {
		if u, ok := kind.Cause().(sql.UniqueKeyError); ok {
			return u.Existing
		}
	}
	return nil
}

// updateExisting is ON DUPLICATE KEY UPDATE.
func (i *inserting) updateExisting(c *sql.Context, old, r sql.Row, before uint64) error {
	width := len(i.schema)
	acc := append(append(make(sql.Row, 0, 2*width), old...), r...)
	acc, err := assignAll(c, i.n.OnDupExprs.ExplicitUpdateExprs(), acc)
	if err != nil {
		return err
	}
	same, err := identical(c, i.schema, old, acc[:width])
	if err != nil {
		return err
	}
	if !same && i.n.OnDupExprs.HasDerivedUpdates() {
		if acc, err = assignAll(c, i.n.OnDupExprs.DerivedUpdateExprs(), acc); err != nil {
			return err
		}
	}
	now := acc[:width:width]
	if err := i.auto.conflict(now, before); err != nil {
		return err
	}
	i.touched++
	if same && !i.own.m.Def.Triggers {
		return nil
	}
	for j, col := range i.schema {
		if now[j] != nil || col.Nullable {
			continue
		}
		if now[j], err = i.in.st.LeftNull(c, col); err != nil {
			return err
		}
	}
	if err := evaluateChecks(c, i.n.Checks(), now); err != nil {
		return err
	}
	if err := i.in.whole(c, i.ed, func() error { return updateChecked(c, i.ed, old, now) }); err != nil {
		return err
	}
	if i.own.m.Def.Triggers { // which may have made it the row that was there
		if same, err = identical(c, i.own.m.Schema, old, i.own.became); err != nil {
			return err
		}
	}
	if !same {
		i.updated++
		i.copied++
	}
	return i.auto.updated(c, now)
}

func assignAll(c *sql.Context, exprs []sql.Expression, r sql.Row) (sql.Row, error) {
	for _, x := range exprs {
		v, err := x.Eval(c, r)
		if err != nil {
			return nil, err
		}
		var ok bool
		if r, ok = v.(sql.Row); !ok {
			return nil, plan.ErrUpdateUnexpectedSetResult.New(v)
		}
	}
	return r, nil
}

func evaluateChecks(c *sql.Context, checks sql.CheckConstraints, r sql.Row) error {
	for _, check := range checks {
		if !check.Enforced {
			continue
		}
		v, err := sql.EvaluateCondition(c, check.Expr, r)
		if err != nil {
			return err
		}
		if sql.IsFalse(v) {
			return mysqlerr.New(mysqlerr.ER_CHECK_CONSTRAINT_VIOLATED, check.Name)
		}
	}
	return nil
}

// okInfo is the text of an OK.
type okInfo string

func (i okInfo) String() string { return string(i) }

// foundRows: the client counts rows that an UPDATE met rather than those that it changed.
func foundRows(c *sql.Context) bool {
	return c.Client().Capabilities&mysql.CapabilityClientFoundRows != 0
}

func (i *inserting) result(c *sql.Context) sql.Row {
	updated := i.updated
	if foundRows(c) {
		updated = i.touched
	}
	info := c.GetLastQueryInfo()
	ok := types.OkResult{RowsAffected: i.copied + i.deleted + updated}
	switch x := executionOf(c); {
	case i.auto.firstGiven() > 0:
		ok.InsertID = i.auto.first
	case x != nil && x.lastArg != nil:
		ok.InsertID = *x.lastArg
	case i.in.fromQuery && (i.in.triggered || i.n.OnDupExprs.HasUpdates()): // MySQL has reset its row by then
	case i.copied > 0:
		ok.InsertID = i.auto.latest()
	}
	switch duplicates := i.deleted + updated; {
	case i.loads(c):
		ok.Info = okInfo(fmt.Sprintf("Records: %d  Deleted: %d  Skipped: %d  Warnings: %d", i.records, i.deleted, i.records-i.copied, c.Session.WarningCount()))
	case i.in.fromQuery || i.records > 1:
		if i.in.ignore {
			duplicates = i.records - i.copied
		}
		ok.Info = okInfo(fmt.Sprintf("Records: %d  Duplicates: %d  Warnings: %d", i.records, duplicates, c.Session.WarningCount()))
	}
	info.RowCount.Store(int64(ok.RowsAffected))
	return sql.NewRow(ok)
}

func (i *inserting) loads(c *sql.Context) bool {
	x := executionOf(c)
	if x == nil || x.st == nil {
		return false
	}
	_, ok := x.st.ast.(*sqlparser.Load)
	return ok
}

// withoutAuto takes the library's AUTO_INCREMENT expression out of an INSERT's source: values are given when the row is written.
func withoutAuto(c *sql.Context, n sql.Node) (sql.Node, error) {
	p, ok := n.(*plan.Project)
	if !ok {
		return n, nil
	}
	exprs := make([]sql.Expression, len(p.Projections))
	found := false
	for i, e := range p.Projections {
		exprs[i] = e
		if a, ok := e.(*expression.AutoIncrement); ok {
			exprs[i], found = a.Child, true
		}
	}
	if !found {
		return n, nil
	}
	return p.WithExpressions(c, exprs...)
}

// withoutGenerated leaves generated columns out of an INSERT's rows: the library would compute them from values that no column has stored yet.
func withoutGenerated(c *sql.Context, n sql.Node, m *tabledef.Table) (sql.Node, error) {
	p, ok := n.(*plan.Project)
	if !ok || len(p.Projections) != len(m.Columns) {
		return n, nil
	}
	exprs, found := slices.Clone(p.Projections), false
	left := map[int]int{} // columns of VALUES that are generated ones, with their place in the table
	for i, e := range exprs {
		if m.Columns[i].Generated == "" {
			continue
		}
		switch e := e.(type) {
		case *sql.ColumnDefaultValue:
			exprs[i], found = expression.NewLiteral(nil, types.Null), true
		case *expression.GetField:
			left[e.Index()] = i
		}
	}
	child := p.Child
	if rows, ok := child.(*plan.Values); ok && len(left) > 0 {
		kept, err := valuesWithout(rows, left, m)
		if err != nil {
			return nil, err
		}
		child, found = kept, true
	}
	if !found {
		return n, nil
	}
	q, err := p.WithExpressions(c, exprs...)
	if err != nil {
		return nil, err
	}
	return q.WithChildren(c, child)
}

// valuesWithout has NULL where VALUES say DEFAULT of columns that are generated; any other value of one is an error.
func valuesWithout(rows *plan.Values, generated map[int]int, m *tabledef.Table) (*plan.Values, error) {
	out := *rows
	out.ExpressionTuples = make([][]sql.Expression, len(rows.ExpressionTuples))
	for i, tuple := range rows.ExpressionTuples {
		out.ExpressionTuples[i] = slices.Clone(tuple)
		for k, column := range generated {
			if _, ok := tuple[k].(*expression.Wrapper); !ok { // of DEFAULT's expression
				return nil, mysqlerr.New(mysqlerr.ER_NON_DEFAULT_VALUE_FOR_GENERATED_COLUMN, m.Def.Columns[column].Name, m.Def.Name)
			}
			out.ExpressionTuples[i][k] = expression.NewLiteral(nil, types.Null)
		}
	}
	return &out, nil
}
