package general

import "testing"

// STR_TO_DATE reads what MySQL's does, and answers NULL with a warning where it cannot; the parts of times are those of TIMEs too.
func TestReadTimes(t *testing.T) {
	c := newServer(t).client()
	for q, want := range map[string]string{
		"SELECT STR_TO_DATE('01,5,2013', '%d,%m,%Y'), STR_TO_DATE('May 1, 2013', '%M %d,%Y')":            "2013-05-01\t2013-05-01",
		"SELECT STR_TO_DATE('a09:30:17', 'a%h:%i:%s'), STR_TO_DATE('9', '%m')":                           "09:30:17\tNULL",
		"SELECT STR_TO_DATE('2003-01-02 10:11:12.0012', '%Y-%m-%d %H:%i:%S.%f')":                         "2003-01-02 10:11:12.001200",
		"SELECT STR_TO_DATE('03-01-02 8:11:2.123456 PM', '%y-%m-%d %r')":                                 "NULL",
		"SELECT STR_TO_DATE('2003-01-02 08:11:02 PM', '%Y-%m-%d %r')":                                    "2003-01-02 20:11:02",
		"SELECT STR_TO_DATE('15 September 2001', '%d %M %Y'), STR_TO_DATE('15 Sept', '%d %M')":           "2001-09-15\tNULL",
		"SELECT STR_TO_DATE('060 2004', '%j %Y'), STR_TO_DATE('200442 Monday', '%X%V %W')":               "2004-02-29\t2004-10-18",
		"SELECT STR_TO_DATE('4 53 1998', '%w %u %Y'), STR_TO_DATE('Tue 52 2002', '%a %U %Y')":            "1998-12-31\t2002-12-31",
		"SELECT STR_TO_DATE('2003-02-30', '%Y-%m-%d'), STR_TO_DATE(NULL, '%m'), STR_TO_DATE(1, NULL)":    "NULL\tNULL\tNULL",
		"SELECT STR_TO_DATE('', 'x'), MONTHNAME(STR_TO_DATE(NULL, '%m'))":                                "NULL\tNULL",
		"SELECT HOUR('10:05:03'), MINUTE('10:05:03'), SECOND('10:05:03'), MICROSECOND('10:05:03.5')":     "10\t5\t3\t500000",
		"SELECT HOUR('272:59:59'), SECOND('2020-01-01 10:05:03'), SECOND(100503), HOUR(TIME'-12:01:01')": "272\t3\t3\t12",
	} {
		c.query(q, want)
	}
	c.must("SELECT STR_TO_DATE('x', '%d')")
	c.query("SHOW WARNINGS", "Warning\t1411\tIncorrect datetime value: 'x' for function str_to_date")
}

// A row is among those of a subquery by each of its elements, as MySQL compares them; NULL is none.
func TestRowInSubquery(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE l (a CHAR(8), b CHAR(8), n INT); CREATE TABLE r (a CHAR(8), b CHAR(8), n INT)")
	c.must("INSERT INTO l VALUES ('k', 'x', 1), ('k', 'y', 1), ('k', NULL, 1), (NULL, 'y', 1), ('m', 'x', 1)")
	c.must("INSERT INTO r VALUES ('K', 'X', 1), ('m', NULL, 2)")
	const want = "1\n0\nNULL\nNULL\nNULL"
	c.query("SELECT (a, b) IN (SELECT a, b FROM r) FROM l", want)
	c.query("SELECT (a, n) NOT IN (SELECT a, MAX(n) FROM r GROUP BY a) FROM l", "0\n0\n0\nNULL\n1")
	c.query("SELECT COUNT(*) FROM l WHERE (a, b) IN (SELECT a, MIN(b) FROM r GROUP BY a)", "1")
	c.query("SELECT (n, 'x') IN (SELECT n, b FROM r WHERE r.a = l.a) FROM l", "1\n1\n1\n0\n0")
	c.must("INSERT INTO r SELECT CONCAT('p', seq.n), 'q', 3 FROM (WITH RECURSIVE s AS (SELECT 1 n UNION ALL SELECT n + 1 FROM s WHERE n < 40) SELECT * FROM s) seq")
	c.query("SELECT (a, b) IN (SELECT a, b FROM r) FROM l", want) // by hash
}
