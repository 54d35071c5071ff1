package grammar

import (
	"strings"

	"github.com/zoryadb/zorya/sql/builtin"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/sqltext"
)

// Calls whose syntax the library's grammar lacks become calls of functions of its own.

// intervalCall puts a name that the parser knows as a function's in the place of INTERVAL(n, n1, ...). A span of time has no comma of its own.
func (w *rewriter) intervalCall() bool {
	t := w.t
	end := t.Closing(1)
	if t.At(1) != "(" || end < 0 {
		return false
	}
	for i := range t.Outer(2) {
		if i >= end {
			break
		}
		if t.At(i) == "," {
			w.put(0, builtin.PlaceFunction)
			return true
		}
	}
	return false
}

// jsonValueClauses makes arguments of JSON_VALUE's clauses.
func (w *rewriter) jsonValueClauses() {
	t := w.t
	depth, end, first := 0, 0, 0
	for i := 1; t.At(i) != ""; i++ {
		switch t.At(i) {
		case "(":
			depth++
		case ")":
			depth--
		}
		if depth == 0 {
			end = i
			break
		}
		if word := t.Word(i); depth == 1 && first == 0 && (word == "RETURNING" || (word == "NULL" || word == "ERROR" || word == "DEFAULT") && i > 3 && t.At(i-1) != "," && t.At(i-1) != "(") {
			first = i
		}
	}
	if end == 0 || first == 0 {
		return
	}
	kind, i := "char(512)", first
	clause := func() bool { return t.Word(i) == "NULL" || t.Word(i) == "ERROR" || t.Word(i) == "DEFAULT" }
	if t.Word(i) == "RETURNING" {
		from := i + 1
		for i++; i < end && !clause(); i++ {
		}
		kind = strings.ToLower(t.Span(t.Pos+from, t.Pos+i))
	}
	action := map[string]string{"EMPTY": "'', NULL", "ERROR": "'', NULL"}
	for i < end {
		if !clause() {
			return
		}
		what, value := strings.ToLower(t.Word(i)), "NULL"
		from := i + 1
		for i++; i < end && !(t.Word(i) == "ON" && (t.Word(i+1) == "EMPTY" || t.Word(i+1) == "ERROR")); i++ {
		}
		if i >= end {
			return
		}
		if what == "default" && i > from {
			value = t.Span(t.Pos+from, t.Pos+i)
		}
		action[t.Word(i+1)] = sqltext.Literal(what) + ", " + value
		i += 2
	}
	w.drop(first, end-first)
	w.put(0, builtin.JSONValueFunction)
	w.put(end, ", "+sqltext.Literal(kind)+", "+action["EMPTY"]+", "+action["ERROR"]+")")
}

// JSONValueText writes the calls of jsonValueFunction in a definition as MySQL shows them: with clauses.
func JSONValueText(text string) string {
	for {
		at := strings.LastIndex(text, builtin.JSONValueFunction+"(") // one within another first
		if at < 0 {
			return text
		}
		t := lexer.NewCursor(text[at:], 0, 1<<20)
		end := t.Closing(1)
		if end < 0 {
			return text
		}
		var args []string
		depth, from := 0, t.Tokens[1].End
		for i := 2; i <= end; i++ {
			switch k := t.At(i); {
			case i == end || k == "," && depth == 0:
				args = append(args, strings.TrimSpace(t.Src[from:t.Tokens[i].Start]))
				from = t.Tokens[i].End
			case k == "(":
				depth++
			case k == ")":
				depth--
			}
		}
		if len(args) != 7 {
			return text
		}
		shown := "json_value(" + args[0] + "," + args[1] + " returning " + literalContent(args[2])
		for i, on := range []string{"empty", "error"} {
			switch action, value := literalContent(args[3+2*i]), args[4+2*i]; action {
			case "":
			case "default":
				shown += " default " + value + " on " + on
			default:
				shown += " " + action + " on " + on
			}
		}
		text = text[:at] + shown + ")" + text[at+t.Tokens[end].End:]
	}
}

// literalContent is what a string literal holds, which may have an introducer.
func literalContent(s string) string {
	if i := strings.IndexByte(s, '\''); i > 0 {
		s = s[i:]
	}
	return lexer.Unquote(s)
}

// ErrorOnMarker stands for ERROR where the grammar lacks it beside another clause.
const ErrorOnMarker = "\x01zorya error"

// jsonTableClauses: ERROR ON EMPTY beside DEFAULT or NULL ON ERROR, and the other way round.
func (w *rewriter) jsonTableClauses() {
	end := w.t.Closing(1)
	for i := 1; i < end; i++ {
		if w.t.Word(i) == "ERROR" && w.t.Word(i+1) == "ON" && (w.t.Word(i+2) == "EMPTY" || w.t.Word(i+2) == "ERROR") {
			w.put(i, "DEFAULT "+sqltext.Literal(ErrorOnMarker))
			i += 2
		}
	}
}

