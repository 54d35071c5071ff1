package general

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/rules"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// What a client is told of a result's columns is found in the bound plan, before it is planned: there each column that an expression refers to has an id, and
// so its table, derived table or expression can be found.

// shaped is a column of a result.
type shaped struct {
	item.Shape
	flags uint16 // of a table's column, beside what the shape says; 0 for what is computed

	schema, table, orgTable, orgName string
}

// resultShape is what describer finds of a statement's result, nil where it finds nothing.
type resultShape []shaped

// describer finds the columns of one statement's results.
type describer struct {
	s       item.Shaper
	sources map[sql.ColumnId]columnSource
	missing sql.ColSet // columns of tables that an outer join may have no row of
	depth   int
	ast     sqlparser.Statement
	written map[string]bool // the names of its derived tables and common table expressions, nil: not looked for
}

// columnSource is where a column comes from: an expression, or the column at a place of a table or derived table.
type columnSource struct {
	expr    sql.Expression
	table   *origin
	derived *plan.SubqueryAlias
	type_   sql.Type
	null    bool
	at      int
}

// maxShapeDepth bounds how deep expressions and derived tables are followed.
const maxShapeDepth = 200

// describeBound describes the columns of a bound query. The literals in variables are values of a program's variables.
func describeBound(c *sql.Context, bound sql.Node, ast sqlparser.Statement, variables map[*expression.Literal]sql.Type) resultShape {
	d := &describer{sources: map[sql.ColumnId]columnSource{}, ast: ast}
	d.s = item.Shaper{Context: c, Column: d.shape, Query: d.scalar, Variables: variables}
	d.collect(bound)
	return d.outputs(bound)
}

// collect notes where the columns of a plan come from, but for its subqueries.
func (d *describer) collect(n sql.Node) {
	transform.InspectWithOpaque(d.s.Context, n, func(c *sql.Context, n sql.Node) bool {
		switch n := n.(type) {
		case *plan.JoinNode:
			if n.Op.IsLeftOuter() || n.Op.IsFullOuter() {
				d.missing = d.missing.Union(rules.ColumnsUnder(c, n.Right()))
			}
			if n.Op.IsRightOuter() || n.Op.IsFullOuter() {
				d.missing = d.missing.Union(rules.ColumnsUnder(c, n.Left()))
			}
		case *plan.TableAlias:
			if t, ok := n.Child.(sql.TableNode); ok {
				d.base(c, t, n.Name(), n.Columns())
				return false
			}
			if q, ok := n.Child.(*plan.SubqueryAlias); ok && n.Columns().Len() > 0 {
				d.derived(q, n.Columns())
			}
		case *plan.SubqueryAlias:
			d.derived(n, n.Columns())
		case sql.TableNode:
			if t, ok := n.(plan.TableIdNode); ok {
				d.base(c, n, n.Name(), t.Columns())
			}
		case plan.TableIdNode:
			if _, ok := n.(*plan.SetOp); !ok {
				d.plain(c, n)
			}
		}
		if p, ok := n.(sql.Projector); ok {
			for _, e := range p.ProjectedExprs() {
				d.computed(e)
			}
		}
		return true
	})
}

func (d *describer) computed(e sql.Expression) {
	switch x := e.(type) {
	case *expression.Alias:
		if f, column := x.Child.(*expression.GetField); x.Id() > 0 && (!column || f.Id() != x.Id()) {
			d.sources[x.Id()] = columnSource{expr: x.Child}
		}
	case *expression.GetField:
	case sql.IdExpression:
		if x.Id() > 0 {
			d.sources[x.Id()] = columnSource{expr: e}
		}
	}
}

func (d *describer) base(c *sql.Context, t sql.TableNode, alias string, ids sql.ColSet) {
	o := originOf(c, t)
	o.alias = alias
	schema, i := t.Schema(c), 0
	ids.ForEach(func(id sql.ColumnId) {
		if i < len(schema) {
			d.sources[id] = columnSource{table: &o, at: columnNamed(&o, schema[i].Name), type_: schema[i].Type, null: schema[i].Nullable}
		}
		i++
	})
}

// columnNamed is the position in the table of a column that a plan's table, which need not have them all, names.
func columnNamed(o *origin, name string) int {
	for i, col := range o.columns {
		if strings.EqualFold(col.Name, name) {
			return i
		}
	}
	return -1
}

func (d *describer) derived(q *plan.SubqueryAlias, ids sql.ColSet) {
	i := 0
	ids.ForEach(func(id sql.ColumnId) {
		d.sources[id] = columnSource{derived: q, at: i}
		i++
	})
}

