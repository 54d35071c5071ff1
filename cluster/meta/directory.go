package meta

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/zoryadb/zorya/storage/proto"
	"github.com/zoryadb/zorya/storage/transport"
)

// Directory is the address book of the storage nodes, as last heard from etcd. It answers while etcd is down,
// and follows a node that comes back under another address.
type Directory struct {
	mu     sync.RWMutex
	byID   map[proto.NodeID]transport.Place
	change chan struct{} // closed and replaced when an address changes
}

// Follow reads the registered storage nodes and keeps the directory current until ctx ends.
func (s *Store) Follow(ctx context.Context) (*Directory, error) {
	d := &Directory{byID: map[proto.NodeID]transport.Place{}, change: make(chan struct{})}
	tryCtx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	rev, err := d.reload(tryCtx, s)
	if err != nil {
		return nil, err
	}
	go d.watch(ctx, s, rev)
	return d, nil
}

// Place returns where node id listens, as last known.
func (d *Directory) Place(id proto.NodeID) (transport.Place, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	a, ok := d.byID[id]
	return a, ok
}

// Changed is closed at the next change of an address.
func (d *Directory) Changed() <-chan struct{} {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.change
}

func (d *Directory) set(r *Registration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	id, at := proto.NodeID(r.ID), transport.Place{Address: r.Address, Socket: r.Socket}
	if d.byID[id] != at {
		d.byID[id] = at
		close(d.change)
		d.change = make(chan struct{})
	}
}

func (d *Directory) reload(ctx context.Context, s *Store) (rev int64, err error) {
	all, rev, err := s.registrations(ctx, Nodes)
	if err != nil {
		return 0, err
	}
	for i := range all {
		d.set(&all[i])
	}
	return rev, nil
}

// watch follows the registrations from revision rev on. A watch that ends (etcd restarted, history compacted)
// begins again with a full read.
func (d *Directory) watch(ctx context.Context, s *Store, rev int64) {
	for ctx.Err() == nil {
		events := s.client.Watch(ctx, s.keys.registrations(Nodes), clientv3.WithPrefix(), clientv3.WithRev(rev+1))
		for resp := range events {
			if resp.Err() != nil {
				break
			}
			for _, ev := range resp.Events {
				var r Registration
				if ev.Type == clientv3.EventTypePut && json.Unmarshal(ev.Kv.Value, &r) == nil {
					d.set(&r)
				}
			}
		}
		for ctx.Err() == nil {
			tryCtx, cancel := context.WithTimeout(ctx, RequestTimeout)
			next, err := d.reload(tryCtx, s)
			cancel()
			if err == nil {
				rev = next
				break
			}
			slog.Debug("storage node directory is out of touch with the metadata store", "err", err)
			select {
			case <-ctx.Done():
			case <-time.After(retryEvery):
			}
		}
	}
}
