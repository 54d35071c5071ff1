package general

import (
	"fmt"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/expression/function/aggregation"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/base/vfs"
	"github.com/zoryadb/zorya/engine/extsort"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// spillRows makes table s of n rows, about 150 bytes each: k has n/4 values, each four times; small has 50; odd is NULL in one of seven rows.
func spillRows(c *client, n int) {
	c.sv.t.Helper()
	must := func(text string) {
		c.sv.t.Helper()
		if _, err := c.exec(text); err != nil {
			c.sv.t.Fatal(text[:min(len(text), 80)], err)
		}
	}
	must("CREATE DATABASE m; USE m")
	must("CREATE TABLE s (id INT PRIMARY KEY, k INT, small INT, odd DECIMAL(12,3), txt VARCHAR(100), at DATETIME(3), doc JSON, big BIGINT UNSIGNED, f DOUBLE, e ENUM('x','y','z'))")
	for at := 0; at < n; at += 1000 {
		var b strings.Builder
		b.WriteString("INSERT INTO s VALUES ")
		for i := at; i < at+1000; i++ {
			if i > at {
				b.WriteByte(',')
			}
			odd := fmt.Sprintf("%d.%03d", (i*7919)%10007-5000, i%1000)
			if i%7 == 0 {
				odd = "NULL"
			}
			fmt.Fprintf(&b, "(%d,%d,%d,%s,'%s row %d',TIMESTAMP'2020-01-01 00:00:00' + INTERVAL %d SECOND,'{\"a\": [%d, \"b\", null]}',%d,%g,'%c')",
				i, (i*31)%(n/4), i%50, odd, strings.Repeat([]string{"Ab", "aB", "é"}[i%3], 20), i%997, (i*104729)%86400000, i, 1<<63+uint64(i), float64(i)/3, 'x'+rune(i%3))
		}
		must(b.String())
	}
}

var spillQueries = []string{
	"SELECT * FROM s ORDER BY txt, id",
	"SELECT id, odd FROM s ORDER BY odd DESC, id",
	"SELECT id, at, f, e FROM s ORDER BY e, at DESC, f, big",
	"SELECT id, txt FROM s ORDER BY small, txt DESC, id LIMIT 9000",
	"SELECT id, txt FROM s ORDER BY small, txt DESC, id LIMIT 5 OFFSET 7000",
	"SELECT k, COUNT(*), SUM(odd), MIN(txt), MAX(at), AVG(f) FROM s GROUP BY k",
	"SELECT txt, COUNT(DISTINCT k), COUNT(DISTINCT id, k) FROM s GROUP BY txt",
	"SELECT COUNT(DISTINCT id), COUNT(DISTINCT txt), COUNT(DISTINCT odd) FROM s",
	"SELECT small, k, GROUPING(small), SUM(id), COUNT(DISTINCT txt) FROM s GROUP BY small, k WITH ROLLUP",
	"SELECT DISTINCT k, txt FROM s",
	"SELECT DISTINCT txt, doc, id FROM s ORDER BY id",
	"SELECT id, txt FROM s UNION SELECT id + 5000, txt FROM s",
	"SELECT k, small FROM s INTERSECT SELECT k, small + 1 FROM s",
	"SELECT id, k FROM s EXCEPT SELECT id * 2, k FROM s",
	"SELECT small, GROUP_CONCAT(txt ORDER BY id DESC SEPARATOR '|') FROM s GROUP BY small",
	"SELECT GROUP_CONCAT(DISTINCT k ORDER BY k DESC) FROM s",
	"SELECT small, GROUP_CONCAT(DISTINCT txt) FROM s GROUP BY small",
	"SELECT small, LENGTH(JSON_ARRAYAGG(id)) FROM s GROUP BY small",
	"SELECT /*+ HASH_JOIN(a, b) */ a.id, b.id, b.txt FROM s a JOIN s b ON a.k = b.k",
	"SELECT /*+ LEFT_OUTER_HASH_JOIN(a, b) */ a.id, b.id, b.txt FROM s a LEFT JOIN s b ON a.small = b.k",
	"SELECT a.id FROM s a WHERE a.k NOT IN (SELECT b.k FROM s b WHERE b.k > 100)",
	"SELECT a.id FROM s a WHERE EXISTS (SELECT 1 FROM s b WHERE b.k = a.id AND b.txt > 'b')",
	"SELECT a.id, a.txt, b.txt FROM (SELECT * FROM s WHERE id < 5) a JOIN (SELECT small, MAX(txt) AS txt FROM s GROUP BY small) b ON a.small < b.small",
	"SELECT id, ROW_NUMBER() OVER (PARTITION BY small ORDER BY txt, id), SUM(odd) OVER (PARTITION BY k ORDER BY id), txt FROM s",
	"SELECT id, k + 1, ROW_NUMBER() OVER (PARTITION BY e, txt ORDER BY odd DESC, id), SUM(id) OVER (PARTITION BY k ORDER BY odd, id ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING) FROM s",
	"SELECT id, RANK() OVER (PARTITION BY k ORDER BY id), LAG(txt) OVER (PARTITION BY small ORDER BY id DESC) AS l FROM s ORDER BY l, id",
}

// TestSpill compares what statements give when they have all the memory that they want with what they give with little, and checks that they held little.
func TestSpill(t *testing.T) {
	sv := newServer(t)
	c := sv.client()
	spillRows(c, 4000)
	sv.e.memory.Least = 1 << 14
	for _, q := range spillQueries {
		t.Run(q, func(t *testing.T) {
			run := func(bytes int) (answer, uint64, uint64) {
				t.Helper()
				set := fmt.Sprintf("SET sort_buffer_size = %d, join_buffer_size = %d, tmp_table_size = %d, max_heap_table_size = %d", bytes, bytes, bytes, bytes)
				if _, err := c.exec(set); err != nil {
					t.Fatal(err)
				}
				before, _ := sv.e.memory.Spilled()
				sv.e.memory.Peak()
				a, err := c.exec(q)
				if err != nil {
					t.Fatal(err)
				}
				if n := sv.e.memory.Used(); n != 0 {
					t.Errorf("%d bytes are still held", n)
				}
				after, _ := sv.e.memory.Spilled()
				return a, after - before, sv.e.memory.Peak()
			}
			want, n, all := run(256 << 20)
			if n != 0 {
				t.Errorf("%d operators spilled with 256 MiB", n)
			}
			got, n, peak := run(64 << 10)
			if !reflect.DeepEqual(want, got) {
				i := 0
				for i < len(want.rows) && i < len(got.rows) && reflect.DeepEqual(want.rows[i], got.rows[i]) {
					i++
				}
				t.Fatalf("%d rows in memory, %d with files; they differ at %d:\n%v\n%v", len(want.rows), len(got.rows), i, want.rows[min(i, len(want.rows)):min(i+1, len(want.rows))], got.rows[min(i, len(got.rows)):min(i+1, len(got.rows))])
			}
			t.Logf("%d rows, peak %d KiB in memory, %d KiB with %d files", len(want.rows), all>>10, peak>>10, n)
			if n == 0 && all > 1<<19 {
				t.Errorf("nothing spilled of %d bytes", all)
			}
			if peak > 1<<20 && peak > all/2 {
				t.Errorf("held %d bytes with files, %d without", peak, all)
			}
		})
	}
}

// TestMemoryLimits: a statement above its limit, or the instance's, ends with MySQL's error and holds nothing.
func TestMemoryLimits(t *testing.T) {
	sv := newServer(t)
	c := sv.client()
	spillRows(c, 2000)
	for _, x := range []struct {
		set, reset string
		code       mysqlerr.Code
	}{
		{"SET connection_memory_limit = 2097152", "SET connection_memory_limit = DEFAULT", mysqlerr.ER_CONN_LIMIT},
		{"SET GLOBAL global_connection_memory_limit = 16777216", "SET GLOBAL global_connection_memory_limit = DEFAULT", mysqlerr.ER_GLOBAL_CONN_LIMIT},
	} {
		for _, q := range []string{
			"SELECT LENGTH(JSON_ARRAYAGG(CONCAT(a.txt, b.id))) FROM s a JOIN s b WHERE b.id < 120",
			"SELECT id, SUM(id) OVER (ORDER BY txt) FROM (SELECT a.id, b.txt FROM s a JOIN s b WHERE b.id < 120) d",
		} {
			if _, err := c.exec(x.set); err != nil {
				t.Fatal(err)
			}
			_, err := c.exec(q)
			if e := mysqlerr.From(err); err == nil || e.Code != x.code {
				t.Errorf("%s; %s: %v, want %d", x.set, q, err, x.code)
			}
			if n := sv.e.memory.Used(); n != 0 {
				t.Errorf("%s: %d bytes are still held", q, n)
			}
			if _, err := c.exec(x.reset); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestSpillDiskFull: a temporary directory without space ends the statement with the operating system's words, and leaves no file.
func TestSpillDiskFull(t *testing.T) {
	sv := newServer(t)
	c := sv.client()
	spillRows(c, 4000)
	disk := vfs.NewMem()
	if err := disk.MkdirAll("/tmp"); err != nil {
		t.Fatal(err)
	}
	sv.e.memory.Temp = extsort.Temp{FS: disk, Dir: "/tmp"}
	sv.e.memory.Least = 1 << 14
	if _, err := c.exec("SET sort_buffer_size = 65536, join_buffer_size = 65536, tmp_table_size = 65536"); err != nil {
		t.Fatal(err)
	}
	for _, q := range spillQueries {
		disk.SetFault(nil)
		if _, err := c.exec(q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
		writes := 0
		disk.SetFault(func(op vfs.Op, _ string, _ int64, _ int) error {
			if op == vfs.OpWrite {
				if writes++; writes > 2 {
					return syscall.ENOSPC
				}
			}
			return nil
		})
		_, err := c.exec(q)
		e := mysqlerr.From(err)
		if writes > 2 && (err == nil || e.Code != mysqlerr.EE_WRITE || !strings.Contains(e.Message, "(OS errno 28 - No space left on device)")) {
			t.Errorf("%s: %v", q, err)
		}
		if names, err := disk.List("/tmp"); err != nil || len(names) > 0 {
			t.Errorf("%s: left %v (%v)", q, names, err)
		}
		if n := sv.e.memory.Used(); n != 0 {
			t.Errorf("%s: %d bytes are still held", q, n)
		}
	}
}

// TestConcatParts pins the fields of the library's GROUP_CONCAT that are read by name.
func TestConcatParts(t *testing.T) {
	by := sql.SortConditions{{Expr: expression.NewLiteral(int64(1), types.Int64), Order: sql.Descending}}
	g := aggregation.NewGroupConcat("distinct", by, ",", []sql.Expression{expression.NewLiteral("x", types.LongText)}, 77)
	got, distinct, separator, limit := concatParts(g)
	if len(got) != 1 || got[0].Order != sql.Descending || !distinct || separator != "," || limit != 77 {
		t.Errorf("read %v, %v, %q, %d", got, distinct, separator, limit)
	}
}
