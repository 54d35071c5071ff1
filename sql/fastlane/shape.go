package fastlane

import (
	"github.com/zoryadb/zorya/sql/lexer"
)

// verb is what a statement does.
type verb uint8

const (
	verbSelect verb = iota + 1
	verbInsert
	verbReplace
	verbUpdate
	verbDelete
	verbBegin
	verbCommit
	verbRollback
	verbAutocommit
)

// shape is a parsed digest: names as written, arguments and lists by position.
type shape struct {
	verb   verb
	tables []tableRef // all but the first of a SELECT: joins
	comma  bool       // some tables are joined by commas, which bind less than JOIN
	right  bool       // of two tables the first is the outer one: RIGHT JOIN

	// SELECT
	items    []item
	distinct bool
	calc     bool // SQL_CALC_FOUND_ROWS
	group    []colName
	order    []orderBy
	limit    int // argument, -1: none
	offset   int
	lock     lockClause

	// INSERT, REPLACE
	columns []string // nil: all
	ignore  bool     // INSERT IGNORE

	// UPDATE; INSERT ... ON DUPLICATE KEY UPDATE
	sets []assignment

	where []*condition // all must hold
	subs  []subquery   // that conditions ask for
}

type tableRef struct {
	schema, name, alias string
	outer               bool         // LEFT JOIN: without a match its columns are NULL
	on                  []*condition // of an outer one; others are in where
	scope               int          // 0: of FROM, else of shape.subs[scope-1]
}

// colName is a column as written; qualifier is a table or alias, or "".
type colName struct{ schema, qualifier, name string }

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
	aggMin
	aggMax
	aggAvg
)

// item is one expression of a select list: a column, all columns (of a table), a number, or an aggregate of a column; COUNT(*) and COUNT(1) have
// no column.
type item struct {
	column   colName
	star     bool
	number   string
	agg      aggregate
	counted  int // of COUNT(?): the argument + 1, which counts rows unless it is NULL
	distinct bool
	alias    string
}

type orderBy struct {
	column   colName
	agg      aggregate // of column, as in the select list; none
	distinct bool
	desc     bool
}

// assignment is column = expr.
type assignment struct {
	column colName
	expr   *expr
}

// expr is what may be assigned or compared: an argument, NULL, a column, VALUES(column), or a sum, difference or product of two.
type expr struct {
	op          byte // 0: a leaf, else '+', '-' or '*'
	left, right *expr

	arg    int // -1: none
	column colName
	values bool // VALUES(column)
	null   bool
	zero   bool // 0, with which a column that stands for a truth value is compared
	parens bool // written in parentheses
}

// constant reports whether no column is in x.
func (x *expr) constant() bool {
	if x.op != 0 {
		return x.left.constant() && x.right.constant()
	}
	return x.arg >= 0 || x.null || x.zero
}

// compare is the operator of a condition.
type compare uint8

const (
	cmpEQ compare = iota + 1
	cmpNE
	cmpLT
	cmpLE
	cmpGT
	cmpGE
	cmpBetween
	cmpIn
	cmpNotIn
	cmpNull
	cmpNotNull
	cmpLike
	cmpNotLike
	cmpSame // of the arguments x and y, without a column: 1 = 1
	cmpExists
	cmpNotExists
	cmpOr    // of the conjunctions in any
	cmpBytes // = BINARY: byte by byte
)

// condition is a comparison, or a disjunction.
type condition struct {
	cmp     compare
	columns []colName // several: a tuple, for cmpIn
	x, y    *expr     // y: of BETWEEN and cmpSame
	list    int       // of IN
	sub     int       // of cmpExists: of shape.subs
	any     [][]*condition
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
		s.verb = verbInsert
		ok = p.insert(s)
	case p.take("REPLACE"):
		s.verb = verbReplace
		ok = p.insert(s)
	case p.take("UPDATE"):
		ok = p.update(s)
	case p.take("DELETE"):
		ok = p.delete(s)
	case p.take("SET"):
		s.verb = verbAutocommit
		p.take("SESSION")
		if ok = p.take("AUTOCOMMIT") && p.takeOp("="); ok {
			s.limit, ok = p.takeArg()
		}
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
	if !ok || p.t.Kind != lexer.EOF || len(s.tables) > maxTables || s.joined() > maxJoined {
		return nil
	}
	return s
}

