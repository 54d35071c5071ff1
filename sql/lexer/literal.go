package lexer

import "bytes"

// Unquote is what a token of kind String or Quoted stands for: without its quotes and N, its escapes resolved. Any other text comes back as it is.
func Unquote(s string) string {
	if len(s) > 2 && (s[0] == 'n' || s[0] == 'N') && s[1] == '\'' {
		s = s[1:]
	}
	if len(s) < 2 || s[0] != '`' && s[0] != '\'' && s[0] != '"' {
		return s
	}
	quote, body := s[0], []byte(s[1:len(s)-1])
	if bytes.IndexByte(body, quote) < 0 && bytes.IndexByte(body, '\\') < 0 {
		return string(body)
	}
	return string(AppendUnescaped(make([]byte, 0, len(body)), body, quote))
}

// AppendUnescaped appends what a literal or a quoted name stands for whose text between its quotes is body: doubled quotes are one, and but for
// `names` a backslash takes the next byte's special meaning. \% and \_ keep their backslash, which a pattern of LIKE needs (MySQL 8.0 manual, 9.1.1).
func AppendUnescaped(dst, body []byte, quote byte) []byte {
	for i := 0; i < len(body); i++ {
		c := body[i]
		switch {
		case c == quote: // doubled
			i++
		case c == '\\' && quote != '`' && i+1 < len(body):
			i++
			switch c = body[i]; c {
			case '0':
				c = 0
			case 'b':
				c = '\b'
			case 'n':
				c = '\n'
			case 'r':
				c = '\r'
			case 't':
				c = '\t'
			case 'Z':
				c = 26
			case '%', '_':
				dst = append(dst, '\\')
			}
		}
		dst = append(dst, c)
	}
	return dst
}
