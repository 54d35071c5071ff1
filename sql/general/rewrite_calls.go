package general

import (
	"strings"

	"github.com/zoryadb/zorya/sql/builtin"
)

// Calls whose syntax the library's grammar lacks become calls of functions of its own.

// intervalCall puts a name that the parser knows as a function's in the place of INTERVAL(n, n1, ...). A span of time has no comma of its own.
func (w *rewriter) intervalCall() bool {
	t := w.t
	end := t.closing(1)
	if t.at(1) != "(" || end < 0 {
		return false
	}
	for i := range t.outer(2) {
		if i >= end {
			break
		}
		if t.at(i) == "," {
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
	for i := 1; t.at(i) != ""; i++ {
		switch t.at(i) {
		case "(":
			depth++
		case ")":
			depth--
		}
		if depth == 0 {
			end = i
			break
		}
		if word := t.word(i); depth == 1 && first == 0 && (word == "RETURNING" || (word == "NULL" || word == "ERROR" || word == "DEFAULT") && i > 3 && t.at(i-1) != "," && t.at(i-1) != "(") {
			first = i
		}
	}
	if end == 0 || first == 0 {
		return
	}
	kind, i := "char(512)", first
	clause := func() bool { return t.word(i) == "NULL" || t.word(i) == "ERROR" || t.word(i) == "DEFAULT" }
	if t.word(i) == "RETURNING" {
		from := i + 1
		for i++; i < end && !clause(); i++ {
		}
		kind = strings.ToLower(t.src[t.list[t.pos+from].Start:t.list[t.pos+i-1].End])
	}
	action := map[string]string{"EMPTY": "'', NULL", "ERROR": "'', NULL"}
	for i < end {
		if !clause() {
			return
		}
		what, value := strings.ToLower(t.word(i)), "NULL"
		from := i + 1
		for i++; i < end && !(t.word(i) == "ON" && (t.word(i+1) == "EMPTY" || t.word(i+1) == "ERROR")); i++ {
		}
		if i >= end {
			return
		}
		if what == "default" && i > from {
			value = t.src[t.list[t.pos+from].Start:t.list[t.pos+i-1].End]
		}
		action[t.word(i+1)] = quoteString(what) + ", " + value
		i += 2
	}
	w.drop(first, end-first)
	w.put(0, builtin.JSONValueFunction)
	w.put(end, ", "+quoteString(kind)+", "+action["EMPTY"]+", "+action["ERROR"]+")")
}

// jsonValueText writes the calls of jsonValueFunction in a definition as MySQL shows them: with clauses.
func jsonValueText(text string) string {
	for {
		at := strings.LastIndex(text, builtin.JSONValueFunction+"(") // one within another first
		if at < 0 {
			return text
		}
		t := cutTokens(text[at:], 0, 1<<20)
		end := t.closing(1)
		if end < 0 {
			return text
		}
		var args []string
		depth, from := 0, t.list[1].End
		for i := 2; i <= end; i++ {
			switch k := t.at(i); {
			case i == end || k == "," && depth == 0:
				args = append(args, strings.TrimSpace(t.src[from:t.list[i].Start]))
				from = t.list[i].End
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
		text = text[:at] + shown + ")" + text[at+t.list[end].End:]
	}
}

// literalContent is what a string literal holds, which may have an introducer.
func literalContent(s string) string {
	if i := strings.IndexByte(s, '\''); i > 0 {
		s = s[i:]
	}
	return unquote(s)
}
