package general

import (
	"errors"
	"math"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/builtin"
	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/field"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/jsondoc"
	"github.com/zoryadb/zorya/sql/jsonpath"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// JSON_TABLE(doc, path COLUMNS (...)). The library's knows neither ranges nor wildcards within paths, takes objects for their text and has one clause a column. The rows of a document are
// made at once, as MySQL makes them.

// maxNestedPaths is how many NESTED PATHs a JSON_TABLE has at most, the outermost path among them (MAX_NESTED_PATH).
const maxNestedPaths = 16

// onAction is what is done where a column has no value.
type onAction struct {
	fails bool
	value any // otherwise
}

// tableColumn is a column of a JSON_TABLE, or a NESTED PATH.
type tableColumn struct {
	name    string
	of      sql.Type
	path    *jsonpath.Path // nil: FOR ORDINALITY
	exists  bool
	empty   onAction
	wrong   onAction
	columns []tableColumn // of a NESTED PATH
	at      int           // where its values stand in a row
}

// tableMaker makes rows of documents.
type tableMaker struct {
	root    *jsonpath.Path
	columns []tableColumn
	width   int
	st      field.Store
}

// jsonTable builds the rows of a JSON_TABLE for the row r of the tables before it.
func (b *builder) jsonTable(c *sql.Context, n *plan.JSONTable, r sql.Row) (sql.RowIter, error) {
	x := executionOf(c)
	if x == nil {
		return nil, nil
	}
	m := x.jsonTables[n]
	if m == nil {
		var err error
		if m, err = newTableMaker(c, n); err != nil {
			return nil, err
		}
		if x.jsonTables == nil {
			x.jsonTables = map[*plan.JSONTable]*tableMaker{}
		}
		x.jsonTables[n] = m
	}
	doc, null, err := builtin.JSONArgument(c, r, n.DataExpr, "json_table", 1)
	if err != nil {
		return nil, err
	}
	var rows []sql.Row
	if !null {
		if rows, err = m.matches(c, m.root, m.columns, doc); err != nil {
			return nil, err
		}
	}
	return sql.RowsToRowIter(rows...), nil
}

func newTableMaker(c *sql.Context, n *plan.JSONTable) (m *tableMaker, err error) {
	m = &tableMaker{st: field.Store{Strict: true, Holds: true, Row: 1}}
	if m.root, err = builtin.ParsePath(n.RootPath); err != nil {
		return nil, err
	}
	nested := 1
	m.columns, err = m.define(c, n.Cols, &nested, n.TableName)
	return m, err
}

func (m *tableMaker) define(c *sql.Context, list []plan.JSONTableCol, nested *int, table string) ([]tableColumn, error) {
	out := make([]tableColumn, len(list))
	for i := range list {
		def, col := &list[i], &out[i]
		var err error
		if def.Opts == nil {
			if *nested++; *nested > maxNestedPaths {
				return nil, mysqlerr.New(mysqlerr.ER_JT_MAX_NESTED_PATH, maxNestedPaths, table)
			}
			if col.path, err = builtin.ParsePath(def.Path); err == nil {
				col.columns, err = m.define(c, def.NestedCols, nested, table)
			}
			if err != nil {
				return nil, err
			}
			continue
		}
		o := def.Opts
		col.name, col.of, col.exists, col.at = o.Name, o.Type, o.Exists, m.width
		m.width++
		if o.ForOrd {
			continue
		}
		if col.path, err = builtin.ParsePath(def.Path); err != nil {
			return nil, err
		}
		if col.empty, err = m.action(c, col, o.ErrorOnEmpty, o.DefEmptyVal); err == nil {
			col.wrong, err = m.action(c, col, o.ErrorOnError, o.DefErrorVal)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// action reads a clause. A default is a text of JSON, which the column's type must take.
func (m *tableMaker) action(c *sql.Context, col *tableColumn, fails bool, e sql.Expression) (onAction, error) {
	if fails || e == nil {
		return onAction{fails: fails}, nil
	}
	v, err := e.Eval(c, nil)
	if err != nil || v == nil {
		return onAction{}, err
	}
	text, ok := v.(string)
	switch {
	case !ok:
		return onAction{}, mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, "non-string DEFAULT value for a column in a JSON_TABLE expression")
	case text == grammar.ErrorOnMarker:
		return onAction{fails: true}, nil
	}
	doc, err := jsondoc.Decode([]byte(text))
	if err != nil || !scalar(doc) && !types.IsJSON(col.of) {
		return onAction{}, mysqlerr.New(mysqlerr.ER_INVALID_DEFAULT, col.name)
	}
	v, err = m.convert(c, col, doc)
	return onAction{value: v}, err
}

func scalar(v any) bool {
	switch v.(type) {
	case []any, map[string]any:
		return false
	}
	return true
}

// matches gives the rows of what a path selects in a document.
func (m *tableMaker) matches(c *sql.Context, p *jsonpath.Path, columns []tableColumn, doc any) (rows []sql.Row, err error) {
	ordinal := uint64(0)
	p.Find(doc, func(_ *jsonpath.Place, v any) bool {
		ordinal++
		var some []sql.Row
		some, err = m.rows(c, columns, v, ordinal)
		rows = append(rows, some...)
		return err == nil
	})
	return rows, err
}

// rows are those of one match: one for each match of its NESTED PATHs, which have NULLs beside each other; one if there is none.
func (m *tableMaker) rows(c *sql.Context, columns []tableColumn, v any, ordinal uint64) ([]sql.Row, error) {
	own := make(sql.Row, m.width)
	var rows []sql.Row
	for i := range columns {
		col := &columns[i]
		if col.columns != nil {
			continue
		}
		var err error
		if own[col.at], err = m.value(c, col, v, ordinal); err != nil {
			return nil, err
		}
	}
	for i := range columns {
		col := &columns[i]
		if col.columns == nil {
			continue
		}
		some, err := m.matches(c, col.path, col.columns, v)
		if err != nil {
			return nil, err
		}
		for _, r := range some {
			for k := range columns {
				if columns[k].columns == nil {
					r[columns[k].at] = own[columns[k].at]
				}
			}
		}
		rows = append(rows, some...)
	}
	if rows == nil {
		rows = []sql.Row{own}
	}
	return rows, nil
}

// value is a column's of one match.
func (m *tableMaker) value(c *sql.Context, col *tableColumn, doc any, ordinal uint64) (any, error) {
	if col.path == nil {
		v, _, err := col.of.Convert(c, ordinal)
		return v, err
	}
	var found []any
	col.path.Find(doc, func(_ *jsonpath.Place, v any) bool {
		found = append(found, v)
		return !col.exists
	})
	var v any
	err := error(nil)
	switch {
	case col.exists:
		return m.convert(c, col, float64(len(found)))
	case len(found) == 0:
		if col.empty.fails {
			return nil, mysqlerr.New(mysqlerr.ER_MISSING_JSON_TABLE_VALUE, col.name)
		}
		return col.empty.value, nil
	case len(found) == 1:
		v, err = m.convert(c, col, found[0])
	case types.IsJSON(col.of):
		v, err = m.convert(c, col, found)
	default:
		err = mysqlerr.New(mysqlerr.ER_WRONG_JSON_TABLE_VALUE, col.name)
	}
	if err != nil && !col.wrong.fails {
		return col.wrong.value, nil
	}
	return v, err
}

// convert makes a column's value of one of JSON. JSON's null is NULL.
func (m *tableMaker) convert(c *sql.Context, col *tableColumn, v any) (any, error) {
	if types.IsJSON(col.of) {
		return jsondoc.Wrap(v), nil
	}
	switch {
	case v == nil:
		return nil, nil
	case !scalar(v):
		return nil, mysqlerr.New(mysqlerr.ER_WRONG_JSON_TABLE_VALUE, col.name)
	}
	plain, err := plainScalar(v, types.IsText(col.of))
	if err != nil {
		return nil, err
	}
	fraction := datum.Fraction
	if d, ok := col.of.(sql.DatetimeType); ok {
		fraction = d.Precision()
	}
	out, err := m.st.Value(c, col.of, col.name, fraction, plain)
	m.st.Held = m.st.Held[:0]
	if err == nil && field.Negative(out) && types.IsUnsigned(col.of) {
		err = mysqlerr.New(mysqlerr.ER_WARN_DATA_OUT_OF_RANGE, col.name, 1)
	}
	if err == nil {
		out, _, err = datum.Ordered(col.of).Convert(c, out)
	}
	if err != nil {
		return nil, m.misfit(col, err)
	}
	return out, nil
}

// plainScalar is a scalar of a document as a value of SQL.
func plainScalar(v any, text bool) (any, error) {
	switch x := v.(type) {
	case bool:
		switch {
		case !text && x:
			return int64(1), nil
		case !text:
			return int64(0), nil
		}
		return jsondoc.Text(v)
	case jsondoc.Temporal:
		return x.Text, nil
	case jsondoc.Opaque:
		return x.Text(), nil
	case jsondoc.Double:
		if text {
			return jsondoc.Text(v)
		}
		return float64(x), nil
	case float64:
		if text {
			return jsondoc.Text(v)
		}
		if x == math.Trunc(x) && math.Abs(x) < 1<<53 {
			return int64(x), nil
		}
	case int64, uint64:
		if text {
			return jsondoc.Text(v)
		}
	}
	return v, nil
}

// misfit is the error of a value that the column's type does not take.
func (m *tableMaker) misfit(col *tableColumn, err error) error {
	var e *mysqlerr.Error
	if errors.As(err, &e) && (types.IsNumber(col.of) || types.IsDecimal(col.of)) && e.Code != mysqlerr.ER_WARN_DATA_OUT_OF_RANGE {
		kind := "INTEGER"
		switch {
		case types.IsDecimal(col.of):
			kind = "DECIMAL"
		case types.IsFloat(col.of):
			kind = "DOUBLE"
		}
		return mysqlerr.New(mysqlerr.ER_INVALID_JSON_VALUE_FOR_CAST, kind, col.name, 1)
	}
	return mysqlerr.New(mysqlerr.ER_JT_VALUE_OUT_OF_RANGE, col.name)
}
