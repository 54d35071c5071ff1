package general

import (
	"strings"
	"unicode/utf8"

	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/sqltext"
)

// rewrite turns syntax that the library's grammar lacks into what it has. It is tried only on texts that the grammar refused. changed
// is false when there was nothing to do.
func rewrite(text string, mode lexer.Mode) (out string, changed bool) {
	t := cutTokens(text, mode, 1<<20)
	w := &rewriter{t: t, skip: map[int]bool{}, with: map[int]string{}}
	w.statement()
	for ; !t.end(); t.pos++ {
		w.token()
	}
	w.nameItems()
	return w.build(), w.changed
}

type rewriter struct {
	t       *tokens
	skip    map[int]bool   // tokens to leave out
	with    map[int]string // tokens to replace
	changed bool
}

func (w *rewriter) drop(i, n int) {
	for k := range n {
		w.skip[w.t.pos+i+k] = true
	}
	w.changed = true
}

func (w *rewriter) put(i int, text string) {
	w.with[w.t.pos+i] = text
	w.changed = true
}

// build writes the tokens again, keeping blanks and comments between them.
func (w *rewriter) build() string {
	if !w.changed {
		return w.t.src
	}
	var b strings.Builder
	last := 0
	for i, k := range w.t.list {
		b.WriteString(w.t.src[last:k.Start])
		last = k.End
		switch text, ok := w.with[i]; {
		case w.skip[i]:
			b.WriteByte(' ')
		case ok:
			b.WriteString(text)
		default:
			b.WriteString(w.t.src[k.Start:k.End])
		}
	}
	b.WriteString(w.t.src[last:])
	return b.String()
}

// statement handles what depends on the first words.
func (w *rewriter) statement() {
	t := w.t
	w.indexHints()
	switch t.word(0) {
	case "INSERT", "REPLACE", "UPDATE", "DELETE":
		if t.word(0) == "DELETE" {
			w.aliasedDelete()
			w.starredTargets()
		}
		for i := 1; i < 4; i++ {
			switch t.word(i) {
			case "DELAYED", "LOW_PRIORITY", "HIGH_PRIORITY", "QUICK":
				w.drop(i, 1)
			case "IGNORE":
				if t.word(0) == "DELETE" {
					w.put(i, "/*"+ignoreMarker+"*/")
				}
			}
		}
	case "SET":
		w.binarySet()
	case "SHOW":
		if t.word(1) == "SCHEMAS" {
			w.put(1, "DATABASES")
		}
	case "EXPLAIN", "DESCRIBE", "DESC":
		if t.word(1) == "FORMAT" && t.at(2) == "=" {
			w.drop(1, 3)
		} else if t.word(1) != "" || t.kind(1) == lexer.Quoted {
			w.describeColumn()
		}
	case "ALTER":
		switch {
		case t.word(1) == "VIEW" || t.word(1) == "ALGORITHM" || t.word(1) == "SQL" || t.word(1) == "DEFINER" && w.has("VIEW"):
			w.put(0, "CREATE OR REPLACE")
		case t.word(1) == "TABLE":
			w.addParenthesized()
			w.setVisibility()
			w.alterOptionClauses()
			w.alterOrder()
			w.sizedTexts()
			w.conditionColumns()
		case t.word(1) == "SCHEMA":
			w.put(1, "DATABASE")
		}
	case "CREATE":
		if t.word(1) == "INDEX" || t.word(2) == "INDEX" {
			w.alterOptionClauses()
		}
		w.partitions()
		w.sizedTexts()
		if t.word(1) == "TABLE" || t.word(2) == "TABLE" {
			w.conditionColumns()
		}
	case "DROP":
		switch {
		case t.word(1) == "INDEX":
			w.alterOptionClauses()
		case t.word(1) == "TABLES":
			w.put(1, "TABLE")
		case t.word(1) == "TEMPORARY" && t.word(2) == "TABLES":
			w.put(2, "TABLE")
		}
	}
}

// binarySet: SET character_set_database = binary, whose value the grammar takes for the operator of that name.
func (w *rewriter) binarySet() {
	for i := range w.t.list {
		if w.t.word(i) == "BINARY" && (w.t.at(i-1) == "=" || w.t.at(i-1) == ":=") && (w.t.at(i+1) == "" || w.t.at(i+1) == "," || w.t.at(i+1) == ";") {
			w.put(i, "'binary'")
		}
	}
}

