package hints

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// Optimizer hints, SELECT /*+ ... */: they are parsed once, with the statement; what is wrong with them is warned of each time that it runs. Honoured are
// MAX_EXECUTION_TIME, SET_VAR, the orders of joins, the indexes of lookups and sorts, and those that forbid a strategy. What
// asks for a strategy that this server does not have is warned of (1235). Source: the MySQL 8.0 reference manual, section 8.9.3.

// Hint is one of a comment.
type Hint struct {
	kind   *hintKind
	name   string   // as the kind spells it
	block  string   // @block of the whole hint, "": the one that it stands in
	tables []string // t or t@block
	Args   []string // indexes, strategies, a name, a number; of SET_VAR the variable and its value
	Quoted bool     // SET_VAR's value is a string
}

// Set are a statement's.
type Set struct {
	Wrong     []*mysqlerr.Error
	Limit     time.Duration // MAX_EXECUTION_TIME, 0: none
	Variables []*Hint       // SET_VAR
	Indexes   []grammar.IndexHint

	NoHash                          map[string]bool // tables, lower case, of which no join makes a hash table; "": of none
	NoSemijoin, NoPushdown, NoMerge bool
}

// shape says what stands within a hint's parentheses.
type shape uint8

const (
	ofTables  shape = iota // [@b] [t, ...]
	ofOrder                // [@b] t, ...
	ofIndexes              // t [i, ...]
	ofBlock                // [@b]
	ofWords                // [@b] [strategy, ...]
	ofName
	ofNumber
	ofVariable
)

type hintKind struct {
	shape shape
	words []string // ofWords: those there are
	about string   // what it and its contrary decide
}

var hintKinds = func() map[string]*hintKind {
	m := map[string]*hintKind{
		"MAX_EXECUTION_TIME": {shape: ofNumber}, "SET_VAR": {shape: ofVariable}, "QB_NAME": {shape: ofName}, "RESOURCE_GROUP": {shape: ofName},
		"JOIN_FIXED_ORDER": {shape: ofBlock}, "JOIN_ORDER": {shape: ofOrder}, "JOIN_PREFIX": {shape: ofOrder}, "JOIN_SUFFIX": {shape: ofOrder},
		"SUBQUERY": {shape: ofWords, words: []string{"INTOEXISTS", "MATERIALIZATION"}},
	}
	strategies := []string{"FIRSTMATCH", "LOOSESCAN", "MATERIALIZATION", "DUPSWEEDOUT"}
	for name, k := range map[string]hintKind{
		"BKA": {}, "BNL": {}, "HASH_JOIN": {}, "MERGE": {}, "DERIVED_CONDITION_PUSHDOWN": {}, "SEMIJOIN": {shape: ofWords, words: strategies},
		"INDEX": {shape: ofIndexes}, "JOIN_INDEX": {shape: ofIndexes}, "GROUP_INDEX": {shape: ofIndexes}, "ORDER_INDEX": {shape: ofIndexes},
		"INDEX_MERGE": {shape: ofIndexes}, "MRR": {shape: ofIndexes}, "SKIP_SCAN": {shape: ofIndexes},
	} {
		m[name], m["NO_"+name] = &k, &k
	}
	m["NO_ICP"], m["NO_RANGE_OPTIMIZATION"] = &hintKind{shape: ofIndexes}, &hintKind{shape: ofIndexes}
	for name, k := range m {
		k.about = strings.TrimPrefix(name, "NO_")
	}
	return m
}()

