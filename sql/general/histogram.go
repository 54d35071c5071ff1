package general

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/sqltext"
	"github.com/zoryadb/zorya/sql/tabledef"
	"github.com/zoryadb/zorya/sql/temporal"
)

// Histograms of columns: ANALYZE TABLE ... UPDATE HISTOGRAM and DROP HISTOGRAM, as MySQL 8.0 makes them: singleton when there are no more values than buckets,
// else equi-height. They are objects of the catalog that are attached to the table, so they survive a restart and a rename; they change only when a user asks. The join
// orderer reads them (coster.go).

const (
	histogramBuckets = 100    // unless the statement says how many
	histogramSample  = 200000 // rows that are read at most, about: memory is bounded by them
)

// histogram says how the values of a column are spread. One made for another type says nothing.
type histogram struct {
	Column    string
	Type      string
	Null      float64 // share of the rows
	Singleton bool
	Buckets   []bucket
	Specified int
	Sampling  float64
	Updated   time.Time

	low, high []any // of the buckets, as the column's type has them
}

// bucket holds the values from Low to High. Share is that of all rows in this bucket and in those before it.
type bucket struct {
	Low, High string
	Share     float64
	Distinct  float64
}

// histogramCache keeps the histograms of tables, by id and column.
type histogramCache struct {
	mu sync.Mutex
	m  map[uint64]*tableHistograms
}

type tableHistograms struct {
	generation uint64
	list       map[string]*histogram // by column in lower case
}

// histogramsOf reads a table's histograms.
func (e *Engine) histogramsOf(ctx context.Context, d *table.Def) (map[string]*histogram, error) {
	generation := e.catalog.Generation(table.KindHistogram, table.Attached(d.ID))
	e.histograms.mu.Lock()
	have := e.histograms.m[d.ID]
	e.histograms.mu.Unlock()
	if have != nil && have.generation == generation {
		return have.list, nil
	}
	objects, err := e.catalog.Objects(ctx, table.KindHistogram, table.Attached(d.ID))
	if err != nil {
		return nil, err
	}
	now := &tableHistograms{generation, map[string]*histogram{}}
	for _, o := range objects {
		h := new(histogram)
		if err := json.Unmarshal(o.Body, h); err != nil {
			return nil, fmt.Errorf("histogram %s of %s.%s: %w", o.Name, d.Schema, d.Name, err)
		}
		now.list[o.Name] = h
	}
	e.histograms.mu.Lock()
	defer e.histograms.mu.Unlock()
	if e.histograms.m == nil || len(e.histograms.m) >= statisticsMax {
		e.histograms.m = map[uint64]*tableHistograms{}
	}
	e.histograms.m[d.ID] = now
	return now.list, nil
}

// histogramOf is the histogram of a table's column at position i, nil if there is none that still holds.
func (e *Engine) histogramOf(c *sql.Context, m *tabledef.Table, i int) *histogram {
	list, err := e.histogramsOf(c, m.Def)
	if err != nil {
		return nil // an estimate does without
	}
	h := list[strings.ToLower(m.Def.Columns[i].Name)]
	if h == nil || h.Type != storedType(m.Def.Columns[i].Attrs) {
		return nil
	}
	e.histograms.mu.Lock()
	defer e.histograms.mu.Unlock()
	if h.low == nil {
		for _, b := range h.Buckets {
			low, _, err1 := datum.Ordered(m.Schema[i].Type).Convert(c, b.Low)
			high, _, err2 := datum.Ordered(m.Schema[i].Type).Convert(c, b.High)
			if err1 != nil || err2 != nil {
				return nil
			}
			h.low, h.high = append(h.low, low), append(h.high, high)
		}
	}
	return h
}

// below is the share of rows whose value is less than v, and that of those which equal it.
func (h *histogram) below(c *sql.Context, t sql.Type, v any) (less, equal float64, ok bool) {
	failed := false
	compare := func(a, b any) int {
		n, err := datum.Ordered(t).Compare(c, a, b)
		failed = failed || err != nil
		return n
	}
	i := sort.Search(len(h.high), func(i int) bool { return compare(h.high[i], v) >= 0 })
	before := 0.0
	if i > 0 {
		before = h.Buckets[i-1].Share
	}
	if i == len(h.high) || compare(v, h.low[i]) < 0 || failed {
		return before, 0, !failed
	}
	share := h.Buckets[i].Share - before
	equal = share / math.Max(1, h.Buckets[i].Distinct)
	return before + (share-equal)*h.within(i, v), equal, true
}

