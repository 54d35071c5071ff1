// Package collate makes sort keys of MySQL's collations for the engine's B+trees (row.Collator). The weights are
// go-mysql-server's, so that index order and the comparisons of either lane agree.
//
// Strings are UTF-8 in the engine whatever the column's character set; the wire converts.
//
// The form of a key: per character one code byte, and for most characters outside ASCII three weight bytes more.
// The distinct weights of the ASCII characters w1 < w2 < ... < wk get the codes 3, 5, 7 ... 2k+1; a
// weight between two of them gets the even code between, followed by the weight, big-endian. So ASCII text costs
// one byte a character, order is the collation's, and no key is a prefix of another unless its string is.
// PAD SPACE collations trim trailing spaces first.
//
// Invariant: the form is on disk. A change of weights in the library means a rebuild of the indexes concerned; the test
// pins a digest of the common collations' tables.
package collate

import (
	"slices"
	"sort"
	"sync"
	"unicode/utf8"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/engine/row"
	_ "github.com/zoryadb/zorya/sql/charset" // the library knows them from here on
)

var (
	mu    sync.RWMutex
	known = map[uint16]row.Collator{}
)

// For returns the collator of a MySQL collation id, nil for 0 and 63 (binary: bytes order themselves) and for ids that
// do not exist or have no weights.
func For(id uint16) row.Collator {
	if id == 0 || id == uint16(sql.Collation_binary) {
		return nil
	}
	mu.RLock()
	c, ok := known[id]
	mu.RUnlock()
	if ok {
		return c
	}
	c = build(id)
	mu.Lock()
	defer mu.Unlock()
	known[id] = c
	return c
}

// Supported reports whether strings of the collation can be sorted.
func Supported(id uint16) bool {
	return id == 0 || id == uint16(sql.Collation_binary) || For(id) != nil
}

func build(id uint16) row.Collator {
	if !Exists(id) {
		return nil
	}
	c := sql.CollationID(id)
	pad := c.PadAttribute() == "PAD SPACE"
	switch c {
	case sql.Collation_utf8mb4_bin, sql.Collation_utf8mb3_bin, sql.Collation_utf8mb4_0900_bin, sql.Collation_ascii_bin:
		return binary{pad}
	}
	weigh := c.Sorter()
	if weigh == nil {
		return nil
	}
	w := &weighted{weigh: weigh, pad: pad}
	seen := map[int32]bool{}
	for r := rune(0); r < utf8.RuneSelf; r++ {
		if v := weigh(r); !seen[v] {
			seen[v] = true
			w.ascii = append(w.ascii, v)
		}
	}
	sort.Slice(w.ascii, func(i, j int) bool { return w.ascii[i] < w.ascii[j] })
	// 128 distinct weights would need codes up to 257: such a collation orders ASCII by code point, so leave the last ones to the long form.
	if len(w.ascii) > maxShort {
		w.ascii = w.ascii[:maxShort]
	}
	for r := rune(0); r < utf8.RuneSelf; r++ {
		if code, short := w.code(weigh(r)); short {
			w.short[r] = code
		}
	}
	return w
}

// Exists reports whether a MySQL collation has the id.
func Exists(id uint16) bool {
	it := sql.NewCollationsIterator()
	for {
		c, ok := it.Next()
		if !ok {
			return false
		}
		if uint16(c.ID) == id {
			return true
		}
	}
}

// maxShort is how many weights have one-byte codes: the highest of those is 2*124+3, and 252 is left for what is above them all.
const maxShort = 125

// binary orders by code point, which is the order of UTF-8.
type binary struct{ pad bool }

func (b binary) AppendWeights(dst, s []byte) []byte {
	if b.pad {
		s = trim(s)
	}
	return append(dst, s...)
}

func (binary) Prefix(s []byte, n int) []byte { return prefix(s, n) }

// weighted orders by a weight per character.
type weighted struct {
	weigh sql.CollationSorter
	pad   bool
	ascii []int32             // distinct weights of the ASCII characters, ascending
	short [utf8.RuneSelf]byte // their codes; 0: long form
}

// code returns the code byte of a weight and whether it stands alone.
func (w *weighted) code(v int32) (byte, bool) {
	i := sort.Search(len(w.ascii), func(i int) bool { return w.ascii[i] >= v })
	if i < len(w.ascii) && w.ascii[i] == v {
		return byte(2*i + 3), true
	}
	return byte(2*i + 2), false
}

func (w *weighted) AppendWeights(dst, s []byte) []byte {
	if w.pad {
		s = trim(s)
	}
	at := len(dst)
	dst = slices.Grow(dst, len(s))
	i := 0
	for out := dst[at : at+len(s)]; i < len(s); i++ { // ASCII text
		c := s[i]
		if c >= utf8.RuneSelf || w.short[c] == 0 {
			break
		}
		out[i] = w.short[c]
	}
	for dst = dst[:at+i]; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if code := w.short[c]; code != 0 {
				dst = append(dst, code)
				i++
				continue
			}
		}
		r, n := utf8.DecodeRune(s[i:])
		i += n
		v := max(w.weigh(r), 0)
		code, short := w.code(v)
		if dst = append(dst, code); !short {
			dst = append(dst, byte(v>>16), byte(v>>8), byte(v))
		}
	}
	return dst
}

func (*weighted) Prefix(s []byte, n int) []byte { return prefix(s, n) }

func trim(s []byte) []byte {
	for len(s) > 0 && s[len(s)-1] == ' ' {
		s = s[:len(s)-1]
	}
	return s
}

func prefix(s []byte, n int) []byte {
	i := 0
	for ; n > 0 && i < len(s); n-- {
		if s[i] < utf8.RuneSelf {
			i++
			continue
		}
		_, size := utf8.DecodeRune(s[i:])
		i += size
	}
	return s[:i]
}
