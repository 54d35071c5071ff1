package session

import (
	stdsql "database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// A shape is a statement with holes; rnd fills them. Where the name of a hole begins with p, the value goes as a parameter of a prepared
// statement in every second run.
type shapeCase struct {
	text  string
	holes string // one letter a hole (%s in text): see hole
	// general says that the fast lane declines always: the differential test still compares.
	general bool
	// loose leaves the OK packet's insert id out: in this statement the general lane repeats that of an earlier one.
	loose bool
	// literal never runs it prepared: the general lane fails then.
	literal bool
}

// hole makes a value: as a literal, and as a parameter.
func hole(rnd *rand.Rand, kind rune) (literal string, param any) {
	quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
	words := []string{"a", "B", "b", "É", "e", "x y", "it''s", "", "zz", "Zz", "\u00e9t\u00e9", "longer text"}
	switch kind {
	case 'i': // a small id
		n := rnd.IntN(40)
		return fmt.Sprint(n), n
	case 'n': // a number of any sign
		n := rnd.IntN(2000) - 1000
		return fmt.Sprint(n), n
	case 's':
		w := strings.ReplaceAll(words[rnd.IntN(len(words))], "''", "'")
		return quote(w), w
	case 'L': // a pattern
		p := []string{"%", "a%", "%E%", "é%", "_", "x y", "%t''s", "Zz", "", "%\\_%", "longer\\_text", "l%r t_xt", "100\\%"}[rnd.IntN(13)]
		return quote(strings.ReplaceAll(p, "''", "'")), strings.ReplaceAll(p, "''", "'")
	case 'd': // an amount
		n := rnd.IntN(200000)
		return fmt.Sprintf("%d.%02d", n/100, n%100), float64(n) / 100
	case 'D': // an amount, exactly
		n := rnd.IntN(200000)
		s := fmt.Sprintf("%d.%02d", n/100, n%100)
		return s, s
	case 't':
		t := time.Date(2024, 1, 1+rnd.IntN(60), rnd.IntN(24), rnd.IntN(60), rnd.IntN(60), 0, time.UTC)
		return quote(t.Format(time.DateTime)), t.Format(time.DateTime)
	case 'y':
		t := time.Date(2024, 1, 1+rnd.IntN(60), 0, 0, 0, 0, time.UTC)
		return quote(t.Format(time.DateOnly)), t.Format(time.DateOnly)
	case 'e':
		e := []string{"new", "open", "done"}[rnd.IntN(3)]
		return quote(e), e
	case 'N':
		if rnd.IntN(3) == 0 {
			return "NULL", nil
		}
		return hole(rnd, 'n')
	case 'S':
		if rnd.IntN(4) == 0 {
			return "NULL", nil
		}
		return hole(rnd, 's')
	}
	panic("unknown hole " + string(kind))
}

var shapeSchema = []string{
	// go-tpc's TPC-C, the tables that its statements touch.
	"CREATE TABLE warehouse (w_id INT NOT NULL, w_name VARCHAR(10), w_tax DECIMAL(4,4), w_ytd DECIMAL(12,2), PRIMARY KEY (w_id))",
	"CREATE TABLE district (d_id INT NOT NULL, d_w_id INT NOT NULL, d_tax DECIMAL(4,4), d_ytd DECIMAL(12,2), d_next_o_id INT, PRIMARY KEY (d_w_id, d_id))",
	`CREATE TABLE customer (c_id INT NOT NULL, c_d_id INT NOT NULL, c_w_id INT NOT NULL, c_first VARCHAR(16), c_last VARCHAR(16), c_since DATETIME, c_credit CHAR(2),
		c_credit_lim DECIMAL(12,2), c_discount DECIMAL(4,4), c_balance DECIMAL(12,2), c_ytd_payment DECIMAL(12,2), c_payment_cnt INT, c_data VARCHAR(500),
		PRIMARY KEY (c_w_id, c_d_id, c_id), INDEX idx_customer (c_w_id, c_d_id, c_last, c_first))`,
	"CREATE TABLE history (h_c_id INT NOT NULL, h_w_id INT NOT NULL, h_date DATETIME, h_amount DECIMAL(6,2), h_data VARCHAR(24), INDEX idx_h_w_id (h_w_id))",
	"CREATE TABLE new_order (no_o_id INT NOT NULL, no_d_id INT NOT NULL, no_w_id INT NOT NULL, PRIMARY KEY (no_w_id, no_d_id, no_o_id))",
	`CREATE TABLE orders (o_id INT NOT NULL, o_d_id INT NOT NULL, o_w_id INT NOT NULL, o_c_id INT, o_entry_d DATETIME, o_carrier_id INT, o_ol_cnt INT,
		PRIMARY KEY (o_w_id, o_d_id, o_id), INDEX idx_order (o_w_id, o_d_id, o_c_id, o_id))`,
	`CREATE TABLE order_line (ol_o_id INT NOT NULL, ol_d_id INT NOT NULL, ol_w_id INT NOT NULL, ol_number INT NOT NULL, ol_i_id INT NOT NULL, ol_delivery_d DATETIME,
		ol_quantity INT, ol_amount DECIMAL(6,2), PRIMARY KEY (ol_w_id, ol_d_id, ol_o_id, ol_number))`,
	"CREATE TABLE stock (s_i_id INT NOT NULL, s_w_id INT NOT NULL, s_quantity INT, s_ytd INT, s_order_cnt INT, s_data VARCHAR(50), PRIMARY KEY (s_w_id, s_i_id))",
	// WordPress.
	`CREATE TABLE wp_options (option_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT, option_name VARCHAR(191) NOT NULL DEFAULT '', option_value LONGTEXT NOT NULL,
		autoload VARCHAR(20) NOT NULL DEFAULT 'yes', PRIMARY KEY (option_id), UNIQUE KEY option_name (option_name), KEY autoload (autoload))`,
	`CREATE TABLE wp_posts (ID BIGINT UNSIGNED NOT NULL AUTO_INCREMENT, post_author BIGINT UNSIGNED NOT NULL DEFAULT '0', post_date DATETIME NOT NULL, post_title TEXT NOT NULL,
		post_status VARCHAR(20) NOT NULL DEFAULT 'publish', post_type VARCHAR(20) NOT NULL DEFAULT 'post', post_parent BIGINT UNSIGNED NOT NULL DEFAULT '0',
		PRIMARY KEY (ID), KEY type_status_date (post_type, post_status, post_date, ID), KEY post_parent (post_parent))`,
	`CREATE TABLE wp_postmeta (meta_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT, post_id BIGINT UNSIGNED NOT NULL DEFAULT '0', meta_key VARCHAR(255) DEFAULT NULL,
		meta_value LONGTEXT, PRIMARY KEY (meta_id), KEY post_id (post_id), KEY meta_key (meta_key(191)))`,
	"CREATE TABLE wp_terms (term_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT, name VARCHAR(200) NOT NULL DEFAULT '', PRIMARY KEY (term_id), KEY name (name(191)))",
	`CREATE TABLE wp_tt (term_taxonomy_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT, term_id BIGINT UNSIGNED NOT NULL DEFAULT '0', taxonomy VARCHAR(32) NOT NULL DEFAULT '',
		PRIMARY KEY (term_taxonomy_id), UNIQUE KEY term_id_taxonomy (term_id, taxonomy), KEY taxonomy (taxonomy))`,
	"CREATE TABLE wp_tr (object_id BIGINT UNSIGNED NOT NULL, term_taxonomy_id BIGINT UNSIGNED NOT NULL, term_order INT NOT NULL DEFAULT '0', PRIMARY KEY (object_id, term_taxonomy_id), KEY tt (term_taxonomy_id))",
	// Django, and types.
	"CREATE TABLE django_session (session_key VARCHAR(40) NOT NULL PRIMARY KEY, session_data LONGTEXT NOT NULL, expire_date DATETIME(6) NOT NULL, KEY e (expire_date))",
	`CREATE TABLE ty (id INT NOT NULL PRIMARY KEY, b TINYINT, u SMALLINT UNSIGNED, m DECIMAL(12,2), dt DATETIME, da DATE, ts TIMESTAMP NULL, en ENUM('new','open','done'), f DOUBLE,
		s VARCHAR(20), bn VARCHAR(20) COLLATE utf8mb4_bin, KEY b (b, u), KEY m (m), KEY dt (dt DESC), KEY da (da), KEY ts (ts), KEY en (en), KEY s (s), UNIQUE KEY bn (bn))`,
	// Other character sets, and bytes.
	`CREATE TABLE chs (id INT NOT NULL PRIMARY KEY, l VARCHAR(12) CHARSET latin1, lb CHAR(12) CHARSET latin1 COLLATE latin1_bin, u VARCHAR(12) CHARSET utf8mb3, c VARCHAR(12) CHARSET cp1251,
		a VARCHAR(12) CHARSET ascii, t TEXT CHARSET latin1, b VARBINARY(12), bb BLOB, f BINARY(6), KEY l (l), KEY lb (lb), KEY u (u), UNIQUE KEY b (b))`,
	`CREATE TABLE odd (id INT NOT NULL PRIMARY KEY, f FLOAT, y YEAR DEFAULT 2001, t TIME DEFAULT '01:02:03', s SET('a','b','c d'), bi BIT(9), j JSON, d DECIMAL(30,6), KEY t (t), KEY s (s))`,
	// Foreign keys.
	"CREATE TABLE parents (id INT NOT NULL PRIMARY KEY, code VARCHAR(12) NOT NULL, a INT, note VARCHAR(20), UNIQUE KEY code (code), KEY a (a, id))",
	`CREATE TABLE children (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, pid INT, pcode VARCHAR(12), pa INT, n INT, note VARCHAR(20), KEY n (n),
		CONSTRAINT refers_1 FOREIGN KEY (pid) REFERENCES %[1]s.parents (id) ON DELETE CASCADE, CONSTRAINT refers_2 FOREIGN KEY (pcode) REFERENCES %[1]s.parents (code), CONSTRAINT refers_3 FOREIGN KEY (pa) REFERENCES %[1]s.parents (a))`,
	"CREATE TABLE steps (id INT NOT NULL PRIMARY KEY, up INT, note VARCHAR(20), CONSTRAINT refers_4 FOREIGN KEY (up) REFERENCES %[1]s.steps (id))",
	// What most applications keep beside their data.
	`CREATE TABLE stamped (id INT NOT NULL PRIMARY KEY, v INT, name VARCHAR(20) NOT NULL DEFAULT 'none', created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
		updated_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, seen DATETIME(6) DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6), day DATE, till DATETIME(3),
		KEY u (updated_at), KEY till (till))`,
}

var shapeFill = []shapeCase{
	{text: "INSERT INTO warehouse VALUES (%s, %s, 0.1234, 300000.00)", holes: "is"},
	{text: "INSERT INTO district (d_id, d_w_id, d_tax, d_ytd, d_next_o_id) VALUES (%s, 1, 0.0512, 30000.00, 30)", holes: "i"},
	{text: "INSERT INTO customer VALUES (%s, 1, 1, %s, %s, %s, 'GC', 50000.00, 0.2511, -10.00, 10.00, 1, %s)", holes: "isstS"},
	{text: "INSERT INTO history (h_c_id, h_w_id, h_date, h_amount, h_data) VALUES (%s, %s, %s, %s, %s)", holes: "iitds"},
	{text: "INSERT INTO new_order (no_o_id, no_d_id, no_w_id) VALUES (%s, 1, 1)", holes: "i"},
	{text: "INSERT INTO orders VALUES (%s, 1, 1, %s, %s, %s, 3)", holes: "iitN"},
	{text: "INSERT INTO order_line (ol_o_id, ol_d_id, ol_w_id, ol_number, ol_i_id, ol_quantity, ol_amount) VALUES (%s, 1, 1, 1, %s, 5, %s), (%s, 1, 1, 2, %s, 5, 0.00)", holes: "iidii"},
	{text: "INSERT INTO stock VALUES (%s, 1, %s, 0, 0, %s)", holes: "iis"},
	{text: "INSERT INTO wp_options (option_name, option_value, autoload) VALUES (%s, %s, 'yes')", holes: "ss"},
	{text: "INSERT INTO wp_posts (post_author, post_date, post_title, post_status, post_type, post_parent) VALUES (%s, %s, %s, 'publish', 'post', %s)", holes: "itsi"},
	{text: "INSERT INTO wp_posts (post_author, post_date, post_title, post_status, post_type) VALUES (%s, %s, %s, 'draft', 'page')", holes: "its"},
	{text: "INSERT INTO wp_postmeta (post_id, meta_key, meta_value) VALUES (%s, %s, %s)", holes: "iSS"},
	{text: "INSERT INTO wp_terms (name) VALUES (%s)", holes: "s"},
	{text: "INSERT INTO wp_tt (term_id, taxonomy) VALUES (%s, %s)", holes: "is"},
	{text: "INSERT INTO wp_tr (object_id, term_taxonomy_id) VALUES (%s, %s)", holes: "ii"},
	{text: "INSERT INTO django_session (session_key, session_data, expire_date) VALUES (%s, %s, '2024-02-03 04:05:06.123456')", holes: "ss"},
	{text: "INSERT INTO ty VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)", holes: "iNidtytednS"},
	{text: "INSERT INTO ty (id, bn, s, b) VALUES (%s, %s, %s, NULL)", holes: "iSS"},
	{text: "INSERT INTO parents VALUES (%s, %s, %s, 'x')", holes: "isN"},
	{text: "INSERT INTO children (pid, pcode, pa, n, note) VALUES (%s, %s, %s, 1, 'y')", holes: "isN"},
	{text: "INSERT INTO children (pid, n) VALUES (%s, %s)", holes: "in"},
	{text: "INSERT INTO children (pid, n, note) VALUES (%s, 1, 'two'), (%s, 2, 'two'), (NULL, 3, NULL)", holes: "ii"},
	{text: "INSERT INTO children (pcode, n) VALUES (%s, %s)", holes: "SN"},
	{text: "INSERT INTO steps VALUES (%s, %s, 'self')", holes: "iN", general: true},
	{text: "INSERT IGNORE INTO children (id, pid) VALUES (%s, %s), (%s, %s)", holes: "iiii"},
	{text: "REPLACE INTO children (id, pid, note) VALUES (%s, %s, %s)", holes: "iis"},
	{text: "INSERT INTO children (id, pid, n) VALUES (%s, %s, 5) ON DUPLICATE KEY UPDATE note = 'dup', n = n + 1", holes: "ii"},
	{text: "UPDATE children SET note = %s, n = %s WHERE id = %s", holes: "sii"},
	{text: "UPDATE children SET note = %s WHERE pid = %s", holes: "si"},
	{text: "UPDATE children SET pid = %s WHERE id = %s", holes: "ii", general: true},
	{text: "UPDATE parents SET note = %s WHERE id = %s", holes: "si"},
	{text: "UPDATE parents SET a = %s WHERE id = %s", holes: "ii", general: true},
	{text: "UPDATE steps SET note = %s WHERE id = %s", holes: "si"},
	{text: "DELETE FROM children WHERE id = %s", holes: "i"},
	{text: "DELETE FROM parents WHERE id = %s", holes: "i", general: true},
	{text: "REPLACE INTO parents VALUES (%s, 'e', 3, 'z')", holes: "i", general: true},
	{text: "INSERT INTO chs VALUES (%s, %s, %s, %s, 'ж', %s, %s, %s, %s, NULL)", holes: "isSSSSSS"},
	{text: "INSERT INTO chs (id, l, lb, u, c, b) VALUES (%s, %s, 'x', %s, 'Z', %s), (%s, '日本', 'a ', '日', 'z', NULL), (%s, 'é', 'É', '😀', 'b', NULL)", holes: "issSii"},
	{text: "INSERT INTO chs (id, b, bb) VALUES (%s, _binary'\\0a\xff', 0x00ff27), (%s, 0x4142, x'4142'), (%s, _binary %s, '\\0')", holes: "iiis", literal: true},
	{text: "INSERT INTO chs (id, b, bb) VALUES (%s, 'a\xff\xfeb', '\xc3\x28'), (%s, '\x80', '\xff')", holes: "ii", literal: true},
	{text: "INSERT INTO chs (id, f, b) VALUES (%s, 'ab', 'abcdefghijklmnop')", holes: "i"},
	{text: "INSERT INTO chs (id, f, bb) VALUES (%s, '', ''), (%s, _binary'', '')", holes: "ii", general: true},
	{text: "INSERT INTO odd VALUES (%s, 1.1, 2024, '23:59:59', 'a,c d', _binary'\\0\\Z', '{\"b\": [1, 2.50, null], \"a\": \"é\"}', 123456789012345678.125), (%s, -3, 1901, '-838:59:59', '', 0x01ff, '[]', -7)", holes: "ii", literal: true},
	{text: "INSERT INTO odd (id, f, d, j) VALUES (%s, 123456.789, 123456789012345678901234.123456, ' \"x\" '), (%s, 0.1, 0.5, '1.0')", holes: "ii"},
	{text: "INSERT INTO odd (id, s) VALUES (%s, 'b,a')", holes: "i"},
	{text: "INSERT INTO odd (id, s) VALUES (%s, 'A')", holes: "i"},
	{text: "INSERT INTO odd (id, t, y) VALUES (%s, '1:02', 70), (%s, '10:60:00', 0)", holes: "ii"},
	{text: "INSERT INTO odd (id, j) VALUES (%s, '{bad')", holes: "i"},
	{text: "INSERT INTO odd (id, d, f) VALUES (%s, 1.23456789, 1)", holes: "i"},
	{text: "INSERT INTO odd (id, d) VALUES (%s, 1234567890123456789012345678901)", holes: "i"},
	{text: "INSERT INTO odd (id, bi) VALUES (%s, 0x0200)", holes: "i", literal: true},
}

var shapeCases = []shapeCase{
	// new_order
	{text: "SELECT c_discount, c_last, c_credit, w_tax FROM customer, warehouse WHERE w_id = %s AND c_w_id = w_id AND c_d_id = %s AND c_id = %s", holes: "iii"},
	{text: "SELECT c_discount, c_last, w_tax FROM customer, warehouse WHERE w_id = 1 AND c_w_id = w_id AND c_d_id = 1 AND c_id < %s", holes: "i"},
	{text: "SELECT d_next_o_id, d_tax FROM district WHERE d_id = %s AND d_w_id = 1 FOR UPDATE", holes: "i"},
	{text: "UPDATE district SET d_next_o_id = %s + 1 WHERE d_id = %s AND d_w_id = 1", holes: "ii"},
	{text: "INSERT INTO orders (o_id, o_d_id, o_w_id, o_c_id, o_entry_d, o_ol_cnt) VALUES (%s, 1, 1, %s, %s, 7)", holes: "iit"},
	{text: "UPDATE stock SET s_quantity = %s, s_ytd = s_ytd + %s, s_order_cnt = s_order_cnt + 1 WHERE s_i_id = %s AND s_w_id = 1", holes: "iii"},
	{text: "SELECT s_i_id, s_quantity, s_data FROM stock WHERE (s_w_id, s_i_id) IN ((1, %s),(1, %s),(2, %s)) FOR UPDATE", holes: "iii"},
	{text: "INSERT INTO order_line (ol_o_id, ol_d_id, ol_w_id, ol_number, ol_i_id, ol_quantity, ol_amount) VALUES (%s, 1, 1, 3, %s, 5, %s), (%s, 1, 1, 4, 7, 5, %s)", holes: "iidid"},
	// payment
	{text: "UPDATE district SET d_ytd = d_ytd + %s WHERE d_w_id = 1 AND d_id = %s", holes: "di"},
	{text: "UPDATE warehouse SET w_ytd = w_ytd + %s WHERE w_id = %s", holes: "Di"},
	{text: "SELECT c_id FROM customer WHERE c_w_id = 1 AND c_d_id = 1 AND c_last = %s ORDER BY c_first", holes: "s"},
	{text: "SELECT c_first, c_credit_lim, c_discount, c_balance, c_since FROM customer WHERE c_w_id = 1 AND c_d_id = %s\n AND c_id = %s FOR UPDATE", holes: "ii"},
	{text: "UPDATE customer SET c_balance = c_balance - %s, c_ytd_payment = c_ytd_payment + %s,\n c_payment_cnt = c_payment_cnt + 1, c_data = %s WHERE c_w_id = 1 AND c_d_id = 1 AND c_id = %s", holes: "ddsi"},
	{text: "INSERT INTO history (h_c_id, h_w_id, h_date, h_amount, h_data) VALUES (%s, 1, %s, %s, %s)", holes: "itds"},
	// order_status, delivery, stock_level
	{text: "SELECT count(c_id) namecnt FROM customer WHERE c_w_id = 1 AND c_d_id = 1 AND c_last = %s", holes: "s"},
	{text: "SELECT o_id, o_carrier_id, o_entry_d FROM orders WHERE o_w_id = 1 AND o_d_id = 1 AND o_c_id = %s ORDER BY o_id DESC LIMIT 1", holes: "i"},
	{text: "SELECT ol_i_id, ol_quantity, ol_amount, ol_delivery_d FROM order_line WHERE ol_w_id = 1 AND ol_d_id = 1 AND ol_o_id = %s", holes: "i"},
	{text: "SELECT no_o_id FROM new_order WHERE no_w_id = 1 AND no_d_id = 1 ORDER BY no_o_id ASC LIMIT 1 FOR UPDATE"},
	{text: "DELETE FROM new_order WHERE (no_w_id, no_d_id, no_o_id) IN ((1,1,%s),(1,1,%s))", holes: "ii"},
	{text: "UPDATE orders SET o_carrier_id = %s WHERE (o_w_id, o_d_id, o_id) IN ((1,1,%s),(1,1,%s),(1,1,%s))", holes: "iiii"},
	{text: "SELECT o_d_id, o_c_id FROM orders WHERE (o_w_id, o_d_id, o_id) IN ((1,1,%s),(1,1,%s))", holes: "ii"},
	{text: "UPDATE order_line SET ol_delivery_d = %s WHERE (ol_w_id, ol_d_id, ol_o_id) IN ((1,1,%s),(1,1,%s))", holes: "tii"},
	{text: "SELECT ol_d_id, SUM(ol_amount) FROM order_line WHERE (ol_w_id, ol_d_id, ol_o_id) IN ((1,1,%s),(1,1,%s)) GROUP BY ol_d_id", holes: "ii"},
	{text: "SELECT /*+ TIDB_INLJ(order_line,stock) */ COUNT(DISTINCT (s_i_id)) stock_count FROM order_line, stock\nWHERE ol_w_id = 1 AND ol_d_id = 1 AND ol_o_id < %s AND ol_o_id >= %s - 20 AND s_w_id = 1 AND s_i_id = ol_i_id AND s_quantity < %s", holes: "iii"},
	// WordPress
	{text: "SELECT option_name, option_value FROM wp_options WHERE autoload IN ( 'yes', 'on', %s )", holes: "s"},
	{text: "SELECT option_value FROM wp_options WHERE option_name = %s LIMIT 1", holes: "s"},
	{text: "UPDATE `wp_options` SET `option_value` = %s WHERE `option_name` = %s", holes: "ss"},
	{text: "SELECT post_id, meta_key, meta_value FROM wp_postmeta WHERE post_id IN (%s,%s,%s) ORDER BY meta_id ASC", holes: "iii"},
	{text: "SELECT wp_posts.ID FROM wp_posts WHERE 1=1 AND wp_posts.post_type = 'post' ORDER BY wp_posts.post_date, ID LIMIT 1"},
	{text: "SELECT wp_posts.ID FROM wp_posts WHERE 1=1 AND ( 0 = 1 ) AND wp_posts.post_type = 'post' LIMIT 1"},
	{text: "SELECT COUNT(*), MAX(ID) FROM wp_posts WHERE 1=1 AND ( 0 = %s ) AND post_type = 'post'", holes: "i"},
	{text: "UPDATE wp_posts SET post_parent = %s WHERE 1 = 2 AND ID < 9", holes: "i"},
	{text: "DELETE FROM wp_posts WHERE ID = %s AND 1 = 0", holes: "i"},
	{text: "SELECT SQL_CALC_FOUND_ROWS wp_posts.ID FROM wp_posts WHERE 1=1 AND ((wp_posts.post_type = 'post' AND (wp_posts.post_status = 'publish'))) ORDER BY wp_posts.post_date DESC LIMIT %s, 3", holes: "i", literal: true},
	{text: "SELECT SQL_CALC_FOUND_ROWS p.ID, p.post_title FROM wp_posts p LEFT JOIN wp_postmeta m ON m.post_id = p.ID WHERE p.ID < %s ORDER BY p.post_title, p.ID, m.meta_id LIMIT 0, 2", holes: "i"},
	{text: "SELECT SQL_CALC_FOUND_ROWS DISTINCT post_author FROM wp_posts WHERE ID < %s ORDER BY post_author LIMIT 2", holes: "i"},
	{text: "SELECT SQL_CALC_FOUND_ROWS ID FROM wp_posts WHERE ID < %s ORDER BY ID LIMIT 0", holes: "i"},
	{text: "SELECT COUNT(*) FROM wp_posts WHERE post_parent = %s LIMIT 1", holes: "i"},
	{text: "SELECT COUNT(*) FROM wp_posts WHERE post_parent = %s LIMIT 0", holes: "i", general: true},
	{text: "SELECT ID, post_title FROM wp_posts WHERE post_type = 'post' AND post_title LIKE %s", holes: "L"},
	{text: "SELECT ID, post_title FROM wp_posts WHERE post_title NOT LIKE %s AND ID > %s", holes: "Li"},
	{text: "SELECT id, s, bn FROM ty WHERE id > %s AND (s LIKE %s OR bn LIKE %s)", holes: "iLL"},
	{text: "SELECT id FROM ty WHERE s LIKE %s", holes: "L", general: true},
	{text: "SELECT 1 AS one FROM ty WHERE ty.s = BINARY %s AND ty.id <> %s", holes: "si"},
	{text: "SELECT id, s FROM ty WHERE s = BINARY %s OR id = %s", holes: "si"},
	{text: "SELECT id FROM ty WHERE NOT s = BINARY %s", holes: "s", general: true},
	{text: "SELECT meta_id FROM wp_postmeta WHERE meta_value = BINARY %s AND post_id < %s LIMIT 1", holes: "si"},
	{text: "SELECT id FROM ty WHERE id = BINARY %s", holes: "i", general: true},
	{text: "SELECT id FROM ty WHERE id > %s ORDER BY s DESC, id LIMIT 18446744073709551615 OFFSET 3", holes: "i"},
	{text: "SELECT id FROM ty WHERE id > %s LIMIT 2, 18446744073709551615", holes: "i"},
	{text: "SELECT id FROM ty WHERE id < 18446744073709551615 AND u > %s", holes: "i", general: true},
	{text: "SELECT id FROM ty WHERE id < %s AND en LIKE 'n%%'", holes: "i", general: true},
	{text: "SELECT p.ID, m.meta_key FROM wp_posts p LEFT JOIN wp_postmeta m ON m.post_id = p.ID AND m.meta_key LIKE %s WHERE p.ID < %s", holes: "Li"},
	{text: "DELETE FROM wp_postmeta WHERE post_id = %s AND meta_value LIKE %s", holes: "iL"},
	{text: "SELECT wp_posts.* FROM wp_posts WHERE wp_posts.post_type = 'post' AND ((wp_posts.post_status = 'publish' OR wp_posts.post_status = %s)) ORDER BY wp_posts.post_date DESC LIMIT 0, 5", holes: "s"},
	{text: "SELECT ID, post_title FROM wp_posts WHERE post_type = 'post' AND post_status = 'publish' ORDER BY post_date DESC, ID DESC LIMIT %s", holes: "i", literal: true},
	{text: "SELECT ID FROM wp_posts WHERE post_parent = %s AND post_type = 'post' AND post_author <> %s ORDER BY ID", holes: "ii"},
	{text: "SELECT post_status, COUNT( * ) AS num_posts FROM wp_posts WHERE post_type = 'post' GROUP BY post_status"},
	{text: "SELECT t.term_id, t.name, tt.taxonomy, tr.object_id FROM wp_terms AS t INNER JOIN wp_tt AS tt ON t.term_id = tt.term_id INNER JOIN wp_tr AS tr ON tr.term_taxonomy_id = tt.term_taxonomy_id WHERE tr.object_id IN (%s, %s, %s) ORDER BY t.name ASC, t.term_id, tr.object_id", holes: "iii"},
	{text: "SELECT DISTINCT t.term_id, tt.taxonomy FROM wp_terms AS t INNER JOIN wp_tt AS tt ON t.term_id = tt.term_id WHERE tt.taxonomy IN (%s, %s) ORDER BY t.term_id, tt.taxonomy", holes: "ss"},
	{text: "UPDATE wp_postmeta SET meta_value = %s WHERE post_id = %s AND meta_key = %s", holes: "Sis"},
	{text: "DELETE FROM wp_postmeta WHERE meta_id IN (%s, %s)", holes: "ii"},
	{text: "DELETE FROM wp_postmeta WHERE post_id = %s AND meta_key = %s", holes: "is"},
	// Django
	{text: "SELECT `django_session`.`session_key`, `django_session`.`expire_date` FROM `django_session` WHERE (`django_session`.`expire_date` > '2024-01-01 00:00:00.000001' AND `django_session`.`session_key` = %s) LIMIT 21", holes: "s"},
	{text: "SELECT 1 AS `a` FROM `django_session` WHERE `django_session`.`session_key` = %s LIMIT 1", holes: "s"},
	{text: "UPDATE `django_session` SET `session_data` = %s, `expire_date` = %s WHERE `django_session`.`session_key` = %s", holes: "sts"},
	{text: "SELECT COUNT(*) AS `__count` FROM `ty` WHERE (`ty`.`en` = %s AND `ty`.`b` IS NOT NULL)", holes: "e"},
	{text: "DELETE FROM `django_session` WHERE `django_session`.`expire_date` < %s", holes: "t"},
	// types and operators
	{text: "SELECT * FROM ty WHERE id = %s", holes: "i"},
	{text: "SELECT id, m, dt, da, ts, en FROM ty WHERE m BETWEEN %s AND %s", holes: "DD"},
	{text: "SELECT id, m FROM ty WHERE m > %s ORDER BY m, id", holes: "i"},
	{text: "SELECT id, dt FROM ty WHERE dt >= %s ORDER BY dt DESC, id LIMIT 5", holes: "t"},
	{text: "SELECT id, dt FROM ty WHERE dt < %s AND dt > %s", holes: "yt"},
	{text: "SELECT id, da FROM ty WHERE da IN (%s, %s, %s)", holes: "yyy"},
	{text: "SELECT id, ts FROM ty WHERE ts <= %s ORDER BY ts DESC, id", holes: "t"},
	{text: "SELECT id, en FROM ty WHERE en IN (%s, %s) ORDER BY en, id", holes: "ee"},
	{text: "SELECT id, s FROM ty WHERE s = %s", holes: "s"},
	// Not two members that the collation calls equal: the general lane answers their rows twice.
	{text: "SELECT id, s FROM ty WHERE s IN ('b', %s, 'x y') ORDER BY s DESC, id", holes: "y"},
	{text: "SELECT id, s FROM ty WHERE s < %s AND b IS NULL", holes: "s"},
	{text: "SELECT id, bn FROM ty WHERE bn >= %s ORDER BY bn", holes: "s"},
	{text: "SELECT id FROM ty WHERE b IS NULL"},
	{text: "SELECT id, b FROM ty WHERE b < %s ORDER BY b, id", holes: "n"},
	{text: "SELECT id, b, u FROM ty WHERE b = %s AND u NOT IN (%s, %s)", holes: "nii"},
	{text: "SELECT id FROM ty WHERE id BETWEEN %s AND %s OR id BETWEEN %s AND %s OR id = %s OR id > %s", holes: "iiiiii"},
	{text: "SELECT id FROM ty WHERE id < 5 OR id <= 5 OR id > %s OR id >= %s", holes: "ii"},
	{text: "SELECT id FROM ty WHERE (s = %s OR b > %s AND u < %s) AND id <> %s", holes: "sini"},
	{text: "SELECT COUNT(*), COUNT(b), SUM(b), MIN(b), MAX(b) FROM ty"},
	{text: "SELECT MIN(id), MAX(id) FROM ty WHERE id > %s", holes: "i"},
	{text: "SELECT MAX(id) FROM ty"},
	{text: "SELECT MIN(b) FROM ty"},
	{text: "SELECT MAX(u) FROM ty WHERE b = %s", holes: "n"},
	{text: "SELECT MAX(dt) FROM ty"},
	{text: "SELECT MIN(dt), MAX(m), MIN(s) FROM ty WHERE id < %s", holes: "i"},
	{text: "SELECT SUM(m), SUM(u) FROM ty WHERE id >= %s", holes: "i"},
	{text: "SELECT AVG(m), AVG(b) FROM ty WHERE id >= %s", holes: "i"},
	{text: "SELECT en, COUNT(*), MAX(m) FROM ty WHERE id > %s GROUP BY en", holes: "i"},
	{text: "SELECT DISTINCT en, b FROM ty WHERE id < %s ORDER BY b, en", holes: "i"},
	{text: "SELECT id AS b, b AS c FROM ty WHERE id < %s ORDER BY c, b", holes: "i"},
	{text: "SELECT id, m FROM ty ORDER BY m DESC, id DESC LIMIT 3"},
	{text: "SELECT * FROM ty WHERE id = %s AND s = %s FOR UPDATE", holes: "is"},
	{text: "SELECT a.id, c.id FROM ty a, ty c WHERE a.id = %s AND c.b = a.b AND c.id <> a.id", holes: "i"},
	{text: "SELECT a.id, c.id FROM ty a JOIN ty c ON c.s = a.s WHERE a.id < %s AND a.u > c.u", holes: "i"},
	{text: "UPDATE ty SET b = b + 1, u = u - 1 WHERE id BETWEEN %s AND %s AND b IS NOT NULL AND b < 100 AND u > 1", holes: "ii"},
	{text: "UPDATE ty SET m = m * 2 - %s WHERE m < %s", holes: "ii"},
	{text: "UPDATE ty SET m = %s, dt = %s, da = %s, ts = %s, en = %s, f = %s WHERE id = %s", holes: "Dtytedi"},
	{text: "UPDATE ty SET f = f + %s, s = %s, bn = NULL WHERE b > %s AND id < 20", holes: "dSn"},
	{text: "UPDATE ty SET b = %s WHERE s = %s", holes: "is"},
	{text: "UPDATE ty SET u = b WHERE id = %s", holes: "i", general: true},
	{text: "UPDATE ty SET bn = %s WHERE id = %s", holes: "si"},
	{text: "UPDATE ty SET b = b + 200 WHERE id > %s", holes: "i", general: true},
	{text: "UPDATE ty SET u = u - 30 WHERE id > %s", holes: "i", general: true},
	{text: "UPDATE ty SET u = u * 2 + 1 WHERE id > %s AND u < 30000", holes: "i"},
	{text: "DELETE FROM ty WHERE s = %s AND b > %s", holes: "sn"},
	{text: "DELETE FROM ty WHERE id > 35 AND id < %s", holes: "i"},
	{text: "INSERT INTO ty (id, b, m) VALUES (%s, %s, %s) ON DUPLICATE KEY UPDATE b = VALUES(b), m = m + VALUES(m)", holes: "iiD", loose: true},
	{text: "INSERT INTO ty (id, bn, u) VALUES (%s, %s, 1), (%s, %s, 2) ON DUPLICATE KEY UPDATE u = 7, s = %s", holes: "isiss", loose: true},
	{text: "REPLACE INTO ty (id, b, s) VALUES (%s, 3, %s), (%s, 4, %s)", holes: "isis", loose: true},
	{text: "REPLACE INTO stock VALUES (%s, 1, %s, 0, 0, %s)", holes: "iis", loose: true},
	{text: "SET time_zone = '+03:00'", general: true},
	{text: "SET time_zone = 'SYSTEM'", general: true},
	// GROUP BY with an order of the groups, and of a table's key, as WordPress asks for posts by what is joined to them
	{text: "SELECT en, COUNT(*) AS n FROM ty WHERE id > %s GROUP BY en ORDER BY n DESC, en LIMIT 2", holes: "i"},
	{text: "SELECT en, b, SUM(m) total FROM ty WHERE id < %s GROUP BY b, en ORDER BY total, b DESC, en LIMIT 4 OFFSET 1", holes: "i"},
	{text: "SELECT post_author, COUNT(*), MAX(post_date) FROM wp_posts GROUP BY post_author ORDER BY MAX(post_date) DESC, COUNT(*), post_author LIMIT %s", holes: "i", literal: true},
	{text: "SELECT s, SUM(b) FROM ty GROUP BY s ORDER BY SUM(b), s"},
	{text: "SELECT s, AVG(b) AS a FROM ty GROUP BY s ORDER BY a, s", general: true},
	{text: "SELECT p.ID FROM wp_posts p LEFT JOIN wp_postmeta m ON m.post_id = p.ID WHERE p.ID < %s AND p.post_type = 'post' GROUP BY p.ID ORDER BY p.post_date DESC, p.ID LIMIT 0, 5", holes: "i"},
	{text: "SELECT SQL_CALC_FOUND_ROWS p.ID, p.post_title FROM wp_posts p JOIN wp_postmeta m ON p.ID = m.post_id WHERE m.meta_key = %s GROUP BY p.ID ORDER BY p.ID LIMIT 2", holes: "s"},
	{text: "SELECT p.ID, m.meta_id FROM wp_posts p JOIN wp_postmeta m ON p.ID = m.post_id WHERE p.ID < %s GROUP BY m.meta_id ORDER BY m.meta_id", holes: "i", general: true},
	// Truth values and NOT, as Django has them
	{text: "SELECT id, b FROM ty WHERE b AND id < %s", holes: "i"},
	{text: "SELECT id, b FROM ty WHERE NOT b OR u", holes: ""},
	{text: "SELECT id FROM ty WHERE (NOT (b = %s) AND NOT (u > %s AND u IS NOT NULL))", holes: "ni"},
	{text: "SELECT id FROM ty WHERE NOT (b = %s OR id BETWEEN %s AND %s) AND NOT (s IN (%s, 'x') OR s LIKE 'a%%')", holes: "niis"},
	{text: "SELECT id FROM ty WHERE NOT (b < %s AND (s IS NULL OR u >= %s))", holes: "ni"},
	{text: "SELECT o_id FROM orders WHERE NOT ((o_w_id, o_id) IN ((1, %s), (2, 3)))", holes: "i", general: true},
	{text: "SELECT id FROM ty WHERE s AND id < %s", holes: "i", general: true},
	{text: "UPDATE ty SET u = 3 WHERE id BETWEEN %s AND %s AND NOT b", holes: "ii"},
	// What pools of connections and drivers say.
	{text: "SELECT 1"},
	{text: "select 1 AS one, 22 two, 1"},
	{text: "SELECT (1) AS `a` FROM ty WHERE id = %s LIMIT 1", holes: "i"},
	{text: "SELECT ( 7 ) FROM ty WHERE id = %s LIMIT 1", holes: "i"},
	{text: "SELECT (b + 1) FROM ty WHERE id = %s", holes: "i", general: true},
	{text: "SET autocommit=1"},
	{text: "SET SESSION autocommit = 1"},
	{text: "SET autocommit=0"},
	{text: "UPDATE ty SET b = 1 WHERE id = %s", holes: "i"},
	{text: "ROLLBACK"},
	{text: "UPDATE ty SET b = 2 WHERE id = %s", holes: "i"},
	{text: "SET autocommit=0"},
	{text: "SET autocommit=1"},
	{text: "ROLLBACK"},
	{text: "SET autocommit=TRUE"},
	{text: "SET autocommit=7", general: true},
	// Left joins: conditions of ON make matches, those of WHERE see the rows of NULL.
	{text: "SELECT p.ID, m.meta_key, m.meta_value FROM wp_posts p LEFT JOIN wp_postmeta m ON m.post_id = p.ID WHERE p.ID < %s", holes: "i"},
	{text: "SELECT p.ID, m.meta_id FROM wp_posts p LEFT OUTER JOIN wp_postmeta AS m ON p.ID = m.post_id AND m.meta_key = %s WHERE p.post_type = 'post' ORDER BY p.ID, m.meta_id", holes: "s"},
	{text: "SELECT p.ID, m.meta_id FROM wp_posts p LEFT JOIN wp_postmeta m ON m.post_id = p.ID AND p.post_status = 'publish' WHERE p.ID BETWEEN %s AND %s", holes: "ii"},
	{text: "SELECT p.ID FROM wp_posts p LEFT JOIN wp_postmeta m ON m.post_id = p.ID WHERE p.ID < %s AND m.meta_id IS NULL", holes: "i"},
	{text: "SELECT p.ID, m.meta_id FROM wp_posts p LEFT JOIN wp_postmeta m ON m.post_id = p.ID WHERE p.ID < %s AND m.post_id = p.ID", holes: "i"},
	{text: "SELECT p.ID, m.meta_id FROM wp_posts p LEFT JOIN wp_postmeta m ON m.post_id = p.ID WHERE m.meta_id IN (%s, 3, 5) AND p.post_type = 'post'", holes: "i"},
	{text: "SELECT t.term_id, tt.taxonomy, tr.object_id FROM wp_terms t LEFT JOIN wp_tt tt ON tt.term_id = t.term_id LEFT JOIN wp_tr tr ON tr.term_taxonomy_id = tt.term_taxonomy_id WHERE tr.object_id < %s", holes: "i"},
	{text: "SELECT p.ID, m.meta_id FROM wp_posts p LEFT JOIN wp_postmeta m ON m.post_id = p.ID AND m.meta_id < %s WHERE (m.meta_key = 'a' OR m.meta_id > 3) AND p.ID < 40", holes: "i"},
	{text: "SELECT p.ID, m.meta_id FROM wp_posts p LEFT JOIN wp_postmeta m ON m.post_id = p.ID WHERE (m.meta_key = 'a' OR p.ID > %s) AND p.ID < 40", holes: "i"},
	{text: "SELECT p.ID, m.meta_id FROM wp_postmeta m RIGHT JOIN wp_posts p ON m.post_id = p.ID WHERE m.meta_id > %s", holes: "i"},
	{text: "SELECT a.id, c.id, c.s FROM ty a LEFT JOIN ty c ON c.b = a.b AND c.u < a.u AND c.id <> %s WHERE a.id < %s", holes: "ii"},
	{text: "SELECT a.id, c.id FROM ty a LEFT JOIN ty c ON c.s = a.s AND (c.id < %s OR c.b IS NULL) WHERE a.id < 20 AND (c.id > 3 OR c.id IS NULL)", holes: "i"},
	{text: "SELECT COUNT(*), COUNT(m.meta_id), MAX(m.meta_id) FROM wp_posts p LEFT JOIN wp_postmeta m ON m.post_id = p.ID WHERE p.ID < %s", holes: "i"},
	{text: "SELECT t.term_id, tt.taxonomy, tr.object_id FROM wp_terms t LEFT JOIN wp_tt tt ON tt.term_id = t.term_id LEFT JOIN wp_tr tr ON tr.term_taxonomy_id = tt.term_taxonomy_id WHERE t.term_id < %s", holes: "i"},
	{text: "SELECT t.term_id, tt.taxonomy, tr.object_id FROM wp_terms t LEFT JOIN wp_tt tt ON tt.term_id = t.term_id JOIN wp_tr tr ON tr.term_taxonomy_id = tt.term_taxonomy_id WHERE t.term_id < %s", holes: "i"},
	{text: "SELECT t.term_id, tr.object_id, tt.taxonomy FROM wp_terms t JOIN wp_tt tt ON tt.term_id = t.term_id LEFT JOIN wp_tr tr ON tr.term_taxonomy_id = tt.term_taxonomy_id AND tr.object_id = %s WHERE tt.taxonomy = %s", holes: "is"},
	{text: "SELECT DISTINCT p.ID, p.post_author FROM wp_posts p LEFT JOIN wp_postmeta m ON m.post_id = p.ID WHERE p.ID < %s ORDER BY p.ID DESC LIMIT 5", holes: "i"},
	{text: "SELECT p.ID, m.meta_id, p.post_title FROM wp_postmeta m RIGHT JOIN wp_posts p ON m.post_id = p.ID WHERE p.ID < %s", holes: "i"},
	{text: "SELECT * FROM wp_tt tt RIGHT OUTER JOIN wp_terms t ON tt.term_id = t.term_id AND tt.taxonomy = %s WHERE t.term_id < %s AND tt.term_id IS NULL", holes: "si"},
	{text: "SELECT p.ID FROM wp_postmeta m RIGHT JOIN wp_posts p ON m.post_id = p.ID LEFT JOIN wp_terms t ON t.term_id = p.ID WHERE p.ID < %s", holes: "i", general: true},
	{text: "SELECT p.ID FROM wp_posts p, wp_terms t LEFT JOIN wp_postmeta m ON m.post_id = t.term_id WHERE p.ID = %s", holes: "i", general: true},
	// Orders that one row, or DISTINCT, leaves nothing of
	{text: "SELECT COUNT(*) FROM wp_posts WHERE ( post_status = %s ) ORDER BY wp_posts.post_date DESC", holes: "s"},
	{text: "SELECT COUNT( 1 ), COUNT(%s) FROM wp_posts WHERE post_type = %s AND post_status NOT IN ( 'trash', 'draft' ) AND post_author = %s", holes: "isi"},
	{text: "SELECT COUNT(1), post_status FROM wp_posts GROUP BY post_status ORDER BY COUNT(1) DESC, post_status"},
	{text: "SELECT DISTINCT t.term_id, tr.object_id FROM wp_terms AS t INNER JOIN wp_tt AS tt ON t.term_id = tt.term_id INNER JOIN wp_tr AS tr ON tr.term_taxonomy_id = tt.term_taxonomy_id WHERE tt.taxonomy IN ('a', %s) AND tr.object_id IN (%s, 3) ORDER BY t.name ASC, t.term_id, tr.object_id", holes: "si"},
	{text: "SELECT DISTINCT b FROM ty WHERE id > %s ORDER BY s DESC, id LIMIT 3", holes: "i"},
	{text: "SELECT DISTINCT en, b FROM ty WHERE id > %s ORDER BY m, id LIMIT 1, 2", holes: "i"},
	{text: "SELECT SQL_CALC_FOUND_ROWS DISTINCT en, b FROM ty WHERE id > %s ORDER BY m, id", holes: "i"},
	{text: "SELECT DISTINCT s, en FROM ty ORDER BY id DESC"},
	// Subqueries that ask whether there is a row.
	{text: "SELECT * FROM wp_tt WHERE EXISTS (SELECT 1 AS one FROM wp_tr WHERE wp_tr.term_taxonomy_id = wp_tt.term_taxonomy_id AND object_id < %s) AND term_id > %s", holes: "ii"},
	{text: "SELECT term_id, taxonomy FROM wp_tt tt WHERE NOT EXISTS (SELECT * FROM wp_tr r WHERE r.term_taxonomy_id = tt.term_taxonomy_id) OR tt.term_id = %s ORDER BY term_taxonomy_id DESC LIMIT 5", holes: "i"},
	{text: "SELECT COUNT(*), MIN(p.ID) FROM wp_posts p WHERE p.ID IN (SELECT m.post_id FROM wp_postmeta m WHERE m.meta_key = %s OR m.meta_value IS NULL)", holes: "s", general: true},
	{text: "SELECT COUNT(*), MIN(p.post_date) FROM wp_posts p WHERE p.post_author IN (SELECT m.post_id FROM wp_postmeta m WHERE m.meta_value = %s OR m.meta_key IS NULL OR m.meta_id > 3)", holes: "s"},
	{text: "SELECT ID FROM wp_posts WHERE post_parent = %s AND ID IN (SELECT DISTINCT post_id FROM wp_postmeta) ORDER BY ID LIMIT 3", holes: "i"},
	{text: "SELECT ID FROM wp_posts WHERE (post_author = TRUE OR ID IN (SELECT DISTINCT m.post_id FROM wp_postmeta m WHERE m.meta_id > %s)) AND post_type = 'post'", holes: "i"},
	{text: "SELECT ID FROM wp_posts WHERE ID NOT IN (SELECT post_id FROM wp_postmeta WHERE meta_id < %s) AND ID < 30", holes: "i"},
	{text: "SELECT id FROM ty WHERE b IN (SELECT id FROM parents WHERE note IS NULL) OR NOT (id IN (SELECT pid FROM children) OR id > %s)", holes: "i", general: true},
	{text: "SELECT id, note FROM parents WHERE a IN (SELECT id FROM ty WHERE b IS NULL OR b > %s) OR NOT EXISTS (SELECT c.n FROM children c WHERE c.pid = parents.id AND c.n > parents.a) ORDER BY id", holes: "n"},
	{text: "SELECT id FROM children WHERE pa NOT IN (SELECT a FROM parents)", general: true},
	{text: "SELECT id FROM children c WHERE pa IN (SELECT a FROM parents WHERE id <> c.n) ORDER BY n, id"},
	{text: "SELECT COUNT(*) AS `__count` FROM `wp_posts` WHERE EXISTS(SELECT (1) AS `a` FROM `wp_posts` U0 LEFT OUTER JOIN `wp_postmeta` U1 ON (U0.`ID` = U1.`post_id`) LEFT OUTER JOIN `wp_tr` U2 ON (U0.`ID` = U2.`object_id`) WHERE ((U0.`post_title` LIKE %s OR U1.`meta_key` = %s OR U2.`term_taxonomy_id` IS NULL) AND U0.`ID` = `wp_posts`.`ID`) LIMIT 1)", holes: "Ls"},
	{text: "SELECT p.ID, t.name FROM wp_posts p INNER JOIN wp_tr r ON r.object_id = p.ID LEFT JOIN wp_terms t ON t.term_id = r.term_taxonomy_id WHERE p.post_type = 'post' AND (t.name IS NULL OR (t.name <> %s AND EXISTS (SELECT 1 FROM wp_tt tt WHERE tt.term_id = t.term_id AND tt.taxonomy = p.post_type))) AND EXISTS (SELECT 1 FROM wp_postmeta m, wp_options o WHERE m.post_id = p.ID AND o.option_id = m.meta_id) ORDER BY p.post_date, p.ID, r.term_taxonomy_id", holes: "s"},
	{text: "SELECT p.post_author, COUNT(*), MAX(p.ID) FROM wp_posts p WHERE p.ID > %s AND EXISTS (SELECT 1 FROM wp_tr WHERE object_id = p.ID AND p.post_author > 2) GROUP BY p.post_author ORDER BY p.post_author", holes: "i"},
	{text: "SELECT DISTINCT s FROM ty WHERE EXISTS (SELECT id FROM wp_posts x WHERE x.ID = ty.u AND x.post_title = ty.s) OR b = %s ORDER BY s", holes: "i", general: true},
	{text: "SELECT DISTINCT u FROM ty WHERE EXISTS (SELECT id FROM ty x WHERE x.b = ty.b AND x.u > ty.u) OR b = %s ORDER BY u", holes: "i"},
	{text: "SELECT SQL_CALC_FOUND_ROWS id FROM ty WHERE id > %s AND EXISTS (SELECT 1 FROM ty x WHERE x.s = ty.s AND x.id <> ty.id) LIMIT 1, 2", holes: "i", general: true},
	{text: "SELECT SQL_CALC_FOUND_ROWS id FROM ty WHERE id > %s AND EXISTS (SELECT 1 FROM ty x WHERE x.s = ty.s AND x.m > ty.m) ORDER BY id LIMIT 1, 2", holes: "i"},
	{text: "SELECT id FROM ty WHERE EXISTS (SELECT 1 FROM parents WHERE id = %s) AND id < 9", holes: "i"},
	{text: "SELECT id FROM ty WHERE NOT EXISTS (SELECT 1 FROM parents WHERE parents.id = ty.id LIMIT 0)", general: true},
	{text: "SELECT id FROM ty WHERE EXISTS (SELECT COUNT(*) FROM parents WHERE parents.id = ty.id)", general: true},
	{text: "SELECT id FROM ty WHERE EXISTS (SELECT 1 FROM parents WHERE note = ty.s)", general: true},
	{text: "SELECT id FROM ty WHERE id IN (SELECT pid FROM children WHERE EXISTS (SELECT 1 FROM parents WHERE id = pid AND a = ty.id))", general: true},
	{text: "UPDATE ty SET b = %s WHERE id IN (SELECT id FROM parents)", holes: "i", general: true},
	{text: "SELECT id FROM ty WHERE id IN (SELECT id FROM parents WHERE a > %s) FOR UPDATE", holes: "i", general: true},
	// TRUE and FALSE
	{text: "SELECT id, b FROM ty WHERE b = TRUE OR u = false AND id IN (TRUE, 2, FALSE)"},
	{text: "SELECT id FROM ty WHERE s = TRUE AND id < %s", holes: "i", general: true},
	{text: "SELECT TRUE FROM ty WHERE id < %s", holes: "i", general: true},
	{text: "SELECT id FROM ty WHERE b IS TRUE", general: true},
	{text: "UPDATE ty SET b = TRUE, f = FALSE, m = TRUE WHERE id = %s", holes: "i"},
	{text: "UPDATE ty SET s = TRUE WHERE id = %s", holes: "i"},
	{text: "INSERT INTO ty (id, b, m, f) VALUES (%s, TRUE, FALSE, TRUE)", holes: "i"},
	{text: "INSERT INTO odd (id, j) VALUES (%s, TRUE)", holes: "i", general: true},
	// Changes in an order, and of the first rows
	{text: "UPDATE ty SET b = %s WHERE id > %s AND b IS NOT NULL ORDER BY m ASC, id", holes: "ii"},
	{text: "UPDATE ty SET b = %s WHERE id > %s ORDER BY id DESC LIMIT 3", holes: "ii"},
	{text: "UPDATE ty SET b = %s WHERE id = %s LIMIT 1", holes: "ii"},
	{text: "UPDATE ty SET b = %s WHERE id = %s LIMIT 0", holes: "ii"},
	{text: "UPDATE ty SET b = 5 WHERE id > %s AND b <> 5 ORDER BY id LIMIT 2", holes: "i"},
	{text: "UPDATE ty SET bn = %s WHERE id > 30 ORDER BY u, id", holes: "s", general: true},
	{text: "UPDATE ty SET b = 9 WHERE id > %s LIMIT 2", holes: "i", general: true},
	{text: "UPDATE ty SET b = 9 WHERE id > %s ORDER BY u LIMIT 2", holes: "i", general: true},
	{text: "UPDATE ty SET b = 9 WHERE id > %s ORDER BY nosuch", holes: "i", general: true},
	{text: "DELETE FROM wp_postmeta WHERE meta_id = %s LIMIT 1", holes: "i"},
	{text: "DELETE FROM wp_postmeta WHERE post_id = %s ORDER BY meta_id DESC LIMIT 1", holes: "i"},
	{text: "DELETE FROM wp_postmeta WHERE post_id = %s ORDER BY meta_value", holes: "i"},
	{text: "DELETE FROM wp_postmeta WHERE post_id = %s ORDER BY meta_value LIMIT 1, 2", holes: "i", general: true},
	// Rows that are there already, of tables with AUTO_INCREMENT
	{text: "INSERT INTO `wp_options` (`option_name`, `option_value`, `autoload`) VALUES (%s, %s, 'no') ON DUPLICATE KEY UPDATE `option_name` = VALUES(`option_name`), `option_value` = VALUES(`option_value`), `autoload` = VALUES(`autoload`)", holes: "ss"},
	{text: "INSERT INTO wp_options (option_id, option_name, option_value) VALUES (%s, %s, %s) ON DUPLICATE KEY UPDATE option_value = %s", holes: "isss"},
	{text: "INSERT INTO wp_options (option_name, option_value) VALUES (%s, 'x') ON DUPLICATE KEY UPDATE option_name = option_name", holes: "s"},
	{text: "INSERT INTO wp_options (option_name, option_value) VALUES (%s, 'x') ON DUPLICATE KEY UPDATE autoload = 'far too long for this column'", holes: "s", general: true},
	{text: "INSERT INTO wp_options (option_name, option_value) VALUES (%s, 'm'), (%s, 'n') ON DUPLICATE KEY UPDATE option_value = VALUES(option_value)", holes: "ss", general: true},
	{text: "INSERT INTO wp_tt (term_id, taxonomy) VALUES (%s, %s) ON DUPLICATE KEY UPDATE term_id = term_id + 1", holes: "is"},
	{text: "INSERT IGNORE INTO wp_options (option_name, option_value, autoload) VALUES (%s, %s, 'no') /* LOCK */", holes: "ss"},
	{text: "INSERT IGNORE INTO wp_options (option_name, option_value) VALUES (%s, 'i1'), (%s, 'i2'), (%s, 'i3'), ('fresh', 'i4'), ('fresh', 'i5')", holes: "sss"},
	{text: "INSERT IGNORE INTO wp_options (option_id, option_name, option_value) VALUES (%s, 'given', 'i2'), (%s, %s, 'i3')", holes: "iis"},
	{text: "INSERT IGNORE INTO wp_options (option_name, option_value) VALUES (NULL, %s)", holes: "s", general: true},
	{text: "INSERT IGNORE INTO wp_tr (object_id, term_taxonomy_id) VALUES (%s, %s), (%s, 2)", holes: "iii"},
	{text: "INSERT IGNORE INTO ty (id, bn) VALUES (%s, %s), (%s, 'q')", holes: "isi"},
	{text: "INSERT INTO wp_options (option_name, option_value) VALUES (%s, 'after')", holes: "s"},
	// the time of the statement
	{text: "INSERT INTO stamped (id, v) VALUES (%s, %s)", holes: "in"},
	{text: "INSERT INTO stamped (id, v, day, till) VALUES (%s, %s, CURDATE(), NOW(3)), (%s, 7, CURRENT_DATE, CURRENT_TIMESTAMP())", holes: "ini"},
	{text: "INSERT INTO stamped (id, created_at, updated_at, seen) VALUES (%s, NOW(), LOCALTIMESTAMP, NOW())", holes: "i"},
	{text: "INSERT INTO stamped (id, v) VALUES (%s, %s) ON DUPLICATE KEY UPDATE v = VALUES(v), till = NOW()", holes: "iN"},
	{text: "INSERT INTO stamped (id, v) VALUES (%s, %s) ON DUPLICATE KEY UPDATE v = VALUES(v)", holes: "iN"},
	{text: "REPLACE INTO stamped (id, name) VALUES (%s, %s)", holes: "is"},
	{text: "UPDATE stamped SET v = %s WHERE id = %s", holes: "Ni"},
	{text: "UPDATE stamped SET v = v, name = %s WHERE id < %s", holes: "si"},
	{text: "UPDATE stamped SET v = v WHERE id = %s", holes: "i"},
	{text: "UPDATE stamped SET updated_at = %s, v = v + 1 WHERE id = %s", holes: "ti"},
	{text: "UPDATE stamped SET till = NOW(3), seen = CURRENT_TIMESTAMP(6) WHERE id = %s", holes: "i"},
	{text: "UPDATE stamped SET day = CURDATE(), till = now() WHERE id IN (%s, %s)", holes: "ii"},
	{text: "SELECT id, v, till FROM stamped WHERE till <= NOW() AND id > %s", holes: "i"},
	{text: "SELECT * FROM stamped WHERE updated_at >= NOW() AND day = CURDATE()"},
	{text: "SELECT id FROM stamped WHERE till BETWEEN %s AND NOW() OR day < CURRENT_DATE", holes: "t"},
	{text: "DELETE FROM stamped WHERE till < NOW() AND id = %s", holes: "i"},
	{text: "SELECT id, NOW() FROM stamped WHERE id = %s", holes: "i", general: true},
	{text: "SELECT id FROM stamped WHERE till > NOW() - INTERVAL 1 DAY AND id = %s", holes: "i", general: true},
	// sysbench's select_random_*, on a table here
	{text: "SELECT s_i_id, s_quantity FROM stock WHERE s_w_id IN (%s, %s, 1)", holes: "ii"},
	{text: "SELECT count(s_i_id) FROM stock WHERE s_w_id = 1 AND (s_i_id BETWEEN %s AND %s OR s_i_id BETWEEN %s AND %s)", holes: "iiii"},
	// Other character sets.
	{text: "SELECT * FROM chs WHERE id < %s", holes: "i"},
	{text: "SELECT id, l FROM chs WHERE l = %s", holes: "s"},
	{text: "SELECT id, lb FROM chs WHERE lb >= %s ORDER BY lb, id", holes: "s"},
	{text: "SELECT u, id FROM chs WHERE u IN (%s, %s) ORDER BY u DESC, id", holes: "ss"},
	{text: "SELECT id, c, a, t FROM chs WHERE l <> %s AND t < %s ORDER BY l, id", holes: "ss"},
	{text: "SELECT MIN(l), MAX(u), COUNT(DISTINCT lb) FROM chs"},
	{text: "SELECT DISTINCT l FROM chs WHERE id < %s ORDER BY l", holes: "i", general: true},
	{text: "SELECT u, COUNT(*) FROM chs GROUP BY u ORDER BY u", general: true},
	{text: "SELECT id FROM chs WHERE l LIKE %s", holes: "L", general: true},
	{text: "UPDATE chs SET l = %s WHERE id = %s", holes: "Si"},
	{text: "UPDATE chs SET l = t, a = %s WHERE id = %s", holes: "Si", general: true},
	{text: "UPDATE chs SET lb = %s, u = %s WHERE l = %s", holes: "SSs"},
	{text: "DELETE FROM chs WHERE u = %s", holes: "s"},
	{text: "INSERT INTO chs (id, l) VALUES (%s, %s) ON DUPLICATE KEY UPDATE u = VALUES(l)", holes: "is", general: true},
	{text: "REPLACE INTO chs (id, b, t) VALUES (%s, %s, %s)", holes: "iss"},
	{text: "SELECT * FROM odd WHERE id < %s", holes: "i"},
	{text: "INSERT INTO odd VALUES (%s, 1.1, 2024, '-123:59:59', 'a,c d', _binary'\\0\\Z', '{\"b\": [1, 2.50, null], \"a\": \"é\"}', 123456789012345678.125), (%s, -3, 1901, '23:59:59', '', 0x01ff, '[]', -7)", holes: "ii", literal: true},
	{text: "REPLACE INTO odd (id, f, t, j) VALUES (%s, 2.5, '00:00:01', '{\"k\": 1}')", holes: "i"},
}

// fill fills the holes of a shape, as literals or as parameters.
func (s *shapeCase) fill(rnd *rand.Rand, prepared bool) (text string, args []any) {
	var lits []any
	for _, kind := range s.holes {
		l, p := hole(rnd, kind)
		if prepared {
			l = "?"
			args = append(args, p)
		}
		lits = append(lits, l)
	}
	return fmt.Sprintf(s.text, lits...), args
}

// warnings are what SHOW WARNINGS lists.
func warnings(t *testing.T, c *stdsql.Conn) string {
	t.Helper()
	rows, err := c.QueryContext(t.Context(), "SHOW WARNINGS")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out strings.Builder
	for rows.Next() {
		var level, message string
		var code int
		if err := rows.Scan(&level, &code, &message); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%s %d %s\n", level, code, message)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// unordered sorts the rows of an answer to a query without ORDER BY.
func unordered(text, out string) string {
	if strings.Contains(text, "ORDER BY") || !strings.HasPrefix(text, "SELECT") {
		return out
	}
	lines := strings.Split(out, "\n")
	slices.Sort(lines[1:])
	return strings.Join(lines, "\n")
}

// TestShapesAgree runs the shapes with random arguments over random data through both lanes, and compares all that a client sees, and
// in the end what is stored. Each shape must have been run by the fast lane at least once.
func TestShapesAgree(t *testing.T) {
	const seed = 7
	rnd := rand.New(rand.NewPCG(seed, seed))
	srv, addr := startFull(t)
	setup := connect(t, addr, "")
	tables := []string{}
	for _, db := range []string{"fastdb", "slowdb"} {
		exec(t, setup, "CREATE DATABASE "+db)
		for _, s := range shapeSchema {
			name := strings.Fields(s)[2]
			exec(t, setup, strings.ReplaceAll(strings.Replace(s, name, db+"."+name, 1), "%[1]s", db))
			if db == "fastdb" {
				tables = append(tables, name)
			}
		}
	}
	fast, slow := connect(t, addr, "fastdb"), connect(t, addr, "slowdb")
	exec(t, slow, "SET zorya_fast_lane = OFF")
	took := map[string]bool{} // by the fast lane
	var strict map[string]bool
	compare := func(s *shapeCase, prepared bool) {
		text, args := s.fill(rnd, prepared && !s.literal)
		hits, misses, declined := srv.fast.Counts()
		f := unordered(text, strings.NewReplacer("fastdb.", "slowdb.", "`fastdb`", "`slowdb`").Replace(outcome(fast, text, args...)))
		hits2, misses2, declined2 := srv.fast.Counts()
		if hits2+misses2 > hits+misses && declined2 == declined {
			took[s.text] = true
		}
		g := unordered(text, outcome(slow, text, args...))
		if s.loose {
			f, _, _ = strings.Cut(f, " id ")
			g, _, _ = strings.Cut(g, " id ")
		}
		if f != g {
			t.Errorf("%s %v\n   fast: %s\ngeneral: %s", text, args, f, g)
		}
		const after = "SELECT LAST_INSERT_ID(), ROW_COUNT(), FOUND_ROWS(), @@warning_count"
		if fi, gi := outcome(fast, after), outcome(slow, after); fi != gi {
			t.Errorf("after %s %v\n   fast: %s\ngeneral: %s", text, args, fi, gi)
		}
		if strings.Contains(text, "IGNORE") {
			outcome(fast, text, args...) // once more, with warnings
			outcome(slow, text, args...)
			if fi, gi := strings.ReplaceAll(warnings(t, fast), "`fastdb`", "`slowdb`"), warnings(t, slow); fi != gi {
				t.Errorf("warnings of %s %v\n   fast: %s\ngeneral: %s", text, args, fi, gi)
			}
		}
	}
	for range 12 {
		for i := range shapeFill {
			compare(&shapeFill[i], false)
		}
	}
	for round := range 4 {
		for _, c := range []*stdsql.Conn{fast, slow} {
			exec(t, c, fmt.Sprintf("SET timestamp = %d.765432", 1706800000+round*40000))
			exec(t, c, []string{"SET time_zone = '+00:00'", "SET time_zone = '-05:30'"}[round/2])
		}
		if round == 2 { // as WordPress and others work
			exec(t, fast, "SET sql_mode = 'NO_ENGINE_SUBSTITUTION'")
			exec(t, slow, "SET sql_mode = 'NO_ENGINE_SUBSTITUTION'")
			strict, took = took, map[string]bool{}
		}
		for i := range shapeCases {
			compare(&shapeCases[i], round%2 == 1)
			if t.Failed() && round > 1 {
				t.Fatal("seed", seed)
			}
		}
		for i := range shapeFill {
			compare(&shapeFill[i], true)
		}
	}
	lax := 0
	for _, s := range shapeCases {
		if !strict[s.text] && !took[s.text] && !s.general {
			t.Errorf("the fast lane never took %s", s.text)
		}
		if took[s.text] {
			lax++
		}
	}
	if lax < len(strict)*3/4 { // not all: in two rounds some meet arguments that it declines
		t.Errorf("without strict mode the fast lane took %d shapes of %d", lax, len(strict))
	}
	for _, name := range tables {
		text := "SELECT * FROM " + name + " WHERE 1 = 1 OR 2 = 1"
		if f, g := unordered(text, outcome(slow, strings.ReplaceAll(text, "FROM ", "FROM fastdb."))), unordered(text, outcome(slow, text)); f != g {
			t.Errorf("stored in %s\n   fast: %s\ngeneral: %s", name, f, g)
		}
	}
}
