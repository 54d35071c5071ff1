package datum

import (
	"bytes"
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cockroachdb/apd/v3"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"

	"github.com/zoryadb/zorya/engine/row"
)

// Every type: values come back equal, and datums of the classes Int and Bytes, without collation, sort as the type compares.
func TestRoundTripAndOrder(t *testing.T) {
	ctx := context.Background()
	tokyo := time.FixedZone("", 9*3600)
	for _, c := range []struct {
		typ    sql.Type
		values []any // ascending
	}{
		{types.Int8, []any{-128, -1, 0, 127}},
		{types.Int24, []any{-8388608, 0, 8388607}},
		{types.Int64, []any{int64(-1 << 63), int64(0), int64(1<<63 - 1)}},
		{types.Uint64, []any{uint64(0), uint64(1<<64 - 1)}},
		{types.Float32, []any{float32(-1.5), float32(0), float32(3.4e38)}},
		{types.Float64, []any{-1e300, 0.0, 0.1, 1e300}},
		{types.MustCreateColumnDecimalType(10, 2), []any{"-99999999.99", "-1.10", "-1.01", "-0.01", "0", "0.01", "1", "99999999.99"}},
		{types.MustCreateColumnDecimalType(65, 30), []any{"-12345678901234567890123456789012345.123456789012345678901234567890", "-1", "0", "1.000000000000000000000000000001"}},
		{types.MustCreateColumnDecimalType(5, 5), []any{"-0.99999", "0", "0.00001", "0.5"}},
		{types.MustCreateColumnDecimalType(18, 9), []any{"-1", "0", "123456789.123456789"}},
		{types.Date, []any{"0000-00-00", "0000-00-05", "0000-05-10", "1000-01-01", "1969-12-31", "2024-00-10", "2024-01-01", "2024-02-29", "2024-02-31", "2024-05-00", "9999-12-31"}},
		{types.DatetimeMaxPrecision, []any{"0000-00-00", "0000-00-00 05:40:07", "1000-01-01 00:00:00", "2024-00-10 23:59:59.5", "2024-02-29 23:59:59.999999", "2024-02-31 00:00:01"}},
		{types.TimestampMaxPrecision, []any{"0000-00-00", "1970-01-02 00:00:01", "2024-02-29 23:59:59.5"}},
		{types.Time, []any{"-838:59:59", "-00:00:01", "00:00:00", "12:30:01.5", "838:59:59"}},
		{types.Year, []any{1901, 2024, 2155}},
		{types.MustCreateBitType(64), []any{uint64(0), uint64(1<<64 - 1)}},
		{types.MustCreateEnumType([]string{"b", "a"}, sql.Collation_Default), []any{"b", "a"}},
		{types.MustCreateSetType([]string{"x", "y"}, sql.Collation_Default), []any{"", "x", "y", "x,y"}},
		{types.MustCreateString(sqltypes.VarChar, 20, sql.Collation_utf8mb4_bin), []any{"", "a", "é", "中"}},
		{types.MustCreateBinary(sqltypes.VarBinary, 20), []any{[]byte{}, []byte{0}, []byte{0, 1}, []byte{255}}},
		{types.JSON, []any{`{"a": [1, 2.5, "x"]}`}},
		{types.PointType{}, []any{types.Point{X: 1, Y: 2}}},
	} {
		codec, err := For(c.typ)
		if err != nil {
			t.Errorf("%v: %v", c.typ, err)
			continue
		}
		var last []byte
		var number int64
		for i, in := range c.values {
			typ := Ordered(c.typ)
			v, _, err := typ.Convert(ctx, in)
			if err != nil {
				t.Errorf("%v: %v: %v", c.typ, in, err)
				continue
			}
			for _, loc := range []*time.Location{nil, tokyo} {
				d, err := codec.Encode(ctx, v, loc)
				if err != nil {
					t.Errorf("%v: %v: %v", c.typ, in, err)
					continue
				}
				got, err := codec.Decode(ctx, &d, loc)
				if err != nil {
					t.Errorf("%v: %v: %v", c.typ, in, err)
					continue
				}
				if cmp, err := typ.Compare(ctx, v, got); err != nil || cmp != 0 {
					t.Errorf("%v: %v came back as %v (%v)", c.typ, v, got, err)
				}
				if loc == nil && d.B == nil && codec.Class == row.Int {
					if i > 0 && d.Int() <= number {
						t.Errorf("%v: %v does not sort above its predecessor", c.typ, in)
					}
					number = d.Int()
				}
				if loc != nil || d.B == nil || codec.kind == kJSON || codec.kind == kGeometry {
					continue
				}
				if i > 0 && bytes.Compare(last, d.B) >= 0 {
					t.Errorf("%v: %v does not sort above its predecessor", c.typ, in)
				}
				last = d.B
			}
		}
		if d, err := codec.Encode(ctx, nil, nil); err != nil || !d.Null {
			t.Errorf("%v: NULL became %v, %v", c.typ, d, err)
		}
	}
}

func TestTimestampsAreUTC(t *testing.T) {
	codec, _ := For(types.Timestamp)
	noon := time.Date(2024, 6, 1, 12, 0, 0, 0, time.UTC)
	d, err := codec.Encode(context.Background(), noon, time.FixedZone("", 2*3600))
	if err != nil {
		t.Fatal(err)
	}
	got, _ := codec.Decode(context.Background(), &d, nil)
	if want := noon.Add(-2 * time.Hour); !got.(time.Time).Equal(want) {
		t.Errorf("noon at +02:00 is %v in UTC, want %v", got, want)
	}
}

// TestFixed: the forms that avoid the arbitrary-precision library agree with it.
func TestFixed(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		p := 1 + rnd.IntN(18)
		s := rnd.IntN(p + 1)
		c, err := For(types.MustCreateColumnDecimalType(uint8(p), uint8(s)))
		if err != nil {
			t.Fatal(err)
		}
		v := int64(0)
		for range rnd.IntN(p + 1) {
			v = v*10 + rnd.Int64N(10)
		}
		if rnd.IntN(2) == 0 {
			v = -v
		}
		d, err := c.Encode(context.Background(), apd.New(v, int32(-s)), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.AppendFixed(nil, v); !bytes.Equal(got, d.B) {
			t.Fatalf("DECIMAL(%d,%d) %d: %x, library %x", p, s, v, got, d.B)
		}
		if got, err := c.Fixed(d.B); err != nil || got != v {
			t.Fatalf("DECIMAL(%d,%d) %d read as %d: %v", p, s, v, got, err)
		}
		back, err := c.Decode(context.Background(), &d, nil)
		if err != nil {
			t.Fatal(err)
		}
		text, err := c.Type.SQL(sql.NewEmptyContext(), nil, back)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.AppendDecimal(nil, d.B); err != nil || string(got) != text.ToString() {
			t.Fatalf("DECIMAL(%d,%d) %d printed %s, library %s: %v", p, s, v, got, text.ToString(), err)
		}
	}
}
