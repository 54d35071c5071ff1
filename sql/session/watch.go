package session

import (
	"time"
)

// watchEvery is how often running statements are looked at, and watchAfter how long one must have run for its client to
// be looked for.
const (
	watchEvery = 200 * time.Millisecond
	watchAfter = 150 * time.Millisecond
)

// watch ends sessions whose client vanished while their statement runs: nobody reads their socket meanwhile, and their
// transaction may hold locks that others wait for. (An idle connection notices by itself.) It returns when the server stops.
func (srv *Server) watch() {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	var running []*Session
	for {
		select {
		case <-srv.ctx.Done():
			return
		case now := <-tick.C:
			running = srv.runningSince(running[:0], now.Add(-watchAfter))
			for _, s := range running {
				if s.conn.PeerClosed() {
					srv.metrics.vanished.Inc()
					s.kill()
				}
			}
			clear(running)
		}
	}
}

// runningSince collects the sessions whose statement began before t.
func (srv *Server) runningSince(out []*Session, t time.Time) []*Session {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	for _, s := range srv.sessions {
		s.mu.Lock()
		if s.busy && !s.killed && s.since.Before(t) {
			out = append(out, s)
		}
		s.mu.Unlock()
	}
	return out
}
