package general

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/sqltext"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// EXPLAIN's note 1003: the statement as the server reads it, with stars and names written out and the query blocks numbered. It shows the statement that was
// bound, not the one that the planner made of it.

// noteStatement leaves the note.
func (s *Session) noteStatement(c *sql.Context, st *Statement) {
	fresh, err := s.e.parseOne(c, st.Text)
	if err != nil {
		return // it has been planned from a text that is not quite this one
	}
	node, ok := fresh.(sqlparser.SQLNode)
	if !ok {
		return
	}
	w := &noteWriter{s: s, c: c}
	buf := sqlparser.NewTrackedBuffer(w.node)
	w.node(buf, node)
	c.Session.Warn(&sql.Warning{Level: "Note", Code: 1003, Message: buf.String()})
}

// noteWriter writes a syntax tree.
type noteWriter struct {
	s       *Session
	c       *sql.Context
	selects int

	arguments bool        // of a function: they have no names
	scopes    [][]starred // the tables of the blocks around, the innermost last
}

func (w *noteWriter) node(buf *sqlparser.TrackedBuffer, n sqlparser.SQLNode) {
	switch n := n.(type) {
	case *sqlparser.Select:
		w.selects++
		fmt.Fprintf(buf, "/* select#%d */ ", w.selects)
		w.within(n.From, func() { n.Format(buf) })
	case *sqlparser.Update:
		w.within(n.TableExprs, func() { n.Format(buf) })
	case *sqlparser.Delete:
		w.within(n.TableExprs, func() { n.Format(buf) })
	case *sqlparser.AssignmentExpr:
		buf.Myprintf("%v = %v", n.Name, n.Expr)
	case *sqlparser.FuncExpr:
		if len(n.Exprs) == 1 {
			if _, all := n.Exprs[0].(*sqlparser.StarExpr); all { // COUNT(*)
				buf.Myprintf("%s(0)", n.Name.Lowered())
				return
			}
		}
		w.function(buf, n)
	case *sqlparser.StarExpr:
		w.star(buf, n)
	case *sqlparser.AliasedExpr:
		if w.arguments {
			buf.Myprintf("%v", n.Expr)
			return
		}
		name := n.As.String()
		if col, ok := n.Expr.(*sqlparser.ColName); ok && name == "" {
			name = col.Name.String()
		}
		buf.Myprintf("%v AS %s", n.Expr, sqltext.Quote(cmp.Or(name, cmp.Or(n.InputExpression, sqlparser.String(n.Expr)))))
	case *sqlparser.AliasedTableExpr:
		buf.Myprintf("%v", n.Expr)
		if !n.As.IsEmpty() {
			buf.Myprintf(" %s", sqltext.Quote(n.As.String()))
		}
	case sqlparser.TableName:
		db := cmp.Or(n.DbQualifier.String(), w.c.GetCurrentDatabase())
		if db != "" {
			buf.Myprintf("%s.", sqltext.Quote(db))
		}
		buf.Myprintf("%s", sqltext.Quote(n.Name.String()))
	case *sqlparser.ColName:
		buf.Myprintf("%s", w.column(n))
	case *sqlparser.ParenExpr:
		buf.Myprintf("%v", n.Expr)
	case *sqlparser.ComparisonExpr, *sqlparser.AndExpr, *sqlparser.OrExpr, *sqlparser.RangeCond, *sqlparser.IsExpr, *sqlparser.BinaryExpr:
		buf.Myprintf("(")
		n.Format(buf)
		buf.Myprintf(")")
	default:
		n.Format(buf)
	}
}

// function writes a call, whose arguments have no names.
func (w *noteWriter) function(buf *sqlparser.TrackedBuffer, n *sqlparser.FuncExpr) {
	args := w.arguments
	w.arguments = true
	n.Format(buf)
	w.arguments = args
}

func (w *noteWriter) within(from sqlparser.TableExprs, write func()) {
	var tables []starred
	_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
		switch n := n.(type) {
		case *sqlparser.Subquery:
			return false, nil
		case *sqlparser.AliasedTableExpr:
			one := starred{name: sqlparser.TableName{Name: n.As}}
			if name, ok := n.Expr.(sqlparser.TableName); ok {
				if one.m = w.s.metaNamed(w.c, name); n.As.IsEmpty() {
					one.name.Name = name.Name
				}
				one.name.DbQualifier = name.DbQualifier
				if one.name.DbQualifier.IsEmpty() {
					one.name.DbQualifier = sqlparser.NewTableIdent(w.c.GetCurrentDatabase())
				}
			}
			tables = append(tables, one)
			return false, nil
		}
		return true, nil
	}, from)
	w.scopes = append(w.scopes, tables)
	args := w.arguments
	w.arguments = false
	write()
	w.arguments = args
	w.scopes = w.scopes[:len(w.scopes)-1]
}

// named is a column with the names before it.
func named(t sqlparser.TableName, column string) string {
	var parts []string
	if !t.DbQualifier.IsEmpty() {
		parts = append(parts, sqltext.Quote(t.DbQualifier.String()))
	}
	if !t.Name.IsEmpty() {
		parts = append(parts, sqltext.Quote(t.Name.String()))
	}
	return strings.Join(append(parts, sqltext.Quote(column)), ".")
}

// column finds the table of a column.
func (w *noteWriter) column(n *sqlparser.ColName) string {
	for i := len(w.scopes) - 1; i >= 0; i-- {
		for _, t := range w.scopes[i] {
			same := strings.EqualFold(t.name.Name.String(), n.Qualifier.Name.String())
			if same || n.Qualifier.Name.IsEmpty() && t.m != nil && tabledef.Position(t.m.Def, n.Name.String()) >= 0 {
				return named(t.name, n.Name.String())
			}
		}
	}
	return named(n.Qualifier, n.Name.String())
}

// star writes the columns that a star stands for, itself where they are not known.
func (w *noteWriter) star(buf *sqlparser.TrackedBuffer, n *sqlparser.StarExpr) {
	var list []string
	if len(w.scopes) > 0 {
		for _, t := range w.scopes[len(w.scopes)-1] {
			if !n.TableName.IsEmpty() && !strings.EqualFold(t.name.Name.String(), n.TableName.Name.String()) {
				continue
			}
			if t.m == nil {
				list = append(list, named(t.name, "*"))
				continue
			}
			for _, column := range t.m.Visible() {
				list = append(list, named(t.name, column)+" AS "+sqltext.Quote(column))
			}
		}
	}
	if len(list) == 0 {
		n.Format(buf)
		return
	}
	buf.WriteString(strings.ReplaceAll(strings.Join(list, ","), "`*`", "*"))
}
