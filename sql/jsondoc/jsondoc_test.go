package jsondoc

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"testing"

	"github.com/cockroachdb/apd/v3"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/temporal"
)

func decoded(t *testing.T, text string) any {
	t.Helper()
	v, err := Decode([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// TestNumbers: a number keeps its value and its kind from a text to a text.
func TestNumbers(t *testing.T) {
	for text, want := range map[string][2]string{
		`1`: {"1", "INTEGER"}, `-7`: {"-7", "INTEGER"}, `1.0`: {"1.0", "DOUBLE"}, `1e5`: {"100000.0", "DOUBLE"}, `0.5`: {"0.5", "DOUBLE"}, `-0.0`: {"-0.0", "DOUBLE"},
		`9007199254740993`: {"9007199254740993", "UNSIGNED INTEGER"}, `4294967295`: {"4294967295", "INTEGER"}, `4294967296`: {"4294967296", "UNSIGNED INTEGER"}, `-9223372036854775808`: {"-9223372036854775808", "INTEGER"},
		`18446744073709551615`: {"18446744073709551615", "UNSIGNED INTEGER"}, `18446744073709551616`: {"1.8446744073709552e19", "DOUBLE"},
		`1e100`: {"1e100", "DOUBLE"}, `1.5e-7`: {"0.00000015", "DOUBLE"}, `1e-20`: {"1e-20", "DOUBLE"}, `9007199254740992`: {"9007199254740992", "UNSIGNED INTEGER"},
	} {
		for _, in := range []string{"", "[]"} { // by itself and within an array
			v := decoded(t, text)
			if in != "" {
				v = decoded(t, "["+text+"]").([]any)[0]
			}
			if kind := Type(v); kind != want[1] {
				t.Errorf("%s is of type %s, want %s", text, kind, want[1])
			}
			if got, err := Text(v); got != want[0] || err != nil {
				t.Errorf("%s is written %s, want %s (%v)", text, got, want[0], err)
			}
		}
	}
	for _, text := range []string{`1e999`, `[1.5,`, `1 2`, `9007199254740993 x`, ``} {
		if v, err := Decode([]byte(text)); err == nil {
			t.Errorf("%s is read as %v", text, v)
		}
	}
}

// TestCompare: numbers compare exactly, kinds by their precedence.
func TestCompare(t *testing.T) {
	order := []string{`null`, `-9223372036854775808`, `-1`, `0.5`, `1`, `9007199254740992`, `9007199254740993`, `9223372036854775806`, `9223372036854775807`,
		`9223372036854776e3`, `18446744073709551615`, `1e100`, `"a"`, `"ab"`, `"b"`, `{}`, `{"b":1}`, `{"a":1,"b":0}`, `[]`, `[1]`, `[1,2]`, `[2]`, `false`, `true`}
	for i, a := range order {
		for j, b := range order {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got, err := Compare(decoded(t, a), decoded(t, b)); got != want || err != nil {
				t.Errorf("%s against %s: %d, want %d (%v)", a, b, got, want, err)
			}
		}
	}
	if c, err := Compare(decoded(t, `1`), decoded(t, `1.0`)); c != 0 || err != nil {
		t.Errorf("1 against 1.0: %d (%v)", c, err)
	}
}

// TestTemporals: dates come after booleans, then times, then moments.
func TestTemporals(t *testing.T) {
	order := []any{true, Temporal{"DATE", "2001-01-01", 5}, Temporal{"DATE", "2001-01-02", 6}, Temporal{"TIME", "00:00:01.000000", 1}, Temporal{"DATETIME", "2001-01-01 00:00:00.000000", 5}}
	for i := range order[1:] {
		if got, err := Compare(order[i], order[i+1]); got != -1 || err != nil {
			t.Errorf("%v against %v: %d (%v)", order[i], order[i+1], got, err)
		}
	}
	for _, x := range order[1:] {
		if kind := Type(x); kind != x.(Temporal).Kind {
			t.Errorf("%v is of type %s", x, kind)
		}
	}
	if got, err := Text([]any{order[1]}); got != `["2001-01-01"]` || err != nil {
		t.Errorf("a date is written %s (%v)", got, err)
	}
}

// TestContains: JSON_CONTAINS by the examples of the Reference Manual.
func TestContains(t *testing.T) {
	for _, x := range []struct {
		target, candidate string
		want              bool
	}{
		{`{"a":1,"b":2,"c":{"d":4}}`, `{"d":4}`, false}, {`{"a":1,"c":{"d":4}}`, `{"c":{"d":4}}`, true}, {`[1,[1,2,3],10]`, `[1,10]`, true},
		{`[1,[1,2,3,10]]`, `[1,10]`, true}, {`[1,[1,2,3],[10]]`, `[1,[10]]`, true}, {`[1,10]`, `[[1,10]]`, false}, {`{"a":[1,2]}`, `{"a":1}`, true},
		{`[18446744073709551615]`, `18446744073709551614`, false}, {`[18446744073709551615]`, `18446744073709551615`, true}, {`1`, `[1]`, false}, {`[]`, `[]`, true},
	} {
		if got, err := Contains(decoded(t, x.target), decoded(t, x.candidate)); got != x.want || err != nil {
			t.Errorf("%s in %s: %v (%v)", x.candidate, x.target, got, err)
		}
	}
}

func TestStored(t *testing.T) {
	ctx := context.Background()
	dec, _, err := apd.NewFromString("1.50")
	if err != nil {
		t.Fatal(err)
	}
	at := Temporal{Kind: "DATETIME", Text: "2020-01-02 03:04:05.600000", At: temporal.Value{Year: 2020, Month: 1, Day: 2, Hour: 3, Minute: 4, Second: 5, Micro: 600000}.Packed()}
	clock := Temporal{Kind: "TIME", Text: "-10:00:01.000000", At: -36001000000}
	day := Temporal{Kind: "DATE", Text: "2020-01-02", At: temporal.Value{Year: 2020, Month: 1, Day: 2}.Packed()}
	for _, doc := range []any{dec, at, clock, day, uint64(7), Opaque{FieldVarchar, "a\x00\xff"}, Opaque{FieldBlob, ""},
		map[string]any{"bb": "x\x00\"", "a": []any{dec, "1.50", map[string]any{"n": uint64(1), "": nil}, []any{}, day}, "z": float64(5e9), "c": uint64(5e9), "q": Double(1)}} {
		stored, err := Stored(ctx, Wrap(doc))
		if err != nil {
			t.Fatal(err)
		}
		back, err := Load(stored)
		if err != nil {
			t.Fatalf("%q: %v", stored, err)
		}
		again, err := Stored(ctx, back)
		if err != nil || !bytes.Equal(stored, again) {
			t.Errorf("%q stored again: %q, %v", stored, again, err)
		}
		got := any(back)
		if l, ok := back.(*Lazy); ok {
			if got, err = l.ToInterface(ctx); err != nil {
				t.Fatal(err)
			}
		} else if d, ok := back.(types.JSONDocument); ok {
			got = d.Val
		}
		if !same(got, doc) {
			t.Errorf("%q: %#v, want %#v", stored, got, doc)
		}
		text, err := types.JsonToMySqlBytes(ctx, back)
		if want, _ := Text(doc); err != nil || string(text) != want {
			t.Errorf("text %q, want %q, %v", text, want, err)
		}
	}
	plain := []byte(`{"a": [1, 2.5, "x"]}`)
	if stored, err := Stored(ctx, NewLazy(plain)); err != nil || !bytes.Equal(stored, plain) {
		t.Errorf("%q, %v", stored, err)
	}
}

// same reports whether two values are of the same kinds throughout.
func same(a, b any) bool {
	switch x := a.(type) {
	case *apd.Decimal:
		y, ok := b.(*apd.Decimal)
		return ok && x.Text('f') == y.Text('f')
	case []any:
		y, ok := b.([]any)
		return ok && slices.EqualFunc(x, y, same)
	case map[string]any:
		y, ok := b.(map[string]any)
		return ok && maps.EqualFunc(x, y, same)
	}
	return a == b
}
