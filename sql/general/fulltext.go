package general

import (
	"fmt"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/exact"
	"github.com/zoryadb/zorya/sql/fulltext"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// MATCH ... AGAINST is a function of the row's words (package fulltext) and of how many rows have each of the query's. What the index says of a query is
// looked up once for a statement (ftsearch.go); a condition on it narrows the table to the rows that match (narrow.go).

const matchFunction = "zorya_match" // (mode, query, column ...)

func init() {
	ownFunctions[matchFunction] = func(*Engine) sql.Function {
		return sql.FunctionN{Name: matchFunction, Fn: func(_ *sql.Context, args ...sql.Expression) (sql.Expression, error) {
			return &match{NaryExpression: expression.NaryExpression{ChildExpressions: args}}, nil
		}}
	}
}

// matchCalls turns MATCH ... AGAINST into calls, and orders the rows of a search in natural language by relevance, as MySQL does where the
// statement gives no order.
func matchCalls(st sqlparser.Statement, text string) (err error) {
	if !strings.Contains(strings.ToLower(text), "against") {
		return nil
	}
	node, ok := st.(sqlparser.SQLNode)
	if !ok {
		return nil
	}
	change := func(e sqlparser.Expr) sqlparser.Expr { return e }
	change = func(e sqlparser.Expr) sqlparser.Expr {
		m, ok := e.(*sqlparser.MatchExpr)
		if !ok || m == nil {
			return e
		}
		mode := "natural"
		switch o := strings.ToLower(m.Option); {
		case strings.Contains(o, "expansion"):
			mode = "expansion"
		case strings.Contains(o, "boolean"):
			mode = "boolean"
		}
		args := sqlparser.SelectExprs{&sqlparser.AliasedExpr{Expr: sqlparser.NewStrVal([]byte(mode))}, &sqlparser.AliasedExpr{Expr: m.Expr}}
		return &sqlparser.FuncExpr{Name: sqlparser.NewColIdent(matchFunction), Exprs: append(args, m.Columns...)}
	}
	werr := grammar.Walk(func(n sqlparser.SQLNode) (bool, error) {
		if sel, ok := n.(*sqlparser.Select); ok && sel != nil && sel.Where != nil && len(sel.OrderBy) == 0 && len(sel.GroupBy) == 0 && len(sel.From) == 1 {
			if m := naturalMatch(sel.Where.Expr); m != nil && plainSelect(sel) {
				sel.OrderBy = sqlparser.OrderBy{{Expr: m, Direction: sqlparser.DescScr}}
			}
		}
		replaceExprs(n, change)
		return true, nil
	}, node)
	if err == nil {
		err = werr
	}
	return err
}

// plainSelect reports whether every item of a SELECT stands for the row itself: no aggregate.
func plainSelect(sel *sqlparser.Select) bool {
	plain := !sel.QueryOpts.Distinct
	for _, e := range sel.SelectExprs {
		_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) {
			switch f := n.(type) {
			case *sqlparser.FuncExpr:
				plain = plain && (f == nil || !f.IsAggregate())
			case *sqlparser.GroupConcatExpr:
				plain = false
			}
			return true, nil
		}, e)
	}
	return plain
}

// naturalMatch finds a search in natural language among the conditions that must all hold.
func naturalMatch(e sqlparser.Expr) sqlparser.Expr {
	switch e := e.(type) {
	case *sqlparser.AndExpr:
		if m := naturalMatch(e.Left); m != nil {
			return m
		}
		return naturalMatch(e.Right)
	case *sqlparser.ParenExpr:
		return naturalMatch(e.Expr)
	case *sqlparser.MatchExpr:
		if !strings.Contains(strings.ToLower(e.Option), "boolean") {
			return &sqlparser.MatchExpr{Columns: e.Columns, Expr: e.Expr, Option: e.Option}
		}
	}
	return nil
}

// replaceExprs replaces the expressions directly within a node, where a MATCH can stand.
func replaceExprs(n sqlparser.SQLNode, f func(sqlparser.Expr) sqlparser.Expr) {
	switch n := n.(type) {
	case *sqlparser.Where:
		if n != nil {
			n.Expr = f(n.Expr)
		}
	case *sqlparser.AliasedExpr:
		if _, ok := n.Expr.(*sqlparser.MatchExpr); ok && n.As.IsEmpty() && n.InputExpression != "" {
			n.As = sqlparser.NewColIdent(n.InputExpression)
		}
		n.Expr = f(n.Expr)
	case *sqlparser.AndExpr:
		n.Left, n.Right = f(n.Left), f(n.Right)
	case *sqlparser.OrExpr:
		n.Left, n.Right = f(n.Left), f(n.Right)
	case *sqlparser.NotExpr:
		n.Expr = f(n.Expr)
	case *sqlparser.ParenExpr:
		n.Expr = f(n.Expr)
	case *sqlparser.ComparisonExpr:
		n.Left, n.Right = f(n.Left), f(n.Right)
	case *sqlparser.BinaryExpr:
		n.Left, n.Right = f(n.Left), f(n.Right)
	case *sqlparser.RangeCond:
		n.Left = f(n.Left)
	case *sqlparser.IsExpr:
		n.Expr = f(n.Expr)
	case *sqlparser.Order:
		n.Expr = f(n.Expr)
	case *sqlparser.CaseExpr:
		for _, w := range n.Whens {
			w.Cond, w.Val = f(w.Cond), f(w.Val)
		}
	case *sqlparser.JoinTableExpr:
		if n.Condition.On != nil {
			n.Condition.On = f(n.Condition.On)
		}
	}
}

