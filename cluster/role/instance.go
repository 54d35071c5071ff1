package role

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zoryadb/zorya/cluster/meta"
	"github.com/zoryadb/zorya/engine"
	"github.com/zoryadb/zorya/engine/extsort"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/collate"
	"github.com/zoryadb/zorya/sql/extract"
	"github.com/zoryadb/zorya/sql/general"
	"github.com/zoryadb/zorya/sql/logs"
	"github.com/zoryadb/zorya/sql/perfschema"
	"github.com/zoryadb/zorya/sql/session"
	"github.com/zoryadb/zorya/sql/wire"
	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
	"github.com/zoryadb/zorya/storage/volume"
)

// InstanceOptions configure an instance.
type InstanceOptions struct {
	Common
	Dir            string // TLS certificate
	AZ             string
	Tier           int    // promotion tier, 0 (first) to 15
	Listen         string // MySQL; unused when a supervisor hands a socket down
	Socket         string // path of a unix socket to serve MySQL on too; empty: none
	PoolBytes      int64  // buffer pool; 0: 256 MiB
	PasswordFile   string // of the user admin
	ResetPassword  bool   // set admin's password anew
	RequireTLS     bool
	MaxConnections int    // 0: 16,000
	PagesPerPG     uint32 // geometry of a volume that is created
}

// InstanceStatus is what an instance says of itself at GET /status.
type InstanceStatus struct {
	ID          string   `json:"id"`
	Role        string   `json:"role"` // meta.Writer or meta.Reader
	Volume      string   `json:"volume"`
	VolumeEpoch uint64   `json:"volume_epoch"`
	VCL         page.LSN `json:"vcl"`
	VDL         page.LSN `json:"vdl"`
	Records     uint64   `json:"redo_records"` // since the start
	RedoBytes   uint64   `json:"redo_bytes"`
	Frames      uint64   `json:"frames"` // sent to storage nodes, all of them together, heartbeats too

	Links []volume.LinkStats `json:"links"` // the writer's view of each storage node
}

const (
	defaultPool = 256 << 20
	// instanceHeap is the soft limit of an instance's heap beside the buffer pool, which is not on the heap.
	instanceHeap = 384 << 20
	// instanceGC lets a small heap grow before it is collected; instanceHeap bounds what that costs.
	instanceGC = 400
	// drainTimeout bounds how long statements that run at SIGTERM may take to end.
	drainTimeout = 10 * time.Second

	adminUser = "admin"
)

// Instance runs a MySQL server over the cluster's volume until the process is told to stop or the volume is lost
// to another writer.
func Instance(p *Process, o InstanceOptions) error {
	debug.SetMemoryLimit(instanceHeap)
	debug.SetGCPercent(instanceGC)
	begun := time.Now()
	written, err := o.openLogs()
	if err != nil {
		return err
	}
	defer written.queries.Close()
	listener, err := p.mysqlListener(o.Listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	store, cluster, book, err := p.dataPlane(o.Common, o.PagesPerPG)
	if err != nil {
		return err
	}
	defer store.Close()
	defer book.Close()
	joined := time.Now()
	vol, err := volume.Open(p.ctx, volume.Config{Volume: cluster.Volume, Writer: o.ID, Meta: store, Dialer: book})
	if err != nil {
		return err
	}
	defer vol.Close()
	opened := time.Now()
	pool := o.PoolBytes
	if pool == 0 {
		pool = defaultPool
	}
	temp := extsort.Temp{Dir: filepath.Join(o.Dir, "tmp")}
	if err := temp.Clean(); err != nil {
		return err
	}
	db, err := engine.Open(p.ctx, vol, engine.Options{PoolBytes: pool, Collations: collate.For, Extract: extract.For, Logger: slog.Default(), Temp: temp})
	if err != nil {
		return err
	}
	defer db.Close()
	srv, err := o.serveSQL(p, db, vol, cluster, book, listener, written, temp)
	if err != nil {
		return err
	}
	vol.Queued(srv.Queued)
	p.metrics.MustRegister(&instanceMetrics{db: db}, vol.Collector())
	p.serveStatusFrom(func(context.Context) (any, error) { return o.status(cluster, vol), nil })
	check := serveCheck(db)
	p.check.Store(&check)

	served := make(chan error, 2)
	go func() { served <- srv.Serve(listener) }()
	if local, err := listenLocal(o.Socket); err != nil {
		return err
	} else if local != nil {
		defer local.Close()
		go func() { served <- srv.Serve(local) }()
	}
	address := listener.Addr().String()
	slog.Info("open", "volume", cluster.Volume.String(), "epoch", vol.Epoch(), "join", joined.Sub(begun), "recover", opened.Sub(joined), "engine", time.Since(opened))
	p.ready(address)
	r := meta.Registration{ID: o.ID, AZ: o.AZ, Role: meta.Writer, Tier: o.Tier, Address: address, HTTP: p.httpURL, PID: os.Getpid(), Started: time.Now().UTC()}
	if err := store.Register(p.ctx, meta.Instances, r); err != nil {
		return err
	}
	select {
	case <-p.ctx.Done():
		ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
		defer cancel()
		return srv.Shutdown(ctx)
	case err := <-served:
		return fmt.Errorf("serve MySQL: %w", err)
	case err := <-lost(vol):
		return fmt.Errorf("volume: %w", err)
	}
}

// lost delivers the error with which the volume becomes unusable.
func lost(vol volume.Volume) <-chan error {
	c := make(chan error, 1)
	vol.OnDurable(proto.MaxLSN, func(err error) { c <- err })
	return c
}

// mysqlListener is the supervisor's socket, else one of its own.
func (p *process) mysqlListener(address string) (net.Listener, error) {
	if p.listener != nil {
		return p.listener, nil
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for MySQL: %w", err)
	}
	return l, nil
}

// listenLocal makes the unix socket, in the place of one that a killed process left behind. Anybody on the host may connect to it, as to
// MySQL's: accounts decide.
func listenLocal(path string) (net.Listener, error) {
	if path == "" {
		return nil, nil
	}
	if st, err := os.Lstat(path); err == nil && st.Mode()&os.ModeSocket != 0 {
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("remove old socket: %w", err)
		}
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen for MySQL: %w", err)
	}
	if err := os.Chmod(path, 0o777); err != nil {
		l.Close()
		return nil, fmt.Errorf("listen for MySQL: %w", err)
	}
	return l, nil
}

