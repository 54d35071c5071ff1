package logs

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ErrorLog is the error log: MySQL's line form in a file, and the newest lines in memory for performance_schema.error_log. It is a
// slog.Handler that hands every record on to the one before it.
type ErrorLog struct {
	*errorLog
	next   slog.Handler
	attrs  string // of With, as text
	thread uint64
}

type errorLog struct {
	mu    sync.Mutex
	path  string
	f     *os.File
	size  int64
	lines []ErrorLine // a ring
	at    int
}

// ErrorLine is one line of the error log.
type ErrorLine struct {
	Logged    time.Time
	Thread    uint64
	Priority  string // System, Error, Warning or Note
	Code      string // MY-...
	Subsystem string
	Data      string
}

// maxErrorLines bounds what performance_schema.error_log shows. MySQL's buffer is 5 MB.
const maxErrorLines = 4096

// OpenErrorLog makes the error log. A file that cannot be written does not keep the server from running: its lines go to next and to memory.
func OpenErrorLog(path string, next slog.Handler) *ErrorLog {
	l := &errorLog{path: path}
	l.open()
	return &ErrorLog{errorLog: l, next: next}
}

func (l *errorLog) open() {
	f, err := os.OpenFile(l.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	l.f, l.size = f, 0
	if st, err := f.Stat(); err == nil {
		l.size = st.Size()
	}
}

// Enabled implements slog.Handler.
func (h *ErrorLog) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level) || level >= slog.LevelInfo
}

// WithAttrs implements slog.Handler.
func (h *ErrorLog) WithAttrs(as []slog.Attr) slog.Handler {
	n := *h
	n.next = h.next.WithAttrs(as)
	var b strings.Builder
	b.WriteString(h.attrs)
	for _, a := range as {
		n.attr(&b, a)
	}
	n.attrs = b.String()
	return &n
}

// WithGroup implements slog.Handler.
func (h *ErrorLog) WithGroup(name string) slog.Handler {
	n := *h
	n.next = h.next.WithGroup(name)
	return &n
}

// attr appends " name=value". The number of the connection is a column of its own; who the process is every line would repeat.
func (h *ErrorLog) attr(b *strings.Builder, a slog.Attr) {
	switch a.Key {
	case "connection":
		if id, err := strconv.ParseUint(a.Value.String(), 10, 64); err == nil {
			h.thread = id
			return
		}
	case "role", "id", "pid":
		return
	}
	v := a.Value.Resolve().String()
	if strings.ContainsAny(v, " \t\r\n\"") {
		v = strconv.Quote(v)
	}
	fmt.Fprintf(b, " %s=%s", a.Key, v)
}

// Handle implements slog.Handler.
func (h *ErrorLog) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelInfo {
		line, b := *h, &strings.Builder{}
		r.Attrs(func(a slog.Attr) bool { line.attr(b, a); return true })
		priority, code := "System", "MY-010931" // ER_STARTUP is the nearest of MySQL's codes for news of the server's life
		switch {
		case r.Level >= slog.LevelError:
			priority, code = "Error", "MY-000000"
		case r.Level >= slog.LevelWarn:
			priority, code = "Warning", "MY-000000"
		case r.Message != "open" && r.Message != "ready" && r.Message != "stopped":
			priority, code = "Note", "MY-000000"
		}
		h.add(ErrorLine{Logged: r.Time, Thread: line.thread, Priority: priority, Code: code, Subsystem: "Server",
			Data: strings.ReplaceAll(r.Message, "\n", " ") + h.attrs + b.String()})
	}
	if !h.next.Enabled(ctx, r.Level) {
		return nil
	}
	return h.next.Handle(ctx, r)
}

func (l *errorLog) add(e ErrorLine) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lines) < maxErrorLines {
		l.lines = append(l.lines, e)
	} else {
		l.lines[l.at] = e
		l.at = (l.at + 1) % maxErrorLines
	}
	if l.f == nil {
		return
	}
	n, err := fmt.Fprintf(l.f, "%s %d [%s] [%s] [%s] %s\n", stamp(e.Logged, false), e.Thread, e.Priority, e.Code, e.Subsystem, e.Data)
	l.size += int64(n)
	if err == nil && l.size < limitLog.size {
		return
	}
	l.f.Close()
	l.f = nil
	if err == nil && os.Rename(l.path, l.path+".1") == nil {
		l.open()
	}
}

// Lines are the newest lines, oldest first.
func (l *errorLog) Lines() []ErrorLine {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append(append([]ErrorLine(nil), l.lines[l.at:]...), l.lines[:l.at]...)
}

// Reopen lets a renamed file go (FLUSH ERROR LOGS).
func (l *errorLog) Reopen() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f != nil {
		l.f.Close()
		l.f = nil
	}
	l.open()
}

// Path is @@log_error.
func (l *errorLog) Path() string { return l.path }
