package role

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/general"
	"github.com/zoryadb/zorya/storage/proto"
	"github.com/zoryadb/zorya/storage/volume"
)

// addStatus adds the engine's and the volume's figures to those of the SQL server, for SHOW GLOBAL STATUS: under InnoDB's
// names where InnoDB has one.
func addStatus(m map[string]uint64, db table.DB, vol *volume.Client) map[string]uint64 {
	e, v := db.Info(), vol.Stats()
	for name, n := range map[string]uint64{
		"Innodb_os_log_written":               v.Bytes,
		"Innodb_log_write_requests":           v.Records,
		"Innodb_log_writes":                   v.Frames,
		"Innodb_data_writes":                  v.Frames,
		"Innodb_data_written":                 v.FrameBytes,
		"Innodb_buffer_pool_write_requests":   v.Records,
		"Innodb_redo_log_current_lsn":         uint64(v.LastLSN),
		"Innodb_redo_log_flushed_to_disk_lsn": uint64(v.VDL),
		"Innodb_redo_log_checkpoint_lsn":      uint64(v.VDL),
		"Zorya_active_transactions":           uint64(e.ActiveTxns),
		"Zorya_commit_waiters":                uint64(v.CommitWaiters),
		"Zorya_frames":                        v.Frames,
		"Zorya_frame_bytes":                   v.FrameBytes,
		"Zorya_history_list_length":           e.HistoryLength,
		"Zorya_mtrs":                          v.MTRs,
		"Zorya_page_read_hedges":              v.Hedges,
		"Zorya_page_reads":                    v.PagesRead,
		"Zorya_protection_groups":             uint64(v.PGs),
		"Zorya_redo_bytes":                    v.Bytes,
		"Zorya_redo_records":                  v.Records,
		"Zorya_segments_admitted":             v.Admitted,
		"Zorya_segments_revived":              v.Revived,
		"Zorya_vcl":                           uint64(v.VCL),
		"Zorya_vdl":                           uint64(v.VDL),
		"Zorya_volume_epoch":                  v.Epoch,
	} {
		m[name] = n
	}
	return m
}

// storageNodes is information_schema.ZORYA_STORAGE_NODES: the fleet as this writer sees it.
func storageNodes(vol *volume.Client) general.InfoTable {
	return general.InfoTable{
		Name: "ZORYA_STORAGE_NODES",
		Columns: []string{"NODE_ID", "JOINED", "#SEGMENTS", "#REPAIRING", "#SCL_LAG", "#FRAMES", "#BYTES", "#REJOINS", "#PASSED_OVER",
			"%READ_LATENCY_IN_MILLISECONDS", "LAST_ERROR"},
		Rows: func() (rows [][]any) {
			for _, n := range vol.Stats().Nodes {
				joined := "NO"
				if n.Joined {
					joined = "YES"
				}
				rows = append(rows, []any{string(n.Node), joined, uint64(n.Segments), uint64(n.Repairing), uint64(n.SCLLag), n.Frames, n.Bytes,
					n.Rejoins, n.PassedOver, float64(n.Latency.Microseconds()) / 1000, n.Error})
			}
			return rows
		},
	}
}

// segmentsTimeout bounds a read of ZORYA_SEGMENTS: what a node does not answer by then is not shown.
const segmentsTimeout = time.Second

// segments is information_schema.ZORYA_SEGMENTS: what each storage node says of this volume's segments. A node that
// cannot be asked is missing from it.
func segments(ctx context.Context, vol *volume.Client, id proto.VolumeID, book proto.Dialer) general.InfoTable {
	return general.InfoTable{
		Name: "ZORYA_SEGMENTS",
		Columns: []string{"NODE_ID", "AZ", "#PROTECTION_GROUP", "KIND", "STATUS", "#INCARNATION", "#MEMBERSHIP_EPOCH", "#SCL", "#HIGHEST_LSN",
			"GAP", "#VDL", "#PGMRPL", "#HORIZON", "#LOG_BYTES", "#IMAGE_BYTES", "%HYDRATED", "#REPAIRS"},
		Rows: func() (rows [][]any) {
			ctx, cancel := context.WithTimeout(ctx, segmentsTimeout)
			defer cancel()
			links := vol.Stats().Nodes
			infos := make([]*proto.NodeInfo, len(links))
			var wg sync.WaitGroup
			for i, l := range links {
				wg.Go(func() {
					if n, err := book.Dial(l.Node); err == nil {
						infos[i], _ = n.Info(ctx) // no answer: no rows
					}
				})
			}
			wg.Wait()
			for _, info := range infos {
				if info == nil {
					continue
				}
				slices.SortFunc(info.Segments, func(a, b proto.SegmentInfo) int { return int(a.PG) - int(b.PG) })
				for _, s := range info.Segments {
					if s.Volume == id {
						rows = append(rows, segmentRow(info, &s))
					}
				}
			}
			return rows
		},
	}
}

func segmentRow(n *proto.NodeInfo, s *proto.SegmentInfo) []any {
	kind, gap := "full", "NO"
	if s.Kind == proto.Tail {
		kind = "tail"
	}
	if s.Highest > s.SCL {
		gap = "YES"
	}
	return []any{string(n.Node), n.AZ, uint64(s.PG), kind, segmentStatus(s.Status), s.Incarnation, s.MembershipEpoch, uint64(s.SCL), uint64(s.Highest),
		gap, uint64(s.VDL), uint64(s.MRPL), uint64(s.Horizon), s.LogBytes, s.ImageBytes, s.Hydrated, s.Repairs}
}

func segmentStatus(s proto.Status) string {
	switch s {
	case proto.OK:
		return "available"
	case proto.StatusHydrating:
		return "hydrating"
	case proto.StatusRetired:
		return "retired"
	case proto.StatusFull:
		return "disk full"
	}
	return fmt.Sprintf("status %d", s)
}
