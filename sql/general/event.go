package general

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/program"
	"github.com/zoryadb/zorya/sql/sqltext"
)

// Events: this file owns their statements, what the catalog keeps of them and when they are due. The dispatcher's scheduler (sql/session) runs them.

// States of an event.
const (
	eventEnabled  = "ENABLED"
	eventDisabled = "DISABLED"
	eventReplica  = "SLAVESIDE_DISABLED"
)

// schedule says when an event runs. Times are UTC.
type schedule struct {
	At       time.Time `json:"at,omitzero"` // once; zero: every interval
	Every    string    `json:"every,omitempty"`
	Unit     string    `json:"unit,omitempty"`
	Starts   time.Time `json:"starts,omitzero"`
	Ends     time.Time `json:"ends,omitzero"`
	Preserve bool      `json:"preserve,omitempty"`
	Status   string    `json:"status"`
	Zone     string    `json:"zone"`
	Last     time.Time `json:"last,omitzero"`
}

// next is the first time after t at which the event is due; ok is false when there is none any more.
func (s *schedule) next(t time.Time) (at time.Time, ok bool) {
	if s.Every == "" {
		return s.At, s.At.After(t)
	}
	iv, ok := grammar.ParseInterval(s.Every, s.Unit)
	if !ok || !iv.Positive() {
		return at, false
	}
	at = iv.After(s.Starts, t)
	return at, s.Ends.IsZero() || !at.After(s.Ends)
}

// text is the schedule as SHOW CREATE EVENT prints it, in the event's time zone.
func (s *schedule) text() string {
	loc := item.LocationOf(s.Zone)
	if loc == nil {
		loc = time.UTC
	}
	show := func(t time.Time) string { return "'" + t.In(loc).Format("2006-01-02 15:04:05") + "'" }
	var b strings.Builder
	if s.Every == "" {
		b.WriteString("ON SCHEDULE AT " + show(s.At))
	} else {
		every := s.Every
		if grammar.IntervalUnits[s.Unit].Parts != nil {
			every = sqltext.Literal(every)
		}
		b.WriteString("ON SCHEDULE EVERY " + every + " " + s.Unit + " STARTS " + show(s.Starts))
		if !s.Ends.IsZero() {
			b.WriteString(" ENDS " + show(s.Ends))
		}
	}
	b.WriteString(" ON COMPLETION ")
	if !s.Preserve {
		b.WriteString("NOT ")
	}
	b.WriteString("PRESERVE ")
	switch s.Status {
	case eventDisabled:
		b.WriteString("DISABLE")
	case eventReplica:
		b.WriteString("DISABLE ON SLAVE")
	default:
		b.WriteString("ENABLE")
	}
	return b.String()
}

// Event is an enabled event, as it was when it was listed.
type Event struct {
	Schema, Name string
	User, Host   string // the definer
	Body         string
	s            *schedule
}

// Next is the first time after t at which the event is due; ok is false when there is none any more.
func (e *Event) Next(t time.Time) (at time.Time, ok bool) { return e.s.next(t) }

// Last is when the event last ran, as of the listing; zero: never.
func (e *Event) Last() time.Time { return e.s.Last }

// EventGeneration grows by one with each change of an event.
func (e *Engine) EventGeneration() uint64 { return e.catalog.Generation(kindEvent, "") }

// Events lists the enabled events of all databases.
func (e *Engine) Events(ctx context.Context) ([]*Event, error) {
	schemas, err := e.catalog.Schemas(ctx)
	if err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	var out []*Event
	for _, sc := range schemas {
		list, err := e.readObjects(ctx, kindEvent, sc.Name)
		if err != nil {
			return nil, err
		}
		for _, o := range list {
			if o.Schedule == nil || o.Schedule.Status != eventEnabled {
				continue
			}
			ev := &Event{Schema: sc.Name, Name: o.Name, Body: o.Body, s: o.Schedule}
			ev.User, ev.Host, _ = splitDefiner(o.Definer)
			out = append(out, ev)
		}
	}
	return out, nil
}

// EventBegins records that an event runs, due at at. It returns false when the event is no longer there, or not as listed.
func (e *Engine) EventBegins(ctx context.Context, ev *Event, at time.Time) (bool, error) {
	o, err := e.storedEvent(ctx, ev)
	if err != nil || o == nil {
		return false, err
	}
	n, s := *o, *o.Schedule
	s.Last = at.UTC().Truncate(time.Second)
	n.Schedule = &s
	if _, more := s.next(at); !more {
		s.Status = eventDisabled
	}
	return true, e.putObject(ctx, kindEvent, ev.Schema, &n)
}

