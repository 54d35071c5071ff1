// Package datum maps MySQL's column types onto the engine's storage classes, and values between the two: what
// go-mysql-server (GMS) computes with on one side, row.Datum on the other. Both lanes use it, so that a row written by one is
// read alike by the other. It never parses or casts: a value must have gone through the type's Convert.
//
//	integers, YEAR            Int or Uint
//	BIT, ENUM, SET            Uint: the bits, the member's number, the members' bits
//	FLOAT, DOUBLE             Float32, Float64
//	DATE                      Int: its day on the calendar of package temporal that has zero months and days (Value.PackedDay)
//	DATETIME                  Int: microseconds on that calendar (Value.Packed)
//	TIMESTAMP                 Int: microseconds since 1970 UTC, 0 for 0000-00-00; values pass through the session's time zone
//	TIME                      Int: microseconds, negative for negative spans
//	DECIMAL(p,s)              Bytes: MySQL's binary form (decimal.go), whose bytes sort as the numbers do
//	CHAR, VARCHAR, TEXT       Bytes in UTF-8, ordered by the column's collation
//	BINARY, VARBINARY, BLOB   Bytes
//	JSON                      Bytes: its text, and kinds of scalars (package jsondoc)
//	spatial types             Bytes: SRID and WKB, as MySQL stores them
//	VECTOR                    Bytes
//
// Invariant: the mapping is on disk. A type may get a new form only under a new name.
package datum

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/cockroachdb/apd/v3"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"
	"github.com/dolthub/vitess/go/vt/proto/query"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/sql/jsondoc"
	"github.com/zoryadb/zorya/sql/temporal"
)

// Codec converts the values of one column type. It is immutable.
type Codec struct {
	Type      sql.Type
	Class     row.Class
	Collation uint16 // of a Bytes column that sorts by one

	kind      kind
	precision int // DECIMAL
	scale     int
	base      query.Type
}

type kind uint8

const (
	kInt kind = iota
	kUint
	kFloat32
	kFloat64
	kDate
	kDatetime
	kTimestamp
	kSpan
	kDecimal
	kString
	kBinary
	kJSON
	kGeometry
	kYear
	kBit
	kEnum
	kSet
)

// Spatial reports whether t is a spatial type. The library's own test knows only four of the eight.
func Spatial(t sql.Type) bool {
	_, ok := t.(sql.SpatialColumnType)
	return ok
}

// For returns the codec of a column type.
func For(t sql.Type) (Codec, error) {
	c := Codec{Type: t, base: t.Type()}
	if Spatial(t) {
		c.Class, c.kind = row.Bytes, kGeometry
		return c, nil
	}
	switch c.base {
	case sqltypes.Int8, sqltypes.Int16, sqltypes.Int24, sqltypes.Int32, sqltypes.Int64:
		c.Class, c.kind = row.Int, kInt
	case sqltypes.Uint8, sqltypes.Uint16, sqltypes.Uint24, sqltypes.Uint32, sqltypes.Uint64:
		c.Class, c.kind = row.Uint, kUint
	case sqltypes.Float32:
		c.Class, c.kind = row.Float32, kFloat32
	case sqltypes.Float64:
		c.Class, c.kind = row.Float64, kFloat64
	case sqltypes.Date:
		c.Class, c.kind = row.Int, kDate
	case sqltypes.Datetime:
		c.Class, c.kind = row.Int, kDatetime
	case sqltypes.Timestamp:
		c.Class, c.kind = row.Int, kTimestamp
	case sqltypes.Time:
		c.Class, c.kind = row.Int, kSpan
	case sqltypes.Year:
		c.Class, c.kind = row.Uint, kYear
	case sqltypes.Bit:
		c.Class, c.kind = row.Uint, kBit
	case sqltypes.Enum:
		c.Class, c.kind = row.Uint, kEnum
	case sqltypes.Set:
		c.Class, c.kind = row.Uint, kSet
	case sqltypes.Decimal:
		d, ok := t.(sql.DecimalType)
		if !ok {
			return c, fmt.Errorf("decimal type %v has no precision", t)
		}
		c.Class, c.kind, c.precision, c.scale = row.Bytes, kDecimal, int(d.Precision()), int(d.Scale())
	case sqltypes.Char, sqltypes.VarChar, sqltypes.Text:
		c.Class, c.kind = row.Bytes, kString
		if ct, ok := t.(sql.TypeWithCollation); ok {
			c.Collation = uint16(ct.Collation())
		}
		if c.Collation == uint16(sql.Collation_binary) {
			c.Collation = 0
		}
	case sqltypes.Binary, sqltypes.VarBinary, sqltypes.Blob, sqltypes.Vector:
		c.Class, c.kind = row.Bytes, kBinary
	case sqltypes.TypeJSON:
		c.Class, c.kind = row.Bytes, kJSON
	default:
		return c, fmt.Errorf("columns of type %v cannot be stored", t)
	}
	return c, nil
}

