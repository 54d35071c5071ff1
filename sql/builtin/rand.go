package builtin

import (
	"math/rand/v2"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"
)

func init() {
	Lacking["rand"] = sql.FunctionN{Name: "rand", Fn: func(_ *sql.Context, args ...sql.Expression) (sql.Expression, error) {
		if len(args) > 1 {
			return nil, sql.ErrInvalidArgumentNumber.New("rand", "0 or 1", len(args))
		}
		return &Random{NaryExpression: expression.NaryExpression{ChildExpressions: args}, seeded: new(seeded)}, nil
	}}
}

// Random is RAND(): a number of [0, 1). RAND(n) has MySQL's own generator, since applications count on its numbers: a constant n begins one sequence a
// statement, another begins one for each row.
type Random struct {
	expression.NaryExpression
	seeded *seeded
}

// seeded is where a sequence is, and in which execution of the statement it began.
type seeded struct {
	of any
	g  generator
}

var (
	_ sql.FunctionExpression         = (*Random)(nil) // else a CHECK may have it
	_ sql.NonDeterministicExpression = (*Random)(nil)
)

func (f *Random) FunctionName() string         { return "rand" }
func (f *Random) Description() string          { return "a random number" }
func (f *Random) Type(*sql.Context) sql.Type   { return types.Float64 }
func (f *Random) IsNullable(*sql.Context) bool { return false }
func (f *Random) IsNonDeterministic() bool     { return true }

func (f *Random) String() string {
	if len(f.ChildExpressions) == 0 {
		return "rand()"
	}
	return "rand(" + f.ChildExpressions[0].String() + ")"
}

func (f *Random) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != len(f.ChildExpressions) {
		return nil, sql.ErrInvalidChildrenNumber.New(f, len(ch), len(f.ChildExpressions))
	}
	return &Random{expression.NaryExpression{ChildExpressions: ch}, f.seeded}, nil
}

// Eval implements sql.Expression.
func (f *Random) Eval(c *sql.Context, r sql.Row) (any, error) {
	if len(f.ChildExpressions) == 0 {
		return rand.Float64(), nil
	}
	var x any
	if s, ok := c.Session.(Session); ok {
		x = s.Execution()
	}
	if _, constant := f.ChildExpressions[0].(*expression.Literal); constant && x != nil && f.seeded.of == x {
		return f.seeded.g.next(), nil
	}
	v, err := f.ChildExpressions[0].Eval(c, r)
	if err != nil {
		return nil, err
	}
	var seed int64
	if v != nil {
		if seed, err = integerOf(c, v); err != nil {
			return nil, err
		}
	}
	f.seeded.of, f.seeded.g = x, newGenerator(uint32(seed))
	return f.seeded.g.next(), nil
}

// generator is MySQL's my_rnd: two linear congruences modulo 2^30 - 1.
type generator struct{ a, b uint64 }

const randomModulus = 1<<30 - 1

func newGenerator(seed uint32) generator {
	return generator{uint64(uint32(uint64(seed)*0x10001+55555555)) % randomModulus, uint64(uint32(uint64(seed)*0x10000001)) % randomModulus}
}

func (g *generator) next() float64 {
	g.a = (g.a*3 + g.b) % randomModulus
	g.b = (g.a + g.b + 33) % randomModulus
	return float64(g.a) / randomModulus
}
