package diff

import (
	"strings"
	"testing"
)

func TestGenerateIsAFunctionOfTheSeed(t *testing.T) {
	seen := map[string]int{}
	for seed := uint64(1); seed <= 300; seed++ {
		a, b := Generate(seed, 30), Generate(seed, 30)
		if a.Script() != b.Script() {
			t.Fatalf("seed %d gives two cases", seed)
		}
		if len(a.Steps) < 30 {
			t.Fatalf("seed %d: %d steps", seed, len(a.Steps))
		}
		for _, s := range a.Steps {
			seen[verb(s.SQL.String())]++
			if s.Session >= a.Sessions {
				t.Fatalf("seed %d: session %d of %d", seed, s.Session, a.Sessions)
			}
			text, params := s.SQL.Prepared(false)
			if n := strings.Count(text, "?"); n != len(params) {
				t.Fatalf("%s: %d placeholders, %d parameters", text, n, len(params))
			}
		}
	}
	for _, v := range []string{"CREATE", "INSERT", "REPLACE", "UPDATE", "DELETE", "SELECT", "ALTER", "TRUNCATE", "BEGIN", "START", "COMMIT", "ROLLBACK", "SAVEPOINT"} {
		if seen[v] == 0 {
			t.Errorf("no %s in 300 seeds", v)
		}
	}
}

// TestNobodyWaits: in every case, while a session's transaction is open nobody else writes or locks what it wrote, and no DDL runs.
func TestNobodyWaits(t *testing.T) {
	for seed := uint64(1); seed <= 500; seed++ {
		c := Generate(seed, 40)
		open := make([]bool, c.Sessions)
		for _, s := range c.Steps {
			switch verb(s.SQL.String()) {
			case "BEGIN", "START":
				open[s.Session] = true
			case "COMMIT":
				open[s.Session] = false
			case "ROLLBACK":
				if !strings.Contains(s.SQL.String(), "SAVEPOINT") {
					open[s.Session] = false
				}
			case "ALTER", "CREATE", "TRUNCATE":
				for i, o := range open {
					if o {
						t.Fatalf("seed %d: %s while session %d has a transaction", seed, s.SQL, i)
					}
				}
			}
		}
	}
}