// Of reads the hints of a statement, nil if it has none, and gives the library those that it knows.
// written is the text as it came, which has index hints that the grammar lacks.
func Of(ast sqlparser.Statement, text, written string, mode lexer.Mode) *Set {
	var clauses []grammar.IndexHint
	if written != text {
		clauses = indexClausesOf(written, mode)
	}
	straight, hinted := strings.Contains(strings.ToLower(text), sqlparser.StraightJoinStr), strings.Contains(text, "/*+")
	if !straight && !hinted && len(clauses) == 0 {
		return nil
	}
	h := &hintReader{out: &Set{Indexes: clauses}, blocks: blocksOf(ast)}
	for _, b := range h.blocks {
		if straight && b.sel != nil && joinsStraight(b.sel) {
			b.order(b.tables)
		}
	}
	t := lexer.NewCursor(text, mode, grammar.MaxTokens)
	block := -1
	var found [][]*Hint
	for ; !t.End(); t.Pos++ {
		switch t.Word(0) {
		case "SELECT":
			block++
		case "INSERT", "REPLACE", "UPDATE", "DELETE":
			if t.Pos > 0 {
				continue
			}
			if _, selects := ast.(sqlparser.SelectStatement); !selects {
				block = 0
				if _, inserts := ast.(*sqlparser.Insert); inserts {
					block = -1 // the SELECT of it is the first block
				}
			}
		default:
			continue
		}
		if t.Kind(1) != lexer.Hint {
			continue
		}
		k := t.Tokens[t.Pos+1]
		if strings.HasPrefix(strings.ToUpper(strings.TrimSpace(text[k.Start+3:k.End-2])), "TIDB_") {
			continue // another product's, as benchmarks carry them: neither lane looks at them
		}
		at := max(block, 0)
		for len(found) <= at {
			found = append(found, nil)
		}
		found[at] = append(found[at], h.read(text, k.Start+3, k.End-2, mode)...)
	}
	h.names(found)
	for at, list := range found {
		h.resolve(ast, at, list)
	}
	return h.out
}

type hintReader struct {
	out    *Set
	blocks []*hintBlock
}

// hintBlock is a query block: its name and tables.
type hintBlock struct {
	name   string
	sel    *sqlparser.Select // nil: UPDATE or DELETE
	tables []string
	said   map[string]bool // what hints have decided
}

func blocksOf(ast sqlparser.Statement) []*hintBlock {
	var out []*hintBlock
	add := func(sel *sqlparser.Select, from sqlparser.SQLNode) {
		b := &hintBlock{name: fmt.Sprintf("select#%d", len(out)+1), sel: sel, said: map[string]bool{}}
		_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
			switch n := n.(type) {
			case *sqlparser.AliasedTableExpr:
				name := n.As.String()
				if t, ok := n.Expr.(sqlparser.TableName); ok && name == "" {
					name = t.Name.String()
				}
				b.tables = append(b.tables, name)
				return false, nil
			case *sqlparser.Subquery:
				return false, nil
			}
			return true, nil
		}, from)
		out = append(out, b)
	}
	switch n := ast.(type) {
	case *sqlparser.Update:
		add(nil, n.TableExprs)
	case *sqlparser.Delete:
		add(nil, n.TableExprs)
	}
	if node, ok := ast.(sqlparser.SQLNode); ok {
		_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
			if sel, ok := n.(*sqlparser.Select); ok {
				add(sel, sel.From)
			}
			return true, nil
		}, node)
	}
	return out
}

// read parses the hints of one comment, up to the first that is wrong.
func (h *hintReader) read(text string, from, to int, mode lexer.Mode) []*Hint {
	t := lexer.NewCursor(text[from:to], mode, grammar.MaxTokens)
	var out []*Hint
	for !t.End() {
		one, ok := readHint(t)
		if !ok {
			at := to
			if !t.End() {
				at = from + t.Tokens[t.Pos].Start
			}
			near := text[at:]
			h.warn(mysqlerr.ER_PARSE_ERROR, "Optimizer hint syntax error near '%.80s' at line %d", near, 1+strings.Count(text[:at], "\n"))
			return out
		}
		out = append(out, one)
	}
	return out
}

func (h *hintReader) warn(code mysqlerr.Code, format string, args ...any) {
	h.out.Wrong = append(h.out.Wrong, mysqlerr.NewMessage(code, format, args...))
}

