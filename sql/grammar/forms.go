package grammar

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/lexer"
)

// Forms of queries that the library's grammar lacks, or its planner.

// joinLists makes of (t1, t2) within a join what it means, (t1 CROSS JOIN t2): the planner takes one table there.
func joinLists(st sqlparser.Statement) {
	node, ok := st.(sqlparser.SQLNode)
	if !ok {
		return
	}
	_ = Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
		p, ok := n.(*sqlparser.ParenTableExpr)
		if !ok || len(p.Exprs) < 2 {
			return true, nil
		}
		all := p.Exprs[0]
		for _, e := range p.Exprs[1:] {
			all = &sqlparser.JoinTableExpr{LeftExpr: all, Join: sqlparser.JoinStr, RightExpr: e}
		}
		p.Exprs = sqlparser.TableExprs{all}
		return true, nil
	}, node)
}

// braces takes ODBC's escapes apart: {d '2020-01-01'} is DATE '2020-01-01', {OJ a LEFT JOIN b ON ...} the join, and {fn NOW()} the call.
func (w *rewriter) braces() {
	t := w.t
	literals := map[string]string{"D": "DATE", "T": "TIME", "TS": "TIMESTAMP"}
	end, depth := 0, 0
	for i := range len(t.Tokens) - t.Pos {
		switch t.At(i) {
		case "{":
			depth++
		case "}":
			if depth--; depth == 0 && end == 0 {
				end = i
			}
		}
	}
	if end < 2 || t.Kind(1) != lexer.Word {
		return
	}
	w.drop(0, 1)
	w.drop(end, 1)
	if literal := literals[t.Word(1)]; literal != "" && t.Kind(2) == lexer.String {
		w.put(1, literal)
	} else {
		w.drop(1, 1)
	}
}

// tableOfQuery: CREATE TABLE ... AS WITH ... and ... AS VALUES ROW(...), whose queries the grammar has as derived tables only.
func (w *rewriter) tableOfQuery() {
	t := w.t
	for i := range t.Outer(0) {
		if i > 2 && (t.Word(i) == "WITH" && t.Word(i+1) != "PARSER" && t.Word(i+1) != "VALIDATION" || t.Word(i) == "VALUES" && t.Word(i+1) == "ROW") && w.hasFrom(i, "SELECT", "ROW") {
			last := len(t.Tokens) - 1 - t.Pos
			if t.At(last) == ";" {
				last--
			}
			w.put(i, "SELECT * FROM ("+t.At(i))
			w.put(last, t.At(last)+") AS `zorya query`")
			return
		}
	}
}

// tableOfParenthesized: CREATE TABLE t (SELECT ...) UNION (SELECT ...), which the grammar has with AS.
func (w *rewriter) tableOfParenthesized() {
	t := w.t
	depth := 0
	for i := range t.Tokens {
		switch t.At(i) {
		case "(":
			first := i
			for t.At(first) == "(" {
				first++
			}
			if depth == 0 && i > 2 && t.Word(first) == "SELECT" && t.Word(i-1) != "UNION" && t.Word(i-1) != "ALL" {
				if t.Word(i-1) != "AS" {
					w.suffix(i-1, " AS")
				}
				return
			}
			depth++
		case ")":
			depth--
		}
		if depth == 0 && t.Word(i) == "SELECT" {
			return
		}
	}
}

