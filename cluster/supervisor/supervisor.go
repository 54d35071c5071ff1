package supervisor

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"gopkg.in/natefinch/lumberjack.v2"

	"github.com/zoryadb/zorya/cluster/meta"
	"github.com/zoryadb/zorya/cluster/pki"
)

// Options of a cluster.
type Options struct {
	Dir        string
	Cluster    string // id of a new cluster
	Bind       string // address MySQL is served on
	Port       int
	Password   string    // of the MySQL user admin; empty: the one on file, else a generated one
	Etcd       []string  // endpoints of an external metadata store; none: embedded
	PoolBytes  int64     // buffer pool of the instance; 0: its default
	PagesPerPG uint32    // geometry of a new volume; 0: 10 GiB
	TLS        bool      // mutual TLS between the cluster's processes
	TLSFiles   pki.Files // with these, else with an authority made in Dir
	Extra      []string  // more arguments for the instance, as `zorya instance` takes them
	Out        io.Writer
}

// Supervisor runs one cluster.
type Supervisor struct {
	o        Options
	layout   Layout
	state    *State
	lock     *os.File
	mysql    *listener
	reset    bool // the instance is to set admin's password anew
	passNote string

	mu       sync.Mutex
	children map[string]*child
	order    []string // of start; the reverse is the order of stop
	cancel   map[string]context.CancelFunc
}

// Run starts the cluster, writes `ready` and how to connect to o.Out, and runs until ctx ends; then it stops all
// children in order.
func Run(ctx context.Context, o Options) error {
	s := &Supervisor{
		o: o, layout: Layout{Dir: o.Dir},
		children: map[string]*child{}, cancel: map[string]context.CancelFunc{},
	}
	if !meta.ValidName(o.Cluster) {
		return fmt.Errorf("cluster id %q: want 1 to 63 lower-case letters, digits and hyphens", o.Cluster)
	}
	var err error
	if s.lock, err = s.layout.acquire(); err != nil {
		return err
	}
	defer s.lock.Close()
	if err := s.prepare(); err != nil {
		return err
	}
	defer s.mysql.Close()
	log := &lumberjack.Logger{Filename: s.layout.log("supervisor"), MaxSize: logSizeMB, MaxBackups: logBackups}
	defer log.Close()
	slog.SetDefault(slog.New(slog.NewTextHandler(log, nil)).With("role", "supervisor", "pid", os.Getpid()))

	admin, err := s.serveAdmin()
	if err != nil {
		return err
	}
	defer admin.Close()
	defer s.stopAll()
	begun := time.Now()
	if err := s.startAll(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	slog.Info("cluster is ready", "after", time.Since(begun))
	s.greet()
	<-ctx.Done()
	slog.Info("stopping")
	return nil
}

// prepare reads or makes the directory's state, takes the MySQL port and settles the password.
func (s *Supervisor) prepare() error {
	for _, d := range []string{"log", "nodes", "instances"} {
		if err := os.MkdirAll(filepath.Join(s.layout.Dir, d), 0o700); err != nil {
			return fmt.Errorf("create cluster directory: %w", err)
		}
	}
	state, err := s.layout.LoadState()
	switch {
	case errors.Is(err, ErrNoCluster):
		state = newState(s.o)
	case err != nil:
		return err
	case len(s.o.Etcd) > 0 && !slices.Equal(s.o.Etcd, state.Etcd):
		return fmt.Errorf("%s: the cluster's metadata is in %v, not in the etcd given: %v", s.layout.Dir, state.Endpoints(), s.o.Etcd)
	}
	s.state = state
	state.TLS = s.o.TLSFiles
	if s.o.TLS && state.TLS.IsZero() {
		if state.TLS, err = pki.Issue(s.layout.pki(), "zorya", "127.0.0.1", "localhost"); err != nil {
			return err
		}
	}
	if _, err := state.TLS.Load(); err != nil {
		return err
	}
	address := net.JoinHostPort(s.o.Bind, strconv.Itoa(s.o.Port))
	if s.mysql, err = listen(address); err != nil {
		return err
	}
	for i := range state.Instances {
		state.Instances[i].Address = s.mysql.Address()
	}
	if err := state.assignPorts(); err != nil {
		return err
	}
	if err := s.settlePassword(); err != nil {
		return err
	}
	return s.layout.saveState(state)
}

func newState(o Options) *State {
	s := &State{Format: FormatVersion, Cluster: o.Cluster, Created: time.Now().UTC(), Etcd: o.Etcd}
	for i := range 6 {
		s.Nodes = append(s.Nodes, Node{ID: fmt.Sprintf("node-%d", i+1), AZ: fmt.Sprintf("az-%d", i/2+1)})
	}
	s.Instances = []Node{{ID: "instance-1", AZ: "az-1"}}
	return s
}

// settlePassword leaves the password of admin in its file.
func (s *Supervisor) settlePassword() error {
	path := s.layout.PasswordFile()
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read password of admin: %w", err)
	}
	fresh := errors.Is(err, fs.ErrNotExist)
	password := s.o.Password
	switch {
	case password == "" && !fresh:
		s.passNote = path
		return nil
	case password == "":
		var b [18]byte
		if _, err := rand.Read(b[:]); err != nil {
			return fmt.Errorf("generate password of admin: %w", err)
		}
		password = base64.RawURLEncoding.EncodeToString(b[:])
		s.passNote = path
	case strings.TrimRight(string(old), "\n") == password:
		return nil
	default:
		s.reset = !fresh
	}
	return writeDurably(path, []byte(password+"\n"))
}

