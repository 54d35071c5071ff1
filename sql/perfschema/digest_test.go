package perfschema

import (
	"strings"
	"testing"
)

// The digests are MySQL 8.0's, as its manual and its own tests print them.
func TestText(t *testing.T) {
	for _, c := range [][2]string{
		{"SELECT * FROM orders WHERE customer_id=10 AND quantity>20", "SELECT * FROM `orders` WHERE `customer_id` = ? AND `quantity` > ?"},
		{"select 1 ;", "SELECT ?"},
		{"SELECT -1, +2, a - 1, (a) - 1", "SELECT ?, ... , `a` - ? , ( `a` ) - ?"},
		{"SELECT 1, 2, 3", "SELECT ?, ..."},
		{"select a.b, `c` from d.t a where a.x is null and y is not null and z = null", "SELECT `a` . `b` , `c` FROM `d` . `t` `a` WHERE `a` . `x` IS NULL AND `y` IS NOT NULL AND `z` = ?"},
		{"insert into t values (1)", "INSERT INTO `t` VALUES (?)"},
		{"insert into t values (1, 'a', null)", "INSERT INTO `t` VALUES (...)"},
		{"insert into t values (1), (2), (3)", "INSERT INTO `t` VALUES (?) /* , ... */"},
		{"insert into t (a,b) values (1,2), (3,4),(5,6) on duplicate key update a = a + 1", "INSERT INTO `t` ( `a` , `b` ) VALUES (...) /* , ... */ ON DUPLICATE KEY UPDATE `a` = `a` + ?"},
		{"select * from t where a in (1,2,3) and b in (4)", "SELECT * FROM `t` WHERE `a` IN (...) AND `b` IN (?)"},
		{"SELECT COUNT(*), max(x), concat(a, 'b'), now() FROM t -- end", "SELECT COUNT ( * ) , MAX ( `x` ) , `concat` ( `a` , ? ) , NOW ( ) FROM `t`"},
		{"SET autocommit=0", "SET `autocommit` = ?"},
		{"begin", "BEGIN"},
		{"COMMIT", "COMMIT"},
		{"show variables like 'x%'", "SHOW VARIABLES LIKE ?"},
		{"SELECT /* c */ count FROM t LIMIT 5, 10", "SELECT `count` FROM `t` LIMIT ?, ..."},
		{"SELECT @@max_connections, @a", "SELECT @@ `max_connections` , @a"},
		{"select ? from t where a between ? and ?", "SELECT ? FROM `t` WHERE `a` BETWEEN ? AND ?"},
		{"select 'a' 'b'", "SELECT ? ?"},
		{"'a'", "?"},
	} {
		if got := string(Text(nil, []byte(c[0]), 0, 1024)); got != c[1] {
			t.Errorf("%s\n got %s\nwant %s", c[0], got, c[1])
		}
	}
}

// A long digest is cut, and says so.
func TestTextIsBounded(t *testing.T) {
	text := "SELECT " + strings.Repeat("a + ", 1000) + "b"
	got := string(Text(nil, []byte(text), 0, 200))
	if len(got) > 200 || !strings.HasSuffix(got, " ...") {
		t.Errorf("%d bytes: %s", len(got), got)
	}
}

func BenchmarkText(b *testing.B) {
	text := []byte("SELECT c, k FROM sbtest1 WHERE id BETWEEN 100 AND 200 AND k IN (1, 2, 3) ORDER BY c LIMIT 10")
	b.ReportAllocs()
	var room []byte
	for b.Loop() {
		room = Text(room[:0], text, 0, 1024)
	}
}
