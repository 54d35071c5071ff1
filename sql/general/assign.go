package general

import (
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/exact"
	"github.com/zoryadb/zorya/sql/field"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// What a row holds when it reaches a table is decided here rather than by the library, which knows no sql_mode, no row numbers and
// no messages of MySQL's, and computes generated columns from values as they were written rather than as they are stored, and before triggers change
// them. Every INSERT, UPDATE
// and ON DUPLICATE KEY UPDATE passes through: on the way to execution its plan gets nodes that store as MySQL does (store.go).

// builder adds them to the plans of the library, wherever they come from: statements, triggers, procedures, events.
type builder struct{ e *Engine }

var _ sql.NodeExecBuilder = (*builder)(nil)

// Build returns nil for nodes that the library builds by itself.
func (b *builder) Build(c *sql.Context, n sql.Node, r sql.Row) (sql.RowIter, error) {
	if x := executionOf(c); x != nil && x.measured != nil {
		if it, err := x.measured.build(b, c, n, r); it != nil || err != nil {
			return it, err
		}
	}
	switch n := n.(type) {
	case *plan.DeleteFrom:
		if whole := beforeChanges(c, n.Child); whole != nil && memoryOf(c) != nil {
			out, err := n.WithChildren(c, whole)
			if err != nil {
				return nil, err
			}
			return b.build(c, out, r)
		}
		if err := b.deleteFrom(c, n); err != nil {
			return nil, err
		}
		if x := executionOf(c); x != nil && x.ignores && !n.HasExplicitTargets() {
			return b.newDeleting(c, n, r)
		}
		return nil, nil
	case *plan.InsertInto:
		return b.insert(c, n, r)
	case *plan.Filter:
		if cond := exact.UntilUntrue(c, n.Expression); cond != n.Expression {
			own := *n
			own.Expression = cond
			n = &own
		}
		b.matchBelow(c, n, r)
		if it, err := b.unmatched(c, n, r); it != nil || err != nil {
			return it, err
		}
		return b.over(c, n.Child, r, func(in sql.RowIter) sql.RowIter { return plan.NewFilterIter(n.Expression, in) })
	case *plan.GroupBy:
		if it, err := b.rollup(c, n, r); it != nil || err != nil {
			return it, err
		}
	case *plan.Limit:
		if it, err := b.limited(c, n, r); it != nil || err != nil {
			return it, err
		}
	case *plan.TopN:
		if most, ok := constantCount(c, n.Limit); ok && most == 0 && !n.CalcFoundRows {
			return sql.RowsToRowIter(), nil
		}
	case *plan.Distinct:
		return b.distinct(c, n, r)
	case *plan.SetOp:
		return b.setOp(c, n, r)
	case *plan.JSONTable:
		return b.jsonTable(c, n, r)
	case *spatialLookup:
		return b.spatialLookup(c, n, r)
	case *plan.UpdateSource:
		return b.updateSource(c, n, r)
	case *plan.Update:
		return b.update(c, n, r)
	case *incoming:
		it, err := b.e.gms.Analyzer.ExecBuilder.Build(c, n.Child, r)
		if err != nil {
			return nil, err
		}
		return &incomingIter{RowIter: it, n: n}, nil
	}
	return b.keeping(c, n, r)
}

func (b *builder) insert(c *sql.Context, n *plan.InsertInto, r sql.Row) (sql.RowIter, error) {
	if _, done := n.Source.(*incoming); done {
		return nil, nil
	}
	dst, err := plan.GetInsertable(n.Destination)
	if err != nil {
		return nil, nil // the library's own error follows
	}
	t := tableBase(dst)
	if t == nil {
		return nil, nil
	}
	given, err := withoutGenerated(c, n.Source, t.m)
	if err != nil {
		return nil, err
	}
	source, err := withoutAuto(c, given)
	if err != nil {
		return nil, err
	}
	if source, err = numericHex(c, source, n.ColumnNames, t.m); err != nil {
		return nil, err
	}
	if given, err = numericHex(c, given, n.ColumnNames, t.m); err != nil {
		return nil, err
	}
	in := &incoming{UnaryNode: plan.UnaryNode{Child: source}, st: field.New(c, t.m, n.Ignore), ignore: n.Ignore, unset: n.DeferredDefaults.Contains}
	in.rows, in.fromQuery = givenRows(n.Source)
	in.single = in.rows == 1
	in.triggered, in.computed = t.m.Def.Triggers, given != n.Source
	if p, ok := source.(*plan.Project); ok && in.fromQuery && memoryOf(c) != nil && readsTable(c, p.Child, t) {
		if in.Child, err = p.WithChildren(c, &readFirst{plan.UnaryNode{Child: p.Child}}); err != nil {
			return nil, err
		}
	}
	if x := executionOf(c); x != nil {
		if err := x.fires(c, t.m, firing{insert: true, delete: n.IsReplace, update: true, beforeUpdate: true}); err != nil {
			return nil, err
		}
	}
	out := n.WithSource(n.Source)
	if n.OnDupExprs.HasUpdates() {
		in.st.Upsert, in.st.Refuses = true, (in.single || in.fromQuery) && !n.Ignore
		exprs, err := out.OnDupExprs.WithExpressions(storing(c, in.st, n.OnDupExprs.AllExpressions()))
		if err != nil {
			return nil, err
		}
		out.OnDupExprs = exprs
	}
	if len(n.Returning) == 0 {
		if it, err := b.newInserting(c, out, in, t, dst, r); it != nil || err != nil {
			return it, err
		}
	}
	in.Child = given
	return b.e.gms.Analyzer.ExecBuilder.Build(c, out.WithSource(in), r)
}

func (b *builder) updateSource(c *sql.Context, n *plan.UpdateSource, r sql.Row) (sql.RowIter, error) {
	exprs := n.UpdateExprs.AllExpressions()
	for _, x := range exprs {
		if set, ok := x.(*expression.SetField); ok {
			if _, done := set.RightChild.(*stored1); done {
				return nil, nil
			}
		}
	}
	var m *tabledef.Table
	if dst, err := plan.GetUpdatable(n.Child); err == nil && dst != nil {
		if t := tableBase(dst); t != nil {
			m = t.m
		}
	}
	st := field.New(c, m, n.Ignore)
	out := *n
	var err error
	if out.UpdateExprs, err = n.UpdateExprs.WithExpressions(storing(c, st, exprs)); err != nil {
		return nil, err
	}
	if whole := beforeChanges(c, n.Child); whole != nil && memoryOf(c) != nil {
		out.Child = whole
	}
	return b.e.gms.Analyzer.ExecBuilder.Build(c, &out, r)
}

// update runs BEFORE UPDATE triggers on the rows of an UPDATE, and sees to what they change.
func (b *builder) update(c *sql.Context, n *plan.Update, r sql.Row) (sql.RowIter, error) {
	if _, done := n.Child.(*incoming); done {
		return nil, nil
	}
	onRows, m, err := b.updated(c, n)
	if err != nil {
		return nil, err
	}
	in := &incoming{UnaryNode: plan.UnaryNode{Child: n.Child}, st: field.New(c, m, n.Ignore), ignore: n.Ignore, update: true, triggered: true}
	child := n.Child
	if onRows {
		child = in
	}
	if it, err := b.newUpdating(c, n, in, child, r); it != nil || err != nil || !onRows {
		return it, err
	}
	out, err := n.WithChildren(c, in)
	if err != nil {
		return nil, err
	}
	return b.e.gms.Analyzer.ExecBuilder.Build(c, out, r)
}

// tableBase finds our table within the library's wrappers; nil: it is not ours.
func tableBase(t any) *base {
	for range 8 {
		switch w := t.(type) {
		case interface{ UnderlyingBase() *base }:
			return w.UnderlyingBase()
		case sql.TableWrapper:
			t = w.Underlying()
		default:
			return nil
		}
	}
	return nil
}

// givenRows is the number of rows that an INSERT's VALUES gives, or 0 and whether they come from a query.
func givenRows(n sql.Node) (rows uint64, query bool) {
	for n != nil {
		switch v := n.(type) {
		case *plan.Values:
			return uint64(len(v.ExpressionTuples)), false
		case *plan.LoadData:
			return 0, false
		}
		ch := n.Children()
		if len(ch) != 1 {
			break
		}
		n = ch[0]
	}
	return 0, true
}

// incoming are the rows on their way into a table: for an INSERT the rows themselves, for an UPDATE the old and the new row.
type incoming struct {
	plan.UnaryNode
	st        *field.Store
	ignore    bool
	update    bool
	triggered bool           // the table has triggers: BEFORE runs here, and what depends on base columns is computed again
	computed  bool           // the rows of an INSERT come without their generated columns
	single    bool           // exactly one row of VALUES: then NULL for a NOT NULL column is an error in any sql_mode
	rows      uint64         // of VALUES
	fromQuery bool           // rows come from a SELECT
	unset     func(int) bool // columns that the INSERT does not name and that have no default
}

func (n *incoming) Schema(c *sql.Context) sql.Schema { return n.Child.Schema(c) }
func (n *incoming) IsReadOnly() bool                 { return n.Child.IsReadOnly() }
func (n *incoming) String() string                   { return n.Child.String() }

func (n *incoming) WithChildren(_ *sql.Context, ch ...sql.Node) (sql.Node, error) {
	if len(ch) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(n, len(ch), 1)
	}
	out := *n
	out.Child = ch[0]
	return &out, nil
}

