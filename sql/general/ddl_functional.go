package general

import (
	"fmt"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/transform"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/sqltext"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// Functional key parts, KEY ((a + b)): each is a hidden virtual column of the table, as in MySQL. The definition as text has the expression
// in the index only, so every CREATE and ALTER makes the columns anew, under names that follow from the index's.

// functionalPrefix begins the names that the hidden columns have while the library analyses the table: it refuses its own hidden names
// in a CREATE TABLE. No identifier has a zero byte.
const functionalPrefix = "\x00functional!"

// functionalWidth is how many characters of a text a functional key part has at most: what fits into an index.
const functionalWidth = 768

// withFunctionalColumns returns the table with a generated column in place of each expression that an index is over, and the texts of those with casts. The
// given tree is left alone.
func withFunctionalColumns(ddl *sqlparser.DDL) (*sqlparser.DDL, map[string]string, error) {
	casts := map[string]string{}
	var spec *sqlparser.TableSpec
	unnamed := 0
	for i, ix := range ddl.TableSpec.Indexes {
		if !functional(ix) {
			continue
		}
		if ix.Info.Primary {
			return nil, nil, mysqlerr.New(mysqlerr.ER_FUNCTIONAL_INDEX_PRIMARY_KEY)
		}
		if spec == nil {
			s := *ddl.TableSpec
			s.Columns = append([]*sqlparser.ColumnDefinition(nil), s.Columns...)
			s.Indexes = append([]*sqlparser.IndexDefinition(nil), s.Indexes...)
			spec = &s
		}
		def, info := *ix, *ix.Info
		for info.Name.String() == "" {
			name := "functional_index"
			if unnamed++; unnamed > 1 {
				name = fmt.Sprintf("%s_%d", name, unnamed)
			}
			if !namesIndex(spec, name) {
				info.Name = sqlparser.NewColIdent(name)
			}
		}
		def.Info, def.Fields = &info, append([]*sqlparser.IndexField(nil), ix.Fields...)
		for j, f := range def.Fields {
			if f.Expression == nil {
				continue
			}
			if _, bare := tabledef.Unparenthesized(f.Expression).(*sqlparser.ColName); bare {
				return nil, nil, mysqlerr.New(mysqlerr.ER_FUNCTIONAL_INDEX_ON_FIELD)
			}
			id := sqlparser.NewColIdent(functionalPrefix + strings.TrimPrefix(sql.HiddenSystemColumnName(info.Name.String(), j), sql.HiddenSystemColumnPrefix))
			def.Fields[j] = &sqlparser.IndexField{Column: id, Order: f.Order}
			e := arrayOfIndex(f.Expression, info.Name.String())
			if kept, text := withCasts(e); text != "" {
				e, casts[id.String()] = kept, text
			}
			spec.Columns = append(spec.Columns, &sqlparser.ColumnDefinition{Name: id, // of a type that defineFunctional finds
				Type: sqlparser.ColumnType{Type: "bigint", GeneratedExpr: e}})
		}
		spec.Indexes[i] = &def
	}
	if spec == nil {
		return ddl, nil, nil
	}
	n := *ddl
	n.TableSpec = spec
	return &n, casts, nil
}

// withCasts is an expression whose casts to texts and arrays the library keeps, and its text; "" if it has none.
func withCasts(e sqlparser.Expr) (sqlparser.Expr, string) {
	found := false
	_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
		switch x := n.(type) {
		case *sqlparser.ConvertExpr:
			found = found || x != nil && strings.EqualFold(x.Type.Type, "char")
		case *sqlparser.FuncExpr:
			found = found || x != nil && x.Name.EqualString(grammar.ArrayFunction)
		}
		return true, nil
	}, e)
	if !found {
		return e, ""
	}
	text := sqltext.Style{Charset: "utf8mb4"}.Expr(e)
	st, err := sqlparser.Parse("SELECT " + text)
	if err != nil {
		return e, ""
	}
	sel, ok := st.(*sqlparser.Select)
	if !ok || len(sel.SelectExprs) != 1 {
		return e, ""
	}
	ae, ok := sel.SelectExprs[0].(*sqlparser.AliasedExpr)
	if !ok {
		return e, ""
	}
	keepOperands(ae)
	return ae.Expr, text
}

