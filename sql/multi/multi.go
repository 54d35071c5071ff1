// Package multi owns what a multi-valued index holds: an entry for each distinct element of an array (CAST(... AS type ARRAY)). The index is over a hidden virtual
// column whose value is the list of the elements' keys (Append); that expression, in the lane, casts the elements. Equal elements have equal keys, and the
// index serves equality alone, so the keys are bytes without an order.
package multi

import (
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
)

// A multi-valued index has the kind (table.Index.Kind) "multi:" and the position of the array among its parts.
const kindName = "multi:"

// Kind is the kind of an index whose part at position at is the array.
func Kind(at int) string { return kindName + strconv.Itoa(at) }

// ParseKind reads a kind; ok is false if it is no multi-valued index's.
func ParseKind(kind string) (at int, ok bool) {
	text, ok := strings.CutPrefix(kind, kindName)
	if !ok {
		return 0, false
	}
	at, err := strconv.Atoi(text)
	return at, err == nil && at >= 0
}

// Most and MostBytes bound the elements of one row and their keys' length together, as InnoDB's undo log page does.
const (
	Most      = 1604
	MostBytes = 65221
)

// Index makes the entries of a multi-valued index.
type Index struct{ column int }

var _ table.Extractor = (*Index)(nil)

// NewIndex returns what makes the entries of an index over the array in column. Further columns narrow nothing: the entries have none of them.
func NewIndex(column int) *Index { return &Index{column} }

// Keys implements table.Extractor: the element's key.
func (*Index) Keys() []row.KeyPart { return []row.KeyPart{{Class: row.Bytes}} }

// Entries implements table.Extractor. NULL and an empty array have none: no function finds them.
func (x *Index) Entries(r []row.Datum, emit func([]row.Datum)) {
	d := &r[x.column]
	if d.Null {
		return
	}
	var e [1]row.Datum
	for b := d.B; len(b) > 0; {
		n, w := binary.Uvarint(b)
		if w <= 0 || n > uint64(len(b)-w) {
			return // not a list; only expressions of this server make them
		}
		e[0] = row.FromBytes(b[w : w+int(n)])
		emit(e[:])
		b = b[w+int(n):]
	}
}

// Append adds an element's key to a list.
func Append(list, key []byte) []byte {
	return append(binary.AppendUvarint(list, uint64(len(key))), key...)
}
