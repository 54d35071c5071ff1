package general

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/apd/v3"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// The library makes a literal that is compared with a column one of the column's type before anything else, and so rounds 1.501 to a DECIMAL(6,2).
// Here a literal with decimals stays what it is until retype has seen the comparison.

// keepLiterals protects the literals with decimals in comparisons with columns, and the operands of casts.
func keepLiterals(st sqlparser.Statement) {
	node, ok := st.(sqlparser.SQLNode)
	if !ok {
		return
	}
	numbers := map[*sqlparser.SQLVal]bool{}
	note := func(list ...sqlparser.Expr) {
		for _, e := range list {
			if v, ok := e.(*sqlparser.SQLVal); ok {
				numbers[v] = true
			}
		}
	}
	_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) {
		switch x := n.(type) {
		case *sqlparser.SQLVal:
			if x != nil && x.Type == sqlparser.BitVal && !numbers[x] {
				bitsAsBytes(x)
			}
		case *sqlparser.BinaryExpr:
			if x != nil {
				note(x.Left, x.Right)
			}
		case *sqlparser.RangeCond:
			if x != nil {
				note(x.Left, x.From, x.To)
			}
		case *sqlparser.ComparisonExpr:
			if x == nil {
				break
			}
			operands := []sqlparser.Expr{x.Left, x.Right}
			if list, ok := x.Right.(sqlparser.ValTuple); ok {
				operands = append(operands, list...)
			}
			if !slices.ContainsFunc(operands, isText) { // with a text, bits are compared as one
				note(operands...)
			}
			if _, ok := x.Left.(*sqlparser.ColName); ok {
				x.Right = keepLiteral(x.Right)
			} else if _, ok := x.Right.(*sqlparser.ColName); ok {
				x.Left = keepLiteral(x.Left)
			}
		case *sqlparser.ConvertExpr:
			if x == nil {
				break
			}
			if x.Type != nil && x.Type.Charset != "" && strings.EqualFold(x.Type.Type, "char") { // the library's cast knows no character set
				if _, done := x.Expr.(sqlparser.InjectedExpr); !done {
					x.Expr = &sqlparser.ConvertUsingExpr{Expr: x.Expr, Type: x.Type.Charset}
				}
			}
			x.Expr = keepOperand(x.Expr)
		}
		return true, nil
	}, node)
}

// bitsAsBytes writes b'101' as x'05', which is what it is: a string of bytes, and a number where one is wanted. The library takes it for a number, which may stay
// in comparisons and arithmetic: an index on a column of type BIT serves these.
func bitsAsBytes(v *sqlparser.SQLVal) {
	bits := string(v.Val)
	out := make([]byte, 0, len(bits)/4+2)
	if pad := len(bits) % 8; pad > 0 {
		bits = strings.Repeat("0", 8-pad) + bits
	}
	for ; len(bits) >= 8; bits = bits[8:] {
		n, err := strconv.ParseUint(bits[:8], 2, 8)
		if err != nil {
			return
		}
		out = append(out, fmt.Sprintf("%02X", n)...)
	}
	v.Type, v.Val = sqlparser.HexVal, out
}

// isText reports whether an expression is a literal text.
func isText(e sqlparser.Expr) bool {
	v, ok := e.(*sqlparser.SQLVal)
	return ok && v.Type == sqlparser.StrVal
}

func keepLiteral(e sqlparser.Expr) sqlparser.Expr {
	if v, ok := e.(*sqlparser.SQLVal); ok && v.Type == sqlparser.FloatVal {
		return sqlparser.InjectedExpr{Auth: grammar.NoAuth, Expression: keptLiteral{v}, Children: sqlparser.Exprs{v}}
	}
	return e
}

type keptLiteral struct{ v *sqlparser.SQLVal }

// WithResolvedChildren implements sqlparser.Injectable.
func (k keptLiteral) WithResolvedChildren(_ context.Context, ch []any) (any, error) {
	return &literal{expression.UnaryExpressionStub{Child: ch[0].(sql.Expression)}}, nil
}

// String is the literal as it was written.
func (k keptLiteral) String() string { return sqlparser.String(k.v) }

// hexAsNumber is a hexadecimal literal as the number that it is where a column of type to stores it; any other expression is itself.
func hexAsNumber(c *sql.Context, e sql.Expression, to sql.Type) sql.Expression {
	l, ok := e.(*expression.Literal)
	if !ok || !types.IsNumber(to) && !types.IsDecimal(to) || types.IsBit(to) || !item.Of(c, l).Hex {
		return e
	}
	b, ok := l.Value().([]byte)
	if !ok {
		return e
	}
	n := apd.Decimal{Coeff: *new(apd.BigInt).SetBytes(b)}
	if n.Coeff.IsUint64() {
		return expression.NewLiteral(n.Coeff.Uint64(), types.Uint64)
	}
	return expression.NewLiteral(&n, types.InternalDecimalType)
}

// numericHex is hexAsNumber for the rows of an INSERT's VALUES. names are those of its columns, none: all.
func numericHex(c *sql.Context, n sql.Node, names []string, m *tabledef.Table) (sql.Node, error) {
	out, _, err := transform.Node(c, n, func(_ *sql.Context, n sql.Node) (sql.Node, transform.TreeIdentity, error) {
		v, ok := n.(*plan.Values)
		if !ok {
			return n, transform.SameTree, nil
		}
		same := transform.SameTree
		tuples := make([][]sql.Expression, len(v.ExpressionTuples))
		for i, t := range v.ExpressionTuples {
			tuples[i] = t
			for j, e := range t {
				at := j
				if len(names) > 0 && j < len(names) {
					at = tabledef.Position(m.Def, names[j])
				}
				if at < 0 || at >= len(m.Schema) {
					continue
				}
				if x := hexAsNumber(c, e, m.Schema[at].Type); x != e {
					if same {
						tuples[i] = slices.Clone(t)
					}
					tuples[i][j] = x
					same = transform.NewTree
				}
			}
		}
		if same {
			return n, same, nil
		}
		return plan.NewValues(tuples), same, nil
	})
	return out, err
}

// literal hides a literal from the library's binder.
type literal struct{ expression.UnaryExpressionStub }

func (l *literal) Type(c *sql.Context) sql.Type { return l.Child.Type(c) }
func (l *literal) String() string               { return l.Child.String() }
func (l *literal) Eval(c *sql.Context, r sql.Row) (any, error) {
	return l.Child.Eval(c, r)
}

func (l *literal) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(l, len(ch), 1)
	}
	return &literal{expression.UnaryExpressionStub{Child: ch[0]}}, nil
}

// shown is the literal itself, where its children are not expressions of the plan any more.
func (l *literal) shown() (sql.Expression, transform.TreeIdentity, error) {
	return l.Child, transform.NewTree, nil
}
