package regex

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// flags are those that change what a character of the pattern means. Ignoring case is left to regexp2, inline too.
type flags struct{ multiline, dotAll, unixLines, comments bool }

// translator reads an ICU pattern once, from left to right, and writes .NET's.
type translator struct {
	in     []rune
	pos    int
	out    strings.Builder
	flags  flags
	depth  int            // groups and sets that are open
	behind int            // look-behinds that are open
	groups int            // capturing groups begun
	names  map[string]int // of groups
	back   int            // the highest group that is referred to
}

const (
	maxDepth = 250 // of groups and sets
	maxCount = 0xffffff
)

// lineEnds are the characters that end a line, as a set's contents.
const lineEnds = `\n\r\u000b\u000c\u0085\u2028\u2029`

func fault(code mysqlerr.Code, args ...any) error { return mysqlerr.New(code, args...) }

// syntax is 3688 at the character that is read next.
func (t *translator) syntax() error {
	line, at := 1, 0
	for i := 0; i <= t.pos && i < len(t.in); i++ {
		if at++; t.in[i] == '\n' && i < t.pos {
			line, at = line+1, 0
		}
	}
	return fault(mysqlerr.ER_REGEXP_RULE_SYNTAX, line, at)
}

// at is the character i places on, 0 past the end.
func (t *translator) at(i int) rune {
	if t.pos+i < len(t.in) {
		return t.in[t.pos+i]
	}
	return 0
}

func (t *translator) end() bool { return t.pos >= len(t.in) }

func (t *translator) accept(s string) bool {
	for i, r := range []rune(s) {
		if t.at(i) != r || t.pos+i >= len(t.in) {
			return false
		}
	}
	t.pos += len([]rune(s))
	return true
}

func (t *translator) whole() error {
	text, err := t.alternatives()
	if err != nil {
		return err
	}
	if !t.end() { // a ) that closes nothing
		return fault(mysqlerr.ER_REGEXP_MISMATCHED_PAREN)
	}
	if t.back > t.groups {
		return fault(mysqlerr.ER_REGEXP_INVALID_BACK_REF)
	}
	t.out.WriteString(text)
	return nil
}

// alternatives reads up to the end of a group, or of the pattern.
func (t *translator) alternatives() (string, error) {
	if t.depth++; t.depth > maxDepth {
		return "", fault(mysqlerr.ER_REGEXP_STACK_OVERFLOW)
	}
	saved := t.flags
	defer func() { t.depth--; t.flags = saved }()
	var b strings.Builder
	for !t.end() && t.at(0) != ')' {
		if t.accept("|") {
			b.WriteByte('|')
			continue
		}
		if t.flags.comments && t.blank() {
			continue
		}
		atom, err := t.atom()
		if err != nil {
			return "", err
		}
		if atom, err = t.quantified(atom); err != nil {
			return "", err
		}
		b.WriteString(atom)
	}
	return b.String(), nil
}

// blank skips a blank or a comment, which mean nothing under the flag x.
func (t *translator) blank() bool {
	switch r := t.at(0); {
	case unicode.IsSpace(r):
		t.pos++
	case r == '#':
		for !t.end() && t.at(0) != '\n' {
			t.pos++
		}
	default:
		return false
	}
	return true
}

func (t *translator) atom() (string, error) {
	r := t.at(0)
	switch r {
	case '(':
		t.pos++
		return t.group()
	case '[':
		s, err := t.set()
		return s.text(), err
	case '\\':
		return t.escape()
	case '.':
		t.pos++
		switch {
		case t.flags.dotAll:
			return `[\s\S]`, nil
		case t.flags.unixLines:
			return `[^\n]`, nil
		}
		return `[^` + lineEnds + `]`, nil
	case '^':
		t.pos++
		if !t.flags.multiline {
			return `\A`, nil
		}
		return `(?:(?<![\s\S])|(?<=` + t.lineEnd() + `)(?=[\s\S]))`, nil
	case '$':
		t.pos++
		if !t.flags.multiline {
			return t.lastLine(), nil
		}
		return `(?=` + t.lineEnd() + `|\z)`, nil
	case '*', '+', '?', '{', '}':
		return "", t.syntax()
	}
	t.pos++
	return literal(r), nil
}

func (t *translator) lineEnd() string {
	if t.flags.unixLines {
		return `\n`
	}
	return `[` + lineEnds + `]`
}

// lastLine matches at the end, and before a line end that is the last thing.
func (t *translator) lastLine() string {
	if t.flags.unixLines {
		return `(?=\n?\z)`
	}
	return `(?=(?:\r\n|[` + lineEnds + `])?\z)`
}

// literal is a character that stands for itself, within a set too.
func literal(r rune) string {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r > 0xffff:
		return string(r)
	}
	return fmt.Sprintf(`\u%04x`, r)
}

