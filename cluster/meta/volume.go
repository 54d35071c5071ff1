package meta

import (
	"context"
	"encoding/json"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/zoryadb/zorya/storage/proto"
)

var _ proto.Meta = (*Store)(nil)

// head is the part of a volume's descriptor that is one for the whole volume. Its revision in etcd guards every
// change of the volume.
type head struct {
	Timeline   uint32 `json:"timeline"`
	Epoch      uint64 `json:"epoch"`
	Writer     string `json:"writer"`
	PagesPerPG uint32 `json:"pages_per_pg"`
}

// stored is a descriptor with the revisions that a compare-and-swap needs.
type stored struct {
	proto.Descriptor
	headRev int64
	pgRev   []int64
}

func (d *stored) head() head {
	return head{Timeline: d.Timeline, Epoch: d.Epoch, Writer: d.Writer, PagesPerPG: d.PagesPerPG}
}

// casRetries bounds the attempts to raise an epoch that others raise at the same time.
const casRetries = 16

// Load implements proto.Meta.
func (s *Store) Load(ctx context.Context, v proto.VolumeID) (*proto.Descriptor, error) {
	d, err := s.load(ctx, v)
	if err != nil {
		return nil, err
	}
	return &d.Descriptor, nil
}

func (s *Store) load(ctx context.Context, v proto.VolumeID) (*stored, error) {
	resp, err := s.client.Get(ctx, s.keys.volume(v), clientv3.WithPrefix())
	if err != nil {
		return nil, fmt.Errorf("load volume %s: %w", v, err)
	}
	d := &stored{Descriptor: proto.Descriptor{Volume: v}}
	for _, kv := range resp.Kvs { // in key order: head, then the PGs ascending
		if string(kv.Key) == s.keys.head(v) {
			var h head
			if err := json.Unmarshal(kv.Value, &h); err != nil {
				return nil, fmt.Errorf("decode %s: %w", kv.Key, err)
			}
			d.Timeline, d.Epoch, d.Writer, d.PagesPerPG = h.Timeline, h.Epoch, h.Writer, h.PagesPerPG
			d.headRev = kv.ModRevision
			continue
		}
		pg, err := parsePG(kv.Key)
		if err != nil {
			return nil, err
		}
		if int(pg) != len(d.PGs) {
			return nil, fmt.Errorf("volume %s: membership of protection group %d is missing", v, len(d.PGs))
		}
		var m proto.Membership
		if err := json.Unmarshal(kv.Value, &m); err != nil {
			return nil, fmt.Errorf("decode %s: %w", kv.Key, err)
		}
		d.PGs = append(d.PGs, m)
		d.pgRev = append(d.pgRev, kv.ModRevision)
	}
	if d.headRev == 0 {
		return nil, fmt.Errorf("load volume %s: %w", v, proto.ErrNoVolume)
	}
	return d, nil
}

// NextEpoch implements proto.Meta.
func (s *Store) NextEpoch(ctx context.Context, v proto.VolumeID, writer string) (*proto.Descriptor, error) {
	for range casRetries {
		d, err := s.load(ctx, v)
		if err != nil {
			return nil, err
		}
		d.Epoch++
		d.Writer = writer
		resp, err := s.client.Txn(ctx).
			If(clientv3.Compare(clientv3.ModRevision(s.keys.head(v)), "=", d.headRev)).
			Then(clientv3.OpPut(s.keys.head(v), encode(d.head()))).
			Commit()
		if err != nil {
			return nil, fmt.Errorf("raise the epoch of volume %s: %w", v, err)
		}
		if resp.Succeeded {
			return &d.Descriptor, nil
		}
	}
	return nil, fmt.Errorf("raise the epoch of volume %s: %w", v, proto.ErrConflict)
}

// AddPG implements proto.Meta. The same addition again (after an answer that was lost) succeeds.
func (s *Store) AddPG(ctx context.Context, v proto.VolumeID, epoch uint64, pg proto.PG, m proto.Membership) (*proto.Descriptor, error) {
	d, err := s.loadUnder(ctx, v, epoch)
	if err != nil {
		return nil, err
	}
	if int(pg) < len(d.PGs) && sameMembership(d.PGs[pg], m) {
		return &d.Descriptor, nil
	}
	if int(pg) != len(d.PGs) {
		return nil, fmt.Errorf("append protection group %d to volume %s, which has %d: %w", pg, v, len(d.PGs), proto.ErrConflict)
	}
	return s.putPG(ctx, d, pg, m, 0)
}

// SetMembership implements proto.Meta. The same change again succeeds.
func (s *Store) SetMembership(ctx context.Context, v proto.VolumeID, epoch uint64, pg proto.PG, m proto.Membership) (*proto.Descriptor, error) {
	d, err := s.loadUnder(ctx, v, epoch)
	if err != nil {
		return nil, err
	}
	if int(pg) >= len(d.PGs) {
		return nil, fmt.Errorf("change protection group %d of volume %s, which has %d: %w", pg, v, len(d.PGs), proto.ErrConflict)
	}
	if sameMembership(d.PGs[pg], m) {
		return &d.Descriptor, nil
	}
	if m.Epoch != d.PGs[pg].Epoch+1 {
		return nil, fmt.Errorf("change protection group %d of volume %s from membership epoch %d to %d: %w", pg, v, d.PGs[pg].Epoch, m.Epoch, proto.ErrConflict)
	}
	return s.putPG(ctx, d, pg, m, d.pgRev[pg])
}

// loadUnder loads a volume for a change by the writer of epoch.
func (s *Store) loadUnder(ctx context.Context, v proto.VolumeID, epoch uint64) (*stored, error) {
	d, err := s.load(ctx, v)
	if err != nil {
		return nil, err
	}
	if d.Epoch != epoch {
		return nil, fmt.Errorf("volume %s is at epoch %d (writer %s), not %d: %w", v, d.Epoch, d.Writer, epoch, proto.ErrFenced)
	}
	return d, nil
}

// putPG stores a membership if neither the head nor the PG's key (revision rev, 0: absent) has changed since d.
func (s *Store) putPG(ctx context.Context, d *stored, pg proto.PG, m proto.Membership, rev int64) (*proto.Descriptor, error) {
	v := d.Volume
	key := s.keys.pg(v, pg)
	resp, err := s.client.Txn(ctx).
		If(
			clientv3.Compare(clientv3.ModRevision(s.keys.head(v)), "=", d.headRev),
			clientv3.Compare(clientv3.ModRevision(key), "=", rev),
		).
		Then(clientv3.OpPut(key, encode(m))).
		Commit()
	if err != nil {
		return nil, fmt.Errorf("store the membership of %s/%d: %w", v, pg, err)
	}
	if !resp.Succeeded {
		if _, err := s.loadUnder(ctx, v, d.Epoch); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("store the membership of %s/%d: %w", v, pg, proto.ErrConflict)
	}
	if rev == 0 {
		d.PGs = append(d.PGs, m)
	} else {
		d.PGs[pg] = m
	}
	return &d.Descriptor, nil
}

func sameMembership(a, b proto.Membership) bool {
	if a.Epoch != b.Epoch || a.Quorum != b.Quorum || len(a.Members) != len(b.Members) {
		return false
	}
	for i := range a.Members {
		if a.Members[i] != b.Members[i] {
			return false
		}
	}
	return true
}
