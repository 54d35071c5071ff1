package role

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/storage/volume"
)

// instanceMetrics reads the engine's and the volume's own counters when it is scraped, so that counting costs them
// nothing more.
type instanceMetrics struct {
	db  table.DB
	vol *volume.Client
}

type metric struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(i *table.Info, v *volume.Stats) float64
}

func counter(name, help string, value func(*table.Info, *volume.Stats) float64) metric {
	return metric{prometheus.NewDesc("zorya_"+name, help, nil, nil), prometheus.CounterValue, value}
}

func gauge(name, help string, value func(*table.Info, *volume.Stats) float64) metric {
	return metric{prometheus.NewDesc("zorya_"+name, help, nil, nil), prometheus.GaugeValue, value}
}

var instanceMetricsList = []metric{
	gauge("volume_epoch", "Volume epoch under which this instance writes.", func(_ *table.Info, v *volume.Stats) float64 { return float64(v.Epoch) }),
	gauge("volume_vdl", "Volume durable LSN.", func(_ *table.Info, v *volume.Stats) float64 { return float64(v.VDL) }),
	gauge("volume_vcl", "Volume complete LSN.", func(_ *table.Info, v *volume.Stats) float64 { return float64(v.VCL) }),
	gauge("volume_protection_groups", "Protection groups of the volume.", func(_ *table.Info, v *volume.Stats) float64 { return float64(v.PGs) }),
	counter("redo_mtrs_total", "Mini-transactions appended.", func(_ *table.Info, v *volume.Stats) float64 { return float64(v.MTRs) }),
	counter("redo_records_total", "Redo records appended.", func(_ *table.Info, v *volume.Stats) float64 { return float64(v.Records) }),
	counter("redo_bytes_total", "Bytes of redo appended, one copy.", func(_ *table.Info, v *volume.Stats) float64 { return float64(v.Bytes) }),
	gauge("redo_ring_used_bytes", "Bytes of the log ring that some storage node has not acknowledged.", func(_ *table.Info, v *volume.Stats) float64 { return float64(v.RingUsed) }),
	counter("frames_total", "Frames sent to storage nodes, heartbeats included.", func(_ *table.Info, v *volume.Stats) float64 { return float64(v.Frames) }),
	counter("frame_bytes_total", "Bytes of redo sent to storage nodes.", func(_ *table.Info, v *volume.Stats) float64 { return float64(v.FrameBytes) }),
	gauge("commit_queue_waiters", "Commits that wait for durability.", func(_ *table.Info, v *volume.Stats) float64 { return float64(v.CommitWaiters) }),
	counter("volume_reads_total", "Page read requests.", func(_ *table.Info, v *volume.Stats) float64 { return float64(v.Reads) }),
	counter("volume_pages_read_total", "Pages read from storage.", func(_ *table.Info, v *volume.Stats) float64 { return float64(v.PagesRead) }),
	counter("volume_read_seconds_total", "Time of successful page read requests.", func(_ *table.Info, v *volume.Stats) float64 { return v.ReadTime.Seconds() }),
	counter("volume_read_hedges_total", "Page reads asked of a second segment.", func(_ *table.Info, v *volume.Stats) float64 { return float64(v.Hedges) }),
	counter("segments_revived_total", "Segments given a new life after they were lost.", func(_ *table.Info, v *volume.Stats) float64 { return float64(v.Revived) }),
	gauge("pool_pages", "Pages in the buffer pool.", func(i *table.Info, _ *volume.Stats) float64 { return float64(i.PoolPages) }),
	gauge("pool_unevictable_pages", "Pages above VDL.", func(i *table.Info, _ *volume.Stats) float64 { return float64(i.PoolDirty) }),
	counter("pool_hits_total", "Page fetches that the pool served.", func(i *table.Info, _ *volume.Stats) float64 { return float64(i.PoolHits) }),
	counter("pool_reads_total", "Page fetches that went to storage.", func(i *table.Info, _ *volume.Stats) float64 { return float64(i.PoolReads) }),
	gauge("history_length", "Committed transactions whose undo is not purged.", func(i *table.Info, _ *volume.Stats) float64 { return float64(i.HistoryLength) }),
	gauge("active_transactions", "Transactions that have begun.", func(i *table.Info, _ *volume.Stats) float64 { return float64(i.ActiveTxns) }),
	counter("lock_waits_total", "Waits for row locks.", func(i *table.Info, _ *volume.Stats) float64 { return float64(i.LockWaits) }),
	counter("deadlocks_total", "Transactions rolled back as deadlock victims.", func(i *table.Info, _ *volume.Stats) float64 { return float64(i.Deadlocks) }),
}

// Describe implements prometheus.Collector.
func (m *instanceMetrics) Describe(c chan<- *prometheus.Desc) {
	for i := range instanceMetricsList {
		c <- instanceMetricsList[i].desc
	}
}

// Collect implements prometheus.Collector.
func (m *instanceMetrics) Collect(c chan<- prometheus.Metric) {
	info, stats := m.db.Info(), m.vol.Stats()
	for i := range instanceMetricsList {
		d := &instanceMetricsList[i]
		c <- prometheus.MustNewConstMetric(d.desc, d.kind, d.value(&info, &stats))
	}
}
