package session

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/perfschema"
)

// lane names who ran a statement.
type lane uint8

const (
	laneGeneral lane = iota
	laneFast
	lanes
)

var laneNames = [lanes]string{"general", "fast"}

// metrics are the dispatcher's Prometheus metrics.
type metrics struct {
	statements [lanes]prometheus.Counter
	seconds    [lanes]prometheus.Observer
	errors     *prometheus.CounterVec
	panics     prometheus.Counter
	vanished   prometheus.Counter
	slow       prometheus.Counter
}

func newMetrics(reg prometheus.Registerer, srv *Server) (*metrics, error) {
	statements := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "zorya_sql_statements_total", Help: "Statements by the lane that ran them."}, []string{"lane"})
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "zorya_sql_statement_seconds", Help: "Time of statements from parse to last packet, by lane.",
		Buckets: prometheus.ExponentialBuckets(50e-6, 4, 10),
	}, []string{"lane"})
	m := &metrics{
		errors:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "zorya_sql_errors_total", Help: "Statements that ended in an error, by MySQL's code."}, []string{"code"}),
		panics:   prometheus.NewCounter(prometheus.CounterOpts{Name: "zorya_sql_panics_total", Help: "Statements that ended in a panic."}),
		vanished: prometheus.NewCounter(prometheus.CounterOpts{Name: "zorya_sql_vanished_clients_total", Help: "Statements ended because their client was gone."}),
		slow:     prometheus.NewCounter(prometheus.CounterOpts{Name: "zorya_sql_slow_statements_total", Help: "Statements at or above long_query_time."}),
	}
	for l, name := range laneNames {
		m.statements[l] = statements.WithLabelValues(name)
		m.seconds[l] = seconds.WithLabelValues(name)
	}
	gauges := []prometheus.Collector{
		gauge("zorya_sql_connections", "Open client connections.", func() float64 { return float64(srv.sessionCount()) }),
		gauge("zorya_sql_statements_running", "Statements that hold a place at the gate.", func() float64 { r, _ := srv.gate.load(); return float64(r) }),
		counter("zorya_sql_fast_lane_hits_total", "Texts whose digest the fast lane knew, declined shapes included.", func() float64 { h, _, _ := srv.fast.Counts(); return float64(h) }),
		counter("zorya_sql_fast_lane_misses_total", "Texts whose digest was new to the fast lane.", func() float64 { _, m, _ := srv.fast.Counts(); return float64(m) }),
		counter("zorya_sql_fast_lane_declined_total", "Statements of a known shape that went to the general lane after all.", func() float64 { _, _, d := srv.fast.Counts(); return float64(d) }),
		gauge("zorya_sql_statements_queued", "Statements that wait for a place at the gate.", func() float64 { _, w := srv.gate.load(); return float64(w) }),
	}
	gauges = append(gauges,
		gauge("zorya_sql_writers", "Transactions at work that lock rows.", func() float64 { n, _, _ := srv.gate.locking(); return float64(n) }),
		gauge("zorya_sql_writers_blocked", "Of these, how many wait for a lock.", func() float64 { _, b, _ := srv.gate.locking(); return float64(b) }),
		gauge("zorya_sql_writers_queued", "Transactions that wait to be let in before their first lock.", func() float64 { _, _, w := srv.gate.locking(); return float64(w) }),
	)
	if reg == nil {
		return m, nil
	}
	for _, c := range append(gauges, statements, seconds, m.errors, m.panics, m.vanished, m.slow) {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func gauge(name, help string, fn func() float64) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, fn)
}

func counter(name, help string, fn func() float64) prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, fn)
}

// observeFast accounts for a statement that succeeded in the fast lane. Its text becomes a string only when it was slow or a log wants it.
func (srv *Server) observeFast(s *Session, started time.Time, k *perfschema.Known, text []byte) {
	if took := time.Since(started); took < s.set.LongQuery && s.meter == nil {
		srv.metrics.statements[laneFast].Inc()
		srv.metrics.seconds[laneFast].Observe(took.Seconds())
		srv.questions.Add(1)
		srv.record(s, k, started, took, text, nil)
		s.profiled(text)
		s.work = work{}
		return
	}
	srv.observe(s, laneFast, started, k, text, nil)
}

// observe accounts for one finished statement. known may be nil.
func (srv *Server) observe(s *Session, l lane, started time.Time, known *perfschema.Known, text []byte, e *mysqlerr.Error) {
	took := time.Since(started)
	m := srv.metrics
	m.statements[l].Inc()
	m.seconds[l].Observe(took.Seconds())
	srv.questions.Add(1)
	if l == laneGeneral {
		srv.inGeneral.Add(1)
	}
	if e != nil {
		m.errors.WithLabelValues(strconv.Itoa(int(e.Code))).Inc()
	}
	if known == nil {
		known = srv.perf.Know(s.set.Database, text, 0)
	}
	srv.record(s, known, started, took, text, e)
	slow := took >= s.set.LongQuery
	if slow {
		m.slow.Inc()
		srv.slowCount.Add(1)
	}
	s.profiled(text)
	if s.meter != nil {
		s.logStatement(started, took, slow, string(text), e)
	}
	s.work = work{}
}
