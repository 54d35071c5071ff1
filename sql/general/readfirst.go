package general

import (
	"errors"
	"io"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"

	"github.com/zoryadb/zorya/sql/spill"
)

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

// wholeIter reads its source to the end before it gives the first row.
type wholeIter struct {
	src  sql.RowIter
	kept *spill.Spool
	rows sql.RowIter
}

func (it *wholeIter) Next(c *sql.Context) (sql.Row, error) {
	if it.rows == nil {
		if err := it.fill(c); err != nil {
			return nil, err
		}
	}
	return it.rows.Next(c)
}

func (it *wholeIter) fill(c *sql.Context) error {
	for {
		r, err := it.src.Next(c)
		if errors.Is(err, io.EOF) {
			it.rows, err = it.kept.Rows()
			return err
		}
		if err == nil {
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
