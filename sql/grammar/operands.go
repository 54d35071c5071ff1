package grammar

import (
	"fmt"

	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/lexer"
)

// Parenthesized query expressions (MySQL 8.0's manual, "Parenthesized Query Expressions"), of which the library's grammar has a part, and its planner
// mixes what is within the parentheses with what stands behind them.

// operandsAlone makes a derived table of each operand of a set operation that is one itself and has an order, a limit or a place of its own: the planner moves
// these to the whole, or forgets the whole's.
func operandsAlone(st sqlparser.Statement) {
	node, ok := st.(sqlparser.SQLNode)
	if !ok {
		return
	}
	n := 0
	_ = Walk(func(x sqlparser.SQLNode) (bool, error) { // the visitor gives no error
		if set, ok := x.(*sqlparser.SetOp); ok && set != nil {
			set.Left = operandAlone(set.Left, true, &n)
			set.Right = operandAlone(set.Right, false, &n)
		}
		return true, nil
	}, node)
}

func operandAlone(s sqlparser.SelectStatement, left bool, n *int) sqlparser.SelectStatement {
	p, ok := s.(*sqlparser.ParenSelect)
	if !ok {
		return s
	}
	for {
		inner, ok := p.Select.(*sqlparser.ParenSelect)
		if !ok {
			break
		}
		p = inner
	}
	set, ok := p.Select.(*sqlparser.SetOp)
	if !ok || left && len(set.OrderBy) == 0 && set.Limit == nil {
		return s
	}
	*n++
	return &sqlparser.Select{SelectExprs: sqlparser.SelectExprs{&sqlparser.StarExpr{}}, From: sqlparser.TableExprs{&sqlparser.AliasedTableExpr{
		Expr: &sqlparser.Subquery{Select: set}, Auth: sqlparser.AuthInformation{AuthType: sqlparser.AuthType_IGNORE}, As: sqlparser.NewTableIdent(fmt.Sprintf("zorya operand %d", *n))}}}
}

// parenthesized rewrites a query expression in parentheses that ORDER BY or LIMIT follows: without the parentheses where it has no such clause itself, else as a
// derived table.
func (w *rewriter) parenthesized() {
	t := w.t
	first := 1
	for t.At(first) == "(" {
		first++
	}
	if word := t.Word(first); word != "SELECT" && word != "WITH" && word != "VALUES" && word != "TABLE" {
		return
	}
	if t.Pos > 0 && !w.startsQuery() {
		return
	}
	end := t.Closing(0)
	if end > 0 && w.wholeQuery(end) {
		for i := 0; ; i++ {
			w.put(i, "")
			w.put(end-i, "")
			if t.At(i+1) != "(" || t.Closing(i+1) != end-i-1 {
				return
			}
		}
	}
	if next := t.Word(end + 1); end < 0 || next != "ORDER" && next != "LIMIT" || t.Word(end+1) == "ORDER" && t.Word(end+2) != "BY" {
		return
	}
	w.put(0, "")
	w.put(end, "")
	from := 0
	for ; t.At(from+1) == "(" && t.Closing(from+1) == end-1; from++ {
		end--
		w.put(from+1, "")
		w.put(end, "")
	}
	own := t.At(from+1) == "(" || t.Word(from+1) == "VALUES"
	for i := range t.Outer(from + 1) {
		if i >= end {
			break
		}
		word := t.Word(i)
		own = own || word == "ORDER" || word == "LIMIT" || word == "WITH" && i == from+1
	}
	if !own {
		return
	}
	w.put(from, "SELECT * FROM (")
	w.put(end, fmt.Sprintf(") AS `zorya query %d`", t.Pos))
}

// wholeQuery reports whether the parenthesis that begins here and closes at end holds all of a statement's query but for INTO and locking clauses, so that the query means the
// same without it: (SELECT 1), CREATE TABLE t AS (SELECT 1), EXPLAIN (SELECT 1). Where a query stands elsewhere the grammar knows it.
func (w *rewriter) wholeQuery(end int) bool {
	t := w.t
	switch next := t.Word(end + 1); {
	case t.Kind(end+1) == lexer.EOF, t.At(end+1) == ";" && t.Kind(end+2) == lexer.EOF, next == "INTO":
	case next == "FOR" && (t.Word(end+2) == "UPDATE" || t.Word(end+2) == "SHARE"), next == "LOCK" && t.Word(end+2) == "IN":
	default:
		return false
	}
	if t.Pos == 0 {
		return true
	}
	switch first := t.Word(-t.Pos); {
	case first == "EXPLAIN" || first == "DESCRIBE" || first == "DESC":
		return t.Pos == 1 || t.Word(1-t.Pos) == "FORMAT" && t.Pos == 4
	case first != "CREATE" || t.Word(1-t.Pos) != "TABLE" && t.Word(1-t.Pos) != "TEMPORARY":
		return false
	}
	for i := 1 - t.Pos; i < 0; i++ {
		if word := t.Word(i); word == "SELECT" || word == "WITH" || word == "VALUES" {
			return false
		}
	}
	return true
}

// startsQuery reports whether the token before may stand before a query expression.
func (w *rewriter) startsQuery() bool {
	t := w.t
	switch t.Word(-1) {
	case "UNION", "ALL", "DISTINCT", "INTERSECT", "EXCEPT", "IN", "EXISTS", "ANY", "SOME", "FROM", "JOIN", "LATERAL", "BY", "SELECT", "WHERE", "AND", "OR", "NOT", "THEN", "ELSE", "WHEN", "ON", "HAVING", "LIMIT":
		return false
	}
	p := t.At(-1)
	return p == "(" || p == ")" || t.Kind(-1) == lexer.Word || t.Kind(-1) == lexer.Quoted // else it is an operand of an expression
}