type incomingIter struct {
	sql.RowIter
	n     *incoming
	exprs []sql.Expression
	from  []sql.Type // of the source's columns, if it is a query
}

func (i *incomingIter) Next(c *sql.Context) (sql.Row, error) {
	r, err := i.RowIter.Next(c)
	if err != nil {
		return nil, err
	}
	st := i.n.st
	st.Row++
	if err := failedOf(c); err != nil {
		return nil, err
	}
	width := len(st.Table.Schema)
	if len(r) < width {
		return r, nil
	}
	r = r.Copy()
	now := r[len(r)-width:] // rows may be prefixed by an outer scope
	if i.n.triggered {
		return i.trigger(c, r, now)
	}
	for j := range now {
		switch {
		case now[j] != nil:
			now[j], err = st.Column(c, j, i.named(c, j, now[j]))
		case !i.missing(j):
			now[j], err = i.null(c, j)
		}
		if err != nil {
			return nil, err
		}
	}
	for j := range now { // MySQL looks for columns without a value when the others have theirs
		if now[j] == nil && i.missing(j) {
			if now[j], err = i.null(c, j); err != nil {
				return nil, err
			}
		}
	}
	if i.n.computed {
		return r, i.regenerate(c, now)
	}
	return r, nil
}

// named is the value of column j of the source as its members' names, if it has such and the column stores no numbers.
func (i *incomingIter) named(c *sql.Context, j int, v any) any {
	if !i.n.fromQuery {
		return v
	}
	if i.from == nil {
		i.from = sourceTypes(c, i.n.Child)
	}
	if j >= len(i.from) {
		return v
	}
	return field.Fitted(c, i.from[j], i.n.st.Table.Schema[j].Type, v)
}

