package session

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/zoryadb/zorya/sql/wire"
)

// BenchmarkStatements is what sysbench's statements cost over a socket, client included, with the engine in memory.
func BenchmarkStatements(b *testing.B) {
	_, addr := startFast(b, 1)
	cl, err := wire.Dial(context.Background(), wire.ClientConfig{Addr: addr, User: "u", Database: "sbtest"})
	if err != nil {
		b.Fatal(err)
	}
	defer cl.Close()
	text := strings.Repeat("0123456789-", 10)
	for i := range 100 {
		if _, err := cl.Exec(fmt.Sprintf("INSERT INTO sbtest1 (id, k, c, pad) VALUES (%d, %d, '%d-%s', 'pad')", i*10+10, i, i*7%100, text)); err != nil {
			b.Fatal(err)
		}
	}
	for _, c := range []struct {
		name  string
		texts []string
	}{
		{"PointSelect", []string{"SELECT c FROM sbtest1 WHERE id=500"}},
		{"Range", []string{"SELECT c FROM sbtest1 WHERE id BETWEEN 10 AND 1000"}},
		{"Sum", []string{"SELECT SUM(k) FROM sbtest1 WHERE id BETWEEN 10 AND 1000"}},
		{"Order", []string{"SELECT c FROM sbtest1 WHERE id BETWEEN 10 AND 1000 ORDER BY c"}},
		{"Distinct", []string{"SELECT DISTINCT c FROM sbtest1 WHERE id BETWEEN 10 AND 1000 ORDER BY c"}},
		{"WriteOnly", []string{"BEGIN", "UPDATE sbtest1 SET k=k+1 WHERE id=100", "UPDATE sbtest1 SET c='" + text + "' WHERE id=200", "DELETE FROM sbtest1 WHERE id=300",
			"INSERT INTO sbtest1 (id, k, c, pad) VALUES (300, 7, '" + text + "', 'pad')", "COMMIT"}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for _, t := range c.texts {
					if _, err := cl.Exec(t); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
