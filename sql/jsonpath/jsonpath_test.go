package jsonpath

import (
	"encoding/json"
	"errors"
	"testing"
)

// TestFind holds the manual's examples of paths, and what a path wraps into an array.
func TestFind(t *testing.T) {
	for _, c := range []struct{ doc, path, values, places string }{
		{`[10, 20, [30, 40]]`, `$[1]`, `[20]`, `["$[1]"]`},
		{`[10, 20, [30, 40]]`, `$[2][*]`, `[30,40]`, `["$[2][0]","$[2][1]"]`},
		{`[1,2,3,4,5]`, `$[1 to 3]`, `[2,3,4]`, `["$[1]","$[2]","$[3]"]`},
		{`[1,2,3,4,5]`, `$[last]`, `[5]`, `["$[4]"]`},
		{`[1,2,3,4,5]`, `$[last-3 to last-1]`, `[2,3,4]`, `["$[1]","$[2]","$[3]"]`},
		{`[1,2,3]`, `$[last-5]`, `[]`, `[]`},
		{`[1,2,3]`, `$[1 to 9]`, `[2,3]`, `["$[1]","$[2]"]`},
		{`{"a":{"b":1},"c":{"b":2}}`, `$**.b`, `[1,2]`, `["$.a.b","$.c.b"]`},
		{`{"cc":1,"d":2,"a b":[3]}`, `$.*`, `[2,1,[3]]`, `["$.d","$.cc","$.\"a b\""]`},
		{`{"a b":[3]}`, ` $ . "a b" [ 0 ]`, `[3]`, `["$.\"a b\"[0]"]`},
		{`{"a":1}`, `$[0].a`, `[1]`, `["$.a"]`},
		{`{"a":1}`, `$.a[last]`, `[1]`, `["$.a"]`},
		{`{"a":1}`, `$.a[1]`, `[]`, `[]`},
		{`{"a":1}`, `$.a[*]`, `[]`, `[]`},
		{`[1,[2]]`, `$**[0]`, `[1,2]`, `["$[0]","$[1][0]"]`},
		{`[1]`, `$.a`, `[]`, `[]`},
		{`null`, `$`, `[null]`, `["$"]`},
	} {
		p, err := Parse(c.path)
		if err != nil {
			t.Fatalf("%s: %v", c.path, err)
		}
		var doc any
		if err := json.Unmarshal([]byte(c.doc), &doc); err != nil {
			t.Fatal(err)
		}
		values, places := []any{}, []string{}
		p.Find(doc, func(at *Place, v any) bool {
			values, places = append(values, v), append(places, at.String())
			return true
		})
		v, _ := json.Marshal(values)
		w, _ := json.Marshal(places)
		if string(v) != c.values || string(w) != c.places {
			t.Errorf("%s of %s: %s at %s, want %s at %s", c.path, c.doc, v, w, c.values, c.places)
		}
		if one, found := p.One(doc); !p.Many() && (found != (len(values) == 1) || found && !same(one, values[0])) {
			t.Errorf("%s of %s: One is %v, %v", c.path, c.doc, one, found)
		}
	}
}

func same(a, b any) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}

func TestSyntaxErrors(t *testing.T) {
	for text, pos := range map[string]int{"": 0, "a": 1, "$.": 2, "$.a[": 4, "$[x": 2, "$[1": 3, "$[2 to 1]": 8, "$**": 3, "$***.a": 3, "$*.a": 3, "$.1": 3, "$ x": 2, `$."a`: 4, "$[-1]": 2} {
		_, err := Parse(text)
		var e *SyntaxError
		if !errors.As(err, &e) || e.Pos != pos {
			t.Errorf("%q: %v, want an error at %d", text, err, pos)
		}
	}
}
