package general

import (
	"strconv"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// definitionPatterns are the messages of the library about definitions, windows, sets of queries and values of the wrong shape. They come after those of
// errors_library.go.
func definitionPatterns() []pattern {
	return []pattern{
		p("invalid identifier: `(.*)`", args(mysqlerr.ER_TOO_LONG_IDENT, 1)),
		p(`Window name '(.*)' is not defined`, args(mysqlerr.ER_WINDOW_NO_SUCH_WINDOW, 1)),
		p(`window '.*' cannot inherit '.*' since both contain partition by`, args(mysqlerr.ER_WINDOW_NO_CHILD_PARTITIONING)),
		p(`window '(.*)' cannot inherit '(.*)' since both contain order by`, args(mysqlerr.ER_WINDOW_NO_REDEFINE_ORDER_BY, 1, 2)),
		p(`window '.*' cannot inherit '(.*)' since both contain different frame`, func(_ *sql.Context, m []string) *mysqlerr.Error {
			return mysqlerr.New(mysqlerr.ER_WINDOW_NO_INHERIT_FRAME, m[1])
		}),
		p(`a range's order by must be one expression`, func(*sql.Context, []string) *mysqlerr.Error {
			return mysqlerr.New(mysqlerr.ER_WINDOW_RANGE_FRAME_ORDER_TYPE, "<unnamed window>")
		}),
		p(`offset must be a non-negative integer`, func(c *sql.Context, _ []string) *mysqlerr.Error {
			name := "lead"
			if c != nil && strings.Contains(strings.ToLower(c.Query()), "lag") && !strings.Contains(strings.ToLower(c.Query()), "lead") {
				name = "lag"
			}
			return mysqlerr.New(mysqlerr.ER_WRONG_ARGUMENTS, name)
		}),
		p(`Recursive Common Table Expression '(.*)' should contain a UNION`, args(mysqlerr.ER_CTE_RECURSIVE_REQUIRES_UNION, 1)),
		p(`In definition of view, derived table or common table expression, SELECT list and column names list`, args(mysqlerr.ER_VIEW_WRONG_LIST)),
		p(`Table '(.*)' from one of the SELECTs cannot be used in global ORDER clause`, func(_ *sql.Context, m []string) *mysqlerr.Error {
			return mysqlerr.New(mysqlerr.ER_TABLENAME_NOT_ALLOWED_HERE, m[1], "global ORDER clause")
		}),
		p(`No tables used`, args(mysqlerr.ER_NO_TABLES_USED)),
		p(`Undeclared variable: (.*)`, args(mysqlerr.ER_SP_UNDECLARED_VAR, 1)),
		p(`number of values is too large`, func(c *sql.Context, _ []string) *mysqlerr.Error {
			return mysqlerr.New(mysqlerr.ER_TOO_BIG_SET, columnWhere(c, func(cd *sqlparser.ColumnDefinition) bool { return len(cd.Type.EnumValues) > 64 }))
		}),
		p(`values cannot contain a comma`, func(c *sql.Context, _ []string) *mysqlerr.Error {
			value := ""
			columnWhere(c, func(cd *sqlparser.ColumnDefinition) bool {
				for _, v := range cd.Type.EnumValues {
					if strings.Contains(v, ",") && strings.EqualFold(cd.Type.Type, "set") {
						value = v
						return true
					}
				}
				return false
			})
			return mysqlerr.New(mysqlerr.ER_ILLEGAL_VALUE_FOR_TYPE, "set", value)
		}),
		p(`(?s)duplicate entry: (.*)`, func(c *sql.Context, m []string) *mysqlerr.Error {
			kind := ""
			name := columnWhere(c, func(cd *sqlparser.ColumnDefinition) bool {
				kind = strings.ToUpper(cd.Type.Type)
				return twiceAmong(cd.Type.EnumValues, m[1])
			})
			return mysqlerr.New(mysqlerr.ER_DUPLICATED_VALUE_IN_TYPE, name, m[1], kind)
		}),
		p(`(\S+) is not a valid character set for (\S+)`, args(mysqlerr.ER_COLLATION_CHARSET_MISMATCH, 2, 1)),
		p(`(\d+) is an invalid number of bits`, invalidBits),
		p(`Scale \d+ cannot be larger than the precision`, func(c *sql.Context, _ []string) *mysqlerr.Error {
			return mysqlerr.New(mysqlerr.ER_M_BIGGER_THAN_D, columnWhere(c, scaleAbovePrecision))
		}),
		p(`Too-big precision (\d+) for '(.*)'. Maximum is (\d+)`, func(_ *sql.Context, m []string) *mysqlerr.Error { return precisionError(m[1], m[2]) }),
		p(`Too big (precision|scale) (\d+) specified. Maximum is (\d+)`, tooManyDigits),
		p(`column .* type definition is invalid: Valid range for precision is 0-24 or 25-53`, func(c *sql.Context, _ []string) *mysqlerr.Error {
			return mysqlerr.New(mysqlerr.ER_WRONG_FIELD_SPEC, columnWhere(c, func(cd *sqlparser.ColumnDefinition) bool {
				return strings.EqualFold(cd.Type.Type, "float") && cd.Type.Length != nil && cd.Type.Scale == nil && beyond(cd.Type.Length, 53)
			}))
		}),
		p(`precision must be between 0 and 6, got (\d+)`, func(_ *sql.Context, m []string) *mysqlerr.Error { return precisionError(m[1], "CAST") }),
		p(`only datetime/timestamp may declare default values`, func(c *sql.Context, _ []string) *mysqlerr.Error {
			return mysqlerr.New(mysqlerr.ER_INVALID_DEFAULT, columnWhere(c, func(cd *sqlparser.ColumnDefinition) bool {
				kind := strings.ToLower(cd.Type.Type)
				return cd.Type.Default != nil && kind != "datetime" && kind != "timestamp"
			}))
		}),
		p(`incompatible type for default value`, invalidDefaultOnly),
		p(`[Ii]llegal non geometric '(.*)' value found during parsing`, func(_ *sql.Context, m []string) *mysqlerr.Error {
			return mysqlerr.New(mysqlerr.ER_ILLEGAL_VALUE_FOR_TYPE, "non geometric", m[1])
		}),
		p(`member '(.*)' must be of type '(.*)'`, func(_ *sql.Context, m []string) *mysqlerr.Error {
			return mysqlerr.New(mysqlerr.ER_INVALID_GEOJSON_WRONG_TYPE, "st_geomfromgeojson", m[1], m[2])
		}),
		p(`missing required member '(.*)'`, func(_ *sql.Context, m []string) *mysqlerr.Error {
			return mysqlerr.New(mysqlerr.ER_INVALID_GEOJSON_MISSING_MEMBER, "st_geomfromgeojson", m[1])
		}),
		p("default value on column `(.*)` may not contain subqueries", func(_ *sql.Context, m []string) *mysqlerr.Error {
			return disallowedDefault(m[1])
		}),
		p(`wrong type in collated expression`, func(*sql.Context, []string) *mysqlerr.Error {
			return mysqlerr.New(mysqlerr.ER_COLLATION_CHARSET_MISMATCH, "utf8mb4_0900_ai_ci", "binary")
		}),
		p("invalid string for character set `(.*)`: \"(.*)\"", func(_ *sql.Context, m []string) *mysqlerr.Error {
			return mysqlerr.NewMessage(mysqlerr.ER_INVALID_CHARACTER_STRING, "Invalid %s character string: '%s'", m[1], m[2])
		}),
		p(`CHARACTER SET introducer must be attached to a string`, func(c *sql.Context, _ []string) *mysqlerr.Error {
			return mysqlerr.Syntax(c.Query(), len(c.Query()))
		}),
		p(`strconv.ParseFloat: parsing "(.*)": value out of range`, func(_ *sql.Context, m []string) *mysqlerr.Error {
			return mysqlerr.NewMessage(mysqlerr.ER_ILLEGAL_VALUE_FOR_TYPE, "Illegal double '%s' value found during parsing", m[1])
		}),
		p(`"?IN BOOLEAN MODE"? is not supported`, args(mysqlerr.ER_FT_MATCHING_KEY_NOT_FOUND)),
		p(`cannot insert 64 into bitSet`, func(*sql.Context, []string) *mysqlerr.Error { return mysqlerr.New(mysqlerr.ER_TOO_MANY_TABLES, 61) }),
		p(`unable to cast \[\]interface.* to bool`, func(*sql.Context, []string) *mysqlerr.Error { return mysqlerr.New(mysqlerr.ER_OPERAND_COLUMNS, 1) }),
		p(`unable to find field with index \d+ in row of`, func(*sql.Context, []string) *mysqlerr.Error {
			return mysqlerr.New(mysqlerr.ER_INTERNAL_ERROR, "a column is not where the plan expects it")
		}),
	}
}

// precisionError is 1426.
func precisionError(digits, where string) *mysqlerr.Error {
	n, _ := strconv.Atoi(digits) // the pattern matched digits; too many of them are too many
	return mysqlerr.New(mysqlerr.ER_TOO_BIG_PRECISION, n, where, datum.Fraction)
}

// tooManyDigits is 1426 or 1425 of a DECIMAL.
func tooManyDigits(c *sql.Context, m []string) *mysqlerr.Error {
	n, _ := strconv.Atoi(m[2]) // the pattern matched digits
	most, _ := strconv.Atoi(m[3])
	scale := m[1] == "scale"
	name := columnWhere(c, func(cd *sqlparser.ColumnDefinition) bool {
		if scale {
			return beyond(cd.Type.Scale, most)
		}
		return beyond(cd.Type.Length, most) && !strings.Contains(strings.ToLower(cd.Type.Type), "char") && !strings.Contains(strings.ToLower(cd.Type.Type), "binary")
	})
	if scale {
		return mysqlerr.New(mysqlerr.ER_TOO_BIG_SCALE, n, name, most)
	}
	return mysqlerr.New(mysqlerr.ER_TOO_BIG_PRECISION, n, name, most)
}

// beyond reports whether a length of a type is given and above a number.
func beyond(v *sqlparser.SQLVal, most int) bool {
	if v == nil {
		return false
	}
	n, err := strconv.Atoi(string(v.Val))
	return err != nil || n > most
}

// invalidBits is 3013 for BIT(0), 1439 for more than 64.
func invalidBits(c *sql.Context, m []string) *mysqlerr.Error {
	name := columnWhere(c, func(cd *sqlparser.ColumnDefinition) bool {
		return strings.EqualFold(cd.Type.Type, "bit") && cd.Type.Length != nil && string(cd.Type.Length.Val) == m[1]
	})
	if m[1] == "0" {
		return mysqlerr.New(mysqlerr.ER_INVALID_FIELD_SIZE, name)
	}
	return mysqlerr.New(mysqlerr.ER_TOO_BIG_DISPLAYWIDTH, name, 64)
}

// twiceAmong reports whether a value is twice among those of an ENUM or a SET.
func twiceAmong(values []string, value string) bool {
	n := 0
	for _, v := range values {
		if strings.EqualFold(v, value) {
			n++
		}
	}
	return n > 1
}

// scaleAbovePrecision finds the column that 1427 is about.
func scaleAbovePrecision(cd *sqlparser.ColumnDefinition) bool {
	if cd.Type.Length == nil || cd.Type.Scale == nil {
		return false
	}
	m, _ := strconv.Atoi(string(cd.Type.Length.Val))
	d, _ := strconv.Atoi(string(cd.Type.Scale.Val))
	return d > m
}

// invalidDefaultOnly is 1067 where the message does not say why: the first column whose default is no NULL.
func invalidDefaultOnly(c *sql.Context, _ []string) *mysqlerr.Error {
	return mysqlerr.New(mysqlerr.ER_INVALID_DEFAULT, columnWhere(c, func(cd *sqlparser.ColumnDefinition) bool { return cd.Type.Default != nil }))
}
