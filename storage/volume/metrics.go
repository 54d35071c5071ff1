package volume

import "github.com/prometheus/client_golang/prometheus"

// collector publishes Stats to Prometheus when it is scraped.
type collector struct{ c *Client }

// Collector returns the client's metrics. Register one client at a time: an instance holds one volume.
func (c *Client) Collector() prometheus.Collector { return collector{c} }

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("zorya_volume_"+name, help, labels, nil)
}

var (
	descEpoch     = desc("epoch", "Volume epoch under which this instance writes.")
	descVDL       = desc("vdl", "Volume durable LSN.")
	descVCL       = desc("vcl", "Volume complete LSN.")
	descLSN       = desc("last_lsn", "Newest LSN given out.")
	descPGs       = desc("protection_groups", "Protection groups of the volume.")
	descMTRs      = desc("mtrs_total", "Mini-transactions appended.")
	descRecords   = desc("redo_records_total", "Redo records appended.")
	descBytes     = desc("redo_bytes_total", "Bytes of redo appended, one copy.")
	descRing      = desc("ring_used_bytes", "Bytes of the log ring in use.")
	descWaiters   = desc("commit_waiters", "Waiters for durability.")
	descReads     = desc("page_reads_total", "Page read requests.")
	descPages     = desc("pages_read_total", "Pages read.")
	descReadTime  = desc("page_read_seconds_total", "Time of successful page read requests, in sum.")
	descRetries   = desc("page_read_retries_total", "Page reads that another segment had to be asked for.")
	descHedges    = desc("page_read_hedges_total", "Page reads asked of a further segment because the first was late.")
	descHedgeWins = desc("page_read_hedge_wins_total", "Hedges whose answer was used.")
	descRevived   = desc("segments_revived_total", "Segments given a new incarnation.")
	descAdmitted  = desc("segments_admitted_total", "Segments that became whole members again.")
	descJoined    = desc("node_joined", "1 when the storage node takes part.", "node")
	descFrames    = desc("node_frames_total", "Frames sent, heartbeats included.", "node")
	descSent      = desc("node_redo_bytes_total", "Bytes of redo sent.", "node")
	descAckTime   = desc("node_ack_seconds_total", "Time from frame to acknowledgement, in sum.", "node")
	descRejoins   = desc("node_rejoins_total", "Times the node had to be joined again.", "node")
	descPassed    = desc("node_passed_over_total", "Times the node lagged too far behind the log ring.", "node")
	descRepairing = desc("node_segments_repairing", "Segments of the node without a vote.", "node")
	descLag       = desc("node_scl_lag", "Largest distance in LSNs of a segment's SCL from its group's newest record.", "node")
)

// Describe implements prometheus.Collector.
func (k collector) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(k, ch) }

// Collect implements prometheus.Collector.
func (k collector) Collect(ch chan<- prometheus.Metric) {
	s := k.c.Stats()
	put := func(d *prometheus.Desc, t prometheus.ValueType, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, t, v, labels...)
	}
	const gauge, counter = prometheus.GaugeValue, prometheus.CounterValue
	put(descEpoch, gauge, float64(s.Epoch))
	put(descVDL, gauge, float64(s.VDL))
	put(descVCL, gauge, float64(s.VCL))
	put(descLSN, gauge, float64(s.LastLSN))
	put(descPGs, gauge, float64(s.PGs))
	put(descMTRs, counter, float64(s.MTRs))
	put(descRecords, counter, float64(s.Records))
	put(descBytes, counter, float64(s.Bytes))
	put(descRing, gauge, float64(s.RingUsed))
	put(descWaiters, gauge, float64(s.CommitWaiters))
	put(descReads, counter, float64(s.Reads))
	put(descPages, counter, float64(s.PagesRead))
	put(descReadTime, counter, s.ReadTime.Seconds())
	put(descRetries, counter, float64(s.ReadRetries))
	put(descHedges, counter, float64(s.Hedges))
	put(descHedgeWins, counter, float64(s.HedgeWins))
	put(descRevived, counter, float64(s.Revived))
	put(descAdmitted, counter, float64(s.Admitted))
	for _, n := range s.Nodes {
		id, joined := string(n.Node), 0.0
		if n.Joined {
			joined = 1
		}
		put(descJoined, gauge, joined, id)
		put(descFrames, counter, float64(n.Frames), id)
		put(descSent, counter, float64(n.Bytes), id)
		put(descAckTime, counter, float64(n.AckNanos)/1e9, id)
		put(descRejoins, counter, float64(n.Rejoins), id)
		put(descPassed, counter, float64(n.PassedOver), id)
		put(descRepairing, gauge, float64(n.Repairing), id)
		put(descLag, gauge, float64(n.SCLLag), id)
	}
}
