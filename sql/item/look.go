package item

import (
	"strconv"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"
)

// What planners need to know of this package's expressions.

// Plain is the value that a condition is made of: the library's conditions are taken for truth values by this package's rules.
func Plain(e sql.Expression) sql.Expression {
	for {
		x, ok := e.(*condition)
		if !ok || x.op != "is" {
			return e
		}
		e = x.args[0].Expression
	}
}

// Given is an argument of a function as it was written: this package's rules convert some.
func Given(e sql.Expression) sql.Expression {
	for {
		e = Plain(e)
		x, ok := e.(*given)
		if !ok {
			return e
		}
		e = x.args[0].Expression
	}
}

// TextWidth is n of CAST(... AS CHAR(n)) and BINARY(n); ok is false if e is no such cast or has no n.
func TextWidth(c *sql.Context, e sql.Expression) (n int, ok bool) {
	switch x := Plain(e).(type) {
	case *cast:
		return x.length, (x.as == "char" || x.as == "binary") && x.length >= 0
	case *expression.Convert: // says it nowhere but in its text
		_, to, found := strings.Cut(strings.TrimPrefix(x.String(), "convert("+x.Child.String()), "(")
		n, err := strconv.Atoi(strings.TrimRight(to, ")"))
		return n, found && err == nil && types.IsText(x.Type(c))
	}
	return 0, false
}

// Compared tells a comparison of two single values, this package's or the library's: op is one of = <=> < <= > >=.
func Compared(e sql.Expression) (op string, left, right sql.Expression, ok bool) {
	switch x := Plain(e).(type) {
	case *comparison:
		if len(x.l) == 1 {
			return x.op, x.l[0].Expression, x.r[0].Expression, true
		}
	case *expression.Equals:
		return "=", x.Left(), x.Right(), true
	case *expression.NullSafeEquals:
		return "<=>", x.Left(), x.Right(), true
	case *expression.LessThan:
		return "<", x.Left(), x.Right(), true
	case *expression.LessThanOrEqual:
		return "<=", x.Left(), x.Right(), true
	case *expression.GreaterThan:
		return ">", x.Left(), x.Right(), true
	case *expression.GreaterThanOrEqual:
		return ">=", x.Left(), x.Right(), true
	}
	return "", nil, nil, false
}

// Limited tells a condition that an index on a column may serve: op is one of = <=> < <= > >= between in null, value is what is limited, with the rest.
func Limited(e sql.Expression) (op string, value sql.Expression, with []sql.Expression, ok bool) {
	if op, l, r, ok := Compared(e); ok {
		return op, l, []sql.Expression{r}, true
	}
	switch x := Plain(e).(type) {
	case *between:
		return "between", x.ChildExpressions[0], x.ChildExpressions[1:], true
	case *expression.Between:
		return "between", x.Val, []sql.Expression{x.Lower, x.Upper}, true
	case *inList:
		if len(x.with) == 0 || len(x.with[0].l) != 1 {
			return "", nil, nil, false
		}
		for _, eq := range x.with {
			with = append(with, eq.r[0].Expression)
		}
		return "in", x.with[0].l[0].Expression, with, true
	case *expression.InTuple:
		list, ok := x.Right().(expression.Tuple)
		return "in", x.Left(), list, ok
	case *condition:
		if x.op == "is null" {
			return "null", x.args[0].Expression, nil, true
		}
	case *expression.IsNull:
		return "null", x.Child, nil, true
	}
	return "", nil, nil, false
}
