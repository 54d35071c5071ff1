package grammar

import (
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/builtin"
	"github.com/zoryadb/zorya/sql/lexer"
)

// Operators beside each other. MySQL's grammar nests them by levels: a comparison is of a comparison or IS NULL with a predicate (1 = 1 = 1, a IS NULL = 0), a predicate (IN, LIKE,
// BETWEEN, REGEXP) is of operands, and its result an operand of a comparison (1 = a IN (2)). The library's grammar has one of all these between two AND, so a text that it refuses is
// tried with parentheses where the levels have them.

// grouper finds the expressions of a statement, and where parentheses belong. Its methods take the number of a token and give that of the token behind what they passed, or
// the same one where nothing of the kind begins.
type grouper struct {
	t             *lexer.Cursor
	concat        bool // || joins texts
	high          bool // NOT binds as ! does (HIGH_NOT_PRECEDENCE)
	nots          []int
	before, after map[int]int // parentheses to write before and after a token
}

// groupOperators writes the parentheses. changed is false when there is nothing to do.
func groupOperators(text string, o sqlparser.ParserOptions) (out string, changed bool) {
	return group(&grouper{t: lexer.NewCursor(text, LexMode(o), 1<<20), concat: o.PipesAsConcat})
}

// HighNot writes NOT as !, where it is an operator.
func HighNot(text string, o sqlparser.ParserOptions) string {
	out, _ := group(&grouper{t: lexer.NewCursor(text, LexMode(o), 1<<20), concat: o.PipesAsConcat, high: true})
	return out
}

func group(g *grouper) (out string, changed bool) {
	g.before, g.after = map[int]int{}, map[int]int{}
	g.walk(0, len(g.t.Tokens))
	w := &rewriter{t: g.t, skip: map[int]bool{}, with: map[int]string{}}
	for _, i := range g.nots {
		w.put(i, " ! ")
	}
	if !g.high || len(g.nots) > 0 {
		for i := range g.t.Tokens {
			if g.before[i]+g.after[i] > 0 {
				text, ok := w.with[i]
				if !ok {
					text = g.t.At(i)
				}
				w.put(i, strings.Repeat("(", g.before[i])+text+strings.Repeat(")", g.after[i]))
			}
		}
	}
	w.nameItems()
	return w.build(), w.changed
}

// wrap puts the tokens [from, to) in parentheses.
func (g *grouper) wrap(from, to int) {
	g.before[from]++
	g.after[to-1]++
}

// walk passes over tokens, and through each expression among them.
func (g *grouper) walk(i, to int) {
	for assigned := false; i < to; {
		if assigned {
			if i, assigned = g.target(i); !assigned {
				continue
			}
		}
		end := g.comparison(i)
		assigned = assigned && end > i && g.t.At(end) == "," || g.t.Word(i) == "SET" || g.t.Word(i) == "UPDATE" && g.t.Word(i-1) == "KEY"
		if assigned && end > i {
			end++ // the comma
		}
		i = max(end, i+1)
	}
}

// target passes over what a SET assigns to, and the sign of equality behind it.
func (g *grouper) target(i int) (int, bool) {
	for n := i; n < i+8; n++ {
		switch k, text := g.t.Kind(n), g.t.At(n); {
		case text == "=" || text == ":=":
			return n + 1, true
		case k != lexer.Word && k != lexer.Quoted && k != lexer.UserVar && k != lexer.SysVar && text != ".":
			return i, false
		}
	}
	return i, false
}

var comparisons = map[string]bool{"=": true, "<=>": true, "<": true, ">": true, "<=": true, ">=": true, "<>": true, "!=": true}

// comparison passes over comparisons, IS NULL and what they are of.
func (g *grouper) comparison(i int) int {
	end, grouped := g.predicate(i)
	if end == i {
		return i
	}
	for {
		switch {
		case comparisons[g.t.At(end)]:
			right, predicate := g.predicate(end + 1)
			if right == end+1 {
				return end
			}
			if grouped {
				g.wrap(i, end)
			}
			if predicate {
				g.wrap(end+1, right)
			}
			end, grouped = right, true
		case g.t.Word(end) == "IS" && g.t.Word(end+1) == "NULL":
			end, grouped = end+2, true
		case g.t.Word(end) == "IS" && g.t.Word(end+1) == "NOT" && g.t.Word(end+2) == "NULL":
			end, grouped = end+3, true
		default:
			return end
		}
	}
}

// predicate passes over an operand, or a predicate of operands: then it says true.
func (g *grouper) predicate(i int) (end int, predicate bool) {
	end = g.operand(i)
	if end == i {
		return i, false
	}
	n := end
	if g.t.Word(n) == "NOT" {
		n++
	}
	switch word := g.t.Word(n); {
	case word == "IN" && g.t.At(n+1) == "(":
		return g.parenthesized(n + 1), true
	case word == "MEMBER":
		if g.t.Word(n+1) == "OF" {
			n++
		}
		return g.parenthesized(n + 1), true
	case word == "LIKE":
		last := g.simple(n + 1)
		if g.t.Word(last) == "ESCAPE" {
			last = g.simple(last + 1)
		}
		return last, true
	case word == "SOUNDS" && g.t.Word(n+1) == "LIKE":
		return g.operand(n + 2), true
	case word == "REGEXP" || word == "RLIKE":
		return g.operand(n + 1), true
	case word == "BETWEEN":
		and := g.operand(n + 1)
		if g.t.Word(and) != "AND" {
			return end, false
		}
		last, inner := g.predicate(and + 1)
		if inner {
			g.wrap(and+1, last)
		}
		return last, true
	}
	return end, false
}

