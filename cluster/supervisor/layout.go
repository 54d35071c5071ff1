package supervisor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/zoryadb/zorya/cluster/pki"
)

// FormatVersion is the version of the cluster directory's layout.
const FormatVersion = 1

// Errors of a cluster directory.
var (
	ErrRunning     = errors.New("a cluster is already running in this directory")
	ErrNotRunning  = errors.New("no cluster is running in this directory")
	ErrNewerFormat = errors.New("the directory was written by a newer version of zorya")
	ErrNoCluster   = errors.New("no cluster in this directory")
	ErrNotEmpty    = errors.New("the directory is not empty and holds no cluster")
)

// State is what cluster.json holds: what a later `up` has to do alike.
type State struct {
	Format    int       `json:"format"`
	Cluster   string    `json:"cluster"`
	Created   time.Time `json:"created"`
	Etcd      []string  `json:"etcd,omitempty"` // external endpoints; none: embedded
	TLS       pki.Files `json:"tls,omitzero"`   // of mutual TLS between the processes; none: in clear
	Control   Control   `json:"control"`
	Nodes     []Node    `json:"nodes"`
	Instances []Node    `json:"instances"`
}

// Control is where the embedded etcd listens.
type Control struct {
	Client string `json:"client"`
	Peer   string `json:"peer"`
}

// Node is a storage node or an instance.
type Node struct {
	ID      string `json:"id"`
	AZ      string `json:"az"`
	Address string `json:"address"`
}

// Endpoints are those of the metadata store.
func (s *State) Endpoints() []string {
	if len(s.Etcd) > 0 {
		return s.Etcd
	}
	return []string{s.Control.Client}
}

// Layout names the files of a cluster directory.
type Layout struct{ Dir string }

func (l Layout) state() string         { return filepath.Join(l.Dir, "cluster.json") }
func (l Layout) lock() string          { return filepath.Join(l.Dir, "lock") }
func (l Layout) socket() string        { return filepath.Join(l.Dir, "supervisor.sock") }
func (l Layout) control() string       { return filepath.Join(l.Dir, "control") }
func (l Layout) node(id string) string { return filepath.Join(l.Dir, "nodes", id) }
func (l Layout) log(id string) string  { return filepath.Join(l.Dir, "log", id+".log") }
func (l Layout) instance(id string) string {
	return filepath.Join(l.Dir, "instances", id)
}

// pki holds the authority of mutual TLS and the one certificate that all processes under a supervisor show, unless others
// were given.
func (l Layout) pki() string { return filepath.Join(l.Dir, "pki") }

// Socket is where the writer serves MySQL to local clients.
func (l Layout) Socket() string { return filepath.Join(l.Dir, "mysql.sock") }

// maxSocketPath is what fits a socket address, its final zero aside.
const maxSocketPath = 107

// PasswordFile holds the password of the MySQL user admin, 0600.
func (l Layout) PasswordFile() string { return filepath.Join(l.Dir, "admin-password") }

// NodeDir is the data directory of a storage node.
func (l Layout) NodeDir(id string) string { return l.node(id) }

// LoadState reads cluster.json.
func (l Layout) LoadState() (*State, error) {
	b, err := os.ReadFile(l.state())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", l.Dir, ErrNoCluster)
	}
	if err != nil {
		return nil, fmt.Errorf("read cluster state: %w", err)
	}
	var s State
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("decode %s: %w", l.state(), err)
	}
	if s.Format > FormatVersion {
		return nil, fmt.Errorf("%s: %w: format %d, this version reads up to %d", l.Dir, ErrNewerFormat, s.Format, FormatVersion)
	}
	return &s, nil
}

// saveState replaces cluster.json durably.
func (l Layout) saveState(s *State) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("encode cluster state: %w", err)
	}
	return writeDurably(l.state(), append(b, '\n'))
}

// writeDurably replaces a 0600 file so that a crash leaves the old or the new contents.
func writeDurably(path string, b []byte) error {
	tmp := path + ".new"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// acquire takes the directory for this process until the file is closed.
func (l Layout) acquire() (*os.File, error) {
	if err := os.MkdirAll(l.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("create cluster directory: %w", err)
	}
	if err := l.refuseForeign(); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(l.lock(), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock of cluster directory: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			pid, _ := os.ReadFile(l.lock())
			return nil, fmt.Errorf("%s: %w (pid %s)", l.Dir, ErrRunning, strings.TrimSpace(string(pid)))
		}
		return nil, fmt.Errorf("lock cluster directory %s: %w", l.Dir, err)
	}
	if err := f.Truncate(0); err == nil {
		_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("write lock of cluster directory: %w", err)
		}
	}
	return f, nil
}

// refuseForeign keeps a mistyped --dir from filling somebody's directory.
func (l Layout) refuseForeign() error {
	entries, err := os.ReadDir(l.Dir)
	if err != nil {
		return fmt.Errorf("read cluster directory: %w", err)
	}
	for _, e := range entries {
		switch e.Name() {
		case "cluster.json", "cluster.json.new", "lock", "admin-password", "admin-password.new":
			return nil
		}
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s: %w", l.Dir, ErrNotEmpty)
	}
	return nil
}
