package general

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/sqltext"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// HANDLER ... OPEN, READ and CLOSE. A handler is a place in an order of a table's rows: each READ is a SELECT of the rows beyond it, so it sees what
// a SELECT of its transaction sees, and needs the privileges of one.

// maxHandlers bounds what a session keeps open.
const maxHandlers = 1024

// openHandler is one that the session has open.
type openHandler struct {
	db          *database
	name, alias string
	id, version uint64 // of the table when it was opened: DDL closes its handlers
	at          *place // nil: nothing was read yet
}

// place is where the last READ ended.
type place struct {
	index string // "": the table's own order
	row   []any  // the values of the order's columns in the last row; nil: beyond an end
	last  bool   // beyond the last row rather than before the first
}

// keyColumn is a column of an order of rows.
type keyColumn struct {
	column int
	desc   bool
}

// handlerRead is a READ as it was written.
type handlerRead struct {
	index        string // "": the table's own order
	step         string // FIRST, NEXT, PREV, LAST; "": by op
	op           string
	values       []string
	where        string
	offset, rows uint64
}

func (s *Session) ownHandler(t *lexer.Cursor) (*Statement, error) {
	t.Pos++
	schema, name, ok := t.Qualified()
	if !ok {
		return nil, s.wrong(t)
	}
	switch {
	case t.Accept("OPEN"):
		alias := name
		if as := t.Accept("AS"); as || !t.End() {
			if alias, ok = t.Name(); !ok {
				return nil, s.wrong(t)
			}
		}
		return s.done(t, &Statement{run: func(c *sql.Context, s *Session, x *execution) (*Result, error) {
			return &Result{}, s.openHandler(c, x, schema, name, alias)
		}})
	case schema != "":
		return nil, s.wrong(t)
	case t.Accept("CLOSE"):
		return s.done(t, &Statement{run: func(c *sql.Context, s *Session, _ *execution) (*Result, error) {
			if s.handlers[strings.ToLower(name)] == nil {
				return nil, mysqlerr.New(mysqlerr.ER_UNKNOWN_TABLE, name, "HANDLER")
			}
			delete(s.handlers, strings.ToLower(name))
			return &Result{}, nil
		}})
	case t.Accept("READ"):
		r, err := s.handlerRead(t)
		if err != nil {
			return nil, err
		}
		return &Statement{run: func(c *sql.Context, s *Session, x *execution) (*Result, error) { return s.readHandler(c, x, name, r) }}, nil
	}
	return nil, s.wrong(t)
}

// handlerRead reads what follows READ.
func (s *Session) handlerRead(t *lexer.Cursor) (*handlerRead, error) {
	r := &handlerRead{rows: 1}
	step := func() bool {
		switch t.Word(0) {
		case "FIRST", "NEXT", "PREV", "LAST":
			r.step = t.Word(0)
			t.Pos++
			return true
		}
		return false
	}
	if next := t.Word(1); t.Word(0) != "FIRST" && t.Word(0) != "NEXT" || next == "FIRST" || next == "NEXT" || next == "PREV" || next == "LAST" || t.Kind(1) == lexer.Op && t.At(1) != ";" {
		var ok bool
		if r.index, ok = t.Name(); !ok {
			return nil, s.wrong(t)
		}
	}
	if !step() {
		switch r.op = t.At(0); r.op {
		case "=", "<=", ">=", "<", ">":
		default:
			return nil, s.wrong(t)
		}
		t.Pos++
		end := t.Closing(0)
		if r.index == "" || t.At(0) != "(" || end < 0 {
			return nil, s.wrong(t)
		}
		from := t.Tokens[t.Pos].End
		for i, depth := 0, 0; i <= end; i++ {
			switch t.At(i) {
			case "(":
				depth++
			case ")":
				depth--
			}
			if i == end || depth == 1 && t.At(i) == "," {
				k := t.Tokens[t.Pos+i]
				r.values = append(r.values, strings.TrimSpace(t.Src[from:k.Start]))
				from = k.End
			}
		}
		t.Pos += end + 1
	}
	if t.Accept("WHERE") {
		from, depth := t.Pos, 0
		for ; !t.End() && (depth > 0 || t.Word(0) != "LIMIT"); t.Pos++ {
			switch t.At(0) {
			case "(":
				depth++
			case ")":
				depth--
			}
		}
		if t.Pos == from {
			return nil, s.wrong(t)
		}
		r.where = t.Span(from, t.Pos)
	}
	if t.Accept("LIMIT") {
		number := func(n *uint64) (err error) {
			if *n, err = strconv.ParseUint(t.At(0), 10, 64); err != nil {
				return s.wrong(t)
			}
			t.Pos++
			return nil
		}
		if err := number(&r.rows); err != nil {
			return nil, err
		}
		var err error
		switch {
		case t.Accept(","):
			r.offset = r.rows
			err = number(&r.rows)
		case t.Accept("OFFSET"):
			err = number(&r.offset)
		}
		if err != nil {
			return nil, err
		}
	}
	if !t.End() {
		return nil, s.wrong(t)
	}
	return r, nil
}

