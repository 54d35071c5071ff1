package perfschema

import (
	"errors"
	"net"
	"slices"
)

// The setup_ tables and threads: their rows, and what changes of them do.

func init() {
	for name, f := range map[string]func(*Source) [][]any{
		"setup_actors":      actorRows,
		"setup_consumers":   consumerRows,
		"setup_instruments": instrumentRows,
		"setup_objects":     objectSetupRows,
		"setup_threads":     threadKindRows,
		"threads":           threadRows,
	} {
		rows[name] = f
	}
}

// Access is what statements may do with a table beside reading it.
type Access struct{ Update, Edit, Truncate bool } // Edit: INSERT and DELETE

// Access returns what statements may do with the table.
func (t *Table) Access() Access {
	_, truncates := truncations[t.Name]
	switch t.Name {
	case "setup_actors", "setup_objects":
		return Access{Update: true, Edit: true, Truncate: true}
	case "setup_consumers", "setup_instruments", "setup_threads", "threads":
		return Access{Update: true}
	}
	return Access{Truncate: truncates}
}

// What changes of a table answer.
var (
	ErrFixed     = errors.New("the column cannot be changed")
	ErrDuplicate = errors.New("there is a row of that key")
	ErrFull      = errors.New("the table is full")
)

// maxSetupRows bounds setup_actors and setup_objects.
const maxSetupRows = 1024

// Update is an UPDATE of a row.
func (s *Source) Update(table string, was, now []any) error {
	u := updates[table]
	for i := range was {
		if was[i] != now[i] && !slices.Contains(u.columns, i) {
			return ErrFixed
		}
	}
	return u.update(s, was, now)
}

// updates are the columns that may be changed, and what a change does.
var updates = map[string]struct {
	columns []int
	update  func(s *Source, was, now []any) error
}{
	"setup_consumers":   {[]int{1}, (*Source).updateConsumer},
	"setup_instruments": {[]int{1, 2}, (*Source).updateInstrument},
	"setup_actors":      {[]int{3, 4}, (*Source).updateActor},
	"setup_objects":     {[]int{3, 4}, (*Source).updateObject},
	"setup_threads":     {[]int{1, 2}, (*Source).updateThreadKind},
	"threads":           {[]int{13, 14}, (*Source).updateThread},
}

func yes(b bool) string {
	if b {
		return "YES"
	}
	return "NO"
}

func consumerRows(s *Source) [][]any {
	s.setup.mu.Lock()
	defer s.setup.mu.Unlock()
	var out [][]any
	for c, n := range consumerNames {
		out = append(out, []any{n, yes(s.setup.consumers&consumer(c).bit() != 0)})
	}
	return out
}

func (s *Source) updateConsumer(was, now []any) error {
	c := consumer(slices.Index(consumerNames[:], was[0].(string)))
	s.setup.mu.Lock()
	defer s.setup.mu.Unlock()
	s.setup.consume(s.setup.consumers&^c.bit() | flag(now[1] == "YES", c.bit()))
	return nil
}

func instrumentRows(s *Source) [][]any {
	var out [][]any
	for i := range s.setup.instruments {
		x := &s.setup.instruments[i]
		flags := x.flags.Load()
		r := []any{x.name, yes(flags&enabled != 0), yes(flags&timed != 0), x.properties, nil, int32(0), nil}
		if x.untimed {
			r[2] = nil
		}
		out = append(out, r)
	}
	return out
}

func (s *Source) updateInstrument(was, now []any) error {
	for i := range s.setup.instruments {
		x := &s.setup.instruments[i]
		if x.name != was[0] {
			continue
		}
		on := now[1] == "YES"
		x.flags.Store(flag(on, enabled) | flag(now[2] == "YES" && !x.untimed, timed))
		if i == tableInstrument {
			s.use.measure(on, s.Tables)
		}
	}
	return nil
}

func actorRows(s *Source) [][]any {
	s.setup.mu.Lock()
	defer s.setup.mu.Unlock()
	var out [][]any
	for _, a := range s.setup.actors {
		out = append(out, []any{a.host, a.user, a.role, yes(a.enabled), yes(a.history)})
	}
	return out
}

func actorOf(r []any) actor {
	return actor{r[0].(string), r[1].(string), r[2].(string), r[3] == "YES", r[4] == "YES"}
}

