//go:build e2e

package e2e

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// What MariaDB recorded is compared with what Zorya said line by line, and whole. The two servers print some things differently whatever they hold; a recorded
// line that differs may say it in MySQL 8.0's words, by these rules and no others. Of what Zorya says only three things are passed over: warnings that a spelling is
// deprecated (mysqltestSilent), the table in a key's name (mysqltestKey), and capitals in information_schema's titles (mysqltestTitle).

// mysqltestSays are those rules, each applied to a recorded line that Zorya's does not equal.
var mysqltestSays = []struct {
	mariadb *regexp.Regexp
	mysql   string
}{
	// The width of whole numbers is gone since 8.0.19, but for tinyint(1) and ZEROFILL; YEAR has none either.
	{regexp.MustCompile(`\b((?:small|medium|big)?int|tinyint)\((\d+)\)( unsigned zerofill)`), "${1}<${2}>${3}"},
	{regexp.MustCompile(`\btinyint\(1\)( unsigned)?`), "tinyint<1>${1}"},
	{regexp.MustCompile(`\b((?:small|medium|big)?int|tinyint)\(\d+\)`), "${1}"},
	{regexp.MustCompile(`\btinyint<1> unsigned$`), "tinyint unsigned"},
	{regexp.MustCompile(`\btinyint<1> unsigned( [^z])`), "tinyint unsigned${1}"},
	{regexp.MustCompile(`int<(\d+)>`), "int(${1})"},
	{regexp.MustCompile(`\byear\(4\)`), "year"},
	// TEXT and BLOB have no default to be shown.
	{regexp.MustCompile("^(  `[^`]+` (?:tiny|medium|long)?(?:blob|text)\\b.*?) DEFAULT NULL"), "${1}"},
	// Partitions stand in a comment, and their names are quoted where it needs be.
	{regexp.MustCompile(`^ (PARTITION BY (?:RANGE|LIST) +COLUMNS)`), "/*!50500 ${1}"},
	{regexp.MustCompile(`^ PARTITION BY `), "/*!50100 PARTITION BY "},
	{regexp.MustCompile("^([ (]*(?:SUB)?PARTITION )`(\\w+)`"), "${1}${2}"},
	{regexp.MustCompile("^(/\\*!50[15]00 PARTITION BY .*(?:KEY|COLUMNS) ?\\()`(\\w+)`"), "${1}${2}"},
	{regexp.MustCompile("^(/\\*!50[15]00 PARTITION BY .*(?:KEY|COLUMNS) ?\\(\\w+,)`(\\w+)`"), "${1}${2}"},
	{regexp.MustCompile(`^(/\*!50[15]00 PARTITION BY (?:LINEAR )?(?:HASH|KEY) \(.*\)|(?:SUB)?PARTITIONS \d+|[ (]*(?:SUB)?PARTITION \w+ .*ENGINE = \w+\)+)$`), "${1} */"},
	// SHOW INDEX tells of Visible and Expression, MariaDB's of Ignored; MariaDB's SHOW TABLE STATUS has two columns more.
	{regexp.MustCompile(`^(Table\tNon_unique\tKey_name\t.*\tIndex_comment)(?:\tIgnored)?$`), "${1}\tVisible\tExpression"},
	{regexp.MustCompile(`^([^\t]*\t[^\t]*\t[^\t]*\t\d+\t[^\t]+\t(?:[^\t]*\t){4}[^\t]*\t(?:BTREE|HASH|FULLTEXT|SPATIAL|#|<[A-Z_]+>)\t[^\t]*\t[^\t]*)(?:\tNO)?$`), "${1}\tYES\tNULL"},
	{regexp.MustCompile(`^(Name\tEngine\tVersion\t.*\tComment)\tMax_index_length\tTemporary$`), "${1}"},
	{regexp.MustCompile(`^((?:[^\t]*\t){17}[^\t]*)\t(?:\d+|#)\tN$`), "${1}"},
	// A table's collation is shown if it is not its character set's default.
	{regexp.MustCompile(`( DEFAULT CHARSET=(?:ascii|armscii8|cp1250|cp1251|cp1256|cp1257|cp850|cp852|cp866|geostd8|greek|hebrew|keybcs2|koi8r|koi8u|latin2|latin5|latin7|macce|macroman|ucs2|utf16|utf16le|utf32|utf8mb3|gb2312|gbk|big5|sjis|ujis|euckr|cp932|eucjpms|tis620|latin1|swe7|dec8|hp8|binary)) COLLATE=(?:\w+_general_ci|gb2312_chinese_ci|gbk_chinese_ci|big5_chinese_ci|sjis_japanese_ci|ujis_japanese_ci|euckr_korean_ci|cp932_japanese_ci|eucjpms_japanese_ci|tis620_thai_ci|latin1_swedish_ci|latin5_turkish_ci|swe7_swedish_ci|dec8_swedish_ci|hp8_english_ci|binary)\b`), "${1}"},
	// The files' default engine is MyISAM; every table here is InnoDB's.
	{regexp.MustCompile(`^(\) ENGINE=)(?:MyISAM|Aria)\b`), "${1}InnoDB"},
	{regexp.MustCompile(`^(\) ENGINE=InnoDB.*?)(?: PAGE_CHECKSUM=1| TRANSACTIONAL=[01])`), "${1}"},
	// Defaults that are numbers are quoted, and CURRENT_TIMESTAMP is a keyword.
	{regexp.MustCompile(`^(  .* DEFAULT )(-?[0-9][0-9.e+-]*)\b`), "${1}'${2}'"},
	{regexp.MustCompile(`\bcurrent_timestamp\(\)`), "CURRENT_TIMESTAMP"},
	{regexp.MustCompile(`\bcurrent_timestamp(\([1-6]\))`), "CURRENT_TIMESTAMP${1}"},
	// Words of messages.
	{regexp.MustCompile(`^(ERROR 42S22: Unknown column '.*' in )'SELECT'$`), "${1}'field list'"},
	{regexp.MustCompile(`^(ERROR 42S02: Unknown table '.*' in )SELECT$`), "${1}field list"},
	{regexp.MustCompile(`^(ERROR 42S22: Unknown column '.*' in )'WHERE'$`), "${1}'where clause'"},
	{regexp.MustCompile(`^(ERROR 42S22: Unknown column '.*' in )'ON'$`), "${1}'on clause'"},
	{regexp.MustCompile(`^(ERROR 42S22: Unknown column '.*' in )'GROUP BY'$`), "${1}'group statement'"},
	{regexp.MustCompile(`^(ERROR 42S22: Unknown column '.*' in )'ORDER BY'$`), "${1}'order clause'"},
	{regexp.MustCompile(`^(ERROR 42S22: Unknown column '.*' in )'HAVING'$`), "${1}'having clause'"},
	{regexp.MustCompile("^ERROR 42000: Can't DROP (?:INDEX|COLUMN) `(.*)`; check that it exists$"), "ERROR 42000: Can't DROP '${1}'; check that column/key exists"},
	{regexp.MustCompile("^(ERROR 42000: [A-Z ]+ command denied to user '[^']*'@'[^']*' for table )`[^`]*`\\.`([^`]*)`$"), "${1}'${2}'"},
	{regexp.MustCompile(`your MariaDB server version`), "your MySQL server version"},
	{regexp.MustCompile("^(Warning\t|Error\t|Note\t|ERROR )(.* for column )`[^`]*`\\.`[^`]*`\\.`([^`]*)` at row "), "${1}${2}'${3}' at row "},
	{regexp.MustCompile(`^ERROR 22007: (Incorrect (?:integer|decimal|double|string) value: )`), "ERROR HY000: ${1}"},
}

