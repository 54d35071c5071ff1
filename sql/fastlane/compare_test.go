package fastlane

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/sql/collate"
)

// TestCompareAgain: what is kept of a comparison answers the next one only if it is of the same string.
func TestCompareAgain(t *testing.T) {
	k := colKind{form: formString, charset: sql.CharacterSet_utf8mb4, collator: collate.For(uint16(sql.Collation_utf8mb4_0900_ai_ci))}
	x := &exec{}
	words := []string{"", "a", "A", "m", "M ", "z", "zz", "é"}
	for _, w := range words {
		x.vals = append(x.vals, prepared{d: row.FromBytes([]byte(w))})
	}
	rnd := rand.New(rand.NewPCG(1, 1))
	var room []byte
	for range 20 * memoFrom * len(words) {
		slot := rnd.IntN(len(words))
		room = append(room[:0], words[rnd.IntN(len(words))]...) // as rows do, all lie in one place
		d := row.FromBytes(room)
		want := bytes.Compare(k.appendKey(nil, &d), k.appendKey(nil, &x.vals[slot].d))
		if got := x.compare(&k, &d, slot); got != want {
			t.Fatalf("%q and %q: %d, not %d", room, words[slot], got, want)
		}
	}
}
