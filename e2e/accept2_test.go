//go:build e2e

package e2e

import (
	"bytes"
	"database/sql"
	_ "embed"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// Point 2: dumps of real schemas, written by the stock mariadb-dump, load unchanged, answer as MariaDB does, and
// come back out of Zorya equal.

var (
	//go:embed testdata/world.sql
	worldQueries string
	//go:embed testdata/wordpress.sql
	wordpressQueries string
	//go:embed testdata/shop.sql
	shopQueries string
	//go:embed testdata/shop_schema.sql
	shopSchema string
)

const (
	worldSchemaFile = "/usr/share/mysql/mysql-test/include/world_schema_utf8.inc"
	worldDataFile   = "/usr/share/mysql/mysql-test/include/world.inc"
)

// wordpressSchemaFiles are where the schema of Debian's wordpress package may be found.
var wordpressSchemaFiles = []string{
	"/usr/share/wordpress/wp-admin/includes/schema.php",
	"/var/cache/zorya-e2e/wordpress/usr/share/wordpress/wp-admin/includes/schema.php",
}

func TestAccept2Dumps(t *testing.T) {
	oracle := startMariaDB(t)
	c := start(t)
	total, differ := 0, 0
	for _, d := range []struct {
		name    string
		fill    func(t *testing.T, m *mariadb) // the original, in MariaDB
		args    []string                       // of mariadb-dump
		queries string
	}{
		{"world", fillWorld, nil, worldQueries},
		{"wordpress", fillWordpress, nil, wordpressQueries},
		{"shop", fillShop, []string{"--routines", "--triggers", "--events"}, shopQueries},
	} {
		t.Run(d.name, func(t *testing.T) {
			mustExec(t, oracle.db(""), "CREATE DATABASE "+d.name+" CHARACTER SET utf8mb4")
			d.fill(t, oracle)
			script := dump(t, oracle.login(), append(d.args, d.name)...)
			mustExec(t, c.db(""), "CREATE DATABASE "+d.name+" CHARACTER SET utf8mb4")
			// Accounts are no part of a database's dump; without its definer a routine answers 1449, as MySQL's does.
			mustExec(t, c.db(""), "CREATE USER IF NOT EXISTS clerk@'%' IDENTIFIED BY 'clerk'", "GRANT ALL ON "+d.name+".* TO clerk@'%'")
			if _, err := pipe(bytes.NewReader(script), "mariadb", append(c.login(), d.name)...); err != nil {
				t.Fatalf("load the dump of %s: %v", d.name, err)
			}
			n, bad := compare(t, oracle.login(), c.login(), d.name, d.queries)
			total += n
			differ += bad
			roundTrip(t, oracle, c, d.name)
		})
	}
	figure(t, "2: %d queries over three dumped schemas, %d answers differ from MariaDB's", total, differ)
	if total < 60 {
		t.Errorf("only %d queries were compared, want at least 60", total)
	}
}

func fillWorld(t *testing.T, m *mariadb) {
	for _, path := range []string{worldSchemaFile, worldDataFile} {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Skipf("package mariadb-test-data is not installed: %v", err)
		}
		client(t, m.login(), bytes.NewReader(b), "world")
	}
}

var (
	wordpressTable  = regexp.MustCompile(`(?s)CREATE TABLE \$wpdb->(\w+) \(\n.*?\) \$charset_collate;`)
	wordpressPrefix = strings.NewReplacer("$wpdb->", "wp_", "$max_index_length", "191", "$charset_collate", "DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci")
)

// fillWordpress creates the tables as WordPress' installer would, from the same text, and a small blog in them.
func fillWordpress(t *testing.T, m *mariadb) {
	var php []byte
	for _, path := range wordpressSchemaFiles {
		if b, err := os.ReadFile(path); err == nil {
			php = b
		}
	}
	if php == nil {
		t.Skip("package wordpress is not there")
	}
	db := m.db("wordpress")
	seen := map[string]bool{}
	for _, match := range wordpressTable.FindAllStringSubmatch(string(php), -1) {
		if !seen[match[1]] { // tables of a multi-site installation repeat some
			seen[match[1]] = true
			mustExec(t, db, "SET SESSION sql_mode = ''", wordpressPrefix.Replace(match[0]))
		}
	}
	if len(seen) < 12 {
		t.Fatalf("only %d tables found in WordPress' schema", len(seen))
	}
	mustExec(t, db, wordpressRows()...)
}

