package segment

import (
	"math/rand/v2"
	"testing"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
)

var testVolume = proto.VolumeID{1, 2, 3}

func members(kinds ...proto.Kind) proto.Membership {
	m := proto.Membership{Epoch: 1, Quorum: proto.SixWay}
	for i, k := range kinds {
		m.Members = append(m.Members, proto.Member{Node: proto.NodeID('a' + rune(i)), AZ: "z", Kind: k, Incarnation: 1})
	}
	return m
}

func six() proto.Membership {
	return members(proto.Full, proto.Tail, proto.Full, proto.Tail, proto.Full, proto.Tail)
}

func history(version uint64, cuts ...page.LSN) proto.History {
	h := proto.History{Version: version}
	from := page.LSN(0)
	for i := 0; i+1 < len(cuts); i += 2 {
		h.Intervals = append(h.Intervals, proto.Interval{From: from, To: cuts[i]})
		from = cuts[i+1]
	}
	h.Intervals = append(h.Intervals, proto.Interval{From: from, To: proto.MaxLSN})
	return h
}

func newState(m proto.Membership, self int) State {
	return State{Volume: testVolume, PagesPerPG: 1024, Self: m.Members[self], Membership: m, Epoch: 1,
		History: history(1 << 16), Phase: Active}
}

func newTestCore(self int) *Core {
	m := six()
	return NewCore(Config{Node: m.Members[self].Node}, newState(m, self))
}

func frameOf(c *Core, vdl page.LSN) (*proto.AppendFrame, *proto.Run) {
	return &proto.AppendFrame{Volume: testVolume, Epoch: c.Epoch(), History: c.History().Version, VDL: vdl, MRPL: vdl},
		&proto.Run{Incarnation: c.Incarnation(), MembershipEpoch: c.Membership().Epoch}
}

// put offers a chain link and syncs it.
func put(t *testing.T, c *Core, lsn, prev page.LSN) bool {
	t.Helper()
	f, r := frameOf(c, 0)
	if st := c.CheckAppend(f, r); st != proto.OK && st != proto.StatusHydrating {
		t.Fatalf("append of %d: status %d", lsn, st)
	}
	ok := c.Offer(Link{LSN: lsn, PrevPG: prev, PrevVolume: prev, Epoch: c.Epoch(), CPL: true})
	c.Synced(c.Submit())
	return ok
}

func wantSCL(t *testing.T, c *Core, scl page.LSN) {
	t.Helper()
	if c.SCL() != scl {
		t.Fatalf("SCL is %d, want %d", c.SCL(), scl)
	}
}

func TestSCLFollowsThePGChain(t *testing.T) {
	c := newTestCore(0)
	put(t, c, 10, 0)
	put(t, c, 30, 20)
	wantSCL(t, c, 10)
	put(t, c, 40, 30)
	if put(t, c, 30, 20) {
		t.Fatal("a duplicate beyond the gap was news")
	}
	put(t, c, 20, 10)
	wantSCL(t, c, 40)
	if put(t, c, 20, 10) {
		t.Fatal("a duplicate was news")
	}
}

func TestAckCarriesOnlyWhatIsSynced(t *testing.T) {
	for _, mut := range []Mutants{0, MutAckBeforeSync} {
		c := newTestCore(0)
		c.cfg.Mutants = mut
		c.Offer(Link{LSN: 1})
		t1 := c.Submit()
		c.Offer(Link{LSN: 2, PrevPG: 1})
		t2 := c.Submit()
		if early := c.Ack(1, 1<<16).SCL; (early != 0) != (mut != 0) {
			t.Fatalf("mutant %b acknowledged %d before any sync", mut, early)
		}
		c.Synced(t1)
		if mut == 0 {
			wantSCL(t, c, 1)
		}
		c.Synced(t2)
		wantSCL(t, c, 2)
	}
}

func TestFenceRefusesTheOldWriter(t *testing.T) {
	c := newTestCore(0)
	for l := page.LSN(1); l <= 5; l++ {
		put(t, c, l, l-1)
	}
	f, r := frameOf(c, 2)
	c.CheckAppend(f, r)
	c.Offer(Link{LSN: 6, PrevPG: 5})
	inFlight := c.Submit()
	st, need := c.Fence(&proto.FenceRequest{Epoch: 2, History: *c.History()})
	if st != proto.OK || need <= c.Durable() {
		t.Fatalf("fence: status %d, version %d must be newer than the durable %d", st, need, c.Durable())
	}
	if st := c.CheckAppend(f, r); st != proto.StatusStaleEpoch {
		t.Fatalf("the old writer got status %d", st)
	}
	s := c.Sample()
	if s.SCL != 5 || s.AtVDL != 2 || len(s.Above) != 3 || s.Above[0].LSN != 3 || s.VDL != 2 {
		t.Fatalf("sample %+v", s)
	}
	c.Synced(inFlight)
	if a := c.Ack(1, f.History); a.Status != proto.StatusStaleEpoch {
		t.Fatalf("a frame overtaken by the fence was acknowledged: %+v", a)
	}
	if st, _ := c.Fence(&proto.FenceRequest{Epoch: 1}); st != proto.StatusStaleEpoch {
		t.Fatalf("an older fence got status %d", st)
	}
}

