package shell

import (
	"fmt"
	"strings"
	"testing"
)

func TestCut(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []string // text; a leading ! marks \G
	}{
		{"select 1;", []string{"select 1"}},
		{"select 1; select 2\n;select 3", []string{"select 1", "select 2", "select 3"}},
		{"select ';', \"a;b\", `c;d`;\nselect 'it''s;';", []string{"select ';', \"a;b\", `c;d`", "select 'it''s;'"}},
		{`select 'a\';b';select 2;`, []string{`select 'a\';b'`, "select 2"}},
		{"select 1 -- no; end\n+ 2;", []string{"select 1 -- no; end\n+ 2"}},
		{"select 1--;\n2;", []string{"select 1--", "2"}},
		{"# a;b\nselect 1;", []string{"# a;b\nselect 1"}},
		{"/* ; */ select /*! 1; */ 2;", []string{"/* ; */ select /*! 1; */ 2"}},
		{"select '\n;\n' x;\n", []string{"select '\n;\n' x"}},
		{"DELIMITER $$\ncreate procedure p() begin select 1; end$$\ndelimiter ;\nselect 2;", []string{"create procedure p() begin select 1; end", "select 2"}},
		{"select 1\\G select 2;", []string{"!select 1", "select 2"}},
		{";;\n;", nil},
		{"-- only a comment", []string{"-- only a comment"}},
		{"select 'never ends;\n", []string{"select 'never ends;"}},
	} {
		cut := cutter{delimiter: ";"}
		var got []string
		note := func(sts []statement) {
			for _, st := range sts {
				mark := ""
				if st.vertical {
					mark = "!"
				}
				got = append(got, mark+st.text)
			}
		}
		for line := range strings.Lines(c.in) {
			note(cut.add(line))
		}
		note(cut.rest())
		if fmt.Sprint(got) != fmt.Sprint(c.want) || len(got) != len(c.want) {
			t.Errorf("%q:\n got %q\nwant %q", c.in, got, c.want)
		}
	}
}

func TestCutNamesTheLine(t *testing.T) {
	cut := cutter{delimiter: ";"}
	var lines []int
	for line := range strings.Lines("select 1;\n\nselect\n2;\nselect 3; select 4;\n") {
		for _, st := range cut.add(line) {
			lines = append(lines, st.line)
		}
	}
	if fmt.Sprint(lines) != "[1 3 5 5]" {
		t.Errorf("lines %v", lines)
	}
}
