package segment

import "github.com/zoryadb/zorya/base/vfs"

// writeOut is how far the system was asked to write a file that is appended to. What is appended is durable in the update queue, so nobody syncs
// it before a checkpoint or the file's sealing; by then tens of MiB would go to the disk at once, on all six members together, as they have
// the same log, and commits would wait behind them for some hundred milliseconds.
type writeOut struct{ to int64 }

const (
	writeOutBytes = 1 << 20
	diskPage      = 4 << 10 // the last one, which is appended to still, stays
)

// grown says that the file has size bytes by now. Only who appends calls it.
func (w *writeOut) grown(f vfs.File, size int64) {
	if end := size &^ (diskPage - 1); end-w.to >= writeOutBytes {
		f.WriteOut(w.to, end-w.to)
		w.to = end
	}
}
