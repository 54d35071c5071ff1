package transport

import (
	"fmt"
	"sync"

	"github.com/zoryadb/zorya/storage/proto"
)

// Book is a proto.Dialer over an address book: it keeps one Client a node, whose address it asks for
// anew whenever it has to connect, so a node that moved is found again.
type Book struct {
	lookup func(proto.NodeID) (Place, bool)
	o      Options

	mu      sync.Mutex
	clients map[proto.NodeID]*Client
	closed  bool
}

var _ proto.Dialer = (*Book)(nil)

// NewBook returns a Book that finds nodes by lookup, which must be safe for concurrent use and quick.
func NewBook(lookup func(proto.NodeID) (Place, bool), o Options) *Book {
	return &Book{lookup: lookup, o: o, clients: map[proto.NodeID]*Client{}}
}

// Dial implements proto.Dialer. It does not connect yet. The client is shared: Close of it is the Book's.
func (b *Book) Dial(id proto.NodeID) (proto.Node, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, ErrClosed
	}
	c := b.clients[id]
	if c == nil {
		c = dialBy(func() (Place, error) {
			at, ok := b.lookup(id)
			if !ok {
				return at, fmt.Errorf("node %q has no known address", id)
			}
			return at, nil
		}, b.o)
		b.clients[id] = c
	}
	return shared{c}, nil
}

// shared is a Client whose Close does nothing: others use it too.
type shared struct{ *Client }

func (shared) Close() error { return nil }

// Close closes all clients.
func (b *Book) Close() error {
	b.mu.Lock()
	b.closed = true
	clients := b.clients
	b.clients = nil
	b.mu.Unlock()
	for _, c := range clients {
		c.Close()
	}
	return nil
}
