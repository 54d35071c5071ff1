package general

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
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
	add := func(position int, mode, name any, d *declaration) {
		col := d.column()
		text := col.typeText()
		charset, collation, chars, octets := col.text(c)
		precision, scale := col.precision()
		out = append(out, sql.Row{"def", schema, o.Name, uint64(position), mode, name, typeWord(text), chars, octets, precision, scale, col.fraction(), charset, collation, text,
			strings.ToUpper(kind)})
	}
	if p.returns != nil {
		add(0, nil, nil, p.returns)
	}
	for i, a := range p.params {
		add(i+1, a.Mode, a.Name, p.declared(i))
	}
	return out, nil
}
