package general

import (
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/analyzer"
	"github.com/dolthub/go-mysql-server/sql/memo"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"

	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// Hints that put one of the planner's strategies off. Those that ask for a strategy that this server does not have are warned of; those that forbid one that
// it does not have are obeyed as they are.

// heedHints puts the hints' conditions around the library's rules.
func heedHints(a *analyzer.Analyzer) {
	unless := func(rule string, off func(h *hints) bool) {
		replaceRule(a, rule, func(apply analyzer.RuleFunc) analyzer.RuleFunc {
			return func(c *sql.Context, a *analyzer.Analyzer, n sql.Node, scope *plan.Scope, sel analyzer.RuleSelector, flags *sql.QueryFlags) (sql.Node, transform.TreeIdentity, error) {
				if h := hintsNow(c); h != nil && off(h) {
					return n, transform.SameTree, nil
				}
				return apply(c, a, n, scope, sel, flags)
			}
		})
	}
	unless("unnestInSubqueries", func(h *hints) bool { return h.noSemijoin })
	unless("unnestExistsSubqueries", func(h *hints) bool { return h.noSemijoin })
	unless("pushdownSubqueryAliasFilters", func(h *hints) bool { return h.noPushdown })
	replaceRule(a, "replaceIdxSort", func(apply analyzer.RuleFunc) analyzer.RuleFunc {
		return func(c *sql.Context, a *analyzer.Analyzer, n sql.Node, scope *plan.Scope, sel analyzer.RuleSelector, flags *sql.QueryFlags) (sql.Node, transform.TreeIdentity, error) {
			if x := executionOf(c); x != nil {
				x.sorting = true
				defer func() { x.sorting = false }()
			}
			return apply(c, a, n, scope, sel, flags)
		}
	})
}

// hintsNow are those of the statement that is planned, nil if it has none.
func hintsNow(c *sql.Context) *hints {
	if x := executionOf(c); x != nil && x.st != nil {
		return x.st.hints
	}
	return nil
}

// unhashed reports whether a hint forbids a hash join whose hash table is made of a table; of all tables if the names have "".
func (h *hints) unhashed(table string) bool {
	return h != nil && (h.noHash[""] || h.noHash[strings.ToLower(table)])
}

// hashForbidden reports whether a join is by a hash table of a table that is not to have one.
func hashForbidden(c *sql.Context, n memo.JoinRel) bool {
	h := hintsNow(c)
	if h == nil || len(h.noHash) == 0 || !n.JoinPrivate().Op.IsHash() {
		return false
	}
	return slices.ContainsFunc(n.JoinPrivate().Right.RelProps.TableIdNodes(), func(t plan.TableIdNode) bool { return h.unhashed(t.Name()) })
}

// unhashedSide is hashForbidden of a join's right side in a plan.
func unhashedSide(c *sql.Context, n sql.Node) (found bool) {
	h := hintsNow(c)
	if h == nil || len(h.noHash) == 0 {
		return false
	}
	transform.Inspect(n, func(n sql.Node) bool {
		if t, ok := n.(sql.NameableNode); ok {
			found = found || h.unhashed(t.Name())
			return false
		}
		return true
	})
	return found
}

// strategy takes a hint that allows or forbids a strategy; tables are those of its block that it names, none: all.
func (h *hints) strategy(one *hint, tables []string) {
	all := len(one.args) == 0 || len(one.args) == len(one.kind.words)
	switch one.name {
	case "NO_BNL", "NO_HASH_JOIN":
		if h.noHash == nil {
			h.noHash = map[string]bool{}
		}
		if len(one.tables) == 0 {
			h.noHash[""] = true
		}
		for _, t := range tables {
			h.noHash[strings.ToLower(t)] = true
		}
	case "NO_SEMIJOIN":
		if h.noSemijoin = h.noSemijoin || all; !all && (slices.Contains(one.args, "FIRSTMATCH") || slices.Contains(one.args, "MATERIALIZATION")) {
			h.unsupported(one)
		}
	case "SEMIJOIN":
		if !all {
			h.unsupported(one)
		}
	case "SUBQUERY":
		if h.noSemijoin = true; one.args[0] == "INTOEXISTS" {
			h.unsupported(one)
		}
	case "NO_DERIVED_CONDITION_PUSHDOWN":
		h.noPushdown = true
	case "NO_MERGE":
		h.noMerge = true
	case "BKA", "INDEX_MERGE", "MRR", "SKIP_SCAN", "GROUP_INDEX", "NO_RANGE_OPTIMIZATION":
		h.unsupported(one)
	}
}

// unsupported warns of a hint that changes nothing here.
func (h *hints) unsupported(one *hint) {
	h.wrong = append(h.wrong, mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, one.name+" hint"))
}

// plainName is the name at token i.
func plainName(t *lexer.Cursor, i int) string {
	if t.Kind(i) == lexer.Quoted {
		return lexer.Unquote(t.At(i))
	}
	return t.At(i)
}

// indexClauses finds the index hints of FROM that the library's grammar lacks: FOR JOIN, ORDER BY or GROUP BY, KEY, an empty list, several hints of a
// table. clause gets each with the numbers of its first token and of the one behind it.
func indexClauses(t *lexer.Cursor, clause func(from, to int, one indexHint)) {
	table := ""
	for i := 1; i < len(t.Tokens)-t.Pos; i++ {
		verb := t.Word(i)
		if verb != "USE" && verb != "FORCE" && verb != "IGNORE" || t.Word(i+1) != "INDEX" && t.Word(i+1) != "KEY" {
			continue
		}
		one := indexHint{hint: strings.ToLower(verb)}
		open := i + 2
		if t.Word(open) == "FOR" {
			switch t.Word(open + 1) {
			case "JOIN":
				open += 2
			case "ORDER", "GROUP":
				open += 3
			default:
				continue
			}
			one.purpose = t.Word(i + 3)
		}
		if t.At(open) != "(" {
			continue
		}
		end := t.Closing(open)
		if end < 0 {
			return
		}
		for k := open + 1; k < end; k++ {
			if t.At(k) != "," {
				one.names = append(one.names, plainName(t, k))
			}
		}
		if t.At(i-1) != ")" || table == "" {
			table = plainName(t, i-1)
		}
		one.table = table
		clause(i, end+1, one)
		i = end
	}
}

// indexClausesOf are those of a text; the lists of several like ones are one.
func indexClausesOf(text string, mode lexer.Mode) []indexHint {
	var out []indexHint
	indexClauses(lexer.NewCursor(text, mode, maxTokens), func(_, _ int, one indexHint) {
		for i := range out {
			if have := &out[i]; have.table == one.table && have.hint == one.hint && have.purpose == one.purpose {
				have.names = append(have.names, one.names...)
				return
			}
		}
		out = append(out, one)
	})
	return out
}

// indexHints leaves them out; hintsOf reads them from the text as it was written.
func (w *rewriter) indexHints() {
	indexClauses(w.t, func(from, to int, _ indexHint) { w.drop(from, to-from) })
}
