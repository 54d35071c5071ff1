package general

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/zoryadb/zorya/sql/builtin"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/sqltext"
)

// Syntax that the library's grammar lacks and that becomes a call of a function of our own (rewrite.go finds the places).

// Functions of our own that rewritten syntax calls.
const (
	intervalFunction   = "zorya_interval"   // (value, unit): what INTERVAL with a composite unit amounts to in months, seconds or microseconds
	defaultFunction    = "zorya_default"    // (column): DEFAULT(column)
	quantifiedFunction = "zorya_quantified" // (op, ANY or ALL, value, subquery)
	rollupFunction     = "zorya_rollup"     // (): the last item of GROUP BY ... WITH ROLLUP
	groupingFunction   = "zorya_grouping"   // (item ...): GROUPING(item ...), within ANY_VALUE
)

// compositeInterval: INTERVAL '1:30' HOUR_MINUTE becomes INTERVAL zorya_interval('1:30', 'HOUR_MINUTE') SECOND.
func (w *rewriter) compositeInterval() {
	t := w.t
	depth := 0
	for i := 1; t.kind(i) != lexer.EOF; i++ {
		switch t.at(i) {
		case "(":
			depth++
		case ")":
			if depth--; depth < 0 {
				return
			}
		}
		unit := t.word(i)
		u, ok := intervalUnits[unit]
		if depth != 0 || !ok || i == 1 {
			continue
		}
		if u.parts == nil {
			return
		}
		whole := "SECOND"
		switch u.parts[len(u.parts)-1] {
		case "MONTH":
			whole = "MONTH"
		case "MICROSECOND":
			whole = "MICROSECOND"
		}
		w.prefix(1, intervalFunction+"(")
		w.put(i, ", '"+unit+"') "+whole)
		return
	}
}

// prefix puts text before the i-th token from here.
func (w *rewriter) prefix(i int, text string) {
	old, ok := w.with[w.t.pos+i]
	if !ok {
		old = w.t.at(i)
	}
	w.put(i, text+old)
}

// quantified: x > ALL (SELECT ...) becomes zorya_quantified('>', 'ALL', x, (SELECT ...)).
func (w *rewriter) quantified() {
	t := w.t
	op := t.at(-1)
	switch op {
	case "=", "<", ">", "<=", ">=", "<>", "!=":
	default:
		return
	}
	if t.at(1) != "(" || t.word(2) != "SELECT" && t.word(2) != "TABLE" && t.word(2) != "VALUES" && t.word(2) != "WITH" && t.at(2) != "(" {
		return
	}
	from := w.operandStart(-2)
	if from > -2 {
		return
	}
	word := t.word(0)
	if word == "SOME" {
		word = "ANY"
	}
	w.prefix(from, fmt.Sprintf("%s('%s', '%s', ", quantifiedFunction, op, word))
	w.put(-1, ",")
	w.drop(0, 1)
	if i := t.closing(1); i > 0 {
		w.put(i, "))")
	}
}

