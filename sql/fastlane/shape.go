package fastlane

import (
	"strings"

	"github.com/zoryadb/zorya/sql/lexer"
)

// verb is what a statement does.
type verb uint8

const (
	verbSelect verb = iota + 1
	verbInsert
	verbUpdate
	verbDelete
	verbBegin
	verbCommit
	verbRollback
)

// shape is a parsed digest: names as written, arguments by position.
type shape struct {
	verb          verb
	schema, table string

	// SELECT
	items    []item
	distinct bool
	order    []orderBy
	limit    int // argument, -1: none
	offset   int
	lock     lockClause

	// INSERT
	columns []string // nil: all

	// UPDATE
	sets []assignment

	where []condition // all must hold
}

type lockClause uint8

const (
	lockNone lockClause = iota
	lockUpdate
	lockShare
)

type aggregate uint8

const (
	aggNone aggregate = iota
	aggSum
	aggCount
)

// item is one expression of a select list: a column, * (column ""), or an aggregate of one; COUNT(*) has column "".
type item struct {
	column string
	agg    aggregate
}

type orderBy struct {
	column string
	desc   bool
}

// assignment is column = arg, or column = source op arg.
type assignment struct {
	column, source string
	op             byte // 0, '+' or '-'
	arg            int
}

// compare is the operator of a condition.
type compare uint8

const (
	cmpEQ compare = iota + 1
	cmpLT
	cmpLE
	cmpGT
	cmpGE
	cmpBetween // arg and arg+1
	cmpIn      // arg and those behind
)

type condition struct {
	column string
	cmp    compare
	arg    int
}

// parseShape parses a digest; nil: no shape that plans exist for.
func parseShape(digest []byte) *shape {
	p := parser{l: lexer.Lexer{Src: digest}}
	p.next()
	s := &shape{limit: -1, offset: -1}
	ok := false
	switch {
	case p.take("SELECT"):
		ok = p.selectStatement(s)
	case p.take("INSERT"):
		ok = p.insert(s)
	case p.take("UPDATE"):
		ok = p.update(s)
	case p.take("DELETE"):
		ok = p.delete(s)
	case p.take("BEGIN"):
		s.verb = verbBegin
		ok = true
		p.take("WORK")
	case p.take("START"):
		s.verb = verbBegin
		ok = p.take("TRANSACTION")
	case p.take("COMMIT"):
		s.verb = verbCommit
		ok = true
		p.take("WORK")
	case p.take("ROLLBACK"):
		s.verb = verbRollback
		ok = true
		p.take("WORK")
	}
	if !ok || p.t.Kind != lexer.EOF {
		return nil
	}
	return s
}

type parser struct {
	l    lexer.Lexer
	t    lexer.Token
	args int // seen so far
}

func (p *parser) next() { p.t = p.l.Next() }

// take steps over the keyword w, if it is next.
func (p *parser) take(w string) bool {
	if p.l.Is(p.t, w) {
		p.next()
		return true
	}
	return false
}

func (p *parser) takePunct(c byte) bool {
	if (p.t.Kind == lexer.Punct || p.t.Kind == lexer.Op) && p.t.End-p.t.Start == 1 && p.l.Src[p.t.Start] == c {
		p.next()
		return true
	}
	return false
}

func (p *parser) takeOp(op string) bool {
	if p.t.Kind == lexer.Op && string(p.l.Text(p.t)) == op {
		p.next()
		return true
	}
	return false
}

// takeArg steps over a ? and returns its position.
func (p *parser) takeArg() (int, bool) {
	if p.t.Kind != lexer.Param {
		return 0, false
	}
	p.next()
	p.args++
	return p.args - 1, true
}

