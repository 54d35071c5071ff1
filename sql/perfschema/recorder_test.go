package perfschema

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/zoryadb/zorya/engine/table"
)

func statement(took time.Duration) *Statement {
	return &Statement{Started: time.Unix(1000, 0), Took: took, Sent: 2, Work: table.Work{Examined: 5, Keys: 3, Full: true}}
}

// Statements that several sessions end at once are all counted, once.
func TestRecordAtOnce(t *testing.T) {
	r := New()
	a := r.Connect(AccountName{"u", "h"}, 1, nil, nil)
	k := r.Know("d", []byte("SELECT 1"), 0)
	const sessions, each = 8, 500
	var wg sync.WaitGroup
	for s := range uint32(sessions) {
		wg.Go(func() {
			for i := range each {
				r.Record(s, k, a, statement(time.Duration(i)*time.Microsecond), []byte("SELECT 1"))
			}
		})
	}
	wg.Wait()
	all := r.All()
	if len(all) != 1 {
		t.Fatalf("%d digests", len(all))
	}
	st := all[0].State()
	if st.Count != sessions*each || st.Sent != 2*st.Count || st.Examined != 5*st.Count || st.Min != 0 || st.Max != uint64((each-1)*time.Microsecond) {
		t.Errorf("digest: %+v", st.Sums)
	}
	if st.Sample.Text != "SELECT 1" || st.Sample.Took != (each-1)*time.Microsecond {
		t.Errorf("sample: %+v", st.Sample)
	}
	acc := r.Accounts()
	if len(acc) != 1 || acc[0].Commands[Select] != sessions*each || acc[0].Current != 1 {
		t.Errorf("accounts: %+v", acc)
	}
}

// What has no room counts as the digest NULL.
func TestDigestsAreBounded(t *testing.T) {
	r := New()
	for i := range Digests + 3 {
		r.Record(0, r.Know("d", fmt.Appendf(nil, "SELECT c%d FROM t", i), 0), nil, statement(time.Millisecond), nil)
	}
	all := r.All()
	if len(all) != Digests+1 || all[Digests].Text != "" || all[Digests].State().Count != 3 {
		t.Errorf("%d digests, the last: %+v", len(all), all[len(all)-1].State().Sums)
	}
	k := r.Know("d", []byte("SELECT c1 FROM t"), 0)
	r.Truncate()
	if r.Current(k) || len(r.All()) != 0 {
		t.Error("TRUNCATE left digests")
	}
}

// Buckets cover all times without a gap, each by a fifth at most, and quantiles are upper bounds.
func TestBuckets(t *testing.T) {
	for b := range buckets - 1 {
		low, high := BucketLow(b), BucketLow(b+1)
		if high <= low || bucketOf(time.Duration(low)) != b || bucketOf(time.Duration(high-1)) != b {
			t.Fatalf("bucket %d: from %d to %d, which are in %d and %d", b, low, high, bucketOf(time.Duration(low)), bucketOf(time.Duration(high-1)))
		}
		if b > bucketParts && float64(high)/float64(low) > 1.26 {
			t.Errorf("bucket %d is wide: %d to %d", b, low, high)
		}
	}
	var h Histogram
	for i := range 100 {
		h[bucketOf(time.Duration(i+1)*time.Millisecond)]++
	}
	if q := h.Quantile(0.95); q < uint64(95*time.Millisecond) || q > uint64(125*time.Millisecond) {
		t.Errorf("95 %% took at most %d ns", q)
	}
}

// Kinds follow from the first words.
func TestKindOf(t *testing.T) {
	for text, want := range map[string]string{"/* x */ select 1": "select", "(SELECT 1)": "select", "with c as (select 1) select * from c": "select", "INSERT INTO t VALUES (1)": "insert",
		"set @a = 1": "set_option", "set role none": "set_role", "create temporary table t (a int)": "create_table", "SHOW FULL TABLES": "show_tables", "start transaction": "begin",
		"rollback to a": "rollback_to_savepoint", "drop database d": "drop_db", "xyz": "other"} {
		if got := KindOf([]byte(text), 0).String(); got != "statement/sql/"+want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func BenchmarkRecord(b *testing.B) {
	r := New()
	a, k, e := r.Connect(AccountName{"u", "h"}, 1, nil, nil), r.Know("d", []byte("SELECT 1"), 0), statement(time.Millisecond)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r.Record(7, k, a, e, []byte("SELECT 1"))
		}
	})
}
