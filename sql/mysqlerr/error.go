// Package mysqlerr owns the errors a MySQL client can see: code, SQLSTATE and message, as MySQL 8.0 defines
// them. It depends on nothing, so that every floor of sql/ may use it.
//
// The table lives in errors.txt (one error a line); codes.go is generated from it. Invariant: a code has exactly
// one SQLSTATE and one message format, and the number of arguments given to New matches the format (a test
// checks the table; New tolerates a mismatch, since an error path must not fail on its own).
package mysqlerr

import (
	"errors"
	"fmt"
	"strings"
)

//go:generate go run gen.go

// Code is a MySQL server error number.
type Code uint16

// UnknownState is the SQLSTATE of errors that have none of their own.
const UnknownState = "HY000"

// Error is what an ERR packet carries. It is immutable once made and may be shared between goroutines.
type Error struct {
	Code    Code
	State   string // SQLSTATE, always five characters
	Message string
	cause   error
}

// entry is one line of the table.
type entry struct {
	name, state, format string
}

// New makes the error of a code, formatting its message with args (fmt verbs %s, %d and friends).
// A code that the table does not know gets SQLSTATE HY000 and the args printed plainly.
func New(code Code, args ...any) *Error {
	e, ok := table[code]
	if !ok {
		return &Error{Code: code, State: UnknownState, Message: fmt.Sprint(args...)}
	}
	msg := e.format
	if len(args) > 0 {
		msg = fmt.Sprintf(e.format, args...)
	}
	return &Error{Code: code, State: e.state, Message: msg}
}

// Syntax is ER_PARSE_ERROR (1064) of a text that cannot be read from its byte at on. It names at most 80 bytes from there, and the line.
func Syntax(text string, at int) *Error {
	at = min(at, len(text))
	near := text[at:]
	if len(near) > maxNear {
		near = near[:maxNear]
	}
	return NewMessage(ER_PARSE_ERROR, "You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version for the right syntax to use near '%s' at line %d",
		strings.ToValidUTF8(near, "?"), 1+strings.Count(text[:at], "\n"))
}

// maxNear is how much of a statement MySQL shows of where it stopped reading.
const maxNear = 80

// NewMessage makes an error of a code with the code's SQLSTATE and a message of the caller's own.
func NewMessage(code Code, format string, args ...any) *Error {
	msg := format
	if len(args) > 0 {
		msg = fmt.Sprintf(format, args...)
	}
	return &Error{Code: code, State: State(code), Message: msg}
}

// Signal makes an error whose every part the caller chose, as SIGNAL and RESIGNAL do. A state that is not five
// characters long becomes HY000.
func Signal(code Code, state, message string) *Error {
	if len(state) != 5 {
		state = UnknownState
	}
	return &Error{Code: code, State: state, Message: message}
}

// Because returns a copy of e that unwraps to cause. The cause is for logs, it is never sent to a client.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// Error prints the error as the mysql client does.
func (e *Error) Error() string {
	return fmt.Sprintf("ERROR %d (%s): %s", e.Code, e.State, e.Message)
}

// Unwrap returns the cause, if Because gave one.
func (e *Error) Unwrap() error { return e.cause }

// Is reports whether target is an *Error of the same code, so that errors.Is(err, mysqlerr.New(code)) works.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// State returns the SQLSTATE of a code, HY000 when the table does not know it.
func State(code Code) string {
	if e, ok := table[code]; ok {
		return e.state
	}
	return UnknownState
}

// Name returns the symbol of a code (ER_DUP_ENTRY), "" when the table does not know it.
func Name(code Code) string { return table[code].name }

// Lookup finds the code of a symbol (ER_DUP_ENTRY). It scans the table: not for hot paths.
func Lookup(name string) (Code, bool) {
	for c, e := range table {
		if e.name == name {
			return c, true
		}
	}
	return 0, false
}

// From returns the *Error within err's chain. Any other error becomes ER_UNKNOWN_ERROR (1105, HY000) with err's
// text as its message and err as its cause; nil stays nil.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return NewMessage(ER_UNKNOWN_ERROR, "%s", err.Error()).Because(err)
}

// IsCode reports whether err's chain holds an *Error of the code.
func IsCode(err error, code Code) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == code
}
