package builtin

import (
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/temporal"
)

// PERIOD_ADD and PERIOD_DIFF count months in numbers YYMM or YYYYMM.

func init() {
	plainFunction("period_add", 2, types.Int64, func(c *sql.Context, v []any) (any, error) {
		p, n, err := twoIntegers(c, v)
		if err != nil {
			return nil, err
		}
		return monthsPeriod(periodMonths(p) + n), nil
	})
	plainFunction("period_diff", 2, types.Int64, func(c *sql.Context, v []any) (any, error) {
		a, b, err := twoIntegers(c, v)
		if err != nil {
			return nil, err
		}
		return periodMonths(a) - periodMonths(b), nil
	})
}

func twoIntegers(c *sql.Context, v []any) (a, b int64, err error) {
	if a, err = integerOf(c, v[0]); err == nil {
		b, err = integerOf(c, v[1])
	}
	return a, b, err
}

func periodMonths(p int64) int64 {
	if p == 0 {
		return 0
	}
	return int64(temporal.YearOf2(int(p/100)))*12 + p%100 - 1
}

func monthsPeriod(m int64) int64 { return m/12*100 + m%12 + 1 }
