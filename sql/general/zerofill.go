package general

import (
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/types"
)

// A ZEROFILL column is a number to all that computes with numbers, and a text with its zeros to all that takes texts. Columns of derived tables and views are as what
// they show; those of a UNION are not (MySQL 8.0 manual, 11.1.6).

// noteFilled remembers the ZEROFILL columns of a table or derived table.
func (r *retype) noteFilled(n sql.Node) {
	switch n := n.(type) {
	case *plan.ResolvedTable:
		r.fillTable(n, n.Columns())
	case *plan.TableAlias:
		if t, ok := n.Child.(*plan.ResolvedTable); ok {
			r.fillTable(t, n.Columns())
		}
	case *plan.SubqueryAlias:
		if len(r.env.Filled) == 0 {
			return
		}
		exprs := projections(n.Child)
		if len(exprs) != n.Columns().Len() {
			return
		}
		i := 0
		n.Columns().ForEach(func(id sql.ColumnId) {
			r.fill(id, exprs[i])
			i++
		})
	}
}

func (r *retype) fillTable(t *plan.ResolvedTable, ids sql.ColSet) {
	b := tableBase(t.Table)
	if b == nil {
		return
	}
	widths := map[string]int{}
	for i := range b.m.Columns {
		if w := b.m.Columns[i].Zerofill; w > 0 {
			widths[b.m.Schema[i].Name] = w
		}
	}
	schema := t.Schema(r.c)
	if len(widths) == 0 || ids.Len() != len(schema) {
		return
	}
	i := 0
	ids.ForEach(func(id sql.ColumnId) {
		r.fillTo(id, widths[schema[i].Name])
		i++
	})
}

// fill notes that a column with an id is as the column that e is.
func (r *retype) fill(id sql.ColumnId, e sql.Expression) {
	if f := fieldOf(e); f != nil {
		r.fillTo(id, r.env.Filled[f.Id()])
	}
}

func (r *retype) fillTo(id sql.ColumnId, width int) {
	if width == 0 {
		return
	}
	if r.env.Filled == nil {
		r.env.Filled = map[sql.ColumnId]int{}
	}
	r.env.Filled[id] = width
}

// storedFilled gives the columns of texts that a row is stored in the texts of what is selected for them.
func (r *retype) storedFilled(in *plan.InsertInto) (sql.Node, error) {
	p, ok := in.Source.(*plan.Project)
	if !ok || len(r.env.Filled) == 0 {
		return in, nil
	}
	schema := in.Destination.Schema(r.c)
	var out []sql.Expression
	for i, e := range p.Projections {
		at := i
		if len(in.ColumnNames) == len(p.Projections) {
			at = schema.IndexOfColName(in.ColumnNames[i])
		}
		if at < 0 || at >= len(schema) || !types.IsText(schema[at].Type) {
			continue
		}
		if text := r.filledText(e); text != nil {
			if out == nil {
				out = append(out, p.Projections...)
			}
			out[i] = text
		}
	}
	if out == nil {
		return in, nil
	}
	return in.WithSource(plan.NewProject(r.c, out, p.Child)), nil
}

// assigned gives a column of texts the text of the column that it is set to.
func (r *retype) assigned(set *expression.SetField) sql.Expression {
	if f, ok := set.LeftChild.(*expression.GetField); !ok || !types.IsText(f.Type(r.c)) {
		return nil
	}
	if text := r.filledText(set.RightChild); text != nil {
		return expression.NewSetField(set.LeftChild, text)
	}
	return nil
}

// filledText is the text of a ZEROFILL column; nil: e is none.
func (r *retype) filledText(e sql.Expression) sql.Expression {
	if f := fieldOf(e); f != nil {
		return r.env.FilledText(r.c, f)
	}
	return nil
}
