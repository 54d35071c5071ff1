package transport

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/zoryadb/zorya/base/socket"
)

// Place is where a node is to be found.
type Place struct {
	Address string // host:port
	Socket  string // path of its Unix-domain socket, for those on the same host; may be empty
}

// Processes of one host and one user speak over a Unix-domain socket: no TCP, no TLS. What keeps others out is the kernel: the socket lies in a
// directory that only its owner may enter, and either side asks for the other's user and accepts none but its own, who could read the
// node's files and the cluster's keys all the same. The name is random and new at each start, so a path that was heard of
// from another host, or from a former life, leads nowhere rather than to another node.
const (
	socketPrefix = "data-"
	socketSuffix = ".sock"
	maxSocket    = 107 // bytes of a path that fit into sockaddr_un
)

// ListenLocal listens on a new Unix-domain socket in dir, which must be its owner's alone, and removes those that former processes left:
// the caller must hold dir's lock. The socket's path is the listener's address; closing the listener removes it.
func ListenLocal(dir string) (net.Listener, error) {
	fi, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	if fi.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("listen in %s: others may enter it (mode %#o)", dir, fi.Mode().Perm())
	}
	old, err := filepath.Glob(filepath.Join(dir, socketPrefix+"*"+socketSuffix))
	if err != nil {
		return nil, err
	}
	for _, o := range old {
		if err := os.Remove(o); err != nil {
			return nil, err
		}
	}
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	path := filepath.Join(dir, socketPrefix+hex.EncodeToString(b[:])+socketSuffix)
	if len(path) > maxSocket {
		return nil, fmt.Errorf("listen on %s: a socket's path has at most %d bytes", path, maxSocket)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// dialLocal connects to a node's socket, if there is one on this host. Whoever gets an error goes by TCP.
func dialLocal(ctx context.Context, path string) (net.Conn, error) {
	if len(path) > maxSocket || !strings.HasPrefix(filepath.Base(path), socketPrefix) {
		return nil, fmt.Errorf("%q is no node's socket", path)
	}
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	return quiet(c)
}

// quiet returns the connection by which to talk to a process of our user on this host. It closes c if it fails.
func quiet(c net.Conn) (net.Conn, error) {
	if err := sameUser(c); err != nil {
		c.Close()
		return nil, err
	}
	return socket.NewLocal(c.(*net.UnixConn))
}

// isLocal reports whether a connection is a Unix-domain socket's.
func isLocal(c net.Conn) bool {
	_, ok := c.(*net.UnixConn)
	return ok
}

// sameUser fails unless the process at the other end of c runs as our user.
func sameUser(c net.Conn) error {
	raw, err := c.(*net.UnixConn).SyscallConn()
	if err != nil {
		return err
	}
	var peer *unix.Ucred
	if e := raw.Control(func(fd uintptr) { peer, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); e != nil {
		return e
	}
	if err != nil {
		return fmt.Errorf("ask for the peer's user: %w", err)
	}
	if int(peer.Uid) != os.Geteuid() {
		return fmt.Errorf("peer runs as user %d, not %d", peer.Uid, os.Geteuid())
	}
	return nil
}
