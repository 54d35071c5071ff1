package logs

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// limit bounds a log on disk: when a file reaches size it becomes file.1, file.1 becomes file.2 and so on, of which keep stay.
type limit struct {
	size int64
	keep int
}

var (
	limitLog   = limit{128 << 20, 1}
	limitTable = limit{64 << 20, 1}
	limitAudit = limit{25 << 20, 3} // Aurora's: four files, 100 MB in all
)

// Tables, by their names in the database mysql. The backup holds the records before the last rotation, as after RDS's
// rds_rotate_slow_log.
const (
	SlowTable    = "slow_log"
	GeneralTable = "general_log"
	backupSuffix = "_backup"
	tablePrefix  = "mysql."
)

// writer is what the goroutine owns.
type writer struct {
	l      *Logs
	files  map[string]*file // by path
	slowDB string           // of the last entry of the slow query log
	told   bool             // that a file cannot be written
}

type file struct {
	path  string
	f     *os.File
	size  int64
	lim   limit
	fresh bool // nothing was written since it was opened
}

// file opens a log for appending, or returns it as it is open. nil: it cannot be.
func (w *writer) file(path string, lim limit, header func(io.Writer)) *file {
	if f := w.files[path]; f != nil {
		if f.size < f.lim.size {
			return f
		}
		w.rotate(f)
	}
	h, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		w.fails(err)
		return &file{path: path, lim: lim, fresh: true}
	}
	f := &file{path: path, f: h, lim: lim, fresh: true}
	if st, err := h.Stat(); err == nil {
		f.size = st.Size()
	}
	w.files[path] = f
	if header != nil {
		header(f)
	}
	return f
}

// Write implements io.Writer.
func (f *file) Write(b []byte) (int, error) {
	n, err := f.f.Write(b)
	f.size += int64(n)
	return n, err
}

// rotate moves a full file out of the way.
func (w *writer) rotate(f *file) {
	f.f.Close()
	delete(w.files, f.path)
	for i := f.lim.keep; i > 1; i-- {
		_ = os.Rename(fmt.Sprintf("%s.%d", f.path, i-1), fmt.Sprintf("%s.%d", f.path, i)) // there may be none yet
	}
	if err := os.Rename(f.path, f.path+".1"); err != nil {
		w.fails(err)
	}
}

// fails tells of a log that cannot be written, once until one can be again.
func (w *writer) fails(err error) {
	if !w.told {
		w.told = true
		w.l.o.Log.Error("a log cannot be written", "error", err)
	}
	w.l.dropped.Add(1)
}

func (w *writer) write(f *file, text string) {
	if f.f == nil {
		return // told by file
	}
	if _, err := io.WriteString(f, text); err != nil {
		w.fails(err)
		return
	}
	f.fresh, w.told = false, false
}

// close lets all files go; the next entry opens its file anew.
func (w *writer) close() {
	for path, f := range w.files {
		f.f.Close()
		delete(w.files, path)
	}
}

// header is what MySQL begins a log with when it opens it.
func (w *writer) header(out io.Writer) {
	o := &w.l.o
	_, err := fmt.Fprintf(out, "zorya, Version: %s (Source distribution). started with:\nTcp port: %d  Unix socket: %s\nTime                 Id Command    Argument\n", o.Version, o.Port, o.Socket)
	if err != nil {
		w.fails(err)
	}
}

func (w *writer) auditPath() string { return filepath.Join(w.l.o.Dir, "server_audit.log") }

func (l *Logs) tablePath(table string) string {
	if name, ok := strings.CutSuffix(table, backupSuffix); ok {
		return filepath.Join(l.o.Dir, tablePrefix+name+".1")
	}
	return filepath.Join(l.o.Dir, tablePrefix+table)
}

// record appends a record to a table.
func (w *writer) record(table string, fields ...string) {
	var b strings.Builder
	for i, f := range fields {
		if i > 0 {
			b.WriteByte('\t')
		}
		_, _ = fieldEscapes.WriteString(&b, f) // a Builder takes everything
	}
	b.WriteByte('\n')
	w.write(w.file(w.l.tablePath(table), limitTable, nil), b.String())
}

var fieldEscapes = strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`)

// Table reads the records of a table, oldest first, until fn returns an error, which it returns. A last record that is not whole is left out.
func (l *Logs) Table(table string, fn func(fields []string) error) error {
	if l == nil {
		return nil
	}
	l.wait(func() {})
	f, err := os.Open(l.tablePath(table))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read table mysql.%s: %w", table, err)
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 64<<10)
	for {
		line, err := r.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read table mysql.%s: %w", table, err)
		}
		if err := fn(cutRecord(strings.TrimSuffix(line, "\n"))); err != nil {
			return err
		}
	}
}

func cutRecord(line string) []string {
	fields := strings.Split(line, "\t")
	for i, f := range fields {
		if strings.IndexByte(f, '\\') < 0 {
			continue
		}
		var b strings.Builder
		for j := 0; j < len(f); j++ {
			c := f[j]
			if c == '\\' && j+1 < len(f) {
				j++
				switch c = f[j]; c {
				case 't':
					c = '\t'
				case 'n':
					c = '\n'
				}
			}
			b.WriteByte(c)
		}
		fields[i] = b.String()
	}
	return fields
}

// Truncate empties a table.
func (l *Logs) Truncate(table string) (err error) {
	l.wait(func() {
		path := l.tablePath(table)
		if f := l.w.files[path]; f != nil {
			f.f.Close()
			delete(l.w.files, path)
		}
		if err = os.Truncate(path, 0); errors.Is(err, os.ErrNotExist) {
			err = nil
		}
	})
	return err
}