// readHint parses one hint; the token that is wrong stays.
func readHint(t *lexer.Cursor) (*Hint, bool) {
	name := t.Word(0)
	kind := hintKinds[name]
	if kind == nil {
		return nil, false
	}
	t.Pos++
	if !t.Accept("(") {
		return nil, false
	}
	one := &Hint{kind: kind, name: name}
	ok := true
	switch kind.shape {
	case ofNumber:
		ok = t.Kind(0) == lexer.Int
		one.Args = []string{t.At(0)}
		t.Pos++
	case ofName:
		ok = one.word(t)
	case ofVariable:
		ok = one.variable(t)
	default:
		one.atBlock(t)
		switch kind.shape {
		case ofWords:
			for ok && t.At(0) != ")" {
				if ok = slices.Contains(kind.words, t.Word(0)); ok {
					one.Args = append(one.Args, t.Word(0))
					t.Pos++
					ok = t.At(0) == ")" || t.Accept(",") && t.At(0) != ")"
				}
			}
			ok = ok && (name != "SUBQUERY" || len(one.Args) == 1)
		case ofBlock:
		case ofIndexes:
			if ok = one.table(t); ok && t.At(0) != ")" {
				for ok = one.word(t); ok && t.Accept(","); {
					ok = one.word(t)
				}
			}
		default:
			if kind.shape == ofOrder || t.At(0) != ")" {
				for ok = one.table(t); ok && t.Accept(","); {
					ok = one.table(t)
				}
			}
		}
	}
	if !ok || t.At(0) != ")" {
		return nil, false
	}
	t.Pos++
	t.Accept(",")
	return one, true
}

// atBlock reads @block.
func (one *Hint) atBlock(t *lexer.Cursor) {
	if s := t.At(0); len(s) > 1 && s[0] == '@' {
		one.block = strings.Trim(s[1:], "`")
		t.Pos++
	}
}

func (one *Hint) word(t *lexer.Cursor) bool {
	name, ok := t.Name()
	if ok {
		one.Args = append(one.Args, name)
	}
	return ok
}

func (one *Hint) table(t *lexer.Cursor) bool {
	name, ok := t.Name()
	if !ok {
		return false
	}
	if s := t.At(0); len(s) > 1 && s[0] == '@' {
		name += s[:1] + strings.Trim(s[1:], "`")
		t.Pos++
	}
	one.tables = append(one.tables, name)
	return true
}

// variable reads name = value.
func (one *Hint) variable(t *lexer.Cursor) bool {
	if !one.word(t) || !t.Accept("=") {
		return false
	}
	value := t.At(0)
	switch t.Kind(0) {
	case lexer.String:
		one.Quoted = true
		value = value[1 : len(value)-1]
	case lexer.Int, lexer.Decimal, lexer.Float, lexer.Word:
	case lexer.Op:
		t.Pos++
		if value != "-" || t.Kind(0) != lexer.Int {
			return false
		}
		value += t.At(0)
	default:
		return false
	}
	t.Pos++
	one.Args = append(one.Args, value)
	return true
}

// names gives blocks the names that QB_NAME says.
func (h *hintReader) names(found [][]*Hint) {
	for at, list := range found {
		if at >= len(h.blocks) {
			return
		}
		for _, one := range list {
			if one.name != "QB_NAME" {
				continue
			}
			taken := slices.ContainsFunc(h.blocks, func(b *hintBlock) bool { return strings.EqualFold(b.name, one.Args[0]) })
			if b := h.blocks[at]; taken || b.said["QB_NAME"] {
				h.ignored("QB_NAME(`" + one.Args[0] + "`)")
			} else {
				b.name, b.said["QB_NAME"] = one.Args[0], true
			}
		}
	}
}

func (h *hintReader) ignored(what string) {
	h.warn(3126, "Hint %s is ignored as conflicting/duplicated", what)
}