func TestTruncationHidesAndSurvives(t *testing.T) {
	for _, mut := range []Mutants{0, MutTruncationVolatile} {
		c := newTestCore(0)
		c.cfg.Mutants = mut
		for l := page.LSN(1); l <= 9; l++ {
			put(t, c, l, l-1)
		}
		put(t, c, 12, 11)
		c.Hear(4, 0)
		st, need := c.InstallHistory(&proto.HistoryRequest{Epoch: 2, History: history(2<<16, 6, 100)})
		if st != proto.OK || need == 0 {
			t.Fatalf("install: status %d", st)
		}
		wantSCL(t, c, 6)
		if c.Offer(Link{LSN: 50, PrevPG: 6}) {
			t.Fatal("took a record of a dead interval")
		}
		if !c.Offer(Link{LSN: 101, PrevPG: 6}) {
			t.Fatal("refused the first record after the cut")
		}
		restarted := NewCore(c.cfg, c.State(0))
		for l := page.LSN(1); l <= 9; l++ {
			restarted.Restore(Link{LSN: l, PrevPG: l - 1})
		}
		restarted.Restored(false)
		if bitten := restarted.SCL() != 6; bitten != (mut != 0) {
			t.Fatalf("mutant %b: SCL after the restart is %d", mut, restarted.SCL())
		}
		if st, _ := c.InstallHistory(&proto.HistoryRequest{Epoch: 2, History: history(1 << 16)}); st != proto.StatusStaleHistory {
			t.Fatalf("an older history got status %d", st)
		}
	}
}

func TestWipedMemberDoesNotVote(t *testing.T) {
	m := six()
	st := newState(m, 0)
	st.Phase, st.Self.Incarnation = Hydrating, 2
	c := NewCore(Config{Node: "a"}, st)
	put(t, c, 1, 0)
	if s := c.Sample(); s.Status != proto.StatusHydrating {
		t.Fatalf("sampled with status %d", s.Status)
	}
	answer := func(n proto.NodeID, scl page.LSN) {
		c.BeginReply(n, &proto.LogReply{Status: proto.OK, SCL: scl})
		c.EndReply(n, 0)
	}
	admitted := six()
	admitted.Epoch, admitted.Members[0].Incarnation = 2, 2
	c.InstallMembership(1, &admitted)
	answer("b", 0)
	answer("d", 0)
	answer("f", 0)
	if c.Repaired() {
		t.Fatal("repaired without having heard a full member")
	}
	answer("c", 2)
	if c.Phase() == Active {
		t.Fatal("active below the PG's point")
	}
	put(t, c, 2, 1)
	if c.Phase() != Active || c.Status() != proto.StatusHydrating {
		t.Fatalf("phase %d, status %d before the activation is durable", c.Phase(), c.Status())
	}
	c.StateDurable(c.Version())
	if c.Status() != proto.OK {
		t.Fatalf("status %d after it", c.Status())
	}
}

func TestTailKeepsWhatAFullMemberLacks(t *testing.T) {
	c := newTestCore(1)
	for l := page.LSN(1); l <= 9; l++ {
		put(t, c, l, l-1)
	}
	c.Hear(9, 9)
	for n, scl := range map[proto.NodeID]page.LSN{"a": 9, "c": 5} {
		c.BeginReply(n, &proto.LogReply{SCL: scl})
	}
	if l := c.TailLimit(); l != 0 {
		t.Fatalf("limit %d though a full member is unheard of", l)
	}
	c.BeginReply("e", &proto.LogReply{SCL: 7})
	if l := c.TailLimit(); l != 5 {
		t.Fatalf("limit %d, want 5", l)
	}
	c.cfg.Mutants = MutTailGCAhead
	if l := c.TailLimit(); l != 9 {
		t.Fatalf("the mutant's limit is %d", l)
	}
}

func TestNeeded(t *testing.T) {
	c := newTestCore(0)
	c.SetRetain([]page.LSN{20})
	c.Hear(100, 50)
	c.RaiseHorizon()
	for _, v := range []struct {
		v, n page.LSN
		want bool
	}{{40, 60, true}, {40, 50, false}, {60, proto.MaxLSN, true}, {15, 25, true}, {20, 25, true}, {21, 25, false}, {10, 20, false}} {
		if got := c.Needed(v.v, v.n); got != v.want {
			t.Errorf("Needed(%d, %d) = %v", v.v, v.n, got)
		}
	}
	if l := c.ImageLimit(); l != 0 {
		t.Fatalf("image limit %d above SCL", l)
	}
}