// plain notes the columns of a table that is none of a database: JSON_TABLE, VALUES.
func (d *describer) plain(c *sql.Context, t plan.TableIdNode) {
	schema, i := t.Schema(c), 0
	t.Columns().ForEach(func(id sql.ColumnId) {
		if _, known := d.sources[id]; i < len(schema) && !known {
			d.sources[id] = columnSource{table: &origin{alias: t.Name()}, at: -1, type_: schema[i].Type, null: true}
		}
		i++
	})
}

// outputs are the columns that a node gives, nil if they are not known.
func (d *describer) outputs(n sql.Node) resultShape {
	if d.depth++; d.depth > maxShapeDepth {
		return nil
	}
	defer func() { d.depth-- }()
	rolled := rolledUp(n)
	switch n := n.(type) {
	case *plan.SetOp:
		return d.union(n.Schema(d.s.Context), n.Left(), n.Right())
	case *plan.RecursiveCte:
		return d.union(n.Schema(d.s.Context), n.Left(), n.Right())
	case *plan.Sort, *plan.Limit, *plan.Offset, *plan.Distinct, *plan.Filter, *plan.Having, *plan.TopN:
		return d.outputs(n.Children()[0])
	case *plan.SubqueryAlias:
		return d.listed(n.Columns())
	case *plan.TableAlias:
		return d.listed(n.Columns())
	case sql.Projector:
		var out resultShape
		for _, e := range n.ProjectedExprs() {
			s := d.of(e)
			if rolled && !d.counts(e) {
				s.Null = true
				s.flags &^= flagNotNull
			}
			out = append(out, s)
		}
		return out
	case plan.TableIdNode:
		return d.listed(n.Columns())
	}
	return nil
}

// rolledUp reports whether a select list is that of a query WITH ROLLUP.
func rolledUp(n sql.Node) bool {
	for n != nil {
		if g, ok := n.(*plan.GroupBy); ok {
			for _, e := range g.GroupByExprs {
				if _, mark := e.(rules.RollupMark); mark {
					return true
				}
			}
			return false
		}
		ch := n.Children()
		if _, derived := n.(sql.OpaqueNode); derived || len(ch) != 1 {
			return false
		}
		n = ch[0]
	}
	return false
}

// counts reports whether an expression of a select list is an aggregate of a group, which no rollup makes NULL.
func (d *describer) counts(e sql.Expression) bool {
	if f := fieldOf(e); f != nil {
		e = d.sources[f.Id()].expr
	}
	if a, ok := e.(*expression.Alias); ok {
		e = a.Child
	}
	_, ok := e.(sql.Aggregation)
	return ok
}

func (d *describer) listed(ids sql.ColSet) (out resultShape) {
	ids.ForEach(func(id sql.ColumnId) {
		if s, ok := d.column(id); ok {
			out = append(out, s)
		} else {
			out = append(out, shaped{Shape: item.OfColumn(d.s.Context, types.LongText, true)})
		}
	})
	return out
}

// union is what the sides of a set operation are merged to: columns of a temporary table.
func (d *describer) union(schema sql.Schema, left, right sql.Node) resultShape {
	l, r := d.side(left), d.side(right)
	if len(l) != len(schema) || len(r) != len(schema) {
		return nil
	}
	out := make(resultShape, len(schema))
	for i, col := range schema {
		a := item.OfType(d.s.Context, col.Type)
		out[i] = shaped{Shape: item.Merge(&a, []item.Shape{l[i].Shape, r[i].Shape})}
		out[i].temporary(col.Name)
	}
	return out
}

// side are the columns of a side of a set operation, as they are before they are merged.
func (d *describer) side(n sql.Node) resultShape {
	n = unconverted(d.s.Context, n)
	p, ok := n.(*plan.Project)
	if !ok {
		return d.outputs(n)
	}
	converts := false
	for _, e := range p.Projections {
		if item.Unmerged(e) != nil {
			converts = true
		} else if fieldOf(e) == nil {
			return d.outputs(n)
		}
	}
	if out := d.outputs(p.Child); converts && len(out) == len(p.Projections) {
		return out
	}
	return d.outputs(n)
}

// temporary makes the column one of a temporary table.
func (s *shaped) temporary(name string) {
	kept := s.flags & (flagNotNull | flagBlob | flagUnsigned | flagZerofill | flagBinary | flagEnum | flagSet)
	if s.flags&flagOfTable == 0 {
		s.orgName, s.orgTable = name, ""
	}
	s.flags = kept | flagOfTable
	s.settle()
}

// of describes an expression of a select list.
func (d *describer) of(e sql.Expression) shaped {
	if f := fieldOf(e); f != nil {
		if s, ok := d.column(f.Id()); ok {
			if q := d.sources[f.Id()].derived; q != nil && f.Database() != "" && d.view(q) {
				s.schema, s.orgTable, s.orgName = f.Database(), s.table, f.Name()
			}
			return s
		}
	}
	return shaped{Shape: d.s.Of(e)}
}

