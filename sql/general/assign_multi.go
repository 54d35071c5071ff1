package general

import (
	"errors"
	"io"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/field"
)

// multiDelete counts the rows of DELETE t1, t2 FROM a join: a row that several rows of the join name is deleted and counted once,
// and one that an outer join left out not at all. The library counts rows of the join.
type multiDelete struct {
	targets map[uint64]bool // table ids
	rows    uint64
}

func (b *builder) deleteFrom(c *sql.Context, n *plan.DeleteFrom) error {
	s := sessionOf(c)
	if s == nil || s.cur == nil {
		return nil
	}
	d := &multiDelete{targets: map[uint64]bool{}}
	for _, target := range n.GetDeleteTargets() {
		t, err := plan.GetDeletable(target)
		if err != nil {
			return nil // the library's own error follows
		}
		if ours := tableBase(t); ours != nil {
			d.targets[ours.m.Def.ID] = true
			if err := s.cur.fires(c, ours.m, firing{delete: true}); err != nil {
				return err
			}
		}
	}
	if n.HasExplicitTargets() && s.cur.busy == nil {
		s.cur.multi = d
		s.cur.refs.known = map[string]map[string]bool{}
	}
	return nil
}

// deleting is DELETE IGNORE: a row that may not go stays, with a warning. Its iterator yields one row: the OK of all rows.
type deleting struct {
	src  sql.RowIter
	ed   sql.RowDeleter
	in   *incoming // what is ignored
	done bool
}

// newDeleting returns nil for what the library executes.
func (b *builder) newDeleting(c *sql.Context, n *plan.DeleteFrom, r sql.Row) (sql.RowIter, error) {
	targets := n.GetDeleteTargets()
	if len(targets) != 1 || len(n.Returning) > 0 {
		return nil, nil
	}
	t, err := plan.GetDeletable(targets[0])
	if err != nil {
		return nil, nil // the library's own error follows
	}
	d := &deleting{ed: t.Deleter(c), in: &incoming{st: field.New(c, nil, true), ignore: true}}
	if d.src, err = b.e.gms.Analyzer.ExecBuilder.Build(c, n.Child, r); err != nil {
		return nil, err
	}
	return d, nil
}

func (d *deleting) Close(c *sql.Context) error { return errors.Join(d.src.Close(c), d.ed.Close(c)) }

func (d *deleting) Next(c *sql.Context) (sql.Row, error) {
	if d.done {
		return nil, io.EOF
	}
	d.done = true
	rows := uint64(0)
	for {
		r, err := d.src.Next(c)
		if errors.Is(err, io.EOF) {
			c.GetLastQueryInfo().RowCount.Store(int64(rows))
			return sql.NewRow(types.OkResult{RowsAffected: rows}), nil
		}
		if err == nil {
			if err = d.in.whole(c, d.ed, func() error { return d.ed.Delete(c, r) }); err == nil {
				rows++
			}
		}
		if err = d.in.ignored(c, err); err != nil {
			return nil, err
		}
		if c.Err() != nil {
			return nil, c.Err()
		}
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
