package control

import (
	"errors"
	"net"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// What was acknowledged is there after a restart, on other ports too: the supervisor may have to move them.
func TestRestartKeepsData(t *testing.T) {
	dir := t.TempDir()
	for i, want := range []int{0, 1, 1} {
		o := Options{Dir: dir, Client: freeAddr(t), Peer: freeAddr(t)}
		s, err := Start(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		c, err := clientv3.New(clientv3.Config{Endpoints: []string{o.Client}, DialTimeout: 5 * time.Second, Logger: zap.NewNop()})
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Get(t.Context(), "k")
		if err != nil || len(got.Kvs) != want {
			t.Errorf("start %d: %d keys, %v; want %d", i, len(got.Kvs), err, want)
		}
		if _, err := c.Put(t.Context(), "k", "v"); err != nil {
			t.Error(err)
		}
		c.Close()
		s.Close()
	}
}

func TestBusyPortIsAnError(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = Start(t.Context(), Options{Dir: t.TempDir(), Client: l.Addr().String(), Peer: freeAddr(t)})
	if !errors.Is(err, ErrStart) {
		t.Errorf("got %v, want ErrStart", err)
	}
}
