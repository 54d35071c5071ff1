package item

import (
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/temporal"
)

// joinKey is one side of an equality as what a hash table finds it by: values that the equality takes for equal have the same, others may.
type joinKey struct {
	expression.UnaryExpressionStub
	arg arg
	k   comparator
}

// JoinKeys are the keys of both sides of an equality whose values are compared as numbers, texts or moments; ok is false for another condition, and where the
// library's equality hashes its sides itself.
func JoinKeys(c *sql.Context, e sql.Expression) (left, right sql.Expression, ok bool) {
	x, ok := Plain(e).(*comparison)
	if !ok || x.op != "=" || len(x.l) != 1 || x.ways[0].year {
		return nil, nil, false
	}
	switch x.ways[0].way {
	case asInt, asDecimal, asReal, asText, asMoment:
		return newJoinKey(x.l[0], x.ways[0]), newJoinKey(x.r[0], x.ways[0]), true
	}
	return nil, nil, false
}

// IntegerKeys are the keys of two integers of which one is unsigned, whose equality is the library's.
func IntegerKeys(c *sql.Context, left, right sql.Expression) (_, _ sql.Expression, ok bool) {
	l, r := newArg(c, &Env{}, left), newArg(c, &Env{}, right)
	if l.Kind != Int || r.Kind != Int || l.Unsigned == r.Unsigned {
		return nil, nil, false
	}
	k := comparator{way: asInt}
	return newJoinKey(l, k), newJoinKey(r, k), true
}

func newJoinKey(a arg, k comparator) *joinKey {
	return &joinKey{expression.UnaryExpressionStub{Child: a.Expression}, a, k}
}

func (j *joinKey) Type(*sql.Context) sql.Type {
	switch j.k.way {
	case asText:
		return types.LongBlob
	case asMoment:
		return types.Int64
	}
	return types.Float64
}

func (j *joinKey) String() string { return j.Child.String() }

func (j *joinKey) CollationCoercibility(*sql.Context) (sql.CollationID, byte) {
	return sql.Collation_binary, 2
}

func (j *joinKey) WithChildren(c *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(j, len(ch), 1)
	}
	return newJoinKey(newArg(c, j.arg.env, ch[0]), j.k), nil
}

func (j *joinKey) Eval(c *sql.Context, r sql.Row) (any, error) {
	v, err := j.arg.value(c, r)
	if err != nil || v == nil {
		return nil, err
	}
	switch j.k.way {
	case asText:
		s, err := j.arg.toText(c, v)
		if err != nil || j.k.coll == nil {
			return []byte(s), err
		}
		return j.k.coll.AppendWeights(nil, []byte(s)), nil
	case asMoment:
		t, ok, err := j.arg.comparedMoment(c, v)
		if err != nil || !ok {
			return nil, err
		}
		return temporal.OfHeld(t).Packed(), nil
	}
	f, err := j.arg.toFloat(c, v)
	return f + 0, err // -0 is 0
}
