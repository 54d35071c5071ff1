package general

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/program"
	"github.com/zoryadb/zorya/sql/sqltext"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// Views, triggers, procedures, functions and events are texts in the catalog.

// Kinds of objects.
const (
	kindView      = "view"
	kindTrigger   = "trigger"
	kindProcedure = "procedure"
	kindFunction  = "function"
	kindEvent     = "event"
)

// stored is an object's body. Text is the whole CREATE statement as SHOW CREATE prints it, with its DEFINER.
type stored struct {
	Name        string    `json:"name"`
	Text        string    `json:"text"`
	Definer     string    `json:"definer"` // `user`@`host`
	Select      string    `json:"select,omitempty"`
	Table       string    `json:"table,omitempty"` // of a trigger
	Timing      string    `json:"timing,omitempty"`
	Event       string    `json:"event,omitempty"`
	Body        string    `json:"body,omitempty"`
	Params      string    `json:"params,omitempty"`
	Returns     string    `json:"returns,omitempty"`
	Traits      []string  `json:"traits,omitempty"` // characteristics of a routine
	Comment     string    `json:"comment,omitempty"`
	Invoker     bool      `json:"invoker,omitempty"`
	SQLMode     string    `json:"sqlMode"`
	Charset     string    `json:"charset,omitempty"`
	Collation   string    `json:"collation,omitempty"`
	DBCollation string    `json:"dbCollation,omitempty"`
	Created     time.Time `json:"created"`
	Modified    time.Time `json:"modified"`
	Order       int       `json:"order,omitempty"` // of triggers of one table, timing and event

	Schedule *schedule `json:"schedule,omitempty"` // of an event
}

// routineCache keeps the objects of a kind and schema as long as the kind's generation stands.
type routineCache struct {
	mu sync.Mutex
	m  map[[2]string]cachedObjects
}

type cachedObjects struct {
	generation uint64
	list       []*stored
}

const cachedSchemas = 1024

// objects returns the objects of a kind in a schema, by name. The list is shared: it must not be changed.
func (e *Engine) objects(ctx context.Context, kind, schema string) ([]*stored, error) {
	if strings.EqualFold(schema, "sys") && (kind == kindProcedure || kind == kindFunction) {
		return sysRoutines()[kind], nil
	}
	k := [2]string{kind, schema}
	generation := e.catalog.Generation(kind, schema)
	e.routines.mu.Lock()
	have, ok := e.routines.m[k]
	e.routines.mu.Unlock()
	if ok && have.generation == generation {
		return have.list, nil
	}
	list, err := e.readObjects(ctx, kind, schema)
	if err != nil {
		return nil, err
	}
	e.routines.mu.Lock()
	defer e.routines.mu.Unlock()
	if e.routines.m == nil || len(e.routines.m) > cachedSchemas {
		e.routines.m = map[[2]string]cachedObjects{}
	}
	e.routines.m[k] = cachedObjects{generation, list}
	return list, nil
}

