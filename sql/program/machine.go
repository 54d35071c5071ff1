package program

import (
	"errors"
	"fmt"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// Host does for a Machine what is not control flow. Its errors are *mysqlerr.Error or become 1105.
type Host interface {
	// Eval evaluates an expression; local variables are m.Value(slot).
	Eval(m *Machine, e *Expr) (any, error)
	// True reports whether a value counts as true.
	True(v any) bool
	// Equal compares for CASE.
	Equal(a, b any) (bool, error)
	// Convert makes of v what a local variable holds.
	Convert(m *Machine, slot int, v any) (any, error)
	// Assign sets @name or NEW.column.
	Assign(target string, v any) error
	// Exec runs a statement. What it changed is taken back when it fails.
	Exec(m *Machine, st *Stmt) error
	// Query runs a cursor's SELECT and returns all its rows: a cursor does not see later changes.
	Query(m *Machine, st *Stmt) ([][]any, error)
	// Conditions returns the warnings that the last Eval, Convert, Exec or Query gave, oldest first, and how many rows it changed.
	Conditions() (list []Condition, rowCount int64)
	// Forget drops them: they were handled.
	Forget()
	// Warn adds a warning to what the client sees.
	Warn(c Condition)
	// Stopped returns why the execution must end (KILL), or nil.
	Stopped() error
}

// Machine runs a Program once.
type Machine struct {
	prog     *Program
	host     Host
	slots    []any
	cursors  []*cursor
	active   []*level    // blocks whose handlers may be chosen, outermost first
	stack    []Condition // conditions whose handlers run, outermost first
	current  []Condition // the diagnostics area
	rowCount int64
	result   any
	returned bool
	function bool
}

// level is a block being executed.
type level struct{ b *block }

type cursor struct {
	rows [][]any
	next int
}

// NewMachine readies a run. args are the values of the first variables.
func NewMachine(p *Program, h Host, args []any) *Machine {
	m := &Machine{prog: p, host: h, slots: make([]any, len(p.Vars)), cursors: make([]*cursor, p.curs)}
	copy(m.slots, args)
	return m
}

// Value is a local variable's value.
func (m *Machine) Value(slot int) any { return m.slots[slot] }

// Variable is its declaration.
func (m *Machine) Variable(slot int) *Variable { return &m.prog.Vars[slot] }

// Set assigns a local variable.
func (m *Machine) Set(slot int, v any) error {
	v, err := m.host.Convert(m, slot, v)
	if err == nil {
		m.slots[slot] = v
	}
	return err
}

// Store assigns a target.
func (m *Machine) Store(t Target, v any) error {
	if t.Slot >= 0 {
		return m.Set(t.Slot, v)
	}
	return m.host.Assign(t.Name, v)
}

// SetDiagnostics gives the machine a diagnostics area to begin with, for statements outside of programs.
func (m *Machine) SetDiagnostics(list []Condition, rowCount int64) {
	m.current, m.rowCount = list, rowCount
}

// Run executes the program.
func (m *Machine) Run() error {
	_, err := m.exec(m.prog.Body)
	return err
}

// Function executes a function's program and returns its value: 1321 when it ends without RETURN.
func (m *Machine) Function(name string) (any, error) {
	m.function = true
	if _, err := m.exec(m.prog.Body); err != nil {
		return nil, err
	}
	if !m.returned {
		return nil, mysqlerr.NewMessage(1321, "FUNCTION %s ended without RETURN", name)
	}
	return m.result, nil
}

// flow says how a statement ended.
type flow struct {
	kind  kind
	label string // of leave and again
	exit  *block // of exit
}

type kind uint8

const (
	normal kind = iota
	leaving
	again
	returning
	exiting // an EXIT handler of block exit ran
)

func (m *Machine) list(nodes []node) (flow, error) {
	for _, n := range nodes {
		f, err := m.exec(n)
		if err != nil || f.kind != normal {
			return f, err
		}
	}
	return flow{}, nil
}

func (m *Machine) exec(n node) (flow, error) {
	if err := m.host.Stopped(); err != nil {
		return flow{}, err
	}
	switch n := n.(type) {
	case *block:
		return m.block(n)
	case *ifNode:
		return m.ifStatement(n)
	case *caseNode:
		return m.caseStatement(n)
	case *loop:
		return m.loop(n)
	case *leave:
		return flow{kind: leaving, label: n.label}, nil
	case *iterate:
		return flow{kind: again, label: n.label}, nil
	case *ret:
		if !m.function {
			return flow{}, mysqlerr.NewMessage(1313, "RETURN is only allowed in a FUNCTION")
		}
		v, err := m.host.Eval(m, n.value)
		if err != nil {
			return m.raise(err)
		}
		m.result, m.returned = v, true
		return flow{kind: returning}, nil
	case *signal:
		return m.signal(n)
	case *diagnose:
		return m.raise(m.diagnose(n))
	}
	err := m.simple(n)
	return m.settle(err)
}

// settle ends a simple statement: it takes over the conditions it gave and looks for handlers.
func (m *Machine) settle(err error) (flow, error) {
	if err != nil {
		return m.raise(err)
	}
	list, rows := m.host.Conditions()
	m.current, m.rowCount = list, rows
	if len(m.active) == 0 {
		return flow{}, nil
	}
	for i := len(list) - 1; i >= 0; i-- {
		c := list[i]
		if c.Note {
			continue
		}
		if at, h := m.find(&c); h != nil {
			return m.handle(at, h, c)
		}
	}
	return flow{}, nil
}

// simple executes a statement without statements within.
func (m *Machine) simple(n node) error {
	switch n := n.(type) {
	case *leaf:
		return m.host.Exec(m, n.st)
	case *set:
		v, err := m.host.Eval(m, n.value)
		if err != nil {
			return err
		}
		return m.Store(n.to, v)
	case *open:
		if m.cursors[n.cursor.slot] != nil {
			return mysqlerr.NewMessage(1325, "Cursor is already open")
		}
		rows, err := m.host.Query(m, n.cursor.query)
		if err == nil {
			m.cursors[n.cursor.slot] = &cursor{rows: rows}
		}
		return err
	case *closing:
		if m.cursors[n.cursor.slot] == nil {
			return mysqlerr.NewMessage(1326, "Cursor is not open")
		}
		m.cursors[n.cursor.slot] = nil
		return nil
	case *fetch:
		return m.fetch(n)
	}
	return fmt.Errorf("program: no statement %T", n)
}

func (m *Machine) fetch(n *fetch) error {
	c := m.cursors[n.cursor.slot]
	if c == nil {
		return mysqlerr.NewMessage(1326, "Cursor is not open")
	}
	if c.next >= len(c.rows) {
		return mysqlerr.Signal(1329, "02000", "No data - zero rows fetched, selected, or processed")
	}
	row := c.rows[c.next]
	if len(row) != len(n.into) {
		return mysqlerr.NewMessage(1328, "Incorrect number of FETCH variables")
	}
	c.next++
	for i, t := range n.into {
		if err := m.Store(t, row[i]); err != nil {
			return err
		}
	}
	return nil
}

func (m *Machine) block(b *block) (f flow, err error) {
	for _, d := range b.vars {
		if f, err := m.settle(m.declare(d)); err != nil || f.kind != normal {
			return f, err
		}
	}
	for _, c := range b.cursors {
		m.cursors[c.slot] = nil
	}
	m.active = append(m.active, &level{b})
	depth := len(m.active)
	f, err = m.list(b.body)
	m.active = m.active[:depth-1]
	for _, c := range b.cursors {
		m.cursors[c.slot] = nil
	}
	if err != nil {
		return f, err
	}
	if f.kind == exiting && f.exit == b || f.kind == leaving && b.label != "" && f.label == b.label {
		return flow{}, nil
	}
	return f, nil
}

func (m *Machine) declare(d declare) error {
	var v any
	if d.init != nil {
		var err error
		if v, err = m.host.Eval(m, d.init); err != nil {
			return err
		}
	}
	for _, slot := range d.slots {
		if err := m.Set(slot, v); err != nil {
			return err
		}
	}
	return nil
}

// test evaluates a condition. go_on is false when a handler ended the statement that holds it.
func (m *Machine) test(e *Expr) (yes, goOn bool, f flow, err error) {
	v, err := m.host.Eval(m, e)
	if err != nil {
		f, err = m.raise(err)
		return false, false, f, err
	}
	return m.host.True(v), true, flow{}, nil
}

func (m *Machine) ifStatement(n *ifNode) (flow, error) {
	for i, c := range n.cond {
		yes, goOn, f, err := m.test(c)
		if !goOn {
			return f, err
		}
		if yes {
			return m.list(n.then[i])
		}
	}
	if len(n.then) > len(n.cond) {
		return m.list(n.then[len(n.cond)])
	}
	return flow{}, nil
}

func (m *Machine) caseStatement(n *caseNode) (flow, error) {
	var value any
	if n.value != nil {
		var err error
		if value, err = m.host.Eval(m, n.value); err != nil {
			return m.raise(err)
		}
	}
	for i, w := range n.when {
		v, err := m.host.Eval(m, w)
		if err != nil {
			return m.raise(err)
		}
		hit := m.host.True(v)
		if n.value != nil {
			if hit, err = m.host.Equal(value, v); err != nil {
				return m.raise(err)
			}
		}
		if hit {
			return m.list(n.then[i])
		}
	}
	if !n.has {
		return m.raise(mysqlerr.Signal(1339, "20000", "Case not found for CASE statement"))
	}
	return m.list(n.other)
}

func (m *Machine) loop(l *loop) (flow, error) {
	for {
		if err := m.host.Stopped(); err != nil {
			return flow{}, err
		}
		if l.while != nil {
			if yes, goOn, f, err := m.test(l.while); !goOn || !yes {
				return f, err
			}
		}
		f, err := m.list(l.body)
		if err != nil {
			return f, err
		}
		switch {
		case f.kind == leaving && l.label != "" && f.label == l.label:
			return flow{}, nil
		case f.kind == again && l.label != "" && f.label == l.label:
			// ITERATE of REPEAT begins the next round without the test
			continue
		case f.kind != normal:
			return f, nil
		}
		if l.until != nil {
			if yes, goOn, f, err := m.test(l.until); !goOn || yes {
				return f, err
			}
		}
	}
}

// raise looks for a handler of err; without one, err ends the program.
func (m *Machine) raise(err error) (flow, error) {
	if err == nil {
		return flow{}, nil
	}
	if stop := m.host.Stopped(); stop != nil {
		return flow{}, stop // no handler catches KILL
	}
	var c Condition
	var carried *carrier
	if errors.As(err, &carried) {
		c = carried.c
	} else {
		c = *conditionOf(err)
	}
	at, h := m.find(&c)
	if h == nil {
		return flow{}, err
	}
	return m.handle(at, h, c)
}

// find chooses a handler: the innermost block that has one that fits, within it the one that fits best.
func (m *Machine) find(c *Condition) (at int, best *handler) {
	for at = len(m.active) - 1; at >= 0; at-- {
		rank := 0
		for _, h := range m.active[at].b.handlers {
			for _, on := range h.on {
				if r := on.rank(c); r > rank {
					rank, best = r, h
				}
			}
		}
		if best != nil {
			return at, best
		}
	}
	return -1, nil
}

// handle runs a handler of the block at level at. While it runs, only handlers further out may be chosen.
func (m *Machine) handle(at int, h *handler, c Condition) (flow, error) {
	b := m.active[at].b
	inner := append([]*level(nil), m.active[at:]...)
	m.active = m.active[:at]
	m.stack = append(m.stack, c)
	m.current = []Condition{c}
	m.host.Forget()
	f, err := m.exec(h.body)
	m.stack = m.stack[:len(m.stack)-1]
	m.active = append(m.active[:at], inner...)
	if err != nil || f.kind != normal {
		return f, err
	}
	m.current = nil
	if h.action == "EXIT" {
		return flow{kind: exiting, exit: b}, nil
	}
	return flow{}, nil
}

// carrier is an error that keeps its condition's items.
type carrier struct{ c Condition }

func (e *carrier) Error() string { return e.c.Message }
func (e *carrier) Unwrap() error { return mysqlerr.Signal(e.c.Code, e.c.State, e.c.Message) }

func (m *Machine) signal(n *signal) (flow, error) {
	var c Condition
	if n.again {
		if len(m.stack) == 0 {
			return m.raise(mysqlerr.Signal(1645, "0K000", "RESIGNAL when handler not active"))
		}
		c = m.stack[len(m.stack)-1]
		c.Warning = false
	}
	if n.cond != nil {
		c.State = n.cond.state
		switch classOf(c.State) {
		case classWarning:
			c.Code, c.Message = 1642, "Unhandled user-defined warning condition"
		case classNotFound:
			c.Code, c.Message = 1643, "Unhandled user-defined not found condition"
		default:
			c.Code, c.Message = 1644, "Unhandled user-defined exception condition"
		}
	}
	items := map[string]string{}
	for k, v := range c.Items {
		items[k] = v
	}
	c.Items = items
	for name, e := range n.items {
		v, err := m.host.Eval(m, e)
		if err != nil {
			return m.raise(err)
		}
		if v == nil {
			return m.raise(mysqlerr.NewMessage(1231, "Variable '%s' can't be set to the value of 'NULL'", name))
		}
		switch text := fmt.Sprint(v); name {
		case "MESSAGE_TEXT":
			c.Message = text
		case "MYSQL_ERRNO":
			var code uint16
			if _, err := fmt.Sscan(text, &code); err != nil || code == 0 {
				return m.raise(mysqlerr.NewMessage(1231, "Variable 'MYSQL_ERRNO' can't be set to the value of '%s'", text))
			}
			c.Code = mysqlerr.Code(code)
		default:
			items[name] = text
		}
	}
	if classOf(c.State) != classWarning {
		return m.raise(&carrier{c})
	}
	c.Warning = true
	m.current = []Condition{c}
	if at, h := m.find(&c); h != nil {
		return m.handle(at, h, c)
	}
	m.host.Warn(c)
	return flow{}, nil
}

func (m *Machine) diagnose(n *diagnose) error {
	list := m.current
	if n.stacked {
		if len(m.stack) == 0 {
			return mysqlerr.Signal(1787, "0Z002", "GET STACKED DIAGNOSTICS when handler not active")
		}
		list = m.stack[len(m.stack)-1:]
	}
	if n.number == nil {
		for _, it := range n.items {
			v := any(int64(len(list)))
			if it.name == "ROW_COUNT" {
				v = m.rowCount
			}
			if err := m.Store(it.to, v); err != nil {
				return err
			}
		}
		return nil
	}
	v, err := m.host.Eval(m, n.number)
	if err != nil {
		return err
	}
	var i int64
	if _, err := fmt.Sscan(fmt.Sprint(v), &i); err != nil || i < 1 || i > int64(len(list)) {
		return mysqlerr.Signal(1758, "35000", "Invalid condition number")
	}
	for _, it := range n.items {
		if err := m.Store(it.to, list[i-1].item(it.name)); err != nil {
			return err
		}
	}
	return nil
}
