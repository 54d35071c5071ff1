package program

import (
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
	for !p.end() {
		a := Param{Mode: "IN"}
		switch w := p.word(0); w {
		case "IN", "OUT", "INOUT":
			if p.kind(1) == lexer.Word || p.kind(1) == lexer.Quoted {
				a.Mode = w
				p.pos++
			}
		}
		var err error
		if a.Name, err = p.name(); err != nil {
			return nil, err
		}
		a.Type = p.until(func() bool { return p.at(0) == "," })
		if a.Type == "" {
			return nil, p.wrong()
		}
		out = append(out, a)
		if !p.accept(",") && !p.end() {
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
	p.accept(";")
	if !p.end() {
		return nil, p.wrong()
	}
	p.prog.Body = n
	return p.prog, nil
}

type parser struct {
	src   string
	list  []lexer.Token
	pos   int
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
	l := lexer.Lexer{Src: []byte(text), Mode: mode}
	p := &parser{src: text}
	for {
		k := l.Next()
		if k.Kind == lexer.EOF {
			return p
		}
		p.list = append(p.list, k)
	}
}

func (p *parser) end() bool { return p.pos >= len(p.list) }

func (p *parser) at(i int) string {
	if p.pos+i >= len(p.list) || p.pos+i < 0 {
		return ""
	}
	return p.src[p.list[p.pos+i].Start:p.list[p.pos+i].End]
}

func (p *parser) kind(i int) lexer.Kind {
	if p.pos+i >= len(p.list) {
		return lexer.EOF
	}
	return p.list[p.pos+i].Kind
}

func (p *parser) word(i int) string {
	if p.kind(i) != lexer.Word {
		return ""
	}
	return strings.ToUpper(p.at(i))
}

func (p *parser) accept(words ...string) bool {
	for i, w := range words {
		if p.word(i) != w && p.at(i) != w {
			return false
		}
	}
	p.pos += len(words)
	return true
}

func (p *parser) expect(words ...string) error {
	if !p.accept(words...) {
		return p.wrong()
	}
	return nil
}

// wrong is 1064 at the current token.
func (p *parser) wrong() error {
	near, at := "", len(p.src)
	if !p.end() {
		at = p.list[p.pos].Start
		near = p.src[at:]
	}
	if len(near) > 80 {
		near = near[:80]
	}
	return mysqlerr.NewMessage(mysqlerr.ER_PARSE_ERROR, "You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version for the right syntax to use near '%s' at line %d",
		strings.ToValidUTF8(near, "?"), 1+strings.Count(p.src[:at], "\n"))
}

func (p *parser) name() (string, error) {
	switch p.kind(0) {
	case lexer.Word:
		p.pos++
		return p.at(-1), nil
	case lexer.Quoted:
		p.pos++
		return unquote(p.at(-1)), nil
	}
	return "", p.wrong()
}

func unquote(s string) string {
	if len(s) < 2 {
		return s
	}
	q := s[:1]
	return strings.ReplaceAll(s[1:len(s)-1], q+q, q)
}

// until returns the text up to where stop holds outside of parentheses and CASE expressions, or the end.
func (p *parser) until(stop func() bool) string {
	from, parens, cases := p.pos, 0, 0
	for ; !p.end(); p.pos++ {
		if parens == 0 && cases == 0 && stop() {
			break
		}
		switch {
		case p.at(0) == "(":
			parens++
		case p.at(0) == ")":
			parens--
		case p.word(0) == "CASE" && p.at(-1) != ".":
			cases++
		case p.word(0) == "END" && cases > 0 && p.at(-1) != ".":
			cases--
		}
	}
	if from == p.pos {
		return ""
	}
	return p.src[p.list[from].Start:p.list[p.pos-1].End]
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

func (p *parser) semicolon() bool { return p.at(0) == ";" }

func (p *parser) declareVar(name, typ string) error {
	k := strings.ToLower(name)
	if _, have := p.scope.vars[k]; have {
		if p.scope.parent == nil {
			return mysqlerr.NewMessage(1330, "Duplicate parameter: %s", name)
		}
		return mysqlerr.NewMessage(1331, "Duplicate variable: %s", name)
	}
	p.scope.vars[k] = len(p.prog.Vars)
	p.prog.Vars = append(p.prog.Vars, Variable{name, typ})
	return nil
}

// statements parses statements, each with its semicolon, up to one of the words.
func (p *parser) statements(ends ...string) ([]node, error) {
	var out []node
	for {
		for _, w := range ends {
			if p.word(0) == w {
				return out, nil
			}
		}
		if p.end() {
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
	if (p.kind(0) == lexer.Word || p.kind(0) == lexer.Quoted) && p.at(1) == ":" {
		name, err := p.name()
		if err != nil {
			return nil, err
		}
		p.pos++
		for _, l := range p.loops {
			if strings.EqualFold(l.name, name) {
				return nil, mysqlerr.NewMessage(1309, "Redefining label %s", name)
			}
		}
		return p.labelled(name)
	}
	switch p.word(0) {
	case "BEGIN", "LOOP", "WHILE", "REPEAT":
		if p.word(0) != "REPEAT" || p.at(1) != "(" {
			return p.labelled("")
		}
	case "IF":
		return p.ifStatement()
	case "CASE":
		return p.caseStatement()
	case "LEAVE", "ITERATE":
		return p.jump()
	case "RETURN":
		p.pos++
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
	text := p.until(p.semicolon)
	if text == "" {
		return nil, p.wrong()
	}
	return &leaf{p.host(text)}, nil
}

// labelled parses a block or a loop.
func (p *parser) labelled(name string) (node, error) {
	word := p.word(0)
	switch word {
	case "BEGIN", "LOOP", "WHILE", "REPEAT":
	default:
		return nil, p.wrong()
	}
	p.pos++
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
		if l.while, err = p.expr(func() bool { return p.word(0) == "DO" }); err != nil {
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
		p.pos++
		if l.until, err = p.expr(func() bool { return p.word(0) == "END" && p.word(1) == "REPEAT" }); err == nil {
			err = p.expect("END", "REPEAT")
		}
		n = l
	}
	if err != nil {
		return nil, err
	}
	if !p.end() && p.at(0) != ";" && (p.kind(0) == lexer.Word || p.kind(0) == lexer.Quoted) {
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
	for p.word(0) == "DECLARE" {
		p.pos++
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
	p.pos++
	return b, nil
}

func (p *parser) ifStatement() (node, error) {
	n := &ifNode{}
	for first := true; ; first = false {
		switch {
		case first || p.word(0) == "ELSEIF":
			p.pos++
			e, err := p.expr(func() bool { return p.word(0) == "THEN" })
			if err != nil {
				return nil, err
			}
			n.cond = append(n.cond, e)
			if err := p.expect("THEN"); err != nil {
				return nil, err
			}
		case p.accept("ELSE"):
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
	p.pos++
	var err error
	if p.word(0) != "WHEN" {
		if n.value, err = p.expr(func() bool { return p.word(0) == "WHEN" }); err != nil {
			return nil, err
		}
	}
	for p.accept("WHEN") {
		e, err := p.expr(func() bool { return p.word(0) == "THEN" })
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
	if p.accept("ELSE") {
		n.has = true
		if n.other, err = p.statements("END"); err != nil {
			return nil, err
		}
	}
	return n, p.expect("END", "CASE")
}

func (p *parser) jump() (node, error) {
	word := p.word(0)
	p.pos++
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
	word := p.word(0)
	p.pos++
	if word == "FETCH" {
		if p.accept("NEXT") {
			p.accept("FROM")
		} else if p.word(0) == "FROM" {
			p.pos++
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
		if !p.accept(",") {
			return n, nil
		}
	}
}

// target parses a local variable or @name.
func (p *parser) target() (Target, error) {
	if p.kind(0) == lexer.UserVar {
		p.pos++
		return Target{-1, p.at(-1)}, nil
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
	p.pos++
	var out []node
	for {
		if n, ok, err := p.ownSet(); err != nil {
			return nil, err
		} else if ok {
			out = append(out, n)
		} else {
			text := p.until(func() bool { return p.semicolon() || p.at(0) == "," })
			if text == "" {
				return nil, p.wrong()
			}
			out = append(out, &leaf{p.host("SET " + text)})
		}
		if !p.accept(",") {
			break
		}
		if w := p.word(0); w == "" && p.kind(0) != lexer.UserVar && p.kind(0) != lexer.SysVar && p.kind(0) != lexer.Quoted {
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
	case p.word(0) == "OLD" && p.at(1) == ".":
		return nil, false, mysqlerr.NewMessage(1362, "Updating of OLD row is not allowed in trigger")
	case p.word(0) == "NEW" && p.at(1) == ".":
		t.Slot, t.Name, width = -1, "NEW."+unquoteName(p.at(2)), 3
	case p.kind(0) == lexer.Word || p.kind(0) == lexer.Quoted:
		name := unquoteName(p.at(0))
		slot, ok := p.scope.Lookup(name)
		if !ok {
			return nil, false, nil
		}
		t.Slot, t.Name = slot, name
	default:
		return nil, false, nil
	}
	if eq := p.at(width); eq != "=" && eq != ":=" {
		return nil, false, nil
	}
	p.pos += width + 1
	e, err := p.expr(func() bool { return p.semicolon() || p.at(0) == "," })
	p.prog.Targets = append(p.prog.Targets, t)
	return &set{t, e}, true, err
}

func unquoteName(s string) string {
	if strings.HasPrefix(s, "`") || strings.HasPrefix(s, `"`) {
		return unquote(s)
	}
	return s
}
