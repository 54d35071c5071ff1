package general

import (
	"fmt"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/jsondoc"
)

// value MEMBER OF (array), which the library lacks. JSON_CONTAINS is another question: it asks for the members of an array that is the value, and its value is a text
// of JSON, while MEMBER OF takes a text as a string.

// (value, array)

func init() {
	ownFunctions[grammar.MemberFunction] = func(*Engine) sql.Function {
		return sql.Function2{Name: grammar.MemberFunction, Fn: func(_ *sql.Context, value, array sql.Expression) sql.Expression {
			return &memberOf{expression.BinaryExpressionStub{LeftChild: value, RightChild: array}}
		}}
	}
}

// memberOf is value MEMBER OF (array).
type memberOf struct {
	expression.BinaryExpressionStub
}

var _ sql.FunctionExpression = (*memberOf)(nil)

// FunctionName implements sql.FunctionExpression.
func (m *memberOf) FunctionName() string { return grammar.MemberFunction }

// Description implements sql.FunctionExpression.
func (m *memberOf) Description() string {
	return "returns whether a value is a member of a JSON array."
}

// Type implements sql.Expression.
func (m *memberOf) Type(*sql.Context) sql.Type { return types.Boolean }

// IsNullable implements sql.Expression.
func (m *memberOf) IsNullable(*sql.Context) bool { return true }
func (m *memberOf) String() string {
	return fmt.Sprintf("%s(%s,%s)", grammar.MemberFunction, m.LeftChild, m.RightChild)
}

// WithChildren implements sql.Expression.
func (m *memberOf) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 2 {
		return nil, sql.ErrInvalidChildrenNumber.New(m, len(ch), 2)
	}
	return &memberOf{expression.BinaryExpressionStub{LeftChild: ch[0], RightChild: ch[1]}}, nil
}

// Eval implements sql.Expression. What is no array is an array of one.
func (m *memberOf) Eval(c *sql.Context, r sql.Row) (any, error) {
	v, null, err := memberValue(c, m.LeftChild, r)
	if err != nil || null {
		return nil, err
	}
	array, null, err := jsonValue(c, m.RightChild, r)
	if err != nil || null {
		return nil, err
	}
	list, ok := array.([]any)
	if !ok {
		list = []any{array}
	}
	for _, x := range list {
		if same, err := jsondoc.Equal(x, v); same || err != nil {
			return same, err
		}
	}
	return false, nil
}

// memberValue is what an expression gives, as a JSON value: a text is a string.
func memberValue(c *sql.Context, e sql.Expression, r sql.Row) (v any, null bool, err error) {
	if v, err = e.Eval(c, r); err != nil || v == nil {
		return nil, true, err
	}
	if v, err = sql.UnwrapAny(c, v); err != nil {
		return nil, false, err
	}
	switch x := v.(type) {
	case string:
		return x, false, nil
	case []byte:
		return string(x), false, nil
	}
	return plainJSON(c, v)
}

// plainJSON is a value as JSON's own types: numbers, strings, booleans, arrays, objects. A text is read.
func plainJSON(c *sql.Context, v any) (any, bool, error) {
	switch x := v.(type) {
	case string:
		v, err := jsondoc.Decode([]byte(x))
		return v, false, err
	case []byte:
		v, err := jsondoc.Decode(x)
		return v, false, err
	case *jsondoc.Lazy:
		v, err := x.ToInterface(c)
		return v, false, err
	}
	cv, _, err := types.JSON.Convert(c, v)
	if err != nil {
		return nil, false, err
	}
	w, ok := cv.(sql.JSONWrapper)
	if !ok {
		return nil, true, nil
	}
	b, err := types.JsonToMySqlBytes(c, w) // a number or date in there may have a Go type of its own
	if err != nil {
		return nil, false, err
	}
	v, err = jsondoc.Decode(b)
	return v, false, err
}
