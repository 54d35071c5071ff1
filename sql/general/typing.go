package general

import (
	"strconv"
	"strings"

	"github.com/cockroachdb/apd/v3"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/expression/function"
	"github.com/dolthub/go-mysql-server/sql/expression/function/aggregation"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"

	"github.com/zoryadb/zorya/sql/builtin"
	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/exact"
	"github.com/zoryadb/zorya/sql/windows"
)

// The library calls SUM and AVG floating point, whatever they add up, and does not keep the number of decimals of exact
// expressions. MySQL's rules for them are applied to the columns of a result here, so that 944.10 does not become 944.1.

// exactType is DECIMAL in a result: it shows at least scale decimals.
type exactType struct {
	sql.DecimalType
	scale int
}

func newExactType(scale int) sql.Type {
	scale = min(max(scale, 0), types.DecimalTypeMaxScale)
	return exactType{types.MustCreateDecimalType(types.DecimalTypeMaxPrecision, uint8(scale)), scale}
}

func (t exactType) SQL(ctx *sql.Context, dest []byte, v any) (sqltypes.Value, error) {
	switch v := v.(type) {
	case *apd.Decimal:
		if int(-v.Exponent) < t.scale {
			r, err := sql.DecimalRound(v, int32(t.scale))
			if err == nil {
				v = r
			}
		}
		return sqltypes.MakeTrusted(sqltypes.Decimal, v.Append(dest, 'f')), nil
	case float64:
		return sqltypes.MakeTrusted(sqltypes.Decimal, strconv.AppendFloat(dest, v, 'f', t.scale, 64)), nil
	}
	return t.DecimalType.SQL(ctx, dest, v)
}

// exactColumns finds the result columns that are exact numbers by MySQL's rules though the library says otherwise.
func exactColumns(c *sql.Context, node sql.Node, schema sql.Schema) sql.Schema {
	wanted := false
	for _, col := range schema {
		wanted = wanted || inexact(col.Type) || col.Type == types.DatetimeMaxPrecision
	}
	if !wanted {
		return schema
	}
	s := &scales{c: c, named: map[string]sql.Expression{}}
	s.collect(node)
	exprs := projections(node)
	out := append(sql.Schema(nil), schema...)
	for i, col := range schema {
		if !inexact(col.Type) && col.Type != types.DatetimeMaxPrecision {
			continue
		}
		var x sql.Expression
		if i < len(exprs) {
			x = exprs[i]
		} else {
			x = s.named[strings.ToLower(col.Name)]
		}
		if x == nil {
			continue
		}
		if col.Type == types.DatetimeMaxPrecision {
			if p, ok := s.fraction(x, 0); ok && p < types.MaxDatetimePrecision {
				n := *col
				n.Type = types.MustCreateDatetimeType(sqltypes.Datetime, p)
				out[i] = &n
			}
			continue
		}
		if scale, ok := s.of(x, 0); ok {
			n := *col
			n.Type = newExactType(scale)
			out[i] = &n
		}
	}
	return out
}

// inexact types are those whose values may be exact after all.
func inexact(t sql.Type) bool { return t == types.Float64 || types.IsDecimal(t) }

// projections are the expressions of the node that makes the result's columns.
func projections(n sql.Node) []sql.Expression {
	for n != nil {
		if p, ok := n.(sql.Projector); ok {
			return p.ProjectedExprs()
		}
		ch := n.Children()
		if len(ch) != 1 {
			return nil
		}
		n = ch[0]
	}
	return nil
}

// scales computes numbers of decimals. named finds the expression behind a column of an inner result, by its name and by that of its derived table too.
type scales struct {
	c     *sql.Context
	named map[string]sql.Expression
}

// behind is the expression that a column stands for, nil if it is not known.
func (s *scales) behind(f *expression.GetField) sql.Expression {
	name := strings.ToLower(f.Name())
	if x := s.named[strings.ToLower(f.Table())+"."+name]; x != nil && f.Table() != "" && x != f {
		return x
	}
	if x := s.named[name]; x != f {
		return x
	}
	return nil
}

func (s *scales) collect(n sql.Node) {
	transform.InspectWithOpaque(s.c, n, func(_ *sql.Context, n sql.Node) bool {
		if q, ok := n.(*plan.SubqueryAlias); ok {
			for _, x := range projections(q.Child) {
				if a, ok := x.(*expression.Alias); ok {
					s.named[strings.ToLower(q.Name())+"."+strings.ToLower(a.Name())] = a.Child
				} else if f, ok := x.(*expression.GetField); ok {
					s.named[strings.ToLower(q.Name())+"."+strings.ToLower(f.Name())] = f
				}
			}
		}
		if p, ok := n.(sql.Projector); ok {
			for _, x := range p.ProjectedExprs() {
				if a, ok := x.(*expression.Alias); ok {
					s.named[strings.ToLower(a.Name())] = a.Child
				} else if _, ok := x.(*expression.GetField); !ok {
					s.named[strings.ToLower(x.String())] = x
				}
			}
		}
		return true
	})
}

const maxScaleDepth = 32

