package session

import (
	"testing"
	"time"
)

// TestBreathe: a statement gives way once a millisecond, not in its first one.
func TestBreathe(t *testing.T) {
	s := &Session{srv: &Server{started: time.Now().Add(-time.Hour)}}
	s.Breathe()
	first := s.breath.Load()
	if first == 0 {
		t.Fatal("nothing is noted")
	}
	now := int64(time.Since(s.srv.started))
	s.breath.Store(now + int64(time.Hour)) // its millisecond lasts
	if s.Breathe(); s.breath.Load() != now+int64(time.Hour) {
		t.Error("it gives way before a millisecond has passed")
	}
	s.breath.Store(first - int64(breathEvery))
	if s.Breathe(); s.breath.Load() < first {
		t.Error("it does not give way after a millisecond")
	}
}
