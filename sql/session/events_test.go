package session

import (
	"bytes"
	"context"
	stdsql "database/sql"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
)

// alwaysOn is a lane whose events run whatever the variable says: the server's own scheduler, which follows it, stays out of a test's way.
type alwaysOn struct{ eventLane }

func (alwaysOn) EventsOn() bool { return true }

// startEvents returns a scheduler whose steps the test takes.
func startEvents(t *testing.T) (*events, *stdsql.Conn, *safeBuffer) {
	srv, addr := startFull(t)
	c := connect(t, addr, "")
	exec(t, c, "SET GLOBAL event_scheduler = OFF")
	t.Cleanup(func() { exec(t, c, "SET GLOBAL event_scheduler = ON") })
	exec(t, c, "CREATE DATABASE ev")
	exec(t, c, "USE ev")
	exec(t, c, "CREATE TABLE log (msg VARCHAR(100))")
	out := &safeBuffer{}
	srv.log = slog.New(slog.NewTextHandler(out, nil))
	e := newEvents(srv)
	e.lane = alwaysOn{e.lane}
	return e, c, out
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// at takes a step and waits for what it began.
func (e *events) at(t *testing.T, now time.Time) {
	t.Helper()
	if err := e.step(now); err != nil {
		t.Fatal(err)
	}
	e.wg.Wait()
}

func one(t *testing.T, c *stdsql.Conn, query string) string {
	t.Helper()
	var s stdsql.NullString
	if err := c.QueryRowContext(context.Background(), query).Scan(&s); err != nil {
		t.Fatal(query, err)
	}
	return s.String
}

func TestEvents(t *testing.T) {
	e, c, out := startEvents(t)
	now := time.Now()
	exec(t, c, "CREATE EVENT every ON SCHEDULE EVERY 1 HOUR DO BEGIN INSERT INTO log VALUES ('hourly'); INSERT INTO log VALUES (CURRENT_USER()); END")
	exec(t, c, "CREATE EVENT once ON SCHEDULE AT CURRENT_TIMESTAMP + INTERVAL 90 MINUTE DO INSERT INTO log VALUES ('once')")
	exec(t, c, "CREATE EVENT kept ON SCHEDULE AT CURRENT_TIMESTAMP + INTERVAL 90 MINUTE ON COMPLETION PRESERVE DO INSERT INTO log VALUES ('kept')")
	exec(t, c, "CREATE EVENT off ON SCHEDULE EVERY 1 MINUTE DISABLE DO INSERT INTO log VALUES ('never')")
	exec(t, c, "CREATE EVENT bad ON SCHEDULE AT CURRENT_TIMESTAMP + INTERVAL 10 MINUTE DO INSERT INTO nosuch VALUES (1)")
	count := func(msg string) string { return one(t, c, "SELECT COUNT(*) FROM ev.log WHERE msg LIKE '"+msg+"'") }
	e.at(t, now.Add(time.Second))
	if count("hourly") != "1" || count("admin@\\%") != "1" || count("%") != "2" {
		t.Fatal("after a second:", one(t, c, "SELECT GROUP_CONCAT(msg) FROM ev.log"), out)
	}
	e.at(t, now.Add(30*time.Minute))
	if count("hourly") != "1" {
		t.Fatal("a recurring event ran before its time")
	}
	if !strings.Contains(out.String(), "ev.bad") || !strings.Contains(out.String(), "ev.nosuch") {
		t.Fatal("no word of the event that failed: ", out)
	}
	e.at(t, now.Add(100*time.Minute))
	if count("hourly") != "2" || count("once") != "1" || count("kept") != "1" || count("never") != "0" {
		t.Fatal("after 100 minutes:", one(t, c, "SELECT GROUP_CONCAT(msg) FROM ev.log"), out)
	}
	if got := one(t, c, "SELECT GROUP_CONCAT(EVENT_NAME, ' ', STATUS ORDER BY EVENT_NAME) FROM information_schema.EVENTS WHERE EVENT_SCHEMA='ev'"); got != "every ENABLED,kept DISABLED,off DISABLED" {
		t.Fatal(got)
	}
	if one(t, c, "SELECT COUNT(*) FROM information_schema.EVENTS WHERE LAST_EXECUTED IS NOT NULL") != "2" {
		t.Fatal("LAST_EXECUTED")
	}
	// Another scheduler, as after a restart, does not repeat what ran, nor make up for what was missed.
	again := newEvents(e.srv)
	again.lane = e.lane
	again.at(t, now.Add(101*time.Minute))
	if count("hourly") != "2" {
		t.Fatal("an event ran twice for one time")
	}
	again.at(t, now.Add(241*time.Minute))
	if count("hourly") != "3" {
		t.Fatal("missed times were made up for, or the next was missed:", count("hourly"))
	}
	exec(t, c, "ALTER EVENT off ENABLE")
	again.at(t, now.Add(245*time.Minute))
	again.at(t, now.Add(246*time.Minute))
	if count("never") == "0" {
		t.Fatal("an event that was enabled does not run")
	}
	exec(t, c, "DROP DATABASE ev")
	again.at(t, now.Add(500*time.Minute))
	if len(again.list) != 0 {
		t.Fatal("events outlive their database")
	}
}

// TestEventDefiner checks whose privileges an event has.
func TestEventDefiner(t *testing.T) {
	e, c, out := startEvents(t)
	now := time.Now()
	exec(t, c, "CREATE USER weak@localhost IDENTIFIED BY 'x'")
	exec(t, c, "GRANT EVENT ON ev.* TO weak@localhost")
	exec(t, c, "CREATE DEFINER=weak@localhost EVENT w ON SCHEDULE EVERY 1 HOUR DO INSERT INTO log VALUES ('weak')")
	exec(t, c, "CREATE DEFINER=gone@localhost EVENT g ON SCHEDULE EVERY 1 HOUR DO INSERT INTO log VALUES ('gone')")
	e.at(t, now.Add(time.Second))
	if one(t, c, "SELECT COUNT(*) FROM log") != "0" || !strings.Contains(out.String(), "denied") || !strings.Contains(out.String(), "definer ('gone'@'localhost') does not exist") {
		t.Fatal(one(t, c, "SELECT GROUP_CONCAT(msg) FROM log"), out)
	}
	exec(t, c, "GRANT INSERT ON ev.log TO weak@localhost")
	e.at(t, now.Add(time.Hour+time.Second))
	if one(t, c, "SELECT GROUP_CONCAT(msg) FROM log") != "weak" {
		t.Fatal(out)
	}
}

// TestEventBound checks that no more than maxEvents run at once, and that one can be killed.
func TestEventBound(t *testing.T) {
	e, c, _ := startEvents(t)
	now := time.Now()
	for i := range maxEvents + 2 {
		exec(t, c, "CREATE EVENT e"+string(rune('a'+i))+" ON SCHEDULE EVERY 1 HOUR DO BEGIN INSERT INTO log VALUES ('x'); DO SLEEP(1000); END")
	}
	if err := e.step(now.Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if n := len(e.processes()); n != maxEvents+1 {
		t.Fatal(n, "lines of the process list")
	}
	e.killAll()
	if err := e.step(now.Add(2 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if n := len(e.processes()); n != 3 {
		t.Fatal(n, "lines of the process list when the two that waited run")
	}
	e.killAll()
}

// killAll kills the running events until all have ended: KILL reaches only a statement that has begun.
func (e *events) killAll() {
	done := make(chan struct{})
	go func() {
		e.wg.Wait()
		close(done)
	}()
	for {
		for _, p := range e.processes() {
			if s := e.session(uint64(p.ID)); s != nil {
				s.kill()
			}
		}
		select {
		case <-done:
			return
		case <-time.After(time.Millisecond):
		}
	}
}