// storedEvent is the event in the catalog; nil when it is gone or was changed since it was listed.
func (e *Engine) storedEvent(ctx context.Context, ev *Event) (*stored, error) {
	o, err := e.object(ctx, kindEvent, ev.Schema, ev.Name)
	if err != nil || o == nil || o.Schedule == nil {
		return nil, err
	}
	if !ev.Same(&Event{Schema: ev.Schema, Name: ev.Name, Body: o.Body, s: o.Schedule}) {
		return nil, nil
	}
	return o, nil
}

// Same reports whether two listings show one event that was not changed in between, but for when it ran.
func (e *Event) Same(o *Event) bool {
	a, b := *e.s, *o.s
	a.Last, b.Last = time.Time{}, time.Time{}
	return a == b && e.Body == o.Body && e.Name == o.Name && e.Schema == o.Schema
}

// EventEnded drops or disables an event that is not due after now any more.
func (e *Engine) EventEnded(ctx context.Context, ev *Event, now time.Time) error {
	o, err := e.object(ctx, kindEvent, ev.Schema, ev.Name)
	if err != nil || o == nil || o.Schedule == nil {
		return err
	}
	if _, more := o.Schedule.next(now); more || o.Schedule.Status != eventEnabled && o.Schedule.Last.IsZero() {
		return nil
	}
	if !o.Schedule.Preserve {
		return e.dropObject(ctx, kindEvent, ev.Schema, ev.Name)
	}
	if o.Schedule.Status != eventEnabled {
		return nil
	}
	n, s := *o, *o.Schedule
	s.Status = eventDisabled
	n.Schedule = &s
	return e.putObject(ctx, kindEvent, ev.Schema, &n)
}

// EventsOn reports whether events run: event_scheduler is ON, and the instance is the writer.
func (e *Engine) EventsOn() bool {
	if e.opts.ReadOnly {
		return false
	}
	_, v, ok := sql.SystemVariables.GetGlobal("event_scheduler")
	return ok && (strings.EqualFold(fmt.Sprint(v), "ON") || fmt.Sprint(v) == "1")
}

// EventStatement is the body of an event as a statement of this session, which must be internal: it becomes the definer's.
func (s *Session) EventStatement(ctx context.Context, ev *Event) (*Statement, error) {
	o, err := s.e.object(ctx, kindEvent, ev.Schema, ev.Name)
	if err != nil {
		return nil, err
	}
	if o == nil {
		return nil, mysqlerr.New(mysqlerr.ER_EVENT_DOES_NOT_EXIST, ev.Name)
	}
	return &Statement{Text: o.Body, Class: Write, run: func(c *sql.Context, s *Session, x *execution) (*Result, error) {
		p, err := s.programOf(c, o)
		if err != nil {
			return nil, err
		}
		leave, err := s.enter(c, x, ev.Schema, o)
		if err != nil {
			return nil, err
		}
		defer leave()
		if err := s.mayEvent(c, ev.Schema); err != nil {
			return nil, err
		}
		h := &programHost{s: s, c: c, x: x}
		if err := program.NewMachine(p.prog, h, nil).Run(); err != nil {
			return nil, err
		}
		x.results = nil // nobody reads them
		return &Result{}, nil
	}}, nil
}

// mayEvent asks for EVENT.
func (s *Session) mayEvent(c *sql.Context, schema string) error {
	client := s.gms.Client()
	set := s.e.mysqlDB().UserActivePrivilegeSet(c)
	p := sql.PrivilegeType_Event
	if client.User == internalUser || set.Has(sql.PrivilegeType_Super) || set.Has(p) || set.Database(schema).Has(p) {
		return nil
	}
	return mysqlerr.New(mysqlerr.ER_DBACCESS_DENIED_ERROR, client.User, client.Address, schema)
}

// eventSpec is what CREATE EVENT and ALTER EVENT say.
type eventSpec struct {
	definer, schema, name  string
	notExists, alter       bool
	scheduled              bool // the times are expressions until the statement runs
	at, every, unit        string
	starts, ends           string
	preserve               *bool
	status                 string
	comment                *string
	body                   string
	renameSchema, renameTo string
}

