// Package status tells what a cluster is doing: it puts together what the supervisor knows of its children, what
// is registered in the metadata store and what each process says of itself, and shows it as JSON (the
// stable form) or as a table.
//
// It never fails because a part is down: what cannot be asked is shown as such.
package status

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/zoryadb/zorya/cluster/meta"
	"github.com/zoryadb/zorya/cluster/pki"
	"github.com/zoryadb/zorya/cluster/role"
	"github.com/zoryadb/zorya/cluster/supervisor"
	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
)

// Status is the whole answer.
type Status struct {
	Cluster      Cluster       `json:"cluster"`
	Instances    []Instance    `json:"instances"`
	StorageNodes []StorageNode `json:"storage_nodes"`
}

// Cluster is the cluster as a whole.
type Cluster struct {
	ID          string   `json:"id"`
	Status      string   `json:"status"`
	Writer      string   `json:"writer"` // instance id, empty while there is none
	VolumeEpoch uint64   `json:"volume_epoch"`
	VCL         page.LSN `json:"vcl"`
	VDL         page.LSN `json:"vdl"`

	ProtectionGroups int    `json:"protection_groups"`
	MembershipEpoch  uint64 `json:"membership_epoch"` // the highest of the groups: it grows with each segment that gets a new life
}

// Statuses of a cluster: Available when the writer serves and every protection group has a write quorum,
// Degraded when the writer serves but writes wait for a quorum.
const (
	Available = "available"
	Degraded  = "degraded"
	Starting  = "starting"
	Stopped   = "stopped"
)

// Unreachable is the status of a process that is registered but does not answer.
const Unreachable = "unreachable"

// Instance is one MySQL server.
type Instance struct {
	ID      string `json:"id"`
	Role    string `json:"role"`
	Address string `json:"address"`
	PID     int    `json:"pid"`
	Status  string `json:"status"`
}

// StorageNode is one storage node.
type StorageNode struct {
	ID        string   `json:"id"`
	AZ        string   `json:"az"`
	Address   string   `json:"address"`
	PID       int      `json:"pid"`
	Status    string   `json:"status"`
	Segments  int      `json:"segments"`
	SCLLag    page.LSN `json:"scl_lag"`   // LSNs by which its worst segment is behind the furthest one of that group
	Repairing int      `json:"repairing"` // segments that are being refilled from peers
	Gaps      int      `json:"gaps"`      // segments that miss records below the newest one they have seen
	Damaged   uint64   `json:"damaged"`   // blocks whose checksum failed since the node's start
	Repairs   uint64   `json:"repairs"`   // of them, mended

	QueueBytes uint64 `json:"queue_bytes"` // persisted, not yet organised
	LogBytes   uint64 `json:"log_bytes"`   // in segment files
	ImageBytes uint64 `json:"image_bytes"`
	DiskFree   uint64 `json:"disk_free"`
}

// askTimeout bounds one question to one process.
const askTimeout = time.Second

// Source is where to look.
type Source struct {
	Endpoints []string          // of the metadata store
	Cluster   string            // cluster id
	Admin     *supervisor.Admin // nil: no supervisor on this machine
	Identity  *pki.Identity     // for a cluster with mutual TLS; nil: in clear
}

// Local is the source for a cluster directory.
func Local(dir string) (Source, error) {
	layout := supervisor.Layout{Dir: dir}
	state, err := layout.LoadState()
	if err != nil {
		return Source{}, err
	}
	src := Source{Endpoints: state.Endpoints(), Cluster: state.Cluster, Admin: supervisor.NewAdmin(layout)}
	src.Identity, err = state.TLS.Load()
	return src, err
}

// observed is what could be learnt, before it is put together.
type observed struct {
	children   map[string]supervisor.Child
	supervised bool
	nodes      []meta.Registration
	instances  []meta.Registration
	volume     *proto.Descriptor
	nodeInfo   map[string]*proto.NodeInfo
	instance   map[string]*role.InstanceStatus
}

// Get asks everybody and puts the answers together.
func Get(ctx context.Context, src Source) (*Status, error) {
	o := observed{children: map[string]supervisor.Child{}, nodeInfo: map[string]*proto.NodeInfo{}, instance: map[string]*role.InstanceStatus{}}
	if src.Admin != nil {
		children, err := src.Admin.Children(ctx)
		o.supervised = err == nil
		for _, c := range children {
			o.children[c.ID] = c
		}
	}
	if o.supervised || src.Admin == nil {
		if err := o.readMeta(ctx, src); err != nil && src.Admin == nil {
			return nil, err
		}
		o.ask(ctx, asker(src.Identity))
	}
	return o.assemble(src.Cluster), nil
}

func (o *observed) readMeta(ctx context.Context, src Source) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	store, err := meta.Open(meta.Options{Endpoints: src.Endpoints, Cluster: src.Cluster, TLS: src.Identity.Client()})
	if err != nil {
		return err
	}
	defer store.Close()
	if o.nodes, err = store.Registrations(ctx, meta.Nodes); err != nil {
		return err
	}
	if o.instances, err = store.Registrations(ctx, meta.Instances); err != nil {
		return err
	}
	cluster, err := store.Cluster(ctx)
	if err != nil {
		return err
	}
	o.volume, err = store.Load(ctx, cluster.Volume)
	return err
}

// ask asks every registered process for its own account, all at once.
func (o *observed) ask(ctx context.Context, by *http.Client) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, r := range o.nodes {
		wg.Go(func() {
			var info proto.NodeInfo
			if get(ctx, by, r.HTTP, &info) == nil && string(info.Node) == r.ID {
				mu.Lock()
				defer mu.Unlock()
				o.nodeInfo[r.ID] = &info
			}
		})
	}
	for _, r := range o.instances {
		wg.Go(func() {
			var st role.InstanceStatus
			if get(ctx, by, r.HTTP, &st) == nil && st.ID == r.ID {
				mu.Lock()
				defer mu.Unlock()
				o.instance[r.ID] = &st
			}
		})
	}
	wg.Wait()
}

// asker is who asks: with a certificate in a cluster that wants one.
func asker(id *pki.Identity) *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: id.Client(), DisableKeepAlives: true}}
}

func get(ctx context.Context, by *http.Client, address string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/status", nil)
	if err != nil {
		return err
	}
	resp, err := by.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", address, resp.Status)
	}
	return json.NewDecoder(io.LimitReader(resp.Body, 64<<20)).Decode(into)
}

// Writer finds where the writer serves its status, and how to ask there.
func Writer(ctx context.Context, src Source) (by *http.Client, url string, err error) {
	var o observed
	if err := o.readMeta(ctx, src); err != nil {
		return nil, "", fmt.Errorf("find the writer: %w", err)
	}
	by = asker(src.Identity)
	for _, r := range o.instances {
		var st role.InstanceStatus
		actx, cancel := context.WithTimeout(ctx, askTimeout)
		err := get(actx, by, r.HTTP, &st)
		cancel()
		if err == nil && st.ID == r.ID && st.Role == meta.Writer {
			return by, r.HTTP, nil
		}
	}
	return nil, "", fmt.Errorf("find the writer: none of %d registered instances answers as one", len(o.instances))
}
