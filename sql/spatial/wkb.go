package spatial

import (
	"encoding/binary"
)

// The well-known binary format's types and sizes.
const (
	wkbPoint, wkbLine, wkbPolygon  = 1, 2, 3
	wkbFirstMulti, wkbLast         = 4, 7
	wkbHeader, wkbCount, pointSize = 5, 4, 16
)

// WellFormed reports whether b is a SRID and one geometry in the well-known binary format (OGC 06-103r4, section 8). The library makes room for as
// many points as a text says it has before it looks whether they are there.
func WellFormed(b []byte) bool {
	return len(b) > 4 && wkbSize(b[4:], 0) == len(b)-4
}

// wkbSize is the size of the geometry that b begins with; -1 if there is none.
func wkbSize(b []byte, depth int) int {
	if len(b) < wkbHeader || b[0] > 1 || depth > maxNesting {
		return -1
	}
	order := binary.ByteOrder(binary.BigEndian)
	if b[0] == 1 {
		order = binary.LittleEndian
	}
	at := wkbHeader
	count := func() (n int, ok bool) {
		if len(b)-at < wkbCount {
			return 0, false
		}
		n = int(order.Uint32(b[at:]))
		at += wkbCount
		return n, true
	}
	points := func() bool {
		n, ok := count()
		if !ok || n > (len(b)-at)/pointSize {
			return false
		}
		at += n * pointSize
		return true
	}
	switch kind := order.Uint32(b[1:]); {
	case kind == wkbPoint:
		if at += pointSize; at > len(b) {
			return -1
		}
	case kind == wkbLine:
		if !points() {
			return -1
		}
	case kind == wkbPolygon:
		n, ok := count()
		for ; ok && n > 0; n-- {
			ok = points()
		}
		if !ok {
			return -1
		}
	case kind >= wkbFirstMulti && kind <= wkbLast:
		n, ok := count()
		if !ok {
			return -1
		}
		for ; n > 0; n-- {
			size := wkbSize(b[at:], depth+1)
			if size < 0 {
				return -1
			}
			at += size
		}
	default:
		return -1
	}
	return at
}