// within is where in a bucket a value lies, from 0 to 1: by distance if that can be told, else in the middle.
func (h *histogram) within(i int, v any) float64 {
	low, ok1 := number(h.low[i])
	high, ok2 := number(h.high[i])
	x, ok3 := number(v)
	if !ok1 || !ok2 || !ok3 || high <= low {
		if h.Buckets[i].Distinct <= 1 {
			return 0
		}
		return 0.5
	}
	return math.Min(1, math.Max(0, (x-low)/(high-low)))
}

// number is a value's place on a line.
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case time.Time:
		return float64(temporal.OfHeld(v).Packed()), true
	case float64:
		return v, true
	case float32:
		return float64(v), true
	case uint64:
		return float64(v), true
	case fmt.Stringer: // decimals
		f, err := strconv.ParseFloat(v.String(), 64)
		return f, err == nil
	}
	n, ok := datum.Integer(v)
	return float64(n), ok
}

// histogramClause is what follows the table in ANALYZE TABLE: UPDATE HISTOGRAM ON a, b [WITH n BUCKETS], or DROP HISTOGRAM ON a, b.
type histogramClause struct {
	drop    bool
	columns []string
	buckets int
}

func (s *Session) ownHistogram(t *lexer.Cursor, list [][2]string) (*Statement, error) {
	h := histogramClause{drop: t.Word(0) == "DROP", buckets: histogramBuckets}
	t.Pos++
	if !t.Accept("HISTOGRAM") || !t.Accept("ON") {
		return nil, s.wrong(t)
	}
	for {
		name, ok := t.Name()
		if !ok {
			return nil, s.wrong(t)
		}
		h.columns = append(h.columns, name)
		if !t.Accept(",") {
			break
		}
	}
	if !h.drop && t.Accept("WITH") {
		n, err := strconv.Atoi(t.At(0))
		if err != nil || t.Word(1) != "BUCKETS" {
			return nil, s.wrong(t)
		}
		if n < 1 || n > 1024 {
			return nil, mysqlerr.NewMessage(1690, "Number of buckets value is out of range in 'ANALYZE TABLE'")
		}
		h.buckets = n
		t.Pos += 2
	}
	return s.done(t, &Statement{Class: DDL, run: func(c *sql.Context, s *Session, x *execution) (*Result, error) {
		return s.changeHistograms(c, x, list, h)
	}})
}

func (s *Session) changeHistograms(c *sql.Context, x *execution, list [][2]string, h histogramClause) (*Result, error) {
	const op = "histogram"
	out := texts("Table", "Op", "Msg_type", "Msg_text")
	if len(list) > 1 {
		return s.rowsOf(c, x, out, []sql.Row{{"", op, "Error", "Only one table can be specified while modifying histogram statistics."}}), nil
	}
	m, err := s.maintenanceTable(c, x, list[0])
	if err != nil {
		return nil, err
	}
	switch {
	case m.missing:
		return s.rowsOf(c, x, out, []sql.Row{{m.full, op, "Error", fmt.Sprintf("Table '%s' doesn't exist", m.full)}, {m.full, op, "status", "Operation failed"}}), nil
	case m.view:
		return s.rowsOf(c, x, out, []sql.Row{{m.full, op, "Error", "Cannot create histogram statistics for a view."}}), nil
	case hidden(m.schema):
		return s.rowsOf(c, x, out, []sql.Row{{m.full, op, "Error", "Cannot create histogram statistics for a temporary table."}}), nil
	}
	t, err := x.openTable(c, m.schema, m.name)
	if err != nil {
		return nil, err
	}
	mt, err := s.e.metas.Get(c, t.Def())
	if err != nil {
		return nil, err
	}
	var rows []sql.Row
	for i, name := range h.columns {
		if slices.ContainsFunc(h.columns[:i], func(before string) bool { return strings.EqualFold(before, name) }) {
			return nil, mysqlerr.New(mysqlerr.ER_DUP_FIELDNAME, name)
		}
	}
	for _, name := range h.columns {
		kind, text, err := s.changeHistogram(c, x, t, mt, name, h)
		if err != nil {
			return nil, err
		}
		rows = append(rows, sql.Row{m.full, op, kind, text})
	}
	return s.rowsOf(c, x, out, rows), nil
}

