package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/zoryadb/zorya/engine/buffer"
	"github.com/zoryadb/zorya/engine/dict"
	"github.com/zoryadb/zorya/engine/lock"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/redo"
	"github.com/zoryadb/zorya/storage/volume"
)

// pastVolume is the volume as it was at an LSN: VDL stands still, and nothing can be appended.
type pastVolume struct {
	volume.Volume
	lsn page.LSN
}

var errPast = errors.New("a view of the past cannot be changed")

func (v pastVolume) VDL() page.LSN                             { return v.lsn }
func (v pastVolume) Admit(context.Context, int, int) error     { return errPast }
func (v pastVolume) EnsurePages(context.Context, uint64) error { return errPast }
func (v pastVolume) SetReadFloor(page.LSN)                     {} // the pool that made the view keeps the floor
func (v pastVolume) Close() error                              { return nil }
func (v pastVolume) Append(*redo.MTR, func(page.LSN)) page.LSN { panic(errPast) } // Admit has refused
func (v pastVolume) WaitDurable(_ context.Context, lsn page.LSN) error {
	if lsn > v.lsn {
		return errPast
	}
	return nil
}

func (v pastVolume) OnDurable(lsn page.LSN, fn func(error)) {
	if lsn > v.lsn {
		fn(errPast)
		return
	}
	fn(nil)
}

// viewPool is the buffer pool of a view of the past.
const viewPool = 32 << 20

// view opens the instance as it was at VDL: a whole engine over pages read from storage at that point, in which
// transactions that were at work then are at work for ever. Storage keeps the pages until close is called.
func (db *DB) view(ctx context.Context) (v *DB, close func() error, err error) {
	lsn, release := db.pool.PinReadPoint()
	past := pastVolume{db.vol, lsn}
	pool, err := buffer.New(past, buffer.Options{Bytes: viewPool})
	if err != nil {
		release()
		return nil, nil, fmt.Errorf("open a view at LSN %d: %w", lsn, err)
	}
	v = &DB{o: db.o, vol: past, pool: pool, log: slog.New(slog.DiscardHandler), locks: lock.New(), cache: dict.NewCache(1000)}
	v.putOff.never = true
	v.init()
	close = func() error {
		v.stop()
		err := pool.Close()
		release()
		return err
	}
	if err = v.load(ctx); err == nil {
		err = v.holdInFlight()
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("open a view at LSN %d: %w", lsn, err), close())
	}
	return v, close, nil
}

// holdInFlight enters the transactions that were at work into the transaction table.
func (db *DB) holdInFlight() error {
	for _, l := range db.logs.InFlight() {
		tx := &Tx{db: db, log: l, o: table.TxnOptions{}, started: time.Now()}
		tx.own.Begin(0)
		tx.own.SetTrx(l.Trx())
		tx.id.Store(l.Trx())
		if err := db.txns.Recover(l.Trx(), tx); err != nil {
			return err
		}
	}
	return nil
}