// mysqltestKey is a key in messages, which MySQL 8.0 names with its table.
var mysqltestKey = regexp.MustCompile(`( for key ')[^'.]*\.([^']*'$)`)

// mysqltestSilent are lines that only one of the two servers has: MariaDB's statistics, MySQL's warnings that a spelling is deprecated.
var mysqltestSilent = struct{ mariadb, mysql *regexp.Regexp }{
	regexp.MustCompile(`\tanalyze\t(?:status\tEngine-independent statistics collected|Warning\tEngine-independent statistics are not collected for column '[^']*')$`),
	regexp.MustCompile(`^Warning\t(?:1681\t|3719\t|3778\t|1287\t'(?:BINARY as attribute|utf8mb3|utf8mb3_\w+|VALUES function|SQL_CALC_FOUND_ROWS|FOUND_ROWS\(\)|@@\w+)')`),
}

var mysqltestWarning = regexp.MustCompile(`^(?:Warning|Note|Error)\t\d+\t`)

// mysqltestLines are a result's lines without those of the other server's silence; warnings that are all gone take their title along.
func mysqltestLines(result string, gone *regexp.Regexp) (lines []string) {
	all := strings.Split(strings.TrimRight(result, "\n"), "\n")
	for i := 0; i < len(all); i++ {
		if all[i] == "Warnings:" {
			n := i + 1
			for n < len(all) && mysqltestWarning.MatchString(all[n]) {
				n++
			}
			if n > i+1 && !slices.ContainsFunc(all[i+1:n], func(s string) bool { return !gone.MatchString(s) }) {
				i = n - 1
				continue
			}
		}
		if !gone.MatchString(all[i]) {
			lines = append(lines, all[i])
		}
	}
	return lines
}