// sourceTypes are the types that a query gives the columns of a table. The projection that the library puts above it calls them those of the
// table.
func sourceTypes(c *sql.Context, n sql.Node) []sql.Type {
	p, ok := n.(*plan.Project)
	if !ok {
		return []sql.Type{}
	}
	below := p.Child.Schema(c)
	out := make([]sql.Type, len(p.Projections))
	for i, e := range p.Projections {
		if a, ok := e.(*expression.AutoIncrement); ok {
			e = a.Child
		}
		if f, ok := e.(*expression.GetField); ok && f.Index() < len(below) {
			out[i] = below[f.Index()].Type
		}
	}
	return out
}

// trigger is Next for a table with triggers: values are converted, the trigger runs, then NULLs are looked at and generated columns computed.
func (i *incomingIter) trigger(c *sql.Context, r, now sql.Row) (_ sql.Row, err error) {
	st, s := i.n.st, sessionOf(c)
	event, old := "INSERT", sql.Row(nil)
	if i.n.update {
		event, old = "UPDATE", r[len(r)-2*len(now):len(r)-len(now)]
	}
	for j := range now {
		if now[j] == nil || st.Table.Columns[j].Generated != "" {
			continue
		}
		if at, ok := now[j].(time.Time); ok && old != nil {
			if was, ok := old[j].(time.Time); ok && was.Equal(at) { // it stays, though the sql_mode would refuse it
				continue
			}
		}
		if now[j], err = st.Column(c, j, i.named(c, j, now[j])); err != nil {
			return nil, err
		}
	}
	if err := i.regenerate(c, now); err != nil {
		return nil, err
	}
	auto := -1 // a value that is to be generated is 0 for the trigger
	if a := st.Table.Def.AutoInc; a >= 0 && now[a] == nil && !i.n.update {
		auto, now[a] = a, st.Table.Schema[a].Type.Zero()
	}
	if err := s.fire(c, st.Table, "BEFORE", event, old, now); err != nil {
		return nil, err
	}
	if auto >= 0 {
		if same, err := identicalValue(c, st.Table.Schema[auto].Type, now[auto], st.Table.Schema[auto].Type.Zero()); err != nil || same {
			now[auto] = nil
		}
	}
	for j := range now {
		if now[j] == nil && st.Table.Columns[j].Generated == "" {
			if now[j], err = i.null(c, j); err != nil {
				return nil, err
			}
		}
	}
	if err := i.regenerate(c, now); err != nil {
		return nil, err
	}
	if i.n.update { // the library does not touch a row that stays as it is
		same, err := identical(c, st.Table.Schema, old, now)
		if err != nil || same {
			if err == nil {
				err = s.fire(c, st.Table, "AFTER", event, old, now)
			}
			return r, err
		}
	}
	return r, nil
}

