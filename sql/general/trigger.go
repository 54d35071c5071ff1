package general

import (
	"fmt"
	"sort"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"

	"github.com/zoryadb/zorya/sql/field"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/program"
	"github.com/zoryadb/zorya/sql/sqltext"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// Triggers run as programs where rows are changed: BEFORE INSERT, and BEFORE UPDATE of an UPDATE, on the rows on their way (incoming); all others in the
// editor, so that REPLACE and ON DUPLICATE KEY UPDATE fire those of what they come to. Rows that foreign keys change fire none. The library
// sees no triggers.

// firing says which triggers of a table the running statement fires from the editor.
type firing struct {
	insert, delete, update bool
	beforeUpdate           bool // BEFORE UPDATE too: ON DUPLICATE KEY UPDATE, UPDATE of a join
}

// triggerRow is the row that a trigger sees.
type triggerRow struct {
	schema   sql.Schema
	old, new sql.Row
	st       *field.Store
	before   bool
	event    string
}

func (t *triggerRow) column(name string) int {
	for i, c := range t.schema {
		if strings.EqualFold(c.Name, name) {
			return i
		}
	}
	return -1
}

// set is SET NEW.column = v.
func (t *triggerRow) set(c *sql.Context, name string, v any) error {
	i := t.column(name)
	switch {
	case i < 0:
		return mysqlerr.New(mysqlerr.ER_BAD_FIELD_ERROR, name, "NEW")
	case t.new == nil:
		return mysqlerr.NewMessage(1363, "There is no NEW row in on %s trigger", t.event)
	case !t.before:
		return mysqlerr.NewMessage(1362, "Updating of NEW row is not allowed in after trigger")
	}
	if v != nil {
		var err error
		if v, err = t.st.Column(c, i, v); err != nil {
			return err
		}
	}
	t.new[i] = v
	return nil
}

// triggersOf lists the triggers of a table for a timing and an event, in order.
func (e *Engine) triggersOf(c *sql.Context, m *tabledef.Table, timing, event string) ([]*stored, error) {
	if !m.Def.Triggers {
		return nil, nil
	}
	list, err := e.objects(c, kindTrigger, m.Def.Schema)
	if err != nil {
		return nil, err
	}
	var out []*stored
	for _, o := range list {
		if o.Table == m.Def.Name && o.Timing == timing && o.Event == event {
			out = append(out, o)
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].Order < out[j].Order })
	return out, nil
}

// fire runs the triggers of a table for a row. A BEFORE trigger may change now.
func (s *Session) fire(c *sql.Context, m *tabledef.Table, timing, event string, old, now sql.Row) error {
	list, err := s.e.triggersOf(c, m, timing, event)
	if err != nil || len(list) == 0 {
		return err
	}
	x := s.cur
	st := field.New(c, m, false)
	st.Row = 1
	row := &triggerRow{schema: m.Schema, old: old, new: now, st: st, before: timing == "BEFORE", event: event}
	outermost := x.busy == nil
	if outermost {
		x.busy = x.usedTables()
	}
	defer func() {
		if outermost {
			x.busy = nil
		}
	}()
	info := c.GetLastQueryInfo()
	id, count := info.LastInsertId.Load(), info.RowCount.Load()
	defer func() {
		info.LastInsertId.Store(id)
		info.RowCount.Store(count)
	}()
	for _, o := range list {
		if err := s.runTrigger(c, x, m, o, row); err != nil {
			return err
		}
	}
	return nil
}

// usedTables are those that the statement itself has opened: known at its first trigger or function, before these open theirs.
func (x *execution) usedTables() map[[2]string]bool {
	if x.used == nil {
		x.used = make(map[[2]string]bool, len(x.opened))
		for k := range x.opened {
			x.used[k] = true
		}
	}
	return x.used
}

func (s *Session) runTrigger(c *sql.Context, x *execution, m *tabledef.Table, o *stored, row *triggerRow) error {
	p, err := s.programOf(c, o)
	if err == nil && p.table != m {
		if p.table != nil { // the table was altered: columns may have other positions
			delete(s.programs, o)
			p, err = s.programOf(c, o)
		}
		if err == nil {
			p.table = m
		}
	}
	if err != nil {
		return err
	}
	if s.depthOf(o) > 0 {
		return mysqlerr.New(mysqlerr.ER_SP_NO_RECURSION)
	}
	leave, err := s.enter(c, x, m.Def.Schema, o)
	if err != nil {
		return err
	}
	defer leave()
	before := len(s.gms.Warnings())
	h := &programHost{s: s, c: c, x: x, within: "trigger", row: row, told: before}
	if err := program.NewMachine(p.prog, h, nil).Run(); err != nil {
		return err
	}
	s.gms.forgetSince(before) // what a trigger was warned of stays its own unless it fails (sp_head::execute_trigger)
	return nil
}

