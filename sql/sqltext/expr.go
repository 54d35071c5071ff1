// Package sqltext writes expressions as MySQL's server prints them: in definitions (SHOW CREATE TABLE, information_schema), where they have to parse
// back to the same expression in any database, under any sql_mode and from any connection's character set, whatever the user wrote.
package sqltext

import (
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"
)

// Style is how an expression is printed.
type Style struct {
	// Charset introduces the strings that have no introducer: what the connection's are in. Empty: none.
	Charset string
	// Qualified keeps the tables of columns. Definitions have none: the table may be renamed.
	Qualified bool
}

// Expr is an expression's text. Each operator has its parentheses, so that no precedence is asked of who reads it.
func (s Style) Expr(e sqlparser.Expr) string {
	buf := sqlparser.NewTrackedBuffer(func(buf *sqlparser.TrackedBuffer, n sqlparser.SQLNode) {
		if !s.operator(buf, n) && !s.operand(buf, n) {
			n.Format(buf)
		}
	})
	buf.Myprintf("%v", e)
	return buf.String()
}

// operator prints what has operands on both sides or before it.
func (s Style) operator(buf *sqlparser.TrackedBuffer, n sqlparser.SQLNode) bool {
	switch x := n.(type) {
	case *sqlparser.ParenExpr:
		buf.Myprintf("%v", x.Expr)
	case *sqlparser.AndExpr:
		chain(buf, " and ", conjuncts(x, nil))
	case *sqlparser.OrExpr:
		chain(buf, " or ", disjuncts(x, nil))
	case *sqlparser.XorExpr:
		buf.Myprintf("(%v xor %v)", x.Left, x.Right)
	case *sqlparser.NotExpr:
		if opposite := negated(x.Expr); opposite != nil {
			buf.Myprintf("%v", opposite)
		} else {
			buf.Myprintf("(not(%v))", x.Expr)
		}
	case *sqlparser.ComparisonExpr:
		comparison(buf, x)
	case *sqlparser.RangeCond:
		buf.Myprintf("(%v %s %v and %v)", x.Left, strings.ToLower(x.Operator), x.From, x.To)
	case *sqlparser.IsExpr:
		buf.Myprintf("(%v %s)", x.Expr, strings.ToLower(x.Operator))
	case *sqlparser.BinaryExpr:
		switch op := x.Operator; op {
		case sqlparser.JSONExtractOp:
			buf.Myprintf("json_extract(%v,%v)", x.Left, x.Right)
		case sqlparser.JSONUnquoteExtractOp:
			buf.Myprintf("json_unquote(json_extract(%v,%v))", x.Left, x.Right)
		default:
			buf.Myprintf("(%v %s %v)", x.Left, strings.ReplaceAll(op, sqlparser.IntDivStr, "DIV"), x.Right)
		}
	case *sqlparser.CollateExpr:
		buf.Myprintf("(%v collate %s)", x.Expr, x.Collation)
	case *sqlparser.CaseExpr:
		buf.Myprintf("(")
		x.Format(buf)
		buf.Myprintf(")")
	case *sqlparser.UnaryExpr:
		s.unary(buf, x)
	default:
		return false
	}
	return true
}

// operand prints what is neither an operator nor printed by the parser as MySQL does.
func (s Style) operand(buf *sqlparser.TrackedBuffer, n sqlparser.SQLNode) bool {
	switch x := n.(type) {
	case *sqlparser.ColName:
		if s.Qualified && !x.Qualifier.IsEmpty() {
			if !x.Qualifier.DbQualifier.IsEmpty() {
				buf.Myprintf("%s.", Quote(x.Qualifier.DbQualifier.String()))
			}
			buf.Myprintf("%s.", Quote(x.Qualifier.Name.String()))
		}
		buf.Myprintf("%s", Quote(x.Name.String()))
	case sqlparser.ValTuple:
		list(buf, sqlparser.Exprs(x))
	case *sqlparser.NullVal:
		buf.Myprintf("NULL")
	case *sqlparser.SQLVal:
		s.literal(buf, x)
	case *sqlparser.FuncExpr:
		return function(buf, x)
	case *sqlparser.ConvertExpr:
		cast(buf, x)
	case *sqlparser.SubstrExpr:
		substr(buf, x)
	case *sqlparser.CharExpr:
		buf.Myprintf("char(")
		selected(buf, x.Exprs)
		if x.Type != "" {
			buf.Myprintf(" using %s", strings.ToLower(x.Type))
		}
		buf.Myprintf(")")
	case *sqlparser.ExtractFuncExpr:
		buf.Myprintf("extract(%s from %v)", strings.ToLower(x.Unit), x.Expr)
	case *sqlparser.TimestampFuncExpr:
		buf.Myprintf("%s(%s,%v,%v)", strings.ToLower(x.Name), strings.ToUpper(x.Unit), x.Expr1, x.Expr2)
	case *sqlparser.IntervalExpr:
		buf.Myprintf("interval %v %s", x.Expr, strings.ToLower(x.Unit))
	default:
		return false
	}
	return true
}

