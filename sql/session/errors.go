package session

import (
	"context"
	"errors"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// engineErrors maps the table layer's errors that need no argument.
var engineErrors = []struct {
	err  error
	code mysqlerr.Code
}{
	{table.ErrDeadlock, mysqlerr.ER_LOCK_DEADLOCK},
	{table.ErrLockTimeout, mysqlerr.ER_LOCK_WAIT_TIMEOUT},
	{table.ErrKilled, mysqlerr.ER_QUERY_INTERRUPTED},
	{table.ErrReadOnly, mysqlerr.ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION},
	{table.ErrDefChanged, mysqlerr.ER_TABLE_DEF_CHANGED},
	{table.ErrLocked, mysqlerr.ER_LOCK_NOWAIT},
	{table.ErrAutoIncFull, mysqlerr.ER_AUTOINC_READ_FAILED},
	{table.ErrClosed, mysqlerr.ER_SERVER_SHUTDOWN},
	{context.Canceled, mysqlerr.ER_QUERY_INTERRUPTED},
}

// sqlError makes the error that a client sees of any error. It keeps err as the cause.
func sqlError(err error) *mysqlerr.Error {
	if err == nil {
		return nil
	}
	var e *mysqlerr.Error
	if errors.As(err, &e) {
		return e
	}
	for _, m := range engineErrors {
		if errors.Is(err, m.err) {
			return mysqlerr.New(m.code).Because(err)
		}
	}
	return mysqlerr.From(err)
}

// Errors that sessions raise themselves.
func errInterrupted() *mysqlerr.Error { return mysqlerr.New(mysqlerr.ER_QUERY_INTERRUPTED) }

// rollsBack reports whether an error has ended the whole transaction, not just its statement.
func rollsBack(err error) bool {
	return errors.Is(err, table.ErrDeadlock) || mysqlerr.IsCode(err, mysqlerr.ER_LOCK_DEADLOCK)
}
