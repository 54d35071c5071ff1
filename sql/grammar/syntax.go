package grammar

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/zoryadb/zorya/sql/builtin"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/sqltext"
)

// Syntax that the library's grammar lacks and that becomes a call of a function of our own (rewrite.go finds the places).

// Functions of our own that rewritten syntax calls.
const (
	IntervalFunction   = "zorya_interval"   // (value, unit): what INTERVAL with a composite unit amounts to in months, seconds or microseconds
	DefaultFunction    = "zorya_default"    // (column): DEFAULT(column)
	QuantifiedFunction = "zorya_quantified" // (op, ANY or ALL, value, subquery)
	RollupFunction     = "zorya_rollup"     // (): the last item of GROUP BY ... WITH ROLLUP
	GroupingFunction   = "zorya_grouping"   // (item ...): GROUPING(item ...), within ANY_VALUE
)

// compositeInterval: INTERVAL '1:30' HOUR_MINUTE becomes INTERVAL zorya_interval('1:30', 'HOUR_MINUTE') SECOND.
func (w *rewriter) compositeInterval() {
	t := w.t
	depth := 0
	for i := 1; t.Kind(i) != lexer.EOF; i++ {
		switch t.At(i) {
		case "(":
			depth++
		case ")":
			if depth--; depth < 0 {
				return
			}
		}
		unit := t.Word(i)
		u, ok := IntervalUnits[unit]
		if depth != 0 || !ok || i == 1 {
			continue
		}
		if u.Parts == nil {
			return
		}
		whole := "SECOND"
		switch u.Parts[len(u.Parts)-1] {
		case "MONTH":
			whole = "MONTH"
		case "MICROSECOND":
			whole = "MICROSECOND"
		}
		w.prefix(1, IntervalFunction+"(")
		w.put(i, ", '"+unit+"') "+whole)
		return
	}
}

// prefix puts text before the i-th token from here.
func (w *rewriter) prefix(i int, text string) {
	old, ok := w.with[w.t.Pos+i]
	if !ok {
		old = w.t.At(i)
	}
	w.put(i, text+old)
}

// suffix puts text behind the i-th token from here.
func (w *rewriter) suffix(i int, text string) {
	old, ok := w.with[w.t.Pos+i]
	if !ok {
		old = w.t.At(i)
	}
	w.put(i, old+text)
}

// quantified: x > ALL (SELECT ...) becomes zorya_quantified('>', 'ALL', x, (SELECT ...)); x = ANY and x <> ALL are x IN and x NOT IN, of which joins are made.
func (w *rewriter) quantified() {
	t := w.t
	op := t.At(-1)
	switch op {
	case "=", "<", ">", "<=", ">=", "<>", "!=":
	default:
		return
	}
	if t.At(1) != "(" || t.Word(2) != "SELECT" && t.Word(2) != "TABLE" && t.Word(2) != "VALUES" && t.Word(2) != "WITH" && t.At(2) != "(" {
		return
	}
	from := w.operandStart(-2)
	if from > -2 {
		return
	}
	word := t.Word(0)
	if word == "SOME" {
		word = "ANY"
	}
	in := map[string]string{"= ANY": "IN", "<> ALL": "NOT IN", "!= ALL": "NOT IN"}[op+" "+word]
	if in != "" && (t.Word(2) == "SELECT" || t.Word(2) == "WITH") && !w.predicates(from, -1) {
		w.put(-1, in)
		w.drop(0, 1)
		return
	}
	w.prefix(from, fmt.Sprintf("%s('%s', '%s', ", QuantifiedFunction, op, word))
	w.put(-1, ",")
	w.drop(0, 1)
	if i := t.Closing(1); i > 0 {
		w.put(i, "))")
	}
}

// predicates reports whether an operand has an operator that IN does not take on its left side without parentheses.
func (w *rewriter) predicates(from, to int) bool {
	for i := from; i < to; i++ {
		switch strings.ToUpper(w.t.At(i)) {
		case "IS", "IN", "LIKE", "BETWEEN", "REGEXP", "RLIKE", "SOUNDS", "MEMBER", "<=>", "<=", ">=", "<>", "!=":
			return true
		}
	}
	return false
}