// changeHistogram makes or drops one histogram and returns what the result says of it.
func (s *Session) changeHistogram(c *sql.Context, x *execution, t table.Table, m *tabledef.Table, name string, h histogramClause) (kind, text string, err error) {
	i := tabledef.Position(m.Def, name)
	if h.drop {
		have, err := s.e.histogramsOf(c, m.Def)
		if err != nil {
			return "", "", err
		}
		if i < 0 || have[strings.ToLower(name)] == nil {
			return "Error", fmt.Sprintf("No histogram statistics found for column '%s'.", name), nil
		}
		err = s.e.catalog.PutObjects(c, table.Object{Kind: table.KindHistogram, Schema: table.Attached(m.Def.ID), Name: strings.ToLower(m.Def.Columns[i].Name)})
		return "status", fmt.Sprintf("Histogram statistics removed for column '%s'.", name), err
	}
	if i < 0 {
		return "Error", fmt.Sprintf("The column '%s' does not exist.", name), nil
	}
	typ := m.Schema[i].Type
	if types.IsJSON(typ) || types.IsGeometry(typ) {
		return "Error", fmt.Sprintf("The column '%s' has an unsupported data type.", name), nil
	}
	for _, ix := range m.Def.Indexes {
		if ix.Unique && len(ix.Parts) == 1 && ix.Parts[0].Column == i && ix.Parts[0].Prefix == 0 {
			return "Error", fmt.Sprintf("The column '%s' is covered by a single-part unique index.", name), nil
		}
	}
	made, err := s.makeHistogram(c, x, t, m, i, h.buckets)
	if err != nil {
		return "", "", err
	}
	body, err := json.Marshal(made)
	if err == nil {
		err = s.e.catalog.PutObjects(c, table.Object{Kind: table.KindHistogram, Schema: table.Attached(m.Def.ID), Name: strings.ToLower(m.Def.Columns[i].Name), Body: body})
	}
	return "status", fmt.Sprintf("Histogram statistics created for column '%s'.", name), err
}

// makeHistogram reads the column, of a large table a sample of it.
func (s *Session) makeHistogram(c *sql.Context, x *execution, t table.Table, m *tabledef.Table, i, buckets int) (*histogram, error) {
	h := &histogram{Column: m.Def.Columns[i].Name, Type: storedType(m.Def.Columns[i].Attrs), Specified: buckets, Sampling: 1,
		Updated: time.Now().UTC()}
	n, err := t.Count(c)
	if err != nil {
		return nil, err
	}
	where := ""
	if n > histogramSample {
		h.Sampling = histogramSample / float64(n)
		where = fmt.Sprintf(" WHERE RAND() < %g", h.Sampling)
	}
	col := sqltext.Quote(h.Column)
	_, rows, err := s.query(c, x, fmt.Sprintf("SELECT %s, COUNT(*) FROM %s.%s%s GROUP BY %s ORDER BY %s", col, sqltext.Quote(m.Def.Schema), sqltext.Quote(m.Def.Name), where, col, col))
	if err != nil {
		return nil, err
	}
	var values []countedValue
	total, null := 0.0, 0.0
	for _, r := range rows {
		n, _ := datum.Integer(r[1])
		total += float64(n)
		if r[0] == nil {
			null += float64(n)
			continue
		}
		text, err := datum.Ordered(m.Schema[i].Type).SQL(c, nil, r[0])
		if err != nil {
			return nil, err
		}
		values = append(values, countedValue{text.ToString(), float64(n)})
	}
	if total == 0 {
		return h, nil
	}
	h.Null = null / total
	h.Singleton = len(values) <= buckets
	h.fill(values, total, (total-null)/float64(buckets))
	return h, nil
}

// countedValue is a value and how many rows have it.
type countedValue struct {
	text string
	rows float64
}

// fill makes the buckets from the values in their order: one each, or of about height rows each. A value lies in one bucket.
func (h *histogram) fill(values []countedValue, total, height float64) {
	sum, inside, distinct := 0.0, 0.0, 0
	low := ""
	for k, v := range values {
		if distinct == 0 {
			low = v.text
		}
		distinct++
		sum, inside = sum+v.rows, inside+v.rows
		next := 0.0
		if k+1 < len(values) {
			next = values[k+1].rows
		}
		if !h.Singleton && k+1 < len(values) && inside+next <= height {
			continue
		}
		if !h.Singleton && len(h.Buckets) == h.Specified-1 && k+1 < len(values) {
			continue // the last bucket takes the rest
		}
		h.Buckets = append(h.Buckets, bucket{low, v.text, sum / total, float64(distinct)})
		inside, distinct = 0, 0
	}
}

