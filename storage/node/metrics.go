package node

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/zoryadb/zorya/storage/proto"
)

// metrics are the node's own counters; those of its segments are read from their Stats.
type metrics struct {
	frames, batches, reads, gossiped, queueBytes, retired prometheus.Counter
	all                                                   []prometheus.Collector
}

func (m *metrics) register(n *Node, reg prometheus.Registerer) {
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Namespace: "zorya", Subsystem: "storage", Name: name, Help: help})
		m.all = append(m.all, c)
		return c
	}
	m.frames = counter("frames_total", "Append frames received.")
	m.batches = counter("batches_total", "Batches of the update queue made durable: one fdatasync each.")
	m.queueBytes = counter("queue_bytes_total", "Bytes written to the update queue.")
	m.reads = counter("page_reads_total", "GetPages requests.")
	m.gossiped = counter("gossiped_records_total", "Records that came from peers.")
	m.retired = counter("retired_segments_total", "Segments retired after an I/O error.")
	stat := func(name, help string, v *atomic.Int64) {
		m.all = append(m.all, prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: "zorya", Subsystem: "storage", Name: name, Help: help},
			func() float64 { return float64(v.Load()) }))
	}
	st := &n.stats
	stat("records_total", "Redo records organised.", &st.Records)
	stat("log_bytes_total", "Bytes organised into log files.", &st.LogBytes)
	stat("images_total", "Page images written.", &st.Images)
	stat("image_bytes_total", "Bytes of page images written.", &st.ImageBytes)
	stat("images_copied_total", "Images copied forward by garbage collection.", &st.Copied)
	stat("pages_read_total", "Pages served.", &st.PagesRead)
	stat("records_replayed_total", "Records applied to make pages.", &st.Replayed)
	stat("footer_reads_total", "Page reads in the past that had to consult footers.", &st.FootersRead)
	stat("damaged_blocks_total", "Blocks whose checksum failed.", &st.Damaged)
	stat("repaired_blocks_total", "Damaged blocks mended, from a peer or from what the node itself knows.", &st.Repaired)
	stat("scrubbed_bytes_total", "Bytes verified in the background.", &st.Scrubbed)
	stat("log_files_dropped_total", "Log files deleted.", &st.LogFilesDropped)
	stat("image_files_dropped_total", "Image files deleted.", &st.ImageFilesDropped)
	stat("superblocks_total", "Superblocks written.", &st.SuperblocksWritten)
	stat("baseline_pages_total", "Pages received by hydration.", &st.BaselinePagesReceived)
	m.all = append(m.all, prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: "zorya", Subsystem: "storage", Name: "scrub_rounds_total",
		Help: "Rounds in which everything alive on disk was verified."}, func() float64 { return float64(n.scrubs.Load()) }))
	gauge := func(name, help string, v func() float64) {
		m.all = append(m.all, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "zorya", Subsystem: "storage", Name: name, Help: help}, v))
	}
	gauge("queue_backlog_bytes", "Bytes persisted and not yet organised.", func() float64 { return float64(n.queued.Load()) })
	gauge("index_bytes", "Memory of the segments' indexes.", func() float64 { return float64(n.index.Load()) })
	gauge("disk_full", "1 while the node has stepped back for want of space.", func() float64 {
		if n.full.Load() {
			return 1
		}
		return 0
	})
	gauge("segments", "Segments on this node.", func() float64 { return float64(len(n.all())) })
	gauge("segments_hydrating", "Segments that do not count yet.", func() float64 {
		c := 0.0
		for _, s := range n.all() {
			if s.Info().Status == proto.StatusHydrating {
				c++
			}
		}
		return c
	})
	if reg != nil {
		for _, c := range m.all {
			reg.MustRegister(c)
		}
	}
}

func (m *metrics) unregister(reg prometheus.Registerer) {
	if reg != nil {
		for _, c := range m.all {
			reg.Unregister(c)
		}
	}
}
