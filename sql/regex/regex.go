// Package regex owns regular expressions as MySQL 8.0 has them: the syntax of ICU, matched by characters, with ICU's faults as MySQL's errors 3685 to 3700,
// 3887 and 3900. The matching is github.com/dlclark/regexp2's, whose syntax is .NET's; Compile translates.
//
// Invariant: what Compile hands to regexp2 holds only constructs that mean the same in both, so that a pattern is either matched as ICU matches it or refused.
// A match is bounded in time (Options.Limit): a pattern that backtracks without end gives 3699.
package regex

import (
	"strings"
	"time"

	"github.com/dlclark/regexp2"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// Options are what MySQL's match_type says, and the bound on a match.
type Options struct {
	IgnoreCase bool          // i
	Multiline  bool          // m: ^ and $ at lines too
	DotAll     bool          // n: . matches line ends
	UnixLines  bool          // u: only \n ends a line
	Limit      time.Duration // of one match; 0 for none
}

// Pattern is a compiled expression. It may be used by several goroutines.
type Pattern struct {
	re     *regexp2.Regexp
	groups int
	names  map[string]int
}

// maxPattern bounds a pattern, in characters: beyond it is 3700.
const maxPattern = 1 << 16

// Compile translates and compiles. Its errors are *mysqlerr.Error.
func Compile(pattern string, o Options) (*Pattern, error) {
	if pattern == "" {
		return nil, mysqlerr.New(mysqlerr.ER_REGEXP_ILLEGAL_ARGUMENT)
	}
	in := []rune(pattern)
	if len(in) > maxPattern {
		return nil, mysqlerr.New(mysqlerr.ER_REGEXP_PATTERN_TOO_BIG)
	}
	t := &translator{in: in, names: map[string]int{}, flags: flags{multiline: o.Multiline, dotAll: o.DotAll, unixLines: o.UnixLines}}
	if err := t.whole(); err != nil {
		return nil, err
	}
	mode := regexp2.RegexOptions(regexp2.None)
	if o.IgnoreCase {
		mode = regexp2.IgnoreCase
	}
	re, err := regexp2.Compile(t.out.String(), mode)
	if err != nil { // nothing that the translation lets through should be refused
		return nil, mysqlerr.New(mysqlerr.ER_REGEXP_INTERNAL_ERROR).Because(err)
	}
	if o.Limit > 0 {
		re.MatchTimeout = o.Limit
	}
	return &Pattern{re: re, groups: t.groups, names: t.names}, nil
}

// Find looks for the occurrence-th match (from 1) at or after start, a count of characters. It answers where the match begins and ends.
func (p *Pattern) Find(text []rune, start, occurrence int) (from, to int, found bool, err error) {
	m, err := p.first(text, start)
	for i := 1; i < occurrence && m != nil && err == nil; i++ {
		m, err = p.re.FindNextMatch(m)
	}
	if err != nil {
		return 0, 0, false, overdue(err)
	}
	if m == nil {
		return 0, 0, false, nil
	}
	return m.Index, m.Index + m.Length, true, nil
}

func (p *Pattern) first(text []rune, start int) (*regexp2.Match, error) {
	if start < 0 || start > len(text) {
		return nil, mysqlerr.New(mysqlerr.ER_REGEXP_INDEX_OUTOFBOUNDS_ERROR)
	}
	return p.re.FindRunesMatchStartingAt(text, start)
}

// overdue is the error of a match: regexp2 has none but that of the bound.
func overdue(err error) error {
	if _, own := err.(*mysqlerr.Error); own {
		return err
	}
	return mysqlerr.New(mysqlerr.ER_REGEXP_TIME_OUT).Because(err)
}

// Replace puts a replacement in the place of the occurrence-th match at or after start, of all for 0. $1 and ${name} in it are what groups matched, a backslash
// takes the next character as it is. limit bounds the result in bytes (3684).
func (p *Pattern) Replace(text []rune, with string, start, occurrence, limit int) (string, error) {
	m, err := p.first(text, start)
	for i := 1; i < occurrence && m != nil && err == nil; i++ {
		m, err = p.re.FindNextMatch(m)
	}
	if err != nil {
		return "", overdue(err)
	}
	if m == nil {
		return string(text), nil
	}
	parts, err := p.template(with)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	last := 0
	for m != nil {
		out.WriteString(string(text[last:m.Index]))
		for _, part := range parts {
			out.WriteString(part.text)
			if part.group >= 0 {
				if g := m.GroupByNumber(part.group); g != nil {
					out.WriteString(g.String())
				}
			}
		}
		if out.Len() > limit {
			return "", mysqlerr.New(mysqlerr.ER_REGEXP_BUFFER_OVERFLOW)
		}
		last = m.Index + m.Length
		if occurrence > 0 {
			break
		}
		if m, err = p.re.FindNextMatch(m); err != nil {
			return "", overdue(err)
		}
	}
	out.WriteString(string(text[last:]))
	return out.String(), nil
}

// part is a piece of a replacement: text, then what a group matched (-1 for none).
type part struct {
	text  string
	group int
}

// template reads a replacement.
func (p *Pattern) template(with string) ([]part, error) {
	var parts []part
	var text strings.Builder
	in := []rune(with)
	for i := 0; i < len(in); i++ {
		switch in[i] {
		case '\\':
			if i++; i < len(in) {
				text.WriteRune(in[i])
			}
		case '$':
			g, n, err := p.reference(in[i+1:])
			if err != nil {
				return nil, err
			}
			parts = append(parts, part{text.String(), g})
			text.Reset()
			i += n
		default:
			text.WriteRune(in[i])
		}
	}
	return append(parts, part{text.String(), -1}), nil
}

// reference reads what follows a $: the group, and how many characters name it. A number takes as many digits as make a group's.
func (p *Pattern) reference(in []rune) (group, n int, err error) {
	if len(in) > 0 && in[0] == '{' {
		end := strings.IndexRune(string(in), '}')
		if end < 0 {
			return 0, 0, mysqlerr.New(mysqlerr.ER_REGEXP_INVALID_CAPTURE_GROUP_NAME)
		}
		name := string(in)[1:end]
		g, ok := p.names[name]
		if !ok {
			return 0, 0, mysqlerr.New(mysqlerr.ER_REGEXP_INVALID_CAPTURE_GROUP_NAME)
		}
		return g, len([]rune(name)) + 2, nil
	}
	for n < len(in) && in[n] >= '0' && in[n] <= '9' {
		next := group*10 + int(in[n]-'0')
		if next > p.groups {
			break
		}
		group = next
		n++
	}
	switch {
	case n > 0:
		return group, n, nil
	case len(in) > 0 && in[0] >= '0' && in[0] <= '9':
		return 0, 0, mysqlerr.New(mysqlerr.ER_REGEXP_INDEX_OUTOFBOUNDS_ERROR)
	}
	return 0, 0, mysqlerr.New(mysqlerr.ER_REGEXP_INVALID_CAPTURE_GROUP_NAME)
}
