package role

import (
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/zoryadb/zorya/cluster/control"
	"github.com/zoryadb/zorya/cluster/meta"
)

// ControlOptions configure the control role.
type ControlOptions struct {
	Common
	Dir        string
	Listen     string // etcd's client address
	Peer       string // etcd's peer address
	PagesPerPG uint32 // geometry of a volume that is created; 0: 10 GiB
}

// Control runs the embedded metadata store until the process is told to stop.
func Control(p *Process, o ControlOptions) error {
	p.export(prometheus.DefaultGatherer) // etcd's own metrics are there, beside those of the process
	srv, err := control.Start(p.ctx, control.Options{Dir: o.Dir, Client: o.Listen, Peer: o.Peer, TLS: o.TLS})
	if err != nil {
		return err
	}
	defer srv.Close()
	o.Join = []string{o.Listen}
	store, cluster, err := p.join(o.Common, o.PagesPerPG)
	if err != nil {
		return err
	}
	defer store.Close()
	slog.Info("metadata store is up", "cluster", cluster.ID, "volume", cluster.Volume.String(), "format", meta.FormatVersion)
	p.ready(o.Listen)
	select {
	case <-p.ctx.Done():
		return nil
	case err := <-srv.Err():
		return fmt.Errorf("embedded etcd: %w", err)
	}
}
