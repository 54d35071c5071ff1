package general

import (
	"regexp"
	"strconv"

	"github.com/cockroachdb/apd/v3"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// castDecimal is CAST(... AS DECIMAL(p,s)). The library forgets p when s is 0, and makes what does not fit 0.
type castDecimal struct {
	expression.UnaryExpressionStub
	typ sql.DecimalType
}

var castPrecision = regexp.MustCompile(`, decimal\((\d+)\)\)$`)

// newCastDecimal returns nil for other conversions.
func newCastDecimal(c *sql.Context, e *expression.Convert) sql.Expression {
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
	return &castDecimal{expression.UnaryExpressionStub{Child: e.Child}, t}
}

func (d *castDecimal) Type(*sql.Context) sql.Type { return d.typ }
func (d *castDecimal) String() string {
	return "cast(" + d.Child.String() + " as " + d.typ.String() + ")"
}

func (d *castDecimal) CollationCoercibility(*sql.Context) (sql.CollationID, byte) {
	return sql.Collation_binary, 5
}

func (d *castDecimal) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(d, len(ch), 1)
	}
	return &castDecimal{expression.UnaryExpressionStub{Child: ch[0]}, d.typ}, nil
}

func (d *castDecimal) Eval(c *sql.Context, r sql.Row) (any, error) {
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
			return d.typ.Zero(), nil
		}
		c.Warn(int(mysqlerr.ER_TRUNCATED_WRONG_VALUE), "%s", err.Error())
	}
	n, ok := x.(*apd.Decimal)
	if !ok {
		return x, nil
	}
	if n, err = sql.DecimalRound(n, int32(d.typ.Scale())); err != nil {
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
func (d *castDecimal) limit() *apd.Decimal {
	var one apd.BigInt
	one.SetInt64(10)
	var power apd.BigInt
	power.SetInt64(int64(d.typ.Precision()))
	one.Exp(&one, &power, nil)
	power.SetInt64(1)
	one.Sub(&one, &power)
	return apd.NewWithBigInt(&one, -int32(d.typ.Scale()))
}
