package rules

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/analyzer"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/expression/function/aggregation"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// ONLY_FULL_GROUP_BY: what a query with groups shows must have one value in each of them (1055, 1140), and what DISTINCT rows are ordered by one for each
// of those (3065, 3066). The library goes by names and knows primary keys alone.

// CheckGroups puts the check in the place of the library's, and where no condition has been decided yet, nor a table been left out for it.
func CheckGroups(a *analyzer.Analyzer) {
	Replace(a, "validateGroupBy", func(analyzer.RuleFunc) analyzer.RuleFunc {
		return func(_ *sql.Context, _ *analyzer.Analyzer, n sql.Node, _ *plan.Scope, _ analyzer.RuleSelector, _ *sql.QueryFlags) (sql.Node, transform.TreeIdentity, error) {
			return n, transform.SameTree, nil
		}
	})
	Replace(a, "simplifyFilters", func(simplify analyzer.RuleFunc) analyzer.RuleFunc {
		return func(c *sql.Context, a *analyzer.Analyzer, n sql.Node, scope *plan.Scope, sel analyzer.RuleSelector, flags *sql.QueryFlags) (sql.Node, transform.TreeIdentity, error) {
			if sql.LoadSqlMode(c).OnlyFullGroupBy() {
				if err := checkBlocks(c, n); err != nil {
					return nil, transform.SameTree, err
				}
			}
			return simplify(c, a, n, scope, sel, flags)
		}
	})
}

// block is the upper part of a query block's plan, from its end down to its groups or tables.
type block struct {
	c        *sql.Context
	distinct bool
	list     *plan.Project                      // the select list
	sort     *plan.Sort                         // its ORDER BY
	names    map[sql.ColumnId]*expression.Alias // that are computed below the select list
}

// checkBlocks checks a plan's query blocks, those of derived tables and views too. Subqueries have plans of their own.
func checkBlocks(c *sql.Context, n sql.Node) error {
	b := &block{c: c}
	for {
		switch x := n.(type) {
		case *plan.Distinct:
			b.distinct = true
		case *plan.Project:
			if b.list == nil {
				b.list = x
			}
			for _, e := range x.Projections {
				if a, ok := e.(*expression.Alias); ok && a.Id() > 0 && x != b.list {
					if b.names == nil {
						b.names = map[sql.ColumnId]*expression.Alias{}
					}
					b.names[a.Id()] = a
				}
			}
		case *plan.Sort:
			if b.sort == nil {
				b.sort = x
			}
		case *plan.Having, *plan.Limit, *plan.Offset:
		default:
			if err := b.check(n); err != nil {
				return err
			}
			for _, ch := range n.Children() {
				if err := checkBlocks(c, ch); err != nil {
					return err
				}
			}
			return nil
		}
		n = n.Children()[0]
	}
}

// check checks a block whose groups, or rows, are those of n.
func (b *block) check(n sql.Node) error {
	g, grouped := n.(*plan.GroupBy)
	if grouped && !anyValues(g) {
		if err := b.checkGroup(g); err != nil {
			return err
		}
	}
	if b.distinct && b.sort != nil && b.list != nil && !(grouped && len(g.GroupByExprs) == 0) {
		return b.checkDistinct(n)
	}
	return nil
}

// anyValues reports whether ANY_VALUE alone makes groups of a query: to MySQL it is no aggregate.
func anyValues(g *plan.GroupBy) bool {
	for _, e := range g.SelectDeps {
		if _, ok := e.(sql.Aggregation); ok {
			if _, any := e.(*aggregation.AnyValue); !any {
				return false
			}
		}
	}
	return len(g.GroupByExprs) == 0
}

// single is what has one value in a group, or in DISTINCT rows of equal values.
type single struct {
	*dependence
	texts map[string]bool // of expressions
	names map[sql.ColumnId]*expression.Alias
}

func (b *block) single(n sql.Node) *single {
	return &single{newDependence(b.c, n), map[string]bool{}, b.names}
}

// take adds an expression by which rows are one.
func (s *single) take(e sql.Expression) {
	if a, ok := e.(*expression.Alias); ok {
		s.known.Add(a.Id())
		e = a.Child
	}
	if f, ok := e.(*expression.GetField); ok {
		s.known.Add(f.Id())
		if a := s.names[f.Id()]; a != nil {
			s.take(a.Child)
		}
		return
	}
	if _, constant := e.(*expression.Literal); !constant { // 'a' is no column that is written a
		s.texts[strings.ToLower(e.String())] = true
	}
}

// other is the first column of an expression that may have several values, nil if there is none.
func (s *single) other(e sql.Expression) (found *expression.GetField) {
	sql.Inspect(s.c, e, func(_ *sql.Context, e sql.Expression) bool {
		if found != nil || e == nil || s.texts[strings.ToLower(e.String())] {
			return false
		}
		switch x := e.(type) {
		case sql.Aggregation:
			return false
		case *expression.GetField:
			if a := s.names[x.Id()]; a != nil && !s.known.Contains(x.Id()) {
				found = s.other(a.Child)
			} else if s.from.Contains(x.Id()) && !s.known.Contains(x.Id()) {
				found = x
			}
		case *plan.Subquery:
			if missing := x.Correlated().Intersection(s.from).Difference(s.known); !missing.Empty() {
				found = fieldWithin(s.c, x.Query, missing)
			}
		}
		return found == nil
	})
	return found
}

