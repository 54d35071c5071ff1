package item

import (
	"encoding/binary"
	"slices"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/types"
)

// inSubquery is a IN (SELECT x ...) or (a, b, ...) IN (SELECT x, y, ...) where it has not become a join. The library's compares texts of one type by their bytes,
// converts the whole row to the type of the first column, and takes a row with a NULL in it for one without.
type inSubquery struct {
	expression.BinaryExpressionStub
	l, r  []arg
	ways  []comparator
	env   *Env
	index *atomic.Pointer[rowIndex] // shared by the copies of a plan
}

// rowIndex finds the rows of one result of the subquery by their hash.
type rowIndex struct {
	rows  []any // the result it was made of
	byKey map[uint64][]int
	nulls []int // rows with a NULL among what is hashed: any key may be theirs
}

// minIndexed is how many rows are worth an index.
const minIndexed = 16

// inSubquery returns nil where the library compares as MySQL does, and early for what may become a join.
func (n *Env) inSubquery(c *sql.Context, left sql.Expression, q *plan.Subquery, early bool) (*inSubquery, error) {
	schema := q.Query.Schema(c)
	row := elements(left)
	if len(schema) != len(row) {
		return nil, nil // 1241
	}
	if _, isRow := left.(expression.Tuple); isRow && early {
		return nil, nil
	}
	x := &inSubquery{BinaryExpressionStub: expression.BinaryExpressionStub{LeftChild: left, RightChild: q}, env: n, index: new(atomic.Pointer[rowIndex])}
	for i, e := range row {
		if _, nested := e.(expression.Tuple); nested || opaque(e) {
			return nil, nil
		}
		l, r := newArg(c, n, e), newArg(c, n, expression.NewGetField(i, schema[i].Type, schema[i].Name, true))
		if len(row) == 1 {
			r = newArg(c, n, q)
			r.Const = false
			if n.alike(c, "=", &l, &r) && n.alike(c, "=", &r, &l) && (early || !l.text()) {
				return nil, nil
			}
		}
		k, err := newComparator(c, &l, &r, "=")
		if err != nil || k.way == asNothing {
			return nil, err
		}
		x.l, x.r, x.ways = append(x.l, l), append(x.r, r), append(x.ways, k)
	}
	return x, nil
}

// elements are those of a row, or an expression by itself.
func elements(e sql.Expression) expression.Tuple {
	if row, ok := e.(expression.Tuple); ok {
		return row
	}
	return expression.Tuple{e}
}

func (x *inSubquery) attr() Attr                   { return boolean }
func (x *inSubquery) Type(*sql.Context) sql.Type   { return types.Boolean }
func (x *inSubquery) IsNullable(*sql.Context) bool { return true }
func (x *inSubquery) String() string {
	return "(" + x.LeftChild.String() + " in " + x.RightChild.String() + ")"
}

func (x *inSubquery) CollationCoercibility(*sql.Context) (sql.CollationID, byte) {
	return sql.Collation_binary, 5
}

func (x *inSubquery) WithChildren(c *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 2 {
		return nil, sql.ErrInvalidChildrenNumber.New(x, len(ch), 2)
	}
	q, isQuery := ch[1].(*plan.Subquery)
	row := elements(ch[0])
	if !isQuery || len(row) != len(x.l) {
		return plan.NewInSubquery(c, ch[0], ch[1]), nil
	}
	n := *x
	n.LeftChild, n.RightChild, n.l = ch[0], q, slices.Clone(x.l)
	for i := range n.l {
		n.l[i].Expression = row[i]
	}
	return &n, nil
}