// fires records what the running statement fires from the editor of a table, and refuses what a trigger or function may not change.
func (x *execution) fires(c *sql.Context, m *tabledef.Table, f firing) error {
	k := [2]string{m.Def.Schema, m.Def.Name}
	if x.busy[k] {
		return mysqlerr.NewMessage(1442, "Can't update table '%s' in stored function/trigger because it is already used by statement which invoked this stored function/trigger.", m.Def.Name)
	}
	if !m.Def.Triggers {
		return nil
	}
	if x.firing == nil {
		x.firing = map[uint64]firing{}
	}
	x.firing[m.Def.ID] = f
	return nil
}

// firing is what the running statement fires for the editor's table.
func (e *editor) firing(c *sql.Context) firing {
	if !e.m.Def.Triggers {
		return firing{}
	}
	if s := sessionOf(c); s != nil && s.cur != nil {
		return s.cur.firing[e.m.Def.ID]
	}
	return firing{}
}

// beforeUpdate runs BEFORE UPDATE for a row that did not pass an incoming, and sees to what it changed.
func (e *editor) beforeUpdate(c *sql.Context, old, now sql.Row) (sql.Row, error) {
	now = now.Copy()
	s := sessionOf(c)
	if err := s.fire(c, e.m, "BEFORE", "UPDATE", old, now); err != nil {
		return nil, err
	}
	in := &incomingIter{n: &incoming{st: field.New(c, e.m, false), update: true}}
	for j := range now {
		if now[j] == nil && e.m.Columns[j].Generated == "" {
			var err error
			if now[j], err = in.null(c, j); err != nil {
				return nil, err
			}
		}
	}
	return now, in.regenerate(c, now)
}

// updated tells the statement which triggers an UPDATE fires, and returns whether BEFORE UPDATE runs on its rows as they come.
func (b *builder) updated(c *sql.Context, n *plan.Update) (onRows bool, m *tabledef.Table, err error) {
	x := executionOf(c)
	if x == nil {
		return false, nil, nil
	}
	if dst, err := plan.GetUpdatable(n.Child); err == nil && dst != nil {
		if t := tableBase(dst); t != nil {
			return t.m.Def.Triggers, t.m, x.fires(c, t.m, firing{update: true})
		}
	}
	transform.Inspect(n.Child, func(in sql.Node) bool { // a join: each row of each table is the editor's
		if t, ok := in.(sql.TableNode); ok && err == nil {
			if ours := tableBase(t.UnderlyingTable()); ours != nil && ours.m.Def.Triggers {
				err = x.fires(c, ours.m, firing{update: true, beforeUpdate: true})
			}
		}
		return true
	})
	return false, nil, err
}

func executionOf(c *sql.Context) *execution {
	if s := sessionOf(c); s != nil {
		return s.cur
	}
	return nil
}

