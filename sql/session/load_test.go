package session

import (
	"context"
	stdsql "database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// TestLoadDataForms: what LOAD DATA makes of files, by MySQL's rules. The answer is the outcome, the warnings, and the rows.
func TestLoadDataForms(t *testing.T) {
	_, addr := startFull(t)
	c := connect(t, addr, "")
	exec(t, c, "CREATE DATABASE d")
	exec(t, c, "USE d")
	for i, tc := range []struct{ table, file, clauses, want string }{
		{"a INT PRIMARY KEY, b VARCHAR(10), c DATETIME", "1\tone\t2024-02-29 12:00:00\n-2\t\\N\t\\N\n3\tta\\tb\\\\n\t2024-01-31 00:00:00", "",
			"ok 3; -2 NULL NULL; 1 one 2024-02-29 12:00:00; 3 ta\tb\\n 2024-01-31 00:00:00"},
		{"a INT, b VARCHAR(20), c VARCHAR(20)", "1,\"x,y\",z\r\n2,\"he said \"\"hi\"\"\",NULL\r\n3,\"two\r\nlines\",\"NULL\"\r\n4,\"a\"b\",c\r\n", `FIELDS TERMINATED BY ',' ENCLOSED BY '"' LINES TERMINATED BY '\r\n'`,
			"ok 4; 1 x,y z; 2 he said \"hi\" NULL; 3 two\r\nlines NULL; 4 a\"b c"},
		{"a INT, b INT DEFAULT 7, c INT", "head\nline\n1 2\n3 4\n", `FIELDS TERMINATED BY ' ' IGNORE 2 LINES (c, a)`, "ok 2; 2 7 1; 4 7 3"},
		{"id INT AUTO_INCREMENT PRIMARY KEY, a INT UNIQUE", "5\n6\n5\n7\n", "(a)", "ok 3 Warning 1062 Duplicate entry '5' for key 't3.a'; 1 5; 2 6; 4 7"},
		{"id INT PRIMARY KEY, a INT", "1\t1\n2\t2\n1\t3\n", "REPLACE", "ok 4; 1 3; 2 2"},
		{"a TINYINT, b VARCHAR(3) NOT NULL, c INT", "300\tabcdef\tx1\n1\t\\N\t2z\n5\n6\tb\t7\t8\n", "", "ok 4 " +
			"Warning 1261 Row 3 doesn't contain data for all columns Warning 1262 Row 4 was truncated; it contained more data than there were input columns " +
			"Warning 1263 Column set to default value; NULL supplied to NOT NULL column 'b' at row 2 Warning 1264 Out of range value for column 'a' at row 1 " +
			"Warning 1265 Data truncated for column 'b' at row 1 Warning 1265 Data truncated for column 'c' at row 2 Warning 1366 Incorrect integer value: 'x1' for column 'c' at row 1; " +
			"1  2; 5  NULL; 6 b 7; 127 abc 0"},
		{"a INT, b VARCHAR(20), c INT", "1\tone\n2\ttwo\n", "(a, @x) SET b = CONCAT(UPPER(@x), '!'), c = a * 10", "ok 2; 1 ONE! 10; 2 TWO! 20"},
		{"a INT, b INT", "xx1,2;yyxx3,4;no;", "FIELDS TERMINATED BY ',' LINES STARTING BY 'xx' TERMINATED BY ';'", "ok 2; 1 2; 3 4"},
		{"a VARCHAR(10), b INT", "a||b||1\nc\\|||2\n", "FIELDS TERMINATED BY '||' ESCAPED BY '\\\\' (a, @d, b)", "ok 2 Warning 1261 Row 2 doesn't contain data for all columns; a 1; c| NULL"},
		{"a CHAR(4), b DECIMAL(5,2), e ENUM('x','y'), s SET('p','q'), d DATE, f DOUBLE, z TIME", "ab  \t12.345\ty\tp,q\t2024-12-31\t1.5e3\t-01:02:03\n", "",
			"ok 1 Note 1265 Data truncated for column 'b' at row 1; ab 12.35 y p,q 2024-12-31 1500 -01:02:03"},
	} {
		name := fmt.Sprint("t", i)
		exec(t, c, "CREATE TABLE "+name+" ("+tc.table+")")
		mysql.RegisterReaderHandler(name, readerOf(tc.file))
		res, err := c.ExecContext(context.Background(), "LOAD DATA LOCAL INFILE 'Reader::"+name+"' "+strings.TrimPrefix(tc.clauses[:into(tc.clauses)], " ")+" INTO TABLE "+name+" "+tc.clauses[into(tc.clauses):])
		if err != nil {
			t.Errorf("%s: %v", tc.clauses, err)
			continue
		}
		n, _ := res.RowsAffected()
		got := fmt.Sprint("ok ", n)
		warnings := rowsOf(t, c, "SHOW WARNINGS")
		slices.Sort(warnings)
		for _, w := range warnings {
			got += " " + w
		}
		for _, r := range rowsOf(t, c, "SELECT * FROM "+name+" ORDER BY 1") {
			got += "; " + r
		}
		if got != tc.want {
			t.Errorf("%q %s\n got %q\nwant %q", tc.file, tc.clauses, got, tc.want)
		}
	}
}

// into is where INTO TABLE goes in the clauses: after REPLACE or IGNORE.
func into(clauses string) int {
	for _, w := range []string{"REPLACE", "IGNORE "} {
		if strings.HasPrefix(clauses, w) {
			return len(w)
		}
	}
	return 0
}

// rowsOf runs a query and returns its rows, columns apart by a blank.
func rowsOf(t *testing.T, c *stdsql.Conn, text string) (out []string) {
	t.Helper()
	rows, err := c.QueryContext(context.Background(), text)
	if err != nil {
		t.Fatal(text, err)
	}
	defer rows.Close()
	cols, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		vals, at := make([]stdsql.NullString, len(cols)), make([]any, len(cols))
		for i := range vals {
			at[i] = &vals[i]
		}
		if err := rows.Scan(at...); err != nil {
			t.Fatal(err)
		}
		for i := range vals {
			if !vals[i].Valid {
				vals[i].String = "NULL"
			}
		}
		line := make([]string, len(vals))
		for i := range vals {
			line[i] = vals[i].String
		}
		out = append(out, strings.Join(line, " "))
	}
	return out
}