// missing reports whether column j is given no value and has no default.
func (i *incomingIter) missing(j int) bool { return i.n.unset != nil && i.n.unset(j) }

// null is what NULL becomes in column j: itself, the implicit default with a warning, or an error.
func (i *incomingIter) null(c *sql.Context, j int) (any, error) {
	st := i.n.st
	col := st.Table.Schema[j]
	if col.Nullable || col.AutoIncrement || col.Virtual || col.Generated != nil {
		return nil, nil
	}
	missing := i.missing(j)
	switch {
	case missing && types.IsEnum(col.Type): // its implicit default is a default
	case missing && st.Strict:
		return nil, mysqlerr.New(mysqlerr.ER_NO_DEFAULT_FOR_FIELD, col.Name)
	case missing:
		st.Warn(c, mysqlerr.New(mysqlerr.ER_NO_DEFAULT_FOR_FIELD, col.Name))
	case st.Strict || i.n.single && !i.n.ignore:
		return nil, mysqlerr.New(mysqlerr.ER_BAD_NULL_ERROR, col.Name)
	default:
		st.Warn(c, mysqlerr.New(mysqlerr.ER_BAD_NULL_ERROR, col.Name))
	}
	return field.Zero(col.Type), nil
}

// regenerate computes the generated columns from what the others store.
func (i *incomingIter) regenerate(c *sql.Context, r sql.Row) (err error) {
	st := i.n.st
	if i.exprs == nil {
		if i.exprs, err = (&base{m: st.Table}).generated(c); err != nil {
			return err
		}
	}
	for j, x := range i.exprs {
		if x == nil {
			continue
		}
		v, err := x.Eval(c, r)
		if err == nil && v != nil {
			v, err = st.Column(c, j, v)
		}
		if err != nil {
			return err
		}
		r[j] = v
	}
	return nil
}

