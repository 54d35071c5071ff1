package general

import (
	"strings"
	"testing"
)

func articles(t *testing.T) *client {
	c := newServer(t).client()
	c.must("CREATE DATABASE d")
	c.must("USE d")
	c.must("CREATE TABLE a (id INT PRIMARY KEY, k INT, title VARCHAR(100), body TEXT, KEY (k), FULLTEXT KEY ft (title, body))")
	c.must("INSERT INTO a VALUES (1,1,'MySQL Tutorial','DBMS stands for DataBase ...'),(2,1,'How To Use MySQL Well','After you went through a ...')," +
		"(3,2,'Optimizing MySQL','In this tutorial we show ...'),(4,2,'1001 MySQL Tricks','1. Never run mysqld as root. 2. ...')," +
		"(5,3,'MySQL vs. YourSQL','In the following database comparison ...'),(6,3,'MySQL Security','When configured properly, MySQL ...')")
	return c
}

// TestMatchIsAnAccess: plans reach a table by its FULLTEXT index, and take the order of relevance from it.
func TestMatchIsAnAccess(t *testing.T) {
	c := articles(t)
	plan := func(q, want string) {
		t.Helper()
		if got := strings.Join(c.must("EXPLAIN " + q).rows[0], "|"); got != want {
			t.Errorf("%s: %s, want %s", q, got, want)
		}
	}
	const by = "1|SIMPLE|a|NULL|fulltext|ft|ft|0|const|1|100.00|Using where"
	plan("SELECT * FROM a WHERE MATCH (title, body) AGAINST ('tutorial')", by)
	plan("SELECT id, MATCH (title, body) AGAINST ('tutorial') AS s FROM a WHERE MATCH (title, body) AGAINST ('tutorial') ORDER BY s DESC LIMIT 3", by)
	plan("SELECT id FROM a WHERE k = 1 AND MATCH (title, body) AGAINST ('tutorial' IN BOOLEAN MODE) > 0.01", by)
	c.query("SELECT id FROM a WHERE k = 1 AND MATCH (title, body) AGAINST ('tutorial' IN BOOLEAN MODE) > 0.01", "1")
	c.query("SELECT COUNT(*) FROM a x JOIN a y ON x.k = y.k WHERE MATCH (x.title, x.body) AGAINST ('tutorial')", "4")
	c.query("SELECT id FROM a WHERE MATCH (title, body) AGAINST ('security') OR MATCH (title, body) AGAINST ('tricks') ORDER BY id", "4\n6")
	c.query("SELECT id FROM a WHERE id = 2 OR MATCH (title, body) AGAINST ('tricks') ORDER BY id", "2\n4")
	c.query("SELECT ROUND(MATCH (title, body) AGAINST ('tutorial'), 6) FROM a WHERE id = 3", "0.227645")
}

