package session

import (
	"time"
)

// watchEvery is how often running statements are looked at, and watchAfter how long one must have run for its client to
// be looked for, which takes a system call: again when it has run twice as long, at most watchMost later. With thousands of clients hundreds wait
// for their turn, and asking for each at each look took a tenth of the processors.
const (
	watchEvery = 250 * time.Millisecond
	watchAfter = 400 * time.Millisecond
	watchMost  = 2 * time.Second
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
			running = srv.runningLong(running[:0], now)
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

// runningLong collects the sessions whose client is to be looked for.
func (srv *Server) runningLong(out []*Session, now time.Time) []*Session {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	for _, s := range srv.sessions {
		s.mu.Lock()
		if s.busy && !s.killed {
			if s.watched != s.since {
				s.watched, s.watchNext = s.since, watchAfter
			}
			if ran := now.Sub(s.since); ran >= s.watchNext {
				s.watchNext = ran + min(ran, watchMost)
				out = append(out, s)
			}
		}
		s.mu.Unlock()
	}
	return out
}
