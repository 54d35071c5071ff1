package general

// CREATE TABLE ... SELECT: the columns that the query makes, and its rows.

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/sqltext"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// withSelectColumns makes of CREATE TABLE ... SELECT a CREATE TABLE with the columns that the SELECT adds. A column that is one of a table's has that one's
// type, default and comment; one that is computed has its expression's type and length.
func (s *Session) withSelectColumns(c *sql.Context, x *execution, ddl *sqlparser.DDL) (*sqlparser.DDL, error) {
	node, _, err := s.analyze(c, x, ddl.OptSelect.Select, sqlparser.String(ddl.OptSelect.Select))
	if err != nil {
		return nil, err
	}
	n := *ddl
	n.OptSelect = nil
	spec := sqlparser.TableSpec{}
	if ddl.TableSpec != nil {
		spec = *ddl.TableSpec
	}
	schema, exprs, tables, outer, made := node.Schema(c), projections(node), origins(c, node), joinsOuter(c, node), computedBelow(c, node)
	for i, col := range schema {
		declared := false
		for _, cd := range spec.Columns {
			declared = declared || cd.Name.EqualString(col.Name)
		}
		if declared {
			continue
		}
		var e sql.Expression
		if len(exprs) == len(schema) {
			e = made.behind(exprs[i])
		}
		text := copiedColumn(tables, col, e, outer)
		if text == "" {
			text = computedColumn(c, col, e, tables, outer)
		}
		text = "CREATE TABLE t (" + lexer.PlainComments(text) + ")"
		ast, err := sqlparser.Parse(text)
		if err != nil {
			again, _ := grammar.Rewrite(text, 0)
			ast, err = sqlparser.Parse(again)
		}
		if err != nil {
			return nil, fmt.Errorf("column %s of the SELECT: %w", col.Name, err)
		}
		spec.Columns = append(spec.Columns[:len(spec.Columns):len(spec.Columns)], ast.(*sqlparser.DDL).TableSpec.Columns...)
	}
	n.TableSpec = &spec
	return &n, nil
}

// behindColumns is what the nodes of a plan compute, by the ids that other nodes name it by.
type behindColumns struct {
	c     *sql.Context
	exprs map[sql.ColumnId]sql.Expression
}

func computedBelow(c *sql.Context, node sql.Node) *behindColumns {
	b := &behindColumns{c: c, exprs: map[sql.ColumnId]sql.Expression{}}
	transform.Inspect(node, func(n sql.Node) bool {
		p, ok := n.(sql.Projector)
		if !ok {
			return true
		}
		for _, e := range p.ProjectedExprs() {
			switch x := e.(type) {
			case *expression.Alias:
				if f, column := x.Child.(*expression.GetField); x.Id() > 0 && (!column || f.Id() != x.Id()) {
					b.exprs[x.Id()] = x.Child
				}
			case sql.WindowAdaptableExpression:
				if x.Id() > 0 {
					b.exprs[x.Id()] = x
				}
			}
		}
		return true
	})
	return b
}

// behind is an expression with what its columns stand for in their places.
func (b *behindColumns) behind(e sql.Expression) sql.Expression {
	for range maxScaleDepth {
		out, same, err := transform.Expr(b.c, e, func(_ *sql.Context, x sql.Expression) (sql.Expression, transform.TreeIdentity, error) {
			if f, ok := x.(*expression.GetField); ok && b.exprs[f.Id()] != nil {
				return b.exprs[f.Id()], transform.NewTree, nil
			}
			return x, transform.SameTree, nil
		})
		if err != nil || same {
			break
		}
		e = out
	}
	return e
}

// joinsOuter reports whether a join may make any column NULL.
func joinsOuter(c *sql.Context, node sql.Node) (outer bool) {
	transform.InspectWithOpaque(c, node, func(_ *sql.Context, n sql.Node) bool {
		if j, ok := n.(*plan.JoinNode); ok && (j.Op.IsLeftOuter() || j.Op.IsFullOuter()) {
			outer = true
		}
		return true
	})
	return outer
}

