package general

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"

	"github.com/zoryadb/zorya/sql/item"
)

// EXPLAIN FORMAT=JSON: the accesses of each query block, in MySQL's members. Costs are those of FORMAT=TREE: 0.25 to read a table and 0.1 a row,
// for each row of the tables before it.

type jsonCost struct {
	Query  string `json:"query_cost,omitempty"`
	Read   string `json:"read_cost,omitempty"`
	Eval   string `json:"eval_cost,omitempty"`
	Prefix string `json:"prefix_cost,omitempty"`
	Data   string `json:"data_read_per_join,omitempty"`
}

type jsonTable struct {
	Insert     bool        `json:"insert,omitempty"`
	Update     bool        `json:"update,omitempty"`
	Delete     bool        `json:"delete,omitempty"`
	Replace    bool        `json:"replace,omitempty"`
	Name       string      `json:"table_name,omitempty"`
	Partitions any         `json:"partitions,omitempty"`
	Access     string      `json:"access_type,omitempty"`
	Possible   []string    `json:"possible_keys,omitempty"`
	Key        string      `json:"key,omitempty"`
	KeyParts   []string    `json:"used_key_parts,omitempty"`
	KeyLen     string      `json:"key_length,omitempty"`
	Ref        []string    `json:"ref,omitempty"`
	Rows       uint64      `json:"rows_examined_per_scan,omitempty"`
	Produced   uint64      `json:"rows_produced_per_join,omitempty"`
	Filtered   string      `json:"filtered,omitempty"`
	InIndex    string      `json:"index_condition,omitempty"`
	Covered    bool        `json:"using_index,omitempty"`
	Buffer     string      `json:"using_join_buffer,omitempty"`
	Message    string      `json:"message,omitempty"`
	Cost       *jsonCost   `json:"cost_info,omitempty"`
	Columns    []string    `json:"used_columns,omitempty"`
	Where      string      `json:"attached_condition,omitempty"`
	From       *jsonMade   `json:"materialized_from_subquery,omitempty"`
	Subqueries []*jsonMade `json:"attached_subqueries,omitempty"`
}

type jsonEntry struct {
	Table *jsonTable `json:"table"`
}

// jsonMade is a query block within another.
type jsonMade struct {
	Temporary bool       `json:"using_temporary_table,omitempty"`
	Dependent bool       `json:"dependent"`
	Cacheable bool       `json:"cacheable"`
	Block     *jsonBlock `json:"query_block"`
}

// jsonUnion is the rows of several blocks.
type jsonUnion struct {
	Temporary bool        `json:"using_temporary_table"`
	Name      string      `json:"table_name,omitempty"`
	Access    string      `json:"access_type,omitempty"`
	Blocks    []*jsonMade `json:"query_specifications"`
}

// jsonSource is where the rows of a block come from: one table, several, or an operation on them.
type jsonSource struct {
	Filesort  *bool       `json:"using_filesort,omitempty"`
	Temporary bool        `json:"using_temporary_table,omitempty"`
	Ordering  *jsonSource `json:"ordering_operation,omitempty"`
	Grouping  *jsonSource `json:"grouping_operation,omitempty"`
	Table     *jsonTable  `json:"table,omitempty"`
	Loop      []jsonEntry `json:"nested_loop,omitempty"`
	From      *jsonSource `json:"insert_from,omitempty"`
}

type jsonBlock struct {
	ID      uint64    `json:"select_id,omitempty"`
	Message string    `json:"message,omitempty"`
	Cost    *jsonCost `json:"cost_info,omitempty"`
	jsonSource
	Union    *jsonUnion  `json:"union_result,omitempty"`
	Selected []*jsonMade `json:"select_list_subqueries,omitempty"`
}

