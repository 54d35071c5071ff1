package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/zoryadb/zorya/engine/btree"
	"github.com/zoryadb/zorya/engine/dict"
	"github.com/zoryadb/zorya/engine/mtr"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
)

// The dictionary's entries are rows of one tree: a header, then the body as it is. A system transaction reads them at its
// snapshot and its own changes, and writes them with undo; metadata locks keep writers apart.

// sysBegin starts a transaction on the dictionary.
func (db *DB) sysBegin(ctx context.Context, write bool) (*Tx, error) {
	o := table.TxnOptions{Isolation: table.RepeatableRead, ReadOnly: !write}
	if write {
		d := table.DDLOf(ctx)
		o.MetadataWait, o.SessionID = d.MetadataWait, d.SessionID
	}
	tx := db.begin(o)
	if _, err := tx.BeginStmt(ctx, table.StmtOptions{Write: write}); err != nil {
		return nil, err
	}
	return tx, nil
}

// fresh takes a new snapshot: what was committed while the transaction waited for metadata locks is seen.
func (tx *Tx) fresh(ctx context.Context) error {
	tx.snap.Close()
	return tx.snapshot(ctx)
}

// sysGet reads one entry; nil when there is none. The bytes are valid until the transaction's next call.
func (tx *Tx) sysGet(ctx context.Context, key []byte) ([]byte, error) {
	if err := tx.snapshot(ctx); err != nil {
		return nil, err
	}
	r := tx.stmt.rd
	r.latest = nil
	found, err := tx.db.dict.Get(ctx, key, r.copyFn)
	if err != nil || !found {
		return nil, err
	}
	ok, err := r.version(ctx, consistent)
	if err != nil || !ok {
		return nil, err
	}
	return r.val[row.HeaderSize:], nil
}

// sysScan calls fn for every entry whose key starts with prefix.
func (tx *Tx) sysScan(ctx context.Context, prefix []byte, fn func(key, body []byte) error) error {
	if err := tx.snapshot(ctx); err != nil {
		return err
	}
	high, _ := row.Successor(nil, prefix)
	c := tx.db.dict.Scan(btree.ScanOptions{Low: prefix, High: high})
	defer c.Close()
	r := tx.stmt.rd
	r.latest = nil
	for c.Next(ctx) {
		r.val = append(r.val[:0], c.Value()...)
		ok, err := r.version(ctx, consistent)
		if err != nil {
			return err
		}
		if ok {
			if err := fn(c.Key(), r.val[row.HeaderSize:]); err != nil {
				return err
			}
		}
	}
	return c.Err()
}

// sysNext returns the first key from low on that starts with prefix, whether its entry is visible or not; nil: there is none.
func (tx *Tx) sysNext(ctx context.Context, low, prefix []byte) ([]byte, error) {
	high, _ := row.Successor(nil, prefix)
	c := tx.db.dict.Scan(btree.ScanOptions{Low: low, High: high, Batch: 1})
	defer c.Close()
	if !c.Next(ctx) {
		return nil, c.Err()
	}
	return bytes.Clone(c.Key()), nil
}

// sysBody reads a body that was stored in chunks; nil when there is none.
func (tx *Tx) sysBody(ctx context.Context, prefix []byte) (body []byte, err error) {
	err = tx.sysScan(ctx, prefix, func(_, b []byte) error {
		if body == nil {
			body = []byte{}
		}
		body = append(body, b...)
		return nil
	})
	return body, err
}

var errSysBusy = errors.New("dictionary entry is being changed by another transaction")

// sysPut writes one entry.
func (tx *Tx) sysPut(ctx context.Context, key, body []byte) error {
	val := make([]byte, row.HeaderSize, row.HeaderSize+len(body))
	val = append(val, body...)
	return tx.sysEdit(ctx, key, val, false)
}

// sysDelete removes one; it is fine if there is none.
func (tx *Tx) sysDelete(ctx context.Context, key []byte) error {
	return tx.sysEdit(ctx, key, nil, true)
}

func (tx *Tx) sysEdit(ctx context.Context, key, val []byte, del bool) error {
	c := &change{table: dict.Tree, key: key, delete: del}
	reserve := len(val)
	if del {
		reserve = row.HeaderSize + dict.Chunk + 1
	}
	return tx.edit(ctx, tx.db.dict, key, reserve, func(m *mtr.MTR, cur []byte, exists bool) (btree.Action, []byte, error) {
		v := val
		if exists {
			hd, err := row.ParseHeader(cur)
			if err != nil {
				return 0, nil, err
			}
			if !tx.mine(hd.Trx) && tx.db.txns.End(hd.Trx) == 0 {
				return 0, nil, errSysBusy
			}
			if del && hd.Deleted {
				return btree.Keep, nil, nil
			}
			if del {
				v = bytes.Clone(cur)
			}
		} else if del {
			return btree.Keep, nil, nil
		}
		if err := tx.stamp(m, c, cur, exists, v); err != nil {
			return 0, nil, err
		}
		return btree.Put, v, nil
	})
}