// lateConditions: t1 JOIN t2 JOIN t3 ON a ON b is t1 JOIN (t2 JOIN t3 ON a) ON b. The tokens from the i-th on are of a FROM, or in parentheses.
func (w *rewriter) lateConditions(i int) {
	t := w.t
	var pending []int // the tokens behind JOIN whose conditions are still to come
	last := -1        // the latest of them
	for depth := 0; t.Kind(i) != lexer.EOF; i++ {
		switch t.At(i) {
		case "(":
			depth++
		case ")":
			depth--
		}
		if depth < 0 {
			return
		}
		if depth > 0 {
			continue
		}
		switch t.Word(i) {
		case "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "UNION", "SET", "FOR", "SELECT":
			return
		case "JOIN", "STRAIGHT_JOIN":
			last = i + 1
			if t.Word(i-1) != "NATURAL" && t.Word(i-2) != "NATURAL" && t.Word(i-3) != "NATURAL" {
				pending = append(pending, last)
			}
		case "ON", "USING":
			if t.Word(i+1) == "DUPLICATE" || len(pending) == 0 {
				return
			}
			join := pending[len(pending)-1]
			pending = pending[:len(pending)-1]
			if join != last {
				w.prefix(join, "(")
				w.suffix(i-1, ")")
			}
		}
		if t.At(i) == "," {
			pending, last = nil, -1
		}
	}
}

// hasFrom reports whether one of the words stands at or behind a token.
func (w *rewriter) hasFrom(i int, words ...string) bool {
	for ; w.t.Kind(i) != lexer.EOF; i++ {
		for _, word := range words {
			if w.t.Word(i) == word {
				return true
			}
		}
	}
	return false
}

// valuesQuery: VALUES ROW(...) as an operand of a set operation, as a subquery, in parentheses or with an order or a limit selects from the derived table that the grammar has.
func (w *rewriter) valuesQuery() {
	t := w.t
	i := 1
	for t.Word(i) == "ROW" && t.At(i+1) == "(" {
		if i = t.Closing(i + 1); i < 0 {
			return
		}
		if i++; t.At(i) == "," {
			i++
		}
	}
	operand := func(word string) bool { return word == "UNION" || word == "INTERSECT" || word == "EXCEPT" }
	before := strings.ToUpper(t.At(-1))
	set := operand(t.Word(i)) || operand(before) || (before == "ALL" || before == "DISTINCT") && operand(strings.ToUpper(t.At(-2)))
	if i == 1 {
		return
	}
	alone := false
	if before == "(" {
		switch strings.ToUpper(t.At(-2)) {
		case "FROM", "JOIN", ",": // a derived table
			alone = t.At(i) != ")"
		default:
			alone = true
		}
	}
	alone = alone || t.Word(i) == "ORDER" || t.Word(i) == "LIMIT"
	if set || alone {
		w.put(0, "SELECT * FROM (VALUES")
		w.put(i-1, t.At(i-1)+fmt.Sprintf(") AS `zorya values %d`", t.Pos))
	}
}

// setAliased: INSERT INTO t SET a = 1, b = 2 AS new ON DUPLICATE KEY UPDATE ..., which the grammar has as VALUES (1, 2) AS new.
func (w *rewriter) setAliased() {
	t := w.t
	set, as := 0, 0
	for i := range t.Outer(0) {
		switch word := t.Word(i); {
		case word == "SET" && set == 0:
			set = i
		case word == "VALUES" || word == "SELECT":
			if set == 0 {
				return
			}
		case word == "AS" && set > 0 && as == 0:
			as = i
		case word == "ON" && as == 0:
			return
		}
	}
	if set == 0 || as == 0 {
		return
	}
	var columns, values []string
	for i := set + 1; i < as; {
		from := i
		for i < as && t.At(i) != "=" {
			i++
		}
		equal := i
		for depth := 0; i < as && (t.At(i) != "," || depth > 0); i++ {
			switch t.At(i) {
			case "(":
				depth++
			case ")":
				depth--
			}
		}
		if equal == from || equal+1 >= i {
			return
		}
		columns = append(columns, t.Span(t.Pos+from, t.Pos+equal))
		values = append(values, t.Span(t.Pos+equal+1, t.Pos+i))
		i++
	}
	w.drop(set, as-set)
	w.put(as, "("+strings.Join(columns, ", ")+") VALUES ("+strings.Join(values, ", ")+") AS")
}

