package general

import (
	"slices"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/item"
)

// After each statement of this lane, and each SET, the dispatcher asks what variables say now. Each part of the answer is made anew only after one of
// the variables that it comes from has been given another value.

// told is what a session's variables say to the dispatcher.
type told struct {
	current tellings // those that are as the variables are

	settings      Settings // but for Database and Roles
	plain, zeros  bool     // Plain; temporary tables apart
	foreignChecks bool
	zoneName      string
	zone          *time.Location
	client        sql.CharacterSetID
	results       sql.CharacterSetID
}

// tellings is a set of parts of told.
type tellings uint8

const (
	toldSettings tellings = 1 << iota
	toldPlain
	toldForeign
	toldZone
	toldCharsets

	toldAll = toldSettings | toldPlain | toldForeign | toldZone | toldCharsets
)

// tellers are the variables that something is told of, all of them the session's own.
var tellers = map[string]tellings{"sql_mode": toldPlain, "sql_select_limit": toldPlain, "foreign_key_checks": toldForeign, "time_zone": toldZone,
	"character_set_client": toldCharsets, "character_set_results": toldCharsets}

func init() {
	for name := range plainValues {
		tellers[name] |= toldPlain
	}
	for _, name := range strings.Fields(`autocommit transaction_read_only tx_read_only transaction_isolation tx_isolation innodb_lock_wait_timeout lock_wait_timeout max_execution_time
		wait_timeout net_write_timeout max_allowed_packet long_query_time min_examined_row_limit completion_type profiling profiling_history_size`) {
		tellers[name] |= toldSettings
	}
}

// told returns what the variables say now.
func (s *Session) told() *told {
	t := &s.gms.told
	if t.current == toldAll {
		return t
	}
	missing := toldAll &^ t.current
	if missing&toldSettings != 0 {
		t.settings = s.readSettings()
	}
	if missing&toldPlain != 0 {
		t.plain, t.zeros = s.readPlain()
	}
	if missing&toldForeign != 0 {
		t.foreignChecks = integer(s.variable("foreign_key_checks")) != 0
	}
	if missing&toldZone != 0 {
		if name, _ := s.variable("time_zone").(string); name != t.zoneName {
			t.zoneName, t.zone = name, item.LocationOf(name)
		}
	}
	if missing&toldCharsets != 0 {
		t.client, t.results = sql.CharacterSet_utf8mb4, s.gms.GetCharacterSetResults()
		if name, ok := s.variable("character_set_client").(string); ok {
			if id, err := sql.ParseCharacterSet(name); err == nil {
				t.client = id
			}
		}
	}
	t.current = toldAll
	return t
}

// Settings returns the variables that concern the dispatcher.
func (s *Session) Settings() Settings {
	out := s.told().settings
	out.Database = s.gms.GetCurrentDatabase()
	if len(s.roles) > 0 {
		out.Roles = roleText(s.roles)
	}
	return out
}

// variable is a session variable's value, nil if there is none of that name.
func (s *Session) variable(name string) any {
	v, err := s.gms.GetSessionVariable(nil, name)
	if err != nil {
		return nil
	}
	return v
}

func (s *Session) readSettings() Settings {
	v := s.variable
	out := Settings{Autocommit: truth(v("autocommit")), ReadOnly: truth(v("transaction_read_only")), Isolation: table.RepeatableRead,
		LockWait: seconds(v("innodb_lock_wait_timeout")), MetadataWait: seconds(v("lock_wait_timeout")), MaxExecution: time.Duration(integer(v("max_execution_time"))) * time.Millisecond,
		WaitTimeout: seconds(v("wait_timeout")), NetWriteTimeout: seconds(v("net_write_timeout")), MaxAllowedPacket: uint64(integer(v("max_allowed_packet"))),
		LongQuery: queryTime(v("long_query_time")), MinExamined: uint64(integer(v("min_examined_row_limit"))),
		Profiling: truth(v("profiling")), Profiles: int(integer(v("profiling_history_size")))}
	if text, ok := v("transaction_isolation").(string); ok {
		out.Isolation = isolationOf(text)
	}
	switch text, _ := v("completion_type").(string); strings.ToUpper(text) {
	case "CHAIN":
		out.CompletionType = 1
	case "RELEASE":
		out.CompletionType = 2
	}
	return out
}

// readPlain is Plain but for what is no variable.
func (s *Session) readPlain() (ok, zeros bool) {
	const zero = "NO_AUTO_VALUE_ON_ZERO"
	mode, _ := s.variable("sql_mode").(string)
	modes := strings.Split(mode, ",")
	zeros = slices.Contains(modes, zero)
	for _, m := range modes {
		if m != zero && !plainModes[m] {
			return false, zeros
		}
	}
	for name, want := range plainValues {
		if v := s.variable(name); v != nil && integer(v) != want {
			return false, zeros
		}
	}
	// The library's default is 2^31-1, MySQL's 2^64-1.
	limit := s.variable("sql_select_limit")
	if u, ok := limit.(uint64); ok {
		return u >= 1<<31-1, zeros
	}
	return integer(limit) >= 1<<31-1, zeros
}
