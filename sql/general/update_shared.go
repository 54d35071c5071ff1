package general

import (
	"fmt"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// One table that a join updates by two names: UPDATE t a JOIN t b ON .. SET a.x = 1, b.y = 2. Its rows are changed when all have been read, name after name
// (multi_update::do_updates), and each name changes its own columns of what the name before has made of a row.

// sharedRows are the rows of such a table as they are now, by their primary key.
type sharedRows map[string]sql.Row

// share finds the tables that several targets are.
func (u *updating) share(source *plan.UpdateSource) error {
	assigned := map[int]bool{}
	for _, e := range source.UpdateExprs.ExplicitUpdateExprs() {
		if set, ok := e.(*expression.SetField); ok {
			if f, ok := set.LeftChild.(*expression.GetField); ok {
				assigned[f.Index()] = true
			}
		}
	}
	for i := range u.targets {
		a := &u.targets[i]
		own := editorOf(a.ed)
		if own == nil || own.m.PK == nil {
			continue
		}
		for k := range u.targets[:i] {
			b := &u.targets[k]
			if other := editorOf(b.ed); other == nil || other.m.Def.ID != own.m.Def.ID {
				continue
			}
			if a.assigns(assigned, ofPrimaryKey) || b.assigns(assigned, ofPrimaryKey) {
				return mysqlerr.New(mysqlerr.ER_MULTI_UPDATE_KEY_CONFLICT, b.schema[0].Source, a.schema[0].Source)
			}
			if b.shared == nil {
				b.shared, b.assigned = sharedRows{}, b.own(assigned)
			}
			a.shared, a.assigned = b.shared, a.own(assigned)
		}
	}
	return nil
}

func ofPrimaryKey(c *sql.Column) bool { return c.PrimaryKey }

// assigns reports whether the statement assigns one of the target's columns of a kind.
func (t *updateTarget) assigns(assigned map[int]bool, kind func(*sql.Column) bool) bool {
	for j, col := range t.schema {
		if assigned[t.from+j] && kind(col) {
			return true
		}
	}
	return false
}

// own are those of a join's assigned columns that are the target's, by their place in it.
func (t *updateTarget) own(assigned map[int]bool) []bool {
	out := make([]bool, len(t.schema))
	for j := range out {
		out[j] = assigned[t.from+j]
	}
	return out
}

// queued changes the rows of shared tables.
func (u *updating) queued(c *sql.Context) error {
	for i := range u.targets {
		t := &u.targets[i]
		if t.shared == nil {
			continue
		}
		for _, pair := range t.later {
			was, will := pair[0], pair[1]
			k := t.key(was)
			if now, ok := t.shared[k]; ok {
				var err error
				if was, will, err = t.merged(c, now, will); err != nil {
					return err
				}
			}
			err := u.change(c, t, was, will)
			if err == nil && t.fires() {
				will = editorOf(t.ed).became.Copy() // what BEFORE UPDATE made of it
			}
			if err == nil {
				t.shared[k] = will
			}
			if err = u.in.ignored(c, err); err != nil {
				return err
			}
		}
		t.later = nil
	}
	return nil
}

// merged is a row with what this target assigns, and with what follows from that.
func (t *updateTarget) merged(c *sql.Context, now, will sql.Row) (was, out sql.Row, err error) {
	out = now.Copy()
	for j := range out {
		if t.assigned[j] || t.schema[j].OnUpdate != nil {
			out[j] = will[j]
		}
	}
	own := editorOf(t.ed)
	exprs, err := own.generated(c)
	if err != nil {
		return nil, nil, err
	}
	for j, x := range exprs {
		if x == nil {
			continue
		}
		if out[j], err = x.Eval(c, out); err != nil {
			return nil, nil, err
		}
	}
	return now, out, nil
}

// key is a row's primary key, or all of a row without one.
func (t *updateTarget) key(r sql.Row) string {
	var b strings.Builder
	keyed := false
	for i, col := range t.schema {
		if col.PrimaryKey {
			keyed = true
			fmt.Fprintf(&b, "%d:%v|", i, r[i])
		}
	}
	for i := 0; !keyed && i < len(r); i++ {
		fmt.Fprintf(&b, "%d:%v|", i, r[i])
	}
	return b.String()
}
