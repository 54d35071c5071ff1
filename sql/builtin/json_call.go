package builtin

import (
	"math"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/expression/function/aggregation"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"

	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/jsondoc"
	"github.com/zoryadb/zorya/sql/jsonpath"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// JSON functions that make documents, change them or tell something of them. The library's read texts into numbers of 53 bits, know no wildcards to refuse and take the last element,
// ranges and scalars otherwise than MySQL.

// jsonCall is a call of one of them.
type jsonCall struct {
	expression.NaryExpression
	*jsonFunction
	paths []parsedPath // those of the arguments that are paths
}

type jsonFunction struct {
	name  string
	least int // arguments
	most  int // -1: any number
	odd   int // what remains of the number of arguments by two: 1, 2 for none, or 0 for any
	of    sql.Type
	eval  func(c *sql.Context, r sql.Row, j *jsonCall) (any, error)
}

// jsonCalls are these functions.
func jsonCalls() []sql.Function {
	var list []sql.Function
	for _, f := range []*jsonFunction{
		{"json_set", 3, -1, 1, types.JSON, changed(jsonpath.Set)},
		{"json_insert", 3, -1, 1, types.JSON, changed(jsonpath.Insert)},
		{"json_replace", 3, -1, 1, types.JSON, changed(jsonpath.Replace)},
		{"json_array_append", 3, -1, 1, types.JSON, changed(jsonpath.ArrayAppend)},
		{"json_array_insert", 3, -1, 1, types.JSON, changed(jsonpath.ArrayInsert)},
		{"json_remove", 2, -1, 0, types.JSON, jsonRemove},
		{"json_array", 0, -1, 0, types.JSON, jsonArray},
		{"json_object", 0, -1, 2, types.JSON, jsonObject},
		{"json_merge_patch", 2, -1, 0, types.JSON, merging(jsondoc.MergePatch)},
		{"json_merge_preserve", 2, -1, 0, types.JSON, merging(jsondoc.MergePreserve)},
		{"json_merge", 2, -1, 0, types.JSON, merging(jsondoc.MergePreserve)},
		{"json_contains", 2, 3, 0, types.Boolean, jsonContains},
		{"json_overlaps", 2, 2, 0, types.Boolean, jsonOverlaps},
		{"json_length", 1, 2, 0, types.Int64, measuring(func(doc any) any { return jsonLength(doc) })},
		{"json_keys", 1, 2, 0, types.JSON, measuring(jsonKeys)},
		{"json_depth", 1, 1, 0, types.Int64, measuring(func(doc any) any { return jsonDepth(doc) })},
		{"json_type", 1, 1, 0, types.LongText, measuring(func(doc any) any { return jsondoc.Type(doc) })},
		{"json_pretty", 1, 1, 0, types.LongText, jsonPretty},
		{"json_valid", 1, 1, 0, types.Boolean, jsonValid},
	} {
		list = append(list, sql.FunctionN{Name: f.name, Fn: f.call})
	}
	return list
}

func (f *jsonFunction) call(_ *sql.Context, args ...sql.Expression) (sql.Expression, error) {
	if n := len(args); n < f.least || f.most >= 0 && n > f.most || f.odd > 0 && n%2 != f.odd%2 {
		return nil, sql.ErrInvalidArgumentNumber.New(f.name, f.least, n)
	}
	return &jsonCall{expression.NaryExpression{ChildExpressions: args}, f, make([]parsedPath, len(args))}, nil
}

var _ sql.FunctionExpression = (*jsonCall)(nil)
var _ sql.CollationCoercible = (*jsonCall)(nil)

func (j *jsonCall) FunctionName() string       { return j.name }
func (j *jsonCall) Description() string        { return "a function of JSON documents" }
func (j *jsonCall) Type(*sql.Context) sql.Type { return j.of }
func (j *jsonCall) IsNullable(*sql.Context) bool {
	return j.name != "json_array" && j.name != "json_object"
}
func (j *jsonCall) String() string {
	list := make([]string, len(j.ChildExpressions))
	for i, e := range j.ChildExpressions {
		list[i] = e.String()
	}
	return j.name + "(" + strings.Join(list, ",") + ")"
}

func (j *jsonCall) CollationCoercibility(c *sql.Context) (sql.CollationID, byte) {
	if j.of == types.LongText {
		return sql.Collation_utf8mb4_bin, 4
	}
	return c.GetCharacterSet().BinaryCollation(), 2
}

func (j *jsonCall) WithChildren(c *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	return j.call(c, ch...)
}

func (j *jsonCall) Eval(c *sql.Context, r sql.Row) (any, error) { return j.eval(c, r, j) }

// doc is the document that argument i is.
func (j *jsonCall) doc(c *sql.Context, r sql.Row, i int) (doc any, null bool, err error) {
	return JSONArgument(c, r, j.ChildExpressions[i], j.name, i+1)
}

// path is the path that argument i is, which may have no wildcards; nil: NULL.
func (j *jsonCall) path(c *sql.Context, r sql.Row, i int) (*jsonpath.Path, error) {
	return j.paths[i].single(c, r, j.ChildExpressions[i])
}

// jsonMember is what an expression gives as a value of a document: a text is a string.
func jsonMember(c *sql.Context, r sql.Row, e sql.Expression) (any, error) {
	v, err := e.Eval(c, r)
	if err != nil || v == nil {
		return nil, err
	}
	if v, err = sql.UnwrapAny(c, v); err != nil {
		return nil, err
	}
	switch x := v.(type) {
	case jsondoc.Double, jsondoc.Temporal, jsondoc.Opaque:
	case time.Time, types.Timespan:
		return item.InDocument(c, e, v), nil
	case sql.JSONWrapper:
		return x.ToInterface(c)
	case []byte:
		return bytesMember(c, e, x), nil
	case float64:
		return jsondoc.Real(x), nil
	case int64:
		return jsondoc.Integer(x), nil
	}
	return v, nil
}

// bytesMember is bytes as a value of a document: what is of no character set is opaque.
func bytesMember(c *sql.Context, e sql.Expression, b []byte) any {
	t := e.Type(c)
	st, ok := t.(sql.StringType)
	if !ok || st.Collation() != sql.Collation_binary {
		return string(b)
	}
	field := uint8(jsondoc.FieldVarchar)
	if _, column := e.(*expression.GetField); column {
		switch {
		case t.Type() == sqltypes.Binary:
			field = jsondoc.FieldString
		case t.Type() != sqltypes.Blob:
		case st.MaxByteLength() <= math.MaxUint8:
			field = jsondoc.FieldTinyBlob
		case st.MaxByteLength() <= math.MaxUint16:
			field = jsondoc.FieldBlob
		case st.MaxByteLength() <= 1<<24-1:
			field = jsondoc.FieldMediumBlob
		default:
			field = jsondoc.FieldLongBlob
		}
	}
	return jsondoc.Opaque{Field: field, Bytes: string(b)}
}

func changed(how jsonpath.Change) func(*sql.Context, sql.Row, *jsonCall) (any, error) {
	return func(c *sql.Context, r sql.Row, j *jsonCall) (any, error) {
		doc, null, err := j.doc(c, r, 0)
		if err != nil {
			return nil, err
		}
		for i := 1; i < len(j.ChildExpressions); i += 2 {
			p, err := j.path(c, r, i)
			if err != nil {
				return nil, err
			}
			if null = null || p == nil; null {
				continue // later paths may be wrong
			}
			if how == jsonpath.ArrayInsert && !p.EndsInCell() {
				return nil, mysqlerr.New(mysqlerr.ER_INVALID_JSON_PATH_ARRAY_CELL)
			}
			v, err := jsonMember(c, r, j.ChildExpressions[i+1])
			if err != nil {
				return nil, err
			}
			doc = p.Change(doc, how, v)
		}
		if null {
			return nil, nil
		}
		return grown(doc)
	}
}

// grown is a document that was made, which must not be too deep.
func grown(doc any) (any, error) {
	if Deeper(doc, MaxJSONDepth) {
		return nil, mysqlerr.New(mysqlerr.ER_JSON_DOCUMENT_TOO_DEEP)
	}
	return jsondoc.Wrap(doc), nil
}

func jsonRemove(c *sql.Context, r sql.Row, j *jsonCall) (any, error) {
	doc, null, err := j.doc(c, r, 0)
	if err != nil {
		return nil, err
	}
	for i := 1; i < len(j.ChildExpressions); i++ {
		p, err := j.path(c, r, i)
		if err != nil {
			return nil, err
		}
		if p != nil && p.Whole() {
			return nil, mysqlerr.New(mysqlerr.ER_JSON_VACUOUS_PATH)
		}
		if null = null || p == nil; !null {
			doc = p.Change(doc, jsonpath.Remove, nil)
		}
	}
	if null {
		return nil, nil
	}
	return jsondoc.Wrap(doc), nil
}

func jsonArray(c *sql.Context, r sql.Row, j *jsonCall) (any, error) {
	list := make([]any, len(j.ChildExpressions))
	for i, e := range j.ChildExpressions {
		var err error
		if list[i], err = jsonMember(c, r, e); err != nil {
			return nil, err
		}
	}
	return grown(list)
}

// jsonObject is JSON_OBJECT, which refuses NULL for a name. The last of equal names counts.
func jsonObject(c *sql.Context, r sql.Row, j *jsonCall) (any, error) {
	o := make(map[string]any, len(j.ChildExpressions)/2)
	for i := 0; i < len(j.ChildExpressions); i += 2 {
		name, null, err := TextArgument(c, r, j.ChildExpressions[i])
		if err != nil {
			return nil, err
		}
		if null {
			return nil, mysqlerr.New(mysqlerr.ER_JSON_DOCUMENT_NULL_KEY)
		}
		if o[name], err = jsonMember(c, r, j.ChildExpressions[i+1]); err != nil {
			return nil, err
		}
	}
	return grown(o)
}

func jsonContains(c *sql.Context, r sql.Row, j *jsonCall) (any, error) {
	target, null, err := j.doc(c, r, 0)
	if err != nil || null {
		return nil, err
	}
	candidate, none, err := j.doc(c, r, 1)
	if err != nil {
		return nil, err
	}
	if len(j.ChildExpressions) > 2 {
		p, err := j.path(c, r, 2)
		if err != nil || p == nil || null || none {
			return nil, err
		}
		if target, null = p.One(target); !null {
			return nil, nil
		}
		null = false
	}
	if null || none {
		return nil, nil
	}
	return jsondoc.Contains(target, candidate)
}

func jsonOverlaps(c *sql.Context, r sql.Row, j *jsonCall) (any, error) {
	a, null, err := j.doc(c, r, 0)
	if err != nil {
		return nil, err
	}
	b, none, err := j.doc(c, r, 1)
	if err != nil || null || none {
		return nil, err
	}
	return jsondoc.Overlaps(a, b)
}

// measuring is a function of a document or, where there is a path, of what is there.
func measuring(of func(doc any) any) func(*sql.Context, sql.Row, *jsonCall) (any, error) {
	return func(c *sql.Context, r sql.Row, j *jsonCall) (any, error) {
		doc, null, err := j.doc(c, r, 0)
		if err != nil {
			return nil, err
		}
		if len(j.ChildExpressions) > 1 {
			p, err := j.path(c, r, 1)
			if p == nil || err != nil || null {
				return nil, err
			}
			found := false
			if doc, found = p.One(doc); !found {
				return nil, nil
			}
		}
		if null {
			return nil, nil
		}
		return of(doc), nil
	}
}

func jsonLength(doc any) int64 {
	switch v := doc.(type) {
	case []any:
		return int64(len(v))
	case map[string]any:
		return int64(len(v))
	}
	return 1
}

func jsonDepth(doc any) int64 {
	deepest := int64(0)
	switch v := doc.(type) {
	case []any:
		for _, x := range v {
			deepest = max(deepest, jsonDepth(x))
		}
	case map[string]any:
		for _, x := range v {
			deepest = max(deepest, jsonDepth(x))
		}
	}
	return deepest + 1
}

func jsonKeys(doc any) any {
	o, ok := doc.(map[string]any)
	if !ok {
		return nil
	}
	names := make([]any, 0, len(o))
	for _, name := range jsonpath.Names(o) {
		names = append(names, name)
	}
	return types.JSONDocument{Val: names}
}

func jsonPretty(c *sql.Context, r sql.Row, j *jsonCall) (any, error) {
	doc, null, err := j.doc(c, r, 0)
	if null || err != nil {
		return nil, err
	}
	var b strings.Builder
	err = pretty(&b, doc, "\n")
	return b.String(), err
}

// pretty writes a value whose lines begin with indent.
func pretty(b *strings.Builder, v any, indent string) error {
	list, array := v.([]any)
	o, object := v.(map[string]any)
	if len(list) == 0 && len(o) == 0 {
		text, err := jsondoc.Text(v)
		b.WriteString(text)
		return err
	}
	begin := func(i int) {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(indent + "  ")
	}
	if array {
		b.WriteByte('[')
		for i, x := range list {
			begin(i)
			if err := pretty(b, x, indent+"  "); err != nil {
				return err
			}
		}
		b.WriteString(indent + "]")
	}
	if object {
		b.WriteByte('{')
		for i, name := range jsonpath.Names(o) {
			begin(i)
			text, err := jsondoc.Text(name)
			if err != nil {
				return err
			}
			b.WriteString(text + ": ")
			if err := pretty(b, o[name], indent+"  "); err != nil {
				return err
			}
		}
		b.WriteString(indent + "}")
	}
	return nil
}

// jsonValid is JSON_VALID. What is no text is no document.
func jsonValid(c *sql.Context, r sql.Row, j *jsonCall) (any, error) {
	v, err := j.ChildExpressions[0].Eval(c, r)
	if err != nil || v == nil {
		return nil, err
	}
	if v, err = sql.UnwrapAny(c, v); err != nil {
		return nil, err
	}
	switch x := v.(type) {
	case sql.JSONWrapper:
		return true, nil
	case string:
		_, err = decodeJSON(x, j.name, 1)
		return err == nil, nil
	}
	return false, nil
}

// merging is a function of two documents or more, from the left to the right; NULL if one is NULL, unless fold has its own rule.
func merging(fold func(a, b any) any) func(*sql.Context, sql.Row, *jsonCall) (any, error) {
	return func(c *sql.Context, r sql.Row, j *jsonCall) (any, error) {
		doc, null, err := j.doc(c, r, 0)
		if err != nil {
			return nil, err
		}
		for i := 1; i < len(j.ChildExpressions); i++ {
			x, none, err := j.doc(c, r, i)
			if err != nil {
				return nil, err
			}
			_, object := x.(map[string]any)
			switch {
			case none:
				null = true
			case null && j.name == "json_merge_patch" && !object: // whatever it is patched with, this is the result
				doc, null = x, false
			case !null:
				doc = fold(doc, x)
			}
		}
		if null {
			return nil, nil
		}
		return grown(doc)
	}
}

// JSONCast is CAST(x AS JSON): a text is read, anything else is a value.
type JSONCast struct {
	expression.UnaryExpressionStub
}

// FunctionName is what warnings call the cast.
func (j *JSONCast) FunctionName() string { return "cast_as_json" }

func (j *JSONCast) Type(*sql.Context) sql.Type   { return types.JSON }
func (j *JSONCast) IsNullable(*sql.Context) bool { return true }
func (j *JSONCast) String() string               { return "cast(" + j.Child.String() + " as json)" }
func (j *JSONCast) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(j, len(ch), 1)
	}
	return &JSONCast{expression.UnaryExpressionStub{Child: ch[0]}}, nil
}