// operandStart finds the token at which the operand of a comparison that ends at the i-th token from here begins.
func (w *rewriter) operandStart(i int) int {
	t := w.t
	depth := 0
	for ; t.pos+i >= 0; i-- {
		switch text := t.at(i); {
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
	w.put(0, ", "+rollupFunction+"()")
	w.drop(1, 1)
}

// grouping: GROUPING(a) becomes ANY_VALUE(zorya_grouping(a)).
func (w *rewriter) grouping() {
	t := w.t
	if i := t.closing(1); i > 0 {
		w.put(0, "ANY_VALUE("+groupingFunction)
		w.put(i, "))")
	}
}

// substring: SUBSTRING(s FROM n [FOR m]) becomes SUBSTRING(s, n[, m]).
func (w *rewriter) substring() {
	t := w.t
	depth := 0
	for i := 1; t.kind(i) != lexer.EOF; i++ {
		switch t.at(i) {
		case "(":
			depth++
		case ")":
			if depth--; depth == 0 {
				return
			}
		}
		if depth == 1 && (t.word(i) == "FROM" || t.word(i) == "FOR") {
			w.put(i, ",")
		}
	}
}

// quickDelete is a modifier, in the library's grammar a table.
var quickDelete = regexp.MustCompile(`(?i)^\s*DELETE\s+QUICK\s+FROM\b`)

// misread rewrites what the library's grammar takes for something else: N'text', to it a column with an alias, DATE'2020-01-01', to it a text, and DEFAULT(column) in a SELECT, which
// it does not execute.
func misread(text string, mode lexer.Mode) string {
	n := strings.Contains(text, "N'") || strings.Contains(text, "n'")
	d := strings.Contains(strings.ToLower(text), "default")
	dated := builtin.DatedText.MatchString(text)
	quick := quickDelete.MatchString(text)
	if !n && !d && !dated && !quick {
		return text
	}
	t := cutTokens(text, mode, 1<<20)
	w := &rewriter{t: t, skip: map[int]bool{}, with: map[int]string{}}
	d = d && t.word(0) == "SELECT"
	switch t.word(0) {
	case "SELECT", "WITH", "INSERT", "REPLACE", "UPDATE", "DELETE", "":
	default: // a definition keeps its text
		dated = false
	}
	if quick {
		w.drop(1, 1)
	}
	for ; !t.end(); t.pos++ {
		switch {
		case t.kind(0) == lexer.String && strings.HasPrefix(strings.ToUpper(t.at(0)), "N"):
			w.put(0, t.at(0)[1:])
		case dated && builtin.DatedWords[t.word(0)] != "" && t.kind(1) == lexer.String && t.at(-1) != ".":
			w.drop(0, 1)
			w.put(1, builtin.DatedWords[t.word(0)]+"("+t.at(1)+")")
		case d && t.word(0) == "DEFAULT" && t.at(1) == "(" && (t.kind(2) == lexer.Word || t.kind(2) == lexer.Quoted):
			w.put(0, defaultFunction)
		}
	}
	w.nameItems()
	return w.build()
}

// nameItems gives the items of the outermost SELECT that were rewritten, and have no alias, their original text as a name.
func (w *rewriter) nameItems() {
	t := w.t
	t.pos = 0
	if !w.changed || t.word(0) != "SELECT" {
		return
	}
	depth, from := 0, 1
	for i := 1; i <= len(t.list); i++ {
		switch t.at(i) {
		case "(":
			depth++
		case ")":
			depth--
		}
		end := i == len(t.list) || depth == 0 && (t.word(i) == "FROM" || t.word(i) == "WHERE" || t.word(i) == "ORDER" || t.word(i) == "LIMIT" || t.word(i) == "UNION" || t.word(i) == "INTO")
		if !end && (depth != 0 || t.at(i) != ",") {
			continue
		}
		w.nameItem(from, i)
		from = i + 1
		if end {
			return
		}
	}
}

// nameItem names the item of the tokens [from, to).
func (w *rewriter) nameItem(from, to int) {
	t := w.t
	for from < to && (t.word(from) == "DISTINCT" || t.word(from) == "ALL" && t.at(from+1) != "(" || strings.HasPrefix(t.word(from), "SQL_")) {
		from++
	}
	changed := false
	for i := from; i < to; i++ {
		_, put := w.with[i]
		changed = changed || put || w.skip[i]
	}
	if !changed || from >= to || to-from == 1 && t.kind(from) == lexer.String {
		return
	}
	last := to - 1
	_, unit := intervalUnits[t.word(last)]
	switch {
	case t.kind(last) == lexer.String && last > from && builtin.DatedWords[t.word(last-1)] != "":
	case t.at(last) == ")" || t.kind(last) == lexer.Int || unit, to-from == 1:
	default:
		return // perhaps an alias
	}
	text := t.src[t.list[from].Start:t.list[last].End]
	now, ok := w.with[last]
	switch {
	case ok:
	case w.skip[last]:
		return
	default:
		now = t.at(last)
	}
	w.with[last] = now + " AS " + sqltext.Quote(text)
}
