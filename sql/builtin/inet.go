package builtin

import (
	"math"
	"net/netip"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/expression/function"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/datum"
)

// INET_NTOA and INET_ATON of all of 32 bits (the library's stop at 127.255.255.255) and of short forms, and BIN and OCT of numbers that texts begin with.

func init() {
	plainFunction("inet_ntoa", 1, types.LongText, func(c *sql.Context, v []any) (any, error) {
		arg := v[0]
		if text, ok := datum.Text(arg); ok { // a text counts up to its point
			arg, _, _ = strings.Cut(text, ".")
		}
		n, err := integerOf(c, arg)
		if err != nil || n < 0 || n > math.MaxUint32 {
			return nil, err
		}
		return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}).String(), nil
	})
	plainFunction("inet_aton", 1, types.Int64, func(c *sql.Context, v []any) (any, error) {
		text, _, err := types.LongText.Convert(c, v[0])
		if err != nil {
			return nil, err
		}
		s, _ := datum.Text(text)
		if n, ok := inetNumber(s); ok {
			return n, nil
		}
		return nil, nil
	})
	for name, base := range map[string]int8{"bin": 2, "oct": 8} {
		Lacking[name] = sql.Function1{Name: name, Fn: func(c *sql.Context, e sql.Expression) sql.Expression {
			return function.NewConv(c, e, expression.NewLiteral(int8(10), types.Int8), expression.NewLiteral(base, types.Int8))
		}}
	}
}

// inetNumber is INET_ATON: the last of fewer than four parts is the last byte, and what is missing before it is zero.
func inetNumber(s string) (int64, bool) {
	sum, part, dots := int64(0), int64(0), 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			if part = part*10 + int64(c-'0'); part > 255 {
				return 0, false
			}
		case c == '.' && dots < 3:
			dots++
			sum, part = sum<<8+part, 0
		default:
			return 0, false
		}
	}
	if s == "" || s[len(s)-1] == '.' {
		return 0, false
	}
	if dots > 0 {
		sum <<= 8 * (3 - dots)
	}
	return sum<<8 + part, true
}