func (j *JSONCast) Eval(c *sql.Context, r sql.Row) (any, error) {
	if types.IsText(j.Child.Type(c)) {
		doc, null, err := JSONArgument(c, r, j.Child, "cast_as_json", 1)
		if null || err != nil {
			return nil, err
		}
		return jsondoc.Wrap(doc), nil
	}
	v, err := j.Child.Eval(c, r)
	if err != nil || v == nil {
		return nil, err
	}
	v, err = jsonMember(c, r, expression.NewLiteral(v, j.Child.Type(c)))
	return jsondoc.Wrap(v), err
}

// ArrayAgg is JSON_ARRAYAGG: NULL of no rows.
type ArrayAgg struct{ *aggregation.JsonArray }

var _ sql.Aggregation = (*ArrayAgg)(nil)

func (a *ArrayAgg) IsNullable(*sql.Context) bool { return true }

func (a *ArrayAgg) WithChildren(c *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	e, err := a.JsonArray.WithChildren(c, ch...)
	if err != nil {
		return nil, err
	}
	return &ArrayAgg{e.(*aggregation.JsonArray)}, nil
}

// NewBuffer implements sql.Aggregation.
func (a *ArrayAgg) NewBuffer(*sql.Context) (sql.AggregationBuffer, error) {
	return &arrayBuffer{of: a.Child}, nil
}

type arrayBuffer struct {
	of   sql.Expression
	list []any
}

func (b *arrayBuffer) Dispose(*sql.Context) {}

func (b *arrayBuffer) Update(c *sql.Context, r sql.Row) error {
	v, err := jsonMember(c, r, b.of)
	if err == nil {
		b.list = append(b.list, v)
	}
	return err
}

func (b *arrayBuffer) Eval(*sql.Context) (any, error) {
	if b.list == nil {
		return nil, nil
	}
	return grown(b.list)
}