func (a actor) same(b actor) bool { return a.host == b.host && a.user == b.user && a.role == b.role }

func (s *Source) updateActor(was, now []any) error {
	return replace(s, &s.setup.actors, actorOf(was), actorOf(now))
}

func objectSetupRows(s *Source) [][]any {
	s.setup.mu.Lock()
	defer s.setup.mu.Unlock()
	var out [][]any
	for _, o := range s.setup.objects {
		out = append(out, []any{o.typ, o.schema, o.name, yes(o.enabled), yes(o.timed)})
	}
	return out
}

func objectOf(r []any) object {
	return object{r[0].(string), r[1].(string), r[2].(string), r[3] == "YES", r[4] == "YES"}
}

func (o object) same(b object) bool {
	return o.typ == b.typ && o.schema == b.schema && o.name == b.name
}

func (s *Source) updateObject(was, now []any) error {
	return replace(s, &s.setup.objects, objectOf(was), objectOf(now))
}

type keyed[E any] interface{ same(E) bool }

func replace[E keyed[E]](s *Source, list *[]E, was, now E) error {
	s.setup.mu.Lock()
	defer s.setup.mu.Unlock()
	if i := slices.IndexFunc(*list, was.same); i >= 0 {
		(*list)[i] = now
	}
	return nil
}

func insert[E keyed[E]](s *Source, list *[]E, e E) error {
	s.setup.mu.Lock()
	defer s.setup.mu.Unlock()
	if slices.ContainsFunc(*list, e.same) {
		return ErrDuplicate
	}
	if len(*list) >= maxSetupRows {
		return ErrFull
	}
	*list = append(*list, e)
	return nil
}

func remove[E keyed[E]](s *Source, list *[]E, e E) {
	s.setup.mu.Lock()
	defer s.setup.mu.Unlock()
	*list = slices.DeleteFunc(*list, e.same)
}

// Insert is an INSERT into setup_actors or setup_objects.
func (s *Source) Insert(table string, r []any) error {
	if table == "setup_actors" {
		return insert(s, &s.setup.actors, actorOf(r))
	}
	return insert(s, &s.setup.objects, objectOf(r))
}

// Delete is a DELETE from one of these.
func (s *Source) Delete(table string, r []any) {
	if table == "setup_actors" {
		remove(s, &s.setup.actors, actorOf(r))
		return
	}
	remove(s, &s.setup.objects, objectOf(r))
}

func threadKindRows(s *Source) [][]any {
	s.setup.mu.Lock()
	defer s.setup.mu.Unlock()
	var out [][]any
	for _, t := range s.setup.threads {
		out = append(out, []any{t.name, yes(t.enabled), yes(t.history), map[bool]string{true: "user", false: "singleton"}[t.name == sessionThread], int32(0), nil})
	}
	return out
}

func (s *Source) updateThreadKind(was, now []any) error {
	s.setup.mu.Lock()
	defer s.setup.mu.Unlock()
	for i := range s.setup.threads {
		if t := &s.setup.threads[i]; t.name == was[0] {
			t.enabled, t.history = now[1] == "YES", now[2] == "YES"
		}
	}
	return nil
}

// hostOf is a client's host without its port.
func hostOf(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return address
}

// sessionThread is what the thread of a client's session is called.
const sessionThread = "thread/sql/one_connection"

func threadRows(s *Source) [][]any {
	flags := map[uint64]uint32{}
	for _, t := range s.Threads() {
		flags[t.ID] = t.flags.Load()
	}
	var out [][]any
	for _, r := range processRows(s) {
		f, session := flags[r[0].(uint64)]
		name, typ := sessionThread, "FOREGROUND"
		if !session {
			name, f = "thread/sql/event_scheduler", instrumented|historic
		}
		out = append(out, []any{r[0], name, typ, r[0], r[1], hostOf(r[2].(string)), r[3], r[4], r[5], r[6], r[7], nil, nil, yes(f&instrumented != 0), yes(f&historic != 0),
			"TCP/IP", nil, "USR_default", "PRIMARY", uint64(0), uint64(0), uint64(0), uint64(0), "NO"})
	}
	return out
}

func (s *Source) updateThread(was, now []any) error {
	if t := s.Thread(was[0].(uint64)); t != nil {
		t.flags.Store(flag(now[13] == "YES", instrumented) | flag(now[14] == "YES", historic))
	}
	return nil
}
