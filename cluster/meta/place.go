package meta

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/zoryadb/zorya/storage/proto"
)

// ErrTooFewNodes means that the living storage nodes cannot hold a protection group.
var ErrTooFewNodes = errors.New("too few storage nodes")

// Candidate is a storage node that may take a segment.
type Candidate struct {
	ID    proto.NodeID
	AZ    string
	Full  int // full segments it holds already
	Tails int
}

// azs is how many availability zones a protection group spans; each holds one full and one tail segment.
const azs = 3

// Place implements proto.Meta: over living nodes, least loaded first.
func (s *Store) Place(ctx context.Context, v proto.VolumeID, pg proto.PG) (proto.Membership, error) {
	nodes, err := s.candidates(ctx)
	if err != nil {
		return proto.Membership{}, fmt.Errorf("place protection group %s/%d: %w", v, pg, err)
	}
	m, err := Layout(nodes)
	if err != nil {
		return proto.Membership{}, fmt.Errorf("place protection group %s/%d: %w", v, pg, err)
	}
	return m, nil
}

// Layout chooses the members of a new protection group: in each of the three least loaded AZs one full and
// one tail segment, on two different nodes. Ties fall to the lower id, so that it is a function of its input.
func Layout(nodes []Candidate) (proto.Membership, error) {
	byAZ := map[string][]Candidate{}
	for _, n := range nodes {
		byAZ[n.AZ] = append(byAZ[n.AZ], n)
	}
	type pair struct {
		az         string
		full, tail Candidate
		load       int
	}
	var pairs []pair
	for az, in := range byAZ {
		if len(in) < 2 {
			continue
		}
		// The node with the fewest full segments takes the full one; of the others the least loaded takes the tail.
		slices.SortFunc(in, func(a, b Candidate) int {
			return cmp.Or(a.Full-b.Full, a.Tails-b.Tails, strings.Compare(string(a.ID), string(b.ID)))
		})
		p := pair{az: az, full: in[0]}
		rest := in[1:]
		slices.SortFunc(rest, func(a, b Candidate) int {
			return cmp.Or(a.Full+a.Tails-b.Full-b.Tails, strings.Compare(string(a.ID), string(b.ID)))
		})
		p.tail = rest[0]
		p.load = p.full.Full + p.full.Tails + p.tail.Full + p.tail.Tails
		pairs = append(pairs, p)
	}
	if len(pairs) < azs {
		return proto.Membership{}, fmt.Errorf("%w: a protection group needs two living nodes in each of %d availability zones, there are %d nodes in %d zones",
			ErrTooFewNodes, azs, len(nodes), len(byAZ))
	}
	slices.SortFunc(pairs, func(a, b pair) int { return cmp.Or(a.load-b.load, strings.Compare(a.az, b.az)) })
	m := proto.Membership{Epoch: 1, Quorum: proto.SixWay}
	for _, p := range pairs[:azs] {
		m.Members = append(m.Members, proto.Member{Node: p.full.ID, AZ: p.az, Kind: proto.Full, Incarnation: 1})
	}
	for _, p := range pairs[:azs] {
		m.Members = append(m.Members, proto.Member{Node: p.tail.ID, AZ: p.az, Kind: proto.Tail, Incarnation: 1})
	}
	return m, nil
}

// candidates are the living nodes with what all volumes have placed on them.
func (s *Store) candidates(ctx context.Context) ([]Candidate, error) {
	nodes, err := s.Registrations(ctx, Nodes)
	if err != nil {
		return nil, err
	}
	resp, err := s.client.Get(ctx, s.keys.volumes(), clientv3.WithPrefix())
	if err != nil {
		return nil, fmt.Errorf("read memberships: %w", err)
	}
	full, tails := map[proto.NodeID]int{}, map[proto.NodeID]int{}
	for _, kv := range resp.Kvs {
		if !strings.Contains(string(kv.Key), "/pg/") {
			continue
		}
		var m proto.Membership
		if err := json.Unmarshal(kv.Value, &m); err != nil {
			return nil, fmt.Errorf("decode %s: %w", kv.Key, err)
		}
		for _, member := range m.Members {
			if member.Kind == proto.Full {
				full[member.Node]++
			} else {
				tails[member.Node]++
			}
		}
	}
	var out []Candidate
	for _, n := range nodes {
		if id := proto.NodeID(n.ID); n.Alive {
			out = append(out, Candidate{ID: id, AZ: n.AZ, Full: full[id], Tails: tails[id]})
		}
	}
	return out, nil
}
