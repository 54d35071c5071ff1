package general

import (
	"strconv"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/field"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// INSERT INTO t (a, b) VALUES (1, a + 1): an expression of VALUES may refer to columns of the row that it is for. They have what was assigned before it, as it
// is stored, or else their defaults. The library knows no columns there. So each value becomes a call that notes it, and each such column one that reads it.

const (
	noteFunction     = "zorya_note"     // (column, 1 for the first of a row, value)
	assignedFunction = "zorya_assigned" // (column, its default)
)

func init() {
	ownFunctions[noteFunction] = func(*Engine) sql.Function { return sql.FunctionN{Name: noteFunction, Fn: newNote} }
	ownFunctions[assignedFunction] = func(*Engine) sql.Function { return sql.FunctionN{Name: assignedFunction, Fn: newAssigned} }
}

// assignedRow is the row of VALUES that is computed, by the columns of its table.
type assignedRow struct {
	m      *tabledef.Table
	number int64
	values []any
	types  []sql.Type // nil: not assigned yet
}

func newAssignedRow(m *tabledef.Table) *assignedRow {
	return &assignedRow{m: m, values: make([]any, len(m.Schema)), types: make([]sql.Type, len(m.Schema))}
}

// assignedColumns puts the calls into an INSERT that needs them. The statement given is left alone.
func (s *Session) assignedColumns(c *sql.Context, x *execution, st sqlparser.Statement) (sqlparser.Statement, error) {
	ins, ok := st.(*sqlparser.Insert)
	if !ok {
		return st, nil
	}
	rows, ok := ins.Rows.(*sqlparser.AliasedValues)
	if !ok || !namesColumns(rows.Values) {
		return st, nil
	}
	m := s.metaNamed(c, ins.Table)
	if m == nil {
		return st, nil
	}
	places := placesOf(m, ins.Columns)
	refers := false
	sc := &viewScope{s: s, c: c, outer: func(n sqlparser.Expr, _ bool) sqlparser.Expr {
		col, ok := n.(*sqlparser.ColName)
		if !ok || col.StoredProcVal != nil || !col.Qualifier.IsEmpty() && !strings.EqualFold(col.Qualifier.Name.String(), m.Def.Name) {
			return n
		}
		at := m.Schema.IndexOfColName(col.Name.String())
		if at < 0 {
			return n
		}
		refers = true
		return callOf(assignedFunction, numberExpr(at), s.startValueOf(c, m, at))
	}}
	out := make(sqlparser.Values, len(rows.Values))
	for i, tuple := range rows.Values {
		out[i] = append(sqlparser.ValTuple(nil), tuple...)
		first := 1
		for k, e := range tuple {
			if _, byDefault := e.(*sqlparser.Default); byDefault || k >= len(places) || places[k] < 0 {
				continue
			}
			own := e
			if namesColumns(e) {
				own = sc.copy(e)
				err := holdNames(e, own)
				if err == nil {
					own, err = sc.expr(own, nil)
				}
				if err == nil {
					err = unknownValue(own)
				}
				if err != nil {
					return nil, err
				}
			}
			out[i][k] = callOf(noteFunction, numberExpr(places[k]), numberExpr(first), own)
			first = 0
		}
	}
	if !refers {
		return st, nil
	}
	n, v := *ins, *rows
	v.Values = out
	n.Rows = &v
	x.assigned = newAssignedRow(m)
	return &n, nil
}

// namesColumns reports whether an expression has the name of a column somewhere.
func namesColumns(node sqlparser.SQLNode) bool {
	names := false
	_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
		switch n := n.(type) {
		case *sqlparser.ColName:
			names = names || n != nil && n.StoredProcVal == nil && !strings.HasPrefix(n.Name.String(), "@")
		case *sqlparser.Default:
			return false, nil
		}
		return !names, nil
	}, node)
	return names
}

// unknownValue is 1054 of a name in VALUES, outside of subqueries, that is none of the table's.
func unknownValue(e sqlparser.Expr) error {
	return grammar.Walk(func(n sqlparser.SQLNode) (bool, error) {
		switch n := n.(type) {
		case *sqlparser.Subquery:
			return false, nil
		case *sqlparser.ColName:
			if n != nil && n.StoredProcVal == nil && !strings.HasPrefix(n.Name.String(), "@") {
				return false, mysqlerr.New(mysqlerr.ER_BAD_FIELD_ERROR, sqlparser.String(n), "field list")
			}
		}
		return true, nil
	}, e)
}

// placesOf are the positions in the table of the columns that an INSERT names, -1 for one that is not there.
func placesOf(m *tabledef.Table, columns sqlparser.Columns) (out []int) {
	if len(columns) == 0 {
		for i, col := range m.Schema {
			if !col.HiddenSystem && !m.Columns[i].Invisible {
				out = append(out, i)
			}
		}
		return out
	}
	for _, col := range columns {
		out = append(out, m.Schema.IndexOfColName(col.String()))
	}
	return out
}

// startValueOf is what a row holds in a column before anything is assigned: its default if that is a literal.
func (s *Session) startValueOf(c *sql.Context, m *tabledef.Table, i int) sqlparser.Expr {
	if a := &m.Columns[i]; a.Literal && a.Default != "" {
		if st, err := s.e.parseOne(c, "select "+a.Default); err == nil {
			if sel, ok := st.(*sqlparser.Select); ok && len(sel.SelectExprs) == 1 {
				if e, ok := sel.SelectExprs[0].(*sqlparser.AliasedExpr); ok {
					return e.Expr
				}
			}
		}
	}
	return &sqlparser.NullVal{}
}

