package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zoryadb/zorya/e2e/isolation"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/redo"
	"github.com/zoryadb/zorya/storage/volume"
	"github.com/zoryadb/zorya/storage/volume/memvol"
)

// Histories of concurrent transactions over an instance in memory, judged by package isolation: at every level they hold what is promised,
// through crashes too; with a rule of the engine broken they do not, and the checker says so.

// trial is one run.
type trial struct {
	level    table.Isolation
	register bool
	mutant   mutant
	wrap     func(*memvol.Volume) volume.Volume // a broken volume, nil for an honest one
	keys     int                                // in use at a time
	crashes  int
	seed     uint64
}

func (tr trial) broken() bool { return tr.mutant != 0 || tr.wrap != nil }

const (
	trialClients = 6
	trialTxns    = 30 // of a client between crashes
)

func levelOf(l table.Isolation) isolation.Level {
	return map[table.Isolation]isolation.Level{table.ReadUncommitted: isolation.ReadUncommitted, table.ReadCommitted: isolation.ReadCommitted,
		table.RepeatableRead: isolation.RepeatableRead, table.Serializable: isolation.Serializable}[l]
}

// run makes a history and returns its anomalies.
func (tr trial) run(t *testing.T) []isolation.Anomaly {
	t.Helper()
	vol := memvol.New(memvol.Options{Manual: true, PagesPerPG: 1024, OnViolation: func(error) {}})
	load := &isolation.Load{Register: tr.register, Active: tr.keys}
	rec := isolation.NewRecorder(tr.register)
	stop := follow(vol, tr.seed)
	if db, err := open(bg, vol, Options{PoolBytes: 16 << 20}); err != nil {
		t.Fatal(err)
	} else {
		(&env{t: t, vol: vol, db: db}).sbtest("t")
		db.Close()
	}
	stop()
	for life := 0; ; life++ {
		var v volume.Volume = vol
		if tr.wrap != nil && life < tr.crashes {
			v = tr.wrap(vol)
		}
		stop := follow(vol, tr.seed+uint64(life))
		db, err := open(bg, v, Options{PoolBytes: 16 << 20})
		if err != nil {
			t.Fatal(err)
		}
		e := &env{t: t, vol: vol, db: db}
		if life == tr.crashes {
			tr.final(e, load, rec)
			stop()
			db.Close()
			return isolation.Check(rec.History(), levelOf(tr.level))
		}
		db.mutant.Store(uint32(tr.mutant))
		var wg sync.WaitGroup
		var ended atomic.Int64
		for c := range trialClients {
			wg.Go(func() {
				r := rand.New(rand.NewPCG(tr.seed, uint64(life*100+c)))
				for range trialTxns {
					if !tr.txn(e, r, load, rec, &ended) {
						return
					}
				}
			})
		}
		if life < tr.crashes-1 || tr.crashes == 1 && tr.wrap != nil {
			for ended.Load() < trialClients*trialTxns/2 {
				time.Sleep(50 * time.Microsecond)
			}
		} else {
			wg.Wait()
		}
		stop()
		vol = vol.Crash()
		wg.Wait()
		db.Close()
	}
}

// follow lets VDL follow the log in steps, as acknowledgements of storage would.
func follow(vol *memvol.Volume, seed uint64) (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		r := rand.New(rand.NewPCG(seed, 9))
		for {
			select {
			case <-done:
				return
			case <-time.After(time.Duration(20+r.IntN(80)) * time.Microsecond):
				vol.AdvanceVDL(vol.LastLSN() - page.LSN(r.IntN(8)))
			}
		}
	})
	return func() { close(done); wg.Wait() }
}

