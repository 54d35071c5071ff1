package general

import (
	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/engine/row"
)

// rowBatch gathers the rows of an INSERT ... SELECT: a batch costs the table layer a fraction of its rows. When a
// statement fails at a row, the AUTO_INCREMENT counter has passed those of its batch, not only those before it as MySQL's; the first rows go one
// by one, so short statements do as MySQL's.
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

// gathers reports whether the statement's rows may go together: nobody looks at the table between two of them, or wants to know how the insert
// of one went.
func (i *inserting) gathers() bool {
	plain := i.in.fromQuery && !i.in.ignore && !i.n.IsReplace && !i.n.OnDupExprs.HasUpdates()
	return plain && i.ed == sql.TableEditor(i.own) && !i.own.m.Def.Triggers
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
