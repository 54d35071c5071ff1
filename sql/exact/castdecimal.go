package exact

import (
	"regexp"
	"strconv"

	"github.com/cockroachdb/apd/v3"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// CastDecimal is CAST(... AS DECIMAL(p,s)). The library forgets p when s is 0, and makes what does not fit 0.
type CastDecimal struct {
	expression.UnaryExpressionStub
	Typ sql.DecimalType
}

var castPrecision = regexp.MustCompile(`, decimal\((\d+)\)\)$`)

// NewCastDecimal returns nil for other conversions.
func NewCastDecimal(c *sql.Context, e *expression.Convert) sql.Expression {
	t, ok := e.Type(c).(sql.DecimalType)
	if !ok {
		return nil
	}
	if t == types.InternalDecimalType {
		precision := 10
		if m := castPrecision.FindStringSubmatch(e.String()); m != nil { // it does not tell otherwise
			precision, _ = strconv.Atoi(m[1])
		}
		if precision > types.DecimalTypeMaxPrecision {
			return nil
		}
		t = types.MustCreateDecimalType(uint8(precision), 0)
	}
	return &CastDecimal{expression.UnaryExpressionStub{Child: e.Child}, t}
}

func (d *CastDecimal) Type(*sql.Context) sql.Type { return d.Typ }
func (d *CastDecimal) String() string {
	return "cast(" + d.Child.String() + " as " + d.Typ.String() + ")"
}

func (d *CastDecimal) CollationCoercibility(*sql.Context) (sql.CollationID, byte) {
	return sql.Collation_binary, 5
}

func (d *CastDecimal) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(d, len(ch), 1)
	}
	return &CastDecimal{expression.UnaryExpressionStub{Child: ch[0]}, d.Typ}, nil
}

func (d *CastDecimal) Eval(c *sql.Context, r sql.Row) (any, error) {
	v, err := d.Child.Eval(c, r)
	if err != nil || v == nil {
		return nil, err
	}
	if v, err = types.ConvertHexBlobToDecimalForNumericContext(v, d.Child.Type(c)); err != nil {
		return nil, err
	}
	x, _, err := types.InternalDecimalType.Convert(c, v)
	if err != nil {
		if !sql.ErrTruncatedIncorrect.Is(err) {
			return d.Typ.Zero(), nil
		}
		c.Warn(int(mysqlerr.ER_TRUNCATED_WRONG_VALUE), "%s", err.Error())
	}
	n, ok := x.(*apd.Decimal)
	if !ok {
		return x, nil
	}
	if n, err = sql.DecimalRound(n, int32(d.Typ.Scale())); err != nil {
		return nil, err
	}
	if limit := d.limit(); new(apd.Decimal).Abs(n).Cmp(limit) > 0 {
		e := mysqlerr.New(mysqlerr.ER_WARN_DATA_OUT_OF_RANGE, d.String(), 1)
		c.Warn(int(e.Code), "%s", e.Message)
		limit.Negative = n.Negative
		return limit, nil
	}
	return n, nil
}

// limit is the largest number of the type.
func (d *CastDecimal) limit() *apd.Decimal {
	var one apd.BigInt
	one.SetInt64(10)
	var power apd.BigInt
	power.SetInt64(int64(d.Typ.Precision()))
	one.Exp(&one, &power, nil)
	power.SetInt64(1)
	one.Sub(&one, &power)
	return apd.NewWithBigInt(&one, -int32(d.Typ.Scale()))
}
