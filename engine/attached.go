package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/zoryadb/zorya/engine/dict"
	"github.com/zoryadb/zorya/engine/table"
)

// Objects of some kinds are attached to a table: they are stored under its id (table.Attached), so a rename concerns them as little as it
// concerns the rows, and they go in the transaction that drops the table. A table that is written anew has a new id: what describes its rows' values goes along.

// scanAttached calls fn for the entries of a kind that are attached to a table: rest is the key after the prefix.
func (tx *Tx) scanAttached(ctx context.Context, kind string, id uint64, fn func(rest, body []byte)) error {
	prefix := dict.ObjectPrefix(kind, table.Attached(id))
	return tx.sysScan(ctx, prefix, func(key, body []byte) error {
		fn(bytes.Clone(key[len(prefix):]), bytes.Clone(body))
		return nil
	})
}

// dropAttached removes all that is attached to a table.
func (tx *Tx) dropAttached(ctx context.Context, id uint64) error {
	return firstErr(tx.dropAttachedOf(ctx, table.KindHistogram, id), tx.dropAttachedOf(ctx, table.KindStatistics, id))
}

func (tx *Tx) dropAttachedOf(ctx context.Context, kind string, id uint64) error {
	var keys [][]byte
	prefix := dict.ObjectPrefix(kind, table.Attached(id))
	if err := tx.scanAttached(ctx, kind, id, func(rest, _ []byte) { keys = append(keys, slices.Concat(prefix, rest)) }); err != nil {
		return err
	}
	for _, k := range keys {
		if err := tx.sysDelete(ctx, k); err != nil {
			return err
		}
	}
	if len(keys) > 0 {
		tx.effects = append(tx.effects, func() { tx.db.gens.changed(kind, table.Attached(id)) })
	}
	return nil
}

// keepHistograms gives a table's histograms to the one that takes its place.
func (tx *Tx) keepHistograms(ctx context.Context, from, to uint64) error {
	const kind = table.KindHistogram
	var list [][2][]byte
	if err := tx.scanAttached(ctx, kind, from, func(rest, body []byte) { list = append(list, [2][]byte{rest, body}) }); err != nil {
		return err
	}
	prefix := dict.ObjectPrefix(kind, table.Attached(to))
	for _, e := range list {
		if err := tx.sysPut(ctx, slices.Concat(prefix, e[0]), e[1]); err != nil {
			return err
		}
	}
	return nil
}

// Holders lists the tables that have objects of a kind attached, by schema and name.
func (db *DB) Holders(ctx context.Context, kind string) (all [][2]string, err error) {
	var ids []uint64
	err = db.read(ctx, func(tx *Tx) error {
		prefix := dict.ObjectKindPrefix(kind)
		return tx.sysScan(ctx, prefix, func(key, _ []byte) error {
			if id, ok := table.AttachedTo(string(key[len(prefix):])); ok && (len(ids) == 0 || ids[len(ids)-1] != id) {
				ids = append(ids, id)
			}
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list tables with %s: %w", kind, err)
	}
	for _, id := range ids {
		t, err := db.tableByID(ctx, id)
		if errors.Is(err, table.ErrNoTable) {
			continue // dropped meanwhile
		}
		if err != nil {
			return nil, err
		}
		all = append(all, [2]string{t.Schema, t.Name})
	}
	slices.SortFunc(all, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	return all, nil
}
