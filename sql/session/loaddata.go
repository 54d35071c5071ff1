package session

import (
	"context"
	"io"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// localFile is general.Hooks.LocalFile: a file of the client for LOAD DATA LOCAL INFILE. The bytes come through the connection, whose waits give
// the place at the gate back.
func (s *Session) localFile(_ context.Context, name string) (io.ReadCloser, error) {
	if s.reply == nil {
		return nil, mysqlerr.New(mysqlerr.ER_NOT_ALLOWED_COMMAND)
	}
	f, err := s.reply.LocalInfile(name)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(f), nil
}