// Encode returns the datum of v, a value as Type.Convert returns it (nil is NULL). loc is the session's time zone; nil is UTC.
func (c *Codec) Encode(ctx context.Context, v any, loc *time.Location) (row.Datum, error) {
	if v == nil {
		return row.NullDatum, nil
	}
	if w, ok := v.(sql.AnyWrapper); ok {
		u, err := w.UnwrapAny(ctx)
		if err != nil {
			return row.Datum{}, err
		}
		v = u
	}
	switch c.kind {
	case kInt:
		if n, ok := Integer(v); ok {
			return row.FromInt(n), nil
		}
	case kUint, kYear, kBit, kEnum, kSet:
		if n, ok := Integer(v); ok {
			return row.FromUint(uint64(n)), nil
		}
	case kFloat32:
		switch v := v.(type) {
		case float32:
			return row.FromFloat(float64(v)), nil
		case float64:
			return row.FromFloat(float64(float32(v))), nil
		}
	case kFloat64:
		switch v := v.(type) {
		case float32:
			return row.FromFloat(float64(v)), nil
		case float64:
			return row.FromFloat(v), nil
		}
	case kDate:
		if t, ok := v.(time.Time); ok {
			return row.FromInt(temporal.OfHeld(t).PackedDay()), nil
		}
	case kDatetime:
		if t, ok := v.(time.Time); ok {
			return row.FromInt(temporal.OfHeld(t).Packed()), nil
		}
	case kTimestamp:
		if t, ok := v.(time.Time); ok {
			if t.Equal(types.ZeroTime) {
				return row.FromInt(0), nil
			}
			return row.FromInt(toUTC(t, loc).UnixMicro()), nil
		}
	case kSpan:
		if t, ok := v.(types.Timespan); ok {
			return row.FromInt(t.AsMicroseconds()), nil
		}
	case kDecimal:
		if d, ok := v.(*apd.Decimal); ok {
			return c.encodeDecimal(d)
		}
	case kString, kBinary:
		switch v := v.(type) {
		case string:
			return row.FromBytes([]byte(v)), nil
		case []byte:
			return row.FromBytes(v), nil
		}
	case kJSON:
		switch j := v.(type) {
		case string:
			doc, err := jsondoc.Decode([]byte(j))
			if err != nil {
				return row.Datum{}, sql.ErrInvalidJson.New(err.Error())
			}
			return c.Encode(ctx, types.JSONDocument{Val: doc}, loc)
		case sql.JSONWrapper:
			b, err := jsondoc.Stored(ctx, j)
			return row.FromBytes(b), err
		}
	case kGeometry:
		if g, ok := v.(types.GeometryValue); ok {
			return row.FromBytes(g.Serialize()), nil
		}
	}
	// Not the type's own Go type: convert, once.
	cv, _, err := Ordered(c.Type).Convert(ctx, v)
	if err != nil {
		return row.Datum{}, err
	}
	if fmt.Sprintf("%T", cv) == fmt.Sprintf("%T", v) {
		return row.Datum{}, fmt.Errorf("value of Go type %T for a column of type %v", v, c.Type)
	}
	return c.Encode(ctx, cv, loc)
}

