package general

import "testing"

// TestIntervalFunction: INTERVAL is a function where a list follows, else the beginning of a span of time.
func TestIntervalFunction(t *testing.T) {
	c := newServer(t).client()
	c.query("SELECT INTERVAL(23, 1, 15, 17, 30, 44, 200), interval (10,1,10,100), INTERVAL(22,23), INTERVAL(NULL,1), INTERVAL(5,NULL,3,9), INTERVAL('2x', 1.5, IF(1,2.5,0))",
		"3\t2\t0\t-1\t2\t1")
	c.query("SELECT '2024-01-31' + INTERVAL (1 + IF(1,1,0)) DAY, DATE_ADD('2024-01-31', INTERVAL (1) MONTH)", "2024-02-02\t2024-02-29")
}