// Quote is a name in backquotes.
func Quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

func chain(buf *sqlparser.TrackedBuffer, op string, of []sqlparser.Expr) {
	buf.Myprintf("(")
	for i, e := range of {
		if i > 0 {
			buf.Myprintf("%s", op)
		}
		buf.Myprintf("%v", e)
	}
	buf.Myprintf(")")
}

func list(buf *sqlparser.TrackedBuffer, of sqlparser.Exprs) {
	buf.Myprintf("(")
	for i, e := range of {
		if i > 0 {
			buf.Myprintf(",")
		}
		buf.Myprintf("%v", e)
	}
	buf.Myprintf(")")
}

func selected(buf *sqlparser.TrackedBuffer, of sqlparser.SelectExprs) {
	for i, e := range of {
		if i > 0 {
			buf.Myprintf(",")
		}
		if a, ok := e.(*sqlparser.AliasedExpr); ok {
			buf.Myprintf("%v", a.Expr)
		} else {
			buf.Myprintf("%v", e)
		}
	}
}

// conjuncts are the operands of a chain of ANDs, which MySQL's parser makes one.
func conjuncts(e sqlparser.Expr, to []sqlparser.Expr) []sqlparser.Expr {
	if x, ok := bare(e).(*sqlparser.AndExpr); ok {
		return conjuncts(x.Right, conjuncts(x.Left, to))
	}
	return append(to, e)
}

func disjuncts(e sqlparser.Expr, to []sqlparser.Expr) []sqlparser.Expr {
	if x, ok := bare(e).(*sqlparser.OrExpr); ok {
		return disjuncts(x.Right, disjuncts(x.Left, to))
	}
	return append(to, e)
}

// bare is what is in parentheses.
func bare(e sqlparser.Expr) sqlparser.Expr {
	for {
		p, ok := e.(*sqlparser.ParenExpr)
		if !ok {
			return e
		}
		e = p.Expr
	}
}

// opposites are the operators whose NOT is another operator.
var opposites = map[string]string{
	sqlparser.EqualStr: sqlparser.NotEqualStr, sqlparser.NotEqualStr: sqlparser.EqualStr,
	sqlparser.LessThanStr: sqlparser.GreaterEqualStr, sqlparser.GreaterEqualStr: sqlparser.LessThanStr,
	sqlparser.GreaterThanStr: sqlparser.LessEqualStr, sqlparser.LessEqualStr: sqlparser.GreaterThanStr,
	sqlparser.InStr: sqlparser.NotInStr, sqlparser.NotInStr: sqlparser.InStr,
	sqlparser.BetweenStr: sqlparser.NotBetweenStr, sqlparser.NotBetweenStr: sqlparser.BetweenStr,
	sqlparser.IsNullStr: sqlparser.IsNotNullStr, sqlparser.IsNotNullStr: sqlparser.IsNullStr,
}

// negated is NOT e without a NOT, as MySQL's parser makes it; nil: there is none.
func negated(e sqlparser.Expr) sqlparser.Expr {
	switch x := bare(e).(type) {
	case *sqlparser.ComparisonExpr:
		if op, ok := opposites[x.Operator]; ok {
			return &sqlparser.ComparisonExpr{Operator: op, Left: x.Left, Right: x.Right, Escape: x.Escape}
		}
	case *sqlparser.RangeCond:
		if op, ok := opposites[x.Operator]; ok {
			return &sqlparser.RangeCond{Operator: op, Left: x.Left, From: x.From, To: x.To}
		}
	case *sqlparser.IsExpr:
		if op, ok := opposites[x.Operator]; ok {
			return &sqlparser.IsExpr{Operator: op, Expr: x.Expr}
		}
	}
	return nil
}

func comparison(buf *sqlparser.TrackedBuffer, x *sqlparser.ComparisonExpr) {
	switch x.Operator {
	case sqlparser.NotEqualStr:
		buf.Myprintf("(%v <> %v)", x.Left, x.Right)
	case sqlparser.RegexpStr:
		buf.Myprintf("regexp_like(%v,%v)", x.Left, x.Right)
	case sqlparser.NotRegexpStr:
		buf.Myprintf("(not(regexp_like(%v,%v)))", x.Left, x.Right)
	case sqlparser.NotLikeStr:
		buf.Myprintf("(not(")
		like := *x
		like.Operator = sqlparser.LikeStr
		comparison(buf, &like)
		buf.Myprintf("))")
	default:
		buf.Myprintf("(%v %s %v", x.Left, strings.ToLower(x.Operator), x.Right)
		if x.Escape != nil {
			buf.Myprintf(" escape %v", x.Escape)
		}
		buf.Myprintf(")")
	}
}