// eventClause parses everything after the name.
func (s *Session) eventClause(t *lexer.Cursor, sp *eventSpec) error {
	stop := func(words ...string) string {
		from, depth := t.Pos, 0
		for ; !t.End(); t.Pos++ {
			switch t.At(0) {
			case "(":
				depth++
			case ")":
				depth--
			}
			if depth == 0 {
				for _, w := range words {
					if t.Word(0) == w {
						return between(t, from)
					}
				}
			}
		}
		return between(t, from)
	}
	ends := []string{"ON", "ENABLE", "DISABLE", "COMMENT", "DO", "RENAME", "STARTS", "ENDS"}
	if t.Accept("ON", "SCHEDULE") {
		sp.scheduled = true
		switch {
		case t.Accept("AT"):
			sp.at = stop(ends...)
		case t.Accept("EVERY"):
			sp.every = stop(unitWords...)
			if sp.unit = t.Word(0); grammar.IntervalUnits[sp.unit].Months == 0 && grammar.IntervalUnits[sp.unit].Micros == 0 && grammar.IntervalUnits[sp.unit].Parts == nil {
				return s.wrong(t)
			}
			t.Pos++
			if t.Accept("STARTS") {
				sp.starts = stop(ends...)
			}
			if t.Accept("ENDS") {
				sp.ends = stop(ends...)
			}
		default:
			return s.wrong(t)
		}
		if sp.at == "" && sp.every == "" {
			return s.wrong(t)
		}
	}
	if t.Accept("ON", "COMPLETION") {
		not := t.Accept("NOT")
		if !t.Accept("PRESERVE") {
			return s.wrong(t)
		}
		keep := !not
		sp.preserve = &keep
	}
	if sp.alter && t.Accept("RENAME", "TO") {
		var ok bool
		if sp.renameSchema, sp.renameTo, ok = t.Qualified(); !ok {
			return s.wrong(t)
		}
	}
	switch {
	case t.Accept("ENABLE"):
		sp.status = eventEnabled
	case t.Accept("DISABLE", "ON", "SLAVE"), t.Accept("DISABLE", "ON", "REPLICA"):
		sp.status = eventReplica
	case t.Accept("DISABLE"):
		sp.status = eventDisabled
	}
	if t.Accept("COMMENT") {
		text := lexer.Unquote(t.At(0))
		sp.comment = &text
		t.Pos++
	}
	if t.Accept("DO") {
		if sp.body = t.Rest(); sp.body == "" {
			return s.wrong(t)
		}
		return nil
	}
	if !t.End() || !sp.alter {
		return s.wrong(t)
	}
	return nil
}

var unitWords = func() []string {
	var out []string
	for u := range grammar.IntervalUnits {
		out = append(out, u)
	}
	return out
}()

// between is the source from token from up to where t stands.
func between(t *lexer.Cursor, from int) string {
	if t.Pos <= from {
		return ""
	}
	return t.Span(from, t.Pos)
}

// ownEvent is CREATE EVENT, ALTER EVENT and DROP EVENT.
func (s *Session) ownEvent(t *lexer.Cursor) (*Statement, error) {
	if t.Word(0) == "DROP" {
		return s.dropEvent(t)
	}
	sp := &eventSpec{alter: t.Word(0) == "ALTER"}
	var err error
	if sp.definer, _, err = s.createHead(t, "EVENT"); err != nil {
		return nil, err
	}
	sp.notExists = t.Accept("IF", "NOT", "EXISTS")
	var ok bool
	if sp.schema, sp.name, ok = t.Qualified(); !ok {
		return nil, s.wrong(t)
	}
	if err := s.eventClause(t, sp); err != nil {
		return nil, err
	}
	if !sp.alter && !sp.scheduled {
		return nil, s.wrong(t)
	}
	return &Statement{Class: DDL, run: func(c *sql.Context, s *Session, x *execution) (*Result, error) {
		if sp.alter {
			return &Result{}, s.alterEvent(c, x, sp)
		}
		return &Result{}, s.createEvent(c, x, sp)
	}}, nil
}

