package general

import (
	"fmt"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/fulltext"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/tabledef"
	"github.com/zoryadb/zorya/storage/page"
)

// information_schema's INNODB_TABLES, INNODB_INDEXES, INNODB_FIELDS, INNODB_TABLESPACES and INNODB_TABLESPACES_BRIEF. A table stands for a tablespace of its
// own, as innodb_file_per_table makes them; its number is the table's.

func init() {
	for name, f := range map[string]func(*Engine) *ownTable{
		"innodb_tables": dictionaryTable("INNODB_TABLES", []string{"#TABLE_ID", "NAME", "^FLAG", "^N_COLS", "^SPACE", "ROW_FORMAT", "#ZIP_PAGE_SIZE", "SPACE_TYPE", "^INSTANT_COLS", "^TOTAL_ROW_VERSIONS"},
			innodbTable),
		"innodb_indexes": dictionaryTable("INNODB_INDEXES", []string{"#INDEX_ID", "NAME", "#TABLE_ID", "^TYPE", "^N_FIELDS", "^PAGE_NO", "^SPACE", "^MERGE_THRESHOLD"}, innodbIndexes),
		"innodb_fields":  dictionaryTable("INNODB_FIELDS", []string{"#INDEX_ID", "NAME", "#POS"}, innodbFields),
		"innodb_tablespaces": dictionaryTable("INNODB_TABLESPACES", []string{"#SPACE", "NAME", "#FLAG", "ROW_FORMAT", "#PAGE_SIZE", "#ZIP_PAGE_SIZE", "SPACE_TYPE", "#FS_BLOCK_SIZE", "#FILE_SIZE",
			"#ALLOCATED_SIZE", "#AUTOEXTEND_SIZE", "SERVER_VERSION", "#SPACE_VERSION", "ENCRYPTION", "STATE"}, innodbSpace),
		"innodb_tablespaces_brief": dictionaryTable("INNODB_TABLESPACES_BRIEF", []string{"SPACE", "NAME", "PATH", "FLAG", "SPACE_TYPE"}, innodbSpaceBrief),
	} {
		monitorTables["information_schema"][name] = f
	}
}

// InnoDB's flags of tables and tablespaces of the format DYNAMIC in files of their own.
const (
	dynamicTable = 33
	dynamicSpace = 16417
)

// dictionaryTable has the rows that each table has.
func dictionaryTable(name string, columns []string, rows func(*sql.Context, *execution, *tabledef.Table) ([]sql.Row, error)) func(*Engine) *ownTable {
	return func(e *Engine) *ownTable {
		return &ownTable{name: name, schema: infoColumns(name, columns...), rows: func(c *sql.Context) (out []sql.Row, _ error) {
			s := sessionOf(c)
			if !s.Allowed("PROCESS") {
				return nil, mysqlerr.New(mysqlerr.ER_SPECIFIC_ACCESS_DENIED_ERROR, "PROCESS")
			}
			err := e.eachTable(c, func(_ string, m *tabledef.Table) error {
				list, err := rows(c, s.cur, m)
				out = append(out, list...)
				return err
			})
			return out, err
		}}
	}
}

// hiddenColumns are InnoDB's own of each row: row id, transaction, undo record.
const hiddenColumns = 3

func innodbTable(_ *sql.Context, _ *execution, m *tabledef.Table) ([]sql.Row, error) {
	versions := int64(0)
	for i := range m.Def.Columns {
		if m.Def.Columns[i].Instant != nil {
			versions++
		}
	}
	return []sql.Row{{m.Def.ID, m.InnoDBName(), int64(dynamicTable), int64(len(m.Def.Columns) + hiddenColumns), int64(m.Def.ID), m.RowFormat(), uint64(0), "Single", int64(0), versions}}, nil
}

// indexKind is how InnoDB numbers the kinds of indexes.
func indexKind(i int, ix *table.Index) int64 {
	switch {
	case ix.Hidden:
		return 1
	case i == 0:
		return 3
	case strings.HasPrefix(ix.Kind, fulltext.KindName):
		return 32
	case ix.Kind != "":
		return 64
	case ix.Unique:
		return 2
	}
	return 0
}

func innodbIndexes(_ *sql.Context, _ *execution, m *tabledef.Table) (out []sql.Row, _ error) {
	for i := range m.Def.Indexes {
		ix := &m.Def.Indexes[i]
		out = append(out, sql.Row{ix.ID, ix.Name, m.Def.ID, indexKind(i, ix), int64(len(ix.Parts)), int64(ix.Root), int64(m.Def.ID), int64(50)})
	}
	return out, nil
}

func innodbFields(_ *sql.Context, _ *execution, m *tabledef.Table) (out []sql.Row, _ error) {
	for i := range m.Def.Indexes {
		ix := &m.Def.Indexes[i]
		for pos, p := range ix.Parts {
			if p.Column < len(m.Def.Columns) && !ix.Hidden {
				out = append(out, sql.Row{ix.ID, m.Def.Columns[p.Column].Name, uint64(pos)})
			}
		}
	}
	return out, nil
}

func innodbSpace(c *sql.Context, x *execution, m *tabledef.Table) ([]sql.Row, error) {
	z, err := x.sizes(c, m.Def.Schema, m.Def.Name)
	if err != nil {
		return nil, err
	}
	size := z.data + z.index
	return []sql.Row{{m.Def.ID, m.InnoDBName(), uint64(dynamicSpace), m.RowFormat(), uint64(page.Size), uint64(0), "Single", uint64(4096), size, size, uint64(0), DefaultVersion, uint64(1), "N", "normal"}}, nil
}

func innodbSpaceBrief(_ *sql.Context, _ *execution, m *tabledef.Table) ([]sql.Row, error) {
	id := fmt.Sprint(m.Def.ID)
	return []sql.Row{{id, m.InnoDBName(), "./" + m.InnoDBName() + ".ibd", fmt.Sprint(dynamicSpace), "Single"}}, nil
}
