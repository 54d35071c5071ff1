package xpath

import "strings"

// token is a word of a path. Its kind is a sign, a keyword, or one of those below.
type token struct {
	kind       string
	start, end int
}

const (
	endOfPath = "end"
	ident     = "ident"
	digits    = "digits"
	quoted    = "quoted"
	call      = "call"     // the name of a function, before its parenthesis
	axis      = "axis"     // before its two colons
	nodeType  = "nodetype" // before its parenthesis
	wrong     = "wrong"
)

var keywords = map[string]bool{"or": true, "and": true, "div": true, "mod": true}

var nodeTypes = map[string]bool{"node": true, "text": true, "comment": true, "processing-instruction": true}

// scan reads the word that begins at a place, past blanks.
func scan(path string, at int) token {
	for at < len(path) && strings.IndexByte(" \t\r\n", path[at]) >= 0 {
		at++
	}
	if at == len(path) {
		return token{endOfPath, at, at}
	}
	to := at + 1
	switch c := path[at]; {
	case c >= '0' && c <= '9':
		for to < len(path) && path[to] >= '0' && path[to] <= '9' {
			to++
		}
		return token{digits, at, to}
	case c == '"' || c == '\'':
		n := strings.IndexByte(path[to:], c)
		if n < 0 {
			return token{wrong, at, len(path)}
		}
		return token{quoted, at, to + n + 1}
	case c == ':' || !nameStart(c):
		if strings.IndexByte("!$()*+,-./:<=>@[]|", c) < 0 {
			return token{wrong, at, to}
		}
		return token{string(c), at, to}
	}
	for to < len(path) && path[to] != ':' && (nameStart(path[to]) || strings.IndexByte("-.0123456789", path[to]) >= 0) {
		to++
	}
	name := path[at:to]
	_, known := functions[name]
	switch {
	case strings.HasPrefix(path[to:], "(") && known:
		return token{call, at, to}
	case strings.HasPrefix(path[to:], "(") && nodeTypes[name]:
		return token{nodeType, at, to}
	case strings.HasPrefix(path[to:], "::") && axes[name] != nil:
		return token{axis, at, to}
	case keywords[name]:
		return token{name, at, to}
	}
	return token{ident, at, to}
}