// sysPutBody writes a body in chunks and removes what is left of a longer one; nil removes it all.
func (tx *Tx) sysPutBody(ctx context.Context, prefix, body []byte) error {
	n := 0
	for first := true; body != nil && (first || len(body) > 0); first = false {
		k := min(len(body), dict.Chunk)
		if err := tx.sysPut(ctx, dict.ChunkKey(prefix, n), body[:k]); err != nil {
			return err
		}
		body = body[k:]
		n++
	}
	var rest [][]byte
	err := tx.sysScan(ctx, prefix, func(key, _ []byte) error {
		if bytes.Compare(key, dict.ChunkKey(prefix, n)) >= 0 {
			rest = append(rest, bytes.Clone(key))
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, k := range rest {
		if err := tx.sysDelete(ctx, k); err != nil {
			return err
		}
	}
	return nil
}

// table returns a table as it is committed now, from the cache if it is there.
func (db *DB) table(ctx context.Context, schema, name string) (*dict.Table, error) {
	if t := db.cache.Get(schema, name); t != nil {
		return t, nil
	}
	epoch := db.cache.Epoch()
	tx, err := db.sysBegin(ctx, false)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback(ctx)
	s, err := tx.load(ctx, schema, name)
	if err != nil {
		return nil, err
	}
	return db.opened(s, epoch)
}

// tableByID is table for the id that an undo record names.
func (db *DB) tableByID(ctx context.Context, id uint64) (*dict.Table, error) {
	if t := db.cache.ByID(id); t != nil {
		return t, nil
	}
	epoch := db.cache.Epoch()
	tx, err := db.sysBegin(ctx, false)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback(ctx)
	s, err := tx.loadID(ctx, id)
	if err != nil {
		return nil, err
	}
	return db.opened(s, epoch)
}

func (db *DB) opened(s *dict.Stored, epoch uint64) (*dict.Table, error) {
	t, err := dict.Open(db.sp, s, db.types())
	if err != nil {
		return nil, err
	}
	db.born.mu.Lock()
	t.Born = db.born.m[s.ID]
	for _, ix := range t.Indexes {
		ix.Born = db.born.m[ix.Def.ID]
	}
	db.born.mu.Unlock()
	if v, ok := db.builds.Load(s.ID); ok {
		t.Touched = v.(*dict.Touched)
	}
	db.cache.Put(t, epoch)
	db.bringBack(&t.Def)
	return t, nil
}

// load reads a table's definition.
func (tx *Tx) load(ctx context.Context, schema, name string) (*dict.Stored, error) {
	b, err := tx.sysGet(ctx, dict.NameKey(schema, name))
	if err != nil {
		return nil, err
	}
	if b == nil {
		if s, err := tx.sysGet(ctx, dict.SchemaKey(schema)); err != nil || s == nil {
			return nil, firstErr(err, fmt.Errorf("%w: %s", table.ErrNoSchema, schema))
		}
		return nil, fmt.Errorf("%w: %s.%s", table.ErrNoTable, schema, name)
	}
	if len(b) != 8 {
		return nil, fmt.Errorf("name %s.%s: %w", schema, name, dict.ErrCorrupt)
	}
	s, err := tx.loadID(ctx, leUint64(b))
	if err != nil {
		return nil, fmt.Errorf("%s.%s: %w", schema, name, err)
	}
	return s, nil
}

func leUint64(b []byte) (v uint64) {
	for i := 7; i >= 0; i-- {
		v = v<<8 | uint64(b[i])
	}
	return v
}

func (tx *Tx) loadID(ctx context.Context, id uint64) (*dict.Stored, error) {
	body, err := tx.sysBody(ctx, dict.DefPrefix(id))
	if err != nil {
		return nil, err
	}
	if body == nil {
		return nil, fmt.Errorf("%w: id %d", table.ErrNoTable, id)
	}
	s, err := dict.Decode(body)
	if err != nil {
		return nil, err
	}
	s.ReferBy = nil
	err = tx.sysScan(ctx, dict.ReferPrefix(s.Schema+"."+s.Name), func(key, _ []byte) error {
		s.ReferBy = append(s.ReferBy, string(key[len(dict.ReferPrefix(s.Schema+"."+s.Name)):]))
		return nil
	})
	return s, err
}