func (e *Engine) readObjects(ctx context.Context, kind, schema string) ([]*stored, error) {
	raw, err := e.catalog.Objects(ctx, kind, schema)
	if err != nil {
		return nil, fmt.Errorf("list the %ss of %s: %w", kind, schema, err)
	}
	out := make([]*stored, 0, len(raw))
	for _, o := range raw {
		if o.Body == nil {
			full, err := e.catalog.Object(ctx, kind, schema, o.Name)
			if err != nil {
				return nil, fmt.Errorf("read the %s %s.%s: %w", kind, schema, o.Name, err)
			}
			if full == nil {
				continue
			}
			o = *full
		}
		s := &stored{}
		if err := json.Unmarshal(o.Body, s); err != nil {
			return nil, fmt.Errorf("read the %s %s.%s: %w", kind, schema, o.Name, err)
		}
		out = append(out, s)
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out, nil
}

// object finds one object; fold says that its kind's names ignore case.
func (e *Engine) object(ctx context.Context, kind, schema, name string) (*stored, error) {
	list, err := e.objects(ctx, kind, schema)
	if err != nil {
		return nil, err
	}
	for _, o := range list {
		if o.Name == name || kind != kindView && strings.EqualFold(o.Name, name) {
			return o, nil
		}
	}
	return nil, nil
}

// key is the name under which an object is stored.
func objectKey(kind, name string) string {
	if kind == kindView {
		return name
	}
	return strings.ToLower(name)
}

func (e *Engine) putObject(ctx context.Context, kind, schema string, o *stored) error {
	body, err := json.Marshal(o)
	if err != nil {
		return err
	}
	return e.catalog.PutObjects(ctx, table.Object{Kind: kind, Schema: schema, Name: objectKey(kind, o.Name), Body: body})
}

func (e *Engine) dropObject(ctx context.Context, kind, schema, name string) error {
	return e.catalog.PutObjects(ctx, table.Object{Kind: kind, Schema: schema, Name: objectKey(kind, name)})
}

// newStored fills in what every object records of its session.
func newStored(ctx *sql.Context, name string) *stored {
	now := time.Now().UTC().Truncate(time.Second)
	o := &stored{Name: name, Created: now, Modified: now, SQLMode: sql.LoadSqlMode(ctx).String()}
	o.Charset, o.Collation = sessionText(ctx, "character_set_client"), sessionText(ctx, "collation_connection")
	return o
}

func sessionText(ctx *sql.Context, name string) string {
	v, err := ctx.GetSessionVariable(ctx, name)
	if err != nil || v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// definerOf is the DEFINER clause of a statement, or the session's account.
func definerOf(ctx *sql.Context, given string) string {
	if user, host, ok := splitDefiner(given); ok {
		return sqltext.Quote(user) + "@" + sqltext.Quote(host)
	}
	c := ctx.Session.Client()
	return sqltext.Quote(c.User) + "@" + sqltext.Quote(c.Address)
}

func splitDefiner(text string) (user, host string, ok bool) {
	t := lexer.NewCursor(text, 0, 8)
	if t.Empty() || t.Word(0) == "CURRENT_USER" {
		return "", "", false
	}
	return account(t)
}

// plainDefiner is user@host, as information_schema shows it.
func (o *stored) plainDefiner() string {
	user, host, ok := splitDefiner(o.Definer)
	if !ok {
		return o.Definer
	}
	return user + "@" + host
}

// Views.

var _ sql.ViewDatabase = (*database)(nil)

func (d *database) CreateView(ctx *sql.Context, name, selectText, createText string) error {
	if _, err := d.e.catalog.Definition(ctx, d.name, name); err == nil {
		return sql.ErrTableAlreadyExists.New(name)
	}
	if o, err := d.e.object(ctx, kindView, d.name, name); err != nil || o != nil {
		if err != nil {
			return err
		}
		return sql.ErrExistingView.New(d.name, name)
	}
	o := newStored(ctx, name)
	if cut := strings.TrimSpace(selectText); strings.HasSuffix(strings.ToUpper(cut), "WITH") { // the library leaves a word of WITH CHECK OPTION
		selectText = strings.TrimSpace(cut[:len(cut)-len("WITH")])
	}
	if s := sessionOf(ctx); s != nil {
		selectText = s.visibleText(ctx, selectText)
	}
	o.Select = selectText
	spec := viewSpec(ctx)
	o.Definer = definerOf(ctx, spec.Definer)
	algorithm, security := strings.ToUpper(cmp.Or(spec.Algorithm, "UNDEFINED")), strings.ToUpper(cmp.Or(spec.Security, "DEFINER"))
	o.Invoker = security == "INVOKER"
	cols := ""
	if len(spec.Columns) > 0 {
		names := make([]string, len(spec.Columns))
		for i, c := range spec.Columns {
			names[i] = c.String()
		}
		cols = " (" + tabledef.QuoteNames(names) + ")"
	}
	o.Text = fmt.Sprintf("CREATE ALGORITHM=%s DEFINER=%s SQL SECURITY %s VIEW %s%s AS %s", algorithm, o.Definer, security, sqltext.Quote(name), cols, selectText)
	switch spec.CheckOption {
	case sqlparser.ViewCheckOptionLocal:
		o.Text += " WITH LOCAL CHECK OPTION"
	case sqlparser.ViewCheckOptionCascaded:
		o.Text += " WITH CASCADED CHECK OPTION"
	}
	return d.e.putObject(ctx, kindView, d.name, o)
}

func viewSpec(ctx *sql.Context) sqlparser.ViewSpec {
	if s := sessionOf(ctx); s != nil && s.cur != nil {
		if ddl, ok := s.cur.st.ast.(*sqlparser.DDL); ok && ddl.ViewSpec != nil {
			return *ddl.ViewSpec
		}
	}
	return sqlparser.ViewSpec{}
}

func (d *database) DropView(ctx *sql.Context, name string) error {
	o, err := d.e.object(ctx, kindView, d.name, name)
	if err != nil {
		return err
	}
	if o == nil {
		return sql.ErrViewDoesNotExist.New(d.name, name)
	}
	return d.e.dropObject(ctx, kindView, d.name, name)
}

func (d *database) GetViewDefinition(ctx *sql.Context, name string) (sql.ViewDefinition, bool, error) {
	o, err := d.e.object(ctx, kindView, d.name, name)
	if err != nil || o == nil {
		return sql.ViewDefinition{}, false, err
	}
	return o.view(d.name), true, nil
}

// view is what the library reads a view by. It knows no LOCAL check option, and needs none for reading; it takes a name without a
// database for one of the session's current database, of which there may be none.
func (o *stored) view(schema string) sql.ViewDefinition {
	text := strings.TrimSuffix(o.Text, " WITH LOCAL CHECK OPTION")
	text = strings.Replace(text, "VIEW "+sqltext.Quote(o.Name), "VIEW "+sqltext.Quote(schema)+"."+sqltext.Quote(o.Name), 1)
	return sql.ViewDefinition{Name: o.Name, TextDefinition: o.Select, CreateViewStatement: text, SqlMode: o.SQLMode}
}

func (d *database) AllViews(ctx *sql.Context) ([]sql.ViewDefinition, error) {
	list, err := d.e.objects(ctx, kindView, d.name)
	if err != nil {
		return nil, err
	}
	out := make([]sql.ViewDefinition, len(list))
	for i, o := range list {
		out[i] = o.view(d.name)
	}
	return out, nil
}

func (s *Session) viewExists(ctx context.Context, schema, name string) bool {
	o, err := s.e.object(ctx, kindView, schema, name)
	return err == nil && o != nil
}

// Triggers.

var _ sql.TriggerDatabase = (*database)(nil)

// GetTriggers: the library sees no triggers (trigger.go).
func (d *database) GetTriggers(*sql.Context) ([]sql.TriggerDefinition, error) { return nil, nil }

func (d *database) CreateTrigger(*sql.Context, sql.TriggerDefinition) error {
	return mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, "CREATE TRIGGER here")
}

// setTriggers records in a table's definition whether it has triggers: lanes that do not run them look there.
func (e *Engine) setTriggers(ctx context.Context, schema, name string, on bool) error {
	d, err := e.catalog.Definition(ctx, schema, name)
	if err != nil {
		return err
	}
	if d.Triggers == on {
		return nil
	}
	n := *d
	n.Triggers = on
	_, err = e.catalog.AlterTable(ctx, d, &n, table.Build{})
	return err
}

func (d *database) DropTrigger(ctx *sql.Context, name string) error {
	o, err := d.e.object(ctx, kindTrigger, d.name, name)
	if err != nil {
		return err
	}
	if o == nil {
		return sql.ErrTriggerDoesNotExist.New(name)
	}
	if err := d.e.dropObject(ctx, kindTrigger, d.name, name); err != nil {
		return err
	}
	list, err := d.e.objects(ctx, kindTrigger, d.name)
	if err != nil {
		return err
	}
	for _, t := range list {
		if t.Table == o.Table {
			return nil
		}
	}
	return skipMissing(d.e.setTriggers(ctx, d.name, o.Table, false))
}

// Procedures.

var _ sql.StoredProcedureDatabase = (*database)(nil)

// The library sees no procedures: CALL, CREATE, ALTER and DROP are this package's own.

func (d *database) GetStoredProcedure(*sql.Context, string) (sql.StoredProcedureDetails, bool, error) {
	return sql.StoredProcedureDetails{}, false, nil
}

func (d *database) GetStoredProcedures(*sql.Context) ([]sql.StoredProcedureDetails, error) {
	return nil, nil
}

func (d *database) SaveStoredProcedure(*sql.Context, sql.StoredProcedureDetails) error {
	return mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, "CREATE PROCEDURE here")
}

