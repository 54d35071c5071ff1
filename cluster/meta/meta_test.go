package meta_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/zoryadb/zorya/cluster/control"
	"github.com/zoryadb/zorya/cluster/meta"
	"github.com/zoryadb/zorya/storage/proto"
)

var endpoint string // of the one etcd that all tests share; each test has a cluster of its own

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "zorya-meta")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		endpoint = freeAddr()
		s, err := control.Start(context.Background(), control.Options{Dir: dir, Client: endpoint, Peer: freeAddr()})
		if err != nil {
			panic(err)
		}
		defer s.Close()
		return m.Run()
	}())
}

func freeAddr() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer l.Close()
	return l.Addr().String()
}

var clusters struct {
	sync.Mutex
	n int
}

// open returns the store of a cluster that no other test knows, and its volume.
func open(t *testing.T) (*meta.Store, proto.VolumeID) {
	t.Helper()
	clusters.Lock()
	clusters.n++
	id := fmt.Sprintf("test-%d", clusters.n)
	clusters.Unlock()
	s := reopen(t, id)
	c, err := s.Ensure(t.Context(), 64)
	if err != nil {
		t.Fatal(err)
	}
	return s, c.Volume
}

func reopen(t *testing.T, id string) *meta.Store {
	t.Helper()
	s, err := meta.Open(meta.Options{Endpoints: []string{endpoint}, Cluster: id})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func register(t *testing.T, s *meta.Store, n int) {
	t.Helper()
	for i := range n {
		r := meta.Registration{ID: fmt.Sprintf("node-%d", i+1), AZ: fmt.Sprintf("az-%d", i%3+1), Address: fmt.Sprintf("127.0.0.1:%d", 1000+i), PID: i + 1}
		if err := s.Register(t.Context(), meta.Nodes, r); err != nil {
			t.Fatal(err)
		}
	}
}

func TestEnsureIsIdempotent(t *testing.T) {
	s, v := open(t)
	c, err := s.Ensure(t.Context(), 128)
	if err != nil {
		t.Fatal(err)
	}
	if c.Volume != v {
		t.Errorf("a second Ensure made volume %s beside %s", c.Volume, v)
	}
	d, err := s.Load(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	if d.PagesPerPG != 64 || d.Epoch != 0 || len(d.PGs) != 0 || d.Timeline != 1 {
		t.Errorf("new volume: %+v", d)
	}
}

func TestBadClusterNameIsRefused(t *testing.T) {
	for _, id := range []string{"", "Upper", "a/b", "-a", string(make([]byte, 80))} {
		if _, err := meta.Open(meta.Options{Endpoints: []string{endpoint}, Cluster: id}); err == nil {
			t.Errorf("cluster id %q was taken", id)
		}
	}
}

func TestLoadOfUnknownVolume(t *testing.T) {
	s, _ := open(t)
	if _, err := s.Load(t.Context(), proto.VolumeID{1}); !errors.Is(err, proto.ErrNoVolume) {
		t.Errorf("got %v, want ErrNoVolume", err)
	}
}

// Every epoch has one owner, however many processes ask at once.
func TestNextEpochIsGivenOnce(t *testing.T) {
	s, v := open(t)
	const writers = 8
	var wg sync.WaitGroup
	var mu sync.Mutex
	owner := map[uint64]string{}
	for i := range writers {
		wg.Go(func() {
			name := fmt.Sprintf("instance-%d", i)
			d, err := s.NextEpoch(t.Context(), v, name)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if other, taken := owner[d.Epoch]; taken {
				t.Errorf("epoch %d was given to %s and %s", d.Epoch, other, name)
			}
			owner[d.Epoch] = name
		})
	}
	wg.Wait()
	d, err := s.Load(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	if d.Epoch != writers || d.Writer != owner[d.Epoch] {
		t.Errorf("stored epoch %d of %s, want %d of %s", d.Epoch, d.Writer, writers, owner[d.Epoch])
	}
}

func TestFencedWriterCannotChangeTheVolume(t *testing.T) {
	s, v := open(t)
	register(t, s, 6)
	old, err := s.NextEpoch(t.Context(), v, "instance-1")
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.Place(t.Context(), v, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.AddPG(t.Context(), v, old.Epoch, 0, m); err != nil {
		t.Fatal(err)
	}
	if _, err := s.NextEpoch(t.Context(), v, "instance-2"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.AddPG(t.Context(), v, old.Epoch, 1, m); !errors.Is(err, proto.ErrFenced) {
		t.Errorf("AddPG under an old epoch: %v, want ErrFenced", err)
	}
	m.Epoch++
	if _, err := s.SetMembership(t.Context(), v, old.Epoch, 0, m); !errors.Is(err, proto.ErrFenced) {
		t.Errorf("SetMembership under an old epoch: %v, want ErrFenced", err)
	}
}

func TestMembershipChangesOneStepAtATime(t *testing.T) {
	s, v := open(t)
	register(t, s, 6)
	d, err := s.NextEpoch(t.Context(), v, "instance-1")
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.Place(t.Context(), v, 0)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time as if the first answer had been lost
		d, err = s.AddPG(t.Context(), v, d.Epoch, 0, m)
		if err != nil || len(d.PGs) != 1 {
			t.Fatalf("AddPG: %+v, %v", d, err)
		}
	}
	if _, err := s.AddPG(t.Context(), v, d.Epoch, 2, m); !errors.Is(err, proto.ErrConflict) {
		t.Errorf("a gap in the protection groups: %v, want ErrConflict", err)
	}
	next := m
	next.Epoch, next.Members = 3, append([]proto.Member(nil), m.Members...)
	next.Members[2].Incarnation = 7
	if _, err := s.SetMembership(t.Context(), v, d.Epoch, 0, next); !errors.Is(err, proto.ErrConflict) {
		t.Errorf("a skipped membership epoch: %v, want ErrConflict", err)
	}
	next.Epoch = 2
	for range 2 {
		if _, err := s.SetMembership(t.Context(), v, d.Epoch, 0, next); err != nil {
			t.Fatal(err)
		}
	}
	other := next
	other.Members = m.Members
	if _, err := s.SetMembership(t.Context(), v, d.Epoch, 0, other); !errors.Is(err, proto.ErrConflict) {
		t.Errorf("another membership under a taken epoch: %v, want ErrConflict", err)
	}
	d, err = s.Load(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	if got := d.PGs[0].Members[2].Incarnation; got != 7 {
		t.Errorf("stored incarnation %d, want 7", got)
	}
}

func TestPlaceSpreadsOverZonesAndLoad(t *testing.T) {
	s, v := open(t)
	register(t, s, 6)
	d, err := s.NextEpoch(t.Context(), v, "instance-1")
	if err != nil {
		t.Fatal(err)
	}
	full := map[proto.NodeID]int{}
	for pg := range proto.PG(4) {
		m, err := s.Place(t.Context(), v, pg)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.AddPG(t.Context(), v, d.Epoch, pg, m); err != nil {
			t.Fatal(err)
		}
		count := map[string]int{}
		nodes := map[proto.NodeID]bool{}
		for _, member := range m.Members {
			count[fmt.Sprint(member.AZ, member.Kind)]++
			nodes[member.Node] = true
			if member.Kind == proto.Full {
				full[member.Node]++
			}
		}
		if len(nodes) != 6 || len(count) != 6 {
			t.Errorf("protection group %d is not one full and one tail a zone on six nodes: %+v", pg, m.Members)
		}
	}
	for id, n := range full {
		if n != 2 {
			t.Errorf("%s holds %d full segments of 4 groups, want 2", id, n)
		}
	}
}

func TestPlaceNeedsThreeZones(t *testing.T) {
	s, v := open(t)
	register(t, s, 5)
	if _, err := s.Place(t.Context(), v, 0); !errors.Is(err, meta.ErrTooFewNodes) {
		t.Errorf("got %v, want ErrTooFewNodes", err)
	}
}

func TestRegistrationOutlivesItsProcess(t *testing.T) {
	s, _ := open(t)
	ctx, stop := context.WithCancel(t.Context())
	r := meta.Registration{ID: "node-1", AZ: "az-1", Address: "127.0.0.1:4000"}
	if err := s.Register(ctx, meta.Nodes, r); err != nil {
		t.Fatal(err)
	}
	dir, err := s.Follow(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if at, _ := dir.Place("node-1"); at.Address != r.Address {
		t.Errorf("address %q, want %q", at.Address, r.Address)
	}
	stop()
	waitFor(t, "the node no longer counts as alive", func() bool {
		all, err := s.Registrations(t.Context(), meta.Nodes)
		return err == nil && len(all) == 1 && !all[0].Alive
	})

	changed := dir.Changed()
	r.Address = "127.0.0.1:4001"
	if err := s.Register(t.Context(), meta.Nodes, r); err != nil {
		t.Fatal(err)
	}
	<-changed
	if at, _ := dir.Place("node-1"); at.Address != r.Address {
		t.Errorf("address %q after the move, want %q", at.Address, r.Address)
	}
}

func waitFor(t *testing.T, what string, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for !cond() {
		if time.Now().After(deadline) {
			t.Fatalf("timed out waiting: %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
