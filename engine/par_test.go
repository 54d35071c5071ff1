package engine

import (
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/storage/volume/memvol"
)

// BenchmarkWriteOnlyParallel is oltp_write_only from many sessions over a volume whose VDL follows 500 us later.
func BenchmarkWriteOnlyParallel(b *testing.B) {
	e := newEnv(b, memvol.Options{Lag: 500 * time.Microsecond})
	const rows = 20000
	load(b, e, rows)
	var seq, lost atomic.Uint64
	b.SetParallelism(32)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		rng := rand.New(rand.NewPCG(seq.Add(1), 7))
		for pb.Next() {
			s := e.begin(table.RepeatableRead)
			id := rng.Int64N(rows) + 1
			err := s.update("t", rng.Int64N(rows)+1, func(r []row.Datum) { r[1] = row.FromInt(r[1].Int() + 1) })
			if err == nil {
				err = s.update("t", rng.Int64N(rows)+1, func(r []row.Datum) { r[2] = row.FromBytes([]byte("another text for the column")) })
			}
			if err == nil {
				err = s.delete("t", id)
			}
			if err == nil {
				err = s.insert("t", sbrow(id, rng.Int64N(rows), "inserted again"))
			}
			if err == nil {
				err = s.tx.Commit(bg)
			}
			if err != nil {
				if !errors.Is(err, table.ErrDeadlock) {
					b.Error(err)
					return
				}
				lost.Add(1)
				s.tx.Rollback(bg)
			}
		}
	})
	b.ReportMetric(float64(lost.Load()), "deadlocks")
}
