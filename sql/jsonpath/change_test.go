package jsonpath

import (
	"encoding/json"
	"testing"
)

// TestChange: what the functions that change documents make of one at a path, by the examples of the Reference Manual and at the edges of arrays. The document stays as it was.
func TestChange(t *testing.T) {
	for _, x := range []struct {
		doc, path string
		how       Change
		want      string
	}{
		{`{"a":1}`, "$", Set, `"v"`},
		{`{"a":1}`, "$.a", Set, `{"a":"v"}`},
		{`{"a":1}`, "$.b", Set, `{"a":1,"b":"v"}`},
		{`{"a":1}`, "$.b", Replace, `{"a":1}`},
		{`{"a":1}`, "$.a", Insert, `{"a":1}`},
		{`{"a":1}`, "$.b.c", Set, `{"a":1}`},
		{`{"a":1}`, "$[1]", Insert, `[{"a":1},"v"]`},
		{`{"a":1}`, "$[last-1]", Set, `["v",{"a":1}]`},
		{`1`, "$[0]", Set, `"v"`},
		{`1`, "$.a", Set, `1`},
		{`[1,2]`, "$[9]", Set, `[1,2,"v"]`},
		{`[1,2]`, "$[last-9]", Set, `["v",1,2]`},
		{`[1,2]`, "$[last]", Replace, `[1,"v"]`},
		{`[]`, "$[last]", Set, `["v"]`},
		{`[1,[2,3]]`, "$[1][0]", Remove, `[1,[3]]`},
		{`{"a":{"b":1}}`, "$.a.b", Remove, `{"a":{}}`},
		{`{"a":1}`, "$[0]", Remove, `{"a":1}`},
		{`{"a":1}`, "$[0].a", Remove, `{}`},
		{`["a",["b","c"],"d"]`, "$[1]", ArrayAppend, `["a",["b","c","v"],"d"]`},
		{`["a",["b","c"],"d"]`, "$[0]", ArrayAppend, `[["a","v"],["b","c"],"d"]`},
		{`{"a":1}`, "$", ArrayAppend, `[{"a":1},"v"]`},
		{`["a",{"b":[1,2]}]`, "$[0]", ArrayInsert, `["v","a",{"b":[1,2]}]`},
		{`["a",{"b":[1,2]}]`, "$[1].b[0]", ArrayInsert, `["a",{"b":["v",1,2]}]`},
		{`["a"]`, "$[100]", ArrayInsert, `["a","v"]`},
		{`{"a":1}`, "$[0]", ArrayInsert, `{"a":1}`},
	} {
		var doc any
		if err := json.Unmarshal([]byte(x.doc), &doc); err != nil {
			t.Fatal(err)
		}
		p, err := Parse(x.path)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := json.Marshal(p.Change(doc, x.how, "v"))
		if string(got) != x.want {
			t.Errorf("%s at %s by %d: %s, want %s", x.doc, x.path, x.how, got, x.want)
		}
		if after, _ := json.Marshal(doc); string(after) != x.doc {
			t.Errorf("%s at %s by %d: the document became %s", x.doc, x.path, x.how, after)
		}
	}
}
