package builtin

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/jsondoc"
	"github.com/zoryadb/zorya/sql/jsonpath"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// Arguments of the JSON functions: documents, paths, and what MySQL says of wrong ones.

// MaxJSONDepth is how deep a document may be nested.
const MaxJSONDepth = 100

// JSONArgument is the document that e is, as encoding/json's values; null: it is NULL. position counts the function's arguments from 1.
func JSONArgument(c *sql.Context, r sql.Row, e sql.Expression, function string, position int) (doc any, null bool, err error) {
	v, err := e.Eval(c, r)
	if err != nil || v == nil {
		return nil, true, err
	}
	if v, err = sql.UnwrapAny(c, v); err != nil {
		return nil, false, err
	}
	switch v := v.(type) {
	case jsondoc.Temporal, jsondoc.Opaque:
		doc = v
	case sql.JSONWrapper:
		doc, err = v.ToInterface(c)
	case string:
		doc, err = decodeJSON(v, function, position)
	case []byte:
		doc, err = decodeJSON(string(v), function, position)
	default:
		err = mysqlerr.NewMessage(mysqlerr.ER_INVALID_TYPE_FOR_JSON,
			"Invalid data type for JSON data in argument %d to function %s; a JSON string or JSON type is required.", position, function)
	}
	return doc, false, err
}

// decodeJSON reads a document's text; an error is 3141 or 3157.
func decodeJSON(text, function string, position int) (doc any, err error) {
	if doc, err = jsondoc.Decode([]byte(text)); err != nil {
		why, at := JSONFaultAt(text, err)
		return nil, mysqlerr.NewMessage(mysqlerr.ER_INVALID_JSON_TEXT_IN_PARAM, "Invalid JSON text in argument %d to function %s: \"%s\" at position %d.", position, function, why, at)
	}
	if MaybeDeep(text) && Deeper(doc, MaxJSONDepth) {
		return nil, mysqlerr.New(mysqlerr.ER_JSON_DOCUMENT_TOO_DEEP)
	}
	return doc, nil
}

// MaybeDeep reports whether a document's text has brackets enough to be too deep.
func MaybeDeep(text string) bool {
	return strings.Count(text, "[")+strings.Count(text, "{") > MaxJSONDepth
}

// Deeper reports whether a document is nested more than n levels deep.
func Deeper(doc any, n int) bool {
	switch v := doc.(type) {
	case []any:
		for i := range v {
			if n <= 1 || Deeper(v[i], n-1) {
				return true
			}
		}
		return n < 1
	case map[string]any:
		for _, x := range v {
			if n <= 1 || Deeper(x, n-1) {
				return true
			}
		}
	}
	return n < 1
}

// JSONFaultAt is MySQL's word for what encoding/json finds wrong with a text, and where.
func JSONFaultAt(text string, err error) (why string, at int) {
	if strings.Trim(text, " \t\n\r") == "" {
		return "The document is empty.", 0
	}
	var e *json.SyntaxError
	var large *json.UnmarshalTypeError
	if errors.As(err, &large) {
		return "Number too big to be stored in double.", max(strings.Index(text, strings.TrimPrefix(large.Value, "number ")), 0)
	}
	if !errors.As(err, &e) {
		return "Invalid value.", 0
	}
	why, at = e.Error(), max(int(e.Offset)-1, 0)
	switch {
	case strings.Contains(why, "end of JSON input"):
		return unfinishedJSON(text), len(text)
	case strings.Contains(why, "after top-level value"):
		return "The document root must not be followed by other values.", at
	case strings.Contains(why, "in string escape code"):
		return "Invalid escape character in string.", at
	case strings.Contains(why, "in string literal"):
		return "Invalid encoding in string.", at
	}
	return JSONFault(why), at
}

// unfinishedJSON says what a text lacks that ends too early.
func unfinishedJSON(text string) string {
	var open []byte // what is open, with ':' for a member whose name has been read
	inString, last := false, byte(0)
	for i := 0; i < len(text); i++ {
		b := text[i]
		if inString {
			if b == '\\' {
				i++
			} else if b == '"' {
				inString, last = false, '"'
			}
			continue
		}
		switch b {
		case ' ', '\t', '\n', '\r':
			continue
		case '"':
			inString = true
		case '[', '{':
			open = append(open, b)
		case ']', '}':
			open = open[:max(len(open)-1, 0)]
		}
		last = b
	}
	if inString {
		return "Missing a closing quotation mark in string."
	}
	if len(open) == 0 || last == '[' || last == ':' || last == ',' && open[len(open)-1] == '[' {
		return "Invalid value."
	}
	if open[len(open)-1] == '[' {
		return "Missing a comma or ']' after an array element."
	}
	if last == '{' || last == ',' {
		return "Missing a name for object member."
	}
	return "Missing a comma or '}' after an object member."
}

// parsedPath keeps the last path that an argument was, which mostly is a literal.
type parsedPath struct{ last atomic.Pointer[keptPath] }

type keptPath struct {
	text string
	path *jsonpath.Path
}

// of is the path that e is; nil: NULL.
func (k *parsedPath) of(c *sql.Context, r sql.Row, e sql.Expression) (*jsonpath.Path, error) {
	v, err := e.Eval(c, r)
	if err != nil || v == nil {
		return nil, err
	}
	t, _, err := types.LongText.Convert(c, v)
	if err != nil {
		return nil, err
	}
	text, _ := t.(string)
	if kept := k.last.Load(); kept != nil && kept.text == text {
		return kept.path, nil
	}
	p, err := ParsePath(text)
	if err == nil {
		k.last.Store(&keptPath{text, p})
	}
	return p, err
}

// single is of, where a path with wildcards is refused (3149).
func (k *parsedPath) single(c *sql.Context, r sql.Row, e sql.Expression) (*jsonpath.Path, error) {
	p, err := k.of(c, r, e)
	if p != nil && p.Many() {
		return nil, mysqlerr.New(mysqlerr.ER_INVALID_JSON_PATH_WILDCARD)
	}
	return p, err
}

// InvalidJSONArgument is 3141 of the library's functions, which tell the text and not what is wrong with it.
func InvalidJSONArgument(_ *sql.Context, m []string) *mysqlerr.Error {
	n, _ := strconv.Atoi(m[1])
	_, err := decodeJSON(m[3], m[2], n)
	var e *mysqlerr.Error
	if errors.As(err, &e) {
		return e
	}
	return mysqlerr.NewMessage(mysqlerr.ER_INVALID_JSON_TEXT_IN_PARAM, "Invalid JSON text in argument %d to function %s: \"%s\"", n, m[2], m[3])
}

// JSONFault is MySQL's word for what encoding/json finds wrong.
func JSONFault(why string) string {
	switch {
	case strings.Contains(why, "beginning of object key"):
		return "Missing a name for object member."
	case strings.Contains(why, "end of JSON input"):
		return "The document is empty."
	case strings.Contains(why, "after object key:"):
		return "Missing a colon after a name of object member."
	case strings.Contains(why, "after object key"):
		return "Missing a comma or '}' after an object member."
	case strings.Contains(why, "after array element"):
		return "Missing a comma or ']' after an array element."
	}
	return "Invalid value."
}

// ParsePath reads a path that is part of a statement.
func ParsePath(text string) (*jsonpath.Path, error) {
	p, err := jsonpath.Parse(text)
	var wrong *jsonpath.SyntaxError
	if errors.As(err, &wrong) {
		return nil, mysqlerr.NewMessage(mysqlerr.ER_INVALID_JSON_PATH, "Invalid JSON path expression. The error is around character position %d.", wrong.Pos)
	}
	return p, err
}