// resolve takes the hints of one block.
func (h *hintReader) resolve(ast sqlparser.Statement, at int, list []*Hint) {
	for _, one := range list {
		switch one.name {
		case "QB_NAME":
			continue
		case "RESOURCE_GROUP":
			if !strings.EqualFold(one.Args[0], "USR_default") {
				h.warn(3651, "Resource Group '%s' does not exist.", one.Args[0])
			}
			continue
		case "SET_VAR":
			if slices.ContainsFunc(h.out.Variables, func(o *Hint) bool { return strings.EqualFold(o.Args[0], one.Args[0]) }) {
				h.ignored("SET_VAR(" + one.Args[0] + "=" + one.Args[1] + ")")
			} else {
				h.out.Variables = append(h.out.Variables, one)
			}
			continue
		case "MAX_EXECUTION_TIME":
			_, top := ast.(sqlparser.SelectStatement)
			switch {
			case !top || at > 0:
				h.warn(3125, "MAX_EXECUTION_TIME hint is supported by top-level standalone SELECT statements only")
			case h.out.Limit > 0:
				h.ignored("MAX_EXECUTION_TIME(" + one.Args[0] + ")")
			default:
				var ms int64
				_, _ = fmt.Sscan(one.Args[0], &ms) // the lexer says that it is a number; one of no sense is none
				h.out.Limit = time.Duration(min(ms, 1<<31)) * time.Millisecond
			}
			continue
		}
		if at >= len(h.blocks) {
			continue
		}
		b := h.block(one.block, h.blocks[at], one)
		if b != nil {
			h.decide(b, one)
		}
	}
}

// block finds the one that a name means.
func (h *hintReader) block(name string, here *hintBlock, one *Hint) *hintBlock {
	if name == "" {
		return here
	}
	for i, b := range h.blocks {
		if strings.EqualFold(b.name, name) || strings.EqualFold(fmt.Sprintf("select#%d", i+1), name) {
			return b
		}
	}
	h.warn(3127, "Query block name `%s` is not found for %s hint", name, one.name)
	return nil
}

// decide takes a hint about a block, its tables or their indexes.
func (h *hintReader) decide(b *hintBlock, one *Hint) {
	first := func(key, shown string) bool {
		if b.said[key] {
			h.ignored(one.name + "(" + shown + ")")
			return false
		}
		b.said[key] = true
		return true
	}
	switch one.kind.shape {
	case ofBlock, ofWords:
		if first(one.kind.about, strings.TrimSpace("@`"+b.name+"` "+strings.Join(one.Args, ", "))) {
			if one.name == "JOIN_FIXED_ORDER" {
				b.order(b.tables)
			}
			h.out.strategy(one, nil)
		}
		return
	}
	var known, taken []string
	for _, t := range one.tables {
		name, in, _ := strings.Cut(t, "@")
		of := h.block(in, b, one)
		if of == nil {
			return
		}
		shown := "`" + name + "`@`" + of.name + "`"
		i := slices.IndexFunc(of.tables, func(have string) bool { return strings.EqualFold(have, name) })
		if i < 0 {
			h.warn(3128, "Unresolved name %s for %s hint", shown, one.name)
			continue
		}
		known = append(known, of.tables[i])
		switch one.kind.shape {
		case ofTables:
			if first(one.kind.about+" "+of.tables[i], shown) {
				taken = append(taken, of.tables[i])
			}
		case ofIndexes:
			if first(one.kind.about+" "+of.tables[i]+" "+strings.ToLower(strings.Join(one.Args, ",")), strings.TrimSpace(shown+" "+strings.Join(one.Args, ","))) {
				taken = append(taken, of.tables[i])
				h.out.Indexes = append(h.out.Indexes, grammar.IndexHint{Table: of.tables[i], Hint: one.name, Names: one.Args, Shown: shown})
			}
		}
	}
	if one.kind.shape != ofOrder && (len(taken) > 0 || len(one.tables) == 0) {
		h.out.strategy(one, taken)
	}
	if one.kind.shape != ofOrder || len(known) < len(one.tables) || !first("order", strings.Join(one.tables, ",")) {
		return
	}
	rest := slices.DeleteFunc(slices.Clone(b.tables), func(t string) bool { return slices.Contains(known, t) })
	if one.name == "JOIN_SUFFIX" {
		b.order(append(rest, known...))
	} else {
		b.order(append(known, rest...))
	}
}

// joinsStraight reports whether a block says STRAIGHT_JOIN, of all its tables or between two of them. The others keep their place then, too.
func joinsStraight(sel *sqlparser.Select) bool {
	straight := sel.QueryOpts.StraightJoinHint
	_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
		switch n := n.(type) {
		case *sqlparser.JoinTableExpr:
			straight = straight || n.Join == sqlparser.StraightJoinStr
		case *sqlparser.Subquery:
			return false, nil
		}
		return !straight, nil
	}, sel.From)
	return straight
}

