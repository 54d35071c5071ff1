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
