package wire

import "encoding/binary"

// Column describes one column of a result set as clients see it.
type Column struct {
	Schema, Table, OrgTable, Name, OrgName string
	// Charset is the collation id of the values as sent: that of character_set_results for text, CollationBinary for
	// numbers, temporal values and binary strings.
	Charset  uint16
	Length   uint32 // display width in bytes: what metadata calls the column length
	Type     Type
	Flags    uint16 // Flag...
	Decimals uint8  // digits behind the point; of temporal types 0 to 6; NotFixedDecimals
	Default  string // of COM_FIELD_LIST only
}

// colMeta is what encoding a value needs to know of its column.
type colMeta struct {
	typ      Type
	decimals uint8
	zerofill uint8 // width to pad an integer to, 0 for none
	unsigned bool
}

// ColumnSet is a result set's header, encoded once. It is immutable; a plan keeps one and sends it with every
// execution, from any number of connections at once.
type ColumnSet struct {
	meta []colMeta
	enc  []byte // column definition packets with their headers, sequence numbers from 0
}

// NewColumnSet encodes the definitions of a result set's columns, 1 to 65535 of them.
func NewColumnSet(cols ...Column) *ColumnSet {
	cs := &ColumnSet{meta: make([]colMeta, len(cols))}
	for i := range cols {
		c := &cols[i]
		cs.meta[i] = colMeta{typ: c.Type, decimals: c.Decimals, unsigned: c.Flags&FlagUnsigned != 0}
		if c.Flags&FlagZerofill != 0 && c.Length < 256 {
			cs.meta[i].zerofill = uint8(c.Length)
		}
		at := len(cs.enc)
		cs.enc = append(cs.enc, 0, 0, 0, 0)
		cs.enc = appendColumn(cs.enc, c, false)
		putHeader(cs.enc[at:], len(cs.enc)-at-4, 0)
	}
	return cs
}

// Len returns the number of columns.
func (cs *ColumnSet) Len() int { return len(cs.meta) }

// appendColumn appends a column definition's payload.
func appendColumn(b []byte, c *Column, withDefault bool) []byte {
	b = append(b, 3, 'd', 'e', 'f')
	b = appendLenencString(b, c.Schema)
	b = appendLenencString(b, c.Table)
	b = appendLenencString(b, c.OrgTable)
	b = appendLenencString(b, c.Name)
	b = appendLenencString(b, c.OrgName)
	b = append(b, 0x0c)
	b = binary.LittleEndian.AppendUint16(b, c.Charset)
	b = binary.LittleEndian.AppendUint32(b, c.Length)
	b = append(b, byte(c.Type))
	b = binary.LittleEndian.AppendUint16(b, c.Flags)
	b = append(b, c.Decimals, 0, 0)
	if withDefault {
		b = appendLenencString(b, c.Default)
	}
	return b
}

// writeColumns sends a set's definition packets, numbering them on.
func (f *framer) writeColumns(cs *ColumnSet) error {
	enc := cs.enc
	for len(enc) > 0 {
		n := int(enc[0]) | int(enc[1])<<8 | int(enc[2])<<16
		f.begin()
		f.out = append(f.out, enc[4:4+n]...)
		if err := f.end(); err != nil {
			return err
		}
		enc = enc[4+n:]
	}
	return nil
}
