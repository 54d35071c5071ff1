// Package dict owns the dictionary's form: which keys its tree holds, how a table's definition is stored in it, and the
// cache of opened tables.
//
// The dictionary is one B+tree in the volume whose entries are rows like a table's: versioned, with undo. So a change of it is
// atomic and crash-safe as any transaction is, and readers see committed state without a lock. The root package
// engine does the reading and the changing; who may change what at a time is decided by metadata locks.
//
// Invariants:
//   - Nothing is loaded before it is asked for, and the cache is bounded: memory does not grow with tables that are not used.
//   - A cached table is the newest committed definition: whoever changes one holds its metadata lock exclusively and calls Forget
//     before giving the lock back.
//
// docs/format/dictionary.md lists keys and bodies.
package dict

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/zoryadb/zorya/engine/btree"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/space"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/storage/page"
)

// Table ids and tree ids come from one counter. Those below FirstID are the engine's.
const (
	Tree    uint64 = space.MinOwner + 1 // the dictionary's own tree, and its table id in undo records
	Counter uint64 = space.MinOwner + 2 // the tree of auto-increment counters
	FirstID uint64 = 64
)

// Chunk is how many bytes of a long body one entry holds.
const Chunk = 3000

// First bytes of the dictionary's keys.
const (
	kindSchema = 's' // name -> attributes
	kindName   = 't' // schema 0 name -> table id
	kindDef    = 'd' // table id, chunk -> definition
	kindObject = 'o' // kind 0 schema 0 name 0, chunk -> body
	kindRefer  = 'f' // parent schema 0 parent name 0 child schema 0 child name -> nothing
	kindConstr = 'c' // schema 0 constraint -> table id
)

// ErrCorrupt means that an entry of the dictionary cannot be read.
var ErrCorrupt = errors.New("dictionary entry is corrupt")

func join(kind byte, parts ...string) []byte {
	b := []byte{kind}
	for i, p := range parts {
		if i > 0 {
			b = append(b, 0)
		}
		b = append(b, p...)
	}
	return b
}

// SchemaKey is the key of a schema; with an empty name the prefix of all.
func SchemaKey(name string) []byte { return join(kindSchema, name) }

// NameKey is the key under which a table's id is found; NamePrefix begins those of a schema.
func NameKey(schema, name string) []byte { return join(kindName, schema, name) }

// NamePrefix begins the name keys of a schema.
func NamePrefix(schema string) []byte { return join(kindName, schema, "") }

// DefPrefix begins the chunks of a definition.
func DefPrefix(id uint64) []byte { return binary.BigEndian.AppendUint64([]byte{kindDef}, id) }

// ObjectPrefix begins the objects of a kind in a schema; ObjectKey the chunks of one.
func ObjectPrefix(kind, schema string) []byte { return join(kindObject, kind, schema, "") }

// ObjectKindPrefix begins the objects of a kind in all schemas.
func ObjectKindPrefix(kind string) []byte { return join(kindObject, kind, "") }

// ObjectsPrefix begins the objects of all kinds.
func ObjectsPrefix() []byte { return []byte{kindObject} }

// ObjectKey begins the chunks of one object.
func ObjectKey(kind, schema, name string) []byte { return join(kindObject, kind, schema, name, "") }

// ReferPrefix begins the keys of the children of a parent.
func ReferPrefix(parent string) []byte { return join(kindRefer, parent, "") }

// ReferKey says that a foreign key of child ("schema.table") points to parent.
func ReferKey(parent, child string) []byte { return join(kindRefer, parent, child) }

// ConstraintKey is the key of a name that no two constraints of a schema's tables have.
func ConstraintKey(schema, name string) []byte { return join(kindConstr, schema, name) }

// ConstraintsPrefix begins the keys of those of all schemas.
func ConstraintsPrefix() []byte { return []byte{kindConstr} }

// SplitConstraint takes a ConstraintKey apart.
func SplitConstraint(key []byte) (schema, name string, ok bool) {
	if len(key) == 0 || key[0] != kindConstr {
		return "", "", false
	}
	return strings.Cut(string(key[1:]), "\x00")
}

// ChunkKey is the key of the i-th chunk under a prefix.
func ChunkKey(prefix []byte, i int) []byte {
	return binary.BigEndian.AppendUint32(append([]byte(nil), prefix...), uint32(i))
}

// Stored is a definition as the dictionary holds it.
type Stored struct {
	table.Def
	NextColumn uint32 // the id of the next column to be added
}

// Encode makes the body of a definition.
func (s *Stored) Encode() ([]byte, error) {
	b, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode definition of %s.%s: %w", s.Schema, s.Name, err)
	}
	return b, nil
}

// Decode reads it back.
func Decode(b []byte) (*Stored, error) {
	s := &Stored{}
	if err := json.Unmarshal(b, s); err != nil {
		return nil, fmt.Errorf("definition of %d bytes: %w: %w", len(b), ErrCorrupt, err)
	}
	return s, nil
}