// order has the library join a block's tables in an order.
func (b *hintBlock) order(tables []string) {
	if b.sel != nil && len(tables) > 1 {
		b.sel.Comments = sqlparser.Comments{[]byte("/*+ JOIN_ORDER(" + strings.Join(tables, ",") + ") */")}
	}
}

// Settable are the variables that SET_VAR may set.
var Settable = func() map[string]bool {
	m := map[string]bool{}
	for _, name := range strings.Fields(`auto_increment_increment auto_increment_offset big_tables bulk_insert_buffer_size cte_max_recursion_depth default_tmp_storage_engine
		div_precision_increment end_markers_in_json eq_range_index_dive_limit foreign_key_checks group_concat_max_len histogram_generation_max_mem_size insert_id
		internal_tmp_mem_storage_engine join_buffer_size lock_wait_timeout max_error_count max_execution_time max_heap_table_size max_join_size max_length_for_sort_data
		max_points_in_geometry max_seeks_for_key max_sort_length optimizer_prune_level optimizer_search_depth optimizer_switch optimizer_trace optimizer_trace_features
		optimizer_trace_limit optimizer_trace_max_mem_size optimizer_trace_offset range_alloc_block_size range_optimizer_max_mem_size read_buffer_size
		read_rnd_buffer_size set_operations_buffer_size sort_buffer_size sql_auto_is_null sql_big_selects sql_buffer_result sql_mode sql_require_primary_key
		sql_safe_updates sql_select_limit time_zone timestamp tmp_table_size unique_checks updatable_views_with_limit use_secondary_engine
		windowing_use_high_precision`) {
		m[name] = true
	}
	return m
}()

// Unhashed reports whether a hint forbids a hash join whose hash table is made of a table; of all tables if the names have "".
func (h *Set) Unhashed(table string) bool {
	return h != nil && (h.NoHash[""] || h.NoHash[strings.ToLower(table)])
}

// strategy takes a hint that allows or forbids a strategy; tables are those of its block that it names, none: all.
func (h *Set) strategy(one *Hint, tables []string) {
	all := len(one.Args) == 0 || len(one.Args) == len(one.kind.words)
	switch one.name {
	case "NO_BNL", "NO_HASH_JOIN":
		if h.NoHash == nil {
			h.NoHash = map[string]bool{}
		}
		if len(one.tables) == 0 {
			h.NoHash[""] = true
		}
		for _, t := range tables {
			h.NoHash[strings.ToLower(t)] = true
		}
	case "NO_SEMIJOIN":
		if h.NoSemijoin = h.NoSemijoin || all; !all && (slices.Contains(one.Args, "FIRSTMATCH") || slices.Contains(one.Args, "MATERIALIZATION")) {
			h.unsupported(one)
		}
	case "SEMIJOIN":
		if !all {
			h.unsupported(one)
		}
	case "SUBQUERY":
		if h.NoSemijoin = true; one.Args[0] == "INTOEXISTS" {
			h.unsupported(one)
		}
	case "NO_DERIVED_CONDITION_PUSHDOWN":
		h.NoPushdown = true
	case "NO_MERGE":
		h.NoMerge = true
	case "BKA", "INDEX_MERGE", "MRR", "SKIP_SCAN", "GROUP_INDEX", "NO_RANGE_OPTIMIZATION":
		h.unsupported(one)
	}
}

// unsupported warns of a hint that changes nothing here.
func (h *Set) unsupported(one *Hint) {
	h.Wrong = append(h.Wrong, mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, one.name+" hint"))
}

// indexClausesOf are those of a text; the lists of several like ones are one.
func indexClausesOf(text string, mode lexer.Mode) []grammar.IndexHint {
	var out []grammar.IndexHint
	grammar.IndexClauses(lexer.NewCursor(text, mode, grammar.MaxTokens), func(_, _ int, one grammar.IndexHint) {
		for i := range out {
			if have := &out[i]; have.Table == one.Table && have.Hint == one.Hint && have.Purpose == one.Purpose {
				have.Names = append(have.Names, one.Names...)
				return
			}
		}
		out = append(out, one)
	})
	return out
}