// of returns the number of decimals of an exact expression; ok is false for any other.
func (s *scales) of(x sql.Expression, depth int) (scale int, ok bool) {
	if depth > maxScaleDepth {
		return 0, false
	}
	up := func(x sql.Expression) (int, bool) { return s.of(x, depth+1) }
	switch e := x.(type) {
	case *expression.Alias:
		return up(e.Child)
	case *expression.GetField:
		if n, ok := s.ofType(e.Type(s.c)); ok {
			return n, true
		}
		if inner := s.behind(e); inner != nil {
			return up(inner)
		}
		return 0, false
	case *windows.Aggregated:
		return up(e.WindowAdaptableExpression)
	case *assign:
		if types.IsDecimal(e.Type(s.c)) { // shown as the variable has it
			return 0, true
		}
		return up(e.RightChild)
	case *exact.PlainZero:
		return up(e.Child)
	case *exact.Value:
		return up(e.Child)
	case *plan.Subquery:
		if exprs := projections(e.Query); len(exprs) == 1 {
			inner := &scales{c: s.c, named: map[string]sql.Expression{}}
			inner.collect(e.Query)
			return inner.of(exprs[0], depth+1)
		}
		return 0, false
	case *exact.CastDecimal:
		return int(e.Typ.Scale()), true
	case *aggregation.Sum:
		return up(e.Child)
	case *aggregation.Avg:
		n, ok := up(e.Child)
		return n + 4, ok
	case *aggregation.Min:
		return up(e.Child)
	case *aggregation.Max:
		return up(e.Child)
	case *expression.UnaryMinus:
		return up(e.Child)
	case *function.Round:
		return s.rounded(e.Children(), depth)
	case *function.Truncate:
		return s.rounded(e.Children(), depth)
	case *expression.Arithmetic:
		return s.arithmetic(e.Op, e.LeftChild, e.RightChild, depth)
	case *expression.Div:
		return s.arithmetic("/", e.LeftChild, e.RightChild, depth)
	case *expression.Mod:
		return s.arithmetic("%", e.LeftChild, e.RightChild, depth)
	case *function.Coalesce:
		return s.widest(e.Children(), depth)
	case *function.IfNull:
		return s.widest(e.Children(), depth)
	case *function.If:
		return s.widest(e.Children()[1:], depth)
	case *expression.Literal:
		if d, ok := e.Value().(*apd.Decimal); ok {
			return int(max(-d.Exponent, 0)), true
		}
	case *expression.Convert:
		if d, ok := e.Type(s.c).(sql.DecimalType); ok {
			return int(d.Scale()), true
		}
	}
	return s.ofType(x.Type(s.c))
}

func (s *scales) ofType(t sql.Type) (int, bool) {
	if types.IsInteger(t) || t == types.Null {
		return 0, true
	}
	if d, ok := t.(sql.DecimalType); ok && d != types.InternalDecimalType {
		return int(d.Scale()), true
	}
	return 0, false
}

func (s *scales) rounded(args []sql.Expression, depth int) (int, bool) {
	n, ok := s.of(args[0], depth+1)
	if !ok || len(args) < 2 || args[1] == nil {
		return 0, ok
	}
	v, err := args[1].Eval(s.c, nil)
	if err != nil {
		return n, ok
	}
	if d, isInt := datum.Integer(v); isInt {
		return min(n, int(max(d, 0))), true
	}
	return n, ok
}

func (s *scales) arithmetic(op string, a, b sql.Expression, depth int) (int, bool) {
	x, ok1 := s.of(a, depth+1)
	y, ok2 := s.of(b, depth+1)
	if !ok1 || !ok2 {
		return 0, false
	}
	switch op {
	case "*":
		return x + y, true
	case "/":
		return x + 4, true
	}
	return max(x, y), true
}

func (s *scales) widest(args []sql.Expression, depth int) (int, bool) {
	n := 0
	for _, a := range args {
		if a.Type(s.c) == types.Null {
			continue
		}
		m, ok := s.of(a, depth+1)
		if !ok {
			return 0, false
		}
		n = max(n, m)
	}
	return n, true
}

// fraction is the number of fractional digits of a time expression.
func (s *scales) fraction(x sql.Expression, depth int) (int, bool) {
	if depth > maxScaleDepth {
		return 0, false
	}
	switch e := x.(type) {
	case *expression.Alias:
		return s.fraction(e.Child, depth+1)
	case *expression.GetField:
		if d, ok := e.Type(s.c).(sql.DatetimeType); ok && d != types.DatetimeMaxPrecision {
			return d.Precision(), true
		}
		if inner := s.behind(e); inner != nil {
			return s.fraction(inner, depth+1)
		}
	case *builtin.DateCall:
		digits := e.SecondDigits(s.c)
		return max(digits, 0), digits >= 0
	case *aggregation.Min:
		return s.fraction(e.Child, depth+1)
	case *aggregation.Max:
		return s.fraction(e.Child, depth+1)
	case *function.Now:
		return builtin.LiteralDigits(e.Children()), true
	case *expression.Literal:
		if t, ok := e.Value().(string); ok {
			_, digits, _ := strings.Cut(t, ".")
			return min(len(digits), types.MaxDatetimePrecision), true
		}
	}
	if d, ok := x.Type(s.c).(sql.DatetimeType); ok && d != types.DatetimeMaxPrecision {
		return d.Precision(), true
	}
	return 0, false
}