// Decode returns the value of d as GMS wants it. It copies d.B.
func (c *Codec) Decode(ctx context.Context, d *row.Datum, loc *time.Location) (any, error) {
	if d.Null {
		return nil, nil
	}
	switch c.kind {
	case kInt:
		switch c.base {
		case sqltypes.Int8:
			return int8(d.Int()), nil
		case sqltypes.Int16:
			return int16(d.Int()), nil
		case sqltypes.Int24, sqltypes.Int32:
			return int32(d.Int()), nil
		}
		return d.Int(), nil
	case kUint:
		switch c.base {
		case sqltypes.Uint8:
			return uint8(d.N), nil
		case sqltypes.Uint16:
			return uint16(d.N), nil
		case sqltypes.Uint24, sqltypes.Uint32:
			return uint32(d.N), nil
		}
		return d.N, nil
	case kFloat32:
		return float32(d.Float()), nil
	case kFloat64:
		return d.Float(), nil
	case kDate:
		return temporal.OfPackedDay(d.Int()).Held(), nil
	case kDatetime:
		return temporal.OfPacked(d.Int()).Held(), nil
	case kTimestamp:
		if d.Int() == 0 {
			return types.ZeroTime, nil
		}
		return fromUTC(time.UnixMicro(d.Int()).UTC(), loc), nil
	case kSpan:
		return types.Timespan(d.Int()), nil
	case kYear:
		return int16(d.N), nil
	case kBit, kSet:
		return d.N, nil
	case kEnum:
		return uint16(d.N), nil
	case kDecimal:
		return c.decodeDecimal(d.B)
	case kString:
		return string(d.B), nil
	case kBinary:
		return append(make([]byte, 0, len(d.B)), d.B...), nil
	case kJSON:
		return jsondoc.Load(append(make([]byte, 0, len(d.B)), d.B...))
	case kGeometry:
		v, _, err := types.GeometryType{}.Convert(ctx, append(make([]byte, 0, len(d.B)), d.B...))
		return v, err
	}
	return nil, fmt.Errorf("class %d of column type %v", c.Class, c.Type)
}

// toUTC reads the wall clock of t in loc.
func toUTC(t time.Time, loc *time.Location) time.Time {
	if loc == nil || loc == time.UTC {
		return t
	}
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), loc)
}

func fromUTC(t time.Time, loc *time.Location) time.Time {
	if loc == nil || loc == time.UTC {
		return t
	}
	t = t.In(loc)
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// YearText is a YEAR as MySQL shows it: the year zero has four digits too.
func YearText(n int64) string {
	if n == 0 {
		return "0000"
	}
	return strconv.FormatInt(n, 10)
}

// Integer is Whole, with unsigned values beyond an int64's by their bits.
func Integer(v any) (int64, bool) {
	switch v := v.(type) {
	case uint64:
		return int64(v), true
	case uint:
		return int64(v), true
	}
	return Whole(v)
}

// Whole returns a value of one of Go's integer types, or a bool as 0 or 1; ok is false for other types and for what an int64 cannot hold.
func Whole(v any) (n int64, ok bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case int32:
		return int64(v), true
	case int16:
		return int64(v), true
	case int8:
		return int64(v), true
	case int:
		return int64(v), true
	case uint64:
		return int64(v), v <= math.MaxInt64
	case uint32:
		return int64(v), true
	case uint16:
		return int64(v), true
	case uint8:
		return int64(v), true
	case uint:
		return int64(v), v <= math.MaxInt64
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

// Bounds returns the smallest and the largest datum of an integer class column, for range conditions outside of it.
func (c *Codec) Bounds() (low, high row.Datum, ok bool) {
	switch c.base {
	case sqltypes.Int8:
		return row.FromInt(math.MinInt8), row.FromInt(math.MaxInt8), true
	case sqltypes.Int16:
		return row.FromInt(math.MinInt16), row.FromInt(math.MaxInt16), true
	case sqltypes.Int24:
		return row.FromInt(-1 << 23), row.FromInt(1<<23 - 1), true
	case sqltypes.Int32:
		return row.FromInt(math.MinInt32), row.FromInt(math.MaxInt32), true
	case sqltypes.Int64:
		return row.FromInt(math.MinInt64), row.FromInt(math.MaxInt64), true
	case sqltypes.Uint8:
		return row.FromUint(0), row.FromUint(math.MaxUint8), true
	case sqltypes.Uint16:
		return row.FromUint(0), row.FromUint(math.MaxUint16), true
	case sqltypes.Uint24:
		return row.FromUint(0), row.FromUint(1<<24 - 1), true
	case sqltypes.Uint32:
		return row.FromUint(0), row.FromUint(math.MaxUint32), true
	case sqltypes.Uint64:
		return row.FromUint(0), row.FromUint(math.MaxUint64), true
	}
	return low, high, false
}

// Text returns a value that is held as text or bytes.
func Text(v any) (s string, ok bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case []byte:
		return string(v), true
	}
	return "", false
}

// Round converts as an assignment does: numbers round.
func Round(c *sql.Context, t sql.Type, v any) (any, sql.ConvertInRange, error) {
	if r, ok := t.(sql.RoundingNumberType); ok {
		return r.ConvertRound(c, v)
	}
	return Ordered(t).Convert(c, v)
}