// txn runs one transaction and records it; false when the instance is lost.
func (tr trial) txn(e *env, r *rand.Rand, load *isolation.Load, rec *isolation.Recorder, ended *atomic.Int64) bool {
	defer ended.Add(1)
	want := load.Next(r)
	patience := 5 * time.Second
	if tr.broken() { // a broken engine may leave locks behind
		patience = 20 * time.Millisecond
	}
	s := &session{e: e, tx: e.db.begin(table.TxnOptions{Isolation: tr.level, LockWait: patience})}
	t := isolation.Txn{Begin: time.Now().UnixNano(), Outcome: isolation.Aborted}
	lost := func(err error) bool { return errors.Is(err, table.ErrClosed) || e.db.vol.Err() != nil }
	for _, o := range want {
		err := s.do(&o, r)
		if err != nil {
			if errors.Is(err, table.ErrLockTimeout) && !tr.broken() { // transactions take microseconds: somebody waited in a ring
				e.t.Errorf("%v at %v: an undetected deadlock (volume: %v)", want, o, e.db.vol.Err())
			}
			_ = s.tx.Rollback(bg)
			rec.Add(t)
			return !lost(err)
		}
		t.Ops = append(t.Ops, o)
	}
	ctx, cancel := context.WithTimeout(bg, 5*time.Second)
	defer cancel()
	// What was read may be told only when what it rests on is durable; a transaction that wrote waits for its own commit.
	if err := s.tx.WaitDependencies(ctx); err != nil {
		_ = s.tx.Rollback(bg)
		rec.Add(t)
		return false
	}
	err := s.tx.Commit(bg)
	t.End = time.Now().UnixNano()
	switch {
	case err == nil:
		t.Outcome = isolation.Committed
	case lost(err):
		t.Outcome = isolation.Unknown
	}
	rec.Add(t)
	return !lost(err)
}

// errTaken ends a transaction that found a key absent and has it now: where gaps are not locked that is nobody's fault.
var errTaken = errors.New("somebody else has inserted the key")

// do runs one operation as a statement; a swap as two.
func (s *session) do(o *isolation.Op, r *rand.Rand) error {
	key := []row.Datum{row.FromInt(o.Key)}
	switch o.Kind {
	case isolation.Read:
		return s.look(o, table.LockNone, r.IntN(3))
	case isolation.Swap:
		if err := s.look(o, table.LockExclusive, r.IntN(2)); err != nil {
			return err
		}
		time.Sleep(time.Duration(r.IntN(100)) * time.Microsecond) // for others to come between
	}
	return s.on("t", func(h *Handle) error {
		for {
			have, ref, err := h.Get(bg, 0, key, table.LockExclusive, table.Wait)
			if err != nil {
				return err
			}
			if o.Kind == isolation.Swap && have != nil && len(o.List) == 0 {
				return errTaken
			}
			if have == nil {
				err := h.Insert(bg, sbrow(o.Key, o.Key, fmt.Sprint(o.Value)))
				var dup *table.DuplicateKey
				if o.Kind == isolation.Append && errors.As(err, &dup) {
					continue
				}
				return err
			}
			text := fmt.Sprint(o.Value)
			if o.Kind == isolation.Append {
				text = string(have[2].B) + "," + text
			}
			n := append([]row.Datum(nil), have...)
			n[2] = row.FromBytes([]byte(text))
			return h.Update(bg, ref, have, n)
		}
	})
}

// look reads a key by the clustered index, by a scan of it, or by the secondary index.
func (s *session) look(o *isolation.Op, l table.Lock, how int) error {
	at := []row.Datum{row.FromInt(o.Key)}
	text := ""
	err := s.on("t", func(h *Handle) error {
		if how == 0 {
			have, _, err := h.Get(bg, 0, at, l, table.Wait)
			if have != nil {
				text = string(have[2].B)
			}
			return err
		}
		c, err := h.Scan(bg, table.ScanOptions{Index: how - 1, Range: table.Range{Low: at, High: at}, Lock: l})
		if err != nil {
			return err
		}
		defer c.Close()
		ok, err := c.Next(bg)
		if ok {
			text = string(c.Row()[2].B)
		}
		return err
	})
	if err == nil {
		o.List, err = isolation.ParseList(text)
	}
	return err
}

