package sqltext

import (
	"testing"

	"github.com/dolthub/vitess/go/vt/sqlparser"
)

func parse(t *testing.T, text string) sqlparser.Expr {
	t.Helper()
	st, err := sqlparser.Parse("select " + text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return st.(*sqlparser.Select).SelectExprs[0].(*sqlparser.AliasedExpr).Expr
}

// TestExpr: expressions print as in MySQL's dictionary, and what was printed prints as itself.
func TestExpr(t *testing.T) {
	for _, c := range [][2]string{
		{"name != 'foo'", "(`name` <> _utf8mb4'foo')"},
		{"t.a + db.t.b * 2 > -3", "((`a` + (`b` * 2)) > -3)"},
		{"a > 1 AND (b < 2 AND c = 3)", "((`a` > 1) and (`b` < 2) and (`c` = 3))"},
		{"a or (b and not c) or d", "(`a` or (`b` and (not(`c`))) or `d`)"},
		{"NOT (a = 1)", "(`a` <> 1)"},
		{"NOT a IN (1, 2)", "(`a` not in (1,2))"},
		{"not a is null", "(`a` is not null)"},
		{"not a between 1 and b", "(`a` not between 1 and `b`)"},
		{"a not like 'x%' escape '|'", "(not((`a` like _utf8mb4'x%' escape _utf8mb4'|')))"},
		{"a rlike '^x'", "regexp_like(`a`,_utf8mb4'^x')"},
		{"a REGEXP 'x' IS TRUE", "(regexp_like(`a`,_utf8mb4'x') is true)"},
		{"_latin1'x' <=> a", "(_latin1'x' <=> `a`)"},
		{"j->'$.a' = j->>'$.b'", "(json_extract(`j`,_utf8mb4'$.a') = json_unquote(json_extract(`j`,_utf8mb4'$.b')))"},
		{"cast(a as char(5)) collate utf8mb4_bin", "(cast(`a` as char(5)) collate utf8mb4_bin)"},
		{"cast(a as decimal(5,2)) div 2", "(cast(`a` as decimal(5,2)) DIV 2)"},
		{"case when a then 'x' else null end", "(case when `a` then _utf8mb4'x' else NULL end)"},
		{"SUBSTRING(a, 1, 2)", "substr(`a`,1,2)"},
		{"UCASE(a)", "upper(`a`)"},
		{"isnull(a) xor mod(b, 2)", "((`a` is null) xor (`b` % 2))"},
		{"date_add(a, interval 1 DAY)", "(`a` + interval 1 day)"},
		{"coalesce(`a b`, `x``y`, '')", "coalesce(`a b`,`x``y`,_utf8mb4'')"},
		{"'it''s \\\\'", `_utf8mb4'it\'s \\'`},
		{"-(-a)", "-(-(`a`))"},
		{"~a", "~(`a`)"},
	} {
		s := Style{Charset: "utf8mb4"}
		got := s.Expr(parse(t, c[0]))
		if got != c[1] {
			t.Errorf("%s:\n got %s\nwant %s", c[0], got, c[1])
			continue
		}
		if again := s.Expr(parse(t, got)); again != got {
			t.Errorf("%s parses back as %s", got, again)
		}
	}
	if got := (Style{Qualified: true}).Expr(parse(t, "db.t.a = 'x'")); got != "(`db`.`t`.`a` = 'x')" {
		t.Error(got)
	}
}