// quantified reads what says how often an atom stands.
func (t *translator) quantified(atom string) (string, error) {
	for t.flags.comments && t.blank() {
	}
	count, unbounded := "", false
	switch r := t.at(0); {
	case t.end():
		return atom, nil
	case r == '*' || r == '+' || r == '?':
		t.pos++
		count, unbounded = string(r), r != '?'
	case r == '{':
		var err error
		if count, unbounded, err = t.interval(); err != nil {
			return "", err
		}
	default:
		return atom, nil
	}
	if unbounded && t.behind > 0 {
		return "", fault(mysqlerr.ER_REGEXP_LOOK_BEHIND_LIMIT)
	}
	if atom == "" {
		return "", nil
	}
	switch {
	case t.accept("?"):
		count += "?"
	case t.accept("+"):
		return "(?>(?:" + atom + ")" + count + ")", nil
	}
	return "(?:" + atom + ")" + count, nil
}

// interval reads {n}, {n,} and {n,m}.
func (t *translator) interval() (count string, unbounded bool, err error) {
	t.pos++
	low, ok := t.number()
	if !ok {
		return "", false, fault(mysqlerr.ER_REGEXP_BAD_INTERVAL)
	}
	if t.accept("}") {
		return fmt.Sprintf("{%d}", low), false, nil
	}
	if !t.accept(",") {
		return "", false, fault(mysqlerr.ER_REGEXP_BAD_INTERVAL)
	}
	if t.accept("}") {
		return fmt.Sprintf("{%d,}", low), true, nil
	}
	high, ok := t.number()
	switch {
	case !ok || !t.accept("}"):
		return "", false, fault(mysqlerr.ER_REGEXP_BAD_INTERVAL)
	case high < low:
		return "", false, fault(mysqlerr.ER_REGEXP_MAX_LT_MIN)
	}
	return fmt.Sprintf("{%d,%d}", low, high), false, nil
}

func (t *translator) number() (n int, ok bool) {
	for t.at(0) >= '0' && t.at(0) <= '9' {
		if n = n*10 + int(t.at(0)-'0'); n > maxCount {
			return 0, false
		}
		ok = true
		t.pos++
	}
	return n, ok
}

// group reads what follows a parenthesis, the closing one included.
func (t *translator) group() (string, error) {
	open := "("
	switch {
	case !t.accept("?"):
		t.groups++
	case t.accept("#"):
		for !t.end() {
			if t.accept(")") {
				return "", nil
			}
			t.pos++
		}
		return "", fault(mysqlerr.ER_REGEXP_MISMATCHED_PAREN)
	case t.at(0) == ':' || t.at(0) == '>' || t.at(0) == '=' || t.at(0) == '!':
		open = "(?" + string(t.at(0))
		t.pos++
	case t.at(0) == '<' && (t.at(1) == '=' || t.at(1) == '!'):
		open = "(?<" + string(t.at(1))
		t.pos += 2
		t.behind++
		defer func() { t.behind-- }()
	case t.accept("<"):
		name, err := t.groupName()
		if err != nil {
			return "", err
		}
		t.groups++
		if t.names[name] != 0 {
			return "", fault(mysqlerr.ER_REGEXP_INVALID_CAPTURE_GROUP_NAME)
		}
		t.names[name] = t.groups
	default:
		saved := t.flags
		inline, err := t.inlineFlags()
		if err != nil {
			return "", err
		}
		if t.accept(")") { // until the end of the group around it
			return inline + ")", nil
		}
		t.pos++ // the colon
		defer func() { t.flags = saved }()
		open = inline + ":"
	}
	body, err := t.alternatives()
	if err != nil {
		return "", err
	}
	if !t.accept(")") {
		return "", fault(mysqlerr.ER_REGEXP_MISMATCHED_PAREN)
	}
	return open + body + ")", nil
}

func (t *translator) groupName() (string, error) {
	from := t.pos
	for r := t.at(0); r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r) && t.pos > from); r = t.at(0) {
		t.pos++
	}
	name := string(t.in[from:t.pos])
	if name == "" || !t.accept(">") {
		return "", fault(mysqlerr.ER_REGEXP_INVALID_CAPTURE_GROUP_NAME)
	}
	return name, nil
}

