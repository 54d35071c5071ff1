package builtin

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/spatial"
)

// The functions that tell how two geometries lie to each other (package spatial). The library has few of them, for some types only.

func init() {
	for name, is := range spatial.Relations {
		Lacking[name] = sql.Function2{Name: name, Fn: func(_ *sql.Context, a, b sql.Expression) sql.Expression {
			return &Relation{expression.NaryExpression{ChildExpressions: []sql.Expression{a, b}}, is}
		}}
	}
	Lacking["st_distance_sphere"] = sql.FunctionN{Name: "st_distance_sphere", Fn: func(_ *sql.Context, args ...sql.Expression) (sql.Expression, error) {
		if len(args) < 2 || len(args) > 3 {
			return nil, sql.ErrInvalidArgumentNumber.New("ST_DISTANCE_SPHERE", "2 or 3", len(args))
		}
		return &Distance{expression.NaryExpression{ChildExpressions: args}, true}, nil
	}}
	Replaced["st_distance"] = sql.FunctionN{Name: "st_distance", Fn: func(_ *sql.Context, args ...sql.Expression) (sql.Expression, error) {
		if len(args) < 2 || len(args) > 3 {
			return nil, sql.ErrInvalidArgumentNumber.New("ST_DISTANCE", "2 or 3", len(args))
		}
		return &Distance{expression.NaryExpression{ChildExpressions: args}, false}, nil
	}}
}

// Relation is a spatial relation of two geometries.
type Relation struct {
	expression.NaryExpression
	Is spatial.Relation
}

func (x *Relation) Type(*sql.Context) sql.Type   { return types.Boolean }
func (x *Relation) IsNullable(*sql.Context) bool { return true }
func (x *Relation) FunctionName() string         { return strings.ToLower(x.Is.Name) }
func (x *Relation) Description() string          { return "tells how two geometries lie to each other" }
func (x *Relation) CollationCoercibility(*sql.Context) (sql.CollationID, byte) {
	return sql.Collation_binary, 5
}

func (x *Relation) String() string {
	return fmt.Sprintf("%s(%s,%s)", x.FunctionName(), x.ChildExpressions[0], x.ChildExpressions[1])
}

func (x *Relation) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 2 {
		return nil, sql.ErrInvalidChildrenNumber.New(x, len(ch), 2)
	}
	return &Relation{expression.NaryExpression{ChildExpressions: ch}, x.Is}, nil
}

func (x *Relation) Eval(c *sql.Context, r sql.Row) (any, error) {
	a, b, err := twoGeometries(c, x.ChildExpressions, r, x.FunctionName())
	if err != nil || a == nil {
		return nil, err
	}
	holds, null, err := x.Is.Holds(a, b)
	switch {
	case err != nil:
		return nil, invalidGeometry(x.FunctionName(), err)
	case null:
		return nil, nil
	}
	return holds, nil
}

// twoGeometries are the first two arguments of a function, nil where one is NULL; 3033: they are of different reference systems.
func twoGeometries(c *sql.Context, args []sql.Expression, r sql.Row, name string) (a, b []byte, err error) {
	if a, err = GeometryBytes(c, args[0], r); err == nil && a != nil {
		b, err = GeometryBytes(c, args[1], r)
	}
	switch {
	case err != nil:
		return nil, nil, invalidGeometry(name, err)
	case a == nil || b == nil:
		return nil, nil, nil
	}
	if p, q := spatial.SRID(a), spatial.SRID(b); p != q {
		return nil, nil, mysqlerr.NewMessage(3033, "Binary geometry function %s given two geometries of different srids: %d and %d, which should have been identical.", name, p, q)
	}
	return a, b, nil
}

func invalidGeometry(name string, err error) error {
	var bad *spatial.InvalidError
	if errors.As(err, &bad) || errors.Is(err, errNoGeometry) {
		return mysqlerr.Signal(3037, "22023", "Invalid GIS data provided to function "+name+".").Because(err)
	}
	return err
}

// Distance is ST_Distance_Sphere or ST_Distance, whose third argument is a unit.
type Distance struct {
	expression.NaryExpression
	Sphere bool
}

func (x *Distance) Type(*sql.Context) sql.Type   { return types.Float64 }
func (x *Distance) IsNullable(*sql.Context) bool { return true }
func (x *Distance) Description() string          { return "is the distance of geometries" }
func (x *Distance) FunctionName() string {
	if x.Sphere {
		return "st_distance_sphere"
	}
	return "st_distance"
}

func (x *Distance) CollationCoercibility(*sql.Context) (sql.CollationID, byte) {
	return sql.Collation_binary, 5
}

