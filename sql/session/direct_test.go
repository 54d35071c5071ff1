package session

import (
	"context"
	stdsql "database/sql"
	"fmt"
	"strings"
	"testing"
)

// TestRowsFromThePage: rows that are sent from where they lie in their page, those that need undo, and those for which the output has no room come in
// order, each once.
func TestRowsFromThePage(t *testing.T) {
	_, addr := startFast(t, 1)
	db, err := stdsql.Open("mysql", "u@tcp("+addr+")/sbtest")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	conn := func() *stdsql.Conn {
		c, err := db.Conn(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	cl, other := conn(), conn()
	exec := func(c *stdsql.Conn, text string) {
		t.Helper()
		if _, err := c.ExecContext(context.Background(), text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	query := func(text string) (out []string) {
		t.Helper()
		rows, err := cl.QueryContext(context.Background(), text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		defer rows.Close()
		for rows.Next() {
			var s string
			if err := rows.Scan(&s); err != nil {
				t.Fatal(err)
			}
			out = append(out, s)
		}
		if rows.Err() != nil {
			t.Fatalf("%s: %v", text, rows.Err())
		}
		return out
	}
	const rows = 1500
	value := func(i int) string { return fmt.Sprintf("%d-%s", i*7919%rows, strings.Repeat("x", i%100)) }
	for i := 1; i <= rows; i += 50 {
		var b strings.Builder
		for j := i; j < i+50; j++ {
			fmt.Fprintf(&b, ",(%d, %d, '%s', '%d')", j, j, value(j), j%10)
		}
		exec(cl, "INSERT INTO sbtest1 (id, k, c, pad) VALUES "+b.String()[1:])
	}
	exec(other, "BEGIN")
	for i := 60; i <= rows; i += 97 { // whole leaves without any stay, too
		if i > 600 && i < 1000 {
			continue
		}
		exec(other, fmt.Sprintf("UPDATE sbtest1 SET c = 'not this' WHERE id = %d", i))
	}
	for _, from := range []int{1, 59, 60, 700} {
		for _, down := range []bool{false, true} {
			order := "id"
			if down {
				order = "id DESC"
			}
			res := query(fmt.Sprintf("SELECT c FROM sbtest1 WHERE id >= %d ORDER BY %s", from, order))
			if len(res) != rows-from+1 {
				t.Fatalf("from %d: %d rows, want %d", from, len(res), rows-from+1)
			}
			for n, got := range res {
				id := from + n
				if down {
					id = rows - n
				}
				if got != value(id) {
					t.Fatalf("from %d by %s: row %d is %q, want %q", from, order, n, got, value(id))
				}
			}
		}
	}
	// What is sorted is kept from where it lies, too: rows of equal keys as they came.
	got := query("SELECT c FROM sbtest1 WHERE id >= 1 ORDER BY pad")
	for n := range rows {
		pad := n / (rows / 10)
		id := n%(rows/10)*10 + pad
		if pad == 0 {
			id += 10
		}
		if want := value(id); n >= len(got) || got[n] != want {
			t.Fatalf("row %d of %d by pad is not %q", n, len(got), want)
		}
	}
}
