package general

import (
	"io"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/rowexec"
)

// within is a builder for the parts of n that leaves n itself to the library.
func (b *builder) within(n sql.Node) *rowexec.BaseBuilder {
	outer := b.e.gms.Analyzer.ExecBuilder
	inner := rowexec.NewBuilder(&builder{e: b.e, plain: n}, outer.EngineOverrides)
	inner.Runner = outer.Runner
	return inner
}

// deleteFrom is DELETE t1, t2 FROM a join: a row that several rows of the join name is deleted and counted once, and one that an
// outer join left out not at all.
func (b *builder) deleteFrom(c *sql.Context, n *plan.DeleteFrom, r sql.Row) (sql.RowIter, error) {
	if !n.HasExplicitTargets() || len(n.Returning) > 0 {
		return nil, nil
	}
	schema := n.Child.Schema(c)
	d := &joinDelete{width: len(schema)}
	for _, target := range n.GetDeleteTargets() {
		t, err := plan.GetDeletable(target)
		if err != nil {
			return nil, err
		}
		name := t.Name()
		for m := target; m != nil; {
			if a, ok := m.(*plan.TableAlias); ok {
				name = a.Name()
				break
			}
			ch := m.Children()
			if len(ch) != 1 {
				break
			}
			m = ch[0]
		}
		part := joinPart{from: -1, deleter: t.Deleter(c)}
		for i, col := range schema {
			if strings.EqualFold(col.Source, name) {
				if part.from < 0 {
					part.from = i
				}
				part.to = i + 1
			}
		}
		if part.from < 0 {
			return nil, nil // the library's error follows
		}
		d.parts = append(d.parts, part)
	}
	var err error
	if d.child, err = b.e.gms.Analyzer.ExecBuilder.Build(c, n.Child, r); err != nil {
		return nil, err
	}
	for _, p := range d.parts {
		p.deleter.StatementBegin(c)
	}
	return d, nil
}

type joinPart struct {
	from, to int
	deleter  sql.RowDeleter
}

// joinDelete answers with a row for each row deleted.
type joinDelete struct {
	child   sql.RowIter
	parts   []joinPart
	width   int
	row     sql.Row
	pending int // parts of row still to be deleted
	closed  bool
}

func (d *joinDelete) Next(c *sql.Context) (sql.Row, error) {
	for {
		for d.pending > 0 {
			p := d.parts[len(d.parts)-d.pending]
			d.pending--
			base := len(d.row) - d.width
			part := d.row[base+p.from : base+p.to]
			if absent(part) {
				continue
			}
			switch err := p.deleter.Delete(c, part); {
			case err == nil:
				return d.row, nil
			case !sql.ErrDeleteRowNotFound.Is(err):
				return nil, err
			}
		}
		r, err := d.child.Next(c)
		if sql.ErrRowEditCanceled.Is(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		d.row, d.pending = r, len(d.parts)
	}
}

// absent: an outer join found no row.
func absent(r sql.Row) bool {
	for _, v := range r {
		if v != nil {
			return false
		}
	}
	return true
}

func (d *joinDelete) Close(c *sql.Context) error {
	if d.closed {
		return nil
	}
	d.closed = true
	var first error
	for _, p := range d.parts {
		if err := p.deleter.StatementComplete(c); err != nil && first == nil {
			first = err
		}
		if err := p.deleter.Close(c); err != nil && first == nil {
			first = err
		}
	}
	if err := d.child.Close(c); err != nil && first == nil {
		first = err
	}
	return first
}

// trigger keeps LAST_INSERT_ID() from what the trigger inserts, and gives AFTER INSERT triggers the row that was stored: not the
// one that REPLACE deleted, and none where ON DUPLICATE KEY UPDATE changed a row.
func (b *builder) trigger(c *sql.Context, n *plan.TriggerExecutor, r sql.Row) (sql.RowIter, error) {
	child, err := b.e.gms.Analyzer.ExecBuilder.Build(c, n.Left(), r)
	if err != nil {
		return nil, err
	}
	t := &triggerIter{child: child}
	if n.TriggerTime == plan.AfterTrigger && n.TriggerEvent == plan.InsertTrigger {
		if in := insertBelow(n.Left()); in != nil {
			t.width, t.replaces = len(in.Destination.Schema(c)), in.IsReplace
		}
	}
	logic, err := n.WithChildren(c, &oneRow{UnaryNode: plan.UnaryNode{Child: n.Left()}, t: t}, n.Right())
	if err != nil {
		return nil, err
	}
	if t.logic, err = b.within(logic).Build(c, logic, r); err != nil {
		return nil, err
	}
	return t, nil
}

func insertBelow(n sql.Node) *plan.InsertInto {
	for {
		switch m := n.(type) {
		case *plan.InsertInto:
			return m
		case *plan.TriggerExecutor:
			n = m.Left()
			continue
		}
		ch := n.Children()
		if len(ch) != 1 {
			return nil
		}
		n = ch[0]
	}
}

type triggerIter struct {
	child, logic sql.RowIter
	next         sql.Row
	width        int // of the table, for AFTER INSERT triggers
	replaces     bool
}

func (t *triggerIter) Next(c *sql.Context) (sql.Row, error) {
	r, err := t.child.Next(c)
	if err != nil {
		return nil, err
	}
	twice := t.width > 0 && len(r) >= 2*t.width
	if twice && !t.replaces {
		return r, nil
	}
	t.next = r
	if twice {
		t.next = r[len(r)-t.width:]
	}
	id := c.GetLastQueryInfo().LastInsertId.Load()
	out, err := t.logic.Next(c)
	c.GetLastQueryInfo().LastInsertId.Store(id)
	if err != nil || !twice {
		return out, err
	}
	return r, nil
}

func (t *triggerIter) Close(c *sql.Context) error { return t.logic.Close(c) }

// oneRow hands the trigger's logic the row of its turn.
type oneRow struct {
	plan.UnaryNode
	t *triggerIter
}

func (n *oneRow) Schema(c *sql.Context) sql.Schema { return n.Child.Schema(c) }
func (n *oneRow) IsReadOnly() bool                 { return n.Child.IsReadOnly() }
func (n *oneRow) String() string                   { return n.Child.String() }

func (n *oneRow) WithChildren(_ *sql.Context, ch ...sql.Node) (sql.Node, error) {
	if len(ch) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(n, len(ch), 1)
	}
	out := *n
	out.Child = ch[0]
	return &out, nil
}

type oneRowIter struct{ t *triggerIter }

func (i oneRowIter) Next(*sql.Context) (sql.Row, error) {
	if i.t.next == nil {
		return nil, io.EOF
	}
	r := i.t.next
	i.t.next = nil
	return r, nil
}

func (i oneRowIter) Close(c *sql.Context) error { return i.t.child.Close(c) }
