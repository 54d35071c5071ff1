package session

import (
	"context"
	"errors"
	"slices"

	"github.com/zoryadb/zorya/engine/table"
)

// DISABLE KEYS does nothing in InnoDB. A dump says it between LOCK TABLES ... WRITE and its rows, and ENABLE KEYS behind them: nobody else sees the
// table meanwhile, so its indexes can be built when the rows are there (table.KeySwitch). Without the lock it does nothing here either.

// disableKeys puts the indexes of a table off that the session has locked for writing.
func (s *Session) disableKeys(ctx context.Context, schema, name string) error {
	key := tableKey{schema, name}
	k, ok := s.srv.db.Catalog().(table.KeySwitch)
	if own := s.ownLock(key); !ok || own == nil || !own.write {
		return nil
	}
	done, err := k.DisableKeys(ctx, schema, name)
	if done && !slices.Contains(s.keysOff, key) {
		s.keysOff = append(s.keysOff, key)
	}
	return err
}

// enableKeys builds what is put off, before the locks go.
func (s *Session) enableKeys(ctx context.Context) error {
	if len(s.keysOff) == 0 {
		return nil
	}
	ctx, leave, err := s.enterDDL(ctx)
	if err != nil {
		return err
	}
	defer leave()
	ctx = table.WithDDL(ctx, table.DDLOptions{MetadataWait: s.set.MetadataWait, SessionID: uint64(s.login.ID)})
	k := s.srv.db.Catalog().(table.KeySwitch)
	for len(s.keysOff) > 0 {
		t := s.keysOff[len(s.keysOff)-1]
		if err := k.EnableKeys(ctx, t.schema, t.name, table.Build{Shared: true}); err != nil && !errors.Is(err, table.ErrNoTable) && !errors.Is(err, table.ErrNoSchema) { // dropped meanwhile
			return err
		}
		s.keysOff = s.keysOff[:len(s.keysOff)-1]
	}
	return nil
}

// abandonKeys leaves the building of what is still put off to others.
func (s *Session) abandonKeys() {
	for _, t := range s.keysOff {
		s.srv.db.Catalog().(table.KeySwitch).AbandonKeys(t.schema, t.name)
	}
	s.keysOff = nil
}
