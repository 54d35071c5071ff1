package charset

import (
	"testing"

	"github.com/dolthub/go-mysql-server/sql"
)

// Every character set of the library converts there and back, and every collation orders.
func TestAll(t *testing.T) {
	sets := sql.NewCharacterSetsIterator()
	for {
		cs, ok := sets.Next()
		if !ok {
			break
		}
		if cs.Encoder == nil || cs.ID.Encoder() == nil {
			t.Errorf("%s has no encoder", cs.Name)
			continue
		}
		if out, ok := cs.Encoder.Encode([]byte("Ab 1")); cs.ID != sql.CharacterSet_binary && (!ok || cs.MaxLength == 1 && string(out) != "Ab 1") {
			t.Errorf("%s: %q %v", cs.Name, out, ok)
		}
	}
	collations := sql.NewCollationsIterator()
	for {
		c, ok := collations.Next()
		if !ok {
			break
		}
		if c.Sorter == nil && c.CharacterSet != sql.CharacterSet_utf8mb4 {
			t.Errorf("%s has no order", c.Name)
		}
	}
}

func TestConversions(t *testing.T) {
	for _, c := range []struct{ set, text, bytes string }{
		{"sjis", "\u30BD\u30FC\u30B9", "\x83\x5c\x81\x5b\x83\x58"},
		{"sjis", "\u301C\uFF71", "\x81\x60\xb1"},
		{"cp932", "\uFF5E\u2460", "\x81\x60\x87\x40"},
		{"ujis", "\u65E5\uFF71", "\xc6\xfc\x8e\xb1"},
		{"eucjpms", "\u4E02", "\x8f\xb0\xa1"},
		{"gbk", "\u4E2D", "\xd6\xd0"},
		{"gb2312", "\u4E2D", "\xd6\xd0"},
		{"gb18030", "\U0001F600", "\x94\x39\xfc\x36"},
		{"big5", "\u4E2D", "\xa4\xa4"},
		{"euckr", "\uAC00", "\xb0\xa1"},
		{"koi8r", "\u0430", "\xc1"},
		{"cp1251", "\u0430", "\xe0"},
		{"latin2", "\u0161", "\xb9"},
		{"ucs2", "a\u0430", "\x00a\x04\x30"},
		{"utf16le", "a\U0001F600", "a\x00\x3d\xd8\x00\xde"},
	} {
		cs, err := sql.ParseCharacterSet(c.set)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := cs.Encoder().Encode([]byte(c.text)); !ok || string(got) != c.bytes {
			t.Errorf("%s: encoded %q: %q", c.set, c.text, got)
		}
		if got, ok := cs.Encoder().Decode([]byte(c.bytes)); !ok || string(got) != c.text {
			t.Errorf("%s: decoded %q: %q", c.set, c.bytes, got)
		}
	}
	for _, c := range []struct{ set, text, upper, lower string }{
		{"gbk", "a\u0251\u03B1\u0410", "A\u0251\u0391\u0410", "a\u0251\u03B1\u0430"}, {"cp1251", "\u00B5\u044F", "\u00B5\u042F", "\u00B5\u044F"}, {"koi8r", "\u0451", "\u0401", "\u0451"},
	} {
		cs, _ := sql.ParseCharacterSet(c.set)
		if up, low := cs.Encoder().Uppercase(c.text), cs.Encoder().Lowercase(c.text); up != c.upper || low != c.lower {
			t.Errorf("%s: %q became %q and %q", c.set, c.text, up, low)
		}
	}
	for _, c := range []struct{ set, text string }{{"koi8r", "\u4E2D"}, {"gb2312", "\u4E02"}, {"ucs2", "\U0001F600"}} {
		cs, _ := sql.ParseCharacterSet(c.set)
		if out := cs.Encoder().EncodeReplaceUnknown([]byte(c.text)); string(out) != "?" && string(out) != "\x00?" {
			t.Errorf("%s: %q became %q", c.set, c.text, out)
		}
		if _, ok := cs.Encoder().EncodeRune([]byte(c.text)); ok {
			t.Errorf("%s has %q", c.set, c.text)
		}
	}
}

func TestOrder(t *testing.T) {
	for _, c := range []struct {
		id       sql.CollationID
		less     string // ascending
		same     [2]rune
		distinct [2]rune
	}{
		{sql.Collation_latin2_general_ci, "ab", [2]rune{'a', 'A'}, [2]rune{'a', 'b'}},
		{sql.Collation_koi8r_general_ci, "\u0430\u0431\u0432", [2]rune{'\u0430', '\u0410'}, [2]rune{'\u0430', '\u0431'}},
		{sql.Collation_koi8r_bin, "Aa", [2]rune{'a', 'a'}, [2]rune{'\u0430', '\u0410'}},
		{sql.Collation_sjis_japanese_ci, "a\u3042\u3044", [2]rune{'a', 'A'}, [2]rune{'\u3042', '\u30A2'}},
		{sql.Collation_ucs2_general_ci, "abc", [2]rune{'a', 'A'}, [2]rune{'a', 'b'}},
	} {
		weigh, text := c.id.Sorter(), []rune(c.less)
		for i := 1; i < len(text); i++ {
			if weigh(text[i-1]) >= weigh(text[i]) {
				t.Errorf("%s: %q is not below %q", c.id.Name(), text[i-1], text[i])
			}
		}
		if weigh(c.same[0]) != weigh(c.same[1]) || weigh(c.distinct[0]) == weigh(c.distinct[1]) {
			t.Errorf("%s: %q %q", c.id.Name(), c.same, c.distinct)
		}
	}
}
