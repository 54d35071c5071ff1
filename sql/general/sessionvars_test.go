package general

import (
	"runtime"
	"strings"
	"testing"
)

// Sessions share one copy of the variables: what one sets or counts is its own, and a new global value is for sessions that begin later.
func TestSessionsShareVariables(t *testing.T) {
	sv := newServer(t)
	a, b := sv.client(), sv.client()
	a.must("SET lock_wait_timeout = 7")
	a.must("SET NAMES latin1")
	a.query("SELECT @@lock_wait_timeout, @@character_set_results", "7\tlatin1")
	b.query("SELECT @@lock_wait_timeout = 7, @@character_set_results", "0\tutf8mb4")
	if a.query("SHOW VARIABLES LIKE 'lock_wait_timeout'", "lock_wait_timeout\t7"); a.s.gms.GetCharacterSetResults() == b.s.gms.GetCharacterSetResults() {
		t.Error("both have one character set")
	}
	old := b.must("SELECT @@GLOBAL.lock_wait_timeout").String()
	b.must("SET GLOBAL lock_wait_timeout = 99")
	defer b.must("SET GLOBAL lock_wait_timeout = " + strings.TrimSpace(old))
	a.query("SELECT @@lock_wait_timeout", "7")
	b.query("SELECT @@lock_wait_timeout = 99", "0")
	sv.client().query("SELECT @@lock_wait_timeout", "99")

	before := b.must("SHOW SESSION STATUS LIKE 'Com_select'").String()
	a.must("SELECT 1")
	a.must("SELECT 1")
	if after := b.must("SHOW SESSION STATUS LIKE 'Com_select'").String(); after != before {
		t.Errorf("another session's statements are counted: %s, then %s", before, after)
	}
}

// A session's own state is a few KiB, also when it has set variables.
func TestSessionIsSmall(t *testing.T) {
	sv := newServer(t)
	const n = 300
	all := make([]*Session, n)
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	for i := range all {
		c := sv.client()
		c.must("SET NAMES latin1, sql_mode = ''")
		all[i] = c.s
	}
	if each := (int64(heap()) - int64(before)) / n; each > 12<<10 {
		t.Errorf("a session takes %d bytes", each)
	} else {
		t.Logf("a session takes %d bytes", each)
	}
	runtime.KeepAlive(all)
}

// What the dispatcher is told follows each variable that it comes from. Without a variable's line in tellers its SET is not seen.
func TestToldFollowsVariables(t *testing.T) {
	sv := newServer(t)
	c := sv.client()
	for name := range tellers {
		if globalOnly[name] {
			t.Errorf("%s is global: nobody is told when it changes", name)
		}
	}
	for _, text := range []string{
		"SET autocommit = 0", "SET autocommit = 1", "SET SESSION transaction_read_only = 1", "SET SESSION TRANSACTION READ WRITE", "SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE",
		"SET SESSION transaction_isolation = 'READ-COMMITTED'", "SET innodb_lock_wait_timeout = 7", "SET lock_wait_timeout = 8", "SET max_execution_time = 9", "SET wait_timeout = 10",
		"SET net_write_timeout = 11", "SET long_query_time = 1.5", "SET min_examined_row_limit = 12", "SET completion_type = 'CHAIN'", "SET completion_type = 2", "SET completion_type = DEFAULT",
		"SET sql_mode = 'ANSI_QUOTES'", "SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'", "SET sql_mode = DEFAULT", "SET sql_safe_updates = 1", "SET sql_safe_updates = 0", "SET sql_auto_is_null = 1",
		"SET sql_auto_is_null = 0", "SET auto_increment_increment = 3", "SET auto_increment_increment = 1", "SET auto_increment_offset = 2", "SET auto_increment_offset = 1", "SET insert_id = 5", "SET insert_id = 0",
		"SET zorya_fast_lane = 0", "SET zorya_fast_lane = 1", "SET sql_select_limit = 3", "SET sql_select_limit = DEFAULT", "SET foreign_key_checks = 0", "SET foreign_key_checks = 1",
		"SET time_zone = '+02:00'", "SET time_zone = '+00:00'", "SET NAMES latin1", "SET character_set_results = NULL", "SET NAMES utf8mb4", "SET character_set_client = latin1",
	} {
		c.must(text)
		was := *c.s.told()
		c.s.gms.told.current = 0
		now := *c.s.told()
		if was.zone, now.zone = nil, nil; was != now { // one name has one zone
			t.Errorf("%s is not told: %+v, then %+v", text, was, now)
		}
		c.must(text) // what is kept of a SET does the same
	}
}

// BenchmarkTold is what a dispatcher asks after each SET.
func BenchmarkTold(b *testing.B) {
	sv := newServer(b)
	for _, text := range []string{"SET NAMES utf8mb4", "SET SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION'"} {
		b.Run(text, func(b *testing.B) {
			c := sv.client()
			for range 3 {
				c.must(text)
			}
			b.ReportAllocs()
			for b.Loop() {
				if c.s.SetAgain([]byte(text)) == nil {
					b.Fatal("it is not kept")
				}
				c.s.Settings()
				c.s.Plain()
				c.s.ForeignChecks()
				c.s.Zone()
				c.s.Charsets()
			}
		})
	}
}