// has reports whether one of the words stands anywhere.
func (w *rewriter) has(words ...string) bool {
	for i := range w.t.list {
		for _, word := range words {
			if w.t.word(i-w.t.pos) == word {
				return true
			}
		}
	}
	return false
}

// starredTargets: DELETE t1.*, t2.* FROM ..., and DELETE FROM t1.*, t2.* USING ...
func (w *rewriter) starredTargets() {
	for i := 1; i+1 < len(w.t.list); i++ {
		switch w.t.word(i) {
		case "WHERE", "USING":
			return
		case "FROM":
			if i > 1 && w.t.word(i-1) != "QUICK" && w.t.word(i-1) != "IGNORE" && w.t.word(i-1) != "LOW_PRIORITY" {
				return
			}
		}
		if w.t.at(i) == "." && w.t.at(i+1) == "*" {
			w.drop(i, 2)
		} else if strings.HasSuffix(w.t.at(i), ".*") {
			w.put(i, strings.TrimSuffix(w.t.at(i), ".*"))
		}
	}
}

// aliasedDelete: DELETE FROM t AS x WHERE ..., which the grammar has as DELETE x FROM t AS x. That form has no ORDER BY and no LIMIT.
func (w *rewriter) aliasedDelete() {
	t := w.t
	if t.word(1) != "FROM" || w.has("LIMIT") || w.has("ORDER") {
		return
	}
	save := t.pos
	defer func() { t.pos = save }()
	t.pos += 2
	if _, _, ok := t.qualified(); !ok {
		return
	}
	t.accept("AS")
	alias, ok := t.name()
	if ok && (t.end() || t.word(0) == "WHERE") {
		t.pos = save
		w.put(1, sqltext.Quote(alias)+" FROM")
	}
}

// describeColumn: DESCRIBE t c.
func (w *rewriter) describeColumn() {
	t := w.t
	save := t.pos
	defer func() { t.pos = save }()
	t.pos++
	schema, name, ok := t.qualified()
	if !ok || t.end() {
		return
	}
	col, ok := t.name()
	if !ok || !t.end() {
		return
	}
	target := sqltext.Quote(name)
	if schema != "" {
		target = sqltext.Quote(schema) + "." + target
	}
	t.pos = save
	w.put(0, "SHOW COLUMNS FROM "+target+" LIKE "+quoteString(col))
	w.drop(1, len(t.list)-1)
}

// addParenthesized: ALTER TABLE t ADD (a int, b int).
func (w *rewriter) addParenthesized() {
	t := w.t
	for i := range t.list {
		if t.word(i) != "ADD" {
			continue
		}
		j := i + 1
		if t.word(j) == "COLUMN" {
			j++
		}
		if t.at(j) != "(" {
			continue
		}
		depth := 0
		for k := j; k < len(t.list); k++ {
			switch t.at(k) {
			case "(":
				depth++
			case ")":
				if depth--; depth == 0 {
					w.drop(j, 1)
					w.drop(k, 1)
					return
				}
			case ",":
				if depth == 1 {
					w.put(k, ", ADD COLUMN")
				}
			}
		}
	}
}

// partitions removes the partitioning of a new table, which the grammar lacks: see partitionClause.
func (w *rewriter) partitions() {
	t := w.t
	for i := range t.outer(0) {
		if t.word(i) == "PARTITION" && t.word(i+1) == "BY" {
			n := len(t.list) - i
			if p := parsePartitioning(t.src[t.list[i].Start:]); p != nil {
				n = p.tokens
			}
			w.drop(i, n)
			return
		}
	}
}

