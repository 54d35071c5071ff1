package program

import (
	"slices"
	"strings"

	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// Param is a parameter of a routine.
type Param struct {
	Mode       string // IN, OUT, INOUT
	Name, Type string
}

// ParseParams parses a parameter list without its parentheses.
func ParseParams(text string, mode lexer.Mode) ([]Param, error) {
	p := newParser(text, mode)
	var out []Param
	for !p.End() {
		a := Param{Mode: "IN"}
		switch w := p.Word(0); w {
		case "IN", "OUT", "INOUT":
			if p.Kind(1) == lexer.Word || p.Kind(1) == lexer.Quoted {
				a.Mode = w
				p.Pos++
			}
		}
		var err error
		if a.Name, err = p.name(); err != nil {
			return nil, err
		}
		if a.Type, err = p.typeText(); err != nil {
			return nil, err
		}
		out = append(out, a)
		if !p.Accept(",") && !p.End() {
			return nil, p.wrong()
		}
	}
	return out, nil
}

// Parse parses a body: one statement, often a block. params take the first slots, in order. It returns 1064 where the text is not one, and the errors
// of names that mean nothing: 1308, 1310, 1319, 1324 and so on.
func Parse(body string, params []Param, mode lexer.Mode) (*Program, error) {
	p := newParser(body, mode)
	p.prog = &Program{Queries: map[*Stmt]bool{}}
	p.scope = &Scope{vars: map[string]int{}}
	p.prog.Scope = p.scope
	for _, a := range params {
		if err := p.declareVar(a.Name, a.Type); err != nil {
			return nil, err
		}
	}
	n, err := p.statement()
	if err != nil {
		return nil, err
	}
	p.Accept(";")
	if !p.End() {
		return nil, p.wrong()
	}
	p.prog.Body = n
	return p.prog, nil
}

type parser struct {
	*lexer.Cursor
	prog  *Program
	scope *Scope
	loops []label
	depth int
}

type label struct {
	name string
	loop bool
}

// maxNesting bounds blocks within blocks.
const maxNesting = 200

func newParser(text string, mode lexer.Mode) *parser {
	return &parser{Cursor: lexer.NewCursor(text, mode, len(text))}
}

func (p *parser) expect(words ...string) error {
	if !p.Accept(words...) {
		return p.wrong()
	}
	return nil
}

// wrong is 1064 at the current token.
func (p *parser) wrong() error { return mysqlerr.Syntax(p.Src, p.Offset()) }

func (p *parser) name() (string, error) {
	switch p.Kind(0) {
	case lexer.Word:
		p.Pos++
		return p.At(-1), nil
	case lexer.Quoted:
		p.Pos++
		return lexer.Unquote(p.At(-1)), nil
	}
	return "", p.wrong()
}

// hosted returns a statement that is the Host's, up to the semicolon.
func (p *parser) hosted() (*Stmt, error) {
	from := p.Pos
	text := p.until(p.semicolon)
	if text == "" {
		return nil, p.wrong()
	}
	end := p.Pos
	defer func() { p.Pos = end }()
	for p.Pos = from; p.Pos < end; p.Pos++ {
		if p.Word(0) != "LIMIT" {
			continue
		}
		at := []int{1}
		if p.At(2) == "," || p.Word(2) == "OFFSET" {
			at = append(at, 3)
		}
		for _, i := range at {
			name := p.At(i)
			if p.Kind(i) == lexer.Quoted {
				name = lexer.Unquote(name)
			}
			if p.Pos+i < end && !p.wholeNumbers(name) {
				return nil, mysqlerr.New(mysqlerr.ER_WRONG_SPVAR_TYPE_IN_LIMIT)
			}
		}
	}
	return p.host(text), nil
}

// wholeNumbers reports whether a name is not that of a variable of a type other than a whole number's, which LIMIT refuses.
func (p *parser) wholeNumbers(name string) bool {
	slot, ok := p.scope.Lookup(name)
	if !ok {
		return true
	}
	kind := strings.FieldsFunc(strings.ToLower(p.prog.Vars[slot].Type), func(r rune) bool { return r < 'a' || r > 'z' })
	return len(kind) == 0 || slices.Contains([]string{"tinyint", "smallint", "mediumint", "int", "integer", "bigint", "bit", "bool", "boolean", "serial"}, kind[0])
}

// until returns the text up to where stop holds outside of parentheses and CASE expressions, or the end.
func (p *parser) until(stop func() bool) string {
	from, parens, cases := p.Pos, 0, 0
	for ; !p.End(); p.Pos++ {
		if parens == 0 && cases == 0 && stop() {
			break
		}
		switch {
		case p.At(0) == "(":
			parens++
		case p.At(0) == ")":
			parens--
		case p.Word(0) == "CASE" && p.At(-1) != ".":
			cases++
		case p.Word(0) == "END" && cases > 0 && p.At(-1) != ".":
			cases--
		}
	}
	if from == p.Pos {
		return ""
	}
	return p.Span(from, p.Pos)
}

func (p *parser) expr(stop func() bool) (*Expr, error) {
	text := p.until(stop)
	if text == "" {
		return nil, p.wrong()
	}
	e := &Expr{Text: text, Scope: p.scope}
	p.prog.Exprs = append(p.prog.Exprs, e)
	return e, nil
}

// host makes a statement that is the Host's.
func (p *parser) host(text string) *Stmt {
	st := &Stmt{Text: text, Scope: p.scope}
	p.prog.Stmts = append(p.prog.Stmts, st)
	return st
}

func (p *parser) semicolon() bool { return p.At(0) == ";" }

func (p *parser) declareVar(name, typ string) error {
	k := strings.ToLower(name)
	if _, have := p.scope.vars[k]; have {
		if p.scope.parent == nil {
			return mysqlerr.NewMessage(1330, "Duplicate parameter: %s", name)
		}
		return mysqlerr.NewMessage(1331, "Duplicate variable: %s", name)
	}
	p.scope.vars[k] = len(p.prog.Vars)
	p.prog.Vars = append(p.prog.Vars, Variable{Name: name, Type: typ})
	return nil
}

// statements parses statements, each with its semicolon, up to one of the words.
func (p *parser) statements(ends ...string) ([]node, error) {
	var out []node
	for {
		for _, w := range ends {
			if p.Word(0) == w {
				return out, nil
			}
		}
		if p.End() {
			return nil, p.wrong()
		}
		n, err := p.statement()
		if err != nil {
			return nil, err
		}
		if err := p.expect(";"); err != nil {
			return nil, err
		}
		out = append(out, n)
	}
}

func (p *parser) statement() (node, error) {
	if p.depth++; p.depth > maxNesting {
		return nil, p.wrong()
	}
	defer func() { p.depth-- }()
	if (p.Kind(0) == lexer.Word || p.Kind(0) == lexer.Quoted) && p.At(1) == ":" {
		name, err := p.name()
		if err != nil {
			return nil, err
		}
		p.Pos++
		for _, l := range p.loops {
			if strings.EqualFold(l.name, name) {
				return nil, mysqlerr.NewMessage(1309, "Redefining label %s", name)
			}
		}
		return p.labelled(name)
	}
	switch p.Word(0) {
	case "BEGIN", "LOOP", "WHILE", "REPEAT":
		if p.Word(0) != "REPEAT" || p.At(1) != "(" {
			return p.labelled("")
		}
	case "IF":
		return p.ifStatement()
	case "CASE":
		return p.caseStatement()
	case "LEAVE", "ITERATE":
		return p.jump()
	case "RETURN":
		p.Pos++
		p.prog.Returns = true
		e, err := p.expr(p.semicolon)
		return &ret{e}, err
	case "OPEN", "CLOSE", "FETCH":
		return p.cursorStatement()
	case "SET":
		return p.setStatement()
	case "SIGNAL", "RESIGNAL":
		return p.signalStatement()
	case "GET":
		return p.diagnostics()
	case "DECLARE":
		return nil, p.wrong()
	}
	st, err := p.hosted()
	if err != nil {
		return nil, err
	}
	return &leaf{st}, nil
}

// labelled parses a block or a loop.
func (p *parser) labelled(name string) (node, error) {
	word := p.Word(0)
	switch word {
	case "BEGIN", "LOOP", "WHILE", "REPEAT":
	default:
		return nil, p.wrong()
	}
	p.Pos++
	p.loops = append(p.loops, label{name, word != "BEGIN"})
	defer func() { p.loops = p.loops[:len(p.loops)-1] }()
	var n node
	var err error
	switch word {
	case "BEGIN":
		n, err = p.block(name)
	case "LOOP":
		l := &loop{label: name}
		if l.body, err = p.statements("END"); err == nil {
			err = p.expect("END", "LOOP")
		}
		n = l
	case "WHILE":
		l := &loop{label: name}
		if l.while, err = p.expr(func() bool { return p.Word(0) == "DO" }); err != nil {
			return nil, err
		}
		if err = p.expect("DO"); err != nil {
			return nil, err
		}
		if l.body, err = p.statements("END"); err == nil {
			err = p.expect("END", "WHILE")
		}
		n = l
	case "REPEAT":
		l := &loop{label: name}
		if l.body, err = p.statements("UNTIL"); err != nil {
			return nil, err
		}
		p.Pos++
		if l.until, err = p.expr(func() bool { return p.Word(0) == "END" && p.Word(1) == "REPEAT" }); err == nil {
			err = p.expect("END", "REPEAT")
		}
		n = l
	}
	if err != nil {
		return nil, err
	}
	if !p.End() && p.At(0) != ";" && (p.Kind(0) == lexer.Word || p.Kind(0) == lexer.Quoted) {
		close, err := p.name()
		if err != nil {
			return nil, err
		}
		if !strings.EqualFold(close, name) {
			return nil, mysqlerr.NewMessage(1310, "End-label %s without match", close)
		}
	}
	return n, nil
}

func (p *parser) block(name string) (node, error) {
	b := &block{label: name}
	outer := p.scope
	p.scope = &Scope{parent: outer, vars: map[string]int{}, conds: map[string]match{}, cursors: map[string]*cursorDecl{}}
	defer func() { p.scope = outer }()
	stage := 0
	for p.Word(0) == "DECLARE" {
		p.Pos++
		if err := p.declaration(b, &stage); err != nil {
			return nil, err
		}
		if err := p.expect(";"); err != nil {
			return nil, err
		}
	}
	var err error
	if b.body, err = p.statements("END"); err != nil {
		return nil, err
	}
	p.Pos++
	return b, nil
}

func (p *parser) ifStatement() (node, error) {
	n := &ifNode{}
	for first := true; ; first = false {
		switch {
		case first || p.Word(0) == "ELSEIF":
			p.Pos++
			e, err := p.expr(func() bool { return p.Word(0) == "THEN" })
			if err != nil {
				return nil, err
			}
			n.cond = append(n.cond, e)
			if err := p.expect("THEN"); err != nil {
				return nil, err
			}
		case p.Accept("ELSE"):
		default:
			return n, p.expect("END", "IF")
		}
		body, err := p.statements("ELSEIF", "ELSE", "END")
		if err != nil {
			return nil, err
		}
		n.then = append(n.then, body)
	}
}

func (p *parser) caseStatement() (node, error) {
	n := &caseNode{}
	p.Pos++
	var err error
	if p.Word(0) != "WHEN" {
		if n.value, err = p.expr(func() bool { return p.Word(0) == "WHEN" }); err != nil {
			return nil, err
		}
	}
	for p.Accept("WHEN") {
		e, err := p.expr(func() bool { return p.Word(0) == "THEN" })
		if err != nil {
			return nil, err
		}
		if err := p.expect("THEN"); err != nil {
			return nil, err
		}
		body, err := p.statements("WHEN", "ELSE", "END")
		if err != nil {
			return nil, err
		}
		n.when, n.then = append(n.when, e), append(n.then, body)
	}
	if p.Accept("ELSE") {
		n.has = true
		if n.other, err = p.statements("END"); err != nil {
			return nil, err
		}
	}
	return n, p.expect("END", "CASE")
}

func (p *parser) jump() (node, error) {
	word := p.Word(0)
	p.Pos++
	name, err := p.name()
	if err != nil {
		return nil, err
	}
	for _, l := range p.loops {
		if strings.EqualFold(l.name, name) && (word == "LEAVE" || l.loop) {
			if word == "LEAVE" {
				return &leave{l.name}, nil
			}
			return &iterate{l.name}, nil
		}
	}
	return nil, mysqlerr.NewMessage(1308, "%s with no matching label: %s", word, name)
}

func (p *parser) cursorStatement() (node, error) {
	word := p.Word(0)
	p.Pos++
	if word == "FETCH" {
		if p.Accept("NEXT") {
			p.Accept("FROM")
		} else if p.Word(0) == "FROM" {
			p.Pos++
		}
	}
	name, err := p.name()
	if err != nil {
		return nil, err
	}
	var c *cursorDecl
	for s := p.scope; s != nil && c == nil; s = s.parent {
		c = s.cursors[strings.ToLower(name)]
	}
	if c == nil {
		return nil, mysqlerr.NewMessage(1324, "Undefined CURSOR: %s", name)
	}
	switch word {
	case "OPEN":
		return &open{c}, nil
	case "CLOSE":
		return &closing{c}, nil
	}
	if err := p.expect("INTO"); err != nil {
		return nil, err
	}
	n := &fetch{cursor: c}
	for {
		t, err := p.target()
		if err != nil {
			return nil, err
		}
		n.into = append(n.into, t)
		if !p.Accept(",") {
			return n, nil
		}
	}
}

// target parses a local variable or @name.
func (p *parser) target() (Target, error) {
	if p.Kind(0) == lexer.UserVar {
		p.Pos++
		return Target{-1, p.At(-1)}, nil
	}
	name, err := p.name()
	if err != nil {
		return Target{}, err
	}
	slot, ok := p.scope.Lookup(name)
	if !ok {
		return Target{}, mysqlerr.NewMessage(1327, "Undeclared variable: %s", name)
	}
	return Target{slot, name}, nil
}

// setStatement: assignments to local variables and NEW columns are ours, others the Host's.
func (p *parser) setStatement() (node, error) {
	p.Pos++
	var out []node
	for {
		if n, ok, err := p.ownSet(); err != nil {
			return nil, err
		} else if ok {
			out = append(out, n)
		} else {
			text := p.until(func() bool { return p.semicolon() || p.At(0) == "," })
			if text == "" {
				return nil, p.wrong()
			}
			out = append(out, &leaf{p.host("SET " + text)})
		}
		if !p.Accept(",") {
			break
		}
		if w := p.Word(0); w == "" && p.Kind(0) != lexer.UserVar && p.Kind(0) != lexer.SysVar && p.Kind(0) != lexer.Quoted {
			return nil, p.wrong()
		}
	}
	if len(out) == 1 {
		return out[0], nil
	}
	return &block{body: out}, nil
}

func (p *parser) ownSet() (node, bool, error) {
	t := Target{}
	width := 1
	switch {
	case p.Word(0) == "OLD" && p.At(1) == ".":
		return nil, false, mysqlerr.NewMessage(1362, "Updating of OLD row is not allowed in trigger")
	case p.Word(0) == "NEW" && p.At(1) == ".":
		t.Slot, t.Name, width = -1, "NEW."+lexer.Unquote(p.At(2)), 3
	case p.Kind(0) == lexer.Word || p.Kind(0) == lexer.Quoted:
		name := lexer.Unquote(p.At(0))
		slot, ok := p.scope.Lookup(name)
		if !ok {
			return nil, false, nil
		}
		t.Slot, t.Name = slot, name
	default:
		return nil, false, nil
	}
	if eq := p.At(width); eq != "=" && eq != ":=" {
		return nil, false, nil
	}
	p.Pos += width + 1
	e, err := p.expr(func() bool { return p.semicolon() || p.At(0) == "," })
	p.prog.Targets = append(p.prog.Targets, t)
	return &set{t, e}, true, err
}
