package fastlane

import (
	"strings"

	"github.com/zoryadb/zorya/sql/lexer"
)

// parser reads a digest: names, conditions and expressions; the statements are in shape.go.
type parser struct {
	l     lexer.Lexer
	t     lexer.Token
	args  int // seen so far
	lists int
	depth int
	outer *shape // of whose WHERE subqueries may stand in
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

// call steps over the function's name and the parenthesis that follows it at once or after blanks.
func (p *parser) call(name string) bool {
	if !p.l.Is(p.t, name) {
		return false
	}
	at, t := p.l, p.t
	p.next()
	if p.takePunct('(') {
		return true
	}
	p.l, p.t = at, t
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
	"HIGH_PRIORITY": true, "DELAYED": true, "SQL_CALC_FOUND_ROWS": true, "SQL_NO_CACHE": true, "SQL_CACHE": true, "STRAIGHT_JOIN": true, "SQL_BIG_RESULT": true,
	"SQL_SMALL_RESULT": true, "SQL_BUFFER_RESULT": true, "DISTINCTROW": true, "DUAL": true, "CASE": true, "EXISTS": true, "INTERVAL": true, "BINARY": true, "WITH": true,
	"INNER": true, "LEFT": true, "RIGHT": true, "CROSS": true, "NATURAL": true, "OUTER": true, "FORCE": true, "USE": true, "WINDOW": true, "DIV": true, "MOD": true,
	"XOR": true, "REGEXP": true, "RLIKE": true, "COLLATE": true, "EXCEPT": true, "INTERSECT": true, "PROCEDURE": true, "LATERAL": true, "TABLESAMPLE": true, "OF": true,
	"MIN": true, "MAX": true, "KEY": true, "WHEN": true, "THEN": true, "ELSE": true, "GROUPING": true, "OVER": true, "DUPLICATE": true}

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

// tableName parses [schema.]table [[AS] alias].
func (p *parser) tableName(s *shape) bool {
	n, ok := p.name()
	if !ok {
		return false
	}
	t := tableRef{name: n}
	if p.takePunct('.') {
		t.schema = n
		if t.name, ok = p.name(); !ok {
			return false
		}
	}
	switch {
	case p.take("AS"):
		if t.alias, ok = p.name(); !ok {
			return false
		}
	case p.t.Kind == lexer.Word || p.t.Kind == lexer.Quoted:
		t.alias, _ = p.name()
	}
	s.tables = append(s.tables, t)
	return true
}

func (p *parser) column() (colName, bool) {
	c, star, ok := p.columnOrStar()
	return c, ok && !star
}

// columnOrStar parses [[schema.]table.]column, or table.*.
func (p *parser) columnOrStar() (c colName, star, ok bool) {
	if c.name, ok = p.name(); !ok {
		return c, false, false
	}
	for range 2 {
		if !p.takePunct('.') {
			return c, false, true
		}
		c.schema, c.qualifier = c.qualifier, c.name
		if p.takePunct('*') {
			c.name = ""
			return c, true, true
		}
		if c.name, ok = p.word(); !ok {
			return c, false, false
		}
	}
	return c, false, true
}

// word is a name behind a point, where no word is reserved.
func (p *parser) word() (string, bool) {
	if p.t.Kind == lexer.Word {
		w := string(p.l.Text(p.t))
		p.next()
		return w, true
	}
	return p.name()
}

// expr parses an operand, or two with an operator between.
func (p *parser) expr() (*expr, bool) {
	x, ok := p.operand()
	if !ok {
		return nil, false
	}
	for {
		var op byte
		switch {
		case p.takeOp("+"):
			op = '+'
		case p.takeOp("-"):
			op = '-'
		case (x.op == 0 || x.parens) && p.takeOp("*"): // a product comes first, or alone
			op = '*'
		default:
			return x, true
		}
		y, ok := p.operand()
		if !ok {
			return nil, false
		}
		x = &expr{op: op, left: x, right: y, arg: -1}
	}
}

func (p *parser) operand() (*expr, bool) {
	x := &expr{arg: -1}
	var ok bool
	switch {
	case p.t.Kind == lexer.Param:
		x.arg, ok = p.takeArg()
		return x, ok
	case p.take("NULL"):
		x.null = true
		return x, true
	case p.call("VALUES"):
		x.values = true
		if x.column, ok = p.column(); !ok {
			return nil, false
		}
		return x, p.takePunct(')')
	case p.takePunct('('):
		if p.depth++; p.depth > maxNesting {
			return nil, false
		}
		if x, ok = p.expr(); !ok {
			return nil, false
		}
		p.depth--
		x.parens = true
		return x, p.takePunct(')')
	}
	x.column, ok = p.column()
	return x, ok
}

// maxNesting bounds parentheses.
const maxNesting = 8

func (p *parser) whereClause(s *shape) bool {
	if !p.take("WHERE") {
		return true
	}
	return p.conjunction(&s.where)
}

// conjunction parses conditions with AND between, and appends them to to. An OR among them makes all that was parsed so far its
// first alternative.
func (p *parser) conjunction(to *[]*condition) bool {
	var all []*condition
	var alternatives [][]*condition
	for {
		if !p.condition(&all) {
			return false
		}
		switch {
		case p.take("AND"):
		case p.take("OR"):
			alternatives = append(alternatives, all)
			all = nil
		default:
			if alternatives == nil {
				*to = append(*to, all...)
				return true
			}
			*to = append(*to, &condition{cmp: cmpOr, any: append(alternatives, all)})
			return true
		}
	}
}

var comparisons = []struct {
	op  string
	cmp compare
}{{"=", cmpEQ}, {"<=", cmpLE}, {">=", cmpGE}, {"<", cmpLT}, {">", cmpGT}, {"<>", cmpNE}, {"!=", cmpNE}}

// condition parses one condition, or several in parentheses.
func (p *parser) condition(to *[]*condition) bool {
	if p.takePunct('(') {
		if p.depth++; p.depth > maxNesting {
			return false
		}
		defer func() { p.depth-- }()
		at, t, args := p.l, p.t, p.args
		if c, ok := p.tuple(); ok {
			*to = append(*to, c)
			return true
		}
		p.l, p.t, p.args = at, t, args
		return p.conjunction(to) && p.takePunct(')')
	}
	if p.t.Kind == lexer.Param {
		return p.same(to)
	}
	if p.take("NOT") {
		return p.not(to)
	}
	if p.take("EXISTS") {
		return p.exists(to)
	}
	col, ok := p.column()
	if !ok {
		return false
	}
	c := &condition{columns: []colName{col}}
	*to = append(*to, c)
	switch {
	case p.take("BETWEEN"):
		c.cmp = cmpBetween
		if c.x, ok = p.expr(); !ok || !p.take("AND") {
			return false
		}
		c.y, ok = p.expr()
	case p.take("IN"):
		c.cmp = cmpIn
		ok = p.list(c)
	case p.take("LIKE"):
		c.cmp = cmpLike
		ok = p.pattern(c)
	case p.take("NOT"):
		if p.take("LIKE") {
			c.cmp = cmpNotLike
			ok = p.pattern(c)
			break
		}
		c.cmp = cmpNotIn
		ok = p.take("IN") && p.list(c)
	case p.take("IS"):
		c.cmp = cmpNull
		if p.take("NOT") {
			c.cmp = cmpNotNull
		}
		ok = p.take("NULL")
	default:
		for _, x := range comparisons {
			if p.takeOp(x.op) {
				c.cmp = x.cmp
				break
			}
		}
		if c.cmp == 0 { // the column alone; what else may stand here ends the shape
			c.cmp, c.x = cmpNE, &expr{arg: -1, zero: true}
			return true
		}
		if c.cmp == cmpEQ && p.take("BINARY") {
			return p.binary(c, to)
		}
		c.x, ok = p.expr()
	}
	return ok
}

// binary parses what stands behind = BINARY: an argument. What is equal byte by byte is so by any collation, by which an index may find it.
func (p *parser) binary(c *condition, to *[]*condition) (ok bool) {
	if p.t.Kind != lexer.Param {
		return false
	}
	if c.x, ok = p.operand(); ok {
		*to = append(*to, &condition{cmp: cmpBytes, columns: c.columns, x: c.x})
	}
	return ok
}

// same parses 1 = 1, with which programs begin a WHERE that they go on with.
func (p *parser) same(to *[]*condition) bool {
	x, ok := p.operand()
	if !ok || !p.takeOp("=") || p.t.Kind != lexer.Param {
		return false
	}
	y, ok := p.operand()
	*to = append(*to, &condition{cmp: cmpSame, x: x, y: y})
	return ok
}

// pattern parses what stands behind LIKE: an argument.
func (p *parser) pattern(c *condition) bool {
	if p.t.Kind != lexer.Param {
		return false
	}
	var ok bool
	c.x, ok = p.operand()
	return ok && !p.l.Is(p.t, "ESCAPE")
}

// tuple parses a, b ) IN (list), behind the opening parenthesis.
func (p *parser) tuple() (*condition, bool) {
	c := &condition{cmp: cmpIn}
	for {
		col, ok := p.column()
		if !ok {
			return nil, false
		}
		c.columns = append(c.columns, col)
		if !p.takePunct(',') {
			break
		}
	}
	if len(c.columns) < 2 || !p.takePunct(')') || !p.take("IN") {
		return nil, false
	}
	return c, p.list(c)
}

// list parses what stands for an IN list: one member and the mark of those that the normaliser collapsed.
func (p *parser) list(c *condition) bool {
	if !p.takePunct('(') {
		return false
	}
	tuple := len(c.columns) > 1
	if !tuple && p.l.Is(p.t, "SELECT") {
		not := c.cmp == cmpNotIn
		if c.cmp = cmpExists; not {
			c.cmp = cmpNotExists
		}
		var ok bool
		c.sub, ok = p.subquery(&c.columns[0])
		return ok
	}
	if p.takePunct('(') != tuple {
		return false
	}
	for i := range c.columns {
		if i > 0 && !p.takePunct(',') || p.t.Kind != lexer.Param {
			return false
		}
		p.next()
	}
	if tuple && !p.takePunct(')') {
		return false
	}
	c.list = p.lists
	p.lists++
	return p.takePunct(collapsed) && p.takePunct(')')
}