// reserved are the words that may follow a name in the shapes below and so are no names themselves. A word that is
// reserved in MySQL but not here would have to be a column's name to matter, and then the general lane's grammar, which
// prepares the column definitions, refuses it.
var reserved = map[string]bool{"FROM": true, "WHERE": true, "ORDER": true, "LIMIT": true, "SET": true, "VALUES": true, "FOR": true, "AND": true, "OR": true,
	"BETWEEN": true, "IN": true, "DISTINCT": true, "AS": true, "DESC": true, "ASC": true, "LOCK": true, "OFFSET": true, "IS": true, "NOT": true, "NULL": true,
	"LIKE": true, "GROUP": true, "HAVING": true, "UNION": true, "INTO": true, "ALL": true, "SELECT": true, "IGNORE": true, "ON": true, "SUM": true, "COUNT": true,
	"TRUE": true, "FALSE": true, "DEFAULT": true, "CURRENT_TIMESTAMP": true, "CURRENT_DATE": true, "CURRENT_TIME": true, "LOCALTIME": true, "LOCALTIMESTAMP": true,
	"CURRENT_USER": true, "UTC_DATE": true, "UTC_TIME": true, "UTC_TIMESTAMP": true, "PARTITION": true, "JOIN": true, "USING": true, "LOW_PRIORITY": true, "QUICK": true,
	"HIGH_PRIORITY": true, "DELAYED": true, "SQL_CALC_FOUND_ROWS": true, "SQL_NO_CACHE": true, "SQL_CACHE": true, "STRAIGHT_JOIN": true, "SQL_BIG_RESULT": true, "SQL_SMALL_RESULT": true, "SQL_BUFFER_RESULT": true, "DISTINCTROW": true, "DUAL": true, "CASE": true, "EXISTS": true, "INTERVAL": true, "BINARY": true, "WITH": true}

func (p *parser) name() (string, bool) {
	switch p.t.Kind {
	case lexer.Word:
		w := string(p.l.Text(p.t))
		if reserved[strings.ToUpper(w)] {
			return "", false
		}
		p.next()
		return w, true
	case lexer.Quoted:
		text := p.l.Text(p.t)
		if text[0] != '`' || len(text) < 3 {
			return "", false
		}
		p.next()
		return strings.ReplaceAll(string(text[1:len(text)-1]), "``", "`"), true
	}
	return "", false
}

// tableName parses [schema.]table.
func (p *parser) tableName(s *shape) bool {
	n, ok := p.name()
	if !ok {
		return false
	}
	s.table = n
	if p.takePunct('.') {
		s.schema = n
		s.table, ok = p.name()
	}
	return ok
}

func (p *parser) selectStatement(s *shape) bool {
	s.verb = verbSelect
	s.distinct = p.take("DISTINCT")
	for {
		it, ok := p.item()
		if !ok {
			return false
		}
		s.items = append(s.items, it)
		if !p.takePunct(',') {
			break
		}
	}
	if !p.take("FROM") || !p.tableName(s) || !p.whereClause(s) || !p.orderClause(s) || !p.limitClause(s) {
		return false
	}
	switch {
	case p.take("FOR"):
		switch {
		case p.take("UPDATE"):
			s.lock = lockUpdate
		case p.take("SHARE"):
			s.lock = lockShare
		default:
			return false
		}
	case p.take("LOCK"):
		s.lock = lockShare
		return p.take("IN") && p.take("SHARE") && p.take("MODE")
	}
	return true
}

func (p *parser) item() (item, bool) {
	if p.takePunct('*') {
		return item{}, true
	}
	agg := aggNone
	switch {
	case p.l.Is(p.t, "SUM"):
		agg = aggSum
	case p.l.Is(p.t, "COUNT"):
		agg = aggCount
	}
	if agg == aggNone {
		n, ok := p.name()
		return item{column: n}, ok
	}
	p.next()
	if !p.takePunct('(') {
		return item{}, false
	}
	it := item{agg: agg}
	if agg != aggCount || !p.takePunct('*') {
		var ok bool
		if it.column, ok = p.name(); !ok {
			return it, false
		}
	}
	return it, p.takePunct(')')
}

func (p *parser) whereClause(s *shape) bool {
	if !p.take("WHERE") {
		return true
	}
	for {
		parens := p.takePunct('(')
		if !p.condition(s) || parens && !p.takePunct(')') {
			return false
		}
		if !p.take("AND") {
			return true
		}
	}
}