func (s *Session) openHandler(c *sql.Context, x *execution, schema, name, alias string) error {
	key := strings.ToLower(alias)
	if s.handlers[key] != nil {
		return mysqlerr.New(mysqlerr.ER_NONUNIQ_TABLE, alias)
	}
	if len(s.handlers) >= maxHandlers {
		return mysqlerr.New(mysqlerr.ER_OUT_OF_RESOURCES)
	}
	db, err := s.schemaNamed(c, schema)
	if err != nil {
		return err
	}
	if _, _, err := s.query(c, x, "SELECT 1 FROM "+sqltext.Quote(db.name)+"."+sqltext.Quote(name)+" LIMIT 0"); err != nil {
		return err // there is no such table, or one may not read it
	}
	m, err := metaOf(c, db, name)
	if err != nil {
		return err
	}
	if m == nil {
		return mysqlerr.New(mysqlerr.ER_WRONG_OBJECT, db.name, name, "BASE TABLE")
	}
	if _, ok := clusteredOrder(m); !ok {
		return mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, "HANDLER of a table without a unique key of columns that are NOT NULL")
	}
	if s.handlers == nil {
		s.handlers = map[string]*openHandler{}
	}
	s.handlers[key] = &openHandler{db: db, name: name, alias: alias, id: m.Def.ID, version: m.Def.Version}
	return nil
}

// metaOf is a base table's definition; nil for a view.
func metaOf(c *sql.Context, db *database, name string) (*tabledef.Table, error) {
	t, ok, err := db.GetTableInsensitive(c, name)
	if err != nil || !ok {
		return nil, err
	}
	if u := tableBase(t); u != nil {
		return u.m, nil
	}
	return nil, nil
}

// clustered is the order of a table's rows: its primary key's, or its first unique key's without NULLs, as in InnoDB.
func clusteredOrder(m *tabledef.Table) ([]keyColumn, bool) {
	for i := range m.Def.Indexes {
		ix := &m.Def.Indexes[i]
		if !ix.Primary && !ix.Unique {
			continue
		}
		var out []keyColumn
		for _, p := range ix.Parts {
			if m.Schema[p.Column].Nullable || m.Schema[p.Column].HiddenSystem || p.Prefix > 0 {
				out = nil
				break
			}
			out = append(out, keyColumn{p.Column, p.Desc})
		}
		if out != nil {
			return out, true
		}
	}
	return nil, false
}

// handlerOrder is the order of an index, then of the table: the same for no two rows. parts is the number of the index's own columns.
func handlerOrder(m *tabledef.Table, index, alias string) (out []keyColumn, parts int, err error) {
	rest, ok := clusteredOrder(m)
	if !ok {
		return nil, 0, mysqlerr.New(mysqlerr.ER_UNKNOWN_TABLE, alias, "HANDLER")
	}
	if index == "" {
		return rest, len(rest), nil
	}
	at := slices.IndexFunc(m.Def.Indexes, func(ix table.Index) bool { return !ix.Hidden && strings.EqualFold(ix.Name, index) })
	if at < 0 || m.Def.Indexes[at].Kind != "" {
		return nil, 0, mysqlerr.New(mysqlerr.ER_KEY_DOES_NOT_EXITS, index, alias)
	}
	for _, p := range m.Def.Indexes[at].Parts {
		if m.Schema[p.Column].HiddenSystem {
			return nil, 0, mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, "HANDLER READ of an index on an expression")
		}
		out = append(out, keyColumn{p.Column, p.Desc})
	}
	parts = len(out)
	for _, o := range rest {
		if !slices.ContainsFunc(out, func(have keyColumn) bool { return have.column == o.column }) {
			out = append(out, o)
		}
	}
	return out, parts, nil
}

