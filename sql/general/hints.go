package general

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// Optimizer hints, SELECT /*+ ... */: they are parsed once, with the statement; what is wrong with them is warned of each time that it runs. Honoured are
// MAX_EXECUTION_TIME, SET_VAR, the orders of joins, the indexes of lookups and sorts (indexhints.go), and those that forbid a strategy (hintrules.go). What
// asks for a strategy that this server does not have is warned of (1235). Source: the MySQL 8.0 reference manual, section 8.9.3.

// hint is one of a comment.
type hint struct {
	kind   *hintKind
	name   string   // as the kind spells it
	block  string   // @block of the whole hint, "": the one that it stands in
	tables []string // t or t@block
	args   []string // indexes, strategies, a name, a number; of SET_VAR the variable and its value
	quoted bool     // SET_VAR's value is a string
}

// hints are a statement's.
type hints struct {
	wrong   []*mysqlerr.Error
	limit   time.Duration // MAX_EXECUTION_TIME, 0: none
	set     []*hint       // SET_VAR
	indexes []grammar.IndexHint

	noHash                          map[string]bool // tables, lower case, of which no join makes a hash table; "": of none
	noSemijoin, noPushdown, noMerge bool
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

// MaxExecution is how long a SELECT may take by its own hint, 0 for what the session says.
func (st *Statement) MaxExecution() time.Duration {
	if st.hints == nil {
		return 0
	}
	return st.hints.limit
}

// hintsOf reads the hints of a statement, nil if it has none, and gives the library those that it knows.
// written is the text as it came, which has index hints that the grammar lacks.
func hintsOf(ast sqlparser.Statement, text, written string, mode lexer.Mode) *hints {
	var clauses []grammar.IndexHint
	if written != text {
		clauses = indexClausesOf(written, mode)
	}
	if !strings.Contains(text, "/*+") && len(clauses) == 0 {
		return nil
	}
	h := &hintReader{out: &hints{indexes: clauses}, blocks: blocksOf(ast)}
	t := lexer.NewCursor(text, mode, grammar.MaxTokens)
	block := -1
	var found [][]*hint
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
	out    *hints
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
func (h *hintReader) read(text string, from, to int, mode lexer.Mode) []*hint {
	t := lexer.NewCursor(text[from:to], mode, grammar.MaxTokens)
	var out []*hint
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
	h.out.wrong = append(h.out.wrong, mysqlerr.NewMessage(code, format, args...))
}

// readHint parses one hint; the token that is wrong stays.
func readHint(t *lexer.Cursor) (*hint, bool) {
	name := t.Word(0)
	kind := hintKinds[name]
	if kind == nil {
		return nil, false
	}
	t.Pos++
	if !t.Accept("(") {
		return nil, false
	}
	one := &hint{kind: kind, name: name}
	ok := true
	switch kind.shape {
	case ofNumber:
		ok = t.Kind(0) == lexer.Int
		one.args = []string{t.At(0)}
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
					one.args = append(one.args, t.Word(0))
					t.Pos++
					ok = t.At(0) == ")" || t.Accept(",") && t.At(0) != ")"
				}
			}
			ok = ok && (name != "SUBQUERY" || len(one.args) == 1)
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
func (one *hint) atBlock(t *lexer.Cursor) {
	if s := t.At(0); len(s) > 1 && s[0] == '@' {
		one.block = strings.Trim(s[1:], "`")
		t.Pos++
	}
}

func (one *hint) word(t *lexer.Cursor) bool {
	name, ok := t.Name()
	if ok {
		one.args = append(one.args, name)
	}
	return ok
}

func (one *hint) table(t *lexer.Cursor) bool {
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
func (one *hint) variable(t *lexer.Cursor) bool {
	if !one.word(t) || !t.Accept("=") {
		return false
	}
	value := t.At(0)
	switch t.Kind(0) {
	case lexer.String:
		one.quoted = true
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
	one.args = append(one.args, value)
	return true
}

// names gives blocks the names that QB_NAME says.
func (h *hintReader) names(found [][]*hint) {
	for at, list := range found {
		if at >= len(h.blocks) {
			return
		}
		for _, one := range list {
			if one.name != "QB_NAME" {
				continue
			}
			taken := slices.ContainsFunc(h.blocks, func(b *hintBlock) bool { return strings.EqualFold(b.name, one.args[0]) })
			if b := h.blocks[at]; taken || b.said["QB_NAME"] {
				h.ignored("QB_NAME(`" + one.args[0] + "`)")
			} else {
				b.name, b.said["QB_NAME"] = one.args[0], true
			}
		}
	}
}

func (h *hintReader) ignored(what string) {
	h.warn(3126, "Hint %s is ignored as conflicting/duplicated", what)
}

// resolve takes the hints of one block.
func (h *hintReader) resolve(ast sqlparser.Statement, at int, list []*hint) {
	for _, one := range list {
		switch one.name {
		case "QB_NAME":
			continue
		case "RESOURCE_GROUP":
			if !strings.EqualFold(one.args[0], "USR_default") {
				h.warn(3651, "Resource Group '%s' does not exist.", one.args[0])
			}
			continue
		case "SET_VAR":
			if slices.ContainsFunc(h.out.set, func(o *hint) bool { return strings.EqualFold(o.args[0], one.args[0]) }) {
				h.ignored("SET_VAR(" + one.args[0] + "=" + one.args[1] + ")")
			} else {
				h.out.set = append(h.out.set, one)
			}
			continue
		case "MAX_EXECUTION_TIME":
			_, top := ast.(sqlparser.SelectStatement)
			switch {
			case !top || at > 0:
				h.warn(3125, "MAX_EXECUTION_TIME hint is supported by top-level standalone SELECT statements only")
			case h.out.limit > 0:
				h.ignored("MAX_EXECUTION_TIME(" + one.args[0] + ")")
			default:
				var ms int64
				_, _ = fmt.Sscan(one.args[0], &ms) // the lexer says that it is a number; one of no sense is none
				h.out.limit = time.Duration(min(ms, 1<<31)) * time.Millisecond
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
func (h *hintReader) block(name string, here *hintBlock, one *hint) *hintBlock {
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
func (h *hintReader) decide(b *hintBlock, one *hint) {
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
		if first(one.kind.about, strings.TrimSpace("@`"+b.name+"` "+strings.Join(one.args, ", "))) {
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
			if first(one.kind.about+" "+of.tables[i]+" "+strings.ToLower(strings.Join(one.args, ",")), strings.TrimSpace(shown+" "+strings.Join(one.args, ","))) {
				taken = append(taken, of.tables[i])
				h.out.indexes = append(h.out.indexes, grammar.IndexHint{Table: of.tables[i], Hint: one.name, Names: one.args, Shown: shown})
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

// order has the library join a block's tables in an order.
func (b *hintBlock) order(tables []string) {
	if b.sel != nil && len(tables) > 1 {
		b.sel.Comments = sqlparser.Comments{[]byte("/*+ JOIN_ORDER(" + strings.Join(tables, ",") + ") */")}
	}
}

// hintable are the variables that SET_VAR may set.
var hintable = func() map[string]bool {
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

// hinted warns of what is wrong with a statement's hints and sets its variables until the statement ends (release).
func (s *Session) hinted(c *sql.Context, x *execution, h *hints) {
	for _, e := range h.wrong {
		c.Warn(int(e.Code), "%s", e.Message)
	}
	for _, one := range h.set {
		name := strings.ToLower(one.args[0])
		old, err := s.gms.GetSessionVariable(c, name)
		switch {
		case err != nil:
			c.Warn(3128, "Unresolved name '%s' for SET_VAR hint", one.args[0])
			continue
		case !hintable[name]:
			e := mysqlerr.New(mysqlerr.ER_NOT_HINT_UPDATABLE_VARIABLE, name)
			c.Warn(int(e.Code), "%s", e.Message)
			continue
		}
		var value any = one.args[1]
		var n int64
		if _, err := fmt.Sscan(one.args[1], &n); err == nil && !one.quoted && fmt.Sprint(n) == one.args[1] {
			value = n
		}
		if err := s.gms.SetSessionVariable(c, name, value); err != nil {
			var e *mysqlerr.Error
			if errors.As(mapError(c, err), &e) {
				c.Warn(int(e.Code), "%s", e.Message)
			}
			continue
		}
		before := x.unset
		x.unset = func() {
			_ = s.gms.SetSessionVariable(c, name, old) // it was the value before
			if before != nil {
				before()
			}
		}
	}
}
