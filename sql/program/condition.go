package program

import (
	"strings"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// Condition is an error or a warning in the diagnostics area.
type Condition struct {
	Code    mysqlerr.Code
	State   string
	Message string
	Warning bool              // it does not end the statement
	Note    bool              // a warning that no handler catches
	Items   map[string]string // CLASS_ORIGIN and the like, as SIGNAL set them
}

// class of a SQLSTATE.
type class uint8

const (
	classNone class = iota
	classWarning
	classNotFound
	classException
)

func classOf(state string) class {
	switch {
	case strings.HasPrefix(state, "00"):
		return classNone
	case strings.HasPrefix(state, "01"):
		return classWarning
	case strings.HasPrefix(state, "02"):
		return classNotFound
	}
	return classException
}

// match is what a handler or a condition name stands for: exactly one of its fields is set.
type match struct {
	code  mysqlerr.Code
	state string
	class class
}

// rank tells how well m fits c: 3 by number, 2 by SQLSTATE, 1 by class, 0 not at all.
func (m match) rank(c *Condition) int {
	switch {
	case m.code != 0:
		if m.code == c.Code {
			return 3
		}
	case m.state != "":
		if m.state == c.State {
			return 2
		}
	default:
		of := classOf(c.State)
		if c.Warning && of == classException {
			of = classWarning // a warning whose number is an error's
		}
		if m.class == of {
			return 1
		}
	}
	return 0
}

func conditionOf(err error) *Condition {
	e := mysqlerr.From(err)
	return &Condition{Code: e.Code, State: e.State, Message: e.Message}
}

// item returns an item of condition information.
func (c *Condition) item(name string) any {
	switch name {
	case "RETURNED_SQLSTATE":
		return c.State
	case "MYSQL_ERRNO":
		return int64(c.Code)
	case "MESSAGE_TEXT":
		return c.Message
	}
	if v, ok := c.Items[name]; ok {
		return v
	}
	switch name {
	case "CLASS_ORIGIN", "SUBCLASS_ORIGIN":
		if name == "CLASS_ORIGIN" && (strings.HasPrefix(c.State, "HY") || c.State >= "A") && !strings.HasPrefix(c.State, "XA") {
			return "MySQL"
		}
		return "ISO 9075"
	}
	return ""
}
