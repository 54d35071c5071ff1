package builtin

import (
	"regexp"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/sqltext"
)

// SysFunctions are those of the schema sys. The library does not tell the schema that a call names, so they are looked for last: a stored function of
// the same name comes first.
var SysFunctions = map[string]sql.Function{}

func init() {
	add := func(name string, args int, f func(c *sql.Context, v []string) (any, error)) {
		SysFunctions[name] = sql.FunctionN{Name: name, Fn: func(_ *sql.Context, list ...sql.Expression) (sql.Expression, error) {
			if len(list) != args {
				return nil, mysqlerr.NewMessage(mysqlerr.ER_SP_WRONG_NO_OF_ARGS, "Incorrect number of arguments for FUNCTION sys.%s; expected %d, got %d", name, args, len(list))
			}
			of := func(c *sql.Context, v []any) (any, error) {
				in := make([]string, len(v))
				for i := range v {
					var err error
					if in[i], err = textValue(c, v[i]); err != nil {
						return nil, err
					}
				}
				return f(c, in)
			}
			return &plainCall{NaryExpression: expression.NaryExpression{ChildExpressions: list}, name: name, t: types.LongText, f: of}, nil
		}}
	}
	version := func(place int) func(c *sql.Context, _ []string) (any, error) {
		return func(c *sql.Context, _ []string) (any, error) {
			v, err := c.GetSessionVariable(c, "version")
			text, _ := v.(string)
			text, _, _ = strings.Cut(text, "-")
			if part := strings.Split(text, "."); err == nil && place < len(part) {
				return part[place], nil
			}
			return nil, err
		}
	}
	add("version_major", 0, version(0))
	add("version_minor", 0, version(1))
	add("version_patch", 0, version(2))
	add("quote_identifier", 1, func(_ *sql.Context, v []string) (any, error) { return sqltext.Quote(v[0]), nil })
	add("format_path", 1, func(_ *sql.Context, v []string) (any, error) { return v[0], nil })
	add("format_time", 1, func(c *sql.Context, v []string) (any, error) {
		n, err := floatOf(c, v[0])
		return formatPicoTime(n), err
	})
	add("format_statement", 1, func(_ *sql.Context, v []string) (any, error) { return bothEnds(v[0]), nil })
	add("extract_schema_from_file_name", 1, func(_ *sql.Context, v []string) (any, error) { return pathPart(v[0], 1), nil })
	add("extract_table_from_file_name", 1, func(_ *sql.Context, v []string) (any, error) {
		name, _, _ := strings.Cut(pathPart(v[0], 0), ".")
		return name, nil
	})
	add("list_add", 2, func(_ *sql.Context, v []string) (any, error) {
		if v[0] == "" {
			return v[1], nil
		}
		return v[0] + "," + v[1], nil
	})
	add("list_drop", 2, func(_ *sql.Context, v []string) (any, error) {
		var kept []string
		for _, e := range strings.Split(v[0], ",") {
			if strings.TrimSpace(e) != strings.TrimSpace(v[1]) {
				kept = append(kept, e)
			}
		}
		return strings.Join(kept, ","), nil
	})
	add("sys_get_config", 2, func(_ *sql.Context, v []string) (any, error) { return v[1], nil }) // nothing is configured
	for _, name := range []string{"master_pos_wait", "source_pos_wait"} {                        // there is no replication to wait for
		Lacking[name] = sql.FunctionN{Name: name, Fn: func(_ *sql.Context, list ...sql.Expression) (sql.Expression, error) {
			if len(list) < 2 || len(list) > 4 {
				return nil, sql.ErrInvalidArgumentNumber.New(name, "2 to 4", len(list))
			}
			return &plainCall{NaryExpression: expression.NaryExpression{ChildExpressions: list}, name: name, t: types.Int64, f: func(*sql.Context, []any) (any, error) { return nil, nil }}, nil
		}}
	}
}

// statementWidth is statement_truncate_len.
const statementWidth = 64

var lineEnds = regexp.MustCompile(`\s*\n\s*`)

// bothEnds keeps both ends of a long statement, on one line.
func bothEnds(s string) string {
	in := []rune(lineEnds.ReplaceAllString(s, " "))
	if len(in) <= statementWidth {
		return string(in)
	}
	half := statementWidth/2 - 2
	return string(in[:half]) + " ... " + string(in[len(in)-half:])
}

// pathPart is the n-th last part of a path, "" if it has not so many.
func pathPart(path string, n int) string {
	part := strings.Split(strings.ReplaceAll(path, `\`, "/"), "/")
	if n >= len(part) {
		return ""
	}
	return part[len(part)-1-n]
}