// inlineFlags reads the letters of (?im-s) and stops at ) or :. What it writes is open, and sets whether case counts.
func (t *translator) inlineFlags() (string, error) {
	on, fold := true, ""
	for {
		switch r := t.at(0); r {
		case '-':
			on = false
		case 'i':
			if fold = "i"; !on {
				fold = "-i"
			}
		case 'm':
			t.flags.multiline = on
		case 's':
			t.flags.dotAll = on
		case 'd':
			t.flags.unixLines = on
		case 'x':
			t.flags.comments = on
		case 'w':
		case ')', ':':
			if t.end() {
				return "", fault(mysqlerr.ER_REGEXP_MISMATCHED_PAREN)
			}
			if fold == "" && r == ')' {
				return "(?:", nil
			}
			return "(?" + fold, nil
		default:
			if t.end() {
				return "", fault(mysqlerr.ER_REGEXP_MISMATCHED_PAREN)
			}
			if r < unicode.MaxASCII && unicode.IsLetter(r) {
				return "", fault(mysqlerr.ER_REGEXP_INVALID_FLAG)
			}
			return "", t.syntax()
		}
		t.pos++
	}
}

// escape reads a backslash and what follows, outside of a set.
func (t *translator) escape() (string, error) {
	r := t.at(1)
	if t.pos+1 >= len(t.in) {
		return "", fault(mysqlerr.ER_REGEXP_BAD_ESCAPE_SEQUENCE)
	}
	switch r {
	case 'b', 'B', 'A', 'z', 'G':
		t.pos += 2
		return `\` + string(r), nil
	case 'Z':
		t.pos += 2
		return t.lastLine(), nil
	case 'R':
		t.pos += 2
		return `(?>\r\n|[` + lineEnds + `])`, nil
	case 'X':
		t.pos += 2
		return `(?>\r\n|\P{M}\p{M}*|\p{M}+)`, nil
	case 'Q':
		t.pos += 2
		return t.quotedText()
	case 'k':
		t.pos += 2
		if !t.accept("<") {
			return "", fault(mysqlerr.ER_REGEXP_INVALID_CAPTURE_GROUP_NAME)
		}
		name, err := t.groupName()
		if err != nil {
			return "", err
		}
		n, ok := t.names[name]
		if !ok {
			return "", fault(mysqlerr.ER_REGEXP_INVALID_CAPTURE_GROUP_NAME)
		}
		return fmt.Sprintf(`\k<%d>`, n), nil
	}
	if r >= '1' && r <= '9' {
		t.pos++
		return t.backReference(), nil
	}
	if class, ok, err := t.class(); ok || err != nil {
		return class.text(), err
	}
	c, err := t.character()
	if err != nil {
		return "", err
	}
	return literal(c), nil
}

// backReference takes as many digits as make the number of a group that has begun.
func (t *translator) backReference() string {
	n := int(t.at(0) - '0')
	t.pos++
	for t.at(0) >= '0' && t.at(0) <= '9' && n*10+int(t.at(0)-'0') <= t.groups {
		n = n*10 + int(t.at(0)-'0')
		t.pos++
	}
	t.back = max(t.back, n)
	return fmt.Sprintf(`\k<%d>`, n)
}

// quotedText is \Q...\E.
func (t *translator) quotedText() (string, error) {
	var b strings.Builder
	for !t.end() && !t.accept(`\E`) {
		b.WriteString(literal(t.at(0)))
		t.pos++
	}
	if b.Len() == 0 {
		return "", nil
	}
	return "(?:" + b.String() + ")", nil
}

// character reads a backslash and the one character that it stands for.
func (t *translator) character() (rune, error) {
	r := t.at(1)
	if t.pos+1 >= len(t.in) {
		return 0, fault(mysqlerr.ER_REGEXP_BAD_ESCAPE_SEQUENCE)
	}
	t.pos += 2
	switch r {
	case 'a':
		return 7, nil
	case 'e':
		return 27, nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'c':
		if t.end() {
			return 0, fault(mysqlerr.ER_REGEXP_BAD_ESCAPE_SEQUENCE)
		}
		c := t.at(0) & 0x1f
		t.pos++
		return c, nil
	case '0':
		return t.digits(8, 1, 3)
	case 'x':
		if t.accept("{") {
			c, err := t.digits(16, 1, 6)
			if err == nil && !t.accept("}") {
				err = fault(mysqlerr.ER_REGEXP_BAD_ESCAPE_SEQUENCE)
			}
			return c, err
		}
		return t.digits(16, 1, 2)
	case 'u':
		return t.digits(16, 4, 4)
	case 'U':
		return t.digits(16, 8, 8)
	case 'N':
		return 0, fault(mysqlerr.ER_REGEXP_UNIMPLEMENTED)
	}
	return r, nil
}

// digits reads a character's number, of least to most digits.
func (t *translator) digits(base, least, most int) (rune, error) {
	n := 0
	for n < most {
		if _, err := strconv.ParseUint(string(t.at(n)), base, 8); err != nil {
			break
		}
		n++
	}
	v, err := strconv.ParseUint(string(t.in[t.pos:t.pos+n]), base, 32)
	if n < least || err != nil || v > unicode.MaxRune {
		return 0, fault(mysqlerr.ER_REGEXP_BAD_ESCAPE_SEQUENCE)
	}
	t.pos += n
	return rune(v), nil
}
