package xpath

import (
	"os"
	"strings"
	"testing"
)

// env compares as a collation without case, and has one variable.
type env struct{}

func (env) Compare(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) }
func (env) Index(text, part string) int {
	return strings.Index(strings.ToLower(text), strings.ToLower(part))
}

func (env) Variable(name string) any {
	if name == "i" {
		return int64(2)
	}
	return nil
}

// TestPaths runs testdata/paths.tsv: a document, a path, what EXTRACTVALUE finds, and what UPDATEXML makes with <N/>.
func TestPaths(t *testing.T) {
	table, err := os.ReadFile("testdata/paths.tsv")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(table)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 4 {
			t.Fatalf("%d fields: %s", len(f), line)
		}
		extract, update := answers(f[0], f[1])
		if extract != f[2] || update != f[3] {
			t.Errorf("%s of %s\n got %s, %s\nwant %s, %s", f[1], f[0], extract, update, f[2], f[3])
		}
	}
}

func answers(xml, path string) (extract, update string) {
	q, err := Parse(path)
	if err != nil {
		return "error " + err.Error(), "error " + err.Error()
	}
	d, err := Read(xml)
	if err != nil {
		return "malformed " + err.Error(), "malformed " + err.Error()
	}
	or := func(s string, ok bool) string {
		if !ok {
			return "NULL"
		}
		return s
	}
	return or(q.Extract(d, env{})), or(q.Replace(d, env{}, "<N/>"))
}

// FuzzPaths looks for texts and paths that end in a panic.
func FuzzPaths(f *testing.F) {
	f.Add("<a x='1'>1<b>2</b></a>", "//b[last()]|/a/@x")
	f.Add("<?x?><!D 'q'><![CDATA[", "-(1 div 0) + count(//*[.='2'])")
	f.Fuzz(func(_ *testing.T, xml, path string) { answers(xml, path) })
}