// match is MATCH (column ...) AGAINST (query).
type match struct {
	expression.NaryExpression
}

func (m *match) Type(*sql.Context) sql.Type   { return types.Float64 }
func (m *match) IsNullable(*sql.Context) bool { return false }
func (m *match) CollationCoercibility(*sql.Context) (sql.CollationID, byte) {
	return sql.Collation_binary, 5
}

func (m *match) String() string {
	list := make([]string, len(m.ChildExpressions)-2)
	for i, e := range m.ChildExpressions[2:] {
		list[i] = e.String()
	}
	return fmt.Sprintf("match %s against %s (%s)", strings.Join(list, ","), m.ChildExpressions[1], m.ChildExpressions[0])
}

func (m *match) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	return &match{NaryExpression: expression.NaryExpression{ChildExpressions: ch}}, nil
}

func (m *match) Eval(c *sql.Context, r sql.Row) (any, error) {
	s, err := m.prepare(c, r)
	if err != nil {
		return nil, err
	}
	var doc fulltext.TextDoc
	for _, e := range m.ChildExpressions[2:] {
		v, err := e.Eval(c, r)
		if err != nil {
			return nil, err
		}
		if v != nil {
			doc = append(s.a.Tokens(doc, displayAny(c, v)), fulltext.Break)
		}
	}
	rank, _, err := s.q.Matches(doc, s.rows)
	return float64(float32(rank)), err
}

// sourceOf finds the table that a column comes from, through its alias.
func (x *execution) sourceOf(c *sql.Context, gf *expression.GetField) [2]string {
	if at, ok := x.aliases[strings.ToLower(gf.Table())]; ok {
		return at
	}
	db := gf.Database()
	if db == "" {
		db = c.GetCurrentDatabase()
	}
	return [2]string{db, gf.Table()}
}

// noteAliases remembers what a plan's tables are called, when it has a MATCH.
func (x *execution) noteAliases(c *sql.Context, n sql.Node) {
	found := false
	transform.InspectExpressions(c, n, func(_ *sql.Context, e sql.Expression) bool {
		_, ok := e.(*match)
		found = found || ok
		return !found
	})
	if !found {
		return
	}
	x.aliases = map[string][2]string{}
	transform.InspectWithOpaque(c, n, func(_ *sql.Context, n sql.Node) bool {
		if a, ok := n.(*plan.TableAlias); ok {
			transform.Inspect(a.Child, func(in sql.Node) bool {
				if t, ok := in.(sql.TableNode); ok {
					if ours := tableBase(t.UnderlyingTable()); ours != nil {
						x.aliases[strings.ToLower(a.Name())] = [2]string{ours.m.Def.Schema, ours.m.Def.Name}
					}
				}
				return true
			})
		}
		return true
	})
}

// fulltextIndex is the position of an index of just these columns, 1191 if there is none.
func fulltextIndex(m *tabledef.Table, names []string) (int, error) {
	d := m.Def
	for i := range d.Indexes {
		if !m.Indexes[i].Fulltext || len(d.Indexes[i].Parts) != len(names) {
			continue
		}
		all := true
		for _, name := range names {
			has := false
			for _, p := range d.Indexes[i].Parts {
				has = has || strings.EqualFold(d.Columns[p.Column].Name, name)
			}
			all = all && has
		}
		if all {
			return i, nil
		}
	}
	return 0, mysqlerr.New(mysqlerr.ER_FT_MATCHING_KEY_NOT_FOUND)
}

