package general

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/sqltext"
)

// The text of SHOW ENGINE INNODB STATUS: InnoDB's sections in InnoDB's order and, where tools look for it, InnoDB's wording. What an Aurora writer does
// not have (files, a change buffer, flushing) is told by what stands in its place.

// lastForeignKey is the last statement that a foreign key refused.
type lastForeignKey struct {
	at      time.Time
	session uint32
	query   string
	message string
}

// noteForeignKey keeps err for the monitor if a foreign key is behind it.
func noteForeignKey(c *sql.Context, err error) {
	if c == nil || !mysqlerr.IsCode(err, mysqlerr.ER_NO_REFERENCED_ROW_2) && !mysqlerr.IsCode(err, mysqlerr.ER_ROW_IS_REFERENCED_2) {
		return
	}
	if s := sessionOf(c); s != nil {
		s.e.lastForeignKey.Store(&lastForeignKey{at: time.Now(), session: s.login.ID, query: c.Query(), message: err.Error()})
	}
}

// statusPrinter writes the sections.
type statusPrinter struct {
	strings.Builder
	e         *Engine
	ctx       *sql.Context
	info      table.Info
	activity  table.Activity
	processes map[uint64]Process
	counters  map[string]uint64
	since     float64 // seconds since the server started
}

func (e *Engine) engineStatus(ctx *sql.Context) (string, error) {
	m, err := e.monitor()
	if err != nil {
		return "", err
	}
	p := &statusPrinter{e: e, ctx: ctx, info: e.db.Info(), activity: m.Activity(), processes: e.byID(), since: max(e.uptime().Seconds(), 1)}
	if e.opts.Status != nil {
		p.counters = e.opts.Status()
	}
	fmt.Fprintf(p, "\n=====================================\n%s INNODB MONITOR OUTPUT\n=====================================\n", p.time(time.Now()))
	fmt.Fprintf(p, "Per second averages calculated from the last %d seconds\n", int(p.since))
	p.background()
	p.semaphores()
	p.foreignKey()
	p.deadlock(m.LatestDeadlock())
	p.transactions(m)
	p.storage()
	p.log()
	p.pool()
	p.rows()
	p.WriteString("----------------------------\nEND OF INNODB MONITOR OUTPUT\n============================\n")
	return p.String(), nil
}

func (p *statusPrinter) section(name string) {
	line := strings.Repeat("-", len(name))
	fmt.Fprintf(p, "%s\n%s\n%s\n", line, name, line)
}

func (p *statusPrinter) time(t time.Time) string {
	if loc := item.Location(p.ctx); loc != nil {
		t = t.In(loc)
	} else {
		t = t.UTC()
	}
	return t.Format("2006-01-02 15:04:05")
}

func (p *statusPrinter) rate(n uint64) float64 { return float64(n) / p.since }

func (p *statusPrinter) background() {
	p.section("BACKGROUND THREAD")
	a := &p.activity
	fmt.Fprintf(p, "purge: %d rounds, %d undo records passed; %d undo logs, %d undo pages\n", a.PurgeRounds, a.PurgedRecords, a.UndoLogs, a.UndoPages)
}

func (p *statusPrinter) semaphores() {
	p.section("SEMAPHORES")
	a := &p.activity
	avg := time.Duration(0)
	if a.RowLockWaits > 0 {
		avg = a.RowLockTime / time.Duration(a.RowLockWaits)
	}
	fmt.Fprintf(p, "row lock waits %d, now %d, average %d ms, longest %d ms; timeouts %d; deadlocks %d\n", a.RowLockWaits, a.RowLockNow, avg.Milliseconds(),
		a.RowLockMax.Milliseconds(), a.Timeouts, p.info.Deadlocks)
}

func (p *statusPrinter) foreignKey() {
	f := p.e.lastForeignKey.Load()
	if f == nil {
		return
	}
	p.section("LATEST FOREIGN KEY ERROR")
	fmt.Fprintf(p, "%s Transaction:\nMySQL thread id %d\n%s\n%s\n", p.time(f.at), f.session, f.query, f.message)
}

func (p *statusPrinter) deadlock(d *table.DeadlockInfo) {
	if d == nil {
		return
	}
	p.section("LATEST DETECTED DEADLOCK")
	fmt.Fprintf(p, "%s\n", p.time(d.At))
	for i := range d.Cycle {
		t := &d.Cycle[i]
		fmt.Fprintf(p, "*** (%d) TRANSACTION:\nTRANSACTION %d, ACTIVE\nLOCK WAIT %d row lock(s), undo log entries %d\nMySQL thread id %d%s\n%s\n", i+1, t.ID, t.Rows, t.Modified,
			t.SessionID, p.whose(t.SessionID), t.Query)
		if t.Holds.ID != "" {
			fmt.Fprintf(p, "\n*** (%d) HOLDS THE LOCK(S):\n%s\n", i+1, recordLock(&t.Holds, false))
		}
		fmt.Fprintf(p, "\n*** (%d) WAITING FOR THIS LOCK TO BE GRANTED:\n%s\n\n", i+1, recordLock(&t.Waits, true))
	}
	fmt.Fprintf(p, "*** WE ROLL BACK TRANSACTION (%d)\n", d.Victim+1)
}

