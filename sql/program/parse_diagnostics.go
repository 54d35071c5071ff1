package program

import (
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// SIGNAL, RESIGNAL and GET DIAGNOSTICS.

var signalItems = map[string]bool{"CLASS_ORIGIN": true, "SUBCLASS_ORIGIN": true, "MESSAGE_TEXT": true, "MYSQL_ERRNO": true, "CONSTRAINT_CATALOG": true,
	"CONSTRAINT_SCHEMA": true, "CONSTRAINT_NAME": true, "CATALOG_NAME": true, "SCHEMA_NAME": true, "TABLE_NAME": true, "COLUMN_NAME": true, "CURSOR_NAME": true}

func (p *parser) signalStatement() (node, error) {
	n := &signal{again: p.Word(0) == "RESIGNAL", items: map[string]*Expr{}}
	p.Pos++
	if !p.End() && !p.semicolon() && p.Word(0) != "SET" {
		m, err := p.condition()
		if err != nil {
			return nil, err
		}
		if m.state == "" {
			return nil, mysqlerr.NewMessage(1646, "SIGNAL/RESIGNAL can only use a CONDITION defined with SQLSTATE")
		}
		n.cond = &m
	} else if !n.again {
		return nil, p.wrong()
	}
	if !p.Accept("SET") {
		return n, nil
	}
	for {
		name := p.Word(0)
		if !signalItems[name] || p.At(1) != "=" {
			return nil, p.wrong()
		}
		if n.items[name] != nil {
			return nil, mysqlerr.NewMessage(1641, "Duplicate condition information item '%s'", name)
		}
		p.Pos += 2
		e, err := p.expr(func() bool { return p.semicolon() || p.At(0) == "," })
		if err != nil {
			return nil, err
		}
		n.items[name] = e
		if !p.Accept(",") {
			return n, nil
		}
	}
}

func (p *parser) diagnostics() (node, error) {
	n := &diagnose{}
	p.Pos++
	if !p.Accept("CURRENT") {
		n.stacked = p.Accept("STACKED")
	}
	if err := p.expect("DIAGNOSTICS"); err != nil {
		return nil, err
	}
	known := map[string]bool{"NUMBER": true, "ROW_COUNT": true}
	if p.Accept("CONDITION") {
		if p.End() {
			return nil, p.wrong()
		}
		n.number = &Expr{Text: p.At(0), Scope: p.scope}
		p.Pos++
		known = map[string]bool{"RETURNED_SQLSTATE": true}
		for k := range signalItems {
			known[k] = true
		}
	}
	for {
		t, err := p.target()
		if err != nil {
			return nil, err
		}
		if err := p.expect("="); err != nil {
			return nil, err
		}
		name := p.Word(0)
		if !known[name] {
			return nil, p.wrong()
		}
		p.Pos++
		n.items = append(n.items, item{t, name})
		if !p.Accept(",") {
			return n, nil
		}
	}
}