func (d *database) DropStoredProcedure(*sql.Context, string) error {
	return mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, "DROP PROCEDURE here")
}

// routine sets what a routine's text says: parameters, characteristics, body.
func (o *stored) routine(kind, after string) {
	o.Text = fmt.Sprintf("CREATE DEFINER=%s %s %s%s", o.Definer, kind, sqltext.Quote(o.Name), after)
	t := lexer.NewCursor(after, 0, 1<<20)
	depth, start := 0, -1
	for ; !t.End(); t.Pos++ {
		switch t.At(0) {
		case "(":
			if depth++; start < 0 {
				start = t.Tokens[t.Pos].End
			}
		case ")":
			depth--
		}
		if depth == 0 {
			o.Params = strings.TrimSpace(after[start:t.Tokens[t.Pos].Start])
			t.Pos++
			break
		}
	}
	o.characteristics(t)
}

func (o *stored) characteristics(t *lexer.Cursor) {
	if t.Accept("RETURNS") {
		from := t.Pos
		if !program.AcceptType(t) {
			o.Body = t.Rest()
			return
		}
		o.Returns = t.Span(from, t.Pos)
	}
	for !t.End() {
		switch {
		case t.Accept("LANGUAGE", "SQL"):
		case t.Accept("NOT", "DETERMINISTIC"):
		case t.Accept("DETERMINISTIC"):
			o.Traits = append(o.Traits, "DETERMINISTIC")
		case t.Accept("CONTAINS", "SQL"):
		case t.Accept("NO", "SQL"):
			o.Traits = append(o.Traits, "NO SQL")
		case t.Accept("READS", "SQL", "DATA"):
			o.Traits = append(o.Traits, "READS SQL DATA")
		case t.Accept("MODIFIES", "SQL", "DATA"):
			o.Traits = append(o.Traits, "MODIFIES SQL DATA")
		case t.Accept("SQL", "SECURITY", "INVOKER"):
			o.Invoker = true
		case t.Accept("SQL", "SECURITY", "DEFINER"):
		case t.Accept("COMMENT"):
			o.Comment = lexer.Unquote(t.At(0))
			t.Pos++
		default:
			o.Body = t.Rest()
			return
		}
	}
}
