package regex

import (
	"strings"
	"unicode"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// set is what one character may be: the contents of a bracket, and further expressions of one character each.
type set struct {
	items   string
	others  []string
	negated bool
}

const anyCharacter = `[\s\S]`

// text is the set as an expression of .NET.
func (s set) text() string {
	if len(s.others) == 0 {
		switch {
		case s.items == "" && s.negated:
			return anyCharacter
		case s.items == "":
			return `[^\s\S]`
		case s.negated:
			return "[^" + s.items + "]"
		}
		return "[" + s.items + "]"
	}
	all := s.others
	if s.items != "" {
		all = append([]string{"[" + s.items + "]"}, all...)
	}
	if s.negated {
		return "(?:(?!" + strings.Join(all, "|") + ")" + anyCharacter + ")"
	}
	return "(?:" + strings.Join(all, "|") + ")"
}

// add joins another set.
func (s *set) add(o set) {
	if !o.negated {
		s.items += o.items
		s.others = append(s.others, o.others...)
	} else {
		s.others = append(s.others, o.text())
	}
}

// set reads [...], with ICU's sets within sets, && and --.
func (t *translator) set() (set, error) {
	if t.at(1) == ':' {
		if s, ok, err := t.property(); ok || err != nil {
			return s, err
		}
	}
	if t.depth++; t.depth > maxDepth {
		return set{}, fault(mysqlerr.ER_REGEXP_STACK_OVERFLOW)
	}
	defer func() { t.depth-- }()
	t.pos++
	whole := set{negated: t.accept("^")}
	var s set
	for first := true; ; first = false {
		switch {
		case t.end():
			return set{}, fault(mysqlerr.ER_REGEXP_MISSING_CLOSE_BRACKET)
		case t.at(0) == ']' && !first:
			t.pos++
			whole.add(s)
			return whole, nil
		case t.at(0) == '[':
			inner, err := t.set()
			if err != nil {
				return set{}, err
			}
			s.add(inner)
		case !first && (t.at(0) == '&' && t.at(1) == '&' || t.at(0) == '-' && t.at(1) == '-'):
			look := "(?="
			if t.at(0) == '-' {
				look = "(?!"
			}
			t.pos += 2
			right, err := t.operand()
			if err != nil {
				return set{}, err
			}
			s = set{others: []string{"(?:" + look + right.text() + ")" + s.text() + ")"}}
		default:
			one, err := t.element()
			if err != nil {
				return set{}, err
			}
			s.add(one)
		}
	}
}

// operand reads what stands to the right of && or --: up to the next of them, or the end of the set.
func (t *translator) operand() (set, error) {
	var s set
	for !t.end() && t.at(0) != ']' && !(t.at(0) == '&' && t.at(1) == '&') && !(t.at(0) == '-' && t.at(1) == '-') {
		var one set
		var err error
		if t.at(0) == '[' {
			one, err = t.set()
		} else {
			one, err = t.element()
		}
		if err != nil {
			return set{}, err
		}
		s.add(one)
	}
	return s, nil
}

// element reads a character, a range of them or a class.
func (t *translator) element() (set, error) {
	if t.at(0) == '\\' {
		if class, ok, err := t.class(); ok || err != nil {
			return class, err
		}
	}
	low, err := t.member()
	if err != nil {
		return set{}, err
	}
	if t.at(0) != '-' || t.at(1) == ']' || t.at(1) == '[' || t.at(1) == '-' || t.pos+1 >= len(t.in) {
		return set{items: literal(low)}, nil
	}
	t.pos++
	high, err := t.member()
	if err != nil {
		return set{}, err
	}
	if high < low {
		return set{}, fault(mysqlerr.ER_REGEXP_INVALID_RANGE)
	}
	return set{items: literal(low) + "-" + literal(high)}, nil
}

func (t *translator) member() (rune, error) {
	if t.at(0) == '\\' {
		return t.character()
	}
	r := t.at(0)
	t.pos++
	return r, nil
}

// classes are the escapes that stand for sets. \h and \v are blanks of lines and ends of lines.
var classes = map[rune]set{
	'd': {items: `\d`}, 'D': {items: `\D`}, 's': {items: `\s`}, 'S': {items: `\S`}, 'w': {items: `\w`}, 'W': {items: `\W`},
	'h': {items: `\u0009\p{Zs}`}, 'H': {items: `\u0009\p{Zs}`, negated: true},
	'v': {items: lineEnds}, 'V': {items: lineEnds, negated: true},
}

// class reads an escape that stands for a set; ok is false when the next is none.
func (t *translator) class() (set, bool, error) {
	r := t.at(1)
	if s, ok := classes[r]; ok {
		t.pos += 2
		return s, true, nil
	}
	if r != 'p' && r != 'P' {
		return set{}, false, nil
	}
	end := t.pos + 2
	for end < len(t.in) && t.in[end] != '}' {
		end++
	}
	if t.at(2) != '{' || end >= len(t.in) {
		return set{}, false, fault(mysqlerr.ER_REGEXP_ILLEGAL_ARGUMENT)
	}
	s, err := named(string(t.in[t.pos+3 : end]))
	t.pos = end + 1
	s.negated = s.negated != (r == 'P')
	return s, true, err
}

// property reads [:name:]; ok is false when the bracket opens an ordinary set.
func (t *translator) property() (set, bool, error) {
	for i := t.pos + 2; i+1 < len(t.in); i++ {
		switch r := t.in[i]; {
		case r == ':' && t.in[i+1] == ']':
			s, err := named(string(t.in[t.pos+2 : i]))
			t.pos = i + 2
			return s, true, err
		case r == '[' || r == ']' || r == '\\':
			return set{}, false, nil
		}
	}
	return set{}, false, nil
}

// posix are the properties by the names of POSIX, and those of Unicode that are no category or script.
var posix = map[string]string{
	"alpha": `\p{L}\p{Nl}\p{Mn}\p{Mc}`, "alphabetic": `\p{L}\p{Nl}`, "digit": `\p{Nd}`, "alnum": `\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}`, "upper": `\p{Lu}`, "uppercase": `\p{Lu}`,
	"lower": `\p{Ll}`, "lowercase": `\p{Ll}`, "punct": `\p{P}`, "space": `\s`, "whitespace": `\s`, "blank": `\u0009\p{Zs}`, "cntrl": `\p{Cc}`,
	"graph": `\p{L}\p{M}\p{N}\p{P}\p{S}\p{Cf}\p{Co}`, "print": `\p{L}\p{M}\p{N}\p{P}\p{S}\p{Cf}\p{Co}\p{Zs}`,
	"xdigit": `\p{Nd}a-fA-F\uff21-\uff26\uff41-\uff46`, "hexdigit": `\p{Nd}a-fA-F\uff21-\uff26\uff41-\uff46`, "word": `\w`, "ascii": `\u0000-\u007f`, "any": `\s\S`,
	"letter": `\p{L}`, "mark": `\p{M}`, "number": `\p{N}`, "punctuation": `\p{P}`, "symbol": `\p{S}`, "separator": `\p{Z}`, "other": `\p{C}`,
	"uppercaseletter": `\p{Lu}`, "lowercaseletter": `\p{Ll}`, "titlecaseletter": `\p{Lt}`, "modifierletter": `\p{Lm}`, "decimalnumber": `\p{Nd}`, "control": `\p{Cc}`,
}

// named is the set of a property: a name of POSIX, a category or a script of Unicode, with ^ before it or a kind (gc=, script=).
func named(name string) (set, error) {
	s := set{}
	name, s.negated = strings.CutPrefix(name, "^")
	if kind, value, ok := strings.Cut(name, "="); ok {
		switch strings.ToLower(strings.TrimSpace(kind)) {
		case "gc", "sc", "script", "general_category", "scx":
			name = value
		default:
			return set{}, fault(mysqlerr.ER_REGEXP_ILLEGAL_ARGUMENT)
		}
	}
	folded := strings.ToLower(strings.NewReplacer("_", "", " ", "", "-", "").Replace(name))
	if items, ok := posix[folded]; ok {
		s.items = items
		return s, nil
	}
	for _, tables := range []map[string]*unicode.RangeTable{unicode.Categories, unicode.Scripts} {
		for known := range tables {
			if strings.ToLower(strings.ReplaceAll(known, "_", "")) == folded {
				s.items = `\p{` + known + `}`
				return s, nil
			}
		}
	}
	return set{}, fault(mysqlerr.ER_REGEXP_ILLEGAL_ARGUMENT)
}
