package diff

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
	codes(3819, 4025, "a violated CHECK constraint is ER_CHECK_CONSTRAINT_VIOLATED (3819) in MySQL 8.0, ER_CONSTRAINT_FAILED (4025) in MariaDB"),
}

// open are differences that are Zorya's faults, known and not mended. Each is to go.
var open = []rule{
	codes(0, 1267, "strings of columns with different collations are compared where MySQL refuses"),
}

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
