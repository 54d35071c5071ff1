package transport

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/zoryadb/zorya/base/frame"
	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
)

// Page reads from memory take some ten microseconds, less than waking a goroutine for each and a system call for each answer. So the
// goroutine that receives them answers them: all that have come whole, up to a bound, and writes the answers together. Whatever arrives meanwhile waits.
// Reads that wait for a disk would keep each other waiting, so once reads are slow the next ones get goroutines of their own.
const (
	readsHere  = 8  // requests answered before the answers are written
	pagesHere  = 16 // pages after which no further request is taken along
	slowRead   = 150 * time.Microsecond
	slowSample = time.Millisecond // a read counts for no more: it may be the processor that was elsewhere
	slowReads  = 64               // requests with a goroutine of their own, before this one tries again
)

// pageReader is what the receiving goroutine knows of the page reads it answers, and its scratch.
type pageReader struct {
	usual   time.Duration // moving average of what one takes
	slow    int           // so many more get goroutines of their own
	payload []byte
	q       proto.PageRead
}

// fast reports whether to answer the next read here.
func (p *pageReader) fast() bool {
	p.slow = max(0, p.slow-1)
	return p.slow == 0
}

// took notes that n reads have taken d.
func (p *pageReader) took(d time.Duration, n int) {
	p.usual += (min(d/time.Duration(n), slowSample) - p.usual) / 8
	if p.usual > slowRead {
		p.usual, p.slow = 0, slowReads
	}
}

// readHere answers a page read, of which the header has been read, and those that came with it.
func (s *session) readHere(r *frame.Reader, h frame.Header) error {
	s.w.Cork()
	defer s.w.Flush()
	start := time.Now()
	for n, pages := 1, 0; ; n++ {
		k, err := s.readOne(r, h)
		if err != nil {
			return err
		}
		pages += k
		took := time.Since(start)
		next, ok := r.Whole()
		if !ok || next.Type != typeGetPages || next.Flags != 0 || n == readsHere || pages >= pagesHere || took > slowSample {
			s.here.took(took, n)
			return nil
		}
		if err := r.Next(&h); err != nil {
			return err
		}
	}
}

// readOne answers one page read and returns the number of its pages.
func (s *session) readOne(r *frame.Reader, h frame.Header) (pages int, err error) {
	p := &s.here
	if p.payload, err = r.Rest(p.payload[:0]); err != nil {
		return 0, err
	}
	c := coder{b: p.payload, dec: true}
	var timeout uint32
	u32(&c, &timeout)
	c.pageRead(&p.q)
	if err := c.end(); err != nil {
		return 0, fmt.Errorf("request of type %d: %w", h.Type, err)
	}
	s.work(h, func(ctx context.Context) { s.getPages(ctx, h, &p.q, s.w.Post) }, timeout)
	return len(p.q.Pages), nil
}

// pageBuf lends buffers to a page read until the socket has them.
type pageBuf struct {
	arena []byte
	dst   [][]byte
	ext   [][]byte
	head  []byte
}

var pageBufs = sync.Pool{New: func() any { return new(pageBuf) }}

// Release implements frame.Releaser.
func (p *pageBuf) Release() {
	if len(p.arena) <= 16*page.Size {
		pageBufs.Put(p)
	}
}

func (p *pageBuf) resize(n int) {
	if len(p.arena) < n*page.Size {
		p.arena = make([]byte, n*page.Size)
	}
	p.dst = p.dst[:0]
	for i := range n {
		p.dst = append(p.dst, p.arena[i*page.Size:(i+1)*page.Size:(i+1)*page.Size])
	}
}

// getPages asks the node and hands the answer to send.
func (s *session) getPages(ctx context.Context, h frame.Header, q *proto.PageRead, send func(*frame.Frame) error) {
	p := pageBufs.Get().(*pageBuf)
	p.resize(len(q.Pages))
	st, err := s.n.GetPages(ctx, q, p.dst)
	if err != nil {
		p.Release()
		s.replyError(h, err)
		return
	}
	p.head, p.ext = append(p.head[:0], byte(st)), p.ext[:0]
	if st == proto.OK {
		for i, d := range p.dst {
			if i%8 == 0 {
				p.head = append(p.head, 0)
			}
			if page.GetLSN(d) != 0 { // else it is absent: all zeros
				p.head[1+i/8] |= 1 << (i % 8)
				p.ext = append(p.ext, d)
			}
		}
	}
	send(&frame.Frame{Type: h.Type, Flags: flagReply, ID: h.ID, Body: p.head, Ext: p.ext, Release: p})
}