// readHandler reads on.
func (s *Session) readHandler(c *sql.Context, x *execution, name string, r *handlerRead) (*Result, error) {
	h := s.handlers[strings.ToLower(name)]
	unknown := mysqlerr.New(mysqlerr.ER_UNKNOWN_TABLE, name, "HANDLER")
	if h == nil {
		return nil, unknown
	}
	m, err := metaOf(c, h.db, h.name)
	if err != nil {
		return nil, err
	}
	if m == nil || m.Def.ID != h.id || m.Def.Version != h.version {
		delete(s.handlers, strings.ToLower(name))
		return nil, unknown
	}
	order, parts, err := handlerOrder(m, r.index, h.alias)
	if err != nil {
		return nil, err
	}
	if len(r.values) > parts {
		return nil, mysqlerr.New(mysqlerr.ER_TOO_MANY_KEY_PARTS, parts)
	}
	q := &handlerQuery{m: m, alias: sqltext.Quote(h.alias), order: order}
	backward := r.step == "PREV" || r.step == "LAST" || r.op == "<" || r.op == "<="
	none := false
	switch {
	case r.op == "=":
		q.equal(r.values)
	case r.op != "":
		q.beyond(r.values, backward, strings.HasSuffix(r.op, "="))
	case h.at == nil || h.at.index != strings.ToLower(r.index) || r.step == "FIRST" || r.step == "LAST":
	case h.at.row == nil:
		none = h.at.last != backward // beyond the end that it would read to
	default:
		q.after(h.at.row, backward)
	}
	if none {
		q.b.WriteString("FALSE")
	}
	text := q.text(h, r, backward)
	x.params = q.params
	ast, err := s.e.parseOne(c, text)
	if err != nil {
		return nil, err
	}
	node, flags, err := s.analyze(c, x, ast, text)
	if err != nil {
		return nil, err
	}
	iter, schema, err := s.iterator(c, x, node, flags)
	if err != nil {
		return nil, err
	}
	placed := &placing{RowIter: iter, h: h, columns: q.columns(), index: strings.ToLower(r.index), left: r.rows, backward: backward, exact: r.op == "="}
	return &Result{Columns: describeResult(c, x, node, schema, ast), Rows: &rows{s: s, c: c, x: x, iter: placed}}, nil
}

// placing notes where a READ ends.
type placing struct {
	sql.RowIter
	h               *openHandler
	columns         []int // of the order, in the result
	index           string
	left            uint64 // rows that may follow
	backward, exact bool
}

func (p *placing) Next(c *sql.Context) (sql.Row, error) {
	r, err := p.RowIter.Next(c)
	switch {
	case err == io.EOF && p.left > 0 && !p.exact:
		p.h.at = &place{index: p.index, last: !p.backward}
	case err == nil:
		p.left--
		at := &place{index: p.index, row: make([]any, len(p.columns))}
		for i, column := range p.columns {
			v, err := sql.UnwrapAny(c, r[column])
			if err != nil {
				return nil, err
			}
			switch x := v.(type) {
			case []byte:
				v = slices.Clone(x)
			case uint16: // a member's number of an ENUM
				v = uint64(x)
			}
			at.row[i] = v
		}
		p.h.at = at
	}
	return r, err
}

// handlerQuery writes the SELECT of a READ. NULLs are the least values.
type handlerQuery struct {
	m      *tabledef.Table
	alias  string
	order  []keyColumn
	b      strings.Builder // the condition
	params []any
}

