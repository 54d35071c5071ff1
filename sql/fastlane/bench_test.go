package fastlane

import "testing"

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
