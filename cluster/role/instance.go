package role

import (
	"github.com/zoryadb/zorya/storage/page"
)

// InstanceStatus is what an instance says of itself at GET /status.
type InstanceStatus struct {
	ID          string   `json:"id"`
	Role        string   `json:"role"` // meta.Writer or meta.Reader
	Volume      string   `json:"volume"`
	VolumeEpoch uint64   `json:"volume_epoch"`
	VCL         page.LSN `json:"vcl"`
	VDL         page.LSN `json:"vdl"`
	Connections int      `json:"connections"`
	Records     uint64   `json:"redo_records"` // since the start
	RedoBytes   uint64   `json:"redo_bytes"`
	Frames      uint64   `json:"frames"` // sent to storage nodes, all of them together
}