// createTrigger is CREATE TRIGGER.
func (s *Session) createTrigger(t *lexer.Cursor) (*Statement, error) {
	text := t.Text()
	definer, _, err := s.createHead(t, "TRIGGER")
	if err != nil {
		return nil, err
	}
	notExists := t.Accept("IF", "NOT", "EXISTS")
	schema, name, ok := t.Qualified()
	if !ok {
		return nil, s.wrong(t)
	}
	after := t.Rest()
	timing, event := t.Word(0), t.Word(1)
	if timing != "BEFORE" && timing != "AFTER" || event != "INSERT" && event != "UPDATE" && event != "DELETE" {
		return nil, s.wrong(t)
	}
	t.Pos += 2
	if !t.Accept("ON") {
		return nil, s.wrong(t)
	}
	tableSchema, table, ok := t.Qualified()
	if !ok || !t.Accept("FOR", "EACH", "ROW") {
		return nil, s.wrong(t)
	}
	if tableSchema == "" {
		tableSchema = schema
	}
	place, other := t.Word(0), ""
	if place == "FOLLOWS" || place == "PRECEDES" {
		t.Pos++
		if other, ok = t.Name(); !ok {
			return nil, s.wrong(t)
		}
	}
	body := t.Rest()
	return &Statement{Class: DDL, run: func(c *sql.Context, s *Session, _ *execution) (*Result, error) {
		db, err := s.schemaNamed(c, tableSchema)
		if err != nil {
			return nil, err
		}
		if schema != "" && schema != db.name {
			return nil, mysqlerr.NewMessage(1435, "Trigger in wrong schema")
		}
		if err := s.mayTrigger(c, db.name, table); err != nil {
			return nil, err
		}
		d, err := s.definition(c, db.name, table)
		if err != nil {
			return nil, err
		}
		m, err := s.e.metas.Get(c, d)
		if err != nil {
			return nil, err
		}
		if len([]rune(name)) > sql.MaxIdentifierLength {
			return nil, mysqlerr.New(mysqlerr.ER_TOO_LONG_IDENT, name)
		}
		o := newStored(c, name)
		o.Table, o.Timing, o.Event, o.Body = d.Name, timing, event, body
		o.Definer = definerOf(c, definer)
		o.Text = fmt.Sprintf("CREATE DEFINER=%s TRIGGER %s %s", o.Definer, sqltext.Quote(o.Name), after)
		o.DBCollation = db.GetCollation(c).Name()
		list, err := s.e.objects(c, kindTrigger, db.name)
		if err != nil {
			return nil, err
		}
		for _, have := range list {
			if strings.EqualFold(have.Name, name) {
				if notExists {
					e := mysqlerr.New(mysqlerr.ER_TRG_ALREADY_EXISTS)
					c.Session.Warn(&sql.Warning{Level: "Note", Code: int(e.Code), Message: e.Message})
					return &Result{}, nil
				}
				return nil, mysqlerr.New(mysqlerr.ER_TRG_ALREADY_EXISTS)
			}
		}
		if err := s.checkTrigger(c, o, m, text); err != nil {
			return nil, err
		}
		if err := s.e.placeTrigger(c, db.name, list, o, place, other); err != nil {
			return nil, err
		}
		return &Result{}, s.e.setTriggers(c, db.name, o.Table, true)
	}}, nil
}

// checkTrigger reports what is wrong with a trigger's body, also columns of NEW and OLD that do not exist.
func (s *Session) checkTrigger(c *sql.Context, o *stored, m *tabledef.Table, text string) error {
	if o.Body == "" {
		return mysqlerr.Syntax(text, len(text))
	}
	p, err := s.programOf(c, o)
	if err != nil {
		return err
	}
	delete(s.programs, o)
	if err := s.checkProgram(c, p.prog, "trigger"); err != nil {
		return err
	}
	row := &triggerRow{schema: m.Schema, event: o.Event}
	h := &programHost{s: s, c: c, within: "trigger", row: row}
	for _, e := range p.prog.Exprs {
		if _, err := h.compileExpr(e); err != nil {
			return err
		}
	}
	for _, st := range p.prog.Stmts {
		if _, err := h.compileStmt(st); err != nil {
			return err
		}
	}
	for _, target := range p.prog.Targets {
		if col, ok := strings.CutPrefix(target.Name, "NEW."); ok && target.Slot < 0 {
			switch {
			case o.Event == "DELETE":
				return mysqlerr.NewMessage(1363, "There is no NEW row in on DELETE trigger")
			case o.Timing == "AFTER":
				return mysqlerr.NewMessage(1362, "Updating of NEW row is not allowed in after trigger")
			case row.column(col) < 0:
				return mysqlerr.New(mysqlerr.ER_BAD_FIELD_ERROR, col, "NEW")
			}
		}
	}
	return nil
}

// mayTrigger asks for TRIGGER.
func (s *Session) mayTrigger(c *sql.Context, schema, table string) error {
	client := s.gms.Client()
	set := s.e.mysqlDB().UserActivePrivilegeSet(c)
	p := sql.PrivilegeType_Trigger
	if client.User == internalUser || set.Has(sql.PrivilegeType_Super) || set.Has(p) || set.Database(schema).Has(p) || set.Database(schema).Table(table).Has(p) {
		return nil
	}
	return mysqlerr.NewMessage(mysqlerr.ER_TABLEACCESS_DENIED_ERROR, "TRIGGER command denied to user '%s'@'%s' for table '%s'", client.User, client.Address, table)
}

