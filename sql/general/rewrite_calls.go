package general

import (
	"strings"

	"github.com/zoryadb/zorya/sql/builtin"
	"github.com/zoryadb/zorya/sql/lexer"
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

// jsonValueText writes the calls of jsonValueFunction in a definition as MySQL shows them: with clauses.
func jsonValueText(text string) string {
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