// Index is an opened index.
type Index struct {
	Tree *btree.Tree
	Def  *table.Index
	// Parts of the whole key: the index's own, then the clustered ones (which for the clustered index are its own).
	Parts []row.KeyPart
	// Cols are the columns of Parts, -1 for the hidden row id. Own is how many belong to the index.
	Cols []int
	Own  int
	// Covers tells the columns whose values the key gives back.
	Covers []bool
	// Virtual says that some part is a virtual column.
	Virtual bool
	// From are the columns that the entries are made of.
	From []int
	// Extract makes the entries of an index that has a kind; Own of Parts are then its keys, whose Cols are -1.
	Extract table.Extractor
	// Born is the commit LSN of the DDL that built it; older snapshots cannot use it.
	Born page.LSN
}

// Table is an opened table: a definition with all that is derived from it. It is immutable.
type Table struct {
	*Stored
	Layout  *row.Layout
	Indexes []*Index
	// Kinds says that some index has a kind.
	Kinds bool
	// Touched is told of rows that change while a DDL reads the table; most often nil.
	Touched *Touched
	// Born is the commit LSN of the DDL that made this table (its id); older snapshots do not know it. 0: before the instance opened.
	Born page.LSN

	uses atomic.Pointer[[]Use]
}

// Types is what a definition's names stand for. Both may be nil.
type Types struct {
	// Collations gives the collator of a MySQL collation id, nil for binary ones.
	Collations func(id uint16) row.Collator
	// Extract gives what makes the entries of an index that has a kind.
	Extract func(d *table.Def, ix *table.Index) (table.Extractor, error)
}

// Open derives an opened table.
func Open(sp *space.Space, s *Stored, types Types) (*Table, error) {
	t := &Table{Stored: s}
	cols := make([]row.Col, len(s.Columns))
	for i, c := range s.Columns {
		cols[i] = row.Col{ID: c.ID, Class: c.Class, Virtual: c.Virtual, Instant: c.Instant}
	}
	var err error
	if t.Layout, err = row.NewLayout(cols); err != nil {
		return nil, fmt.Errorf("table %s.%s: %w", s.Schema, s.Name, err)
	}
	if len(s.Def.Indexes) == 0 {
		return nil, fmt.Errorf("table %s.%s has no clustered index: %w", s.Schema, s.Name, ErrCorrupt)
	}
	for i := range s.Def.Indexes {
		ix, err := openIndex(sp, s, &s.Def.Indexes[i], types)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			c := t.Indexes[0]
			ix.Parts = append(ix.Parts, c.Parts...)
			ix.Cols = append(ix.Cols, c.Cols...)
		}
		ix.Covers = make([]bool, len(s.Columns))
		for p, col := range ix.Cols {
			if col >= 0 && ix.Parts[p].Reversible() {
				ix.Covers[col] = true
			}
		}
		t.Indexes = append(t.Indexes, ix)
		t.Kinds = t.Kinds || ix.Extract != nil
	}
	return t, nil
}

func openIndex(sp *space.Space, s *Stored, def *table.Index, types Types) (*Index, error) {
	ix := &Index{Def: def, Tree: btree.Open(sp, def.ID, def.Root)}
	if def.Hidden {
		ix.Parts, ix.Cols, ix.Own = []row.KeyPart{{Class: row.Uint}}, []int{-1}, 1
		return ix, nil
	}
	for _, p := range def.Parts {
		if p.Column < 0 || p.Column >= len(s.Columns) {
			return nil, fmt.Errorf("table %s.%s: index %s names column %d of %d: %w", s.Schema, s.Name, def.Name, p.Column, len(s.Columns), ErrCorrupt)
		}
		c := &s.Columns[p.Column]
		k := row.KeyPart{Class: c.Class, Desc: p.Desc, Prefix: p.Prefix}
		if c.Class == row.Bytes && c.Collation != 0 && types.Collations != nil {
			k.Coll = types.Collations(c.Collation)
		}
		ix.Parts, ix.Cols, ix.From = append(ix.Parts, k), append(ix.Cols, p.Column), append(ix.From, p.Column)
		ix.Virtual = ix.Virtual || c.Virtual
	}
	if def.Kind != "" {
		if types.Extract == nil {
			return nil, fmt.Errorf("table %s.%s: index %s is of the kind %q, which nobody knows", s.Schema, s.Name, def.Name, def.Kind)
		}
		var err error
		if ix.Extract, err = types.Extract(&s.Def, def); err != nil {
			return nil, fmt.Errorf("table %s.%s: index %s: %w", s.Schema, s.Name, def.Name, err)
		}
		ix.Parts, ix.Cols = append([]row.KeyPart(nil), ix.Extract.Keys()...), nil
		for range ix.Parts {
			ix.Cols = append(ix.Cols, -1)
		}
	}
	ix.Own = len(ix.Parts)
	return ix, nil
}

// Ref returns the clustered key in a secondary key.
func (ix *Index) Ref(key []byte) ([]byte, error) {
	for i := range ix.Own {
		n, err := row.SkipKey(&ix.Parts[i], key)
		if err != nil {
			return nil, fmt.Errorf("key of index %s: %w", ix.Def.Name, err)
		}
		key = key[n:]
	}
	return key, nil
}
