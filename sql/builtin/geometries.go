package builtin

import (
	"errors"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/spatial"
)

// GeometryBytes is the stored form of the geometry that an expression gives, nil for NULL.
func GeometryBytes(c *sql.Context, e sql.Expression, r sql.Row) ([]byte, error) {
	v, err := e.Eval(c, r)
	if err != nil || v == nil {
		return nil, err
	}
	if v, err = sql.UnwrapAny(c, v); err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case types.GeometryValue:
		return v.Serialize(), nil
	case []byte:
		if spatial.WellFormed(v) {
			return v, nil
		}
	case string:
		if spatial.WellFormed([]byte(v)) {
			return []byte(v), nil
		}
	}
	return nil, errNoGeometry
}

var errNoGeometry = errors.New("a value is no geometry")

// Float is what an expression gives as a DOUBLE, nil for NULL.
func Float(c *sql.Context, e sql.Expression, r sql.Row) (*float64, error) {
	v, err := e.Eval(c, r)
	if err != nil || v == nil {
		return nil, err
	}
	f, _, err := types.Float64.Convert(c, v)
	if err != nil {
		return nil, err
	}
	x := f.(float64)
	return &x, nil
}
