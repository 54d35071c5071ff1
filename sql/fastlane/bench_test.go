package fastlane

import (
	"testing"

	"github.com/zoryadb/zorya/sql/wire"
)

// BenchmarkNormalize is what each statement of the fast lane costs before its plan runs.
func BenchmarkNormalize(b *testing.B) {
	text := []byte("INSERT INTO sbtest1 (id, k, c, pad) VALUES (5000, 5034, '83868641912-28773972837-60736120486-75162659906-27563526494-20381887404-41576422241-93426793964-56405065102-33518432330', '67847967377-48000963322-62604785301-91415491898-96926520291')")
	l := New()
	var q Query
	b.ReportAllocs()
	for b.Loop() {
		if !q.Normalize(text, nil) || l.Lookup(&q, "sbtest", 0).Kind != Write {
			b.Fatal("declined")
		}
	}
}

// BenchmarkTemplate is the same for a prepared statement.
func BenchmarkTemplate(b *testing.B) {
	l := New()
	t := l.Template([]byte("UPDATE stock SET s_quantity = ?, s_ytd = s_ytd + ?, s_order_cnt = s_order_cnt + 1, s_remote_cnt = s_remote_cnt + ? WHERE s_i_id = ? AND s_w_id = ?"))
	params := make([]wire.Param, 5)
	for i := range params {
		params[i] = wire.IntParam(int64(i))
	}
	var q Query
	b.ReportAllocs()
	for b.Loop() {
		if !q.Fill(t, params) || l.LookupTemplate(t, "tpcc", 0).Kind != Write {
			b.Fatal("declined")
		}
	}
}

// BenchmarkNormalizePrepared is what BenchmarkTemplate saves.
func BenchmarkNormalizePrepared(b *testing.B) {
	l := New()
	text := []byte("UPDATE stock SET s_quantity = ?, s_ytd = s_ytd + ?, s_order_cnt = s_order_cnt + 1, s_remote_cnt = s_remote_cnt + ? WHERE s_i_id = ? AND s_w_id = ?")
	params := make([]wire.Param, 5)
	for i := range params {
		params[i] = wire.IntParam(int64(i))
	}
	var q Query
	b.ReportAllocs()
	for b.Loop() {
		if !q.Normalize(text, params) || l.Lookup(&q, "tpcc", 0).Kind != Write {
			b.Fatal("declined")
		}
	}
}
