package general

import (
	"encoding/binary"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// What spatial columns store: values of their own type and SRID.

// geometry converts v for a spatial column of type t: 1416 for what is no geometry of that type, 3643 for one of another SRID.
func geometry(c *sql.Context, t sql.Type, name string, v any) (any, error) {
	var raw []byte
	switch x := v.(type) {
	case []byte:
		raw = x
	case string:
		raw = []byte(x)
	}
	if raw != nil {
		if !wellFormed(raw) {
			return nil, mysqlerr.New(mysqlerr.ER_CANT_CREATE_GEOMETRY_OBJECT)
		}
		var err error
		if v, _, err = (types.GeometryType{}).Convert(c, raw); err != nil {
			return nil, mysqlerr.New(mysqlerr.ER_CANT_CREATE_GEOMETRY_OBJECT).Because(err)
		}
	}
	g, ok := v.(types.GeometryValue)
	if !ok {
		return nil, mysqlerr.New(mysqlerr.ER_CANT_CREATE_GEOMETRY_OBJECT)
	}
	out, _, err := t.Convert(c, g)
	switch {
	case sql.ErrNotMatchingSRID.Is(err):
		return nil, wrongSRID(t, name, g)
	case err != nil:
		return nil, mysqlerr.New(mysqlerr.ER_CANT_CREATE_GEOMETRY_OBJECT).Because(err)
	}
	return out, nil
}

func wrongSRID(t sql.Type, name string, g types.GeometryValue) error {
	srid, _ := spatialRef(t)
	return mysqlerr.NewMessage(3643, "The SRID of the geometry does not match the SRID of the column '%s'. The SRID of the geometry is %d, but the SRID of the column is %d. "+
		"Consider changing the SRID of the geometry or the SRID property of the column.", name, g.GetSRID(), srid)
}

// The well-known binary format's types, and how deep collections may nest.
const (
	wkbPoint, wkbLine, wkbPolygon  = 1, 2, 3
	wkbFirstMulti, wkbLast         = 4, 7
	wkbHeader, wkbCount, pointSize = 5, 4, 16
	maxNesting                     = 64
)

// wellFormed reports whether b is a SRID and one geometry in the well-known binary format (OGC 06-103r4, section 8). The library makes room for as
// many points as a text says it has before it looks whether they are there.
func wellFormed(b []byte) bool {
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
