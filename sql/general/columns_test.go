package general

import (
	"testing"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// Bytes of no character set that are stored in a text are read as characters of its set, whatever they are in another.
func TestBytesIntoTexts(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE b (b VARBINARY(9)); INSERT INTO b VALUES (0xC3A4), (0xE4)")
	for _, x := range []struct{ set, value, text, bytes string }{
		{"ujis", "0xA4A2", "あ", "A4A2"}, {"sjis", "x'82A0'", "あ", "82A0"}, {"gbk", "UNHEX('A1A1')", "\u3000", "A1A1"}, {"latin1", "0xC3A4", "Ã¤", "C3A4"},
		{"latin1", "CONCAT(0xE4, 0xE4)", "ää", "E4E4"}, {"latin1", "_latin1 0xE4", "ä", "E4"}, {"latin1", "_utf8mb4 0xC3A4", "ä", "E4"}, {"latin1", "'ä'", "ä", "E4"},
		{"latin1", "@text", "ä", "E4"}, {"latin1", "(SELECT b FROM b WHERE b = 0xE4)", "ä", "E4"}, {"latin1", "(SELECT b FROM b WHERE b = 0xC3A4)", "Ã¤", "C3A4"},
		{"ucs2", "0x41", "A", "0041"}, {"utf32", "0x00E4", "ä", "000000E4"}, {"utf8mb4", "0xC3A4", "ä", "C3A4"}, {"latin2", "_latin1 0xE4", "ä", "E4"},
	} {
		c.must("SET @text = _latin1 0xE4; CREATE TABLE t (a VARCHAR(9) CHARACTER SET " + x.set + ") AS SELECT " + x.value + " AS a; INSERT INTO t VALUES (" + x.value + ")")
		c.query("SELECT a, HEX(a) FROM t", x.text+"\t"+x.bytes+"\n"+x.text+"\t"+x.bytes)
		c.must("DROP TABLE t")
	}
	c.must("CREATE TABLE t (u VARCHAR(9) CHARACTER SET ujis, a VARCHAR(9) CHARACTER SET ascii)")
	c.fails("INSERT INTO t (u) VALUES (0xA4A2FF)", mysqlerr.ER_TRUNCATED_WRONG_VALUE_FOR_FIELD, "Incorrect string value: '\\xFF' for column 'u' at row 1")
	c.fails("INSERT INTO t (a) VALUES (0x41E4)", mysqlerr.ER_TRUNCATED_WRONG_VALUE_FOR_FIELD, "Incorrect string value: '\\xE4' for column 'a' at row 1")
	c.must("INSERT IGNORE INTO t VALUES (0xA4A2FF, 0x41E4)")
	c.query("SELECT * FROM t", "あ\tA")
}

// Names of columns are written in the character set of results once, whatever is found out about the columns.
func TestNamesInCharacterSets(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE sets")
	c.must("USE sets")
	c.must("CREATE TABLE `tã` (`nã` INT)")
	for _, s := range [][2]string{{"utf8mb4", "ã"}, {"latin1", "\xe3"}, {"ujis", "\x8f\xab\xaa"}, {"sjis", "?"}} {
		c.must("SET character_set_results = " + s[0])
		for text, want := range map[string]string{
			"SELECT `nã` FROM `tã`": "n" + s[1],
			"SELECT x.`nã` FROM `tã` x JOIN `tã` y ON x.`nã` > y.`nã`": "n" + s[1],
			"SELECT `nã` + 1 FROM `tã`":                                "`n" + s[1] + "` + 1",
			"SELECT 1 AS `ã`":                                          s[1],
		} {
			a, err := c.exec(text)
			if err != nil || len(a.cols) != 1 || a.cols[0] != want {
				t.Errorf("%s: %s: %q, %v, want %q", s[0], text, a.cols, err, want)
			}
		}
	}
}
