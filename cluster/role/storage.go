package role

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/zoryadb/zorya/base/vfs"
	"github.com/zoryadb/zorya/cluster/meta"
	"github.com/zoryadb/zorya/storage/node"
	"github.com/zoryadb/zorya/storage/proto"
	"github.com/zoryadb/zorya/storage/transport"
)

// StorageOptions configure a storage node.
type StorageOptions struct {
	Common
	Dir    string
	AZ     string
	Listen string // data plane
}

// storageHeap is the soft limit of a storage node's heap: its indexes and buffers are bounded well below, what is
// above is garbage.
const storageHeap = 320 << 20

// The update queue is small enough that six new nodes on one disk are ready in a second, and large enough to take a burst of
// 128 MiB before it pushes back.
const (
	queueFile  = 16 << 20
	queueFiles = 8
)

// NodeOptions are those of a storage node that its place in a cluster does not decide.
func NodeOptions(dir string, id proto.NodeID) node.Options {
	return node.Options{Dir: dir, FS: vfs.OS{}, ID: id, Logger: slog.Default(), QueueFileBytes: queueFile, QueueFiles: queueFiles}
}

// SpareProcessor gives Go's runtime one processor more than it has, for a process that is a storage node. The runtime looks at sockets when a
// processor of its own has nothing to do, or every ten milliseconds: while ingest and background keep all of them busy, a page read that has come is not
// noticed. The one more waits for input, and the kernel, which shares out the real ones, lets first who has slept.
func SpareProcessor() { runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1) }

// Storage runs one storage node until the process is told to stop.
func Storage(p *Process, o StorageOptions) error {
	if !meta.ValidName(o.AZ) {
		return fmt.Errorf("%w: availability zone %q: want 1 to 63 lower-case letters, digits and hyphens", ErrFinal, o.AZ)
	}
	debug.SetMemoryLimit(storageHeap)
	SpareProcessor()
	listener, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return fmt.Errorf("listen for the data plane: %w", err)
	}
	defer listener.Close()
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return fmt.Errorf("create directory of storage node: %w", err)
	}
	store, _, book, err := p.dataPlane(o.Common, 0)
	if err != nil {
		return err
	}
	defer store.Close()
	defer book.Close()
	no := NodeOptions(o.Dir, proto.NodeID(o.ID))
	no.AZ, no.Dialer, no.Registry = o.AZ, book, p.metrics
	n, err := node.Open(no)
	if errors.Is(err, node.ErrNewerFormat) {
		return fmt.Errorf("%w: %w", ErrFinal, err)
	}
	if err != nil {
		return err
	}
	defer func() {
		if err := n.Shutdown(); err != nil {
			slog.Error("stop of storage node", "err", err)
		}
	}()
	p.serveStatusFrom(func(ctx context.Context) (any, error) { return n.Info(ctx) })

	served := make(chan error, 2)
	serveCtx, stop := context.WithCancel(context.Background())
	serve := func(l net.Listener) {
		go func() { served <- transport.Serve(serveCtx, l, n, transport.Options{TLS: p.id.Server()}) }()
	}
	serving, socket := 1, ""
	if local, err := transport.ListenLocal(o.Dir); err == nil {
		serving, socket = 2, local.Addr().String()
		serve(local)
	} else {
		slog.Warn("no data socket for processes of this host, they come by TCP", "err", err)
	}
	serve(listener)
	defer func() {
		stop()
		for range serving {
			<-served
		}
	}()
	address := listener.Addr().String()
	r := meta.Registration{ID: o.ID, AZ: o.AZ, Address: address, Socket: socket, HTTP: p.httpURL, PID: os.Getpid(), Started: time.Now().UTC()}
	if err := store.Register(p.ctx, meta.Nodes, r); err != nil {
		return err
	}
	p.ready(address)
	select {
	case <-p.ctx.Done():
		return nil
	case err := <-served:
		serving--
		return fmt.Errorf("serve the data plane: %w", err)
	}
}
