package general

import (
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/engine/row"
)

// rowBatch gathers the rows of an INSERT ... SELECT: a batch costs the table layer a fraction of its rows. The first rows go one by one, so that
// a short statement that fails does so at the row at which MySQL's does; of a long one that has two rows of different faults within a batch the
// later may be reported. Either way nothing of the statement is left.
type rowBatch struct {
	on    bool
	seen  int
	rows  []sql.Row
	cells [][]row.Datum
	bytes int
}

const (
	batchAfter = 64 // rows
	batchRows  = 2048
	batchBytes = 512 << 10
)

// inserter is an editor for INSERT. It gathers rows when nobody looks at the table between two of them, or wants to know how the insert of one went.
func (t *userTable) inserter(ctx *sql.Context) *editor {
	e := t.editor()
	s := sessionOf(ctx)
	if s == nil || s.cur == nil || s.cur.st == nil || s.cur.busy != nil || e.m.def.Triggers {
		return e
	}
	ins, ok := s.cur.st.ast.(*sqlparser.Insert)
	if !ok || ins.Action != sqlparser.InsertStr || ins.Ignore != "" || len(ins.OnDup) > 0 {
		return e
	}
	_, e.batch.on = ins.Rows.(sqlparser.SelectStatement)
	return e
}

// takes keeps a row for later.
func (b *rowBatch) takes(r sql.Row, d []row.Datum) bool {
	if !b.on {
		return false
	}
	if b.seen++; b.seen <= batchAfter {
		return false
	}
	b.rows, b.cells = append(b.rows, r), append(b.cells, d)
	for i := range d {
		b.bytes += len(d[i].B)
	}
	return true
}

func (b *rowBatch) full() bool { return len(b.rows) >= batchRows || b.bytes >= batchBytes }

// flush inserts the rows that were kept.
func (e *editor) flush(ctx *sql.Context) error {
	b := &e.batch
	if len(b.rows) == 0 {
		return nil
	}
	t, err := e.ensure(ctx)
	if err != nil {
		return err
	}
	n, err := t.InsertRows(ctx, b.cells)
	if err != nil {
		err = sql.NewWrappedInsertError(b.rows[n], e.duplicate(ctx, b.rows[n], err))
	}
	clear(b.rows)
	clear(b.cells)
	b.rows, b.cells, b.bytes = b.rows[:0], b.cells[:0], 0
	return err
}