// placeTrigger stores a trigger after all others of its table, timing and event, or where FOLLOWS or PRECEDES says.
func (e *Engine) placeTrigger(c *sql.Context, schema string, list []*stored, o *stored, place, other string) error {
	var same []*stored
	for _, have := range list {
		if have.Table == o.Table && have.Timing == o.Timing && have.Event == o.Event {
			same = append(same, have)
		}
	}
	sort.SliceStable(same, func(i, j int) bool { return same[i].Order < same[j].Order })
	at := len(same)
	if place == "FOLLOWS" || place == "PRECEDES" {
		at = -1
		for i, have := range same {
			if strings.EqualFold(have.Name, other) {
				if at = i; place == "FOLLOWS" {
					at++
				}
			}
		}
		if at < 0 {
			return mysqlerr.NewMessage(3011, "Referenced trigger '%s' for the given action time and event type does not exist.", other)
		}
	}
	same = append(same[:at:at], append([]*stored{o}, same[at:]...)...)
	for i, have := range same {
		if have != o && have.Order == i+1 {
			continue
		}
		n := *have
		n.Order = i + 1
		if err := e.putObject(c, kindTrigger, schema, &n); err != nil {
			return err
		}
	}
	return nil
}

// triggersTable is information_schema.TRIGGERS.
func triggersTable(e *Engine) *ownTable {
	return &ownTable{name: "TRIGGERS", schema: infoColumns("TRIGGERS", "TRIGGER_CATALOG", "TRIGGER_SCHEMA", "TRIGGER_NAME", "EVENT_MANIPULATION", "EVENT_OBJECT_CATALOG",
		"EVENT_OBJECT_SCHEMA", "EVENT_OBJECT_TABLE", "#ACTION_ORDER", "ACTION_CONDITION", "ACTION_STATEMENT", "ACTION_ORIENTATION", "ACTION_TIMING",
		"ACTION_REFERENCE_OLD_TABLE", "ACTION_REFERENCE_NEW_TABLE", "ACTION_REFERENCE_OLD_ROW", "ACTION_REFERENCE_NEW_ROW", "@CREATED", "SQL_MODE", "DEFINER",
		"CHARACTER_SET_CLIENT", "COLLATION_CONNECTION", "DATABASE_COLLATION"),
		rows: func(ctx *sql.Context) ([]sql.Row, error) {
			var out []sql.Row
			err := e.eachObject(ctx, kindTrigger, func(schema string, o *stored) {
				out = append(out, sql.Row{"def", schema, o.Name, o.Event, "def", schema, o.Table, uint64(max(o.Order, 1)), nil, o.Body, "ROW", o.Timing, nil, nil, "OLD", "NEW",
					o.Created, o.SQLMode, o.plainDefiner(), o.Charset, o.Collation, o.DBCollation})
			})
			return out, err
		}}
}

// showTriggers is SHOW TRIGGERS.
func (s *Session) showTriggers(t *lexer.Cursor) (*Statement, error) {
	schema, where, err := s.listed(t, "Table")
	if err != nil {
		return nil, err
	}
	text := "SELECT * FROM (SELECT TRIGGER_NAME `Trigger`, EVENT_MANIPULATION `Event`, EVENT_OBJECT_TABLE `Table`, ACTION_STATEMENT `Statement`, ACTION_TIMING `Timing`, CREATED `Created`, " +
		"SQL_MODE `sql_mode`, DEFINER `Definer`, CHARACTER_SET_CLIENT `character_set_client`, COLLATION_CONNECTION `collation_connection`, DATABASE_COLLATION `Database Collation` " +
		"FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = " + sqltext.Literal(schema) + " ORDER BY EVENT_OBJECT_TABLE, ACTION_TIMING DESC, EVENT_MANIPULATION, ACTION_ORDER) TRIGGERS" + where
	st, _, err := s.parseGMS(text, "")
	return st, err
}

// listed reads what follows SHOW EVENTS and SHOW TRIGGERS: [FROM schema] [LIKE pattern | WHERE condition]. LIKE is about the column like.
func (s *Session) listed(t *lexer.Cursor, like string) (schema, where string, err error) {
	t.Pos = 2
	if t.Accept("FROM") || t.Accept("IN") {
		var ok bool
		if schema, ok = t.Name(); !ok {
			return "", "", s.wrong(t)
		}
	}
	switch {
	case t.Accept("LIKE"):
		where = " WHERE " + sqltext.Quote(like) + " LIKE " + t.Rest()
	case t.Word(0) == "WHERE":
		where = " " + t.Rest()
	case !t.End():
		return "", "", s.wrong(t)
	}
	if schema == "" {
		if schema = s.gms.GetCurrentDatabase(); schema == "" {
			return "", "", mysqlerr.New(mysqlerr.ER_NO_DB_ERROR)
		}
	}
	return schema, where, nil
}