// token handles what may stand anywhere.
func (w *rewriter) token() {
	t := w.t
	if t.at(0) == "(" {
		w.parenthesized()
		return
	}
	if t.kind(0) == lexer.Word && strings.Contains(t.at(0), "$") { // x$name: a name, though the grammar has no such
		w.put(0, sqltext.Quote(t.at(0)))
		return
	}
	switch t.word(0) {
	case "SELECT":
		for i := 1; selectOptions[t.word(i)] > 0; i++ {
			if selectOptions[t.word(i)] == dropped {
				w.drop(i, 1)
			}
		}
	case "FOR":
		if !w.lockClauses() && t.word(1) == "SHARE" {
			w.share()
		}
	case "LOCK":
		if t.word(1) == "IN" && t.word(2) == "SHARE" && (t.word(4) == "NOWAIT" || t.word(4) == "SKIP") {
			w.put(0, "FOR UPDATE OF `"+shareMarker+"`")
			w.drop(1, 3)
		}
	case "YEAR":
		if t.at(1) == "(" && t.kind(2) == lexer.Int && t.at(3) == ")" {
			w.drop(1, 3)
		}
	case "UNKNOWN":
		if w.t.pos > 1 && (strings.EqualFold(t.at(-1), "IS") || strings.EqualFold(t.at(-1), "NOT") && strings.EqualFold(t.at(-2), "IS")) {
			w.put(0, "NULL")
		}
	case "PERSISTENT":
		w.put(0, "STORED")
	case "PRIMARY":
		if t.at(1) == ")" || t.at(1) == "," {
			w.put(0, "`PRIMARY`")
		}
	case "ROW":
		if t.at(1) == "(" && t.pos > 0 && !strings.EqualFold(t.at(-1), "VALUES") && (t.at(-1) != "," || !w.has("VALUES")) {
			w.drop(0, 1)
		}
	case "MEMBER":
		w.memberOf()
	case "JSON_VALUE":
		if t.at(1) == "(" {
			w.jsonValueClauses()
		}
	case "JSON_TABLE":
		if t.at(1) == "(" {
			w.jsonTableClauses()
		}
	case "CAST":
		w.castArray()
	case "INTERVAL":
		if !w.intervalCall() {
			w.compositeInterval()
		}
	case "ANY", "SOME", "ALL":
		w.quantified()
	case "DEFAULT":
		if t.at(1) == "(" && (t.kind(2) == lexer.Word || t.kind(2) == lexer.Quoted) && w.has("SELECT", "UPDATE", "REPLACE", "INSERT") {
			w.put(0, defaultFunction)
		}
	case "WITH":
		if t.word(1) == "ROLLUP" {
			w.rollup()
		}
	case "GROUPING":
		if t.at(1) == "(" {
			w.grouping()
		}
	case "GEOMCOLLECTION":
		w.put(0, "GEOMETRYCOLLECTION")
	case "FROM", "RESPECT":
		w.nullTreatment()
	case "SUBSTRING", "SUBSTR", "MID":
		if t.at(1) == "(" {
			w.substring()
		}
	case "SOUNDS":
		if t.word(1) == "LIKE" {
			w.soundsLike()
		}
	}
	if t.kind(0) == lexer.UserVar && t.at(1) == ":=" && !w.inSet() {
		w.assignment()
	}
	if name := t.at(0); t.kind(0) == lexer.Word && strings.IndexFunc(name, func(r rune) bool { return r >= utf8.RuneSelf }) >= 0 {
		w.put(0, sqltext.Quote(name)) // letters beyond ASCII need no quotes in MySQL
	}
}

// selectOptions may stand after SELECT, in any order; those that only advise the optimiser are dropped.
var selectOptions = map[string]int{"DISTINCT": 1, "DISTINCTROW": 1, "ALL": 1, "STRAIGHT_JOIN": 1, "SQL_CALC_FOUND_ROWS": 1, "SQL_NO_CACHE": dropped,
	"HIGH_PRIORITY": dropped, "SQL_SMALL_RESULT": dropped, "SQL_BIG_RESULT": dropped, "SQL_BUFFER_RESULT": dropped}

const dropped = 2

// ignoreMarker is the comment that stands for IGNORE in a DELETE.
const ignoreMarker = "zorya_ignore"

// inSet: SET @a := 1 is in the grammar.
func (w *rewriter) inSet() bool {
	return strings.EqualFold(w.t.src[w.t.list[0].Start:w.t.list[0].End], "SET")
}

