package general

import (
	"testing"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// A temporary table that was dropped may still be there when its session makes one of the same name: transactions hold it. Messages have the user's name.
func TestTemporaryAgain(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE tmp")
	c.must("USE tmp")
	for range 50 {
		c.must("CREATE TEMPORARY TABLE t (a INT PRIMARY KEY)")
		c.must("INSERT INTO t VALUES (42)")
		c.fails("INSERT INTO t VALUES (42)", mysqlerr.ER_DUP_ENTRY, "Duplicate entry '42' for key 't.PRIMARY'")
		c.must("DROP TEMPORARY TABLE t")
	}
}
