package tabledef

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/engine/table"
)

// What the dictionary keeps of a table beyond what the engine needs, as JSON in Def.Attrs, Column.Attrs and Index.Attrs.

// Column is what the dictionary keeps of a column.
type Column struct {
	Type      string `json:"type"` // SQL text that parses back into the type, with collation
	Default   string `json:"default,omitempty"`
	Literal   bool   `json:"literal,omitempty"` // Default is a literal rather than an expression
	Generated string `json:"generated,omitempty"`
	OnUpdate  string `json:"onUpdate,omitempty"`
	Comment   string `json:"comment,omitempty"`
	Invisible bool   `json:"invisible,omitempty"`
	Zerofill  int    `json:"zerofill,omitempty"` // display width
	Fraction  int    `json:"fraction,omitempty"` // digits of a second that a TIME keeps: the library has TIME(6) only
	Decl      string `json:"decl,omitempty"`     // how the type was written, where the library has another one for it
}

// Unsigned reports whether a DECIMAL, FLOAT or DOUBLE takes no negative numbers: the library's types of them all do.
func (a *Column) Unsigned() bool { return strings.HasSuffix(a.Decl, " unsigned") }

// Index is what the dictionary keeps of an index.
type Index struct {
	Comment   string `json:"comment,omitempty"`
	Fulltext  bool   `json:"fulltext,omitempty"`
	NGram     bool   `json:"ngram,omitempty"` // WITH PARSER ngram
	Spatial   bool   `json:"spatial,omitempty"`
	Invisible bool   `json:"invisible,omitempty"`
	Hash      bool   `json:"hash,omitempty"` // USING HASH was written
	BTree     bool   `json:"btree,omitempty"`
	ForFK     bool   `json:"forFK,omitempty"` // made for a foreign key: goes when a better one comes
}

// ForeignKey is a foreign key as the dictionary keeps it, with the table that has it.
type ForeignKey struct {
	Name          string   `json:"name"`
	Columns       []string `json:"columns"`
	ParentSchema  string   `json:"parentSchema"`
	ParentTable   string   `json:"parentTable"`
	ParentColumns []string `json:"parentColumns"`
	OnUpdate      string   `json:"onUpdate,omitempty"`
	OnDelete      string   `json:"onDelete,omitempty"`
}

// Check is a CHECK constraint.
type Check struct {
	Name        string `json:"name"`
	Expr        string `json:"expr"`
	NotEnforced bool   `json:"notEnforced,omitempty"`
}

// Attrs is what the dictionary keeps of a table.
type Attrs struct {
	Collation uint16            `json:"collation"`
	Comment   string            `json:"comment,omitempty"`
	Checks    []Check           `json:"checks,omitempty"`
	FKs       []ForeignKey      `json:"fks,omitempty"`
	Options   map[string]string `json:"options,omitempty"` // ROW_FORMAT and the like, kept and shown, without effect
	PartSQL   string            `json:"partitions,omitempty"`
	// Parts are the trees of a partitioned table, in the order of its partitions, and PartNext the next one's number. See parttable.go.
	Parts    []Partition `json:"parts,omitempty"`
	PartNext int         `json:"partNext,omitempty"`
}

// SchemaAttrs is what the dictionary keeps of a database.
type SchemaAttrs struct {
	Collation uint16 `json:"collation"`
}

// Encode is what the dictionary keeps: JSON.
func Encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain structs of strings and numbers always marshal
	}
	return string(b)
}

// Decode reads attributes; empty text is the zero value. An error is that of a damaged dictionary.
func Decode(text string, v any) error {
	if text == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(text), v); err != nil {
		return fmt.Errorf("damaged attributes in the dictionary: %w", err)
	}
	return nil
}

// SchemaCollation is a database's default collation.
func SchemaCollation(s *table.Schema) sql.CollationID {
	var a SchemaAttrs
	if Decode(s.Attrs, &a) != nil || a.Collation == 0 {
		return DefaultCollation
	}
	return sql.CollationID(a.Collation)
}

// TypeText is SQL that parses back into t.
func TypeText(t sql.Type) string {
	if srid, bound := SpatialRef(t); bound {
		return fmt.Sprintf("%s SRID %d", t, srid)
	}
	ct, ok := t.(sql.TypeWithCollation)
	if !ok || types.IsBinaryType(t) || ct.Collation() == sql.Collation_binary {
		return t.String()
	}
	c := ct.Collation()
	text := ct.StringWithTableCollation(c)
	if strings.Contains(text, "COLLATE") {
		return text
	}
	return fmt.Sprintf("%s CHARACTER SET %s COLLATE %s", text, c.CharacterSet().Name(), c.Name())
}

// SpatialRef returns the SRID that a spatial column is bound to.
func SpatialRef(t sql.Type) (uint32, bool) {
	if s, ok := t.(sql.SpatialColumnType); ok {
		return s.GetSpatialTypeSRID()
	}
	return 0, false
}

// Writes is the clause by which the key's own columns get other values, empty if none does: ON DELETE CASCADE takes whole rows away.
func (f *ForeignKey) Writes() string {
	switch {
	case !Refuses(f.OnUpdate):
		return "ON UPDATE " + strings.ToUpper(f.OnUpdate)
	case !Refuses(f.OnDelete) && RefAction(f.OnDelete) != sql.ForeignKeyReferentialAction_Cascade:
		return "ON DELETE " + strings.ToUpper(f.OnDelete)
	}
	return ""
}

// Acts reports whether the key does more than refuse.
func (f *ForeignKey) Acts() bool { return !Refuses(f.OnDelete) || !Refuses(f.OnUpdate) }

// Refuses reports whether an action of a foreign key is to refuse.
func Refuses(action string) bool {
	switch RefAction(action) {
	case sql.ForeignKeyReferentialAction_DefaultAction, sql.ForeignKeyReferentialAction_Restrict, sql.ForeignKeyReferentialAction_NoAction:
		return true
	}
	return false
}

// Partition names the tree of one partition.
type Partition struct {
	Name string `json:"name,omitempty"` // "": the table is no longer partitioned, its rows are in this tree
	Tree int    `json:"tree"`
}

// RefAction is an action as the library names it.
func RefAction(s string) sql.ForeignKeyReferentialAction {
	if s == "" {
		return sql.ForeignKeyReferentialAction_DefaultAction
	}
	return sql.ForeignKeyReferentialAction(s)
}

// DefaultCollation is MySQL 8.0's; the library's own default differs.
const DefaultCollation = sql.Collation_utf8mb4_0900_ai_ci
