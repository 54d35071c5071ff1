package general

import (
	"fmt"
	"strings"
	"testing"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// mysqldump asks for the status of each table of the database mysql, and what it writes of them is SQL that MySQL takes.
func TestSystemTablesAreDumped(t *testing.T) {
	c := newServer(t).client()
	tables := c.must("SHOW TABLES FROM mysql").rows
	if len(tables) == 0 {
		t.Fatal("no tables")
	}
	c.must("CREATE DATABASE d; USE d")
	for _, row := range tables {
		name := fmt.Sprint(row[0])
		if rows := c.must("SHOW TABLE STATUS FROM mysql LIKE '" + name + "'").rows; len(rows) == 0 || fmt.Sprint(rows[0][0]) != name {
			t.Errorf("%s: status %v", name, rows)
		}
		if t.Failed() {
			continue
		}
		text := fmt.Sprint(c.must("SHOW CREATE TABLE mysql." + name).rows[0][1])
		c.must(text)
		if again := fmt.Sprint(c.must("SHOW CREATE TABLE " + name).rows[0][1]); strings.Contains(text, "enum('N','Y')") && !strings.Contains(again, "DEFAULT 'N'") && strings.Contains(text, "DEFAULT 'N'") {
			t.Errorf("%s: %s", name, again)
		}
	}
	c.query("SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'mysql'", fmt.Sprint(len(tables)))
	c.must("CREATE DATABASE IF NOT EXISTS mysql")
	c.fails("DROP TABLE IF EXISTS mysql.user", mysqlerr.ER_DBACCESS_DENIED_ERROR, "")
	c.fails("CREATE TABLE mysql.own (a INT)", mysqlerr.ER_DBACCESS_DENIED_ERROR, "")
	c.fails("ALTER TABLE mysql.user DISABLE KEYS", mysqlerr.ER_DBACCESS_DENIED_ERROR, "")
}
