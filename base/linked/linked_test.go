package linked

import (
	"math/rand/v2"
	"slices"
	"testing"
)

type element struct {
	link Link[element]
	id   int
}

// TestList does to a list and to a slice the same, by chance.
func TestList(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var list List[element]
	var model []*element
	all := make([]*element, 8)
	for i := range all {
		all[i] = &element{id: i}
	}
	for range 20_000 {
		x := all[rng.IntN(len(all))]
		at := slices.Index(model, x)
		if x.link.In() != (at >= 0) {
			t.Fatalf("%d is in the list: %v", x.id, x.link.In())
		}
		switch how := rng.IntN(3); {
		case at >= 0:
			list.Remove(&x.link)
			model = slices.Delete(model, at, at+1)
		case how == 0:
			list.PushBack(&x.link, x)
			model = append(model, x)
		case how == 1:
			list.PushFront(&x.link, x)
			model = slices.Insert(model, 0, x)
		default:
			list.PushSecond(&x.link, x)
			model = slices.Insert(model, min(1, len(model)), x)
		}
		var got []*element
		for x := list.First(); x != nil; x = x.link.Next() {
			got = append(got, x)
		}
		if !slices.Equal(got, model) || list.Len() != len(model) {
			t.Fatalf("%d elements, want %d", len(got), len(model))
		}
		if n := len(model); n > 0 && list.Last() != model[n-1] || n == 0 && list.Last() != nil {
			t.Fatal("another is the last one")
		}
	}
}