// operandStart finds the token at which the operand of a comparison that ends at the i-th token from here begins.
func (w *rewriter) operandStart(i int) int {
	t := w.t
	depth := 0
	for ; t.Pos+i >= 0; i-- {
		switch text := t.At(i); {
		case text == ")":
			depth++
		case text == "(":
			if depth--; depth < 0 {
				return i + 1
			}
		case depth > 0:
		case text == "," || text == ";":
			return i + 1
		default:
			switch strings.ToUpper(text) {
			case "SELECT", "DISTINCT", "WHERE", "AND", "OR", "NOT", "XOR", "ON", "HAVING", "WHEN", "THEN", "ELSE", "CASE", "IF", "BY", "SET", "RETURN", "&&", "||", "!", "=", "<", ">":
				return i + 1
			}
		}
	}
	return i + 1
}

// rollup: GROUP BY a, b WITH ROLLUP becomes GROUP BY a, b, zorya_rollup().
func (w *rewriter) rollup() {
	w.put(0, ", "+RollupFunction+"()")
	w.drop(1, 1)
}

// grouping: GROUPING(a) becomes ANY_VALUE(zorya_grouping(a)).
func (w *rewriter) grouping() {
	t := w.t
	if i := t.Closing(1); i > 0 {
		w.put(0, "ANY_VALUE("+GroupingFunction)
		w.put(i, "))")
	}
}

// substring: SUBSTRING(s FROM n [FOR m]) becomes SUBSTRING(s, n[, m]).
func (w *rewriter) substring() {
	t := w.t
	depth := 0
	for i := 1; t.Kind(i) != lexer.EOF; i++ {
		switch t.At(i) {
		case "(":
			depth++
		case ")":
			if depth--; depth == 0 {
				return
			}
		}
		if depth == 1 && (t.Word(i) == "FROM" || t.Word(i) == "FOR") {
			w.put(i, ",")
		}
	}
}

// quickDelete is a modifier, in the library's grammar a table.
var quickDelete = regexp.MustCompile(`(?i)^\s*DELETE\s+QUICK\s+FROM\b`)

// Misread rewrites what the library's grammar takes for something else: N'text', to it a column with an alias, DATE'2020-01-01', to it a text, 5--3, to it 5 and a comment, and DEFAULT(column) in a SELECT, which
// it does not execute.
func Misread(text string, mode lexer.Mode) string {
	n := strings.Contains(text, "N'") || strings.Contains(text, "n'")
	d := strings.Contains(strings.ToLower(text), "default")
	dated := builtin.DatedText.MatchString(text)
	quick := quickDelete.MatchString(text)
	minus := strings.Contains(text, "--")
	if !n && !d && !dated && !quick && !minus {
		return text
	}
	t := lexer.NewCursor(text, mode, 1<<20)
	w := &rewriter{t: t, skip: map[int]bool{}, with: map[int]string{}}
	d = d && t.Word(0) == "SELECT"
	switch t.Word(0) {
	case "SELECT", "WITH", "INSERT", "REPLACE", "UPDATE", "DELETE", "":
	default: // a definition keeps its text
		dated = false
	}
	if quick {
		w.drop(1, 1)
	}
	for ; !t.End(); t.Pos++ {
		switch {
		case minus && t.At(0) == "-" && t.At(1) == "-" && t.Tokens[t.Pos].End == t.Tokens[t.Pos+1].Start:
			w.put(1, " -") // a comment, to it
		case t.Kind(0) == lexer.String && strings.HasPrefix(strings.ToUpper(t.At(0)), "N"):
			w.put(0, t.At(0)[1:])
		case dated && builtin.DatedWords[t.Word(0)] != "" && t.Kind(1) == lexer.String && t.At(-1) != ".":
			w.drop(0, 1)
			w.put(1, builtin.DatedWords[t.Word(0)]+"("+t.At(1)+")")
		case d && t.Word(0) == "DEFAULT" && t.At(1) == "(" && (t.Kind(2) == lexer.Word || t.Kind(2) == lexer.Quoted):
			w.put(0, DefaultFunction)
		}
	}
	w.nameItems()
	return w.build()
}

