package perfschema

import (
	_ "embed"
	"regexp"
	"strings"
	"sync"
)

// View is a view of the schema sys.
type View struct{ Name, Select string }

//go:embed sys.txt
var sysText string

// macro is a use of TIME, BYTES or TEXT in sys.txt; what is within has at most three levels of parentheses.
var macro = regexp.MustCompile(`\b(TIME|BYTES|TEXT)\(((?:[^()]|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))*)\)`)

// forms are what macros stand for in a view for people.
var forms = map[string]string{"TIME": "FORMAT_PICO_TIME", "BYTES": "FORMAT_BYTES", "TEXT": "zorya_format_statement"}

// Views are sys's views, by lower-case name. Each has a twin x$name with plain numbers, unless its line marks it with an exclamation mark: it has nothing to
// format.
var Views = sync.OnceValue(func() map[string]*View {
	out := map[string]*View{}
	for line := range strings.Lines(sysText) {
		name, text, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok || strings.HasPrefix(name, "#") {
			continue
		}
		name, alone := strings.CutSuffix(name, "!")
		people := macro.ReplaceAllStringFunc(text, func(m string) string {
			part := macro.FindStringSubmatch(m)
			return forms[part[1]] + "(" + part[2] + ")"
		})
		out[name] = &View{name, strings.ReplaceAll(people, "PREFIX", "")}
		if !alone {
			out["x$"+name] = &View{"x$" + name, strings.ReplaceAll(macro.ReplaceAllString(text, "$2"), "PREFIX", "x$")}
		}
	}
	return out
})

// Routine is a procedure or function of the schema sys. Rest is what follows its name in CREATE.
type Routine struct{ Kind, Name, Rest string }

//go:embed routines.txt
var routinesText string

// Routines are sys's procedures and functions.
var Routines = sync.OnceValue(func() (out []Routine) {
	for line := range strings.Lines(routinesText) {
		kind, rest, _ := strings.Cut(line, " ")
		switch {
		case strings.HasPrefix(line, "#"):
		case kind == "PROCEDURE" || kind == "FUNCTION":
			name, rest, _ := strings.Cut(rest, " ")
			out = append(out, Routine{kind, name, rest})
		default:
			out[len(out)-1].Rest += line
		}
	}
	return out
})
