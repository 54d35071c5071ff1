package general

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"

	"github.com/zoryadb/zorya/sql/item"
)

// setOp gives all sides of UNIONs, INTERSECTs and EXCEPTs the types that MySQL merges theirs to. The library has converted the sides of each to
// a text where their types differ; these conversions go.
func (r *retype) setOp(u *plan.SetOp) (sql.Node, error) {
	var sides []sql.Node
	if err := r.sides(u, &sides); err != nil {
		return nil, err
	}
	columns, ids := make([][]sql.Expression, len(sides)), make([][]sql.ColumnId, len(sides)) // by side
	for i, n := range sides {
		schema := n.Schema(r.c)
		ids[i] = columnIDs(n)
		if len(ids[i]) != len(schema) || len(schema) != len(ids[0]) {
			return r.plainSetOp(u)
		}
		for k, col := range schema {
			f := expression.NewGetFieldWithTable(int(ids[i][k]), 0, r.typeOf(ids[i][k], col.Type), col.DatabaseSource, col.Source, col.Name, col.Nullable)
			columns[i] = append(columns[i], f)
		}
	}
	changed := make([]bool, len(sides))
	for i, n := range sides {
		changed[i] = !projected(n) // else the table would be read without the columns that no condition needs
	}
	for k := range ids[0] {
		all, strengths := make([]sql.Expression, len(sides)), make([]byte, len(sides))
		for i := range sides {
			all[i], strengths[i] = columns[i][k], r.strength(sides[i], k)
		}
		t, as := r.env.Merge(r.c, all, strengths)
		if id := ids[0][k]; id > 0 {
			r.types[id] = t
		}
		for i, e := range as {
			if e != nil {
				columns[i][k], changed[i] = expression.NewAlias(r.c, columns[i][k].(*expression.GetField).Name(), e), true
			}
		}
	}
	for i := range sides {
		if changed[i] || !projects(sides[i]) { // what no projection names is not read
			sides[i] = plan.NewProject(r.c, columns[i], sides[i])
		}
	}
	return r.withSides(u, &sides)
}

// sides retypes what a set operation is of, from left to right.
func (r *retype) sides(u *plan.SetOp, out *[]sql.Node) error {
	for _, n := range []sql.Node{u.Left(), u.Right()} {
		n = unconverted(r.c, n)
		if in, ok := n.(*plan.SetOp); ok {
			if err := r.sides(in, out); err != nil {
				return err
			}
			continue
		}
		n, err := r.node(n)
		if err != nil {
			return err
		}
		*out = append(*out, n)
	}
	return nil
}

// withSides puts the retyped sides into a set operation, and takes them from the list.
func (r *retype) withSides(u *plan.SetOp, sides *[]sql.Node) (sql.Node, error) {
	var ch [2]sql.Node
	for i, n := range []sql.Node{u.Left(), u.Right()} {
		if in, ok := unconverted(r.c, n).(*plan.SetOp); ok {
			out, err := r.withSides(in, sides)
			if err != nil {
				return nil, err
			}
			ch[i] = out
			continue
		}
		ch[i] = (*sides)[0]
		*sides = (*sides)[1:]
	}
	n, err := u.WithChildren(r.c, ch[:]...)
	if err != nil {
		return nil, err
	}
	out, _, err := transform.OneNodeExpressions(r.c, n, r.expr)
	return out, err
}

// plainSetOp leaves the types of the sides as they are.
func (r *retype) plainSetOp(u *plan.SetOp) (sql.Node, error) {
	n, err := r.below(u)
	if err != nil {
		return nil, err
	}
	out, _, err := transform.OneNodeExpressions(r.c, n, r.expr)
	return out, err
}

// strength is the coercibility of a node's column.
func (r *retype) strength(n sql.Node, i int) byte {
	switch n := n.(type) {
	case *plan.Project:
		return item.Of(r.c, n.Projections[i]).Coerc
	case *plan.Filter, *plan.Distinct, *plan.Limit, *plan.Offset, *plan.Sort, *plan.Having, *plan.TopN:
		return r.strength(n.Children()[0], i)
	}
	return 2
}

// projects reports whether a side's columns are those of a projection.
func projects(n sql.Node) bool {
	switch n := n.(type) {
	case *plan.Project, *plan.SetOp:
		return true
	case *plan.Filter, *plan.Distinct, *plan.Limit, *plan.Offset, *plan.Sort, *plan.Having, *plan.TopN:
		return projects(n.Children()[0])
	}
	return false
}

func (r *retype) typeOf(id sql.ColumnId, otherwise sql.Type) sql.Type {
	if t := r.types[id]; t != nil && id > 0 {
		return t
	}
	return otherwise
}

// unconverted is n without the projection that the library puts over a side of a set operation to convert it.
func unconverted(c *sql.Context, n sql.Node) sql.Node {
	p, ok := n.(*plan.Project)
	if !ok {
		return n
	}
	schema := p.Child.Schema(c)
	if len(schema) != len(p.Projections) {
		return n
	}
	for i, e := range p.Projections {
		if x, ok := e.(*expression.Alias); ok {
			if x.Id() != 0 || !strings.EqualFold(x.Name(), schema[i].Name) {
				return n
			}
			e = x.Child
			if conv, ok := e.(*expression.Convert); ok {
				e = conv.Child
			}
			if name, ok := e.(*expression.EnumToString); ok {
				e = name.Children()[0]
			}
		}
		if f, ok := e.(*expression.GetField); !ok || !strings.EqualFold(f.Name(), schema[i].Name) {
			return n
		}
	}
	return p.Child
}

// projected reports whether a side of a set operation says which columns it has: one that is all columns of a table may have lost its projection (unconverted).
func projected(n sql.Node) bool {
	switch n := n.(type) {
	case plan.TableIdNode:
		return false
	case *plan.Filter, *plan.Distinct, *plan.Limit, *plan.Offset, *plan.Sort, *plan.Having, *plan.TopN:
		return projected(n.Children()[0])
	}
	return true
}

// columnIDs are the ids of a node's columns, nil if they cannot be told.
func columnIDs(n sql.Node) []sql.ColumnId {
	switch n := n.(type) {
	case *plan.Project:
		var ids []sql.ColumnId
		for _, p := range n.Projections {
			var id sql.ColumnId // 0: found by its name
			if x, ok := p.(sql.IdExpression); ok {
				id = x.Id()
			}
			ids = append(ids, id)
		}
		return ids
	case *plan.SetOp:
		return columnIDs(n.Left())
	case *plan.SubqueryAlias: // a side that is all columns of a derived table has no projection
		var ids []sql.ColumnId
		n.Columns().ForEach(func(id sql.ColumnId) { ids = append(ids, id) })
		return ids
	case *plan.Filter, *plan.Distinct, *plan.Limit, *plan.Offset, *plan.Sort, *plan.Having, *plan.TopN:
		return columnIDs(n.Children()[0])
	}
	return nil
}
