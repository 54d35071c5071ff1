package general

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/field"
)

// UPDATE is executed here: for the library a row whose texts changed only in what their collation ignores is unchanged.

// updating is one UPDATE at work, of one table or of a join. Its iterator yields one row: the OK of all rows.
type updating struct {
	src     sql.RowIter          // the old row, then the new one
	in      *incoming            // what is ignored
	checks  sql.CheckConstraints // of one table; of a join each target's editor has its own
	targets []updateTarget
	derived []sql.Expression // what a change of one table's row makes of columns with ON UPDATE and of generated ones
	done    bool

	found, changed uint64
}

// updateTarget is a table that an UPDATE changes.
type updateTarget struct {
	ed     sql.RowUpdater
	schema sql.Schema
	from   int             // position of its first column in a row
	seen   map[string]bool // rows of a join that were updated; nil for one table
	later  [][2]sql.Row    // old and new rows of a joined table without a primary key, or of a shared one

	shared   sharedRows // of a table that is updated by several names; nil for others
	assigned []bool     // of a shared table: the columns that are assigned by this name
}

// newUpdating returns nil for an UPDATE that the library executes.
func (b *builder) newUpdating(c *sql.Context, n *plan.Update, in *incoming, child sql.Node, r sql.Row) (sql.RowIter, error) {
	if len(n.Returning) > 0 {
		return nil, nil
	}
	u := &updating{in: in, checks: n.Checks()}
	if join, ok := n.Child.(*plan.UpdateJoin); ok {
		source, ok := join.Child.(*plan.UpdateSource)
		if !ok {
			return nil, nil
		}
		if err := u.joined(c, join, source.Child.Schema(c)); err != nil {
			return nil, err
		}
		if err := u.share(source); err != nil {
			return nil, err
		}
		child = source
	} else {
		dst, err := plan.GetUpdatable(n.Child)
		if err != nil {
			return nil, nil // the library's own error follows
		}
		u.targets = []updateTarget{{ed: dst.Updater(c), schema: dst.Schema(c)}}
		if fk, ok := u.targets[0].ed.(*plan.ForeignKeyHandler); ok { // its Schema is that of old and new row
			u.targets[0].schema = fk.Sch
		}
		source, ok := child.(*plan.UpdateSource)
		if own := editorOf(u.targets[0].ed); ok && own != nil && len(r) == 0 && source.UpdateExprs.HasDerivedUpdates() {
			u.derived = storing(c, field.New(c, own.m, source.Ignore), source.UpdateExprs.DerivedUpdateExprs())
			explicit := source.UpdateExprs.ExplicitUpdateExprs()
			child = plan.NewUpdateSource(c, source.Child, source.Ignore, plan.NewUpdateExprs(explicit, len(explicit)))
		}
	}
	if x := executionOf(c); x != nil && x.busy == nil {
		x.lastArg = nil
	}
	var err error
	if u.src, err = b.e.gms.Analyzer.ExecBuilder.Build(c, child, r); err != nil {
		return nil, err
	}
	return u, nil
}

// joined finds the tables of a join that are updated, in the order of the join.
func (u *updating) joined(c *sql.Context, join *plan.UpdateJoin, schema sql.Schema) error {
	eds, err := join.GetUpdaters(c)
	if err != nil {
		return err
	}
	for i := 0; i < len(schema); {
		end := i + 1
		for end < len(schema) && strings.EqualFold(schema[end].Source, schema[i].Source) {
			end++
		}
		for name, ed := range eds {
			if strings.EqualFold(name, schema[i].Source) {
				u.targets = append(u.targets, updateTarget{ed: ed, schema: schema[i:end], from: i, seen: map[string]bool{}})
			}
		}
		i = end
	}
	return nil
}

func (u *updating) Close(c *sql.Context) error {
	err := u.src.Close(c)
	for i := range u.targets {
		err = errors.Join(err, u.targets[i].ed.Close(c))
	}
	return err
}

