package general

import (
	"strings"
	"unicode/utf8"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"
	"github.com/dolthub/vitess/go/vt/proto/query"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// Protocol types and flags, as the client/server protocol numbers them.
const (
	protoTiny, protoShort, protoLong, protoFloat, protoDouble, protoNull, protoTimestamp = 1, 2, 3, 4, 5, 6, 7
	protoLongLong, protoInt24, protoDate, protoTime, protoDateTime, protoYear            = 8, 9, 10, 11, 12, 13
	protoBit, protoJSON, protoNewDecimal, protoBlob, protoVarString, protoString         = 16, 245, 246, 252, 253, 254
	protoGeometry                                                                        = 255

	flagNotNull, flagPrimary, flagUnique, flagMultiple, flagBlob, flagUnsigned = 1, 2, 4, 8, 16, 32
	flagZerofill, flagBinary, flagEnum, flagAutoInc, flagTimestamp, flagSet    = 64, 128, 256, 512, 1024, 2048
	flagNoDefault, flagOnUpdate, flagPartKey, flagNum                          = 4096, 8192, 16384, 32768

	collationBinary = 63
	notFixed        = 31 // decimals of floating point without a fixed number
)

// columnsOf describes a result for the wire, but for the names' character set (encodeNames).
func columnsOf(c *sql.Context, schema sql.Schema) []Column {
	results := c.GetCharacterSetResults()
	out := make([]Column, len(schema))
	for i, col := range schema {
		out[i] = columnOf(c, col, results)
	}
	return out
}

// encodeNames writes the columns' names in the character set of results, as the values are. It is the last that is done to them.
func encodeNames(c *sql.Context, columns []Column) []Column {
	results := c.GetCharacterSetResults()
	switch results {
	case sql.CharacterSet_Unspecified, sql.CharacterSet_binary, sql.CharacterSet_utf8mb4, sql.CharacterSet_utf8mb3:
		return columns
	}
	enc := results.Encoder()
	if enc == nil {
		return columns
	}
	for i := range columns {
		col := &columns[i]
		for _, name := range []*string{&col.Schema, &col.Table, &col.OrgTable, &col.Name, &col.OrgName} {
			if strings.ContainsFunc(*name, func(r rune) bool { return r >= utf8.RuneSelf }) {
				*name = string(enc.EncodeReplaceUnknown([]byte(*name)))
			}
		}
	}
	return columns
}

func columnOf(c *sql.Context, col *sql.Column, results sql.CharacterSetID) Column {
	t := col.Type
	out := Column{Schema: col.DatabaseSource, Table: col.Source, OrgTable: col.Source, Name: col.Name, OrgName: col.Name, SQLType: t,
		Charset: collationBinary, Length: t.MaxTextResponseByteLength(c)}
	if col.DatabaseSource == "" {
		out.OrgTable, out.OrgName = "", ""
		if col.Source == "" {
			out.Table = ""
		}
	}
	if !col.Nullable {
		out.Flags |= flagNotNull
	}
	if col.PrimaryKey {
		out.Flags |= flagPrimary
	}
	if col.AutoIncrement {
		out.Flags |= flagAutoInc
	}
	protocolType(&out, t)
	switch {
	case types.IsEnum(t):
		out.Flags |= flagEnum
	case types.IsSet(t):
		out.Flags |= flagSet
	case types.IsTimestampType(t):
		out.Flags |= flagTimestamp | flagBinary
	}
	switch {
	case types.IsText(t) || types.IsEnum(t) || types.IsSet(t):
		if !types.IsBinaryType(t) {
			out.Charset = textCollation(t, results)
		} else {
			out.Flags |= flagBinary
		}
	case types.IsNumber(t) || types.IsDecimal(t) || types.IsTime(t) || types.IsTimespan(t) || types.IsYear(t):
		out.Flags |= flagBinary
	}
	if types.IsNumber(t) || types.IsDecimal(t) || types.IsYear(t) {
		out.Flags |= flagNum
	}
	if u := types.IsUnsigned(t); u || types.IsBit(t) || types.IsYear(t) {
		out.Flags |= flagUnsigned
	}
	switch dt := t.(type) {
	case interface{ FixedDecimals() int }:
		out.Decimals = uint8(dt.FixedDecimals())
	case spanType:
		out.Decimals = uint8(max(dt.digits, 0))
		out.Flags |= flagBinary
	case sql.DecimalType:
		out.Decimals = uint8(dt.Scale())
	case sql.DatetimeType:
		out.Decimals, out.SQLType = uint8(dt.Precision()), datum.Ordered(t)
		if types.IsTimestampType(t) { // its bounds are those of UTC, and values are in the session's time zone
			out.SQLType = datum.Ordered(types.MustCreateDatetimeType(sqltypes.Datetime, dt.Precision()))
		}
	default:
		if types.IsFloat(t) {
			out.Decimals = notFixed
		} else if types.IsTimespan(t) {
			out.SQLType = spanType{digits: -1}
		} else if types.IsText(t) {
			out.Decimals = notFixed
		} else if types.IsYear(t) && col.Source != "" { // what functions make of a YEAR is a number
			out.SQLType = yearType{types.Year}
		}
	}
	return out
}

// yearType is YEAR in a result: the year zero has four digits too.
type yearType struct{ sql.YearType }

func (t yearType) SQL(c *sql.Context, dest []byte, v any) (sqltypes.Value, error) {
	if n, ok := datum.Integer(v); ok {
		return sqltypes.MakeTrusted(sqltypes.Year, append(dest, datum.YearText(n)...)), nil
	}
	return t.YearType.SQL(c, dest, v)
}

// textCollation is the collation a text result is sent in: what character_set_results says, else the column's.
func textCollation(t sql.Type, results sql.CharacterSetID) uint16 {
	if results != sql.CharacterSet_Unspecified {
		if results == sql.CharacterSet_binary {
			return collationBinary
		}
		return uint16(results.DefaultCollation())
	}
	if ct, ok := t.(sql.TypeWithCollation); ok {
		return uint16(ct.Collation())
	}
	return uint16(tabledef.DefaultCollation)
}

func protocolType(out *Column, t sql.Type) {
	if datum.Spatial(t) {
		out.Type, out.Flags = protoGeometry, out.Flags|flagBlob|flagBinary
		return
	}
	switch t.Type() {
	case sqltypes.Int8, sqltypes.Uint8:
		out.Type = protoTiny
	case sqltypes.Int16, sqltypes.Uint16:
		out.Type = protoShort
	case sqltypes.Int24, sqltypes.Uint24:
		out.Type = protoInt24
	case sqltypes.Int32, sqltypes.Uint32:
		out.Type = protoLong
	case sqltypes.Int64, sqltypes.Uint64:
		out.Type = protoLongLong
	case sqltypes.Float32:
		out.Type = protoFloat
	case sqltypes.Float64:
		out.Type = protoDouble
	case sqltypes.Decimal:
		out.Type = protoNewDecimal
	case sqltypes.Timestamp:
		out.Type = protoTimestamp
	case sqltypes.Date:
		out.Type = protoDate
	case sqltypes.Time:
		out.Type = protoTime
	case sqltypes.Datetime:
		out.Type = protoDateTime
	case sqltypes.Year:
		out.Type = protoYear
	case sqltypes.Bit:
		out.Type = protoBit
	case sqltypes.TypeJSON:
		out.Type, out.Flags = protoJSON, out.Flags|flagBlob|flagBinary
	case sqltypes.Text, sqltypes.Blob, sqltypes.Vector:
		out.Type, out.Flags = protoBlob, out.Flags|flagBlob
	case sqltypes.Char, sqltypes.Binary, sqltypes.Enum, sqltypes.Set:
		out.Type = protoString
	case query.Type_NULL_TYPE:
		out.Type = protoNull
	default:
		out.Type = protoVarString
	}
}
