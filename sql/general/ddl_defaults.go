package general

// DEFAULT of columns, as the dictionary keeps it.

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/cockroachdb/apd/v3"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/transform"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/field"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/sqltext"
	"github.com/zoryadb/zorya/sql/tabledef"
)

func columnDefaults(c *sql.Context, col *sql.Column, a *tabledef.Column) error {
	if col.Generated != nil {
		a.Generated = expressionText(col.Generated)
	} else if col.Default != nil {
		text, literal, err := defaultText(c, col)
		if err != nil {
			return err
		}
		a.Default, a.Literal = text, literal
		if types.IsJSON(col.Type) {
			for _, d := range writtenDefaults(c, col.Name) {
				if _, ok := d.(*sqlparser.SQLVal); ok { // neither NULL nor an expression in parentheses
					return mysqlerr.New(mysqlerr.ER_BLOB_CANT_HAVE_DEFAULT, col.Name)
				}
			}
		}
		if text == "NULL" {
			a.Default = ""
			if !col.Nullable {
				return mysqlerr.New(mysqlerr.ER_INVALID_DEFAULT, col.Name)
			}
		}
	}
	if col.OnUpdate != nil {
		a.OnUpdate = expressionText(col.OnUpdate)
	}
	return nil
}

// expressionText is a column's expression as it parses back.
func expressionText(v *sql.ColumnDefaultValue) string {
	if u, ok := v.Expr.(*sql.UnresolvedColumnDefault); ok {
		return u.ExprString
	}
	return v.String()
}

// defaultText is a DEFAULT as MySQL shows it: literals are quoted.
func defaultText(c *sql.Context, col *sql.Column) (text string, literal bool, err error) {
	if u, ok := col.Default.Expr.(*sql.UnresolvedColumnDefault); ok {
		return u.ExprString, literalText(u.ExprString), nil
	}
	if !col.Default.IsLiteral() {
		if now := col.Default.Expr.String(); col.Default.Parenthesized && strings.HasPrefix(now, "NOW(") { // an expression, and shown as one
			return "(" + strings.ToLower(now) + ")", false, nil
		}
		return col.Default.String(), false, nil
	}
	v, err := col.Default.Eval(c, nil)
	if err != nil {
		return "", false, mysqlerr.New(mysqlerr.ER_INVALID_DEFAULT, col.Name).Because(err)
	}
	if w, ok := v.(sql.JSONWrapper); ok { // the library makes JSON's null of NULL; no other literal is allowed
		if v, err = w.ToInterface(c); err != nil {
			return "", false, err
		}
	}
	if v == nil {
		return "NULL", true, nil
	}
	cv, in, err := datum.Ordered(col.Type).Convert(c, v)
	if err != nil || in != sql.InRange {
		return "", false, mysqlerr.New(mysqlerr.ER_INVALID_DEFAULT, col.Name).Because(err)
	}
	noteRoundedDefault(c, col)
	if types.IsBit(col.Type) {
		n, _ := datum.Integer(cv)
		return "b'" + strconv.FormatUint(uint64(n), 2) + "'", true, nil
	}
	if types.IsBinaryType(col.Type) {
		if b, ok := cv.([]byte); ok && !printable(b) {
			return fmt.Sprintf("0x%X", b), true, nil
		}
	}
	if types.IsNumber(col.Type) || types.IsDecimal(col.Type) || types.IsYear(col.Type) {
		return displayValue(c, col.Type, cv), true, nil // unquoted: the library demands a number; shown quoted
	}
	text = displayValue(c, col.Type, cv)
	if col.Type.Type() == sqltypes.Char {
		text = strings.TrimRight(text, " ") // as the column stores it
	}
	return sqltext.Literal(text), true, nil
}

// noteRoundedDefault tells of a DECIMAL default with more digits than its column keeps.
func noteRoundedDefault(c *sql.Context, col *sql.Column) {
	t, ok := col.Type.(sql.DecimalType)
	if !ok {
		return
	}
	for _, d := range writtenDefaults(c, col.Name) { // the library has the rounded value only
		if u, ok := d.(*sqlparser.UnaryExpr); ok {
			d = u.Expr
		}
		v, ok := d.(*sqlparser.SQLVal)
		if !ok {
			continue
		}
		if d, _, err := apd.NewFromString(string(v.Val)); err == nil && field.Loses(d, int32(t.Scale())) {
			(&field.Store{Row: 1}).Note(c, mysqlerr.New(mysqlerr.WARN_DATA_TRUNCATED, col.Name, 1))
		}
	}
}