// serverLogs are what an instance writes into its directory.
type serverLogs struct {
	queries *logs.Logs
	errors  *logs.ErrorLog
}

// openLogs opens the logs; from here on the process's log goes to the error log too.
func (o *InstanceOptions) openLogs() (l serverLogs, err error) {
	port := 0
	if _, text, err := net.SplitHostPort(o.Listen); err == nil {
		port, _ = strconv.Atoi(text)
	}
	if l.queries, err = logs.Open(logs.Options{Dir: o.Dir, Version: general.DefaultVersion, Host: o.ID, Server: 1, Port: port, Socket: o.Socket}); err != nil {
		return l, err
	}
	l.errors = logs.OpenErrorLog(filepath.Join(o.Dir, "mysql-error.log"), slog.Default().Handler())
	slog.SetDefault(slog.New(l.errors))
	return l, nil
}

// serveSQL puts the SQL wing over the engine.
func (o *InstanceOptions) serveSQL(p *Process, db table.DB, vol *volume.Client, cluster *meta.Cluster, book proto.Dialer, l net.Listener, written serverLogs, temp extsort.Temp) (*session.Server, error) {
	tls, err := wire.LoadOrMakeTLS(filepath.Join(o.Dir, "tls"), "localhost", "127.0.0.1")
	if err != nil {
		return nil, fmt.Errorf("certificate for MySQL clients: %w", err)
	}
	_, portText, _ := net.SplitHostPort(l.Addr().String())
	port, _ := strconv.Atoi(portText)
	performance := perfschema.New()
	var srv *session.Server // made last: nobody asks before it serves
	lane, err := general.New(db, general.Options{
		ServerID: o.ID, Port: port, DataDir: o.Dir + "/", Socket: o.Socket,
		Processes:  func() []general.Process { return srv.Processes() },
		TableLocks: func() []table.MetadataLockInfo { return srv.TableLocks() },
		Status: func() map[string]uint64 {
			if srv == nil {
				return nil
			}
			return addStatus(srv.Status(), db, vol)
		},
		StatusTexts: func() map[string]string { return srv.StatusTexts() },
		Performance: performance,
		Logs:        written.queries, ErrorLog: written.errors,
		Temp: temp, MemoryLimit: statementMemory(),
		Tables: []general.InfoTable{storageNodes(vol), segments(p.ctx, vol, cluster.Volume, book)},
	})
	if err != nil {
		return nil, err
	}
	if err := o.ensureAdmin(p.ctx, lane); err != nil {
		return nil, err
	}
	srv, err = session.New(db, session.General(lane), session.Options{
		TLS: tls, RequireTLS: o.RequireTLS, MaxConnections: o.MaxConnections, OnShutdown: p.stop, Registerer: p.metrics, Logs: written.queries,
		Performance: performance,
	})
	return srv, err
}

// statementMemory is what all statements together may hold unless @@global_connection_memory_limit says otherwise: a quarter of the machine's
// memory, of which the storage nodes and the page cache want the rest.
func statementMemory() uint64 {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return 0
	}
	return max(info.Totalram*uint64(info.Unit)/4, 64<<20)
}

// ensureAdmin creates the user admin in a new volume, and sets its password anew when asked to. Afterwards the
// account is the users' own: ALTER USER is not undone by a restart.
func (o *InstanceOptions) ensureAdmin(ctx context.Context, lane *general.Engine) error {
	if _, exists := lane.Lookup(adminUser, "localhost"); exists && !o.ResetPassword {
		return nil
	}
	if o.PasswordFile == "" {
		return fmt.Errorf("%w: the volume has no user %s yet: give its password (--password-file)", ErrFinal, adminUser)
	}
	b, err := os.ReadFile(o.PasswordFile)
	if err != nil {
		return fmt.Errorf("%w: read password of %s: %w", ErrFinal, adminUser, err)
	}
	password := strings.TrimRight(string(b), "\r\n")
	if password == "" {
		return fmt.Errorf("%w: the password of %s is empty", ErrFinal, adminUser)
	}
	if err := lane.EnsureAdmin(ctx, adminUser, "caching_sha2_password", wire.HashCachingSHA2(password)); err != nil {
		return fmt.Errorf("create user %s: %w", adminUser, err)
	}
	return nil
}

func (o *InstanceOptions) status(c *meta.Cluster, vol *volume.Client) InstanceStatus {
	s := vol.Stats()
	return InstanceStatus{
		ID: o.ID, Role: meta.Writer, Volume: c.Volume.String(), VolumeEpoch: s.Epoch, VCL: s.VCL, VDL: s.VDL,
		Records: s.Records, RedoBytes: s.Bytes, Frames: s.Frames, Links: s.Nodes,
	}
}
