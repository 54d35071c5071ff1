package fulltext

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
)

// What MariaDB 10.11's InnoDB answers over these rows, IN BOOLEAN MODE.
var docs = map[int]string{1: "xdata1 xdata1", 2: "xdata2 xdata1 xdata1", 3: "xdata1 xdata2 xdata2 xdata2", 4: "the quick brown fox", 5: "quick the brown fox jumps",
	6: "brown quick", 7: "alpha beta gamma", 8: "alpha gamma", 9: "beta", 10: "nothing more"}

var answers = []struct{ query, want string }{
	{"xdata*", "1=0.181238 2=0.181238 3=0.090619"},
	{"xdata1", "1=0.546804 2=0.546804 3=0.273402"},
	{`"the quick"`, "4=0.273402 5=0.273402 6=0.273402"},
	{`"quick the brown"`, "5=0.546804"},
	{`"quick brown"`, "4=0.546804"},
	{"+alpha -beta", "8=0.488559"},
	{"+alpha +(beta gamma)", "7=1.465677 8=0.977118"},
	{"+alpha -(beta quick)", "8=0.488559"},
	{"alpha ~beta", "7=-0.022882 8=0.488559"},
	{"+alpha ~(beta gamma)", "7=0.465677 8=-0.022882"},
	{"+alpha ~beta", "7=0.488559 8=0.488559"},
	{`"alpha`, "7=0.488559 8=0.488559"},
	{`"brown quick"@2`, "4=0.546804 6=0.546804"},
	{`"quick jumps" @4`, ""},
	{`"quick jumps" @5`, "5=1.273402"},
	{"alpha +beta", "7=0.977118 9=0.488559"},
	{"+alpha +beta", "7=0.977118"},
	{"+alpha >beta <gamma", "7=1.465677 8=-0.022882"},
	{"al* +beta", "7=0.977118 9=0.488559"},
	{"alpha *", "7=0.488559 8=0.488559"},
	{"+al", ""},
	{"-the alpha", "7=0.488559 8=0.488559"},
	{`"al"`, ""},
	{`+"the"`, ""},
	{"+(the quick)", "4=0.273402 5=0.273402 6=0.273402"},
	{"alpha, beta", "7=0.977118 8=0.488559 9=0.488559"},
	{"alpha'beta", "7=0.977118 8=0.488559 9=0.488559"},
	{"alpha-beta", "8=0.488559"},
	{"alpha - beta", "8=0.488559"},
	{"+ alpha", "7=0.488559 8=0.488559"},
	{">alpha", "7=1.488559 8=1.488559"},
	{"~alpha beta", "7=0.488559 9=0.488559"},
	{"(>alpha <beta)", "7=0.977118 8=1.488559 9=-0.511441"},
	{"+(>alpha <beta) gamma", "7=1.465677 8=1.977118 9=-0.511441"},
	{"al* alpha", "7=0.977118 8=0.977118"},
	{`+"beta gamma" alpha`, "7=1.465677"},
	{`"xdata1 xdata2"`, "3=1.739079"},
	{"-alpha", ""},
	{"", ""},
}

var naturals = []struct{ query, want string }{
	{"the quick", "4=0.273402 5=0.273402 6=0.273402"},
	{"alpha-beta", "7=0.977118 8=0.488559 9=0.488559"},
	{`"alpha beta"`, "7=0.977118"},
	{"al*", ""},
	{"alpha alpha alpha alpha", "7=0.009392 8=0.009392"},
	{"xdata1 quick", "1=0.546804 2=0.546804 3=0.273402 4=0.273402 5=0.273402 6=0.273402"},
}