func (q *handlerQuery) column(i int) string {
	return q.alias + "." + sqltext.Quote(q.m.Schema[q.order[i].column].Name)
}

// columns are the positions of the order's columns among those that are shown.
func (q *handlerQuery) columns() []int {
	out := make([]int, len(q.order))
	for i, o := range q.order {
		for j := range o.column {
			if !q.m.Schema[j].HiddenSystem {
				out[i]++
			}
		}
	}
	return out
}

func (q *handlerQuery) text(h *openHandler, r *handlerRead, backward bool) string {
	cond := q.b.String()
	if r.where != "" {
		if cond != "" {
			cond += " AND "
		}
		cond += "(" + r.where + ")"
	}
	if cond != "" {
		cond = " WHERE " + cond
	}
	by := make([]string, len(q.order))
	for i, o := range q.order {
		by[i] = q.column(i)
		if o.desc != backward {
			by[i] += " DESC"
		}
	}
	cols := make([]string, 0, len(q.m.Schema))
	for _, name := range q.m.Visible() {
		cols = append(cols, q.alias+"."+sqltext.Quote(name))
	}
	return fmt.Sprintf("SELECT %s FROM %s.%s AS %s%s ORDER BY %s LIMIT %d OFFSET %d", strings.Join(cols, ", "), sqltext.Quote(h.db.name), sqltext.Quote(h.name), q.alias, cond,
		strings.Join(by, ", "), r.rows, r.offset)
}

// equal is the condition of a READ of a key.
func (q *handlerQuery) equal(values []string) {
	q.b.WriteByte('(')
	for i, v := range values {
		if i > 0 {
			q.b.WriteString(" AND ")
		}
		fmt.Fprintf(&q.b, "%s <=> (%s)", q.column(i), v)
	}
	q.b.WriteByte(')')
}

// beyond is the condition of the rows that follow a key in the order, or have it.
func (q *handlerQuery) beyond(values []string, backward, orEqual bool) {
	q.b.WriteByte('(')
	for i, v := range values {
		if i > 0 {
			q.b.WriteString(" OR ")
			q.equal(values[:i])
			q.b.WriteString(" AND ")
		}
		if q.order[i].desc != backward {
			fmt.Fprintf(&q.b, "(%s < (%s) OR %[1]s IS NULL AND (%[2]s) IS NOT NULL)", q.column(i), v)
		} else {
			fmt.Fprintf(&q.b, "(%s > (%s) OR %[1]s IS NOT NULL AND (%[2]s) IS NULL)", q.column(i), v)
		}
	}
	if orEqual {
		q.b.WriteString(" OR ")
		q.equal(values)
	}
	q.b.WriteByte(')')
}

// after is the condition of the rows that follow one in the order. Its first part bounds the range of the index's first column.
func (q *handlerQuery) after(row []any, backward bool) {
	down := func(i int) bool { return q.order[i].desc != backward }
	same := func(i int) {
		if row[i] == nil {
			q.b.WriteString(q.column(i) + " IS NULL")
			return
		}
		q.b.WriteString(q.column(i) + " = ?")
		q.params = append(q.params, row[i])
	}
	if nullable := q.m.Schema[q.order[0].column].Nullable; row[0] != nil && (!nullable || !down(0)) {
		op := " >= ? AND "
		if down(0) {
			op = " <= ? AND "
		}
		q.b.WriteString(q.column(0) + op)
		q.params = append(q.params, row[0])
	}
	q.b.WriteByte('(')
	for i := range row {
		if i > 0 {
			q.b.WriteString(" OR ")
		}
		for j := range i {
			same(j)
			q.b.WriteString(" AND ")
		}
		switch col := q.column(i); {
		case row[i] == nil && down(i):
			q.b.WriteString("FALSE")
			continue
		case row[i] == nil:
			q.b.WriteString(col + " IS NOT NULL")
			continue
		case down(i):
			q.b.WriteString("(" + col + " < ? OR " + col + " IS NULL)")
		default:
			q.b.WriteString(col + " > ?")
		}
		q.params = append(q.params, row[i])
	}
	q.b.WriteByte(')')
}
