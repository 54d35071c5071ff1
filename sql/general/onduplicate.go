package general

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/sqltext"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// VALUES(c) of INSERT ... SELECT ... ON DUPLICATE KEY UPDATE: the library looks for it among the columns that the SELECT names.

const insertedFunction = "zorya_inserted" // (column)

func init() {
	ownFunctions[insertedFunction] = func(*Engine) sql.Function {
		return sql.FunctionN{Name: insertedFunction, Fn: newInserted}
	}
}

// valuesOfSelect turns VALUES(c) into calls where rows come from a query, and refuses names that may be the table's or the query's.
func (s *Session) valuesOfSelect(c *sql.Context, x *execution, ast sqlparser.Statement) error {
	ins, ok := ast.(*sqlparser.Insert)
	if !ok || len(ins.OnDup) == 0 {
		return nil
	}
	if err := s.rowQueries(c, ins); err != nil {
		return err
	}
	if err := tablesOfUpdates(ins); err != nil {
		return err
	}
	if _, values := ins.Rows.(*sqlparser.AliasedValues); values {
		return nil
	}
	x.dest = s.metaNamed(c, ins.Table)
	var others []*tabledef.Table
	if sel, ok := ins.Rows.(*sqlparser.Select); ok {
		for _, from := range sel.From {
			others = s.metasOf(c, from, others)
		}
	}
	for _, set := range ins.OnDup {
		var found []*sqlparser.ValuesFuncExpr
		err := grammar.Walk(func(n sqlparser.SQLNode) (bool, error) {
			switch n := n.(type) {
			case *sqlparser.ValuesFuncExpr:
				found = append(found, n)
				return false, nil
			case *sqlparser.Subquery:
				return false, nil
			case *sqlparser.ColName:
				if n.Qualifier.IsEmpty() && x.dest.Has(n.Name.String()) {
					for _, m := range others {
						if m.Has(n.Name.String()) {
							return false, mysqlerr.New(mysqlerr.ER_NON_UNIQ_ERROR, n.Name.String(), "field list")
						}
					}
				}
			}
			return true, nil
		}, set.Expr)
		if err != nil {
			return err
		}
		for _, v := range found {
			arg := &sqlparser.AliasedExpr{Expr: sqlparser.NewStrVal([]byte(v.Name.Name.String()))}
			set.Expr = sqlparser.ReplaceExpr(set.Expr, v, &sqlparser.FuncExpr{Name: sqlparser.NewColIdent(insertedFunction), Exprs: sqlparser.SelectExprs{arg}})
		}
	}
	if sel, ok := ins.Rows.(*sqlparser.Select); ok {
		s.carryColumns(c, x, ins, sel, others)
	}
	return nil
}

// tablesOfUpdates refuses columns of tables that are neither the INSERT's nor its query's.
func tablesOfUpdates(ins *sqlparser.Insert) error {
	known := map[string]bool{strings.ToLower(ins.Table.Name.String()): true, "new": true, "old": true} // of a trigger
	switch rows := ins.Rows.(type) {
	case *sqlparser.Select:
		grammar.ReadNames(rows.From, known)
	case *sqlparser.AliasedValues:
		known[strings.ToLower(rows.As.String())] = true
	case sqlparser.Values, *sqlparser.Values:
	default:
		return nil
	}
	for _, set := range ins.OnDup {
		err := grammar.Walk(func(n sqlparser.SQLNode) (bool, error) {
			switch n := n.(type) {
			case *sqlparser.Subquery:
				return false, nil
			case *sqlparser.ColName:
				if q := n.Qualifier; !q.IsEmpty() && q.DbQualifier.IsEmpty() && !known[strings.ToLower(q.Name.String())] {
					return false, mysqlerr.New(mysqlerr.ER_BAD_FIELD_ERROR, q.Name.String()+"."+n.Name.String(), fieldList)
				}
			}
			return true, nil
		}, set)
		if err != nil {
			return err
		}
	}
	return nil
}

// metaNamed describes a table, nil if there is none.
func (s *Session) metaNamed(c *sql.Context, t sqlparser.TableName) *tabledef.Table {
	schema, err := s.schemaFor(t)
	if err != nil {
		return nil
	}
	if temp := s.temps[tempKey(schema, t.Name.String())]; temp != nil {
		m, _ := s.e.metas.Get(c, temp.def) // without it the library reports what is wrong
		return m
	}
	d, err := s.e.catalog.Definition(c, schema, t.Name.String())
	if err != nil {
		return nil
	}
	m, _ := s.e.metas.Get(c, d)
	return m
}

func (s *Session) metasOf(c *sql.Context, from sqlparser.TableExpr, list []*tabledef.Table) []*tabledef.Table {
	switch t := from.(type) {
	case *sqlparser.AliasedTableExpr:
		if name, ok := t.Expr.(sqlparser.TableName); ok {
			list = append(list, s.metaNamed(c, name))
		}
	case *sqlparser.JoinTableExpr:
		list = s.metasOf(c, t.RightExpr, s.metasOf(c, t.LeftExpr, list))
	case *sqlparser.ParenTableExpr:
		for _, e := range t.Exprs {
			list = s.metasOf(c, e, list)
		}
	}
	return list
}

// inserted is a column of the row that could not be inserted. It is evaluated on the old row followed by the new one.
type inserted struct {
	at  int
	col *sql.Column
}

func newInserted(c *sql.Context, args ...sql.Expression) (sql.Expression, error) {
	x := executionOf(c)
	if x == nil || x.dest == nil || len(args) != 1 {
		return nil, mysqlerr.New(mysqlerr.ER_SP_DOES_NOT_EXIST, "FUNCTION", insertedFunction)
	}
	v, err := args[0].Eval(c, nil)
	if err != nil {
		return nil, err
	}
	name, _ := datum.Text(v)
	i := x.dest.Position(name)
	if i < 0 {
		return nil, mysqlerr.New(mysqlerr.ER_BAD_FIELD_ERROR, name, "field list")
	}
	return &inserted{len(x.dest.Schema) + i, x.dest.Schema[i]}, nil
}

func (n *inserted) Resolved() bool               { return true }
func (n *inserted) String() string               { return "values(" + sqltext.Quote(n.col.Name) + ")" }
func (n *inserted) Type(*sql.Context) sql.Type   { return n.col.Type }
func (n *inserted) IsNullable(*sql.Context) bool { return true }
func (n *inserted) Children() []sql.Expression   { return nil }
func (n *inserted) IsNonDeterministic() bool     { return true } // its value is the row's
func (n *inserted) Eval(_ *sql.Context, r sql.Row) (any, error) {
	if n.at >= len(r) {
		return nil, nil
	}
	return r[n.at], nil
}

func (n *inserted) CollationCoercibility(*sql.Context) (sql.CollationID, byte) {
	if t, ok := n.col.Type.(sql.TypeWithCollation); ok {
		return t.Collation(), 2
	}
	return sql.Collation_binary, 5
}

func (n *inserted) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 0 {
		return nil, sql.ErrInvalidChildrenNumber.New(n, len(ch), 0)
	}
	return n, nil
}