func run(t *testing.T, a *Analyzer, q *Query) string {
	t.Helper()
	var out []string
	tokens := map[int][]string{}
	for id, text := range docs {
		tokens[id] = a.Tokens(nil, text)
	}
	for _, term := range q.Terms {
		for _, d := range tokens {
			seen := map[string]bool{}
			for _, w := range d {
				if w != Gap && !seen[w] && (w == term.Key || term.Prefix && strings.HasPrefix(w, term.Key)) {
					seen[w] = true
					term.Docs++
				}
			}
		}
	}
	needs := q.Needs()
	for _, id := range slices.Sorted(maps.Keys(docs)) {
		rank, ok, err := q.Matches(TextDoc(tokens[id]), len(docs))
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			continue
		}
		out = append(out, fmt.Sprintf("%d=%v", id, math.Round(rank*1e6)/1e6))
		if !slices.ContainsFunc(needs, func(n *Term) bool { return TextDoc(tokens[id]).Count(n) > 0 }) {
			t.Errorf("row %d matches and has none of the terms that it needs", id)
		}
	}
	return strings.Join(out, " ")
}

func TestAnswersAreInnoDBs(t *testing.T) {
	a := NewAnalyzer(Default, 255)
	for _, c := range answers {
		q, err := Boolean(a, c.query)
		if err != nil {
			t.Errorf("%s: %v", c.query, err)
			continue
		}
		if got := run(t, a, q); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.query, got, c.want)
		}
	}
	for _, c := range naturals {
		if got := run(t, a, Natural(a, c.query)); got != c.want {
			t.Errorf("natural %s:\n got %s\nwant %s", c.query, got, c.want)
		}
	}
	for query, want := range map[string]string{"(alpha": "$end", "alpha)": "')', expecting $end", "a@b": "'@'", ">>alpha": "'>'", "alpha +": "$end"} {
		_, err := Boolean(a, query)
		var se *SyntaxError
		if !errors.As(err, &se) || se.What != want {
			t.Errorf("%s: %v", query, err)
		}
	}
}

func TestNGram(t *testing.T) {
	a := NewAnalyzer(Options{NGram: 2, Stopwords: true, Min: 3, Max: 84}, 255)
	if got := a.Tokens(nil, "数据库 bcd"); len(got) != 4 || got[0] != a.key("数据") || got[1] != a.key("据库") || got[2] != a.key("bc") {
		t.Errorf("%q", got)
	}
	q, err := Boolean(a, "数据库")
	if err != nil || !q.Phrases || len(q.Terms) != 2 {
		t.Errorf("%+v %v", q, err)
	}
}

func TestEntries(t *testing.T) {
	d := &table.Def{Columns: []table.Column{{Class: row.Bytes, Collation: 255}, {Class: row.Bytes, Collation: 255}}}
	o, ok := ParseKind(Default.Kind())
	if !ok || o != Default {
		t.Fatal(o, ok)
	}
	x := NewIndex(d, &table.Index{Parts: []table.Part{{Column: 0}, {Column: 1}}}, o)
	got := map[string]uint64{}
	x.Entries([]row.Datum{row.FromBytes([]byte("Café, the CAFE!")), row.FromBytes([]byte("café_2 is ok"))}, func(e []row.Datum) { got[string(e[0].B)] = e[1].N })
	if len(got) != 2 || got[x.key("cafe")] != 2 || got[x.key("cafe_2")] != 1 {
		t.Errorf("%v", got)
	}
}

// TestStopwordList: words of a list of one's own are gaps, and those of the default list are not; the kind keeps the list.
func TestStopwordList(t *testing.T) {
	for _, words := range [][]string{{"Apple", "a,b c", "été"}, nil} {
		o := Default
		o.List = StopwordList(words)
		if back, ok := ParseKind(o.Kind()); !ok || back != o {
			t.Errorf("%q came back as %+v, %v", o.Kind(), back, ok)
		}
		a := NewAnalyzer(o, 255)
		gaps := 0
		for _, k := range a.Tokens(nil, "APPLE the Été about pear") {
			if k == Gap {
				gaps++
			}
		}
		if want := min(len(words), 2); gaps != want {
			t.Errorf("with the stopwords %q there are %d gaps, want %d", words, gaps, want)
		}
	}
}
