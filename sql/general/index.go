package general

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// index is GMS's view of one B+tree of a table.
type index struct {
	t   *base
	pos int // in Def.Indexes
}

var (
	_ sql.OrderedIndex  = (*index)(nil)
	_ sql.ExtendedIndex = (*index)(nil)
	_ sql.FilteredIndex = (*index)(nil)
)

func (x *index) ix() *table.Index                      { return &x.t.m.Def.Indexes[x.pos] }
func (x *index) attrs() *tabledef.Index                { return &x.t.m.Indexes[x.pos] }
func (x *index) column(i int) int                      { return x.ix().Parts[i].Column }
func (x *index) expr(col int) string                   { return x.t.Name() + "." + x.t.m.Def.Columns[col].Name }
func (x *index) ID() string                            { return x.ix().Name }
func (x *index) Database() string                      { return x.t.db.name }
func (x *index) Table() string                         { return x.t.Name() }
func (x *index) IsUnique() bool                        { return x.ix().Unique }
func (x *index) IsSpatial() bool                       { return false } // a B+tree over WKB serves equality only
func (x *index) IsFullText() bool                      { return false }
func (x *index) IsVector() bool                        { return false }
func (x *index) Comment() string                       { return x.attrs().Comment }
func (x *index) IsGenerated() bool                     { return x.ix().Hidden }
func (x *index) IndexType() string                     { return "BTREE" }
func (x *index) String() string                        { return x.ID() }
func (x *index) Predicate() string                     { return "" }
func (x *index) usable() bool                          { return !x.ix().Hidden && x.ix().Kind == "" }
func (x *index) CanSupportOrderBy(sql.Expression) bool { return false }

func (x *index) CanSupport(*sql.Context, ...sql.Range) bool {
	return x.usable() && !x.attrs().Invisible
}

func (x *index) Expressions() []string {
	out := make([]string, len(x.ix().Parts))
	for i := range out {
		out[i] = x.expr(x.column(i))
	}
	return out
}

func (x *index) ColumnExpressionTypes(*sql.Context) []sql.ColumnExpressionType {
	out := make([]sql.ColumnExpressionType, len(x.ix().Parts))
	for i := range out {
		c := x.column(i)
		out[i] = sql.ColumnExpressionType{Expression: x.expr(c), Type: soughtType(x.t.m.Schema[c].Type)}
	}
	return out
}

// soughtType is the type of a value that a column is sought with. Of BINARY(n) it is VARBINARY(n): what is stored has been padded, and no shorter
// value is equal to it, but the library would pad that too. Of a text it has no length: longer ones may be equal to what a column holds, by trailing blanks.
func soughtType(t sql.Type) sql.Type {
	st, ok := t.(sql.StringType)
	switch {
	case ok && t.Type() == sqltypes.Binary:
		if v, err := types.CreateBinary(sqltypes.VarBinary, st.Length()); err == nil {
			return v
		}
	case ok && types.IsTextOnly(t):
		return types.CreateLongText(st.Collation())
	}
	return datum.Ordered(t)
}

// extended lists the columns of the key, then those of the primary key, which every secondary index ends with.
func (x *index) extended() []int {
	var out []int
	seen := map[int]bool{}
	for _, p := range x.ix().Parts {
		out = append(out, p.Column)
		seen[p.Column] = true
	}
	for _, c := range x.t.m.PK {
		if !seen[c] {
			out = append(out, c)
		}
	}
	return out
}

func (x *index) ExtendedExpressions(*sql.Context) []string {
	cols := x.extended()
	out := make([]string, len(cols))
	for i, c := range cols {
		out[i] = x.expr(c)
	}
	return out
}

func (x *index) ExtendedColumnExpressionTypes(*sql.Context) []sql.ColumnExpressionType {
	cols := x.extended()
	out := make([]sql.ColumnExpressionType, len(cols))
	for i, c := range cols {
		out[i] = sql.ColumnExpressionType{Expression: x.expr(c), Type: soughtType(x.t.m.Schema[c].Type)}
	}
	return out
}

func (x *index) CoversColumns(cols []string) bool {
	for _, name := range cols {
		found := false
		for i := range x.ix().Parts {
			p := x.ix().Parts[i]
			found = found || p.Prefix == 0 && strings.EqualFold(x.t.m.Def.Columns[p.Column].Name, name)
		}
		if !found {
			return false
		}
	}
	return true
}

func (x *index) PrefixLengths() []uint16 {
	var out []uint16
	for i, p := range x.ix().Parts {
		if p.Prefix > 0 {
			if out == nil {
				out = make([]uint16, len(x.ix().Parts))
			}
			out[i] = uint16(p.Prefix)
		}
	}
	return out
}

func (x *index) HandledFilters(ctx *sql.Context, filters []sql.Expression) []sql.Expression {
	if x.PrefixLengths() != nil {
		return nil
	}
	var out []sql.Expression
	for _, f := range filters {
		if expression.PreciseComparison(ctx, f) {
			out = append(out, f)
		}
	}
	return out
}

// Order is the order of a forward scan: mixed directions serve no ORDER BY that GMS can ask for, nor do prefixes.
func (x *index) Order(*sql.Context) sql.IndexOrder {
	desc := 0
	for _, p := range x.ix().Parts {
		if p.Prefix > 0 {
			return sql.IndexOrderNone
		}
		if p.Desc {
			desc++
		}
	}
	switch desc {
	case 0:
		return sql.IndexOrderAsc
	case len(x.ix().Parts):
		return sql.IndexOrderDesc
	}
	return sql.IndexOrderNone
}

func (x *index) Reversible(ctx *sql.Context) bool { return x.Order(ctx) != sql.IndexOrderNone }