// view reports whether what a statement reads under a name is a view.
func (d *describer) view(q *plan.SubqueryAlias) bool {
	if d.written == nil {
		d.written = map[string]bool{}
		_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor never fails
			switch n := n.(type) {
			case *sqlparser.AliasedTableExpr:
				if _, derived := n.Expr.(*sqlparser.Subquery); derived {
					d.written[strings.ToLower(n.As.String())] = true
				}
			case *sqlparser.CommonTableExpr:
				d.written[strings.ToLower(n.AliasedTableExpr.As.String())] = true
			}
			return true, nil
		}, d.ast)
	}
	return !d.written[strings.ToLower(q.Name())]
}

// shape implements item.Shaper.
func (d *describer) shape(f *expression.GetField) (item.Shape, bool) {
	s, ok := d.column(f.Id())
	switch s.Type {
	case protoBlob, protoVarString, protoString, protoGeometry:
		s.Dec = notFixed
	case protoJSON:
		s.Dec, s.Coll = notFixed, sql.Collation_utf8mb4_bin
	}
	return s.Shape, ok
}

// scalar implements item.Shaper.
func (d *describer) scalar(q *plan.Subquery) (s item.Shape, row, ok bool) {
	d.collect(q.Query)
	out := d.outputs(q.Query)
	if len(out) != 1 {
		return s, false, false
	}
	return out[0].Shape, withoutTable(d.s.Context, q.Query), true
}

// withoutTable reports whether a query is one of values: it has a row in any case.
func withoutTable(c *sql.Context, n sql.Node) bool {
	p, ok := n.(*plan.Project)
	if !ok {
		return false
	}
	t, ok := p.Child.(*plan.ResolvedTable)
	return ok && plan.IsDualTable(t.Table)
}

// column describes the column with an id.
func (d *describer) column(id sql.ColumnId) (s shaped, ok bool) {
	src, known := d.sources[id]
	if !known || id == 0 {
		return s, false
	}
	if d.depth++; d.depth > maxShapeDepth {
		return s, false
	}
	defer func() { d.depth-- }()
	switch {
	case src.expr != nil:
		s = d.of(src.expr)
	case src.derived != nil:
		if s, ok = d.inner(src.derived, src.at); !ok {
			return s, false
		}
	default:
		s = src.column(d.s.Context)
	}
	if d.missing.Contains(id) {
		s.Null = true
		s.flags &^= flagNotNull
	}
	return s, true
}

// column describes a column of a table.
func (src *columnSource) column(c *sql.Context) shaped {
	o := src.table
	s := shaped{Shape: item.OfColumn(c, src.type_, src.null), flags: flagOfTable, schema: o.database, table: o.alias, orgTable: o.table}
	switch {
	case types.IsEnum(src.type_):
		s.flags |= flagEnum
	case types.IsSet(src.type_):
		s.flags |= flagSet
	}
	if src.at >= 0 {
		s.orgName = o.columns[src.at].Name
		if o.m != nil {
			describeDefined(o.m, &s, src.at)
		}
	}
	s.settle()
	return s
}

// inner describes a column of a derived table or view.
func (d *describer) inner(q *plan.SubqueryAlias, at int) (s shaped, ok bool) {
	out := d.outputs(q.Child)
	schema := q.Schema(d.s.Context)
	if at >= len(out) || len(out) != len(schema) {
		return s, false
	}
	s = out[at]
	s.table, s.schema = q.Name(), ""
	if !readInPlace(q.Child) {
		s.temporary(schema[at].Name)
	}
	if len(q.ColumnNames) > 0 && s.orgTable == "" && s.flags != 0 {
		s.orgName = schema[at].Name
	}
	return s, true
}

// readInPlace reports whether MySQL reads what a derived table is made of in its place.
func readInPlace(n sql.Node) bool {
	switch n := n.(type) {
	case *plan.Project:
		return readInPlace(n.Child)
	case *plan.Sort:
		return readInPlace(n.Child)
	case *plan.Filter:
		return readInPlace(n.Child)
	case *plan.TableAlias, *plan.ResolvedTable, *plan.SubqueryAlias, *plan.JoinNode:
		return true
	}
	return false
}

// flagOfTable marks a column of a table, a temporary one too. It is none of the protocol's.
const flagOfTable = flagNum

// settle gives the flags that a column's type says.
func (s *shaped) settle() {
	if s.Null {
		s.flags &^= flagNotNull
	} else {
		s.flags |= flagNotNull
	}
	if s.Unsigned {
		s.flags |= flagUnsigned
	}
	switch s.Type {
	case protoDate, protoTime, protoDateTime, protoTimestamp:
		s.flags |= flagBinary
	case protoJSON, protoGeometry:
		s.flags |= flagBlob | flagBinary
		s.Coll, s.Dec, s.Length = sql.Collation_binary, 0, item.MaxLongBlob
	case protoYear:
		s.flags |= flagZerofill
	case protoBlob, protoVarString, protoString, item.WireMediumBlob, item.WireLongBlob:
		if s.Type != protoVarString && s.Type != protoString {
			s.Type = protoBlob
			s.flags |= flagBlob
		}
		if binaryOrdered(s.Coll) {
			s.flags |= flagBinary
		}
		s.Dec = 0
	}
}

