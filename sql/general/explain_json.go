package general

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// EXPLAIN FORMAT=JSON: the accesses of each query block, in the members that tools read. Costs are those of FORMAT=TREE: 0.25 to read a table and 0.1 a row,
// for each row of the tables before it.

type jsonCost struct {
	Query  string `json:"query_cost,omitempty"`
	Read   string `json:"read_cost,omitempty"`
	Eval   string `json:"eval_cost,omitempty"`
	Prefix string `json:"prefix_cost,omitempty"`
}

type jsonTable struct {
	Insert     bool      `json:"insert,omitempty"`
	Update     bool      `json:"update,omitempty"`
	Delete     bool      `json:"delete,omitempty"`
	Replace    bool      `json:"replace,omitempty"`
	Name       string    `json:"table_name,omitempty"`
	Partitions any       `json:"partitions,omitempty"`
	Access     string    `json:"access_type,omitempty"`
	Possible   []string  `json:"possible_keys,omitempty"`
	Key        string    `json:"key,omitempty"`
	KeyLen     string    `json:"key_length,omitempty"`
	Ref        []string  `json:"ref,omitempty"`
	Rows       uint64    `json:"rows_examined_per_scan,omitempty"`
	Produced   uint64    `json:"rows_produced_per_join,omitempty"`
	Filtered   string    `json:"filtered,omitempty"`
	Buffer     string    `json:"using_join_buffer,omitempty"`
	Cost       *jsonCost `json:"cost_info,omitempty"`
	Message    string    `json:"message,omitempty"`
}

type jsonEntry struct {
	Table *jsonTable `json:"table"`
}

// jsonSource is where the rows of a block come from: one table, several, or an operation on them.
type jsonSource struct {
	Filesort  *bool       `json:"using_filesort,omitempty"`
	Temporary bool        `json:"using_temporary_table,omitempty"`
	Ordering  *jsonSource `json:"ordering_operation,omitempty"`
	Grouping  *jsonSource `json:"grouping_operation,omitempty"`
	Table     *jsonTable  `json:"table,omitempty"`
	Loop      []jsonEntry `json:"nested_loop,omitempty"`
}

type jsonBlock struct {
	ID      uint64    `json:"select_id,omitempty"`
	Type    string    `json:"select_type,omitempty"`
	Message string    `json:"message,omitempty"`
	Cost    *jsonCost `json:"cost_info,omitempty"`
	jsonSource
}

// json lists the first block as query_block and those within it as other_blocks.
func (e *explainer) json() string {
	var blocks []*jsonBlock
	for from := 0; from < len(e.accesses); {
		to := from + 1
		for to < len(e.accesses) && e.accesses[to].id == e.accesses[from].id {
			to++
		}
		blocks = append(blocks, blockJSON(e.accesses[from:to]))
		from = to
	}
	doc := struct {
		Block  *jsonBlock   `json:"query_block,omitempty"`
		Others []*jsonBlock `json:"other_blocks,omitempty"`
	}{}
	if len(blocks) > 0 {
		doc.Block, doc.Others = blocks[0], blocks[1:]
	}
	if doc.Block != nil && doc.Block.Type == "SIMPLE" {
		doc.Block.Type = ""
	}
	out, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return "{}" // plain structs of strings and numbers always marshal
	}
	return string(out)
}

func blockJSON(list []*access) *jsonBlock {
	b := &jsonBlock{ID: list[0].id, Type: list[0].block}
	if list[0].table == "" {
		b.Message = strings.Join(list[0].extra, "; ")
		return b
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
			t.Cost = &jsonCost{Read: fmt.Sprintf("%.2f", read), Eval: fmt.Sprintf("%.2f", eval), Prefix: fmt.Sprintf("%.2f", cost)}
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
	var rest []string
	for _, extra := range a.extra {
		if how, ok := strings.CutPrefix(extra, "Using join buffer ("); ok {
			t.Buffer = strings.TrimSuffix(how, ")")
		} else if extra != "Using filesort" && extra != "Using temporary" {
			rest = append(rest, extra)
		}
	}
	t.Message = strings.Join(rest, "; ")
	return t
}