// stored1 is the right side of an assignment in an UPDATE: the value as its column stores it.
type stored1 struct {
	expression.UnaryExpressionStub
	st     *field.Store
	target *expression.GetField
	pos    int // -1: the column is known by its type only
	rows   int64
}

func (s *stored1) String() string                    { return s.Child.String() }
func (s *stored1) Type(c *sql.Context) sql.Type      { return s.Child.Type(c) }
func (s *stored1) IsNullable(c *sql.Context) bool    { return s.Child.IsNullable(c) }
func (s *stored1) DebugString(c *sql.Context) string { return sql.DebugString(c, s.Child) }

func (s *stored1) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(s, len(ch), 1)
	}
	out := *s
	out.Child = ch[0]
	return &out, nil
}

func (s *stored1) Eval(c *sql.Context, r sql.Row) (any, error) {
	s.rows++
	s.st.Row = s.rows
	v, err := s.Child.Eval(c, r)
	if err == nil {
		err = failedOf(c)
	}
	if err != nil {
		return nil, err
	}
	if v == nil {
		switch {
		case s.target.IsNullable(c) || s.pos < 0:
			return nil, nil
		case s.st.Upsert && s.st.Table.Schema[s.pos].AutoIncrement: // taken for a value that is to be generated, which an UPDATE does not do
			return field.Zero(s.target.Type(c)), nil
		case s.st.Table.Def.Triggers: // one may mend it
			return nil, nil
		case s.fails(): // before anything is wrong with what is assigned next
			return nil, mysqlerr.New(mysqlerr.ER_BAD_NULL_ERROR, s.target.Name())
		}
		s.st.Warn(c, mysqlerr.New(mysqlerr.ER_BAD_NULL_ERROR, s.target.Name()))
		return field.Zero(s.target.Type(c)), nil
	}
	if s.itself() {
		return v, nil
	}
	v = field.Fitted(c, s.Child.Type(c), s.target.Type(c), v)
	if s.pos >= 0 {
		return s.st.Column(c, s.pos, v)
	}
	return s.st.Value(c, s.target.Type(c), s.target.Name(), datum.Fraction, v)
}

// fails reports whether NULL is refused where the column is NOT NULL.
func (s *stored1) fails() bool { return s.st.Strict || s.st.Refuses }

// itself reports whether the assignment is of the form c = c, which leaves even what the sql_mode would refuse.
func (s *stored1) itself() bool {
	f, ok := s.Child.(*expression.GetField)
	return ok && f.Index() == s.target.Index() && f.TableId() == s.target.TableId() && strings.EqualFold(f.Name(), s.target.Name())
}

// storing puts a stored1 around the value of each assignment.
func storing(c *sql.Context, st *field.Store, exprs []sql.Expression) []sql.Expression {
	out := make([]sql.Expression, len(exprs))
	for i, x := range exprs {
		out[i] = x
		set, ok := x.(*expression.SetField)
		if !ok {
			continue
		}
		gf, ok := set.LeftChild.(*expression.GetField)
		if !ok {
			continue
		}
		s := &stored1{UnaryExpressionStub: expression.UnaryExpressionStub{Child: hexAsNumber(c, set.RightChild, gf.Type(c))}, st: st, target: gf, pos: -1}
		if st.Table != nil {
			for j, col := range st.Table.Schema {
				if strings.EqualFold(col.Name, gf.Name()) {
					s.pos = j
				}
			}
		}
		out[i] = expression.NewSetField(gf, s)
	}
	return out
}