// startAll starts control, then everything else at once, and returns when the instances serve. A storage node that
// does not come up is reported and does not hold the cluster back: that is what the quorum is for.
func (s *Supervisor) startAll(ctx context.Context) error {
	if len(s.state.Etcd) == 0 {
		if err := s.await(ctx, s.start(s.controlSpec())); err != nil {
			return err
		}
	}
	var nodes, instances []*child
	for _, n := range s.state.Nodes {
		nodes = append(nodes, s.start(s.storageSpec(n)))
	}
	for _, n := range s.state.Instances {
		instances = append(instances, s.start(s.instanceSpec(n)))
	}
	for _, c := range instances {
		if err := s.await(ctx, c); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, nodePatience)
	defer cancel()
	for _, c := range nodes {
		if err := c.waitAvailable(ctx); err != nil {
			fmt.Fprintf(s.o.Out, "storage node is missing: %v\n", err)
		}
	}
	return nil
}

const (
	// nodePatience is how long `ready` waits for storage nodes when the instance already serves.
	nodePatience = 5 * time.Second
	// reportEvery is the time between lines that say what a start waits for.
	reportEvery = 10 * time.Second
)

// await waits until a child serves, saying now and then what it waits for: a cluster that lost its quorum becomes
// ready when the missing nodes are back. It fails when the child has failed for good.
func (s *Supervisor) await(ctx context.Context, c *child) error {
	for {
		tryCtx, cancel := context.WithTimeout(ctx, reportEvery)
		err := c.waitAvailable(tryCtx)
		cancel()
		if err == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		for _, now := range s.list() {
			if now.Status != StatusAvailable {
				fmt.Fprintf(s.o.Out, "waiting for %s (%s) %s\n", now.ID, now.Status, now.Error)
			}
		}
	}
}

func (s *Supervisor) start(sp spec) *child {
	ctx, cancel := context.WithCancel(context.Background())
	c := newChild(sp)
	s.mu.Lock()
	s.children[sp.id] = c
	s.order = append(s.order, sp.id)
	s.cancel[sp.id] = cancel
	s.mu.Unlock()
	go c.run(ctx)
	return c
}

// stopAll stops instances, then storage nodes, then control: each finds below it what it needs to stop cleanly.
func (s *Supervisor) stopAll() {
	for _, role := range []string{RoleInstance, RoleStorage, RoleControl} {
		var stopping []*child
		s.mu.Lock()
		for _, id := range s.order {
			if c := s.children[id]; c.spec.role == role {
				s.cancel[id]()
				stopping = append(stopping, c)
			}
		}
		s.mu.Unlock()
		for _, c := range stopping {
			<-c.done
		}
	}
}

func (s *Supervisor) greet() {
	host, port, _ := net.SplitHostPort(s.mysql.Address())
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	fmt.Fprintf(s.o.Out, "ready\n\nConnect (TLS is offered, user admin):\n  mariadb -h %s -P %s -u admin -p\n  zorya sql --dir %s\n", host, port, s.layout.Dir)
	if s.passNote != "" {
		fmt.Fprintf(s.o.Out, "The password of admin is in %s\n", s.passNote)
	}
	fmt.Fprintf(s.o.Out, "Look:  zorya status --dir %s\n", s.layout.Dir)
}

func (s *Supervisor) common(id string) []string {
	return append([]string{"--id", id, "--cluster", s.state.Cluster, "--join", strings.Join(s.state.Endpoints(), ",")}, s.tls()...)
}

func (s *Supervisor) tls() []string {
	f := s.state.TLS
	if f.IsZero() {
		return nil
	}
	return []string{"--tls-ca", f.CA, "--tls-cert", f.Cert, "--tls-key", f.Key}
}

func (s *Supervisor) controlSpec() spec {
	a := s.state.Control
	return spec{
		id: "control", role: RoleControl, address: a.Client, log: s.layout.log("control"),
		args: append([]string{"control", "--cluster", s.state.Cluster, "--dir", s.layout.control(), "--listen", a.Client, "--peer", a.Peer,
			"--pages-per-pg", strconv.FormatUint(uint64(s.o.PagesPerPG), 10)}, s.tls()...),
	}
}

func (s *Supervisor) storageSpec(n Node) spec {
	return spec{
		id: n.ID, role: RoleStorage, az: n.AZ, address: n.Address, log: s.layout.log(n.ID),
		args: append([]string{"storage", "--dir", s.layout.node(n.ID), "--az", n.AZ, "--listen", n.Address}, s.common(n.ID)...),
	}
}

func (s *Supervisor) instanceSpec(n Node) spec {
	args := append([]string{"instance", "--dir", s.layout.instance(n.ID), "--az", n.AZ,
		"--password-file", s.layout.PasswordFile(), "--pages-per-pg", strconv.FormatUint(uint64(s.o.PagesPerPG), 10)}, s.common(n.ID)...)
	if s.o.PoolBytes > 0 {
		args = append(args, "--pool", strconv.FormatInt(s.o.PoolBytes, 10))
	}
	if len(s.layout.Socket()) <= maxSocketPath {
		args = append(args, "--socket", s.layout.Socket())
	}
	if s.reset {
		args = append(args, "--reset-password")
	}
	return spec{
		id: n.ID, role: RoleInstance, az: n.AZ, address: n.Address, log: s.layout.log(n.ID),
		args: append(args, s.o.Extra...), listen: s.mysql.File, unlisten: s.mysql.Close,
	}
}
