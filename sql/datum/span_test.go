package datum

import (
	"testing"

	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/temporal"
)

func TestReadSpan(t *testing.T) {
	for text, want := range map[string]struct {
		at  string
		res temporal.Status
	}{
		"10:11:12":              {"10:11:12", temporal.OK},
		" -1:2:3.5":             {"-01:02:03.500000", temporal.OK},
		"101112.1234567":        {"10:11:12.123457", temporal.OK},
		"1234":                  {"00:12:34", temporal.OK},
		"2 3":                   {"51:00:00", temporal.OK},
		"1 1:1:1.0000005":       {"25:01:01.000001", temporal.OK},
		"2011-11-20 21:27:37.8": {"21:27:37.800000", temporal.OK},
		"2011-11-20T21:27:37":   {"21:27:37", temporal.OK},
		"20111120212737":        {"21:27:37", temporal.OK},
		"0000-00-00":            {"00:00:00", temporal.Cut},
		"2011-11-20":            {"00:20:11", temporal.Cut},
		"10:11:12 pm":           {"10:11:12", temporal.Cut},
		"900:00:00":             {"838:59:59", temporal.Range},
		"-99999999999999999":    {"-838:59:59", temporal.Range},
		"10:60:00":              {"", temporal.Bad},
		"abc":                   {"", temporal.Bad},
		"":                      {"", temporal.Bad},
	} {
		at, res := ReadSpan(text)
		if res != want.res || res != temporal.Bad && at.String() != want.at {
			t.Errorf("%q: %v, %d; want %s, %d", text, at, res, want.at, want.res)
		}
	}
}

func TestRoundSpan(t *testing.T) {
	for _, c := range []struct {
		at, want int64
		digits   int
	}{{1_500_000, 2_000_000, 0}, {-1_500_000, -2_000_000, 0}, {1_449_999, 1_400_000, 1}, {MaxSpan - 1, MaxSpan, 0}, {123_456, 123_456, 6}} {
		if got := RoundSpan(types.Timespan(c.at), c.digits); int64(got) != c.want {
			t.Errorf("%d with %d digits: %d, want %d", c.at, c.digits, got, c.want)
		}
	}
}