// copiedColumn is the definition of a column that is one of a table of ours, "" for any other.
func copiedColumn(tables map[string]origin, col *sql.Column, e sql.Expression, outer bool) string {
	table, name := col.Source, col.Name
	if e != nil {
		f := fieldOf(e)
		if f == nil {
			return ""
		}
		table, name = f.Table(), f.Name()
	}
	o, ok := tables[strings.ToLower(table)]
	if !ok || o.m == nil {
		return ""
	}
	i := tabledef.Position(o.m.Def, name)
	if i < 0 {
		return ""
	}
	m := *o.m
	m.Attrs.Collation = 0 // the new table's may be another: each column says its own
	m.Schema = append(sql.Schema(nil), m.Schema...)
	m.Columns = append([]tabledef.Column(nil), m.Columns...)
	was, a := *m.Schema[i], &m.Columns[i]
	if was.AutoIncrement {
		was.AutoIncrement, a.Default, a.Literal = false, "0", true
	}
	if a.Generated != "" {
		a.Generated, was.Virtual = "", false
	}
	was.Name, was.Nullable, a.Invisible = col.Name, was.Nullable || outer, false
	if was.Nullable && a.Default == "" && types.IsTimestampType(was.Type) {
		a.Default = "NULL"
	}
	m.Schema[i] = &was
	return m.ColumnText(i, false)
}

// computedColumn is the definition of a column for the values of an expression; e may be nil, when it is not known.
func computedColumn(c *sql.Context, col *sql.Column, e sql.Expression, tables map[string]origin, outer bool) string {
	t, nullable := columnType(col.Type), true
	if e != nil {
		shaper := item.Shaper{Context: c, Column: func(f *expression.GetField) (item.Shape, bool) {
			stored := tables[strings.ToLower(f.Table())].m != nil
			sh := item.OfColumn(c, f.Type(c), !stored || f.IsNullable(c))
			if a := item.Of(c, f); a.Kind == item.Time && a.Dec != 0 { // the type does not tell
				sh.Length += 1 + int64(datum.Fraction)
				if a.Dec > 0 {
					sh.Length -= int64(datum.Fraction - a.Dec)
				}
			}
			return sh, true
		}, Query: func(q *plan.Subquery) (item.Shape, bool, bool) { return item.OfColumn(c, q.Type(c), true), false, true }}
		shape := shaper.Of(e)
		t, nullable = expressionType(c, t, e, &shape), outer || shape.Null
	}
	written := tabledef.TypeText(t)
	if e != nil {
		switch a := item.Of(c, e); {
		case a.Kind == item.Time && types.IsTimespan(t):
			written = spanText(a.Dec)
			if a.Dec < 0 {
				written = spanText(datum.Fraction)
			}
		case a.Kind == item.Datetime && t == types.DatetimeMaxPrecision:
			written = tabledef.TypeText(types.MustCreateDatetimeType(sqltypes.Datetime, a.Dec))
		}
	}
	text := sqltext.Quote(col.Name) + " " + written
	switch {
	case !nullable:
		text += " NOT NULL"
	case types.IsTimestampType(t):
		text += " NULL"
	}
	return text
}

// expressionType narrows what the library calls an expression's type to MySQL's.
func expressionType(c *sql.Context, t sql.Type, e sql.Expression, shape *item.Shape) sql.Type {
	switch t.Type() {
	case sqltypes.Int8, sqltypes.Int16, sqltypes.Int24:
		return types.Int32
	case sqltypes.Uint8, sqltypes.Uint16, sqltypes.Uint24:
		return types.Int32
	case sqltypes.Text, sqltypes.Blob, sqltypes.VarChar, sqltypes.Char:
	default:
		return t
	}
	if fieldOf(e) != nil {
		return t
	}
	a := item.Of(c, e)
	coll := a.Coll
	if st, ok := t.(sql.StringType); ok && coll == 0 {
		coll = st.Collation()
	}
	if coll == sql.Collation_utf8mb4_0900_bin || coll == sql.Collation_Unspecified { // the library's, of what has none
		coll = c.GetCollation()
	}
	switch {
	case coll == sql.Collation_binary:
		return t
	case shape.Blob():
		return types.CreateLongText(coll)
	}
	made, err := types.CreateString(sqltypes.VarChar, max(shape.Chars(), 1), coll)
	if err != nil {
		return t
	}
	return made
}

// columnType is the type of a column that holds an expression's values.
func columnType(t sql.Type) sql.Type {
	if v, ok := t.(sql.SystemVariableType); ok {
		t = v.UnderlyingType()
	}
	switch {
	case t == types.Null:
		return types.MustCreateBinary(sqltypes.VarBinary, 1)
	case types.IsDecimal(t):
		if d := t.(sql.DecimalType); d.Precision() > 65 || d.Scale() > 30 {
			return types.MustCreateColumnDecimalType(65, 30)
		}
	}
	return t
}

