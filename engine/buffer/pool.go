package buffer

import (
	"context"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/volume"
)

// Options configure a Pool.
type Options struct {
	Bytes int64 // size of the arena; at least 64 pages
}

// Mode says how a page is latched.
type Mode uint8

const (
	Shared    Mode = iota // many may read
	Exclusive             // one may change, through an MTR
)

type Pool struct{}

type Page struct{}

func New(vol volume.Volume, o Options) (*Pool, error) { panic("being built") }
func (p *Pool) Close() error                          { panic("being built") }

// Fetch latches a page and returns it; Unlatch gives it back.
func (p *Pool) Fetch(ctx context.Context, no page.No, mode Mode) (Page, error) { panic("being built") }

// Prefetch starts reading pages that are not in the pool, and does not wait.
func (p *Pool) Prefetch(pages []page.No) {}

// Volume is the volume whose pages these are.
func (p *Pool) Volume() volume.Volume { panic("being built") }

func (g Page) Bytes() []byte { panic("being built") } // read only, until Unlatch
func (g Page) No() page.No   { panic("being built") }
func (g Page) LSN() page.LSN { panic("being built") }
func (g Page) Unlatch()      { panic("being built") }
