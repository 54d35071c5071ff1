package datum

import "testing"

func TestFloatText(t *testing.T) {
	for _, c := range []struct {
		f     float64
		width int
		want  string
		cut   bool
	}{
		{9.999999, 20, "9.999999", false}, {9.999999, 7, "10", false}, {9.999, 4, "10", false}, {1.225e-5, 7, "1.22e-5", false}, {1.225e-4, 7, "1.22e-4", false},
		{0.1225877, 7, "0.12259", false}, {12.25, 4, "12.2", false}, {1.225e10, 7, "1.22e10", false}, {1.225e15, 20, "1.225e15", false}, {1.225e15, 7, "1.22e15", false},
		{1.25e78, 7, "1.25e78", false}, {1.25e-94, 7, "1.2e-94", false}, {1.25e-175, 7, "1e-175", false}, {-1.37, 4, "-1.4", false}, {1.87e-3, 4, "2e-3", true},
		{-1.87e-2, 4, "0", false}, {5000, 4, "5000", false}, {-5000, 4, "-5e3", false}, {1e14, 50, "100000000000000", false}, {1e15, 50, "1e15", false}, {1e111, 50, "1e111", false},
		{0, 5, "0", false}, {1.5, 5, "1.5", false}, {123456, 3, "1e5", true}, {0.5, 1, "0", true}, {1e-5, 20, "0.00001", false}, {1e-15, 50, "0.000000000000001", false}, {1e-16, 50, "1e-16", false},
	} {
		if text, cut := FloatText(c.f, c.width); text != c.want || cut != c.cut {
			t.Errorf("FloatText(%v, %d) = %q, %v; want %q, %v", c.f, c.width, text, cut, c.want, c.cut)
		}
	}
}
