package supervisor

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// ErrPortBusy means that another program listens where MySQL is to be served.
var ErrPortBusy = errors.New("port is in use by another program")

// listener owns the MySQL port for as long as the supervisor runs and the instance is not held down.
type listener struct {
	address string
	mu      sync.Mutex
	l       *net.TCPListener
}

// bindPatience covers the moment in which the processes of a killed cluster are still ending.
const bindPatience = 2 * time.Second

// listen takes the port. Port 0 takes any, and keeps it.
func listen(address string) (*listener, error) {
	deadline := time.Now().Add(bindPatience)
	for {
		l, err := net.Listen("tcp", address)
		if err == nil {
			return &listener{address: l.Addr().String(), l: l.(*net.TCPListener)}, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf("serve MySQL on %s: %w", address, err)
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("serve MySQL on %s: %w", address, ErrPortBusy)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// Address is host:port.
func (l *listener) Address() string { return l.address }

// File returns a duplicate of the socket for a child, taking the port again if it had been given up.
func (l *listener) File() (*os.File, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.l == nil {
		again, err := net.Listen("tcp", l.address)
		if err != nil {
			return nil, fmt.Errorf("serve MySQL on %s again: %w", l.address, err)
		}
		l.l = again.(*net.TCPListener)
	}
	return l.l.File()
}

// Close gives the port up; clients are refused from now on.
func (l *listener) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.l != nil {
		l.l.Close()
		l.l = nil
	}
}

// Ports of the cluster's inner processes come from below the range that the kernel gives to outgoing connections,
// so that a restart finds its port free.
const (
	firstPort = 20000
	portRange = 12000
)

// assignPorts gives every inner process an address that is free now, the one it had where possible.
func (s *State) assignPorts() error {
	taken := map[string]bool{}
	for _, a := range s.addresses() {
		if *a != "" && !taken[*a] && free(*a) {
			taken[*a] = true
			continue
		}
		*a = ""
		for range 1000 {
			try := fmt.Sprintf("127.0.0.1:%d", firstPort+rand.IntN(portRange))
			if !taken[try] && free(try) {
				taken[try], *a = true, try
				break
			}
		}
		if *a == "" {
			return fmt.Errorf("find a free port between %d and %d: none in 1,000 tries", firstPort, firstPort+portRange)
		}
	}
	return nil
}

func (s *State) addresses() []*string {
	var out []*string
	if len(s.Etcd) == 0 {
		out = append(out, &s.Control.Client, &s.Control.Peer)
	}
	for i := range s.Nodes {
		out = append(out, &s.Nodes[i].Address)
	}
	return out
}

func free(address string) bool {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return false
	}
	l.Close()
	return true
}
