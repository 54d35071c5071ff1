package general

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/mysql"
	goerrors "gopkg.in/src-d/go-errors.v1"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// mapError turns any error into MySQL's: its own pass through, the engine's and the library's are translated. c may be nil.
func mapError(c *sql.Context, err error) error {
	if err == nil {
		return nil
	}
	err = translated(c, err)
	noteForeignKey(c, err)
	return err
}

func translated(c *sql.Context, err error) error {
	var own *mysqlerr.Error
	if errors.As(unwrapGMS(err), &own) {
		return own
	}
	if e := engineError(c, err); e != nil {
		return e.Because(err)
	}
	if e := contextError(c, err); e != nil {
		return e
	}
	cause := unwrapGMS(err)
	if e := engineError(c, cause); e != nil {
		return e.Because(err)
	}
	var file *fs.PathError
	var number syscall.Errno
	if errors.As(cause, &file) && errors.As(file, &number) { // of INTO OUTFILE
		text := number.Error()
		return mysqlerr.Signal(1, mysqlerr.UnknownState, fmt.Sprintf("Can't create/write to file '%s' (OS errno %d - %s)", file.Path, number, strings.ToUpper(text[:1])+text[1:])).Because(err)
	}
	var se *mysql.SQLError
	if errors.As(cause, &se) && se.Num != mysql.ERUnknownError {
		return mysqlerr.Signal(mysqlerr.Code(se.Num), stateOf(se), se.Message).Because(err)
	}
	return libraryError(c, cause).Because(err)
}

func stateOf(se *mysql.SQLError) string {
	if s := mysqlerr.State(mysqlerr.Code(se.Num)); s != mysqlerr.UnknownState || se.State == "" {
		return s
	}
	return se.State
}

// unwrapGMS removes the library's wrappers, which do not implement Unwrap.
func unwrapGMS(err error) error {
	for range 8 {
		switch w := err.(type) {
		case sql.WrappedInsertError:
			err = w.Cause
			continue
		case sql.WrappedTypeConversionError:
			err = w.Err
			continue
		case sql.IgnorableError:
			return err
		case *goerrors.Error:
			if sql.ErrUnableSort.Is(err) && w.Cause() != nil {
				err = w.Cause()
				continue
			}
		}
		break
	}
	return err
}

func engineError(c *sql.Context, err error) *mysqlerr.Error {
	switch {
	case errors.Is(err, table.ErrNotNull):
		_, column, _ := strings.Cut(err.Error(), table.ErrNotNull.Error()+": ")
		return mysqlerr.New(mysqlerr.ER_BAD_NULL_ERROR, column)
	case errors.Is(err, table.ErrLockTimeout):
		return mysqlerr.New(mysqlerr.ER_LOCK_WAIT_TIMEOUT)
	case errors.Is(err, table.ErrDeadlock):
		return mysqlerr.New(mysqlerr.ER_LOCK_DEADLOCK)
	case errors.Is(err, table.ErrLocked):
		return mysqlerr.NewMessage(3572, "Statement aborted because lock(s) could not be acquired immediately and NOWAIT is set.")
	case errors.Is(err, table.ErrKilled):
		return mysqlerr.New(mysqlerr.ER_QUERY_INTERRUPTED)
	case errors.Is(err, table.ErrDefChanged):
		return mysqlerr.New(mysqlerr.ER_TABLE_DEF_CHANGED)
	case errors.Is(err, table.ErrReadOnly):
		return mysqlerr.New(mysqlerr.ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION)
	case errors.Is(err, table.ErrAutoIncFull):
		return mysqlerr.New(mysqlerr.ER_AUTOINC_READ_FAILED)
	case errors.Is(err, table.ErrTooBig):
		return mysqlerr.New(mysqlerr.ER_TOO_BIG_ROWSIZE, 65535)
	case errors.Is(err, table.ErrClosed):
		return mysqlerr.New(mysqlerr.ER_SERVER_SHUTDOWN)
	case errors.Is(err, table.ErrSchemaExists):
		return mysqlerr.NewMessage(mysqlerr.ER_DB_CREATE_EXISTS, "%s", "Can't create database; database exists")
	case errors.Is(err, table.ErrNoTable):
		return noSuchTable(c, "")
	case errors.Is(err, table.ErrNoSchema):
		return mysqlerr.NewMessage(mysqlerr.ER_BAD_DB_ERROR, "Unknown database")
	case errors.Is(err, table.ErrTableExists):
		return mysqlerr.NewMessage(mysqlerr.ER_TABLE_EXISTS_ERROR, "Table already exists")
	}
	return nil
}

// contextError explains a cancelled context: its cause, if that is an error for the client.
func contextError(c *sql.Context, err error) error {
	if !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	if c != nil {
		var own *mysqlerr.Error
		if errors.As(context.Cause(c), &own) {
			return own
		}
	}
	return mysqlerr.New(mysqlerr.ER_QUERY_INTERRUPTED).Because(err)
}
