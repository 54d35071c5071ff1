package program

import (
	"strconv"
	"strings"

	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// DECLARE: variables, conditions, cursors and handlers.

// declaration parses what follows DECLARE: variables and conditions first, then cursors, then handlers.
func (p *parser) declaration(b *block, stage *int) error {
	after := func(n int, code mysqlerr.Code, text string) error {
		if *stage > n {
			return mysqlerr.NewMessage(code, "%s", text)
		}
		*stage = n
		return nil
	}
	switch {
	case (p.Word(0) == "CONTINUE" || p.Word(0) == "EXIT" || p.Word(0) == "UNDO") && p.Word(1) == "HANDLER":
		if err := after(2, 0, ""); err != nil {
			return err
		}
		return p.handler(b)
	case p.Word(1) == "CONDITION":
		if err := after(0, 1337, "Variable or condition declaration after cursor or handler declaration"); err != nil {
			return err
		}
		name, err := p.name()
		if err != nil {
			return err
		}
		p.Pos++
		if err := p.expect("FOR"); err != nil {
			return err
		}
		if _, have := p.scope.conds[strings.ToLower(name)]; have {
			return mysqlerr.NewMessage(1332, "Duplicate condition: %s", name)
		}
		m, err := p.condition()
		p.scope.conds[strings.ToLower(name)] = m
		return err
	case p.Word(1) == "CURSOR":
		if err := after(1, 1338, "Cursor declaration after handler declaration"); err != nil {
			return err
		}
		name, err := p.name()
		if err != nil {
			return err
		}
		p.Pos++
		if err := p.expect("FOR"); err != nil {
			return err
		}
		if p.scope.cursors[strings.ToLower(name)] != nil {
			return mysqlerr.NewMessage(1333, "Duplicate cursor: %s", name)
		}
		query, err := p.hosted()
		if err != nil {
			return err
		}
		c := &cursorDecl{name: name, slot: p.prog.curs, query: query}
		p.prog.Queries[c.query] = true
		p.prog.curs++
		p.scope.cursors[strings.ToLower(name)] = c
		b.cursors = append(b.cursors, c)
		return nil
	}
	if err := after(0, 1337, "Variable or condition declaration after cursor or handler declaration"); err != nil {
		return err
	}
	var names []string
	for {
		name, err := p.name()
		if err != nil {
			return err
		}
		names = append(names, name)
		if !p.Accept(",") {
			break
		}
	}
	d := declare{}
	typ, err := p.typeText()
	if err != nil {
		return err
	}
	if p.Accept("DEFAULT") {
		if d.init, err = p.expr(p.semicolon); err != nil {
			return err
		}
	}
	for _, n := range names {
		d.slots = append(d.slots, len(p.prog.Vars))
		if err := p.declareVar(n, typ); err != nil {
			return err
		}
	}
	b.vars = append(b.vars, d)
	return nil
}

func (p *parser) handler(b *block) error {
	h := &handler{action: p.Word(0)}
	if h.action == "UNDO" {
		return p.wrong()
	}
	p.Pos += 2
	if err := p.expect("FOR"); err != nil {
		return err
	}
	for {
		m, err := p.condition()
		if err != nil {
			return err
		}
		for _, have := range h.on {
			if have == m {
				return mysqlerr.NewMessage(1413, "Duplicate handler declared in the same block")
			}
		}
		for _, other := range b.handlers {
			for _, have := range other.on {
				if have == m {
					return mysqlerr.NewMessage(1413, "Duplicate handler declared in the same block")
				}
			}
		}
		h.on = append(h.on, m)
		if !p.Accept(",") {
			break
		}
	}
	loops := p.loops
	p.loops = nil // a handler's body cannot leave or iterate what is around it
	defer func() { p.loops = loops }()
	var err error
	h.body, err = p.statement()
	b.handlers = append(b.handlers, h)
	return err
}

// condition parses an error number, a SQLSTATE, a class or a declared name.
func (p *parser) condition() (match, error) {
	switch {
	case p.Kind(0) == lexer.Int:
		n, err := strconv.ParseUint(p.At(0), 10, 16)
		if err == nil && n == 0 {
			return match{}, mysqlerr.New(mysqlerr.ER_WRONG_VALUE, "CONDITION", p.At(0))
		}
		if err != nil {
			return match{}, mysqlerr.NewMessage(1407, "Bad SQLSTATE: '%s'", p.At(0))
		}
		p.Pos++
		return match{code: mysqlerr.Code(n)}, nil
	case p.Accept("SQLSTATE"):
		p.Accept("VALUE")
		state := lexer.Unquote(p.At(0))
		if p.Kind(0) != lexer.String {
			return match{}, p.wrong()
		}
		p.Pos++
		if len(state) != 5 || strings.HasPrefix(state, "00") || strings.ToUpper(state) != state {
			return match{}, mysqlerr.NewMessage(1407, "Bad SQLSTATE: '%s'", state)
		}
		return match{state: state}, nil
	case p.Accept("SQLWARNING"):
		return match{class: classWarning}, nil
	case p.Accept("NOT", "FOUND"):
		return match{class: classNotFound}, nil
	case p.Accept("SQLEXCEPTION"):
		return match{class: classException}, nil
	}
	name, err := p.name()
	if err != nil {
		return match{}, err
	}
	for s := p.scope; s != nil; s = s.parent {
		if m, ok := s.conds[strings.ToLower(name)]; ok {
			return m, nil
		}
	}
	return match{}, mysqlerr.NewMessage(1319, "Undefined CONDITION: %s", name)
}
