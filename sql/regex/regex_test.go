package regex

import (
	"errors"
	"testing"
	"time"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

func compile(t *testing.T, pattern string, o Options) *Pattern {
	t.Helper()
	p, err := Compile(pattern, o)
	if err != nil {
		t.Fatalf("%q: %v", pattern, err)
	}
	return p
}

func TestFind(t *testing.T) {
	for _, x := range []struct {
		pattern, text string
		o             Options
		start, nth    int
		from, to      int // -1 for no match
	}{
		{"b", "abc", Options{}, 0, 1, 1, 2},
		{"é+", "aééé", Options{}, 0, 1, 1, 4},
		{"dog", "dog cat dog", Options{}, 1, 1, 8, 11},
		{"dog", "dog cat dog", Options{}, 0, 2, 8, 11},
		{"DOG", "dog", Options{IgnoreCase: true}, 0, 1, 0, 3},
		{"DOG", "dog", Options{}, 0, 1, -1, 0},
		{"(?i)DOG", "dog", Options{}, 0, 1, 0, 3},
		{"(?i:D)OG", "dog", Options{}, 0, 1, -1, 0},
		{"^b", "a\nb", Options{}, 0, 1, -1, 0},
		{"^b", "a\nb", Options{Multiline: true}, 0, 1, 2, 3},
		{"^", "", Options{Multiline: true}, 0, 1, 0, 0},
		{"a$", "a\nb", Options{Multiline: true}, 0, 1, 0, 1},
		{"a$", "a\n", Options{}, 0, 1, 0, 1},
		{"a.b", "a\nb", Options{}, 0, 1, -1, 0},
		{"a.b", "a\nb", Options{DotAll: true}, 0, 1, 0, 3},
		{"a.b", "a\rb", Options{}, 0, 1, -1, 0},
		{"a.b", "a\rb", Options{UnixLines: true}, 0, 1, 0, 3},
		{"[[:alpha:]]+", "12ab", Options{}, 0, 1, 2, 4},
		{"[[:^alpha:]]+", "ab12", Options{}, 0, 1, 2, 4},
		{"[^[:digit:]x]+", "1xab2", Options{}, 0, 1, 2, 4},
		{"[a-z--[b]]+", "abc", Options{}, 0, 1, 0, 1},
		{"[a-z&&[bc]]+", "abcd", Options{}, 0, 1, 1, 3},
		{"[]a]+", "x]a", Options{}, 0, 1, 1, 3},
		{"[a-]+", "x-a", Options{}, 0, 1, 1, 3},
		{"(a)(b)\\2", "abb", Options{}, 0, 1, 0, 3},
		{"(?<x>a)\\k<x>", "aa", Options{}, 0, 1, 0, 2},
		{"a++b", "aab", Options{}, 0, 1, 0, 3},
		{"a*+a", "aa", Options{}, 0, 1, -1, 0},
		{"a(?=b)", "acab", Options{}, 0, 1, 2, 3},
		{"(?<=b)a", "aba", Options{}, 0, 1, 2, 3},
		{"\\bfoo\\b", "a foo", Options{}, 0, 1, 2, 5},
		{"\\Qa.b\\E", "axb a.b", Options{}, 0, 1, 4, 7},
		{"\\x{e9}", "é", Options{}, 0, 1, 0, 1},
		{"\\u00e9", "é", Options{}, 0, 1, 0, 1},
		{"\\p{Greek}+", "aλμ", Options{}, 0, 1, 1, 3},
		{"\\.", "a.", Options{}, 0, 1, 1, 2},
		{"\\-", "a-", Options{}, 0, 1, 1, 2},
		{"(?x) a b # c", "ab", Options{}, 0, 1, 0, 2},
		{"a{2,3}", "aaaa", Options{}, 0, 1, 0, 3},
		{"a{2,3}?", "aaaa", Options{}, 0, 1, 0, 2},
		{"a|b", "xb", Options{}, 0, 1, 1, 2},
		{"x/y-z:w,'\"@", "x/y-z:w,'\"@", Options{}, 0, 1, 0, 11},
		{"😀+", "a😀😀", Options{}, 0, 1, 1, 3},
	} {
		p := compile(t, x.pattern, x.o)
		from, to, found, err := p.Find([]rune(x.text), x.start, x.nth)
		if err != nil || found != (x.from >= 0) || found && (from != x.from || to != x.to) {
			t.Errorf("%q in %q: %d %d %v %v, want %d %d", x.pattern, x.text, from, to, found, err, x.from, x.to)
		}
	}
}

func TestFaults(t *testing.T) {
	for pattern, code := range map[string]mysqlerr.Code{
		"": 3685, "*": 3688, "a**": 3688, "+a": 3688, "a}": 3688, "{": 3688, "a\\": 3689, "\\x{zz}": 3689, "(a": 3691, "a)": 3691, "(?:a": 3691,
		"a{": 3692, "a{x}": 3692, "a{1": 3692, "a{,2}": 3692, "a{3,1}": 3693, "\\1": 3694, "(a)\\2": 3694, "(?<=a*)b": 3695, "[a": 3696, "[[:alpha:]": 3696,
		"[b-a]": 3697, "[[:foo:]]": 3685, "\\p{foo}": 3685, "(?<1>a)": 3887, "(?y)a": 3900, "(?%)": 3688,
	} {
		_, err := Compile(pattern, Options{})
		var e *mysqlerr.Error
		if !errors.As(err, &e) || e.Code != code {
			t.Errorf("%q: %v, want %d", pattern, err, code)
		}
	}
	_, err := Compile("ab\nc*+*", Options{})
	if want := "Syntax error in regular expression on line 2, character 4."; err == nil || mysqlerr.From(err).Message != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestReplace(t *testing.T) {
	for _, x := range []struct {
		pattern, text, with string
		start, nth          int
		want                string
	}{
		{"[a-z]+", "abc def ghi", "X", 0, 3, "abc def X"},
		{"[a-z]+", "abc def", "X", 0, 0, "X X"},
		{"b*", "abc", "-", 0, 0, "-a--c-"},
		{"(a)(b)", "ab ab", "$2$1", 0, 0, "ba ba"},
		{"(?<n>a)", "a", "<${n}>", 0, 0, "<a>"},
		{"a", "a", `\$1`, 0, 0, "$1"},
		{"a", "xaa", "é", 2, 0, "xaé"},
		{"(a)", "a", "$10", 0, 0, "a0"},
	} {
		got, err := compile(t, x.pattern, Options{}).Replace([]rune(x.text), x.with, x.start, x.nth, 1<<20)
		if err != nil || got != x.want {
			t.Errorf("%q in %q by %q: %q %v, want %q", x.pattern, x.text, x.with, got, err, x.want)
		}
	}
	for with, code := range map[string]mysqlerr.Code{"$2": 3686, "$x": 3887, "${y}": 3887} {
		if _, err := compile(t, "(a)", Options{}).Replace([]rune("a"), with, 0, 0, 100); mysqlerr.From(err).Code != code {
			t.Errorf("%q: %v, want %d", with, err, code)
		}
	}
	if _, err := compile(t, "a", Options{}).Replace([]rune("aaaa"), "0123456789", 0, 0, 20); mysqlerr.From(err).Code != 3684 {
		t.Errorf("a result past the limit: %v", err)
	}
}

// TestTimeOut: a pattern that backtracks without end is stopped. Without the bound this test would not end.
func TestTimeOut(t *testing.T) {
	text := make([]rune, 64)
	for i := range text {
		text[i] = 'a'
	}
	p := compile(t, "^((a+)+)+$", Options{Limit: time.Millisecond})
	if _, _, _, err := p.Find(append(text, 'b'), 0, 1); mysqlerr.From(err).Code != 3699 {
		t.Errorf("%v, want 3699", err)
	}
}

// FuzzCompile: what the translation lets through is never refused behind it, and no pattern panics.
func FuzzCompile(f *testing.F) {
	for _, s := range []string{"a|b", "[a-z--[b]]", `\p{L}\Qa\E(?i)x`, "(?<=a)b{2,3}+", "[[:alpha:]&&[^b]]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		if _, err := Compile(pattern, Options{}); mysqlerr.IsCode(err, mysqlerr.ER_REGEXP_INTERNAL_ERROR) {
			t.Errorf("%q: %v", pattern, errors.Unwrap(err))
		}
	})
}
