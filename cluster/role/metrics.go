package role

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/zoryadb/zorya/engine/table"
)

// instanceMetrics reads the engine's own counters when it is scraped, so that counting costs it nothing more. Those of the volume are
// volume.Client's.
type instanceMetrics struct{ db table.DB }

type metric struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(i *table.Info) float64
}

func counter(name, help string, value func(*table.Info) float64) metric {
	return metric{prometheus.NewDesc("zorya_"+name, help, nil, nil), prometheus.CounterValue, value}
}

func gauge(name, help string, value func(*table.Info) float64) metric {
	return metric{prometheus.NewDesc("zorya_"+name, help, nil, nil), prometheus.GaugeValue, value}
}

var instanceMetricsList = []metric{
	gauge("pool_pages", "Pages in the buffer pool.", func(i *table.Info) float64 { return float64(i.PoolPages) }),
	gauge("pool_unevictable_pages", "Pages above VDL.", func(i *table.Info) float64 { return float64(i.PoolDirty) }),
	counter("pool_hits_total", "Page fetches that the pool served.", func(i *table.Info) float64 { return float64(i.PoolHits) }),
	counter("pool_reads_total", "Page fetches that went to storage.", func(i *table.Info) float64 { return float64(i.PoolReads) }),
	gauge("history_length", "Committed transactions whose undo is not purged.", func(i *table.Info) float64 { return float64(i.HistoryLength) }),
	gauge("active_transactions", "Transactions that have begun.", func(i *table.Info) float64 { return float64(i.ActiveTxns) }),
	counter("lock_waits_total", "Waits for row locks.", func(i *table.Info) float64 { return float64(i.LockWaits) }),
	counter("deadlocks_total", "Transactions rolled back as deadlock victims.", func(i *table.Info) float64 { return float64(i.Deadlocks) }),
}

// Describe implements prometheus.Collector.
func (m *instanceMetrics) Describe(c chan<- *prometheus.Desc) {
	for i := range instanceMetricsList {
		c <- instanceMetricsList[i].desc
	}
}

// Collect implements prometheus.Collector.
func (m *instanceMetrics) Collect(c chan<- prometheus.Metric) {
	info := m.db.Info()
	for i := range instanceMetricsList {
		d := &instanceMetricsList[i]
		c <- prometheus.MustNewConstMetric(d.desc, d.kind, d.value(&info))
	}
}
