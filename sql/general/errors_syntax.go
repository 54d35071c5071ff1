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
	return mysqlerr.Syntax(src, pos)
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
