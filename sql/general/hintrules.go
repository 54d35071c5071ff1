package general

import (
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/analyzer"
	"github.com/dolthub/go-mysql-server/sql/memo"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"

	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/rules"
)

// Hints that put one of the planner's strategies off. Those that ask for a strategy that this server does not have are warned of; those that forbid one that
// it does not have are obeyed as they are.

// heedHints puts the hints' conditions around the library's rules.
func heedHints(a *analyzer.Analyzer) {
	unless := func(rule string, off func(h *hints) bool) {
		rules.Replace(a, rule, func(apply analyzer.RuleFunc) analyzer.RuleFunc {
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
	rules.Replace(a, "replaceIdxSort", func(apply analyzer.RuleFunc) analyzer.RuleFunc {
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

// pushesDown reports whether conditions go down into the derived tables of the statement.
func (x *execution) pushesDown(c *sql.Context) bool {
	return x.st.Class == Read && (x.st.hints == nil || !x.st.hints.noPushdown) &&
		!strings.Contains(sessionText(c, "optimizer_switch"), "derived_condition_pushdown=off")
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
