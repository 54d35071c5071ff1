package builtin

import (
	"math"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/jsondoc"
	"github.com/zoryadb/zorya/sql/jsonpath"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// JSON_VALUE(doc, path [RETURNING type] [{NULL | ERROR | DEFAULT x} ON EMPTY] [... ON ERROR]). Its clauses are not in the library's grammar: the
// rewriter makes arguments of them.

const JSONValueFunction = "zorya_json_value" // document, path, type, what is done if there is no value, its default, and the same of an error

func init() {
	Replaced["json_value"] = sql.FunctionN{Name: "json_value", Fn: func(_ *sql.Context, args ...sql.Expression) (sql.Expression, error) {
		if len(args) != 2 {
			return nil, sql.ErrInvalidArgumentNumber.New("json_value", 2, len(args))
		}
		return &valueCall{NaryExpression: expression.NaryExpression{ChildExpressions: args}, kind: "char(512)"}, nil
	}}
	Lacking[JSONValueFunction] = sql.FunctionN{Name: JSONValueFunction, Fn: func(c *sql.Context, args ...sql.Expression) (sql.Expression, error) {
		kind := ""
		if len(args) == 7 {
			v, err := args[2].Eval(c, nil)
			if err != nil {
				return nil, err
			}
			kind, _ = v.(string)
		}
		if kind == "" {
			return nil, sql.ErrInvalidArgumentNumber.New(JSONValueFunction, 7, len(args))
		}
		return &valueCall{NaryExpression: expression.NaryExpression{ChildExpressions: args}, kind: kind}, nil
	}}
}

type valueCall struct {
	expression.NaryExpression
	kind string // the type as it is written, in small letters
	path parsedPath
}

func (v *valueCall) FunctionName() string         { return "json_value" }
func (v *valueCall) Description() string          { return "a value of a document as one of SQL" }
func (v *valueCall) IsNullable(*sql.Context) bool { return true }
func (v *valueCall) String() string {
	list := make([]string, len(v.ChildExpressions))
	for i, e := range v.ChildExpressions {
		list[i] = e.String()
	}
	name := "json_value("
	if len(list) > 2 {
		name = JSONValueFunction + "("
	}
	return name + strings.Join(list, ", ") + ")"
}

func (v *valueCall) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	return &valueCall{NaryExpression: expression.NaryExpression{ChildExpressions: ch}, kind: v.kind}, nil
}

func (v *valueCall) Type(c *sql.Context) sql.Type {
	switch {
	case strings.HasPrefix(v.kind, "signed"):
		return types.Int64
	case strings.HasPrefix(v.kind, "unsigned"):
		return types.Uint64
	case v.kind == "char":
		return types.LongText
	case strings.HasPrefix(v.kind, "char"):
		if t, err := datum.ParseType(c, "var"+v.kind); err == nil {
			return t
		}
	default:
		if t, err := datum.ParseType(c, v.kind); err == nil {
			return t
		}
	}
	return types.LongText
}

func (v *valueCall) Eval(c *sql.Context, r sql.Row) (any, error) {
	doc, null, err := JSONArgument(c, r, v.ChildExpressions[0], "json_value", 1)
	if null || err != nil {
		return nil, err
	}
	p, err := v.path.of(c, r, v.ChildExpressions[1])
	if p == nil || err != nil {
		return nil, err
	}
	var found []any
	p.Find(doc, func(_ *jsonpath.Place, x any) bool {
		found = append(found, x)
		return len(found) < 2
	})
	switch {
	case len(found) == 0:
		return v.instead(c, r, 3, mysqlerr.New(mysqlerr.ER_MISSING_JSON_VALUE, "json_value"))
	case len(found) > 1:
		return v.instead(c, r, 5, mysqlerr.New(mysqlerr.ER_MULTIPLE_JSON_VALUES, "json_value"))
	case found[0] == nil && v.kind != "json":
		return nil, nil
	}
	out, err := v.convert(c, found[0])
	if err != nil {
		return v.instead(c, r, 5, err)
	}
	return out, nil
}

// instead is what a clause wants for a value that there is not; its action is argument i.
func (v *valueCall) instead(c *sql.Context, r sql.Row, i int, wrong error) (any, error) {
	if len(v.ChildExpressions) <= i {
		return nil, nil
	}
	action, _, err := TextArgument(c, r, v.ChildExpressions[i])
	switch {
	case err != nil:
		return nil, err
	case action == "error":
		return nil, wrong
	case action == "null" || action == "":
		return nil, nil
	}
	x, err := v.ChildExpressions[i+1].Eval(c, r)
	if err != nil || x == nil {
		return nil, err
	}
	return v.convert(c, x)
}

// convert makes SQL's value of one of JSON. What does not fit is an error.
func (v *valueCall) convert(c *sql.Context, x any) (any, error) {
	t := v.Type(c)
	wrong := func() error {
		name, _, _ := strings.Cut(strings.ToUpper(v.kind), "(")
		if types.IsInteger(t) {
			name = "INTEGER"
		}
		return mysqlerr.New(mysqlerr.ER_INVALID_JSON_VALUE_FOR_CAST, name, "json_value", 1)
	}
	if v.kind == "json" {
		return jsondoc.Wrap(x), nil
	}
	switch y := x.(type) {
	case []any, map[string]any:
		return nil, wrong()
	case jsondoc.Temporal:
		x = y.Text
	case jsondoc.Opaque:
		x = y.Text()
	case bool:
		if !types.IsText(t) {
			x = int64(0)
			if y {
				x = int64(1)
			}
		} else if x = "false"; y {
			x = "true"
		}
	case float64:
		if types.IsText(t) || y == math.Trunc(y) && math.Abs(y) < 1<<53 {
			s, err := types.JsonToMySqlString(c, types.JSONDocument{Val: y})
			if err != nil {
				return nil, err
			}
			x = s
		} else if types.IsInteger(t) {
			x = math.RoundToEven(y)
		}
	}
	out, inRange, err := datum.Ordered(t).Convert(c, x)
	if err != nil {
		return nil, wrong()
	}
	if inRange != sql.InRange {
		name, _, _ := strings.Cut(strings.ToUpper(v.kind), "(")
		return nil, mysqlerr.New(mysqlerr.ER_NUMERIC_JSON_VALUE_OUT_OF_RANGE, name, "json_value", 1)
	}
	return out, nil
}
