package general

import (
	"io"
	"time"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// processes shows the library the dispatcher's process list. The dispatcher keeps it, so the changes are no-ops.
type processes struct{ e *Engine }

var _ sql.ProcessList = processes{}

func (p processes) Processes() []sql.Process {
	if p.e.opts.Processes == nil {
		return nil
	}
	list := p.e.opts.Processes()
	out := make([]sql.Process, len(list))
	for i, x := range list {
		out[i] = sql.Process{Connection: x.ID, User: x.User, Host: x.Host, Database: x.Database, Command: sql.ProcessCommand(x.Command),
			Query: x.Info, StartedAt: x.Since}
		if x.Since.IsZero() {
			out[i].StartedAt = time.Now()
		}
	}
	return out
}

func (processes) AddConnection(uint32, string)                                {}
func (processes) ConnectionReady(sql.Session)                                 {}
func (processes) RemoveConnection(uint32)                                     {}
func (processes) BeginQuery(ctx *sql.Context, _ string) (*sql.Context, error) { return ctx, nil }
func (processes) EndQuery(*sql.Context)                                       {}
func (processes) BeginOperation(ctx *sql.Context) (*sql.Context, error)       { return ctx, nil }
func (processes) EndOperation(*sql.Context)                                   {}
func (processes) Kill(uint32)                                                 {}
func (processes) UpdateTableProgress(uint64, string, int64)                   {}
func (processes) UpdatePartitionProgress(uint64, string, string, int64)       {}
func (processes) AddTableProgress(uint64, string, int64)                      {}
func (processes) AddPartitionProgress(uint64, string, string, int64)          {}
func (processes) RemoveTableProgress(uint64, string)                          {}
func (processes) RemovePartitionProgress(uint64, string, string)              {}

// loadInfile opens the client's file for LOAD DATA LOCAL INFILE.
func (s *Session) loadInfile(name string) (io.ReadCloser, error) {
	if s.hooks.LocalFile == nil || s.cur == nil {
		return nil, mysqlerr.New(mysqlerr.ER_NOT_ALLOWED_COMMAND)
	}
	return s.hooks.LocalFile(s.cur.ctx, name)
}
