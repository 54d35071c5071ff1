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

// BenchmarkGeneral is what statements of ORMs cost, most of which the fast lane declines: microseconds a statement, client included.
func BenchmarkGeneral(b *testing.B) {
	_, addr := startFull(b)
	cl, err := wire.Dial(context.Background(), wire.ClientConfig{Addr: addr, User: "admin", Password: testPassword})
	if err != nil {
		b.Fatal(err)
	}
	defer cl.Close()
	exec := func(b *testing.B, text string) {
		if _, err := cl.Exec(text); err != nil {
			b.Fatalf("%s: %v", text, err)
		}
	}
	for _, t := range []string{"CREATE DATABASE orm", "USE orm",
		"CREATE TABLE author (id INT PRIMARY KEY, name VARCHAR(40), born DATE, KEY name (name))",
		"CREATE TABLE book (id INT PRIMARY KEY, author_id INT, title VARCHAR(80), price DECIMAL(8,2), stock INT, KEY author (author_id))",
		"CREATE TABLE tag (id INT PRIMARY KEY, label VARCHAR(20))", "CREATE TABLE book_tag (book_id INT, tag_id INT, PRIMARY KEY (book_id, tag_id))"} {
		exec(b, t)
	}
	for i := range 50 {
		exec(b, fmt.Sprintf("INSERT INTO author VALUES (%d, 'author %d', '1970-01-%02d')", i, i, i%28+1))
		exec(b, fmt.Sprintf("INSERT INTO book VALUES (%d, %d, 'title %d', %d.50, %d)", i, i/3, i, i, i%7))
		exec(b, fmt.Sprintf("INSERT INTO book_tag VALUES (%d, %d)", i, i%5))
		if i < 5 {
			exec(b, fmt.Sprintf("INSERT INTO tag VALUES (%d, 'tag %d')", i, i))
		}
	}
	for _, c := range []struct{ name, text string }{
		{"One", "SELECT 1"},
		{"Variable", "SELECT @@session.transaction_isolation"},
		{"SetNames", "SET NAMES utf8mb4"},
		{"SetMode", "SET SESSION sql_mode='NO_ENGINE_SUBSTITUTION'"},
		{"GetMode", "SELECT @@SESSION.sql_mode"},
		{"SetIsolation", "SET SESSION transaction_isolation='READ-COMMITTED'"},
		{"FoundRows", "SELECT FOUND_ROWS()"},
		{"Describe", "DESCRIBE author"},
		{"SetAutocommit", "SET autocommit=1"},
		{"Functions", "SELECT id, CONCAT(name, '!'), IFNULL(born, NOW()), CASE WHEN id > 5 THEN 'many' ELSE 'few' END FROM author WHERE id = 7"},
		{"Like", "SELECT id, name FROM author WHERE name LIKE 'author 1%'"},
		{"LeftJoin", "SELECT a.name, b.title FROM author a LEFT JOIN book b ON b.author_id = a.id WHERE a.id = 7"},
		{"Join4", "SELECT a.name, b.title, t.label FROM author a JOIN book b ON b.author_id = a.id JOIN book_tag bt ON bt.book_id = b.id JOIN tag t ON t.id = bt.tag_id WHERE a.id = 7 AND t.label LIKE 'tag%'"},
		{"Group", "SELECT author_id, COUNT(*), SUM(price) FROM book GROUP BY author_id HAVING COUNT(*) > 1 ORDER BY author_id LIMIT 5"},
		{"Subquery", "SELECT COUNT(*) FROM (SELECT DISTINCT b.id FROM book b WHERE b.stock > 3) s"},
		{"Exists", "SELECT a.id FROM author a WHERE EXISTS (SELECT 1 FROM book b WHERE b.author_id = a.id AND b.stock > 5) ORDER BY a.id LIMIT 3"},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				exec(b, c.text)
			}
		})
	}
}