// writtenDefaults are the defaults that the running statement writes for a column.
func writtenDefaults(c *sql.Context, column string) (list []sqlparser.Expr) {
	for _, cd := range writtenColumns(c) {
		if strings.EqualFold(cd.Name.String(), column) {
			list = append(list, cd.Type.Default)
		}
	}
	if x := executionOf(c); x != nil && x.st != nil {
		if n, ok := x.st.ast.(*sqlparser.AlterTable); ok {
			for _, d := range n.Statements {
				if d.DefaultSpec != nil && d.DefaultSpec.Action == sqlparser.SetStr && d.DefaultSpec.Column.EqualString(column) {
					list = append(list, d.DefaultSpec.Value)
				}
			}
		}
	}
	return list
}

// literalText reports whether a stored default is a literal.
func literalText(s string) bool {
	return s != "" && (s[0] == '\'' || s[0] >= '0' && s[0] <= '9' || s[0] == '-' || s[0] == '.' || strings.HasPrefix(s, "b'"))
}

// checkPriorColumns refuses a DEFAULT (expression) that refers to a column whose own value is not known before it: one that is computed
// from an expression and not defined earlier, or an AUTO_INCREMENT.
func checkPriorColumns(c *sql.Context, schema sql.Schema) error {
	for i, col := range schema {
		if err := priorGenerated(c, schema, i); err != nil {
			return err
		}
		if !computed(col.Default) {
			continue
		}
		var err error
		transform.InspectExpr(c, col.Default.Expr, func(_ *sql.Context, x sql.Expression) bool {
			f, ok := x.(*expression.GetField)
			if !ok {
				return false
			}
			j := schema.IndexOfColName(f.Name())
			switch {
			case j < 0:
			case schema[j].AutoIncrement:
				err = mysqlerr.NewMessage(3768, "Default value expression of column '%s' cannot refer to an auto-increment column.", col.Name)
			case j >= i && (schema[j].Generated != nil || computed(schema[j].Default)):
				err = mysqlerr.New(mysqlerr.ER_DEFAULT_VAL_GENERATED_NON_PRIOR, col.Name)
			}
			return err != nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// priorGenerated refuses a generated column that refers to itself or to a later generated one.
func priorGenerated(c *sql.Context, schema sql.Schema, i int) (err error) {
	col := schema[i]
	if col.Generated == nil || sql.IsHiddenSystemColumn(col.Name) {
		return nil
	}
	transform.InspectExpr(c, col.Generated.Expr, func(_ *sql.Context, x sql.Expression) bool {
		f, ok := x.(*expression.GetField)
		if !ok {
			return false
		}
		j := schema.IndexOfColName(f.Name())
		if j >= i && schema[j].Generated != nil {
			err = mysqlerr.New(mysqlerr.ER_GENERATED_COLUMN_NON_PRIOR)
		}
		return err != nil
	})
	return err
}

// computed reports whether a default is an expression in parentheses: CURRENT_TIMESTAMP is none.
func computed(v *sql.ColumnDefaultValue) bool {
	return v != nil && !v.IsLiteral() && v.Parenthesized
}

// rowsOfDefaults writes out one column of INSERT ... () VALUES (): the library gives DEFAULT (expression) and generated columns wrong places in rows that name
// none. The statement given is left alone.
func (s *Session) rowsOfDefaults(c *sql.Context, st sqlparser.Statement) sqlparser.Statement {
	ins, ok := st.(*sqlparser.Insert)
	if !ok || len(ins.Columns) > 0 {
		return st
	}
	rows, ok := ins.Rows.(*sqlparser.AliasedValues)
	if !ok {
		return st
	}
	for _, r := range rows.Values {
		if len(r) > 0 {
			return st
		}
	}
	m := s.metaNamed(c, ins.Table)
	if m == nil {
		return st
	}
	plain, other, some := "", "", false
	for i := range m.Columns {
		a := &m.Columns[i]
		expression := a.Default != "" && !a.Literal && strings.HasPrefix(a.Default, "(")
		some = some || expression || a.Generated != ""
		if plain == "" && !expression && a.Generated == "" && !m.Schema[i].HiddenSystem && (a.Default != "" || m.Schema[i].Nullable || m.Schema[i].AutoIncrement) {
			plain = m.Schema[i].Name
		}
		if other == "" && a.Generated == "" && !m.Schema[i].HiddenSystem {
			other = m.Schema[i].Name
		}
	}
	plain = cmp.Or(plain, other)
	if plain == "" || !some {
		return st
	}
	n, v := *ins, *rows
	n.Columns = sqlparser.Columns{sqlparser.NewColIdent(plain)}
	v.Values = make(sqlparser.Values, len(rows.Values))
	for i := range v.Values {
		v.Values[i] = sqlparser.ValTuple{&sqlparser.Default{}}
	}
	n.Rows = &v
	return &n
}
