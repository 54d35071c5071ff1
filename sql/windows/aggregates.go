package windows

import (
	"maps"

	"github.com/cockroachdb/apd/v3"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression/function/aggregation"
	"github.com/dolthub/go-mysql-server/sql/expression/function/aggregation/window"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/builtin"
	"github.com/zoryadb/zorya/sql/item"
)

// The library's aggregates over windows add up floating point numbers, call the sum of NULLs 0, and take rows for peers that agree in
// the first expression of ORDER BY. Here a frame is added up by the same buffers that GROUP BY uses, so SUM OVER is as exact as SUM.

// Aggregated is an aggregate function with an OVER clause, FIRST_VALUE or LAST_VALUE.
type Aggregated struct {
	sql.WindowAdaptableExpression
}

// Aggregate returns nil for what is no aggregate over a window.
func Aggregate(e sql.Expression) sql.Expression {
	switch e := e.(type) {
	case *item.Sum, *aggregation.Sum, *aggregation.Avg, *aggregation.Min, *aggregation.Max, *aggregation.Count, *aggregation.CountDistinct,
		*aggregation.BitAnd, *aggregation.BitOr, *aggregation.BitXor, *aggregation.JsonArray, *window.FirstValue, *window.LastValue:
		if a, ok := e.(sql.WindowAdaptableExpression); ok && a.Window() != nil {
			return &Aggregated{a}
		}
	}
	return nil
}

func (w *Aggregated) WithChildren(c *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	in, err := w.WindowAdaptableExpression.WithChildren(c, ch...)
	if err != nil {
		return nil, err
	}
	return &Aggregated{in.(sql.WindowAdaptableExpression)}, nil
}

// WithWindow implements sql.WindowAdaptableExpression.
func (w *Aggregated) WithWindow(c *sql.Context, def *sql.WindowDefinition) sql.WindowAdaptableExpression {
	return &Aggregated{w.WindowAdaptableExpression.WithWindow(c, def)}
}

// CollationCoercibility implements sql.CollationCoercible.
func (w *Aggregated) CollationCoercibility(c *sql.Context) (sql.CollationID, byte) {
	return sql.GetCoercibility(c, w.WindowAdaptableExpression)
}

// NewWindowFunction implements sql.WindowAdaptableExpression.
func (w *Aggregated) NewWindowFunction(c *sql.Context) (sql.WindowFunction, error) {
	if f, err := newFrameRow(w.WindowAdaptableExpression); f != nil || err != nil {
		return f, err
	}
	framer, err := framerOf(w.Window())
	of := w.WindowAdaptableExpression.(sql.Aggregation)
	if a, ok := of.(*aggregation.JsonArray); ok {
		of = &builtin.ArrayAgg{JsonArray: a}
	}
	if x := item.Extreme(c, of); x != nil {
		of = x
	}
	return &frameSum{of: of, framer: framer}, err
}

// framerOf gives the frames of a window: as it says, or up to the row's last peer, or without an order the whole partition.
func framerOf(def *sql.WindowDefinition) (sql.WindowFramer, error) {
	switch {
	case def.Frame != nil:
		if f := newRangeFrames(def); f != nil {
			return f, nil
		}
		return def.Frame.NewFramer(def)
	case len(def.OrderBy) > 0:
		return &upToPeers{peers: aggregation.NewPeerGroupFramer(def.OrderBy.ToExpressions())}, nil
	}
	return aggregation.NewPartitionFramer(), nil
}

// frameSum computes an aggregate over frames. A frame that begins where the last one did and ends no earlier costs only its new rows.
type frameSum struct {
	of         sql.Aggregation
	framer     sql.WindowFramer
	buf        sql.AggregationBuffer
	start, end int // rows that buf holds
}

func (f *frameSum) DefaultFramer() sql.WindowFramer { return f.framer }

// StartPartition keeps what the aggregate computes of, with the results of its subqueries: the next partition's buffer computes the same.
func (f *frameSum) StartPartition(*sql.Context, sql.WindowInterval, sql.WindowBuffer) error {
	f.buf = nil
	return nil
}

func (f *frameSum) Dispose(c *sql.Context) {
	if f.buf != nil {
		f.buf.Dispose(c)
		f.buf = nil
	}
}

func (f *frameSum) Compute(c *sql.Context, frame sql.WindowInterval, rows sql.WindowBuffer) (any, error) {
	if f.buf == nil || frame.Start != f.start || frame.End < f.end {
		var err error
		if f.buf, err = f.of.NewBuffer(c); err != nil {
			return nil, err
		}
		f.start, f.end = frame.Start, frame.Start
	}
	for ; f.end < frame.End; f.end++ {
		if err := f.buf.Update(c, rows[f.end]); err != nil {
			return nil, err
		}
	}
	v, err := f.buf.Eval(c)
	switch x := v.(type) { // the buffer goes on adding to it
	case *apd.Decimal:
		v = new(apd.Decimal).Set(x)
	case types.JSONDocument:
		if members, ok := x.Val.(map[string]any); ok {
			v = types.JSONDocument{Val: maps.Clone(members)}
		}
	}
	return v, err
}

// upToPeers is the frame of a window that has an order and says no more: from the partition's start to the last peer of the row.
type upToPeers struct {
	peers sql.WindowFramer
	start int
}

func (f *upToPeers) NewFramer(partition sql.WindowInterval) (sql.WindowFramer, error) {
	peers, err := f.peers.NewFramer(partition)
	return &upToPeers{peers: peers, start: partition.Start}, err
}

func (f *upToPeers) whole(in sql.WindowInterval, err error) (sql.WindowInterval, error) {
	in.Start = f.start
	return in, err
}

func (f *upToPeers) Next(c *sql.Context, rows sql.WindowBuffer) (sql.WindowInterval, error) {
	return f.whole(f.peers.Next(c, rows))
}

func (f *upToPeers) Interval() (sql.WindowInterval, error) { return f.whole(f.peers.Interval()) }
func (f *upToPeers) FirstIdx() int                         { return f.start }
func (f *upToPeers) LastIdx() int                          { return f.peers.LastIdx() }
