package general

import (
	"cmp"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/program"
	"github.com/zoryadb/zorya/sql/sqltext"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// declaration is the type that a program gives a local variable, a parameter or the result of a function.
type declaration struct {
	sql.Type
	attrs tabledef.Column
}

// declaredType is the type of a name of program o. The grammar of columns reads it; it has their errors too.
func declaredType(c *sql.Context, o *stored, name, text string) (*declaration, error) {
	mode := sql.NewSqlModeFromString(o.SQLMode)
	st, _, err := (&parser{}).one(c, "CREATE TABLE t ("+sqltext.Quote(cmp.Or(name, "x"))+" "+text+")", mode.ParserOptions(), false)
	ddl, ok := st.(*sqlparser.DDL)
	if err != nil || !ok || ddl.TableSpec == nil || len(ddl.TableSpec.Columns) != 1 {
		return nil, mysqlerr.Syntax(text, 0).Because(err)
	}
	cd := ddl.TableSpec.Columns[0]
	cd.Name = sqlparser.NewColIdent(name)
	if x := executionOf(c); x != nil {
		x.declares = cd
		defer func() { x.declares = nil }()
	}
	d := &declaration{attrs: tabledef.Column{Decl: tameType(&cd.Type)}}
	if d.Type, err = types.ColumnTypeToType(&cd.Type); err != nil {
		return nil, mapError(c, err)
	}
	if types.IsTimespan(d.Type) {
		if d.attrs.Fraction, err = spanFraction(d.attrs.Decl, name); err != nil {
			return nil, err
		}
	}
	columnFromAST(&d.attrs, cd, &sql.Column{Type: d.Type})
	ct, ok := d.Type.(sql.TypeWithCollation)
	if !ok || ct.Collation() != sql.Collation_Unspecified || o.DBCollation == "" {
		return d, nil
	}
	id, err := sql.ParseCollation("", o.DBCollation, false)
	if err == nil {
		d.Type, err = ct.WithNewCollation(id)
	}
	return d, err
}

// declarationOf is that of a variable.
func declarationOf(v *program.Variable) *declaration { return v.Declared.(*declaration) }

// declared is the type of the i-th parameter.
func (p *parsedProgram) declared(i int) *declaration { return declarationOf(&p.prog.Vars[i]) }

// fraction is the number of digits of a second that a value keeps.
func (d *declaration) fraction() int {
	if t, ok := d.Type.(sql.DatetimeType); ok {
		return t.Precision()
	}
	return d.attrs.Fraction
}

// digits are those of a second that are shown, -1 for what is no time.
func (d *declaration) digits() int {
	if types.IsTimespan(d.Type) || types.IsDatetimeType(d.Type) || types.IsTimestampType(d.Type) {
		return d.fraction()
	}
	return -1
}

// shownType is the type as results show it.
func (d *declaration) shownType() sql.Type {
	if types.IsTimespan(d.Type) {
		return spanType{types.Time.(types.TimespanType_), d.attrs.Fraction}
	}
	return d.Type
}

// column is the type as information_schema shows types.
func (d *declaration) column() *infoColumn {
	return &infoColumn{Column: &sql.Column{Type: d.Type}, attrs: &d.attrs}
}