// castWidth is n of CAST(... AS CHAR(n)), with a collation or without; 0: e is something else.
func castWidth(c *sql.Context, e sql.Expression) int {
	if x, ok := e.(*expression.CollatedExpression); ok {
		e = x.Child()
	}
	n, _ := item.TextWidth(c, e)
	return max(n, 0)
}

func functional(ix *sqlparser.IndexDefinition) bool {
	for _, f := range ix.Fields {
		if f.Expression != nil {
			return true
		}
	}
	return false
}

func namesIndex(spec *sqlparser.TableSpec, name string) bool {
	for _, ix := range spec.Indexes {
		if ix.Info.Name.EqualString(name) {
			return true
		}
	}
	return false
}

// functionalName is the stored name of a column that was analysed as name.
func functionalName(name string) string {
	if rest, ok := strings.CutPrefix(name, functionalPrefix); ok {
		return sql.HiddenSystemColumnPrefix + rest
	}
	return name
}

// defineFunctional gives a column of a functional key part its name and the type of its expression. Other columns stay.
func defineFunctional(c *sql.Context, schema sql.Schema, col *sql.Column) error {
	name := functionalName(col.Name)
	if name == col.Name || col.Generated == nil {
		return nil
	}
	index := strings.TrimPrefix(name, sql.HiddenSystemColumnPrefix)
	index = strings.SplitN(index, "!", 2)[0]
	long := false
	var err error
	transform.InspectExpr(c, col.Generated.Expr, func(_ *sql.Context, x sql.Expression) bool {
		if f, ok := x.(*expression.GetField); ok {
			if i := schema.IndexOfColName(f.Name()); i >= 0 {
				if schema[i].AutoIncrement {
					err = mysqlerr.New(mysqlerr.ER_FUNCTIONAL_INDEX_REF_AUTO_INCREMENT, index)
				}
				long = long || isLob(schema[i].Type) || types.IsJSON(schema[i].Type)
			}
		}
		return err != nil
	})
	if err != nil {
		return err
	}
	if x, ok := col.Generated.Expr.(sql.NonDeterministicExpression); ok && x.IsNonDeterministic() {
		return mysqlerr.New(mysqlerr.ER_FUNCTIONAL_INDEX_FUNCTION_IS_NOT_ALLOWED, index)
	}
	t := columnType(col.Generated.Expr.Type(c))
	switch {
	case isArray(col.Generated.Expr):
		t = types.LongBlob
	case types.IsJSON(t) || datum.Spatial(t):
		return mysqlerr.New(mysqlerr.ER_FUNCTIONAL_INDEX_ON_JSON_OR_GEOMETRY_FUNCTION)
	case types.IsText(t):
		cut := false
		if f, ok := col.Generated.Expr.(sql.FunctionExpression); ok {
			switch strings.ToLower(f.FunctionName()) {
			case "left", "right", "substring", "substr", "mid", "md5", "sha1", "sha2", "hex":
				cut = true
			}
		}
		width := castWidth(c, col.Generated.Expr)
		if long && !cut && width == 0 {
			return mysqlerr.New(mysqlerr.ER_FUNCTIONAL_INDEX_ON_LOB)
		}
		if types.IsBinaryType(t) {
			t = types.MustCreateBinary(sqltypes.VarBinary, functionalWidth)
			break
		}
		coll, _ := sql.GetCoercibility(c, col.Generated.Expr)
		if coll == sql.Collation_Unspecified || coll == sql.Collation_binary {
			coll = tabledef.DefaultCollation
		}
		if width == 0 || width > functionalWidth {
			width = functionalWidth
		}
		t = types.MustCreateString(sqltypes.VarChar, int64(width), coll)
	}
	col.Name, col.Type, col.Nullable, col.HiddenSystem = name, t, true, true
	col.Generated.OutType = t
	return nil
}

// functionalDependent reports whether an index is over an expression of the column.
func functionalDependent(spec *sqlparser.TableSpec, column string) bool {
	for _, ix := range spec.Indexes {
		for _, f := range ix.Fields {
			if namesColumn(f.Expression, column) {
				return true
			}
		}
	}
	return false
}

func isLob(t sql.Type) bool { return t.Type() == sqltypes.Text || t.Type() == sqltypes.Blob }
