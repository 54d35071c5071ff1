// Package control runs the embedded metadata store: one etcd server in this process, for a cluster that
// brings no etcd of its own. Nothing else in Zorya knows that it is embedded; all code speaks to it
// through the etcd client (cluster/meta).
//
// What it keeps: every acknowledged change survives kill -9 (etcd's log is fsynced; UnsafeNoFsync is
// never set), memory and disk are bounded (history is compacted after ten minutes, the log is cut every 5,000
// entries, the data may not grow beyond 256 MiB).
package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/zoryadb/zorya/cluster/pki"
)

// Options start a Server.
type Options struct {
	Dir    string    // data directory, created if absent
	Client string    // host:port that clients connect to
	Peer   string    // host:port reserved for further members; a single member never uses it
	TLS    pki.Files // with them only members of the cluster may connect; none: in clear
}

// Server is a running embedded etcd.
type Server struct {
	etcd *embed.Etcd
}

// ErrStart means that etcd did not get ready.
var ErrStart = errors.New("embedded etcd did not start")

// StartTimeout bounds the start. An etcd that recovers a full log takes about a second.
const StartTimeout = 30 * time.Second

const (
	quotaBytes    = 256 << 20
	snapshotEvery = 5000
)

// Start runs etcd and returns when it serves.
func Start(ctx context.Context, o Options) (*Server, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("create control directory: %w", err)
	}
	for _, a := range []string{o.Client, o.Peer} { // etcd reports a busy port only in its own log
		l, err := net.Listen("tcp", a)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrStart, err)
		}
		l.Close()
	}
	cfg, err := config(o)
	if err != nil {
		return nil, err
	}
	e, err := embed.StartEtcd(cfg)
	if err != nil {
		return nil, fmt.Errorf("%w in %s: %w", ErrStart, o.Dir, err)
	}
	timeout := time.NewTimer(StartTimeout)
	defer timeout.Stop()
	select {
	case <-e.Server.ReadyNotify():
		return &Server{etcd: e}, nil
	case err = <-e.Err():
	case <-timeout.C:
		err = fmt.Errorf("not ready after %v", StartTimeout)
	case <-ctx.Done():
		err = ctx.Err()
	}
	e.Close()
	return nil, fmt.Errorf("%w in %s: %w", ErrStart, o.Dir, err)
}

// Err delivers the error that ends the server, if one does.
func (s *Server) Err() <-chan error { return s.etcd.Err() }

// Close stops the server.
func (s *Server) Close() { s.etcd.Close() }

func config(o Options) (*embed.Config, error) {
	client, peer := url.URL{Scheme: "http", Host: o.Client}, url.URL{Scheme: "http", Host: o.Peer}
	cfg := embed.NewConfig()
	if !o.TLS.IsZero() {
		client.Scheme, peer.Scheme = "https", "https"
		t := transport.TLSInfo{CertFile: o.TLS.Cert, KeyFile: o.TLS.Key, TrustedCAFile: o.TLS.CA, ClientCertAuth: true}
		cfg.ClientTLSInfo, cfg.PeerTLSInfo = t, t
	}
	cfg.Name = "control"
	cfg.Dir = filepath.Join(o.Dir, "etcd")
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)
	cfg.InitialClusterToken = "zorya"

	// A single member elects itself: short ticks make a restart ready in half a second.
	cfg.TickMs, cfg.ElectionMs = 20, 200

	cfg.SnapshotCount = snapshotEvery
	cfg.MaxSnapFiles, cfg.MaxWalFiles = 2, 2
	cfg.QuotaBackendBytes = quotaBytes
	cfg.AutoCompactionMode, cfg.AutoCompactionRetention = "periodic", "10m"

	logger, err := logger()
	if err != nil {
		return nil, fmt.Errorf("log of embedded etcd: %w", err)
	}
	cfg.ZapLoggerBuilder = embed.NewZapLoggerBuilder(logger)
	cfg.Logger = "zap"
	return cfg, cfg.Validate()
}

// logger writes etcd's warnings to stderr, where the rest of this process's log goes.
func logger() (*zap.Logger, error) {
	c := zap.NewProductionConfig()
	c.Level = zap.NewAtomicLevelAt(zapcore.WarnLevel)
	c.OutputPaths, c.ErrorOutputPaths = []string{"stderr"}, []string{"stderr"}
	c.EncoderConfig.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	return c.Build()
}
