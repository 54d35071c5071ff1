package general

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/field"
	"github.com/zoryadb/zorya/sql/fulltext"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/multi"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/spatial"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// The indexes of a definition: what CREATE TABLE says of them, their names, and their order.

// indexOrder sorts indexes as InnoDB does: the primary key, unique ones over NOT NULL columns, other unique ones, the rest, full text.
func indexOrder(d *table.Def, ix *table.Index) int {
	var a tabledef.Index
	_ = tabledef.Decode(ix.Attrs, &a) // just written by this package
	switch {
	case ix.Primary || ix.Hidden:
		return 0
	case a.Fulltext:
		return 4
	case !ix.Unique:
		return 3
	}
	for _, p := range ix.Parts {
		if d.Columns[p.Column].Nullable {
			return 2
		}
	}
	return 1
}

func defineIndexes(d *table.Def, n *plan.CreateTable, spec *sqlparser.TableSpec) error {
	extra := indexASTs(spec)
	var list []table.Index
	if pk := n.PkSchema().PkOrdinals; len(pk) > 0 {
		ix := table.Index{Name: "PRIMARY", Unique: true, Primary: true}
		for _, c := range pk {
			ix.Parts = append(ix.Parts, table.Part{Column: c})
		}
		list = append(list, ix)
	}
	for _, def := range inlineFirst(n.Indexes(), spec) {
		if def.IsPrimary() {
			for i, col := range def.Columns {
				if i < len(list[0].Parts) {
					list[0].Parts[i].Prefix = int(col.Length)
				}
			}
			continue
		}
		ix, err := indexOf(d, def)
		if err != nil {
			return err
		}
		if ix.Name == "" {
			ix.Name = freeIndexName(list, d.Columns[ix.Parts[0].Column].Name)
		}
		list = append(list, ix)
	}
	for i := range list {
		key := strings.ToLower(list[i].Name)
		for j := range list[:i] {
			if strings.ToLower(list[j].Name) == key {
				return mysqlerr.New(mysqlerr.ER_DUP_KEYNAME, list[i].Name)
			}
		}
		if def := extra[key]; def != nil {
			applyIndexAST(&list[i], def)
		}
	}
	return setIndexes(d, list)
}

// inlineFirst puts the indexes of columns that are declared UNIQUE before those of the table, where MySQL's parser has them; the library's are the last.
func inlineFirst(defs sql.IndexDefs, spec *sqlparser.TableSpec) sql.IndexDefs {
	n := 0
	for i := 0; spec != nil && i < len(spec.Columns); i++ {
		if k := spec.Columns[i].Type.KeyOpt; k == grammar.OptionUnique || k == grammar.OptionUniqueKey {
			n++
		}
	}
	if n = len(defs) - n; n < 0 {
		return defs
	}
	return slices.Concat(defs[n:], defs[:n])
}

// setIndexes orders the indexes and gives the table a clustered one.
func setIndexes(d *table.Def, list []table.Index) error {
	sort.SliceStable(list, func(i, j int) bool { return indexOrder(d, &list[i]) < indexOrder(d, &list[j]) })
	clustered := len(list) > 0 && (list[0].Primary || indexOrder(d, &list[0]) == 1 && whole(&list[0]))
	if !clustered {
		list = append([]table.Index{{Name: "GEN_CLUST_INDEX", Hidden: true}}, list...)
	}
	d.Indexes = list
	if d.AutoInc >= 0 {
		for i := range list {
			if len(list[i].Parts) > 0 && list[i].Parts[0].Column == d.AutoInc {
				return nil
			}
		}
		return mysqlerr.New(mysqlerr.ER_WRONG_AUTO_KEY)
	}
	return nil
}

// whole reports whether an index has no prefix parts: only such a unique index may be the clustered one.
func whole(ix *table.Index) bool {
	for _, p := range ix.Parts {
		if p.Prefix > 0 {
			return false
		}
	}
	return true
}

