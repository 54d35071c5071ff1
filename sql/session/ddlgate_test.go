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

// TestDDLBesideWhom: DDL has neighbours where other sessions end statements. The session's own are none, and DDL is nobody's.
func TestDDLBesideWhom(t *testing.T) {
	srv, addr := startFull(t)
	c := connect(t, addr, "")
	exec(t, c, "CREATE DATABASE d")
	var idle ticket
	for _, x := range []struct {
		statement string
		want      uint64
	}{{"CREATE TABLE d.t (id INT PRIMARY KEY)", 0}, {"INSERT INTO d.t VALUES (1)", 1}, {"ALTER TABLE d.t ADD a INT", 0}, {"SELECT * FROM d.t", 1}} {
		eventually(t, "the statement before to leave", func() bool { running, _ := srv.gate.load(); return running == 0 }) // its client hears first
		before := srv.gate.others(&idle)
		exec(t, c, x.statement)
		eventually(t, x.statement+" to leave", func() bool { running, _ := srv.gate.load(); return running == 0 })
		if n := srv.gate.others(&idle) - before; n != x.want {
			t.Errorf("%s: %d statements seen by another session, not %d", x.statement, n, x.want)
		}
	}
	g := still(1, 1)
	var own ticket
	if err := g.enter(t.Context(), &own, &writer{}, false); err != nil {
		t.Fatal(err)
	}
	g.leave(&own, &writer{})
	if mine, others := g.others(&own), g.others(&idle); mine != 0 || others != 1 {
		t.Errorf("a session counts %d of its own statements, another %d", mine, others)
	}
}
