package builtin

import (
	"strings"
	"sync/atomic"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/xpath"
)

// xmlCall is EXTRACTVALUE(xml, path) or UPDATEXML(xml, path, with).
type xmlCall struct {
	expression.NaryExpression
	name string
	last *atomic.Pointer[readPath] // shared by the copies of a plan
}

// readPath is the path that was read last, and its text.
type readPath struct {
	text  string
	query *xpath.Query
}

func init() {
	for name, n := range map[string]int{"extractvalue": 2, "updatexml": 3} {
		Lacking[name] = sql.FunctionN{Name: name, Fn: func(_ *sql.Context, args ...sql.Expression) (sql.Expression, error) {
			if len(args) != n {
				return nil, sql.ErrInvalidArgumentNumber.New(name, n, len(args))
			}
			return &xmlCall{expression.NaryExpression{ChildExpressions: args}, name, new(atomic.Pointer[readPath])}, nil
		}}
	}
}

var _ sql.FunctionExpression = (*xmlCall)(nil)
var _ sql.CollationCoercible = (*xmlCall)(nil)

func (x *xmlCall) FunctionName() string         { return x.name }
func (x *xmlCall) Description() string          { return "reads or changes what a path finds in an XML text" }
func (x *xmlCall) IsNullable(*sql.Context) bool { return true }
func (x *xmlCall) Type(*sql.Context) sql.Type   { return types.LongText }
func (x *xmlCall) String() string               { return callText(x.name, x.ChildExpressions) }

func (x *xmlCall) CollationCoercibility(c *sql.Context) (sql.CollationID, byte) {
	return sql.GetCoercibility(c, x.ChildExpressions[0])
}

func (x *xmlCall) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	n := *x
	n.ChildExpressions = ch
	return &n, nil
}

func (x *xmlCall) Eval(c *sql.Context, r sql.Row) (any, error) {
	args := make([]string, len(x.ChildExpressions))
	null := false
	for i, e := range x.ChildExpressions {
		v, err := e.Eval(c, r)
		if err != nil {
			return nil, err
		}
		if v == nil {
			null = true
			continue
		}
		if args[i], err = textValue(c, v); err != nil {
			return nil, err
		}
		if i == 1 {
			if _, err := x.path(args[1]); err != nil {
				return nil, err
			}
		}
	}
	if null {
		return nil, nil
	}
	query, err := x.path(args[1])
	if err != nil {
		return nil, err
	}
	document, err := xpath.Read(args[0])
	if err != nil {
		c.Warn(int(mysqlerr.ER_WRONG_VALUE), "%s", mysqlerr.New(mysqlerr.ER_WRONG_VALUE, "XML", err.Error()).Message)
		return nil, nil
	}
	collation, _ := x.CollationCoercibility(c)
	env := xmlEnv{c, collation}
	var out string
	var ok bool
	if x.name == "extractvalue" {
		out, ok = query.Extract(document, env)
	} else {
		out, ok = query.Replace(document, env, args[2])
	}
	if !ok {
		return nil, nil
	}
	return out, nil
}

// path reads a path, if it is another than last time.
func (x *xmlCall) path(text string) (*xpath.Query, error) {
	if last := x.last.Load(); last != nil && last.text == text {
		return last.query, nil
	}
	if !constantPath(x.ChildExpressions[1]) {
		return nil, mysqlerr.NewMessage(mysqlerr.ER_UNKNOWN_ERROR, "Only constant XPATH queries are supported")
	}
	q, err := xpath.Parse(text)
	if err != nil {
		return nil, mysqlerr.NewMessage(mysqlerr.ER_UNKNOWN_ERROR, "%s", err.Error())
	}
	x.last.Store(&readPath{text, q})
	return q, nil
}

// constantPath tells whether an expression is the same for every row.
func constantPath(e sql.Expression) bool {
	for _, child := range e.Children() {
		if !constantPath(child) {
			return false
		}
	}
	_, column := e.(*expression.GetField)
	return !column
}

// xmlEnv is what paths ask of their session.
type xmlEnv struct {
	c         *sql.Context
	collation sql.CollationID
}

func (e xmlEnv) Compare(a, b string) int {
	n, err := types.MustCreateString(types.LongText.Type(), types.LongText.Length(), e.collation).Compare(e.c, a, b)
	if err != nil { // of two texts it gives none
		return strings.Compare(a, b)
	}
	return n
}

func (e xmlEnv) Index(text, part string) int {
	if strings.HasSuffix(e.collation.Name(), "_ci") {
		text, part = strings.ToLower(text), strings.ToLower(part)
	}
	return strings.Index(text, part)
}

func (e xmlEnv) Variable(name string) any {
	_, v, err := e.c.GetUserVariable(e.c, name)
	if err != nil || v == nil {
		return nil
	}
	if n, ok := datum.Integer(v); ok {
		return n
	}
	if f, ok := v.(float64); ok {
		return f
	}
	text, err := textValue(e.c, v)
	if err != nil {
		return nil
	}
	return text
}