// TestGossipConverges deals a chain out to six cores with loss, duplication and reordering; gossip alone
// must make them all whole, across truncations that some of them sleep through.
func TestGossipConverges(t *testing.T) {
	for seed := uint64(0); seed < 200; seed++ {
		rng := rand.New(rand.NewPCG(seed, 1))
		m := six()
		var cores []*Core
		store := make([]map[page.LSN]Link, len(m.Members))
		for i := range m.Members {
			cores = append(cores, newTestCore(i))
			store[i] = map[page.LSN]Link{}
		}
		var chain []Link
		add := func(lsn page.LSN) {
			l := Link{LSN: lsn}
			if n := len(chain); n > 0 {
				l.PrevPG = chain[n-1].LSN
			}
			chain = append(chain, l)
		}
		deal := func(links []Link) {
			for _, l := range links {
				for i, c := range cores {
					if rng.IntN(3) > 0 && c.Offer(l) {
						store[i][l.LSN] = l
						c.Synced(c.Submit())
					}
				}
			}
		}
		for l := page.LSN(1); l <= 30; l++ {
			add(l)
		}
		deal(chain)
		cut := page.LSN(20 + rng.IntN(10))
		h := history(2<<16, cut, 1000)
		for i, c := range cores {
			if i%2 == 0 {
				c.InstallHistory(&proto.HistoryRequest{Epoch: 2, History: h})
				c.StateDurable(c.Version())
			}
		}
		chain = chain[:cut]
		for l := page.LSN(1001); l <= 1020; l++ {
			add(l)
		}
		deal(chain[cut:])
		serve := func(c *Core, st map[page.LSN]Link, r *proto.LogRequest) (rep proto.LogReply, links []Link) {
			rep.Status = c.CheckLog(r)
			if rep.Status == proto.OK {
				for _, l := range st {
					if l.LSN > r.From && l.LSN <= min(r.To, c.SCL()) && c.History().Live(l.LSN) {
						links = append(links, l)
					}
				}
			}
			c.FillReply(&rep)
			return rep, links
		}
		now := Time(1)
		whole := func() bool {
			for _, c := range cores {
				if c.SCL() != 1020 {
					return false
				}
			}
			return true
		}
		// Somebody must hold each record for gossip to find it.
		for _, l := range chain {
			if cores[0].Offer(l) {
				store[0][l.LSN] = l
			}
			cores[0].Synced(cores[0].Submit())
		}
		for round := 0; !whole(); round++ {
			if round > 200 {
				t.Fatalf("seed %d: not whole after %d rounds", seed, round)
			}
			now += 30e6
			for i, c := range cores {
				for _, a := range c.Tick(now) {
					if rng.IntN(4) == 0 {
						c.LogFailed(a.Peer)
						continue
					}
					j := int(a.Peer[0] - 'a')
					rep, links := serve(cores[j], store[j], a.Log)
					take, need := c.BeginReply(a.Peer, &rep)
					c.StateDurable(need)
					if take {
						for _, l := range links {
							if c.Offer(l) {
								store[i][l.LSN] = l
							}
						}
						c.Synced(c.Submit())
						c.EndReply(a.Peer, now)
					}
				}
			}
			if round > 100 {
				now += 1e9
			}
		}
	}
}

// TestRetainPoints: what a baseline skips is not promised any more, and a stale sender changes nothing.
func TestRetainPoints(t *testing.T) {
	c := newTestCore(0)
	ask := func(version uint64, points ...page.LSN) proto.Status {
		st, _ := c.Retain(&proto.RetainRequest{Epoch: c.Epoch(), History: c.History().Version, Version: version, Points: points})
		return st
	}
	if st := ask(1, 20, 40, 60); st != proto.OK {
		t.Fatalf("status %d", st)
	}
	c.skipRetain(30, 60)
	if got := c.State(0).Retain; len(got) != 2 || got[0] != 20 || got[1] != 60 {
		t.Fatalf("retained %v after a baseline as of 60 over log up to 30", got)
	}
	c.Hear(100, 50)
	c.RaiseHorizon()
	if st := ask(2, 20, 30, 60); st != proto.StatusGone || len(c.State(0).Retain) != 2 {
		t.Fatalf("status %d, retained %v", st, c.State(0).Retain)
	}
	if st, _ := c.Retain(&proto.RetainRequest{Epoch: c.Epoch() - 1, History: c.History().Version, Version: 3}); st != proto.StatusStaleEpoch || len(c.State(0).Retain) != 2 {
		t.Fatalf("a fenced keeper is answered %d, retained %v", st, c.State(0).Retain)
	}
}
