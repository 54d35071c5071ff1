package lexer

import (
	"strings"
	"testing"
)

var names = map[Kind]string{Word: "w", Quoted: "q", String: "s", Int: "i", Decimal: "d", Float: "f", Hex: "x", Bit: "b", Param: "?",
	UserVar: "@", SysVar: "@@", Op: "o", Punct: "p", Hint: "h", Bad: "bad"}

func tokens(src string, mode Mode) string {
	l := Lexer{Src: []byte(src), Mode: mode}
	var out []string
	for {
		t := l.Next()
		if t.Kind == EOF {
			return strings.Join(out, " ")
		}
		out = append(out, names[t.Kind]+":"+string(l.Text(t)))
	}
}

func TestTokens(t *testing.T) {
	for _, c := range []struct {
		src, want string
		mode      Mode
	}{
		{src: "SELECT c FROM sbtest1 WHERE id=42", want: "w:SELECT w:c w:FROM w:sbtest1 w:WHERE w:id o:= i:42"},
		{src: "a.1b .5 1.5 1e3 1.e2 t.5x", want: "w:a p:. w:1b d:.5 d:1.5 f:1e3 f:1.e2 w:t p:. w:5x"},
		{src: `'it''s' "a\"b" 'x\\' n'u'`, want: `s:'it''s' s:"a\"b" s:'x\\' s:n'u'`},
		{src: `"a" 'b\'`, mode: AnsiQuotes | NoBackslashEscapes, want: `q:"a" s:'b\'`},
		{src: "`a``b` x'1F' 0x1f 0xg b'01' 0b01", want: "q:`a``b` x:x'1F' x:0x1f w:0xg b:b'01' b:0b01"},
		{src: "a--1", want: "w:a o:- o:- i:1"},
		{src: "a-- 1\nb #c\nd /* e */ f", want: "w:a w:b w:d w:f"},
		{src: "/*!40101 SET */ x /*!99999 no */ /*M! no */ y /*! z */", want: "w:SET w:x w:y w:z"},
		{src: "SELECT /*+ BKA(t) */ 1", want: "w:SELECT h:/*+ BKA(t) */ i:1"},
		{src: "@a @`b c` @@session.x := <=> ->> || ?", want: "@:@a @:@`b c` @@:@@ w:session p:. w:x o::= o:<=> o:->> o:|| ?:?"},
		{src: "'open", want: "bad:'open"},
		{src: "/* open", want: "bad:/* open"},
		{src: "a\x00b", want: "w:a bad:\x00 w:b"},
	} {
		if got := tokens(c.src, c.mode); got != c.want {
			t.Errorf("%q:\n got %s\nwant %s", c.src, got, c.want)
		}
	}
}

// FuzzNext: any bytes are cut into tokens that advance and do not overlap.
func FuzzNext(f *testing.F) {
	f.Add([]byte("SELECT /*!50000 a */ '\\"), uint8(0))
	f.Add([]byte("@@`x 0x 1e+ /*+"), uint8(3))
	f.Fuzz(func(t *testing.T, src []byte, mode uint8) {
		l := Lexer{Src: src, Mode: Mode(mode & 3)}
		at := 0
		for {
			tok := l.Next()
			if tok.Kind == EOF {
				return
			}
			if tok.Start < at || tok.End <= tok.Start || tok.End > len(src) || l.Pos != tok.End {
				t.Fatalf("token %+v after %d of %d bytes", tok, at, len(src))
			}
			at = tok.End
		}
	})
}

func TestUnquote(t *testing.T) {
	for in, want := range map[string]string{
		`'a''b'`: "a'b", `N'n'`: "n", `n''`: "", `"a\"b"`: `a"b`, "`a``b`": "a`b", "`a\\n`": `a\n`, `'\n\0\Z\q'`: "\n\x00\x1aq", `'\%\_\\'`: `\%\_\`,
		`name`: "name", `''`: "", `n`: "n", `'`: "'",
	} {
		if got := Unquote(in); got != want {
			t.Errorf("%s: %q, not %q", in, got, want)
		}
	}
}

func TestCutStatement(t *testing.T) {
	for _, c := range []struct{ text, first, rest string }{
		{"SELECT 1; SELECT 2", "SELECT 1", " SELECT 2"},
		{"SELECT ';' /* ; */ -- ;\n, 1;", "SELECT ';' /* ; */ -- ;\n, 1", ""},
		{"CREATE PROCEDURE p() BEGIN IF (a) THEN SELECT IF(b, 1, 2); END IF; CASE a WHEN 1 THEN SELECT 1; END CASE; END; SELECT 2",
			"CREATE PROCEDURE p() BEGIN IF (a) THEN SELECT IF(b, 1, 2); END IF; CASE a WHEN 1 THEN SELECT 1; END CASE; END", " SELECT 2"},
		{"CREATE EVENT IF NOT EXISTS e ON SCHEDULE EVERY 1 DAY DO SELECT REPEAT('a', 2); SELECT 2",
			"CREATE EVENT IF NOT EXISTS e ON SCHEDULE EVERY 1 DAY DO SELECT REPEAT('a', 2)", " SELECT 2"},
		{"CREATE PROCEDURE IF NOT EXISTS p() IF EXISTS(SELECT 1) THEN IF NOT EXISTS (SELECT 2) THEN SELECT 3; END IF; END IF; SELECT 2",
			"CREATE PROCEDURE IF NOT EXISTS p() IF EXISTS(SELECT 1) THEN IF NOT EXISTS (SELECT 2) THEN SELECT 3; END IF; END IF", " SELECT 2"},
		{"CREATE PROCEDURE p() BEGIN CREATE TABLE IF NOT EXISTS t (a INT); DROP TABLE IF EXISTS t; END; SELECT 2",
			"CREATE PROCEDURE p() BEGIN CREATE TABLE IF NOT EXISTS t (a INT); DROP TABLE IF EXISTS t; END", " SELECT 2"},
		{"CREATE PROCEDURE p() IF (a) = 1 AND b IN (1, 2) THEN SELECT 3; END IF; SELECT 2", "CREATE PROCEDURE p() IF (a) = 1 AND b IN (1, 2) THEN SELECT 3; END IF", " SELECT 2"},
		{"CREATE FUNCTION f() RETURNS INT RETURN IF(a, (b), 1); SELECT 2", "CREATE FUNCTION f() RETURNS INT RETURN IF(a, (b), 1)", " SELECT 2"},
		{"CREATE TABLE `if;` (`end` INT); SELECT 2", "CREATE TABLE `if;` (`end` INT)", " SELECT 2"},
	} {
		if first, end, rest := CutStatement(c.text, 0); first != c.first || !end || rest != c.rest {
			t.Errorf("%s: %q and %q", c.text, first, rest)
		}
	}
}

func TestPlainComments(t *testing.T) {
	for in, want := range map[string]string{
		"a /*!40101 SET x */ b":    "a          SET x    b",
		"/*!99999 no */ b":         "               b",
		"/*M!100100 no */ b":       "                 b",
		"'/*!1*/' /*! y */":        "'/*!1*/'     y   ",
		"/* /*!40101 z */ c":       "/* /*!40101 z */ c",
		"/*!50001 'a*/' */ d":      "         'a*/'    d",
		"-- /*!40101 z */\n/*!w*/": "-- /*!40101 z */\n   w  ",
	} {
		if got := PlainComments(in); got != want {
			t.Errorf("%q: %q, not %q", in, got, want)
		}
	}
}
