package general

import (
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// maxRow is how many bytes the columns of a row may take at most, not counting what a BLOB holds.
const maxRow = 65535

// rowFits refuses a table whose rows could be longer than MySQL's (1118).
func rowFits(c *sql.Context, d *table.Def, schema sql.Schema) error {
	size, nullable := int64(0), int64(0)
	for i, col := range schema {
		size += columnSize(c, col.Type)
		if d.Columns[i].Nullable {
			nullable++
		}
	}
	if size+(nullable+7)/8 > maxRow {
		return mysqlerr.New(mysqlerr.ER_TOO_BIG_ROWSIZE, maxRow)
	}
	return nil
}

// blobPointer is what a row has of a BLOB beside its length.
const blobPointer = 8

// columnSize is how many bytes a column's longest value takes in MySQL's row.
func columnSize(c *sql.Context, t sql.Type) int64 {
	switch t.Type() {
	case sqltypes.TypeJSON, sqltypes.Geometry:
		return 4 + blobPointer
	case sqltypes.VarChar, sqltypes.VarBinary:
		if st, ok := t.(sql.StringType); ok {
			n := st.MaxByteLength()
			if n > 255 {
				n++
			}
			return n + 1
		}
	case sqltypes.Text, sqltypes.Blob:
		length := t.MaxTextResponseByteLength(c)
		switch {
		case length <= types.TinyTextBlobMax:
			return 1 + blobPointer
		case length <= types.TextBlobMax*4:
			return 2 + blobPointer
		}
		return 4 + blobPointer
	}
	return int64(typeLength(t, 0, 0))
}
