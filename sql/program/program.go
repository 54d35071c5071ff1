// Package program owns MySQL's compound statements: it parses the bodies of procedures, functions, triggers and events (and a lone
// SIGNAL, RESIGNAL or GET DIAGNOSTICS) and interprets them. What is not control flow, cursors, conditions or local variables it leaves to its
// Host as text: whole statements and expressions.
//
// Sources: MySQL 8.0 Reference Manual, chapter 15.6 (compound statements), and 15.6.7.6 for which handler is chosen.
//
// Invariants: a Program is immutable after Parse apart from what the Host keeps in Expr.Compiled and Stmt.Compiled, so a Program belongs to one session.
// Running it any number of times, also recursively, is safe: variables live in the Machine.
//
// Where to read on: parse.go (text to Program), machine.go (execution), condition.go (handlers, SIGNAL, GET DIAGNOSTICS).
package program

import "strings"

// Program is a parsed body.
type Program struct {
	Body  node
	Vars  []Variable // all local variables and parameters, by slot
	Stmts []*Stmt    // every statement and expression left to the Host
	Exprs []*Expr
	// Queries are the statements that cursors read.
	Queries map[*Stmt]bool
	// Targets are those of SET that are not left to the Host.
	Targets []Target
	Returns bool // it has a RETURN
	curs    int
	Scope   *Scope // of the parameters
}

// Variable is a parameter or what DECLARE declares.
type Variable struct {
	Name, Type string // the type as written
	Declared   any    // the Host's
}

// Scope says what names mean at a place of the text.
type Scope struct {
	parent  *Scope
	vars    map[string]int
	conds   map[string]match
	cursors map[string]*cursorDecl
}

// Lookup finds the slot of a variable, ignoring case.
func (s *Scope) Lookup(name string) (slot int, ok bool) {
	name = strings.ToLower(name)
	for ; s != nil; s = s.parent {
		if slot, ok = s.vars[name]; ok {
			return slot, true
		}
	}
	return 0, false
}

// Expr is an expression, left to the Host.
type Expr struct {
	Text     string
	Scope    *Scope
	Compiled any // the Host's
}

// Stmt is a statement, left to the Host.
type Stmt struct {
	Text     string
	Scope    *Scope
	Compiled any // the Host's
}

// Target is where SET, SELECT ... INTO, FETCH and GET DIAGNOSTICS put a value: a local variable, @name, or NEW.column.
type Target struct {
	Slot int    // of a local variable; -1: another target
	Name string // "@name" or "NEW.column" when Slot < 0
}

type node interface{}

type (
	// block is BEGIN ... END.
	block struct {
		label    string
		vars     []declare
		cursors  []*cursorDecl
		handlers []*handler
		body     []node
	}
	declare struct {
		slots []int
		init  *Expr // nil: NULL
	}
	cursorDecl struct {
		name  string
		slot  int
		query *Stmt
	}
	handler struct {
		action string // CONTINUE, EXIT
		on     []match
		body   node
	}
	ifNode struct {
		cond []*Expr
		then [][]node // one more than cond when there is an ELSE
	}
	caseNode struct {
		value *Expr // nil: searched
		when  []*Expr
		then  [][]node
		other []node
		has   bool // ELSE was given
	}
	loop struct {
		label string
		while *Expr // before each round
		until *Expr // after each round
		body  []node
	}
	leave   struct{ label string }
	iterate struct{ label string }
	ret     struct{ value *Expr }
	open    struct{ cursor *cursorDecl }
	closing struct{ cursor *cursorDecl }
	fetch   struct {
		cursor *cursorDecl
		into   []Target
	}
	set struct {
		to    Target
		value *Expr
	}
	leaf   struct{ st *Stmt }
	signal struct {
		again bool // RESIGNAL
		cond  *match
		items map[string]*Expr // by upper-case name
	}
	diagnose struct {
		stacked bool
		number  *Expr // of the condition; nil: statement information
		items   []item
	}
	item struct {
		to   Target
		name string
	}
)
