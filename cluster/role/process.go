package role

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/zoryadb/zorya/cluster/meta"
	"github.com/zoryadb/zorya/cluster/pki"
	"github.com/zoryadb/zorya/storage/transport"
)

// Common are the options of every role.
type Common struct {
	ID      string
	Cluster string    // cluster id
	Join    []string  // endpoints of the metadata store
	HTTP    string    // where metrics, health and status are served; port 0 is any
	TLS     pki.Files // of the connections between processes; none: in clear

	LogFormat string // "text" (or empty) or "json"
	LogLevel  slog.Level
}

// ErrFinal marks an error that a restart cannot help.
var ErrFinal = errors.New("cannot start")

// process is what all roles have: signals, supervision, HTTP.
type process struct {
	*supervision
	ctx      context.Context // ends on SIGTERM, SIGINT
	stop     context.CancelFunc
	metrics  *prometheus.Registry
	status   atomic.Pointer[func(context.Context) (any, error)]
	check    atomic.Pointer[http.HandlerFunc] // instances
	healthy  atomic.Bool
	http     net.Listener
	httpURL  string // scheme and address of http
	id       *pki.Identity
	exporter atomic.Pointer[http.Handler] // GET /metrics
}

// Main runs a role to its end and returns the exit status.
func Main(name string, c Common, run func(p *Process) error) int {
	p, err := newProcess(c)
	if err != nil {
		slog.Error("cannot start", "role", name, "err", err)
		return 1
	}
	defer p.stop()
	err = run(&Process{p})
	switch {
	case err == nil || p.ctx.Err() != nil && errors.Is(err, context.Canceled):
		slog.Info("stopped", "role", name)
		return 0
	case errors.Is(err, ErrFinal):
		slog.Error("ended", "role", name, "err", err)
		p.report(Report{Err: err.Error()})
		return ExitFinal
	default:
		slog.Error("ended", "role", name, "err", err)
		p.report(Report{Err: err.Error()})
		return 1
	}
}

// Process is what a role's run function gets.
type Process struct{ *process }

// LogTo sets the process's structured log: lines on stderr, which the supervisor writes to a file.
func LogTo(role string, c Common) error {
	var h slog.Handler
	switch o := (&slog.HandlerOptions{Level: c.LogLevel}); c.LogFormat {
	case "", "text":
		h = slog.NewTextHandler(os.Stderr, o)
	case "json":
		h = slog.NewJSONHandler(os.Stderr, o)
	default:
		return fmt.Errorf("--log-format %q: want text or json", c.LogFormat)
	}
	slog.SetDefault(slog.New(h).With("role", role, "id", c.ID, "pid", os.Getpid()))
	// The supervisor starts /proc/self/exe, which ps and top would show as "exe". Only a display: an error changes nothing.
	_ = os.WriteFile("/proc/self/comm", []byte("zorya "+c.ID), 0)
	return nil
}

func newProcess(c Common) (*process, error) {
	s, err := supervised()
	if err != nil {
		return nil, err
	}
	p := &process{supervision: s, metrics: prometheus.NewRegistry()}
	p.export(p.metrics)
	if p.id, err = c.TLS.Load(); err != nil {
		return nil, err
	}
	p.ctx, p.stop = signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	p.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if err := p.listenHTTP(c.HTTP); err != nil {
		p.stop()
		return nil, err
	}
	go func() {
		srv := &http.Server{Handler: p.handler(), ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10}
		_ = srv.Serve(p.http) // ends with the process
	}()
	return p, nil
}

// listenHTTP is mutual TLS for a process that has certificates, except on loopback, where probes and scrapers of the same
// host need none.
func (p *process) listenHTTP(address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("listen for metrics: %w", err)
	}
	p.http, p.httpURL = l, "http://"+l.Addr().String()
	if p.id != nil && !l.Addr().(*net.TCPAddr).IP.IsLoopback() {
		p.http, p.httpURL = tls.NewListener(l, p.id.Server()), "https://"+l.Addr().String()
	}
	return nil
}

func (p *process) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) { (*p.exporter.Load()).ServeHTTP(w, r) })
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		switch {
		case p.ctx.Err() != nil:
			http.Error(w, "stopping", http.StatusServiceUnavailable)
		case !p.healthy.Load():
			http.Error(w, "starting", http.StatusServiceUnavailable)
		default:
			fmt.Fprintln(w, "ok")
		}
	})
	mux.HandleFunc("GET /status", p.serveStatus)
	mux.HandleFunc("GET /check", func(w http.ResponseWriter, r *http.Request) {
		if fn := p.check.Load(); fn != nil {
			(*fn)(w, r)
			return
		}
		http.Error(w, "starting, or not an instance", http.StatusServiceUnavailable)
	})
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

// export sets what GET /metrics shows.
func (p *process) export(from prometheus.Gatherer) {
	h := promhttp.HandlerFor(from, promhttp.HandlerOpts{})
	p.exporter.Store(&h)
}

func (p *process) serveStatus(w http.ResponseWriter, r *http.Request) {
	fn := p.status.Load()
	if fn == nil {
		http.Error(w, "starting", http.StatusServiceUnavailable)
		return
	}
	v, err := (*fn)(r.Context())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the reader went away
}

// serveStatusFrom sets what GET /status answers.
func (p *process) serveStatusFrom(fn func(context.Context) (any, error)) { p.status.Store(&fn) }

// ready says that the role serves at address.
func (p *process) ready(address string) {
	p.healthy.Store(true)
	p.report(Report{Address: address})
	slog.Info("ready", "address", address, "http", p.httpURL, "tls", p.id != nil)
}

// join opens the metadata store and returns the cluster's record; it retries while etcd is still starting.
func (p *process) join(c Common, pagesPerPG uint32) (*meta.Store, *meta.Cluster, error) {
	if len(c.Join) == 0 {
		return nil, nil, fmt.Errorf("%w: no metadata store given (--join)", ErrFinal)
	}
	store, err := meta.Open(meta.Options{Endpoints: c.Join, Cluster: c.Cluster, TLS: p.id.Client()})
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrFinal, err)
	}
	ctx, cancel := context.WithTimeout(p.ctx, joinTimeout)
	defer cancel()
	cluster, err := store.Ensure(ctx, pagesPerPG)
	if err != nil {
		store.Close()
		if errors.Is(err, meta.ErrNewerFormat) {
			return nil, nil, fmt.Errorf("%w: %w", ErrFinal, err)
		}
		return nil, nil, fmt.Errorf("join cluster %s at %v: %w", c.Cluster, c.Join, err)
	}
	return store, cluster, nil
}

const joinTimeout = 30 * time.Second

// Serve says that the role serves at address and waits until the process is told to stop.
func (p *process) Serve(address string) error {
	p.ready(address)
	<-p.ctx.Done()
	return nil
}

// maxReconnect bounds the pause before a storage node that went away is tried again: a restarted one takes part at
// once.
const maxReconnect = 100 * time.Millisecond

// dataPlane joins the cluster and returns the metadata store and a dialer of its storage nodes.
func (p *process) dataPlane(c Common, pagesPerPG uint32) (*meta.Store, *meta.Cluster, *transport.Book, error) {
	store, cluster, err := p.join(c, pagesPerPG)
	if err != nil {
		return nil, nil, nil, err
	}
	directory, err := store.Follow(p.ctx)
	if err != nil {
		store.Close()
		return nil, nil, nil, fmt.Errorf("find the storage nodes: %w", err)
	}
	return store, cluster, transport.NewBook(directory.Place, transport.Options{MaxBackoff: maxReconnect, TLS: p.id.Client()}), nil
}