// fieldWithin finds one of some columns in the plan of a subquery.
func fieldWithin(c *sql.Context, n sql.Node, of sql.ColSet) (found *expression.GetField) {
	transform.InspectExpressionsWithNode(c, n, func(_ *sql.Context, _ sql.Node, e sql.Expression) bool {
		switch x := e.(type) {
		case *expression.GetField:
			if found == nil && of.Contains(x.Id()) {
				found = x
			}
		case *plan.Subquery:
			if found == nil {
				found = fieldWithin(c, x.Query, of)
			}
		}
		return found == nil
	})
	return found
}

func (b *block) checkGroup(g *plan.GroupBy) error {
	s := b.single(g.Child)
	rollup := false
	for _, e := range g.GroupByExprs {
		_, mark := e.(RollupMark)
		rollup = rollup || mark
		s.take(e)
	}
	if !rollup { // its rows of fewer items have NULL for the others, whatever those determine
		s.follow(g.Child)
	}
	list := g.SelectDeps
	if b.list != nil {
		list = b.list.Projections
	}
	for i, e := range list {
		switch f := s.other(e); {
		case f == nil:
		case len(g.GroupByExprs) == 0:
			return mysqlerr.New(mysqlerr.ER_MIX_OF_GROUP_FUNC_AND_FIELDS, i+1, fullName(f))
		default:
			return notGrouped(i, "SELECT list", f)
		}
	}
	if b.sort == nil || len(g.GroupByExprs) == 0 { // one row is not sorted
		return nil
	}
	for i, e := range b.sort.Expressions() {
		if f := s.other(e); f != nil {
			return notGrouped(i, "ORDER BY clause", f)
		}
	}
	return nil
}

func notGrouped(i int, place string, f *expression.GetField) error {
	return mysqlerr.NewMessage(mysqlerr.ER_WRONG_FIELD_WITH_GROUP, "Expression #%d of %s is not in GROUP BY clause and contains nonaggregated column '%s' "+
		"which is not functionally dependent on columns in GROUP BY clause; this is incompatible with sql_mode=only_full_group_by", i+1, place, fullName(f))
}

// fullName is a column as MySQL names it here: that of a derived table has no database.
func fullName(f *expression.GetField) string {
	if f.Database() == "" {
		return f.Table() + "." + f.Name()
	}
	return f.Database() + "." + f.Table() + "." + f.Name()
}

func (b *block) checkDistinct(n sql.Node) error {
	s := b.single(n)
	shown := map[string]bool{}
	for _, e := range b.list.Projections {
		s.take(e)
		if f, ok := e.(*expression.GetField); ok {
			shown[strings.ToLower(f.String())] = true
		}
	}
	s.follow(n)
	for i, e := range b.sort.Expressions() {
		if f, ok := e.(*expression.GetField); ok && (s.known.Contains(f.Id()) || shown[strings.ToLower(f.String())]) {
			continue
		}
		if s.texts[strings.ToLower(e.String())] {
			continue
		}
		if f := s.other(e); f != nil {
			return mysqlerr.New(mysqlerr.ER_FIELD_IN_ORDER_NOT_SELECT, i+1, fullName(f), "DISTINCT")
		}
		if g, ok := n.(*plan.GroupBy); ok && aggregated(b.c, g, e, s.known) {
			return mysqlerr.New(mysqlerr.ER_AGGREGATE_IN_ORDER_NOT_SELECT, i+1, "DISTINCT")
		}
	}
	return nil
}

// aggregated reports whether an expression names an aggregate that is not known.
func aggregated(c *sql.Context, g *plan.GroupBy, e sql.Expression, known sql.ColSet) bool {
	var computed sql.ColSet
	for _, d := range g.SelectDeps {
		if a, ok := d.(sql.Aggregation); ok {
			computed.Add(a.Id())
		}
	}
	found := false
	sql.Inspect(c, e, func(_ *sql.Context, e sql.Expression) bool {
		if f, ok := e.(*expression.GetField); ok && computed.Contains(f.Id()) && !known.Contains(f.Id()) {
			found = true
		}
		return !found
	})
	return found
}

// RollupMark stands last among the items of a GROUP BY that has WITH ROLLUP.
type RollupMark struct{}

func (RollupMark) Resolved() bool { return true }

func (RollupMark) String() string { return grammar.RollupFunction + "()" }

func (RollupMark) Type(*sql.Context) sql.Type { return types.Int64 }

func (RollupMark) IsNullable(*sql.Context) bool { return false }

func (RollupMark) IsNonDeterministic() bool { return true }

func (RollupMark) Children() []sql.Expression { return nil }

func (RollupMark) Eval(*sql.Context, sql.Row) (any, error) { return int64(0), nil }

func (m RollupMark) WithChildren(*sql.Context, ...sql.Expression) (sql.Expression, error) {
	return m, nil
}
