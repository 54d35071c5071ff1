package general

import (
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// describeResult describes the result of a plan: types as MySQL has them, and for each column that is one of a table's, whatever both are called in
// the statement, where it comes from.
func describeResult(c *sql.Context, x *execution, node sql.Node, schema sql.Schema, ast sqlparser.Statement) []Column {
	out := columnsOf(c, resultColumns(c, node, schema))
	describeOrigins(c, node, out)
	if results := c.GetCharacterSetResults(); len(x.shape) == len(out) {
		for i := range out {
			x.shape[i].apply(&out[i], results)
		}
	}
	writtenAliases(ast, out)
	if show, ok := ast.(*sqlparser.Show); ok && len(out) > 0 && strings.HasPrefix(out[0].Name, "Tables_in_") && show.ShowTablesOpt != nil {
		if f := show.ShowTablesOpt.Filter; f != nil && f.Filter == nil {
			out[0].Name += " (" + f.Like + ")"
		}
	}
	return encodeNames(c, out)
}

// writtenAliases gives tables the case in which the statement wrote their aliases: the library folds it.
func writtenAliases(ast sqlparser.Statement, out []Column) {
	if ast == nil || !slices.ContainsFunc(out, func(c Column) bool { return c.Table != "" }) {
		return
	}
	_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) {
		if t, ok := n.(*sqlparser.AliasedTableExpr); ok && !t.As.IsEmpty() {
			for i := range out {
				if strings.EqualFold(out[i].Table, t.As.String()) {
					out[i].Table = t.As.String()
				}
			}
		}
		return true, nil
	}, ast) // the visitor never fails
}

func describeOrigins(c *sql.Context, node sql.Node, out []Column) {
	exprs := projections(node)
	var tables map[string]origin
	if len(exprs) != len(out) { // a table's own columns: they say themselves where they come from
		for i := range out {
			if out[i].Table != "" && out[i].number() {
				if tables == nil {
					tables = origins(c, node)
				}
				if t, ok := tables[strings.ToLower(out[i].Table)]; ok {
					t.number(&out[i], out[i].OrgName)
				}
			}
		}
		return
	}
	for i, x := range exprs {
		f := fieldOf(x)
		if f == nil || f.Table() == "" {
			continue
		}
		if types.IsYear(f.Type(c)) { // under an alias too
			out[i].SQLType = yearType{types.Year}
		}
		if tables == nil {
			tables = origins(c, node)
		}
		if t, ok := tables[strings.ToLower(f.Table())]; ok {
			t.describe(&out[i], f.Name())
		}
	}
}

// fieldOf is the column that an expression of the select list is, under an alias or not.
func fieldOf(x sql.Expression) *expression.GetField {
	for {
		switch e := x.(type) {
		case *expression.Alias:
			x = e.Child
		case *expression.GetField:
			return e
		default:
			return nil
		}
	}
}

// origin is a table of a plan: as the statement calls it, and what it is.
type origin struct {
	alias, table, database string
	columns                sql.Schema      // of a base table
	m                      *tabledef.Table // of one of ours
}

// origins are the tables of a plan by what the statement calls them. Outer ones are met first and hide those of subqueries.
func origins(c *sql.Context, node sql.Node) map[string]origin {
	out := map[string]origin{}
	add := func(alias string, o origin) {
		if o.alias = alias; alias != "" {
			if _, ok := out[strings.ToLower(alias)]; !ok {
				out[strings.ToLower(alias)] = o
			}
		}
	}
	transform.InspectWithOpaque(c, node, func(c *sql.Context, n sql.Node) bool {
		switch n := n.(type) {
		case *plan.TableAlias:
			if t, ok := n.Child.(sql.TableNode); ok {
				add(n.Name(), originOf(c, t))
				return false
			}
			add(n.Name(), origin{})
		case *plan.SubqueryAlias:
			add(n.Name(), origin{})
		case sql.TableNode:
			o := originOf(c, n)
			add(o.table, o)
		}
		return true
	})
	return out
}

func originOf(c *sql.Context, t sql.TableNode) origin {
	u := t.UnderlyingTable()
	o := origin{table: t.Name(), columns: u.Schema(c)}
	if d := t.Database(); d != nil {
		o.database = d.Name()
	}
	if b := tableBase(u); b != nil {
		o.table, o.m = b.m.Def.Name, b.m
	}
	return o
}

func (o *origin) describe(out *Column, name string) {
	out.Table = o.alias
	if o.table == "" {
		return
	}
	out.Schema, out.OrgTable, out.OrgName = o.database, o.table, name
	o.number(out, name)
	for _, col := range o.columns {
		if !strings.EqualFold(col.Name, name) {
			continue
		}
		out.OrgName = col.Name
		if col.PrimaryKey {
			out.Flags |= flagPrimary
		}
		if col.AutoIncrement {
			out.Flags |= flagAutoInc
		}
	}
}

// number describes a numeric column as it was declared: FLOAT(M,D) and DOUBLE(M,D) are kept as decimals, ZEROFILL fills with zeros.
func (o *origin) number(out *Column, name string) {
	if o.m == nil || !out.number() {
		return
	}
	i := tabledef.Position(o.m.Def, name)
	if i < 0 {
		return
	}
	a := &o.m.Columns[i]
	if out.Type == protoNewDecimal {
		switch {
		case strings.HasPrefix(a.Decl, "float("):
			out.Type = protoFloat
		case strings.HasPrefix(a.Decl, "double("):
			out.Type = protoDouble
		}
	}
	if a.Zerofill > 0 {
		out.Flags |= flagZerofill | flagUnsigned
		out.Length = uint32(a.Zerofill)
		if !types.IsInteger(out.SQLType) {
			out.SQLType = filledType{out.SQLType, a.Zerofill}
		}
	}
}

type sqlType = sql.Type // embedded under its own name, Type, it would hide its method

// number reports whether the values are numbers: exact ones have types of our own, which the library does not call so.
func (c *Column) number() bool { return c.Flags&flagNum != 0 || c.Type == protoNewDecimal }

// filledType is a number in a result that has zeros before it up to a width.
type filledType struct {
	sqlType
	width int
}

// SQL implements sql.Type.
func (t filledType) SQL(c *sql.Context, dest []byte, v any) (sqltypes.Value, error) {
	out, err := t.sqlType.SQL(c, nil, v)
	if err != nil || out.IsNull() {
		return out, err
	}
	dest = append(dest, strings.Repeat("0", max(t.width-out.Len(), 0))...)
	return sqltypes.MakeTrusted(out.Type(), append(dest, out.Raw()...)), nil
}