// maxJoined bounds a join, maxTables all tables of a statement, those of subqueries among them.
const (
	maxJoined = 4
	maxTables = 8
)

func (p *parser) selectStatement(s *shape) bool {
	s.verb = verbSelect
	s.calc = p.take("SQL_CALC_FOUND_ROWS")
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
	if p.t.Kind == lexer.EOF { // SELECT 1, as pools of connections ask
		for _, it := range s.items {
			if it.number == "" {
				return false
			}
		}
		return !s.distinct && !s.calc
	}
	if !p.take("FROM") || !p.from(s) {
		return false
	}
	p.outer = s
	if !p.whereClause(s) || !p.groupClause(s) || !p.orderClause(s) || !p.limitClause(s) {
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

var aggregates = []struct {
	name string
	agg  aggregate
}{{"SUM", aggSum}, {"COUNT", aggCount}, {"MIN", aggMin}, {"MAX", aggMax}, {"AVG", aggAvg}}

func (p *parser) item() (it item, ok bool) {
	if p.takePunct('*') {
		return item{star: true}, true
	}
	if p.t.Kind == lexer.Int { // behind SELECT: part of the digest
		it.number = string(p.l.Text(p.t))
		p.next()
		ok = p.alias(&it)
		return it, ok
	}
	if p.takePunct('(') { // SELECT (1), as Django asks whether there is a row
		if p.t.Kind != lexer.Int {
			return it, false
		}
		it.number = string(p.l.Text(p.t))
		p.next()
		ok = p.takePunct(')') && p.alias(&it)
		return it, ok
	}
	for _, a := range aggregates {
		if p.call(a.name) {
			it.agg = a.agg
			ok = p.aggregate(&it) && p.alias(&it)
			return it, ok
		}
	}
	if it.column, it.star, ok = p.columnOrStar(); !ok || it.star {
		return it, ok
	}
	ok = p.alias(&it)
	return it, ok
}

// aggregate parses what follows the opening parenthesis.
func (p *parser) aggregate(it *item) (ok bool) {
	if it.agg == aggCount && p.takePunct('*') {
		return p.takePunct(')')
	}
	if it.agg == aggCount && p.t.Kind == lexer.Int { // behind COUNT(: part of the digest
		p.next()
		return p.takePunct(')')
	}
	if it.agg == aggCount && p.t.Kind == lexer.Param {
		at, _ := p.takeArg()
		it.counted = at + 1
		return p.takePunct(')')
	}
	it.distinct = p.take("DISTINCT")
	parens := p.takePunct('(')
	if it.column, ok = p.column(); !ok || parens && !p.takePunct(')') || it.distinct && it.agg != aggCount {
		return false
	}
	return p.takePunct(')')
}

// alias parses [AS] name. Column definitions come from the general lane; only ORDER BY needs to know it.
func (p *parser) alias(it *item) (ok bool) {
	if p.take("AS") {
		it.alias, ok = p.name()
		return ok
	}
	if p.t.Kind == lexer.Word || p.t.Kind == lexer.Quoted {
		it.alias, _ = p.name() // a keyword stays
	}
	return true
}

// from parses the tables: a list, or inner and left joins with ON, or one right join.
func (p *parser) from(s *shape) bool {
	if !p.tableName(s) {
		return false
	}
	for {
		switch {
		case p.takePunct(','):
			s.comma = true
			if !p.tableName(s) {
				return false
			}
		case p.take("LEFT"):
			p.take("OUTER")
			if !p.take("JOIN") || !p.tableName(s) || !p.take("ON") {
				return false
			}
			t := &s.tables[len(s.tables)-1]
			t.outer = true
			if !p.conjunction(&t.on) {
				return false
			}
		case len(s.tables) == 1 && p.take("RIGHT"):
			p.take("OUTER")
			s.right, s.tables[0].outer = true, true
			if !p.take("JOIN") || !p.tableName(s) || !p.take("ON") {
				return false
			}
			return p.conjunction(&s.tables[0].on) // what is joined to this ends the shape
		case p.l.Is(p.t, "JOIN") || p.l.Is(p.t, "INNER"):
			p.take("INNER")
			if !p.take("JOIN") || !p.tableName(s) || !p.take("ON") || !p.conjunction(&s.where) {
				return false
			}
		default:
			return true
		}
	}
}

func (p *parser) groupClause(s *shape) bool {
	if !p.take("GROUP") {
		return true
	}
	if !p.take("BY") {
		return false
	}
	for {
		c, ok := p.column()
		if !ok {
			return false
		}
		s.group = append(s.group, c)
		if !p.takePunct(',') {
			return true
		}
	}
}

func (p *parser) orderClause(s *shape) bool {
	if !p.take("ORDER") {
		return true
	}
	if !p.take("BY") {
		return false
	}
	for {
		it, ok := p.orderItem()
		if !ok {
			return false
		}
		o := orderBy{column: it.column, agg: it.agg, distinct: it.distinct, desc: p.take("DESC")}
		if !o.desc {
			p.take("ASC")
		}
		s.order = append(s.order, o)
		if !p.takePunct(',') {
			return true
		}
	}
}

// orderItem parses a column, or an aggregate.
func (p *parser) orderItem() (it item, ok bool) {
	for _, a := range aggregates {
		if p.call(a.name) {
			it.agg = a.agg
			ok = p.aggregate(&it)
			return it, ok
		}
	}
	it.column, ok = p.column()
	return it, ok
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

// insert parses INSERT and REPLACE. The arguments of the groups are in Query.List, so that those behind count from 0.
func (p *parser) insert(s *shape) bool {
	s.ignore = s.verb == verbInsert && p.take("IGNORE")
	p.take("INTO")
	if !p.tableName(s) || s.tables[0].alias != "" {
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
		if p.t.Kind != lexer.Param {
			return false
		}
		p.next()
		if p.takePunct(')') {
			break
		}
		if !p.takePunct(',') {
			return false
		}
	}
	if !p.takePunct(collapsed) {
		return false
	}
	if !p.take("ON") {
		return true
	}
	return s.verb == verbInsert && !s.ignore && p.take("DUPLICATE") && p.take("KEY") && p.take("UPDATE") && p.assignments(s)
}

func (p *parser) update(s *shape) bool {
	s.verb = verbUpdate
	return p.tableName(s) && p.take("SET") && p.assignments(s) && p.l.Is(p.t, "WHERE") && p.whereClause(s) && p.firstRows(s)
}

// firstRows parses what may stand behind the WHERE of UPDATE and DELETE.
func (p *parser) firstRows(s *shape) bool {
	return p.orderClause(s) && p.limitClause(s) && s.offset < 0
}

func (p *parser) assignments(s *shape) bool {
	for {
		c, ok := p.column()
		if !ok || !p.takeOp("=") {
			return false
		}
		x, ok := p.expr()
		if !ok {
			return false
		}
		s.sets = append(s.sets, assignment{c, x})
		if !p.takePunct(',') {
			return true
		}
	}
}

func (p *parser) delete(s *shape) bool {
	s.verb = verbDelete
	return p.take("FROM") && p.tableName(s) && s.tables[0].alias == "" && p.l.Is(p.t, "WHERE") && p.whereClause(s) && p.firstRows(s)
}