// nameItems gives the items of each SELECT that were rewritten, of a view's or a table's too, and have no alias, their original text as a name.
func (w *rewriter) nameItems() {
	t := w.t
	t.Pos = 0
	if !w.changed || t.Word(0) == "GRANT" || t.Word(0) == "REVOKE" { // whose SELECT is a privilege
		return
	}
	if t.Word(0) == "CREATE" || t.Word(0) == "ALTER" {
		for i := range len(t.Tokens) - 1 {
			if t.At(i) == ";" { // of a routine's body
				return
			}
		}
	}
	for i := range t.Tokens {
		if t.Word(i) == "SELECT" {
			w.nameSelect(i + 1)
		}
	}
}

// nameSelect is nameItems of the SELECT whose list begins at a token.
func (w *rewriter) nameSelect(from int) {
	t := w.t
	depth := 0
	for i := from; i <= len(t.Tokens); i++ {
		switch t.At(i) {
		case "(":
			depth++
		case ")":
			depth--
		}
		end := i == len(t.Tokens) || depth < 0 || depth == 0 && (endsItems[t.Word(i)] || t.At(i) == ";")
		if !end && (depth != 0 || t.At(i) != ",") {
			continue
		}
		w.nameItem(from, i)
		from = i + 1
		if end {
			return
		}
	}
}

// endsItems are the words that a select list ends at.
var endsItems = map[string]bool{"FROM": true, "WHERE": true, "GROUP": true, "HAVING": true, "ORDER": true, "LIMIT": true, "UNION": true, "EXCEPT": true, "INTERSECT": true, "INTO": true}

// nameItem names the item of the tokens [from, to).
func (w *rewriter) nameItem(from, to int) {
	t := w.t
	for from < to && (t.Word(from) == "DISTINCT" || t.Word(from) == "ALL" && t.At(from+1) != "(" || strings.HasPrefix(t.Word(from), "SQL_")) {
		from++
	}
	changed := false
	for i := from; i < to; i++ {
		_, put := w.with[i]
		changed = changed || put || w.skip[i]
	}
	if !changed || from >= to || to-from == 1 && t.Kind(from) == lexer.String {
		return
	}
	last := to - 1
	_, unit := IntervalUnits[t.Word(last)]
	switch {
	case t.Kind(last) == lexer.String && last > from && builtin.DatedWords[t.Word(last-1)] != "":
	case t.Kind(last) == lexer.String && last > from && (t.Word(last-1) == "LIKE" || t.Word(last-1) == "ESCAPE"):
	case t.At(last) == ")" || unit, to-from == 1:
	case slices.Contains([]lexer.Kind{lexer.Int, lexer.Decimal, lexer.Float, lexer.Hex, lexer.Bit, lexer.Param, lexer.UserVar}, t.Kind(last)):
	case slices.Contains([]string{"UNKNOWN", "NULL", "TRUE", "FALSE"}, t.Word(last)) && last > from && (t.Word(last-1) == "IS" || t.Word(last-1) == "NOT"):
	case last > from && (t.Kind(last-1) == lexer.Op || t.At(last-1) == "."): // behind an operator stands no alias
	default:
		return // perhaps an alias
	}
	text := t.Span(from, last+1)
	now, ok := w.with[last]
	switch {
	case ok:
	case w.skip[last]:
		return
	default:
		now = t.At(last)
	}
	w.with[last] = now + " AS " + sqltext.Quote(text)
}

const SetVarFunction = "zorya_assign" // @a := expr

const MemberFunction = "zorya_member_of"

const ArrayFunction = "zorya_array"
