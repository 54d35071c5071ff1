package general

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

var positionRE = regexp.MustCompile(`syntax error at position (\d+)(?: near '(.*)')?`)

// parseError is 1064 in MySQL's words: from the offending token to the end, 80 characters at most.
func parseError(src, msg string) *mysqlerr.Error {
	m := positionRE.FindStringSubmatch(msg)
	pos := len(src)
	if m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil {
			pos = n
		}
		pos = startOf(src, pos, m[2])
	}
	return parseErrorAt(src, pos)
}

// startOf finds where the token that ends near pos begins.
func startOf(src string, pos int, token string) int {
	pos = min(max(pos, 0), len(src))
	if token != "" {
		if i := strings.LastIndex(strings.ToLower(src[:min(pos+1, len(src))]), strings.ToLower(token)); i >= 0 {
			return i
		}
	}
	if strings.TrimSpace(src[pos:]) == "" {
		return len(src)
	}
	return pos
}

func parseErrorAt(src string, pos int) *mysqlerr.Error {
	pos = min(pos, len(src))
	line := 1 + strings.Count(src[:pos], "\n")
	near := src[pos:]
	if len(near) > 80 {
		near = near[:80]
	}
	return mysqlerr.NewMessage(mysqlerr.ER_PARSE_ERROR, "You have an error in your SQL syntax; check the manual that corresponds to your "+
		"MySQL server version for the right syntax to use near '%s' at line %d", near, line)
}

func (s *Session) vitessError(text string, err error) error { return parseError(text, err.Error()) }

// syntaxError is 1064 at an offset of text.
func (s *Session) syntaxError(text string, at int) error { return parseErrorAt(text, at) }