// mysqltestSame tells whether Zorya's line is the recorded one, as MySQL 8.0 says it.
func mysqltestSame(recorded, line string) bool {
	if recorded == line {
		return true
	}
	for _, r := range mysqltestSays {
		if recorded = r.mariadb.ReplaceAllString(recorded, r.mysql); recorded == line {
			return true
		}
	}
	return recorded == mysqltestKey.ReplaceAllString(line, "${1}${2}") || mysqltestTitle(recorded, line)
}

// mysqltestTitle tells whether a line is the titles of the same columns of information_schema, which MySQL 8.0 prints in capitals.
func mysqltestTitle(recorded, line string) bool {
	a, b := strings.Split(recorded, "\t"), strings.Split(line, "\t")
	if len(a) != len(b) || !mysqltestNames.MatchString(line) {
		return false
	}
	for i := range a {
		if a[i] != b[i] && strings.ToUpper(a[i]) != b[i] {
			return false
		}
	}
	return true
}

// mysqltestNames are titles of which one at least is a column of information_schema.
var mysqltestNames = regexp.MustCompile(`(?:^|\t)(?:[A-Z]+_[A-Z_]+|ENGINE|EXTRA|COMMENT|PRIVILEGES|GRANTEE)(?:\t|$)`)

// mysqltestDiffers shows where a file's output first differs from what was recorded; it is empty if nowhere.
func mysqltestDiffers(recorded, output string) string {
	if recorded == output {
		return ""
	}
	want, got := mysqltestLines(recorded, mysqltestSilent.mariadb), mysqltestLines(output, mysqltestSilent.mysql)
	for i := range max(len(want), len(got)) {
		if i < len(want) && i < len(got) && mysqltestSame(want[i], got[i]) {
			continue
		}
		var out strings.Builder
		from := max(0, i-4)
		for _, s := range got[min(from, len(got)):min(i, len(got))] {
			fmt.Fprintf(&out, " %s\n", s)
		}
		for _, s := range want[min(i, len(want)):min(i+6, len(want))] {
			fmt.Fprintf(&out, "-%s\n", s)
		}
		for _, s := range got[min(i, len(got)):min(i+6, len(got))] {
			fmt.Fprintf(&out, "+%s\n", s)
		}
		return out.String()
	}
	return ""
}