func (s Style) unary(buf *sqlparser.TrackedBuffer, x *sqlparser.UnaryExpr) {
	_, literal := x.Expr.(*sqlparser.SQLVal)
	switch op := strings.TrimSpace(x.Operator); {
	case strings.HasPrefix(op, "_"): // an introducer: the string has no other
		inner := s
		inner.Charset = strings.TrimPrefix(op, "_")
		buf.Myprintf("%s", inner.Expr(x.Expr))
	case op == "binary":
		buf.Myprintf("cast(%v as char charset binary)", x.Expr)
	case op == sqlparser.BangStr:
		buf.Myprintf("%v", &sqlparser.NotExpr{Expr: x.Expr})
	case op == sqlparser.UPlusStr:
		buf.Myprintf("%v", x.Expr)
	case op == sqlparser.UMinusStr && literal:
		buf.Myprintf("-%v", x.Expr)
	default:
		buf.Myprintf("%s(%v)", op, x.Expr)
	}
}

func (s Style) literal(buf *sqlparser.TrackedBuffer, x *sqlparser.SQLVal) {
	switch x.Type {
	case sqlparser.StrVal:
		if s.Charset != "" {
			buf.Myprintf("_%s", s.Charset)
		}
	case sqlparser.HexVal:
		buf.Myprintf("0x%s", strings.ToLower(string(x.Val)))
		return
	}
	x.Format(buf)
}

// cast prints CAST and CONVERT(x, type), which are one.
func cast(buf *sqlparser.TrackedBuffer, x *sqlparser.ConvertExpr) {
	t := x.Type
	buf.Myprintf("cast(%v as %s", x.Expr, strings.ToLower(t.Type))
	if t.Length != nil {
		buf.Myprintf("(%s", string(t.Length.Val))
		if t.Scale != nil {
			buf.Myprintf(",%s", string(t.Scale.Val))
		}
		buf.Myprintf(")")
	}
	if t.Charset != "" {
		buf.Myprintf(" charset %s", strings.ToLower(t.Charset))
	}
	buf.Myprintf(")")
}

func substr(buf *sqlparser.TrackedBuffer, x *sqlparser.SubstrExpr) {
	if x.Name != nil {
		buf.Myprintf("substr(%v,%v", x.Name, x.From)
	} else {
		buf.Myprintf("substr(%v,%v", x.StrVal, x.From)
	}
	if x.To != nil {
		buf.Myprintf(",%v", x.To)
	}
	buf.Myprintf(")")
}

// renamed are the functions that MySQL prints by another of their names.
var renamed = map[string]string{
	"ceil": "ceiling", "character_length": "char_length", "current_date": "curdate", "current_time": "curtime", "current_timestamp": "now",
	"localtime": "now", "localtimestamp": "now", "day": "dayofmonth", "lcase": "lower", "mid": "substr", "octet_length": "length", "power": "pow",
	"schema": "database", "session_user": "user", "sha1": "sha", "substring": "substr", "system_user": "user", "ucase": "upper",
}

// function prints a call. It reports false for those with more to them than arguments.
func function(buf *sqlparser.TrackedBuffer, x *sqlparser.FuncExpr) bool {
	if x.Distinct || x.Over != nil {
		return false
	}
	name := x.Name.Lowered()
	if arg := sole(x.Exprs); name == "isnull" && arg != nil {
		buf.Myprintf("(%v is null)", arg)
		return true
	}
	if len(x.Exprs) == 2 && (name == "mod" || moved[name] != "") {
		l, lok := x.Exprs[0].(*sqlparser.AliasedExpr)
		r, rok := x.Exprs[1].(*sqlparser.AliasedExpr)
		if lok && rok && name == "mod" {
			buf.Myprintf("(%v %s %v)", l.Expr, sqlparser.ModStr, r.Expr)
			return true
		}
		if lok && rok {
			by := r.Expr
			if _, ok := by.(*sqlparser.IntervalExpr); !ok {
				by = &sqlparser.IntervalExpr{Expr: by, Unit: "day"}
			}
			buf.Myprintf("(%v %s %v)", l.Expr, moved[name], by)
			return true
		}
	}
	if !x.Qualifier.IsEmpty() {
		buf.Myprintf("%s.%s(", Quote(x.Qualifier.String()), Quote(x.Name.String()))
	} else {
		if other, ok := renamed[name]; ok {
			name = other
		}
		buf.Myprintf("%s(", name)
	}
	selected(buf, x.Exprs)
	buf.Myprintf(")")
	return true
}

// moved are the functions that MySQL makes operators: date + interval.
var moved = map[string]string{"date_add": "+", "adddate": "+", "date_sub": "-", "subdate": "-"}

// sole is the only argument; nil: there are none, more, or it is a star.
func sole(list sqlparser.SelectExprs) sqlparser.Expr {
	if len(list) == 1 {
		if a, ok := list[0].(*sqlparser.AliasedExpr); ok {
			return a.Expr
		}
	}
	return nil
}