// share: FOR SHARE becomes FOR UPDATE with a marker.
func (w *rewriter) share() {
	t := w.t
	if t.word(2) == "OF" {
		w.put(1, "UPDATE")
		w.put(2, "OF `"+shareMarker+"`,")
		return
	}
	w.put(1, "UPDATE OF `"+shareMarker+"`")
}

// assignment: @a := expr within an expression becomes a function call.
func (w *rewriter) assignment() {
	t := w.t
	name := unquote(strings.TrimPrefix(t.at(0), "@"))
	end := w.expressionEnd(2)
	w.put(0, setVarFunction+"("+quoteString(name)+",")
	w.drop(1, 1)
	last := end - 1
	text := t.at(last)
	if have, ok := w.with[t.pos+last]; ok {
		text = have
	}
	w.put(last, text+")")
}

// expressionEnd finds the token after the expression that starts at i.
func (w *rewriter) expressionEnd(i int) int {
	t := w.t
	depth := 0
	for ; t.kind(i) != lexer.EOF; i++ {
		switch text := t.at(i); {
		case text == "(":
			depth++
		case text == ")":
			if depth == 0 {
				return i
			}
			depth--
		case depth == 0 && (text == "," || text == ";"):
			return i
		case depth == 0:
			switch t.word(i) {
			case "FROM", "AS", "WHERE", "ORDER", "LIMIT", "GROUP", "HAVING", "UNION", "INTO", "FOR", "THEN", "ELSE", "END", "WHEN", "AND", "OR":
				return i
			}
		}
	}
	return i
}

// soundsLike: a SOUNDS LIKE b compares their SOUNDEX.
func (w *rewriter) soundsLike() {
	t := w.t
	if t.pos == 0 {
		return
	}
	k := t.list[t.pos-1]
	w.with[t.pos-1] = "SOUNDEX(" + t.src[k.Start:k.End] + ")"
	w.put(0, "=")
	w.drop(1, 1)
	w.put(2, "SOUNDEX("+t.at(2)+")")
}

// bitNot rewrites ~x, which the library parses and does not execute, as x XOR all ones.
func bitNot(text string, mode lexer.Mode) string {
	if !strings.Contains(text, "~") {
		return text
	}
	t := cutTokens(text, mode, 1<<20)
	w := &rewriter{t: t, skip: map[int]bool{}, with: map[int]string{}}
	for ; !t.end(); t.pos++ {
		if t.at(0) != "~" || t.kind(0) != lexer.Op {
			continue
		}
		end, depth := 1, 0
		for ; t.kind(end) != lexer.EOF; end++ { // the operand: a name, a number, a call or a parenthesis
			switch {
			case t.at(end) == "(":
				depth++
			case t.at(end) == ")":
				depth--
			}
			next := t.at(end + 1)
			if depth <= 0 && next != "(" && next != "." && t.at(end) != "." && t.at(end) != "-" && t.at(end) != "~" {
				break
			}
		}
		w.put(0, "(18446744073709551615 ^ ")
		w.put(end, t.at(end)+")")
	}
	return w.build()
}

// knownCollations replaces MariaDB's UCA 14.0 collations by MySQL's nearest.
func knownCollations(text string) string {
	if !strings.Contains(text, "uca1400") {
		return text
	}
	t := cutTokens(text, 0, 1<<20)
	w := &rewriter{t: t, skip: map[int]bool{}, with: map[int]string{}}
	for ; !t.end(); t.pos++ {
		word := strings.ToLower(unquote(t.at(0)))
		if i := strings.Index(word, "uca1400"); i >= 0 && (t.kind(0) == lexer.Word || t.kind(0) == lexer.Quoted || t.kind(0) == lexer.String) && !strings.Contains(word, " ") {
			name := "utf8mb4_0900_ai_ci"
			switch {
			case strings.HasPrefix(word, "utf8mb3_"), strings.HasPrefix(word, "utf8_"):
				name = "utf8mb3_unicode_ci"
			case strings.Contains(word, "as_cs"):
				name = "utf8mb4_0900_as_cs"
			case strings.Contains(word, "as_ci"):
				name = "utf8mb4_0900_as_ci"
			}
			if t.kind(0) == lexer.String {
				name = quoteString(name)
			}
			w.put(0, name)
		}
	}
	return w.build()
}