func (u *updating) Next(c *sql.Context) (sql.Row, error) {
	if u.done {
		return nil, io.EOF
	}
	u.done = true
	for {
		r, err := u.src.Next(c)
		if errors.Is(err, io.EOF) {
			if err := u.queued(c); err != nil {
				return nil, err
			}
			if err := u.keyless(c); err != nil {
				return nil, err
			}
			return u.result(c), nil
		}
		if err == nil {
			err = u.row(c, r[:len(r)/2], r[len(r)/2:])
		}
		if err = u.in.ignored(c, err); err != nil {
			return nil, err
		}
		if c.Err() != nil {
			return nil, c.Err()
		}
	}
}

// row updates what a row of the source is made of.
func (u *updating) row(c *sql.Context, old, now sql.Row) error {
	for i := range u.targets {
		t := &u.targets[i]
		was, will := old, now
		if t.seen != nil {
			was, will = old[t.from:t.from+len(t.schema)], now[t.from:t.from+len(t.schema)]
			if absent(was) || t.met(was) {
				continue
			}
			if own := editorOf(t.ed); own != nil && own.m.PK == nil || t.shared != nil {
				t.later = append(t.later, [2]sql.Row{was.Copy(), will.Copy()})
				continue
			}
		}
		if err := u.change(c, t, was, will); err != nil {
			return err
		}
	}
	return nil
}

// change updates one row of a target.
func (u *updating) change(c *sql.Context, t *updateTarget, was, will sql.Row) error {
	u.found++
	if err := u.missing(c, t, will); err != nil {
		return err
	}
	same, err := identical(c, t.schema, was, will)
	if err != nil || same && !t.fires() {
		return err
	}
	for _, x := range u.derived {
		v, err := x.Eval(c, will)
		if err != nil {
			return err
		}
		will = v.(sql.Row)
	}
	if err := u.check(c, t, will); err != nil {
		return err
	}
	if err := u.in.whole(c, t.ed, func() error { return updateChecked(c, t.ed, was, will) }); err != nil {
		return err
	}
	if err := u.count(c, t, was); err != nil {
		return err
	}
	return t.raise(c, was, will)
}

// missing stores what a NULL becomes in a column that is NOT NULL, before anyone asks whether the row is another one.
func (u *updating) missing(c *sql.Context, t *updateTarget, will sql.Row) (err error) {
	for j, col := range t.schema {
		if will[j] != nil || col.Nullable || t.fires() { // a trigger may mend it: the engine looks again
			continue
		}
		if will[j], err = u.in.st.LeftNull(c, col); err != nil {
			return err
		}
	}
	return nil
}

// fires reports whether BEFORE UPDATE runs when the editor gets the row: that of a joined table, though it be assigned what it has.
func (t *updateTarget) fires() bool {
	own := editorOf(t.ed)
	return t.seen != nil && own != nil && own.m.Def.Triggers
}

// count counts a row that was stored, if it is another one than before: triggers may have made it what it was.
func (u *updating) count(c *sql.Context, t *updateTarget, was sql.Row) error {
	if t.fires() {
		if same, err := identical(c, t.schema, was, editorOf(t.ed).became); err != nil || same {
			return err
		}
	}
	u.changed++
	return nil
}

// check holds a new row against its table's CHECK constraints.
func (u *updating) check(c *sql.Context, t *updateTarget, will sql.Row) error {
	if t.seen == nil {
		return evaluateChecks(c, u.checks, will)
	}
	if own := editorOf(t.ed); own != nil && !own.m.Virtual { // whose virtual columns are not of the new row yet: its Update checks
		return own.evaluateChecks(c, will)
	}
	return nil
}

// keyless updates the rows of joined tables without a primary key: equal rows join alike, so each is changed as the first was,
// once the scans have seen all of them.
func (u *updating) keyless(c *sql.Context) error {
	for i := range u.targets {
		t := &u.targets[i]
		for _, pair := range t.later {
			n, err := editorOf(t.ed).alike(c, pair[0])
			if err != nil {
				return err
			}
			u.found += n
			err = u.missing(c, t, pair[1])
			if err = u.in.ignored(c, err); err != nil {
				return err
			}
			same, err := identical(c, t.schema, pair[0], pair[1])
			if err != nil {
				return err
			}
			for ; n > 0 && (!same || t.fires()); n-- {
				err := u.check(c, t, pair[1])
				if err == nil {
					err = u.in.whole(c, t.ed, func() error { return updateChecked(c, t.ed, pair[0], pair[1]) })
				}
				if err == nil {
					err = u.count(c, t, pair[0])
				}
				if err = u.in.ignored(c, err); err != nil {
					return err
				}
			}
		}
		t.later = nil
	}
	return nil
}

