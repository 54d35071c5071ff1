package general

import "testing"

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
