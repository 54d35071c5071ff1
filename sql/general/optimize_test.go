package general

import (
	"context"
	"fmt"
	"testing"
)

// TestOptimizeTable: OPTIMIZE TABLE answers as InnoDB does and writes the table anew: after most of its rows went it has fewer pages.
func TestOptimizeTable(t *testing.T) {
	sv := newServer(t)
	c := sv.client()
	mustExec(c, "CREATE DATABASE m; USE m; CREATE TABLE t (id INT PRIMARY KEY, s VARCHAR(200), KEY (s)); CREATE VIEW v AS SELECT 1; CREATE TEMPORARY TABLE tmp (a INT)")
	load(c, "t", 3000, func(i int) string { return fmt.Sprintf("%d, REPEAT('%c', 150)", i, 'a'+rune(i%26)) })
	mustExec(c, "DELETE FROM t WHERE id % 20 <> 0")
	before, err := sv.db.Catalog().Definition(context.Background(), "m", "t")
	if err != nil {
		t.Fatal(err)
	}
	length := func() string {
		return mustExec(c, "SELECT data_length + index_length FROM information_schema.tables WHERE table_schema = 'm' AND table_name = 't'").rows[0][0]
	}
	old := length()
	got := mustExec(c, "OPTIMIZE TABLE t, v, gone, tmp").rows
	want := "[[m.t optimize note Table does not support optimize, doing recreate + analyze instead] [m.t optimize status OK] " +
		"[m.v optimize Error 'm.v' is not BASE TABLE] [m.v optimize status Operation failed] " +
		"[m.gone optimize Error Table 'm.gone' doesn't exist] [m.gone optimize status Operation failed] " +
		"[m.tmp optimize note Table does not support optimize, doing recreate + analyze instead] [m.tmp optimize status OK]]"
	if fmt.Sprint(got) != want {
		t.Errorf("%v, want %v", got, want)
	}
	after, err := sv.db.Catalog().Definition(context.Background(), "m", "t")
	if err != nil {
		t.Fatal(err)
	}
	if before.Indexes[0].Root == after.Indexes[0].Root {
		t.Error("the table is where it was")
	}
	if now := length(); len(now) > len(old) || now >= old && len(now) == len(old) {
		t.Errorf("%s bytes, %s before", now, old)
	}
	if n := mustExec(c, "SELECT COUNT(*), COUNT(s) FROM t FORCE INDEX (s)").rows; fmt.Sprint(n) != "[[150 150]]" {
		t.Error(n)
	}
}
