package general

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/engine/table"
)

// What the dictionary keeps of a table beyond what the engine needs, as JSON in Def.Attrs, Column.Attrs and Index.Attrs.

type columnAttrs struct {
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

// unsigned reports whether a DECIMAL, FLOAT or DOUBLE takes no negative numbers: the library's types of them all do.
func (a *columnAttrs) unsigned() bool { return strings.HasSuffix(a.Decl, " unsigned") }

type indexAttrs struct {
	Comment   string `json:"comment,omitempty"`
	Fulltext  bool   `json:"fulltext,omitempty"`
	NGram     bool   `json:"ngram,omitempty"` // WITH PARSER ngram
	Spatial   bool   `json:"spatial,omitempty"`
	Invisible bool   `json:"invisible,omitempty"`
	Hash      bool   `json:"hash,omitempty"` // USING HASH was written
	BTree     bool   `json:"btree,omitempty"`
	ForFK     bool   `json:"forFK,omitempty"` // made for a foreign key: goes when a better one comes
}

type foreignKey struct {
	Name          string   `json:"name"`
	Columns       []string `json:"columns"`
	ParentSchema  string   `json:"parentSchema"`
	ParentTable   string   `json:"parentTable"`
	ParentColumns []string `json:"parentColumns"`
	OnUpdate      string   `json:"onUpdate,omitempty"`
	OnDelete      string   `json:"onDelete,omitempty"`
}

type check struct {
	Name        string `json:"name"`
	Expr        string `json:"expr"`
	NotEnforced bool   `json:"notEnforced,omitempty"`
}

type tableAttrs struct {
	Collation uint16            `json:"collation"`
	Comment   string            `json:"comment,omitempty"`
	Checks    []check           `json:"checks,omitempty"`
	FKs       []foreignKey      `json:"fks,omitempty"`
	Options   map[string]string `json:"options,omitempty"` // ROW_FORMAT and the like, kept and shown, without effect
	PartSQL   string            `json:"partitions,omitempty"`
	// Parts are the trees of a partitioned table, in the order of its partitions, and PartNext the next one's number. See parttable.go.
	Parts    []partRef `json:"parts,omitempty"`
	PartNext int       `json:"partNext,omitempty"`
}

type schemaAttrs struct {
	Collation uint16 `json:"collation"`
}

func toJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain structs of strings and numbers always marshal
	}
	return string(b)
}

// fromJSON reads attributes; empty text is the zero value.
func fromJSON(text string, v any) error {
	if text == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(text), v); err != nil {
		return fmt.Errorf("damaged attributes in the dictionary: %w", err)
	}
	return nil
}

func schemaCollation(s *table.Schema) sql.CollationID {
	var a schemaAttrs
	if fromJSON(s.Attrs, &a) != nil || a.Collation == 0 {
		return defaultCollation
	}
	return sql.CollationID(a.Collation)
}

// typeText is SQL that parses back into t.
func typeText(t sql.Type) string {
	if srid, bound := spatialRef(t); bound {
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

// spatialRef returns the SRID that a spatial column is bound to.
func spatialRef(t sql.Type) (uint32, bool) {
	if s, ok := t.(sql.SpatialColumnType); ok {
		return s.GetSpatialTypeSRID()
	}
	return 0, false
}
