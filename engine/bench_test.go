package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/storage/volume/memvol"
)

func load(b testing.TB, e *env, n int64) {
	b.Helper()
	e.sbtest("t")
	c := strings.Repeat("12345678901-", 10)[:119]
	for i := int64(1); i <= n; {
		s := e.begin(table.RepeatableRead)
		e.must(s.on("t", func(h *Handle) error {
			for k := 0; k < 1000 && i <= n; k++ {
				if err := h.Insert(bg, []row.Datum{row.FromInt(i), row.FromInt(i * 7919 % n), row.FromBytes([]byte(c)), row.FromBytes([]byte(c[:59]))}); err != nil {
					return err
				}
				i++
			}
			return nil
		}))
		e.must(s.tx.Commit(bg))
	}
}

// BenchmarkPointGet is an autocommit point select on a warm pool.
func BenchmarkPointGet(b *testing.B) {
	e := newEnv(b, memvol.Options{})
	load(b, e, 20000)
	key := []row.Datum{row.FromInt(0)}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		tx := e.db.begin(table.TxnOptions{Isolation: table.RepeatableRead})
		s, _ := tx.BeginStmt(bg, table.StmtOptions{})
		t, err := s.Open(bg, "s", "t")
		if err != nil {
			b.Fatal(err)
		}
		key[0] = row.FromInt(int64(i*7919%20000 + 1))
		if r, _, err := t.Get(bg, 0, key, table.LockNone, table.Wait); err != nil || r == nil {
			b.Fatal(err)
		}
		s.End()
		tx.Commit(bg)
	}
}

// BenchmarkGetInTxn is a point select within a transaction: the read alone.
func BenchmarkGetInTxn(b *testing.B) {
	e := newEnv(b, memvol.Options{})
	load(b, e, 20000)
	key := []row.Datum{row.FromInt(0)}
	tx := e.db.begin(table.TxnOptions{Isolation: table.RepeatableRead})
	s, _ := tx.BeginStmt(bg, table.StmtOptions{})
	t, err := s.Open(bg, "s", "t")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		key[0] = row.FromInt(int64(i*7919%20000 + 1))
		if r, _, err := t.Get(bg, 0, key, table.LockNone, table.Wait); err != nil || r == nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRange100 reads 100 rows by the clustered key, as sysbench's range selects do.
func BenchmarkRange100(b *testing.B) {
	e := newEnv(b, memvol.Options{})
	load(b, e, 20000)
	tx := e.db.begin(table.TxnOptions{Isolation: table.RepeatableRead})
	s, _ := tx.BeginStmt(bg, table.StmtOptions{})
	t, err := s.Open(bg, "s", "t")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		at := int64(i*7919%19000 + 1)
		c, err := t.Scan(bg, table.ScanOptions{Range: table.Range{Low: []row.Datum{row.FromInt(at)}, High: []row.Datum{row.FromInt(at + 99)}}})
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for {
			ok, err := c.Next(bg)
			if err != nil {
				b.Fatal(err)
			}
			if !ok {
				break
			}
			n++
		}
		c.Close()
		if n != 100 {
			b.Fatal(n)
		}
	}
}

// BenchmarkWriteOnly is sysbench's oltp_write_only transaction. It prints the redo records and bytes of one, with purge's share in it.
func BenchmarkWriteOnly(b *testing.B) {
	e := newEnv(b, memvol.Options{})
	const rows = 20000
	load(b, e, rows)
	c2 := strings.Repeat("98765432109-", 10)[:119]
	for e.db.history.Load() > 0 {
		time.Sleep(time.Millisecond)
	}
	before := e.vol.Counters()
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		s := e.begin(table.RepeatableRead)
		id := func(k int) int64 { return int64((i*4+k)*7919%rows + 1) }
		err := s.update("t", id(0), func(r []row.Datum) { r[1] = row.FromInt(r[1].Int() + 1) })
		if err == nil {
			err = s.update("t", id(1), func(r []row.Datum) { r[2] = row.FromBytes([]byte(c2)) })
		}
		if err == nil {
			err = s.delete("t", id(2))
		}
		if err == nil {
			err = s.insert("t", []row.Datum{row.FromInt(id(2)), row.FromInt(id(3)), row.FromBytes([]byte(c2)), row.FromBytes([]byte(c2[:59]))})
		}
		if err == nil {
			err = s.tx.Commit(bg)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	for e.db.history.Load() > 0 {
		time.Sleep(time.Millisecond)
	}
	after := e.vol.Counters()
	b.ReportMetric(float64(after.Records-before.Records)/float64(b.N), "records/txn")
	b.ReportMetric(float64(after.Bytes-before.Bytes)/float64(b.N), "redo-B/txn")
	b.ReportMetric(float64(after.MTRs-before.MTRs)/float64(b.N), "mtrs/txn")
	if testing.Verbose() {
		fmt.Println(e.db.Info())
	}
}
