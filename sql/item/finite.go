package item

import (
	"math"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// finite is EXP or POW, whose results may be too large for a DOUBLE: 1690.
type finite struct {
	function
	name string
}

func newFinite(c *sql.Context, env *Env, name, shown string, list []sql.Expression) *finite {
	x := &finite{name: strings.TrimSuffix(name, "er")} // POWER is POW
	x.function = newFunction(c, env, shown, list, func(c *sql.Context, ch []sql.Expression) sql.Expression {
		return newFinite(c, env, name, shown, ch)
	})
	x.become(Attr{Kind: Real, Dec: notFixed})
	x.nulls = true
	return x
}

func (x *finite) Eval(c *sql.Context, r sql.Row) (any, error) {
	var v [2]float64
	none := false
	for i := range x.args {
		f, null, err := x.args[i].float(c, r)
		if err != nil {
			return nil, err
		}
		none = none || null
		v[i] = f
	}
	if none {
		return nil, nil
	}
	f := 0.0
	switch x.name {
	case "exp":
		f = math.Exp(v[0])
	case "cot":
		f = 1 / math.Tan(v[0])
	default:
		f = math.Pow(v[0], v[1])
	}
	if math.IsInf(f, 0) || math.IsNaN(f) {
		text := make([]string, len(x.args))
		for i := range x.args {
			text[i] = Text(x.args[i].Expression)
		}
		return nil, mysqlerr.New(mysqlerr.ER_DATA_OUT_OF_RANGE, "DOUBLE", x.name+"("+strings.Join(text, ",")+")")
	}
	return f, nil
}
