package session

import (
	"context"
	"errors"
	"testing"
)

// TestDDLGate: as many have a place as there are, a long one keeps nobody out, and who is killed does not enter.
func TestDDLGate(t *testing.T) {
	g, ctx := newDDLGate(5), t.Context()
	for i := range 2 {
		if placed, err := g.enter(ctx); !placed || err != nil {
			t.Fatalf("place %d: %v, %v", i, placed, err)
		}
	}
	if g.again() {
		t.Fatal("a third place")
	}
	if placed, err := g.enter(ctx); placed || err != nil {
		t.Fatalf("beside two that compute: %v, %v", placed, err)
	}
	g.leave()
	if placed, err := g.enter(ctx); !placed || err != nil {
		t.Fatalf("after one has left: %v, %v", placed, err)
	}
	dead, kill := context.WithCancelCause(ctx)
	gone := errors.New("gone")
	kill(gone)
	for range 100 {
		if placed, err := g.enter(dead); placed {
			t.Fatal("the dead has a place")
		} else if err == nil {
			continue // its timer was as fast as the word of its death
		} else if !errors.Is(err, gone) {
			t.Fatal(err)
		}
	}
	if len(newDDLGate(1)) != 0 || cap(newDDLGate(1)) != 1 {
		t.Error("no place on one processor")
	}
}

// TestWaitingDDLHasNoPlace: DDL that waits for a transaction leaves the processors' places to others.
func TestWaitingDDLHasNoPlace(t *testing.T) {
	srv, addr := startFull(t)
	user, ddl := connect(t, addr, ""), connect(t, addr, "")
	exec(t, user, "CREATE DATABASE d")
	exec(t, user, "CREATE TABLE d.t (id INT PRIMARY KEY)")
	exec(t, user, "BEGIN")
	exec(t, user, "SELECT * FROM d.t")
	ended := waits(t, srv, ddl, "ALTER TABLE d.t MODIFY id BIGINT")
	eventually(t, "its place to be given back", func() bool { return len(srv.ddlGate) == 0 })
	exec(t, user, "COMMIT")
	if err := <-ended; err != nil {
		t.Error(err)
	}
	eventually(t, "its place to be given back at the end", func() bool { return len(srv.ddlGate) == 0 })
}
