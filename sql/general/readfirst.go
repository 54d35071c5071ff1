package general

import (
	"errors"
	"io"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"

	"github.com/zoryadb/zorya/sql/spill"
)

// INSERT ... SELECT of the table itself reads its rows to the end before it writes the first (Sql_cmd_insert_select::prepare_inner: OPTION_BUFFER_RESULT), so that
// what is wrong with a row that it reads shows before a duplicate of one that it writes.
//
// UPDATE and DELETE of a join change rows that a nested loop may look up again for a later row: it would find them changed, or gone. MySQL keeps
// the changes of all tables but the first in a temporary table until the join has been read; here the rows of the join are kept, and changed afterwards.

// readFirst gives the rows of its child when it has read all of them.
type readFirst struct{ plan.UnaryNode }

func (n *readFirst) String() string                   { return n.Child.String() }
func (n *readFirst) IsReadOnly() bool                 { return n.Child.IsReadOnly() }
func (n *readFirst) Schema(c *sql.Context) sql.Schema { return n.Child.Schema(c) }
func (n *readFirst) WithChildren(_ *sql.Context, ch ...sql.Node) (sql.Node, error) {
	if len(ch) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(n, len(ch), 1)
	}
	return &readFirst{plan.UnaryNode{Child: ch[0]}}, nil
}

// beforeChanges wraps what a statement changes the rows of, if it is a join; nil: it is none, or is wrapped.
func beforeChanges(c *sql.Context, n sql.Node) sql.Node {
	if _, done := n.(*readFirst); done {
		return nil
	}
	joins := false
	transform.InspectWithOpaque(c, n, func(_ *sql.Context, n sql.Node) bool {
		_, join := n.(*plan.JoinNode)
		joins = joins || join
		return !joins
	})
	if !joins {
		return nil
	}
	return &readFirst{plan.UnaryNode{Child: n}}
}

// readsTable reports whether a query reads a table, at its own level or in a subquery.
func readsTable(c *sql.Context, n sql.Node, t *base) bool {
	reads := false
	transform.InspectWithOpaque(c, n, func(c *sql.Context, n sql.Node) bool {
		if at, ok := n.(sql.TableNode); ok {
			b := tableBase(at.UnderlyingTable())
			reads = reads || b != nil && b.m.Def.ID == t.m.Def.ID
		}
		if x, ok := n.(sql.Expressioner); ok && !reads {
			for _, e := range x.Expressions() {
				if e == nil {
					continue
				}
				sql.Inspect(c, e, func(c *sql.Context, e sql.Expression) bool {
					if q, ok := e.(*plan.Subquery); ok {
						reads = reads || readsTable(c, q.Query, t)
					}
					return !reads
				})
			}
		}
		return !reads
	})
	return reads
}

// wholeIter reads its source to the end before it gives the first row.
type wholeIter struct {
	src  sql.RowIter
	kept *spill.Spool
	rows sql.RowIter

	carries *execution // whose rows carry columns with them
	width   int        // of a row without those
}

func (it *wholeIter) Next(c *sql.Context) (sql.Row, error) {
	if it.rows == nil {
		if err := it.fill(c); err != nil {
			return nil, err
		}
	}
	r, err := it.rows.Next(c)
	if n := len(r) - it.width; err == nil && it.carries != nil && n > 0 {
		it.carries.carried = r[len(r)-n:]
		r = r[:len(r)-n]
	}
	return r, err
}

func (it *wholeIter) fill(c *sql.Context) error {
	for {
		r, err := it.src.Next(c)
		if errors.Is(err, io.EOF) {
			it.rows, err = it.kept.Rows()
			return err
		}
		if err == nil {
			if x := executionOf(c); x != nil && len(x.carriedTypes) > 0 {
				it.carries, it.width = x, len(r)
				r = append(r[:len(r):len(r)], x.carried...)
			}
			err = it.kept.Add(r)
		}
		if err != nil {
			return err
		}
	}
}

func (it *wholeIter) Close(c *sql.Context) error {
	err := it.src.Close(c)
	if it.rows != nil {
		err = errors.Join(err, it.rows.Close(c))
	}
	return errors.Join(err, it.kept.Close())
}
