package item

import (
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"

	"github.com/zoryadb/zorya/sql/datum"
)

// lookupKey is a value that a row of an indexed table is looked up by with =, as the type of the indexed column. What that type cannot hold is
// NULL, which finds nothing; to the library it is an error.
type lookupKey struct {
	expression.UnaryExpressionStub
	to sql.Type
}

// NewLookupKey returns e itself if it has the type already.
func NewLookupKey(c *sql.Context, e sql.Expression, to sql.Type) sql.Expression {
	if _, done := e.(*lookupKey); done || to.Equals(e.Type(c)) {
		return e
	}
	return &lookupKey{expression.UnaryExpressionStub{Child: e}, to}
}

// Key is the expression whose value e is looked up with.
func Key(e sql.Expression) sql.Expression {
	if k, ok := e.(*lookupKey); ok {
		return k.Child
	}
	return e
}

func (k *lookupKey) Type(*sql.Context) sql.Type   { return k.to }
func (k *lookupKey) IsNullable(*sql.Context) bool { return true }
func (k *lookupKey) String() string               { return k.Child.String() }
func (k *lookupKey) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(k, len(ch), 1)
	}
	return &lookupKey{expression.UnaryExpressionStub{Child: ch[0]}, k.to}, nil
}

func (k *lookupKey) Eval(c *sql.Context, r sql.Row) (any, error) {
	v, err := k.Child.Eval(c, r)
	if err != nil || v == nil {
		return nil, err
	}
	if v, err = sql.UnwrapAny(c, v); err != nil {
		return nil, err
	}
	out, in, err := datum.Ordered(k.to).Convert(c, v)
	if err != nil || in != sql.InRange {
		return nil, nil
	}
	return out, nil
}
