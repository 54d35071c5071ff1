package general

import (
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/plan"
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
			d.targets[ours.m.def.ID] = true
			if err := s.cur.fires(c, ours.m, firing{delete: true}); err != nil {
				return err
			}
		}
	}
	if n.HasExplicitTargets() && s.cur.busy == nil {
		s.cur.multi = d
	}
	return nil
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