func (x *Distance) String() string {
	list := make([]string, len(x.ChildExpressions))
	for i, e := range x.ChildExpressions {
		list[i] = e.String()
	}
	return x.FunctionName() + "(" + strings.Join(list, ",") + ")"
}

func (x *Distance) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != len(x.ChildExpressions) {
		return nil, sql.ErrInvalidChildrenNumber.New(x, len(ch), len(x.ChildExpressions))
	}
	return &Distance{expression.NaryExpression{ChildExpressions: ch}, x.Sphere}, nil
}

func (x *Distance) Eval(c *sql.Context, r sql.Row) (any, error) {
	a, b, err := twoGeometries(c, x.ChildExpressions, r, x.FunctionName())
	if err != nil || a == nil {
		return nil, err
	}
	if !x.Sphere {
		return x.plain(c, r, a, b)
	}
	radius := spatial.EarthRadius
	if len(x.ChildExpressions) > 2 {
		f, err := Float(c, x.ChildExpressions[2], r)
		if err != nil || f == nil {
			return nil, err
		}
		if radius = *f; radius <= 0 {
			return nil, mysqlerr.Signal(3706, "22003", "A parameter of function "+x.FunctionName()+" contains a radius that is not positive.")
		}
	}
	d, null, err := spatial.DistanceSphere(a, b, radius)
	if err != nil {
		return nil, x.explained(err, a, b)
	}
	if null {
		return nil, nil
	}
	return d, nil
}

// metres is how long the units of distances are; MySQL has more (information_schema.ST_UNITS_OF_MEASURE).
var metres = map[string]float64{"metre": 1, "foot": 0.3048, "us survey foot": 0.30480060960121924, "kilometre": 1000, "centimetre": 0.01, "millimetre": 0.001,
	"nautical mile": 1852, "statute mile": 1609.344, "us survey mile": 1609.3472186944375, "british yard (sears 1922)": 0.9143984146160287, "fathom": 1.8288, "yard": 0.9144}

// plain is ST_Distance of two values.
func (x *Distance) plain(c *sql.Context, r sql.Row, a, b []byte) (any, error) {
	unit := 1.0
	if len(x.ChildExpressions) > 2 {
		name, null, err := TextArgument(c, r, x.ChildExpressions[2])
		if null || err != nil {
			return nil, err
		}
		if srid := spatial.SRID(a); !spatial.Geographic(srid) {
			return nil, mysqlerr.Signal(3882, "HY000", fmt.Sprintf("The geometry passed to function st_distance is in SRID %d, which doesn't specify a length unit. Can't convert to '%s'.", srid, name))
		}
		if unit = metres[strings.ToLower(name)]; unit == 0 {
			return nil, mysqlerr.Signal(3902, "SU001", fmt.Sprintf("There's no unit of measure named '%s'.", name))
		}
	}
	d, null, err := spatial.Distance(a, b)
	if err != nil {
		return nil, x.explained(err, a, b)
	}
	if null {
		return nil, nil
	}
	return d / unit, nil
}

// explained is the error of a distance that there is not.
func (x *Distance) explained(err error, a, b []byte) error {
	var far *spatial.OutOfRangeError
	switch {
	case errors.As(err, &far) && far.Longitude:
		return mysqlerr.Signal(3616, "22S02", fmt.Sprintf("Longitude %f is out of range in function %s. It must be within (%f, %f].", far.Value, x.FunctionName(), -180.0, 180.0))
	case errors.As(err, &far):
		return mysqlerr.Signal(3617, "22S03", fmt.Sprintf("Latitude %f is out of range in function %s. It must be within [%f, %f].", far.Value, x.FunctionName(), -90.0, 90.0))
	case errors.Is(err, spatial.ErrNoPoints):
		return mysqlerr.Signal(3704, "22S00", fmt.Sprintf("%s(%s, %s) has not been implemented for Cartesian spatial reference systems.", x.FunctionName(), kindOfGeometry(a), kindOfGeometry(b)))
	case errors.Is(err, spatial.ErrGeographic):
		return mysqlerr.Signal(3618, "22S00", fmt.Sprintf("%s(%s, %s) has not been implemented for geographic spatial reference systems.", x.FunctionName(), kindOfGeometry(a), kindOfGeometry(b)))
	}
	return invalidGeometry(x.FunctionName(), err)
}

// kindOfGeometry is the type of a stored value, as MySQL writes it.
func kindOfGeometry(b []byte) string {
	names := []string{"GEOMETRY", "POINT", "LINESTRING", "POLYGON", "MULTIPOINT", "MULTILINESTRING", "MULTIPOLYGON", "GEOMCOLLECTION"}
	if len(b) >= 9 {
		if k := int(b[5]) | int(b[8]); k < len(names) {
			return names[k]
		}
	}
	return names[0]
}
