package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Actions on a child.
const (
	ActionStop  = "stop"  // end it and hold it down
	ActionStart = "start" // let it run again
	ActionKill  = "kill"  // kill -9; it is restarted at once
	ActionCrash = "crash" // kill -9, and hold it down
)

// actionTimeout bounds an action: a stop may take its grace.
const actionTimeout = stopGrace + 10*time.Second

// serveAdmin listens on the cluster directory's socket. Who may open the directory may administer.
func (s *Supervisor) serveAdmin() (io.Closer, error) {
	if err := os.Remove(s.layout.socket()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("remove old admin socket: %w", err)
	}
	var l net.Listener
	err := s.layout.viaShortPath(func(path string) (err error) {
		l, err = net.Listen("unix", path)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listen on admin socket: %w", err)
	}
	if err := os.Chmod(s.layout.socket(), 0o600); err != nil {
		l.Close()
		return nil, fmt.Errorf("protect admin socket: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /children", func(w http.ResponseWriter, _ *http.Request) { reply(w, s.list()) })
	mux.HandleFunc("POST /children/{id}/{action}", s.act)
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = srv.Serve(l) }() // until Close
	return srv, nil
}

// viaShortPath calls fn with a path of the admin socket that fits a socket address (107 bytes), however long the
// cluster directory's is.
func (l Layout) viaShortPath(fn func(path string) error) error {
	if len(l.socket()) < 100 {
		return fn(l.socket())
	}
	d, err := os.Open(l.Dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return fn(fmt.Sprintf("/proc/self/fd/%d/%s", d.Fd(), filepath.Base(l.socket())))
}

func (s *Supervisor) list() []Child {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Child{}
	for _, id := range s.order {
		c, _ := s.children[id].snapshot()
		out = append(out, c)
	}
	return out
}

func (s *Supervisor) act(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	c := s.children[r.PathValue("id")]
	s.mu.Unlock()
	if c == nil {
		http.Error(w, fmt.Sprintf("no process %q in this cluster", r.PathValue("id")), http.StatusNotFound)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), actionTimeout)
	defer cancel()
	var err error
	switch r.PathValue("action") {
	case ActionStop:
		err = c.hold(ctx)
	case ActionStart:
		err = c.release(ctx)
	case ActionKill:
		err = c.kill(false)
	case ActionCrash:
		if err = c.kill(true); err == nil {
			err = c.hold(ctx)
		}
	default:
		http.Error(w, "unknown action "+r.PathValue("action"), http.StatusNotFound)
		return
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	now, _ := c.snapshot()
	reply(w, now)
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the asker went away
}

// Admin speaks to the supervisor of a cluster directory.
type Admin struct{ http http.Client }

// NewAdmin returns a client. It connects with each request.
func NewAdmin(l Layout) *Admin {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var conn net.Conn
		err := l.viaShortPath(func(path string) (err error) {
			conn, err = (&net.Dialer{}).DialContext(ctx, "unix", path)
			return err
		})
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
			return nil, fmt.Errorf("%s: %w", l.Dir, ErrNotRunning)
		}
		return conn, err
	}
	return &Admin{http: http.Client{Timeout: actionTimeout + 5*time.Second, Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}}
}

// Children lists what the supervisor runs.
func (a *Admin) Children(ctx context.Context) ([]Child, error) {
	var out []Child
	err := a.do(ctx, http.MethodGet, "/children", &out)
	return out, err
}

// Do performs an action on a child and returns its state after it.
func (a *Admin) Do(ctx context.Context, id, action string) (Child, error) {
	var out Child
	err := a.do(ctx, http.MethodPost, "/children/"+id+"/"+action, &out)
	return out, err
}

func (a *Admin) do(ctx context.Context, method, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, "http://supervisor"+path, nil)
	if err != nil {
		return err
	}
	resp, err := a.http.Do(req)
	if err != nil {
		if errors.Is(err, ErrNotRunning) {
			return unwrapURL(err)
		}
		return fmt.Errorf("ask the supervisor: %w", err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 4<<20))
	if err != nil {
		return fmt.Errorf("ask the supervisor: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return errors.New(strings.TrimSpace(string(b)))
	}
	return json.Unmarshal(b, into)
}

// unwrapURL drops net/http's account of a URL that means nothing to a user.
func unwrapURL(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}
