package meta

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Kind of a registered process.
type Kind string

// Kinds.
const (
	Nodes     Kind = "nodes"
	Instances Kind = "instances"
)

// Roles of an instance.
const (
	Writer = "writer"
	Reader = "reader"
)

// Registration says where a process of the cluster is to be found.
type Registration struct {
	ID      string    `json:"id"`
	AZ      string    `json:"az,omitempty"`
	Role    string    `json:"role,omitempty"`   // of an instance: Writer or Reader
	Tier    int       `json:"tier,omitempty"`   // promotion tier of an instance, 0 to 15
	Address string    `json:"address"`          // storage: data plane; instance: MySQL
	Socket  string    `json:"socket,omitempty"` // storage: Unix-domain socket of the data plane, for processes of the same host
	HTTP    string    `json:"http"`             // URL of /metrics, /healthz, /status; loopback unless told otherwise
	PID     int       `json:"pid"`
	Started time.Time `json:"started"`

	Alive bool `json:"-"` // its lease had not run out when it was read
}

// LeaseTTL is after how long without a renewal a process no longer counts as alive. Placement and
// status lean on it, the data plane does not.
const LeaseTTL = 5 * time.Second

// Register stores r and keeps its lease alive until ctx ends, re-registering when the lease was lost
// (etcd was away for longer than LeaseTTL). The first registration is complete when Register returns.
func (s *Store) Register(ctx context.Context, kind Kind, r Registration) error {
	if !ValidName(r.ID) {
		return fmt.Errorf("register %s %q: want 1 to 63 lower-case letters, digits and hyphens", kind, r.ID)
	}
	tryCtx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	lease, err := s.register(tryCtx, kind, r)
	if err != nil {
		return err
	}
	go s.renew(ctx, kind, r, lease)
	return nil
}

// startTimeout bounds the first request of something that goes on until its context ends: etcd may itself be starting.
const startTimeout = 30 * time.Second

// retryEvery paces attempts to reach a metadata store that is away.
const retryEvery = 200 * time.Millisecond

// renew keeps a registration's lease alive until ctx ends, then gives it up.
func (s *Store) renew(ctx context.Context, kind Kind, r Registration, lease clientv3.LeaseID) {
	for {
		if renewals, err := s.client.KeepAlive(ctx, lease); err == nil {
			for range renewals { // one a third of the TTL; the channel closes when the lease is lost
			}
		}
		if ctx.Err() != nil {
			revokeCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			_, _ = s.client.Revoke(revokeCtx, lease) // else it runs out by itself
			return
		}
		for {
			tryCtx, cancel := context.WithTimeout(ctx, RequestTimeout)
			next, err := s.register(tryCtx, kind, r)
			cancel()
			if err == nil {
				slog.Info("registered again after the lease was lost", "id", r.ID)
				lease = next
				break
			}
			if ctx.Err() != nil {
				return
			}
			slog.Warn("cannot register", "id", r.ID, "err", err)
			select {
			case <-ctx.Done():
				return
			case <-time.After(retryEvery):
			}
		}
	}
}

// register writes both keys, one of them under a new lease.
func (s *Store) register(ctx context.Context, kind Kind, r Registration) (clientv3.LeaseID, error) {
	lease, err := s.client.Grant(ctx, int64(LeaseTTL/time.Second))
	if err != nil {
		return 0, fmt.Errorf("register %s %s: %w", kind, r.ID, err)
	}
	_, err = s.client.Txn(ctx).Then(
		clientv3.OpPut(s.keys.registration(kind, r.ID), encode(r)),
		clientv3.OpPut(s.keys.alive(kind, r.ID), "", clientv3.WithLease(lease.ID)),
	).Commit()
	if err != nil {
		return 0, fmt.Errorf("register %s %s: %w", kind, r.ID, err)
	}
	return lease.ID, nil
}

// Registrations lists the registered processes of a kind, by id.
func (s *Store) Registrations(ctx context.Context, kind Kind) ([]Registration, error) {
	all, _, err := s.registrations(ctx, kind)
	return all, err
}

// registrations also returns the revision of the answer, from which a watch misses nothing.
func (s *Store) registrations(ctx context.Context, kind Kind) ([]Registration, int64, error) {
	prefix, alive := s.keys.registrations(kind), s.keys.alive(kind, "")
	resp, err := s.client.Txn(ctx).Then(
		clientv3.OpGet(prefix, clientv3.WithPrefix()),
		clientv3.OpGet(alive, clientv3.WithPrefix(), clientv3.WithKeysOnly()),
	).Commit()
	if err != nil {
		return nil, 0, fmt.Errorf("list %s: %w", kind, err)
	}
	living := map[string]bool{}
	for _, kv := range resp.Responses[1].GetResponseRange().Kvs {
		living[strings.TrimPrefix(string(kv.Key), alive)] = true
	}
	var out []Registration
	for _, kv := range resp.Responses[0].GetResponseRange().Kvs {
		var r Registration
		if err := json.Unmarshal(kv.Value, &r); err != nil {
			return nil, 0, fmt.Errorf("decode %s: %w", kv.Key, err)
		}
		r.Alive = living[r.ID]
		out = append(out, r)
	}
	return out, resp.Header.Revision, nil
}
