package general

import (
	"strings"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// alterOptions are the ALGORITHM and LOCK clauses of ALTER TABLE, CREATE INDEX and DROP INDEX, and whether a rebuild was asked for.
type alterOptions struct {
	algorithm string // DEFAULT, INSTANT, INPLACE, COPY
	lock      string // DEFAULT, NONE, SHARED, EXCLUSIVE
	force     bool   // FORCE, or ENGINE=: the rows are to be written anew
}

// readAlterOptions finds the clauses in a statement's text: the grammar drops them.
func readAlterOptions(text string) (alterOptions, error) {
	o := alterOptions{algorithm: "DEFAULT", lock: "DEFAULT"}
	t := lexer.NewCursor(text, 0, grammar.MaxTokens)
	depth := 0
	for ; !t.End(); t.Pos++ {
		switch t.At(0) {
		case "(":
			depth++
		case ")":
			depth--
		}
		if depth > 0 {
			continue
		}
		v, written := t.Word(1), t.At(1)
		if written == "=" {
			v, written = t.Word(2), t.At(2)
		} else if grammar.BeforeName(t.Word(-1)) || t.At(-1) == "." {
			continue
		}
		switch t.Word(0) {
		case "ALGORITHM":
			switch v {
			case "DEFAULT", "INSTANT", "INPLACE", "COPY":
				o.algorithm = v
			default:
				return o, mysqlerr.New(mysqlerr.ER_UNKNOWN_ALTER_ALGORITHM, written)
			}
		case "LOCK":
			switch v {
			case "DEFAULT", "NONE", "SHARED", "EXCLUSIVE":
				o.lock = v
			default:
				return o, mysqlerr.New(mysqlerr.ER_UNKNOWN_ALTER_LOCK, written)
			}
		case "FORCE":
			o.force = true
		case "ENGINE":
			o.force = o.force || v != ""
		}
	}
	if o.algorithm == "INSTANT" && o.lock != "DEFAULT" {
		return o, mysqlerr.New(mysqlerr.ER_WRONG_USAGE, "ALGORITHM=INSTANT", "LOCK=NONE/SHARED/EXCLUSIVE")
	}
	return o, nil
}

// Kinds of ALTER TABLE, by how MySQL gets to the new table.
type alterKind uint8

const (
	alterInstant alterKind = iota
	alterInplace
	alterCopy // why says what stands against INPLACE, "" if MySQL does not
)

// permit answers the ALGORITHM and LOCK clauses of a statement of that kind as MySQL does. noneReason, if not "", is why LOCK=NONE is refused.
func (o *alterOptions) permit(kind alterKind, why, noneReason string) error {
	switch {
	case o.algorithm == "INSTANT" && kind == alterInplace:
		return mysqlerr.New(mysqlerr.ER_ALTER_OPERATION_NOT_SUPPORTED, "ALGORITHM=INSTANT", "ALGORITHM=COPY/INPLACE")
	case o.algorithm != "DEFAULT" && o.algorithm != "COPY" && kind == alterCopy && why == "":
		return mysqlerr.New(mysqlerr.ER_ALTER_OPERATION_NOT_SUPPORTED, "ALGORITHM="+o.algorithm, "ALGORITHM=COPY")
	case o.algorithm != "DEFAULT" && o.algorithm != "COPY" && kind == alterCopy:
		return mysqlerr.New(mysqlerr.ER_ALTER_OPERATION_NOT_SUPPORTED_REASON, "ALGORITHM="+o.algorithm, why, "ALGORITHM=COPY")
	case o.lock == "NONE" && o.algorithm == "COPY":
		return mysqlerr.New(mysqlerr.ER_ALTER_OPERATION_NOT_SUPPORTED_REASON, "LOCK=NONE", "COPY algorithm requires a lock", "LOCK=SHARED")
	case o.lock == "NONE" && kind == alterCopy && why == "":
		return mysqlerr.New(mysqlerr.ER_ALTER_OPERATION_NOT_SUPPORTED, "LOCK=NONE", "LOCK=SHARED")
	case o.lock == "NONE" && kind == alterCopy:
		return mysqlerr.New(mysqlerr.ER_ALTER_OPERATION_NOT_SUPPORTED_REASON, "LOCK=NONE", why, "LOCK=SHARED")
	case o.lock == "NONE" && noneReason != "":
		return mysqlerr.New(mysqlerr.ER_ALTER_OPERATION_NOT_SUPPORTED_REASON, "LOCK=NONE", noneReason, "LOCK=SHARED")
	}
	return nil
}

// online reports whether the table stays open to others: unless a lock was asked for.
func (o *alterOptions) online() bool { return o.lock == "DEFAULT" || o.lock == "NONE" }

// Reasons against an algorithm, as MySQL words them.
const (
	whyColumnType  = "Cannot change column type INPLACE"
	whyForeignKeys = "Adding foreign keys needs foreign_key_checks=OFF"
	whyNoKey       = "Dropping a primary key is not allowed without also adding a new primary key"
	whyFulltext    = "Fulltext index creation requires a lock"
	whyAutoInc     = "Adding an auto-increment column requires a lock"
)

// widened reports whether a column of one type holds the values of another as they are: a longer VARCHAR or VARBINARY, an ENUM or SET with
// members added at its end.
func widened(from, to string) bool {
	a, b := strings.ToLower(from), strings.ToLower(to)
	for _, kind := range []string{"varchar(", "varbinary("} {
		if strings.HasPrefix(a, kind) && strings.HasPrefix(b, kind) {
			an, arest, aok := cutLength(a[len(kind):])
			bn, brest, bok := cutLength(b[len(kind):])
			return aok && bok && arest == brest && bn >= an
		}
	}
	for _, kind := range []string{"enum(", "set("} {
		if strings.HasPrefix(a, kind) && strings.HasPrefix(b, kind) {
			i, j := strings.LastIndexByte(from, ')'), strings.LastIndexByte(to, ')')
			if i < 0 || j < 0 || from[i:] != to[j:] {
				return false
			}
			return strings.HasPrefix(to[len(kind):j]+",", from[len(kind):i]+",")
		}
	}
	return false
}

func cutLength(s string) (n int, rest string, ok bool) {
	i := strings.IndexByte(s, ')')
	if i <= 0 {
		return 0, "", false
	}
	for _, c := range s[:i] {
		if c < '0' || c > '9' || n > 1<<24 {
			return 0, "", false
		}
		n = 10*n + int(c-'0')
	}
	return n, s[i:], true
}

// progress shows how far a build is in the session's process list entry.
func (s *Session) progress(p table.BuildProgress) {
	if s.hooks.Stage != nil {
		s.hooks.Stage("stage/innodb/"+p.Stage, p.Done, p.Total)
	}
}
