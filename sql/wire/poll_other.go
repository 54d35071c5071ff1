//go:build !linux

package wire

import (
	"errors"
	"syscall"
)

// poller exists on Linux only: elsewhere each connection keeps a goroutine.
type poller struct{ events []pollEvent }

type (
	glance    struct{}
	pollEvent struct{}
)

func openPoller() (*poller, error)               { return nil, errors.ErrUnsupported }
func (p *poller) add(int) error                  { return errors.ErrUnsupported }
func (p *poller) wait() (int, error)             { return 0, errors.ErrUnsupported }
func (p *poller) glance() *glance                { return new(glance) }
func (g *glance) take() []pollEvent              { return nil }
func told(*pollEvent) (int, event)               { return -1, event{} }
func (p *poller) close()                         {}
func takeFD(syscall.RawConn) (fd int, err error) { return -1, errors.ErrUnsupported }