func (s *Session) createEvent(c *sql.Context, x *execution, sp *eventSpec) error {
	db, err := s.schemaNamed(c, sp.schema)
	if err != nil {
		return err
	}
	if err := s.mayEvent(c, db.name); err != nil {
		return err
	}
	have, err := s.e.object(c, kindEvent, db.name, sp.name)
	if err != nil {
		return err
	}
	if have != nil {
		e := mysqlerr.New(mysqlerr.ER_EVENT_ALREADY_EXISTS, sp.name)
		if sp.notExists {
			c.Session.Warn(&sql.Warning{Level: "Note", Code: int(e.Code), Message: e.Message})
			return nil
		}
		return e
	}
	o := newStored(c, sp.name)
	o.Definer = definerOf(c, sp.definer)
	o.DBCollation = db.GetCollation(c).Name()
	o.Schedule = &schedule{Status: eventEnabled}
	return s.storeEvent(c, x, db.name, "", o, sp)
}

func (s *Session) alterEvent(c *sql.Context, x *execution, sp *eventSpec) error {
	db, err := s.schemaNamed(c, sp.schema)
	if err != nil {
		return err
	}
	if err := s.mayEvent(c, db.name); err != nil {
		return err
	}
	have, err := s.e.object(c, kindEvent, db.name, sp.name)
	if err != nil {
		return err
	}
	if have == nil || have.Schedule == nil {
		return mysqlerr.New(mysqlerr.ER_EVENT_DOES_NOT_EXIST, sp.name)
	}
	n, sched := *have, *have.Schedule
	n.Schedule, n.Modified = &sched, time.Now().UTC().Truncate(time.Second)
	n.Definer = definerOf(c, sp.definer)
	schema := db.name
	if sp.renameTo != "" {
		if sp.renameSchema != "" {
			to, err := s.schemaNamed(c, sp.renameSchema)
			if err != nil {
				return err
			}
			if err := s.mayEvent(c, to.name); err != nil {
				return err
			}
			schema = to.name
		}
		if schema == db.name && strings.EqualFold(sp.renameTo, have.Name) {
			return mysqlerr.New(mysqlerr.ER_EVENT_SAME_NAME)
		}
		if other, err := s.e.object(c, kindEvent, schema, sp.renameTo); err != nil || other != nil {
			if err == nil {
				err = mysqlerr.New(mysqlerr.ER_EVENT_ALREADY_EXISTS, sp.renameTo)
			}
			return err
		}
		n.Name = sp.renameTo
	}
	former := ""
	if n.Name != have.Name || schema != db.name {
		former = db.name
	}
	if err := s.storeEvent(c, x, schema, former, &n, sp); err != nil {
		return err
	}
	if former == "" || schema == db.name && strings.EqualFold(n.Name, have.Name) {
		return nil
	}
	return s.e.dropObject(c, kindEvent, db.name, have.Name)
}

// storeEvent completes o with what the statement says, and stores it.
func (s *Session) storeEvent(c *sql.Context, x *execution, schema, former string, o *stored, sp *eventSpec) error {
	sch := o.Schedule
	now := time.Now().UTC().Truncate(time.Second)
	if sp.scheduled {
		if err := s.setSchedule(c, x, sch, sp, now); err != nil {
			return err
		}
	}
	if sp.preserve != nil {
		sch.Preserve = *sp.preserve
	}
	if sp.status != "" {
		sch.Status = sp.status
	}
	if sp.comment != nil {
		o.Comment = *sp.comment
	}
	if sp.body != "" {
		o.Body = sp.body
		o.SQLMode = sql.LoadSqlMode(c).String()
		if err := s.checkRoutine(c, o); err != nil {
			return err
		}
	}
	past := sch.Every == "" && !sch.At.After(now) || !sch.Ends.IsZero() && !sch.Ends.After(now)
	if past && sp.scheduled {
		switch {
		case sp.alter && !sch.Preserve:
			return mysqlerr.New(mysqlerr.ER_EVENT_CANNOT_ALTER_IN_THE_PAST)
		case !sch.Preserve:
			e := mysqlerr.New(mysqlerr.ER_EVENT_CANNOT_CREATE_IN_THE_PAST)
			c.Session.Warn(&sql.Warning{Level: "Note", Code: int(e.Code), Message: e.Message})
			return nil
		}
		e := mysqlerr.New(mysqlerr.ER_EVENT_EXEC_TIME_IN_THE_PAST)
		c.Session.Warn(&sql.Warning{Level: "Note", Code: int(e.Code), Message: e.Message})
		sch.Status = eventDisabled
	}
	return s.e.putObject(c, kindEvent, schema, o)
}