// recordLock is a row lock in the monitor's words.
func recordLock(l *table.LockInfo, waiting bool) string {
	mode, tail, _ := strings.Cut(l.Mode, ",")
	text := "lock_mode " + mode
	if mode == "S" {
		text = "lock mode S"
	}
	switch tail {
	case "REC_NOT_GAP":
		text += " locks rec but not gap"
	case "GAP":
		text += " locks gap before rec"
	case "GAP,INSERT_INTENTION":
		text += " locks gap before rec insert intention"
	case "INSERT_INTENTION":
		text += " insert intention"
	}
	if waiting {
		text += " waiting"
	}
	if l.Index == "" {
		return fmt.Sprintf("TABLE LOCK table %s.%s trx id %d %s", sqltext.Quote(l.Schema), sqltext.Quote(l.Table), l.TrxID, text)
	}
	return fmt.Sprintf("RECORD LOCKS index %s of table %s.%s trx id %d %s\nRecord lock: %s", l.Index, sqltext.Quote(l.Schema), sqltext.Quote(l.Table), l.TrxID, text, l.Data)
}

// whose is the client of a connection, as the monitor names it.
func (p *statusPrinter) whose(session uint64) string {
	if x, ok := p.processes[session]; ok {
		return fmt.Sprintf(" %s %s", x.Host, x.User)
	}
	return ""
}

// transactionsShown bounds the list: InnoDB's text ends at 1 MB, cut off in its middle.
const transactionsShown = 1000

func (p *statusPrinter) transactions(m table.Monitor) {
	p.section("TRANSACTIONS")
	fmt.Fprintf(p, "Trx id counter %d\nPurge done for trx's n:o < %d undo n:o < 0 state: running\nHistory list length %d\n", p.activity.NextTrx, p.activity.OldestView,
		p.info.HistoryLength)
	p.WriteString("LIST OF TRANSACTIONS FOR EACH SESSION:\n")
	all := m.Transactions()
	waits := map[uint64]table.LockInfo{}
	for _, w := range m.DataLockWaits() {
		waits[w.WaitingTrx] = w.Waiting
	}
	busy := map[uint64]bool{}
	for i := range all {
		busy[all[i].SessionID] = true
	}
	shown := 0
	for id, x := range p.processes {
		if busy[id] || shown == transactionsShown {
			continue
		}
		shown++
		fmt.Fprintf(p, "---TRANSACTION %d, not started\n0 lock struct(s), heap size 0, 0 row lock(s)\nMySQL thread id %d %s %s %s\n", table.ReaderID|id, id, x.Host, x.User, x.State)
	}
	for i := range all {
		if i == transactionsShown {
			fmt.Fprintf(p, "--- %d more transactions\n", len(all)-i)
			break
		}
		p.transaction(&all[i], waits)
	}
}

func (p *statusPrinter) transaction(t *table.TrxInfo, waits map[uint64]table.LockInfo) {
	fmt.Fprintf(p, "---TRANSACTION %d, ", t.ID)
	switch t.State {
	case table.TrxPrepared:
		fmt.Fprintf(p, "ACTIVE (PREPARED) %d sec", secondsSince(t.Started))
	case table.TrxRollingBack:
		fmt.Fprintf(p, "ACTIVE %d sec rollback\nROLLING BACK", secondsSince(t.Started))
	case table.TrxLockWait:
		fmt.Fprintf(p, "ACTIVE %d sec starting index read\nmysql tables in use %d, locked %d\nLOCK WAIT", secondsSince(t.Started), t.Tables, t.Tables)
	default:
		fmt.Fprintf(p, "ACTIVE %d sec", secondsSince(t.Started))
	}
	if t.State == table.TrxRunning || t.State == table.TrxPrepared {
		p.WriteByte('\n')
	} else {
		p.WriteByte(' ')
	}
	fmt.Fprintf(p, "%d lock struct(s), heap size %d, %d row lock(s)", t.Locks, t.Locks*lockBytes, t.RowsLocked)
	if t.RowsModified > 0 {
		fmt.Fprintf(p, ", undo log entries %d", t.RowsModified)
	}
	p.WriteByte('\n')
	if t.State == table.TrxRollingBack && t.RollbackTotal > 0 {
		fmt.Fprintf(p, "rollback: %d of %d row changes left\n", t.RollbackLeft, t.RollbackTotal)
	}
	if x, ok := p.processes[t.SessionID]; ok {
		fmt.Fprintf(p, "MySQL thread id %d, query id 0 %s %s %s\n", t.SessionID, x.Host, x.User, x.State)
		if x.Info != "" {
			p.WriteString(x.Info + "\n")
		}
	} else if t.State == table.TrxRollingBack {
		p.WriteString("recovered trx\n")
	}
	if w, ok := waits[t.ID]; ok && t.State == table.TrxLockWait {
		fmt.Fprintf(p, "------- TRX HAS BEEN WAITING %d SEC FOR THIS LOCK TO BE GRANTED:\n%s\n------------------\n", secondsSince(t.WaitStarted), recordLock(&w, true))
	}
	if t.OldestVisible != 0 {
		fmt.Fprintf(p, "Trx read view will not see trx with id >= %d\n", t.OldestVisible)
	}
}

