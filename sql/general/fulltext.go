package general

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/collate"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// MATCH ... AGAINST by scan: a FULLTEXT index says what may be searched, the rows themselves are read. Relevance is InnoDB's: for each word
// its count in the row times the square of log10(rows / rows that have it), which takes a scan of its own before the first row. Words are runs of
// letters, digits and underscores of 3 to 84 characters outside of InnoDB's stopwords, compared by the column's collation.

const matchFunction = "zorya_match" // (mode, query, column ...)

// Limits of InnoDB's default configuration.
const (
	minToken = 3
	maxToken = 84
)

var stopwords = func() map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields("a about an are as at be by com de en for from how i in is it la of on or that the this to was what when where who will with und the www") {
		out[w] = true
	}
	return out
}()

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
			err = mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, "WITH QUERY EXPANSION")
		case strings.Contains(o, "boolean"):
			mode = "boolean"
		}
		args := sqlparser.SelectExprs{&sqlparser.AliasedExpr{Expr: sqlparser.NewStrVal([]byte(mode))}, &sqlparser.AliasedExpr{Expr: m.Expr}}
		return &sqlparser.FuncExpr{Name: sqlparser.NewColIdent(matchFunction), Exprs: append(args, m.Columns...)}
	}
	werr := sqlparser.Walk(func(n sqlparser.SQLNode) (bool, error) {
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
		_ = sqlparser.Walk(func(n sqlparser.SQLNode) (bool, error) {
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
	s *search
}

func (m *match) Type(*sql.Context) sql.Type   { return types.Float64 }
func (m *match) IsNullable(*sql.Context) bool { return false }
func (m *match) IsNonDeterministic() bool     { return true } // its value depends on the whole table
func (m *match) CollationCoercibility(*sql.Context) (sql.CollationID, byte) {
	return sql.Collation_binary, 5
}

func (m *match) String() string {
	list := make([]string, len(m.ChildExpressions)-2)
	for i, e := range m.ChildExpressions[2:] {
		list[i] = e.String()
	}
	return fmt.Sprintf("match %s against %s", strings.Join(list, ","), m.ChildExpressions[1])
}

func (m *match) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	return &match{NaryExpression: expression.NaryExpression{ChildExpressions: ch}}, nil
}

func (m *match) Eval(c *sql.Context, r sql.Row) (any, error) {
	if m.s == nil {
		var err error
		if m.s, err = m.prepare(c, r); err != nil {
			return nil, err
		}
	}
	var doc []string
	for _, e := range m.ChildExpressions[2:] {
		v, err := e.Eval(c, r)
		if err != nil {
			return nil, err
		}
		if v != nil {
			doc = m.s.tokens(doc, displayAny(c, v))
			doc = append(doc, "") // a phrase does not reach from one column into the next
		}
	}
	score, ok := m.s.query.score(m.s, doc)
	if !ok {
		score = 0
	}
	return score, nil
}

// search is a query and what the table says of its words.
type search struct {
	coll  sql.CollationID
	query *matchNode
	terms []*matchNode // its words and phrases
	rows  int
}

// prepare parses the query, checks that there is an index, and counts the rows that have each word.
func (m *match) prepare(c *sql.Context, r sql.Row) (*search, error) {
	mode, err := m.ChildExpressions[0].Eval(c, r)
	if err != nil {
		return nil, err
	}
	against, err := m.ChildExpressions[1].Eval(c, r)
	if err != nil {
		return nil, err
	}
	x := executionOf(c)
	if x == nil {
		return nil, fmt.Errorf("MATCH is evaluated outside of a statement")
	}
	var from [2]string
	var names []string
	s := &search{coll: defaultCollation}
	for i, e := range m.ChildExpressions[2:] {
		gf, ok := e.(*expression.GetField)
		if !ok {
			return nil, mysqlerr.New(mysqlerr.ER_WRONG_ARGUMENTS, "MATCH")
		}
		at := x.sourceOf(c, gf)
		if i > 0 && at != from {
			return nil, mysqlerr.New(mysqlerr.ER_WRONG_ARGUMENTS, "MATCH")
		}
		from = at
		names = append(names, gf.Name())
		if t, ok := gf.Type(c).(sql.StringType); ok {
			s.coll = t.Collation()
		}
	}
	text := ""
	if against != nil {
		text = displayAny(c, against)
	}
	key := strings.Join(append([]string{fmt.Sprint(mode), text, from[0], from[1]}, names...), "\x00")
	if have := x.searches[key]; have != nil {
		return have, nil
	}
	if err := sessionOf(c).fulltextIndex(c, from, names); err != nil {
		return nil, err
	}
	if mode == "boolean" {
		s.query = s.parseBoolean(text)
	} else {
		s.query = s.parseNatural(text)
	}
	if err := sessionOf(c).countTerms(c, x, s, from, names); err != nil {
		return nil, err
	}
	if x.searches == nil {
		x.searches = map[string]*search{}
	}
	x.searches[key] = s
	return s, nil
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
						x.aliases[strings.ToLower(a.Name())] = [2]string{ours.m.def.Schema, ours.m.def.Name}
					}
				}
				return true
			})
		}
		return true
	})
}

// fulltextIndex is 1191 unless there is an index of just these columns.
func (s *Session) fulltextIndex(c *sql.Context, from [2]string, names []string) error {
	d, err := s.definition(c, from[0], from[1])
	if err != nil {
		return err
	}
	m, err := s.e.metas.get(c, d)
	if err != nil {
		return err
	}
	for i := range d.Indexes {
		if !m.indexes[i].Fulltext || len(d.Indexes[i].Parts) != len(names) {
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
			return nil
		}
	}
	return mysqlerr.NewMessage(1191, "Can't find FULLTEXT index matching the column list")
}

// countTerms scans the table for how many rows have each term.
func (s *Session) countTerms(c *sql.Context, x *execution, se *search, from [2]string, names []string) error {
	text := "SELECT " + quoteNames(names) + " FROM " + quoteName(from[0]) + "." + quoteName(from[1])
	ast, err := s.e.parseOne(c, text)
	if err != nil {
		return err
	}
	phase, params := x.phase, x.params
	x.params = nil
	defer func() { x.phase, x.params = phase, params }()
	node, _, err := s.analyze(c, x, ast, text)
	if err != nil {
		return err
	}
	it, err := s.e.gms.Analyzer.ExecBuilder.Build(c, node, nil)
	if err != nil {
		return err
	}
	var doc []string
	for {
		r, err := it.Next(c)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			_ = it.Close(c) // the first error is the one to report
			return err
		}
		doc = doc[:0]
		for _, v := range r {
			if v != nil {
				doc = append(se.tokens(doc, displayAny(c, v)), "")
			}
		}
		se.rows++
		for _, t := range se.terms {
			if t.count(doc) > 0 {
				t.docs++
			}
		}
	}
	return it.Close(c)
}

// tokens appends the words of a text, as sort keys; a word that is not indexed is a single zero byte, so that phrases keep their distances.
func (s *search) tokens(dst []string, text string) []string {
	words := strings.FieldsFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && !unicode.IsMark(r)
	})
	for _, w := range words {
		if !indexed(w) {
			dst = append(dst, "\x00")
			continue
		}
		dst = append(dst, s.key(w))
	}
	return dst
}

func indexed(w string) bool {
	n := len([]rune(w))
	return n >= minToken && n <= maxToken && !stopwords[strings.ToLower(w)]
}

func (s *search) key(w string) string {
	if c := collate.For(uint16(s.coll)); c != nil {
		return string(c.AppendWeights(nil, []byte(w)))
	}
	return w
}