// setSchedule evaluates the times of ON SCHEDULE.
func (s *Session) setSchedule(c *sql.Context, x *execution, sch *schedule, sp *eventSpec, now time.Time) error {
	keep := schedule{Preserve: sch.Preserve, Status: sch.Status, Zone: sessionText(c, "time_zone")}
	if keep.Status == eventDisabled && sp.alter && sp.status == "" && !sch.Last.IsZero() {
		keep.Status = eventEnabled // it had run for the last time; now it has a future again
	}
	*sch = keep
	var err error
	if sp.every == "" {
		sch.At, err = s.eventTime(c, x, "AT", sp.at)
		return err
	}
	_, rows, err := s.query(c, x, "SELECT "+sp.every)
	if err != nil {
		return err
	}
	if len(rows) == 1 && len(rows[0]) == 1 && rows[0][0] != nil {
		sch.Every = displayAny(c, rows[0][0])
	}
	sch.Unit = sp.unit
	if iv, ok := grammar.ParseInterval(sch.Every, sch.Unit); !ok || !iv.Positive() || strings.HasSuffix(sch.Unit, "MICROSECOND") {
		return mysqlerr.New(mysqlerr.ER_EVENT_INTERVAL_NOT_POSITIVE_OR_TOO_BIG)
	}
	sch.Starts = now
	if sp.starts != "" {
		if sch.Starts, err = s.eventTime(c, x, "STARTS", sp.starts); err != nil {
			return err
		}
	}
	if sp.ends != "" {
		if sch.Ends, err = s.eventTime(c, x, "ENDS", sp.ends); err != nil {
			return err
		}
		if !sch.Ends.After(sch.Starts) {
			return mysqlerr.New(mysqlerr.ER_EVENT_ENDS_BEFORE_STARTS)
		}
	}
	return nil
}

// eventTime evaluates a timestamp of a schedule.
func (s *Session) eventTime(c *sql.Context, x *execution, clause, text string) (time.Time, error) {
	_, rows, err := s.query(c, x, "SELECT "+text)
	if err != nil {
		return time.Time{}, err
	}
	if len(rows) == 1 && len(rows[0]) == 1 && rows[0][0] != nil {
		v, _, err := types.DatetimeMaxPrecision.Convert(c, rows[0][0])
		if t, ok := v.(time.Time); ok && err == nil {
			loc := item.Location(c)
			if loc == nil {
				loc = time.UTC
			}
			return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, loc).UTC(), nil
		}
	}
	return time.Time{}, mysqlerr.NewMessage(mysqlerr.ER_WRONG_VALUE, "Incorrect %s value: '%s'", clause, text)
}

func (s *Session) dropEvent(t *lexer.Cursor) (*Statement, error) {
	t.Pos += 2
	exists := t.Accept("IF", "EXISTS")
	schema, name, ok := t.Qualified()
	if !ok {
		return nil, s.wrong(t)
	}
	return s.done(t, &Statement{Class: DDL, run: func(c *sql.Context, s *Session, _ *execution) (*Result, error) {
		db, err := s.schemaNamed(c, schema)
		if err != nil {
			return nil, err
		}
		if err := s.mayEvent(c, db.name); err != nil {
			return nil, err
		}
		o, err := s.e.object(c, kindEvent, db.name, name)
		if err != nil {
			return nil, err
		}
		if o == nil {
			e := mysqlerr.New(mysqlerr.ER_EVENT_DOES_NOT_EXIST, name)
			if !exists {
				return nil, e
			}
			c.Session.Warn(&sql.Warning{Level: "Note", Code: int(mysqlerr.ER_SP_DOES_NOT_EXIST), Message: "Event " + name + " does not exist"})
			return &Result{}, nil
		}
		return &Result{}, s.e.dropObject(c, kindEvent, db.name, name)
	}})
}

// eventText is SHOW CREATE EVENT.
func (o *stored) eventText() string {
	if o.Schedule == nil {
		return ""
	}
	comment := ""
	if o.Comment != "" {
		comment = " COMMENT " + sqltext.Literal(o.Comment)
	}
	return fmt.Sprintf("CREATE DEFINER=%s EVENT %s %s%s DO %s", o.Definer, sqltext.Quote(o.Name), o.Schedule.text(), comment, o.Body)
}