func (tr trial) final(e *env, load *isolation.Load, rec *isolation.Recorder) {
	e.t.Helper()
	s := e.begin(table.RepeatableRead)
	t := isolation.Txn{Begin: time.Now().UnixNano(), Final: true}
	for _, k := range load.Keys() {
		o := isolation.Op{Key: k}
		e.must(s.look(&o, table.LockNone, 0))
		t.Ops = append(t.Ops, o)
	}
	e.must(s.tx.Commit(bg))
	t.End = time.Now().UnixNano()
	rec.Add(t)
}

func TestIsolation(t *testing.T) {
	for _, level := range []table.Isolation{table.ReadUncommitted, table.ReadCommitted, table.RepeatableRead, table.Serializable} {
		for _, register := range []bool{false, true} {
			tr := trial{level: level, register: register, keys: 3, crashes: 2, seed: 1}
			if got := tr.run(t); len(got) > 0 {
				t.Errorf("%v, register %v: %d anomalies, the first: %v", levelOf(level), register, len(got), got[0])
			}
		}
	}
}

// hasty acknowledges what is not durable.
type hasty struct{ *memvol.Volume }

func (hasty) WaitDurable(context.Context, page.LSN) error { return nil }
func (hasty) OnDurable(_ page.LSN, fn func(error))        { fn(nil) }

// forward shows what is in the log, durable or not.
type forward struct {
	*memvol.Volume
	last atomic.Uint64
}

func (f *forward) Append(m *redo.MTR, inOrder func(page.LSN)) page.LSN {
	lsn := f.Volume.Append(m, inOrder)
	for old := f.last.Load(); old < uint64(lsn) && !f.last.CompareAndSwap(old, uint64(lsn)); old = f.last.Load() {
	}
	return lsn
}

func (f *forward) VDL() page.LSN { return max(page.LSN(f.last.Load()), f.Volume.VDL()) }

// TestIsolationMutants: each broken rule shows in a history.
func TestIsolationMutants(t *testing.T) {
	for _, c := range []struct {
		name string
		tr   trial
		want []isolation.Type
	}{
		{"no gap locks", trial{level: table.Serializable, mutant: mutantNoGaps, keys: 3, crashes: 1}, []isolation.Type{isolation.G2Item, isolation.GSingle, isolation.LongFork}},
		{"view refreshed", trial{level: table.RepeatableRead, mutant: mutantNewView, keys: 3, crashes: 1}, []isolation.Type{isolation.NonRepeatable, isolation.GSingle}},
		{"locks released at statement end", trial{level: table.RepeatableRead, register: true, mutant: mutantStmtLocks, keys: 1, crashes: 1}, []isolation.Type{isolation.LostUpdate}},
		{"read locks released at statement end", trial{level: table.Serializable, mutant: mutantStmtLocks, keys: 2, crashes: 1}, []isolation.Type{isolation.G2Item, isolation.GSingle, isolation.LongFork, isolation.G1c}},
		{"early acknowledgement", trial{level: table.RepeatableRead, keys: 3, crashes: 1, wrap: func(v *memvol.Volume) volume.Volume { return hasty{v} }}, []isolation.Type{isolation.LostWrite}},
		{"visible before it is durable", trial{level: table.RepeatableRead, keys: 3, crashes: 1, wrap: func(v *memvol.Volume) volume.Volume { return &forward{Volume: v} }},
			[]isolation.Type{isolation.LostWrite, isolation.IncompatibleOrder}},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			const rounds = 30
			seen := map[isolation.Type]int{}
			for c.tr.seed = 1; c.tr.seed <= rounds; c.tr.seed++ {
				for _, a := range c.tr.run(t) {
					seen[a.Type]++
				}
				for _, w := range c.want {
					if seen[w] > 0 {
						t.Logf("caught in round %d: %v", c.tr.seed, seen)
						return
					}
				}
			}
			t.Errorf("not caught in %d rounds: saw %v", rounds, seen)
		})
	}
}