// matchNarrows is narrowBy for MATCH, and for MATCH compared with a constant that no row reaches which does not match.
func matchNarrows(c *sql.Context, b *base, alias string, e sql.Expression) narrowing {
	e = item.Plain(e)
	var bound sql.Expression
	strict := true
	if op, l, r, ok := item.Compared(e); ok {
		switch op {
		case ">", ">=":
			e, bound, strict = l, r, op == ">"
		case "<", "<=":
			e, bound, strict = r, l, op == "<"
		}
	}
	m, ok := e.(*match)
	if !ok {
		return nil
	}
	if bound != nil {
		l, ok := bound.(*expression.Literal)
		if !ok {
			return nil
		}
		v, _, err := types.Float64.Convert(c, l.Value())
		f, ok := v.(float64)
		if err != nil || !ok || f < 0 || f == 0 && !strict {
			return nil
		}
	}
	if some, only := ofTable(c, alias, m); !some || !only {
		return nil
	}
	if some, _ := ofTable(c, alias, m.ChildExpressions[1]); some {
		return nil
	}
	return matching{m}
}

// matching narrows a table by a MATCH.
type matching struct{ m *match }

func (n matching) explain(_ *sql.Context, b *base, a *access) {
	var names []string
	for _, e := range n.m.ChildExpressions[2:] {
		if gf, ok := e.(*expression.GetField); ok {
			names = append(names, gf.Name())
		}
	}
	if i, err := fulltextIndex(b.m, names); err == nil {
		a.key = b.m.Def.Indexes[i].Name
		a.kind, a.possible, a.keyLen, a.ref, a.rows = "fulltext", []string{a.key}, 0, []string{"const"}, 1
	}
}

func (n matching) refs(c *sql.Context, _ *base, mode grammar.LockMode) ([]foundRow, error) {
	s, err := n.m.prepare(c, nil)
	if err != nil {
		return nil, err
	}
	if mode.Lock != table.LockNone {
		return s.locked(c, mode.Lock, mode.Policy)
	}
	return s.find(c)
}

// matchHere is a MATCH that is evaluated on the row that its table, narrowed by the same MATCH, has just given.
type matchHere struct {
	*match
	b *base
}

func (m *matchHere) Eval(c *sql.Context, r sql.Row) (any, error) {
	if m.b.rank != nil {
		return float64(float32(*m.b.rank)), nil
	}
	return m.match.Eval(c, r)
}

func (m *matchHere) WithChildren(c *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	return m.match.WithChildren(c, ch...) // somewhere else
}

// ranked makes use of a table that is narrowed by a MATCH: what stands right above it takes the rank from the index, and a sort by relevance has nothing to do.
func ranked(c *sql.Context, n sql.Node) (sql.Node, transform.TreeIdentity, error) {
	switch n := n.(type) {
	case *plan.Filter, *plan.Project:
		b, m := narrowedBelow(c, n)
		if m == nil {
			return n, transform.SameTree, nil
		}
		return transform.OneNodeExpressions(c, n, func(_ *sql.Context, e sql.Expression) (sql.Expression, transform.TreeIdentity, error) {
			if x, ok := e.(*match); ok && x.String() == m.String() {
				return &matchHere{x, b}, transform.NewTree, nil
			}
			return e, transform.SameTree, nil
		})
	case *plan.Sort:
		if byRank(c, n.SortConditions, n.Child) {
			return n.Child, transform.NewTree, nil
		}
	case *plan.TopN:
		if byRank(c, n.SortConditions, n.Child) {
			if bounded := exact.BoundTop(c, n); bounded != nil {
				n = bounded
			}
			l := plan.NewLimit(n.Limit, n.Child)
			l.CalcFoundRows = n.CalcFoundRows
			return l, transform.NewTree, nil
		}
	}
	return n, transform.SameTree, nil
}

// narrowedBelow finds the table that gives a node its rows one by one, if a MATCH narrows it.
func narrowedBelow(c *sql.Context, n sql.Node) (*base, *match) {
	for {
		switch x := n.(type) {
		case *plan.Filter:
			n = x.Child
		case *plan.Project:
			n = x.Child
		default:
			_, b := underFilter(n)
			if b == nil {
				return nil, nil
			}
			if by, ok := b.narrow.(matching); ok && b.effectiveMode(c).Lock == table.LockNone {
				return b, by.m
			}
			return nil, nil
		}
	}
}

// byRank reports whether rows come from child in the order that is asked for: best first.
func byRank(c *sql.Context, fields sql.SortConditions, child sql.Node) bool {
	if len(fields) != 1 || fields[0].Order != sql.Descending {
		return false
	}
	b, m := narrowedBelow(c, child)
	if b == nil {
		return false
	}
	e := fields[0].Expr
	if gf, ok := e.(*expression.GetField); ok {
		p, ok := child.(*plan.Project)
		if !ok {
			return false
		}
		e = nil
		for _, x := range p.Projections {
			if a, ok := x.(*expression.Alias); ok && strings.EqualFold(a.Name(), gf.Name()) {
				e = a.Child
			}
		}
	}
	switch x := e.(type) {
	case *match:
		return x.String() == m.String()
	case *matchHere:
		return x.b == b
	}
	return false
}