// memberOf: x MEMBER OF (y) becomes a function call. x is a name, a literal, a call or in parentheses.
func (w *rewriter) memberOf() {
	t := w.t
	open := 1
	if t.Word(1) == "OF" {
		open = 2
	}
	if t.Pos == 0 || t.At(open) != "(" {
		return
	}
	first := -1
	if t.At(-1) == ")" {
		for depth := 1; depth > 0; {
			if first--; t.Pos+first < 0 {
				return
			}
			switch t.At(first) {
			case ")":
				depth++
			case "(":
				depth--
			}
		}
		if t.Pos+first > 0 && t.Kind(first-1) == lexer.Word && !beforeValue[t.Word(first-1)] {
			first-- // the function
		}
	}
	for t.Pos+first > 1 && t.At(first-1) == "." {
		first -= 2
	}
	for depth, i := 0, open; t.Kind(i) != lexer.EOF; i++ {
		switch t.At(i) {
		case "(":
			depth++
		case ")":
			if depth--; depth > 0 {
				continue
			}
			text := t.At(first)
			if have, ok := w.with[t.Pos+first]; ok {
				text = have
			}
			w.put(first, MemberFunction+"("+text)
			w.put(0, ",")
			w.drop(1, open)
			return
		}
	}
}

// beforeValue are words before a value in parentheses, which no function's names are.
var beforeValue = map[string]bool{"AND": true, "OR": true, "XOR": true, "NOT": true, "WHERE": true, "ON": true, "HAVING": true, "SELECT": true, "WHEN": true, "THEN": true,
	"ELSE": true, "CASE": true, "BETWEEN": true, "LIKE": true, "BY": true, "DISTINCT": true, "RETURN": true, "WHILE": true, "UNTIL": true, "ELSEIF": true}

// castArray: CAST(x AS type ARRAY) becomes a function call.
func (w *rewriter) castArray() {
	t := w.t
	if t.At(1) != "(" {
		return
	}
	as, depth := 0, 0
	for i := 1; t.Kind(i) != lexer.EOF; i++ {
		switch {
		case t.At(i) == "(":
			depth++
		case t.At(i) == ")":
			if depth--; depth > 0 {
				continue
			}
			if as > 0 && t.Word(i-1) == "ARRAY" && i-1 > as+1 {
				of := t.Span(t.Pos+as+1, t.Pos+i-1)
				w.put(0, ArrayFunction)
				w.put(as, ", "+sqltext.Literal(strings.ToLower(of)))
				w.drop(as+1, i-as-1)
			}
			return
		case depth == 1 && t.Word(i) == "AS":
			as = i
		}
	}
}

// nullTreatment drops what says the default between a window function and its OVER: FROM FIRST and RESPECT NULLS.
func (w *rewriter) nullTreatment() {
	t := w.t
	if t.At(-1) != ")" && !w.skip[t.Pos-1] {
		return
	}
	switch {
	case t.Word(0) == "FROM" && t.Word(1) == "FIRST" && (t.Word(2) == "OVER" || t.Word(3) == "NULLS"),
		t.Word(0) == "RESPECT" && t.Word(1) == "NULLS" && t.Word(2) == "OVER":
		w.drop(0, 2)
	}
}

// OtherTreatment is the error of FROM LAST and IGNORE NULLS, which MySQL's grammar has and MySQL does not execute; nil: there is none.
func OtherTreatment(text string, mode lexer.Mode) error {
	t := lexer.NewCursor(text, mode, 1<<20)
	for t.Pos = 1; !t.End(); t.Pos++ {
		switch {
		case t.Word(0) == "FROM" && t.Word(1) == "LAST" && t.At(-1) == ")" && (t.Word(2) == "OVER" || t.Word(3) == "NULLS"):
			return mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, "FROM LAST")
		case t.Word(0) == "IGNORE" && t.Word(1) == "NULLS" && t.Word(2) == "OVER":
			return mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, "IGNORE NULLS")
		}
	}
	return nil
}

const NgramParser = "ngram"

// NamedParser writes WITH PARSER ngram, which the library's grammar lacks, as the index type that it has room for.
func NamedParser(text string) string {
	if !strings.Contains(strings.ToLower(text), "parser") {
		return text
	}
	t := lexer.NewCursor(text, 0, 1<<20)
	w := &rewriter{t: t, skip: map[int]bool{}, with: map[int]string{}}
	for ; t.Pos+2 < len(t.Tokens); t.Pos++ {
		if t.Word(0) == "WITH" && t.Word(1) == "PARSER" && strings.EqualFold(strings.Trim(t.At(2), "`"), NgramParser) {
			w.put(0, "USING")
			w.put(1, NgramParser)
			w.put(2, "")
		}
	}
	return w.build()
}
