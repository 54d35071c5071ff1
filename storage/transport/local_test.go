package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/zoryadb/zorya/storage/proto"
)

func serveLocal(t testing.TB, n proto.Node, dir string) (path string) {
	t.Helper()
	l, err := ListenLocal(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, l, n, Options{TLS: &tls.Config{}}) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// TestLocal: who is on the node's host comes by its socket, without TLS; who does not find the socket comes by TCP.
func TestLocal(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := ListenLocal(dir); err == nil {
		t.Fatal("listens where others may enter")
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(dir, "data-0.sock")
	if err := os.WriteFile(left, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	local, remote := &stub{}, &stub{}
	path := serveLocal(t, local, dir)
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("the socket of a former process is still there: %v", err)
	}
	if fi, err := os.Stat(path); err != nil || fi.Mode().Perm() != 0o600 {
		t.Fatal(fi.Mode(), err)
	}
	addr, _ := serve(t, remote, Options{})
	place := Place{Address: addr, Socket: path}
	book := NewBook(func(proto.NodeID) (Place, bool) { return place, true }, Options{})
	defer book.Close()
	big := make([]byte, 1<<20) // more than a socket's buffer
	ask := func(id proto.NodeID) {
		t.Helper()
		c, err := book.Dial(id)
		if err != nil {
			t.Fatal(err)
		}
		got := make(chan error, 1)
		c.Append(&proto.AppendFrame{Runs: []proto.Run{{Bytes: 2 << 20}}, Records: [][]byte{big, big}}, func(_ *proto.AppendAck, err error) { got <- err })
		if err := <-got; err != nil {
			t.Fatal(err)
		}
	}
	ask("n1")
	if local.records != 2<<20 || len(remote.frames) != 0 {
		t.Fatalf("%d bytes came by the socket, %d frames by TCP", local.records, len(remote.frames))
	}
	for i, gone := range []string{filepath.Join(dir, "data-1.sock"), filepath.Join(dir, "FORMAT")} {
		place.Socket = gone
		ask(proto.NodeID(rune('a' + i)))
		if len(remote.frames) != i+1 {
			t.Fatalf("without %s nobody came by TCP", gone)
		}
	}
}
