package logs

import (
	"fmt"
	"strings"
	"time"
)

// Client is who a statement came from.
type Client struct {
	ID      uint32 // connection
	Account string // user name of the account that matched
	User    string // as the client gave it
	Host    string // as USER() shows it
	Address string // IP address; "" for a local socket
}

// userHost is "account[user] @ host [address]".
func (c *Client) userHost() string {
	host := c.Host
	if host == c.Address {
		host = ""
	}
	return fmt.Sprintf("%s[%s] @ %s [%s]", c.Account, c.User, host, c.Address)
}

// Slow is one entry of the slow query log.
type Slow struct {
	Client
	Started        time.Time
	Took, LockTime time.Duration
	Sent, Examined uint64
	Database       string
	InsertID       uint64
	Text           string // masked
}

// Slow logs a statement.
func (l *Logs) Slow(e Slow) { l.put(job{slow: &e}) }

func (w *writer) slow(e *Slow) {
	s := w.l.Settings()
	if s.ToFile {
		f := w.file(s.SlowFile, limitLog, w.header)
		var b strings.Builder
		fmt.Fprintf(&b, "# Time: %s\n# User@Host: %s  Id: %5d\n", stamp(e.Started.Add(e.Took), s.LocalTime), e.userHost(), e.ID)
		fmt.Fprintf(&b, "# Query_time: %.6f  Lock_time: %.6f Rows_sent: %d  Rows_examined: %d\n", e.Took.Seconds(), e.LockTime.Seconds(), e.Sent, e.Examined)
		if e.Database != "" && (f.fresh || e.Database != w.slowDB) {
			fmt.Fprintf(&b, "use %s;\n", e.Database)
		}
		w.slowDB = e.Database
		if e.InsertID != 0 {
			fmt.Fprintf(&b, "SET insert_id=%d,timestamp=%d;\n", e.InsertID, e.Started.Unix())
		} else {
			fmt.Fprintf(&b, "SET timestamp=%d;\n", e.Started.Unix())
		}
		b.WriteString(strings.TrimRight(e.Text, "; \t\r\n"))
		b.WriteString(";\n")
		w.write(f, b.String())
	}
	if s.ToTable {
		w.record(SlowTable, e.Started.UTC().Format(timeForm), e.userHost(), clock(e.Took), clock(e.LockTime), fmt.Sprint(e.Sent), fmt.Sprint(e.Examined),
			e.Database, "0", fmt.Sprint(e.InsertID), fmt.Sprint(w.l.o.Server), e.Text, fmt.Sprint(e.ID))
	}
}

// General is one entry of the general query log.
type General struct {
	Client
	At       time.Time
	Command  string // Connect, Query, Quit ...
	Argument string // masked
}

// General logs a command.
func (l *Logs) General(e General) { l.put(job{general: &e}) }

func (w *writer) general(e *General) {
	s := w.l.Settings()
	if s.ToFile {
		f := w.file(s.GeneralFile, limitLog, w.header)
		w.write(f, fmt.Sprintf("%s\t%5d %s\t%s\n", stamp(e.At, s.LocalTime), e.ID, e.Command, e.Argument))
	}
	if s.ToTable {
		w.record(GeneralTable, e.At.UTC().Format(timeForm), e.userHost(), fmt.Sprint(e.ID), fmt.Sprint(w.l.o.Server), e.Command, e.Argument)
	}
}

const timeForm = "2006-01-02 15:04:05.000000"

// clock is a duration as a TIME(6).
func clock(d time.Duration) string {
	us := d.Microseconds()
	return fmt.Sprintf("%02d:%02d:%02d.%06d", us/3600e6, us/60e6%60, us/1e6%60, us%1e6)
}