// alike is the number of rows equal to r that the statement's scans met, each remembered once from now on.
func (e *editor) alike(c *sql.Context, r sql.Row) (uint64, error) {
	d, err := e.encode(c, r, e.zone(c))
	if err != nil {
		return 0, err
	}
	refs := &sessionOf(c).cur.refs
	k := rowKey(e.def(), d)
	seen := map[string]bool{}
	refs.m[k] = slices.DeleteFunc(refs.m[k], func(ref table.Ref) bool {
		was := seen[string(ref)]
		seen[string(ref)] = true
		return was
	})
	return max(uint64(len(refs.m[k])), 1), nil
}

// raise lifts the AUTO_INCREMENT counter above a value that an UPDATE gave, as MySQL 8.0 does.
func (t *updateTarget) raise(c *sql.Context, was, will sql.Row) error {
	own := editorOf(t.ed)
	if own == nil || own.m.Def.AutoInc < 0 || own.m.Def.AutoInc >= len(will) {
		return nil
	}
	i := own.m.Def.AutoInc
	same, err := identicalValue(c, own.m.Schema[i].Type, was[i], will[i])
	if err != nil || same {
		return err
	}
	a := autoValues{column: i, most: mostOf(own.m.Schema[i].Type)}
	v, positive, _ := a.given(will)
	if !positive || v > a.most {
		return nil
	}
	h, err := own.ensure(c)
	if err != nil {
		return err
	}
	return h.SetAutoInc(c, v, false)
}

// met reports whether a row of the table came before, and remembers it.
func (t *updateTarget) met(r sql.Row) bool {
	k := t.key(r)
	was := t.seen[k]
	t.seen[k] = true
	return was
}

func (u *updating) result(c *sql.Context) sql.Row {
	ok := types.OkResult{RowsAffected: u.changed}
	if foundRows(c) {
		ok.RowsAffected = u.found
	}
	if x := executionOf(c); x != nil && x.lastArg != nil {
		ok.InsertID = *x.lastArg
	}
	ok.Info = okInfo(fmt.Sprintf("Rows matched: %d  Changed: %d  Warnings: %d", u.found, u.changed, c.Session.WarningCount()))
	c.GetLastQueryInfo().RowCount.Store(int64(ok.RowsAffected))
	return sql.NewRow(ok)
}

// identical reports whether two rows are stored alike: texts are compared by their bytes, whatever their collation.
func identical(c *sql.Context, schema sql.Schema, a, b sql.Row) (bool, error) {
	for i := range a {
		same, err := identicalValue(c, schema[i].Type, a[i], b[i])
		if err != nil || !same {
			return false, err
		}
	}
	return true, nil
}

func identicalValue(c *sql.Context, t sql.Type, a, b any) (bool, error) {
	if a == nil || b == nil {
		return a == nil && b == nil, nil
	}
	switch x := a.(type) {
	case string, []byte:
		p, okA := datum.Text(x)
		q, okB := datum.Text(b)
		if okA && okB {
			if t.Type() == sqltypes.Char { // PAD_CHAR_TO_FULL_LENGTH: read with blanks, stored without
				p, q = strings.TrimRight(p, " "), strings.TrimRight(q, " ")
			}
			return p == q, nil
		}
	case time.Time:
		if y, ok := b.(time.Time); ok {
			return x.Equal(y), nil
		}
	case sql.AnyWrapper:
		u, err := x.UnwrapAny(c)
		if err != nil {
			return false, err
		}
		return identicalValue(c, t, u, b)
	}
	if w, ok := b.(sql.AnyWrapper); ok {
		u, err := w.UnwrapAny(c)
		if err != nil {
			return false, err
		}
		return identicalValue(c, t, a, u)
	}
	if g, ok := a.(types.GeometryValue); ok {
		if h, ok := b.(types.GeometryValue); ok {
			return bytes.Equal(g.Serialize(), h.Serialize()), nil
		}
	}
	cmp, err := datum.Ordered(t).Compare(c, a, b)
	return cmp == 0, err
}