var operators = map[string]bool{"|": true, "&": true, "<<": true, ">>": true, "+": true, "-": true, "*": true, "/": true, "%": true, "^": true, "DIV": true, "MOD": true}

// operand passes over what + and its like join.
func (g *grouper) operand(i int) int {
	end := g.simple(i)
	for end > i && (operators[strings.ToUpper(g.t.At(end))] || g.concat && g.t.At(end) == "||") {
		right := g.simple(end + 1)
		if right == end+1 {
			return end
		}
		end = right
	}
	return end
}

// simple passes over one operand with its signs and what is attached to it.
func (g *grouper) simple(i int) int {
	t, from := g.t, i
	for {
		switch text := t.At(i); {
		case text == "-" || text == "+" || text == "~" || text == "!" || t.Word(i) == "BINARY":
		case g.high && t.Word(i) == "NOT" && t.Word(i-1) != "IS" && t.Word(i+1) != "NULL" && (t.Word(i+1) != "EXISTS" || t.At(i+2) == "("):
			g.nots = append(g.nots, i)
		default:
			end := g.primary(i)
			if end == i {
				return from
			}
			for {
				switch {
				case (t.At(end) == "->" || t.At(end) == "->>") && t.Kind(end+1) == lexer.String, t.Word(end) == "COLLATE":
					end += 2
				default:
					return end
				}
			}
		}
		i++
	}
}

// reservedOperands are the reserved words that begin an operand, by themselves or with parentheses.
var reservedOperands = map[string]bool{"NULL": true, "TRUE": true, "FALSE": true, "DEFAULT": true, "CURRENT_DATE": true, "CURRENT_TIME": true, "CURRENT_TIMESTAMP": true, "CURRENT_USER": true,
	"LOCALTIME": true, "LOCALTIMESTAMP": true, "UTC_DATE": true, "UTC_TIME": true, "UTC_TIMESTAMP": true}

// reservedCalls are the reserved words that are functions.
var reservedCalls = map[string]bool{"ALL": true, "CHAR": true, "CONVERT": true, "CUME_DIST": true, "DATABASE": true, "DENSE_RANK": true, "FIRST_VALUE": true, "GROUPING": true, "IF": true, "INSERT": true,
	"LAG": true, "LAST_VALUE": true, "LEAD": true, "LEFT": true, "MATCH": true, "MOD": true, "NTH_VALUE": true, "NTILE": true, "PERCENT_RANK": true, "RANK": true, "REPEAT": true, "REPLACE": true, "RIGHT": true,
	"ROW": true, "ROW_NUMBER": true, "SCHEMA": true, "VALUES": true}

// primary passes over a literal, a name, a call, or what stands in parentheses.
func (g *grouper) primary(i int) int {
	t := g.t
	switch t.Kind(i) {
	case lexer.Int, lexer.Decimal, lexer.Float, lexer.Hex, lexer.Bit, lexer.Param, lexer.UserVar:
		return i + 1
	case lexer.String:
		for t.Kind(i) == lexer.String {
			i++
		}
		return i
	case lexer.SysVar:
		return g.name(i + 1)
	case lexer.Quoted:
		return g.call(g.name(i))
	case lexer.Punct:
		if t.At(i) == "(" {
			return g.parenthesized(i)
		}
	case lexer.Word:
		return g.worded(i)
	}
	return i
}

// worded is primary of what begins with a word.
func (g *grouper) worded(i int) int {
	t, word := g.t, g.t.Word(i)
	called := t.At(i+1) == "("
	switch {
	case word == "CASE":
		for n, depth := i, 0; t.Kind(n) != lexer.EOF; n++ {
			switch t.Word(n) {
			case "CASE":
				depth++
			case "END":
				if depth--; depth == 0 {
					g.walk(i+1, n)
					return n + 1
				}
			}
		}
		return i
	case word == "EXISTS" && called:
		end := g.parenthesized(i + 1)
		g.wrap(i, end)
		return end
	case word == "INTERVAL":
		var end int
		if called {
			end = g.parenthesized(i + 1)
		} else {
			end = g.comparison(i + 1)
		}
		if _, unit := IntervalUnits[t.Word(end)]; unit {
			end++
		}
		return end
	case t.Kind(i+1) == lexer.String && (builtin.DatedWords[word] != "" || strings.HasPrefix(word, "_")):
		return i + 2
	case (t.Kind(i+1) == lexer.Hex || t.Kind(i+1) == lexer.Bit) && strings.HasPrefix(word, "_"):
		return i + 2
	case !lexer.Reserved([]byte(word)), reservedOperands[word], called && reservedCalls[word]:
		return g.call(g.name(i))
	}
	return i
}

// name passes over a name with those that qualify it.
func (g *grouper) name(i int) int {
	for i++; g.t.At(i) == "." && g.t.Kind(i+1) != lexer.EOF; {
		i += 2
	}
	return i
}

// call passes over the arguments of a function and what follows them, if there are any.
func (g *grouper) call(i int) int {
	if g.t.At(i) != "(" {
		return i
	}
	end := g.parenthesized(i)
	for g.t.Word(end) == "AGAINST" || g.t.Word(end) == "OVER" {
		if g.t.At(end+1) != "(" {
			return end + 2
		}
		end = g.parenthesized(end + 1)
	}
	return end
}

// parenthesized passes over what stands in parentheses, and through it.
func (g *grouper) parenthesized(i int) int {
	end := g.t.Closing(i)
	if g.t.At(i) != "(" || end < 0 {
		return i
	}
	g.walk(i+1, end)
	return end + 1
}