func secondsSince(since time.Time) int64 { return int64(max(time.Since(since)/time.Second, 0)) }

func (p *statusPrinter) storage() {
	p.section("FILE I/O")
	c := p.counters
	fmt.Fprintf(p, "storage volume: %d protection groups, epoch %d\n", c["Zorya_protection_groups"], c["Zorya_volume_epoch"])
	fmt.Fprintf(p, "%d page reads from storage nodes (%d hedged), %d frames of %d bytes to storage nodes\n", c["Zorya_page_reads"], c["Zorya_page_read_hedges"],
		c["Zorya_frames"], c["Zorya_frame_bytes"])
	fmt.Fprintf(p, "%.2f reads/s, %.2f writes/s\n", p.rate(c["Zorya_page_reads"]), p.rate(c["Zorya_frames"]))
}

func (p *statusPrinter) log() {
	p.section("LOG")
	c := p.counters
	last := c["Innodb_redo_log_current_lsn"]
	if last == 0 {
		last = max(uint64(p.info.NextLSN), uint64(p.info.VDL))
	}
	fmt.Fprintf(p, "Log sequence number          %d\n", last)
	if vcl := c["Zorya_vcl"]; vcl != 0 {
		fmt.Fprintf(p, "Volume complete LSN (VCL)    %d\n", vcl)
	}
	fmt.Fprintf(p, "Volume durable LSN (VDL)     %d\nLog flushed up to            %d\nOldest read view at          %d\n", p.info.VDL, p.info.VDL, p.activity.OldestView)
	fmt.Fprintf(p, "%d log records, %d bytes, %d mini-transactions; %d commits wait for the log\n", c["Zorya_redo_records"], c["Zorya_redo_bytes"], c["Zorya_mtrs"],
		c["Zorya_commit_waiters"])
	fmt.Fprintf(p, "%.2f log records/s\n", p.rate(c["Zorya_redo_records"]))
}

func (p *statusPrinter) pool() {
	p.section("BUFFER POOL AND MEMORY")
	i := &p.info
	fmt.Fprintf(p, "Total large memory allocated %d\nDictionary tables open %d\n", uint64(i.PoolPages)*16384, p.activity.OpenTables)
	fmt.Fprintf(p, "Buffer pool size   %d\nModified db pages  %d\n", i.PoolPages, i.PoolDirty)
	hit := uint64(1000)
	if i.PoolHits+i.PoolReads > 0 {
		hit = i.PoolHits * 1000 / (i.PoolHits + i.PoolReads)
	}
	fmt.Fprintf(p, "Pages read %d, created 0, written 0\n%.2f reads/s, 0.00 creates/s, 0.00 writes/s\nBuffer pool hit rate %d / 1000\n", i.PoolReads, p.rate(i.PoolReads), hit)
}

func (p *statusPrinter) rows() {
	p.section("ROW OPERATIONS")
	a := &p.activity
	fmt.Fprintf(p, "%d queries inside InnoDB, 0 queries in queue\n%d read views open inside InnoDB\nProcess ID=%d\n", p.counters["Threads_running"], a.Views, os.Getpid())
	fmt.Fprintf(p, "Number of rows inserted %d, updated %d, deleted %d, read %d\n", a.Inserted, a.Updated, a.Deleted, a.Read)
	fmt.Fprintf(p, "%.2f inserts/s, %.2f updates/s, %.2f deletes/s, %.2f reads/s\n", p.rate(a.Inserted), p.rate(a.Updated), p.rate(a.Deleted), p.rate(a.Read))
}

// lockBytes is what a lock takes in memory, about.
const lockBytes = 96
