package field

import (
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/spatial"
	"github.com/zoryadb/zorya/sql/tabledef"
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
		if !spatial.WellFormed(raw) {
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
	srid, _ := tabledef.SpatialRef(t)
	return mysqlerr.NewMessage(3643, "The SRID of the geometry does not match the SRID of the column '%s'. The SRID of the geometry is %d, but the SRID of the column is %d. "+
		"Consider changing the SRID of the geometry or the SRID property of the column.", name, g.GetSRID(), srid)
}
