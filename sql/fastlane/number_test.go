package fastlane

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
)

// TestFixedOf compares the rounding of DOUBLEs to decimals with the library's.
func TestFixedOf(t *testing.T) {
	const seed = 3
	rnd := rand.New(rand.NewPCG(seed, seed))
	floats := []float64{0, 0.5, 0.05, 0.005, 0.0049999999999, 0.004, 1.005, 2.675, -1.005, -0.005, -0.004, 99.995, 999999.995, 123456789012.345, 1e-300, 1e15, 5e-324, math.MaxInt64, 0.1 + 0.2, 1e17}
	for range 20000 {
		floats = append(floats, float64(rnd.IntN(2_000_000_000)-1_000_000_000)/1000, rnd.NormFloat64()*math.Pow(10, float64(rnd.IntN(30)-15)))
	}
	for _, scale := range []int{0, 2, 4} {
		typ := types.MustCreateDecimalType(18, uint8(scale))
		for _, f := range floats {
			v, ok := fixedOf(f, scale)
			if !ok || abs(v) >= pow10[18] {
				continue
			}
			want, in, err := typ.Convert(context.Background(), f)
			if err != nil || in != sql.InRange {
				t.Fatalf("%v at scale %d: %d, the library: %v %v", f, scale, v, in, err)
			}
			var s sum
			s.add(v)
			text := string(s.append(nil, scale))
			got, _, err := typ.Convert(context.Background(), text)
			if err != nil {
				t.Fatal(err)
			}
			if n, err := typ.Compare(context.Background(), got, want); err != nil || n != 0 {
				t.Fatalf("%v at scale %d: %s, the library: %v (%v)", f, scale, text, want, err)
			}
		}
	}
}

func BenchmarkFixedOf(b *testing.B) {
	for b.Loop() {
		if v, ok := fixedOf(1234.56, 2); !ok || v != 123456 {
			b.Fatal(v)
		}
	}
}