// collateLast: the grammar takes _utf8mb4'x' COLLATE utf8mb4_bin for _utf8mb4 of a text with a collation, which the planner makes a literal of that collation. It
// is a collation of the whole, and explicit: stronger than a column's. Of a literal of another set than the connection's the planner takes no collation, but of its conversion.
func collateLast(st sqlparser.Statement, text string) {
	if !holdsWord(text, "collate", 1) || !strings.Contains(text, "_") {
		return
	}
	SwapExprs(reflect.ValueOf(st), func(e sqlparser.Expr) sqlparser.Expr {
		u, ok := e.(*sqlparser.UnaryExpr)
		if !ok {
			return nil
		}
		collated, ok := u.Expr.(*sqlparser.CollateExpr)
		set, introduced := strings.CutPrefix(strings.ToLower(strings.TrimSpace(u.Operator)), "_")
		if !ok || !introduced || set == "binary" {
			return nil
		}
		var of sqlparser.Expr = &sqlparser.UnaryExpr{Operator: u.Operator, Expr: collated.Expr}
		if set != "utf8mb4" {
			of = &sqlparser.ConvertUsingExpr{Expr: of, Type: set}
		}
		return &sqlparser.CollateExpr{Expr: of, Collation: collated.Collation}
	})
}

// nameLiterals names the items of queries that are one literal by that literal, as MySQL does: without parentheses, signs + and comments around it.
func nameLiterals(st sqlparser.Statement) {
	node, ok := st.(sqlparser.SQLNode)
	if !ok {
		return
	}
	_ = Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
		item, ok := n.(*sqlparser.AliasedExpr)
		if !ok || !item.As.IsEmpty() || item.InputExpression == "" {
			return true, nil
		}
		item.InputExpression = strings.TrimLeft(item.InputExpression, ", ") // before a sign that the grammar leaves out
		e := item.Expr
		for inner := e; inner != nil; {
			e, inner = inner, nil
			switch x := e.(type) {
			case *sqlparser.ParenExpr:
				inner = x.Expr
			case *sqlparser.UnaryExpr:
				if x.Operator == sqlparser.UPlusStr {
					inner = x.Expr
				}
			}
		}
		v, ok := e.(*sqlparser.SQLVal)
		if ok && (v.Type == sqlparser.IntVal || v.Type == sqlparser.FloatVal || v.Type == sqlparser.StrVal && e != item.Expr && len(v.Val) > 0) {
			item.InputExpression = string(v.Val)
		}
		return true, nil
	}, node)
}

// defaultCalls has DEFAULT(column) computed: the planner takes it for DEFAULT, which is that of the column that is assigned.
func defaultCalls(st sqlparser.Statement, text string) {
	var query any
	switch st := st.(type) {
	case sqlparser.SelectStatement:
		query = st
	case *sqlparser.Insert, *sqlparser.Update:
		query = st
	case *sqlparser.DDL:
		if query = st.ViewSpec; st.ViewSpec == nil && st.OptSelect != nil {
			query = st.OptSelect.Select
		}
	}
	if query == nil || !holdsWord(text, "default", 1) {
		return
	}
	_ = Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
		if item, ok := n.(*sqlparser.AliasedExpr); ok && item.As.IsEmpty() {
			if d, ok := item.Expr.(*sqlparser.Default); ok && d.ColName != "" {
				item.As = ownName(item)
			}
		}
		return true, nil
	}, st.(sqlparser.SQLNode))
	SwapExprs(reflect.ValueOf(query), func(e sqlparser.Expr) sqlparser.Expr {
		d, ok := e.(*sqlparser.Default)
		if !ok || d.ColName == "" {
			return nil
		}
		column := &sqlparser.AliasedExpr{Expr: &sqlparser.ColName{Name: sqlparser.NewColIdent(d.ColName)}}
		return &sqlparser.FuncExpr{Name: sqlparser.NewColIdent(DefaultFunction), Exprs: sqlparser.SelectExprs{column}}
	})
}
