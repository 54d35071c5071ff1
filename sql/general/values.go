package general

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/apd/v3"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/sqltext"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// displayValue is a value as the text protocol would send it.
func displayValue(c *sql.Context, t sql.Type, v any) string {
	if v == nil {
		return "NULL"
	}
	val, err := datum.Ordered(t).SQL(c, nil, v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return val.ToString()
}

// keyPartText is a value of a column as the message of a duplicate key prints it: a TIME with the digits that it keeps, BINARY without what filled it up.
func keyPartText(m *tabledef.Table, c *sql.Context, column int, v any) string {
	t := m.Schema[column].Type
	text := displayValue(c, t, v)
	switch {
	case types.IsTimespan(t):
		if point := strings.IndexByte(text, '.'); point >= 0 {
			if n := m.Columns[column].Fraction; n == 0 {
				text = text[:point]
			} else {
				text = text[:min(len(text), point+1+n)]
			}
		}
	case t.Type() == sqltypes.Binary:
		text = strings.TrimRight(text, "\x00")
	}
	return text
}

// paramValue gives a parameter the type of its Go value.
func paramValue(c *sql.Context, p any) (any, sql.Type, error) {
	switch v := p.(type) {
	case nil:
		return nil, types.Null, nil
	case bool:
		if v {
			return int8(1), types.Boolean, nil
		}
		return int8(0), types.Boolean, nil
	case int:
		return int64(v), types.Int64, nil
	case int64:
		return v, types.Int64, nil
	case int32:
		return int64(v), types.Int64, nil
	case int16:
		return int64(v), types.Int64, nil
	case int8:
		return int64(v), types.Int64, nil
	case uint8:
		return int64(v), types.Int64, nil
	case uint16:
		return int64(v), types.Int64, nil
	case uint32:
		return int64(v), types.Int64, nil
	case uint64:
		if v <= math.MaxInt64 {
			return int64(v), types.Int64, nil
		}
		return v, types.Uint64, nil
	case float64:
		return v, types.Float64, nil
	case float32:
		return v, types.Float32, nil
	case string:
		t, err := types.CreateString(sqltypes.VarChar, int64(max(len(v), 1)), c.GetCollation())
		if err != nil {
			return v, types.LongText, nil
		}
		return v, t, nil
	case []byte:
		t, err := types.CreateBinary(sqltypes.VarBinary, int64(max(len(v), 1)))
		if err != nil {
			return v, types.LongBlob, nil
		}
		return v, t, nil
	case time.Time:
		return v, types.DatetimeMaxPrecision, nil
	case types.Timespan:
		return v, types.Time, nil
	case *apd.Decimal:
		return v, types.InternalDecimalType, nil
	}
	return nil, nil, fmt.Errorf("parameter of Go type %T", p)
}

// sqlLiteral writes a value as SQL.
func sqlLiteral(c *sql.Context, t sql.Type, v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case []byte:
		return fmt.Sprintf("x'%x'", v)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	if n, ok := datum.Integer(v); ok && !types.IsEnum(t) && !types.IsSet(t) {
		if u, ok := v.(uint64); ok {
			return strconv.FormatUint(u, 10)
		}
		return strconv.FormatInt(n, 10)
	}
	if types.IsDecimal(t) {
		return displayValue(c, t, v)
	}
	return sqltext.Literal(displayValue(c, t, v))
}

// displayAny is a value of no known type as text.
func displayAny(c *sql.Context, v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case []byte:
		return string(v)
	}
	return fmt.Sprint(v)
}
