package segment

import (
	"math/rand/v2"
	"testing"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
)

// behind is a core of member a that lacks records 1 to 9 and knows it.
func behind(t *testing.T, kind proto.Kind) *Core {
	t.Helper()
	m := six()
	m.Members[0].Kind = kind
	c := NewCore(Config{Node: "a"}, newState(m, 0))
	put(t, c, 10, 9)
	return c
}

// next waits for the core's next question and returns whom it asks.
func next(t *testing.T, c *Core, now *Time) Ask {
	t.Helper()
	for end := *now + 100e9; *now < end; *now += 1e6 {
		if asks := c.Tick(*now); len(asks) > 0 {
			return asks[0]
		}
	}
	t.Fatal("no question in 100 s")
	return Ask{}
}

// TestHangingPeer: a question that has no answer holds up the next for a moment only, and nobody is asked twice meanwhile.
func TestHangingPeer(t *testing.T) {
	c, now := behind(t, proto.Full), Time(1)
	asked := map[proto.NodeID]bool{}
	for range 5 {
		before := now
		a := next(t, c, &now)
		if asked[a.Peer] || now-before > 600e6 {
			t.Fatalf("asks %s after %d ms; asked so far: %v", a.Peer, (now-before)/1e6, asked)
		}
		asked[a.Peer] = true
	}
	if asks := c.Tick(now + 600e6); len(asks) > 0 {
		t.Fatalf("a sixth question, to %s, while five are out", asks[0].Peer)
	}
	// A late answer is as good as any.
	take, _ := c.BeginReply("d", &proto.LogReply{Status: proto.OK, SCL: 10})
	if !take {
		t.Fatal("a late answer is not taken")
	}
}

// TestPeersWithoutTheLog: where every peer that is ahead has dropped what a segment lacks, or holds it damaged, it begins again
// from a baseline, and comes to know that in some rounds of quick questions, not at the pace of idle ones.
func TestPeersWithoutTheLog(t *testing.T) {
	for _, kind := range []proto.Kind{proto.Full, proto.Tail} {
		c, now := NewCore(Config{Node: "a"}, newState(func() proto.Membership { m := six(); m.Members[0].Kind = kind; return m }(), 0)), Time(1)
		begun := now
		for c.Tip() == 0 {
			a := next(t, c, &now)
			if a.Baseline != nil {
				break
			}
			rep := proto.LogReply{Status: proto.OK, SCL: 50, Floor: 40}
			if a.Peer == "c" || a.Peer == "d" {
				rep.Floor = 0 // it has the log, but damaged: no record comes
			}
			c.BeginReply(a.Peer, &rep)
			c.EndReply(a.Peer, now)
		}
		if kind == proto.Tail && c.Tip() != 40 {
			t.Fatalf("a tail begins again at %d, the floor is 40", c.Tip())
		}
		if took := now - begun; took > 3e9 { // the first question to each of five may take an idle second
			t.Fatalf("kind %d: %d ms", kind, took/1e6)
		}
	}
}

// TestRegroupKeepsVotes: a change of another member does not begin a hydration anew.
func TestRegroupKeepsVotes(t *testing.T) {
	m := six()
	st := newState(m, 0)
	st.Phase, st.Self.Incarnation = Hydrating, 2
	c := NewCore(Config{Node: "a"}, st)
	put(t, c, 1, 0)
	for _, n := range []proto.NodeID{"b", "c", "d"} {
		c.BeginReply(n, &proto.LogReply{Status: proto.OK, SCL: 1})
		c.EndReply(n, 0)
	}
	if !c.Repaired() {
		t.Fatal("three votes and all records, but not repaired")
	}
	change := func(epoch uint64, i int, inc uint64) {
		m.Epoch = epoch
		m.Members = append([]proto.Member(nil), m.Members...)
		m.Members[i].Incarnation = inc
		if st, _ := c.InstallMembership(1, &m); st != proto.OK {
			t.Fatal(st)
		}
	}
	change(2, 5, 2)
	if !c.Repaired() {
		t.Fatal("the new life of a member that had not voted takes votes away")
	}
	change(3, 3, 2)
	if c.Repaired() {
		t.Fatal("the vote of a former life still counts")
	}
	c.BeginReply("e", &proto.LogReply{Status: proto.OK, SCL: 1})
	c.EndReply("e", 0)
	change(4, 0, 2)
	if c.Phase() != Active {
		t.Fatal("admitted and repaired, but not active")
	}
}

// TestGathererInAnyOrder: whatever the order of the records on disk, and whatever lies there twice, an answer is the beginning of
// the chain, and a full one where there is enough.
func TestGathererInAnyOrder(t *testing.T) {
	const n, size, limit = 4000, 64, 8 << 10
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 3))
		order := rng.Perm(n) // as after a refill: the second half first, then in order, then at random
		switch seed % 3 {
		case 0:
			for i := range order {
				order[i] = (i + n/2) % n
			}
		case 1:
			for i := range order {
				order[i] = i
			}
		}
		from := page.LSN(rng.IntN(n / 2))
		g := gatherer{from: from, top: n, limit: limit}
		for _, i := range order {
			raw := make([]byte, size)
			raw[0], raw[1] = byte((i+1)>>8), byte(i+1)
			for range 1 + rng.IntN(2) {
				g.add(page.LSN(i+1), page.LSN(i), raw)
			}
			if len(g.buf) > 5*limit {
				t.Fatalf("seed %d: %d bytes gathered for an answer of %d", seed, len(g.buf), limit)
			}
			if g.full() {
				break
			}
		}
		out := g.chain()
		if len(out) < limit-size || len(out) > limit {
			t.Fatalf("seed %d: %d bytes of %d", seed, len(out), limit)
		}
		for k := 0; k < len(out); k += size {
			if lsn := page.LSN(out[k])<<8 | page.LSN(out[k+1]); lsn != from+1+page.LSN(k/size) {
				t.Fatalf("seed %d: LSN %d in place %d above %d", seed, lsn, k/size, from)
			}
		}
	}
}
