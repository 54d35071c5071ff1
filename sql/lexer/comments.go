package lexer

import "strings"

// PlainComments rewrites executable comments into plain text and drops those that are not for us, keeping every other
// byte where it is: /*!40101 SET x */ becomes SET x within blanks, /*M! and too new versions become blanks.
func PlainComments(text string) string {
	if !strings.Contains(text, "/*!") && !strings.Contains(text, "/*M!") {
		return text
	}
	b := []byte(text)
	for i := 0; i < len(b); {
		switch c := b[i]; {
		case c == '\'' || c == '"' || c == '`':
			i = AfterQuote(b, i)
		case c == '#', c == '-' && i+2 < len(b) && b[i+1] == '-' && b[i+2] <= ' ':
			for i < len(b) && b[i] != '\n' {
				i++
			}
		case c == '/' && i+1 < len(b) && b[i+1] == '*':
			i = openComment(b, i)
		default:
			i++
		}
	}
	return string(b)
}

// openComment handles a comment at i and returns where to go on.
func openComment(b []byte, i int) int {
	version, n, j := 0, 0, i+3
	if i+2 < len(b) && b[i+2] == '!' {
		for ; j < len(b) && n < 6 && b[j] >= '0' && b[j] <= '9'; j++ {
			version, n = version*10+int(b[j]-'0'), n+1
		}
		if n < 5 {
			j, version = i+3, 0
		}
		if version <= Version {
			if end := closeOfExecutable(b, j); end >= 0 {
				blank(b[i:j])
				blank(b[end : end+2])
				return j
			}
		}
	}
	end := closeComment(b, i+2)
	if end < i+4 || b[end-2] != '*' || b[end-1] != '/' {
		return end // one that nothing closes is a syntax error, whatever it is
	}
	if i+2 < len(b) && (b[i+2] == '!' || b[i+2] == 'M') {
		blank(b[i:end])
	}
	return end
}

// closeOfExecutable finds the */ that ends an executable comment, past quotes and comments within; -1: none.
func closeOfExecutable(b []byte, i int) int {
	for i+1 < len(b) {
		switch {
		case b[i] == '\'' || b[i] == '"' || b[i] == '`':
			i = AfterQuote(b, i)
		case b[i] == '*' && b[i+1] == '/':
			return i
		case b[i] == '/' && b[i+1] == '*':
			i = closeComment(b, i+2)
		default:
			i++
		}
	}
	return -1
}

func closeComment(b []byte, i int) int {
	for ; i+1 < len(b); i++ {
		if b[i] == '*' && b[i+1] == '/' {
			return i + 2
		}
	}
	return len(b)
}

// AfterQuote is where to go on behind the quoted text that begins at i, or the end of b.
func AfterQuote(b []byte, i int) int {
	q := b[i]
	for i++; i < len(b); i++ {
		if b[i] == '\\' && q != '`' {
			i++
			continue
		}
		if b[i] == q {
			if i+1 < len(b) && b[i+1] == q {
				i++
				continue
			}
			return i + 1
		}
	}
	return len(b)
}

func blank(b []byte) {
	for i := range b {
		if b[i] != '\n' {
			b[i] = ' '
		}
	}
}
