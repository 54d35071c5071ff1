// Package row owns how a row looks in the engine: the datum, the row's stored form, the memcomparable
// key. It knows storage classes, not SQL types: the sql wing maps every MySQL type onto a class.
package row

import "math"

// Class is how a column's values are stored and ordered.
type Class uint8

// Classes. The SQL types that sql/ maps onto each:
const (
	Int     Class = 1 // int64: TINYINT..BIGINT; DATE, DATETIME, TIMESTAMP, TIME as package datum numbers them
	Uint    Class = 2 // uint64: unsigned integers, YEAR, BIT, ENUM, SET
	Float32 Class = 3
	Float64 Class = 4
	Bytes   Class = 5 // ordered by the column's collation; 0 is binary: BINARY, BLOB, and DECIMAL and JSON in a bytewise sortable or opaque form
)

// Datum is one value: a NULL, a number in bits, or bytes. B may alias a page or a buffer: whoever keeps a
// datum beyond the call that lent it must copy B.
type Datum struct {
	B    []byte
	N    uint64 // Int: two's complement; Uint; Float32 and Float64: IEEE 754 bits of the float64
	Null bool
}

// NullDatum is SQL NULL.
var NullDatum = Datum{Null: true}

// The constructors and accessors say what N means.
func FromInt(v int64) Datum     { return Datum{N: uint64(v)} }
func FromUint(v uint64) Datum   { return Datum{N: v} }
func FromFloat(v float64) Datum { return Datum{N: math.Float64bits(v)} }
func FromBytes(b []byte) Datum  { return Datum{B: b} }

func (d *Datum) Int() int64     { return int64(d.N) }
func (d *Datum) Uint() uint64   { return d.N }
func (d *Datum) Float() float64 { return math.Float64frombits(d.N) }

// Collator makes sort keys of one collation. Implementations come from the sql wing, by collation id.
type Collator interface {
	// AppendWeights appends bytes such that bytes.Compare of two results orders as the collation does, and
	// equal results mean that the collation calls the strings equal (PAD SPACE collations trim first).
	AppendWeights(dst, s []byte) []byte
	// Prefix returns the leading n characters of s in bytes, for prefix indexes.
	Prefix(s []byte, n int) []byte
}
