package general

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/exact"
)

// READ COMMITTED keeps locks on rows that match only, and an UPDATE does not even wait for one whose committed version does
// not match (semi-consistent read). The library filters rows above the table; so that the engine may unlock in time, the
// condition is evaluated in the locking scan, too.

// matchBelow tells the table under a filter its condition, where that has the same result at each evaluation.
func (b *builder) matchBelow(c *sql.Context, n *plan.Filter, r sql.Row) {
	s := sessionOf(c)
	if s == nil || s.cur == nil || !s.cur.unlocks || len(r) > 0 {
		return
	}
	child := n.Child
	if a, ok := child.(*plan.TableAlias); ok {
		child = a.Child
	}
	t, ok := child.(sql.TableNode)
	if !ok || !exact.Repeatable(c, n.Expression) {
		return
	}
	if base := tableBase(t.UnderlyingTable()); base != nil && base.mode.Lock != table.LockNone && !base.computes(c, n.Expression) {
		base.match = n.Expression
	}
}

// computes reports whether an expression refers to virtual columns: the scan's rows have none, the library computes them above it.
func (b *base) computes(c *sql.Context, e sql.Expression) bool {
	found := false
	sql.Inspect(c, e, func(_ *sql.Context, e sql.Expression) bool {
		if f, ok := e.(*expression.GetField); ok {
			for i := range b.m.Def.Columns {
				col := &b.m.Def.Columns[i]
				found = found || col.Virtual && strings.EqualFold(col.Name, f.Name())
			}
		}
		return !found
	})
	return found
}

// filter is the scan's own condition, nil when there is none.
func (it *rowIter) filter(ctx *sql.Context) func([]row.Datum) (bool, error) {
	cond := it.t.match
	if cond == nil || it.mode.Lock == table.LockNone {
		return nil
	}
	return func(d []row.Datum) (bool, error) {
		if ok, err := it.matches(ctx, d); err != nil || !ok {
			return false, err
		}
		r, err := it.t.decode(ctx, d, it.t.proj, it.loc)
		if err != nil {
			return false, err
		}
		v, err := sql.EvaluateCondition(ctx, cond, r)
		return err == nil && sql.IsTrue(v), err
	}
}

// semiConsistent reports whether the statement is an UPDATE: only those look at the committed version first.
func (x *execution) semiConsistent() bool {
	_, ok := x.st.ast.(*sqlparser.Update)
	return ok
}
