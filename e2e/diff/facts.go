package diff

import (
	"regexp"
	"strings"

	"github.com/zoryadb/zorya/sql/lexer"
)

// facts are what rules ask about a statement.
type facts struct {
	text  string
	verb  string
	words map[string]int // bare words, in capitals: keywords, and names that are not quoted
	calls map[string]int // those of them that a parenthesis follows at once
	past  string         // the statements before it

	prepared bool // with parameters
}

func factsOf(text string) *facts {
	f := &facts{text: text, verb: verb(text), words: map[string]int{}, calls: map[string]int{}}
	l := lexer.Lexer{Src: []byte(text)}
	last := ""
	for t := l.Next(); t.Kind != lexer.EOF && t.Kind != lexer.Bad; t = l.Next() {
		word := string(l.Text(t))
		if word == "(" && last != "" && text[t.Start-1] != ' ' {
			f.calls[last]++
		}
		if last = ""; t.Kind == lexer.Word {
			last = strings.ToUpper(word)
			f.words[last]++
		}
	}
	return f
}

// ignore: errors are warnings.
func (f *facts) ignore() bool { return f.words["IGNORE"] > 0 }

func (f *facts) onDuplicate() bool { return f.words["DUPLICATE"] > 0 }

// changes reports whether a statement changes data: what it computes may then be an error.
func (f *facts) changes() bool { return f.verb != "SELECT" && f.verb != "WITH" }

// alters reports whether it is an ALTER TABLE with such an action.
func (f *facts) alters(action string) bool { return f.verb == "ALTER" && f.words[action] > 0 }

// several reports whether a query has more than one table's condition: a view has one of its own.
func (f *facts) several() bool {
	return f.words["SELECT"] > 1 || f.words["JOIN"] > 0 || f.throughView()
}

// throughView reports whether it names one of the generator's views.
func (f *facts) throughView() bool { return f.words["V0"]+f.words["V1"] > 0 }

// planned reports whether a plan has a choice of which rows or values to look at, or when to stop. COUNT(DISTINCT) of a key is counted without a look,
// and a window's values without those of its order.
func (f *facts) planned() bool {
	return f.several() || f.words["LIMIT"] > 0 || f.calls["COUNT"] > 0 && f.words["DISTINCT"] > 0 || f.words["OVER"] > 0
}

// callsAny reports whether one of these functions is called.
func (f *facts) callsAny(names ...string) bool {
	for _, n := range names {
		if f.calls[n] > 0 {
			return true
		}
	}
	return false
}

// dividesByZeroColumn reports whether it divides by a column that a pair of its condition equates with zero, so that an optimizer knows the divisor.
func (f *facts) dividesByZeroColumn() bool {
	for _, by := range byColumn.FindAllStringSubmatch(f.text, -1) {
		for _, pair := range zeroByPairs.FindAllStringSubmatch(f.text, -1) {
			if pair[1] == by[1] && pair[3] == "0" || pair[2] == by[1] && pair[4] == "0" {
				return true
			}
		}
	}
	return false
}

// betweenIndexed reports whether BETWEEN is asked of a column that an index of the Case begins with.
func (f *facts) betweenIndexed() bool {
	for _, m := range lowerBound.FindAllStringSubmatch(f.text, -1) {
		if regexp.MustCompile("(?:KEY|KEY \\w+|INDEX \\w+ ON \\w+) \\(`" + m[1] + "`").MatchString(f.past) {
			return true
		}
	}
	return false
}