// fillCreated runs the SELECT of CREATE TABLE ... SELECT into the new table.
func (s *Session) fillCreated(c *sql.Context, x *execution, ddl *sqlparser.DDL, d *table.Def) (*Result, error) {
	sel := sqlparser.String(ddl.OptSelect.Select)
	names := make([]string, 0, len(d.Columns))
	schema, err := s.selectSchema(c, x, ddl.OptSelect.Select, sel)
	if err != nil {
		return nil, err
	}
	for _, col := range schema {
		names = append(names, col.Name)
	}
	target := sqltext.Quote(ddl.Table.Name.String())
	if q := ddl.Table.DbQualifier.String(); q != "" {
		target = sqltext.Quote(q) + "." + target
	}
	text := fmt.Sprintf("%s INTO %s (%s) %s", cmp.Or(x.st.duplicates, "INSERT"), target, tabledef.QuoteNames(names), sel)
	ast, err := s.e.parseOne(c, text)
	if err != nil {
		return nil, err
	}
	if to, ok := ast.(sqlparser.SQLNode); ok && len(s.frames) > 0 {
		if err := holdNames(ddl.OptSelect.Select, to); err != nil { // a program's variables
			return nil, err
		}
	}
	class := x.st
	x.st = &Statement{Text: text, Class: Write, ast: ast}
	defer func() { x.st = class }()
	return s.runNode(c, x, x.st)
}

// selectSchema analyses a SELECT for its columns.
func (s *Session) selectSchema(c *sql.Context, x *execution, sel sqlparser.Statement, text string) (sql.Schema, error) {
	node, _, err := s.analyze(c, x, sel, text)
	if err != nil {
		return nil, err
	}
	return node.Schema(c), nil
}

// standIn is the column that options without columns get: the library's grammar wants one before them.
const standIn = "(`-` INT)"

// createFromQuery is CREATE TABLE ... [IGNORE | REPLACE] [AS] query where the library's grammar lacks it: it knows neither of the words, nor options without columns, nor a set
// operation without AS. nil: it has it.
func (s *Session) createFromQuery(t *lexer.Cursor) (*Statement, error) {
	depth, options := 0, optionsAfter(t)
	parsed := func(before, as, query string) (*Statement, error) {
		if options > 0 {
			at := t.Tokens[t.Pos+options].Start
			before = before[:at] + standIn + before[at:]
		}
		st, _, err := s.parseGMS(before+as+query, "")
		if err != nil || options == 0 {
			return st, err
		}
		if ddl, ok := st.ast.(*sqlparser.DDL); ok && ddl.TableSpec != nil {
			ddl.TableSpec.Columns = nil
		}
		return st, nil
	}
	for i := 2; t.Kind(i) != lexer.EOF; i++ {
		switch t.At(i) {
		case "(":
			depth++
		case ")":
			depth--
		}
		if depth > 0 {
			continue
		}
		here, next := t.Tokens[t.Pos+i], t.Word(i+1)
		switch word := t.Word(i); word {
		case "AS":
			if options > 0 {
				return parsed(t.Src[:here.Start], "", t.Src[here.Start:])
			}
			return nil, nil
		case "SELECT", "WITH":
			return parsed(t.Src[:here.Start], "AS ", t.Src[here.Start:])
		case "IGNORE", "REPLACE":
			as := "AS"
			switch {
			case next == "AS":
				as = ""
			case next != "SELECT" && next != "WITH" && next != "VALUES" && next != "TABLE" && t.At(i+1) != "(":
				continue
			}
			st, err := parsed(t.Src[:here.Start], as, t.Src[here.End:])
			if err != nil {
				return nil, err
			}
			if st.duplicates = word; word == "IGNORE" {
				st.duplicates = "INSERT IGNORE"
			}
			return st, nil
		}
	}
	return nil, nil
}

// optionsAfter is where the options of a CREATE TABLE without columns begin, 0 where it has columns or no options.
func optionsAfter(t *lexer.Cursor) int {
	u := *t
	if u.Accept("CREATE"); !u.Accept("TABLE") && !u.Accept("TEMPORARY", "TABLE") {
		return 0
	}
	u.Accept("IF", "NOT", "EXISTS")
	if _, _, ok := u.Qualified(); !ok || u.At(0) == "(" {
		return 0
	}
	switch u.Word(0) {
	case "", "AS", "SELECT", "WITH", "IGNORE", "REPLACE", "LIKE", "VALUES", "TABLE":
		return 0
	}
	return u.Pos - t.Pos
}