// columnStatisticsTable is information_schema.column_statistics.
func columnStatisticsTable(e *Engine) *ownTable {
	return &ownTable{name: "COLUMN_STATISTICS", schema: infoColumns("COLUMN_STATISTICS", "SCHEMA_NAME", "TABLE_NAME", "COLUMN_NAME", "HISTOGRAM"),
		rows: func(ctx *sql.Context) ([]sql.Row, error) {
			var out []sql.Row
			err := e.eachHolder(ctx, table.KindHistogram, func(m *tabledef.Table) error {
				list, err := e.histogramsOf(ctx, m.Def)
				if err != nil {
					return err
				}
				for _, h := range list {
					row, err := e.histogramRow(ctx, m, h)
					if err != nil {
						return err
					}
					if row != nil {
						out = append(out, row)
					}
				}
				return nil
			})
			if err != nil {
				return nil, err
			}
			slices.SortFunc(out, func(a, b sql.Row) int {
				return strings.Compare(fmt.Sprint(a[0], "\x00", a[1], "\x00", a[2]), fmt.Sprint(b[0], "\x00", b[1], "\x00", b[2]))
			})
			return out, nil
		}}
}

// eachHolder walks the tables that have objects of a kind attached, in the databases that the user may see and the statement asks for.
func (e *Engine) eachHolder(ctx *sql.Context, kind string, fn func(m *tabledef.Table) error) error {
	may := map[string]bool{}
	for _, db := range e.gms.Analyzer.Catalog.AllDatabases(ctx) {
		may[db.Name()] = true
	}
	holders, err := e.catalog.Holders(ctx, kind)
	if err != nil {
		return err
	}
	for _, h := range holders {
		if !may[h[0]] {
			continue
		}
		d, err := e.catalog.Definition(ctx, h[0], h[1])
		if err != nil {
			if skipMissing(err) != nil {
				return err
			}
			continue
		}
		m, err := e.metas.Get(ctx, d)
		if err == nil {
			err = fn(m)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// histogramRow shows a histogram that still holds as MySQL's JSON document.
func (e *Engine) histogramRow(ctx *sql.Context, m *tabledef.Table, h *histogram) (sql.Row, error) {
	d := m.Def
	i := tabledef.Position(d, h.Column)
	if i < 0 || e.histogramOf(ctx, m, i) == nil {
		return nil, nil
	}
	kind, show := histogramType(m.Schema[i].Type)
	doc := struct {
		Buckets   [][]any `json:"buckets"`
		Type      string  `json:"data-type"`
		Null      float64 `json:"null-values"`
		Collation uint16  `json:"collation-id"`
		Updated   string  `json:"last-updated"`
		Sampling  float64 `json:"sampling-rate"`
		Kind      string  `json:"histogram-type"`
		Specified int     `json:"number-of-buckets-specified"`
	}{Buckets: [][]any{}, Type: kind, Null: h.Null, Collation: d.Columns[i].Collation, Updated: h.Updated.Format("2006-01-02 15:04:05.000000"), Sampling: h.Sampling,
		Kind: "equi-height", Specified: h.Specified}
	if doc.Collation == 0 {
		doc.Collation = 8 // MySQL says so of what has no collation
	}
	if h.Singleton {
		doc.Kind = "singleton"
	}
	for _, b := range h.Buckets {
		if h.Singleton {
			doc.Buckets = append(doc.Buckets, []any{show(b.Low), b.Share})
		} else {
			doc.Buckets = append(doc.Buckets, []any{show(b.Low), show(b.High), b.Share, b.Distinct})
		}
	}
	body, err := json.Marshal(doc)
	return sql.Row{d.Schema, d.Name, h.Column, string(body)}, err
}

// histogramType is MySQL's name for a type's histograms, and how values are shown in them.
func histogramType(t sql.Type) (string, func(string) any) {
	plain := func(v string) any { return json.Number(v) }
	quoted := func(v string) any { return v }
	switch {
	case types.IsEnum(t):
		return "enum", quoted
	case types.IsSet(t):
		return "set", quoted
	case types.IsUnsigned(t):
		return "uint", plain
	case types.IsInteger(t):
		return "int", plain
	case types.IsDecimal(t):
		return "decimal", plain
	case types.IsFloat(t):
		return "double", plain
	case types.IsDateType(t):
		return "date", quoted
	case types.IsTimespan(t):
		return "time", quoted
	case types.IsTime(t):
		return "datetime", quoted
	}
	return "string", func(v string) any { return "base64:type254:" + base64.StdEncoding.EncodeToString([]byte(v)) }
}
