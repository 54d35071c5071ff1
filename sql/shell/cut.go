package shell

import (
	"bytes"
	"strings"
)

// cutter gathers lines into statements.
type cutter struct {
	delimiter string
	text      []byte // of the statement being gathered
	line      int    // number of the line read last
	begun     int    // line on which the statement begins
}

// statement is one to be sent.
type statement struct {
	text     string
	vertical bool // it ended with \G
	line     int
}

// add takes a line with its line end and returns the statements that it completes.
func (c *cutter) add(line string) []statement {
	c.line++
	if !c.pending() {
		c.text, c.begun = c.text[:0], c.line
		if d, ok := delimiterCommand(line); ok {
			c.delimiter = d
			return nil
		}
	}
	from := 0
	if len(c.text) > 0 {
		from = len(c.text)
	}
	c.text = append(c.text, line...)
	if !strings.Contains(line, c.delimiter) && !strings.Contains(line, `\G`) && !strings.Contains(line, `\g`) {
		return nil
	}
	var out []statement
	for {
		end, size := c.find(from)
		if end < 0 {
			return out
		}
		if text := bytes.TrimSpace(c.text[:end]); len(text) > 0 {
			out = append(out, statement{text: string(text), vertical: bytes.HasPrefix(c.text[end:], []byte(`\G`)), line: c.begun})
		}
		c.text, c.begun = append(c.text[:0], c.text[end+size:]...), c.line
		from = 0
	}
}

// rest returns what is left at the end of the input: a last statement needs no delimiter.
func (c *cutter) rest() []statement {
	text := strings.TrimSpace(string(c.text))
	c.text = c.text[:0]
	if text == "" {
		return nil
	}
	return []statement{{text: text, line: c.begun}}
}

// pending reports whether a statement has begun.
func (c *cutter) pending() bool { return len(bytes.TrimSpace(c.text)) > 0 }

// delimiterCommand reads a line of the client's own: DELIMITER x.
func delimiterCommand(line string) (string, bool) {
	f := strings.Fields(line)
	if len(f) < 2 || !strings.EqualFold(f[0], "DELIMITER") {
		return "", false
	}
	return f[1], true
}

// find returns where the first delimiter at or behind from stands outside quotes and comments, and its size; -1 for none.
func (c *cutter) find(from int) (at, size int) {
	t := c.text
	for i := 0; i < len(t); {
		switch b := t[i]; {
		case i >= from && bytes.HasPrefix(t[i:], []byte(c.delimiter)):
			return i, len(c.delimiter)
		case i >= from && b == '\\' && i+1 < len(t) && (t[i+1] == 'G' || t[i+1] == 'g'):
			return i, 2
		case b == '\'' || b == '"' || b == '`':
			i = skipQuoted(t, i)
		case b == '#' || b == '-' && bytes.HasPrefix(t[i:], []byte("--")) && (i+2 == len(t) || t[i+2] <= ' '):
			if i = bytes.IndexByte(t[i:], '\n') + i + 1; i <= 0 || t[i-1] != '\n' {
				return -1, 0
			}
		case b == '/' && bytes.HasPrefix(t[i:], []byte("/*")):
			n := bytes.Index(t[i+2:], []byte("*/"))
			if n < 0 {
				return -1, 0
			}
			i += n + 4
		default:
			i++
		}
	}
	return -1, 0
}

// skipQuoted returns the position behind the quoted text that begins at i, or the end.
func skipQuoted(t []byte, i int) int {
	quote := t[i]
	for i++; i < len(t); i++ {
		switch {
		case t[i] == '\\' && quote != '`':
			i++
		case t[i] == quote:
			return i + 1 // a doubled quote begins again at once
		}
	}
	return len(t)
}
