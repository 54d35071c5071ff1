package general

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/analyzer"
	"github.com/dolthub/go-mysql-server/sql/memo"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"

	"github.com/zoryadb/zorya/sql/hints"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/rules"
)

// Hints that put one of the planner's strategies off. Those that ask for a strategy that this server does not have are warned of; those that forbid one that
// it does not have are obeyed as they are.

// heedHints puts the hints' conditions around the library's rules.
func heedHints(a *analyzer.Analyzer) {
	unless := func(rule string, off func(h *hints.Set) bool) {
		rules.Replace(a, rule, func(apply analyzer.RuleFunc) analyzer.RuleFunc {
			return func(c *sql.Context, a *analyzer.Analyzer, n sql.Node, scope *plan.Scope, sel analyzer.RuleSelector, flags *sql.QueryFlags) (sql.Node, transform.TreeIdentity, error) {
				if h := hintsNow(c); h != nil && off(h) {
					return n, transform.SameTree, nil
				}
				return apply(c, a, n, scope, sel, flags)
			}
		})
	}
	unless("unnestInSubqueries", func(h *hints.Set) bool { return h.NoSemijoin })
	unless("unnestExistsSubqueries", func(h *hints.Set) bool { return h.NoSemijoin })
	unless("pushdownSubqueryAliasFilters", func(h *hints.Set) bool { return h.NoPushdown })
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
func hintsNow(c *sql.Context) *hints.Set {
	if x := executionOf(c); x != nil && x.st != nil {
		return x.st.hints
	}
	return nil
}

// pushesDown reports whether conditions go down into the derived tables of the statement.
func (x *execution) pushesDown(c *sql.Context) bool {
	return x.st.Class == Read && (x.st.hints == nil || !x.st.hints.NoPushdown) &&
		!strings.Contains(sessionText(c, "optimizer_switch"), "derived_condition_pushdown=off")
}

// hashForbidden reports whether a join is by a hash table of a table that is not to have one.
func hashForbidden(c *sql.Context, n memo.JoinRel) bool {
	h := hintsNow(c)
	if h == nil || len(h.NoHash) == 0 || !n.JoinPrivate().Op.IsHash() {
		return false
	}
	return slices.ContainsFunc(n.JoinPrivate().Right.RelProps.TableIdNodes(), func(t plan.TableIdNode) bool { return h.Unhashed(t.Name()) })
}

// unhashedSide is hashForbidden of a join's right side in a plan.
func unhashedSide(c *sql.Context, n sql.Node) (found bool) {
	h := hintsNow(c)
	if h == nil || len(h.NoHash) == 0 {
		return false
	}
	transform.Inspect(n, func(n sql.Node) bool {
		if t, ok := n.(sql.NameableNode); ok {
			found = found || h.Unhashed(t.Name())
			return false
		}
		return true
	})
	return found
}

// MaxExecution is how long a SELECT may take by its own hint, 0 for what the session says.
func (st *Statement) MaxExecution() time.Duration {
	if st.hints == nil {
		return 0
	}
	return st.hints.Limit
}

// hinted warns of what is wrong with a statement's hints and sets its variables until the statement ends (release).
func (s *Session) hinted(c *sql.Context, x *execution, h *hints.Set) {
	for _, e := range h.Wrong {
		c.Warn(int(e.Code), "%s", e.Message)
	}
	for _, one := range h.Variables {
		name := strings.ToLower(one.Args[0])
		old, err := s.gms.GetSessionVariable(c, name)
		switch {
		case err != nil:
			c.Warn(3128, "Unresolved name '%s' for SET_VAR hint", one.Args[0])
			continue
		case !hints.Settable[name]:
			e := mysqlerr.New(mysqlerr.ER_NOT_HINT_UPDATABLE_VARIABLE, name)
			c.Warn(int(e.Code), "%s", e.Message)
			continue
		}
		var value any = one.Args[1]
		var n int64
		if _, err := fmt.Sscan(one.Args[1], &n); err == nil && !one.Quoted && fmt.Sprint(n) == one.Args[1] {
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
