package grammar

import (
	"strings"
	"unicode/utf8"

	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/sqltext"
)

// Rewrite turns syntax that the library's grammar lacks into what it has. It is tried only on texts that the grammar refused. changed
// is false when there was nothing to do.
func Rewrite(text string, mode lexer.Mode) (out string, changed bool) {
	t := lexer.NewCursor(text, mode, 1<<20)
	w := &rewriter{t: t, skip: map[int]bool{}, with: map[int]string{}}
	w.statement()
	for ; !t.End(); t.Pos++ {
		w.token()
	}
	w.nameItems()
	return w.build(), w.changed
}

type rewriter struct {
	t       *lexer.Cursor
	skip    map[int]bool   // tokens to leave out
	with    map[int]string // tokens to replace
	changed bool
}

func (w *rewriter) drop(i, n int) {
	for k := range n {
		w.skip[w.t.Pos+i+k] = true
	}
	w.changed = true
}

func (w *rewriter) put(i int, text string) {
	w.with[w.t.Pos+i] = text
	w.changed = true
}

// build writes the tokens again, keeping blanks and comments between them.
func (w *rewriter) build() string {
	if !w.changed {
		return w.t.Src
	}
	var b strings.Builder
	last := 0
	for i, k := range w.t.Tokens {
		b.WriteString(w.t.Src[last:k.Start])
		last = k.End
		switch text, ok := w.with[i]; {
		case w.skip[i]:
			b.WriteByte(' ')
		case ok:
			b.WriteString(text)
		default:
			b.WriteString(w.t.Src[k.Start:k.End])
		}
	}
	b.WriteString(w.t.Src[last:])
	return b.String()
}

// statement handles what depends on the first words.
func (w *rewriter) statement() {
	t := w.t
	w.indexHints()
	switch t.Word(0) {
	case "INSERT", "REPLACE", "UPDATE", "DELETE":
		if t.Word(0) == "DELETE" {
			w.aliasedDelete()
			w.starredTargets()
		}
		if t.Word(0) == "INSERT" {
			w.setAliased()
		}
		for i := 1; i < 4; i++ {
			switch t.Word(i) {
			case "DELAYED", "LOW_PRIORITY", "HIGH_PRIORITY", "QUICK":
				w.drop(i, 1)
			case "IGNORE":
				if t.Word(0) == "DELETE" {
					w.put(i, "/*"+IgnoreMarker+"*/")
				}
			}
		}
	case "SET":
		w.binarySet()
	case "SHOW":
		switch {
		case t.Word(1) == "SCHEMAS":
			w.put(1, "DATABASES")
		case t.Word(1) == "LOCAL":
			w.put(1, "SESSION")
		case t.Word(1) == "EXTENDED" && (t.Word(2) == "TABLES" || t.Word(3) == "TABLES"): // there are no tables that a failed ALTER has left
			w.drop(1, 1)
		}
	case "EXPLAIN", "DESCRIBE", "DESC":
		if t.Word(1) == "FORMAT" && t.At(2) == "=" {
			w.drop(1, 3)
		} else if t.Word(1) != "" || t.Kind(1) == lexer.Quoted {
			w.describeColumn()
		}
	case "ALTER":
		switch {
		case t.Word(1) == "VIEW" || t.Word(1) == "ALGORITHM" || t.Word(1) == "SQL" || t.Word(1) == "DEFINER" && w.has("VIEW"):
			w.put(0, "CREATE OR REPLACE")
		case t.Word(1) == "TABLE":
			w.addParenthesized()
			w.setVisibility()
			w.alterOptionClauses()
			w.alterNothing()
			w.alterOptions()
			w.inlineReferences()
			w.indexTypes()
			w.alterOrder()
			w.sizedTexts()
			w.conditionColumns()
		case t.Word(1) == "SCHEMA":
			w.put(1, "DATABASE")
		}
	case "CREATE":
		if t.Word(1) == "INDEX" || t.Word(2) == "INDEX" {
			w.alterOptionClauses()
		}
		w.partitions()
		w.sizedTexts()
		if t.Word(1) == "TABLE" || t.Word(2) == "TABLE" {
			w.inlineReferences()
			w.indexTypes()
			w.tableOfQuery()
			w.tableOfParenthesized()
			w.conditionColumns()
		}
	case "DROP":
		switch {
		case t.Word(1) == "INDEX":
			w.alterOptionClauses()
		case t.Word(1) == "TABLES":
			w.put(1, "TABLE")
		case t.Word(1) == "TEMPORARY" && t.Word(2) == "TABLES":
			w.put(2, "TABLE")
		}
	}
}

