package general

import (
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/builtin"
	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/spatial"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// SPATIAL indexes as they are defined, and as they narrow tables: a relation to a geometry that is known is looked for among the rows whose boxes meet its box.

// spatialRules applies MySQL's rules for SPATIAL indexes to a new definition. The library warns of columns without an SRID (3674).
func spatialRules(d *table.Def, schema sql.Schema) error {
	for i := range d.Indexes {
		ix := &d.Indexes[i]
		if ix.Kind != spatial.Kind {
			continue
		}
		if len(ix.Parts) > 1 {
			return mysqlerr.New(mysqlerr.ER_TOO_MANY_KEY_PARTS, 1)
		}
		if ix.Parts[0].Desc {
			return mysqlerr.New(mysqlerr.ER_WRONG_USAGE, "spatial/fulltext/hash index", "explicit index order")
		}
		col := ix.Parts[0].Column
		switch {
		case !datum.Spatial(schema[col].Type):
			return mysqlerr.New(mysqlerr.ER_SPATIAL_MUST_HAVE_GEOM_COL)
		case d.Columns[col].Nullable:
			return mysqlerr.New(mysqlerr.ER_SPATIAL_CANT_HAVE_NULL)
		}
	}
	return nil
}

// spatialSearch narrows a table to the rows whose boxes meet one around a geometry.
type spatialSearch struct {
	index int            // in the definition
	of    sql.Expression // the geometry
	row   sql.Row        // that of is evaluated on
	// within, if not nil, is how far rows may lie from the geometry; sphere: in metres, on a sphere of that radius.
	within sql.Expression
	sphere *sql.Expression
}

// spatialNarrows is narrowBy for spatial relations and distances.
func spatialNarrows(c *sql.Context, b *base, alias string, e sql.Expression) narrowing {
	n := spatialSearchOf(c, b, alias, e)
	if n == nil {
		return nil
	}
	for _, x := range []sql.Expression{n.of, n.within, n.radius()} {
		if x != nil && !settled(c, x) {
			return nil
		}
	}
	return n
}

// spatialSearchOf finds what a condition says of the place of a table's rows; the geometry may depend on other tables.
func spatialSearchOf(c *sql.Context, b *base, alias string, e sql.Expression) *spatialSearch {
	e = item.Plain(e)
	var within sql.Expression
	if op, l, r, ok := item.Compared(e); ok {
		if op == ">" || op == ">=" {
			l, r, op = r, l, map[string]string{">": "<", ">=": "<="}[op]
		}
		l, r = item.Plain(l), item.Plain(r)
		switch op {
		case "<", "<=":
			if e, within = l, r; literalIs(c, l, 0) {
				e, within = r, nil // 0 < relation
			}
		case "=":
			if e = l; !literalIs(c, r, 1) {
				if e = r; !literalIs(c, l, 1) {
					return nil
				}
			}
		default:
			return nil
		}
	}
	n := &spatialSearch{}
	var args []sql.Expression
	switch x := e.(type) {
	case *builtin.Relation:
		if !x.Is.Near() || within != nil {
			return nil
		}
		args = x.ChildExpressions
	case *builtin.Distance:
		if n.within = within; within == nil {
			return nil
		}
		if args = x.ChildExpressions[:2]; len(x.ChildExpressions) > 2 {
			n.sphere = &x.ChildExpressions[2]
		} else if x.Sphere {
			n.sphere = new(sql.Expression)
		}
		if !x.Sphere && len(x.ChildExpressions) > 2 {
			return nil // of another unit
		}
	default:
		return nil
	}
	for i, x := range args {
		gf, ok := item.Plain(x).(*expression.GetField)
		if !ok || !strings.EqualFold(gf.Table(), alias) {
			continue
		}
		other := args[1-i]
		if dependsOn(c, alias, other) {
			return nil
		}
		if n.index = b.spatialIndex(gf.Name()); n.index > 0 {
			n.of = other
			return n
		}
	}
	return nil
}

// dependsOn reports whether an expression may depend on a row of the table called alias.
func dependsOn(c *sql.Context, alias string, e sql.Expression) (yes bool) {
	sql.Inspect(c, e, func(_ *sql.Context, e sql.Expression) bool {
		switch e := e.(type) {
		case *expression.GetField:
			yes = yes || strings.EqualFold(e.Table(), alias)
		case *plan.Subquery:
			yes = true
		}
		return !yes
	})
	return yes
}

func (n *spatialSearch) radius() sql.Expression {
	if n.sphere == nil {
		return nil
	}
	return *n.sphere
}

func literalIs(c *sql.Context, e sql.Expression, want float64) bool {
	l, ok := e.(*expression.Literal)
	if !ok {
		return false
	}
	v, _, err := types.Float64.Convert(c, l.Value())
	f, number := v.(float64)
	return err == nil && number && f == want
}

// settled reports whether an expression has one value for the whole statement.
func settled(c *sql.Context, e sql.Expression) bool {
	some, only := ofTable(c, "", e)
	return !some && only
}

// spatialIndex is the position of an index that plans may use on a column, 0 if there is none.
func (b *base) spatialIndex(column string) int {
	for i := range b.m.Def.Indexes {
		ix := &b.m.Def.Indexes[i]
		if ix.Kind != spatial.Kind || b.m.Indexes[i].Invisible || slices.ContainsFunc(b.keeps, func(keep func(string) bool) bool { return !keep(ix.Name) }) {
			continue
		}
		col := ix.Parts[0].Column
		if _, bound := tabledef.SpatialRef(b.m.Schema[col].Type); bound && strings.EqualFold(b.m.Def.Columns[col].Name, column) {
			return i
		}
	}
	return 0
}

// spatialKeyLen is what EXPLAIN says of a SPATIAL index: four coordinates and a length.
const spatialKeyLen = 34

func (n *spatialSearch) explain(c *sql.Context, b *base, a *access) {
	a.key = b.m.Def.Indexes[n.index].Name
	a.kind, a.possible, a.keyLen, a.ref, a.rows = "range", []string{a.key}, spatialKeyLen, nil, 1
	t, err := b.ensure(c)
	if err != nil {
		return
	}
	if rows, err := n.find(c, t, grammar.LockMode{}); err == nil && len(rows) > 0 {
		a.rows = uint64(len(rows))
	}
}

// mostRows is the share of a table that is found by an index at most; past it the table is scanned.
const (
	mostRows  = 4
	fewRows   = 1000 // are found in any case
	stopAfter = 1 << 20
)

var errMostRows = errors.New("most of the table is found")

func (n *spatialSearch) refs(c *sql.Context, b *base, mode grammar.LockMode) ([]foundRow, error) {
	t, err := b.ensure(c)
	if err != nil {
		return nil, err
	}
	return n.find(c, t, mode)
}

// boxes are those in which the boxes of rows lie that are looked for; nil: no row is.
func (n *spatialSearch) boxes(c *sql.Context) ([]spatial.Box, error) {
	g, err := builtin.GeometryBytes(c, n.of, n.row)
	if err != nil || g == nil {
		return nil, err
	}
	box, ok := spatial.BoxOf(g)
	if !ok {
		return nil, nil
	}
	globe := spatial.Geographic(spatial.SRID(g))
	if n.within != nil {
		far, err := builtin.Float(c, n.within, n.row)
		if err != nil || far == nil || *far < 0 {
			return nil, err
		}
		radius := spatial.EarthRadius
		if x := n.radius(); x != nil {
			r, err := builtin.Float(c, x, n.row)
			if err != nil || r == nil || *r <= 0 {
				return nil, err
			}
			radius = *r
		}
		switch {
		case n.sphere != nil:
			box, globe = spatial.Around(box, *far, radius), true
		case globe: // an angle is nowhere shorter than there
			box = spatial.Around(box, *far, spatial.LeastRadius)
		default:
			box = spatial.Within(box, *far)
		}
	}
	return box.Parts(globe), nil
}

// find walks the entries that can meet a box, size by size.
func (n *spatialSearch) find(c *sql.Context, t table.Table, mode grammar.LockMode) ([]foundRow, error) {
	boxes, err := n.boxes(c)
	if err != nil || len(boxes) == 0 {
		return nil, err
	}
	limit := stopAfter
	if rows, err := t.Count(c); err != nil {
		return nil, err
	} else if mode.Lock == table.LockNone {
		limit = max(fewRows, int(rows)/mostRows)
	}
	found := newEntryRows(limit)
	o := table.ScanOptions{Index: n.index, Columns: []int{}, Lock: mode.Lock, Policy: mode.Policy}
	for size := 0; size < spatial.Sizes; size++ {
		o.Range, o.Limit = spatial.From(size), 1
		next := spatial.Sizes
		err := eachEntry(c, t, o, func(cur table.EntryCursor) error {
			e, err := cur.Entry()
			if err != nil {
				return err
			}
			next = int(e[0].N)
			return io.EOF
		})
		if err != nil && err != io.EOF {
			return nil, err
		}
		if size = next; size >= spatial.Sizes {
			break
		}
		o.Limit = 0
		for _, box := range boxes {
			for _, o.Range = range spatial.Ranges(box, size) {
				err := eachEntry(c, t, o, func(cur table.EntryCursor) error {
					e, err := cur.Entry()
					if err != nil || !spatial.BoxOfEntry(e).Meets(box) {
						return err
					}
					return found.add(cur)
				})
				if err != nil {
					return nil, err
				}
			}
		}
	}
	return found.sorted(), nil
}
