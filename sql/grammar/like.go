package grammar

import (
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/lexer"
)

// likeExactly keeps the library from turning LIKE into comparisons that do not mean the same: it makes a pattern without wildcards an =, for
// which 'a ' is 'a' under most collations, and takes the backslash of an escaped wildcard for a character. A LIKE that names its
// escape character it leaves alone. `c LIKE 'abc'` keeps an = beside it, which holds wherever the LIKE does and can use an index.
func likeExactly(st sqlparser.Statement, text string) {
	if !mentionsLike(text) {
		return
	}
	_ = Walk(func(n sqlparser.SQLNode) (bool, error) {
		switch n := n.(type) {
		case *sqlparser.Show:
			if f := n.Filter; strings.EqualFold(n.Type, "status") && f != nil && f.Like != "" {
				n.Filter = &sqlparser.ShowFilter{Filter: &sqlparser.ComparisonExpr{Operator: sqlparser.LikeStr, Escape: sqlparser.NewStrVal([]byte(`\`)),
					Left:  &sqlparser.FuncExpr{Name: sqlparser.NewColIdent("lower"), Exprs: sqlparser.SelectExprs{&sqlparser.AliasedExpr{Expr: &sqlparser.ColName{Name: sqlparser.NewColIdent("variable_name")}}}},
					Right: sqlparser.NewStrVal([]byte(strings.ToLower(f.Like)))}}
			}
		case *sqlparser.Where:
			if n != nil {
				n.Expr = exactLikes(n.Expr)
			}
		case *sqlparser.JoinTableExpr:
			n.Condition.On = exactLikes(n.Condition.On)
		case *sqlparser.ComparisonExpr:
			literalLike(n)
		}
		return true, nil
	}, st)
}

func mentionsLike(text string) bool {
	for i := 0; i+4 <= len(text); i++ {
		if text[i]|0x20 == 'l' && strings.EqualFold(text[i:i+4], "like") {
			return true
		}
	}
	return false
}

// exactLikes adds the = to the conjuncts of a condition.
func exactLikes(e sqlparser.Expr) sqlparser.Expr {
	switch x := e.(type) {
	case *sqlparser.AndExpr:
		x.Left, x.Right = exactLikes(x.Left), exactLikes(x.Right)
	case *sqlparser.ParenExpr:
		x.Expr = exactLikes(x.Expr)
	case *sqlparser.ComparisonExpr:
		column, ok := x.Left.(*sqlparser.ColName)
		if !ok || x.Operator != sqlparser.LikeStr || !literalLike(x) || strings.Contains(patternOf(x), `\`) {
			return e
		}
		return &sqlparser.ParenExpr{Expr: &sqlparser.AndExpr{
			Left:  &sqlparser.ComparisonExpr{Operator: sqlparser.EqualStr, Left: column, Right: x.Right},
			Right: x,
		}}
	}
	return e
}

// literalLike reports whether the expression is a LIKE whose pattern has no wildcard or has a backslash, and has now an escape character.
func literalLike(x *sqlparser.ComparisonExpr) bool {
	if x.Operator != sqlparser.LikeStr && x.Operator != sqlparser.NotLikeStr || x.Escape != nil {
		return false
	}
	lit, ok := x.Right.(*sqlparser.SQLVal)
	if !ok || lit.Type != sqlparser.StrVal {
		return false
	}
	if p := patternOf(x); p == "" || strings.ContainsAny(p, "%_") && !strings.Contains(p, `\`) {
		return false
	}
	x.Escape = sqlparser.NewStrVal([]byte(`\`))
	return true
}

func patternOf(x *sqlparser.ComparisonExpr) string { return string(x.Right.(*sqlparser.SQLVal).Val) }

// EscapeBackslashes writes a text in which a backslash is a character like others, and LIKE has no escape character unless it names one, so that it means the same where these are.
func EscapeBackslashes(text string, mode lexer.Mode) string {
	if !strings.Contains(text, `\`) && !mentionsLike(text) {
		return text
	}
	t := lexer.NewCursor(text, mode, 1<<20)
	w := &rewriter{t: t, skip: map[int]bool{}, with: map[int]string{}}
	for i := range t.Tokens {
		if t.Kind(i) == lexer.String && strings.Contains(t.At(i), `\`) {
			w.put(i, strings.ReplaceAll(t.At(i), `\`, `\\`))
		}
	}
	g := &grouper{t: t, before: map[int]int{}, after: map[int]int{}}
	for i := range t.Tokens {
		if last := g.simple(i + 1); t.Word(i) == "LIKE" && i > 0 && last > i+1 && t.Word(last) != "ESCAPE" && !mentionsTables[t.Word(0)] {
			w.suffix(last-1, " ESCAPE ''")
		}
	}
	w.nameItems()
	return w.build()
}

// mentionsTables begin the statements whose LIKE names a table, or has a pattern with an escape character of its own.
var mentionsTables = map[string]bool{"CREATE": true, "SHOW": true, "HELP": true}
