package builtin

import (
	"fmt"
	"math"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
)

// The functions of performance_schema that write sizes and times for people.

func init() {
	plainFunction("format_bytes", 1, types.LongText, func(c *sql.Context, v []any) (any, error) {
		n, err := floatOf(c, v[0])
		return formatBytes(n), err
	})
	plainFunction("format_pico_time", 1, types.LongText, func(c *sql.Context, v []any) (any, error) {
		n, err := floatOf(c, v[0])
		return formatPicoTime(n), err
	})
	plainFunction("ps_current_thread_id", 0, types.Uint64, func(c *sql.Context, _ []any) (any, error) { return uint64(c.ID()), nil })
	plainFunction("ps_thread_id", 1, types.Uint64, func(c *sql.Context, v []any) (any, error) {
		n, err := integerOf(c, v[0])
		if err != nil || c.ProcessList == nil {
			return nil, err
		}
		for _, p := range c.ProcessList.Processes() { // a thread has the number of its connection
			if int64(p.Connection) == n {
				return uint64(n), nil
			}
		}
		return nil, nil
	})
}

func floatOf(c *sql.Context, v any) (float64, error) {
	f, _, err := types.Float64.Convert(c, v)
	if err != nil && !sql.ErrTruncatedIncorrect.Is(err) {
		return 0, err
	}
	n, _ := f.(float64)
	return n, nil
}

// formatBytes is FORMAT_BYTES: a number with its binary unit.
func formatBytes(n float64) string {
	units := []string{"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	i, size := 0, math.Abs(n)
	for size >= 1024 && i < len(units)-1 {
		size /= 1024
		i++
	}
	if i == 0 {
		return fmt.Sprintf("%4d %s", int64(n), units[0])
	}
	return scaled(n/math.Pow(1024, float64(i)), units[i])
}

// formatPicoTime is FORMAT_PICO_TIME: a time with its unit.
func formatPicoTime(n float64) string {
	units := []struct {
		size float64
		name string
	}{{24 * 3600e12, "d"}, {3600e12, "h"}, {60e12, "min"}, {1e12, "s"}, {1e9, "ms"}, {1e6, "us"}, {1e3, "ns"}}
	for _, u := range units {
		if math.Abs(n) >= u.size {
			return scaled(n/u.size, u.name)
		}
	}
	return fmt.Sprintf("%3d ps", int64(n))
}

// scaled has two digits past the point, and an exponent from 100,000 on.
func scaled(n float64, unit string) string {
	if math.Abs(n) >= 1e5 {
		return fmt.Sprintf("%4.2e %s", n, unit)
	}
	return fmt.Sprintf("%4.2f %s", n, unit)
}
