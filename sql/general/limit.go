package general

import (
	"io"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/plan"

	"github.com/zoryadb/zorya/sql/datum"
)

// limited builds a LIMIT that the library reads rows for which MySQL does not, or counts otherwise; nil leaves it to the library.
func (b *builder) limited(c *sql.Context, n *plan.Limit, r sql.Row) (sql.RowIter, error) {
	most, ok := constantCount(c, n.Limit)
	if !ok {
		return nil, nil
	}
	if most == 0 && !n.CalcFoundRows {
		return sql.RowsToRowIter(), nil
	}
	offset, below := n.Child.(*plan.Offset)
	if !n.CalcFoundRows || !below {
		return nil, nil
	}
	skip, ok := constantCount(c, offset.Offset)
	if !ok {
		return nil, nil
	}
	it, err := b.e.gms.Analyzer.ExecBuilder.Build(c, offset.Child, r)
	if err != nil {
		return nil, err
	}
	return &countedLimit{in: it, from: skip, most: most}, nil
}

// constantCount is the value of LIMIT or OFFSET.
func constantCount(c *sql.Context, e sql.Expression) (uint64, bool) {
	v, err := e.Eval(c, nil)
	if u, is := v.(uint64); is && err == nil {
		return u, true
	}
	n, ok := datum.Integer(v)
	return uint64(n), ok && err == nil && n >= 0
}

// countedLimit is LIMIT from, most under SQL_CALC_FOUND_ROWS: the library leaves the rows that OFFSET skips out of FOUND_ROWS().
type countedLimit struct {
	in         sql.RowIter
	from, most uint64
	read       uint64
}

func (l *countedLimit) Next(c *sql.Context) (sql.Row, error) {
	for {
		r, err := l.in.Next(c)
		if err != nil {
			if err == io.EOF {
				c.GetLastQueryInfo().FoundRows.Store(int64(l.read))
			}
			return nil, err
		}
		l.read++
		if l.read > l.from && l.read-l.from <= l.most {
			return r, nil
		}
	}
}

func (l *countedLimit) Close(c *sql.Context) error { return l.in.Close(c) }
