package multi

import (
	"slices"
	"testing"

	"github.com/zoryadb/zorya/engine/row"
)

// TestEntries: a list gives the keys that were put into it; NULL, an empty list and a torn one give what is whole of them.
func TestEntries(t *testing.T) {
	long := make([]byte, 300)
	list := Append(Append(Append(nil, []byte("a")), nil), long)
	for _, c := range []struct {
		d    row.Datum
		want []string
	}{{row.NullDatum, nil}, {row.FromBytes(nil), nil}, {row.FromBytes(list), []string{"a", "", string(long)}}, {row.FromBytes(list[:9]), []string{"a", ""}}} {
		var got []string
		NewIndex(1).Entries([]row.Datum{{}, c.d}, func(e []row.Datum) { got = append(got, string(e[0].B)) })
		if !slices.Equal(got, c.want) {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
