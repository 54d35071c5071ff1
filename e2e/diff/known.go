package diff

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// rule explains a difference between Zorya (a) and MariaDB (b).
type rule struct {
	why  string
	here func(s *Step, sql string, a, b Outcome, d *Difference) bool
}

// codes is a rule of two error numbers, 0 for success.
func codes(a, b int, why string) rule {
	return rule{why, func(_ *Step, _ string, x, y Outcome, d *Difference) bool {
		return d.What == "error" && x.Code == a && y.Code == b
	}}
}

// meant are the differences where Zorya follows MySQL 8.0 and MariaDB 10.11 does not. Each names MySQL's rule.
var meant = []rule{
	codes(0, 1055, "MySQL 8.0 lets a selected expression be one that GROUP BY names; MariaDB only knows columns and some expressions again"),
	{"SQLSTATE of 1366 is HY000 in MySQL 8.0, 22007 in MariaDB", func(_ *Step, _ string, a, b Outcome, d *Difference) bool {
		return d.What == "error" && a.Code == 1366 && b.Code == 1366 && a.State == "HY000"
	}},
	{"a violated CHECK constraint that IGNORE ignores is warned of as 3819 in MySQL 8.0, as 4025 in MariaDB", func(_ *Step, _ string, a, b Outcome, d *Difference) bool {
		return d.What == "warnings" && slices.Equal(distinct(a.Warnings), distinct(renamed(b.Warnings, "Warning 4025", "Warning 3819")))
	}},
	{"UPDATE IGNORE warns of a duplicate key (1062) since MySQL 5.7; MariaDB is silent", func(_ *Step, sql string, a, b Outcome, d *Difference) bool {
		return d.What == "warnings" && verb(sql) == "UPDATE" && strings.Contains(sql, "IGNORE") && slices.Equal(without(a.Warnings, "Warning 1062"), without(b.Warnings, "Warning 1062"))
	}},
	{"strict mode applies to all of a DELETE in MySQL 8.0 (Strict_error_handler), to none of it in MariaDB", func(_ *Step, sql string, a, b Outcome, d *Difference) bool {
		return d.What == "error" && verb(sql) == "DELETE" && b.Code == 0 && slices.Contains(b.Warnings, fmt.Sprint("Warning ", a.Code)) && a.Code != 0
	}},
	codes(1062, 167, "InnoDB's AUTO_INCREMENT stays at the end of its type, where the next row meets the one that is there; MariaDB has its own error"),
	{"an exhausted AUTO_INCREMENT (1467) is not among what IGNORE ignores in MySQL 8.0 (Ignore_error_handler)", func(_ *Step, sql string, a, b Outcome, d *Difference) bool {
		return d.What == "error" && a.Code == 1467 && (b.Code == 167 || b.Code == 0 && strings.Contains(sql, "IGNORE"))
	}},
	codes(1525, 0, "MySQL 8.0 refuses to compare a date with a constant that is none (ER_WRONG_VALUE, 1525); MariaDB warns"),
	{"MySQL 8.0 takes a negative number in ORDER BY for an expression, MariaDB for the number of a column", func(_ *Step, sql string, a, b Outcome, d *Difference) bool {
		return d.What == "error" && a.Code == 0 && b.Code == 1054 && strings.Contains(b.Message, "Unknown column '-") && strings.Contains(sql, "ORDER BY")
	}},
	{"a comparison of rows with <> is true where one pair differs, whatever the others are; MariaDB takes it for null-rejecting and makes inner joins of outer ones", func(_ *Step, sql string, _, _ Outcome, d *Difference) bool {
		return (d.What == "rows" || d.What == "affected") && strings.Contains(sql, ") <> ((") && strings.Contains(sql, " JOIN ")
	}},
	{"a comparison of rows is unknown where a pair is NULL and no other differs; MariaDB takes it for not nullable, so IS UNKNOWN is never true", func(_ *Step, sql string, _, _ Outcome, d *Difference) bool {
		return (d.What == "rows" || d.What == "affected") && rowsUnknown.MatchString(sql)
	}},
	codes(3819, 4025, "a violated CHECK constraint is ER_CHECK_CONSTRAINT_VIOLATED (3819) in MySQL 8.0, ER_CONSTRAINT_FAILED (4025) in MariaDB"),
}

var rowsUnknown = regexp.MustCompile(`\((NULL|-?\d+), (NULL|-?\d+)\)\)\) IS UNKNOWN`)

// open are differences that are Zorya's faults, known and not mended. Each is to go.
var open = []rule{}

// explain returns the reason of a difference, "" if there is none.
func explain(s *Step, a, b Outcome, d *Difference) string {
	sql := s.SQL.String()
	for _, r := range meant {
		if r.here(s, sql, a, b, d) {
			return r.why
		}
	}
	for _, r := range open {
		if r.here(s, sql, a, b, d) {
			return "OPEN: " + r.why
		}
	}
	return ""
}

// renamed is a list of warnings with another name for one of them.
func renamed(list []string, from, to string) []string {
	out := slices.Clone(list)
	for i := range out {
		if out[i] == from {
			out[i] = to
		}
	}
	return out
}

// without is the distinct warnings but one.
func without(list []string, w string) []string {
	return slices.DeleteFunc(distinct(list), func(s string) bool { return s == w })
}