func (x *inSubquery) Eval(c *sql.Context, r sql.Row) (any, error) {
	all, err := x.RightChild.(*plan.Subquery).EvalMultiple(c, r)
	if err != nil || len(all) == 0 {
		return false, err
	}
	sought, null := make([]any, len(x.l)), false
	for i := range x.l {
		if sought[i], err = x.l[i].value(c, r); err != nil {
			return nil, err
		}
		null = null || sought[i] == nil
	}
	if null || len(all) < minIndexed {
		return x.among(c, sought, all, nil)
	}
	index, err := x.indexed(c, all)
	if err != nil {
		return nil, err
	}
	key, unknown, err := x.key(c, x.l, sought)
	if err != nil {
		return nil, err
	}
	if unknown {
		return x.among(c, sought, all, nil)
	}
	places := index.byKey[key]
	if places == nil {
		places = []int{}
	}
	found, err := x.among(c, sought, all, places)
	if found == true || err != nil || len(index.nulls) == 0 {
		return found, err
	}
	return x.among(c, sought, all, index.nulls)
}

// among compares with the rows at places, all of them for nil.
func (x *inSubquery) among(c *sql.Context, sought, all []any, places []int) (any, error) {
	unknown := false
	n := len(all)
	if places != nil {
		n = len(places)
	}
	for i := range n {
		at := i
		if places != nil {
			at = places[i]
		}
		row, err := x.row(c, all[at])
		if err != nil {
			return nil, err
		}
		equal, null, err := x.equal(c, sought, row)
		if err != nil || equal && !null {
			return true, err
		}
		unknown = unknown || equal
	}
	if unknown {
		return nil, nil
	}
	return false, nil
}

// row is a row of the subquery, whose only column comes without a row around it.
func (x *inSubquery) row(c *sql.Context, v any) ([]any, error) {
	row, ok := v.([]any)
	if !ok {
		row = []any{v}
	}
	out := make([]any, len(x.r))
	for i := range min(len(row), len(out)) {
		var err error
		if out[i], err = sql.UnwrapAny(c, row[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// equal reports whether no element differs; null: one of them is NULL.
func (x *inSubquery) equal(c *sql.Context, l, r []any) (equal, null bool, err error) {
	for i := range l {
		if l[i] == nil || r[i] == nil {
			null = true
			continue
		}
		cmp, ok, err := x.ways[i].compare(c, &x.l[i], &x.r[i], l[i], r[i])
		if err != nil || ok && cmp != 0 {
			return false, false, err
		}
		null = null || !ok
	}
	return true, null, nil
}

// indexed is the index of a result. The subquery keeps a result that does not depend on the row, so it is known by where it lies.
func (x *inSubquery) indexed(c *sql.Context, all []any) (*rowIndex, error) {
	if index := x.index.Load(); index != nil && len(index.rows) == len(all) && &index.rows[0] == &all[0] {
		return index, nil
	}
	index := &rowIndex{rows: all, byKey: make(map[uint64][]int, len(all))}
	for i, v := range all {
		row, err := x.row(c, v)
		if err != nil {
			return nil, err
		}
		key, null, err := x.key(c, x.r, row)
		if err != nil {
			return nil, err
		}
		if null || slices.Contains(row, nil) {
			index.nulls = append(index.nulls, i)
		} else {
			index.byKey[key] = append(index.byKey[key], i)
		}
	}
	x.index.Store(index)
	return index, nil
}

// key hashes what equal rows have in common: the weights of texts, the ranks of all else. null: one of those is NULL.
func (x *inSubquery) key(c *sql.Context, of []arg, row []any) (key uint64, null bool, err error) {
	var room [128]byte
	b := room[:0]
	for i := range x.ways {
		k := &x.ways[i]
		if !k.ranks() {
			continue
		}
		if row[i] == nil {
			return 0, true, nil
		}
		if k.way == asText {
			if b, err = k.weights(c, b, &of[i], row[i]); err != nil {
				return 0, false, err
			}
			b = append(b, 0, 0)
			continue
		}
		rank, ok, err := k.rank(c, &of[i], row[i])
		if err != nil || !ok {
			return 0, !ok, err
		}
		b = binary.BigEndian.AppendUint64(b, rank)
	}
	return xxhash.Sum64(b), false, nil
}
