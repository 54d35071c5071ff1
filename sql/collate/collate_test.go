package collate

import (
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"testing"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"
)

var samples = []string{"", "a", "A", "á", "b", "B", "z", "Z", "0", "9", "_", "-", "~", "\x7f", "\x01", "ab", "aB", "aé", "éa",
	"ß", "ss", "中", "文", "中文", "😀", "ÿ", "Ω", "ω", "a b", "a!b", "ab!", "Zürich", "zurich"}

func TestOrderIsTheLibrarys(t *testing.T) {
	for _, name := range []string{"utf8mb4_0900_ai_ci", "utf8mb4_general_ci", "utf8mb4_unicode_ci", "utf8mb4_bin", "utf8mb4_0900_as_cs",
		"latin1_swedish_ci", "latin1_bin", "utf8mb3_general_ci", "ascii_general_ci", "utf8mb4_0900_bin"} {
		id, err := sql.ParseCollation("", name, false)
		if err != nil {
			t.Fatal(err)
		}
		c := For(uint16(id))
		if c == nil {
			t.Fatalf("%s: no collator", name)
		}
		typ, err := types.CreateString(sqltypes.VarChar, 100, id)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range samples {
			for _, b := range samples {
				want, err := typ.Compare(context.Background(), a, b)
				if err != nil {
					t.Fatal(err)
				}
				// The library breaks ties of equal weights by byte length; a collation calls such strings equal.
				if bytes.Equal(c.AppendWeights(nil, []byte(a)), c.AppendWeights(nil, []byte(b))) {
					if want != 0 && len([]rune(a)) != len([]rune(b)) {
						t.Errorf("%s: %q and %q are equal", name, a, b)
					}
					continue
				}
				if got := bytes.Compare(c.AppendWeights(nil, []byte(a)), c.AppendWeights(nil, []byte(b))); got != want {
					t.Errorf("%s: %q vs %q: %d, want %d", name, a, b, got, want)
				}
			}
		}
	}
}

func TestPadSpace(t *testing.T) {
	pad, noPad := For(uint16(sql.Collation_utf8mb4_general_ci)), For(uint16(sql.Collation_utf8mb4_0900_ai_ci))
	key := func(c interface{ AppendWeights(dst, s []byte) []byte }, s string) string {
		return string(c.AppendWeights(nil, []byte(s)))
	}
	if key(pad, "a") != key(pad, "a  ") {
		t.Error("a PAD SPACE collation tells 'a' from 'a  '")
	}
	if key(noPad, "a") == key(noPad, "a  ") {
		t.Error("a NO PAD collation calls 'a' and 'a  ' equal")
	}
}

func TestPrefixCountsCharacters(t *testing.T) {
	c := For(uint16(sql.Collation_utf8mb4_0900_ai_ci))
	if got := string(c.Prefix([]byte("é中ab"), 3)); got != "é中a" {
		t.Errorf("prefix of 3 characters: %q", got)
	}
	if got := string(c.Prefix([]byte("ab"), 3)); got != "ab" {
		t.Errorf("prefix of a short string: %q", got)
	}
}

// The keys are on disk: an update of the library that moves weights must not go unnoticed.
func TestKeysAreStable(t *testing.T) {
	want := map[sql.CollationID]string{
		sql.Collation_utf8mb4_0900_ai_ci: "15675fb1",
		sql.Collation_utf8mb4_general_ci: "8e92c577",
		sql.Collation_latin1_swedish_ci:  "8262cd95",
	}
	for id, w := range want {
		h := crc32.NewIEEE()
		for r := rune(0); r < 0x3000; r++ {
			h.Write(For(uint16(id)).AppendWeights(nil, []byte(string(r))))
		}
		if got := fmt.Sprintf("%08x", h.Sum32()); got != w {
			t.Errorf("%v: digest of the keys is %s, was %s", id, got, w)
		}
	}
}

func BenchmarkWeights(b *testing.B) {
	c := For(uint16(sql.Collation_utf8mb4_0900_ai_ci))
	s := []byte("the quick brown fox jumps over the lazy dog 0123456789")
	var dst []byte
	for b.Loop() {
		dst = c.AppendWeights(dst[:0], s)
	}
}
