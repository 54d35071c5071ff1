package general

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// parametersTable is information_schema.PARAMETERS: of functions what they return, as number 0, and then the parameters of each routine.
func parametersTable(e *Engine) *ownTable {
	return &ownTable{name: "PARAMETERS", schema: infoColumns("PARAMETERS", "SPECIFIC_CATALOG", "SPECIFIC_SCHEMA", "SPECIFIC_NAME", "#ORDINAL_POSITION", "PARAMETER_MODE",
		"PARAMETER_NAME", "DATA_TYPE", "^CHARACTER_MAXIMUM_LENGTH", "^CHARACTER_OCTET_LENGTH", "#NUMERIC_PRECISION", "^NUMERIC_SCALE", "#DATETIME_PRECISION",
		"CHARACTER_SET_NAME", "COLLATION_NAME", "DTD_IDENTIFIER", "ROUTINE_TYPE"),
		rows: func(ctx *sql.Context) (out []sql.Row, err error) {
			for _, kind := range []string{kindFunction, kindProcedure} {
				eerr := e.eachObject(ctx, kind, func(schema string, o *stored) {
					rows, perr := parameterRows(ctx, schema, kind, o)
					if perr != nil && err == nil {
						err = perr
					}
					out = append(out, rows...)
				})
				if err == nil {
					err = eerr
				}
			}
			return out, err
		}}
}

func parameterRows(c *sql.Context, schema, kind string, o *stored) ([]sql.Row, error) {
	p, err := sessionOf(c).programOf(c, o)
	if err != nil {
		return nil, err
	}
	var out []sql.Row
	add := func(position int, mode, name any, t sql.Type, decl string) (err error) {
		col := routineColumn(t, o)
		if types.IsTimespan(t) {
			col.attrs.Decl = strings.ToLower(decl)
			if col.attrs.Fraction, err = spanFraction(col.attrs.Decl, ""); err != nil {
				return err
			}
		}
		text := col.typeText()
		word, _, _ := strings.Cut(text, "(")
		word, _, _ = strings.Cut(word, " ")
		charset, collation, chars, octets := col.text(c)
		precision, scale := col.precision()
		out = append(out, sql.Row{"def", schema, o.Name, uint64(position), mode, name, word, chars, octets, precision, scale, col.fraction(), charset, collation, text,
			strings.ToUpper(kind)})
		return nil
	}
	if p.returns != nil {
		if err := add(0, nil, nil, p.returns, o.Returns); err != nil {
			return nil, err
		}
	}
	for i, a := range p.params {
		t, err := datum.ParseType(c, a.Type)
		if err == nil {
			err = add(i+1, a.Mode, a.Name, t, a.Type)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// routineColumn is a parameter's type as that of a column. Texts that name no collation have that of the database.
func routineColumn(t sql.Type, o *stored) *infoColumn {
	if ct, ok := t.(sql.TypeWithCollation); ok && ct.Collation() == sql.Collation_Unspecified {
		if id, err := sql.ParseCollation("", o.DBCollation, false); err == nil {
			if with, err := ct.WithNewCollation(id); err == nil {
				t = with
			}
		}
	}
	return &infoColumn{Column: &sql.Column{Type: t}, attrs: &tabledef.Column{}}
}