func callOf(function string, args ...sqlparser.Expr) *sqlparser.FuncExpr {
	f := &sqlparser.FuncExpr{Name: sqlparser.NewColIdent(function)}
	for _, a := range args {
		f.Exprs = append(f.Exprs, &sqlparser.AliasedExpr{Expr: a})
	}
	return f
}

func numberExpr(n int) sqlparser.Expr { return sqlparser.NewIntVal([]byte(strconv.Itoa(n))) }

// argumentNumber is a number that was put into a call.
func argumentNumber(c *sql.Context, e sql.Expression) (int, error) {
	v, err := e.Eval(c, nil)
	if err != nil {
		return 0, err
	}
	n, ok := datum.Whole(v)
	if !ok || n < 0 {
		return 0, mysqlerr.New(mysqlerr.ER_WRONG_ARGUMENTS, noteFunction)
	}
	return int(n), nil
}

// note is a value that is noted when it is computed.
type note struct {
	expression.UnaryExpressionStub
	m      *tabledef.Table
	column int
	first  bool
}

func newNote(c *sql.Context, args ...sql.Expression) (sql.Expression, error) {
	x := executionOf(c)
	if x == nil || x.assigned == nil || len(args) != 3 {
		return nil, mysqlerr.New(mysqlerr.ER_SP_DOES_NOT_EXIST, "FUNCTION", noteFunction)
	}
	at, err := argumentNumber(c, args[0])
	if err != nil {
		return nil, err
	}
	first, err := argumentNumber(c, args[1])
	return &note{expression.UnaryExpressionStub{Child: args[2]}, x.assigned.m, at, first == 1}, err
}

func (e *note) String() string               { return e.Child.String() }
func (e *note) Type(c *sql.Context) sql.Type { return e.Child.Type(c) }
func (e *note) IsNonDeterministic() bool     { return true } // it is computed for each row

func (e *note) CollationCoercibility(c *sql.Context) (sql.CollationID, byte) {
	return sql.GetCoercibility(c, e.Child)
}

func (e *note) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(e, len(ch), 1)
	}
	return &note{expression.UnaryExpressionStub{Child: ch[0]}, e.m, e.column, e.first}, nil
}

func (e *note) Eval(c *sql.Context, r sql.Row) (any, error) {
	x := executionOf(c)
	row := x.assigned
	if row == nil { // the plan is that of an earlier execution
		row = newAssignedRow(e.m)
		x.assigned = row
	}
	if e.first {
		row.number++
		clear(row.types)
	}
	v, err := e.Child.Eval(c, r)
	if err == nil {
		row.values[e.column], row.types[e.column] = v, e.Child.Type(c)
	}
	return v, err
}

// assigned is a column of the row that is computed.
type assigned struct {
	expression.UnaryExpressionStub // what it holds before
	column                         int
	t                              sql.Type
}

func newAssigned(c *sql.Context, args ...sql.Expression) (sql.Expression, error) {
	x := executionOf(c)
	if x == nil || x.assigned == nil || len(args) != 2 {
		return nil, mysqlerr.New(mysqlerr.ER_SP_DOES_NOT_EXIST, "FUNCTION", assignedFunction)
	}
	at, err := argumentNumber(c, args[0])
	if err != nil || at >= len(x.assigned.m.Schema) {
		return nil, mysqlerr.New(mysqlerr.ER_WRONG_ARGUMENTS, assignedFunction)
	}
	return &assigned{expression.UnaryExpressionStub{Child: args[1]}, at, x.assigned.m.Schema[at].Type}, nil
}

func (e *assigned) String() string               { return assignedFunction }
func (e *assigned) Type(*sql.Context) sql.Type   { return e.t }
func (e *assigned) IsNullable(*sql.Context) bool { return true }
func (e *assigned) IsNonDeterministic() bool     { return true } // its value is the row's

func (e *assigned) CollationCoercibility(*sql.Context) (sql.CollationID, byte) { return asColumn(e.t) }

func (e *assigned) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(e, len(ch), 1)
	}
	return &assigned{expression.UnaryExpressionStub{Child: ch[0]}, e.column, e.t}, nil
}

func (e *assigned) Eval(c *sql.Context, r sql.Row) (any, error) {
	x := executionOf(c)
	row := x.assigned
	v, t := row.values[e.column], row.types[e.column]
	if t == nil {
		var err error
		if v, err = e.Child.Eval(c, r); err != nil {
			return nil, err
		}
		t = e.Child.Type(c)
	}
	col := row.m.Schema[e.column]
	if v == nil {
		if col.Nullable && !col.AutoIncrement {
			return nil, nil
		}
		return field.Zero(col.Type), nil
	}
	st := field.New(c, row.m, x.ignoresErrors())
	st.Row, st.Holds = row.number, true // what is wrong with the value is told when it is stored
	return st.Column(c, e.column, field.Fitted(c, t, col.Type, v))
}

// ignoresErrors reports whether the statement is an INSERT IGNORE.
func (x *execution) ignoresErrors() bool {
	ins, ok := x.st.ast.(*sqlparser.Insert)
	return ok && ins.Ignore != ""
}