func (o *stored) zoneName() string {
	if o.Schedule == nil {
		return "SYSTEM"
	}
	return o.Schedule.Zone
}

// eventsTable is information_schema.EVENTS.
func eventsTable(e *Engine) *ownTable {
	return &ownTable{name: "EVENTS", schema: infoColumns("EVENTS", "EVENT_CATALOG", "EVENT_SCHEMA", "EVENT_NAME", "DEFINER", "TIME_ZONE", "EVENT_BODY", "EVENT_DEFINITION",
		"EVENT_TYPE", "@EXECUTE_AT", "INTERVAL_VALUE", "INTERVAL_FIELD", "SQL_MODE", "@STARTS", "@ENDS", "STATUS", "ON_COMPLETION", "@CREATED", "@LAST_ALTERED",
		"@LAST_EXECUTED", "EVENT_COMMENT", "#ORIGINATOR", "CHARACTER_SET_CLIENT", "COLLATION_CONNECTION", "DATABASE_COLLATION"),
		rows: func(ctx *sql.Context) ([]sql.Row, error) {
			var out []sql.Row
			err := e.eachObject(ctx, kindEvent, func(schema string, o *stored) {
				if o.Schedule != nil {
					out = append(out, eventRow(schema, o))
				}
			})
			return out, err
		}}
}

func eventRow(schema string, o *stored) sql.Row {
	s := o.Schedule
	loc := item.LocationOf(s.Zone)
	when := func(t time.Time) any {
		if t.IsZero() {
			return nil
		}
		if loc != nil {
			t = t.In(loc)
		}
		return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
	}
	kind, completion := "RECURRING", "NOT PRESERVE"
	var every, unit any = s.Every, s.Unit
	if s.Every == "" {
		kind, every, unit = "ONE TIME", nil, nil
	}
	if s.Preserve {
		completion = "PRESERVE"
	}
	return sql.Row{"def", schema, o.Name, o.plainDefiner(), s.Zone, "SQL", o.Body, kind, when(s.At), every, unit, o.SQLMode, when(s.Starts), when(s.Ends), s.Status, completion,
		when(o.Created), when(o.Modified), when(s.Last), o.Comment, uint64(1), o.Charset, o.Collation, o.DBCollation}
}

// showEvents is SHOW EVENTS.
func (s *Session) showEvents(t *lexer.Cursor) (*Statement, error) {
	schema, where, err := s.listed(t, "Name")
	if err != nil {
		return nil, err
	}
	text := "SELECT * FROM (SELECT EVENT_SCHEMA `Db`, EVENT_NAME `Name`, DEFINER `Definer`, TIME_ZONE `Time zone`, EVENT_TYPE `Type`, EXECUTE_AT `Execute at`, " +
		"INTERVAL_VALUE `Interval value`, INTERVAL_FIELD `Interval field`, STARTS `Starts`, ENDS `Ends`, STATUS `Status`, ORIGINATOR `Originator`, " +
		"CHARACTER_SET_CLIENT `character_set_client`, COLLATION_CONNECTION `collation_connection`, DATABASE_COLLATION `Database Collation` " +
		"FROM information_schema.EVENTS WHERE EVENT_SCHEMA = " + sqltext.Literal(schema) + " ORDER BY EVENT_NAME) EVENTS" + where
	st, _, err := s.parseGMS(text, "")
	return st, err
}

var _ sql.EventDatabase = (*database)(nil)

// The library sees no events.

func (d *database) GetEvent(*sql.Context, string) (sql.EventDefinition, bool, error) {
	return sql.EventDefinition{}, false, nil
}
func (d *database) GetEvents(*sql.Context) ([]sql.EventDefinition, any, error) { return nil, nil, nil }
func (d *database) SaveEvent(*sql.Context, sql.EventDefinition) (bool, error) {
	return false, table.ErrReadOnly
}
func (d *database) DropEvent(*sql.Context, string) error { return table.ErrReadOnly }
func (d *database) UpdateEvent(*sql.Context, string, sql.EventDefinition) (bool, error) {
	return false, table.ErrReadOnly
}
func (d *database) UpdateLastExecuted(*sql.Context, string, time.Time) error { return nil }
func (d *database) NeedsToReloadEvents(*sql.Context, any) (bool, error)      { return false, nil }
