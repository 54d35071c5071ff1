package general

import (
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/rowexec"
)

// multiDelete counts the rows of DELETE t1, t2 FROM a join: a row that several rows of the join name is deleted and counted once,
// and one that an outer join left out not at all. The library counts rows of the join.
type multiDelete struct {
	targets map[uint64]bool // table ids
	rows    uint64
}

func (b *builder) deleteFrom(c *sql.Context, n *plan.DeleteFrom) {
	s := sessionOf(c)
	if !n.HasExplicitTargets() || b.nested || s == nil || s.cur == nil {
		return
	}
	d := &multiDelete{targets: map[uint64]bool{}}
	for _, target := range n.GetDeleteTargets() {
		t, err := plan.GetDeletable(target)
		if err != nil {
			return // the library's own error follows
		}
		if ours := tableBase(t); ours != nil {
			d.targets[ours.m.def.ID] = true
		}
	}
	s.cur.multi = d
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

// trigger builds an executor whose logic keeps LAST_INSERT_ID() as the statement set it.
func (b *builder) trigger(c *sql.Context, n *plan.TriggerExecutor, r sql.Row) (sql.RowIter, error) {
	outer := b.e.gms.Analyzer.ExecBuilder
	inner := rowexec.NewBuilder(&builder{e: b.e, plain: n, left: n.Left(), nested: true}, outer.EngineOverrides)
	inner.Runner = outer.Runner
	return inner.Build(c, n, r)
}

// nestedInsert is an INSERT of a trigger.
type nestedInsert struct{ sql.RowIter }

func (i nestedInsert) Next(c *sql.Context) (sql.Row, error) {
	info := c.GetLastQueryInfo()
	id := info.LastInsertId.Load()
	defer info.LastInsertId.Store(id)
	return i.RowIter.Next(c)
}