var comparisons = []struct {
	op  string
	cmp compare
}{{"=", cmpEQ}, {"<=", cmpLE}, {">=", cmpGE}, {"<", cmpLT}, {">", cmpGT}}

func (p *parser) condition(s *shape) bool {
	col, ok := p.name()
	if !ok {
		return false
	}
	c := condition{column: col}
	switch {
	case p.take("BETWEEN"):
		c.cmp = cmpBetween
		if c.arg, ok = p.takeArg(); !ok || !p.take("AND") {
			return false
		}
		_, ok = p.takeArg()
	case p.take("IN"):
		c.cmp = cmpIn
		if !p.takePunct('(') {
			return false
		}
		if c.arg, ok = p.takeArg(); !ok {
			return false
		}
		ok = p.takePunct(collapsed) && p.takePunct(')')
	default:
		for _, x := range comparisons {
			if p.takeOp(x.op) {
				c.cmp = x.cmp
				break
			}
		}
		if c.cmp == 0 {
			return false
		}
		c.arg, ok = p.takeArg()
	}
	s.where = append(s.where, c)
	return ok
}

func (p *parser) orderClause(s *shape) bool {
	if !p.take("ORDER") {
		return true
	}
	if !p.take("BY") {
		return false
	}
	for {
		n, ok := p.name()
		if !ok {
			return false
		}
		o := orderBy{column: n, desc: p.take("DESC")}
		if !o.desc {
			p.take("ASC")
		}
		s.order = append(s.order, o)
		if !p.takePunct(',') {
			return true
		}
	}
}

func (p *parser) limitClause(s *shape) bool {
	if !p.take("LIMIT") {
		return true
	}
	var ok bool
	if s.limit, ok = p.takeArg(); !ok {
		return false
	}
	switch {
	case p.take("OFFSET"):
		s.offset, ok = p.takeArg()
	case p.takePunct(','):
		s.offset = s.limit
		s.limit, ok = p.takeArg()
	}
	return ok
}

func (p *parser) insert(s *shape) bool {
	s.verb = verbInsert
	p.take("INTO")
	if !p.tableName(s) {
		return false
	}
	if p.takePunct('(') {
		for {
			n, ok := p.name()
			if !ok {
				return false
			}
			s.columns = append(s.columns, n)
			if p.takePunct(')') {
				break
			}
			if !p.takePunct(',') {
				return false
			}
		}
	}
	if !p.take("VALUES") || !p.takePunct('(') {
		return false
	}
	for {
		if _, ok := p.takeArg(); !ok {
			return false
		}
		if p.takePunct(')') {
			break
		}
		if !p.takePunct(',') {
			return false
		}
	}
	return p.takePunct(collapsed)
}

func (p *parser) update(s *shape) bool {
	s.verb = verbUpdate
	if !p.tableName(s) || !p.take("SET") {
		return false
	}
	for {
		a, ok := p.assignment()
		if !ok {
			return false
		}
		s.sets = append(s.sets, a)
		if !p.takePunct(',') {
			break
		}
	}
	return p.l.Is(p.t, "WHERE") && p.whereClause(s)
}

func (p *parser) assignment() (a assignment, ok bool) {
	if a.column, ok = p.name(); !ok || !p.takeOp("=") {
		return a, false
	}
	if a.arg, ok = p.takeArg(); ok {
		return a, true
	}
	if a.source, ok = p.name(); !ok {
		return a, false
	}
	switch {
	case p.takeOp("+"):
		a.op = '+'
	case p.takeOp("-"):
		a.op = '-'
	default:
		return a, false
	}
	a.arg, ok = p.takeArg()
	return a, ok
}

func (p *parser) delete(s *shape) bool {
	s.verb = verbDelete
	return p.take("FROM") && p.tableName(s) && p.l.Is(p.t, "WHERE") && p.whereClause(s)
}