// binarySet: SET character_set_database = binary, whose value the grammar takes for the operator of that name.
func (w *rewriter) binarySet() {
	for i := range w.t.Tokens {
		if w.t.Word(i) == "BINARY" && (w.t.At(i-1) == "=" || w.t.At(i-1) == ":=") && (w.t.At(i+1) == "" || w.t.At(i+1) == "," || w.t.At(i+1) == ";") {
			w.put(i, "'binary'")
		}
	}
}

// has reports whether one of the words stands anywhere.
func (w *rewriter) has(words ...string) bool {
	for i := range w.t.Tokens {
		for _, word := range words {
			if w.t.Word(i-w.t.Pos) == word {
				return true
			}
		}
	}
	return false
}

// starredTargets: DELETE t1.*, t2.* FROM ..., and DELETE FROM t1.*, t2.* USING ...
func (w *rewriter) starredTargets() {
	for i := 1; i+1 < len(w.t.Tokens); i++ {
		switch w.t.Word(i) {
		case "WHERE", "USING":
			return
		case "FROM":
			if i > 1 && w.t.Word(i-1) != "QUICK" && w.t.Word(i-1) != "IGNORE" && w.t.Word(i-1) != "LOW_PRIORITY" {
				return
			}
		}
		if w.t.At(i) == "." && w.t.At(i+1) == "*" {
			w.drop(i, 2)
		} else if strings.HasSuffix(w.t.At(i), ".*") {
			w.put(i, strings.TrimSuffix(w.t.At(i), ".*"))
		}
	}
}

// aliasedDelete: DELETE FROM t AS x WHERE ..., which the grammar has as DELETE x FROM t AS x. That form has no ORDER BY and no LIMIT.
func (w *rewriter) aliasedDelete() {
	t := w.t
	if t.Word(1) != "FROM" || w.has("LIMIT") || w.has("ORDER") {
		return
	}
	save := t.Pos
	defer func() { t.Pos = save }()
	t.Pos += 2
	if _, _, ok := t.Qualified(); !ok {
		return
	}
	t.Accept("AS")
	alias, ok := t.Name()
	if ok && (t.End() || t.Word(0) == "WHERE") {
		t.Pos = save
		w.put(1, sqltext.Quote(alias)+" FROM")
	}
}

// describeColumn: DESCRIBE t c.
func (w *rewriter) describeColumn() {
	t := w.t
	save := t.Pos
	defer func() { t.Pos = save }()
	t.Pos++
	schema, name, ok := t.Qualified()
	if !ok || t.End() {
		return
	}
	col, ok := t.Name()
	if !ok || !t.End() {
		return
	}
	target := sqltext.Quote(name)
	if schema != "" {
		target = sqltext.Quote(schema) + "." + target
	}
	t.Pos = save
	w.put(0, "SHOW COLUMNS FROM "+target+" LIKE "+sqltext.Literal(col))
	w.drop(1, len(t.Tokens)-1)
}