// binaryOrdered tells the collations that compare codes.
func binaryOrdered(coll sql.CollationID) bool {
	return coll == sql.Collation_binary || strings.HasSuffix(coll.Name(), "_bin")
}

// apply gives a column of a result what has been found of it.
func (s *shaped) apply(out *Column, results sql.CharacterSetID) {
	if s.flags == 0 { // computed
		if !s.Null {
			s.flags |= flagNotNull
		}
		if s.Unsigned {
			s.flags |= flagUnsigned
		}
		if binaryOrdered(s.Coll) {
			s.flags |= flagBinary
		}
	}
	out.Flags = s.flags &^ flagOfTable
	out.Type, out.Decimals = s.Type, s.Dec
	out.Schema, out.Table, out.OrgTable, out.OrgName = s.schema, s.table, s.orgTable, s.orgName
	out.Charset, out.Length = collationBinary, uint32(min(s.Length, item.MaxLongBlob))
	if s.Coll == sql.Collation_binary || s.Coll == 0 {
		return
	}
	if out.Charset = uint16(s.Coll); results == sql.CharacterSet_Unspecified {
		return
	}
	if results == sql.CharacterSet_binary {
		out.Charset = collationBinary
		return
	}
	n := s.Chars()
	if s.Blob() {
		n = s.Length
	}
	out.Charset, out.Length = uint16(results.DefaultCollation()), uint32(min(n*results.MaxLength(), item.MaxLongBlob))
}

// describe gives the column of a table what its definition says beside the type.
func describeDefined(m *tabledef.Table, s *shaped, i int) {
	col, a := m.Schema[i], &m.Columns[i]
	s.Null = col.Nullable
	if a.Unsigned() {
		s.Unsigned = true
		if s.Type == protoNewDecimal {
			s.Length--
		}
	}
	if w := declaredWidth(a.Decl, "float("); w > 0 && s.Type == protoNewDecimal {
		s.Type, s.Length = protoFloat, w
	}
	if w := declaredWidth(a.Decl, "double("); w > 0 && s.Type == protoNewDecimal {
		s.Type, s.Length = protoDouble, w
	}
	if a.Zerofill > 0 {
		s.flags |= flagZerofill
		s.Unsigned, s.Length = true, int64(a.Zerofill)
	}
	switch t := col.Type; {
	case types.IsTimespan(t) && a.Fraction > 0:
		s.Dec, s.Length = uint8(a.Fraction), int64(10+1+a.Fraction)
	case types.IsTimestampType(t):
		now := strings.HasPrefix(strings.ToLower(strings.Trim(a.Default, "()")), "current_timestamp") || strings.HasPrefix(strings.ToLower(strings.Trim(a.Default, "()")), "now")
		if now || a.OnUpdate != "" {
			s.flags |= flagTimestamp
		}
	}
	if a.OnUpdate != "" {
		s.flags |= flagOnUpdate
	}
	if col.AutoIncrement {
		s.flags |= flagAutoInc
	}
	if !s.Null && a.Default == "" && a.Generated == "" && !col.AutoIncrement {
		s.flags |= flagNoDefault
	}
	s.flags |= keyFlags(m, i)
}

// declaredWidth is M of a type that was written as FLOAT(M,D) or DOUBLE(M,D), 0 for any other.
func declaredWidth(decl, kind string) (n int64) {
	rest, ok := strings.CutPrefix(decl, kind)
	for i := 0; ok && i < len(rest) && rest[i] >= '0' && rest[i] <= '9'; i++ {
		n = 10*n + int64(rest[i]-'0')
	}
	return n
}

// keyFlags says of which kinds of keys a column is.
func keyFlags(m *tabledef.Table, i int) (flags uint16) {
	primary := len(m.PK) > 0
	for j := range m.Def.Indexes {
		ix := &m.Def.Indexes[j]
		if ix.Hidden {
			continue
		}
		is := ix.Primary || !primary && ix.Unique && !m.NullableKey(ix)
		primary = primary || is
		for k, p := range ix.Parts {
			if p.Column != i {
				continue
			}
			flags |= flagPartKey
			switch {
			case is:
				flags |= flagPrimary
			case k > 0:
			case ix.Unique && len(ix.Parts) == 1:
				flags |= flagUnique
			default:
				flags |= flagMultiple
			}
		}
	}
	return flags
}
