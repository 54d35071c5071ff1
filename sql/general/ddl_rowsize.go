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
	switch base := t.Type(); base {
	case sqltypes.Int8, sqltypes.Uint8, sqltypes.Year:
		return 1
	case sqltypes.Int16, sqltypes.Uint16:
		return 2
	case sqltypes.Int24, sqltypes.Uint24, sqltypes.Date:
		return 3
	case sqltypes.Int32, sqltypes.Uint32, sqltypes.Float32:
		return 4
	case sqltypes.Timestamp, sqltypes.Datetime, sqltypes.Time:
		return 5
	case sqltypes.TypeJSON, sqltypes.Geometry:
		return 4 + blobPointer
	case sqltypes.Decimal:
		if dt, ok := t.(sql.DecimalType); ok {
			return decimalSize(int64(dt.Precision())-int64(dt.Scale())) + decimalSize(int64(dt.Scale()))
		}
	case sqltypes.Enum:
		return 2
	case sqltypes.Bit, sqltypes.Set:
		return 8
	case sqltypes.Char, sqltypes.Binary, sqltypes.VarChar, sqltypes.VarBinary:
		st, ok := t.(sql.StringType)
		if !ok {
			break
		}
		n := st.MaxByteLength()
		switch {
		case base == sqltypes.Char || base == sqltypes.Binary:
			return n
		case n < 256:
			return n + 1
		}
		return n + 2
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
	return 8
}

// decimalSize is what so many digits of a DECIMAL take: four bytes for nine of them.
func decimalSize(digits int64) int64 { return digits/9*4 + (digits%9+1)/2 }