// partitions removes the partitioning of a new table, which the grammar lacks: see PartitionClause.
func (w *rewriter) partitions() {
	t := w.t
	for i := range t.Outer(0) {
		if t.Word(i) == "PARTITION" && t.Word(i+1) == "BY" {
			n := len(t.Tokens) - i
			if p := ParsePartitioning(t.Src[t.Tokens[i].Start:]); p != nil {
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
	switch t.At(0) {
	case "(":
		w.parenthesized()
		w.lateConditions(1)
		return
	case "{":
		w.braces()
		return
	}
	if t.Kind(0) == lexer.Word && strings.Contains(t.At(0), "$") { // x$name: a name, though the grammar has no such
		w.put(0, sqltext.Quote(t.At(0)))
		return
	}
	switch t.Word(0) {
	case "SELECT":
		for i := 1; selectOptions[t.Word(i)] > 0; i++ {
			if selectOptions[t.Word(i)] == dropped {
				w.drop(i, 1)
			} else if t.Word(i) == "DISTINCTROW" {
				w.put(i, "DISTINCT")
			}
		}
	case "FOR":
		if !w.lockClauses() && t.Word(1) == "SHARE" {
			w.share()
		}
	case "LOCK":
		if t.Word(1) == "IN" && t.Word(2) == "SHARE" && (t.Word(4) == "NOWAIT" || t.Word(4) == "SKIP") {
			w.put(0, "FOR UPDATE OF `"+shareMarker+"`")
			w.drop(1, 3)
		}
	case "NATURAL":
		if t.Word(1) == "INNER" {
			w.drop(1, 1)
		}
	case "CHAR":
		if t.Word(1) == "SET" {
			w.put(0, "CHARACTER")
		}
	case "YEAR":
		if t.At(1) == "(" && t.Kind(2) == lexer.Int && t.At(3) == ")" {
			w.drop(1, 3)
		}
	case "BYTE", "ASCII", "UNICODE":
		w.characterWord(t.Word(0))
	case "UNKNOWN":
		if w.t.Pos > 1 && (strings.EqualFold(t.At(-1), "IS") || strings.EqualFold(t.At(-1), "NOT") && strings.EqualFold(t.At(-2), "IS")) {
			w.put(0, "NULL")
		}
	case "PERSISTENT":
		w.put(0, "STORED")
	case "PRIMARY":
		if t.At(1) == ")" || t.At(1) == "," {
			w.put(0, "`PRIMARY`")
		}
	case "ROW":
		if t.At(1) == "(" && t.Pos > 0 && !strings.EqualFold(t.At(-1), "VALUES") && (t.At(-1) != "," || !w.has("VALUES")) {
			w.drop(0, 1)
		}
	case "VALUES":
		w.valuesQuery()
	case "MEMBER":
		w.memberOf()
	case "JSON_VALUE":
		if t.At(1) == "(" {
			w.jsonValueClauses()
		}
	case "JSON_TABLE":
		if t.At(1) == "(" {
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
		if t.At(1) == "(" && (t.Kind(2) == lexer.Word || t.Kind(2) == lexer.Quoted) && w.has("SELECT", "UPDATE", "REPLACE", "INSERT") {
			w.put(0, DefaultFunction)
		}
	case "WITH":
		if t.Word(1) == "ROLLUP" {
			w.rollup()
		}
	case "GROUPING":
		if t.At(1) == "(" {
			w.grouping()
		}
	case "GEOMCOLLECTION":
		w.put(0, "GEOMETRYCOLLECTION")
	case "FROM", "RESPECT":
		w.nullTreatment()
		w.lateConditions(1)
	case "SUBSTRING", "SUBSTR", "MID":
		if t.At(1) == "(" {
			w.substring()
		}
	case "SOUNDS":
		if t.Word(1) == "LIKE" {
			w.soundsLike()
		}
	}
	if t.Kind(0) == lexer.UserVar && t.At(1) == ":=" && !w.inSet() {
		w.assignment()
	}
	if name := t.At(0); t.Kind(0) == lexer.Word && strings.IndexFunc(name, func(r rune) bool { return r >= utf8.RuneSelf }) >= 0 {
		w.put(0, sqltext.Quote(name)) // letters beyond ASCII need no quotes in MySQL
	}
}

// selectOptions may stand after SELECT, in any order; those that only advise the optimiser are dropped.
var selectOptions = map[string]int{"DISTINCT": 1, "DISTINCTROW": 1, "ALL": 1, "STRAIGHT_JOIN": 1, "SQL_CALC_FOUND_ROWS": 1, "SQL_NO_CACHE": dropped,
	"HIGH_PRIORITY": dropped, "SQL_SMALL_RESULT": dropped, "SQL_BIG_RESULT": dropped, "SQL_BUFFER_RESULT": dropped}

const dropped = 2

// IgnoreMarker is the comment that stands for IGNORE in a DELETE.
const IgnoreMarker = "zorya_ignore"

// inSet: SET @a := 1 is in the grammar.
func (w *rewriter) inSet() bool {
	return strings.EqualFold(w.t.Span(0, 1), "SET")
}

// share: FOR SHARE becomes FOR UPDATE with a marker.
func (w *rewriter) share() {
	t := w.t
	if t.Word(2) == "OF" {
		w.put(1, "UPDATE")
		w.put(2, "OF `"+shareMarker+"`,")
		return
	}
	w.put(1, "UPDATE OF `"+shareMarker+"`")
}

// assignment: @a := expr within an expression becomes a function call.
func (w *rewriter) assignment() {
	t := w.t
	name := lexer.Unquote(strings.TrimPrefix(t.At(0), "@"))
	end := w.expressionEnd(2)
	w.put(0, SetVarFunction+"("+sqltext.Literal(name)+",")
	w.drop(1, 1)
	last := end - 1
	text := t.At(last)
	if have, ok := w.with[t.Pos+last]; ok {
		text = have
	}
	w.put(last, text+")")
}

// expressionEnd finds the token after the expression that starts at i.
func (w *rewriter) expressionEnd(i int) int {
	t := w.t
	depth := 0
	for ; t.Kind(i) != lexer.EOF; i++ {
		switch text := t.At(i); {
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
			switch t.Word(i) {
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
	if t.Pos == 0 {
		return
	}
	k := t.Tokens[t.Pos-1]
	w.with[t.Pos-1] = "SOUNDEX(" + t.Src[k.Start:k.End] + ")"
	w.put(0, "=")
	w.drop(1, 1)
	w.put(2, "SOUNDEX("+t.At(2)+")")
}

// invertBits makes ~x, which the library parses and does not execute, +(x XOR all ones).
func invertBits(st sqlparser.Statement) {
	node, ok := st.(sqlparser.SQLNode)
	if !ok {
		return
	}
	_ = Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
		if u, ok := n.(*sqlparser.UnaryExpr); ok && u != nil && u.Operator == sqlparser.TildaStr {
			ones := sqlparser.NewIntVal([]byte("18446744073709551615"))
			u.Operator, u.Expr = sqlparser.UPlusStr, &sqlparser.ParenExpr{Expr: &sqlparser.BinaryExpr{Operator: sqlparser.BitXorStr, Left: ones, Right: u.Expr}}
		}
		return true, nil
	}, node)
}

// KnownCollations replaces MariaDB's UCA 14.0 collations by MySQL's nearest.
func KnownCollations(text string) string {
	if !strings.Contains(text, "uca1400") {
		return text
	}
	t := lexer.NewCursor(text, 0, 1<<20)
	w := &rewriter{t: t, skip: map[int]bool{}, with: map[int]string{}}
	for ; !t.End(); t.Pos++ {
		word := strings.ToLower(lexer.Unquote(t.At(0)))
		if i := strings.Index(word, "uca1400"); i >= 0 && (t.Kind(0) == lexer.Word || t.Kind(0) == lexer.Quoted || t.Kind(0) == lexer.String) && !strings.Contains(word, " ") {
			name := "utf8mb4_0900_ai_ci"
			switch {
			case strings.HasPrefix(word, "utf8mb3_"), strings.HasPrefix(word, "utf8_"):
				name = "utf8mb3_unicode_ci"
			case strings.Contains(word, "as_cs"):
				name = "utf8mb4_0900_as_cs"
			case strings.Contains(word, "as_ci"):
				name = "utf8mb4_0900_as_ci"
			}
			if t.Kind(0) == lexer.String {
				name = sqltext.Literal(name)
			}
			w.put(0, name)
		}
	}
	return w.build()
}
