package general

import (
	"context"
	"testing"
)

// BenchmarkPrepared is what a prepared statement of this lane costs each time, its parameters being others so that no plan is kept, and what of it goes into the
// walks over its syntax tree that look for what few statements have.
func BenchmarkPrepared(b *testing.B) {
	cl := newServer(b).client()
	for _, text := range []string{"CREATE DATABASE d", "USE d", "CREATE TABLE t (id INT PRIMARY KEY, a INT, s VARCHAR(20), KEY (a))", "CREATE TABLE u (id INT PRIMARY KEY, t_id INT, KEY (t_id))",
		"INSERT INTO t VALUES (1, 2, 'x'), (2, 3, 'y')", "INSERT INTO u VALUES (1, 1), (2, 2)"} {
		cl.must(text)
	}
	for _, q := range []struct{ name, text string }{
		{"Plain", "SELECT UPPER(s) AS up, a + 1 FROM t WHERE a > ? AND s <> 'z' ORDER BY up"},
		{"Join", "SELECT t.s, COUNT(*) c FROM t JOIN u ON u.t_id = t.id WHERE t.a >= ? GROUP BY t.s HAVING c > 0 ORDER BY c DESC LIMIT 10"},
	} {
		st, err := cl.s.Prepare(context.Background(), q.text)
		if err != nil {
			b.Fatal(err)
		}
		c := cl.s.context(context.Background(), q.text)
		for _, part := range []struct {
			name string
			fn   func()
		}{
			{"visibleOnly", func() { cl.s.visibleOnly(c, st.ast, q.text) }},
			{"namesAll", func() { st.namesAll() }},
			{"assigns", func() { assigns(st.ast) }},
			{"Parse", func() {
				if _, _, err := cl.s.parse(q.text); err != nil {
					b.Fatal(err)
				}
			}},
		} {
			b.Run(q.name+"/"+part.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					part.fn()
				}
			})
		}
		n := int64(0)
		b.Run(q.name+"/Execute", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				n++
				if _, err := cl.run(st, []any{-n}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
