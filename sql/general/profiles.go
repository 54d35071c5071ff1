package general

import (
	"fmt"
	"strconv"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/perfschema"
)

// SHOW PROFILES, SHOW PROFILE and information_schema.PROFILING: how long the stages of the session's last statements took, while @@profiling was on.
// What the system counts by thread (CPU, context switches, faults) is NULL, as where MySQL's platform does not tell it: statements here change threads.

// Profile is how a statement went.
type Profile struct {
	ID     int
	Text   string
	Took   time.Duration
	Stages []ProfileStage
}

// ProfileStage is a part of it.
type ProfileStage = perfschema.Stage

func (s *Session) profiles() []Profile {
	if s.hooks.Profiles == nil {
		return nil
	}
	return s.hooks.Profiles()
}

// seconds6 and seconds8 are durations as the table and the statements show them.
func seconds8(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 8, 64) }
func seconds6(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 6, 64) }

func showProfiles() *Statement {
	return outdated(texts("Query_ID", "Duration", "Query"), "SHOW PROFILES", "Performance Schema", func(_ *sql.Context, s *Session) (rows []sql.Row, _ error) {
		for _, p := range s.profiles() {
			rows = append(rows, sql.Row{fmt.Sprint(p.ID), seconds8(p.Took), p.Text})
		}
		return rows, nil
	})
}

// profileColumns are those that each word of SHOW PROFILE adds.
var profileColumns = map[string][]string{"CPU": {"CPU_user", "CPU_system"}, "CONTEXT": {"Context_voluntary", "Context_involuntary"}, "BLOCK": {"Block_ops_in", "Block_ops_out"},
	"IPC": {"Messages_sent", "Messages_received"}, "PAGE": {"Page_faults_major", "Page_faults_minor"}, "SWAPS": {"Swaps"},
	"SOURCE": {"Source_function", "Source_file", "Source_line"}, "MEMORY": nil}

// showProfile: SHOW PROFILE [type, ...] [FOR QUERY n] [LIMIT n [OFFSET n]].
func (s *Session) showProfile(t *lexer.Cursor) (*Statement, error) {
	t.Pos = 2
	order := []string{"CPU", "CONTEXT", "BLOCK", "IPC", "PAGE", "SWAPS", "SOURCE"}
	asked := map[string]bool{}
	for w := t.Word(0); !t.End() && w != "FOR" && w != "LIMIT"; w = t.Word(0) {
		_, known := profileColumns[w]
		switch {
		case w == "ALL":
			for _, o := range order {
				asked[o] = true
			}
		case !known:
			return nil, s.wrong(t)
		}
		asked[w] = true
		t.Pos++
		if w == "CONTEXT" && !t.Accept("SWITCHES") || w == "BLOCK" && !t.Accept("IO") || w == "PAGE" && !t.Accept("FAULTS") {
			return nil, s.wrong(t)
		}
		if !t.Accept(",") {
			break
		}
	}
	number := func(to *int) bool {
		n, err := strconv.Atoi(t.At(0))
		*to = n
		ok := t.Kind(0) == lexer.Int && err == nil
		t.Pos++
		return ok
	}
	id, limit, offset := -1, -1, 0
	if t.Accept("FOR") && !(t.Accept("QUERY") && number(&id)) {
		return nil, s.wrong(t)
	}
	if t.Accept("LIMIT") && (!number(&limit) || t.Accept("OFFSET") && !number(&offset)) {
		return nil, s.wrong(t)
	}
	if !t.End() {
		return nil, s.wrong(t)
	}
	columns := []string{"Status", "Duration"}
	for _, o := range order {
		if asked[o] {
			columns = append(columns, profileColumns[o]...)
		}
	}
	return outdated(texts(columns...), "SHOW PROFILE", "Performance Schema", func(_ *sql.Context, s *Session) (rows []sql.Row, _ error) {
		kept := s.profiles()
		for i, p := range kept {
			if id >= 0 && p.ID != id || id < 0 && i < len(kept)-1 {
				continue
			}
			for _, st := range p.Stages {
				r := make(sql.Row, len(columns))
				r[0], r[1] = st.Name, seconds6(st.Took)
				rows = append(rows, r)
			}
		}
		rows = rows[min(offset, len(rows)):]
		if limit >= 0 {
			rows = rows[:min(limit, len(rows))]
		}
		return rows, nil
	}), nil
}

// profileSeconds is the type of a stage's time.
var profileSeconds = types.MustCreateDecimalType(9, 6)

// profilingTable is information_schema.PROFILING.
func profilingTable(*Engine) *ownTable {
	t := &ownTable{name: "PROFILING", schema: infoColumns("PROFILING", "#QUERY_ID", "#SEQ", "STATE", "DURATION", "CPU_USER", "CPU_SYSTEM", "#CONTEXT_VOLUNTARY", "#CONTEXT_INVOLUNTARY",
		"#BLOCK_OPS_IN", "#BLOCK_OPS_OUT", "#MESSAGES_SENT", "#MESSAGES_RECEIVED", "#PAGE_FAULTS_MAJOR", "#PAGE_FAULTS_MINOR", "#SWAPS", "SOURCE_FUNCTION", "SOURCE_FILE", "#SOURCE_LINE")}
	t.schema[3].Type = profileSeconds
	t.rows = func(c *sql.Context) ([]sql.Row, error) {
		var rows []sql.Row
		for _, p := range sessionOf(c).profiles() {
			for i, st := range p.Stages {
				v, _, err := profileSeconds.Convert(c, seconds6(st.Took))
				if err != nil {
					return nil, err
				}
				r := make(sql.Row, len(t.schema))
				r[0], r[1], r[2], r[3] = uint64(p.ID), uint64(i+2), st.Name, v
				rows = append(rows, r)
			}
		}
		return rows, nil
	}
	return t
}
