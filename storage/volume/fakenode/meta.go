package fakenode

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/zoryadb/zorya/storage/proto"
)

// Meta is a metadata store in memory that knows one volume. It implements proto.Meta.
type Meta struct {
	f    *Fleet
	Down atomic.Bool

	mu sync.Mutex
	d  proto.Descriptor
}

var _ proto.Meta = (*Meta)(nil)

func (m *Meta) get(v proto.VolumeID) error {
	switch {
	case m.Down.Load():
		return fmt.Errorf("metadata: %w", ErrDown)
	case v != m.d.Volume:
		return proto.ErrNoVolume
	}
	return nil
}

func (m *Meta) copy() *proto.Descriptor {
	d := m.d
	d.PGs = append([]proto.Membership(nil), d.PGs...)
	for i := range d.PGs {
		d.PGs[i].Members = append([]proto.Member(nil), d.PGs[i].Members...)
	}
	return &d
}

// Load implements proto.Meta.
func (m *Meta) Load(ctx context.Context, v proto.VolumeID) (*proto.Descriptor, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.copy(), m.get(v)
}

// NextEpoch implements proto.Meta.
func (m *Meta) NextEpoch(ctx context.Context, v proto.VolumeID, writer string) (*proto.Descriptor, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.get(v); err != nil {
		return nil, err
	}
	m.d.Epoch++
	m.d.Writer = writer
	return m.copy(), nil
}

// AddPG implements proto.Meta.
func (m *Meta) AddPG(ctx context.Context, v proto.VolumeID, epoch uint64, pg proto.PG, ms proto.Membership) (*proto.Descriptor, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.get(v); err != nil {
		return nil, err
	}
	if epoch != m.d.Epoch {
		return nil, proto.ErrFenced
	}
	if int(pg) != len(m.d.PGs) {
		return nil, proto.ErrConflict
	}
	m.d.PGs = append(m.d.PGs, ms)
	return m.copy(), nil
}

// SetMembership implements proto.Meta.
func (m *Meta) SetMembership(ctx context.Context, v proto.VolumeID, epoch uint64, pg proto.PG, ms proto.Membership) (*proto.Descriptor, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.get(v); err != nil {
		return nil, err
	}
	if epoch != m.d.Epoch {
		return nil, proto.ErrFenced
	}
	if ms.Epoch != m.d.PGs[pg].Epoch+1 {
		return nil, proto.ErrConflict
	}
	m.d.PGs[pg] = ms
	return m.copy(), nil
}

// Place implements proto.Meta: the first six nodes, every AZ with a full and a tail.
func (m *Meta) Place(ctx context.Context, v proto.VolumeID, pg proto.PG) (proto.Membership, error) {
	ms := proto.Membership{Epoch: 1, Quorum: proto.SixWay}
	for i := range 6 {
		n := m.f.nodes[(i+int(pg))%len(m.f.nodes)]
		kind := proto.Full
		if i >= 3 {
			kind = proto.Tail
		}
		ms.Members = append(ms.Members, proto.Member{Node: n.ID, AZ: n.AZ, Kind: kind, Incarnation: 1})
	}
	return ms, nil
}
