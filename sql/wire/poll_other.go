//go:build !linux

package wire

import (
	"errors"
	"syscall"
)

// poller exists on Linux only: elsewhere each connection keeps a goroutine.
type poller struct{}

func openPoller() (*poller, error)               { return nil, errors.ErrUnsupported }
func (p *poller) add(int) error                  { return errors.ErrUnsupported }
func (p *poller) wait() (int, error)             { return 0, errors.ErrUnsupported }
func (p *poller) event(int) (int, event)         { return -1, event{} }
func (p *poller) close()                         {}
func takeFD(syscall.RawConn) (fd int, err error) { return -1, errors.ErrUnsupported }