func freeIndexName(list []table.Index, base string) string {
	for n := 1; ; n++ {
		name := base
		if n > 1 {
			name = fmt.Sprintf("%s_%d", base, n)
		}
		if strings.EqualFold(name, "PRIMARY") {
			continue
		}
		taken := false
		for i := range list {
			taken = taken || strings.EqualFold(list[i].Name, name)
		}
		if !taken {
			return name
		}
	}
}

func indexOf(d *table.Def, def *sql.IndexDef) (table.Index, error) {
	if !utf8.ValidString(def.Comment) {
		return table.Index{}, field.NoText(def.Comment)
	}
	ix := table.Index{Name: def.Name, Unique: def.IsUnique()}
	a := tabledef.Index{Comment: def.Comment, Fulltext: def.IsFullText(), Spatial: def.IsSpatial()}
	for _, col := range def.Columns {
		pos := tabledef.Position(d, functionalName(col.Name))
		if pos < 0 {
			return ix, mysqlerr.New(mysqlerr.ER_KEY_COLUMN_DOES_NOT_EXITS, col.Name)
		}
		p := table.Part{Column: pos, Prefix: int(col.Length)}
		switch {
		case a.Fulltext && d.Columns[pos].Class != row.Bytes || a.Fulltext && d.Columns[pos].Collation == 0:
			return ix, mysqlerr.New(mysqlerr.ER_BAD_FT_COLUMN, col.Name)
		case a.Fulltext:
			p.Prefix = 0
		case a.Spatial && p.Prefix > 0:
			return ix, mysqlerr.New(mysqlerr.ER_WRONG_SUB_KEY)
		}
		if arrayColumn(&d.Columns[pos]) {
			if ix.Kind != "" {
				return ix, mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, "more than one multi-valued key part per index")
			}
			ix.Kind = multi.Kind(len(ix.Parts))
		}
		ix.Parts = append(ix.Parts, p)
	}
	switch {
	case ix.Kind != "" && ix.Unique && len(ix.Parts) > 1:
		return ix, mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, "UNIQUE multi-valued index of more than one key part")
	case a.Fulltext:
		ix.Kind = fulltext.KindName // made whole by fulltextKinds
	case a.Spatial:
		ix.Kind = spatial.Kind
	}
	ix.Attrs = tabledef.Encode(a)
	return ix, nil
}

// indexASTs finds the written indexes by lower-case name; unnamed ones are found by the name they will get.
func indexASTs(spec *sqlparser.TableSpec) map[string]*sqlparser.IndexDefinition {
	out := map[string]*sqlparser.IndexDefinition{}
	if spec == nil {
		return out
	}
	for _, def := range spec.Indexes {
		name := def.Info.Name.Lowered()
		if def.Info.Primary {
			name = "primary"
		}
		if name == "" && len(def.Fields) > 0 {
			base := def.Fields[0].Column.Lowered()
			name = base
			for n := 2; out[name] != nil; n++ {
				name = fmt.Sprintf("%s_%d", base, n)
			}
		}
		out[name] = def
	}
	return out
}

// applyIndexAST adds what the library does not keep: directions, visibility, the index type.
func applyIndexAST(ix *table.Index, def *sqlparser.IndexDefinition) {
	for i, f := range def.Fields {
		if i < len(ix.Parts) && strings.EqualFold(strings.TrimSpace(f.Order), sqlparser.DescScr) {
			ix.Parts[i].Desc = true
		}
	}
	indexOptions(ix, def.Options, "")
}

func indexOptions(ix *table.Index, opts []*sqlparser.IndexOption, using string) {
	var a tabledef.Index
	_ = tabledef.Decode(ix.Attrs, &a) // just written by this package
	for _, o := range opts {
		if o.Using != "" {
			using = o.Using
		}
		switch strings.ToUpper(o.Name) {
		case "INVISIBLE":
			a.Invisible = true
		case "COMMENT":
			if o.Value != nil {
				a.Comment = string(o.Value.Val)
			}
		}
	}
	a.NGram = a.Fulltext && strings.EqualFold(using, grammar.NgramParser)
	a.BTree, a.Hash = strings.EqualFold(using, "btree"), strings.EqualFold(using, "hash")
	ix.Attrs = tabledef.Encode(a)
}
