package jsondoc

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/cockroachdb/apd/v3"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
)

// rank is the precedence of a value's kind, the lowest first (Reference Manual, "Comparison and Ordering of JSON Values").
func rank(v any) int {
	switch v := v.(type) {
	case nil:
		return 0
	case Temporal:
		return 6 + slices.Index([]string{"DATE", "TIME", "DATETIME"}, v.Kind)
	case string:
		return 2
	case map[string]any:
		return 3
	case []any:
		return 4
	case bool:
		return 5
	case Opaque:
		return map[string]int{"OPAQUE": 9, "BIT": 10, "BLOB": 11}[v.kind()]
	}
	if _, ok := decimal(v); ok {
		return 1
	}
	return 9 // what has no kind of its own
}

// Compare orders two values of documents: -1, 0 or 1. Numbers compare exactly, whatever their kinds.
func Compare(a, b any) (int, error) {
	a, b, err := unwrapped(a, b)
	if err != nil {
		return 0, err
	}
	if c := cmp.Compare(rank(a), rank(b)); c != 0 {
		return c, nil
	}
	switch x := a.(type) {
	case nil:
		return 0, nil
	case string:
		return cmp.Compare(x, b.(string)), nil
	case bool:
		return cmp.Compare(bit(x), bit(b.(bool))), nil
	case Temporal:
		return cmp.Compare(x.At, b.(Temporal).At), nil
	case Opaque:
		return cmp.Compare(x.Bytes, b.(Opaque).Bytes), nil
	case []any:
		y := b.([]any)
		for i := range min(len(x), len(y)) {
			if c, err := Compare(x[i], y[i]); c != 0 || err != nil {
				return c, err
			}
		}
		return cmp.Compare(len(x), len(y)), nil
	case map[string]any:
		return compareObjects(x, b.(map[string]any))
	case float64:
		if y, ok := b.(float64); ok {
			return cmp.Compare(x, y), nil
		}
	}
	x, isNumber := decimal(a)
	if y, ok := decimal(b); ok && isNumber {
		return x.Cmp(y), nil
	}
	return types.CompareJSON(context.Background(), a, b)
}

// compareObjects: smaller objects come first, then names and their values in order.
func compareObjects(a, b map[string]any) (int, error) {
	if c := cmp.Compare(len(a), len(b)); c != 0 {
		return c, nil
	}
	x, y := slices.Sorted(maps.Keys(a)), slices.Sorted(maps.Keys(b))
	for i := range x {
		if c := cmp.Compare(x[i], y[i]); c != 0 {
			return c, nil
		}
		if c, err := Compare(a[x[i]], b[y[i]]); c != 0 || err != nil {
			return c, err
		}
	}
	return 0, nil
}

func unwrapped(a, b any) (any, any, error) {
	for _, p := range []*any{&a, &b} {
		switch (*p).(type) {
		case Double, Temporal, Opaque:
			continue
		}
		if w, ok := (*p).(sql.JSONWrapper); ok {
			v, err := w.ToInterface(context.Background())
			if err != nil {
				return nil, nil, err
			}
			*p = v
		}
	}
	return a, b, nil
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// decimal is a number as an exact one.
func decimal(v any) (*apd.Decimal, bool) {
	d := new(apd.Decimal)
	switch v := v.(type) {
	case float64:
		_, err := d.SetFloat64(v)
		return d, err == nil
	case Double:
		_, err := d.SetFloat64(float64(v))
		return d, err == nil
	case float32:
		_, err := d.SetFloat64(float64(v))
		return d, err == nil
	case int64:
		return d.SetInt64(v), true
	case int:
		return d.SetInt64(int64(v)), true
	case int32:
		return d.SetInt64(int64(v)), true
	case int16:
		return d.SetInt64(int64(v)), true
	case int8:
		return d.SetInt64(int64(v)), true
	case uint64:
		d.Coeff.SetUint64(v)
		return d, true
	case uint32:
		return d.SetInt64(int64(v)), true
	case uint16:
		return d.SetInt64(int64(v)), true
	case uint8:
		return d.SetInt64(int64(v)), true
	case *apd.Decimal:
		return v, v != nil
	}
	return nil, false
}

// Equal reports whether two values are the same.
func Equal(a, b any) (bool, error) {
	c, err := Compare(a, b)
	return c == 0, err
}

// Contains is JSON_CONTAINS: an array holds another whose elements it holds each, and what is no array as an element; an object holds another whose members it has, with values
// that hold the other's; a scalar holds its equal.
func Contains(target, candidate any) (bool, error) {
	switch t := target.(type) {
	case []any:
		list, ok := candidate.([]any)
		if !ok {
			list = []any{candidate}
		}
		for _, x := range list {
			if found, err := containsElement(t, x); !found || err != nil {
				return false, err
			}
		}
		return true, nil
	case map[string]any:
		o, ok := candidate.(map[string]any)
		if !ok {
			return false, nil
		}
		for name, x := range o {
			y, ok := t[name]
			if !ok {
				return false, nil
			}
			if found, err := Contains(y, x); !found || err != nil {
				return false, err
			}
		}
		return true, nil
	}
	return Equal(target, candidate)
}

func containsElement(list []any, x any) (bool, error) {
	_, array := x.([]any)
	for _, y := range list {
		_, nested := y.([]any)
		if array && !nested { // an array is within an element that is one
			continue
		}
		if found, err := Contains(y, x); found || err != nil {
			return found, err
		}
	}
	return false, nil
}

// Overlaps is JSON_OVERLAPS: arrays that have an element in common, objects that have a member in common, equal scalars; anything else is an array of one against an array.
func Overlaps(a, b any) (bool, error) {
	x, arrayA := a.([]any)
	y, arrayB := b.([]any)
	if arrayA || arrayB {
		if !arrayA {
			x = []any{a}
		}
		if !arrayB {
			y = []any{b}
		}
		for _, v := range x {
			for _, w := range y {
				if same, err := Equal(v, w); same || err != nil {
					return same, err
				}
			}
		}
		return false, nil
	}
	o, objectA := a.(map[string]any)
	p, objectB := b.(map[string]any)
	if !objectA || !objectB {
		return Equal(a, b)
	}
	for name, v := range o {
		if w, ok := p[name]; ok {
			if same, err := Equal(v, w); same || err != nil {
				return same, err
			}
		}
	}
	return false, nil
}