// TestMatchFollowsChanges: rows of all kinds of statements are found as soon as they are there, and no longer than that.
func TestMatchFollowsChanges(t *testing.T) {
	c := articles(t)
	has := func(word, want string) {
		t.Helper()
		c.query("SELECT id FROM a WHERE MATCH (title, body) AGAINST ('"+word+"' IN BOOLEAN MODE) ORDER BY id", want)
	}
	c.must("UPDATE a SET body = 'a zebra' WHERE MATCH (title, body) AGAINST ('tutorial')")
	has("zebra", "1\n3")
	has("tutorial", "1")
	c.must("DELETE FROM a WHERE MATCH (title, body) AGAINST ('+zebra -optimizing' IN BOOLEAN MODE)")
	has("zebra", "3")
	c.must("REPLACE INTO a VALUES (3, 1, 'horse', NULL)")
	has("zebra", "")
	has("horse", "3")
	c.must("INSERT INTO a VALUES (3, 1, 'x', 'y') ON DUPLICATE KEY UPDATE body = 'donkey donkey'")
	has("+horse +donkey", "3")
	c.must("BEGIN")
	c.must("INSERT INTO a VALUES (9, 1, 'horse', 'mule')")
	has("horse", "3\n9")
	c.must("ROLLBACK")
	has("horse", "3")
	c.must("UPDATE a SET id = 30 WHERE id = 3")
	has("horse", "30")
	c.must("CREATE TABLE p (id INT PRIMARY KEY)")
	c.must("CREATE TABLE q (id INT, t TEXT, FULLTEXT (t), FOREIGN KEY (id) REFERENCES p (id) ON DELETE CASCADE)")
	c.must("INSERT INTO p VALUES (1), (2)")
	c.must("INSERT INTO q VALUES (1, 'horse one'), (2, 'horse two')")
	c.must("DELETE FROM p WHERE id = 1")
	c.query("SELECT t FROM q WHERE MATCH (t) AGAINST ('horse')", "horse two")
	c.must("ALTER TABLE q ADD COLUMN z TEXT, ADD FULLTEXT INDEX two (t, z) WITH PARSER ngram")
	c.must("UPDATE q SET z = '数据库'")
	c.query("SELECT t FROM q WHERE MATCH (t, z) AGAINST ('数据' IN BOOLEAN MODE)", "horse two")
	c.query("SELECT t FROM q WHERE MATCH (t) AGAINST ('horse')", "horse two")
	if got := c.must("SHOW CREATE TABLE q").rows[0][1]; !strings.Contains(got, "FULLTEXT KEY `two` (`t`,`z`) /*!50100 WITH PARSER `ngram` */ ") {
		t.Error(got)
	}
	c.must("ALTER TABLE q MODIFY id BIGINT, DROP FOREIGN KEY q_ibfk_1")
	c.query("SELECT t FROM q WHERE MATCH (t, z) AGAINST ('据库' IN BOOLEAN MODE)", "horse two")
	c.must("TRUNCATE TABLE q")
	c.query("SELECT t FROM q WHERE MATCH (t) AGAINST ('horse')", "")
	c.query("CHECK TABLE a, q", "d.a\tcheck\tstatus\tOK\nd.q\tcheck\tstatus\tOK")
	c.query("SELECT COUNT(*), MIN(value) FROM information_schema.INNODB_FT_DEFAULT_STOPWORD", "36\ta")
}

// TestStopwordTables: an index is made by the words of the table that a variable names, and keeps them.
func TestStopwordTables(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d")
	c.must("CREATE TABLE words (value VARCHAR(30)); INSERT INTO words VALUES ('horse'), ('cart')")
	c.must("SET SESSION innodb_ft_user_stopword_table = 'd/words'")
	c.must("CREATE TABLE a (id INT PRIMARY KEY, t TEXT, FULLTEXT k (t)); INSERT INTO a VALUES (1, 'the horse runs'), (2, 'what a cart')")
	c.must("SET SESSION innodb_ft_user_stopword_table = NULL; DELETE FROM words; INSERT INTO a VALUES (3, 'where is the Horse')")
	c.query("SELECT id FROM a WHERE MATCH (t) AGAINST ('horse cart' IN BOOLEAN MODE)", "")
	c.query("SELECT id FROM a WHERE MATCH (t) AGAINST ('+the' IN BOOLEAN MODE) ORDER BY id", "1\n3")
	c.query("SELECT id FROM a WHERE MATCH (t) AGAINST ('what' IN BOOLEAN MODE)", "2")
	c.query("CHECK TABLE a", "d.a\tcheck\tstatus\tOK")
	c.must("ALTER TABLE a DROP INDEX k; ALTER TABLE a ADD FULLTEXT k (t)")
	c.query("SELECT id FROM a WHERE MATCH (t) AGAINST ('horse' IN BOOLEAN MODE) ORDER BY id", "1\n3")
	c.must("SET SESSION innodb_ft_user_stopword_table = 'd/none'")
	c.fails("CREATE TABLE b (t TEXT, FULLTEXT (t))", 1231, "Variable 'innodb_ft_user_stopword_table' can't be set to the value of 'd/none'")
}

// TestMatchRefuses what MySQL does.
func TestMatchRefuses(t *testing.T) {
	c := articles(t)
	c.fails("SELECT id FROM a WHERE MATCH (body) AGAINST ('x')", 1191, "Can't find FULLTEXT index matching the column list")
	c.fails("SELECT id FROM a WHERE MATCH (title, body) AGAINST ('(x' IN BOOLEAN MODE)", 1064, "syntax error, unexpected $end")
	c.fails("CREATE TABLE f (i INT, FULLTEXT (i))", 1283, "Column 'i' cannot be part of FULLTEXT index")
	c.fails("CREATE TEMPORARY TABLE f (t TEXT, FULLTEXT (t))", 1796, "Cannot create FULLTEXT index on temporary InnoDB table")
}