// json puts each block where its rows go: into the table that is made of them, the conditions or the select list that ask for them, the union.
func (e *explainer) json() string {
	doc := struct {
		Block *jsonBlock `json:"query_block"`
	}{&jsonBlock{}}
	blocks := map[uint64]*jsonBlock{}
	tables := map[string]*jsonTable{} // those made of blocks, by <derivedN>
	first := map[uint64]*jsonTable{}
	var union *jsonUnion
	for from := 0; from < len(e.accesses); {
		to := from + 1
		for to < len(e.accesses) && e.accesses[to].id == e.accesses[from].id && e.accesses[to].block != "UNION RESULT" {
			to++
		}
		list := e.accesses[from:to]
		from = to
		if list[0].block == "UNION RESULT" {
			continue
		}
		id := list[0].id
		b := blockJSON(list, tables, first)
		blocks[id] = b
		made := &jsonMade{Cacheable: true, Block: b}
		place := e.places[id]
		switch {
		case list[0].block == "DERIVED":
			if t := tables[fmt.Sprintf("<derived%d>", id)]; t != nil {
				made.Temporary = true
				t.From = made
			}
		case e.unions[id] > 0:
			if union == nil {
				union = &jsonUnion{}
				doc.Block = &jsonBlock{Union: union}
			}
			union.Blocks = append(union.Blocks, made)
		case len(blocks) == 1:
			doc.Block = b
		case blocks[place.block] != nil:
			made.Dependent = strings.HasPrefix(list[0].block, "DEPENDENT")
			made.Cacheable = !made.Dependent
			if t := first[place.block]; place.condition && t != nil {
				t.Subqueries = append(t.Subqueries, made)
			} else {
				blocks[place.block].Selected = append(blocks[place.block].Selected, made)
			}
		}
	}
	for _, a := range e.accesses {
		if a.block == "UNION RESULT" && union != nil {
			union.Temporary, union.Name, union.Access = true, a.table, a.kind
		}
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(doc); err != nil {
		return "{}" // plain structs of strings and numbers always marshal
	}
	return strings.TrimSuffix(out.String(), "\n")
}

func blockJSON(list []*access, tables map[string]*jsonTable, first map[uint64]*jsonTable) *jsonBlock {
	b := &jsonBlock{ID: list[0].id}
	if list[0].table == "" {
		b.Message = strings.Join(list[0].extra, "; ")
		return b
	}
	var into *jsonTable
	if list[0].block == "INSERT" || list[0].block == "REPLACE" {
		into = list[0].json()
		if list = list[1:]; len(list) == 0 {
			b.Table = into
			return b
		}
	}
	rows, cost := 1.0, 0.0
	var in jsonSource
	for _, a := range list {
		t := a.json()
		if a.counted {
			read, eval := rows*0.25, rows*0.1*float64(t.Rows)
			cost += read + eval
			rows *= float64(t.Rows) * a.filtered / 100
			t.Produced = uint64(max(rows, 1))
			t.Cost = &jsonCost{Read: fmt.Sprintf("%.2f", read), Eval: fmt.Sprintf("%.2f", eval), Prefix: fmt.Sprintf("%.2f", cost), Data: byteText(t.Produced * a.width())}
		}
		tables[a.table] = t
		if first[a.id] == nil {
			first[a.id] = t
		}
		in.Loop = append(in.Loop, jsonEntry{t})
	}
	if cost > 0 {
		b.Cost = &jsonCost{Query: fmt.Sprintf("%.2f", cost)}
	}
	if len(in.Loop) == 1 {
		in = jsonSource{Table: in.Loop[0].Table}
	}
	sorted, temporary := slices.Contains(list[0].extra, "Using filesort"), slices.Contains(list[0].extra, "Using temporary")
	if temporary {
		inner, no := in, false
		inner.Temporary, inner.Filesort = true, &no
		in = jsonSource{Grouping: &inner}
	}
	if sorted {
		outer := in
		outer.Filesort = &sorted
		in = jsonSource{Ordering: &outer}
	}
	if into != nil {
		from := in
		in = jsonSource{Table: into, From: &from}
	}
	b.jsonSource = in
	return b
}

// json is one table; what has members of its own is not repeated in its message.
func (a *access) json() *jsonTable {
	t := &jsonTable{Insert: a.block == "INSERT", Update: a.block == "UPDATE", Delete: a.block == "DELETE", Replace: a.block == "REPLACE",
		Name: a.table, Access: a.kind, Possible: a.possible, Key: a.key, Ref: a.ref}
	if text, ok := a.parts.(string); ok {
		t.Partitions = strings.Split(text, ",")
	}
	if a.counted {
		t.Rows, t.Filtered = max(a.rows, 1), fmt.Sprintf("%.2f", a.filtered)
	}
	if a.keyLen > 0 || a.kind == "fulltext" {
		t.KeyLen = fmt.Sprint(a.keyLen)
	}
	if r := a.reads; r != nil {
		t.Columns = r.columns()
		if r.index != nil {
			parts := r.index.ix().Parts
			for _, p := range parts[:min(r.parts, len(parts))] {
				t.KeyParts = append(t.KeyParts, r.of.schema[p.Column].Name)
			}
		}
	}
	t.Where, t.InIndex = conjunctionText(a.where), conjunctionText(a.inIndex)
	if a.kind == "range" {
		switch {
		case slices.Contains(a.extra, "Using index condition"):
			t.InIndex = cmp.Or(t.InIndex, a.ranged)
		case slices.Contains(a.extra, "Using where"):
			t.Where = cmp.Or(t.Where, a.ranged)
		}
	}
	var rest []string
	for _, extra := range a.extra {
		how, buffered := strings.CutPrefix(extra, "Using join buffer (")
		switch {
		case buffered:
			t.Buffer = strings.TrimSuffix(how, ")")
		case extra == "Using index":
			t.Covered = true
		case extra == "Using filesort", extra == "Using temporary", extra == "Using where" && t.Where != "", extra == "Using index condition" && t.InIndex != "":
		default:
			rest = append(rest, extra)
		}
	}
	t.Message = strings.Join(rest, "; ")
	return t
}

// columns are those that are read, in the table's order.
func (r *reading) columns() (out []string) {
	for _, c := range r.of.schema {
		if !c.HiddenSystem && (r.needed == nil || slices.ContainsFunc(r.needed, func(n string) bool { return strings.EqualFold(n, c.Name) })) {
			out = append(out, c.Name)
		}
	}
	return out
}

// width is how many bytes a row of the table has, all columns at their longest.
func (a *access) width() uint64 {
	n := 0
	if r := a.reads; r != nil {
		for i, c := range r.of.schema {
			n += typeLength(c.Type, 0, r.of.m.Columns[i].Fraction)
		}
	}
	return uint64(max(n, 1))
}

// byteText is a size as MySQL shortens it.
func byteText(n uint64) string {
	units := []string{"", "K", "M", "G", "T", "P"}
	i := 0
	for ; n >= 1024 && i < len(units)-1; i++ {
		n /= 1024
	}
	return fmt.Sprint(n) + units[i]
}

func conjunctionText(list []sql.Expression) string {
	var parts []string
	for _, e := range list {
		parts = append(parts, whereText(e))
	}
	switch len(parts) {
	case 0:
		return ""
	case 1:
		return parts[0]
	}
	return "(" + strings.Join(parts, " and ") + ")"
}

// whereText is a condition as MySQL writes it again, names in full.
func whereText(e sql.Expression) string {
	e = item.Plain(e)
	switch x := e.(type) {
	case *expression.And:
		return "(" + strings.Join(operandTexts(e, func(e sql.Expression) (a, b sql.Expression, ok bool) {
			if x, is := item.Plain(e).(*expression.And); is {
				return x.LeftChild, x.RightChild, true
			}
			return nil, nil, false
		}), " and ") + ")"
	case *expression.Or:
		return "(" + strings.Join(operandTexts(e, func(e sql.Expression) (a, b sql.Expression, ok bool) {
			if x, is := item.Plain(e).(*expression.Or); is {
				return x.LeftChild, x.RightChild, true
			}
			return nil, nil, false
		}), " or ") + ")"
	case *expression.Not:
		return "(not(" + whereText(x.Child) + "))"
	case *expression.GetField:
		return item.Text(x)
	case *expression.Literal:
		if s, ok := x.Value().(string); ok {
			return "'" + strings.ReplaceAll(s, "'", "\\'") + "'"
		}
		return x.String()
	}
	op, value, with, ok := item.Limited(e)
	if !ok {
		return item.Text(e)
	}
	var others []string
	for _, o := range with {
		others = append(others, whereText(o))
	}
	switch op {
	case "between":
		return "(" + whereText(value) + " between " + strings.Join(others, " and ") + ")"
	case "in":
		return "(" + whereText(value) + " in (" + strings.Join(others, ",") + "))"
	case "null":
		return "(" + whereText(value) + " is null)"
	}
	return "(" + whereText(value) + " " + op + " " + strings.Join(others, ",") + ")"
}

// rangesText writes what an access compares as a condition.
func rangesText(n *plan.IndexedTableAccess, alias string, ranges sql.MySQLRangeCollection) string {
	cols := indexColumns(n)
	var all []string
	for _, r := range ranges[:min(len(ranges), maxShownRanges)] {
		var parts []string
		for i, x := range r {
			if i >= len(cols) {
				break
			}
			name := "`" + alias + "`.`" + cols[i] + "`"
			if n.Database() != nil {
				name = "`" + n.Database().Name() + "`." + name
			}
			low, high := shownKey(x.LowerBound), shownKey(x.UpperBound)
			_, above := x.LowerBound.(sql.Above)
			_, upTo := x.UpperBound.(sql.Above)
			switch {
			case low != "" && low == high && !above && upTo:
				parts = append(parts, "("+name+" = "+low+")")
				continue
			case low != "" && high != "" && !above && upTo:
				parts = append(parts, "("+name+" between "+low+" and "+high+")")
				continue
			}
			if low != "" {
				parts = append(parts, "("+name+map[bool]string{true: " > ", false: " >= "}[above]+low+")")
			}
			if high != "" {
				parts = append(parts, "("+name+map[bool]string{true: " <= ", false: " < "}[upTo]+high+")")
			}
		}
		switch len(parts) {
		case 0:
		case 1:
			all = append(all, parts[0])
		default:
			all = append(all, "("+strings.Join(parts, " and ")+")")
		}
	}
	if len(all) < 2 {
		return strings.Join(all, "")
	}
	return "(" + strings.Join(all, " or ") + ")"
}

// operandTexts are the operands of a chain of one operator.
func operandTexts(e sql.Expression, split func(sql.Expression) (a, b sql.Expression, ok bool)) []string {
	if a, b, ok := split(e); ok {
		return append(operandTexts(a, split), operandTexts(b, split)...)
	}
	return []string{whereText(e)}
}