func TestCompare(t *testing.T) {
	rows := func(r ...string) Outcome { return Outcome{IsRows: true, Columns: []string{"a"}, Rows: r} }
	for _, c := range []struct {
		name string
		step Step
		a, b Outcome
		want string
	}{
		{"equal", Step{}, rows("'1'"), rows("'1'"), ""},
		{"multiset", Step{}, rows("'1'", "'2'", "'1'"), rows("'2'", "'1'", "'1'"), ""},
		{"not a set", Step{}, rows("'1'", "'1'"), rows("'1'"), "rows"},
		{"order", Step{Ordered: true}, rows("'1'", "'2'"), rows("'2'", "'1'"), "rows"},
		{"NULL is not 'NULL'", Step{}, rows("NULL"), rows("'NULL'"), "rows"},
		{"representatives", Step{Fold: true}, rows("'Aé  '|'x'"), rows("'aE'|'X '"), ""},
		{"case", Step{}, rows("'A'"), rows("'a'"), "rows"},
		{"code", Step{}, Outcome{Code: 1062, State: "23000"}, Outcome{Code: 1048, State: "23000"}, "error"},
		{"state", Step{}, Outcome{Code: 1062, State: "23000"}, Outcome{Code: 1062, State: "HY000"}, "error"},
		{"message", Step{}, Outcome{Code: 1062, State: "23000", Message: "x"}, Outcome{Code: 1062, State: "23000", Message: "y"}, ""},
		{"affected", Step{}, Outcome{Affected: 1}, Outcome{Affected: 2}, "affected"},
		{"id", Step{}, Outcome{InsertID: 1}, Outcome{InsertID: 2}, "insert id"},
		{"warnings", Step{}, Outcome{Warnings: []string{"Warning 1265"}}, Outcome{}, "warnings"},
		{"as often as the plan likes", Step{}, Outcome{Warnings: []string{"Warning 1365", "Warning 1365"}}, Outcome{Warnings: []string{"Warning 1365"}}, ""},
		{"shape", Step{}, rows(), Outcome{}, "shape"},
		{"columns", Step{}, rows(), Outcome{IsRows: true, Columns: []string{"b"}}, "columns"},
	} {
		got := ""
		if d := Compare(&c.step, c.a, c.b); d != nil {
			got = d.What
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// fake is a server that answers every statement with its length, but is wrong about LEFT( once t0 was written to.
type fake struct{ wrong, wrote bool }

func (f *fake) Exec(text string) Outcome {
	if strings.HasPrefix(text, "DROP") {
		f.wrote = false
	}
	if strings.HasPrefix(text, "INSERT") && strings.Contains(text, "t0") {
		f.wrote = true
	}
	o := Outcome{IsRows: true, Columns: []string{"a"}, Rows: []string{"'1'"}}
	if f.wrong && f.wrote && strings.HasPrefix(text, "SELECT") && strings.Contains(text, "LEFT(") {
		o.Rows = []string{"'2'"}
	}
	return o
}
func (f *fake) Prepared(text string, _ []any) Outcome { return f.Exec(text) }
func (f *fake) Reset() error                          { return nil }
func (f *fake) Close() error                          { return nil }

// TestShrink: a bug that needs an INSERT and one function comes down to just that.
func TestShrink(t *testing.T) {
	found := 0
	for seed := uint64(1); seed < 200; seed++ {
		p := &Pair{A: func() (Conn, error) { return &fake{wrong: true}, nil }, B: func() (Conn, error) { return &fake{}, nil }, Database: "d"}
		c := Generate(seed, 40)
		if c.Sessions > 1 {
			continue
		}
		f, err := p.Run(c)
		if err != nil {
			t.Fatal(err)
		}
		if f == nil {
			continue
		}
		found++
		s := Shrink(f, 2000, func(c Case) *Finding { f, _ := p.Run(c); return f })
		if len(s.Case.Steps) != 2 || len(s.Case.Steps[1].SQL.String()) > 120 {
			t.Errorf("seed %d: %s", seed, s)
		}
		again, err := p.Run(Generate(seed, 40))
		if err != nil || again == nil || again.String() == "" {
			t.Errorf("seed %d does not replay", seed)
		}
	}
	if found == 0 {
		t.Error("the bug was never found")
	}
	t.Logf("found by %d seeds", found)
}

// TestOfOracle: what the oracle is asked in other words is what it is asked for whatever the shrinker makes of it.
func TestOfOracle(t *testing.T) {
	other := func(k []*Node) *Node { return cat("COALESCE(", joined(k), ")") }
	inner := expr("FIELD(", lit("7", int64(7)), ", ", expr("FIELD(", lit("8", int64(8)), ")").asked(other), ")").asked(other)
	n := cat("SELECT ", inner)
	if got := n.OfOracle(); got != "SELECT COALESCE(FIELD(7, COALESCE(FIELD(8))))" || n.String() != "SELECT FIELD(7, FIELD(8))" {
		t.Errorf("%s, %s", n, got)
	}
	inner.Kids[3] = lit("NULL", nil)
	if text, params := n.Prepared(true); text != "SELECT COALESCE(FIELD(?, NULL))" || len(params) != 1 {
		t.Errorf("%s with %v", text, params)
	}
}

// TestKnown: a rule that explains everything would hide bugs.
func TestKnown(t *testing.T) {
	s := &Step{SQL: cat("SELECT 1")}
	a, b := Outcome{IsRows: true, Rows: []string{"'1'"}}, Outcome{IsRows: true, Rows: []string{"'2'"}}
	if why := explain(s, "", a, b, Compare(s, a, b)); why != "" {
		t.Errorf("wrong rows are explained by %q", why)
	}
	for _, text := range []string{
		"SELECT a2.`c1` FROM t0 AS a1 LEFT JOIN t0 AS a2 ON (a1.`c1` = a2.`c1`) WHERE NOT ((a2.`c1`, 1) = ((1, 2)))",
		"SELECT a2.`c1` FROM t0 AS a1 LEFT JOIN t0 AS a2 ON 1 WHERE (JSON_LENGTH(JSON_ARRAY(a2.`c1`, 1)))",
		"SELECT REPLACE(`c1`, 'a', `c2`), FIELD(`c1`, 2), CAST(`c1` AS UNSIGNED) FROM t0 WHERE (NOT (1 BETWEEN `c1` AND 2)) ORDER BY `c1`",
	} {
		s := &Step{SQL: cat(text)}
		for _, rows := range [][2][]string{{{"'1'", "NULL"}, {"'1'"}}, {{"'1'"}, {"'1'", "NULL"}}, {{"NULL"}, {"'1'"}}, {{"'0'"}, {"'2019'"}}, {{"'2020'"}, {"'2019'"}}} {
			a, b := Outcome{IsRows: true, Rows: rows[0]}, Outcome{IsRows: true, Rows: rows[1]}
			if why := explain(s, "", a, b, Compare(s, a, b)); why != "" {
				t.Errorf("%s: %q instead of %q is explained by %q", text, rows[0], rows[1], why)
			}
		}
	}
	a, b = Outcome{Code: 3819, State: "HY000"}, Outcome{Code: 4025, State: "23000"}
	if explain(s, "", a, b, Compare(s, a, b)) == "" {
		t.Error("a violated CHECK is not explained")
	}
}