// wordpressRows is a deterministic blog: authors, posts with revisions, terms, comments, options with long values.
func wordpressRows() []string {
	var s []string
	add := func(format string, args ...any) { s = append(s, fmt.Sprintf(format, args...)) }
	for i := 1; i <= 5; i++ {
		add("INSERT INTO wp_users VALUES (%d,'author%d','$P$Bhash%d','author-%d','a%d@example.org','http://example.org/%d','2024-0%d-11 10:00:00','',0,'Ünïcode Author %d')", i, i, i, i, i, i, i, i)
		add("INSERT INTO wp_usermeta (user_id, meta_key, meta_value) VALUES (%d,'nickname','nick%d'),(%d,'wp_capabilities','a:1:{s:6:\"author\";b:1;}')", i, i, i)
	}
	status := []string{"publish", "publish", "publish", "draft", "private"}
	kind := []string{"post", "post", "page", "revision"}
	for i := 1; i <= 120; i++ {
		add("INSERT INTO wp_posts (post_author,post_date,post_date_gmt,post_content,post_title,post_excerpt,post_status,post_name,to_ping,pinged,post_modified,post_modified_gmt,post_content_filtered,post_parent,guid,menu_order,post_type,comment_count) VALUES (%d,'2024-%02d-%02d 12:%02d:00','2024-%02d-%02d 11:%02d:00','%s','Title № %d – “quoted” ☃','ex%d','%s','title-%d','','','2024-12-%02d 00:00:00','2024-12-%02d 00:00:00','',%d,'http://example.org/?p=%d',%d,'%s',%d)",
			i%5+1, i%12+1, i%28+1, i%60, i%12+1, i%28+1, i%60, strings.Repeat(fmt.Sprintf("<p>Paragraph %d of the post. It\\'s long.</p>\\n", i), i), i, i, status[i%5], i, i%28+1, i%28+1, i/10, i, i%7, kind[i%4], i%6)
		add("INSERT INTO wp_postmeta (post_id,meta_key,meta_value) VALUES (%d,'_edit_lock','%d:1'),(%d,'_views','%d')", i, 1700000000+i, i, i*37%101)
	}
	for i := 1; i <= 12; i++ {
		add("INSERT INTO wp_terms VALUES (%d,'Term %d','term-%d',%d)", i, i, i, i%3)
		add("INSERT INTO wp_term_taxonomy VALUES (%d,%d,'%s','about %d',%d,%d)", i, i, []string{"category", "post_tag"}[i%2], i, i/4, i*3)
	}
	for i := 1; i <= 120; i++ {
		add("INSERT INTO wp_term_relationships VALUES (%d,%d,0),(%d,%d,1)", i, i%6+1, i, i%6+7)
		add("INSERT INTO wp_comments (comment_post_ID,comment_author,comment_author_email,comment_date,comment_date_gmt,comment_content,comment_approved,comment_parent,user_id) VALUES (%d,'Reader %d','r%d@example.net','2024-11-%02d 01:02:03','2024-11-%02d 00:02:03','Comment %d: “nice” 👍','%s',%d,%d)",
			i%40+1, i%9, i%9, i%30+1, i%30+1, i, []string{"1", "1", "0", "spam"}[i%4], i/3, i%5)
	}
	for i := 1; i <= 150; i++ {
		add("INSERT INTO wp_options (option_name, option_value, autoload) VALUES ('option_%d','%s','%s')", i, strings.Repeat("s:4:\"data\";", i%50), []string{"yes", "no"}[i%2])
	}
	return s
}

func fillShop(t *testing.T, m *mariadb) {
	client(t, m.login(), strings.NewReader(shopSchema), "shop")
}

// compare runs each line of queries on both servers and returns how many there were and how many differed.
func compare(t *testing.T, want, got []string, database, queries string) (n, bad int) {
	t.Helper()
	for query := range strings.Lines(queries) {
		query = strings.TrimSpace(query)
		if query == "" || strings.HasPrefix(query, "--") {
			continue
		}
		n++
		w, g := answer(want, database, query), answer(got, database, query)
		if strings.HasPrefix(w, "error") {
			t.Errorf("MariaDB itself refuses a query of the list: %s\n%s", query, w)
		}
		if w != g {
			bad++
			t.Errorf("%s\n%s", query, firstDifference(w, g))
		}
	}
	return n, bad
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		var a, b string
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			b = g[i]
		}
		if a != b {
			return fmt.Sprintf("line %d of %d and %d:\n  MariaDB %.300q\n  Zorya   %.300q", i, len(w), len(g), a, b)
		}
	}
	return "no difference"
}

// roundTrip dumps a database out of Zorya and loads it into MariaDB beside the original: the checksums must agree.
func roundTrip(t *testing.T, m *mariadb, c *cluster, name string) {
	t.Helper()
	out, err := pipe(nil, "mariadb-dump", append(c.login(), "--single-transaction", name)...)
	if err != nil {
		t.Errorf("mariadb-dump from Zorya: %v", err)
		return
	}
	db := m.db("")
	mustExec(t, db, "CREATE DATABASE back_"+name+" CHARACTER SET utf8mb4")
	if _, err := pipe(strings.NewReader(out), "mariadb", append(m.login(), "back_"+name)...); err != nil {
		t.Errorf("load Zorya's dump of %s into MariaDB: %v", name, err)
		return
	}
	rows, err := db.Query("SELECT table_name FROM information_schema.tables WHERE table_schema = ? AND table_type = 'BASE TABLE' ORDER BY 1", name)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	tables := 0
	for rows.Next() {
		var table, ignore string
		if err := rows.Scan(&table); err != nil {
			t.Fatal(err)
		}
		tables++
		var original, back sql.NullInt64
		if err := db.QueryRow(fmt.Sprintf("CHECKSUM TABLE `%s`.`%s` EXTENDED", name, table)).Scan(&ignore, &original); err != nil {
			t.Fatal(err)
		}
		if err := db.QueryRow(fmt.Sprintf("CHECKSUM TABLE `back_%s`.`%s` EXTENDED", name, table)).Scan(&ignore, &back); err != nil {
			t.Fatal(err)
		}
		if original != back || !original.Valid {
			t.Errorf("%s.%s: checksum %v in the original, %v after the way through Zorya", name, table, original, back)
		}
	}
	figure(t, "2: %s: %d tables dumped from Zorya have the original's checksums in MariaDB", name, tables)
}
