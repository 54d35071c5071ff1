package general

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// TestFunctionTable evaluates the expressions of testdata/functions.tsv: operators and functions with grids of arguments, among them NULL, texts that are
// no numbers, dates that are none, and values at the ends of their types. The answers are MariaDB 10.11's; where MySQL 8.0's rule is another, the line was left out.
func TestFunctionTable(t *testing.T) {
	f, err := os.Open("testdata/functions.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c := newServer(t).client()
	c.must("SET NAMES utf8mb4 COLLATE utf8mb4_general_ci; SET time_zone = '+00:00'; SET timestamp = 1700000000")
	c.must("SET sql_mode = 'ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO'")
	lines := bufio.NewScanner(f)
	n := 0
	for lines.Scan() {
		expr, want, ok := strings.Cut(lines.Text(), "\t")
		if !ok {
			t.Fatalf("a line without an answer: %s", lines.Text())
		}
		n++
		got := ""
		if a, err := c.exec("SELECT " + expr); err != nil {
			got = fmt.Sprintf("error %d", mysqlerr.From(err).Code)
		} else {
			got = strings.TrimSuffix(a.String(), "\n")
		}
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", expr, got, want)
		}
	}
	if err := lines.Err(); err != nil || n < 1000 {
		t.Errorf("%d expressions: %v", n, err)
	}
}
