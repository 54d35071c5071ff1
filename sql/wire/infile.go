package wire

import (
	"io"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// LocalInfile asks the client for a file (LOAD DATA LOCAL INFILE) and returns the stream of its contents, which ends with io.EOF. What the session
// does not read is read and dropped when it answers, so that an error may be returned at any time. Without the client's or the
// server's consent the error is 3948. One buffer is held, whatever the file's size.
func (r *Reply) LocalInfile(name string) (io.Reader, error) {
	c := r.c
	if c.caps&CapLocalFiles == 0 || !c.srv.localInfile.Load() {
		return nil, mysqlerr.New(mysqlerr.ER_CLIENT_LOCAL_FILES_DISABLED)
	}
	if r.state != replyIdle || r.infile.open {
		return nil, errReplyOrder
	}
	c.f.begin()
	c.f.out = append(c.f.out, headerLocalInfile)
	c.f.out = append(c.f.out, name...)
	if err := c.flushPacket(); err != nil {
		return nil, err
	}
	r.infile = infile{c: c, open: true}
	return &r.infile, nil
}

// infile reads the packets that hold a file; an empty one ends it.
type infile struct {
	c    *Conn
	open bool
	rest []byte
	err  error
}

// Read implements io.Reader.
func (in *infile) Read(p []byte) (int, error) {
	if len(in.rest) == 0 && !in.more() {
		if in.err != nil {
			return 0, in.err
		}
		return 0, io.EOF
	}
	n := copy(p, in.rest)
	in.rest = in.rest[n:]
	return n, nil
}

// more fetches the next packet; false at the end and after an error.
func (in *infile) more() bool {
	if !in.open {
		return false
	}
	p, err := in.c.f.next(max(in.c.maxPacket, maxPacket))
	if err != nil {
		in.err, in.open = err, false
		in.c.f.writeErr = err // the stream is out of step: nothing more can be said
		return false
	}
	in.rest = p
	in.open = len(p) > 0
	return in.open
}

// drain reads what the session left.
func (in *infile) drain() {
	for in.open && in.more() {
	}
	in.rest = nil
}
